//! Apache Ozone's S3 gateways behind HAProxy: any number of them, as Docker Compose files.
//!
//! Data flows one way:
//!
//! ```text
//! argv + environment ─► cli ─┐
//!        ozone-compose.yaml ─┴► spec ─► plan ─► render ─► workspace ─► files
//!                                        │
//!                   engine ─► observe ─► steps ─► act: check, write, start, prove, load, remove
//! ```
//!
//! `spec` knows what can be chosen, `plan` what it means, `render` how it is written down: all pure. `observe` reads what
//! there is, `steps` decides what to do, pure again, and `act` does it. `workspace` knows what may be overwritten,
//! `engine` starts every process, `ui` prints everything, `commands` holds one recipe a verb.

pub mod act;
pub mod bundle;
pub mod cli;
pub mod commands;
pub mod credentials;
pub mod digest;
pub mod engine;
pub mod error;
pub mod fault;
pub mod haproxy;
pub mod interrupt;
pub mod jmx;
mod keyfile;
mod lock;
pub mod observe;
pub mod plan;
pub mod preflight;
pub mod profile;
pub mod proof;
pub mod realm;
pub mod render;
pub mod s3;
pub mod secrets;
pub mod seed;
pub mod site;
pub mod spec;
pub mod steps;
pub mod tls;
pub mod ui;
pub mod workspace;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Error, Result};

use cli::Verb;
use commands::Context;
use engine::Engine;
use error::{Failure, Status, status_of};
use interrupt::Interrupt;
use spec::choices::{Choices, misspelled};
use ui::Ui;
use ui::progress::Mode;

/// Runs a command line and returns how it ended; all messages have been printed.
pub fn run(
    arguments: impl Iterator<Item = OsString>,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Status {
    let arguments: Vec<OsString> = arguments.collect();
    let cli = match cli::parse(&arguments) {
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
    let environment: Vec<(OsString, OsString)> = environment.collect();
    let names: Vec<OsString> = environment.iter().map(|(name, _)| name.clone()).collect();
    let environment: Vec<(String, String)> = environment
        .into_iter()
        // A value that is no text is refused where it is validated, rather than ignored.
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .collect();
    let in_ci = environment.iter().any(|(name, value)| name == "CI" && !value.is_empty());
    let ui = Ui::new(cli.progress, cli.quiet, in_ci);
    for (name, meant) in environment.iter().filter_map(|(name, _)| Some((name, misspelled(name)?))) {
        ui.say(&format!("{name} is no variable of this tool, did you mean {meant}?"));
    }
    ended(dispatch(cli.verb, cli.verbose, names, environment, ui), ui)
}

/// The hosts that are reached without the proxy of an environment; none where it has no proxy.
fn no_proxy(environment: &[(String, String)]) -> Option<String> {
    let value = |name: &str| {
        let mut both = environment.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        both.find(|(_, value)| !value.is_empty()).map(|(_, value)| value.clone())
    };
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].into_iter().find_map(value)?;
    Some(value("NO_PROXY").unwrap_or_default())
}

/// The file whose lines are the variables of the later steps of a GitHub job; none outside of one.
fn github_env(environment: &[(String, String)]) -> Option<PathBuf> {
    let found = environment.iter().find(|(name, value)| name == "GITHUB_ENV" && !value.is_empty());
    found.map(|(_, value)| value.into())
}

/// Whether a command line that cannot be parsed chooses JSON.
fn wants_json(arguments: &[OsString]) -> bool {
    arguments.windows(2).any(|pair| pair == ["--progress", "json"])
        || arguments.iter().any(|one| one == "--progress=json")
}

fn dispatch(
    verb: Verb,
    verbose: bool,
    variables: Vec<OsString>,
    environment: Vec<(String, String)>,
    ui: Ui,
) -> Result<Status> {
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
    let engine = Engine::new(variables.into_iter(), ui, verbose, interrupt.clone());
    let context = Context {
        ui,
        engine,
        interrupt,
        no_proxy: no_proxy(&environment),
        profiles: profile::Files::of(&environment),
        github_env: github_env(&environment),
        environment: Choices::from_environment(environment.into_iter()),
    };
    match verb {
        Verb::Generate(arguments) => commands::generate::run(arguments, &context),
        Verb::Haproxy(arguments) => commands::haproxy::run(arguments, &context),
        Verb::Up(arguments) => commands::up::run(arguments, &context),
        Verb::Scale(arguments) => commands::scale::run(arguments, &context),
        Verb::Drain(arguments) => commands::drain::run(arguments, &context),
        Verb::Resume(arguments) => commands::resume::run(arguments, &context),
        Verb::Restart(arguments) => commands::restart::run(arguments, &context),
        Verb::Upgrade(arguments) => commands::upgrade::run(&arguments, &context),
        Verb::Reload(arguments) => commands::reload::run(&arguments, &context),
        Verb::Down(arguments) => commands::down::run(arguments, &context),
        Verb::Stop(arguments) => commands::stop::run(&arguments, &context),
        Verb::Start(arguments) => commands::start::run(&arguments, &context),
        Verb::Ls(arguments) => commands::ls::run(&arguments, &context),
        Verb::Status(arguments) => commands::status::run(&arguments, &context),
        Verb::Nodes(arguments) => commands::nodes::run(&arguments, &context),
        Verb::Logs(arguments) => commands::logs::run(&arguments, &context),
        Verb::Env(arguments) => commands::env::run(&arguments, &context),
        Verb::Run(arguments) => commands::run::run(arguments, &context),
        Verb::User(verb) => commands::user::run(verb, &context),
        Verb::Smoke(arguments) => commands::smoke::run(&arguments, &context),
        Verb::Bench(arguments) => commands::bench::run(&arguments, &context),
        Verb::Fault(verb) => commands::fault::run(verb, &context),
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
        // The reader closed the pipe: it has read enough.
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
