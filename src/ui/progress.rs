//! How a long wait looks: a line a component on a terminal, lines with times elsewhere, JSON for programs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;

use super::Ui;

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// On a terminal `tty`, elsewhere and in CI `plain`
    #[default]
    Auto,
    /// A line a component that changes in place
    Tty,
    /// A line a change, with the time since the start
    Plain,
    /// A JSON object a line on standard error, for changes and all else that is said
    Json,
    /// Nothing
    Quiet,
}

/// The progress of one wait.
#[derive(Debug)]
pub struct Progress {
    ui: Ui,
    mode: Mode,
    started: Instant,
    texts: BTreeMap<&'static str, (String, bool)>,
    bars: MultiProgress,
    lines: BTreeMap<&'static str, ProgressBar>,
}

impl Progress {
    pub(super) fn new(ui: Ui, mode: Mode) -> Self {
        let started = Instant::now();
        let (texts, lines) = (BTreeMap::new(), BTreeMap::new());
        Self { ui, mode, started, texts, bars: MultiProgress::new(), lines }
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// What a component is doing; saying the same again shows nothing.
    pub fn doing(&mut self, component: &'static str, text: impl Into<String>) {
        self.set(component, text.into(), false);
    }

    /// What a component has done.
    pub fn done(&mut self, component: &'static str, text: impl Into<String>) {
        self.set(component, text.into(), true);
    }

    /// The last word of each component, for the account of a wait that failed.
    #[must_use]
    pub fn account(&self) -> String {
        let line = |(component, (text, done)): (&&str, &(String, bool))| {
            format!("{} {component:<10} {text}", if *done { "ready    " } else { "not ready" })
        };
        self.texts.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Says a line that is no progress, without a line that changes in place being drawn over it.
    pub fn say(&self, text: &str) {
        self.bars.suspend(|| self.ui.say(text));
    }

    /// Leaves the lines as they are.
    pub fn finish(&mut self) {
        for (component, line) in &self.lines {
            let done = self.texts.get(component).is_some_and(|(_, done)| *done);
            if !done {
                line.abandon();
            }
        }
        self.lines.clear();
    }

    fn set(&mut self, component: &'static str, text: String, done: bool) {
        let new = (text, done);
        if self.texts.get(component) == Some(&new) {
            return;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let text = &new.0;
        match self.mode {
            Mode::Tty => self.draw(component, text, done),
            Mode::Auto | Mode::Plain => {
                let mark = if done { "ok" } else { ".." };
                self.ui.say(&format!("{seconds:6.1}s  {mark}  {component:<10} {text}"));
            }
            Mode::Json => {
                let state = if done { "done" } else { "waiting" };
                let seconds = (seconds * 10.0).round() / 10.0;
                let event =
                    json!({ "seconds": seconds, "component": component, "state": state, "text": text });
                super::say_object("progress", &event);
            }
            Mode::Quiet => {}
        }
        self.texts.insert(component, new);
    }

    fn draw(&mut self, component: &'static str, text: &str, done: bool) {
        let line = self.lines.entry(component).or_insert_with(|| {
            let line = self.bars.add(ProgressBar::new_spinner());
            line.set_prefix(component);
            line.set_style(style(" {spinner:.cyan} {prefix:<10} {wide_msg} {elapsed:.dim}"));
            // Four frames a second: redrawing must cost next to nothing while a machine starts JVMs.
            line.enable_steady_tick(Duration::from_millis(250));
            line
        });
        line.set_message(text.to_owned());
        if done {
            line.set_style(style(" {spinner:.green} {prefix:<10} {wide_msg} {elapsed:.dim}"));
            line.finish();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.tick_chars("⠋⠙⠸⠴⠦⠇✓")
}
