//! The container engine: commands as data, the one place that runs them, and what the engine reports about its objects.
//!
//! Knows nothing of Ozone, of files or of how things are shown.

mod advice;
pub mod evidence;
mod invocation;
pub mod objects;
mod place;
mod process;
pub mod swarm;

use std::convert::Infallible;
use std::ffi::OsString;
use std::process::ExitStatus;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Result;

use crate::error::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::ui::Ui;

pub use advice::{is_of_a_taken_port, is_of_what_is_gone, is_overtaken};
pub use invocation::{Invocation, Variables, quoted};
pub use place::Place;
pub use process::{Finished, leave_session};

/// The label by which this tool identifies its containers, volumes and networks; its value is their role.
pub const ROLE_LABEL: &str = "io.github.ozone-compose.role";

/// Variables of the caller that would change what Compose reads or what the generated files mean. They are for this
/// tool alone, which has read them already: its children get what was resolved, from the files.
const PREFIXES_NOT_PASSED_ON: &[&str] = &["COMPOSE_", "OZONE_COMPOSE_"];

/// An engine: its client program, where it is, and how commands run.
#[derive(Clone, Debug)]
pub struct Engine {
    program: &'static str,
    place: Arc<OnceLock<Place>>,
    hidden: Vec<OsString>,
    ui: Ui,
    echo: bool,
    interrupt: Interrupt,
}

impl Engine {
    /// The engine that `docker` reaches from here. `variables` are the names of the caller's environment; `echo` shows
    /// each command before it runs.
    #[must_use]
    pub fn new(variables: impl Iterator<Item = OsString>, ui: Ui, echo: bool, interrupt: Interrupt) -> Self {
        let is_hidden = |name: &OsString| {
            PREFIXES_NOT_PASSED_ON.iter().any(|one| name.to_string_lossy().starts_with(one))
        };
        let hidden = variables.filter(is_hidden).collect();
        Self { program: "docker", place: Arc::default(), hidden, ui, echo, interrupt }
    }

    /// The same engine, whose commands this interrupt ends.
    #[must_use]
    pub fn with_interrupt(&self, interrupt: Interrupt) -> Self {
        Self { interrupt, ..self.clone() }
    }

    /// The same engine, whose commands Ctrl-C does not end.
    #[must_use]
    pub fn uninterrupted(&self) -> Self {
        self.with_interrupt(Interrupt::default())
    }

    /// Where it is. Its client knows the endpoint, from `DOCKER_HOST` or its context; one that knows no contexts has its
    /// engine here.
    #[must_use]
    pub fn place(&self) -> &Place {
        self.place.get_or_init(|| {
            let endpoint = ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"];
            let name = ["info", "--format", "{{.Name}}"];
            Place::of(&self.fact("find the engine", endpoint), || {
                self.fact("read the name of the engine", name)
            })
        })
    }

    /// Whether it keeps containers, by `SELinux`, from reading files of its machine that have no label for them.
    #[must_use]
    pub fn has_selinux(&self) -> bool {
        let options = ["info", "--format", "{{.SecurityOptions}}"];
        self.fact("read the security options of the engine", options).contains("name=selinux")
    }

    /// What the client reports about the engine; nothing where it does not know or does not answer.
    fn fact<const N: usize>(&self, purpose: &str, arguments: [&str; N]) -> String {
        let answer = self.output(&self.command(purpose, arguments).lasting(PLACE_WITHIN));
        let good = answer.ok().filter(|one| one.status.success());
        good.map(|one| one.stdout.trim().to_owned()).unwrap_or_default()
    }

    /// A command of the engine's program; `purpose` completes "could not ...".
    #[must_use]
    pub fn command<const N: usize>(&self, purpose: &str, arguments: [&str; N]) -> Invocation {
        Invocation::new(self.program, purpose).with(arguments)
    }

    /// Runs a command and takes its output, whatever its exit status.
    ///
    /// # Errors
    /// When the program is not there or takes longer than the command may; 130 when a person stopped it.
    pub fn output(&self, invocation: &Invocation) -> Result<Finished> {
        self.show(invocation);
        let finished = process::run(invocation, &self.hidden, &self.interrupt);
        self.interrupt.check()?;
        finished
    }

    /// Runs a command that must succeed and returns its standard output.
    ///
    /// # Errors
    /// With the last lines of what the command said; 130 when a person stopped it.
    pub fn run(&self, invocation: &Invocation) -> Result<String> {
        self.interrupt.check()?;
        let finished = self.output(invocation)?;
        if finished.status.success() { Ok(finished.stdout) } else { Err(failure(invocation, &finished)) }
    }

    /// Runs a command of the engine with this process's input and outputs, and returns its exit code: 128 and the number of
    /// the signal where one ended it, as shells say.
    ///
    /// # Errors
    /// When the program cannot be started, or a person has stopped the run before.
    pub fn run_attached(&self, invocation: &Invocation) -> Result<u8> {
        self.interrupt.check()?;
        self.show(invocation);
        process::run_attached(invocation, &self.hidden, &self.interrupt)
    }

    /// The same for a person's own command, with the whole environment but for these variables.
    ///
    /// # Errors
    /// When the program cannot be started, with the exit code of shells, or a person has stopped the run before.
    pub fn run_own_attached(&self, invocation: &Invocation, variables: &Variables) -> Result<u8> {
        self.interrupt.check()?;
        self.show(invocation);
        process::run_own_attached(invocation, variables, &self.interrupt)
    }

    /// Runs a person's own command, whose input ends when this process ends, however it ends, or a person stops it; `on_line`
    /// gets each line that it prints. Returns how it ended.
    ///
    /// # Errors
    /// When the program cannot be started, or a person has stopped the run before.
    pub fn hold_own(&self, invocation: &Invocation, on_line: impl FnMut(&str)) -> Result<ExitStatus> {
        self.interrupt.check()?;
        self.show(invocation);
        let ended = process::hold(invocation, &self.interrupt, on_line);
        ended.map_err(|error| process::not_run(invocation, &error).into())
    }

    /// Turns this process into a command of the engine.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn exec(&self, invocation: &Invocation) -> Result<Infallible> {
        self.show(invocation);
        Err(process::not_started(invocation, &process::replace(invocation, &self.hidden)))
    }

    /// Runs a person's own command and takes its output, whatever its exit status.
    ///
    /// # Errors
    /// When it cannot be started, with the exit code of shells, or takes longer than it may; 130 when a person stopped it.
    pub fn output_of_own(&self, invocation: &Invocation, variables: &Variables) -> Result<Finished> {
        self.show(invocation);
        let finished = process::run_own(invocation, variables, &self.interrupt);
        self.interrupt.check()?;
        finished
    }

    /// Turns this process into a person's own command, with the whole environment but for these variables.
    ///
    /// A child would leave its exit code, Ctrl-C, SIGTERM and job control to be passed on, each with a gap.
    ///
    /// # Errors
    /// When the program cannot be started, with the exit code of shells: 127 when it is not there, 126 when it
    /// cannot be run.
    pub fn exec_own(&self, invocation: &Invocation, variables: &Variables) -> Result<Infallible> {
        self.show(invocation);
        let error = process::replace_by_own(invocation, variables);
        Err(process::not_run(invocation, &error).into())
    }

    fn show(&self, invocation: &Invocation) {
        if self.echo {
            self.ui.say(&format!("+ {invocation}"));
        }
    }
}

/// What helps where an engine says this.
#[must_use]
pub fn advice(said: &str) -> Option<&'static str> {
    advice::of(said).map(|(_, hint)| hint)
}

/// How long the client may take to say where its engine is.
const PLACE_WITHIN: Duration = Duration::from_secs(10);

/// How long a query may take: a healthy engine answers within 50 ms, and in seconds while JVMs start on all cores.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Why a command did not succeed, in its own last words.
pub(crate) fn failure(invocation: &Invocation, finished: &Finished) -> anyhow::Error {
    let tail = finished.last_words();
    let message = format!("could not {}: `{invocation}` ended with {}", invocation.purpose, finished.status);
    if let Some((status, hint)) = advice::of(&tail) {
        return Failure::new(status, message).with_detail(tail).with_hint(hint).into();
    }
    // A client without Compose takes an option of Compose for one of its own.
    let no_compose =
        ["is not a docker command", "unknown shorthand flag: 'p' in -p", "unknown flag: --env-file"];
    let asks_compose = invocation.arguments.first().is_some_and(|word| word == "compose");
    if asks_compose && no_compose.iter().any(|text| tail.contains(text)) {
        let hint = "`ozone-compose doctor` says what to do";
        return Failure::new(Status::NoEngine, message).with_detail(tail).with_hint(hint).into();
    }
    Failure::new(Status::Failed, message).with_detail(tail).into()
}
