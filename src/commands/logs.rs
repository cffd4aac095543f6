//! `logs`: the containers' logs, by `docker compose logs`.

use anyhow::Result;

use super::Context;
use crate::cli::Logs;
use crate::cluster::Cluster;
use crate::engine::Invocation;
use crate::error::Status;

/// Runs the verb: this process becomes `docker compose logs`, so that its exit code and Ctrl-C are its own.
pub fn run(arguments: &Logs, context: &Context) -> Result<Status> {
    let cluster = Cluster::in_folder(&arguments.folder.folder, &context.environment)?;
    let mut logs = Invocation::docker("show logs", ["compose", "-p", &cluster.name, "logs"]);
    if arguments.follow {
        logs = logs.with(["--follow"]);
    }
    if let Some(lines) = arguments.tail {
        logs = logs.with(["--tail".to_owned(), lines.to_string()]);
    }
    match context.runner.turn_into(&logs.with(&arguments.services), &[])? {}
}
