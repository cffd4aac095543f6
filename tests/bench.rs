//! `bench` against an S3 service in this process.

mod support;

use std::process::{Command, Stdio};

use serde_json::Value;

use support::engine::Machine;
use support::run::{Run, until};
use support::s3::{Behaviour, Service, Wrong};
use support::{Outcome, Runs};

/// What HAProxy says of three gateways that are well.
const UP: [(&str, &str); 3] = [("s3g1", "UP,L7OK"), ("s3g2", "UP,L7OK"), ("s3g3", "UP,L7OK")];

/// The call of `docker` that `ozone-compose logs` makes.
const LOGS: &str = "compose*\\ logs*";

/// A folder `there` with the files of a cluster, and an engine where its balancer runs.
fn machine(service: &Service) -> Machine {
    let machine = Machine::new().with_balancer(service.s3_port, true, &UP);
    machine.sandbox.succeed(&["generate", "-q", "--name", "demo", "-n", "3", "-o", "there"]);
    machine
}

fn bench(machine: &Machine, arguments: &[&str]) -> Outcome {
    machine.run(&[&["bench", "-o", "there", "-q"], arguments].concat())
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome}"))
}

/// The sum of a number over the rows of a list.
fn sum(list: &Value, name: &str) -> u64 {
    let rows = list.as_array().expect("a list").iter();
    rows.map(|row| row[name].as_u64().unwrap_or_else(|| panic!("no {name} in {row}"))).sum()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn every_request_is_counted_once_by_operation_gateway_and_second() {
    let service = Service::start(Behaviour::healthy(3));
    let machine = machine(&service);
    let arguments = ["--for", "500ms", "--clients", "12", "--size", "1KiB,2000", "--format", "json"];
    let outcome = bench(&machine, &arguments);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""), "{outcome}");
    let json = json(&outcome);
    assert_eq!(
        (&json["version"], &json["kind"], &json["cluster"], &json["clients"]),
        (&1.into(), &"bench".into(), &"demo".into(), &12.into())
    );
    let operations = json["operations"].as_array().expect("a list");
    let rows: Vec<_> = operations
        .iter()
        .map(|row| (row["operation"].as_str().expect("a text"), row["size"].as_u64().expect("a number")))
        .collect();
    assert_eq!(
        rows,
        [("put", 1024), ("put", 2000), ("get", 1024), ("get", 2000), ("head", 1024), ("head", 2000)]
    );
    let all = sum(&json["operations"], "requests");
    // Each client has sent one, however slow the machine is, and each begins at a place of its own.
    assert!(all >= 12 && operations.iter().all(|row| row["requests"].as_u64() > Some(0)), "{json:#}");
    assert_eq!(sum(&json["gateways"], "requests"), all);
    assert_eq!(sum(&json["timeline"], "requests"), all);
    for list in ["operations", "gateways", "timeline"] {
        assert_eq!(sum(&json[list], "errors"), 0, "{list}");
    }
    let names: Vec<_> =
        json["gateways"].as_array().expect("a list").iter().map(|row| &row["gateway"]).collect();
    assert_eq!(names, ["s3g1", "s3g2", "s3g3"]);
    let shares: f64 =
        json["gateways"].as_array().into_iter().flatten().map(|row| number(&row["share"])).sum();
    assert!((shares - 1.0).abs() < 0.01, "{json:#}");
    for row in operations {
        let times = ["p50_ms", "p90_ms", "p99_ms", "max_ms"].map(|name| number(&row[name]));
        assert!(times.is_sorted() && times[0] > 0.0, "{row}");
    }
    let written =
        |row: &Value| row["requests"].as_u64().unwrap_or_default() * row["size"].as_u64().unwrap_or_default();
    let bytes: u64 = operations.iter().filter(|row| row["operation"] != "head").map(written).sum();
    assert_eq!(sum(&json["timeline"], "bytes"), bytes);
    assert_eq!((&json["errors"], &json["during"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn an_error_is_counted_with_its_kind_and_not_repeated() {
    let service = Service::start(Behaviour {
        gateways: 1,
        wrong: Some((1, Wrong::Refuses("HEAD"))),
        ..Behaviour::healthy(1)
    });
    let machine = machine(&service);
    let arguments = ["--for", "300ms", "--clients", "2", "--mix", "head=1"];
    let outcome = bench(&machine, &[&arguments[..], &["--format", "json"]].concat());
    assert_eq!(outcome.status, 0, "errors are a result: {outcome}");
    let json = json(&outcome);
    let all = sum(&json["operations"], "requests");
    assert!(all >= 2, "{json:#}");
    assert_eq!((sum(&json["operations"], "errors"), sum(&json["gateways"], "errors")), (all, all));
    assert_eq!((sum(&json["timeline"], "errors"), sum(&json["timeline"], "requests")), (all, 0));
    assert_eq!((&json["errors"][0]["kind"], sum(&json["errors"], "count")), (&"503".into(), all));
    assert!(json["operations"][0]["p50_ms"].is_null() && json["gateways"][0]["p99_ms"].is_null(), "{json:#}");
    assert!(number(&json["longest_gap"]["seconds"]) >= 0.3, "no answer was good: {json:#}");

    let text = bench(&machine, &arguments).stdout;
    let error = text.lines().skip_while(|line| !line.starts_with("ERROR")).nth(1).unwrap_or_default();
    assert!(error.starts_with("503 "), "{text}");
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn a_system_that_starts_programs_with_few_file_descriptors_does_not_limit_the_clients() {
    // So slow that all clients wait at once.
    let slow = Behaviour { gateways: 1, wrong: Some((1, Wrong::Slow)), ..Behaviour::healthy(1) };
    let service = Service::start(slow);
    let machine = machine(&service);
    let own = machine.command(&["bench", "-o", "there", "-q", "--for", "300ms", "--clients", "100"]);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "ulimit -S -n 64 && exec \"$0\" \"$@\" --format json"]).arg(own.get_program());
    shell.args(own.get_args()).env_clear().current_dir(own.get_current_dir().expect("a folder"));
    shell.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let outcome = Outcome::of(&mut shell);
    assert_eq!(outcome.status, 0, "{outcome}");
    let json = json(&outcome);
    assert!(sum(&json["operations"], "requests") >= 100, "{json:#}");
    assert_eq!(sum(&json["operations"], "errors"), 0, "{json:#}");
}

#[test]
fn the_table_has_a_row_for_each_operation_and_size_and_for_each_gateway() {
    let service = Service::start(Behaviour { named: false, ..Behaviour::healthy(3) });
    let text = bench(&machine(&service), &["--for", "200ms", "--clients", "3", "--size", "2KiB"]).stdout;
    let first: Vec<&str> = text.lines().map(|line| line.split("  ").next().unwrap_or_default()).collect();
    let end = first.last().expect("a line");
    assert_eq!(
        first[..first.len() - 1],
        ["OPERATION", "put", "get", "head", "", "GATEWAY", "(none)", ""],
        "{text}"
    );
    assert!(end.starts_with("3 clients for "), "{text}");
    assert!(text.lines().nth(1).is_some_and(|put| put.contains("  2KiB  ")), "{text}");
}

#[test]
fn the_picture_is_one_svg() {
    let service = Service::start(Behaviour::healthy(3));
    let outcome = bench(&machine(&service), &["--for", "200ms", "--clients", "2", "--format", "svg"]);
    assert!(outcome.stdout.starts_with("<svg ") && outcome.stdout.ends_with("</svg>\n"), "{outcome}");
    assert!(outcome.stdout.contains("demo: 2 clients, put=1,get=3,head=1, 1KiB"), "{outcome}");
}

#[test]
fn ctrl_c_ends_the_load_with_what_it_has_measured_and_leaves_nothing() {
    let service = Service::start(Behaviour::healthy(3));
    let machine = machine(&service);
    let mut command = machine.command(&["bench", "-o", "there", "--for", "1h", "--clients", "4"]);
    let mut run = Run::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    until("the load runs", || service.requests() > 20);
    assert!(service.objects().iter().any(|path| path.ends_with("/003-1KiB")), "{:?}", service.objects());
    run.signal("INT");
    let outcome = run.end();
    assert_eq!(outcome.status, 130, "{outcome}");
    assert!(outcome.stdout.starts_with("OPERATION"), "{outcome}");
    assert!(outcome.stderr.ends_with("error: interrupted\n"), "{outcome}");
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn a_command_runs_once_beside_the_load_for_the_same_cluster() {
    let service = Service::start(Behaviour::healthy(3));
    let machine = machine(&service);
    machine.answer(LOGS, 0, "", "");
    let during = "logs --tail 1 's3g'";
    let outcome =
        bench(&machine, &["--for", "300ms", "--clients", "2", "--during", during, "--format", "json"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""), "{outcome}");
    let json = json(&outcome);
    let ran = json["during"].as_array().expect("a list");
    assert_eq!((ran.len(), &ran[0]["command"], &ran[0]["exit_code"]), (1, &during.into(), &0.into()));
    let (from, to) = (number(&ran[0]["from_seconds"]), number(&ran[0]["to_seconds"]));
    // They are rounded to the tenth.
    assert!(from >= 0.1 && to >= from, "{json:#}");
    assert!(number(&json["seconds"]) >= to + 2.9, "the load goes on: {json:#}");
    let commands = machine.commands();
    let logs: Vec<&str> = commands.lines().filter(|line| line.contains(" logs ")).collect();
    assert_eq!(logs, ["compose --env-file /dev/null -p demo logs --tail 1 s3g"], "{commands}");
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn a_command_that_fails_beside_the_load_fails_the_run_after_the_report() {
    let service = Service::start(Behaviour::healthy(3));
    let machine = machine(&service);
    machine.answer(LOGS, 3, "", "its last words\n");
    let outcome = bench(&machine, &["--for", "300ms", "--clients", "2", "--during", "logs s3g"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.stdout.ends_with(" and ended with exit code 3\n"), "{outcome}");
    assert_eq!(
        outcome.stderr,
        "error: `logs s3g` ended with exit code 3 while the load ran on cluster `demo`\n  \
         | its last words\n\
         hint: `ozone-compose status -o there` shows what state it is in\n"
    );
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn ctrl_c_before_the_load_begins_prints_nothing_and_leaves_nothing() {
    let service = Service::start(Behaviour {
        gateways: 1,
        wrong: Some((1, Wrong::Refuses("PUT"))),
        ..Behaviour::healthy(1)
    });
    let machine = machine(&service);
    let mut command = machine.command(&["bench", "-o", "there"]);
    let mut run = Run::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    // The first one checked whether the cluster answers.
    until("it tries to make its bucket", || service.requests() > 1);
    run.signal("INT");
    let outcome = run.end();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (130, ""), "{outcome}");
    assert!(outcome.stderr.ends_with("error: interrupted\n"), "{outcome}");
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn ctrl_c_ends_the_command_beside_the_load_too() {
    let service = Service::start(Behaviour::healthy(3));
    let machine = machine(&service);
    machine.answer_by_script(LOGS, ": > $here/runs; exec /bin/sleep 600");
    let arguments = ["bench", "-o", "there", "--for", "300ms", "--clients", "2", "--during", "logs"];
    let mut command = machine.command(&arguments);
    let mut run = Run::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    until("the command runs", || machine.beside("runs").exists());
    run.signal("INT");
    let outcome = run.end();
    assert_eq!(outcome.status, 130, "{outcome}");
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn what_is_no_load_is_refused_before_anything_is_sent() {
    let service = Service::start(Behaviour::healthy(3));
    let machine = machine(&service);
    for (arguments, why) in [
        (&["--clients", "0"][..], "0 is not between 1 and 256"),
        (&["--clients", "257"], "257 is not between 1 and 256"),
        (&["--size", "0"], "0 is not between 1B and 64MiB"),
        (&["--size", "1KiB,65MiB"], "65MiB is not between 1B and 64MiB"),
        (&["--size", "1,2,3,4,5,6,7,8,9"], "--size names 9 sizes, and a load has 8 at most"),
        (&["--for", "2h"], "2h is longer than 1h, the longest time"),
        (&["--for", "20"], "`20` has no unit"),
        (&["--mix", "put=0"], "has no request"),
        (&["--mix", "list=1"], "`list` is not one of put, get, head"),
        (&["--during", "bench"], "--during `bench`: a load beside a load measures neither"),
        (&["--during", "down"], "--during `down`: it removes the cluster on which the load runs"),
        (&["--during", "run -- true"], "--during `run -- true`: `run` starts other programs"),
        (&["--during", "scale"], "--during `scale`: the following required arguments"),
        (&["--during", "scale 5 'x"], "--during `scale 5 'x`: a quotation mark is not closed"),
    ] {
        let outcome = bench(&machine, arguments);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{arguments:?}: {outcome}");
        assert!(outcome.stderr.contains(why), "{arguments:?}: {outcome}");
    }
    assert_eq!(service.requests(), 0);
    let outcome = bench(&machine, &["--user", "alice"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{outcome}");
    assert_eq!(service.leftovers(), 0);
}
