//! Gateways that fail: only writes in flight may, the rest goes elsewhere, and the gateway comes back by itself.

use std::time::{Duration, Instant};

use crate::stage::{await_service, end, go_on, load, with_each_haproxy};
use crate::support::balancer::{Stage, Version};
use crate::support::gateway::Gateway;
use crate::support::load::{Failure, Load, Traffic};
use crate::support::run::until;
use crate::support::say;

#[test]
fn a_killed_gateway_fails_writes_in_flight_only() {
    with_each_haproxy(|version| survive(version, Gateway::kill, Gateway::restart));
}

#[test]
fn a_frozen_gateway_fails_writes_in_flight_only() {
    with_each_haproxy(|version| survive(version, |gateway| gateway.freeze(), |gateway| gateway.thaw()));
}

#[test]
fn a_gateway_that_answers_nothing_fails_writes_in_flight_only() {
    with_each_haproxy(|version| survive(version, Gateway::hang, Gateway::recover));
}

#[test]
fn a_gateway_whose_packets_vanish_fails_writes_in_flight_only() {
    with_each_haproxy(|version| survive(version, Gateway::vanish, Gateway::restart));
}

#[test]
fn a_read_that_is_ended_while_haproxy_connects_is_asked_again() {
    with_each_haproxy(|version| {
        let stage = Stage::new(version, 3, &[]);
        let busy = Traffic { clients: 32, pause: Duration::ZERO, ..Traffic::default() };
        let load = Load::start(&stage.endpoint(), busy);
        // What happens to requests of a gateway that is found down, as often as it takes to meet some that connect.
        for _ in 0..200 {
            stage.control("shutdown sessions server gateways/s3g2").expect("an answer");
            go_on(Duration::from_millis(25));
        }
        let report = load.stop();
        say(&report.to_string());
        // A few meet this fate four times in a row, and are told 502.
        let failed = report.failed();
        let mut reads = failed.iter().filter(|one| !one.kind.is_write());
        assert!(reads.all(|one| one.failure != Some(Failure::Status(500))), "{report}");
    });
}

/// Puts the second of three gateways in trouble under load, and out of it when HAProxy has noticed.
fn survive(version: Version, harm: impl FnOnce(&mut Gateway), heal: impl FnOnce(&mut Gateway)) {
    let mut stage = Stage::new(version, 3, &[]);
    let load = load(&stage);
    let harmed = Instant::now();
    harm(&mut stage.gateways[1]);
    until("HAProxy notices", || !stage.is_up("s3g2"));
    let noticed = Instant::now();
    say(&format!("noticed after {:.2} s", (noticed - harmed).as_secs_f64()));
    go_on(Duration::from_secs(1));
    heal(&mut stage.gateways[1]);
    await_service(&load, "s3g2");
    let report = end(load, harmed..noticed);
    assert!(!report.since(noticed).by_gateway().is_empty(), "the others serve on: {report}");
}
