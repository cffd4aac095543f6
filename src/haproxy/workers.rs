//! What HAProxy's master process reports about its workers: `show proc`.

use std::time::Duration;

/// The processes of a balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workers {
    /// The one that accepts connections; none while one is being started.
    pub current: Option<u32>,
    /// How long ago that one was started, to the second.
    pub uptime: Duration,
    /// Those that finish their transfers since a reload.
    pub old: Vec<u32>,
    /// How many reloads have failed since the last one that did not.
    pub failed_reloads: u32,
}

impl Workers {
    /// Every worker, the current one first.
    pub fn all(&self) -> impl Iterator<Item = u32> {
        self.current.into_iter().chain(self.old.iter().copied())
    }
}

/// Reads `show proc`: a line each of process id, type, reloads, uptime and version, old workers under a heading of
/// their own.
#[must_use]
pub(super) fn parse(text: &str) -> Workers {
    let mut workers = Workers { current: None, uptime: Duration::ZERO, old: Vec::new(), failed_reloads: 0 };
    let mut is_old = false;
    for line in text.lines() {
        if line.starts_with('#') {
            is_old = line.contains("old workers");
            continue;
        }
        let mut words = line.split_whitespace();
        let (Some(Ok(pid)), Some(kind)) = (words.next().map(str::parse), words.next()) else { continue };
        match kind {
            "master" => workers.failed_reloads = failed(line),
            "worker" if is_old => workers.old.push(pid),
            "worker" => {
                workers.current = Some(pid);
                workers.uptime = words.nth(1).and_then(uptime).unwrap_or_default();
            }
            _ => {}
        }
    }
    workers
}

/// From `0d00h02m07s`.
fn uptime(text: &str) -> Option<Duration> {
    let numbers: Option<Vec<u64>> =
        text.split_terminator(['d', 'h', 'm', 's']).map(|number| number.parse().ok()).collect();
    let [days, hours, minutes, seconds] = numbers?[..] else { return None };
    Some(Duration::from_secs(((days * 24 + hours) * 60 + minutes) * 60 + seconds))
}

/// From `master 5 [failed: 1]`.
fn failed(line: &str) -> u32 {
    let count = line.split_once("[failed: ").and_then(|(_, rest)| rest.split_once(']'));
    count.and_then(|(count, _)| count.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As 2.6 and 3.2 print it.
    const SHOWN: &str = "\
#<PID>          <type>          <reloads>       <uptime>        <version>
1               master          2 [failed: 1]   0d00h02m07s     3.2.26-1
# workers
20              worker          0               1d02h03m04s     3.2.26-1
# old workers
14              worker          1               0d00h00m43s     3.2.26-1
8               worker          2               0d00h01m50s     3.2.26-1
# programs

";

    #[test]
    fn current_and_old_workers_are_distinguished() {
        let workers = parse(SHOWN);
        let uptime = Duration::from_secs(93_784);
        assert_eq!(workers, Workers { current: Some(20), uptime, old: vec![14, 8], failed_reloads: 1 });
        assert_eq!(workers.all().collect::<Vec<_>>(), [20, 14, 8]);
        assert_eq!(parse("").current, None);
    }
}
