//! `status`: containers, and gateways as HAProxy sees them.

use anyhow::Result;
use serde_json::json;

use super::Context;
use crate::cli::{self, Format};
use crate::cluster::Cluster;
use crate::engine::containers;
use crate::error::Status;
use crate::ui::table;

/// Runs the verb.
pub fn run(arguments: &cli::Status, context: &Context) -> Result<Status> {
    let cluster = Cluster::in_folder(&arguments.folder.folder, &context.environment)?;
    let containers = containers::list(&context.runner, &cluster.name)?;
    let gateways = cluster.gateways().filter(|_| !containers.is_empty()).unwrap_or_default();
    if arguments.format == Format::Json {
        let status = json!({
            "version": 1,
            "kind": "status",
            "cluster": cluster.name,
            "endpoint": cluster.endpoint,
            "stats": cluster.stats.as_ref().map(|stats| format!("{stats}/stats")),
            "containers": containers,
            "gateways": gateways,
        });
        context.ui.data(&format!("{status:#}\n"))?;
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
    let row = |container: &containers::Container| {
        [&container.service, &container.role, &container.state, &container.status].map(String::clone)
    };
    let rows: Vec<_> = containers.iter().map(row).collect();
    context.ui.data(&table(["SERVICE", "ROLE", "STATE", "STATUS"], &rows))?;
    if !gateways.is_empty() {
        let row = |gateway: &crate::haproxy::Gateway| {
            let crate::haproxy::Gateway { name, state, check, sessions, requests, errors } = gateway.clone();
            [name, state, check, sessions.to_string(), requests.to_string(), errors.to_string()]
        };
        let rows: Vec<_> = gateways.iter().map(row).collect();
        let heading = ["GATEWAY", "HAPROXY", "CHECK", "IN FLIGHT", "REQUESTS", "ERRORS"];
        context.ui.data(&format!("\n{}", table(heading, &rows)))?;
    }
    context.ui.say(&format!("\nS3 is at {}", cluster.endpoint));
    Ok(Status::Done)
}
