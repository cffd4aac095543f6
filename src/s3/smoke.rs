//! Tries the S3 API through the balancer, in a bucket of its own that is removed afterwards.
//!
//! Here is the order of the checks and their results; `checks` has what each does, `trial` how it sends requests. Knows
//! nothing of how results are shown.

mod checks;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use super::{Client, Endpoint, Key};
use crate::interrupt::Interrupt;
use checks::{
    cross_gateway, delete, distribution, get, head, list, make_bucket, multipart, presigned, put, refusal,
    removal, virtual_host,
};
use trial::{Fault, Trial};

/// Within this time a request must be answered; 5 MiB take a second on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// A check: its name, the one that must have passed before it, and what it does.
type Step = (&'static str, Option<&'static str>, fn(&mut Trial) -> Result<String, Fault>);

const STEPS: [Step; 11] = [
    ("bucket", None, make_bucket),
    ("put", Some("bucket"), put),
    ("get", Some("put"), get),
    ("head", Some("put"), head),
    ("list", Some("put"), list),
    ("delete", Some("put"), delete),
    ("multipart", Some("bucket"), multipart),
    ("cross-gateway", Some("bucket"), cross_gateway),
    ("presigned", Some("bucket"), presigned),
    (VIRTUAL_HOST, Some("bucket"), virtual_host),
    (DISTRIBUTION, Some("bucket"), distribution),
];
const VIRTUAL_HOST: &str = "virtual-host";
const DISTRIBUTION: &str = "distribution";
const REMOVAL: &str = "removal";

/// The gateways that are expected to answer.
#[derive(Clone, Debug)]
pub enum Gateways {
    /// These, each of them.
    Named(Vec<String>),
    /// Unknown, for this reason.
    Unknown(&'static str),
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should.
    Passed,
    /// Otherwise.
    Failed,
    /// Not tried.
    Skipped,
}

/// A check and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SmokeCheck {
    /// Such as `multipart`.
    pub name: &'static str,
    /// How it ended.
    pub result: Outcome,
    /// What was done, what went wrong, or why it was not tried.
    pub detail: String,
    /// How long it took.
    pub milliseconds: u64,
    /// The gateways that answered, in order of name; empty where that is unknown.
    pub gateways: Vec<String>,
    /// The gateway whose answer was wrong, where that is known.
    pub failed_gateway: Option<String>,
}

impl SmokeCheck {
    fn new(name: &'static str, result: Result<String, Fault>, since: Instant, gateways: Vec<String>) -> Self {
        let (result, detail, failed_gateway) = match result {
            Ok(detail) => (Outcome::Passed, detail, None),
            Err(Fault::Skipped(reason)) => (Outcome::Skipped, reason, None),
            Err(Fault::Failed { message, gateway }) => (Outcome::Failed, message, gateway),
        };
        let milliseconds = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self { name, result, detail, milliseconds, gateways, failed_gateway }
    }
}

/// All results.
#[derive(Clone, Debug)]
pub struct Report {
    /// In the order in which they were tried.
    pub checks: Vec<SmokeCheck>,
    /// Requests of the distribution check by the gateway that answered; empty where it was not tried.
    pub distribution: BTreeMap<String, u64>,
}

/// What a check does.
type Work<'a> = Box<dyn Fn(&mut Trial) -> Result<String, Fault> + 'a>;

/// A user that every gateway must refuse, by the name of the check; or why there is none, with which the check fails.
pub type RefusedUser = (&'static str, Result<Key, String>);

/// An S3 to try.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// Where it answers.
    pub endpoint: &'a Endpoint,
    /// A bucket that is made for this, and removed.
    pub bucket: &'a str,
    /// The key of the user that sends the requests.
    pub key: &'a Key,
    /// Who must be refused there.
    pub refused_users: &'a [RefusedUser],
    /// The gateways that should answer.
    pub gateways: &'a Gateways,
    /// The domains under which buckets should have names.
    pub domains: &'a [String],
}

/// Tries everything, or until a person interrupts it; what was written is removed in any case. `begun` gets the name of
/// each check.
///
/// # Errors
/// When the endpoint or the bucket's name cannot be used. A check that fails is a result.
pub fn smoke(
    place: &Place<'_>,
    interrupt: &Interrupt,
    mut begun: impl FnMut(&'static str),
) -> Result<Report> {
    let Place { endpoint, bucket, key, refused_users, gateways, domains } = *place;
    let client = Client::new(endpoint, bucket, DEADLINE, key)?;
    let names: &[String] = if let Gateways::Named(names) = gateways { names } else { &[] };
    let mut report = Report { checks: Vec::new(), distribution: BTreeMap::new() };
    let mut written = BTreeSet::new();
    // The removal is not interrupted.
    let never = Interrupt::default();
    let mut steps: Vec<(&'static str, Option<&'static str>, Work<'_>)> = Vec::new();
    steps.extend(STEPS.map(|(name, needs, step)| (name, needs, Box::new(step) as Work<'_>)));
    for (name, key) in refused_users {
        let refused = move |trial: &mut Trial| {
            let key = key.as_ref().map_err(|why| Fault::new(why.clone()))?;
            let refused_user = Client::new(endpoint, bucket, DEADLINE, key);
            refusal(trial, &refused_user.map_err(|error| Fault::new(error.to_string()))?)
        };
        steps.push((name, Some("bucket"), Box::new(refused)));
    }
    steps.push((REMOVAL, None, Box::new(removal)));
    for (name, needs, step) in steps {
        let interrupt = if name == REMOVAL { &never } else { interrupt };
        if interrupt.happened() || (name == VIRTUAL_HOST && domains.is_empty()) {
            continue;
        }
        begun(name);
        let since = Instant::now();
        let mut trial = Trial::new(&client, names, domains, interrupt, &mut written);
        let result = match reason_to_skip(name, needs, gateways, &report.checks) {
            Some(reason) => Err(Fault::Skipped(reason)),
            None => step(&mut trial),
        };
        let answers = trial.into_answers();
        report.checks.push(SmokeCheck::new(name, result, since, answers.keys().cloned().collect()));
        if name == DISTRIBUTION {
            report.distribution = answers;
        }
    }
    Ok(report)
}

fn reason_to_skip(
    name: &str,
    needs: Option<&str>,
    gateways: &Gateways,
    before: &[SmokeCheck],
) -> Option<String> {
    let passed = |needs: &str| before.iter().any(|one| one.name == needs && one.result == Outcome::Passed);
    match (needs, gateways) {
        (Some(needs), _) if !passed(needs) => Some(format!("`{needs}` did not pass")),
        (_, Gateways::Unknown(reason)) if ["cross-gateway", DISTRIBUTION].contains(&name) => {
            Some((*reason).to_owned())
        }
        (_, Gateways::Named(names)) if name == "cross-gateway" && names.len() == 1 => {
            Some("one gateway is in rotation".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(name: &'static str) -> SmokeCheck {
        SmokeCheck::new(name, Ok(String::new()), Instant::now(), Vec::new())
    }

    #[test]
    fn a_check_is_tried_only_after_the_one_it_needs_has_passed() {
        let two = Gateways::Named(vec!["s3g1".to_owned(), "s3g2".to_owned()]);
        let reason = reason_to_skip("get", Some("put"), &two, &[passed("bucket")]);
        assert_eq!(reason.as_deref(), Some("`put` did not pass"));
        assert_eq!(reason_to_skip("get", Some("put"), &two, &[passed("put")]), None);
        assert_eq!(reason_to_skip("bucket", None, &two, &[]), None);
    }

    #[test]
    fn what_is_about_several_gateways_needs_their_names() {
        let skips = |name, gateways: &Gateways| {
            reason_to_skip(name, Some("bucket"), gateways, &[passed("bucket")]).is_some()
        };
        let unknown = Gateways::Unknown("not known");
        assert!(skips("cross-gateway", &unknown) && skips(DISTRIBUTION, &unknown));
        assert!(!skips("multipart", &unknown));
        let one = Gateways::Named(vec!["s3g1".to_owned()]);
        assert!(skips("cross-gateway", &one) && !skips(DISTRIBUTION, &one));
    }
}
