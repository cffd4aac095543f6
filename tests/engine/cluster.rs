//! A cluster that a test runs.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ozone_compose::s3::{Client, Endpoint, Key};
use serde_json::Value;

use crate::lab::{BALANCER, Container, Lab, Project, docker, folder};
use crate::support::load::{Kind, Load, Report, Traffic};
use crate::support::run::Run;
use crate::support::{Outcome, Runs, clean, say};

/// A cluster with ports of its own, in a folder of its own.
pub(crate) struct Cluster<'a> {
    pub(crate) project: Project,
    pub(crate) folder: PathBuf,
    pub(crate) ports: Ports,
    pub(crate) lab: &'a Lab,
    name: String,
}

/// Where a cluster is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) s3: u16,
    pub(crate) stats: u16,
    pub(crate) scm: u16,
    pub(crate) om: u16,
}

impl<'a> Cluster<'a> {
    pub(crate) fn new(lab: &'a Lab, name: &str, project: Project) -> Self {
        let ports = Ports { s3: next_port(), stats: next_port(), scm: next_port(), om: next_port() };
        Self { project, folder: folder(lab, name), ports, lab, name: name.to_owned() }
    }

    /// The flags that every cluster of these tests needs at first; its file keeps them.
    pub(crate) fn options(&self) -> Vec<String> {
        let Ports { s3, stats, scm, om } = self.ports;
        [
            ("--name", self.project.name.clone()),
            ("--ozone-image", self.lab.image.clone()),
            ("--haproxy-image", BALANCER.to_owned()),
            ("--s3-port", s3.to_string()),
            ("--stats-port", stats.to_string()),
            ("--scm-port", scm.to_string()),
            ("--om-port", om.to_string()),
        ]
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value])
        .collect()
    }

    /// A verb with those flags, and more.
    pub(crate) fn first(&self, verb: &str, more: &[&str]) -> Command {
        let mut command = self.command(&[verb]);
        command.args(self.options()).args(more);
        command
    }

    /// Starts it, which must succeed.
    #[track_caller]
    pub(crate) fn up(&self, more: &[&str]) -> Outcome {
        let outcome = Outcome::of(&mut self.first("up", more));
        assert_eq!(outcome.status, 0, "up {more:?}: {outcome}");
        outcome
    }

    /// Starts the binary, and goes on.
    pub(crate) fn start(&self, arguments: &[&str]) -> Run {
        started(&mut self.command(arguments))
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.s3)
    }

    /// A client of a bucket, through the balancer.
    pub(crate) fn client(&self, bucket: &str) -> Client {
        let endpoint = Endpoint::plain(&self.endpoint());
        Client::new(&endpoint, bucket, Duration::from_secs(30), &Key::of_nobody()).expect("an endpoint")
    }

    /// A few clients that write and read small objects until they are stopped.
    pub(crate) fn load(&self) -> Load {
        let traffic = Traffic {
            clients: 4,
            mix: &[Kind::PutSmall, Kind::GetSmall, Kind::Head],
            pause: Duration::from_millis(20),
            ..Traffic::default()
        };
        Load::start(&self.endpoint(), traffic)
    }

    /// Writes at the same time that take so many seconds each, and whose end is what their threads return. Where no
    /// other request is on its way, each gateway has one.
    pub(crate) fn slow_writes(&self, count: usize, seconds: u32) -> Vec<JoinHandle<bool>> {
        let client = self.client("slow");
        assert!(client.make_bucket().expect("an answer").is_good());
        let write = |number| {
            let client = client.clone();
            let write = move || client.put(&format!("slow-{seconds}-{number}"), b"slow");
            thread::spawn(move || write().is_ok_and(|answer| answer.is_good()))
        };
        let writes = (0..count).map(write).collect();
        // Until they are on their way.
        thread::sleep(Duration::from_millis(300));
        writes
    }

    /// The file with the choices.
    pub(crate) fn choices(&self) -> String {
        self.read("ozone-compose.yaml")
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs_err::read_to_string(self.folder.join(file)).expect("a text")
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        self.lab.sandbox.write(&format!("{}/{file}", self.name), text);
    }

    /// Replaces a part of a file, which must be there.
    #[track_caller]
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "no {from:?} in {text}");
        self.write(file, &text.replace(from, to));
    }

    /// What `status` says, for programs.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        let said = self.succeed(&["status", "--format", "json"]);
        serde_json::from_str(&said.stdout).expect("JSON")
    }

    /// The gateways in `status`.
    #[track_caller]
    pub(crate) fn gateways(&self) -> Vec<Value> {
        self.status()["gateways"].as_array().expect("gateways").clone()
    }

    /// The word of `status` for each gateway, in its order.
    #[track_caller]
    pub(crate) fn conditions(&self) -> Vec<String> {
        let word = |gateway: Value| gateway["condition"].as_str().expect("a word").to_owned();
        self.gateways().into_iter().map(word).collect()
    }

    /// What HAProxy's own page says of each gateway: `UP`, `DOWN`, or `drained` where it gets no new requests.
    pub(crate) fn servers(&self) -> BTreeMap<String, String> {
        let csv = page(self.ports.stats, "/stats;csv");
        let mut lines = csv.lines();
        let names: Vec<&str> = lines.next().unwrap_or_default().trim_start_matches("# ").split(',').collect();
        let place = |name: &str| names.iter().position(|one| *one == name).expect("a column");
        let [backend, server, state, weight] = ["pxname", "svname", "status", "weight"].map(place);
        let rows = lines.map(|line| line.split(',').collect::<Vec<_>>());
        let is_gateway = |row: &Vec<&str>| row.get(backend) == Some(&"gateways") && row[server] != "BACKEND";
        let has_place = |row: &Vec<&str>| !row[state].contains("resolution");
        let condition = |row: Vec<&str>| {
            let is_drained = row[weight] == "0" || row[state].starts_with("DRAIN");
            let state = if is_drained { "drained" } else { row[state] };
            (row[server].to_owned(), state.to_owned())
        };
        rows.filter(is_gateway).filter(has_place).map(condition).collect()
    }

    /// How many gateways HAProxy sends requests to.
    pub(crate) fn up_count(&self) -> usize {
        self.servers().values().filter(|state| state.starts_with("UP")).count()
    }

    /// The containers of gateways, by name.
    pub(crate) fn gateway_containers(&self) -> Vec<Container> {
        self.project.containers().into_iter().filter(|one| one.role == "gateway").collect()
    }

    /// How many gateways run.
    pub(crate) fn running_gateways(&self) -> usize {
        self.gateway_containers().iter().filter(|one| one.is_running()).count()
    }

    /// A variable in each gateway's container.
    pub(crate) fn variable_of_gateways(&self, name: &str) -> Vec<String> {
        let value = |one: Container| {
            let said = docker(&["inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", &one.id]);
            let line = said.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
            line.unwrap_or_else(|| panic!("no {name} in {said}")).to_owned()
        };
        self.gateway_containers().into_iter().map(value).collect()
    }

    /// The name of the container of a service.
    pub(crate) fn container(&self, service: &str) -> String {
        format!("{}-{service}-1", self.project.name)
    }
}

impl Runs for Cluster<'_> {
    /// In the cluster's folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.lab.sandbox.command(arguments);
        command.current_dir(&self.folder);
        command
    }
}

/// A free port that no other cluster of these tests had. It is below those that the kernel gives to clients, one of which
/// could have it by the time when it is published.
fn next_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).expect("a small number");
    let next = || first + TAKEN.fetch_add(1, Ordering::Relaxed);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(next).find(is_free).expect("a free port")
}

/// Starts a command whose outputs are kept.
pub(crate) fn started(command: &mut Command) -> Run {
    Run::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

/// The same command under a umask.
pub(crate) fn under_umask(umask: &str, command: &Command) -> Command {
    let mut shell = clean("sh");
    shell.arg("-c").arg(format!("umask {umask}; exec \"$0\" \"$@\""));
    shell.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

/// No request failed, and there were enough of them to mean something.
#[track_caller]
pub(crate) fn assert_unharmed(report: &Report, what: &str) {
    say(&format!("{what}: {report}"));
    assert!(report.failed().is_empty(), "{what}: {:#?}", report.failed());
    assert!(report.total() > 50, "{what}: only {} requests", report.total());
}

/// The body of a page of this machine; empty where nothing answers.
fn page(port: u16, path: &str) -> String {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: test\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().unwrap_or_default();
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}
