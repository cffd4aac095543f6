//! A cluster around a command: `run --up --down`.

use std::process::{Command, Stdio};

use crate::cluster::Cluster;
use crate::lab::Lab;
use crate::support::Outcome;
use crate::support::run::{Run, until};

/// `run --up --down` with a script for the shell.
fn job(cluster: &Cluster<'_>, script: &str) -> Command {
    let mut command = cluster.first("run", &["--up", "--down", "-n", "2", "--bucket", "tests"]);
    command.args(["--", "sh", "-c", script]);
    command
}

#[track_caller]
fn assert_gone(cluster: &Cluster<'_>, after: &str) {
    let project = &cluster.project;
    assert_eq!(project.containers(), [], "{after}");
    assert_eq!((project.volumes(), project.networks()), (Vec::new(), Vec::new()), "{after}");
}

#[test]
fn nothing_is_left_of_a_job_however_it_ends() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("job");
    let done = Outcome::of(&mut job(&cluster, "echo \"$AWS_ENDPOINT_URL_S3\""));
    assert_eq!((done.status, done.stdout.clone()), (0, format!("{}\n", cluster.endpoint())), "{done}");
    assert_gone(&cluster, "success");
    let failed = Outcome::of(&mut job(&cluster, "exit 7"));
    assert_eq!((failed.status, failed.stdout.as_str()), (7, ""), "{failed}");
    assert_gone(&cluster, "failure");

    let began = cluster.folder.join("began");
    let started = |script: &str| {
        let mut job = job(&cluster, &format!("echo $$ > began; {script}"));
        let run = Run::start(job.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        until("the command runs", || fs_err::read_to_string(&began).is_ok_and(|text| !text.is_empty()));
        let id = fs_err::read_to_string(&began).expect("a number");
        fs_err::remove_file(&began).expect("a file");
        (run, id)
    };
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (mut run, _) = started("exec sleep 600");
        run.signal(signal);
        assert_eq!(run.end().status, code);
        assert_gone(&cluster, signal);
    }
    let (mut run, id) = started("exec sleep 600");
    run.signal("KILL");
    assert_eq!(run.end().status, -9);
    assert!(Command::new("kill").arg(id.trim()).status().expect("kill").success());
    assert!(!cluster.project.containers().is_empty());
    let second = Outcome::of(&mut job(&cluster, "exit 0"));
    assert_eq!(second.status, 0, "{second}");
    assert_gone(&cluster, "a kill and a second run");
}
