//! A first `up` on a machine that has everything, and what it takes for ready.

use crate::lab::{Lab, UP};
use crate::support::Runs;
use crate::support::s3::{Behaviour, Service, Wrong};

pub(crate) const FILES: [&str; 6] = [
    ".env",
    "docker-compose.yaml",
    "docker-config",
    "haproxy/s3-haproxy.cfg",
    "ozone-compose.yaml",
    "s3-haproxy.yaml",
];

#[test]
fn a_first_up_writes_starts_proves_and_prints_the_endpoint() {
    let lab = Lab::new();
    let outcome = lab.succeed(&["up", "-n", "3"]);
    assert_eq!(outcome.stdout, lab.endpoint_line());
    assert_eq!(lab.machine.sandbox.tree("").into_keys().collect::<Vec<_>>(), FILES);
    assert_eq!(lab.changes(), [UP]);
    assert_eq!(lab.service.leftovers(), 0, "the probes are gone");

    let Service { s3_port, stats_port, .. } = lab.service;
    let has = |part: &str| assert!(outcome.stderr.contains(part), "{part} in {outcome}");
    has("  ok  containers started\n");
    has("  ok  proof      PUT and GET through 3 of 3 gateways\n");
    has("cluster `demo` is ready after ");
    has(" s: 3 S3 gateways behind HAProxy\n");
    has(&format!("  statistics  http://127.0.0.1:{stats_port}/stats\n"));
    has(&format!(
        "  try it      AWS_ACCESS_KEY_ID=ozone-compose AWS_SECRET_ACCESS_KEY=ozone-compose AWS_REGION=us-east-1 \
         aws --endpoint-url http://127.0.0.1:{s3_port} s3 mb s3://bucket1\n"
    ));
}

#[test]
fn a_cluster_starts_in_the_folder_that_was_named() {
    let lab = Lab::new();
    // The fake `docker` starts nothing where the files are not.
    lab.succeed(&["up", "-o", "clusters/one"]);
    assert_eq!(lab.machine.sandbox.tree("clusters/one").into_keys().collect::<Vec<_>>(), FILES);
    assert_eq!(lab.changes(), [UP]);
}

#[test]
fn components_are_told_as_they_become_ready() {
    let lab = Lab::of(Behaviour { looks: 1, ..Behaviour::healthy(3) });
    let outcome = lab.succeed(&["up"]);
    let mut rest = outcome.stderr.as_str();
    for line in [
        "  ok  containers started\n",
        "  ..  datanodes  0 of 1 registered\n",
        "  ..  scm        safe mode until registered datanodes (=0) >= required datanodes (=1)\n",
        "  ..  om         starting, no leader yet\n",
        "  ..  gateways   0 of 3 healthy\n",
        "  ..  proof      PUT and GET through 0 of 3 gateways\n",
        "  ok  datanodes  1 of 1 registered\n",
        "  ok  scm        out of safe mode\n",
        "  ok  om         `om` leads\n",
        "  ok  gateways   3 of 3 healthy\n",
        "  ok  proof      PUT and GET through 3 of 3 gateways\n",
    ] {
        let (_, after) = rest.split_once(line).unwrap_or_else(|| panic!("{line} in its place in {outcome}"));
        rest = after;
    }
    assert_eq!(lab.service.leftovers(), 0);
}

#[test]
fn an_om_that_holds_requests_only_delays() {
    let lab = Lab::of(Behaviour { held: 3, ..Behaviour::healthy(3) });
    let outcome = lab.succeed(&["up"]);
    assert_eq!(outcome.stdout, lab.endpoint_line());
    assert_eq!(lab.service.leftovers(), 0);
}

#[test]
fn a_gateway_that_is_slow_only_delays_and_no_late_write_outlives_the_probes() {
    let lab = Lab::of(Behaviour::with(2, Wrong::Slow));
    let outcome = lab.succeed(&["up"]);
    assert_eq!(outcome.stdout, lab.endpoint_line());
    assert_eq!(lab.service.leftovers(), 0);
}

#[test]
fn a_balancer_that_names_no_gateway_is_ready_after_enough_answers() {
    let lab = Lab::of(Behaviour { named: false, ..Behaviour::healthy(3) });
    // HAProxy has no statistics page in this profile.
    let mut command = lab.command(&["up", "--profile", "upstream"]);
    let outcome = crate::support::Outcome::of(command.env_remove("OZONE_COMPOSE_STATS_PORT"));
    assert_eq!((outcome.status, outcome.stdout), (0, lab.endpoint_line()), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("statistics"), "{}", outcome.stderr);
    assert!(lab.service.requests() >= 3 * 4, "as many PUTs and GETs as can have met every gateway twice");
}
