//! The one place that starts processes.

use std::convert::Infallible;
use std::io::{ErrorKind, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Invocation;
use crate::error::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::ui::Ui;

/// Last lines of a failed command that its error shows.
const TAIL_LINES: usize = 20;

/// Runs invocations; shows each first when asked to, or only shows those that would change something.
#[derive(Clone, Debug)]
pub struct Runner {
    ui: Ui,
    echo: bool,
    dry: bool,
    interrupt: Interrupt,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: ExitStatus,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Runner {
    /// A runner; `echo` shows commands before they run, `dry` shows changing ones instead of running them.
    #[must_use]
    pub fn new(ui: Ui, echo: bool, dry: bool, interrupt: Interrupt) -> Self {
        Self { ui, echo, dry, interrupt }
    }

    /// The same runner, stopped by another interrupt.
    #[must_use]
    pub fn heeding(self, interrupt: Interrupt) -> Self {
        Self { interrupt, ..self }
    }

    /// Whether nothing is changed.
    #[must_use]
    pub fn is_dry(&self) -> bool {
        self.dry
    }

    /// Runs a query and takes its output, whatever its exit status.
    ///
    /// # Errors
    /// When the program is not there.
    pub fn ask(&self, invocation: &Invocation) -> Result<Finished> {
        self.show(invocation);
        run(invocation, None)
    }

    /// Runs a query and takes its output, whatever its exit status; ends it when it is not done in time.
    ///
    /// # Errors
    /// When the program is not there or takes longer.
    pub fn ask_within(&self, patience: Duration, invocation: &Invocation) -> Result<Finished> {
        self.show(invocation);
        run(invocation, Some(patience))
    }

    /// Runs a query that must succeed and returns its standard output.
    ///
    /// # Errors
    /// With the last lines of what the command said.
    pub fn answer(&self, invocation: &Invocation) -> Result<String> {
        let finished = self.ask(invocation)?;
        if finished.status.success() { Ok(finished.stdout) } else { Err(failure(invocation, &finished)) }
    }

    /// Runs a command that changes something.
    ///
    /// # Errors
    /// With the last lines of what the command said; 130 when a person stopped it.
    pub fn change(&self, invocation: &Invocation) -> Result<()> {
        if self.dry {
            return self.ui.data(&format!("{invocation}\n"));
        }
        self.interrupt.check()?;
        self.show(invocation);
        let finished = run(invocation, None)?;
        self.interrupt.check()?;
        if finished.status.success() { Ok(()) } else { Err(failure(invocation, &finished)) }
    }

    /// Turns this process into a command, with these variables added to its environment.
    ///
    /// A child would leave its exit code, Ctrl-C, SIGTERM and job control to be passed on, each with a gap.
    ///
    /// # Errors
    /// When the program cannot be started, with the exit code of shells: 127 when it is not there, 126 when it
    /// cannot be run; a `docker` that is not there is no engine.
    pub fn turn_into(&self, invocation: &Invocation, environment: &[(&str, String)]) -> Result<Infallible> {
        use std::os::unix::process::CommandExt;
        self.show(invocation);
        let mut command = command(invocation);
        let error = command.envs(environment.iter().map(|(name, value)| (name, value))).exec();
        let program = &invocation.program;
        if program == "docker" {
            return Err(not_started(invocation, &error));
        }
        let (code, problem) = match error.kind() {
            ErrorKind::NotFound if program.contains('/') => (127, format!("`{program}` is not there")),
            ErrorKind::NotFound => (127, format!("`{program}` is not on PATH")),
            _ => (126, format!("`{program}` cannot be run: {error}")),
        };
        Err(Failure::new(Status::Child(code), format!("could not {}: {problem}", invocation.purpose)).into())
    }

    fn show(&self, invocation: &Invocation) {
        if self.echo {
            self.ui.say(&format!("+ {invocation}"));
        }
    }
}

fn run(invocation: &Invocation, patience: Option<Duration>) -> Result<Finished> {
    let mut child = command(invocation)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(invocation, &error))?;
    let pipes = [drain(child.stdout.take()), drain(child.stderr.take())];
    let end = patience.map(|patience| Instant::now() + patience);
    let mut texts = pipes.map(|pipe| match end {
        Some(end) => pipe.recv_timeout(end.saturating_duration_since(Instant::now())).ok(),
        None => pipe.recv().ok(),
    });
    let (Some(stdout), Some(stderr)) = (texts[0].take(), texts[1].take()) else {
        // Its readers are left alone: a child of its own may hold the pipes for longer.
        child.kill().and_then(|()| child.wait().map(drop)).ok();
        return Err(too_slow(invocation, patience.unwrap_or_default()));
    };
    let status = child.wait().with_context(|| format!("could not {}", invocation.purpose))?;
    Ok(Finished { status, stdout, stderr })
}

/// Reads a pipe to its end, beside the other one: a child that fills either would wait for ever.
fn drain(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before a broken pipe is all there is to say.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

fn command(invocation: &Invocation) -> Command {
    let mut command = Command::new(&invocation.program);
    command.args(&invocation.arguments);
    if let Some(folder) = invocation.folder.as_ref().filter(|folder| !folder.as_os_str().is_empty()) {
        command.current_dir(folder);
    }
    command
}

fn not_started(invocation: &Invocation, error: &std::io::Error) -> anyhow::Error {
    let (purpose, program) = (&invocation.purpose, &invocation.program);
    let problem = match error.kind() {
        ErrorKind::NotFound => format!("`{program}` is not on PATH"),
        _ => format!("`{program}` does not start: {error}"),
    };
    let message = format!("could not {purpose}: {problem}");
    if program == "docker" {
        let hint = "install Docker Engine and its Compose plugin; `ozone-compose generate` works without";
        return Failure::new(Status::NoEngine, message).with_hint(hint).into();
    }
    Failure::new(Status::Failed, message).into()
}

fn too_slow(invocation: &Invocation, patience: Duration) -> anyhow::Error {
    let (purpose, seconds) = (&invocation.purpose, patience.as_secs());
    let message = format!("could not {purpose}: `{invocation}` was not done after {seconds} s");
    Failure::new(Status::Failed, message).with_hint("`ozone-compose doctor` checks the engine").into()
}

fn failure(invocation: &Invocation, finished: &Finished) -> anyhow::Error {
    let said: Vec<&str> = finished.stderr.lines().chain(finished.stdout.lines()).collect();
    let tail = said[said.len().saturating_sub(TAIL_LINES)..].join("\n");
    let message = format!("could not {}: `{invocation}` ended with {}", invocation.purpose, finished.status);
    // The client says it in these words when it reaches no engine, or when it has no Compose and takes `-p` for a flag
    // of its own; its exit codes tell neither from anything else.
    let no_engine = ["Cannot connect to the Docker daemon", "permission denied while trying to connect"];
    let no_compose = ["is not a docker command", "unknown shorthand flag: 'p' in -p"];
    let asks_compose = invocation.arguments.first().is_some_and(|word| word == "compose");
    let says = |texts: [&str; 2]| texts.iter().any(|text| tail.contains(text));
    if says(no_engine) || asks_compose && says(no_compose) {
        let hint = "`ozone-compose doctor` says what to do";
        return Failure::new(Status::NoEngine, message).with_detail(tail).with_hint(hint).into();
    }
    Failure::new(Status::Failed, message).with_detail(tail).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_takes_too_long_is_ended() {
        let runner = Runner::new(Ui::default(), false, false, Interrupt::default());
        let sleep = Invocation { program: "sleep".to_owned(), ..Invocation::docker("wait", ["60"]) };
        let started = Instant::now();
        let error = runner.ask_within(Duration::from_millis(50), &sleep).expect_err("too slow");
        assert_eq!(error.to_string(), "could not wait: `sleep 60` was not done after 0 s");
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
