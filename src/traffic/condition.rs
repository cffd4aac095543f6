//! How a gateway fares: what the engine says of its container, what HAProxy says of it, and what the files wish, put
//! together into one word.

use serde::Serialize;

use crate::engine::containers::Container;
use crate::haproxy::Gateway;

/// The state of a gateway, by the word that programs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// It gets requests.
    Serving,
    /// Its container runs, and it has not passed HAProxy's checks yet.
    Starting,
    /// The files say that it gets nothing new.
    Drained,
    /// HAProxy was told to send it nothing new, and the files do not say so: a `scale` or `restart` did not finish.
    Held,
    /// Its process has ended.
    Ended,
    /// Its container is paused.
    Paused,
    /// It has no container.
    Missing,
    /// It takes connections and does not answer: frozen, overloaded, or on the last step of its start.
    Silent,
    /// Nobody listens in its container.
    Closed,
    /// It answers HAProxy's checks with an error.
    Failing,
    /// Its container has another address than HAProxy asks.
    Moved,
    /// HAProxy has not loaded it.
    Unloaded,
    /// The files have no such gateway.
    Surplus,
    /// HAProxy cannot be asked.
    Unknown,
}

/// What is known of a gateway.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// Its container.
    pub container: Option<&'a Container>,
    /// The address of that container; empty where it does not run or that is not known.
    pub address: &'a str,
    /// HAProxy's view of it.
    pub seen: Option<&'a Gateway>,
    /// Whether HAProxy could be asked at all.
    pub asked: bool,
    /// Whether the files have it.
    pub wanted: bool,
    /// Whether the files say that it gets nothing new.
    pub drained: bool,
}

impl Evidence<'_> {
    /// The first thing that is wrong, looked for from the container outwards.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let Some(container) = self.container else { return Condition::Missing };
        match container.state.as_str() {
            "running" => {}
            "paused" => return Condition::Paused,
            _ => return Condition::Ended,
        }
        if !self.wanted {
            return Condition::Surplus;
        }
        let Some(seen) = self.seen else {
            return if self.asked { Condition::Unloaded } else { Condition::Unknown };
        };
        if self.drained {
            return Condition::Drained;
        }
        if seen.is_drained() {
            return Condition::Held;
        }
        if seen.is_up() {
            return Condition::Serving;
        }
        let has_other_address = !self.address.is_empty() && !seen.is_at(self.address);
        if has_other_address && !seen.address.is_empty() {
            return Condition::Moved;
        }
        match seen.check.trim_start_matches("* ") {
            // Also before the engine's first good health check: one that has served may freeze until then.
            "L4TOUT" | "L6TOUT" | "L7TOUT" => Condition::Silent,
            _ if container.is_starting() => Condition::Starting,
            "L4CON" => Condition::Closed,
            "L7STS" | "L7RSP" | "L6RSP" => Condition::Failing,
            _ => Condition::Starting,
        }
    }

    /// The condition in words, with what to do where there is something.
    #[must_use]
    pub fn explanation(&self) -> String {
        let exit_code = self.container.map_or(0, |container| container.exit_code);
        let in_flight = self.seen.map_or(0, |seen| seen.sessions);
        let text = match self.condition() {
            Condition::Serving => "serves",
            Condition::Starting => "starts",
            Condition::Drained if in_flight > 0 => "drained, finishes what it has",
            Condition::Drained => "drained",
            Condition::Held => "drained in HAProxy alone; resume takes it back",
            Condition::Ended if exit_code == 137 => "was killed (exit code 137)",
            Condition::Ended => return format!("ended with exit code {exit_code}"),
            Condition::Paused => "paused",
            Condition::Missing => "has no container",
            Condition::Silent if self.container.is_some_and(Container::is_starting) => {
                "runs and does not answer: frozen, overloaded or about to be ready"
            }
            Condition::Silent => "runs and does not answer: frozen or overloaded",
            Condition::Closed => "runs and nobody listens",
            Condition::Failing => "answers checks with an error",
            Condition::Moved => "has a new address, and HAProxy asks the old one",
            Condition::Unloaded => "not loaded by HAProxy; reload loads it",
            Condition::Surplus => "not in the files; scale removes it",
            Condition::Unknown => "runs; HAProxy does not say more",
        };
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(state: &str, exit_code: i64) -> Container {
        Container {
            id: "1".to_owned(),
            name: "demo-s3g1-1".to_owned(),
            service: "s3g1".to_owned(),
            role: "gateway".to_owned(),
            state: state.to_owned(),
            health: "healthy".to_owned(),
            exit_code,
            status: String::new(),
        }
    }

    fn seen(state: &str, check: &str) -> Gateway {
        Gateway {
            name: "s3g1".to_owned(),
            address: "172.18.0.5:9878".to_owned(),
            state: state.to_owned(),
            check: check.to_owned(),
            weight: 1,
            sessions: 0,
            requests: 7,
            errors: 0,
        }
    }

    /// What is made of a container and of HAProxy's view, where there are such.
    fn judged(
        container: Option<(&str, i64)>,
        haproxy: Option<(&str, &str)>,
        change: impl Fn(Evidence<'_>) -> Evidence<'_>,
    ) -> (Condition, String) {
        let container = container.map(|(state, exit_code)| self::container(state, exit_code));
        let seen = haproxy.map(|(state, check)| self::seen(state, check));
        let (container, seen) = (container.as_ref(), seen.as_ref());
        let address = "172.18.0.5";
        let evidence =
            change(Evidence { container, address, seen, asked: true, wanted: true, drained: false });
        (evidence.condition(), evidence.explanation())
    }

    #[test]
    fn each_way_to_fail_has_its_own_word() {
        let runs = Some(("running", 0));
        for (container, haproxy, condition) in [
            (runs, Some(("UP", "L7OK")), Condition::Serving),
            (Some(("exited", 137)), Some(("DOWN", "L4CON")), Condition::Ended),
            (Some(("paused", 0)), Some(("DOWN", "L7TOUT")), Condition::Paused),
            (runs, Some(("DOWN", "L7TOUT")), Condition::Silent),
            (runs, Some(("DOWN", "L4CON")), Condition::Closed),
            (runs, Some(("DOWN", "L7STS")), Condition::Failing),
            (None, Some(("MAINT (resolution)", "")), Condition::Missing),
            (runs, None, Condition::Unloaded),
            (runs, Some(("DRAIN", "L7OK")), Condition::Held),
        ] {
            let found = judged(container, haproxy, |evidence| evidence);
            assert_eq!(found.0, condition, "{container:?} {haproxy:?}");
        }
        assert_eq!(judged(Some(("exited", 137)), None, |evidence| evidence).1, "was killed (exit code 137)");
    }

    #[test]
    fn a_gateway_that_starts_has_no_port_yet_and_one_that_has_may_freeze() {
        for (check, condition) in
            [("L4CON", Condition::Starting), ("* L4CON", Condition::Starting), ("L7TOUT", Condition::Silent)]
        {
            let starts = Container { health: "starting".to_owned(), ..container("running", 0) };
            let seen = seen("DOWN", check);
            let evidence = Evidence {
                container: Some(&starts),
                seen: Some(&seen),
                asked: true,
                wanted: true,
                ..Evidence::default()
            };
            assert_eq!(evidence.condition(), condition, "{check}");
        }
    }

    #[test]
    fn what_the_files_say_and_where_the_container_is_count_too() {
        let (runs, up, down) = (Some(("running", 0)), Some(("UP", "L7OK")), Some(("DOWN", "L4TOUT")));
        let moved = judged(runs, down, |evidence| Evidence { address: "172.18.0.9", ..evidence });
        assert_eq!(moved.0, Condition::Moved);
        let unknown = judged(runs, None, |evidence| Evidence { asked: false, ..evidence });
        assert_eq!(unknown.0, Condition::Unknown);
        let surplus = judged(runs, up, |evidence| Evidence { wanted: false, ..evidence });
        assert_eq!(surplus.0, Condition::Surplus);
        let drained = judged(runs, Some(("DRAIN", "")), |evidence| Evidence { drained: true, ..evidence });
        assert_eq!(drained.0, Condition::Drained);
    }
}
