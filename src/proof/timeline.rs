//! When each container of a cluster reached what on its way to ready, read from the logs of a start.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;

use crate::engine::{Engine, evidence};
use crate::observe::Observed;
use crate::plan::Role;
use crate::ui::Moment;

/// What a line of a log that has these words means. Of lines that mean the same, the last counts: SCM and OM run once
/// to make their metadata, and then to stay.
const SIGNS: &[(&str, &str)] = &[
    ("SHUTDOWN_MSG: Shutting down", "has made its metadata"),
    ("STARTUP_MSG: Starting", "starts"),
    (" listening at http://", "listens"),
    ("changes role from CANDIDATE to LEADER", "leads"),
    ("SCM exiting safe mode", "leaves safe mode"),
];

/// A Ratis group of a pipeline has a leader among datanodes too, which no service waits for.
const ELECTS: &[Role] = &[Role::Scm, Role::Om];

/// The moments of a start that has just ended and took so long, in their order; `proved` are those of the gateways.
///
/// # Errors
/// When a log cannot be read.
pub fn of(
    observed: &Observed,
    took: Duration,
    proved: &BTreeMap<String, Instant>,
    engine: &Engine,
) -> Result<Vec<Moment>> {
    let began = SystemTime::now() - took;
    let mut all = Vec::new();
    for member in &observed.members {
        let log = evidence::log_since(engine, &member.container, began)?;
        all.extend(moments(&member.title(), member.role, &log, began));
    }
    let served =
        |(name, at): (&String, &Instant)| moment(name, "has served", took.saturating_sub(at.elapsed()));
    all.extend(proved.iter().map(served));
    all.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    Ok(all)
}

/// The moments in a container's log, each line of which begins with its time in UTC.
fn moments(container: &str, role: Role, log: &str, began: SystemTime) -> Vec<Moment> {
    let event_in_log = |&(words, event): &(&str, &'static str)| {
        if event == "leads" && !ELECTS.contains(&role) {
            return None;
        }
        let line = log.lines().rfind(|line| line.contains(words))?;
        Some(moment(container, event, since(line, began)?))
    };
    SIGNS.iter().filter_map(event_in_log).collect()
}

/// A moment at a time since the run began.
fn moment(container: &str, event: &'static str, after: Duration) -> Moment {
    let seconds = (after.as_secs_f64() * 10.0).round() / 10.0;
    Moment { seconds, container: container.to_owned(), event }
}

/// From the time of day in `2026-01-31T23:59:59.123456789Z text`; no start takes a day.
fn since(line: &str, began: SystemTime) -> Option<Duration> {
    const DAY: f64 = 86_400.0;
    let clock = line.split_once('T')?.1.split_once('Z')?.0;
    let mut parts = clock.split(':').map(str::parse::<f64>);
    let (hours, minutes, seconds) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let began = began.duration_since(UNIX_EPOCH).ok()?.as_secs_f64() % DAY;
    let after = (3600.0 * hours + 60.0 * minutes + seconds - began).rem_euclid(DAY);
    // A clock that is behind this one's by a moment makes no day of it.
    Some(Duration::from_secs_f64(if after > DAY / 2.0 { 0.0 } else { after }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1970-01-02 00:00:00, less a second.
    fn began() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(86_399)
    }

    #[test]
    fn the_last_line_with_a_cause_counts() {
        let log = "1970-01-01T23:59:59.500000000Z STARTUP_MSG: Starting OzoneManager\n\
                   1970-01-02T00:00:02.250000000Z SHUTDOWN_MSG: Shutting down OzoneManager at om\n\
                   1970-01-02T00:00:03.000000000Z STARTUP_MSG: Starting OzoneManager\n\
                   1970-01-02T00:00:05.000000000Z om1@group: changes role from CANDIDATE to LEADER at term 1\n\
                   garbage that nobody stamped: STARTUP_MSG\n";
        let expected = [("has made its metadata", 3.3), ("starts", 4.0), ("leads", 6.0)];
        let found = moments("om", Role::Om, log, began());
        assert_eq!(found.iter().map(|one| (one.event, one.seconds)).collect::<Vec<_>>(), expected);
        let found = moments("datanode1", Role::Datanode, log, began());
        assert!(found.iter().all(|one| one.event != "leads"));
        assert_eq!(moments("om", Role::Om, "", began()), []);
    }

    #[test]
    fn a_clock_that_is_a_moment_behind_is_no_day_ahead() {
        let log = "1970-01-01T23:59:58.900000000Z STARTUP_MSG: Starting Gateway\n";
        assert!(moments("s3g1", Role::Gateway, log, began())[0].seconds < 1.0);
    }
}
