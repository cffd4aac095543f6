//! What a balancer of this tool does under failure and load, beside Ozone's own example, in one run.
//!
//! `cargo bench --bench balancer` with stub gateways and the machine's HAProxy, in about three minutes;
//! `cargo bench --bench balancer -- --real` with real clusters, which need Docker and the images, in about ten.
//! `cargo bench --bench balancer -- --soak [OPTIONS OF up]` puts ten minutes of load on several SCMs and OMs.
//! Prints a table in Markdown; progress goes to standard error.

mod real;
#[allow(dead_code, reason = "the tests on clusters need more of it")]
#[path = "../../tests/cluster/running.rs"]
mod running;
mod soak;
mod stubs;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::io::Write;
use std::time::Duration;

use support::load::{Load, Report};
use support::say;

/// The profiles, in the order of the columns.
const PROFILES: [&str; 2] = ["tuned", "upstream"];

/// How long the load on several SCMs and OMs goes on.
const SOAK_MINUTES: u64 = 10;

/// One line of the table: what was measured, and the result of each profile.
type Row = (String, [String; 2]);

fn main() {
    if support::gateway::serve_if_told() {
        return;
    }
    if let Some(place) = std::env::args().position(|argument| argument == "--soak") {
        // cargo adds a flag of its own.
        let options = std::env::args().skip(place + 1).filter(|option| option != "--bench");
        let mut out = std::io::stdout().lock();
        for (what, result) in soak::rows(SOAK_MINUTES, &options.collect::<Vec<_>>()) {
            writeln!(out, "| {what} | {result} |").expect("somebody who reads");
        }
        return;
    }
    let rows =
        if std::env::args().any(|argument| argument == "--real") { real::rows() } else { stubs::rows() };
    let mut out = std::io::stdout().lock();
    writeln!(out, "| | ozone-compose | Ozone's example |\n|---|---|---|").expect("somebody who reads");
    for (what, [tuned, upstream]) in rows {
        writeln!(out, "| {what} | {tuned} | {upstream} |").expect("somebody who reads");
    }
}

/// Measures something in each profile.
fn row(what: &str, measure: impl FnMut(&str) -> String) -> Row {
    (what.to_owned(), PROFILES.map(measure))
}

/// Ends a load a while after the last trouble.
fn verdict(what: &str, load: Load, wait: Duration) -> String {
    std::thread::sleep(wait);
    let report = load.stop();
    say(&format!("{what}: {report}"));
    failed_of(&report)
}

/// What failed, of how many, how long one request took at most, and the longest time in which none came to a good end.
fn failed_of(report: &Report) -> String {
    let (failed, total) = (report.failed().len(), report.total());
    let (worst, gap) = (report.worst_latency().as_secs_f64(), report.longest_gap().as_secs_f64());
    format!("{failed} of {total} failed; worst {worst:.1} s, standstill {gap:.1} s")
}
