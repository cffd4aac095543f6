//! What many gateways cost the balancer itself: CPU of the health checks and of a request, memory, and how long a reload takes.
//!
//! nginx is all of the gateways, each on a port of its own, so that they cost next to nothing.

use std::fmt::Write;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::balancer::{Network, Stage, Version};
use crate::support::{say, tools};
use crate::throughput::{Nginx, cpu};

/// How many gateways.
const COUNTS: [u16; 5] = [3, 32, 128, 512, 2048];

/// Below the ports that Linux gives to clients.
const FIRST_PORT: u16 = 20_000;

/// How long HAProxy only checks.
const IDLE: Duration = Duration::from_secs(10);

/// Clients that never rest.
const CLIENTS: usize = 64;

/// The table, in Markdown.
pub(crate) fn table() -> String {
    assert!(tools(&["nginx", "wrk"]), "this needs nginx and wrk");
    let version = if Version::Image.is_there() { Version::Image } else { Version::Machine };
    let mut text = format!(
        "{version}, GET 1 KiB, {CLIENTS} clients\n\n\
         | gateways | checks alone | requests a second | CPU a request | memory | a reload |\n|---|---|---|---|---|---|\n"
    );
    for count in COUNTS {
        let network = Network::next();
        let host = network.gateway(0).ip();
        let places = (0..count).map(|place| SocketAddr::new(host, FIRST_PORT + place));
        let behind = Nginx::start(network, places);
        // Checks that a busy machine answers late are no matter here.
        let options = [("timeouts.check", "1m")];
        let stage = Stage::before(version, Network::next(), &behind.servers, &options);
        let worker = stage.worker();
        let before = cpu(worker);
        thread::sleep(IDLE);
        let idle = 100.0 * (cpu(worker) - before) / IDLE.as_secs_f64();
        let sample = behind.load(&(&stage, stage.endpoint()), "GET", 1 << 10, CLIENTS);
        let start = Instant::now();
        stage.reload();
        let reload = start.elapsed().as_secs_f64();
        say(&format!("{count}: {idle:.1} %, {sample:?}, {reload:.2} s"));
        writeln!(
            text,
            "| {count} | {idle:.1} % of a core | {:.0} | {:.0} \u{b5}s | {:.0} MiB | {reload:.1} s |",
            sample.per_second,
            1e6 * sample.cpu,
            sample.memory
        )
        .expect("a text");
    }
    text
}
