//! A load of signed requests whose clients keep their connections and repeat nothing, and what became of the requests.
//!
//! Here is the load from its bucket to the removal of it; `caller` is one client, `tally` counts. Knows nothing of how
//! results are shown.

mod caller;
mod tally;

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rusty_s3::actions::ListObjectsV2;

use super::{Client, Endpoint, Key, PAUSE, insist};
use crate::interrupt::Interrupt;
use crate::lock::lock;
use crate::spec::values::{Mix, ObjectSize, Operation};
use caller::Caller;
use tally::Tally;
pub use tally::{ErrorRow, Gap, GatewayRow, OperationRow, Report, Second, real};

/// Within this time a request must be answered; the balancer gives up a gateway long before.
const DEADLINE: Duration = Duration::from_secs(30);

/// How long what is no part of the load may be tried: the bucket, the first objects, and their removal.
const PATIENCE: Duration = Duration::from_secs(20);

/// Rest of a client after an error: where nothing listens, answers come in microseconds, and nobody sends so many.
const REST: Duration = Duration::from_millis(50);

/// File descriptors beside those of clients: files, pipes of commands, and connections that are being closed.
const OTHER_DESCRIPTORS: u64 = 128;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Requests {
    /// Clients at once.
    pub clients: usize,
    /// Sizes of objects, in turn from round to round.
    pub sizes: Vec<ObjectSize>,
    /// How often each operation comes in a round.
    pub mix: Mix,
}

/// A load on a bucket of its own.
#[derive(Debug)]
pub struct Load {
    client: Client,
    sizes: Vec<ObjectSize>,
    mix: Mix,
    callers: Vec<Caller>,
}

impl Load {
    /// A load that has sent nothing yet.
    ///
    /// # Errors
    /// When the endpoint or the bucket's name cannot be used.
    pub fn new(endpoint: &Endpoint, bucket: &str, key: &Key, requests: Requests) -> Result<Self> {
        let Requests { clients, sizes, mix } = requests;
        let client = Client::new(endpoint, bucket, DEADLINE, key)?;
        allow_connections(clients);
        let largest = sizes.iter().map(|size| size.bytes()).max().unwrap_or(0);
        // One text for all, in no part like another.
        let filling: Arc<[u8]> = (0..largest).map(|place| (place % 251).to_le_bytes()[0]).collect();
        let caller = |number| Caller::new(number, endpoint, &client, Arc::clone(&filling));
        let callers = (0..clients).map(caller).collect();
        Ok(Self { client, sizes, mix, callers })
    }

    /// Makes the bucket and every object, so that each can be read from the first request on.
    ///
    /// # Errors
    /// With what was not made, or when a person stopped the run.
    pub fn prepare(&self, interrupt: &Interrupt) -> Result<()> {
        let good = |what: &str, ask: &dyn Fn() -> Result<super::Answer>| {
            let answer = insist(PATIENCE, interrupt, ask)?;
            if answer.is_good() {
                return Ok(());
            }
            bail!("{what}: {} from {}", answer.verdict(), answer.sender());
        };
        good("PUT of the bucket", &|| self.client.make_bucket())?;
        self.each(|caller| {
            self.sizes.iter().try_for_each(|size| {
                let key = caller.key(*size);
                good(&format!("PUT of `{key}`"), &|| self.client.put(&key, caller.body(*size)))
            })
        })
    }

    /// Sends requests for as long as `meanwhile` takes, which gets the moment of the first. Requests in flight are awaited.
    pub fn run<T>(&self, meanwhile: impl FnOnce(Instant) -> T) -> (Report, T) {
        let kinds = self.mix.operations().flat_map(|one| self.sizes.iter().map(move |size| (one, *size)));
        let started = Instant::now();
        let tally = Mutex::new(Tally::new(started, kinds));
        let is_over = AtomicBool::new(false);
        let round = self.mix.round();
        let result = thread::scope(|scope| {
            for (number, caller) in self.callers.iter().enumerate() {
                let (tally, is_over, round) = (&tally, &is_over, &round);
                scope.spawn(move || self.call(caller, number, round, tally, is_over));
            }
            let result = meanwhile(started);
            is_over.store(true, Ordering::Relaxed);
            lock(&tally).close(Instant::now());
            result
        });
        let report = lock(&tally).report();
        (report, result)
    }

    /// What one client does. It begins at a place of its own, so that not all of them write at once.
    fn call(
        &self,
        caller: &Caller,
        number: usize,
        round: &[Operation],
        tally: &Mutex<Tally>,
        is_over: &AtomicBool,
    ) {
        for turn in number.. {
            let operation = round[turn % round.len()];
            let size = self.sizes[turn / round.len() % self.sizes.len()];
            let sent = caller.send(operation, size);
            lock(tally).count(operation, size, &sent);
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            if sent.failure.is_some() {
                thread::sleep(REST);
            }
        }
    }

    /// Removes the objects and the bucket, Ctrl-C or not.
    ///
    /// # Errors
    /// With what was answered where the bucket is left.
    pub fn remove(&self) -> Result<()> {
        let never = Interrupt::default();
        let remove = |key: &str| insist(PATIENCE, &never, || self.client.delete(key)).map(drop);
        self.each(|caller| self.sizes.iter().try_for_each(|size| remove(&caller.key(*size))))?;
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = insist(PATIENCE, &never, || self.client.remove_bucket())?;
            if answer.is_good() || answer.status == 404 {
                return Ok(());
            }
            if answer.status != 409 || Instant::now() > end {
                bail!("DELETE of the bucket: {} from {}", answer.verdict(), answer.sender());
            }
            // A gateway that was frozen may complete a write that nobody waits for any more.
            self.listed(&never)?.iter().try_for_each(|key| remove(key))?;
            thread::sleep(PAUSE);
        }
    }

    /// The first keys in the bucket.
    fn listed(&self, interrupt: &Interrupt) -> Result<Vec<String>> {
        let (bucket, credentials) = self.client.signer();
        let list = bucket.list_objects_v2(Some(credentials));
        let answer = insist(PATIENCE, interrupt, || self.client.send(&list, &[]))?;
        let list = ListObjectsV2::parse_response(&String::from_utf8_lossy(&answer.body))?;
        Ok(list.contents.into_iter().map(|object| object.key).collect())
    }

    /// Does something for every client at once.
    fn each(&self, work: impl Fn(&Caller) -> Result<()> + Sync) -> Result<()> {
        let work = &work;
        thread::scope(|scope| {
            let begun: Vec<_> = self.callers.iter().map(|caller| scope.spawn(move || work(caller))).collect();
            begun.into_iter().try_for_each(|one| one.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })
    }
}

/// Lets this process open so many connections, as far as the system permits: on macOS a program starts with 256 file
/// descriptors, and may have more.
fn allow_connections(clients: usize) {
    let wanted = OTHER_DESCRIPTORS + clients as u64;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let current = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        // Where it is refused, a client without a connection is an error that the load counts.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..limit });
    }
}
