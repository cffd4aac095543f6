//! `run` with `--up` and `--down`: a cluster around a command.

use std::io::Write;
use std::process::{Command, Stdio};

use ozone_compose::engine::quoted;

use crate::lab::Lab;
use crate::support::run::{Run, until};
use crate::support::s3::{Behaviour, Wrong};
use crate::support::{Outcome, Runs, tools};

const RM: &str = "rm id-datanode1 id-om id-scm id-s3g id-s3g1 id-s3g2 id-s3g3";
const NETWORK: &str = "network rm demo_default";
const VOLUMES: &str = "volume rm demo_om demo_scm";

/// `run` with flags and a script for the shell.
fn job(lab: &Lab, flags: &[&str], script: &str) -> Command {
    lab.command(&[&["run"], flags, &["--", "/bin/sh", "-c", script]].concat())
}

/// What the engine has: nothing of any kind.
fn assert_gone(lab: &Lab) {
    assert_eq!(["up", "networks", "volumes"].map(|what| lab.has(what)), ["none", "", ""]);
}

#[test]
fn a_cluster_is_started_for_a_command_and_removed_with_its_data() {
    let lab = Lab::new();
    let script = "echo \"$AWS_ENDPOINT_URL_S3\"; exit 7";
    let outcome = Outcome::of(&mut job(&lab, &["--up", "--down", "-n", "3", "--bucket", "tests"], script));
    // Standard output is the command's alone, and so is the exit code.
    assert_eq!((outcome.status, outcome.stdout.clone()), (7, lab.endpoint_line()), "{outcome}");
    assert!(outcome.stderr.contains("cluster `demo` is ready after "), "{outcome}");
    assert!(outcome.stderr.contains("  ok  buckets    made tests\n"), "{outcome}");
    assert!(outcome.stderr.ends_with("removed cluster `demo`\n"), "{outcome}");
    assert_eq!(lab.did(), ["up", RM, NETWORK, VOLUMES]);
    assert_gone(&lab);
    assert_eq!(Outcome::of(&mut job(&lab, &["--up", "--down"], "exit 0")).status, 0);
    assert_gone(&lab);
}

#[test]
fn each_of_both_flags_does_its_half() {
    let lab = Lab::new();
    assert_eq!(Outcome::of(&mut job(&lab, &["--up"], "exit 3")).status, 3);
    assert_eq!(lab.did(), ["up"]);
    assert_eq!(Outcome::of(&mut job(&lab, &["--down"], "kill -9 $$")).status, 137);
    assert_eq!(lab.did(), [RM, NETWORK, VOLUMES]);
    let outcome = lab.run(&["run", "--down", "--", "/bin/true"]);
    assert!(outcome.status == 5 && outcome.stderr.contains("does not run"), "{outcome}");
    for flags in [
        &["-n", "3"][..],
        &["--timeout", "1m"],
        &["--down", "--bucket", "it"],
        &["--collect-on-failure", "x"],
    ] {
        let outcome = Outcome::of(&mut job(&lab, flags, "exit 0"));
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{outcome}");
    }
}

#[test]
fn a_failure_is_collected_before_the_cluster_is_removed() {
    let lab = Lab::new();
    let flags = ["--up", "--down", "--collect-on-failure", "failed.tar.gz"];
    assert_eq!(Outcome::of(&mut job(&lab, &flags, "exit 0")).status, 0);
    assert!(!lab.machine.sandbox.path("failed.tar.gz").exists());
    let outcome = Outcome::of(&mut job(&lab, &flags, "exit 1"));
    assert_eq!(outcome.status, 1, "{outcome}");
    let (_, after) = outcome.stderr.split_once("packed logs and states into failed.tar.gz\n").expect("it");
    assert_eq!(after, "removed cluster `demo`\n");
    // What is there already is not overwritten, and nothing is started.
    lab.did();
    assert_eq!(Outcome::of(&mut job(&lab, &flags, "exit 0")).status, 2);
    assert_eq!(lab.did(), [""; 0]);
}

#[test]
fn a_cluster_that_does_not_become_ready_is_removed_and_what_is_refused_stays() {
    let lab = Lab::of(Behaviour::with(2, Wrong::Starves));
    let outcome = Outcome::of(&mut job(&lab, &["--up", "--down", "--timeout", "1s"], ": > ran"));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
    assert!(outcome.stderr.contains("removed cluster `demo`\n"), "{outcome}");
    assert_gone(&lab);
    assert!(!lab.machine.sandbox.path("ran").exists());

    lab.service.does(Behaviour::healthy(3));
    lab.succeed(&["up"]);
    lab.did();
    let outcome = Outcome::of(&mut job(&lab, &["--up", "--down", "--bucket", "No"], ": > ran"));
    assert_eq!(outcome.status, 2, "{outcome}");
    assert_eq!(lab.did(), [""; 0]);
}

#[test]
fn a_command_gets_ctrl_c_and_sigterm_first_and_the_cluster_is_removed() {
    for (signal, script, code) in [
        ("INT", "trap 'echo heard; exit 9' INT; : > began; while :; do :; done", 9),
        ("TERM", "trap 'echo heard; exit 8' TERM; : > began; while :; do :; done", 8),
        ("TERM", "echo heard; : > began; while :; do :; done", 143),
    ] {
        let lab = Lab::new();
        let mut command = job(&lab, &["--up", "--down"], script);
        let mut run = Run::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
        until("the command runs", || lab.machine.sandbox.path("began").exists());
        run.signal(signal);
        let outcome = run.end();
        assert_eq!((outcome.status, outcome.stdout.as_str()), (code, "heard\n"), "{outcome}");
        assert!(outcome.stderr.ends_with("removed cluster `demo`\n"), "{outcome}");
        assert_gone(&lab);
    }
}

#[test]
fn ctrl_c_during_the_start_removes_what_was_started() {
    let lab = Lab::of(Behaviour::with(2, Wrong::Starves));
    let mut command = job(&lab, &["--up", "--down"], ": > ran");
    let mut run = Run::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    until("it waits", || lab.service.requests() > 0);
    run.signal("INT");
    let outcome = run.end();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (130, ""), "{outcome}");
    assert!(outcome.stderr.contains("removed cluster `demo`\n"), "{outcome}");
    assert_gone(&lab);
    assert!(!lab.machine.sandbox.path("ran").exists());
}

#[test]
fn what_a_killed_run_left_is_taken_over_and_removed_by_the_next() {
    let lab = Lab::new();
    let mut command = job(&lab, &["--up", "--down"], "echo $$ > began; exec /bin/sleep 60");
    let mut run = Run::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
    let began = || lab.machine.sandbox.path("began").exists();
    until("the command runs", || began() && !lab.machine.sandbox.read("began").is_empty());
    run.signal("KILL");
    assert_eq!(run.end().status, -9);
    let sleep = lab.machine.sandbox.read("began");
    assert!(Command::new("kill").arg(sleep.trim()).status().expect("kill").success());
    assert_eq!(lab.did(), ["up"]);
    lab.age();
    let outcome = Outcome::of(&mut job(&lab, &["--up", "--down"], "exit 0"));
    assert_eq!(outcome.status, 0, "{outcome}");
    assert_eq!(lab.did(), [RM, NETWORK, VOLUMES]);
    assert_gone(&lab);
}

#[test]
fn a_command_at_a_terminal_reads_from_it_and_has_its_ctrl_c() {
    if !tools(&["script"]) {
        return;
    }
    let lab = Lab::new();
    let run = job(
        &lab,
        &["--up", "--down"],
        "trap 'echo heard' INT; read word; echo \"got $word\"; : > began; until read word; do :; done",
    );
    let line =
        [run.get_program()].into_iter().chain(run.get_args()).map(|word| quoted(&word.to_string_lossy()));
    let mut command = Command::new("/usr/bin/script");
    command.args(["-qec", &line.collect::<Vec<_>>().join(" "), "/dev/null"]).env_clear();
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(lab.machine.sandbox.path(""));
    let mut terminal =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("script");
    let mut keys = terminal.stdin.take().expect("its input");
    keys.write_all(b"hello\n").expect("a line");
    until("the command runs", || lab.machine.sandbox.path("began").exists());
    // More than one, and far enough from each other to count: they are the command's alone.
    for _ in 0..2 {
        keys.write_all(b"\x03").expect("Ctrl-C");
        std::thread::sleep(std::time::Duration::from_millis(700));
    }
    keys.write_all(b"end\n").expect("a line");
    let outcome = Outcome::from(terminal.wait_with_output().expect("its output"));
    let said = &outcome.stdout;
    assert!(said.contains("got hello") && said.matches("heard").count() == 2, "{outcome}");
    assert!(said.contains("removed cluster `demo`"), "{outcome}");
    assert_gone(&lab);
}
