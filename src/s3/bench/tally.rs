//! Counts what became of requests, in memory that does not grow with them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::DEADLINE;
use super::caller::Sent;
use crate::spec::values::{ObjectSize, Operation};

/// All results.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How long clients began requests, in seconds.
    pub seconds: f64,
    /// The longest time without a good answer.
    pub longest_gap: Gap,
    /// By operation and size, in the order of the mix.
    pub operations: Vec<OperationRow>,
    /// By gateway, in the order of their numbers.
    pub gateways: Vec<GatewayRow>,
    /// By kind of error.
    pub errors: Vec<ErrorRow>,
    /// By second, until the last answer.
    pub timeline: Vec<Second>,
}

/// A time without a good answer.
#[derive(Clone, Debug, Serialize)]
pub struct Gap {
    /// How long it was.
    pub seconds: f64,
    /// When it began, in seconds since the first request.
    pub from_seconds: f64,
}

/// What became of the requests of one operation on objects of one size.
#[derive(Clone, Debug, Serialize)]
pub struct OperationRow {
    /// Such as `put`.
    pub operation: Operation,
    /// Size of the object; in bytes where it is serialised.
    pub size: ObjectSize,
    /// All requests.
    pub requests: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Good answers in a second, without those that were awaited in the end.
    pub requests_per_second: f64,
    /// MiB of the bodies of the same in a second.
    pub mib_per_second: f64,
    /// Time in ms within which half of the good answers came; none without a good answer.
    pub p50_ms: Option<f64>,
    /// The same for nine of ten.
    pub p90_ms: Option<f64>,
    /// The same for 99 of 100.
    pub p99_ms: Option<f64>,
    /// The longest in ms.
    pub max_ms: Option<f64>,
}

/// What one gateway answered.
#[derive(Clone, Debug, Serialize)]
pub struct GatewayRow {
    /// `s3g1` and on; none for answers of the balancer itself, of none that it names, and where no answer came.
    pub gateway: Option<String>,
    /// All requests.
    pub requests: u64,
    /// Their share of all, from 0 to 1.
    pub share: f64,
    /// Those of them that failed.
    pub errors: u64,
    /// Time in ms within which 99 of 100 good answers came; none without a good answer.
    pub p99_ms: Option<f64>,
    /// Its longest time without a good answer, also before its first one.
    pub longest_gap: Gap,
}

/// One kind of error.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorRow {
    /// Such as `503`, `timeout`, `connection reset`.
    pub kind: String,
    /// How often it came.
    pub count: u64,
    /// The longest that a client waited for it, in ms.
    pub longest_ms: f64,
}

/// What was answered within one second.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Second {
    /// Good answers.
    pub requests: u64,
    /// Bytes of their bodies, and of the bodies that were written.
    pub bytes: u64,
    /// Errors.
    pub errors: u64,
}

/// The requests of one row.
#[derive(Clone, Debug)]
struct Counter {
    requests: u64,
    errors: u64,
    /// Good answers while the load ran, and their bytes. What was awaited afterwards counts in no rate: one request that
    /// hangs would change them all.
    timely: u64,
    bytes: u64,
    /// Microseconds of good answers.
    latencies: Histogram<u32>,
}

impl Counter {
    fn new() -> Self {
        // No answer takes longer than its deadline, but for what a busy machine adds.
        let longest = u64::try_from((DEADLINE * 4).as_micros()).unwrap_or(u64::MAX);
        let latencies = Histogram::new_with_max(longest, 3).expect("bounds that are tested");
        Self { requests: 0, errors: 0, timely: 0, bytes: 0, latencies }
    }

    fn count(&mut self, sent: &Sent, is_timely: bool) {
        self.requests += 1;
        if sent.failure.is_some() {
            self.errors += 1;
            return;
        }
        if is_timely {
            self.timely += 1;
            self.bytes += sent.bytes;
        }
        self.latencies.saturating_record(u64::try_from(sent.latency.as_micros()).unwrap_or(u64::MAX));
    }

    /// The time in ms within which this part of the good answers came, with three digits.
    fn within(&self, part: f64) -> Option<f64> {
        let micros = self.latencies.value_at_quantile(part);
        (!self.latencies.is_empty()).then(|| milliseconds(Duration::from_micros(micros)))
    }
}

/// The longest time without a good answer.
#[derive(Clone, Debug)]
struct Gaps {
    last_good: Instant,
    longest_from: Instant,
    longest: Duration,
}

impl Gaps {
    fn since(started: Instant) -> Self {
        Self { last_good: started, longest_from: started, longest: Duration::ZERO }
    }

    /// There was a good answer, or nobody misses one any more.
    fn end(&mut self, at: Instant) {
        let gap = at.saturating_duration_since(self.last_good);
        if gap > self.longest {
            (self.longest_from, self.longest) = (self.last_good, gap);
        }
        self.last_good = self.last_good.max(at);
    }

    fn row(&self, started: Instant) -> Gap {
        Gap {
            seconds: rounded(self.longest.as_secs_f64()),
            from_seconds: rounded((self.longest_from - started).as_secs_f64()),
        }
    }
}

/// Counts while the load runs.
#[derive(Debug)]
pub(super) struct Tally {
    started: Instant,
    /// When clients stopped to begin requests; none while they do.
    closed: Option<Instant>,
    gaps: Gaps,
    operations: Vec<((Operation, ObjectSize), Counter)>,
    gateways: BTreeMap<Option<String>, (Counter, Gaps)>,
    errors: BTreeMap<String, (u64, Duration)>,
    seconds: Vec<Second>,
}

impl Tally {
    /// Nothing yet, of these kinds of requests.
    pub(super) fn new(started: Instant, kinds: impl Iterator<Item = (Operation, ObjectSize)>) -> Self {
        Self {
            started,
            closed: None,
            gaps: Gaps::since(started),
            operations: kinds.map(|kind| (kind, Counter::new())).collect(),
            gateways: BTreeMap::new(),
            errors: BTreeMap::new(),
            seconds: Vec::new(),
        }
    }

    /// Counts a request.
    pub(super) fn count(&mut self, operation: Operation, size: ObjectSize, sent: &Sent) {
        let is_timely = self.closed.is_none_or(|end| sent.ended <= end);
        let (counter, gaps) = self
            .gateways
            .entry(sent.gateway.clone())
            .or_insert_with(|| (Counter::new(), Gaps::since(self.started)));
        counter.count(sent, is_timely);
        if sent.failure.is_none() {
            let missed_until = self.closed.map_or(sent.ended, |end| end.min(sent.ended));
            gaps.end(missed_until);
            self.gaps.end(missed_until);
        }
        let now = self.second(sent.ended);
        if let Some(kind) = &sent.failure {
            now.errors += 1;
            let (count, longest) = self.errors.entry(kind.clone()).or_default();
            *count += 1;
            *longest = sent.latency.max(*longest);
        } else {
            now.requests += 1;
            now.bytes += sent.bytes;
        }
        let rows = self.operations.iter_mut();
        for (_, row) in rows.filter(|(kind, _)| *kind == (operation, size)) {
            row.count(sent, is_timely);
        }
    }

    /// Ends the time in which answers are missed: after it, clients only await what is in flight.
    pub(super) fn close(&mut self, at: Instant) {
        self.gaps.end(at);
        self.gateways.values_mut().for_each(|(_, gaps)| gaps.end(at));
        self.closed = Some(at);
        // Also where nobody has got an answer in the end.
        self.second(at);
    }

    /// The second of a moment.
    fn second(&mut self, at: Instant) -> &mut Second {
        let place = usize::try_from((at - self.started).as_secs()).unwrap_or(usize::MAX);
        if self.seconds.len() <= place {
            self.seconds.resize_with(place + 1, Second::default);
        }
        &mut self.seconds[place]
    }

    /// The results, once the load is closed.
    pub(super) fn report(&self) -> Report {
        let time = self.closed.unwrap_or(self.gaps.last_good) - self.started;
        let seconds = time.as_secs_f64().max(f64::EPSILON);
        let all: u64 = self.gateways.values().map(|(one, _)| one.requests).sum();
        let operation = |((operation, size), counter): &((Operation, ObjectSize), Counter)| OperationRow {
            operation: *operation,
            size: *size,
            requests: counter.requests,
            errors: counter.errors,
            requests_per_second: rounded(real(counter.timely) / seconds),
            mib_per_second: rounded(real(counter.bytes) / MIB / seconds),
            p50_ms: counter.within(0.5),
            p90_ms: counter.within(0.9),
            p99_ms: counter.within(0.99),
            max_ms: counter.within(1.0),
        };
        let gateway = |(name, (counter, gaps)): (&Option<String>, &(Counter, Gaps))| GatewayRow {
            gateway: name.clone(),
            requests: counter.requests,
            share: rounded(real(counter.requests) / real(all.max(1))),
            errors: counter.errors,
            p99_ms: counter.within(0.99),
            longest_gap: gaps.row(self.started),
        };
        let mut gateways: Vec<_> = self.gateways.iter().map(gateway).collect();
        // s3g10 comes after s3g9, and what has no name at the end.
        gateways.sort_by_key(|row| {
            row.gateway.clone().map_or((usize::MAX, String::new()), |name| (name.len(), name))
        });
        let error = |(kind, (count, longest)): (&String, &(u64, Duration))| ErrorRow {
            kind: kind.clone(),
            count: *count,
            longest_ms: milliseconds(*longest),
        };
        Report {
            seconds: rounded(time.as_secs_f64()),
            longest_gap: self.gaps.row(self.started),
            operations: self.operations.iter().map(operation).collect(),
            gateways,
            errors: self.errors.iter().map(error).collect(),
            timeline: self.seconds.clone(),
        }
    }
}

/// Bytes of a MiB.
const MIB: f64 = 1_048_576.0;

/// A count as a real number.
#[must_use]
pub fn real(count: u64) -> f64 {
    let half = |bits: u64| f64::from(u32::try_from(bits).unwrap_or(u32::MAX));
    half(count >> 32) * 4_294_967_296.0 + half(count & 0xffff_ffff)
}

fn milliseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1000.0)
}

/// To three places: more would say what nobody has measured.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn size() -> ObjectSize {
        "1KiB".parse().expect("a size")
    }

    fn tally(started: Instant) -> Tally {
        Tally::new(started, [(Operation::Put, size()), (Operation::Get, size())].into_iter())
    }

    fn sent(ended: Instant, latency: Duration, failure: Option<&str>) -> Sent {
        let gateway = (failure != Some("timeout")).then(|| "s3g1".to_owned());
        Sent { ended, latency, gateway, bytes: 1024, failure: failure.map(str::to_owned) }
    }

    #[test]
    fn percentiles_are_those_of_the_good_answers() {
        let started = Instant::now();
        let mut tally = tally(started);
        for milliseconds in (1..=1000).rev() {
            let latency = Duration::from_millis(milliseconds);
            tally.count(Operation::Get, size(), &sent(started + SECOND, latency, None));
        }
        tally.count(Operation::Get, size(), &sent(started + SECOND, SECOND * 25, Some("503")));
        let report = tally.report();
        let [put, get] = &report.operations[..] else { panic!("two rows") };
        assert_eq!((get.requests, get.errors), (1001, 1));
        // Three digits are kept.
        for (found, exact) in
            [(get.p50_ms, 500.0), (get.p90_ms, 900.0), (get.p99_ms, 990.0), (get.max_ms, 1000.0)]
        {
            let found = found.expect("a time");
            assert!((found - exact).abs() <= exact / 1000.0, "{found} is not {exact}");
        }
        assert_eq!((put.requests, put.p50_ms, put.max_ms), (0, None, None));
    }

    #[test]
    fn rows_of_operations_gateways_errors_and_seconds_count_the_same_requests() {
        let started = Instant::now();
        let mut tally = tally(started);
        let at = |seconds: u32| started + SECOND * seconds;
        tally.count(Operation::Put, size(), &sent(at(0), SECOND, None));
        tally.count(Operation::Get, size(), &sent(at(2), SECOND * 2, Some("timeout")));
        tally.count(Operation::Get, size(), &sent(at(4), SECOND, Some("timeout")));
        tally.close(at(4));
        // Two were in flight.
        tally.count(Operation::Get, size(), &sent(at(4), SECOND, None));
        tally.count(Operation::Put, size(), &sent(at(6), SECOND * 3, None));
        let report = tally.report();
        assert!((report.seconds - 4.0).abs() < 0.001);
        let gateways: Vec<_> =
            report.gateways.iter().map(|row| (row.gateway.as_deref(), row.requests, row.errors)).collect();
        assert_eq!(gateways, [(Some("s3g1"), 3, 0), (None, 2, 2)]);
        assert_eq!(report.errors, [ErrorRow { kind: "timeout".to_owned(), count: 2, longest_ms: 2000.0 }]);
        let seconds: Vec<_> =
            report.timeline.iter().map(|one| (one.requests, one.bytes, one.errors)).collect();
        assert_eq!(
            seconds,
            [(1, 1024, 0), (0, 0, 0), (0, 0, 1), (0, 0, 0), (1, 1024, 1), (0, 0, 0), (1, 1024, 0)]
        );
        let [put, get] = &report.operations[..] else { panic!("two rows") };
        assert_eq!((put.requests, get.requests, get.errors), (2, 3, 2));
        for row in [put, get] {
            assert!((row.requests_per_second - 0.25).abs() < 0.001, "{row:?}");
        }
    }

    #[test]
    fn the_longest_gap_begins_with_the_load_and_ends_with_it() {
        let started = Instant::now();
        let gap = |good: &[u32], end: u32| {
            let mut tally = tally(started);
            for seconds in good {
                tally.count(Operation::Put, size(), &sent(started + SECOND * *seconds, SECOND, None));
            }
            tally.close(started + SECOND * end);
            // What was in flight at the end is missed by nobody.
            tally.count(Operation::Put, size(), &sent(started + SECOND * (end + 20), SECOND, None));
            let Gap { seconds, from_seconds } = tally.report().longest_gap;
            format!("{seconds} s from {from_seconds}")
        };
        assert_eq!(gap(&[3, 4, 6], 7), "3 s from 0");
        assert_eq!(gap(&[1, 2, 6], 7), "4 s from 2");
        assert_eq!(gap(&[1, 2, 3], 9), "6 s from 3");
        assert_eq!(gap(&[], 5), "5 s from 0");
    }

    #[test]
    fn each_gateway_has_a_gap_of_its_own() {
        let started = Instant::now();
        let mut tally = tally(started);
        let mut answers = |gateway: &str, seconds: &[u32]| {
            for seconds in seconds {
                let gateway = Some(gateway.to_owned());
                let sent = Sent { gateway, ..sent(started + SECOND * *seconds, SECOND, None) };
                tally.count(Operation::Put, size(), &sent);
            }
        };
        answers("s3g1", &[1, 2, 3, 4, 5, 6]);
        answers("s3g2", &[1, 2, 6]);
        answers("s3g3", &[5]);
        answers("s3g4", &[1, 2]);
        tally.close(started + SECOND * 7);
        let report = tally.report();
        let gap = |gap: &Gap| (gap.seconds, gap.from_seconds);
        let gaps: Vec<_> = report.gateways.iter().map(|row| gap(&row.longest_gap)).collect();
        assert_eq!(gaps, [(1.0, 0.0), (4.0, 2.0), (5.0, 0.0), (5.0, 2.0)]);
        assert_eq!(gap(&report.longest_gap), (1.0, 0.0));
    }

    #[test]
    fn large_counts_stay_what_they_are() {
        assert!((real(3 << 40) - 3.0 * 1024_f64.powi(4)).abs() < 1.0);
    }
}
