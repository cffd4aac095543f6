//! `logs`: the containers' logs, on this process's own output.

use anyhow::Result;

use super::{Cluster, Context};
use crate::cli::Logs;
use crate::engine::Invocation;
use crate::error::Status;

/// Runs the verb; ends with the exit code of `docker compose logs`.
pub fn run(arguments: &Logs, context: &Context) -> Result<Status> {
    let cluster = Cluster::in_folder(&arguments.folder.folder, &context.environment)?;
    let mut logs = Invocation::docker("show logs", ["compose", "-p", &cluster.name, "logs"]);
    if arguments.follow {
        logs = logs.with(["--follow"]);
    }
    if let Some(lines) = arguments.tail {
        logs = logs.with(["--tail".to_owned(), lines.to_string()]);
    }
    let code = context.runner.hand_over(&logs.with(&arguments.services), &[])?;
    Ok(Status::Child(code))
}
