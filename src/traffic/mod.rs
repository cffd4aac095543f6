//! Which gateways of a cluster that runs get requests: takes them out of rotation, and in again once they are proved.
//!
//! Knows nothing of files: what they say is loaded by [`Traffic::load`], and everything else is HAProxy's memory, which a
//! reload forgets.

pub mod condition;
mod probe;

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};

use crate::cluster::Cluster;
use crate::engine::Runner;
use crate::engine::containers::{self, Container, addresses};
use crate::error::{Failure, Status};
use crate::haproxy::Gateway;
use crate::haproxy::control::{Admission, Control};
use crate::interrupt::Interrupt;
use crate::ready::account_of;
use crate::s3;
use crate::spec::values::Discovery;
use crate::ui::progress::Progress;

/// Pause between two looks while something is awaited: each takes a process in a container.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a gateway that is proved may take to pass HAProxy's checks: twice `rise`, and DNS before that.
const CHECKED_WITHIN: Duration = Duration::from_secs(60);
/// How long a new worker may take to answer its first request.
const SERVES_WITHIN: Duration = Duration::from_secs(30);

/// Names of gateways, as HAProxy has them.
pub type Names = BTreeSet<String>;

/// The requests of a cluster that runs.
#[derive(Clone, Debug)]
pub struct Traffic<'a> {
    cluster: &'a Cluster,
    runner: &'a Runner,
    interrupt: &'a Interrupt,
    control: Control<'a>,
}

impl<'a> Traffic<'a> {
    /// The traffic of a cluster with these containers.
    ///
    /// # Errors
    /// When its balancer does not run.
    pub fn of(
        cluster: &'a Cluster,
        containers: &[Container],
        runner: &'a Runner,
        interrupt: &'a Interrupt,
    ) -> Result<Self> {
        let control = Control::among(containers, runner)?;
        Ok(Self { cluster, runner, interrupt, control })
    }

    /// What HAProxy calls the gateways in these containers: their services, or where they were found by DNS, the places
    /// that hold their addresses.
    pub fn names_of(&self, containers: &[Container]) -> Result<Names> {
        if self.cluster.spec.discovery == Discovery::Static {
            return Ok(containers.iter().map(|container| container.service.clone()).collect());
        }
        let addresses = addresses(self.runner, containers)?;
        let is_there = |gateway: &Gateway| addresses.iter().any(|address| gateway.is_at(address));
        Ok(self.control.gateways()?.into_iter().filter(is_there).map(|gateway| gateway.name).collect())
    }

    /// Sends gateways nothing new, and waits until they have answered what they have; returns the requests that are
    /// still in flight when the patience ends.
    ///
    /// # Errors
    /// 130 when a person stopped it; the gateways stay out of rotation.
    pub fn drain(&self, names: &Names, patience: Duration, progress: &mut Progress) -> Result<u64> {
        if names.is_empty() {
            return Ok(0);
        }
        let list = listed(names);
        progress.doing("drain", format!("{list} gets nothing new"));
        self.control.admit(names, Admission::Drain)?;
        let end = Instant::now() + patience;
        loop {
            self.interrupt.check()?;
            let in_flight = self.control.in_flight(names)?;
            if in_flight == 0 {
                progress.done("drain", format!("{list} has finished"));
                return Ok(0);
            }
            progress.doing("drain", format!("{in_flight} in flight to {list}"));
            if Instant::now() >= end {
                return Ok(in_flight);
            }
            thread::sleep(PAUSE);
        }
    }

    /// Sends gateways requests again that were taken out of rotation since the last reload.
    pub fn take_back(&self, names: &Names) -> Result<()> {
        self.control.admit(names, Admission::Ready)
    }

    /// Waits until each of these containers has taken a signed PUT and given it back, asked without the balancer.
    ///
    /// # Errors
    /// At once when one of them has ended; 5 when time is up; 130 when a person stopped it.
    pub fn prove(&self, services: &Names, patience: Duration, progress: &mut Progress) -> Result<()> {
        let end = Instant::now() + patience;
        let mut proved = BTreeSet::new();
        loop {
            self.interrupt.check()?;
            let here = containers::list(self.runner, &self.cluster.name)?;
            let here: Vec<_> = here.into_iter().filter(|one| services.contains(&one.service)).collect();
            if let Some(ended) = here.iter().find(|container| container.has_ended()) {
                let consequence = "it gets no requests";
                return Err(account_of(ended, consequence, self.cluster, self.runner).into());
            }
            let mut problem = String::new();
            for container in &here {
                if proved.contains(&container.id) {
                    continue;
                }
                match probe::probe(container, self.runner) {
                    Ok(()) => drop(proved.insert(container.id.clone())),
                    Err(error) => problem = format!("{}: {error:#}", container.name),
                }
            }
            let text = format!("PUT and GET through {} of {} by itself", proved.len(), listed(services));
            if !here.is_empty() && here.iter().all(|container| proved.contains(&container.id)) {
                progress.done("proof", text);
                return Ok(());
            }
            progress.doing("proof", text);
            if Instant::now() >= end {
                let message = format!("{} did not serve in {patience:?}", listed(services));
                let hint = format!("`{}` shows what it does", self.cluster.command("logs"));
                return Err(Failure::new(Status::NotReady, message)
                    .with_detail(problem)
                    .with_hint(hint)
                    .into());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Whether a configuration that was last changed then is newer than what HAProxy has loaded.
    pub fn is_older_than(&self, changed: SystemTime) -> Result<bool> {
        let started = SystemTime::now() - self.control.workers()?.uptime;
        // The uptime is in whole seconds: rather one reload too many.
        Ok(changed + Duration::from_secs(1) > started)
    }

    /// Checks the configuration that lies in the folder.
    ///
    /// # Errors
    /// With HAProxy's own words; the one that is loaded stays.
    pub fn check(&self) -> Result<()> {
        self.control.check()
    }

    /// Whether HAProxy has other gateways, or others of them drained, than the files say.
    pub fn differs(&self) -> Result<bool> {
        let spec = &self.cluster.spec;
        if spec.discovery == Discovery::Dns {
            return Ok(self.control.gateways()?.iter().any(Gateway::is_drained));
        }
        let wanted: BTreeSet<(String, bool)> =
            spec.gateway_names().map(|name| (name.clone(), spec.is_drained(&name))).collect();
        let loaded = self.control.gateways()?.into_iter();
        Ok(wanted != loaded.map(|gateway| (gateway.name.clone(), gateway.is_drained())).collect())
    }

    /// Has HAProxy load the configuration that lies in the folder, without losing a request, and waits until its new
    /// worker has answered one.
    ///
    /// # Errors
    /// When the configuration is bad, or the new worker does not serve.
    pub fn load(&self, progress: &mut Progress) -> Result<()> {
        progress.doing("balancer", "loading its configuration");
        self.control.check()?;
        self.control.reload()?;
        if self.runner.is_dry() {
            return Ok(());
        }
        s3::await_answer(&self.cluster.endpoint, SERVES_WITHIN)
            .with_context(|| format!("HAProxy has reloaded, but {} does not serve", self.cluster.endpoint))?;
        progress.done("balancer", "serves with the configuration in the folder");
        Ok(())
    }

    /// Gateways that HAProxy has loaded, in rotation or not.
    pub fn loaded(&self) -> Result<Names> {
        Ok(self.control.gateways()?.into_iter().map(|gateway| gateway.name).collect())
    }

    /// Gateways that pass HAProxy's checks and are in rotation.
    pub fn serving(&self) -> Result<Names> {
        let up = self.control.gateways()?.into_iter().filter(Gateway::is_up);
        Ok(up.map(|gateway| gateway.name).collect())
    }

    /// Waits until so many gateways are in rotation, whichever they are.
    ///
    /// # Errors
    /// 5 when time is up; 130 when a person stopped it.
    pub fn await_number_in_rotation(&self, number: usize, progress: &mut Progress) -> Result<()> {
        self.await_rotation(progress, |serving| {
            let missing = number.saturating_sub(serving.len());
            if missing == 0 { String::new() } else { format!("{missing} of {number} gateways") }
        })
    }

    /// Waits until gateways are in rotation.
    ///
    /// # Errors
    /// 5 when time is up; 130 when a person stopped it.
    pub fn await_in_rotation(&self, names: &Names, progress: &mut Progress) -> Result<()> {
        self.await_rotation(progress, |serving| listed(&names.difference(serving).cloned().collect()))
    }

    fn await_rotation(&self, progress: &mut Progress, missing: impl Fn(&Names) -> String) -> Result<()> {
        let end = Instant::now() + CHECKED_WITHIN;
        loop {
            self.interrupt.check()?;
            let serving = self.serving()?;
            let missing = missing(&serving);
            if missing.is_empty() {
                progress.done("gateways", format!("{} healthy and in rotation", serving.len()));
                return Ok(());
            }
            progress.doing("gateways", format!("{missing} not in rotation yet"));
            if Instant::now() >= end {
                let message = format!("HAProxy does not find {missing} healthy");
                let hint = format!("`{}` shows what it sees", self.cluster.command("status"));
                return Err(Failure::new(Status::NotReady, message).with_hint(hint).into());
            }
            thread::sleep(PAUSE);
        }
    }
}

/// `s3g4, s3g5`; of many, the first and how many more.
#[must_use]
pub fn listed(names: &Names) -> String {
    let shown: Vec<&str> = names.iter().take(4).map(String::as_str).collect();
    match names.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
