//! A machine whose `docker` has a cluster once it was asked to start one, and the service that this cluster would be.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use fs_err as fs;
use serde_json::json;

use crate::support::Runs;
use crate::support::engine::Machine;
use crate::support::run::Run;
use crate::support::s3::{Behaviour, Service};

/// The command that starts a cluster.
pub(crate) const UP: &str =
    "compose -p demo -f docker-compose.yaml -f s3-haproxy.yaml up --detach --remove-orphans";

/// Patterns for what `docker` is told of that command, and of who holds a port.
pub(crate) const UP_PATTERN: &str = "compose*\\ up\\ --detach*";
pub(crate) const HOLDER_PATTERN: &str = "ps\\ --filter\\ publish=*";

/// How commands begin that only ask. Any other counts as one that changes something.
const QUERIES: &[&str] = &[
    "compose -p demo logs",
    "compose -p demo ps",
    "compose version",
    "context inspect",
    "image inspect",
    "info",
    "inspect --format",
    "logs",
    "network ls",
    "ps",
    "version",
    "volume ls",
];

/// The machine, its folder, and the service behind its ports.
pub(crate) struct Lab {
    pub(crate) machine: Machine,
    pub(crate) service: Service,
}

impl Lab {
    /// Three gateways that do well from the start.
    pub(crate) fn new() -> Self {
        Self::of(Behaviour::healthy(3))
    }

    /// A cluster that will do as it is told; nothing runs yet.
    pub(crate) fn of(behaviour: Behaviour) -> Self {
        let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/up/engine.sh");
        let machine = Machine::new().with_good_engine();
        machine.tell_to_do("*", &format!(". {}", engine.display()));
        // The service holds the ports from the start, as the containers of an earlier `up` would.
        machine.tell(HOLDER_PATTERN, 0, "demo-s3g-1\tdemo\n", "");
        let lab = Self { machine, service: Service::start(behaviour) };
        lab.contain(&running());
        lab
    }

    /// What the engine lists once the cluster was started.
    pub(crate) fn contain(&self, containers: &[Container]) {
        let all = |line: fn(&Container) -> String| containers.iter().map(line).collect::<String>();
        self.set("rows", &all(|container| format!("{}\n", container.row())));
        self.set("ids", &all(|container| format!("{}\n", container.id())));
    }

    /// Writes a file of the engine.
    pub(crate) fn set(&self, name: &str, text: &str) {
        fs::write(self.machine.beside(name), text).expect("a file of the engine");
    }

    /// Whether the engine has containers, networks or volumes, or which.
    pub(crate) fn has(&self, name: &str) -> String {
        fs::read_to_string(self.machine.beside(name)).unwrap_or_else(|_| "none".to_owned())
    }

    /// The commands that HAProxy was told through its socket since this was last called.
    pub(crate) fn told(&self) -> Vec<String> {
        let told = self.has("told");
        self.set("told", "");
        told.lines().map(str::to_owned).collect()
    }

    /// Lets the files be older than the worker that has loaded them, which tests are too quick for.
    pub(crate) fn age(&self) {
        let folder = self.machine.sandbox.path("haproxy");
        let files = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("a file").path());
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        for path in files.chain([folder.clone()]) {
            let file = std::fs::File::open(path).expect("a file");
            file.set_modified(long_ago).expect("its time");
        }
    }

    /// Starts the binary.
    pub(crate) fn start(&self, arguments: &[&str]) -> Run {
        Run::start(self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// The commands that changed something, in order, since this was last called.
    pub(crate) fn changes(&self) -> Vec<String> {
        let asked = self.machine.asked();
        self.set("asked", "");
        // Asked inside containers: probes, and HAProxy through its socket.
        let is_inside = |line: &str| line.starts_with("exec ") && line.contains(" sh -c ");
        let is_query = |line: &&str| QUERIES.iter().any(|query| line.starts_with(query)) || is_inside(line);
        asked.lines().filter(|line| !is_query(line)).map(str::to_owned).collect()
    }

    /// The endpoint and a line feed.
    pub(crate) fn endpoint_line(&self) -> String {
        format!("http://127.0.0.1:{}\n", self.service.s3_port)
    }
}

impl Runs for Lab {
    /// In the sandbox, with the ports of the service.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.machine.command(arguments);
        let Service { s3_port, stats_port, scm_port, om_port, .. } = &self.service;
        for (name, port) in [("S3", s3_port), ("STATS", stats_port), ("SCM", scm_port), ("OM", om_port)] {
            command.env(format!("OZONE_COMPOSE_{name}_PORT"), port.to_string());
        }
        command.env("OZONE_COMPOSE_NAME", "demo");
        command
    }
}

/// A container of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub(crate) service: String,
    pub(crate) role: &'static str,
    pub(crate) state: &'static str,
    pub(crate) exit_code: i32,
}

impl Container {
    fn id(&self) -> String {
        format!("id-{}", self.service)
    }

    /// As Compose lists it.
    pub(crate) fn row(&self) -> String {
        let Self { service, role, state, exit_code } = self;
        let status =
            if *state == "running" { "Up 2 minutes".to_owned() } else { format!("Exited ({exit_code})") };
        let labels = format!("com.docker.compose.project=demo,io.github.ozone-compose.role={role}");
        json!({
            "ID": self.id(), "Name": format!("demo-{service}-1"), "Service": service, "State": state,
            "Health": "", "ExitCode": exit_code, "Status": status, "Labels": labels, "Publishers": null,
        })
        .to_string()
    }
}

/// The containers of a cluster of three gateways that is well.
pub(crate) fn running() -> Vec<Container> {
    let services = [
        ("datanode1", "datanode"),
        ("om", "om"),
        ("s3g", "balancer"),
        ("s3g1", "gateway"),
        ("s3g2", "gateway"),
        ("s3g3", "gateway"),
        ("scm", "scm"),
    ];
    let container = |(service, role): (&str, &'static str)| Container {
        service: service.to_owned(),
        role,
        state: "running",
        exit_code: 0,
    };
    services.map(container).into()
}

/// The same, but that a service has ended with an exit code.
pub(crate) fn with_ended(service: &str, exit_code: i32) -> Vec<Container> {
    let mut containers = running();
    let ended = containers.iter_mut().find(|container| container.service == service).expect("a service");
    (ended.state, ended.exit_code) = ("exited", exit_code);
    containers
}
