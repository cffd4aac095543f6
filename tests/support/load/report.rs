//! What became of a load's operations.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::Kind;

/// One operation, from its first byte to the last of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) kind: Kind,
    pub(crate) started: Instant,
    pub(crate) latency: Duration,
    /// Who answered, where anybody did.
    pub(crate) gateway: Option<String>,
    /// What went wrong.
    pub(crate) failure: Option<Failure>,
}

impl Operation {
    pub(crate) fn ended(&self) -> Instant {
        self.started + self.latency
    }
}

/// How an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failure {
    /// The balancer did not take the connection.
    NoConnection,
    /// The connection ended before an answer began.
    BrokenOff,
    /// An answer began, and did not end.
    CutShort,
    /// Nothing came for so long.
    Late(Duration),
    /// Anything but 2xx.
    Status(u16),
    /// What was read is not what was written.
    WrongBytes,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConnection => write!(f, "no connection"),
            Self::BrokenOff => write!(f, "broken off"),
            Self::CutShort => write!(f, "cut short"),
            Self::Late(patience) => write!(f, "no answer for {} s", patience.as_secs()),
            Self::Status(status) => write!(f, "{status}"),
            Self::WrongBytes => write!(f, "other bytes than were written"),
        }
    }
}

/// The operations of a load that have ended, in the order of their ends.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) started: Instant,
    pub(crate) operations: Vec<Operation>,
}

impl Report {
    /// How many operations there were.
    pub(crate) fn total(&self) -> usize {
        self.operations.len()
    }

    /// What failed.
    pub(crate) fn failed(&self) -> Vec<&Operation> {
        self.operations.iter().filter(|operation| operation.failure.is_some()).collect()
    }

    /// What failed though no balancer could have lost it to a gateway in trouble: everything but writes in flight, and
    /// reads in flight whose answer had begun. `trouble` is from the moment in which the gateway failed to the one from
    /// which nothing more is sent to it.
    pub(crate) fn unexcused(&self, trouble: Range<Instant>) -> Vec<&Operation> {
        let is_excused = |operation: &Operation| {
            let is_in_flight = operation.started < trouble.end && operation.ended() > trouble.start;
            is_in_flight && (operation.kind.is_write() || operation.failure == Some(Failure::CutShort))
        };
        self.failed().into_iter().filter(|operation| !is_excused(operation)).collect()
    }

    /// What failed though a gateway that fell silent does not excuse it: as [`Self::unexcused`], and HAProxy may end what
    /// was read there too, with a status on which every SDK repeats it or with the connection.
    pub(crate) fn unexcused_by_silence(&self, trouble: Range<Instant>) -> Vec<&Operation> {
        let is_excused = |operation: &Operation| {
            let is_in_flight = operation.started < trouble.end && operation.ended() > trouble.start;
            is_in_flight && matches!(operation.failure, Some(Failure::BrokenOff | Failure::Status(500..=504)))
        };
        self.unexcused(trouble.clone()).into_iter().filter(|operation| !is_excused(operation)).collect()
    }

    /// The longest that any operation took, failed ones too.
    pub(crate) fn worst_latency(&self) -> Duration {
        self.operations.iter().map(|operation| operation.latency).max().unwrap_or_default()
    }

    /// The longest time in which no operation came to a good end.
    pub(crate) fn longest_gap(&self) -> Duration {
        let good = self.operations.iter().filter(|operation| operation.failure.is_none());
        let ends: Vec<Instant> = std::iter::once(self.started).chain(good.map(Operation::ended)).collect();
        ends.windows(2).map(|pair| pair[1].saturating_duration_since(pair[0])).max().unwrap_or_default()
    }

    /// Good operations in each second.
    pub(crate) fn per_second(&self) -> f64 {
        let good = u32::try_from(self.total() - self.failed().len()).expect("a number of operations");
        f64::from(good) / self.lasted().as_secs_f64()
    }

    /// The operations that began at `moment` or later.
    pub(crate) fn since(&self, moment: Instant) -> Self {
        let late = self.operations.iter().filter(|operation| operation.started >= moment);
        Self { started: moment, operations: late.cloned().collect() }
    }

    /// How many operations each gateway served: an answer that is an error counts for no gateway.
    pub(crate) fn by_gateway(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        let served = self.operations.iter().filter(|operation| operation.failure.is_none());
        for gateway in served.filter_map(|operation| operation.gateway.as_deref()) {
            *counts.entry(gateway).or_default() += 1;
        }
        counts
    }

    /// The operations that read, or those that write.
    pub(crate) fn of_writes(&self, is_write: bool) -> Self {
        let some = self.operations.iter().filter(|operation| operation.kind.is_write() == is_write);
        Self { started: self.started, operations: some.cloned().collect() }
    }

    /// The operations that were in flight at any moment of a time.
    pub(crate) fn during(&self, time: Range<Instant>) -> Self {
        let in_flight = |one: &&Operation| one.started < time.end && one.ended() > time.start;
        let some = self.operations.iter().filter(in_flight);
        Self { started: time.start, operations: some.cloned().collect() }
    }

    fn lasted(&self) -> Duration {
        let end = self.operations.last().map_or(self.started, Operation::ended);
        end.saturating_duration_since(self.started)
    }
}

/// One line, then one for each way of failing.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, seconds) = (self.failed(), self.lasted().as_secs_f64());
        write!(f, "{} of {} failed in {seconds:.1} s", failed.len(), self.total())?;
        let (worst, gap) = (self.worst_latency().as_secs_f64(), self.longest_gap().as_secs_f64());
        write!(f, ", {:.0}/s, worst {worst:.2} s, longest gap {gap:.2} s", self.per_second())?;
        write!(f, ", {:?}", self.by_gateway())?;
        let mut ways: BTreeMap<_, Vec<f64>> = BTreeMap::new();
        for operation in failed {
            let at = operation.started.saturating_duration_since(self.started).as_secs_f64();
            ways.entry((operation.kind, &operation.failure)).or_default().push(at);
        }
        for ((kind, failure), times) in ways {
            let failure = failure.as_ref().expect("a failure");
            let first = times.iter().copied().fold(f64::INFINITY, f64::min);
            let last = times.iter().copied().fold(0.0, f64::max);
            write!(f, "\n  {kind:?}: {failure}, {} times, begun at {first:.1} to {last:.1} s", times.len())?;
        }
        Ok(())
    }
}
