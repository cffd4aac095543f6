//! What a [`Spec`] means: containers, Ozone's settings, HAProxy's lines. Pure: no disk, clock or environment.
//!
//! Does not know how any of it is rendered.

pub mod balancer;
pub mod chart;
pub mod cluster;
mod draining;
mod jvm;
pub mod kerberos;
pub mod limits;
pub mod machine;
pub mod monitoring;
pub mod overlay;
pub mod requirements;
pub mod settings;
pub mod stack;

use std::str::FromStr;

use serde::Serialize;

use balancer::{BALANCER_SERVICE, Balancer};
use chart::Chart;
use cluster::Cluster;
use kerberos::{KDC, Kerberos};
use monitoring::Monitoring;
use overlay::{Config, Overlay};
use settings::{Facts, Group, settings};
use stack::Stack;

use crate::spec::Spec;
use crate::spec::options::Opt;
use crate::spec::values::{Heap, Profile, Target};

/// Port of the S3 API in a container (`ozone.s3g.http-address`).
pub const S3_PORT: u32 = 9878;
/// Port of the S3 API over https in the balancer's container.
pub const HTTPS_PORT: u32 = 9879;
/// Port of the balancer's container where http is answered with a redirect to https; there [`S3_PORT`] stays S3.
pub const REDIRECT_PORT: u32 = 9880;
/// Port of a gateway's web pages in a container (`ozone.s3g.webadmin.http-address`).
pub const WEBADMIN_PORT: u32 = 19878;
/// Port of HAProxy's own pages in its container.
pub const STATS_PORT: u32 = 8404;

/// Socket of HAProxy's master process in its container, all else of which is read-only. A tmpfs of our own would be
/// closed to HAProxy once the container starts again: runc up to 1.1 gives it the mode of the folder that it made.
pub const MASTER_SOCKET: &str = "/dev/shm/master.sock";

/// The folder in which HAProxy finds its certificate in its container.
pub const CERTIFICATE_FOLDER: &str = "/usr/local/etc/haproxy-tls";
/// The folder of all its files on Swarm.
pub const FILES_FOLDER: &str = "/srv/haproxy/current";
/// The name of the certificate in either folder.
pub const CERTIFICATE_FILE: &str = "s3.pem";

/// What a container, volume or network of this tool is for: the value of its role label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "Ozone's and HAProxy's own words")]
pub enum Role {
    Balancer,
    Files,
    Gateway,
    Om,
    Datanode,
    Scm,
    Kdc,
    Recon,
    Httpfs,
    Monitoring,
    Network,
}

impl Role {
    /// Roles of containers, in the order in which a cluster stops: clients before the services that they use.
    pub const OF_CONTAINERS: [Self; 10] = [
        Self::Monitoring,
        Self::Balancer,
        Self::Files,
        Self::Gateway,
        Self::Httpfs,
        Self::Recon,
        Self::Om,
        Self::Datanode,
        Self::Scm,
        Self::Kdc,
    ];

    /// Roles with a volume of data that nothing else has.
    pub const OF_DATA: [Self; 3] = [Self::Om, Self::Datanode, Self::Scm];

    /// The value of the label.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Balancer => "balancer",
            Self::Files => "files",
            Self::Gateway => "gateway",
            Self::Om => "om",
            Self::Datanode => "datanode",
            Self::Scm => "scm",
            Self::Kdc => "kdc",
            Self::Recon => "recon",
            Self::Httpfs => "httpfs",
            Self::Monitoring => "monitoring",
            Self::Network => "network",
        }
    }
}

impl FromStr for Role {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::OF_CONTAINERS.into_iter().chain([Self::Network]).find(|role| role.word() == word).ok_or(())
    }
}

/// Everything the templates need, in ready lists.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which templates.
    pub profile: Profile,
    /// HAProxy's configuration.
    pub balancer: Balancer,
    /// Balancer and gateways as containers of Compose.
    pub overlay: Option<Overlay>,
    /// Ozone itself as containers of Compose.
    pub cluster: Option<Cluster>,
    /// All of it as services of Swarm, in the place of both.
    pub stack: Option<Stack>,
    /// All of it for Kubernetes, likewise.
    pub chart: Option<Chart>,
    /// A KDC, and what the others need to reach it, for Compose; none where there is no security.
    pub kerberos: Option<Kerberos>,
    /// Prometheus and Grafana; none where nothing watches the cluster.
    pub monitoring: Option<Monitoring>,
    /// Ozone's settings; empty where Ozone is left to other files.
    pub settings: Vec<Group>,
    /// The Compose files that make up the cluster, in order; empty where Ozone is left to other files.
    pub compose_files: Vec<String>,
}

impl Plan {
    /// What `spec` means; `overrides` are Compose files that a person put beside the generated ones.
    #[must_use]
    pub fn new(spec: &Spec, overrides: &[String]) -> Self {
        let (cluster, overlay) = (Cluster::new(spec), Overlay::new(spec));
        let kerberos = Kerberos::new(spec, cluster.as_ref(), overlay.as_ref());
        let monitoring = Monitoring::new(spec, cluster.as_ref());
        let (mut groups, mut compose_files) = (Vec::new(), Vec::new());
        let (mut stack, mut chart) = (None, None);
        if let Some(cluster) = &cluster {
            let names = cluster.services.iter().map(|service| service.name.clone());
            groups = settings(&Facts {
                version: spec.version.clone(),
                profile: spec.profile,
                replication: spec.replication.datanodes(),
                scms: spec.scm_names(),
                oms: spec.om_names(),
                services: names
                    .chain([BALANCER_SERVICE.to_owned()])
                    .chain(kerberos.as_ref().map(|_| KDC.to_owned()))
                    .collect(),
                secure: kerberos.is_some(),
                recon: spec.recon.is_some(),
                httpfs: spec.httpfs.is_some(),
            });
            match (spec.target, &overlay) {
                (Target::Swarm, Some(overlay)) => {
                    stack = Some(Stack::new(cluster, overlay, kerberos.as_ref(), spec));
                }
                (Target::Helm, Some(overlay)) => chart = Some(Chart::new(cluster, overlay, &groups, spec)),
                _ => {
                    compose_files = vec!["docker-compose.yaml".to_owned(), "s3-haproxy.yaml".to_owned()];
                    compose_files.extend(kerberos.as_ref().map(|_| "kerberos.yaml".to_owned()));
                    compose_files.extend(monitoring.as_ref().map(|_| "monitoring.yaml".to_owned()));
                    compose_files.extend_from_slice(overrides);
                }
            }
        }
        let is_compose = stack.is_none() && chart.is_none();
        Self {
            profile: spec.profile,
            balancer: Balancer::new(spec),
            overlay: overlay.filter(|_| is_compose),
            cluster: cluster.filter(|_| is_compose),
            stack,
            chart,
            kerberos: kerberos.filter(|_| is_compose),
            monitoring,
            settings: groups,
            compose_files,
        }
    }

    /// Whether there is a KDC.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.kerberos.is_some() || self.stack.as_ref().is_some_and(|stack| stack.kerberos.is_some())
    }

    /// Whether a file for the engine has HAProxy's files, or their digests, in it.
    #[must_use]
    pub fn embeds_haproxy(&self) -> bool {
        self.stack.is_some()
            || self.chart.is_some()
            || self.overlay.as_ref().is_some_and(|overlay| overlay.configs.is_some())
    }

    /// Gives it HAProxy's files, where a file for the engine has them in it.
    pub fn embed_haproxy(&mut self, files: Vec<Config>) {
        if let Some(stack) = &mut self.stack {
            stack.set_configs(&files);
        }
        if let Some(configs) = self.overlay.as_mut().and_then(|overlay| overlay.configs.as_mut()) {
            *configs = files;
        } else if let Some(chart) = &mut self.chart {
            chart.set_configs(files);
        }
    }

    /// Sum of the largest heaps of all JVMs, in MiB: the least memory that the machine must have.
    #[must_use]
    pub fn heap_mebibytes(spec: &Spec) -> u32 {
        of_all_jvms(spec, Heap::mebibytes)
    }

    /// Sum of the limits of their containers, in MiB; none in the profile `upstream`, which has none.
    #[must_use]
    pub fn limit_mebibytes(spec: &Spec) -> Option<u32> {
        (spec.profile == Profile::Tuned).then(|| of_all_jvms(spec, limits::most_mebibytes))
    }
}

/// Adds up what follows from the heap of each JVM.
fn of_all_jvms(spec: &Spec, of: impl Fn(Heap) -> u32) -> u32 {
    let memory = &spec.memory;
    let gateways = spec.gateways.get() * of(memory.gateway);
    if !spec.has_cluster() {
        return gateways;
    }
    let (scms, oms) = (spec.scms.get() * of(memory.scm), spec.oms.get() * of(memory.om));
    let recon = spec.recon.map_or(0, |_| of(memory.om));
    let httpfs = spec.httpfs.map_or(0, |_| of(memory.gateway));
    gateways + scms + oms + recon + httpfs + spec.datanodes.get() * of(memory.datanode)
}

/// The variable that may replace the value of a key in the generated Compose files.
fn variable(key: &str) -> String {
    Opt::with_key(key).map(Opt::variable).unwrap_or_default()
}
