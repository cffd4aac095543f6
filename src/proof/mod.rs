//! The one proof that a gateway serves: a signed PUT, and a GET that returns the same bytes. Through the balancer where
//! it sends the gateway requests and names it, and in the gateway's own container where it does not yet.
//!
//! Waits, ends at once where a container has ended, and changes nothing but its own probes' objects.

mod inside;
mod through;
pub mod timeline;

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::engine::Engine;
use crate::engine::objects::{self, Scope, State};
use crate::error::{Failure, Status};
use crate::haproxy::control::Control;
use crate::interrupt::Interrupt;
use crate::jmx;
use crate::observe::{Member, Observed, Which, members};
use crate::plan::Role;
use crate::plan::cluster::{OM_PORT, SCM_PORT};
use crate::s3::{self, Key};
use crate::site::Site;
use crate::steps::{has_access, rotation};
use crate::ui::progress::Progress;
use through::Through;

/// The bucket of the probes. A name of its own and not one of each run, so that what a killed run left is
/// removed by the next.
pub(crate) const BUCKET: &str = "ozone-compose-ready";

/// How often the loop looks whether it is done or interrupted.
const TICK: Duration = Duration::from_millis(200);
/// How often pages and HAProxy are queried: two small requests and a process in a container.
const LOOK: Duration = Duration::from_secs(1);
/// How often containers are listed while the whole cluster is waited for: two processes, some 80 ms of a core.
const LIST: Duration = Duration::from_secs(3);
/// Lines of a container's log that an error shows.
const LOG_LINES: &str = "20";
/// How long a cluster that is ready may take to answer a request.
const SERVES_WITHIN: Duration = Duration::from_secs(30);

/// When each gateway was proved, by its name.
pub type Proved = BTreeMap<String, Instant>;

/// What a proof needs to know.
#[derive(Debug)]
pub struct Prover<'a> {
    /// Whose gateways.
    pub site: &'a Site,
    /// Lists containers and runs probes in them.
    pub engine: &'a Engine,
    /// Ends the wait.
    pub interrupt: &'a Interrupt,
    /// How long it may take.
    pub patience: Duration,
    /// What the probes sign with.
    pub key: Key,
}

/// Where the probes go.
enum Route {
    /// Through the balancer, in the background.
    Through(Through),
    /// In the containers, one after the other, until each has served once.
    Inside { wanted: Which, proved: Proved, problem: String },
}

impl Prover<'_> {
    /// Waits until each of these gateways has served on its own.
    ///
    /// # Errors
    /// At once when one of them has ended; 5 when time is up; 130 when a person stopped it.
    pub fn gateways(&self, wanted: &Which, progress: &mut Progress) -> Result<Proved> {
        let mut route =
            Route::Inside { wanted: wanted.clone(), proved: Proved::new(), problem: String::new() };
        let end = Instant::now() + self.patience;
        loop {
            self.interrupt.check()?;
            let all = self.members()?;
            let targets: Vec<&Member> = all.iter().filter(|member| wanted.has(member)).collect();
            if let Some(ended) = targets.iter().find(|one| one.container.has_ended()) {
                return Err(account_of(ended, "it gets no requests", self.site, self.engine).into());
            }
            if targets.len() < wanted.count() {
                let message = format!("of {wanted}, {} have a container", targets.len());
                let hint = format!("`{}` makes what is missing", self.site.command("up"));
                return Err(Failure::new(Status::Failed, message).with_hint(hint).into());
            }
            route.advance(&targets, self)?;
            let proved = route.proved().len();
            let text = format!("PUT and GET directly to {wanted}: {proved} of {}", wanted.count());
            if proved >= wanted.count() {
                progress.done("proof", text);
                return Ok(route.finish());
            }
            progress.doing("proof", text);
            if Instant::now() >= end {
                let message = format!("{wanted} did not serve in {:?}", self.patience);
                let hint = format!("`{}` shows what it does", self.site.command("logs"));
                let failure = Failure::new(Status::NotReady, message).with_detail(route.problem());
                return Err(failure.with_hint(hint).into());
            }
            thread::sleep(TICK);
        }
    }

    /// Waits until every gateway that is not drained has served, and every SCM is in its group: one that is not could
    /// not take over.
    ///
    /// # Errors
    /// At once when a container of the cluster has ended or is paused; 5 when time is up, with what was ready and what was
    /// not; 130 when a person stopped it.
    pub fn cluster(&self, progress: &mut Progress) -> Result<Proved> {
        let end = Instant::now() + self.patience;
        let mut observed = Observed::read(self.engine, &self.site.name, Some(&self.site.folder))?;
        let wanted = rotation(&self.site.spec);
        let gateways = wanted.count();
        let mut route = self.route(&observed, wanted)?;
        let (mut next_list, mut next_look) = (Instant::now() + LIST, Instant::now());
        let mut has_all_scms = false;
        self.fail_on_what_does_not_run(&observed.members)?;
        loop {
            self.interrupt.check()?;
            if Instant::now() >= next_list {
                observed.members = self.members()?;
                self.fail_on_what_does_not_run(&observed.members)?;
                next_list = Instant::now() + LIST;
            }
            if Instant::now() >= next_look {
                has_all_scms = self.look(progress, &observed, gateways)?;
                next_look = Instant::now() + LOOK;
            }
            let targets: Vec<&Member> = observed.of_role(Role::Gateway).collect();
            route.advance(&targets, self)?;
            let proved = route.proved().len().min(gateways);
            let text = format!("PUT and GET through {proved} of {gateways} gateways");
            if proved >= gateways && has_all_scms {
                progress.done("proof", text);
                self.answers(&observed)?;
                return Ok(route.finish());
            }
            let report = if proved >= gateways { Progress::done } else { Progress::doing };
            report(progress, "proof", text);
            if Instant::now() >= end {
                return Err(self.out_of_time(progress, &route).into());
            }
            thread::sleep(TICK);
        }
    }

    /// Waits until every gateway of a stack has served through the balancer.
    ///
    /// # Errors
    /// 5 when time is up; 130 when a person stopped it.
    pub fn stack(&self, progress: &mut Progress) -> Result<Proved> {
        let end = Instant::now() + self.patience;
        let gateways = self.site.spec.gateways.get() as usize;
        let observed = Observed::of(self.engine, &self.site.spec, &self.site.folder)?;
        let Some(endpoint) = self.site.endpoint(&observed, self.engine)? else {
            let message = format!("cluster `{}` has no balancer that runs", self.site.name);
            let hint = format!("`{}` shows what runs", self.site.command("status"));
            return Err(Failure::new(Status::NotReady, message).with_hint(hint).into());
        };
        let route = Route::Through(Through::start(&endpoint, gateways, self)?);
        loop {
            self.interrupt.check()?;
            let proved = route.proved().len().min(gateways);
            let text = format!("PUT and GET through {proved} of {gateways} gateways");
            if proved >= gateways {
                progress.done("proof", text);
                return Ok(route.finish());
            }
            progress.doing("proof", text);
            if Instant::now() >= end {
                return Err(self.out_of_time(progress, &route).into());
            }
            thread::sleep(TICK);
        }
    }

    /// The key with a wrong secret, where there are wrong ones.
    fn forged(&self) -> Option<Key> {
        self.site.spec.kerberos.as_ref().map(|_| self.key.forged())
    }

    /// Waits until `attempt` returns a value, calling it again and again with what there is, and reports the state of
    /// SCM and OM meanwhile.
    ///
    /// # Errors
    /// As [`Self::cluster`], and those of `attempt`.
    pub fn until<T>(
        &self,
        progress: &mut Progress,
        awaited: &str,
        mut attempt: impl FnMut(&Observed) -> Result<Option<T>>,
    ) -> Result<T> {
        let end = Instant::now() + self.patience;
        let mut observed = Observed::read(self.engine, &self.site.name, Some(&self.site.folder))?;
        let gateways = rotation(&self.site.spec).count();
        loop {
            self.interrupt.check()?;
            self.fail_on_what_does_not_run(&observed.members)?;
            if let Some(result) = attempt(&observed)? {
                return Ok(result);
            }
            self.look(progress, &observed, gateways)?;
            if Instant::now() >= end {
                let message = format!("{awaited} took longer than {:?}", self.patience);
                let hint = format!("`{}` shows what the cluster does", self.site.command("logs"));
                let failure = Failure::new(Status::NotReady, message).with_detail(progress.account());
                return Err(failure.with_hint(hint).into());
            }
            thread::sleep(TICK);
            observed.members = self.members()?;
        }
    }

    /// Through the balancer where it names gateways: that of Ozone's example does not.
    fn route(&self, observed: &Observed, wanted: Which) -> Result<Route> {
        let endpoint = self.site.endpoint(observed, self.engine)?;
        match endpoint.filter(|_| has_access(&self.site.spec)) {
            Some(endpoint) => Ok(Route::Through(Through::start(&endpoint, wanted.count(), self)?)),
            None => Ok(Route::Inside { wanted, proved: Proved::new(), problem: String::new() }),
        }
    }

    /// A proof inside the containers is not enough where the balancer does not serve.
    fn answers(&self, observed: &Observed) -> Result<()> {
        self.site
            .endpoint(observed, self.engine)?
            .map_or(Ok(()), |endpoint| s3::await_answer(&endpoint, SERVES_WITHIN, &self.key))
    }

    fn members(&self) -> Result<Vec<Member>> {
        Ok(members(objects::containers(self.engine, Scope::Project(&self.site.name))?).0)
    }

    /// Reports each component's state, as far as it can be seen from here, and returns whether the SCMs are complete.
    fn look(&self, progress: &mut Progress, observed: &Observed, gateways: usize) -> Result<bool> {
        let scms = self.site.spec.scms.get() as usize;
        let scm = observed.page(Role::Scm, SCM_PORT, &self.site.host(self.engine));
        let mut has_all_scms = scms == 1 || scm.is_none();
        if let Some(scm) = scm {
            let page = s3::page(&format!("{scm}/{}", jmx::SCM)).unwrap_or_default();
            let joined = jmx::members(&page).len();
            has_all_scms |= joined >= scms;
            show_scm(progress, &page, if has_all_scms { scms } else { joined }, scms);
        }
        if let Some(om) = observed.page(Role::Om, OM_PORT, &self.site.host(self.engine)) {
            let page = s3::page(&format!("{om}/{}", jmx::OM)).unwrap_or_default();
            match jmx::leader(&page) {
                None => progress.doing("om", "starting, no leader yet"),
                Some(leader) => progress.done("om", format!("`{leader}` leads")),
            }
        }
        if let Some(balancer) = observed.running_balancer().filter(|_| has_access(&self.site.spec)) {
            let seen = Control::of(&balancer.container, self.engine).look()?;
            let up = seen.map_or(0, |seen| seen.gateways.iter().filter(|one| one.is_up()).count());
            let report = if up >= gateways { Progress::done } else { Progress::doing };
            report(progress, "gateways", format!("{up} of {gateways} healthy"));
        }
        Ok(has_all_scms)
    }

    fn fail_on_what_does_not_run(&self, members: &[Member]) -> Result<()> {
        let consequence = "the cluster cannot become ready";
        if let Some(member) = members.iter().find(|member| member.container.has_ended()) {
            return Err(account_of(member, consequence, self.site, self.engine).into());
        }
        if let Some(member) = members.iter().find(|member| member.container.state == State::Paused) {
            let message = format!("{} `{}` is paused; {consequence}", member.role.word(), member.title());
            let hint = format!("`docker unpause {}` continues it", member.container.name);
            return Err(Failure::new(Status::Failed, message).with_hint(hint).into());
        }
        Ok(())
    }

    fn out_of_time(&self, progress: &Progress, route: &Route) -> Failure {
        let message = format!("cluster `{}` was not ready in {:?}", self.site.name, self.patience);
        let proved = route.proved().into_keys().collect::<Vec<_>>().join(", ");
        let account = [
            Some(progress.account()),
            Some(proved).filter(|names| !names.is_empty()).map(|names| format!("proved: {names}")),
            Some(route.problem())
                .filter(|problem| !problem.is_empty())
                .map(|problem| format!("the last probe met: {problem}")),
        ];
        let account = account.into_iter().flatten().collect::<Vec<_>>().join("\n");
        Failure::new(Status::NotReady, message).with_detail(account).with_hint(format!(
            "`{}` continues to wait; `{}` shows what it does",
            self.site.command("up --timeout 10m"),
            self.site.command("logs")
        ))
    }
}

impl Route {
    /// Probes gateways that are not proved yet, where that is not done in the background.
    fn advance(&mut self, targets: &[&Member], prover: &Prover<'_>) -> Result<()> {
        let Self::Inside { proved, problem, wanted } = self else { return Ok(()) };
        for member in targets.iter().filter(|one| one.container.is_running() && wanted.has(one)) {
            if proved.contains_key(&member.title()) {
                continue;
            }
            match inside::probe(&member.container, prover)? {
                Ok(()) => drop(proved.insert(member.title(), Instant::now())),
                Err(met) => *problem = format!("{}: {met}", member.container.name),
            }
        }
        Ok(())
    }

    fn proved(&self) -> Proved {
        match self {
            Self::Through(through) => {
                through.times().into_iter().map(|(name, time)| (name.to_string(), time)).collect()
            }
            Self::Inside { proved, .. } => proved.clone(),
        }
    }

    fn problem(&self) -> String {
        match self {
            Self::Through(through) => through.problem(),
            Self::Inside { problem, .. } => problem.clone(),
        }
    }

    /// Removes what the probes wrote.
    fn finish(self) -> Proved {
        let proved = self.proved();
        if let Self::Through(through) = self {
            through.clean_up();
        }
        proved
    }
}

fn show_scm(progress: &mut Progress, page: &str, joined: usize, scms: usize) {
    let Some(mode) = jmx::safe_mode(page) else {
        progress.doing("scm", "starting");
        progress.doing("datanodes", "none registered, the SCM is starting");
        return;
    };
    let report = if mode.has_datanodes { Progress::done } else { Progress::doing };
    report(progress, "datanodes", mode.datanodes);
    if mode.on {
        progress.doing("scm", format!("safe mode until {}", mode.waits_for));
    } else if joined < scms {
        progress.doing("scm", format!("out of safe mode, {joined} of {scms} SCMs joined"));
    } else {
        progress.done("scm", "out of safe mode");
    }
}

/// Why a container that has ended prevents the start, with the last lines of its log.
#[must_use]
pub fn account_of(member: &Member, consequence: &str, site: &Site, engine: &Engine) -> Failure {
    let logs = engine.command("read a log", ["logs", "--tail", LOG_LINES, &member.container.id]);
    let tail = engine.output(&logs).map(|logs| format!("{}{}", logs.stdout, logs.stderr));
    let (role, service, exit_code) =
        (member.role.word(), member.container.service(), member.container.exit_code);
    let message = format!("{role} `{service}` ended with exit code {exit_code}; {consequence}");
    let repair = match member.role {
        Role::Balancer => format!(
            "correct the file and line that it names, or `{}`, which writes edited files anew and keeps each as FILE.bak; ",
            site.command("generate --force")
        ),
        _ => String::new(),
    };
    Failure::new(Status::Failed, message).with_detail(tail.unwrap_or_default()).with_hint(format!(
        "{repair}`{}` shows more, `{}` packs everything",
        site.command(&format!("logs {service}")),
        site.command("collect")
    ))
}
