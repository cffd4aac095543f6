//! Whether this machine can run a cluster: queries of the engine and the system, evaluated by pure functions.
//!
//! Nothing here changes anything; a query without an answer becomes a finding, never an error.

mod names;
mod ports;
mod programs;
mod resources;

use std::time::Duration;

use serde::Serialize;

use crate::engine::{Engine, Finished};
use crate::error::{Failure, Status};
use crate::plan::requirements::Requirements;

pub use names::names;
pub use ports::{Holder, HostPorts, Taken, is_free};
pub use programs::compose;
pub use resources::missing as missing_images;

/// How long the engine may take for one answer; a healthy one takes some 50 ms.
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
    /// `engine`, `compose`, `ports`, `memory`, `disk`, `images`, `files`, `certificate` or `names`; several findings may share a name.
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
    pub(crate) fn good(name: &'static str, finding: impl Into<String>) -> Self {
        let (verdict, advice) = (Verdict::Good, String::new());
        Self { name, verdict, finding: finding.into(), advice, status: Status::Done }
    }

    pub(crate) fn warning(name: &'static str, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        let (finding, advice) = (finding.into(), advice.into());
        Self { name, verdict: Verdict::Warning, finding, advice, status: Status::Done }
    }

    pub(crate) fn bad(
        name: &'static str,
        status: Status,
        finding: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { name, verdict: Verdict::Bad, finding: finding.into(), advice: advice.into(), status }
    }
}

/// The first check that keeps a cluster from starting.
#[must_use]
pub fn first_bad(checks: &[Check]) -> Option<&Check> {
    checks.iter().find(|check| check.verdict == Verdict::Bad)
}

/// The first check that keeps a cluster from starting as an error, together with all others of its name: a person who
/// has freed one port would only learn of the next.
#[must_use]
pub fn refusal(checks: &[Check]) -> Option<Failure> {
    let first = first_bad(checks)?;
    let alike = checks.iter().filter(|check| check.verdict == Verdict::Bad && check.name == first.name);
    let (findings, advice): (Vec<_>, Vec<_>) =
        alike.map(|check| (check.finding.as_str(), check.advice.as_str())).unzip();
    let message = format!("{}: {}", first.name, findings.join("; "));
    Some(Failure::new(first.status, message).with_hint(advice.join("; ")))
}

/// Checks everything that can be checked, in the order in which a person would fix it.
///
/// Without an engine nothing is said of what only the engine knows.
#[must_use]
pub fn preflight(engine: &Engine, needs: &Requirements) -> Vec<Check> {
    let mut checks = machine(engine, needs);
    // After the engine and Compose.
    let place = checks.iter().take_while(|check| ["engine", "compose"].contains(&check.name)).count();
    if place > 1 {
        checks.splice(place..place, published_ports(engine, needs, &[]));
    }
    if checks[0].verdict == Verdict::Good {
        checks.extend(resources::images(engine, needs));
        checks.extend(programs::deadlock(engine));
    }
    checks
}

/// Checks the engine, Compose, memory and disk: what does not depend on what runs. Images that are missing can be pulled.
#[must_use]
pub fn machine(engine: &Engine, needs: &Requirements) -> Vec<Check> {
    let found = match programs::engine(engine) {
        Ok(found) => found,
        // Nothing else can be checked without an engine.
        Err(no_docker) => return vec![no_docker],
    };
    let has_engine = found.verdict == Verdict::Good;
    let mut checks = vec![found, programs::compose(engine)];
    if has_engine {
        checks.extend(resources::check(engine, needs));
    }
    checks
}

/// Checks the ports of the host; `own` are those that the cluster's containers are to publish.
#[must_use]
pub fn published_ports(engine: &Engine, needs: &Requirements, own: &[u16]) -> Vec<Check> {
    ports::check(engine, needs, own)
}

/// Queries `docker`, for [`PATIENCE`] at most.
fn query<const N: usize>(engine: &Engine, purpose: &str, arguments: [&str; N]) -> anyhow::Result<Finished> {
    engine.output(&engine.command(purpose, arguments).lasting(PATIENCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_failed_is_an_error_with_its_advice_as_the_hint() {
        let good = Check::good("engine", "Docker");
        let bad = Check::bad("compose", Status::NoEngine, "2.19 is too old", "install 2.20");
        let checks = [good, Check::warning("disk", "little", "prune"), bad];
        let failure = refusal(&checks).expect("a bad one");
        assert_eq!(failure.message, "compose: 2.19 is too old");
        assert_eq!((failure.status, failure.hint.as_str()), (Status::NoEngine, "install 2.20"));
        assert!(refusal(&checks[..2]).is_none());
        let held = |finding| Check::bad("ports", Status::Failed, finding, "another");
        let files = Check::bad("files", Status::Failed, "unreadable", "chmod");
        let failure = refusal(&[held("1"), files, held("2")]).expect("a bad one");
        assert_eq!((failure.message.as_str(), failure.hint.as_str()), ("ports: 1; 2", "another; another"));
    }
}
