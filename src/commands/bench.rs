//! `bench`: an S3 load of this tool's own, measured, and a command of this tool beside it.

mod chart;

use std::ffi::OsString;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::{Map, Value};

use super::env::{Answering, answering_cluster};
use super::fault::member_typed;
use super::{Context, counted};
use crate::cli::{self, BenchFormat, Verb};
use crate::credentials;
use crate::engine::{Finished, Invocation, Variables};
use crate::error::{Failure, Status, status_of};
use crate::s3::bench::{ErrorRow, GatewayRow, Load, OperationRow, Report, Requests};
use crate::spec::values::{GatewayName, ObjectSize};
use crate::ui::progress::Progress;
use crate::ui::table;

/// How many sizes a load may have: each client has an object of each.
const MOST_SIZES: usize = 8;

/// How long the load goes on after the command beside it has ended, so that its effect is seen.
const AFTERWARDS: Duration = Duration::from_secs(3);

/// How long the command beside the load may take, as long as the longest load.
const COMMAND_WITHIN: Duration = Duration::from_secs(3600);

/// How often a wait looks for Ctrl-C.
const LOOK: Duration = Duration::from_millis(20);

/// Runs the verb.
pub fn run(arguments: &cli::Bench, context: &Context) -> Result<Status> {
    let command = arguments.during.as_deref().map(SideCommand::parse).transpose()?;
    let requests = requests(arguments)?;
    let cluster = answering_cluster(&arguments.folder.folder, context)?;
    if let Some(command) = &command {
        command.refuse_unknown(&cluster)?;
    }
    cluster.warn_of_gateways_away(context);
    let key = match &arguments.user {
        Some(user) => credentials::of_user(&cluster.site, Some(user))?,
        None => credentials::own(&cluster.site)?,
    };
    let bucket = format!("ozone-compose-bench-{}", std::process::id());
    let load = Load::new(&cluster.endpoint, &bucket, &key, requests)?;
    let mut progress = context.ui.progress();
    progress.doing("bench", "writes the first objects");
    let measured = load.prepare(&context.interrupt).map(|()| {
        let clients = counted(arguments.clients.get() as usize, "client");
        progress.doing("bench", format!("{clients} for {}", arguments.time));
        load.run(|started| attend(started, arguments, command.as_ref(), context, &mut progress))
    });
    progress.doing("bench", "removes its objects");
    let removed = load.remove().map_err(|error| left(&bucket, &cluster, &error));
    let (report, outcome) = match measured {
        Ok(measured) => measured,
        Err(error) => {
            if let Err(left) = removed {
                context.ui.error(&left);
            }
            return Err(not_begun(&cluster, error));
        }
    };
    let sent: u64 = report.operations.iter().map(|row| row.requests).sum();
    progress.done("bench", format!("{sent} requests"));
    progress.finish();
    let ran: Vec<&Ran> = outcome.iter().filter_map(|one| one.as_ref().ok()).collect();
    match arguments.format {
        BenchFormat::Table => context.ui.data(&text(arguments, &report, &ran))?,
        BenchFormat::Json => context.ui.object("bench", &fields(&cluster, arguments, &report, &ran)?)?,
        BenchFormat::Svg => context.ui.data(&chart::drawn(&title(&cluster, arguments), &report, &ran))?,
    }
    removed?;
    context.interrupt.check()?;
    outcome.map_or(Ok(Status::Done), |outcome| verdict(&outcome?, &cluster))
}

/// What the flags ask for.
fn requests(arguments: &cli::Bench) -> Result<Requests> {
    let mut sizes: Vec<ObjectSize> = Vec::new();
    for size in &arguments.sizes {
        if !sizes.contains(size) {
            sizes.push(*size);
        }
    }
    if sizes.len() > MOST_SIZES {
        let message = format!("--size names {} sizes, and a load has {MOST_SIZES} at most", sizes.len());
        let hint = "leave some of them out, or run one load after another";
        return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
    }
    Ok(Requests { clients: arguments.clients.get() as usize, sizes, mix: arguments.mix.clone() })
}

/// A command of this tool that may run beside a load.
#[derive(Debug)]
struct SideCommand {
    text: String,
    words: Vec<String>,
    /// The containers that it names.
    containers: Vec<String>,
}

impl SideCommand {
    /// Reads it as a shell and this tool would.
    ///
    /// # Errors
    /// One that this tool does not take, or that would take the cluster or the load away.
    fn parse(text: &str) -> Result<Self> {
        let refused = |why: &str| {
            let hint = "name a verb with its arguments: `ozone-compose bench --during \"scale 5\"`";
            Failure::new(Status::Usage, format!("--during `{text}`: {why}")).with_hint(hint)
        };
        let words = shlex::split(text).ok_or_else(|| refused("a quotation mark is not closed"))?;
        let line: Vec<OsString> = ["ozone-compose"]
            .into_iter()
            .map(OsString::from)
            .chain(words.iter().map(OsString::from))
            .collect();
        let parsed = cli::parse(&line).map_err(|error| {
            if !error.use_stderr() {
                return refused("it only prints help");
            }
            let said = error.render().to_string();
            let why = said.split("\n\nUsage:").next().unwrap_or_default().trim_start_matches("error: ");
            let lines: Vec<&str> = why.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            refused(&lines.join("; ").replace(":; ", ": "))
        })?;
        let gateways = |names: &[GatewayName]| names.iter().map(ToString::to_string).collect();
        let containers = match &parsed.verb {
            Verb::Bench(_) => return Err(refused("a load beside a load measures neither").into()),
            Verb::Down(_) => return Err(refused("it removes the cluster on which the load runs").into()),
            Verb::Run(_) => {
                return Err(refused("`run` starts other programs; start that one yourself").into());
            }
            Verb::Drain(drain) => gateways(&drain.gateways),
            Verb::Restart(restart) => gateways(&restart.gateways),
            Verb::Fault(fault) => fault.on().map(|on| on.container.clone()).into_iter().collect(),
            _ => Vec::new(),
        };
        Ok(Self { text: text.to_owned(), words, containers })
    }

    /// Refuses a container that the cluster does not have before the load, not after a third of it.
    fn refuse_unknown(&self, cluster: &Answering) -> Result<(), Failure> {
        for typed in &self.containers {
            member_typed(typed, &cluster.site, &cluster.observed).map_err(|refused| {
                let message = format!("--during `{}`: {}", self.text, refused.message);
                Failure { message, ..refused }
            })?;
        }
        Ok(())
    }

    /// Runs it for the cluster of a folder, to its end.
    fn run(&self, folder: &Path, context: &Context) -> Result<Finished> {
        let program = std::env::current_exe().context("could not find the program of this run")?;
        let purpose = format!("run `{}` beside the load", self.text);
        let invocation = Invocation::new(&program.to_string_lossy(), &purpose)
            .with(self.words.iter().cloned())
            .ready_within(COMMAND_WITHIN);
        let set = vec![("OZONE_COMPOSE_OUTPUT", folder.to_string_lossy().into_owned())];
        context.engine.output_of_own(&invocation, &Variables { set, unset: &[] })
    }
}

/// A command that ran beside the load.
#[derive(Clone, Debug, Serialize)]
struct Ran {
    /// As it was typed.
    command: String,
    /// When it started, in seconds since the first request.
    from_seconds: f64,
    /// When it had ended.
    to_seconds: f64,
    /// Its exit code; 128 and the number of the signal where one ended it.
    exit_code: i32,
    /// Its last words.
    #[serde(skip)]
    said: String,
}

/// Waits while the load runs, and runs the command meanwhile; none where there is none, or a person stopped the run before.
fn attend(
    started: Instant,
    arguments: &cli::Bench,
    command: Option<&SideCommand>,
    context: &Context,
    progress: &mut Progress,
) -> Option<Result<Ran>> {
    let time = arguments.time.duration();
    let wait_until = |end: Instant| {
        while Instant::now() < end && !context.interrupt.happened() {
            thread::sleep(LOOK.min(end.saturating_duration_since(Instant::now())));
        }
    };
    let Some(command) = command else {
        wait_until(started + time);
        return None;
    };
    wait_until(started + time / 3);
    if context.interrupt.happened() {
        return None;
    }
    progress.doing("bench", format!("`{}` runs", command.text));
    let from_seconds = tenths(started.elapsed());
    let finished = command.run(&arguments.folder.folder, context);
    let to_seconds = tenths(started.elapsed());
    progress.doing("bench", format!("`{}` has ended", command.text));
    wait_until((started + time).max(Instant::now() + AFTERWARDS));
    Some(finished.map(|finished| Ran {
        command: command.text.clone(),
        from_seconds,
        to_seconds,
        exit_code: finished.exit_code(),
        said: finished.last_words(),
    }))
}

/// Seconds to the tenth.
fn tenths(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).round() / 10.0
}

/// Why no load ran.
fn not_begun(cluster: &Answering, error: anyhow::Error) -> anyhow::Error {
    if status_of(&error) == Status::Interrupted {
        return error;
    }
    let message = format!("could not write the first objects of a load to cluster `{}`", cluster.site.name);
    let hint =
        format!("`{}` tries each kind of request and says what is wrong", cluster.site.command("smoke"));
    Failure::new(Status::Failed, message).with_detail(format!("{error:#}")).with_hint(hint).into()
}

/// What could not be removed.
fn left(bucket: &str, cluster: &Answering, error: &anyhow::Error) -> anyhow::Error {
    let message =
        format!("could not remove bucket `{bucket}` from cluster `{}`: {error:#}", cluster.site.name);
    let hint = format!("`{}` prints what any S3 client needs to remove it", cluster.site.command("env"));
    Failure::new(Status::Failed, message).with_hint(hint).into()
}

/// The load itself is no failure, whatever it measured; the command beside it may be one.
fn verdict(ran: &Ran, cluster: &Answering) -> Result<Status> {
    if ran.exit_code == 0 {
        return Ok(Status::Done);
    }
    let message = format!(
        "`{}` ended with exit code {} while the load ran on cluster `{}`",
        ran.command, ran.exit_code, cluster.site.name
    );
    let hint = format!("`{}` shows what state it is in", cluster.site.command("status"));
    Err(Failure::new(Status::Failed, message).with_detail(ran.said.clone()).with_hint(hint).into())
}

/// For people.
fn text(arguments: &cli::Bench, report: &Report, ran: &[&Ran]) -> String {
    let rows: Vec<_> = report.operations.iter().map(operation_row).collect();
    let heading = [
        "OPERATION",
        "SIZE",
        "REQUESTS",
        "PER SECOND",
        "MIB/S",
        "ERRORS",
        "P50 MS",
        "P90 MS",
        "P99 MS",
        "MAX MS",
    ];
    let mut parts = vec![table(heading, &rows)];
    let rows: Vec<_> = report.gateways.iter().map(gateway_row).collect();
    parts.push(table(["GATEWAY", "REQUESTS", "SHARE", "ERRORS", "P99 MS", "LONGEST GAP"], &rows));
    if !report.errors.is_empty() {
        let row =
            |one: &ErrorRow| [one.kind.clone(), one.count.to_string(), format!("{:.1}", one.longest_ms)];
        let rows: Vec<_> = report.errors.iter().map(row).collect();
        parts.push(table(["ERROR", "COUNT", "LONGEST MS"], &rows));
    }
    let gap = &report.longest_gap;
    let mut lines = vec![format!(
        "{} for {:.1} s; the longest time in which no client got a good answer was {:.2} s, from {:.1} s on\n",
        counted(arguments.clients.get() as usize, "client"),
        report.seconds,
        gap.seconds,
        gap.from_seconds
    )];
    lines.extend(ran.iter().map(|one| {
        let Ran { command, from_seconds, to_seconds, exit_code, .. } = one;
        format!("`{command}` ran from {from_seconds:.1} s to {to_seconds:.1} s and ended with exit code {exit_code}\n")
    }));
    parts.push(lines.concat());
    parts.join("\n")
}

fn operation_row(row: &OperationRow) -> [String; 10] {
    [
        row.operation.to_string(),
        row.size.to_string(),
        row.requests.to_string(),
        format!("{:.1}", row.requests_per_second),
        format!("{:.1}", row.mib_per_second),
        row.errors.to_string(),
        time(row.p50_ms),
        time(row.p90_ms),
        time(row.p99_ms),
        time(row.max_ms),
    ]
}

fn gateway_row(row: &GatewayRow) -> [String; 6] {
    let gap = &row.longest_gap;
    [
        row.gateway.clone().unwrap_or_else(|| "(none)".to_owned()),
        row.requests.to_string(),
        format!("{:.0} %", row.share * 100.0),
        row.errors.to_string(),
        time(row.p99_ms),
        // This row is of no gateway that could be away.
        match row.gateway {
            Some(_) => format!("{:.2} s, from {:.1} s on", gap.seconds, gap.from_seconds),
            None => "-".to_owned(),
        },
    ]
}

/// Milliseconds, where there was a good answer.
fn time(milliseconds: Option<f64>) -> String {
    milliseconds.map_or_else(|| "-".to_owned(), |time| format!("{time:.1}"))
}

/// For programs.
fn fields(
    cluster: &Answering,
    arguments: &cli::Bench,
    report: &Report,
    ran: &[&Ran],
) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    fields.insert("cluster".to_owned(), cluster.site.name.clone().into());
    fields.insert("endpoint".to_owned(), cluster.endpoint.url().into());
    fields.insert("clients".to_owned(), arguments.clients.get().into());
    if let Value::Object(measured) = serde_json::to_value(report)? {
        fields.extend(measured);
    }
    fields.insert("during".to_owned(), serde_json::to_value(ran)?);
    Ok(fields)
}

/// What a picture is of.
fn title(cluster: &Answering, arguments: &cli::Bench) -> String {
    let sizes: Vec<String> = arguments.sizes.iter().map(ToString::to_string).collect();
    let clients = counted(arguments.clients.get() as usize, "client");
    format!("{}: {clients}, {}, {}", cluster.site.name, arguments.mix, sizes.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_beside_the_load_is_one_that_leaves_the_cluster_there() {
        let command = SideCommand::parse("upgrade --ozone-image 'me/ozone:dev'").expect("a command");
        assert_eq!(command.words, ["upgrade", "--ozone-image", "me/ozone:dev"]);
        for (text, why) in [
            ("bench", "a load beside a load measures neither"),
            ("down --volumes", "it removes the cluster on which the load runs"),
            ("run -- true", "`run` starts other programs; start that one yourself"),
            ("scale", "the following required arguments were not provided: <N>"),
            ("rescale 5", "unrecognized subcommand 'rescale'; tip: a similar subcommand exists: 'scale'"),
            (
                "fault frezee s3g2",
                "unrecognized subcommand 'frezee'; tip: a similar subcommand exists: 'freeze'",
            ),
            ("help", "it only prints help"),
            ("logs 's3g1", "a quotation mark is not closed"),
        ] {
            let error = SideCommand::parse(text).expect_err(text);
            assert_eq!(error.to_string(), format!("--during `{text}`: {why}"));
            assert_eq!(status_of(&error), Status::Usage);
        }
        assert!(SideCommand::parse("").is_err());
        for text in ["fault delay 200ms s3g2", "drain s3g2", "restart s3g2"] {
            assert_eq!(SideCommand::parse(text).expect("a command").containers, ["s3g2"]);
        }
    }
}
