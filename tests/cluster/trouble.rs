//! A gateway in trouble: what clients notice of it, and what `status` says.

use std::time::{Duration, Instant};

use ozone_compose::haproxy::gateways;
use ozone_compose::s3::page;
use serde_json::Value;

use crate::running::{ADDRESS, Cluster, TOOLS};
use crate::support::load::{Load, Traffic};
use crate::support::run::within;
use crate::support::{Outcome, Runs, say, tools};

/// The gateway in trouble, of three.
const NAME: &str = "s3g2";

/// Far above the 2.3 s within which HAProxy notices a silent gateway, for a machine whose cores are all busy, and far below
/// `timeout server`, which requests wait for that no health check ends. How soon it is, `benches/frozen.sh` measures.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);

/// Far above what a JVM takes to start under load: 80 s on two slow cores.
const BACK_WITHIN: Duration = Duration::from_secs(240);

#[test]
#[ignore = "starts a real cluster"]
fn a_failing_gateway_fails_its_in_flight_requests_alone_and_status_names_the_failure() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("trouble");
    cluster.succeed(&["up", "-n", "3", "--name", &cluster.project]);
    let docker = |arguments: &[&str]| Outcome::of(&mut cluster.docker(arguments)).succeeded();
    let container = format!("{}-{NAME}-1", cluster.project);
    let java = |signal: &str| docker(&["exec", &container, "pkill", signal, "java"]);
    // The engine gives up freezing a container in which threads come and go ("unable to freeze").
    let paused = || {
        within(NOTICED_WITHIN, "paused", || {
            Outcome::of(&mut cluster.docker(&["pause", &container])).status == 0
        });
    };
    let made_anew = || docker(&["compose", "up", "--detach", "--no-deps", NAME]);

    trouble(&cluster, "ended", || docker(&["kill", &container]), || docker(&["start", &container]));
    trouble(&cluster, "silent", || java("-STOP"), || java("-CONT"));
    trouble(&cluster, "paused", paused, || docker(&["unpause", &container]));
    let other = format!("{}-other", cluster.project);
    trouble(
        &cluster,
        "missing",
        || {
            docker(&["rm", "--force", &container]);
            // Takes the address that is free now, so that the gateway comes back with another.
            let network = format!("{}_default", cluster.project);
            let sleep = ["--entrypoint", "sleep", "haproxy:3.2-alpine", "600"];
            let run = ["run", "--detach", "--rm", "--name", &other, "--network", &network];
            docker(&[&run[..], &sleep].concat());
        },
        made_anew,
    );
    docker(&["rm", "--force", &other]);
}

/// Brings a gateway into trouble under load and out of it again.
fn trouble(cluster: &Cluster, condition: &str, harm: impl FnOnce(), heal: impl FnOnce()) {
    let load =
        Load::start(&format!("http://{ADDRESS}"), Traffic { at_most: 4 * BACK_WITHIN, ..Traffic::default() });
    std::thread::sleep(Duration::from_secs(2));
    let harmed = Instant::now();
    harm();
    within(NOTICED_WITHIN, "HAProxy notices", || !is_up());
    let noticed = Instant::now();
    within(BACK_WITHIN, condition, || condition_of(cluster) == condition);
    let healed = Instant::now();
    heal();
    within(BACK_WITHIN, "it serves again", || condition_of(cluster) == "serving");
    let back = Instant::now();
    within(BACK_WITHIN, "it gets requests", || load.so_far().since(back).by_gateway().contains_key(NAME));
    let report = load.stop();
    let took = (noticed - harmed).as_secs_f64();
    say(&format!("{condition}: noticed after {took:.2} s: {report}"));
    // A container that is gone takes its address along, and says as little as one that is frozen.
    let mut unexcused = report.unexcused_by_silence(harmed..noticed);
    if another_was_down(cluster) {
        // A JVM that starts on busy cores made others miss their checks, which ends what they had in flight.
        unexcused.retain(|one| one.started + one.latency < healed);
    }
    assert!(unexcused.is_empty(), "{condition}: {unexcused:#?}");
    // A JVM that starts slows down the others afterwards.
    let in_trouble = report.operations.iter().filter(|one| (harmed..healed).contains(&one.started));
    let worst = in_trouble.map(|one| one.latency).max().unwrap_or_default();
    assert!(worst < NOTICED_WITHIN, "{condition}: {worst:?}: {report}");
}

fn is_up() -> bool {
    let seen = gateways(&page("http://127.0.0.1:8404/stats;csv").unwrap_or_default());
    seen.iter().any(|gateway| gateway.name.to_string() == NAME && gateway.is_up())
}

/// Whether HAProxy has found another gateway down than the one in trouble.
fn another_was_down(cluster: &Cluster) -> bool {
    let log = Outcome::of(&mut cluster.docker(&["compose", "logs", "--no-color", "s3g"])).stdout;
    log.lines().any(|line| line.contains(" is DOWN") && !line.contains(NAME))
}

/// What `status` calls it.
fn condition_of(cluster: &Cluster) -> String {
    let status: Value =
        serde_json::from_str(&cluster.succeed(&["status", "--format", "json"]).stdout).expect("JSON");
    let mut gateways = status["gateways"].as_array().expect("gateways").iter();
    let gateway = gateways.find(|gateway| gateway["name"] == NAME).expect("the gateway");
    gateway["condition"].as_str().expect("a word").to_owned()
}
