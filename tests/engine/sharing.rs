//! Several runs at the same time, in one folder.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::cluster::started;
use crate::lab::Lab;
use crate::support::run::{Run, until, within};
use crate::support::{Outcome, Runs, clean};

#[test]
fn two_drains_at_the_same_time_leave_both_gateways_drained() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("both");
    cluster.up(&["-n", "3"]);
    let runs = ["s3g1", "s3g2"].map(|name| cluster.start(&["drain", name]));
    for run in runs {
        run.end().succeeded();
    }
    let choices = cluster.choices();
    assert!(choices.contains("s3g1") && choices.contains("s3g2"), "{choices}");
    assert_eq!(cluster.conditions(), ["drained", "drained", "serving"]);
    let states: Vec<String> = cluster.servers().into_values().collect();
    assert_eq!(states, ["drained", "drained", "UP"]);

    let runs = ["s3g1", "s3g2"].map(|name| cluster.start(&["resume", name]));
    for run in runs {
        run.end().succeeded();
    }
    assert_eq!(cluster.conditions(), ["serving"; 3]);
}

#[test]
fn a_run_that_waits_for_another_says_so_and_ends_at_the_first_ctrl_c() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("wait");
    cluster.up(&["-n", "2"]);
    let (begun, open, wait) = lab.gate();
    let path = lab.path_with_docker("*' up '*", &wait);
    let first = started(cluster.command(&["scale", "3"]).env("PATH", path));
    until("the first run starts a container", || begun.exists());

    let mut second = cluster.start(&["drain", "s3g1"]);
    std::thread::sleep(Duration::from_secs(1));
    let interrupted = Instant::now();
    second.signal("INT");
    within(Duration::from_secs(30), "it ends", || second.has_ended());
    let said = second.end();
    assert_eq!(said.status, 130, "after {:?}: {said}", interrupted.elapsed());
    assert!(said.stderr.contains("another ozone-compose run"), "{said}");
    fs_err::write(open, "").expect("a file");
    let first = first.end();
    assert_eq!(first.status, 0, "{first}");
    assert_eq!(cluster.conditions(), ["serving"; 3]);
}

#[test]
fn others_may_work_in_the_folder_while_an_image_is_pulled() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("pull");
    cluster.up(&["-n", "2"]);
    let (begun, open, wait) = lab.gate();
    let path = lab.path_with_docker("*' pull '*", &format!("{wait}; exit 1"));
    let up = started(cluster.command(&["up", "--haproxy-image", "no-such-image:1"]).env("PATH", path));
    until("an image is pulled", || begun.exists());
    let mut drain = cluster.start(&["drain", "s3g1"]);
    within(Duration::from_secs(60), "it ends before the pull does", || drain.has_ended());
    drain.end().succeeded();
    fs_err::write(open, "").expect("a file");
    let up = up.end();
    assert_eq!(up.status, 1, "{up}");
    assert!(!cluster.choices().contains("no-such-image"), "{up}");
    assert_eq!(cluster.conditions(), ["drained", "serving"]);
}

#[test]
fn a_rollback_does_not_remove_what_another_up_waits_for() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("back");
    let waits = "until test -e /tmp/open; do sleep 0.1; done; exec ozone s3g";
    let late = format!("services:\n  s3g1:\n    command: [sh, -c, '{waits}']\n");
    cluster.write("compose.override.yaml", &late);
    let (mut first, first_said) =
        start_logged(&lab, "first", cluster.first("up", &["-n", "1", "--rollback"]));
    until("the first run waits", || first_said().contains("..  proof"));
    let (mut second, second_said) = start_logged(&lab, "second", cluster.command(&["up"]));
    // For the gateway, or for the first run.
    let waits = |said: String| said.contains("..  proof") || said.contains("another ozone-compose run");
    until("the second run waits", || waits(second_said()));
    first.signal("INT");
    assert_eq!(first.end().status, 130, "{}", first_said());
    let open = ["exec", &cluster.container("s3g1"), "touch", "/tmp/open"];
    until("the second run ends", || {
        // The container may be gone, and come again.
        Outcome::of(clean("docker").args(open));
        second.has_ended()
    });
    assert_eq!(second.end().status, 0, "{}", second_said());
    assert_eq!(cluster.conditions(), ["serving"]);
}

#[test]
fn two_first_runs_at_the_same_time_make_one_cluster() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("first");
    // The second comes at different moments of the first: before it holds the folder, and while containers start.
    for pause in [0, 1000] {
        let first = started(&mut cluster.first("up", &["-n", "1"]));
        std::thread::sleep(Duration::from_millis(pause));
        let second = started(&mut cluster.first("up", &["-n", "1"]));
        first.end().succeeded();
        second.end().succeeded();
        assert_eq!(cluster.conditions(), ["serving"]);
        cluster.succeed(&["down", "--volumes"]);
    }
}

/// Starts a run, and what returns its output until now.
fn start_logged(lab: &Lab, name: &str, mut command: Command) -> (Run, impl Fn() -> String) {
    let log = lab.sandbox.path(name);
    let errors = File::create(&log).expect("a file");
    let run = Run::start(command.stdout(Stdio::null()).stderr(errors));
    (run, move || fs_err::read_to_string(&log).expect("a text"))
}
