//! A first `up` on a machine that has everything, and what it takes for ready.

use crate::lab::{Container, Lab, running};
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
    assert_eq!(lab.did(), ["up"]);
    assert_eq!(lab.service.leftovers(), 0, "the probes are gone");

    let Service { s3_port, stats_port, .. } = lab.service;
    let has = |part: &str| assert!(outcome.stderr.contains(part), "{part} in {outcome}");
    has("  ok  containers started\n");
    has("  ok  proof      PUT and GET through 3 of 3 gateways\n");
    has("cluster `demo` is ready after ");
    has(" s: 3 S3 gateways behind HAProxy\n");
    let Service { scm_port, om_port, .. } = lab.service;
    let (_, words) = outcome.stderr.split_once(" behind HAProxy\n").expect("the last words");
    assert_eq!(
        words,
        format!(
            "  endpoint    http://127.0.0.1:{s3_port}\n  \
               variables   eval \"$(ozone-compose env)\"\n  \
               status      ozone-compose status\n  \
               statistics  http://127.0.0.1:{stats_port}/stats\n  \
               SCM         http://127.0.0.1:{scm_port}\n  \
               OM          http://127.0.0.1:{om_port}\n  \
               remove      ozone-compose down\n"
        )
    );
    assert!(outcome.stderr.lines().all(|line| line.chars().count() <= 80), "{outcome}");
}

#[test]
fn a_cluster_starts_in_the_folder_that_was_named() {
    let lab = Lab::new();
    // The fake `docker` starts nothing where the files are not.
    let outcome = lab.succeed(&["up", "-o", "clusters/one"]);
    assert!(
        outcome.stderr.contains("  variables   eval \"$(ozone-compose env -o clusters/one)\"\n"),
        "{outcome}"
    );
    assert_eq!(lab.machine.sandbox.tree("clusters/one").into_keys().collect::<Vec<_>>(), FILES);
    assert_eq!(lab.did(), ["up"]);
}

#[test]
fn components_are_reported_as_they_become_ready() {
    let lab = Lab::of(Behaviour { looks: 1, ..Behaviour::healthy(3) });
    let outcome = lab.succeed(&["up"]);
    let mut rest = outcome.stderr.as_str();
    for line in [
        "  ok  containers started\n",
        "  ..  datanodes  0 of 1 registered\n",
        "  ..  scm        safe mode until registered datanodes (=0) >= required datanodes (=1)\n",
        "  ..  om         starting, no leader yet\n",
        "  ..  proof      PUT and GET through 0 of 3 gateways\n",
        "  ok  datanodes  1 of 1 registered\n",
        "  ok  scm        out of safe mode\n",
        "  ok  om         `om` leads\n",
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
fn where_the_balancer_names_no_gateway_each_is_proved_by_itself() {
    let lab = Lab::of(Behaviour { named: false, ..Behaviour::healthy(3) });
    let of_example = |one: Container| Container { command: "haproxy", ..one };
    lab.contain(&running().into_iter().map(of_example).collect::<Vec<_>>());
    // HAProxy has no statistics page in this profile.
    let up = |timeout| {
        let mut command = lab.command(&["up", "--profile", "upstream", "--timeout", timeout]);
        crate::support::Outcome::of(command.env_remove("OZONE_COMPOSE_STATS_PORT"))
    };
    // Two that serve do not make up for one that does not.
    lab.machine.answer("exec\\ --interactive\\ id-s3g3\\ sh*", 1, "PUT: 500\n", "");
    let outcome = up("2s");
    assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
    assert!(outcome.stderr.contains("  | proved: s3g1, s3g2\n"), "{outcome}");
    assert!(outcome.stderr.contains("  | the last probe met: demo-s3g3-1: PUT: 500\n"), "{outcome}");
    lab.machine.answer("exec\\ --interactive\\ id-s3g3\\ sh*", 0, "", "");
    let outcome = up("60s");
    assert_eq!((outcome.status, &outcome.stdout), (0, &lab.endpoint_line()), "{outcome}");
    assert!(outcome.stderr.contains("PUT and GET through 3 of 3 gateways"), "{outcome}");
}
