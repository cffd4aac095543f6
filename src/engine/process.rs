//! The one place that starts processes.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, ErrorKind, IsTerminal, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Invocation, Variables};
use crate::error::{Failure, Status};
use crate::interrupt::Interrupt;

/// How long a command may take to end in good order after a signal.
const GRACE: Duration = Duration::from_secs(2);

/// How often a wait looks for Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);

/// Last lines of a failed command that its error shows.
const TAIL_LINES: usize = 20;

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

impl Finished {
    /// The last lines of what it said, errors first.
    #[must_use]
    pub fn last_words(&self) -> String {
        let said: Vec<&str> = self.stderr.lines().chain(self.stdout.lines()).collect();
        said[said.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Its exit code: 128 and the number of the signal where one ended it, as shells say.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        exit_code(self.status)
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

/// Runs a command to its end, or to the end of the time it may take. It is the leader of a process group of its own, so
/// that Ctrl-C and SIGTERM reach it once, from here, also where only this process got the signal.
pub(super) fn run(invocation: &Invocation, hidden: &[OsString], interrupt: &Interrupt) -> Result<Finished> {
    run_command(command(invocation, hidden), invocation, interrupt, not_started)
}

/// The same for a person's own command.
pub(super) fn run_own(
    invocation: &Invocation,
    variables: &Variables,
    interrupt: &Interrupt,
) -> Result<Finished> {
    let not_run = |invocation: &Invocation, error: &std::io::Error| not_run(invocation, error).into();
    run_command(own_command(invocation, variables), invocation, interrupt, not_run)
}

fn run_command(
    mut command: Command,
    invocation: &Invocation,
    interrupt: &Interrupt,
    not_started: impl Fn(&Invocation, &std::io::Error) -> anyhow::Error,
) -> Result<Finished> {
    let stdin = if invocation.input.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| not_started(invocation, &error))?;
    let _passed_on = interrupt.pass_on_to(child.id());
    feed(&mut child, invocation.input.clone());
    let end = Instant::now() + invocation.patience;
    let pipes = [drain(child.stdout.take()), drain(child.stderr.take())];
    let texts = pipes.map(|pipe| pipe.recv_timeout(end.saturating_duration_since(Instant::now())).ok());
    let [Some(stdout), Some(stderr)] = texts else {
        end_of(&mut child);
        return Err(too_slow(invocation));
    };
    let status = child.wait().with_context(|| format!("could not {}", invocation.purpose))?;
    Ok(Finished { status, stdout, stderr })
}

/// Runs a command with this process's input and outputs, for as long as it takes; returns its exit code.
pub(super) fn run_attached(
    invocation: &Invocation,
    hidden: &[OsString],
    interrupt: &Interrupt,
) -> Result<u8> {
    let ended = run_command_attached(command(invocation, hidden), interrupt);
    ended.map_err(|error| not_started(invocation, &error))
}

/// The same for a person's own command.
pub(super) fn run_own_attached(
    invocation: &Invocation,
    variables: &Variables,
    interrupt: &Interrupt,
) -> Result<u8> {
    let ended = run_command_attached(own_command(invocation, variables), interrupt);
    ended.map_err(|error| not_run(invocation, &error).into())
}

/// Runs a person's own command with this process's standard error, and an input that ends when this process ends, however
/// it ends, or a person stops it. What the command prints goes to `on_line`, line by line.
pub(super) fn hold(
    invocation: &Invocation,
    interrupt: &Interrupt,
    mut on_line: impl FnMut(&str),
) -> std::io::Result<ExitStatus> {
    let mut child = own_command(invocation, &Variables::default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take();
    if let (Some(pipe), Some(text)) = (&mut input, &invocation.input) {
        pipe.write_all(text.as_bytes())?;
    }
    let (sender, lines) = mpsc::channel();
    let output = child.stdout.take();
    thread::spawn(move || {
        let lines = output.into_iter().flat_map(|pipe| BufReader::new(pipe).lines().map_while(Result::ok));
        lines.for_each(|line| drop(sender.send(line)));
    });
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(line) => on_line(&line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return child.wait(),
        }
        if interrupt.happened() {
            drop(input.take());
        }
    }
}

/// Leaves the terminal and the session of the process that started this one, and so their signals; returns what tells
/// whether the standard input has ended. What the caller needs of that it has read before.
#[must_use]
pub fn leave_session() -> Arc<AtomicBool> {
    // It fails only where this process leads a group already.
    let _ = rustix::process::setsid();
    let ended = Arc::new(AtomicBool::new(false));
    let has_ended = Arc::clone(&ended);
    thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        has_ended.store(true, Ordering::Relaxed);
    });
    ended
}

fn run_command_attached(mut command: Command, interrupt: &Interrupt) -> std::io::Result<u8> {
    // A process group of its own could not read from the terminal, which sends Ctrl-C to this one and its child alike.
    let has_terminal = std::io::stdin().is_terminal();
    if !has_terminal {
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    let _passed_on =
        if has_terminal { interrupt.leave_ctrl_c_to(child.id()) } else { interrupt.pass_on_to(child.id()) };
    Ok(u8::try_from(exit_code(child.wait()?)).unwrap_or(u8::MAX))
}

/// Becomes a command; returns only why it could not.
pub(super) fn replace(invocation: &Invocation, hidden: &[OsString]) -> std::io::Error {
    command(invocation, hidden).exec()
}

/// Becomes a person's own command; returns only why it could not.
pub(super) fn replace_by_own(invocation: &Invocation, variables: &Variables) -> std::io::Error {
    own_command(invocation, variables).exec()
}

fn own_command(invocation: &Invocation, variables: &Variables) -> Command {
    let unset: Vec<OsString> = variables.unset.iter().map(OsString::from).collect();
    let mut command = command(invocation, &unset);
    command.envs(variables.set.iter().map(|(name, value)| (name, value)));
    command
}

fn command(invocation: &Invocation, hidden: &[OsString]) -> Command {
    let mut command = Command::new(&invocation.program);
    command.args(&invocation.arguments);
    for name in hidden {
        command.env_remove(name);
    }
    command.envs(invocation.variables.iter().map(|(name, value)| (name, value)));
    if let Some(folder) = invocation.folder.as_ref().filter(|folder| !folder.as_os_str().is_empty()) {
        command.current_dir(folder);
    }
    command
}

/// Writes to a child beside reading from it; one that ends early has read enough.
fn feed(child: &mut Child, input: Option<String>) {
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        thread::spawn(move || pipe.write_all(input.as_bytes()));
    }
}

/// Reads a pipe to its end, beside the other one: a child that fills either would wait forever.
fn drain(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before a broken pipe is all there is.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

/// Ends a child that takes too long, with its own children: gently first, since `docker` then ends what it began.
fn end_of(child: &mut Child) {
    crate::interrupt::signal_group(child.id(), rustix::process::Signal::TERM);
    let end = Instant::now() + GRACE;
    while Instant::now() < end && matches!(child.try_wait(), Ok(None)) {
        thread::sleep(Duration::from_millis(20));
    }
    crate::interrupt::signal_group(child.id(), rustix::process::Signal::KILL);
    // Its pipes are left alone: a child of its own may hold them for longer.
    let _ = child.wait();
}

/// Why a program of the engine was not started.
pub(super) fn not_started(invocation: &Invocation, error: &std::io::Error) -> anyhow::Error {
    let (purpose, program) = (&invocation.purpose, &invocation.program);
    let problem = match error.kind() {
        ErrorKind::NotFound => format!("`{program}` is not on PATH"),
        _ => format!("`{program}` does not start: {error}"),
    };
    let hint = "install Docker Engine and its Compose plugin; `ozone-compose generate` works without";
    Failure::new(Status::NoEngine, format!("could not {purpose}: {problem}")).with_hint(hint).into()
}

/// Why a person's own program was not run, with the exit code of shells.
pub(super) fn not_run(invocation: &Invocation, error: &std::io::Error) -> Failure {
    let program = &invocation.program;
    let (code, problem) = match error.kind() {
        ErrorKind::NotFound if program.contains('/') => (127, format!("`{program}` is not there")),
        ErrorKind::NotFound => (127, format!("`{program}` is not on PATH")),
        _ => (126, format!("`{program}` cannot be run: {error}")),
    };
    Failure::new(Status::Child(code), format!("could not {}: {problem}", invocation.purpose))
}

fn too_slow(invocation: &Invocation) -> anyhow::Error {
    let (purpose, seconds) = (&invocation.purpose, invocation.patience.as_secs());
    let message = format!("could not {purpose}: `{invocation}` was not done after {seconds} s");
    Failure::new(invocation.late, message).with_hint("`ozone-compose doctor` checks the engine").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_takes_too_long_is_ended_with_its_children() {
        let shell = Invocation::new("sh", "wait").with(["-c", "sleep 60; true"]);
        let started = Instant::now();
        let slow = shell.lasting(Duration::from_millis(50));
        let error = run(&slow, &[], &Interrupt::default()).expect_err("too slow");
        assert_eq!(error.to_string(), "could not wait: `sh -c 'sleep 60; true'` was not done after 0 s");
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn hidden_variables_do_not_reach_a_child_and_input_does() {
        let shell = Invocation::new("sh", "look").with(["-c", "cat; echo $PATH"]).reading("in ");
        let finished = run(&shell, &["PATH".into()], &Interrupt::default());
        // Without PATH the shell finds no `cat`, and has a PATH of its own to look in or none.
        let finished = finished.expect("a shell");
        assert!(!finished.stdout.contains(&std::env::var("PATH").expect("a PATH")), "{finished:?}");
        let cat = Invocation::new("cat", "repeat").reading("text");
        assert_eq!(run(&cat, &[], &Interrupt::default()).expect("cat").stdout, "text");
    }
}
