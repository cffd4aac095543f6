//! Gateways that HAProxy finds by name: they move, come and go.

use std::time::{Duration, Instant};

use ozone_compose::haproxy::Gateway;

use crate::stage::{await_service, end_unharmed, go_on, judge_after_silence, load, with_each_haproxy};
use crate::support::balancer::Stage;
use crate::support::run::until;

/// Longer than any `hold` of HAProxy's default, and than it takes three attempts to fail.
const NOTICED: Duration = Duration::from_secs(12);

#[test]
fn a_gateway_that_is_recreated_with_another_address_is_found_again() {
    with_each_haproxy(|version| {
        let mut stage = Stage::new(version, 3, &[]);
        let load = load(&stage);
        let harmed = Instant::now();
        stage.gateways[1].vanish();
        until("HAProxy notices", || !stage.is_up("s3g2"));
        let noticed = Instant::now();
        // The old one ends for good, and the address that was free is the second gateway's.
        stage.gateways[1].kill();
        stage.add_gateway();
        stage.names.set("s3g2", &[stage.address_of(3)]);
        await_service(&load, "s3g2");
        judge_after_silence(&load.stop(), harmed..noticed);
    });
}

#[test]
fn a_gateway_keeps_its_address_while_its_name_has_no_answer() {
    with_each_haproxy(|version| {
        let stage = Stage::new(version, 3, &[]);
        let load = load(&stage);
        // One name is gone, and then no query gets an answer.
        stage.names.set("s3g2", &[]);
        go_on(NOTICED);
        assert_eq!(stage.up(), 3, "{:?}", stage.seen());
        stage.names.be_silent(true);
        go_on(NOTICED);
        assert_eq!(stage.up(), 3, "{:?}", stage.seen());
        // What is said afterwards is heard.
        stage.names.be_silent(false);
        stage.names.set("s3g2", &[stage.address_of(0)]);
        let other = stage.address_of(0).to_string();
        let has_moved =
            |gateway: &Gateway| gateway.name.to_string() == "s3g2" && gateway.address.starts_with(&other);
        until("s3g2 has another address", || stage.seen().iter().any(has_moved));
        end_unharmed(load);
    });
}

#[test]
fn gateways_found_by_dns_come_without_a_failure_and_go_with_what_is_in_flight_only() {
    with_each_haproxy(|version| {
        let mut stage = Stage::new(version, 3, &[("gateways.discovery", "dns")]);
        let load = load(&stage);
        stage.add_gateway();
        stage.add_gateway();
        let all: Vec<_> = (0..5).map(|place| stage.address_of(place)).collect();
        stage.names.set("s3gw", &all);
        until("five gateways are up", || stage.up() == 5);
        await_service(&load, "s3g5");
        let removed = Instant::now();
        stage.names.set("s3gw", &all[..2]);
        until("two gateways are up", || stage.up() == 2);
        let noticed = Instant::now();
        stage.gateways.truncate(2);
        go_on(Duration::from_secs(1));
        judge_after_silence(&load.stop(), removed..noticed);
    });
}
