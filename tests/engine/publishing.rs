//! Ports on which a cluster is published.

use std::net::TcpListener;

use crate::cluster::started;
use crate::lab::Lab;
use crate::support::run::until;

#[test]
fn a_port_that_is_lost_after_it_was_found_free_is_chosen_again() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("race");
    let (begun, open, gate) = lab.gate();
    let mut up = cluster.first("up", &["-n", "1", "--port", "auto"]);
    let run = started(up.env("PATH", lab.path_with_docker("*' up '*", &gate)));
    until("containers start", || begun.exists());
    let _held = TcpListener::bind(("127.0.0.1", cluster.ports.s3)).expect("the port that was found free");
    fs_err::write(&open, "").expect("a file");
    let outcome = run.end();
    assert_eq!(outcome.status, 0, "{outcome}");
    assert!(outcome.stderr.contains("another process took a port that was free"), "{outcome}");
    assert!(!outcome.stdout.contains(&format!(":{}\n", cluster.ports.s3)), "{outcome}");
    assert_eq!(cluster.conditions(), ["serving"]);
}
