//! Ctrl-C, and worse.

use crate::lab::{Lab, UP, UP_PATTERN};
use crate::starting::FILES;
use crate::support::Runs;
use crate::support::run::until;
use crate::support::s3::{Behaviour, Wrong};

/// Starts, and goes on only once the test says so or is over.
const HANGS: &str = ": > $here/up; while [ -d $here ] && [ ! -e $here/go ]; do /bin/sleep 0.05; done; exit 0";

/// A cluster that will never be ready.
fn unready() -> Lab {
    Lab::of(Behaviour::with(2, Wrong::Starves))
}

#[test]
fn ctrl_c_leaves_what_runs_and_says_how_to_go_on() {
    let lab = unready();
    let mut run = lab.start(&["up"]);
    until("it waits", || lab.service.requests() > 0);
    run.signal("INT");
    let outcome = run.end();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (130, ""), "{outcome}");
    assert!(
        outcome.stderr.ends_with(
            "error: interrupted; cluster `demo` is left as it is\n\
             hint: `ozone-compose up` goes on, `ozone-compose down` removes it\n"
        ),
        "{outcome}"
    );
    assert_eq!(lab.changes(), [UP]);
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
    lab.machine.tell_to_do(UP_PATTERN, HANGS);
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
    assert_eq!(lab.changes(), [UP]);
}

#[test]
fn what_a_killed_run_left_is_finished_by_the_next() {
    let at_start = |lab: &Lab| lab.has("up").is_empty();
    let at_wait = |lab: &Lab| lab.service.requests() > 0;
    for (script, is_there) in [(HANGS, at_start as fn(&Lab) -> bool), ("", at_wait)] {
        let lab = unready();
        if !script.is_empty() {
            lab.machine.tell_to_do(UP_PATTERN, script);
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
