//! Whether this machine can run a cluster: questions to the engine and the system, judged by pure functions.
//!
//! Nothing here changes anything; a question that nobody answers becomes a finding, never an error.

mod ports;
mod programs;
mod resources;

use std::time::Duration;

use serde::Serialize;

use super::{Finished, Invocation, Runner};
use crate::error::{Failure, Status};
use crate::plan::needs::Needs;

pub use ports::{Holder, Taken, is_free, next_free, taken_ports};

/// How long the engine may take for one answer; it takes some 50 ms when it is well.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// A cluster may start, and may suffer.
    Warning,
    /// No cluster can start.
    Bad,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `engine`, `compose`, `ports`, `memory`, `disk` or `images`; several findings may share a name.
    pub name: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What there is, in a sentence.
    pub finding: String,
    /// What to do about it; empty where it is good.
    pub advice: String,
    /// How a run ends that goes no further than this.
    #[serde(skip)]
    pub status: Status,
}

impl Check {
    fn good(name: &'static str, finding: impl Into<String>) -> Self {
        let (verdict, advice) = (Verdict::Good, String::new());
        Self { name, verdict, finding: finding.into(), advice, status: Status::Done }
    }

    fn warning(name: &'static str, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        let (finding, advice) = (finding.into(), advice.into());
        Self { name, verdict: Verdict::Warning, finding, advice, status: Status::Done }
    }

    fn bad(
        name: &'static str,
        status: Status,
        finding: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { name, verdict: Verdict::Bad, finding: finding.into(), advice: advice.into(), status }
    }

    /// The finding as an error, with the advice as its hint.
    #[must_use]
    pub fn failure(&self) -> Failure {
        Failure::new(self.status, format!("{}: {}", self.name, self.finding)).with_hint(self.advice.clone())
    }
}

/// The first check that keeps a cluster from starting.
#[must_use]
pub fn first_bad(checks: &[Check]) -> Option<&Check> {
    checks.iter().find(|check| check.verdict == Verdict::Bad)
}

/// Checks everything that can be checked, in the order in which a person would mend it.
///
/// Without an engine nothing is said of what only the engine knows.
#[must_use]
pub fn preflight(runner: &Runner, needs: &Needs) -> Vec<Check> {
    let engine = match programs::engine(runner) {
        Ok(engine) => engine,
        // There is nobody to ask anything else.
        Err(no_docker) => return vec![no_docker],
    };
    let has_engine = engine.verdict == Verdict::Good;
    let mut checks = vec![engine, programs::compose(runner)];
    let is_local = is_local(runner);
    if is_local {
        checks.extend(ports::check(runner, needs));
    }
    if has_engine {
        checks.extend(resources::check(runner, needs, is_local));
        checks.extend(resources::images(runner, needs));
    }
    checks
}

/// Whether the engine is on this machine, so that its ports and disks are this machine's.
///
/// The context takes `DOCKER_HOST` into account.
#[must_use]
pub fn is_local(runner: &Runner) -> bool {
    let format = "{{.Endpoints.docker.Host}}";
    let query = ["context", "inspect", "--format", format];
    ask(runner, "find the engine", query).is_ok_and(|said| said.stdout.starts_with("unix://"))
}

/// Asks `docker`, for [`PATIENCE`] at most.
fn ask<const N: usize>(runner: &Runner, purpose: &str, arguments: [&str; N]) -> anyhow::Result<Finished> {
    runner.ask_within(PATIENCE, &Invocation::docker(purpose, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_failed_is_an_error_with_its_advice_as_the_hint() {
        let good = Check::good("engine", "Docker");
        let bad = Check::bad("compose", Status::NoEngine, "2.19 is too old", "install 2.20");
        let checks = [good, Check::warning("disk", "little", "prune"), bad];
        let failure = first_bad(&checks).expect("a bad one").failure();
        assert_eq!(failure.message, "compose: 2.19 is too old");
        assert_eq!((failure.status, failure.hint.as_str()), (Status::NoEngine, "install 2.20"));
        assert!(first_bad(&checks[..2]).is_none());
    }
}
