//! Ten minutes of load on a cluster with three SCMs and OMs: who leads, what fails, how much memory it takes.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use crate::running::{ADDRESS, Cluster, TOOLS};
use crate::support::load::{Load, Traffic};
use crate::support::{Outcome, Runs, say, tools};

/// Time between two looks at memory.
const LOOK: Duration = Duration::from_secs(20);

/// Words in the log of a new leader.
const LEADS: &str = "changes role from CANDIDATE to LEADER";

/// How long the load goes on.
const LENGTH: Duration = Duration::from_secs(600);

/// A line each for failures, changes of leaders, and the most memory that a container of a role took, in Markdown;
/// `options` are some of `up`.
pub(crate) fn table(options: &[String]) -> String {
    assert!(tools(TOOLS), "this needs Docker and the images");
    let cluster = Cluster::new("bench-soak");
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let up = ["up", "--base", "ha", "-n", "3", "--timeout", "8m", "--name", &cluster.project];
    let up = cluster.succeed(&[&up[..], &options].concat());
    say(up.stderr.lines().find(|line| line.contains(" is ready after ")).unwrap_or_default());
    // HAProxy and the JVMs have met each other; what they elect from here on they elect under load.
    let started = Instant::now();
    let traffic = Traffic { at_most: LENGTH, operations: usize::MAX, ..Traffic::default() };
    let load = Load::start(&format!("http://{ADDRESS}"), traffic);
    let mut most = BTreeMap::new();
    while started.elapsed() < LENGTH {
        thread::sleep(LOOK);
        note_memory(&cluster, &mut most);
    }
    let report = load.stop();
    let since = format!("{}s", started.elapsed().as_secs());
    let count = |role: &str, logs: &dyn Fn(&str) -> usize| -> usize {
        (1..=3).map(|number| logs(&format!("{role}{number}"))).sum()
    };
    let elections = |service: &str| {
        let container = format!("{}-{service}-1", cluster.project);
        let log = Outcome::of(&mut cluster.docker(&["logs", "--since", &since, &container]));
        log.stdout.lines().chain(log.stderr.lines()).filter(|line| line.contains(LEADS)).count()
    };
    assert_eq!(cluster.ended(), "", "no container has ended");
    let mut rows = vec![
        ("requests of twelve clients in ten minutes".to_owned(), report.to_string()),
        ("other leaders among the OMs".to_owned(), count("om", &elections).to_string()),
        ("other leaders among the SCMs".to_owned(), count("scm", &elections).to_string()),
    ];
    let most = most.into_iter();
    rows.extend(
        most.map(|(role, mebibytes)| (format!("most memory of a {role}"), format!("{mebibytes:.0} MiB"))),
    );
    let rows = rows.into_iter().map(|(what, result)| format!("| {what} | {result} |\n"));
    format!("| | |\n|---|---|\n{}", rows.collect::<String>())
}

/// MiB that each container of a cluster takes now, by its service and number: `s3g2-1`.
pub(crate) fn memory(cluster: &Cluster) -> BTreeMap<String, f64> {
    let stats = ["stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}"];
    let seen = Outcome::of(&mut cluster.docker(&stats)).stdout;
    let container = |line: &str| {
        let mut words = line.split_whitespace();
        let (name, size) = (words.next()?, words.next()?);
        Some((name.strip_prefix(&format!("{}-", cluster.project))?.to_owned(), mebibytes(size)))
    };
    seen.lines().filter_map(container).collect()
}

/// Notes what each role's largest container takes now, where that is more than before.
fn note_memory(cluster: &Cluster, most: &mut BTreeMap<String, f64>) {
    for (service, mebibytes) in memory(cluster) {
        let role = match service.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-') {
            _ if service == "s3g-1" => "balancer",
            "s3g" => "gateway",
            role => role,
        };
        let before = most.entry(role.to_owned()).or_insert(0.0);
        *before = before.max(mebibytes);
    }
}

/// From `412.3MiB` or `1.2GiB`.
fn mebibytes(size: &str) -> f64 {
    let number = size.trim_end_matches(char::is_alphabetic).parse().unwrap_or(0.0);
    if size.ends_with("GiB") { 1024.0 * number } else { number }
}
