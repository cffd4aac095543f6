//! Requests of a verb go to this folder's cluster, or to none.

use crate::cluster::Cluster;
use crate::lab::{Lab, docker};
use crate::support::http::{answer, serve};
use crate::support::{Outcome, Runs};

/// The verbs find no cluster, whatever listens on the ports.
fn assert_speaks_to_nobody(cluster: &Cluster, who: &str) {
    let env = cluster.run(&["env"]);
    assert_eq!((env.status, env.stdout.as_str()), (5, ""), "{who}: {env}");
    let run = cluster.run(&["run", "--", "touch", "ran"]);
    assert_eq!((run.status, run.stdout.as_str()), (5, ""), "{who}: {run}");
    assert!(!cluster.folder.join("ran").exists(), "{who}: the command ran");
    let smoke = cluster.run(&["smoke"]);
    assert_eq!((smoke.status, smoke.stdout.as_str()), (5, ""), "{who}: {smoke}");
}

#[test]
fn a_folder_that_was_never_started_has_no_cluster_even_if_its_ports_answer() {
    let Some(lab) = Lab::open() else { return };
    let mut cluster = lab.cluster("never");
    // As any S3 service does that has no such bucket.
    let everything = || serve(|_| Some(answer(404, &[], b"<Error><Code>NoSuchBucket</Code></Error>")));
    (cluster.ports.s3, cluster.ports.stats) = (everything(), everything());
    Outcome::of(&mut cluster.first("generate", &["-n", "1"])).succeeded();
    assert_speaks_to_nobody(&cluster, "a server");
    let status = cluster.succeed(&["status"]);
    assert!(status.stderr.contains("has no containers"), "{status}");
    assert_eq!(status.stdout, "");
}

#[test]
fn a_folder_sends_no_request_to_another_cluster_on_its_ports() {
    let Some(lab) = Lab::open() else { return };
    let other = lab.cluster("other");
    other.up(&["-n", "1"]);
    let mut cluster = lab.cluster("aside");
    cluster.ports = other.ports;
    Outcome::of(&mut cluster.first("generate", &["-n", "1"])).succeeded();
    assert_speaks_to_nobody(&cluster, "another cluster");
    let status = cluster.succeed(&["status"]);
    assert!(status.stderr.contains("has no containers"), "{status}");
    assert_eq!(cluster.gateways(), Vec::<serde_json::Value>::new());
    other.succeed(&["run", "--", "touch", "did"]);
    assert!(other.folder.join("did").exists());

    // Its own containers, none of which listens on the port.
    docker(&["kill", &other.container("s3g")]);
    let mut heir = lab.cluster("heir");
    (heir.ports.s3, heir.ports.stats) = (other.ports.s3, other.ports.stats);
    heir.up(&["-n", "1"]);
    assert_speaks_to_nobody(&other, "a cluster that took over the ports");
}
