//! Gateways of no substance: processes that can be killed and frozen, with one folder for the objects of all.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::http::Head;
use super::run::{signal, until};

/// Set in a process that shall be a gateway, to a [`Service`] as JSON.
const ROLE: &str = "OZONE_COMPOSE_STUB_GATEWAY";

/// What a gateway's process is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The folder of the objects.
    pub(crate) store: PathBuf,
    /// Requests that are worked on at once, as Jetty's threads; more wait, health checks among them.
    pub(crate) threads: usize,
}

/// A gateway that runs, and is ended with the test at the latest.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) service: Service,
    child: Child,
    /// Connections that keep others out.
    crowd: Vec<TcpStream>,
}

impl Gateway {
    /// Runs this very program once more, which must call [`serve_if_told`] in a test of the name `serve` that is
    /// ignored otherwise, or first thing of all. Returns when it listens.
    pub(crate) fn start(service: Service) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--ignored", "--exact", "serve"]).stdin(Stdio::piped()).stdout(Stdio::null());
        command.env(ROLE, serde_json::to_string(&service).expect("JSON"));
        let child = command.spawn().expect("a gateway");
        until("a gateway listens", || TcpStream::connect(service.address).is_ok());
        Self { service, child, crowd: Vec::new() }
    }

    /// SIGKILL: connections are reset, and new ones refused.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a child");
        self.child.wait().expect("its end");
    }

    /// Starts it anew where it was.
    pub(crate) fn restart(&mut self) {
        self.kill();
        *self = Self::start(self.service.clone());
    }

    /// SIGSTOP: the kernel still takes connections and bytes, and no answer comes.
    pub(crate) fn freeze(&self) {
        signal(&self.child, "STOP");
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) {
        signal(&self.child, "CONT");
    }

    /// From now on its packets get no answer, as when a container's address is gone: connections stay without a packet,
    /// and who wants to connect neither, since the queue of connections is full.
    pub(crate) fn vanish(&mut self) {
        self.freeze();
        while let Ok(stream) = TcpStream::connect_timeout(&self.service.address, Duration::from_millis(300)) {
            self.crowd.push(stream);
        }
    }

    /// From now on each request takes this long.
    pub(crate) fn slow_down(&mut self, latency: Duration) {
        self.answer(&format!("slow {}", latency.as_millis()));
    }

    /// From now on it takes requests and answers none.
    pub(crate) fn hang(&mut self) {
        self.answer("hang");
    }

    /// From now on it answers again.
    pub(crate) fn recover(&mut self) {
        self.answer("recover");
    }

    fn answer(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{line}").expect("a gateway that listens to its test");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself. SIGKILL ends frozen ones too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is a gateway where this process was started to be one, until its parent ends; returns whether it was.
pub(crate) fn serve_if_told() -> bool {
    let Ok(role) = std::env::var(ROLE) else { return false };
    let service: Service = serde_json::from_str(&role).expect("what to do");
    let listener = TcpListener::bind(service.address).expect("an address that is free");
    let stub = Arc::new(Stub {
        store: service.store,
        idle: Mutex::new(service.threads),
        returned: Condvar::new(),
        latency: AtomicU64::new(0),
        hangs: AtomicBool::new(false),
        files: AtomicU64::new(0),
    });
    let accepting = Arc::clone(&stub);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let stub = Arc::clone(&accepting);
            thread::spawn(move || stub.serve(&stream));
        }
    });
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match line.split_once(' ') {
            Some((_, millis)) => stub.latency.store(millis.parse().expect("a number"), Ordering::Relaxed),
            None => stub.hangs.store(line == "hang", Ordering::Relaxed),
        }
    }
    true
}

/// The gateway inside its process.
struct Stub {
    store: PathBuf,
    /// Threads that have nothing to do.
    idle: Mutex<usize>,
    returned: Condvar,
    /// Milliseconds that a request takes.
    latency: AtomicU64,
    hangs: AtomicBool,
    /// Names for files that are not complete.
    files: AtomicU64,
}

impl Stub {
    /// Answers the requests of one connection.
    fn serve(&self, stream: &TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::with_capacity(1 << 16, stream);
        while let Some((method, path, body)) = request(&mut reader) {
            while self.hangs.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(10));
            }
            let answer = self.at_work(|| self.answer(&method, &path, &body));
            if (&*stream).write_all(&answer).is_err() {
                return;
            }
        }
    }

    /// Does something as soon as a thread is free.
    fn at_work<T>(&self, work: impl FnOnce() -> T) -> T {
        let idle = self.idle.lock().expect("a number");
        let mut idle = self.returned.wait_while(idle, |idle| *idle == 0).expect("a number");
        *idle -= 1;
        drop(idle);
        let done = work();
        *self.idle.lock().expect("a number") += 1;
        self.returned.notify_one();
        done
    }

    fn answer(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        // Nobody signed a health check, and a gateway refuses it without delay.
        if path == "/" {
            return answer(403, 0, &[]);
        }
        thread::sleep(Duration::from_millis(self.latency.load(Ordering::Relaxed)));
        let file = self.store.join(path.trim_matches('/'));
        match method {
            "PUT" if path.trim_matches('/').contains('/') => {
                self.write(&file, body);
                answer(200, 0, &[])
            }
            "PUT" => {
                fs::create_dir_all(file).expect("a bucket");
                answer(200, 0, &[])
            }
            "GET" => match fs::read(file) {
                Ok(bytes) => answer(200, bytes.len(), &bytes),
                Err(_) => answer(404, 0, &[]),
            },
            "HEAD" => match fs::metadata(file) {
                Ok(data) => answer(200, usize::try_from(data.size()).expect("a size"), &[]),
                Err(_) => answer(404, 0, &[]),
            },
            "UNREAD" => answer(412, 0, &[]),
            _ => answer(405, 0, &[]),
        }
    }

    /// Writes a file that is there whole or not at all.
    fn write(&self, file: &Path, body: &[u8]) {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let new = self.store.join(format!("{}-{number}", std::process::id()));
        fs::write(&new, body).expect("a file");
        fs::rename(new, file).expect("a name");
    }
}

/// The method, path and body of the next request, where there is one. The body of one that waits for leave to send it is
/// not read, and its method is none.
fn request(reader: &mut BufReader<&TcpStream>) -> Option<(String, String, Vec<u8>)> {
    let head = Head::read(reader)?;
    let path = head.target.split('?').next()?.to_owned();
    if head.waits {
        return Some(("UNREAD".to_owned(), path, Vec::new()));
    }
    let body = head.body(reader)?;
    Some((head.method, path, body))
}

fn answer(status: u16, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} As configured\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}
