//! How a run ends: exit codes, and errors that say what to type next.

use std::fmt;

use crate::spec::Problems;

/// The exit codes, also in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Bad usage, or a bad `ozone-compose.yaml`.
    Usage = 2,
    /// Files differ, were edited by hand, or are somebody else's.
    Differs = 3,
}

/// The table of exit codes for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  bad usage, or a bad ozone-compose.yaml
  3  files differ, were edited by hand, or are not this tool's";

/// An error with its exit code, and what to do about it.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub status: Status,
    /// What was attempted, on what, and what went wrong.
    pub message: String,
    /// Output that explains it, such as a diff.
    pub detail: String,
    /// What to type next.
    pub hint: String,
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
