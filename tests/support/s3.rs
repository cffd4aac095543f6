//! An S3 service for tests, as a balancer with several gateways shows it: objects in memory, requests to each
//! gateway in turn, and on ports of their own `/stats;csv` and the JMX of an SCM and an OM. Gateways do wrong when
//! a test makes them, and the whole may take its time to start.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::http::{Request, answer, serve};

/// What a slow gateway takes for each request; an `up` that waits looks whether it is done more often.
const SLOW: Duration = Duration::from_millis(400);

/// What a gateway does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It changes the first byte of every object that is read through it.
    Corrupts,
    /// It answers 500 to everything.
    Fails,
    /// It answers 503 to every request with this method.
    Refuses(&'static str),
    /// It takes far longer than the others.
    Slow,
    /// HAProxy says it is up, and it never gets a request.
    Starves,
    /// HAProxy says it is down.
    Down,
}

/// How the service behaves.
#[derive(Clone, Debug)]
pub(crate) struct Behaviour {
    /// How many gateways there are.
    pub(crate) gateways: usize,
    /// What one of them, by number from 1, does wrong.
    pub(crate) wrong: Option<(usize, Wrong)>,
    /// Whether answers say which gateway they are from.
    pub(crate) named: bool,
    /// How many looks find the SCM in safe mode and the OM without a leader. Meanwhile the balancer has no gateway and
    /// answers 503 itself.
    pub(crate) looks: usize,
    /// How many SCMs are in their Ratis group.
    pub(crate) scms: usize,
    /// How many of the first S3 requests never get an answer, as from an OM that waits for its quorum.
    pub(crate) held: usize,
    /// A bucket that cannot be made, or an object that cannot be written: `bucket/key`.
    pub(crate) refused: &'static str,
}

impl Behaviour {
    /// That many gateways, and all is well from the start.
    pub(crate) fn healthy(gateways: usize) -> Self {
        Self { gateways, wrong: None, named: true, looks: 0, scms: 1, held: 0, refused: "" }
    }

    /// Three gateways, one of which, by number from 1, does wrong.
    pub(crate) fn with(number: usize, wrong: Wrong) -> Self {
        Self { wrong: Some((number, wrong)), ..Self::healthy(3) }
    }
}

/// The service, which runs until the test ends.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) s3_port: u16,
    pub(crate) stats_port: u16,
    pub(crate) scm_port: u16,
    pub(crate) om_port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    behaviour: Behaviour,
    /// Objects by `/bucket/key`, a bucket by `/bucket`.
    objects: BTreeMap<String, Vec<u8>>,
    /// Parts by `upload/number`.
    parts: BTreeMap<(String, u16), Vec<u8>>,
    /// Gateways that took each part.
    part_servers: BTreeSet<usize>,
    turn: usize,
    /// S3 requests so far.
    requests: usize,
    /// Looks at the SCM so far.
    scm_looks: usize,
    /// Looks at the OM so far.
    om_looks: usize,
}

impl Service {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let state = Arc::new(Mutex::new(State {
            behaviour,
            objects: BTreeMap::new(),
            parts: BTreeMap::new(),
            part_servers: BTreeSet::new(),
            turn: 0,
            requests: 0,
            scm_looks: 0,
            om_looks: 0,
        }));
        let page = |render: fn(&mut State, &Request) -> Vec<u8>| {
            let state = Arc::clone(&state);
            serve(move |request| Some(render(&mut lock(&state), request)))
        };
        let stats_port = page(|state, _| answer(200, &[], state.stats().as_bytes()));
        let (scm_port, om_port) = (page(State::scm), page(State::om));
        let shared = Arc::clone(&state);
        let s3_port = serve(move |request| s3(&shared, request));
        Self { s3_port, stats_port, scm_port, om_port, state }
    }

    /// From now on it behaves so.
    pub(crate) fn does(&self, behaviour: Behaviour) {
        lock(&self.state).behaviour = behaviour;
    }

    /// Buckets, objects and parts that are left.
    pub(crate) fn leftovers(&self) -> usize {
        let state = lock(&self.state);
        state.objects.len() + state.parts.len()
    }

    /// Buckets and objects, by `/bucket` and `/bucket/key`.
    pub(crate) fn objects(&self) -> Vec<String> {
        lock(&self.state).objects.keys().cloned().collect()
    }

    /// The bytes of an object.
    pub(crate) fn object(&self, path: &str) -> Vec<u8> {
        lock(&self.state).objects[path].clone()
    }

    /// How many gateways took parts.
    pub(crate) fn part_servers(&self) -> usize {
        lock(&self.state).part_servers.len()
    }

    /// S3 requests so far.
    pub(crate) fn requests(&self) -> usize {
        lock(&self.state).requests
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("a state that no test has broken")
}

/// What the balancer answers, if anything.
fn s3(state: &Mutex<State>, request: &Request) -> Option<Vec<u8>> {
    let gateway = {
        let mut state = lock(state);
        state.requests += 1;
        if state.requests <= state.behaviour.held {
            return None;
        }
        if !state.has_started() {
            return Some(answer(503, &[], b"<html><body>No server is available</body></html>"));
        }
        state.next_gateway()
    };
    if lock(state).does(gateway, Wrong::Slow) {
        thread::sleep(SLOW);
    }
    Some(lock(state).through(gateway, request))
}

impl State {
    fn has_started(&self) -> bool {
        self.behaviour.looks == 0 || self.scm_looks > self.behaviour.looks
    }

    fn does(&self, gateway: usize, wrong: Wrong) -> bool {
        self.behaviour.wrong == Some((gateway, wrong))
    }

    fn through(&mut self, gateway: usize, request: &Request) -> Vec<u8> {
        let refused = match self.behaviour.wrong {
            Some((number, Wrong::Refuses(method))) if number == gateway => method,
            _ => "",
        };
        let (status, etag, mut body) = if self.does(gateway, Wrong::Fails) {
            (500, None, error("InternalError"))
        } else if request.method == refused {
            (503, None, error("ServiceUnavailable"))
        } else if !request.query.contains_key("X-Amz-Signature") {
            (403, None, error("AccessDenied"))
        } else {
            self.act(request, gateway)
        };
        let is_read = request.method == "GET" && !request.query.contains_key("list-type") && status == 200;
        let corrupts = self.does(gateway, Wrong::Corrupts);
        if let Some(first) = body.first_mut().filter(|_| corrupts && is_read) {
            *first ^= 1;
        }
        let name = format!("s3g{gateway}");
        let mut headers: Vec<(&str, &str)> = Vec::new();
        if self.behaviour.named {
            headers.push(("x-served-by", &name));
        }
        if let Some(etag) = &etag {
            headers.push(("etag", etag));
        }
        let mut bytes = answer(status, &headers, &body);
        if request.method == "HEAD" {
            bytes.truncate(bytes.len() - body.len());
        }
        bytes
    }

    fn next_gateway(&mut self) -> usize {
        loop {
            self.turn = self.turn % self.behaviour.gateways + 1;
            if ![Wrong::Starves, Wrong::Down].iter().any(|wrong| self.does(self.turn, *wrong)) {
                return self.turn;
            }
        }
    }

    fn act(&mut self, request: &Request, gateway: usize) -> (u16, Option<String>, Vec<u8>) {
        let Request { method, path, query, body } = request;
        let bucket = format!("/{}", path.trim_start_matches('/').split('/').next().unwrap_or_default());
        let is_bucket = path.trim_end_matches('/') == bucket;
        let makes_bucket = method == "PUT" && is_bucket;
        if !makes_bucket && !self.objects.contains_key(&bucket) {
            return (404, None, error("NoSuchBucket"));
        }
        match (method.as_str(), query.get("uploadId"), query.get("partNumber")) {
            ("PUT", Some(id), Some(number)) => {
                self.part_servers.insert(gateway);
                self.parts.insert((id.clone(), number.parse().expect("a number")), body.clone());
                (200, Some(format!("\"part-{number}\"")), Vec::new())
            }
            ("POST", Some(id), _) => {
                let list = String::from_utf8_lossy(body);
                let keys: Vec<_> = self.parts.keys().filter(|(one, _)| one == id).cloned().collect();
                assert!(keys.iter().all(|(_, number)| list.contains(&format!("part-{number}"))), "{list}");
                let whole = keys.iter().filter_map(|key| self.parts.remove(key)).flatten().collect();
                self.objects.insert(path.clone(), whole);
                (200, None, xml("CompleteMultipartUploadResult", "<ETag>\"whole\"</ETag>"))
            }
            ("DELETE", Some(id), _) => {
                self.parts.retain(|(one, _), _| one != id);
                (204, None, Vec::new())
            }
            ("POST", None, _) => {
                (200, None, xml("InitiateMultipartUploadResult", "<UploadId>upload</UploadId>"))
            }
            ("PUT", ..) if self.behaviour.refused == path.trim_matches('/') => {
                (403, None, error("AccessDenied"))
            }
            ("PUT", ..) if makes_bucket && self.objects.contains_key(&bucket) => {
                (409, None, error("BucketAlreadyExists"))
            }
            ("PUT", ..) => {
                self.objects.insert(path.trim_end_matches('/').to_owned(), body.clone());
                (200, Some("\"etag\"".to_owned()), Vec::new())
            }
            ("DELETE", ..) if is_bucket && self.keys(&bucket, "").next().is_some() => {
                (409, None, error("BucketNotEmpty"))
            }
            ("DELETE", ..) => {
                self.objects.remove(path.trim_end_matches('/'));
                (204, None, Vec::new())
            }
            ("GET" | "HEAD", ..) if is_bucket => {
                let prefix = query.get("prefix").map_or("", String::as_str);
                let mut list = String::from("<IsTruncated>false</IsTruncated>");
                for (key, bytes) in self.keys(&bucket, prefix) {
                    let (key, size) = (key.replace('&', "&amp;"), bytes.len());
                    let _ = write!(list, "<Contents><Key>{key}</Key><Size>{size}</Size></Contents>");
                }
                (200, None, xml("ListBucketResult", &list))
            }
            _ => match self.objects.get(path) {
                Some(bytes) => (200, Some("\"etag\"".to_owned()), bytes.clone()),
                None => (404, None, error("NoSuchKey")),
            },
        }
    }

    fn keys(&self, bucket: &str, prefix: &str) -> impl Iterator<Item = (&str, &Vec<u8>)> {
        let start = format!("{bucket}/");
        let wanted = format!("{start}{prefix}");
        let of_bucket = self.objects.iter().filter(move |(path, _)| path.starts_with(&wanted));
        of_bucket.map(move |(path, bytes)| (&path[start.len()..], bytes))
    }

    fn stats(&self) -> String {
        let mut csv =
            String::from("# pxname,svname,scur,stot,econ,eresp,hrsp_5xx,status,check_status,type,\n");
        for number in 1..=self.behaviour.gateways {
            let is_down = self.does(number, Wrong::Down) || !self.has_started();
            let state = if is_down { "DOWN,L4CON" } else { "UP,L7OK" };
            let _ = writeln!(csv, "gateways,s3g{number},0,0,0,0,0,{state},2,");
        }
        csv
    }

    /// The page of an SCM with its safe mode.
    fn scm(&mut self, request: &Request) -> Vec<u8> {
        self.scm_looks += 1;
        let is_met = self.scm_looks > self.behaviour.looks;
        let rule = format!("registered datanodes (={}) >= required datanodes (=1)", u8::from(is_met));
        let rules = [
            json!({"key": "DataNodeSafeModeRule", "value": [rule, is_met.to_string()]}),
            json!({"key": "RatisContainerSafeModeRule", "value": ["100.00% of [RATIS] Containers", "true"]}),
        ];
        let standing = |number: usize| if number == 1 { "LEADER" } else { "FOLLOWER" };
        let members = (1..=self.behaviour.scms)
            .map(|number| [format!("scm{number}"), "id".into(), "9894".into(), standing(number).into()]);
        let bean = json!({
            "InSafeMode": !is_met, "SafeModeRuleStatus": rules, "ScmRatisRoles": members.collect::<Vec<_>>(),
        });
        jmx(request, "name=StorageContainerManagerInfo", &bean)
    }

    /// The page of an OM with the leader.
    fn om(&mut self, request: &Request) -> Vec<u8> {
        self.om_looks += 1;
        let role = if self.om_looks > self.behaviour.looks { "LEADER" } else { "FOLLOWER" };
        jmx(request, "name=OzoneManagerInfo", &json!({"RatisRoles": [["om", "om", "9872", role, ""]]}))
    }
}

/// The page with a bean where the query names it; without beans otherwise.
fn jmx(request: &Request, name: &str, bean: &serde_json::Value) -> Vec<u8> {
    let is_asked = request.path == "/jmx" && request.query.get("qry").is_some_and(|qry| qry.contains(name));
    let beans: &[_] = if is_asked { &[bean] } else { &[] };
    answer(200, &[], json!({"beans": beans}).to_string().as_bytes())
}

fn xml(root: &str, inner: &str) -> Vec<u8> {
    format!(r#"<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inner}</{root}>"#).into_bytes()
}

fn error(code: &str) -> Vec<u8> {
    format!("<Error><Code>{code}</Code></Error>").into_bytes()
}
