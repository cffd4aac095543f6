//! Apache Ozone's S3 gateways behind HAProxy: any number of them, as Docker Compose files.
//!
//! Data flows one way:
//!
//! ```text
//! argv + environment ─► cli ─┐
//!        ozone-compose.yaml ─┴► spec ─► plan ─► render ─► workspace ─► files
//! ```
//!
//! `spec` knows what can be chosen, `plan` what it means, `render` how it is written down, `workspace` what
//! may be overwritten. These are pure but for `workspace`. `commands` holds one recipe a verb, `ui` prints.

pub mod cli;
pub mod commands;
pub mod error;
pub mod plan;
pub mod render;
pub mod spec;
pub mod ui;
pub mod workspace;

use std::ffi::OsString;
use std::io::ErrorKind;

use anyhow::{Error, Result};
use clap::Parser;

use cli::{Cli, Verb};
use error::{Status, status_of};
use spec::choices::Choices;
use ui::Ui;

/// Runs a command line and tells how it ended; everything there is to say has been said.
pub fn run(
    arguments: impl Iterator<Item = OsString>,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Status {
    let ui = Ui;
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(help) if !help.use_stderr() => {
            return ended(ui.styled_data(help.render().ansi()).map(|()| Status::Done), ui);
        }
        Err(error) => {
            ui.say_as_is(error.render().ansi());
            return Status::Usage;
        }
    };
    let texts =
        environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    ended(dispatch(cli, Choices::from_environment(texts), ui), ui)
}

fn dispatch(cli: Cli, environment: Choices, ui: Ui) -> Result<Status> {
    match cli.verb {
        Verb::Generate(arguments) => commands::generate::run(arguments, environment, ui),
        Verb::Haproxy(arguments) => {
            commands::haproxy::run(environment, arguments.flags.0, ui).map(|()| Status::Done)
        }
    }
}

fn ended(result: Result<Status>, ui: Ui) -> Status {
    match result {
        Ok(status) => status,
        // Whoever read the output has read enough.
        Err(error) if is_broken_pipe(&error) => Status::Done,
        Err(error) => {
            ui.error(&error);
            status_of(&error)
        }
    }
}

fn is_broken_pipe(error: &Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
