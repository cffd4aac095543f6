//! One client of a load: an object of each size, and a connection that it keeps.

use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusty_s3::{Bucket, Credentials, S3Action};
use ureq::Agent;
use ureq::http::{Method, Request};

use super::super::{Client, Endpoint, SERVED_BY, SIGNED_FOR};
use super::DEADLINE;
use crate::spec::values::{ObjectSize, Operation};

/// Bytes of a body that are read at a time.
const PIECE: usize = 16 << 10;

/// One client.
#[derive(Debug)]
pub(super) struct Caller {
    number: usize,
    bucket: Bucket,
    credentials: Credentials,
    agent: Agent,
    filling: Arc<[u8]>,
}

/// What became of a request.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// When it was over.
    pub(super) ended: Instant,
    /// From its first byte to the last one of its answer.
    pub(super) latency: Duration,
    /// The gateway that answered, where the balancer says.
    pub(super) gateway: Option<String>,
    /// Bytes of the object that were written or read.
    pub(super) bytes: u64,
    /// What kind of error it was; none where it succeeded.
    pub(super) failure: Option<String>,
}

impl Caller {
    /// A client of the bucket of another one.
    pub(super) fn new(number: usize, endpoint: &Endpoint, client: &Client, filling: Arc<[u8]>) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(DEADLINE))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .proxy(None)
            .tls_config(endpoint.tls())
            .build();
        let (bucket, credentials) = client.signer();
        Self {
            number,
            bucket: bucket.clone(),
            credentials: credentials.clone(),
            agent: agent.into(),
            filling,
        }
    }

    /// The key of its object of a size, which no other client has.
    pub(super) fn key(&self, size: ObjectSize) -> String {
        format!("{:03}-{size}", self.number)
    }

    /// What its object of a size holds.
    pub(super) fn body(&self, size: ObjectSize) -> &[u8] {
        &self.filling[..size.bytes()]
    }

    /// Sends one request, once.
    pub(super) fn send(&self, operation: Operation, size: ObjectSize) -> Sent {
        let (key, credentials) = (self.key(size), Some(&self.credentials));
        let (method, url, body) = match operation {
            Operation::Put => {
                let put = self.bucket.put_object(credentials, &key);
                (Method::PUT, put.sign(SIGNED_FOR), self.body(size))
            }
            Operation::Get => {
                (Method::GET, self.bucket.get_object(credentials, &key).sign(SIGNED_FOR), &[][..])
            }
            Operation::Head => {
                (Method::HEAD, self.bucket.head_object(credentials, &key).sign(SIGNED_FOR), &[][..])
            }
        };
        let started = Instant::now();
        let mut gateway = None;
        let read = self.exchange(method, url.as_str(), body, &mut gateway);
        let ended = Instant::now();
        let expected = size.bytes() as u64;
        let (bytes, failure) = match (read, operation) {
            (Err(failure), _) => (0, Some(failure)),
            (Ok(read), Operation::Get) if read != expected => (0, Some("wrong length".to_owned())),
            (Ok(_), Operation::Get | Operation::Put) => (expected, None),
            (Ok(_), Operation::Head) => (0, None),
        };
        Sent { ended, latency: ended - started, gateway, bytes, failure }
    }

    /// The bytes of the body of a good answer, or what kind of error there was. Every body is read to its end: the
    /// connection serves no other request before.
    fn exchange(
        &self,
        method: Method,
        url: &str,
        body: &[u8],
        gateway: &mut Option<String>,
    ) -> Result<u64, String> {
        let kind = |error: ureq::Error| kind_of(&error);
        let request = Request::builder().method(method).uri(url).body(body);
        let mut response = self.agent.run(request.map_err(|error| kind(error.into()))?).map_err(kind)?;
        let served_by = response.headers().get(SERVED_BY).and_then(|name| name.to_str().ok());
        *gateway = served_by.map(str::to_owned);
        let status = response.status();
        let mut reader = response.body_mut().as_reader();
        let mut piece = [0; PIECE];
        let mut bytes = 0;
        loop {
            match reader.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => bytes += read as u64,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(kind(error.into())),
            }
        }
        if status.is_success() { Ok(bytes) } else { Err(status.as_u16().to_string()) }
    }
}

/// What kind of error a request without a whole answer had, in few words.
fn kind_of(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "timeout".to_owned(),
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => "timeout".to_owned(),
            ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
                "connection closed".to_owned()
            }
            // Such as "connection reset".
            kind => kind.to_string(),
        },
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;
    use crate::s3::Key;

    /// A client of a service that gives each request the next of these answers, and closes the connection for an empty one;
    /// with it, how many connections there were.
    fn caller(answers: &'static [&'static str]) -> (Caller, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = Endpoint::plain(&format!("http://{}", listener.local_addr().expect("an address")));
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        thread::spawn(move || {
            let mut answers = answers.iter();
            for stream in listener.incoming().map_while(Result::ok) {
                counter.fetch_add(1, Ordering::Relaxed);
                let requests = BufReader::new(&stream).lines().map_while(Result::ok);
                for _ in requests.filter(String::is_empty) {
                    match answers.next() {
                        Some(answer) if !answer.is_empty() => {
                            (&stream).write_all(answer.as_bytes()).expect("a client that listens");
                        }
                        _ => break,
                    }
                }
            }
        });
        let client = Client::new(&endpoint, "bucket", DEADLINE, &Key::of_nobody()).expect("a client");
        (Caller::new(7, &endpoint, &client, Arc::from(*b"text")), connections)
    }

    fn size(text: &str) -> ObjectSize {
        text.parse().expect("a size")
    }

    #[test]
    fn a_client_keeps_its_connection_and_repeats_nothing() {
        let (caller, connections) = caller(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Served-By: s3g2\r\n\r\ntext",
            "HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\nno!",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntex",
            "",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext",
        ]);
        let mut results = Vec::new();
        for operation in
            [Operation::Get, Operation::Get, Operation::Head, Operation::Get, Operation::Get, Operation::Get]
        {
            let Sent { gateway, bytes, failure, .. } = caller.send(operation, size("4"));
            results.push((gateway, bytes, failure, connections.load(Ordering::Relaxed)));
        }
        let failed = |kind: &str| Some(kind.to_owned());
        assert_eq!(
            results,
            [
                (failed("s3g2"), 4, None, 1),
                (None, 0, failed("503"), 1),
                (None, 0, None, 1),
                (None, 0, failed("wrong length"), 1),
                (None, 0, failed("connection closed"), 1),
                (None, 4, None, 2),
            ]
        );
        assert_eq!(caller.key(size("2KiB")), "007-2KiB");
    }

    #[test]
    fn errors_have_the_names_that_people_give_them() {
        for (kind, name) in [
            (ErrorKind::TimedOut, "timeout"),
            (ErrorKind::ConnectionReset, "connection reset"),
            (ErrorKind::ConnectionRefused, "connection refused"),
            (ErrorKind::UnexpectedEof, "connection closed"),
        ] {
            assert_eq!(kind_of(&ureq::Error::Io(io::Error::from(kind))), name);
        }
        assert_eq!(kind_of(&ureq::Error::Timeout(ureq::Timeout::Global)), "timeout");
    }
}
