//! What the tests here do alike: every HAProxy that is there, and a load that has reached every gateway.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::balancer::{Stage, Version};
use crate::support::load::{Load, Report, Traffic};
use crate::support::run::until;
use crate::support::say;

/// HAProxy finds a gateway that is silent within 2.5 s, and nothing waits longer. A machine with much else to do may
/// take several times as long; without a health check requests would wait for `timeout server`, 5 minutes.
const LONGEST: Duration = Duration::from_secs(20);

/// Runs a test with each HAProxy that is there, side by side.
pub(crate) fn with_each_haproxy(test: impl Fn(Version) + Sync) {
    let test = &test;
    let name = thread::current().name().unwrap_or("test").to_owned();
    thread::scope(|scope| {
        for version in [Version::Machine, Version::Image].into_iter().filter(|version| version.is_there()) {
            let named = thread::Builder::new().name(format!("{name} ({version})"));
            named.spawn_scoped(scope, move || test(version)).expect("a thread");
        }
    });
}

/// The whole answer to a request without a body, on a connection of its own. `headers` are lines that end with CRLF.
pub(crate) fn answer(stage: &Stage, request: &str, host: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(stage.endpoint().replace("http://", "")).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let head = format!("{request} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// The lines of a log about requests. A test waits for none of them: see [`send_until_logged`].
pub(crate) fn requests_in(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.contains(" method=")).collect()
}

/// Sends a request until a line about one has `part`, since HAProxy drops a line where two of its threads write at
/// once.
pub(crate) fn send_until_logged(stage: &Stage, part: &str, send: impl Fn()) {
    until(part, || {
        send();
        thread::sleep(Duration::from_millis(200));
        requests_in(&stage.log()).iter().any(|line| line.contains(part))
    });
}

/// A load on a stage, of which every gateway has served.
pub(crate) fn load(stage: &Stage) -> Load {
    let load = Load::start(&stage.endpoint(), Traffic::default());
    until("every gateway serves", || load.so_far().by_gateway().len() == stage.gateways.len());
    load
}

/// Lets a load go on for so long.
pub(crate) fn go_on(duration: Duration) {
    thread::sleep(duration);
}

/// Waits until a gateway serves requests from now on.
pub(crate) fn await_service(load: &Load, name: &str) {
    let now = Instant::now();
    until(&format!("{name} serves"), || load.so_far().since(now).by_gateway().contains_key(name));
}

/// Ends a load, says how it went, and fails where anything went wrong that a gateway in trouble does not excuse.
#[track_caller]
pub(crate) fn end(load: Load, trouble: Range<Instant>) -> Report {
    let report = load.stop();
    judge(&report, trouble);
    report
}

/// Says how a load went, and fails where anything went wrong that a gateway in trouble does not excuse.
#[track_caller]
pub(crate) fn judge(report: &Report, trouble: Range<Instant>) {
    say(&report.to_string());
    assert_eq!(report.unexcused(trouble), [] as [&_; 0], "{report}");
    assert!(report.worst_latency() < LONGEST, "{report}");
}

/// Likewise where a gateway fell silent, whose reads HAProxy ends too, since it can repeat none that it ends itself.
#[track_caller]
pub(crate) fn judge_after_silence(report: &Report, trouble: Range<Instant>) {
    say(&report.to_string());
    assert_eq!(report.unexcused_by_silence(trouble), [] as [&_; 0], "{report}");
    // A client waits at the silent gateway once, and finds others after that.
    assert!(report.failed().len() <= Traffic::default().clients, "{report}");
    assert!(report.worst_latency() < LONGEST, "{report}");
}

/// Ends a load of which nothing at all may have failed.
#[track_caller]
pub(crate) fn end_unharmed(load: Load) -> Report {
    let now = Instant::now();
    end(load, now..now)
}
