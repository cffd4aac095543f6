//! How a run ends: exit codes, and errors that say what to type next. How they look is for `ui`.

use std::fmt;

use crate::spec::Problems;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Bad usage, or a bad `ozone-compose.yaml`.
    Usage,
    /// Files differ, were edited by hand, or are not this tool's.
    Differs,
    /// No engine that can be used.
    NoEngine,
    /// It does not run, or is not ready in time.
    NotReady,
    /// Stopped by a person.
    Interrupted,
    /// The exit code of a program that was run on a person's behalf.
    Child(u8),
}

impl Status {
    /// Its name in JSON; a program that was run has none of its own, and failed.
    #[must_use]
    pub fn name(self) -> &'static str {
        EXIT_CODES.iter().find(|code| code.status == self).map_or("failed", |code| code.name)
    }

    /// The process's exit code.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Differs => 3,
            Self::NoEngine => 4,
            Self::NotReady => 5,
            Self::Interrupted => 130,
            Self::Child(code) => i32::from(code),
        }
    }
}

/// One way in which a run ends.
#[derive(Debug)]
pub struct ExitCode {
    /// How it ended.
    pub status: Status,
    /// Its name in JSON.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// Every way in which a run of this tool's own ends: what `--help`, the man pages and JSON say about it.
pub const EXIT_CODES: &[ExitCode] = &[
    ExitCode { status: Status::Done, name: "done", meaning: "done" },
    ExitCode { status: Status::Failed, name: "failed", meaning: "failed" },
    ExitCode { status: Status::Usage, name: "usage", meaning: "bad usage, or a bad ozone-compose.yaml" },
    ExitCode {
        status: Status::Differs,
        name: "differs",
        meaning: "files differ, were edited by hand, or are not this tool's",
    },
    ExitCode {
        status: Status::NoEngine,
        name: "no-engine",
        meaning: "no Docker Engine or Compose that can be used",
    },
    ExitCode {
        status: Status::NotReady,
        name: "not-ready",
        meaning: "does not run, or is not ready in time",
    },
    ExitCode { status: Status::Interrupted, name: "interrupted", meaning: "interrupted" },
];

/// What the table of exit codes leaves out.
pub const OTHER_EXIT_CODES: &str = "`run` and `logs` end with the exit code of the program they run.";

/// The exit codes for `--help`.
#[must_use]
pub fn exit_codes() -> String {
    let line = |code: &ExitCode| format!("  {:>3}  {}\n", code.status.code(), code.meaning);
    let lines: String = EXIT_CODES.iter().map(line).collect();
    format!("Exit codes:\n{lines}{OTHER_EXIT_CODES}")
}

/// An error with its exit code, and what to do about it.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub status: Status,
    /// What was attempted, on what, and what went wrong.
    pub message: String,
    /// Output that explains it, such as a diff or a log.
    pub detail: String,
    /// What to type next.
    pub hint: String,
}

impl Failure {
    /// A failure that needs no more words.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), detail: String::new(), hint: String::new() }
    }

    /// Adds output that explains it.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Adds what to type next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// What to type next; empty where an error says enough.
#[must_use]
pub fn hint_of(error: &anyhow::Error) -> &str {
    let of_failure = error.downcast_ref::<Failure>().map(|failure| failure.hint.as_str());
    of_failure.or_else(|| error.downcast_ref::<Problems>().map(Problems::hint)).unwrap_or_default()
}

/// The exit code of an error.
#[must_use]
pub fn status_of(error: &anyhow::Error) -> Status {
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.status,
        None if error.is::<Problems>() => Status::Usage,
        None => Status::Failed,
    }
}
