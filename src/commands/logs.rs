//! `logs`: the containers' logs, by `docker compose logs`.

use anyhow::Result;

use super::Context;
use crate::cli::Logs;
use crate::error::Status;
use crate::site::Site;

/// Runs the verb: this process becomes `docker compose logs`, so that its exit code and Ctrl-C are its own.
pub fn run(arguments: &Logs, context: &Context) -> Result<Status> {
    let site = Site::in_folder(&arguments.folder.folder)?;
    // By the project alone: a damaged `.env` or Compose file of the current folder does not matter.
    let compose = ["compose", "--env-file", "/dev/null", "-p", &site.name, "logs"];
    let mut logs = context.engine.command("show logs", compose);
    if arguments.follow {
        logs = logs.with(["--follow"]);
    }
    if let Some(lines) = arguments.tail {
        logs = logs.with(["--tail".to_owned(), lines.to_string()]);
    }
    match context.engine.turn_into(&logs.with(&arguments.services))? {}
}
