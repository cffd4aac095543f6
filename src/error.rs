//! How a run ends: exit codes, and errors that say what to type next.

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
    /// Files differ, were edited by hand, or are somebody else's.
    Differs,
    /// No engine that can be used.
    NoEngine,
    /// Not ready in time.
    NotReady,
    /// Stopped by a person.
    Interrupted,
    /// The exit code of a program that was run on a person's behalf.
    Child(u8),
}

impl Status {
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

/// The table of exit codes for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  failed
    2  bad usage, or a bad ozone-compose.yaml
    3  files differ, were edited by hand, or are not this tool's
    4  no Docker Engine or Compose that can be used
    5  not ready in time
  130  interrupted
`run` and `logs` end with the exit code of the program they run.";

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

/// The exit code of an error.
#[must_use]
pub fn status_of(error: &anyhow::Error) -> Status {
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.status,
        None if error.is::<Problems>() => Status::Usage,
        None => Status::Failed,
    }
}
