//! `fault`: what each kind does to a gateway, and that it is undone whatever happens to the run.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, started};
use crate::lab::{Lab, docker};
use crate::support::run::{Run, until};
use crate::support::{Outcome, Runs, clean};

const RECORD: &str = ".ozone-fault.json";

/// What the engine says of a gateway's container: its state and how many networks it is in.
fn state(cluster: &Cluster, service: &str) -> String {
    let format = "{{.State.Status}} {{len .NetworkSettings.Networks}}";
    docker(&["inspect", "--format", format, &cluster.container(service)]).trim().to_owned()
}

/// Starts a fault, and waits until it is made.
fn begun(cluster: &Cluster, words: &[&str], state_then: &str) -> Run {
    let run = started(&mut cluster.command(&[&["fault"], words].concat()));
    until(state_then, || state(cluster, words[words.len() - 1]) == state_then);
    run
}

/// The process that undoes the fault of a cluster.
fn holder(cluster: &Cluster) -> String {
    let record: serde_json::Value = serde_json::from_str(&cluster.read(RECORD)).expect("JSON");
    record["process"].to_string()
}

fn kill(process: &str) {
    Outcome::of(clean("kill").args(["-KILL", process])).succeeded();
}

#[test]
fn each_kind_of_fault_shows_and_is_undone_when_its_time_is_over() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("fault");
    cluster.up(&["-n", "2"]);
    let before =
        docker(&["inspect", "--format", "{{json .NetworkSettings.Networks}}", &cluster.container("s3g2")]);
    for (kind, during) in [("kill", "exited 0"), ("freeze", "paused 1"), ("partition", "running 0")] {
        // An ended container keeps its network in the engine's list.
        let during = if kind == "kill" { "exited 1" } else { during };
        let run = begun(&cluster, &[kind, "--for", "3s", "s3g2"], during);
        let outcome = run.end();
        assert_eq!(outcome.status, 0, "{kind}: {outcome}");
        let made = format!("`{kind} s3g2` lasts 3s; Ctrl-C undoes it sooner");
        assert!(outcome.stderr.contains(&made), "{outcome}");
        assert!(outcome.stderr.contains(&format!("`{kind} s3g2` is undone")), "{outcome}");
        assert_eq!(cluster.conditions(), ["serving"; 2], "{kind}: {outcome}");
        assert!(!cluster.folder.join(RECORD).exists(), "{kind}");
    }
    let after =
        docker(&["inspect", "--format", "{{json .NetworkSettings.Networks}}", &cluster.container("s3g2")]);
    let aliases = |text: &str| {
        let networks: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).expect("JSON");
        networks.into_iter().map(|(name, one)| (name, one["Aliases"].to_string())).collect::<Vec<_>>()
    };
    assert!(aliases(&after)[0].1.contains("s3g2"), "{after}");
    assert_eq!(aliases(&after).len(), aliases(&before).len(), "{before}{after}");
}

#[test]
fn a_gateway_with_errors_or_a_delay_stays_in_rotation_and_the_other_one_is_as_before() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("detour");
    cluster.up(&["-n", "2", "--balance", "roundrobin"]);
    let client = cluster.client("fault");
    assert!(client.make_bucket().expect("an answer").is_good());
    assert!(client.put("object", b"text").expect("an answer").is_good());
    // The longest time and the worst status of each gateway.
    let ask = || {
        let mut seen: BTreeMap<String, (Duration, u16)> = BTreeMap::new();
        for _ in 0..8 {
            let begun = Instant::now();
            let answer = client.get("object").expect("an answer");
            let row = seen.entry(answer.gateway.unwrap_or_default()).or_default();
            *row = (row.0.max(begun.elapsed()), row.1.max(answer.status));
        }
        seen
    };
    let is_well = |seen: &BTreeMap<String, (Duration, u16)>| seen.values().all(|row| row.1 == 200);
    assert!(is_well(&ask()), "{:?}", ask());

    let mut run = started(&mut cluster.command(&["fault", "errors", "s3g2", "--for", "1m"]));
    until("s3g2 answers with 500", || ask().get("s3g2").is_some_and(|row| row.1 == 500));
    let seen = ask();
    assert_eq!(seen["s3g1"].1, 200, "{seen:?}");
    assert_eq!(cluster.conditions(), ["serving"; 2]);
    let planned = cluster.succeed(&["scale", "2", "--dry-run"]);
    assert!(planned.stderr.contains("warning: the fault `errors s3g2` is active; `"), "{planned}");
    run.signal("INT");
    let outcome = run.end();
    assert_eq!(outcome.status, 130, "{outcome}");
    let seen = ask();
    assert!(is_well(&seen) && seen.len() == 2, "{seen:?} {outcome}");

    let run = started(&mut cluster.command(&["fault", "delay", "900ms", "s3g2", "--for", "6s"]));
    let is_slow = |row: &(Duration, u16)| row.0 >= Duration::from_millis(900);
    until("s3g2 is slow", || ask().get("s3g2").is_some_and(is_slow));
    let seen = ask();
    assert!(is_well(&seen), "{seen:?}");
    assert!(!is_slow(&seen["s3g1"]), "{seen:?}");
    let outcome = run.end();
    assert_eq!(outcome.status, 0, "{outcome}");
    let seen = ask();
    assert!(is_well(&seen) && !seen.values().any(is_slow), "{seen:?}");
    let processes = docker(&["exec", &cluster.container("s3g"), "ls", "/dev/shm"]);
    assert!(!processes.contains("fault"), "{processes}");
}

#[test]
fn a_fault_is_undone_whichever_of_its_processes_is_killed() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("undo");
    cluster.up(&["-n", "2"]);
    let freeze = ["freeze", "--for", "1m", "s3g2"];
    let is_undone = || state(&cluster, "s3g2") == "running 1" && !cluster.folder.join(RECORD).exists();

    let mut run = begun(&cluster, &freeze, "paused 1");
    run.signal("INT");
    let outcome = run.end();
    assert_eq!(outcome.status, 130, "{outcome}");
    assert!(is_undone(), "{outcome}");

    let mut run = begun(&cluster, &freeze, "paused 1");
    run.signal("KILL");
    until("the child has undone it", is_undone);

    let run = begun(&cluster, &freeze, "paused 1");
    kill(&holder(&cluster));
    let outcome = run.end();
    assert_eq!(outcome.status, 0, "{outcome}");
    assert!(is_undone(), "{outcome}");
    assert!(outcome.stderr.contains("which a run left that was killed, is undone"), "{outcome}");

    let mut run = begun(&cluster, &freeze, "paused 1");
    run.signal("STOP");
    kill(&holder(&cluster));
    run.signal("KILL");
    run.end();
    assert_eq!(state(&cluster, "s3g2"), "paused 1");
    let outcome = cluster.run(&["fault", "kill", "s3g1", "--for", "1s"]);
    assert_eq!(outcome.status, 0, "{outcome}");
    let said = "`freeze s3g2`, which a run left that was killed, is undone";
    assert!(outcome.stderr.contains(said), "{outcome}");
    assert!(is_undone(), "{outcome}");
    assert_eq!(cluster.conditions()[0], "serving", "{outcome}");

    let run = begun(&cluster, &freeze, "paused 1");
    let status = cluster.succeed(&["status"]);
    let said = "warning: the fault `freeze s3g2` is active; `ozone-compose fault undo";
    assert!(status.stderr.contains(said), "{status}");
    let second = cluster.run(&["fault", "kill", "s3g1"]);
    assert_eq!(second.status, 1, "{second}");
    assert!(
        second.stderr.contains("has an active fault") && second.stderr.contains("fault undo"),
        "{second}"
    );
    assert_eq!(state(&cluster, "s3g1"), "running 1");
    let undo = cluster.succeed(&["fault", "undo"]);
    assert!(undo.stderr.contains("`freeze s3g2` is undone"), "{undo}");
    assert!(is_undone(), "{undo}");
    let outcome = run.end();
    assert_eq!(outcome.status, 0, "{outcome}");
    cluster.succeed(&["fault", "undo"]);
}

#[test]
fn a_fault_is_for_containers_of_the_cluster_alone_and_for_those_that_run() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("only");
    cluster.write(
        "compose.override.yaml",
        &format!("services:\n  own:\n    image: {}\n    command: sleep 600\n", lab.image),
    );
    cluster.up(&["-n", "1"]);
    assert_eq!(state(&cluster, "own"), "running 1");
    for (words, status, why) in [
        (&["kill", "own"][..], 2, "has no container `own`"),
        (&["kill", "s3g7"], 2, "has no container `s3g7`"),
        (&["delay", "200ms", "scm"], 2, "scm is not a gateway"),
        (&["delay", "200", "s3g1"], 2, "`200` has no unit"),
        (&["freeze", "s3g1", "--for", "2h"], 2, "longer than 1h"),
    ] {
        let outcome = cluster.run(&[&["fault"], words].concat());
        assert_eq!(outcome.status, status, "{words:?}: {outcome}");
        assert!(outcome.stderr.contains(why), "{words:?}: {outcome}");
    }
    // The balancer is one of them too.
    let outcome = cluster.run(&["fault", "freeze", "s3g", "--for", "1s"]);
    assert_eq!(outcome.status, 0, "{outcome}");
    cluster.succeed(&["stop"]);
    let outcome = cluster.run(&["fault", "kill", "s3g1"]);
    assert_eq!(outcome.status, 5, "{outcome}");
    assert!(outcome.stderr.contains("does not run"), "{outcome}");
}
