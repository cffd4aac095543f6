//! What goes wrong on the way to a real cluster, and what is left of it.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::running::{ADDRESS, Cluster, TOOLS};
use crate::support::run::signal;
use crate::support::{Outcome, Runs, tools};

#[test]
#[ignore = "starts a real cluster"]
fn a_gateway_that_cannot_start_ends_the_wait_and_a_rollback_leaves_nothing() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("heap");
    let small = ["up", "-n", "2", "--heap-gateway", "16m", "--name", &cluster.project];
    let outcome = cluster.run(&small);
    let ended = SystemTime::now();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    let message = outcome.stderr.lines().find(|line| line.starts_with("error: gateway `s3g"));
    assert!(message.is_some_and(|message| message.contains("ended with exit code 3")), "{outcome}");
    assert!(outcome.stderr.contains("OutOfMemoryError"), "its own last lines: {outcome}");
    assert!(outcome.stderr.contains("hint: `ozone-compose logs s3g"), "{outcome}");
    let since = ended.duration_since(last_end(&cluster)).unwrap_or_default();
    assert!(since < Duration::from_secs(60), "the wait lasted {since:?} more, and 5 minutes are its limit");
    assert!(!cluster.leftovers().is_empty(), "everything is left to be looked at");

    cluster.succeed(&["down", "--volumes"]);
    let outcome = cluster.run(&["up", "--rollback"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert_eq!(cluster.leftovers(), "");
}

#[test]
#[ignore = "needs an engine"]
fn a_port_held_by_another_process_is_named_before_anything_starts() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("port");
    let _held = TcpListener::bind(ADDRESS).expect("a free port");
    let outcome = cluster.run(&["up", "--name", &cluster.project]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    assert!(outcome.stderr.contains("9878"), "{outcome}");
    assert!(outcome.stderr.contains(&std::process::id().to_string()), "the process is named: {outcome}");
    assert_eq!(cluster.leftovers(), "");
}

#[test]
#[ignore = "starts a real cluster"]
fn what_was_interrupted_or_killed_is_finished_by_the_next_run() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("stop");
    let (mut run, _) = waiting(cluster.command(&["up", "-n", "2", "--name", &cluster.project]));
    signal(&run, "INT");
    let outcome: Outcome = run.wait_with_output().expect("an end").into();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (130, ""), "{outcome}");

    let said;
    (run, said) = waiting(cluster.command(&["up"]));
    signal(&run, "KILL");
    run.wait().expect("an end");
    assert!(said.contains("PUT and GET through 0 of 2 gateways"), "it was killed while it waited: {said}");

    cluster.succeed(&["up"]);
    cluster.succeed(&["down", "--volumes"]);
    assert_eq!(cluster.leftovers(), "");
}

/// Starts a run and returns once its containers run and it waits, with what it said until then.
fn waiting(mut command: Command) -> (Child, String) {
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a run");
    let mut reader = BufReader::new(run.stderr.take().expect("a pipe"));
    let mut said = String::new();
    while !said.contains("  proof ") {
        assert!(reader.read_line(&mut said).expect("a line") > 0, "it ended early:\n{said}");
    }
    // Whatever else it says must find a reader.
    std::thread::spawn(move || reader.read_to_end(&mut Vec::new()));
    (run, said)
}

/// When the first of the cluster's containers that ended did so.
fn last_end(cluster: &Cluster) -> SystemTime {
    let names = Outcome::of(&mut cluster.docker(&[
        "ps",
        "-aq",
        "--filter",
        "status=exited",
        "--filter",
        &format!("label=com.docker.compose.project={}", cluster.project),
    ]));
    let ids: Vec<&str> = names.stdout.lines().collect();
    let mut inspect = cluster.docker(&["inspect", "--format", "{{.State.FinishedAt}}"]);
    let times = Outcome::of(inspect.args(ids)).stdout;
    let first = times.lines().min().expect("one that ended").to_owned();
    let seconds = Outcome::of(Command::new("date").args(["+%s", "-d", &first])).stdout;
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.trim().parse().expect("seconds"))
}
