//! Where the CPU of a request goes: what each role of a cluster takes for one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::running::{ADDRESS, Cluster, TOOLS};
use crate::support::load::{Kind, Load, Traffic};
use crate::support::{Outcome, Runs, say, tools};

/// Each measurement.
const LONG_ENOUGH: Duration = Duration::from_secs(30);

/// Clients that never rest.
const CLIENTS: usize = 16;

/// Microseconds of CPU that a container has taken, with either version of control groups.
const USED: &str = "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null | sed 's/...$//' | grep . || \
                    sed -n 's/^usage_usec //p' /sys/fs/cgroup/cpu.stat";

/// The table, in Markdown.
pub(crate) fn table() -> String {
    assert!(tools(TOOLS), "this needs Docker and the images");
    let cluster = Cluster::new("bench-shares");
    cluster.succeed(&["up", "-n", "3", "--name", &cluster.project]);
    let mixes: [(&str, &[Kind]); 2] = [
        ("one write, three reads", &[Kind::PutSmall, Kind::GetSmall, Kind::GetSmall, Kind::Head]),
        ("writes", &[Kind::PutSmall]),
    ];
    let traffic = |mix| Traffic {
        clients: CLIENTS,
        mix,
        pause: Duration::ZERO,
        at_most: LONG_ENOUGH,
        operations: usize::MAX,
        ..Traffic::default()
    };
    let url = format!("http://{ADDRESS}");
    // Once to warm up every JVM.
    Load::start(&url, traffic(mixes[0].1)).ended();
    let mut text =
        String::from("| load | requests a second | CPU of each request, by role |\n|---|---|---|\n");
    for (name, mix) in mixes {
        let before = used(&cluster);
        let report = Load::start(&url, traffic(mix)).ended();
        let after = used(&cluster);
        let mut roles: BTreeMap<&str, f64> = BTreeMap::new();
        for (service, microseconds) in &after {
            let role = match service.trim_end_matches(|c: char| c.is_ascii_digit()) {
                _ if service == "s3g" => "HAProxy",
                "s3g" => "gateway",
                role => role,
            };
            *roles.entry(role).or_default() += microseconds - before[service];
        }
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let requests = report.total() as f64;
        let share =
            |(role, microseconds): (&str, f64)| format!("{role} {:.2} ms", microseconds / requests / 1e3);
        let shares: Vec<String> = roles.into_iter().map(share).collect();
        say(&format!("{name}: {report}; {shares:?}"));
        writeln!(text, "| {name} | {:.0} | {} |", report.per_second(), shares.join(", ")).expect("a text");
    }
    text
}

/// Microseconds of CPU that each service has taken.
fn used(cluster: &Cluster) -> BTreeMap<String, f64> {
    let of = |service: &str| {
        let container = format!("{}-{service}-1", cluster.project);
        let told = Outcome::of(&mut cluster.docker(&["exec", &container, "sh", "-c", USED]));
        told.stdout.trim().parse().unwrap_or_else(|_| panic!("{told}"))
    };
    let services = Outcome::of(&mut cluster.docker(&["compose", "ps", "--services"]));
    services.stdout.lines().map(|service| (service.to_owned(), of(service))).collect()
}
