//! Waiting until a cluster is ready, and the account of why it is not.
//!
//! Knows nothing of how it was started, and changes nothing but its own probe's objects.

mod proof;
pub mod timeline;

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cluster::Cluster;
use crate::engine::containers::{self, Container};
use crate::engine::{Invocation, Runner};
use crate::error::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::jmx;
use crate::s3;
use crate::ui::progress::Progress;
pub(crate) use proof::BUCKET;
use proof::Proof;

/// How often the loop looks whether it is done or interrupted.
const TICK: Duration = Duration::from_millis(200);
/// How often pages are asked: three small requests.
const LOOK: Duration = Duration::from_secs(1);
/// How often containers are listed: Compose takes 75 ms of a core for it, and so 1.5 % of one.
const LIST: Duration = Duration::from_secs(5);
/// Lines of a container's log that an error shows.
const LOG_LINES: &str = "20";

/// What waiting needs to know.
#[derive(Debug)]
pub struct Wait<'a> {
    /// What is waited for.
    pub cluster: &'a Cluster,
    /// Lists containers.
    pub runner: &'a Runner,
    /// Ends the wait.
    pub interrupt: &'a Interrupt,
    /// How long it may take.
    pub timeout: Duration,
}

impl Wait<'_> {
    /// Waits until every gateway that is not drained has served a signed PUT and GET, and every SCM is in its group:
    /// one that is not could not take over. Returns when each gateway had, by its name in HAProxy, where that tells
    /// names.
    ///
    /// # Errors
    /// At once when a container of the cluster has ended; 5 when time is up, with what was ready and what was
    /// not; 130 when a person stopped it.
    pub fn until_ready(&self, progress: &mut Progress) -> Result<BTreeMap<String, Instant>> {
        let gateways = self.cluster.spec.in_rotation().count();
        let proof = Proof::start(&self.cluster.endpoint, gateways)?;
        let (mut next_list, mut next_look) = (Instant::now(), Instant::now());
        let end = Instant::now() + self.timeout;
        let mut has_all_scms = false;
        loop {
            self.interrupt.check()?;
            if Instant::now() >= next_list {
                self.fail_on_an_ended_container()?;
                next_list = Instant::now() + LIST;
            }
            if Instant::now() >= next_look {
                has_all_scms = self.look(progress, &proof, gateways);
                next_look = Instant::now() + LOOK;
            }
            if proof.is_complete() && has_all_scms {
                progress.done("proof", format!("PUT and GET through {gateways} of {gateways} gateways"));
                let times = proof.times();
                proof.clean_up();
                return Ok(times);
            }
            if Instant::now() >= end {
                return Err(self.out_of_time(progress, &proof).into());
            }
            thread::sleep(TICK);
        }
    }

    /// Tells each component's state, as far as it can be seen from here, and returns whether the SCMs are complete.
    fn look(&self, progress: &mut Progress, proof: &Proof, gateways: usize) -> bool {
        let scms = self.cluster.spec.scms.get() as usize;
        let mut has_all_scms = scms == 1 || self.cluster.scm.is_none();
        if let Some(scm) = &self.cluster.scm {
            let page = s3::page(&format!("{scm}/{}", jmx::SCM)).unwrap_or_default();
            let joined = jmx::members(&page).len();
            has_all_scms |= joined >= scms;
            match jmx::safe_mode(&page) {
                None => {
                    progress.doing("scm", "starting");
                    progress.doing("datanodes", "none registered, the SCM is starting");
                }
                Some(mode) => {
                    let report = if mode.has_datanodes { Progress::done } else { Progress::doing };
                    report(progress, "datanodes", mode.datanodes);
                    if mode.on {
                        progress.doing("scm", format!("safe mode until {}", mode.waits_for));
                    } else if !has_all_scms {
                        progress.doing("scm", format!("out of safe mode, {joined} of {scms} SCMs joined"));
                    } else {
                        progress.done("scm", "out of safe mode");
                    }
                }
            }
        }
        if let Some(om) = &self.cluster.om {
            let page = s3::page(&format!("{om}/{}", jmx::OM)).unwrap_or_default();
            match jmx::leader(&page) {
                None => progress.doing("om", "starting, no leader yet"),
                Some(leader) => progress.done("om", format!("`{leader}` leads")),
            }
        }
        if let Some(seen) = self.cluster.gateways() {
            let up = seen.iter().filter(|gateway| gateway.is_up()).count();
            let report = if up >= gateways { Progress::done } else { Progress::doing };
            report(progress, "gateways", format!("{up} of {gateways} healthy"));
        }
        let proved = proof.proved();
        let report = if proved >= gateways { Progress::done } else { Progress::doing };
        report(progress, "proof", format!("PUT and GET through {proved} of {gateways} gateways"));
        has_all_scms
    }

    fn fail_on_an_ended_container(&self) -> Result<()> {
        let containers = containers::list(self.runner, &self.cluster.name)?;
        let ended =
            containers.into_iter().find(|container| !container.role.is_empty() && container.has_ended());
        match ended {
            Some(container) => {
                let consequence = "the cluster cannot become ready";
                Err(account_of(&container, consequence, self.cluster, self.runner).into())
            }
            None => Ok(()),
        }
    }

    fn out_of_time(&self, progress: &Progress, proof: &Proof) -> Failure {
        let message = format!("cluster `{}` was not ready in {:?}", self.cluster.name, self.timeout);
        let proved =
            Some(proof.times().into_keys().collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty());
        let problem = Some(proof.problem()).filter(|problem| !problem.is_empty());
        let account = [
            Some(progress.account()),
            proved.map(|names| format!("proved: {names}")),
            problem.map(|problem| format!("the last probe met: {problem}")),
        ];
        let account = account.into_iter().flatten().collect::<Vec<_>>().join("\n");
        Failure::new(Status::NotReady, message).with_detail(account).with_hint(format!(
            "`{} --timeout 10m` goes on waiting; `{}` shows what it does",
            self.cluster.command("up"),
            self.cluster.command("logs")
        ))
    }
}

/// Why a container that has ended is in the way, with the last lines of its log.
#[must_use]
pub fn account_of(container: &Container, consequence: &str, cluster: &Cluster, runner: &Runner) -> Failure {
    let logs = Invocation::docker("read a log", ["logs", "--tail", LOG_LINES]).with([&container.id]);
    let tail = runner.ask(&logs).map(|logs| format!("{}{}", logs.stdout, logs.stderr));
    let Container { role, service, exit_code, .. } = container;
    let message = format!("{role} `{service}` ended with exit code {exit_code}; {consequence}");
    Failure::new(Status::Failed, message).with_detail(tail.unwrap_or_default()).with_hint(format!(
        "`{} {service}` shows more, `{}` packs everything",
        cluster.command("logs"),
        cluster.command("collect")
    ))
}
