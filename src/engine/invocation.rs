//! A command as data: built by pure functions, compared in tests and shown to people as a shell line.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::PATIENCE;
use crate::error::Status;

/// How the environment of a person's own command differs from the caller's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// Variables that it has, as names and values.
    pub set: Vec<(&'static str, String)>,
    /// Variables that it does not have.
    pub unset: &'static [&'static str],
}

/// A program to run, with its arguments, folder, input and the time it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// What it is for, to complete "could not ...".
    pub purpose: String,
    /// The program, found on PATH.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The folder to run it in; none for the current one.
    pub folder: Option<PathBuf>,
    /// What it reads from its standard input, if anything.
    pub input: Option<String>,
    /// Variables that it has beside the caller's, which nothing shows.
    pub variables: Vec<(&'static str, String)>,
    /// How long it may take before it is ended.
    pub patience: Duration,
    /// How a run ends in which it takes longer.
    pub late: Status,
}

impl Invocation {
    /// A program without arguments, which may take [`PATIENCE`].
    #[must_use]
    pub fn new(program: &str, purpose: &str) -> Self {
        Self {
            purpose: purpose.to_owned(),
            program: program.to_owned(),
            arguments: Vec::new(),
            folder: None,
            input: None,
            variables: Vec::new(),
            patience: PATIENCE,
            late: Status::NoEngine,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn with<S: Into<String>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Runs in a folder.
    #[must_use]
    pub fn within(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// Reads a text from its standard input.
    #[must_use]
    pub fn reading(self, input: impl Into<String>) -> Self {
        Self { input: Some(input.into()), ..self }
    }

    /// Has a variable in its environment.
    #[must_use]
    pub fn knowing(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// May take so long to answer.
    #[must_use]
    pub fn lasting(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Does something that may take so long, and is not ready in time where it takes longer.
    #[must_use]
    pub fn ready_within(self, patience: Duration) -> Self {
        Self { patience, late: Status::NotReady, ..self }
    }
}

/// As one would type it.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(folder) = self.folder.as_ref().filter(|folder| folder.as_os_str() != ".") {
            write!(f, "cd {} && ", quoted(&folder.to_string_lossy()))?;
        }
        f.write_str(&quoted(&self.program))?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", quoted(argument)))
    }
}

/// A word as a shell takes it, for commands to be copied.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_reads_as_a_shell_line() {
        let list = Invocation::new("docker", "list").with(["ps", "--format", "{{json .}}"]);
        let invocation = list.within("my cluster");
        assert_eq!(invocation.to_string(), "cd 'my cluster' && docker ps --format '{{json .}}'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
