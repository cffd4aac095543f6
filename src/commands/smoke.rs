//! `smoke`: the S3 API through every gateway, as a table of checks or as JSON.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use super::Context;
use super::env::{Answering, answering_cluster};
use super::stack::users::Users;
use crate::cli::{self, Format};
use crate::credentials;
use crate::error::{Failure, Status};
use crate::haproxy::Gateway;
use crate::observe::{Observed, listed};
use crate::plan::Role;
use crate::s3::Key;
use crate::s3::smoke::{Gateways, Outcome, Place, RefusedUser, SmokeCheck, smoke};
use crate::secrets::{self, Verb};
use crate::spec::values::{GatewayName, Profile, Target};
use crate::ui::table;

/// Gateways of a check that the table names; JSON names all.
const NAMED: usize = 4;

/// Runs the verb.
pub fn run(arguments: &cli::Smoke, context: &Context) -> Result<Status> {
    let cluster = answering_cluster(&arguments.folder.folder, context)?;
    cluster.warn_of_gateways_away(context);
    let seen = gateways(&cluster.observed);
    let bucket = format!("ozone-compose-smoke-{}", std::process::id());
    let mut progress = context.ui.progress();
    let key = credentials::own(&cluster.site)?;
    let domains: Vec<String> = cluster.site.spec.domains.iter().map(ToString::to_string).collect();
    let place = Place {
        endpoint: &cluster.endpoint,
        bucket: &bucket,
        key: &key,
        refused_users: &refused_users(&cluster, &key, context)?,
        gateways: &expected(&cluster, &seen),
        domains: &domains,
    };
    let report = smoke(&place, &context.interrupt, |check| progress.doing("smoke", check))?;
    let (checks, failed) = (report.checks.len(), failed(&report.checks).count());
    if failed == 0 {
        progress.done("smoke", format!("{checks} checks"));
    } else {
        progress.doing("smoke", format!("{failed} of {checks} checks failed"));
    }
    progress.finish();
    let now = gateways(&cluster.observe_again(&context.engine)?);
    let shares = shares(&now, &report.distribution);
    match arguments.format {
        Format::Table => context.ui.data(&text(&report.checks, &shares))?,
        Format::Json => context.ui.object("smoke", &fields(&cluster, &report.checks, &shares))?,
    }
    context.interrupt.check()?;
    verdict(&cluster, &report.checks, &lost(&seen, &now))
}

/// The user of `revoked-key`, who has a secret only for a moment; a name that `UserName` refuses.
const REVOKED: &str = "ozone-compose-revoked";

/// Which users a secure cluster must refuse in the bucket of this tool: a wrong secret, an unknown key, one that was
/// revoked, and the first user, whose bucket it is not.
fn refused_users(cluster: &Answering, own: &Key, context: &Context) -> Result<Vec<RefusedUser>> {
    let Some(kerberos) = &cluster.site.spec.kerberos else { return Ok(Vec::new()) };
    let nobody = Key::new("ozone-compose-nobody", own.secret());
    let mut refused_users = vec![
        ("wrong-secret", Ok(own.forged())),
        ("unknown-key", Ok(nobody)),
        ("revoked-key", revoked_key(cluster, context)?),
    ];
    if let Some(user) = kerberos.users.first() {
        refused_users.push(("other-user", Ok(credentials::of_user(&cluster.site, Some(user))?)));
    }
    Ok(refused_users)
}

/// A key that OM has made and revoked, or why it has not.
fn revoked_key(cluster: &Answering, context: &Context) -> Result<Result<Key, String>> {
    let user = BTreeSet::from([REVOKED]);
    // Elsewhere, a gateway sends the requests itself.
    let on_swarm = cluster.site.spec.target == Target::Swarm;
    let users = if on_swarm { Users::of(&cluster.site, context)? } else { None };
    let mut tried = Vec::new();
    for gateway in cluster.observed.running(Role::Gateway) {
        let request = |verb| match &users {
            Some(users) => users.request(verb, &user),
            None => secrets::request(&context.engine, &gateway.container, verb, &user),
        };
        let made = request(Verb::Make)?.into_iter().find_map(|answer| answer.key);
        let is_revoked = request(Verb::Revoke)?.iter().any(|answer| answer.status == 200);
        if let Some(key) = made.filter(|_| is_revoked) {
            return Ok(Ok(key));
        }
        tried.push(gateway.container.name.as_str());
    }
    Ok(Err(format!("{} made no secret for `{REVOKED}`; they need the KDC", listed(&tried))))
}

/// What HAProxy reports about the gateways, where it answers.
fn gateways(observed: &Observed) -> Vec<Gateway> {
    observed.loaded().map(|loaded| loaded.gateways.clone()).unwrap_or_default()
}

/// A gateway that HAProxy sends nothing to, such as one that is drained, is not expected to answer. Where HAProxy
/// does not answer, or names none that it knows, all of them are, by the names that the configuration gives them.
fn expected(cluster: &Answering, seen: &[Gateway]) -> Gateways {
    if cluster.site.spec.profile == Profile::Upstream {
        return Gateways::Unknown("the balancer of the upstream profile does not say which gateway answers");
    }
    let up: Vec<String> = seen.iter().filter(|one| one.is_up()).map(|one| one.name.to_string()).collect();
    let all = cluster.site.spec.in_rotation().map(|name| name.to_string());
    Gateways::Named(if up.is_empty() { all.collect() } else { up })
}

/// A gateway's share of the distribution check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Share {
    /// `s3g1` and on.
    gateway: String,
    /// HAProxy's words; empty where its pages are not published.
    state: String,
    /// Requests that it answered.
    requests: u64,
}

/// In HAProxy's order, then those that it had not named before.
fn shares(seen: &[Gateway], answers: &BTreeMap<String, u64>) -> Vec<Share> {
    if answers.is_empty() {
        return Vec::new();
    }
    let known = seen.iter().map(|one| (one.name.to_string(), one.state.as_str()));
    let is_late = |name: &&String| seen.iter().all(|one| one.name.to_string() != **name);
    let late = answers.keys().filter(is_late).map(|name| (name.clone(), ""));
    let share = |(name, state): (String, &str)| Share {
        gateway: name.clone(),
        state: state.to_owned(),
        requests: answers.get(&name).copied().unwrap_or(0),
    };
    known.chain(late).map(share).collect()
}

fn text(checks: &[SmokeCheck], shares: &[Share]) -> String {
    let rows: Vec<_> = checks.iter().map(row).collect();
    let mut text = table(["CHECK", "SECONDS", "GATEWAYS", "RESULT"], &rows);
    if !shares.is_empty() {
        let all: u64 = shares.iter().map(|share| share.requests).sum();
        let row = |share: &Share| {
            let percent = format!("{} %", (share.requests * 100 + all / 2) / all.max(1));
            [share.gateway.clone(), share.state.clone(), share.requests.to_string(), percent]
        };
        let rows: Vec<_> = shares.iter().map(row).collect();
        text.push('\n');
        text.push_str(&table(["GATEWAY", "HAPROXY", "REQUESTS", "SHARE"], &rows));
    }
    text
}

fn row(check: &SmokeCheck) -> [String; 4] {
    let SmokeCheck { name, result, detail, milliseconds, gateways, failed_gateway: _ } = check;
    let result = match result {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
    };
    let named = match gateways.len() {
        count if count > NAMED => format!("{} and {} more", gateways[..NAMED].join(" "), count - NAMED),
        _ => gateways.join(" "),
    };
    let seconds = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    [(*name).to_owned(), seconds, named, format!("{result}: {detail}")]
}

/// For programs.
fn fields(cluster: &Answering, checks: &[SmokeCheck], distribution: &[Share]) -> Value {
    json!({
        "cluster": cluster.site.name,
        "endpoint": cluster.endpoint.url(),
        "passed": failed(checks).next().is_none(),
        "checks": checks,
        "distribution": distribution,
    })
}

fn failed(checks: &[SmokeCheck]) -> impl Iterator<Item = &SmokeCheck> {
    checks.iter().filter(|check| check.result == Outcome::Failed)
}

/// The gateways that were up before and are not now: where a request gets no answer, nothing else shows which gateway
/// had it.
fn lost<'a>(before: &[Gateway], now: &'a [Gateway]) -> Vec<&'a Gateway> {
    let was_up = |name: &GatewayName| before.iter().any(|one| one.name == *name && one.is_up());
    now.iter().filter(|one| !one.is_up() && was_up(&one.name)).collect()
}

fn verdict(cluster: &Answering, checks: &[SmokeCheck], lost: &[&Gateway]) -> Result<Status> {
    let Some(first) = failed(checks).next() else {
        return Ok(Status::Done);
    };
    let line = |check: &SmokeCheck| format!("check `{}` failed: {}", check.name, check.detail);
    let message = format!("cluster `{}`: {}", cluster.site.name, line(first));
    let gone = lost.iter().map(|one| {
        format!("gateway `{}` was up before; HAProxy now says {} ({})", one.name, one.state, one.check)
    });
    let more: Vec<String> = failed(checks).skip(1).map(line).chain(gone).collect();
    let culprit = failed(checks).find_map(|check| check.failed_gateway.clone());
    let culprit = culprit.or(lost.first().map(|one| one.name.to_string()));
    let status = cluster.site.command("status");
    let hint = culprit.map_or_else(
        || format!("`{status}` shows the gateways, `{}` their logs", cluster.site.command("logs")),
        |name| {
            let logs = cluster.site.command(&format!("logs {name}"));
            format!("`{status}` shows the state of that gateway, `{logs}` its log")
        },
    );
    Err(Failure::new(Status::Failed, message).with_detail(more.join("\n")).with_hint(hint).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(name: &str, state: &str) -> Gateway {
        let (name, state) = (name.parse().expect("a gateway"), state.to_owned());
        Gateway {
            name,
            address: String::new(),
            state,
            check: String::new(),
            weight: 1,
            sessions: 0,
            requests: 0,
            errors: 0,
        }
    }

    fn check(gateways: usize) -> SmokeCheck {
        SmokeCheck {
            name: "distribution",
            result: Outcome::Passed,
            detail: "120 requests".to_owned(),
            milliseconds: 1042,
            gateways: (1..=gateways).map(|number| format!("s3g{number}")).collect(),
            failed_gateway: None,
        }
    }

    #[test]
    fn every_gateway_has_a_share_also_one_that_is_down_and_one_that_came_late() {
        let seen = [gateway("s3g10", "UP"), gateway("s3g2", "DOWN")];
        let answers = BTreeMap::from([("s3g10".to_owned(), 20), ("s3g11".to_owned(), 1)]);
        let expected = [("s3g10", "UP", 20), ("s3g2", "DOWN", 0), ("s3g11", "", 1)];
        let shares = shares(&seen, &answers);
        let found: Vec<_> =
            shares.iter().map(|one| (one.gateway.as_str(), one.state.as_str(), one.requests)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_gateway_is_lost_when_it_was_up_before() {
        let before = [gateway("s3g1", "UP"), gateway("s3g2", "UP"), gateway("s3g3", "DOWN")];
        let now = [gateway("s3g1", "UP 1/3"), gateway("s3g2", "DOWN"), gateway("s3g3", "DOWN")];
        assert_eq!(lost(&before, &now), [&now[1]]);
    }

    #[test]
    fn the_table_names_a_few_gateways_and_counts_the_rest() {
        let row = |gateways| row(&check(gateways));
        assert_eq!(row(2), ["distribution", "1.042", "s3g1 s3g2", "passed: 120 requests"].map(str::to_owned));
        assert_eq!(row(6)[2], "s3g1 s3g2 s3g3 s3g4 and 2 more");
    }
}
