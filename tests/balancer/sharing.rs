//! Who gets how much, and what a gateway with too much to do gets.

use std::time::{Duration, Instant};

use crate::stage::{end_unharmed, go_on, load, with_each_haproxy};
use crate::support::balancer::Stage;
use crate::support::load::{Load, Traffic};
use crate::support::run::until;
use crate::support::say;

#[test]
fn a_slow_gateway_gets_less() {
    with_each_haproxy(|version| {
        let mut stage = Stage::new(version, 3, &[]);
        let load = load(&stage);
        stage.gateways[1].slow_down(Duration::from_millis(200));
        let slow = Instant::now();
        go_on(Duration::from_secs(3));
        let report = end_unharmed(load).since(slow);
        let served = report.by_gateway();
        assert!(2 * served["s3g2"] < served["s3g1"].min(served["s3g3"]), "{report}");
    });
}

#[test]
fn a_gateway_whose_threads_are_all_busy_stays_in_rotation() {
    with_each_haproxy(|version| {
        // In the proportion of the defaults: more clients than threads, and fewer requests at a time than threads.
        let mut stage = Stage::with_addresses(version, 2, 25, &[("gateways.maxconn", "20")]);
        for gateway in &mut stage.gateways {
            gateway.slow_down(Duration::from_secs(4));
        }
        let traffic = Traffic { clients: 80, ..Traffic::default() };
        let load = Load::start(&stage.endpoint(), traffic);
        until("all slots are taken", || stage.in_flight("s3g1") + stage.in_flight("s3g2") == 40);
        let full = Instant::now();
        while full.elapsed() < Duration::from_secs(6) {
            assert_eq!(stage.up(), 2);
            go_on(Duration::from_millis(50));
        }
        for gateway in &mut stage.gateways {
            gateway.slow_down(Duration::ZERO);
        }
        let report = load.stop();
        say(&report.to_string());
        assert!(report.failed().is_empty(), "{report}");
    });
}
