//! `status`: containers, who leads where several could, and gateways as HAProxy sees them.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::Context;
use super::scale::surplus;
use crate::cli::{self, Format};
use crate::cluster::Cluster;
use crate::engine::Runner;
use crate::engine::containers::{self, Container, addresses};
use crate::engine::evidence::{self, Found};
use crate::error::Status;
use crate::haproxy::Gateway;
use crate::jmx;
use crate::spec::values::Discovery;
use crate::traffic::condition::{Condition, Evidence};
use crate::ui::table;

/// Runs the verb.
pub fn run(arguments: &cli::Status, context: &Context) -> Result<Status> {
    let cluster = Cluster::in_folder(&arguments.folder.folder, &context.environment)?;
    let containers = containers::list(&context.runner, &cluster.name)?;
    let seen = cluster.gateways().filter(|_| !containers.is_empty());
    let gateways = rows(&cluster, &containers, seen.as_deref(), context)?;
    let leaders = leaders(&cluster, &context.runner)?;
    if arguments.format == Format::Json {
        let status = json!({
            "cluster": cluster.name,
            "endpoint": cluster.endpoint,
            "stats": cluster.stats.as_ref().map(|stats| format!("{stats}/stats")),
            "containers": containers,
            "leaders": leaders,
            "gateways": gateways,
        });
        context.ui.object("status", &status)?;
        return Ok(Status::Done);
    }
    if containers.is_empty() {
        context.ui.say(&format!(
            "cluster `{}` has no containers; `{}` starts it",
            cluster.name,
            cluster.command("up")
        ));
        return Ok(Status::Done);
    }
    let row = |container: &Container| {
        let Container { service, role, state, status, .. } = container.clone();
        let leads = leaders.values().flatten().any(|leader| *leader == service);
        [service, if leads { format!("{role}, leads") } else { role }, state, status]
    };
    let lines: Vec<_> = containers.iter().map(row).collect();
    context.ui.data(&table(["SERVICE", "ROLE", "STATE", "STATUS"], &lines))?;
    let row = |row: &Row| {
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let count = |count: Option<u64>| count.map_or(String::new(), |count| count.to_string());
        let Row { name, explanation, state, check, sessions, requests, errors, .. } = row;
        let counts = [sessions, requests, errors].map(|number| count(*number));
        let [sessions, requests, errors] = counts;
        [name.clone(), explanation.clone(), word(state), word(check), sessions, requests, errors]
    };
    let lines: Vec<_> = gateways.iter().map(row).collect();
    let heading = ["GATEWAY", "CONDITION", "HAPROXY", "CHECK", "IN FLIGHT", "REQUESTS", "ERRORS"];
    context.ui.data(&format!("\n{}", table(heading, &lines)))?;
    context.ui.say(&format!("\nS3 is at {}", cluster.endpoint));
    Ok(Status::Done)
}

/// A gateway: what is made of it, its container where it has one, and what HAProxy says of it where it says anything.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    condition: Condition,
    explanation: String,
    container: Option<String>,
    address: Option<String>,
    state: Option<String>,
    check: Option<String>,
    sessions: Option<u64>,
    requests: Option<u64>,
    errors: Option<u64>,
}

/// Every gateway that the files have or that has a container, in the order of their numbers.
fn rows(
    cluster: &Cluster,
    containers: &[Container],
    seen: Option<&[Gateway]>,
    context: &Context,
) -> Result<Vec<Row>> {
    let spec = &cluster.spec;
    let by_dns = spec.discovery == Discovery::Dns;
    let of_gateways = containers.iter().filter(|one| one.role == "gateway").cloned().collect::<Vec<_>>();
    let addresses = addresses(&context.runner, &of_gateways)?;
    let mut rows = Vec::new();
    let mut add = |name: String, container: Option<usize>, wanted: bool| {
        let address = container.map_or("", |place| addresses.get(place).map_or("", String::as_str));
        let container = container.map(|place| &of_gateways[place]);
        // Found by DNS, a gateway has the name that HAProxy gave its address.
        let is_it = |gateway: &&Gateway| if by_dns { gateway.is_at(address) } else { gateway.name == name };
        let gateway = seen.and_then(|seen| seen.iter().find(is_it));
        let drained = spec.is_drained(&name);
        let evidence = Evidence { container, address, seen: gateway, asked: seen.is_some(), wanted, drained };
        rows.push(Row {
            condition: evidence.condition(),
            explanation: evidence.explanation(),
            container: container.map(|container| container.name.clone()),
            address: gateway.map(|gateway| gateway.address.clone()),
            state: gateway.map(|gateway| gateway.state.clone()),
            check: gateway.map(|gateway| gateway.check.clone()),
            sessions: gateway.map(|gateway| gateway.sessions),
            requests: gateway.map(|gateway| gateway.requests),
            errors: gateway.map(|gateway| gateway.errors),
            name,
        });
    };
    if by_dns {
        let count = spec.gateways.get() as usize;
        for (place, container) in of_gateways.iter().enumerate() {
            add(container.name.clone(), Some(place), place < count);
        }
        return Ok(rows);
    }
    for name in spec.gateway_names() {
        let place = of_gateways.iter().position(|container| container.service == name);
        if place.is_some() || !containers.is_empty() {
            add(name, place, true);
        }
    }
    for surplus in surplus(spec, containers) {
        let place = of_gateways.iter().position(|container| container.id == surplus.id);
        add(surplus.service, place, false);
    }
    Ok(rows)
}

/// The service that leads, by role, where several could; none while no running one knows a leader.
fn leaders(cluster: &Cluster, runner: &Runner) -> Result<BTreeMap<&'static str, Option<String>>> {
    let spec = &cluster.spec;
    let groups = [
        ("om", spec.oms.get(), format!("http://127.0.0.1:9874/{}", jmx::OM)),
        ("scm", spec.scms.get(), format!("http://127.0.0.1:9876/{}", jmx::SCM)),
    ];
    let groups: Vec<_> = groups.into_iter().filter(|(_, count, _)| *count > 1).collect();
    if groups.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found = evidence::find(runner, &cluster.name)?;
    // Inside, since any of them may be the one that is gone, and only the first is published.
    let leader = |role: &str, url: &str| {
        let running =
            found.iter().filter(|container: &&Found| container.role == role && container.is_running);
        running
            .filter_map(|container| evidence::page_inside(runner, container, "curl", url).ok())
            .find_map(|page| jmx::leader(&page))
    };
    Ok(groups.into_iter().map(|(role, _, url)| (role, leader(role, &url))).collect())
}
