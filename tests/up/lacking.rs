//! What a verb says and refuses where a container is missing, paused or has ended, or where a choice has no effect.

use crate::lab::{Container, Lab, container, running, with_ended};
use crate::support::Runs;
use crate::support::s3::{Behaviour, Wrong};

/// The containers of such a cluster without one.
fn without(service: &str) -> Vec<Container> {
    running().into_iter().filter(|one| one.service != service).collect()
}

fn refused(lab: &Lab, typed: &[&str], exit: i32, says: &[&str]) {
    let outcome = lab.run(typed);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (exit, ""), "{typed:?}: {outcome}");
    for part in says {
        assert!(outcome.stderr.contains(part), "{part}: {outcome}");
    }
    assert_eq!(lab.did(), [""; 0], "{typed:?}: {outcome}");
}

#[test]
fn a_container_that_is_missing_is_made_by_up_alone() {
    let lab = Lab::started();
    let says = [
        "error: cluster `demo` has no container of s3g2; nothing was changed\n",
        "hint: `ozone-compose up` makes it\n",
    ];
    lab.contain(&without("s3g2"));
    for verb in [&["start"][..], &["restart", "s3g2"], &["resume", "s3g2"]] {
        refused(&lab, verb, 5, &says);
    }
    lab.contain(&without("om"));
    refused(&lab, &["start"], 5, &["has no container of om; "]);
    lab.contain(&without("s3g2"));
    let outcome = lab.succeed(&["drain", "s3g2"]);
    assert!(outcome.stderr.contains("s3g2 has no container; `ozone-compose up` starts "), "{outcome}");
}

#[test]
fn a_paused_container_ends_a_start_at_once_with_what_continues_it() {
    let lab = Lab::started();
    let paused =
        |one: Container| if one.service == "s3g2" { Container { state: "paused", ..one } } else { one };
    lab.contain(&running().into_iter().map(paused).collect::<Vec<_>>());
    let says =
        ["gateway `s3g2` is paused; the cluster cannot become ready", "hint: `docker unpause demo-s3g2-1`"];
    refused(&lab, &["start"], 1, &says);
    let status = lab.succeed(&["status"]).stdout;
    assert!(status.contains("paused; `docker unpause demo-s3g2-1` continues it"), "{status}");
}

#[test]
fn the_last_gateway_that_serves_is_not_drained() {
    let lab = Lab::started();
    lab.set("loaded", "s3g1 UP,1\ns3g2 DOWN,1\ns3g3 DOWN,1\n");
    let before = lab.machine.sandbox.tree("");
    refused(
        &lab,
        &["drain", "s3g1"],
        5,
        &["without s3g1 none would; nothing was changed", "`ozone-compose status`"],
    );
    assert_eq!(lab.machine.sandbox.tree(""), before);
    lab.succeed(&["drain", "s3g2"]);
}

#[test]
fn a_gateway_that_gets_requests_is_resumed_without_a_reload() {
    let lab = Lab::started();
    let before = lab.machine.sandbox.tree("");
    let outcome = lab.succeed(&["resume", "s3g2"]);
    assert!(outcome.stderr.ends_with("s3g2 gets requests\n"), "{outcome}");
    assert_eq!((lab.did(), lab.machine.sandbox.tree("")), (Vec::new(), before));
}

#[test]
fn an_om_that_does_not_run_is_named_by_each_verb_that_needs_it() {
    let lab = Lab::started();
    let says = "om does not run, and requests fail or get no answer; `ozone-compose start` starts what does not run\n";
    lab.contain(&with_ended("om", 137));
    for verb in [&["status"][..], &["reload"], &["drain", "s3g2"]] {
        let outcome = lab.succeed(verb);
        assert!(outcome.stderr.contains(&format!("warning: {says}")), "{verb:?}: {outcome}");
    }
}

#[test]
fn a_start_says_who_stays_drained() {
    let lab = Lab::started();
    lab.succeed(&["drain", "s3g2"]);
    let until = "s3g2, until `ozone-compose resume`\n";
    let outcome = lab.succeed(&["start"]);
    assert!(outcome.stderr.ends_with(&format!("cluster `demo` is ready; drained: {until}")), "{outcome}");
    let outcome = lab.succeed(&["up"]);
    assert!(outcome.stderr.contains(&format!("  drained     {until}")), "{outcome}");
}

#[test]
fn what_haproxy_reports_of_files_that_it_accepts_is_shown() {
    let lab = Lab::started();
    let alert = "[ALERT]    (8) : config : parsing [/usr/local/etc/haproxy/zz-local.cfg:2] : 'maxconn' already specified. Continuing.\n";
    lab.machine.answer(
        "exec\\ --interactive\\ id-s3g\\ sh*",
        0,
        &format!("{alert}Configuration file is valid\n"),
        "",
    );
    let outcome = lab.succeed(&["reload"]);
    assert!(outcome.stderr.contains("warning: HAProxy reports: [ALERT] "), "{outcome}");
    assert!(outcome.stderr.contains("'maxconn' already specified"), "{outcome}");
    assert!(!outcome.stderr.contains("is valid"), "{outcome}");
}

#[test]
fn smoke_and_bench_name_a_gateway_that_they_do_not_reach() {
    let lab = Lab::started();
    lab.set("loaded", "s3g1 UP,1\ns3g2 DOWN,1\ns3g3 UP,1\n");
    let says =
        "warning: without s3g2, which HAProxy does not find healthy; `ozone-compose status` shows why\n";
    for verb in [&["smoke"][..], &["bench", "--for", "300ms", "--clients", "1"]] {
        let outcome = lab.run(verb);
        assert!(outcome.stderr.contains(says), "{outcome}");
    }
}

#[test]
fn a_balancer_that_is_recreated_is_announced() {
    let lab = Lab::started();
    let says = "warning: the balancer is recreated for that: its connections end, and nothing serves until it runs\n";
    let outcome = lab.succeed(&["up"]);
    assert!(!outcome.stderr.contains(says), "{outcome}");
    let older =
        |one: Container| if one.role == "balancer" { Container { digest: "older", ..one } } else { one };
    lab.contain(&running().into_iter().map(older).collect::<Vec<_>>());
    let outcome = lab.succeed(&["up"]);
    assert!(outcome.stderr.contains(says), "{outcome}");
}

#[test]
fn logs_of_no_containers_are_none() {
    let lab = Lab::new();
    lab.succeed(&["generate"]);
    refused(
        &lab,
        &["logs"],
        5,
        &["cluster `demo` has no containers, and so no logs", "`ozone-compose up` makes them"],
    );
}

#[test]
fn the_folder_of_a_balancers_machine_is_no_place_for_a_cluster() {
    let lab = Lab::new();
    lab.machine.sandbox.succeed(&["haproxy", "--server", "gw1:9878", "-o", "."]);
    for verb in ["up", "generate"] {
        refused(
            &lab,
            &[verb],
            3,
            &["holds the files of a balancer's own machine", "`-o DIR` chooses another folder"],
        );
    }
}

#[test]
fn gateways_that_serve_are_not_kept_busy_while_another_starts() {
    let lab = Lab::of(Behaviour::with(2, Wrong::Starves));
    let outcome = lab.run(&["up", "--timeout", "4s"]);
    assert_eq!(outcome.status, 5, "{outcome}");
    // Three probes at a time, each of two requests: without a pause they would be thousands.
    let sent = lab.service.requests();
    assert!(sent < 300, "{sent} requests in 4 s");
}

#[test]
fn ctrl_c_does_not_leave_a_service_half_replaced() {
    let lab = Lab::started();
    let older = |one: Container| if one.service == "om" { Container { digest: "older", ..one } } else { one };
    lab.contain(&running().into_iter().map(older).collect::<Vec<_>>());
    lab.interrupt_in(&["up"], "compose\\ *\\ up\\ --detach\\ --no-deps\\ om");
}

#[test]
fn two_containers_of_a_service_are_not_both_started() {
    let lab = Lab::started();
    let stopped = |one: Container| Container { state: "exited", ..one };
    let second = Container { state: "created", number: 2, ..container("om", "om") };
    lab.contain(&running().into_iter().map(stopped).chain([second]).collect::<Vec<_>>());
    refused(
        &lab,
        &["start"],
        5,
        &["has two containers of om, ", "hint: `ozone-compose up` completes that\n"],
    );
    lab.contain(&with_ended("om", 143).into_iter().chain([container("om", "om")]).collect::<Vec<_>>());
    let status = lab.succeed(&["status"]).stderr;
    assert!(status.contains("om does not run") && status.contains("`ozone-compose up` starts"), "{status}");
}
