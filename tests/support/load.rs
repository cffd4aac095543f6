//! A continuous S3 load whose clients never repeat a request, and what became of each one.
//!
//! ```ignore
//! let load = Load::start("http://127.0.0.1:9878", Traffic::default());
//! let killed = Instant::now();
//! // ... kill a gateway, wait ...
//! let report = load.stop();
//! assert_eq!(report.unexcused(killed..killed + Duration::from_millis(500)), []);
//! ```

mod report;
mod wire;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ozone_compose::s3::{Client, Endpoint, Key};
use rusty_s3::S3Action;

pub(crate) use report::{Failure, Operation, Report};
use wire::{Reply, Wire};

/// Where the objects are.
const BUCKET: &str = "load";

/// How long signatures hold: longer than any load.
const SIGNED_FOR: Duration = Duration::from_secs(3600);

/// One operation of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    PutSmall,
    PutLarge,
    GetSmall,
    GetLarge,
    Head,
}

impl Kind {
    /// Whether it changes anything, so that a balancer must not repeat it.
    pub(crate) fn is_write(self) -> bool {
        matches!(self, Self::PutSmall | Self::PutLarge)
    }

    /// The method, and which of a client's two objects it is for.
    fn parts(self) -> (&'static str, Size) {
        match self {
            Self::PutSmall => ("PUT", Size::Small),
            Self::PutLarge => ("PUT", Size::Large),
            Self::GetSmall => ("GET", Size::Small),
            Self::GetLarge => ("GET", Size::Large),
            Self::Head => ("HEAD", Size::Small),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Size {
    Small,
    Large,
}

impl Size {
    /// 1 KiB, which HAProxy can hold and repeat, and 1 MiB, which it cannot.
    fn bytes(self) -> usize {
        match self {
            Self::Small => 1 << 10,
            Self::Large => 1 << 20,
        }
    }
}

/// The operations, and for how long at most.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    /// Clients at once, each with one connection that is kept open.
    pub(crate) clients: usize,
    /// What each client does, over and over; each begins at a place of its own.
    pub(crate) mix: &'static [Kind],
    /// Rest of a client after each operation.
    pub(crate) pause: Duration,
    /// Silence after which an operation has failed.
    pub(crate) patience: Duration,
    /// When clients stop by themselves.
    pub(crate) at_most: Duration,
    /// Operations of all clients after which they stop by themselves.
    pub(crate) operations: usize,
}

impl Default for Traffic {
    /// Twelve clients that write and read small and large objects for no longer than two minutes.
    fn default() -> Self {
        Self {
            clients: 12,
            mix: &[
                Kind::PutSmall,
                Kind::GetSmall,
                Kind::Head,
                Kind::PutLarge,
                Kind::GetSmall,
                Kind::PutSmall,
                Kind::GetLarge,
                Kind::Head,
            ],
            pause: Duration::from_millis(10),
            patience: Duration::from_secs(30),
            at_most: Duration::from_secs(120),
            operations: 200_000,
        }
    }
}

/// A load that runs; its clients stop when it is dropped.
#[derive(Debug)]
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    traffic: Traffic,
    /// `host:port`, as signed.
    host: String,
    signer: Client,
    /// What bodies are made of.
    filling: Vec<u8>,
    started: Instant,
    begun: AtomicUsize,
    is_over: AtomicBool,
    done: Mutex<Vec<Operation>>,
}

impl Load {
    /// Makes the bucket and starts the clients.
    pub(crate) fn start(endpoint: &str, traffic: Traffic) -> Self {
        Self::of_user(&Key::of_nobody(), endpoint, traffic)
    }

    /// The same, signed with a user's key.
    pub(crate) fn of_user(key: &Key, endpoint: &str, traffic: Traffic) -> Self {
        let (place, patience) = (Endpoint::plain(endpoint), Duration::from_secs(30));
        let signer = Client::new(&place, BUCKET, patience, key).expect("an endpoint");
        let made = signer.make_bucket().expect("an answer");
        assert!(made.is_good(), "the bucket was not made: {}", made.verdict());
        let host = endpoint.strip_prefix("http://").expect("plain HTTP").trim_end_matches('/').to_owned();
        let filling = (0..Size::Large.bytes()).map(|place| (place % 251).to_le_bytes()[0]).collect();
        let shared = Arc::new(Shared {
            traffic,
            host,
            signer,
            filling,
            started: Instant::now(),
            begun: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            done: Mutex::default(),
        });
        let start = |number| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || Caller::new(number, &shared).run())
        };
        let clients = (0..shared.traffic.clients).map(start).collect();
        Self { shared, clients }
    }

    /// What became of the operations that have ended.
    pub(crate) fn so_far(&self) -> Report {
        let mut operations = self.shared.done.lock().expect("no client panicked").clone();
        operations.sort_by_key(Operation::ended);
        Report { started: self.shared.started, operations }
    }

    /// Lets the clients end what they have begun.
    pub(crate) fn stop(self) -> Report {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.ended()
    }

    /// Waits until the clients have stopped by themselves.
    pub(crate) fn ended(mut self) -> Report {
        for client in self.clients.drain(..) {
            client.join().expect("a client that did not panic");
        }
        self.so_far()
    }
}

impl Drop for Load {
    /// Does not wait: where a test has failed, an answer may never come.
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    /// Whether another operation may begin.
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
            && self.started.elapsed() < self.traffic.at_most
            && self.begun.fetch_add(1, Ordering::Relaxed) < self.traffic.operations
    }

    /// The path and signed query of a request.
    fn target(&self, method: &str, key: &str) -> String {
        let (bucket, credentials) = self.signer.signer();
        let url = match method {
            "PUT" => bucket.put_object(Some(credentials), key).sign(SIGNED_FOR),
            "GET" => bucket.get_object(Some(credentials), key).sign(SIGNED_FOR),
            _ => bucket.head_object(Some(credentials), key).sign(SIGNED_FOR),
        };
        format!("{}?{}", url.path(), url.query().expect("a signature"))
    }

    /// A body that no other key or version has, at its beginning and at its end.
    fn body(&self, key: &str, version: usize, size: Size) -> Vec<u8> {
        let stamp = format!("{key} {version:08} ").into_bytes();
        let rest = size.bytes() - 2 * stamp.len();
        [&stamp, &self.filling[..rest], &stamp].concat()
    }
}

/// One client with two objects of its own.
struct Caller<'a> {
    number: usize,
    shared: &'a Shared,
    wire: Wire,
    small: Object,
    large: Object,
}

/// What a client knows of one of its objects.
#[derive(Default)]
struct Object {
    /// How many keys were given up. After a failed write it is unknown what a key holds, or will hold when a gateway
    /// that was frozen goes on.
    generation: usize,
    /// How often the key was written; it holds what was written last.
    version: usize,
    /// The key as it is signed for each method, in the order of first use.
    targets: Vec<(&'static str, String)>,
}

impl<'a> Caller<'a> {
    fn new(number: usize, shared: &'a Shared) -> Self {
        let wire = Wire::new(&shared.host, shared.traffic.patience);
        Self { number, shared, wire, small: Object::default(), large: Object::default() }
    }

    fn run(mut self) {
        let mix = self.shared.traffic.mix;
        for turn in self.number.. {
            if !self.shared.goes_on() {
                return;
            }
            let operation = self.ask(mix[turn % mix.len()]);
            self.shared.done.lock().expect("no client panicked").push(operation);
            thread::sleep(self.shared.traffic.pause);
        }
    }

    fn ask(&mut self, kind: Kind) -> Operation {
        let (method, size) = kind.parts();
        let object = match size {
            Size::Small => &mut self.small,
            Size::Large => &mut self.large,
        };
        // What was never written cannot be read.
        let (kind, method) = match (object.version, size) {
            (0, Size::Small) => (Kind::PutSmall, "PUT"),
            (0, Size::Large) => (Kind::PutLarge, "PUT"),
            _ => (kind, method),
        };
        let key = format!("{:03}-{size:?}-{}", self.number, object.generation);
        let version = object.version + usize::from(kind.is_write());
        let body = self.shared.body(&key, version, size);
        let target = object.target(method, || self.shared.target(method, &key));
        let started = Instant::now();
        let reply = self.wire.exchange(method, target, if kind.is_write() { &body } else { &[] });
        let latency = started.elapsed();
        let (gateway, failure) = match reply {
            Ok(reply) => (reply.gateway.clone(), judged(kind, &reply, &body)),
            Err(failure) => (None, Some(failure)),
        };
        match (kind.is_write(), &failure) {
            (true, None) => object.version = version,
            (true, Some(_)) => {
                *object = Object { generation: object.generation + 1, ..Object::default() };
            }
            (false, _) => {}
        }
        Operation { kind, started, latency, gateway, failure }
    }
}

impl Object {
    fn target(&mut self, method: &'static str, sign: impl FnOnce() -> String) -> &str {
        let place = self.targets.iter().position(|(known, _)| *known == method).unwrap_or_else(|| {
            self.targets.push((method, sign()));
            self.targets.len() - 1
        });
        &self.targets[place].1
    }
}

/// What is wrong with an answer, where anything is.
fn judged(kind: Kind, reply: &Reply, body: &[u8]) -> Option<Failure> {
    let is_right = match kind {
        Kind::PutSmall | Kind::PutLarge => true,
        Kind::GetSmall | Kind::GetLarge => reply.body == body,
        Kind::Head => reply.length == body.len(),
    };
    match reply.status {
        200..300 if is_right => None,
        200..300 => Some(Failure::WrongBytes),
        status => Some(Failure::Status(status)),
    }
}
