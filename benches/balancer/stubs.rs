//! Stub gateways behind the machine's HAProxy.

use std::thread;
use std::time::Duration;

use crate::support::balancer::{JETTY_THREADS, Stage, Version};
use crate::support::gateway::Gateway;
use crate::support::load::{Kind, Load, Traffic};
use crate::support::say;
use crate::{PROFILES, Row, row, verdict};

/// How long a gateway takes for each request where it is to take time: about what Ozone takes for a small object.
const SERVICE_TIME: Duration = Duration::from_millis(20);

/// Each measurement of throughput.
const LONG_ENOUGH: Duration = Duration::from_secs(5);

pub(crate) fn rows() -> Vec<Row> {
    assert!(Version::Machine.is_there(), "this needs `haproxy` on PATH");
    let mut rows = vec![
        row("a gateway is killed", |profile| harmed(profile, Gateway::kill, Gateway::restart)),
        row("a gateway is frozen for 8 s", |profile| {
            harmed(profile, |gateway| gateway.freeze(), |gateway| gateway.thaw())
        }),
        row("five reloads", reloaded),
    ];
    for clients in [64, 400] {
        for service_time in [Duration::ZERO, SERVICE_TIME] {
            let millis = service_time.as_millis();
            let [tuned, upstream] = PROFILES.map(|profile| throughput(profile, clients, service_time));
            rows.push((
                format!("{clients} clients, gateways that take {millis} ms: requests a second"),
                [format!("{tuned:.0} ({:.1} times)", tuned / upstream), format!("{upstream:.0}")],
            ));
        }
    }
    rows
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

/// Good requests a second of clients that never rest.
fn throughput(profile: &str, clients: usize, service_time: Duration) -> f64 {
    let mut stage = stage(profile);
    for gateway in &mut stage.gateways {
        gateway.slow_down(service_time);
    }
    let traffic = Traffic {
        clients,
        mix: &[Kind::PutSmall, Kind::GetSmall, Kind::GetSmall, Kind::Head],
        pause: Duration::ZERO,
        at_most: LONG_ENOUGH,
        operations: usize::MAX,
        ..Traffic::default()
    };
    let report = Load::start(&stage.endpoint(), traffic).ended();
    say(&format!("{profile}, {clients} clients: {report}"));
    report.per_second()
}
