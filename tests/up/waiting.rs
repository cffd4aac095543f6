//! A cluster that does not become ready in time.

use crate::lab::{Lab, container, running};
use crate::support::Runs;
use crate::support::s3::{Behaviour, Wrong};

#[test]
fn a_gateway_that_gets_no_request_keeps_the_cluster_from_being_ready() {
    let lab = Lab::of(Behaviour::with(2, Wrong::Starves));
    let outcome = lab.run(&["up", "--timeout", "3s"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
    let has = |part: &str| assert!(outcome.stderr.contains(part), "{part} in {outcome}");
    has("error: cluster `demo` was not ready in 3s\n");
    has("  | ready     containers started\n");
    has("  | ready     datanodes  1 of 1 registered\n");
    has("  | ready     gateways   3 of 3 healthy\n");
    has("  | ready     om         `om` leads\n");
    has("  | ready     scm        out of safe mode\n");
    has("  | not ready proof      PUT and GET through 2 of 3 gateways\n");
    has("  | proved: s3g1, s3g3\n");
    has("hint: `ozone-compose up --timeout 10m` continues to wait");
    // Everything is left to be looked at.
    assert_eq!(lab.did(), ["up"]);
}

#[test]
fn a_gateway_that_serves_only_one_of_put_and_get_is_not_proved() {
    for method in ["PUT", "GET"] {
        let lab = Lab::of(Behaviour::with(3, Wrong::Refuses(method)));
        let outcome = lab.run(&["up", "--timeout", "2s"]);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{method}: {outcome}");
        let has = |part: &str| assert!(outcome.stderr.contains(part), "{part} in {outcome}");
        has("  | proved: s3g1, s3g2\n");
        has("  | the last probe met: gateway `s3g3` answered 503 ServiceUnavailable\n");
    }
}

#[test]
fn a_cluster_is_not_ready_while_an_scm_has_not_joined_the_others() {
    let lab = Lab::of(Behaviour { scms: 2, ..Behaviour::healthy(3) });
    let data = ["om1", "om2", "om3", "scm1", "scm2", "scm3"];
    let volume =
        |name: &str| format!("demo_{name}\tdemo\t{name}\t{}\n", name.trim_end_matches(char::is_numeric));
    lab.set("volumes", &data.map(volume).concat());
    let outcome = lab.run(&["up", "--base", "ha", "--timeout", "2s"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
    let has = |part: &str| assert!(outcome.stderr.contains(part), "{part} in {outcome}");
    has("  | ready     proof      PUT and GET through 3 of 3 gateways\n");
    has("  | not ready scm        out of safe mode, 2 of 3 SCMs joined\n");
    lab.service.does(Behaviour { scms: 3, ..Behaviour::healthy(3) });
    let of_base = |(name, role): (&str, &'static str)| {
        (1..=3).map(|n| container(&format!("{name}{n}"), role)).collect::<Vec<_>>()
    };
    let several = [("om", "om"), ("scm", "scm"), ("datanode", "datanode")].map(of_base).concat();
    let others = running().into_iter().filter(|one| one.service.starts_with("s3g"));
    lab.contain(&others.chain(several).collect::<Vec<_>>());
    assert_eq!(lab.succeed(&["up"]).stdout, lab.endpoint_line());
}

#[test]
fn a_cluster_whose_balancer_finds_no_gateway_is_not_ready() {
    let lab = Lab::of(Behaviour { looks: usize::MAX, ..Behaviour::healthy(3) });
    lab.set("stats", "# pxname,svname,status,check_status,type,\ngateways,s3g1,DOWN,L4CON,2,\n");
    let outcome = lab.run(&["up", "--timeout", "1s"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
    let has = |part: &str| assert!(outcome.stderr.contains(part), "{part} in {outcome}");
    has("  | not ready datanodes  0 of 1 registered\n");
    has("  | not ready gateways   0 of 3 healthy\n");
    has("  | not ready om         starting, no leader yet\n");
    has("  | not ready scm        safe mode until registered datanodes (=0) >= required datanodes (=1)\n");
    has("  | the last probe met: the balancer answered 503\n");
    assert!(!outcome.stderr.contains("proved:"), "{outcome}");
}

#[test]
fn a_rollback_removes_what_it_started() {
    let lab = Lab::of(Behaviour::with(2, Wrong::Starves));
    let outcome = lab.run(&["up", "--timeout", "1s", "--rollback"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
    assert!(outcome.stderr.contains("error: cluster `demo` was not ready in 1s\n"), "{outcome}");
    assert_eq!(
        lab.did(),
        [
            "up",
            "rm id-datanode1 id-om id-scm id-s3g id-s3g1 id-s3g2 id-s3g3",
            "network rm demo_default",
            "volume rm demo_om demo_scm",
        ]
    );
    // The files stay: they are what the next attempt is made with.
    assert!(lab.machine.sandbox.path("docker-compose.yaml").exists());
}

#[test]
fn a_rollback_keeps_data_that_was_there_before() {
    let lab = Lab::of(Behaviour::with(2, Wrong::Starves));
    let volumes = "demo_om\tdemo\tom\tom\ndemo_scm\tdemo\tscm\tscm\n";
    lab.set("volumes", volumes);
    let outcome = lab.run(&["up", "--timeout", "1s", "--rollback"]);
    assert_eq!(outcome.status, 5, "{outcome}");
    assert_eq!((lab.has("up"), lab.has("volumes")), ("none".into(), volumes.into()));
    assert!(lab.did()[1].starts_with("stop id-"), "its owners get to close it");
    assert!(outcome.stderr.contains("its data stays for the next `up`: demo_om, demo_scm"), "{outcome}");
}

#[test]
fn a_rollback_leaves_containers_that_ran_before() {
    let lab = Lab::of(Behaviour::with(2, Wrong::Starves));
    lab.set("up", "");
    let outcome = lab.run(&["up", "--timeout", "1s", "--rollback"]);
    assert_eq!(outcome.status, 5, "{outcome}");
    assert_eq!(lab.has("up"), "");
    assert_eq!(lab.did(), ["check", "probe s3g1", "probe s3g2", "probe s3g3", "reload"]);
}
