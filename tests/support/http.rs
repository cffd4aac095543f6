//! As much of HTTP as a service for tests needs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;

/// A request, decoded.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// Answers connections on a port of its own, one request each. Where there is no answer the connection is held until
/// the client gives it up.
pub(crate) fn serve(respond: impl Fn(&Request) -> Option<Vec<u8>> + Clone + Send + 'static) -> u16 {
    let (listener, port) = super::listener();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let respond = respond.clone();
            thread::spawn(move || {
                let Some(request) = read(&stream) else { return };
                // A client that went away got what it wanted.
                let _ = match respond(&request) {
                    Some(bytes) => (&stream).write_all(&bytes),
                    None => (&stream).read(&mut [0]).map(drop),
                };
            });
        }
    });
    port
}

/// What precedes the body of a request.
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Bytes of the body.
    pub(crate) length: usize,
    /// Whether the client sends the body only after `100 Continue`.
    pub(crate) waits: bool,
}

impl Head {
    /// The next one, where there is one.
    pub(crate) fn read(reader: &mut impl BufRead) -> Option<Self> {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let (mut length, mut waits) = (0, false);
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
            waits |= name.eq_ignore_ascii_case("expect");
        }
        Some(Self { method, target, length, waits })
    }

    /// The body behind it.
    pub(crate) fn body(&self, reader: &mut impl Read) -> Option<Vec<u8>> {
        let mut body = vec![0; self.length];
        reader.read_exact(&mut body).ok()?;
        Some(body)
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let head = Head::read(&mut reader)?;
    let body = head.body(&mut reader)?;
    let Head { method, target, .. } = head;
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

/// The bytes of an answer.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} As configured\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("Connection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}
