//! The verbs, one file each, and what they share: the request, and how a running cluster is changed.
//!
//! A verb may use everything; nothing but another verb uses one.

pub mod bench;
mod change;
pub mod collect;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod down;
pub mod drain;
pub mod env;
pub mod fault;
pub mod generate;
pub mod haproxy;
pub mod logs;
pub mod ls;
pub mod man;
pub mod nodes;
pub mod reload;
mod request;
pub mod restart;
pub mod resume;
pub mod run;
pub mod scale;
pub mod schema;
pub mod smoke;
mod stack;
pub mod start;
pub mod status;
pub mod stop;
pub mod templates;
pub mod up;
pub mod upgrade;
pub mod user;

use std::path::PathBuf;

use crate::engine::Engine;
use crate::interrupt::Interrupt;
use crate::profile::Files;
use crate::spec::choices::Choices;
use crate::ui::Ui;

/// What every verb gets.
#[derive(Clone, Debug)]
pub struct Context {
    /// Prints.
    pub ui: Ui,
    /// Runs commands.
    pub engine: Engine,
    /// Reports Ctrl-C.
    pub interrupt: Interrupt,
    /// The choices made in environment variables.
    pub environment: Choices,
    /// The hosts that the caller reaches without a proxy, between commas; none where there is no proxy.
    pub no_proxy: Option<String>,
    /// The files of AWS profiles; none where there is no home.
    pub profiles: Option<Files>,
    /// The file of variables of a step of a GitHub job; none outside of one.
    pub github_env: Option<PathBuf>,
}

impl Context {
    /// The same for what must be done after Ctrl-C.
    fn uninterrupted(&self) -> Self {
        let interrupt = Interrupt::default();
        Self { engine: self.engine.with_interrupt(interrupt.clone()), interrupt, ..self.clone() }
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
