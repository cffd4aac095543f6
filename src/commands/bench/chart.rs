//! A load as a picture: good answers in each second, errors, and when a command ran beside it. It needs no other file,
//! and has colours for light and dark pages.

use std::fmt::Write as _;
use std::time::Duration;

use super::Ran;
use crate::s3::bench::{Report, Second, real};

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 300.0;
/// The area of the curve.
const LEFT: f64 = 60.0;
const RIGHT: f64 = WIDTH - 20.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = HEIGHT - 44.0;
/// Where the marks of errors stand.
const MARKS: f64 = TOP - 10.0;

/// How many lines the scale has at the most.
const MOST_LINES: f64 = 5.0;

const STYLE: &str = "\
text { font: 12px sans-serif; fill: #24292f }
.title { font-weight: bold }
.paper { fill: #ffffff }
.line { stroke: #d0d7de }
.curve { fill: #0969da; fill-opacity: 0.25; stroke: #0969da; stroke-width: 1.5 }
.error { fill: #cf222e }
.command { fill: #9a6700; fill-opacity: 0.15 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.paper { fill: #0d1117 }
.line { stroke: #30363d }
.curve { fill: #58a6ff; stroke: #58a6ff }
.error { fill: #ff7b72 }
.command { fill: #d29922; fill-opacity: 0.25 }
}";

/// The picture, an SVG.
pub(super) fn drawn(title: &str, report: &Report, ran: &[&Ran]) -> String {
    let seconds = whole(report);
    let time = real(seconds.len() as u64);
    let most = seconds.iter().map(|second| second.requests).max().unwrap_or(0);
    let step = step_for(real(most.max(1)));
    let top = (real(most.max(1)) / step).ceil() * step;
    let x = |second: f64| LEFT + (RIGHT - LEFT) * (second / time).clamp(0.0, 1.0);
    let y = |requests: f64| BOTTOM - (BOTTOM - TOP) * requests / top;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
         <title>{0}</title>\n<style>\n{STYLE}\n</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"20\">{0}</text>\n\
         <text x=\"{LEFT}\" y=\"38\">good answers in each second</text>\n",
        escaped(title)
    );
    let mut add = |line: std::fmt::Arguments<'_>| {
        svg.write_fmt(line).and_then(|()| svg.write_char('\n')).expect("a text");
    };
    for one in ran {
        let (from, to) = (x(one.from_seconds), x(one.to_seconds));
        let (width, height) = ((to - from).max(1.0), BOTTOM - TOP);
        add(format_args!(
            "<rect class=\"command\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height}\"/>"
        ));
        let place = from + 4.0;
        add(format_args!("<text x=\"{place:.1}\" y=\"{:.1}\">{}</text>", TOP + 14.0, escaped(&one.command)));
    }
    for requests in steps(step, top) {
        let at = y(requests);
        add(format_args!("<path class=\"line\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/>"));
        let (end, base) = (LEFT - 6.0, at + 4.0);
        add(format_args!("<text x=\"{end}\" y=\"{base:.1}\" text-anchor=\"end\">{requests}</text>"));
    }
    for second in steps(step_for(time), time) {
        let (at, base) = (x(second), BOTTOM + 18.0);
        add(format_args!("<text x=\"{at:.1}\" y=\"{base}\" text-anchor=\"middle\">{second} s</text>"));
    }
    let mut curve = format!("M{LEFT} {BOTTOM}");
    for (number, second) in (1..).zip(seconds) {
        write!(curve, "V{:.1}H{:.1}", y(real(second.requests)), x(real(number))).expect("a text");
    }
    add(format_args!("<path class=\"curve\" d=\"{curve}V{BOTTOM}Z\"/>"));
    for (number, second) in (0..).zip(&report.timeline).filter(|(_, second)| second.errors > 0) {
        let (at, errors) = (x(real(number) + 0.5), second.errors);
        add(format_args!(
            "<circle class=\"error\" cx=\"{at:.1}\" cy=\"{MARKS}\" r=\"4\"><title>errors in second {number}: {errors}</title></circle>"
        ));
    }
    let failed: u64 = report.errors.iter().map(|one| one.count).sum();
    add(format_args!(
        "<text x=\"{RIGHT}\" y=\"38\" text-anchor=\"end\">errors: {failed}; longest time without a good answer: {:.2} s</text>",
        report.longest_gap.seconds
    ));
    svg + "</svg>\n"
}

/// The whole seconds of the load: a part of one would look like a loss, and so would what is awaited in the end.
fn whole(report: &Report) -> &[Second] {
    let whole = Duration::try_from_secs_f64(report.seconds).unwrap_or_default().as_secs();
    let whole = usize::try_from(whole).unwrap_or(usize::MAX).max(1);
    &report.timeline[..whole.min(report.timeline.len())]
}

/// A round distance of the lines of a scale up to a number, 1 or more.
fn step_for(most: f64) -> f64 {
    let mut unit = 1.0;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            if most <= unit * factor * MOST_LINES {
                return unit * factor;
            }
        }
        unit *= 10.0;
    }
}

/// 0, and on by steps.
fn steps(step: f64, last: f64) -> impl Iterator<Item = f64> {
    (0_u32..).map(move |number| f64::from(number) * step).take_while(move |place| *place <= last)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::bench::{ErrorRow, Gap};

    #[test]
    fn the_lines_of_a_scale_are_round_and_few() {
        for (most, step) in [(1.0, 1.0), (5.0, 1.0), (7.0, 2.0), (20.0, 5.0), (60.0, 20.0), (3600.0, 1000.0)]
        {
            assert!((step_for(most) - step).abs() < f64::EPSILON, "{most}");
        }
        assert_eq!(steps(5.0, 12.0).collect::<Vec<_>>(), [0.0, 5.0, 10.0]);
    }

    #[test]
    fn a_picture_shows_each_second_with_errors_and_the_command() {
        let second = |requests, errors| Second { requests, bytes: 0, errors };
        let report = Report {
            seconds: 3.2,
            longest_gap: Gap { seconds: 0.5, from_seconds: 1.0 },
            operations: Vec::new(),
            gateways: Vec::new(),
            errors: vec![ErrorRow { kind: "503".to_owned(), count: 3, longest_ms: 1.0 }],
            timeline: vec![second(100, 0), second(40, 2), second(90, 0), second(5, 1)],
        };
        let ran = Ran {
            command: "drain <s3g1>".to_owned(),
            from_seconds: 1.0,
            to_seconds: 2.0,
            exit_code: 0,
            said: String::new(),
        };
        let svg = drawn("a & b", &report, &[&ran]);
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"), "{svg}");
        assert_eq!(svg.matches("<circle class=\"error\"").count(), 2, "{svg}");
        assert!(svg.contains("a &amp; b") && svg.contains("drain &lt;s3g1&gt;"), "{svg}");
        assert!(svg.contains("prefers-color-scheme: dark") && !svg.contains("href"), "{svg}");
        assert!(svg.contains("d=\"M60 256V64.0H300.0V179.2H540.0V83.2H780.0V256Z\""), "{svg}");
    }
}
