//! `status`: containers, who leads where several could, and gateways as HAProxy sees them.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::Context;
use super::change::unfinished_upgrade;
use super::fault::active_fault;
use crate::cli::{self, Format};
use crate::engine::objects::Container;
use crate::engine::{Engine, evidence};
use crate::error::Status;
use crate::haproxy::Gateway;
use crate::jmx;
use crate::observe::condition::{Condition, Evidence};
use crate::observe::{BalancerState, GatewayId, Member, Observed};
use crate::plan::Role;
use crate::plan::cluster::{OM_PORT, SCM_PORT};
use crate::site::Site;
use crate::spec::Tls;
use crate::spec::values::{Discovery, Target};
use crate::steps::refuse_elsewhere;
use crate::tls;
use crate::ui::table;

/// Runs the verb.
pub fn run(arguments: &cli::Status, context: &Context) -> Result<Status> {
    let path = &arguments.folder.folder;
    let site = Site::of_any_target(path)?;
    let observed = Observed::of(&context.engine, &site.spec, path)?;
    refuse_elsewhere(&site, &observed)?;
    let gateways = rows(&site, &observed);
    let leaders = leaders(&site, &observed, &context.engine);
    let host = site.host(&context.engine);
    let endpoint = observed.endpoint(&host);
    let https = observed.https(&host);
    let days = https.as_ref().and_then(|_| tls::days_until_end(path, observed.at));
    let stats = observed.stats(&host).map(|stats| format!("{stats}/stats"));
    if arguments.format == Format::Json {
        let object = json!({
            "cluster": site.name,
            "endpoint": endpoint,
            "https": https,
            "certificate_days": days,
            "stats": stats,
            "containers": observed.rows(),
            "leaders": leaders,
            "gateways": gateways,
        });
        context.ui.object("status", &object)?;
        return Ok(Status::Done);
    }
    if observed.members.is_empty() {
        context.ui.say(&format!(
            "cluster `{}` has no containers; `{}` starts it",
            site.name,
            site.command("up")
        ));
        return Ok(Status::Done);
    }
    let row = |role: &str, container: &Container| {
        let service = container.service().to_owned();
        let leads = leaders.values().flatten().any(|leader| *leader == service);
        let role = if leads { format!("{role}, leads") } else { role.to_owned() };
        [service, role, container.state.word().to_owned(), container.status.clone()]
    };
    let ours = observed.members.iter().map(|member| row(member.role.word(), &member.container));
    let others = observed.additions.iter().chain(&observed.foreign).map(|other| row("", other));
    let lines: Vec<_> = ours.chain(others).collect();
    context.ui.data(&table(["SERVICE", "ROLE", "STATE", "STATUS"], &lines))?;
    let row = |row: &Row| {
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let count = |count: Option<u64>| count.map_or(String::new(), |count| count.to_string());
        let Row { name, explanation, check, sessions, requests, errors, .. } = row;
        let counts = [sessions, requests, errors].map(|number| count(*number));
        let [sessions, requests, errors] = counts;
        // HAProxy marks a check that goes on with a star.
        let check = word(check).trim_start_matches("* ").to_owned();
        [name.clone(), explanation.clone(), row.in_haproxy(), check, sessions, requests, errors]
    };
    let lines: Vec<_> = gateways.iter().map(row).collect();
    let heading = ["GATEWAY", "CONDITION", "HAPROXY", "CHECK", "IN FLIGHT", "REQUESTS", "ERRORS"];
    context.ui.data(&format!("\n{}", table(heading, &lines)))?;
    let images = observed.images();
    if images.len() > 1 {
        let rows: Vec<_> = images.into_iter().map(|(image, services)| [image, services.join(", ")]).collect();
        context.ui.data(&format!("\n{}", table(["IMAGE", "SERVICES"], &rows)))?;
    }
    if let BalancerState::NoAnswer(why) = &observed.balancer {
        context.ui.say(&format!("\nHAProxy does not answer: {why}"));
    }
    if observed.of_role(Role::Kdc).any(|one| one.container.has_ended()) {
        context.ui.say(&format!(
            "\nwarning: the KDC has ended: running services continue until their tickets expire, 24 h at most, and nothing else \
             starts; `{}` starts it",
            site.starting_command(&observed)
        ));
    }
    if let Some(warning) = site.warning_of_down_services(&observed) {
        context.ui.say(&format!("\n{warning}"));
    }
    if let Some(unfinished) = unfinished_upgrade(&site, &observed) {
        context.ui.say(&format!("\n{unfinished}"));
    }
    if let Some(warning) = active_fault(&site)? {
        context.ui.say(&format!("\n{warning}"));
    }
    if let Some(warning) = days.and_then(tls::ending) {
        context.ui.say(&format!("\nwarning: {warning}; {}", renewal(&site)));
    }
    context.ui.say(&match endpoint {
        Some(endpoint) if observed.loaded().is_some() && !gateways.iter().any(Row::serves) => {
            let has_ended = observed.members.iter().any(|member| member.container.has_ended());
            let start = site.starting_command(&observed);
            let start =
                if has_ended { format!("; `{start}` starts what does not run") } else { String::new() };
            format!("\nno gateway serves: {endpoint} answers each request with an error{start}")
        }
        Some(endpoint) => {
            let other = https.filter(|https| *https != endpoint);
            format!("\nS3 is at {endpoint}{}", other.map(|https| format!(" and {https}")).unwrap_or_default())
        }
        None => format!("\nno balancer runs; `{}` starts it", site.starting_command(&observed)),
    });
    Ok(Status::Done)
}

/// What to do about a certificate that expires.
pub(super) fn renewal(site: &Site) -> String {
    let reload = site.command("reload");
    match &site.spec.balancer.tls {
        Some(Tls::Own { certificate, .. }) => {
            format!("put a newer one into `{}` and `{reload}`", certificate.path().display())
        }
        _ => format!("`{reload}` makes a new one"),
    }
}

/// A gateway: its condition, its container where it has one, and what HAProxy reports about it, if anything.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    condition: Condition,
    explanation: String,
    pending: Option<&'static str>,
    container: Option<String>,
    address: Option<String>,
    state: Option<String>,
    /// Its share in HAProxy; not for programs, which have the condition.
    #[serde(skip)]
    weight: Option<u64>,
    check: Option<String>,
    sessions: Option<u64>,
    requests: Option<u64>,
    errors: Option<u64>,
}

impl Row {
    fn serves(&self) -> bool {
        self.condition == Condition::Serving
    }

    /// What HAProxy does with it, for people.
    fn in_haproxy(&self) -> String {
        match (&self.state, self.weight) {
            // After a reload the configuration drains it by its weight, and HAProxy calls it UP.
            (Some(word), Some(0)) if word.starts_with("UP") => "DRAIN".to_owned(),
            (word, _) => word.clone().unwrap_or_default(),
        }
    }
}

/// Every gateway that the files have or that has a container, in the order of their numbers.
fn rows(site: &Site, observed: &Observed) -> Vec<Row> {
    let spec = &site.spec;
    if observed.members.is_empty() {
        return Vec::new();
    }
    let loaded = observed.loaded().map(|loaded| loaded.gateways.as_slice());
    let row = |id: GatewayId, member: Option<&Member>, wanted: bool| {
        let by_name = |one: &&Gateway| GatewayId::Named(one.name.clone()) == id;
        let seen = match member {
            Some(member) => observed.seen(member),
            None => loaded.and_then(|loaded| loaded.iter().find(by_name)),
        };
        let drained = matches!(&id, GatewayId::Named(name) if spec.is_drained(name));
        let container = member.map(|member| &member.container);
        let evidence = Evidence { container, seen, has_answer: loaded.is_some(), wanted, drained };
        Row {
            condition: evidence.condition(),
            explanation: evidence.explanation(),
            pending: evidence.pending(),
            container: container.map(|container| container.name.clone()),
            address: seen.map(|seen| seen.address.clone()),
            state: seen.map(|seen| seen.state.clone()),
            weight: seen.map(|seen| seen.weight),
            check: seen.map(|seen| seen.check.clone()),
            sessions: seen.map(|seen| seen.sessions),
            requests: seen.map(|seen| seen.requests),
            errors: seen.map(|seen| seen.errors),
            name: id.to_string(),
        }
    };
    let has_place = |place: usize, id: &GatewayId| match (spec.discovery, id) {
        (Discovery::Static, GatewayId::Named(name)) => spec.gateway_names().any(|one| one == *name),
        (Discovery::Dns, GatewayId::Replica(_)) => place < spec.gateways.get() as usize,
        _ => false,
    };
    let mut found: BTreeMap<(bool, usize), Row> = BTreeMap::new();
    // Swarm starts and ends gateways by itself; the table of containers has those that do not serve yet, or no longer.
    let is_shown = |member: &Member| spec.target == Target::Compose || member.container.is_running();
    let shown = observed.gateways().filter(|(_, member)| is_shown(member));
    for (place, (id, member)) in shown.enumerate() {
        let wanted = has_place(place, &id);
        let number = if let GatewayId::Named(name) = &id { name.number() as usize } else { place };
        found.insert((!wanted, number), row(id, Some(member), wanted));
    }
    if spec.discovery == Discovery::Static {
        for name in spec.gateway_names() {
            let number = name.number() as usize;
            found.entry((false, number)).or_insert_with(|| row(GatewayId::Named(name), None, true));
        }
    }
    found.into_values().collect()
}

/// The service that leads, by role, where several could; none while no running one knows a leader.
fn leaders(site: &Site, observed: &Observed, engine: &Engine) -> BTreeMap<&'static str, Option<String>> {
    let spec = &site.spec;
    let groups = [
        (Role::Om, spec.oms.get(), format!("http://127.0.0.1:{OM_PORT}/{}", jmx::OM)),
        (Role::Scm, spec.scms.get(), format!("http://127.0.0.1:{SCM_PORT}/{}", jmx::SCM)),
    ];
    if spec.target == Target::Swarm {
        // No engine runs a program in a container on another node.
        return BTreeMap::new();
    }
    // Inside, since any of them may be the one that is down, and only the first is published.
    let leader = |role: Role, url: &str| {
        observed
            .running(role)
            .filter_map(|member| evidence::page_inside(engine, &member.container, "curl", url).ok())
            .find_map(|page| jmx::leader(&page))
    };
    let several = groups.into_iter().filter(|(_, count, _)| *count > 1 && !observed.members.is_empty());
    several.map(|(role, _, url)| (role.word(), leader(role, &url))).collect()
}
