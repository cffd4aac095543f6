//! Waiting until a cluster is ready, and the account of why it is not.

mod proof;
mod watch;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cluster::Cluster;
use crate::engine::containers::{self, Container};
use crate::engine::{Invocation, Runner};
use crate::error::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::ui::progress::Progress;
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
    /// Waits until every gateway has served a signed PUT and GET.
    ///
    /// # Errors
    /// At once when a container of the cluster has ended; 5 when time is up, with what was ready and what was
    /// not; 130 when a person stopped it.
    pub fn until_ready(&self, progress: &mut Progress) -> Result<()> {
        let gateways = self.cluster.spec.gateways.get() as usize;
        let proof = Proof::start(&self.cluster.endpoint, gateways)?;
        let (mut next_list, mut next_look) = (Instant::now(), Instant::now());
        let end = Instant::now() + self.timeout;
        loop {
            self.interrupt.check()?;
            if Instant::now() >= next_list {
                self.fail_on_an_ended_container()?;
                next_list = Instant::now() + LIST;
            }
            if Instant::now() >= next_look {
                self.look(progress, &proof);
                next_look = Instant::now() + LOOK;
            }
            if proof.is_complete() {
                progress.done("proof", format!("PUT and GET through {gateways} of {gateways} gateways"));
                proof.clean_up();
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(self.out_of_time(progress, &proof).into());
            }
            thread::sleep(TICK);
        }
    }

    /// Each component's state, as far as it can be seen from here.
    fn look(&self, progress: &mut Progress, proof: &Proof) {
        if let Some(scm) = &self.cluster.scm {
            match watch::safe_mode(scm) {
                None => {
                    progress.doing("scm", "starting");
                    progress.doing("datanodes", "none registered, the SCM is starting");
                }
                Some(mode) => {
                    let report = if mode.has_datanodes { Progress::done } else { Progress::doing };
                    report(progress, "datanodes", mode.datanodes);
                    if mode.on {
                        progress.doing("scm", format!("safe mode until {}", mode.waits_for));
                    } else {
                        progress.done("scm", "out of safe mode");
                    }
                }
            }
        }
        if let Some(om) = &self.cluster.om {
            match watch::leader(om) {
                None => progress.doing("om", "starting, no leader yet"),
                Some(leader) => progress.done("om", format!("`{leader}` leads")),
            }
        }
        let gateways = self.cluster.spec.gateways.get() as usize;
        if let Some(seen) = self.cluster.gateways() {
            let up = seen.iter().filter(|gateway| gateway.is_up()).count();
            let report = if up >= gateways { Progress::done } else { Progress::doing };
            report(progress, "gateways", format!("{up} of {gateways} healthy"));
        }
        progress.doing("proof", format!("PUT and GET through {} of {gateways} gateways", proof.proved()));
    }

    fn fail_on_an_ended_container(&self) -> Result<()> {
        let containers = containers::list(self.runner, &self.cluster.name)?;
        let ended =
            containers.into_iter().find(|container| !container.role.is_empty() && container.has_ended());
        match ended {
            Some(container) => Err(self.account_of(&container).into()),
            None => Ok(()),
        }
    }

    fn account_of(&self, container: &Container) -> Failure {
        let logs = Invocation::docker("read a log", ["logs", "--tail", LOG_LINES]).with([&container.id]);
        let tail = self.runner.ask(&logs).map(|logs| format!("{}{}", logs.stdout, logs.stderr));
        let Container { role, service, exit_code, .. } = container;
        let message =
            format!("{role} `{service}` ended with exit code {exit_code}; the cluster cannot become ready");
        Failure::new(Status::Failed, message).with_detail(tail.unwrap_or_default()).with_hint(format!(
            "`{} {service}` shows more, `{}` packs everything",
            self.cluster.command("logs"),
            self.cluster.command("collect")
        ))
    }

    fn out_of_time(&self, progress: &Progress, proof: &Proof) -> Failure {
        let message = format!("cluster `{}` was not ready in {:?}", self.cluster.name, self.timeout);
        let proved = Some(proof.names().join(", ")).filter(|names| !names.is_empty());
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
