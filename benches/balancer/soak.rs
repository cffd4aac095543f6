//! Ten minutes of load on a cluster with three SCMs and OMs: who leads, what fails, how much memory it takes.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use crate::running::{ADDRESS, Cluster, TOOLS};
use crate::support::load::{Load, Traffic};
use crate::support::{Outcome, Runs, say, tools};

/// Time between two looks at memory.
const LOOK: Duration = Duration::from_secs(20);

/// Words of the log of whoever begins to lead.
const LEADS: &str = "changes role from CANDIDATE to LEADER";

/// The table: a line each for failures, changes of leaders, and the most memory that a container of a role took.
pub(crate) fn rows(minutes: u64, options: &[String]) -> Vec<(String, String)> {
    assert!(tools(TOOLS), "this needs Docker and the images");
    let cluster = Cluster::new("bench-soak");
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let up = ["up", "--base", "ha", "-n", "3", "--timeout", "8m", "--name", &cluster.project];
    let up = cluster.succeed(&[&up[..], &options].concat());
    say(up.stderr.lines().find(|line| line.contains(" is ready after ")).unwrap_or_default());
    let length = Duration::from_secs(60 * minutes);
    // HAProxy and the JVMs have met each other; what they elect from here on they elect under load.
    let started = Instant::now();
    let traffic = Traffic { at_most: length, operations: usize::MAX, ..Traffic::default() };
    let load = Load::start(&format!("http://{ADDRESS}"), traffic);
    let mut most = BTreeMap::new();
    while started.elapsed() < length {
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
        (format!("requests in {minutes} min, twelve clients"), report.to_string()),
        ("other leaders among the OMs".to_owned(), count("om", &elections).to_string()),
        ("other leaders among the SCMs".to_owned(), count("scm", &elections).to_string()),
    ];
    rows.extend(
        most.into_iter()
            .map(|(role, mebibytes)| (format!("most memory of a {role}"), format!("{mebibytes:.0} MiB"))),
    );
    rows
}

/// Notes what each role's largest container takes now, where that is more than before.
fn note_memory(cluster: &Cluster, most: &mut BTreeMap<String, f64>) {
    let stats = ["stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}"];
    let seen = Outcome::of(&mut cluster.docker(&stats)).stdout;
    for line in seen.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(size)) = (words.next(), words.next()) else { continue };
        let Some(service) = name.strip_prefix(&format!("{}-", cluster.project)) else { continue };
        let role = service.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned();
        let role = if service == "s3g-1" { "balancer".to_owned() } else { role };
        let before = most.entry(role).or_insert(0.0);
        *before = before.max(mebibytes(size));
    }
}

/// From `412.3MiB` or `1.2GiB`.
fn mebibytes(size: &str) -> f64 {
    let number = size.trim_end_matches(char::is_alphabetic).parse().unwrap_or(0.0);
    if size.ends_with("GiB") { 1024.0 * number } else { number }
}
