//! The proof that a cluster is ready: every gateway has served a signed PUT and the GET of what was put.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::s3::{Answer, Client};

/// The bucket of the probes. A name of its own and not one of each run, so that what a killed run left is
/// removed by the next.
pub(crate) const BUCKET: &str = "ozone-compose-ready";

/// An OM that waits for a quorum or for the SCM holds a request; this one ends it, and the next one tries.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long the probes under way may take in the end, in a cluster that is ready.
const LAST_PROBES: Duration = Duration::from_secs(2);

/// Pause after a refusal: next to no load on machines that are busy starting JVMs.
const PAUSE: Duration = Duration::from_millis(300);

/// Probes at a time. `leastconn` sends each to a gateway without another, so slow ones do not hide the rest.
const MOST_WORKERS: usize = 8;

/// Probes in the background until every gateway is proved or the proof is dropped.
#[derive(Debug)]
pub(super) struct Proof {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    gateways: usize,
    put: Mutex<BTreeSet<String>>,
    got: Mutex<BTreeSet<String>>,
    proved_at: Mutex<BTreeMap<String, Instant>>,
    nameless: AtomicUsize,
    problem: Mutex<String>,
    stopped: AtomicBool,
}

impl Proof {
    /// Starts to probe an endpoint behind which there are `gateways`.
    pub(super) fn start(endpoint: &str, gateways: usize) -> Result<Self> {
        let shared = Arc::new(Shared {
            client: Client::new(endpoint, BUCKET, DEADLINE)?,
            gateways,
            put: Mutex::default(),
            got: Mutex::default(),
            proved_at: Mutex::default(),
            nameless: AtomicUsize::new(0),
            problem: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let work = |worker| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.work(worker))
        };
        let workers = (0..gateways.min(MOST_WORKERS)).map(work).collect();
        Ok(Self { shared, workers })
    }

    /// How many gateways are proved.
    #[must_use]
    pub(super) fn proved(&self) -> usize {
        self.shared.proved()
    }

    /// The gateways that are proved, each with the time when it was; none where the balancer does not tell names.
    #[must_use]
    pub(super) fn times(&self) -> BTreeMap<String, Instant> {
        lock(&self.shared.proved_at).clone()
    }

    /// Whether all are.
    #[must_use]
    pub(super) fn is_complete(&self) -> bool {
        self.shared.is_complete()
    }

    /// What the last probe that failed met.
    #[must_use]
    pub(super) fn problem(&self) -> String {
        lock(&self.shared.problem).clone()
    }

    /// Removes what the probes wrote; what cannot be removed is left to the next run.
    pub(super) fn clean_up(self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // A PUT on its way would come after its own removal.
        let end = Instant::now() + LAST_PROBES;
        while Instant::now() < end && !self.workers.iter().all(JoinHandle::is_finished) {
            thread::sleep(Duration::from_millis(10));
        }
        for worker in 0..self.workers.len() {
            let _ = self.shared.client.delete(&key(worker));
        }
        let _ = self.shared.client.remove_bucket();
    }
}

impl Drop for Proof {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn work(&self, worker: usize) {
        let mut has_bucket = false;
        while !self.stopped.load(Ordering::Relaxed) && !self.is_complete() {
            let result =
                if has_bucket { self.probe(worker) } else { self.client.make_bucket().and_then(good) };
            match result {
                Ok(()) => has_bucket = true,
                Err(problem) => {
                    *lock(&self.problem) = problem.to_string();
                    // The bucket may have gone with another run's.
                    has_bucket &= !problem.to_string().contains("404");
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    fn probe(&self, worker: usize) -> Result<()> {
        let (key, body) = (key(worker), format!("probe {worker}"));
        let put = self.client.put(&key, body.as_bytes())?;
        let gateway = put.gateway.clone();
        good(put)?;
        note(&self.put, gateway);
        let got = self.client.get(&key)?;
        if got.is_good() && got.body != body.as_bytes() {
            bail!("a GET did not return what was PUT");
        }
        let gateway = got.gateway.clone();
        good(got)?;
        if gateway.is_none() {
            self.nameless.fetch_add(1, Ordering::Relaxed);
        }
        note(&self.got, gateway);
        let now = Instant::now();
        let mut proved_at = lock(&self.proved_at);
        for name in lock(&self.put).intersection(&lock(&self.got)) {
            proved_at.entry(name.clone()).or_insert(now);
        }
        Ok(())
    }

    /// Without names (Ozone's own example adds none) round robin takes a PUT and a GET through two gateways:
    /// twice as many of both as there are gateways have met each one.
    fn proved(&self) -> usize {
        let named = lock(&self.proved_at).len();
        named.max(self.nameless.load(Ordering::Relaxed) / 2).min(self.gateways)
    }

    fn is_complete(&self) -> bool {
        self.proved() >= self.gateways
    }
}

fn note(names: &Mutex<BTreeSet<String>>, gateway: Option<String>) {
    lock(names).extend(gateway);
}

fn good(answer: Answer) -> Result<()> {
    if answer.is_good() {
        return Ok(());
    }
    let gateway = answer.gateway.map_or_else(|| "the balancer".to_owned(), |name| format!("gateway {name}"));
    bail!("{gateway} answered {}", answer.status)
}

fn key(worker: usize) -> String {
    format!("probe-{worker}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
