//! `ls`: the clusters on this engine, found by its labels.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::Context;
use crate::cli::{Format, Ls};
use crate::engine::{Engine, swarm};
use crate::error::Status;
use crate::observe::{Member, Observed, everything};
use crate::plan::Role;
use crate::site::Site;
use crate::ui::table;

/// Runs the verb.
pub fn run(arguments: &Ls, context: &Context) -> Result<Status> {
    let (members, names) = everything(&context.engine)?;
    let mut clusters: Vec<Row> = names.into_iter().map(|name| row(name, &members, &context.engine)).collect();
    for name in swarm::stacks(&context.engine)? {
        let members = Observed::of_stack(&context.engine, &name, None)?.members;
        clusters.push(row(name, &members, &context.engine));
    }
    if arguments.format == Format::Json {
        context.ui.object("clusters", &json!({ "clusters": clusters }))?;
        return Ok(Status::Done);
    }
    if clusters.is_empty() {
        context.ui.say("there are no clusters on this engine; `ozone-compose up` makes one");
        return Ok(Status::Done);
    }
    let cells = |row: &Row| {
        let gateways = format!("{} of {}", row.gateways.running, row.gateways.total);
        let endpoint = row.endpoint.clone().unwrap_or_default();
        [row.name.clone(), row.state.to_owned(), gateways, endpoint, row.folder.clone()]
    };
    let rows: Vec<_> = clusters.iter().map(cells).collect();
    context.ui.data(&table(["NAME", "STATE", "RUNNING GATEWAYS", "ENDPOINT", "FOLDER"], &rows))?;
    Ok(Status::Done)
}

/// A cluster.
#[derive(Debug, Serialize)]
struct Row {
    /// The Compose project.
    name: String,
    /// Where it was started from; empty where only data is left.
    folder: String,
    gateways: Gateways,
    /// Where S3 answers; none where no balancer runs.
    endpoint: Option<String>,
    /// `running`, `degraded` where some of its containers do not run, `stopped`, or `data only`.
    state: &'static str,
}

#[derive(Debug, Serialize)]
struct Gateways {
    running: usize,
    total: usize,
}

fn row(name: String, members: &[Member], engine: &Engine) -> Row {
    let own: Vec<&Member> = members.iter().filter(|one| one.container.project() == name).collect();
    let gateways: Vec<_> = own.iter().filter(|one| one.role == Role::Gateway).collect();
    let running = own.iter().filter(|one| one.container.is_running()).count();
    let state = match (own.len(), running) {
        (0, _) => "data only",
        (_, 0) => "stopped",
        (all, running) if running < all => "degraded",
        _ => "running",
    };
    let balancer = own.iter().find(|one| one.role == Role::Balancer && one.container.is_running());
    let folder = own.first().map(|one| one.container.folder().to_owned()).unwrap_or_default();
    // Its choices may name another host than that of the engine.
    let site = Site::in_folder(Path::new(&folder)).ok().filter(|site| site.name == name);
    let host = site.map_or_else(|| engine.place().host(), |site| site.host(engine));
    Row {
        folder,
        gateways: Gateways {
            running: gateways.iter().filter(|one| one.container.is_running()).count(),
            total: gateways.len(),
        },
        endpoint: balancer.and_then(|one| one.endpoint(&host)),
        state,
        name,
    }
}
