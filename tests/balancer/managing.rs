//! What a person does to a balancer at work fails nothing.

use std::time::{Duration, Instant};

use crate::stage::{await_service, end_unharmed, go_on, load, with_each_haproxy};
use crate::support::balancer::{JETTY_THREADS, Stage};
use crate::support::run::until;

#[test]
fn five_reloads_fail_nothing() {
    with_each_haproxy(|version| {
        // A new worker looks for names in the C library first, which knows those of containers but none of these.
        let stage = Stage::with_addresses(version, 3, JETTY_THREADS, &[]);
        let load = load(&stage);
        for _ in 0..5 {
            stage.reload();
            go_on(Duration::from_millis(500));
        }
        end_unharmed(load);
    });
}

#[test]
fn a_gateway_that_is_drained_first_can_be_stopped_without_a_failure() {
    with_each_haproxy(|version| {
        let mut stage = Stage::new(version, 3, &[]);
        let load = load(&stage);
        stage.control("set server gateways/s3g2 state drain").expect("an answer");
        until("nothing is in flight", || stage.in_flight("s3g2") == 0);
        stage.gateways[1].kill();
        let stopped = Instant::now();
        go_on(Duration::from_secs(1));
        assert!(!load.so_far().since(stopped).by_gateway().contains_key("s3g2"));
        stage.gateways[1].restart();
        stage.control("set server gateways/s3g2 state ready").expect("an answer");
        await_service(&load, "s3g2");
        end_unharmed(load);
    });
}
