//! The state of a gateway in one word: what the engine reports about its container and HAProxy about it. What the files
//! say beyond that is separate, as pending.

use serde::Serialize;

use crate::engine::objects::{Container, Health, State};
use crate::haproxy::Gateway;

/// The state of a gateway, by the word that programs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// It gets requests.
    Serving,
    /// Its container runs, and it has not passed HAProxy's checks yet.
    Starting,
    /// HAProxy sends it no new requests, as the files say.
    Drained,
    /// HAProxy sends it no new requests, and the files do not say so: a `scale` or `restart` did not finish.
    Held,
    /// Its process has ended.
    Ended,
    /// Its container is paused.
    Paused,
    /// It has no container.
    Missing,
    /// It takes connections and does not answer: frozen, overloaded, or on the last step of its start.
    Silent,
    /// No process listens in its container.
    Closed,
    /// It answers HAProxy's checks with an error.
    Failing,
    /// Its container has another address than HAProxy uses.
    Moved,
    /// HAProxy has not loaded it.
    Unloaded,
    /// The files have no such gateway.
    Surplus,
    /// HAProxy does not answer.
    Unknown,
}

/// What is known of a gateway.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// Its container.
    pub container: Option<&'a Container>,
    /// HAProxy's view of it.
    pub seen: Option<&'a Gateway>,
    /// Whether HAProxy answered at all.
    pub has_answer: bool,
    /// Whether the files have it.
    pub wanted: bool,
    /// Whether the files say that it gets no new requests.
    pub drained: bool,
}

impl Evidence<'_> {
    /// The first thing that is wrong, looked for from the container outwards.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let Some(container) = self.container else { return Condition::Missing };
        match container.state {
            State::Running => {}
            State::Paused => return Condition::Paused,
            _ => return Condition::Ended,
        }
        if !self.wanted {
            return Condition::Surplus;
        }
        let Some(seen) = self.seen else {
            return if self.has_answer { Condition::Unloaded } else { Condition::Unknown };
        };
        if seen.is_drained() {
            return if self.drained { Condition::Drained } else { Condition::Held };
        }
        if seen.is_up() {
            return Condition::Serving;
        }
        let addresses = &container.addresses;
        let has_other_address = !addresses.is_empty() && !addresses.iter().any(|one| seen.is_at(one));
        if has_other_address && !seen.address.is_empty() {
            return Condition::Moved;
        }
        match seen.check.trim_start_matches("* ") {
            // Also before the engine's first good health check: one that has served may freeze until then.
            "L4TOUT" | "L6TOUT" | "L7TOUT" => Condition::Silent,
            _ if container.health == Health::Starting => Condition::Starting,
            "L4CON" => Condition::Closed,
            "L7STS" | "L7RSP" | "L6RSP" => Condition::Failing,
            _ => Condition::Starting,
        }
    }

    /// What the files say and HAProxy has not done yet, in words.
    #[must_use]
    pub fn pending(&self) -> Option<&'static str> {
        let is_drained = self.seen.is_some_and(Gateway::is_drained);
        (self.drained && !is_drained).then_some("to be drained")
    }

    /// The condition in words, with what to do where there is something, and with what is pending.
    #[must_use]
    pub fn explanation(&self) -> String {
        let text = self.words();
        self.pending().map_or(text.clone(), |pending| format!("{text}, {pending}"))
    }

    fn words(&self) -> String {
        let exit_code = self.container.map_or(0, |container| container.exit_code);
        let in_flight = self.seen.map_or(0, |seen| seen.sessions);
        let text = match self.condition() {
            Condition::Serving => "serves",
            Condition::Starting => "starts",
            Condition::Drained if in_flight > 0 => "drained, finishes what it has",
            Condition::Drained => "drained",
            Condition::Held => "drained in HAProxy alone; resume takes it back",
            Condition::Ended if exit_code == 137 => "was killed (exit code 137); start runs it again",
            Condition::Ended if exit_code == 143 => "was stopped (exit code 143); start runs it again",
            Condition::Ended => return format!("ended with exit code {exit_code}; start runs it again"),
            Condition::Paused => {
                let name = self.container.map_or("", |container| container.name.as_str());
                return format!("paused; `docker unpause {name}` continues it");
            }
            Condition::Missing => "has no container; up starts it",
            Condition::Silent if self.container.is_some_and(|one| one.health == Health::Starting) => {
                "runs and does not answer: frozen, overloaded or about to be ready"
            }
            Condition::Silent => "runs and does not answer: frozen or overloaded",
            Condition::Closed => "runs, but does not listen",
            Condition::Failing => "answers checks with an error",
            Condition::Moved => "has a new address, and HAProxy still uses the old one",
            Condition::Unloaded => "not loaded by HAProxy; up proves and loads it",
            Condition::Surplus => "not in the files; scale removes it",
            Condition::Unknown => "runs; HAProxy does not say more",
        };
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::objects::samples;

    const ADDRESS: &str = "172.18.0.5";

    fn container(state: State, exit_code: i64) -> Container {
        let addresses = vec!["10.0.0.9".to_owned(), ADDRESS.to_owned()];
        let container = samples::container("s3g1", "gateway");
        Container { state, health: Health::Healthy, exit_code, addresses, ..container }
    }

    fn seen(state: &str, check: &str) -> Gateway {
        Gateway {
            name: "s3g1".parse().expect("a gateway"),
            address: format!("{ADDRESS}:9878"),
            state: state.to_owned(),
            check: check.to_owned(),
            weight: 1,
            sessions: 0,
            requests: 7,
            errors: 0,
        }
    }

    /// The condition and its explanation, of a container and of HAProxy's view where there are any.
    fn judged(
        container: Option<(State, i64)>,
        haproxy: Option<(&str, &str)>,
        change: impl Fn(Evidence<'_>) -> Evidence<'_>,
    ) -> (Condition, String) {
        let container = container.map(|(state, exit_code)| self::container(state, exit_code));
        let seen = haproxy.map(|(state, check)| self::seen(state, check));
        let (container, seen) = (container.as_ref(), seen.as_ref());
        let evidence = change(Evidence { container, seen, has_answer: true, wanted: true, drained: false });
        (evidence.condition(), evidence.explanation())
    }

    const RUNS: Option<(State, i64)> = Some((State::Running, 0));

    #[test]
    fn each_way_to_fail_has_its_own_word() {
        for (container, haproxy, condition) in [
            (RUNS, Some(("UP", "L7OK")), Condition::Serving),
            (Some((State::Exited, 137)), Some(("DOWN", "L4CON")), Condition::Ended),
            (Some((State::Paused, 0)), Some(("DOWN", "L7TOUT")), Condition::Paused),
            (RUNS, Some(("DOWN", "L7TOUT")), Condition::Silent),
            (RUNS, Some(("DOWN", "L4CON")), Condition::Closed),
            (RUNS, Some(("DOWN", "L7STS")), Condition::Failing),
            (None, Some(("MAINT (resolution)", "")), Condition::Missing),
            (RUNS, None, Condition::Unloaded),
            (RUNS, Some(("DRAIN", "L7OK")), Condition::Held),
        ] {
            let found = judged(container, haproxy, |evidence| evidence);
            assert_eq!(found.0, condition, "{container:?} {haproxy:?}");
        }
        let killed = judged(Some((State::Exited, 137)), None, |evidence| evidence);
        assert_eq!(killed.1, "was killed (exit code 137); start runs it again");
        let stopped = judged(Some((State::Exited, 143)), None, |evidence| evidence);
        assert_eq!(stopped.1, "was stopped (exit code 143); start runs it again");
    }

    #[test]
    fn a_gateway_that_starts_has_no_port_yet_and_one_that_has_may_freeze() {
        for (check, condition) in
            [("L4CON", Condition::Starting), ("* L4CON", Condition::Starting), ("L7TOUT", Condition::Silent)]
        {
            let starts = Container { health: Health::Starting, ..container(State::Running, 0) };
            let seen = seen("DOWN", check);
            let (container, seen) = (Some(&starts), Some(&seen));
            let evidence = Evidence { container, seen, has_answer: true, wanted: true, drained: false };
            assert_eq!(evidence.condition(), condition, "{check}");
        }
    }

    #[test]
    fn a_gateway_is_where_any_of_its_addresses_is() {
        let elsewhere =
            Container { addresses: vec!["172.18.0.9".to_owned()], ..container(State::Running, 0) };
        let there = container(State::Running, 0);
        let seen = seen("DOWN", "L4CON");
        for (container, condition) in [(&elsewhere, Condition::Moved), (&there, Condition::Closed)] {
            let (container, seen) = (Some(container), Some(&seen));
            let evidence = Evidence { container, seen, has_answer: true, wanted: true, drained: false };
            assert_eq!(evidence.condition(), condition);
        }
        let unknown = judged(RUNS, None, |evidence| Evidence { has_answer: false, ..evidence });
        assert_eq!(unknown.0, Condition::Unknown);
        let surplus = judged(RUNS, Some(("UP", "L7OK")), |evidence| Evidence { wanted: false, ..evidence });
        assert_eq!(surplus.0, Condition::Surplus);
    }

    #[test]
    fn drained_is_what_haproxy_does_and_what_the_files_say_is_pending_until_then() {
        fn to_be(evidence: Evidence<'_>) -> Evidence<'_> {
            Evidence { drained: true, ..evidence }
        }
        assert_eq!(judged(RUNS, Some(("DRAIN", "")), to_be), (Condition::Drained, "drained".to_owned()));
        let serving = judged(RUNS, Some(("UP", "L7OK")), to_be);
        assert_eq!(serving, (Condition::Serving, "serves, to be drained".to_owned()));
    }
}
