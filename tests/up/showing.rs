//! What is shown on the way, and to whom.

use serde_json::Value;

use crate::lab::{Lab, UP};
use crate::support::Runs;
use crate::support::s3::{Behaviour, Wrong};

#[test]
fn a_dry_run_prints_commands_and_changes_nothing() {
    let lab = Lab::new();
    lab.machine.answer("image\\ inspect*haproxy:*", 1, "", "No such image\n");
    let outcome = lab.succeed(&["up", "-o", "new", "--dry-run"]);
    assert_eq!(
        outcome.stdout,
        "pull haproxy:3.2-alpine: the engine does not have it\n\
         write ozone-compose.yaml, .env, docker-compose.yaml, docker-config, haproxy/s3-haproxy.cfg, s3-haproxy.yaml: \
         the choices have changed\n\
         start everything that does not run, recreate what changed: no balancer runs\n\
         test every gateway in rotation: a cluster is ready when every gateway has served\n",
        "{outcome}"
    );
    assert_eq!(outcome.stderr, "");
    assert_eq!(lab.did(), [""; 0]);
    assert_eq!(lab.machine.sandbox.tree(""), [].into());
    assert_eq!(lab.service.requests(), 0);
}

#[test]
fn a_dry_run_of_each_verb_prints_its_steps_and_changes_nothing() {
    let lab = Lab::of(Behaviour::healthy(3));
    lab.succeed(&["up", "-n", "2"]);
    lab.age();
    lab.did();
    let before = (lab.machine.sandbox.tree(""), lab.has("loaded"), lab.service.requests());
    for (verb, first, last) in [
        (&["up", "-n", "3"][..], "check HAProxy's configuration: ", "test every gateway in rotation: "),
        (
            &["scale", "3"],
            "check HAProxy's configuration: ",
            "wait for s3g1, s3g2, s3g3 in rotation: gateways.count is 3",
        ),
        (&["drain", "s3g1"], "check HAProxy's configuration: ", "drain s3g1: gateways.drained names it"),
        (&["resume"], "check HAProxy's configuration: ", "load HAProxy's configuration: "),
        (&["restart", "s3g2"], "take s3g2 out of rotation: ", "wait for s3g2 in rotation: "),
        (&["reload"], "check HAProxy's configuration: ", "load HAProxy's configuration: "),
        (&["stop"], "stop s3g: ", "stop scm: "),
        (&["start"], "test every gateway in rotation: ", "test every gateway in rotation: "),
        (&["down"], "stop datanode1, om, scm, s3g, s3g1, s3g2, s3g3: ", "remove network demo_default: "),
    ] {
        let outcome = lab.succeed(&[verb, &["--dry-run"]].concat());
        let lines: Vec<&str> = outcome.stdout.lines().collect();
        assert!(lines.first().is_some_and(|line| line.starts_with(first)), "{verb:?}: {outcome}");
        assert!(lines.last().is_some_and(|line| line.starts_with(last)), "{verb:?}: {outcome}");
        assert_eq!(lab.did(), [""; 0], "{verb:?}");
        let now = (lab.machine.sandbox.tree(""), lab.has("loaded"), lab.service.requests());
        assert_eq!(now, before, "{verb:?}");
    }
}

#[test]
fn verbose_shows_each_command_before_it_runs() {
    let lab = Lab::new();
    let outcome = lab.succeed(&["up", "-v", "-o", "new"]);
    assert_eq!(outcome.stdout, lab.endpoint_line());
    let shown = |line: &str| outcome.stderr.lines().filter(|found| *found == line).count();
    assert_eq!(shown(&format!("+ cd new && docker {UP}")), 1, "{outcome}");
    assert!(
        shown(
            "+ docker volume ls --filter label=com.docker.compose.project=demo --format '{{.Name}}\t{{.Label \"com.docker.compose.project\"}}\t{{.Label \"com.docker.compose.volume\"}}\t{{.Label \"io.github.ozone-compose.role\"}}\t{{.Label \"io.github.ozone-compose.security\"}}'"
        ) >= 1,
        "{outcome}"
    );
    let commands = lab.machine.commands();
    let all = outcome.stderr.lines().filter(|line| line.starts_with("+ ")).count();
    assert_eq!(all, commands.lines().count(), "{outcome}\n{commands}");
}

#[test]
fn quiet_prints_nothing_on_success_and_the_cause_of_a_failure() {
    let lab = Lab::new();
    let outcome = lab.succeed(&["up", "-q"]);
    assert_eq!((outcome.stdout, outcome.stderr.as_str()), (lab.endpoint_line(), ""));

    lab.service.does(Behaviour::with(1, Wrong::Starves));
    let outcome = lab.run(&["up", "-q", "--timeout", "1s"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
    assert!(outcome.stderr.starts_with("error: cluster `demo` was not ready in 1s\n"), "{outcome}");
}

#[test]
fn no_progress_leaves_the_rest() {
    let lab = Lab::new();
    let outcome = lab.succeed(&["up", "--progress", "quiet"]);
    assert!(outcome.stderr.starts_with("cluster `demo` is ready after "), "{outcome}");
}

#[test]
fn plain_progress_is_a_line_a_change_with_its_time() {
    let lab = Lab::new();
    let outcome = lab.succeed(&["up", "--progress", "plain"]);
    let (progress, rest) = outcome.stderr.split_once("cluster `demo` is ready").expect("the end");
    for line in progress.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let seconds = words[0].strip_suffix('s').and_then(|seconds| seconds.parse::<f64>().ok());
        assert!(seconds.is_some() && [".. ", "ok "].contains(&format!("{} ", words[1]).as_str()), "{line:?}");
    }
    assert!(progress.lines().count() >= 3 && rest.contains("  remove "), "{outcome}");
}

/// A cluster whose OM has logged a start, an hour after midnight in UTC.
fn logging() -> Lab {
    let lab = Lab::new();
    let log = "2026-01-01T01:00:00.000000000Z STARTUP_MSG: Starting OzoneManager\n";
    lab.machine.answer("logs\\ --timestamps\\ --since*id-om", 0, log, "");
    lab.machine.answer("logs\\ --timestamps\\ --since*id-[!o]*", 0, "", "");
    lab
}

#[test]
fn timings_tell_what_each_container_reached_and_when_each_gateway_served() {
    let outcome = logging().succeed(&["up", "--timings"]);
    let rows: Vec<Vec<&str>> = outcome.stderr.lines().map(|line| line.split_whitespace().collect()).collect();
    let heading = rows.iter().position(|row| row[..] == ["SECONDS", "CONTAINER", "EVENT"]).expect("a table");
    let events: Vec<String> = rows[heading + 1..heading + 5].iter().map(|row| row[1..].join(" ")).collect();
    for event in ["om starts", "s3g1 has served", "s3g2 has served", "s3g3 has served"] {
        assert!(events.iter().any(|found| found == event), "{event} in {outcome}");
    }
    let silent = Lab::new().succeed(&["up"]);
    assert!(!silent.stderr.contains("SECONDS"), "{silent}");
}

/// The lines of standard error, each of which must be an object.
fn objects(stderr: &str) -> Vec<Value> {
    let object = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    stderr.lines().map(object).collect()
}

#[test]
fn progress_for_programs_is_an_object_a_line() {
    let lab = Lab::new();
    let outcome = lab.succeed(&["up", "--progress", "json", "-v"]);
    assert_eq!(outcome.stdout, lab.endpoint_line());
    let objects = objects(&outcome.stderr);
    assert!(objects.iter().all(|object| object["version"] == 1), "{outcome}");
    let of_kind = |kind: &str| objects.iter().filter(|object| object["kind"] == kind).collect::<Vec<_>>();
    let (progress, messages) = (of_kind("progress"), of_kind("message"));
    assert_eq!(of_kind("ready"), [objects.last().expect("an object")], "{outcome}");
    assert_eq!(progress.len() + messages.len() + 1, objects.len(), "{outcome}");
    for object in &progress {
        let fields: Vec<&String> = object.as_object().expect("an object").keys().collect();
        assert_eq!(fields, ["component", "kind", "seconds", "state", "text", "version"]);
        assert!(object["seconds"].is_number() && object["text"].is_string(), "{object}");
        assert!(object["state"] == "waiting" || object["state"] == "done", "{object}");
    }
    let last = progress.last().expect("progress");
    assert_eq!((&last["component"], &last["state"]), (&"proof".into(), &"done".into()));
    let said =
        |part: &str| messages.iter().any(|object| object["text"].as_str().expect("a text").contains(part));
    assert!(said("+ docker version") && !said("is ready after"), "{outcome}");
}

#[test]
fn a_failure_for_programs_is_an_object_too() {
    let lab = Lab::of(Behaviour::with(1, Wrong::Starves));
    let outcome = lab.run(&["up", "--progress", "json", "--timeout", "1s"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
    let objects = objects(&outcome.stderr);
    let error = objects.last().expect("an error");
    assert_eq!((&error["version"], &error["kind"]), (&1.into(), &"error".into()));
    assert_eq!(error["text"], "cluster `demo` was not ready in 1s");
    assert!(error["detail"].as_str().expect("a text").contains("proved: s3g2, s3g3"), "{error}");
    assert!(
        error["hint"].as_str().expect("a text").starts_with("`ozone-compose up --timeout 10m`"),
        "{error}"
    );
    assert_eq!(error["causes"], serde_json::json!([]));
}
