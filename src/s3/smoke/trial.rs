//! How a check sends requests: every answer is counted by gateway, and a wrong one becomes a fault that names its
//! gateway.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::Result;

use super::super::{Answer, Client};
use crate::interrupt::Interrupt;

/// Tries at what is no check of its own.
const TRIES: usize = 6;

/// Why a check did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It was not tried.
    Skipped(String),
    /// What was requested and what came instead, and from which gateway where that is known.
    Failed { message: String, gateway: Option<String> },
}

impl Fault {
    /// A wrong answer.
    pub(super) fn of(answer: &Answer, message: &str) -> Self {
        Self::Failed {
            message: format!("{message}, from {}", answer.sender()),
            gateway: answer.gateway.clone(),
        }
    }

    /// The same, with what it means put first.
    pub(super) fn meaning(self, words: &str) -> Self {
        match self {
            Self::Failed { message, gateway } => {
                Self::Failed { message: format!("{words}: {message}"), gateway }
            }
            skipped @ Self::Skipped(_) => skipped,
        }
    }

    /// Something wrong that is no single answer's.
    pub(super) fn new(message: String) -> Self {
        Self::Failed { message, gateway: None }
    }
}

/// A running check.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    /// Sends the requests.
    pub(super) client: &'a Client,
    /// The gateways that are expected to answer; empty where that is unknown.
    pub(super) names: &'a [String],
    /// The domains under which buckets should have names.
    pub(super) domains: &'a [String],
    interrupt: &'a Interrupt,
    written: &'a mut BTreeSet<String>,
    answers: BTreeMap<String, u64>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        client: &'a Client,
        names: &'a [String],
        domains: &'a [String],
        interrupt: &'a Interrupt,
        written: &'a mut BTreeSet<String>,
    ) -> Self {
        Self { client, names, domains, interrupt, written, answers: BTreeMap::new() }
    }

    /// Answers so far, by gateway.
    pub(super) fn into_answers(self) -> BTreeMap<String, u64> {
        self.answers
    }

    /// Forgets the answers so far.
    pub(super) fn count_from_here(&mut self) {
        self.answers.clear();
    }

    /// Those of the expected gateways that have not answered.
    pub(super) fn unused(&self) -> Vec<&str> {
        let names = self.names.iter().map(String::as_str);
        names.filter(|name| !self.answers.contains_key(*name)).collect()
    }

    /// Keeps a key that is about to be written, so that it is removed in the end.
    pub(super) fn will_write(&mut self, key: &str) {
        self.written.insert(key.to_owned());
    }

    /// The keys that were kept so far.
    pub(super) fn take_written(&mut self) -> BTreeSet<String> {
        std::mem::take(self.written)
    }

    /// An answer, whatever it says.
    pub(super) fn answer(&mut self, what: &str, answer: Result<Answer>) -> Result<Answer, Fault> {
        if self.interrupt.happened() {
            return Err(Fault::Skipped("interrupted".to_owned()));
        }
        let answer = answer.map_err(|error| Fault::new(format!("{what}: {error}{}", self.who_answered())))?;
        if !self.names.is_empty() && answer.gateway.is_none() {
            return Err(Fault::new(format!("{what}: {} from the balancer, of no gateway", answer.verdict())));
        }
        if let Some(name) = &answer.gateway {
            *self.answers.entry(name.clone()).or_default() += 1;
        }
        Ok(answer)
    }

    /// An answer of success.
    pub(super) fn good(&mut self, what: &str, answer: Result<Answer>) -> Result<Answer, Fault> {
        let answer = self.answer(what, answer)?;
        if answer.is_good() { Ok(answer) } else { Err(wrong(what, &answer)) }
    }

    /// Writes an object.
    pub(super) fn put(&mut self, key: &str, body: &[u8]) -> Result<Answer, Fault> {
        self.will_write(key);
        self.good(&format!("PUT of `{key}`"), self.client.put(key, body))
    }

    /// Reads an object, which must hold these bytes.
    pub(super) fn get(&mut self, key: &str, expected: &[u8]) -> Result<Answer, Fault> {
        let what = format!("GET of `{key}`");
        let answer = self.good(&what, self.client.get(key))?;
        same(&what, &answer, expected)?;
        Ok(answer)
    }

    /// Requests what is no check of its own, such as a removal: one bad gateway among good ones must not block it.
    /// Returns how many tries it took.
    pub(super) fn insist(
        &mut self,
        what: &str,
        end: Instant,
        is_done: impl Fn(&Answer) -> bool,
        ask: impl Fn(&Client) -> Result<Answer>,
    ) -> Result<usize, Fault> {
        let mut fault = Fault::new(format!("{what}: no time was left"));
        for number in 1..=TRIES {
            if Instant::now() >= end {
                break;
            }
            fault = match self.answer(what, ask(self.client)) {
                Ok(answer) if is_done(&answer) => return Ok(number),
                Ok(answer) => wrong(what, &answer),
                Err(fault @ Fault::Skipped(_)) => return Err(fault),
                Err(fault) => fault,
            };
        }
        Err(fault)
    }

    /// When no answer comes, the gateway is unknown; those that did answer narrow it down.
    fn who_answered(&self) -> String {
        let unused = self.unused();
        if self.answers.is_empty() || unused.is_empty() {
            return String::new();
        }
        format!("; until then nothing came from {}", unused.join(", "))
    }
}

/// Fails unless an answer holds these bytes.
pub(super) fn same(what: &str, answer: &Answer, expected: &[u8]) -> Result<(), Fault> {
    if answer.body == expected {
        return Ok(());
    }
    let (got, wanted) = (answer.body.len(), expected.len());
    let differs = answer.body.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(got.min(wanted));
    let message = format!("{what}: {got} bytes, other than the {wanted} written from byte {differs} on");
    Err(Fault::of(answer, &message))
}

fn wrong(what: &str, answer: &Answer) -> Fault {
    Fault::of(answer, &format!("{what}: {}", answer.verdict()))
}

/// Bytes that look random, the same for the same name: two objects, or two parts of one, are never alike.
pub(super) fn pattern(name: &str, count: usize) -> Vec<u8> {
    // FNV-1a, then xorshift64.
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::Endpoint;

    fn answer(status: u16, gateway: Option<&str>, body: &[u8]) -> Answer {
        let gateway = gateway.map(str::to_owned);
        Answer { status, gateway, etag: None, length: None, ahead: None, body: body.to_vec() }
    }

    #[test]
    fn a_pattern_depends_on_its_name_and_has_its_length() {
        assert_eq!(pattern("a", 13).len(), 13);
        assert_eq!(pattern("a", 13), pattern("a", 20)[..13]);
        assert_ne!(pattern("a", 13), pattern("b", 13));
        assert!(pattern("a", 0).is_empty());
    }

    #[test]
    fn a_fault_names_the_gateway_and_where_bytes_differ() {
        let bad = answer(200, Some("s3g2"), b"abXd");
        let expected = Fault::Failed {
            message: "GET: 4 bytes, other than the 4 written from byte 2 on, from gateway `s3g2`".to_owned(),
            gateway: Some("s3g2".to_owned()),
        };
        assert_eq!(same("GET", &bad, b"abcd"), Err(expected));
        assert_eq!(same("GET", &bad, b"abXd"), Ok(()));
    }

    #[test]
    fn a_request_without_an_answer_names_who_did_not_answer() {
        let deadline = std::time::Duration::from_secs(1);
        let key = crate::s3::Key::of_nobody();
        let client = Client::new(&Endpoint::plain("http://127.0.0.1:9"), "bucket", deadline, &key);
        let client = client.expect("a client");
        let names = ["s3g1".to_owned(), "s3g2".to_owned()];
        let (interrupt, mut written) = (Interrupt::default(), BTreeSet::new());
        let mut trial = Trial::new(&client, &names, &[], &interrupt, &mut written);
        trial.good("PUT", Ok(answer(200, Some("s3g1"), b""))).expect("good");
        let late = trial.good("GET", Err(anyhow::anyhow!("no answer within 20 s")));
        let message = "GET: no answer within 20 s; until then nothing came from s3g2".to_owned();
        assert_eq!(late.expect_err("a fault"), Fault::new(message));
        let nameless = trial.good("GET", Ok(answer(503, None, b"<Code>No</Code>")));
        let message = "GET: 503 No from the balancer, of no gateway".to_owned();
        assert_eq!(nameless.expect_err("a fault"), Fault::new(message));
        assert_eq!(trial.into_answers(), BTreeMap::from([("s3g1".to_owned(), 1)]));
    }

    #[test]
    fn a_refusal_by_another_clock_says_so() {
        let refused = |seconds| Answer {
            ahead: Some(jiff::SignedDuration::from_secs(seconds)),
            ..answer(403, Some("s3g1"), b"<Code>AccessDenied</Code>")
        };
        let hint = "this machine's; a signature is valid only near its own time)";
        assert_eq!(refused(7_290).verdict(), format!("403 AccessDenied (its clock is 2h 1m ahead of {hint}"));
        assert_eq!(refused(-90_000).verdict(), format!("403 AccessDenied (its clock is 25h behind {hint}"));
        let malformed = Answer { status: 400, ..refused(7_290) };
        assert!(
            malformed.verdict().contains("(its clock is 2h 1m ahead of"),
            "as Ozone answers an old presigned URL"
        );
        assert_eq!(refused(60).verdict(), "403 AccessDenied");
        assert_eq!(Answer { status: 200, ..refused(90_000) }.verdict(), "200 AccessDenied");
    }
}
