//! Gateways that HAProxy finds by name: they move, come and go.

use std::time::{Duration, Instant};

use crate::stage::{await_service, end, go_on, load, with_each_haproxy};
use crate::support::balancer::Stage;
use crate::support::run::until;

#[test]
fn a_gateway_that_is_recreated_with_another_address_is_found_again() {
    with_each_haproxy(|version| {
        let mut stage = Stage::new(version, 3, &[]);
        let load = load(&stage);
        let harmed = Instant::now();
        stage.gateways[1].vanish();
        until("HAProxy notices", || !stage.is_up("s3g2"));
        let noticed = Instant::now();
        // The old one ends for good, and what was nobody's address is the second gateway's.
        stage.gateways[1].kill();
        stage.add_gateway();
        stage.names.set("s3g2", &[stage.address_of(3)]);
        await_service(&load, "s3g2");
        end(load, harmed..noticed);
    });
}

#[test]
fn gateways_found_by_dns_come_without_a_failure_and_go_with_writes_in_flight_only() {
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
        end(load, removed..noticed);
    });
}
