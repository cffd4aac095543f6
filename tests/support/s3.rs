//! An S3 service for tests, as a balancer with several gateways shows it: objects in memory, requests to each
//! gateway in turn, `/stats;csv` on a second port, and gateways that do wrong when they are told to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;

/// What a gateway does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It changes the first byte of every object that is read through it.
    Corrupts,
    /// It answers 500 to everything.
    Fails,
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
}

/// The service, which runs until the test ends.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) s3_port: u16,
    pub(crate) stats_port: u16,
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
    part_servers: Vec<usize>,
    turn: usize,
}

struct Request {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Service {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let (objects, parts) = (BTreeMap::new(), BTreeMap::new());
        let state = State { behaviour, objects, parts, part_servers: Vec::new(), turn: 0 };
        let state = Arc::new(Mutex::new(state));
        let s3_port = serve(Arc::clone(&state), State::s3);
        let stats_port = serve(Arc::clone(&state), |state, _| answer(200, &[], state.stats().as_bytes()));
        Self { s3_port, stats_port, state }
    }

    /// Buckets, objects and parts that are left.
    pub(crate) fn leftovers(&self) -> usize {
        let state = self.state.lock().expect("a lock");
        state.objects.len() + state.parts.len()
    }

    /// How many gateways took parts.
    pub(crate) fn part_servers(&self) -> usize {
        let mut servers = self.state.lock().expect("a lock").part_servers.clone();
        servers.sort_unstable();
        servers.dedup();
        servers.len()
    }
}

impl State {
    fn s3(&mut self, request: &Request) -> Vec<u8> {
        let gateway = self.next_gateway();
        let does = |wrong| self.behaviour.wrong == Some((gateway, wrong));
        let (corrupts, fails) = (does(Wrong::Corrupts), does(Wrong::Fails));
        let (status, etag, mut body) = if fails {
            (500, None, error("InternalError"))
        } else if !request.query.contains_key("X-Amz-Signature") {
            (403, None, error("AccessDenied"))
        } else {
            self.act(request, gateway)
        };
        let is_read = request.method == "GET" && !request.query.contains_key("list-type") && status == 200;
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
            let away = [Wrong::Starves, Wrong::Down].map(|wrong| Some((self.turn, wrong)));
            if !away.contains(&self.behaviour.wrong) {
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
                self.part_servers.push(gateway);
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
            ("GET", ..) if is_bucket => {
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
            let is_down = self.behaviour.wrong == Some((number, Wrong::Down));
            let state = if is_down { "DOWN,L4CON" } else { "UP,L7OK" };
            let _ = writeln!(csv, "gateways,s3g{number},0,0,0,0,0,{state},2,");
        }
        csv
    }
}

/// Answers connections on a port of its own, one request each.
fn serve(state: Arc<Mutex<State>>, respond: fn(&mut State, &Request) -> Vec<u8>) -> u16 {
    let (listener, port) = super::listener();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let state = Arc::clone(&state);
            thread::spawn(move || {
                if let Some(request) = read(&stream) {
                    let bytes = respond(&mut state.lock().expect("a lock"), &request);
                    // A client that went away got what it wanted.
                    let _ = (&stream).write_all(&bytes);
                }
            });
        }
    });
    port
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    let query = query.split('&').map(pair).collect();
    Some(Request { method, path: decoded(path), query, body })
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| std::str::from_utf8(&tail[..2]).expect("two digits"));
        bytes.push(escaped.map_or(*first, |digits| u8::from_str_radix(digits, 16).expect("hexadecimal")));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} As told\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("Connection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn xml(root: &str, inner: &str) -> Vec<u8> {
    format!(r#"<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inner}</{root}>"#).into_bytes()
}

fn error(code: &str) -> Vec<u8> {
    format!("<Error><Code>{code}</Code></Error>").into_bytes()
}
