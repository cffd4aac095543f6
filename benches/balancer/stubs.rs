//! Stub gateways behind the machine's HAProxy.

use std::thread;
use std::time::Duration;

use crate::support::balancer::{JETTY_THREADS, Stage, Version};
use crate::support::gateway::Gateway;
use crate::support::load::{Load, Traffic};
use crate::{Row, row, verdict};

pub(crate) fn rows() -> Vec<Row> {
    assert!(Version::Machine.is_there(), "this needs `haproxy` on PATH");
    vec![
        row("a gateway is killed", |profile| harmed(profile, Gateway::kill, Gateway::restart)),
        row("a gateway is frozen for 8 s", |profile| {
            harmed(profile, |gateway| gateway.freeze(), |gateway| gateway.thaw())
        }),
        row("five reloads", reloaded),
    ]
}

fn stage(profile: &str) -> Stage {
    Stage::with_addresses(Version::Machine, 3, JETTY_THREADS, &[("profile", profile)])
}

fn harmed(profile: &str, harm: impl FnOnce(&mut Gateway), heal: impl FnOnce(&mut Gateway)) -> String {
    let mut stage = stage(profile);
    let load = Load::start(&stage.endpoint(), Traffic::default());
    thread::sleep(Duration::from_secs(2));
    harm(&mut stage.gateways[1]);
    thread::sleep(Duration::from_secs(8));
    heal(&mut stage.gateways[1]);
    verdict(profile, load, Duration::from_secs(3))
}

fn reloaded(profile: &str) -> String {
    let stage = stage(profile);
    let load = Load::start(&stage.endpoint(), Traffic::default());
    for _ in 0..5 {
        thread::sleep(Duration::from_secs(1));
        stage.reload();
    }
    verdict(profile, load, Duration::from_secs(1))
}
