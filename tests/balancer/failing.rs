//! Gateways that fail: what is in flight may, the rest goes elsewhere, and the gateway comes back by itself.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::stage::{await_service, go_on, judge_after_silence, load, with_each_haproxy};
use crate::support::balancer::{Stage, Version};
use crate::support::gateway::Gateway;
use crate::support::load::Report;
use crate::support::run::until;
use crate::support::say;

#[test]
fn a_killed_gateway_fails_writes_in_flight_and_few_reads_as_it_is_marked_down() {
    with_each_haproxy(|version| survive(version, Gateway::kill, Gateway::restart));
}

#[test]
fn a_frozen_gateway_fails_what_is_in_flight_and_soon() {
    with_each_haproxy(|version| outlast(version, |gateway| gateway.freeze(), |gateway| gateway.thaw()));
}

#[test]
fn a_gateway_that_answers_nothing_fails_what_is_in_flight_and_soon() {
    with_each_haproxy(|version| outlast(version, Gateway::hang, Gateway::recover));
}

#[test]
fn a_gateway_whose_packets_vanish_fails_what_is_in_flight_and_soon() {
    with_each_haproxy(|version| outlast(version, Gateway::vanish, Gateway::restart));
}

/// Reads of twelve clients that HAProxy 3.2 may end as it marks a gateway down that refused connections until then: those
/// that are about to connect there at that moment. All others are repeated, some fifty in a tenth of a second.
const READS_AT_THE_MARK: usize = 4;

/// A gateway that is gone: its kernel says so, and reads in flight are repeated.
fn survive(version: Version, harm: impl FnOnce(&mut Gateway), heal: impl FnOnce(&mut Gateway)) {
    let (report, trouble) = trouble(version, harm, heal);
    let lost = report.unexcused(trouble.clone());
    assert!(lost.len() <= READS_AT_THE_MARK, "{lost:#?}");
    let reads = report.during(trouble.clone()).of_writes(false);
    assert!(2 * reads.failed().len() < reads.total(), "most reads are repeated: {reads}");
    judge_after_silence(&report, trouble);
}

/// A gateway that falls silent: only a health check finds it, and ends reads in flight too.
fn outlast(version: Version, harm: impl FnOnce(&mut Gateway), heal: impl FnOnce(&mut Gateway)) {
    let (report, trouble) = trouble(version, harm, heal);
    judge_after_silence(&report, trouble);
}

/// Puts the second of three gateways in trouble under load, and out of it when HAProxy has noticed.
fn trouble(
    version: Version,
    harm: impl FnOnce(&mut Gateway),
    heal: impl FnOnce(&mut Gateway),
) -> (Report, Range<Instant>) {
    let mut stage = Stage::new(version, 3, &[]);
    let load = load(&stage);
    let harmed = Instant::now();
    harm(&mut stage.gateways[1]);
    until("HAProxy notices", || !stage.is_up("s3g2"));
    let noticed = Instant::now();
    say(&format!("noticed after {:.2} s", (noticed - harmed).as_secs_f64()));
    go_on(Duration::from_secs(1));
    until("the others serve reads and writes", || {
        let since = load.so_far().since(noticed);
        let others = |is_write| since.of_writes(is_write).by_gateway().into_keys().eq(["s3g1", "s3g3"]);
        others(false) && others(true)
    });
    let since = load.so_far().since(noticed);
    assert!(since.failed().is_empty(), "nothing is sent where nobody answers: {since}");
    heal(&mut stage.gateways[1]);
    await_service(&load, "s3g2");
    (load.stop(), harmed..noticed)
}
