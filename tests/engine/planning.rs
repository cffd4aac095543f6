//! What a verb would do is printed, and not done.

use crate::lab::{Lab, docker};
use crate::support::{Outcome, Runs, tree};

#[test]
fn a_dry_run_prints_steps_with_their_causes_and_changes_nothing() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("plan");
    cluster.up(&["-n", "3"]);
    cluster.succeed(&["drain", "s3g2"]);
    let now = || (cluster.project.containers(), tree(&cluster.folder), cluster.servers());
    let worker = || docker(&["top", &cluster.container("s3g"), "-o", "pid"]);
    let steps_of = |verb: &[&str]| {
        let before = (now(), worker());
        let outcome = cluster.succeed(&[verb, &["--dry-run"]].concat());
        assert!((now(), worker()) == before, "{verb:?} changed something: {outcome}");
        let is_step = |line: &str| {
            line.split_once(": ").is_some_and(|(what, cause)| !what.is_empty() && !cause.is_empty())
        };
        assert!(!outcome.stdout.is_empty() && outcome.stdout.lines().all(is_step), "{verb:?}: {outcome}");
        outcome.stdout
    };
    for verb in [
        &["up", "-n", "4"][..],
        &["scale", "2"],
        &["drain", "s3g1"],
        &["resume"],
        &["restart"],
        &["reload"],
        &["down"],
        &["stop"],
    ] {
        steps_of(verb);
    }
    assert!(steps_of(&["scale", "4"]).contains("s3g4"));
    let fewer = steps_of(&["scale", "1"]);
    assert!(fewer.lines().any(|line| line.contains("s3g2") && line.contains("count is 1")), "{fewer}");
    assert!(steps_of(&["down", "--volumes"]).contains("volume"));

    let fresh = lab.cluster("fresh");
    let up = Outcome::of(&mut fresh.first("up", &["--dry-run"]));
    assert!(up.status == 0 && up.stdout.contains(": "), "{up}");
    assert!(tree(&fresh.folder).is_empty() && fresh.project.containers().is_empty(), "{up}");

    cluster.succeed(&["stop"]);
    let before = cluster.project.containers();
    let start = cluster.succeed(&["start", "--dry-run"]);
    assert!(start.stdout.lines().all(|line| line.contains(": ")) && !start.stdout.is_empty(), "{start}");
    assert_eq!(cluster.project.containers(), before);
}
