//! Faults: how one container fails in a known way, and how that is undone. Each is undone by what there is then, so that
//! undoing it twice, or after it was never made, does no harm.

mod detour;
mod record;

use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

pub use detour::Detour;
pub use record::{Found, Record};

use crate::engine::objects::{self, Attachment, Container, Scope, State};
use crate::engine::{Engine, is_of_what_is_gone};
use crate::observe::members;

/// One container that fails for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// As it was typed: `delay 200ms s3g2`.
    pub words: String,
    /// The cluster.
    pub project: String,
    /// The container to which it is done, by its id: for a [`Detour`] the balancer's.
    pub container: String,
    /// How it fails.
    pub effect: Effect,
    /// For how long.
    pub milliseconds: u64,
}

/// How a container fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Its process is killed.
    Kill,
    /// Its processes stand still; its connections stay open.
    Freeze,
    /// It leaves its networks, to which it returns with the same names and the address that was chosen for it.
    Partition(Vec<Attachment>),
    /// HAProxy sends a gateway's requests through another HAProxy, which delays or refuses them.
    Detour(Detour),
}

impl Fault {
    /// For how long.
    #[must_use]
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }

    /// Makes it.
    ///
    /// # Errors
    /// When the engine refuses, or HAProxy does; part of it may have been made.
    pub fn make(&self, engine: &Engine) -> Result<()> {
        match &self.effect {
            Effect::Kill => self.command(engine, &["kill"], &[]),
            Effect::Freeze => self.command(engine, &["pause"], &[]),
            Effect::Partition(attachments) => attachments
                .iter()
                .try_for_each(|one| self.command(engine, &["network", "disconnect", &one.network], &[])),
            Effect::Detour(detour) => {
                let Some(balancer) = self.container_now(engine)? else { return Ok(()) };
                detour.make(&balancer, engine)
            }
        }
    }

    /// Undoes what is there of it. A container that is gone needs nothing.
    ///
    /// # Errors
    /// When the engine refuses, or HAProxy does.
    pub fn undo(&self, engine: &Engine) -> Result<()> {
        let Some(container) = self.container_now(engine)? else { return Ok(()) };
        let undone = match &self.effect {
            Effect::Kill if container.has_ended() => self.command(engine, &["start"], &[]),
            Effect::Freeze if container.state == State::Paused => self.command(engine, &["unpause"], &[]),
            Effect::Partition(attachments) => {
                let is_away = |one: &&Attachment| !container.is_in(&one.network);
                attachments.iter().filter(is_away).try_for_each(|one| self.connect(one, engine))
            }
            Effect::Detour(detour) if container.is_running() => detour.undo(&container, engine),
            Effect::Kill | Effect::Freeze | Effect::Detour(_) => Ok(()),
        };
        undone.or_else(|error| if is_of_what_is_gone(&error) { Ok(()) } else { Err(error) })
    }

    fn connect(&self, to: &Attachment, engine: &Engine) -> Result<()> {
        let mut options = vec!["network", "connect"];
        options.extend(to.aliases.iter().flat_map(|alias| ["--alias", alias]));
        options.extend(to.chosen_address.iter().flat_map(|address| ["--ip", address]));
        self.command(engine, &options, &[&to.network])
    }

    /// The container as it is now, where it is still there and this tool's.
    fn container_now(&self, engine: &Engine) -> Result<Option<Container>> {
        let (members, _) = members(objects::containers(engine, Scope::Project(&self.project))?);
        Ok(members.into_iter().map(|one| one.container).find(|one| one.id == self.container))
    }

    /// A command of the engine for the container: its words, `last` and the container's id.
    fn command(&self, engine: &Engine, words: &[&str], last: &[&str]) -> Result<()> {
        let purpose = format!("make or undo the fault `{}`", self.words);
        let command = engine.command(&purpose, []).with(words.iter().chain(last).copied());
        engine.run(&command.with([&self.container])).map(drop)
    }
}
