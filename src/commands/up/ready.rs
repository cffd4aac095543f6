//! What `up` prints about a cluster that is ready.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::act::{Bucket, Written};
use crate::commands::{Context, counted};
use crate::observe::{Observed, listed};
use crate::plan::Role;
use crate::plan::cluster::{HTTPFS_PORT, OM_PORT, RECON_PORT, SCM_PORT};
use crate::plan::monitoring::{GRAFANA_PORT, PROMETHEUS_PORT};
use crate::site::Site;

/// The width of the narrowest terminal.
const COLUMNS: usize = 80;

/// What a start has done.
pub(in crate::commands) struct Started<'a> {
    /// How long it took.
    pub(in crate::commands) elapsed: Duration,
    /// The chosen buckets.
    pub(in crate::commands) buckets: &'a [Bucket],
    /// The objects of `seed`.
    pub(in crate::commands) objects: Written,
}

/// Says that a cluster is ready, and returns its endpoint.
pub(in crate::commands) fn announce(
    site: &Site,
    observed: &Observed,
    started: &Started<'_>,
    context: &Context,
) -> Option<String> {
    let host = site.host(&context.engine);
    let https = observed.https(&host);
    let http = https.as_ref().and_then(|_| observed.http(&host));
    let endpoint = https.or_else(|| observed.endpoint(&host))?;
    let pages = [
        ("statistics", observed.stats(&host).map(|place| format!("{place}/stats"))),
        ("scm", observed.page(Role::Scm, SCM_PORT, &host)),
        ("om", observed.page(Role::Om, OM_PORT, &host)),
        ("recon", observed.page(Role::Recon, RECON_PORT, &host)),
        ("httpfs", observed.page(Role::Httpfs, HTTPFS_PORT, &host)),
        ("prometheus", observed.page(Role::Monitoring, PROMETHEUS_PORT, &host)),
        ("grafana", observed.page(Role::Monitoring, GRAFANA_PORT, &host)),
    ];
    let virtual_hosts = site.virtual_hosts(&endpoint);
    let ready = Ready {
        cluster: &site.name,
        seconds: (started.elapsed.as_secs_f64() * 10.0).round() / 10.0,
        gateways: site.spec.gateways.get(),
        endpoint: &endpoint,
        virtual_hosts: &virtual_hosts,
        http,
        pages: pages.into_iter().filter_map(|(name, place)| Some((name, place?))).collect(),
        buckets: started.buckets,
        objects: started.objects,
    };
    context.ui.tell("ready", &ready, &ready.words(site));
    Some(endpoint)
}

/// What to report about a cluster that is ready.
#[derive(Debug, Serialize)]
struct Ready<'a> {
    cluster: &'a str,
    /// Since the start, to the tenth.
    seconds: f64,
    gateways: u32,
    endpoint: &'a str,
    /// The same with each domain instead of the host.
    virtual_hosts: &'a [String],
    /// The same over http, where the endpoint is https and http is published too.
    #[serde(skip)]
    http: Option<String>,
    /// Pages for people, by what they are of.
    pages: BTreeMap<&'static str, String>,
    buckets: &'a [Bucket],
    objects: Written,
}

impl Ready<'_> {
    /// The same for people, in lines that fit 80 columns where folders and hosts are short, with what to type next.
    fn words(&self, site: &Site) -> String {
        let gateways = counted(self.gateways as usize, "S3 gateway");
        let page = |name: &str| self.pages.get(name).cloned().unwrap_or_default();
        let rows = [
            ("drained", drained(site).unwrap_or_default()),
            ("endpoint", self.endpoint.to_owned()),
            ("http", self.http.clone().unwrap_or_default()),
            ("per bucket", self.virtual_hosts.join(", ").replace("://", "://BUCKET.")),
            ("buckets", self.names_of_buckets()),
            ("objects", self.objects()),
            ("variables", format!("eval \"$({})\"", site.command("env"))),
            ("status", site.command("status")),
            ("statistics", page("statistics")),
            ("SCM", page("scm")),
            ("OM", page("om")),
            ("Recon", page("recon")),
            ("HttpFS", page("httpfs")),
            ("Prometheus", page("prometheus")),
            ("Grafana", page("grafana")),
            ("remove", site.command("down")),
        ];
        let first = format!(
            "cluster `{}` is ready after {:.1} s: {gateways} behind HAProxy",
            self.cluster, self.seconds
        );
        let rows = rows.iter().filter(|(_, value)| !value.is_empty());
        rows.fold(first, |text, (name, value)| format!("{text}\n  {name:<10}  {value}"))
    }

    fn objects(&self) -> String {
        match self.objects {
            Written { written: 0, kept: 0 } => String::new(),
            Written { written, kept: 0 } => format!("{written} written"),
            Written { written, kept } => {
                format!("{written} written, {kept} there already with the same size")
            }
        }
    }

    /// All of them, or how many where the line would be long.
    fn names_of_buckets(&self) -> String {
        let name = |one: &Bucket| {
            if one.made { one.name.clone() } else { format!("{} (there already)", one.name) }
        };
        let names = self.buckets.iter().map(name).collect::<Vec<_>>().join(", ");
        let made = self.buckets.iter().filter(|one| one.made).count();
        if names.len() <= COLUMNS - 14 {
            names
        } else {
            format!("{}, {made} of them made now", self.buckets.len())
        }
    }
}

/// Which gateways get no requests, and until when; none where all do.
pub(in crate::commands) fn drained(site: &Site) -> Option<String> {
    let names = &site.spec.drained;
    (!names.is_empty()).then(|| format!("{}, until `{}`", listed(names), site.command("resume")))
}
