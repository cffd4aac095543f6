//! A command as data: built by pure functions, compared in tests and shown to people as a shell line.

use std::fmt;
use std::path::PathBuf;

/// A program to run, with its arguments and folder.
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
}

impl Invocation {
    /// `docker` with arguments.
    #[must_use]
    pub fn docker<const N: usize>(purpose: &str, arguments: [&str; N]) -> Self {
        Self {
            purpose: purpose.to_owned(),
            program: "docker".to_owned(),
            arguments: arguments.into_iter().map(str::to_owned).collect(),
            folder: None,
        }
    }

    /// The same for another purpose.
    #[must_use]
    pub fn to(self, purpose: &str) -> Self {
        Self { purpose: purpose.to_owned(), ..self }
    }

    /// Adds arguments.
    #[must_use]
    pub fn with<S: Into<String>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Runs in a folder.
    #[must_use]
    pub fn within(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
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
        let invocation = Invocation::docker("list", ["ps", "--format", "{{json .}}"]).within("my cluster");
        assert_eq!(invocation.to_string(), "cd 'my cluster' && docker ps --format '{{json .}}'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
