//! The one place that prints: results to stdout, messages to stderr.
//!
//! Knows nothing of verbs, nor why something is printed.

mod json;
pub mod progress;
mod table;

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use anyhow::{Error, Result};
use serde::Serialize;
use serde_json::json;

use crate::error::{Failure, hint_of};
use crate::spec::Problems;
use json::Object;
use progress::{Mode, Progress};
pub use table::table;

const BAD: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Something that was reached at some time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// Seconds since the run began, to the tenth.
    pub seconds: f64,
    /// Whose it is: a service, or a container where a service has several.
    pub container: String,
    /// What was reached.
    pub event: &'static str,
}

/// Prints; colours are dropped where nobody would see them, or where `NO_COLOR` is set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ui {
    mode: Mode,
    quiet: bool,
}

impl Ui {
    /// A printer; `quiet` leaves only data and errors. `in_ci` makes progress plain even on a terminal.
    #[must_use]
    pub fn new(mode: Mode, quiet: bool, in_ci: bool) -> Self {
        let mode = match mode {
            _ if quiet => Mode::Quiet,
            Mode::Auto if std::io::stderr().is_terminal() && !in_ci => Mode::Tty,
            Mode::Auto => Mode::Plain,
            chosen => chosen,
        };
        Self { mode, quiet }
    }

    /// Starts a wait.
    #[must_use]
    pub fn progress(self) -> Progress {
        Progress::new(self, self.mode)
    }

    /// What waits here in silence, such as a run that only shows what it would do.
    #[must_use]
    pub fn no_progress(self) -> Progress {
        Progress::new(self, Mode::Quiet)
    }

    /// Prints data, byte for byte.
    ///
    /// # Errors
    /// Whatever the reader of standard output does, such as closing it.
    pub fn data(self, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(())
    }

    /// Prints an object for programs: its fields after `version` and `kind`.
    ///
    /// # Errors
    /// As for data.
    pub fn object(self, kind: &str, fields: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(&Object::new(kind, fields))?;
        self.data(&format!("{text}\n"))
    }

    /// Prints text with colours, where they would be seen.
    ///
    /// # Errors
    /// As for data.
    pub fn styled_data(self, text: impl std::fmt::Display) -> Result<()> {
        write!(anstream::stdout(), "{text}")?;
        Ok(())
    }

    /// Prints a line, unless quiet.
    pub fn say(self, text: &str) {
        match self.mode {
            _ if self.quiet => {}
            Mode::Json => {
                say_object("message", &json!({ "text": text.trim() }));
            }
            _ => say_always(text),
        }
    }

    /// Prints a message as text for people, unless quiet, and as an object for programs.
    pub fn tell(self, kind: &str, fields: &impl Serialize, text: &str) {
        if self.mode == Mode::Json {
            return say_object(kind, fields);
        }
        self.say(text);
    }

    /// Prints which phase was reached when.
    pub fn timings(self, moments: &[Moment]) {
        if self.mode == Mode::Json {
            return moments.iter().for_each(|moment| say_object("timing", moment));
        }
        let row = |moment: &Moment| {
            let Moment { seconds, container, event } = moment;
            [format!("{seconds:7.1}"), container.clone(), (*event).to_owned()]
        };
        let rows: Vec<_> = moments.iter().map(row).collect();
        self.say(table(["SECONDS", "CONTAINER", "EVENT"], &rows).trim_end());
    }

    /// Prints text that has its own layout and colours, such as clap's.
    pub fn say_as_is(self, text: impl std::fmt::Display) {
        let _ = write!(anstream::stderr(), "{text}");
    }

    /// Prints why the run failed and what to type next.
    pub fn error(self, error: &Error) {
        if self.mode == Mode::Json {
            return say_object("error", &json::of_error(error));
        }
        let mut lines = vec![format!("{BAD}error:{BAD:#} {}", headline(error))];
        lines.extend(error.chain().skip(1).map(|cause| format!("  caused by: {cause}")));
        if let Some(failure) = error.downcast_ref::<Failure>() {
            lines.extend(failure.detail.lines().map(|line| format!("  | {line}")));
        }
        let hint = hint_of(error);
        if !hint.is_empty() {
            lines.push(format!("{HINT}hint:{HINT:#} {hint}"));
        }
        say_always(&lines.join("\n"));
    }
}

/// Prints a line, quiet or not.
fn say_always(text: &str) {
    // If stderr is closed, the error cannot be reported.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints an object for programs, as a line.
fn say_object(kind: &str, fields: &impl Serialize) {
    say_always(&Object::new(kind, fields).line());
}

fn headline(error: &Error) -> String {
    let text = error.to_string();
    if error.is::<Problems>() && text.contains('\n') {
        return format!("{} things are wrong:\n  {}", text.lines().count(), text.replace('\n', "\n  "));
    }
    text
}
