//! `run`: a command with the variables that S3 clients read.

use anyhow::Result;

use super::Context;
use super::env::{answering_cluster, variables};
use crate::cli;
use crate::engine::Invocation;
use crate::error::Status;

/// Runs the verb: this process becomes the command, so that its exit code, signals and terminal are its own.
pub fn run(arguments: cli::Run, context: &Context) -> Result<Status> {
    let cluster = answering_cluster(&arguments.folder.folder, context)?;
    let mut words = arguments.command.into_iter();
    let program = words.next().unwrap_or_default();
    let invocation =
        Invocation { purpose: "run a command".to_owned(), program, arguments: words.collect(), folder: None };
    match context.runner.turn_into(&invocation, &variables(&cluster))? {}
}
