//! What a balancer of this tool does under failure and load, beside Ozone's own example, in one run.
//!
//! `cargo bench --bench balancer` with stub gateways and the machine's HAProxy, in about one minute;
//! `cargo bench --bench balancer -- --throughput [ROUNDS] [GET|PUT]` with nginx as gateways and wrk as clients, in about
//! eight: what the balancer itself costs and how fast it is.
//! `cargo bench --bench balancer -- --throughput --tls [ROUNDS] [GET|PUT]` likewise what https costs beside http.
//! `cargo bench --bench balancer -- --servers` what up to 2048 gateways cost the balancer itself, in two.
//! `cargo bench --bench balancer -- --pair`, as root, takes one of two balancers in network namespaces away, in one.
//! `cargo bench --bench balancer -- --real` with real clusters, which need Docker and the images, in about ten.
//! `cargo bench --bench balancer -- --soak [OPTIONS OF up]` puts ten minutes of load on several SCMs and OMs.
//! `cargo bench --bench balancer -- --shares` what each role of a cluster takes for a request, in three.
//! `cargo bench --bench balancer -- --count` starts clusters of 1 to 30 gateways and draws docs/gateways.svg.
//! Prints a table in Markdown; progress goes to standard error.

mod count;
mod pair;
mod real;
#[allow(dead_code, reason = "the tests on clusters need more of it")]
#[path = "../../tests/cluster/running.rs"]
mod running;
mod servers;
mod shares;
mod soak;
mod stubs;
#[path = "../../tests/support/mod.rs"]
mod support;
mod throughput;

use std::io::Write;
use std::time::Duration;

use support::load::{Load, Report};
use support::say;

/// The profiles, in the order of the columns.
const PROFILES: [&str; 2] = ["tuned", "upstream"];

/// One line of the table: what was measured, and the result of each profile.
type Row = (String, [String; 2]);

fn main() {
    if support::gateway::serve_if_told() {
        return;
    }
    // cargo adds a flag of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let text = match arguments.split_first() {
        Some((mode, options)) if mode == "--soak" => soak::table(options),
        Some((mode, options)) if mode == "--throughput" => throughput::table(options),
        Some((mode, _)) if mode == "--servers" => servers::table(),
        Some((mode, _)) if mode == "--shares" => shares::table(),
        Some((mode, _)) if mode == "--pair" => pair::table(),
        Some((mode, _)) if mode == "--count" => {
            let measured = count::measured();
            fs_err::write("docs/gateways.svg", count::plot(&measured)).expect("a file");
            count::table(&measured)
        }
        Some((mode, _)) if mode == "--real" => side_by_side(real::rows()),
        _ => side_by_side(stubs::rows()),
    };
    std::io::stdout().lock().write_all(text.as_bytes()).expect("somebody who reads");
}

fn side_by_side(rows: Vec<Row>) -> String {
    let rows =
        rows.into_iter().map(|(what, [tuned, upstream])| format!("| {what} | {tuned} | {upstream} |\n"));
    format!("| | ozone-compose | Ozone's example |\n|---|---|---|\n{}", rows.collect::<String>())
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
