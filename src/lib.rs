//! Apache Ozone's S3 gateways behind HAProxy: any number of them, as Docker Compose files.
//!
//! Data flows one way:
//!
//! ```text
//! argv + environment ─► cli ─┐
//!        ozone-compose.yaml ─┴► spec ─► plan ─► render ─► workspace ─► files
//!                                 └► cluster ─► engine: docker compose ─► ready: proved by s3 and haproxy
//!                                                       traffic: who gets requests, once it runs
//! ```
//!
//! `spec` knows what can be chosen, `plan` what it means, `render` how it is written down: all pure. `workspace`
//! knows what may be overwritten, `engine` starts every process, `ui` prints everything, `commands` holds one
//! recipe a verb.

pub mod bundle;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod engine;
pub mod error;
pub mod haproxy;
pub mod interrupt;
pub mod jmx;
pub mod plan;
pub mod ready;
pub mod render;
pub mod s3;
pub mod spec;
pub mod traffic;
pub mod ui;
pub mod workspace;

use std::ffi::OsString;
use std::io::ErrorKind;

use anyhow::{Error, Result};
use clap::Parser;

use cli::{Cli, Down, Up, Verb};
use commands::Context;
use engine::Runner;
use error::{Failure, Status, status_of};
use interrupt::Interrupt;
use spec::choices::{Choices, misspelled};
use ui::Ui;
use ui::progress::Mode;

/// Runs a command line and tells how it ended; everything there is to say has been said.
pub fn run(
    arguments: impl Iterator<Item = OsString>,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Status {
    let arguments: Vec<OsString> = arguments.collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(help) if !help.use_stderr() => {
            let ui = Ui::default();
            return ended(ui.styled_data(help.render().ansi()).map(|()| Status::Done), ui);
        }
        Err(error) if wants_json(&arguments) => {
            let text = error.render().to_string();
            let failure = Failure::new(Status::Usage, text.trim_start_matches("error: ").trim_end());
            return ended(Err(failure.into()), Ui::new(Mode::Json, false, false));
        }
        Err(error) => {
            Ui::default().say_as_is(error.render().ansi());
            return Status::Usage;
        }
    };
    let environment: Vec<(String, String)> = environment
        // A value that is no text is refused where it is judged, rather than passed over.
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .collect();
    let in_ci = environment.iter().any(|(name, value)| name == "CI" && !value.is_empty());
    let ui = Ui::new(cli.progress, cli.quiet, in_ci);
    for (name, meant) in environment.iter().filter_map(|(name, _)| Some((name, misspelled(name)?))) {
        ui.say(&format!("{name} is no variable of this tool, did you mean {meant}?"));
    }
    let choices = Choices::from_environment(environment.into_iter());
    ended(dispatch(cli.verb, cli.verbose, choices, ui), ui)
}

/// Whether a command line that cannot be read asks for JSON all the same.
fn wants_json(arguments: &[OsString]) -> bool {
    arguments.windows(2).any(|pair| pair == ["--progress", "json"])
        || arguments.iter().any(|one| one == "--progress=json")
}

fn dispatch(verb: Verb, verbose: bool, environment: Choices, ui: Ui) -> Result<Status> {
    let dry = matches!(&verb, Verb::Up(Up { dry_run: true, .. }) | Verb::Down(Down { dry_run: true, .. }));
    let interrupt = match &verb {
        // These end at once, and leave no more than files that the next run removes.
        Verb::Generate(_)
        | Verb::Haproxy(_)
        | Verb::Config(_)
        | Verb::Templates(_)
        | Verb::Schema
        | Verb::Completions(_)
        | Verb::Man(_) => Interrupt::default(),
        _ => Interrupt::listen()?,
    };
    let runner = Runner::new(ui, verbose, dry, interrupt.clone());
    let context = Context { ui, runner, interrupt, environment };
    match verb {
        Verb::Generate(arguments) => commands::generate::run(arguments, context),
        Verb::Haproxy(arguments) => commands::haproxy::run(arguments, context),
        Verb::Up(arguments) => commands::up::run(arguments, &context),
        Verb::Scale(arguments) => commands::scale::run(arguments, &context),
        Verb::Drain(arguments) => commands::drain::run(arguments, &context),
        Verb::Resume(arguments) => commands::resume::run(&arguments, &context),
        Verb::Restart(arguments) => commands::restart::run(arguments, &context),
        Verb::Reload(arguments) => commands::reload::run(&arguments, &context),
        Verb::Down(arguments) => commands::down::run(arguments, &context),
        Verb::Status(arguments) => commands::status::run(&arguments, &context),
        Verb::Logs(arguments) => commands::logs::run(&arguments, &context),
        Verb::Env(arguments) => commands::env::run(&arguments, &context),
        Verb::Run(arguments) => commands::run::run(arguments, &context),
        Verb::Smoke(arguments) => commands::smoke::run(&arguments, &context),
        Verb::Collect(arguments) => commands::collect::run(&arguments, &context),
        Verb::Doctor(arguments) => commands::doctor::run(&arguments, &context),
        Verb::Config(verb) => commands::config::run(verb, context),
        Verb::Templates(verb) => commands::templates::run(&verb, &context),
        Verb::Schema => commands::schema::run(&context),
        Verb::Completions(arguments) => commands::completions::run(&arguments, &context),
        Verb::Man(arguments) => commands::man::run(&arguments, &context),
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
