//! Containers that end, and commands that fail.

use crate::lab::{Container, Lab, UP, UP_PATTERN, own, running, with_ended};
use crate::support::Runs;
use crate::support::archive::unpacked;
use crate::support::s3::{Behaviour, Wrong};

const LAST_WORDS: &str = "java.lang.OutOfMemoryError: Java heap space\nTerminating due to it\n";

/// A cluster that would never be ready, so that only its ended gateway ends the wait.
fn with_ended_gateway() -> Lab {
    let lab = Lab::of(Behaviour::with(2, Wrong::Starves));
    lab.contain(&with_ended("s3g2", 3));
    lab.machine.answer("logs\\ --tail\\ 20\\ id-s3g2", 0, "", LAST_WORDS);
    lab
}

#[test]
fn a_container_that_ended_ends_the_wait_with_its_own_last_words() {
    let lab = with_ended_gateway();
    let outcome = lab.run(&["up"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    let account = "error: gateway `s3g2` ended with exit code 3; the cluster cannot become ready\n  \
                   | java.lang.OutOfMemoryError: Java heap space\n  \
                   | Terminating due to it\n\
                   hint: `ozone-compose logs s3g2` shows more, `ozone-compose collect` packs everything\n";
    assert!(outcome.stderr.ends_with(account), "{outcome}");
    // Everything is left to be looked at.
    assert_eq!(lab.did(), ["up"]);
}

#[test]
fn a_container_of_a_persons_own_may_end() {
    let lab = Lab::new();
    let job = Container { state: "exited", ..own("migration") };
    lab.contain(&[running(), vec![job]].concat());
    assert_eq!(lab.succeed(&["up"]).stdout, lab.endpoint_line());
}

#[test]
fn a_start_that_fails_is_reported_with_dockers_message() {
    for (options, left) in [(&["up"][..], "yes"), (&["up", "--rollback"], "none")] {
        let lab = Lab::new();
        let script = "echo yes > $here/up; echo 'no space left on device' >&2; exit 17";
        lab.machine.answer_by_script(UP_PATTERN, script);
        let outcome = lab.run(options);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
        let message =
            format!("error: could not start cluster `demo`: `docker {UP}` ended with exit status: 17\n");
        assert!(outcome.stderr.contains(&format!("{message}  | no space left on device\n")), "{outcome}");
        assert_eq!(lab.has("up").trim_end(), left);
    }
}

#[test]
fn an_archive_is_left_where_a_flag_says() {
    let lab = with_ended_gateway();
    lab.machine.answer("logs\\ --timestamps*id-s3g2", 0, "2026-01-01T00:00:01.0Z last words\n", "");
    let outcome = lab.run(&["up", "--collect-on-failure", "why.tar.gz", "--rollback"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    assert!(outcome.stderr.contains("packed logs and states into why.tar.gz\n"), "{outcome}");
    let parts = unpacked(&lab.machine.sandbox.path("why.tar.gz"));
    let log = parts.iter().find(|(name, _)| name == "demo-collected/logs/demo-s3g2-1.log");
    assert_eq!(log.expect("a log").1, "2026-01-01T00:00:01.0Z last words\n");
    // It was packed before there was nothing left to pack.
    assert_eq!(lab.has("up"), "none");

    let ready = Lab::new();
    ready.succeed(&["up", "--collect-on-failure", "why.tar.gz"]);
    assert!(!ready.machine.sandbox.path("why.tar.gz").exists());
}

#[test]
fn an_archive_that_could_not_be_written_is_refused_before_anything_starts() {
    let lab = Lab::new();
    lab.machine.sandbox.write("why.tar.gz", "mine");
    let outcome = lab.run(&["up", "--collect-on-failure", "why.tar.gz"]);
    assert_eq!(
        outcome.to_string(),
        "exit 2\n--- stderr\n\
         error: could not write why.tar.gz: it is there already\n\
         hint: name another file, or remove this one\n"
    );
    assert_eq!(lab.machine.commands(), "");
    assert_eq!(lab.machine.sandbox.tree("").into_keys().collect::<Vec<_>>(), ["why.tar.gz"]);
}
