//! `completions`: a script for a shell, on standard output.

use anyhow::Result;
use clap::CommandFactory;

use super::Context;
use crate::cli::{self, Cli};
use crate::error::Status;

/// Runs the verb.
pub fn run(arguments: &cli::Completions, context: &Context) -> Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "ozone-compose", &mut script);
    // For bash, a hyphen in the program's name is spelled in two ways, and no verb is found (clap issue 6421).
    let script = String::from_utf8(script)?.replace("ozone__subcmd__compose", "ozone__compose");
    context.ui.data(&script)?;
    Ok(Status::Done)
}
