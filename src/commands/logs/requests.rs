//! `logs --gateway-requests`: which gateway served a request, by HAProxy's log and the gateways' audit logs together.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Error, Result, anyhow};
use serde::Serialize;
use serde_json::json;

use crate::cli::{Format, Lines, Logs};
use crate::commands::Context;
use crate::engine::{Engine, evidence};
use crate::error::{Failure, Status};
use crate::observe::requests::{Audited, Request, audited, balanced, joined, meant, missing};
use crate::observe::{Member, Observed, is_at, listed};
use crate::plan::Role;
use crate::plan::balancer::BALANCER_SERVICE;
use crate::site::Site;
use crate::spec::values::{Profile, RequestLog, Target};
use crate::steps::refuse_elsewhere;
use crate::ui::table;

/// Requests that are shown where neither ids nor a number are given.
const SHOWN: u32 = 20;

/// How the names of this tool's own buckets begin, those of probes, `env`, `smoke` and `bench`.
const OWN_BUCKETS: &str = "ozone-compose-";

/// Lines of HAProxy's log that are read, some 30 MB of requests.
const HAPROXY_LINES: u32 = 100_000;

/// Lines of each audit log that are read where ids are searched for: more than any few requests have.
const AUDIT_LINES: u32 = 1000;

/// Files of an audit log, newest first, that are read beside the current one: Ozone begins another each day, and after
/// each 64 MB.
const ROTATED: u32 = 20;

/// How long the search in the audit log of one gateway may take.
const SEARCH_TIME: Duration = Duration::from_secs(20);

/// How the search ends where there is no audit log.
const NO_LOG: i32 = 66;

/// Prints the last lines, as many as the first argument says, that have one of the texts at the end: of the current
/// audit log and as many older ones as the second argument says. Ozone's image sets the variable; without it, Ozone
/// logs in its own folder.
const SEARCH: &str = r#"
lines=$1 rotated=$2; shift 2
cd "${OZONE_LOG_DIR:-/opt/hadoop/logs}" 2>/dev/null && ls s3g-audit-*.log >/dev/null 2>&1 || exit 66
{
    ls -t s3g-audit-*.log.gz 2>/dev/null | head -n "$rotated" | while read -r file; do
        gzip -dc "$file" | grep -F "$@"
    done
    grep -hF "$@" s3g-audit-*.log
} | tail -n "$lines"
"#;

/// A log that was not read.
#[derive(Debug, Serialize)]
struct Unread {
    container: String,
    why: String,
}

/// Runs it. Ids that no log has are a failure, since a script wants to know.
pub(super) fn run(ids: &[String], arguments: &Logs, site: &Site, context: &Context) -> Result<Status> {
    let observed = Observed::of(&context.engine, &site.spec, &site.folder)?;
    refuse_elsewhere(site, &observed)?;
    if observed.members.is_empty() {
        let message = format!("cluster `{}` has no containers, and so no logs", site.name);
        let hint = format!("`{}` starts it", site.command("up"));
        return Err(Failure::new(Status::NotReady, message).with_hint(hint).into());
    }
    let shown = arguments.tail.map_or(SHOWN, Lines::get);
    let mut unread = Vec::new();
    let haproxy = haproxy_log(site, &observed, &mut unread, context)?;
    let audit = audit_logs(ids, shown, site, &observed, &mut unread, context)?;
    let meant = meant(ids, &audit);
    let wanted: BTreeSet<&String> = meant.values().collect();
    let is_wanted = |one: &Request| match &one.request_id {
        // This tool's own requests hide those of clients.
        _ if ids.is_empty() => !one.bucket.as_deref().is_some_and(|name| name.starts_with(OWN_BUCKETS)),
        id => id.as_ref().is_some_and(|id| wanted.contains(id)),
    };
    let mut requests = joined(balanced(&haproxy), audit, site.spec.discovery);
    requests.retain(is_wanted);
    let missing = missing(&meant, &requests);
    let has_none = requests.is_empty();
    if ids.is_empty() || arguments.tail.is_some() {
        requests.drain(..requests.len().saturating_sub(shown as usize));
    }
    for one in requests.iter_mut().filter(|one| one.gateway.is_none()) {
        one.server_now = one.server.as_ref().and_then(|server| now(server, &observed));
    }
    if arguments.format == Format::Json {
        let Site { name, .. } = site;
        let object = json!({ "cluster": name, "requests": requests, "missing": missing, "unread": unread });
        context.ui.object("requests", &object)?;
    } else if !requests.is_empty() {
        context.ui.data(&as_table(&requests))?;
    }
    let mut notes = not_read(&unread);
    if has_none && missing.is_empty() {
        notes.push(format!("the logs of cluster `{}` have no request", site.name));
    }
    let is_left_out = |one: &Request| !one.logs.contains(&"haproxy");
    if missing.is_empty() && (has_none || requests.iter().any(is_left_out)) {
        notes.extend(left_out_by_haproxy(site));
    }
    for line in notes {
        context.ui.say(&line);
    }
    if missing.is_empty() { Ok(Status::Done) } else { Err(not_found(&missing, site).into()) }
}

/// The log of HAProxy's container, of all nodes on Swarm; empty where it cannot be read.
fn haproxy_log(
    site: &Site,
    observed: &Observed,
    unread: &mut Vec<Unread>,
    context: &Context,
) -> Result<String> {
    let balancer = observed.of_role(Role::Balancer).next();
    let log = match balancer {
        _ if site.spec.target == Target::Swarm => evidence::service_log(
            &context.engine,
            &format!("{}_{BALANCER_SERVICE}", site.name),
            HAPROXY_LINES,
        ),
        Some(member) => evidence::log(&context.engine, &member.container, HAPROXY_LINES),
        None => Err(anyhow!("it has no container")),
    };
    context.interrupt.check()?;
    Ok(log.unwrap_or_else(|error| {
        let container = balancer.map_or_else(|| BALANCER_SERVICE.to_owned(), Member::title);
        unread.push(Unread { container, why: why(&error) });
        String::new()
    }))
}

/// The reason of an error in a line: the engine's own, where it gave one.
fn why(error: &Error) -> String {
    let detail = error.downcast_ref::<Failure>().and_then(|failure| failure.detail.lines().next());
    detail.map_or_else(|| error.to_string(), str::to_owned)
}

/// What the audit logs of the gateways have about these ids, or about their last requests where there are none.
fn audit_logs(
    ids: &[String],
    shown: u32,
    site: &Site,
    observed: &Observed,
    unread: &mut Vec<Unread>,
    context: &Context,
) -> Result<Vec<Audited>> {
    let mut all = Vec::new();
    for (id, member) in observed.gateways() {
        let title = id.to_string();
        let log = match (site.spec.target, member.container.is_running()) {
            (_, false) => Err("its container does not run".to_owned()),
            (Target::Swarm, true) => {
                Err("no engine runs a program in a container of another node".to_owned())
            }
            _ => audit_log(ids, shown, member, &context.engine),
        };
        context.interrupt.check()?;
        match log {
            Ok(log) => all.extend(audited(&title, &log)),
            Err(why) => unread.push(Unread { container: title, why }),
        }
        let is_found = |wanted: &String| {
            all.iter().any(|one| [&one.id, &one.id_2].into_iter().flatten().any(|id| id == wanted))
        };
        // No two gateways have a request of one id.
        if !ids.is_empty() && ids.iter().all(is_found) {
            break;
        }
    }
    Ok(all)
}

/// The lines of a gateway's audit log, or why there are none to read.
fn audit_log(ids: &[String], shown: u32, member: &Member, engine: &Engine) -> Result<String, String> {
    let purpose = format!("search the audit log of `{}`", member.container.name);
    // As a value of JSON, and as Ozone 2.0 writes it: an id that is short would be in other texts too.
    let of_id = |id: &String| [format!("\":\"{id}\""), format!("={id}")];
    let (lines, rotated, texts) = if ids.is_empty() {
        (shown, 0, vec!["| S3GAudit |".to_owned()])
    } else {
        (AUDIT_LINES, ROTATED, ids.iter().flat_map(of_id).collect())
    };
    let search = engine.command(&purpose, ["exec", &member.container.id, "sh", "-c", SEARCH, "sh"]);
    let search = search.with([lines, rotated].map(|number| number.to_string()));
    let search = search.with(texts.iter().flat_map(|text| ["-e", text])).lasting(SEARCH_TIME);
    // Its own error would show the whole program.
    let late = |_| format!("it was not searched within {} s", SEARCH_TIME.as_secs());
    let said = engine.output(&search).map_err(late)?;
    match said.status.code() {
        Some(0) => Ok(said.stdout),
        Some(NO_LOG) => Err("its Ozone writes no audit log".to_owned()),
        _ => Err(said.last_words().lines().next().unwrap_or("the search in it failed").to_owned()),
    }
}

/// The container that HAProxy has by a name now.
fn now(server: &str, observed: &Observed) -> Option<String> {
    let gateway = observed.loaded()?.gateways.iter().find(|one| one.name.to_string() == server)?;
    let mut members = observed.gateways().map(|(_, member)| member);
    Some(members.find(|member| is_at(gateway, member))?.container.name.clone())
}

fn as_table(requests: &[Request]) -> String {
    let heading = [
        "TIME",
        "REQUEST ID",
        "GATEWAY",
        "METHOD",
        "OPERATION",
        "BUCKET/KEY",
        "USER",
        "STATUS",
        "MS",
        "RETRIES",
        "LOGS",
    ];
    let rows: Vec<_> = requests.iter().map(cells).collect();
    table(heading, &rows)
}

fn cells(one: &Request) -> [String; 11] {
    let word = |word: &Option<String>| word.as_deref().map_or("-".to_owned(), plain);
    let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
    let gateway = match (&one.gateway, &one.server, &one.server_now) {
        (None, Some(server), Some(now)) => format!("{server} (now {now})"),
        (gateway, server, _) => word(if gateway.is_some() { gateway } else { server }),
    };
    let place = match (&one.bucket, &one.key) {
        (Some(bucket), Some(key)) => plain(&format!("{bucket}/{key}")),
        (bucket, _) => word(bucket),
    };
    // How it ended says more than that there was no status.
    let status = one.status.map(|status| status.to_string()).or_else(|| one.ended.clone());
    let status: Vec<String> = status.into_iter().chain(one.result.clone()).collect();
    let elsewhere = if one.redispatched == Some(true) { " (elsewhere)" } else { "" };
    let retries = one.retries.map_or("-".to_owned(), |count| format!("{count}{elsewhere}"));
    let (id, milliseconds, logs) = (word(&one.request_id), number(one.milliseconds), one.logs.join(", "));
    let (method, operation, user) = (word(&one.method), word(&one.operation), word(&one.user));
    [
        one.time.clone(),
        id,
        gateway,
        method,
        operation,
        place,
        user,
        status.join(" "),
        milliseconds,
        retries,
        logs,
    ]
}

/// A text of a client's that changes nothing on a terminal.
fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// Which logs were not read, a line for each reason.
fn not_read(unread: &[Unread]) -> Vec<String> {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Unread { container, why } in unread {
        by_reason.entry(why).or_default().push(container);
    }
    by_reason
        .into_iter()
        .map(|(why, whose)| format!("no log of {} was read: {why}", listed(&whose)))
        .collect()
}

/// Why no log has requests, and what to type next.
fn not_found(missing: &[String], site: &Site) -> Failure {
    let plural = if missing.len() == 1 { "" } else { "s" };
    let message = format!("no log of cluster `{}` has the request{plural} {}", site.name, listed(missing));
    let hint = left_out_by_haproxy(site).unwrap_or_else(|| {
        let list = site.command("logs --gateway-requests");
        format!("`{list}` shows the last requests; a container that was replaced has taken its log with it, and only audit logs have `x-amz-id-2`")
    });
    Failure::new(Status::Failed, message).with_hint(hint)
}

/// Which requests HAProxy does not log, and what makes it log all; none where it does.
fn left_out_by_haproxy(site: &Site) -> Option<String> {
    if site.spec.profile == Profile::Upstream {
        return Some(
            "HAProxy logs no requests in the profile `upstream`; only audit logs have them".to_owned(),
        );
    }
    let which = match site.spec.balancer.log {
        RequestLog::All => return None,
        RequestLog::Off => "no requests",
        RequestLog::Errors => "only requests that ended with 5xx, were repeated or slow",
    };
    let log = site.spec.balancer.log;
    let (generate, reload) = (site.command("generate --log all"), site.command("reload"));
    Some(format!(
        "HAProxy logs {which} (`--log {log}`); `{generate}` and then `{reload}` log all from then on"
    ))
}
