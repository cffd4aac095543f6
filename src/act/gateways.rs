//! Steps of gateways: out of rotation, proved, and in again.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Session, TakenOut};
use crate::error::{Failure, Status};
use crate::haproxy::control::Admission;
use crate::observe::{GatewayId, Member, Which, is_at, listed, seen};
use crate::spec::values::{GatewayName, Health};
use crate::steps::{Action, replace};

/// Pause between two looks while something is awaited: each takes a process in a container.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a gateway that is proved may take to pass HAProxy's checks: twice `rise`, and DNS before that.
const CHECKED_WITHIN: Duration = Duration::from_secs(60);
/// How long a new worker may take to resolve a gateway's address: more than twice `hold valid` of the configuration.
const RESOLVED_WITHIN: Duration = Duration::from_secs(15);

impl Session<'_> {
    /// Sends gateways no new requests, and returns what HAProxy calls them.
    pub(super) fn take_out(&mut self, gateways: &[GatewayId]) -> Result<Vec<GatewayName>> {
        self.progress.doing("drain", format!("no new requests for {}", listed(gateways)));
        let names = self.servers_of(gateways)?;
        if !names.is_empty() {
            self.control()?.admit(&names, Admission::Drain)?;
        }
        Ok(names)
    }

    /// What HAProxy's current worker calls gateways. One that is found by DNS has another name in each worker, and none
    /// in a new worker until that has resolved its address: from then on it would get requests.
    fn servers_of(&self, gateways: &[GatewayId]) -> Result<Vec<GatewayName>> {
        let name = |id: &GatewayId| match id {
            GatewayId::Named(name) => Some(name.clone()),
            GatewayId::Replica(_) => None,
        };
        let names: Option<Vec<GatewayName>> = gateways.iter().map(name).collect();
        if let Some(names) = names {
            return Ok(names);
        }
        let end = Instant::now() + RESOLVED_WITHIN;
        loop {
            self.interrupt.check()?;
            let (members, control) = self.balancer()?;
            let loaded = control.loaded()?.gateways;
            let running = || of(gateways, &members).filter(|one| one.container.is_running());
            let is_known = running().all(|one| seen(&loaded, one).is_some());
            if is_known || Instant::now() >= end {
                let servers = of(gateways, &members).filter_map(|one| seen(&loaded, one));
                return Ok(servers.map(|one| one.name.clone()).collect());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits until gateways have answered what they have; returns the requests that are still in flight when the
    /// patience ends.
    pub(super) fn await_end_of_requests(&mut self, gateways: &[GatewayId]) -> Result<u64> {
        let list = listed(gateways);
        let (members, control) = self.balancer()?;
        let end = Instant::now() + self.drain_within;
        loop {
            self.interrupt.check()?;
            let in_flight =
                control.in_flight(|server| of(gateways, &members).any(|one| is_at(server, one)))?;
            if in_flight == 0 {
                self.progress.done("drain", format!("no requests in flight to {list}"));
                return Ok(0);
            }
            self.progress.doing("drain", format!("{in_flight} in flight to {list}"));
            if Instant::now() >= end {
                return Ok(in_flight);
            }
            thread::sleep(PAUSE);
        }
    }

    /// Says that requests are given up, where any are.
    pub(super) fn warn_of_cut_off(&self, in_flight: u64, gateways: &[GatewayId]) {
        if in_flight > 0 {
            let plural = if in_flight == 1 { "" } else { "s" };
            self.progress.say(&format!(
                "warning: {in_flight} request{plural} to {} still in flight after {:?}, and cut off",
                listed(gateways),
                self.drain_within
            ));
        }
    }

    pub(super) fn take_back(&mut self) -> Result<()> {
        match self.taken_out.take() {
            Some(out) if !out.names.is_empty() => self.control()?.admit(&out.names, Admission::Ready),
            _ => Ok(()),
        }
    }

    pub(super) fn undrain(&self, servers: &[GatewayName]) -> Result<()> {
        self.control()?.admit(servers, Admission::Ready)
    }

    /// After a step that failed: a gateway whose container was not changed still runs, and would stay out of rotation
    /// until the next reload. The interrupt that ended the run must not end this too.
    pub(super) fn put_back(&mut self) {
        let Some(TakenOut { names, is_untouched: true }) = self.taken_out.take() else { return };
        let engine = self.engine.uninterrupted();
        let session = Session::new(self.site, &engine, self.interrupt, self.ui);
        let back = session.control().and_then(|control| control.admit(&names, Admission::Ready));
        if let Err(error) = back {
            self.ui.error(&error.context(format!("could not take {} back into rotation", listed(&names))));
        }
    }

    pub(super) fn prove(&mut self, which: &Which) -> Result<()> {
        // A gateway that was restarted is in rotation by a check that began after that.
        if let Some(TakenOut { names, is_untouched: false }) = &self.taken_out
            && self.site.spec.balancer.health != Health::Off
        {
            self.control()?.forget_checks(names)?;
        }
        let proved = self.prover()?.gateways(which, &mut self.progress)?;
        self.proved.extend(proved);
        Ok(())
    }

    pub(super) fn await_rotation(&mut self, which: &Which) -> Result<()> {
        let end = Instant::now() + CHECKED_WITHIN;
        loop {
            self.interrupt.check()?;
            let (members, control) = self.balancer()?;
            let loaded = control.loaded()?;
            let missing = which.missing(&members, &loaded.gateways);
            if missing.is_empty() {
                self.progress.done("gateways", format!("{which} healthy and in rotation"));
                return Ok(());
            }
            self.progress.doing("gateways", format!("{missing} not in rotation yet"));
            let ended = members.iter().filter(|one| which.names(one) && one.container.has_ended());
            let ended = listed(&ended.map(Member::title).collect::<Vec<_>>());
            if Instant::now() >= end || !ended.is_empty() {
                let message = format!("HAProxy does not find {missing} healthy");
                let hint = if ended.is_empty() {
                    format!("`{}` shows its state", self.site.command("status"))
                } else {
                    format!("`{}` runs {ended} again", self.site.command("start"))
                };
                return Err(Failure::new(Status::NotReady, message).with_hint(hint).into());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Replaces each gateway that Compose would recreate, one at a time: what a person's own Compose files change, only
    /// Compose knows.
    pub(super) fn roll_changed(&mut self) -> Result<()> {
        let changed = self.changed_gateways()?;
        let observed = self.observe()?;
        for (id, member) in observed.gateways().filter(|(_, one)| changed.contains(&one.container.name)) {
            let cause = "a Compose file of your own has changed it";
            for step in replace(&self.site.spec, &id, member, cause) {
                debug_assert!(step.action != Action::RollChanged, "a step of this one");
                self.step(&step.action, &mut None)?;
            }
        }
        Ok(())
    }
}

/// The containers of some gateways.
fn of<'a>(gateways: &'a [GatewayId], members: &'a [Member]) -> impl Iterator<Item = &'a Member> {
    members.iter().filter(|one| one.gateway().is_some_and(|id| gateways.contains(&id)))
}
