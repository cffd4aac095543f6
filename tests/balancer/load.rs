//! The load itself notices what goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::http::{answer, serve};
use crate::support::load::{Failure, Kind, Load, Report, Traffic};

/// One client that writes first and then does the given operations, against a service that answers writes and, to reads, this.
fn report_of(kind: Kind, answered: &'static [u8]) -> Report {
    let port = serve(move |request| {
        let is_write = request.method == "PUT";
        Some(if is_write { answer(200, &[], b"") } else { answered.to_vec() })
    });
    let mix: &'static [Kind] = if kind == Kind::Head { &[Kind::Head] } else { &[Kind::GetSmall] };
    let traffic = Traffic { clients: 1, mix, operations: 2, ..Traffic::default() };
    Load::start(&format!("http://127.0.0.1:{port}"), traffic).ended()
}

fn failures(report: &Report) -> Vec<Failure> {
    report.failed().iter().filter_map(|operation| operation.failure.clone()).collect()
}

#[test]
fn a_load_detects_bytes_that_it_did_not_write() {
    let report = report_of(Kind::GetSmall, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!((report.total(), failures(&report)), (2, vec![Failure::WrongBytes]));
    let report = report_of(Kind::Head, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(failures(&report), [Failure::WrongBytes]);
}

#[test]
fn a_load_distinguishes_no_answer_from_an_incomplete_one() {
    assert_eq!(failures(&report_of(Kind::GetSmall, b"")), [Failure::BrokenOff]);
    let cut = report_of(Kind::GetSmall, b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\nabc");
    assert_eq!(failures(&cut), [Failure::CutShort]);
    assert_eq!(
        failures(&report_of(Kind::GetSmall, b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")),
        [Failure::Status(503)]
    );
}

#[test]
fn a_load_counts_for_a_gateway_only_what_it_served() {
    let served = b"HTTP/1.1 200 OK\r\nX-Served-By: s3g1\r\nContent-Length: 1024\r\n\r\n";
    assert!(report_of(Kind::Head, served).by_gateway().contains_key("s3g1"));
    let refused = b"HTTP/1.1 502 No\r\nX-Served-By: s3g1\r\nContent-Length: 0\r\n\r\n";
    let report = report_of(Kind::GetSmall, refused);
    assert_eq!(failures(&report), [Failure::Status(502)]);
    assert_eq!(report.by_gateway().len(), 0, "{report}");
}

#[test]
fn a_load_repeats_nothing_and_excuses_only_writes_in_flight() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let port = serve(move |request| {
        counted.fetch_add(1, Ordering::Relaxed);
        // The bucket is made, and nothing is written.
        Some(if request.path.trim_matches('/').contains('/') { Vec::new() } else { answer(200, &[], b"") })
    });
    let begun = Instant::now();
    let traffic = Traffic { clients: 2, operations: 6, ..Traffic::default() };
    let report = Load::start(&format!("http://127.0.0.1:{port}"), traffic).ended();
    let ended = Instant::now();
    assert_eq!(requests.load(Ordering::Relaxed), 7);
    assert_eq!(failures(&report), vec![Failure::BrokenOff; 6]);
    assert!(report.unexcused(begun..ended).is_empty(), "what was never written is not read: {report}");
    assert_eq!(report.unexcused(ended..ended + Duration::from_secs(1)).len(), 6);
}
