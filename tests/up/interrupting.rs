//! Ctrl-C, and worse.

use crate::lab::{CHANGES, Lab, UP, UP_PATTERN};
use crate::starting::FILES;
use crate::support::Runs;
use crate::support::run::until;
use crate::support::s3::{Behaviour, Wrong};

/// Starts, and goes on only once the test says so or is over.
const HANGS: &str = "trap '' INT TERM; : > $here/up; while [ -d $here ] && [ ! -e $here/go ]; do /bin/sleep 0.05; done; exit 0";

/// A cluster that will never be ready.
fn unready() -> Lab {
    Lab::of(Behaviour::with(2, Wrong::Starves))
}

#[test]
fn ctrl_c_leaves_what_runs_and_says_how_to_continue() {
    let lab = unready();
    let mut run = lab.start(&["up"]);
    until("it waits", || lab.service.requests() > 0);
    run.signal("INT");
    let outcome = run.end();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (130, ""), "{outcome}");
    assert!(
        outcome.stderr.ends_with(
            "error: interrupted; cluster `demo` is left as it is\n\
             hint: `ozone-compose up` continues, `ozone-compose down` removes it\n"
        ),
        "{outcome}"
    );
    assert_eq!(lab.did(), ["up"]);
}

#[test]
fn a_rollback_follows_ctrl_c_too() {
    let lab = unready();
    let mut run = lab.start(&["up", "--rollback"]);
    until("it waits", || lab.service.requests() > 0);
    run.signal("INT");
    let outcome = run.end();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (130, ""), "{outcome}");
    assert!(outcome.stderr.contains("removed cluster `demo`\n"), "{outcome}");
    assert!(!outcome.stderr.contains("is left as it is"), "{outcome}");
    assert_eq!(["up", "networks", "volumes"].map(|what| lab.has(what)), ["none", "", ""]);
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let lab = Lab::new();
    lab.machine.answer_by_script(UP_PATTERN, HANGS);
    let mut run = lab.start(&["up"]);
    until("it starts", || lab.has("up").is_empty());
    // The first is for `docker` to end in good order. Those within half a second count as the same.
    until("it ends while `docker` does not", || {
        if !run.has_ended() {
            run.signal("INT");
        }
        run.has_ended()
    });
    let outcome = run.end();
    // By the signal itself, as a shell wants to see it.
    assert_eq!((outcome.status, outcome.stdout.as_str()), (-2, ""), "{outcome}");
    assert!(lab.machine.commands().ends_with(&format!("{UP}\n")), "{outcome}");
}

#[test]
fn what_a_killed_run_left_is_finished_by_the_next() {
    let at_start = |lab: &Lab| lab.has("up").is_empty();
    let at_wait = |lab: &Lab| lab.service.requests() > 0;
    for (script, is_there) in [(HANGS, at_start as fn(&Lab) -> bool), ("", at_wait)] {
        let lab = unready();
        if !script.is_empty() {
            lab.machine.answer_by_script(UP_PATTERN, script);
        }
        let mut run = lab.start(&["up"]);
        until("it is in the middle", || is_there(&lab));
        run.signal("KILL");
        assert_eq!(run.end().status, -9);
        // What it started goes on to its end.
        lab.set("go", "");

        lab.service.does(Behaviour::healthy(3));
        let outcome = lab.succeed(&["up"]);
        assert_eq!(outcome.stdout, lab.endpoint_line());
        assert_eq!(lab.machine.sandbox.tree("").into_keys().collect::<Vec<_>>(), FILES);
        assert_eq!(lab.service.leftovers(), 0, "the next run removes the probes of the killed one");
    }
}

#[test]
fn sigterm_to_this_process_alone_reaches_the_command_that_runs() {
    for signal in ["TERM", "INT"] {
        let lab = Lab::new();
        let notes_signal = "trap 'echo ended > $here/signal; exit 1' INT TERM; : > $here/up; \
                    while [ -d $here ]; do /bin/sleep 0.05; done";
        lab.machine.answer_by_script(UP_PATTERN, notes_signal);
        let mut run = lab.start(&["up"]);
        until("it starts", || lab.has("up").is_empty());
        run.signal(signal);
        let outcome = run.end();
        assert_eq!((outcome.status, lab.has("signal").as_str()), (130, "ended\n"), "{outcome}");
    }
}

#[test]
fn an_engine_that_hangs_ends_the_start_when_its_time_is_up() {
    let lab = Lab::new();
    lab.machine.answer_by_script(UP_PATTERN, HANGS);
    let outcome = lab.run(&["up", "--timeout", "1s"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
    assert!(outcome.stderr.contains(" was not done after 1 s\nhint: `ozone-compose doctor`"), "{outcome}");
}

#[test]
fn a_run_that_waits_for_another_says_so_and_ends_at_the_first_ctrl_c() {
    let lab = Lab::new();
    lab.succeed(&["up"]);
    lab.did();
    let held = std::fs::File::open(lab.machine.sandbox.path("")).expect("the folder");
    held.lock().expect("a lock");
    for verb in [&["up"][..]].into_iter().chain(CHANGES) {
        let mut run = lab.start(verb);
        std::thread::sleep(std::time::Duration::from_millis(700));
        run.signal("INT");
        let outcome = run.end();
        assert_eq!((outcome.status, outcome.stdout.as_str()), (130, ""), "{verb:?}: {outcome}");
        assert!(
            outcome.stderr.contains("waiting for another ozone-compose run in `.`\n"),
            "{verb:?}: {outcome}"
        );
        assert_eq!(lab.did(), [""; 0], "{verb:?}");
    }
}

#[test]
fn what_two_runs_choose_at_the_same_time_is_all_kept() {
    let lab = Lab::of(Behaviour::healthy(4));
    lab.succeed(&["up", "-n", "4"]);
    // Both have started before either gets the folder.
    let held = std::fs::File::open(lab.machine.sandbox.path("")).expect("the folder");
    held.lock().expect("a lock");
    let runs = ["s3g1", "s3g2"].map(|name| lab.start(&["drain", name]));
    std::thread::sleep(std::time::Duration::from_millis(700));
    drop(held);
    for run in runs {
        let outcome = run.end();
        assert_eq!(outcome.status, 0, "{outcome}");
    }
    let choices = lab.machine.sandbox.read("ozone-compose.yaml");
    assert!(choices.contains("s3g1") && choices.contains("s3g2"), "{choices}");
    let loaded = lab.has("loaded");
    assert!(loaded.contains("s3g1 UP,0") || loaded.contains("s3g1 DRAIN,0"), "{loaded}");
    assert!(loaded.contains("s3g2 UP,0") || loaded.contains("s3g2 DRAIN,0"), "{loaded}");
}

#[test]
fn images_are_pulled_while_others_may_work_in_the_folder() {
    let lab = Lab::new();
    lab.succeed(&["generate"]);
    lab.machine.answer("image\\ inspect*haproxy:*", 1, "", "No such image\n");
    lab.machine.answer_by_script("pull*", &HANGS.replace("$here/up", "$here/pulls"));
    let run = lab.start(&["up"]);
    until("it pulls", || lab.has("pulls").is_empty());
    lab.succeed(&["generate", "-n", "2"]);
    lab.set("go", "");
    assert_eq!(run.end().status, 0);
}

#[test]
fn while_a_rollback_is_possible_no_other_run_uses_what_was_started() {
    let lab = unready();
    let first = lab.start(&["up", "--rollback", "--timeout", "3s"]);
    until("it waits", || lab.service.requests() > 0);
    let second = lab.start(&["up"]);
    assert_eq!(first.end().status, 5);
    lab.service.does(Behaviour::healthy(3));
    let outcome = second.end();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (0, lab.endpoint_line().as_str()), "{outcome}");
    assert!(outcome.stderr.contains("waiting for another ozone-compose run"), "{outcome}");
    assert_eq!(lab.did().iter().filter(|one| *one == "up").count(), 2, "it starts anew what was rolled back");
}

#[test]
fn one_choice_is_persisted_by_a_verb_that_makes_one_choice() {
    let lab = Lab::of(Behaviour::healthy(4));
    lab.succeed(&["up", "-n", "4"]);
    for (verb, kept) in
        [(&["drain", "s3g1"][..], "count: 4\n"), (&["resume"], "count: 4\n"), (&["scale", "3"], "count: 3\n")]
    {
        let mut command = lab.command(verb);
        let outcome = crate::support::Outcome::of(command.env("OZONE_COMPOSE_GATEWAYS", "2"));
        assert_eq!(outcome.status, 0, "{outcome}");
        assert!(lab.machine.sandbox.read("ozone-compose.yaml").contains(kept), "{verb:?}");
    }
}

#[test]
fn variables_that_compose_reads_reach_no_command_and_those_of_docker_reach_each() {
    let lab = Lab::new();
    lab.succeed(&["generate"]);
    let host = "unix:///run/mine.sock";
    for verb in [&["up"][..], &["status"], &["scale", "2"], &["logs"], &["doctor"], &["smoke"], &["down"]] {
        let before = lab.machine.hosts().len();
        let mut command = lab.command(verb);
        command.envs([("COMPOSE_FILE", "other.yaml"), ("COMPOSE_PROFILES", "x"), ("DOCKER_HOST", host)]);
        // The fake `docker` notes each command that got a variable of Compose, and the machine fails the test then.
        crate::support::Outcome::of(&mut command);
        let hosts = lab.machine.hosts().split_off(before);
        assert!(!hosts.is_empty() && hosts.iter().all(|one| one == host), "{verb:?}: {hosts:?}");
    }
    assert_eq!(lab.machine.hosts().len(), lab.machine.commands().lines().count());
}
