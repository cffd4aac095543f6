//! HAProxy's files reach its container where the engine can mount the folder of the cluster, and where it cannot.

use crate::cluster::{Cluster, assert_unharmed};
use crate::lab::{Lab, Project, docker};
use crate::support::{Outcome, Runs};

/// A frontend of a person's own, which answers in the balancer's container.
fn answering(text: &str) -> String {
    format!(
        "frontend mine\n    bind :9999\n    http-request return status 200 content-type text/plain string {text}\n"
    )
}

/// What that frontend answers.
fn answer(cluster: &Cluster<'_>) -> String {
    let ask =
        ["exec", &cluster.container("s3g"), "wget", "-q", "-Y", "off", "-O", "-", "http://127.0.0.1:9999"];
    docker(&ask).trim().to_owned()
}

#[test]
fn an_engine_without_this_folder_gets_files_that_are_loaded_and_kept() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("carried");
    Outcome::of(&mut cluster.first("generate", &["-n", "2", "--engine", "remote", "--bind", "127.0.0.1"]))
        .succeeded();
    cluster.write("haproxy/zz-local.cfg", &answering("one"));
    cluster.succeed(&["up"]);
    let id = || docker(&["inspect", "--format", "{{.Id}} {{.RestartCount}}", &cluster.container("s3g")]);
    let (balancer, before) = (cluster.container("s3g"), id());
    let mounts = docker(&["inspect", "--format", "{{.Mounts}}", &balancer]);
    assert!(!mounts.contains(&*cluster.folder.to_string_lossy()), "{mounts}");
    assert_eq!(answer(&cluster), "one", "it was there when the container came");

    let load = cluster.load();
    cluster.write("haproxy/zz-local.cfg", &answering("two"));
    cluster.succeed(&["reload"]);
    cluster.succeed(&["scale", "3"]);
    assert_unharmed(&load.stop(), "a reload and a larger number");
    assert_eq!((answer(&cluster).as_str(), id()), ("two", before));
    docker(&["restart", &balancer]);
    cluster.succeed(&["start"]);
    assert_eq!(
        (answer(&cluster).as_str(), cluster.servers().len()),
        ("two", 3),
        "a restart keeps what was loaded"
    );

    cluster.write("haproxy/zz-local.cfg", "nonsense\n");
    let refused = cluster.run(&["reload"]);
    assert_eq!(refused.status, 1, "{refused}");
    assert!(refused.stderr.contains("[/usr/local/etc/haproxy/zz-local.cfg:1]"), "{refused}");
    fs_err::remove_file(cluster.folder.join("haproxy/zz-local.cfg")).expect("a file");
    cluster.succeed(&["reload"]);
    let listeners = docker(&["exec", &balancer, "netstat", "-ltn"]);
    assert!(listeners.contains(":9878 ") && !listeners.contains(":9999 "), "{listeners}");
    cluster.succeed(&["down"]);
    cluster.succeed(&["up"]);
    assert_eq!(cluster.conditions(), ["serving"; 3]);
}

#[test]
fn a_folder_with_a_colon_in_its_path_is_mounted() {
    let Some(lab) = Lab::open() else { return };
    let cluster = Cluster::new(&lab, "a:b c", Project::new("colon"));
    cluster.up(&["-n", "1"]);
    cluster.write("haproxy/zz-local.cfg", &answering("here"));
    cluster.succeed(&["reload"]);
    assert_eq!(answer(&cluster), "here");
}
