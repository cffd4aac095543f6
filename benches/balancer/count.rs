//! What one more gateway costs and brings on one machine: time to ready, memory, requests a second.

use std::fmt::Write;
use std::time::Duration;

use crate::running::{ADDRESS, Cluster, TOOLS};
use crate::soak::memory;
use crate::support::load::{Kind, Load, Traffic};
use crate::support::{Runs, say, tools};

/// How many gateways.
const COUNTS: [u32; 4] = [1, 3, 10, 30];

/// Each measurement of throughput.
const LONG_ENOUGH: Duration = Duration::from_secs(30);

/// Clients that never rest.
const CLIENTS: usize = 64;

/// What was measured with so many gateways.
pub(crate) struct Measured {
    gateways: u32,
    /// Seconds from nothing to a PUT and GET through each.
    ready: f64,
    /// MiB of all containers under load.
    memory: f64,
    per_second: f64,
}

/// A plot of one of the things that were measured: its heading, and the number.
type Panel = (&'static str, fn(&Measured) -> f64);

/// Starts a cluster of each size.
pub(crate) fn measured() -> Vec<Measured> {
    assert!(tools(TOOLS), "this needs Docker and the images");
    COUNTS.map(with).into()
}

fn with(gateways: u32) -> Measured {
    let cluster = Cluster::new(&format!("bench-count-{gateways}"));
    let count = gateways.to_string();
    let up = cluster.succeed(&["up", "-n", &count, "--timeout", "15m", "--name", &cluster.project]);
    let ready = up.stderr.split_once(" is ready after ").and_then(|(_, rest)| rest.split_once(" s:"));
    let ready = ready.and_then(|(seconds, _)| seconds.parse().ok()).expect("the time");
    let traffic = || Traffic {
        clients: CLIENTS,
        mix: &[Kind::PutSmall, Kind::GetSmall, Kind::GetSmall, Kind::Head],
        pause: Duration::ZERO,
        at_most: LONG_ENOUGH,
        operations: usize::MAX,
        ..Traffic::default()
    };
    // Once to warm up every JVM.
    Load::start(&format!("http://{ADDRESS}"), traffic()).ended();
    let report = Load::start(&format!("http://{ADDRESS}"), traffic()).ended();
    let memory = memory(&cluster).values().sum();
    say(&format!("{gateways} gateways: {ready} s, {memory:.0} MiB, {report}"));
    Measured { gateways, ready, memory, per_second: report.per_second() }
}

/// As a table in Markdown.
pub(crate) fn table(all: &[Measured]) -> String {
    let mut text = String::from(
        "| gateways | ready after | memory of all containers | requests a second |\n|---|---|---|---|\n",
    );
    for Measured { gateways, ready, memory, per_second } in all {
        let gibibytes = memory / 1024.0;
        writeln!(text, "| {gateways} | {ready:.0} s | {gibibytes:.1} GiB | {per_second:.0} |")
            .expect("a text");
    }
    text
}

/// As three plots side by side, the number of gateways on a scale of logarithms.
pub(crate) fn plot(all: &[Measured]) -> String {
    let mut text = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 780 240\" font-family=\"sans-serif\" font-size=\"12\" \
         fill=\"#333\">\n<rect width=\"780\" height=\"240\" fill=\"#fff\"/>\n",
    );
    let panels: [Panel; 3] = [
        ("seconds to ready", |one| one.ready),
        ("GiB of memory", |one| one.memory / 1024.0),
        ("requests a second", |one| one.per_second),
    ];
    for (index, (title, value)) in (0_u32..).zip(panels) {
        panel(&mut text, 260.0 * f64::from(index), title, all, value);
    }
    text.push_str("</svg>\n");
    text
}

fn panel(text: &mut String, left: f64, title: &str, all: &[Measured], value: fn(&Measured) -> f64) {
    let (bottom, height, width) = (195.0, 145.0, 180.0);
    let most = all.iter().map(value).fold(0.0, f64::max);
    let span = f64::from(COUNTS[COUNTS.len() - 1]).ln();
    let place = |one: &Measured| {
        let right = f64::from(one.gateways).ln() / span * width;
        (left + 50.0 + right, bottom - value(one) / most * height)
    };
    let mut line = |part: std::fmt::Arguments<'_>| writeln!(text, "{part}").expect("a text");
    line(format_args!("<text x=\"{}\" y=\"24\" font-weight=\"bold\">{title}</text>", left + 40.0));
    line(format_args!(
        "<path d=\"M{} {} V{bottom} h{}\" fill=\"none\" stroke=\"#999\"/>",
        left + 40.0,
        bottom - height - 10.0,
        width + 20.0
    ));
    let points: Vec<String> = all.iter().map(place).map(|(x, y)| format!("{x:.0},{y:.0}")).collect();
    line(format_args!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f6feb\" stroke-width=\"2\"/>",
        points.join(" ")
    ));
    for one in all {
        let (x, y) = place(one);
        let shown =
            if value(one) < 20.0 { format!("{:.1}", value(one)) } else { format!("{:.0}", value(one)) };
        line(format_args!("<circle cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"3\" fill=\"#1f6feb\"/>"));
        line(format_args!("<text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{shown}</text>", y - 8.0));
        line(format_args!(
            "<text x=\"{x:.0}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            bottom + 16.0,
            one.gateways
        ));
    }
    line(format_args!(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">gateways</text>",
        left + 140.0,
        bottom + 34.0
    ));
}
