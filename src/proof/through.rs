//! Signed PUTs and GETs through the balancer, which names the gateway that served each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{BUCKET, Prover};
use crate::lock::lock;
use crate::s3::{Answer, Client, Endpoint, Key};
use crate::spec::values::GatewayName;

/// An OM that waits for a quorum or for the SCM blocks a request; this timeout ends it, and the next probe tries again.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long the probes in flight may take at the end, in a cluster that is ready.
const LAST_PROBES: Duration = Duration::from_secs(2);

/// Pause after a refusal: hardly any load on machines that are busy starting JVMs.
const PAUSE: Duration = Duration::from_millis(300);

/// Longer after each good probe that proved no other gateway, up to [`PAUSE`]: gateways that serve are not kept busy
/// while others start.
const PAUSE_AFTER_NONE: Duration = Duration::from_millis(10);

/// Probes at a time. `leastconn` sends each to a gateway without another, so slow ones do not hide the rest.
const MOST_WORKERS: usize = 8;

/// Probes in the background until every gateway is proved or the proof is dropped.
#[derive(Debug)]
pub(super) struct Through {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    /// One whose secret is wrong, where there are wrong ones.
    forger: Option<Client>,
    gateways: usize,
    put: Mutex<BTreeSet<GatewayName>>,
    got: Mutex<BTreeSet<GatewayName>>,
    refused: Mutex<BTreeSet<GatewayName>>,
    proved_at: Mutex<BTreeMap<GatewayName, Instant>>,
    problem: Mutex<String>,
    stopped: AtomicBool,
}

impl Through {
    /// Starts to probe an endpoint behind which there are `gateways`.
    pub(super) fn start(endpoint: &Endpoint, gateways: usize, prover: &Prover<'_>) -> Result<Self> {
        let client = |key: &Key| Client::new(endpoint, BUCKET, DEADLINE, key);
        let shared = Arc::new(Shared {
            client: client(&prover.key)?,
            forger: prover.forged().map(|key| client(&key)).transpose()?,
            gateways,
            put: Mutex::default(),
            got: Mutex::default(),
            refused: Mutex::default(),
            proved_at: Mutex::default(),
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

    /// The gateways that are proved, each with the time when it was.
    #[must_use]
    pub(super) fn times(&self) -> BTreeMap<GatewayName, Instant> {
        lock(&self.shared.proved_at).clone()
    }

    /// What the last probe that failed met.
    #[must_use]
    pub(super) fn problem(&self) -> String {
        lock(&self.shared.problem).clone()
    }

    /// Removes what the probes wrote; what cannot be removed is left to the next run.
    pub(super) fn clean_up(self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // A PUT in flight would arrive after its own removal.
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

impl Drop for Through {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn work(&self, worker: usize) {
        let mut has_bucket = false;
        let mut nothing_new = 0;
        while !self.stopped.load(Ordering::Relaxed) && !self.is_complete() {
            let before = self.proved();
            let result = if has_bucket {
                self.probe(worker)
            } else {
                self.client.make_bucket().and_then(|made| good(&made))
            };
            match result {
                Ok(()) => {
                    has_bucket = true;
                    nothing_new = if self.proved() > before { 0 } else { nothing_new + 1 };
                    if !self.is_complete() {
                        thread::sleep((PAUSE_AFTER_NONE * nothing_new).min(PAUSE));
                    }
                }
                Err(problem) => {
                    *lock(&self.problem) = problem.to_string();
                    // Another run may have removed the bucket.
                    has_bucket &= !problem.to_string().contains("404");
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    fn probe(&self, worker: usize) -> Result<()> {
        let (key, body) = (key(worker), format!("probe {worker}"));
        let put = self.client.put(&key, body.as_bytes())?;
        let gateway = name(&put);
        good(&put)?;
        note(&self.put, gateway?);
        let got = self.client.get(&key)?;
        if got.is_good() && got.body != body.as_bytes() {
            bail!("a GET did not return what was PUT");
        }
        let gateway = name(&got);
        good(&got)?;
        note(&self.got, gateway?);
        if let Some(forger) = &self.forger {
            let answer = forger.get(&key)?;
            let gateway = name(&answer)?;
            if answer.status != 403 {
                bail!("gateway {gateway} answered {} to a wrong secret", answer.status);
            }
            note(&self.refused, gateway);
        }
        let now = Instant::now();
        let mut proved_at = lock(&self.proved_at);
        let refused = lock(&self.refused);
        for name in lock(&self.put).intersection(&lock(&self.got)) {
            if self.forger.is_some() && !refused.contains(name) {
                continue;
            }
            proved_at.entry(name.clone()).or_insert(now);
        }
        Ok(())
    }

    fn proved(&self) -> usize {
        lock(&self.proved_at).len().min(self.gateways)
    }

    fn is_complete(&self) -> bool {
        self.proved() >= self.gateways
    }
}

/// The gateway that served an answer.
fn name(answer: &Answer) -> Result<GatewayName> {
    let named = answer.gateway.as_ref().and_then(|name| name.parse().ok());
    named.context("the balancer does not say which gateway served")
}

fn note(names: &Mutex<BTreeSet<GatewayName>>, gateway: GatewayName) {
    lock(names).insert(gateway);
}

fn good(answer: &Answer) -> Result<()> {
    if answer.is_good() {
        return Ok(());
    }
    bail!("{} answered {}", answer.sender(), answer.verdict())
}

fn key(worker: usize) -> String {
    format!("probe-{worker}")
}
