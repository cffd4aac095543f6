//! A machine whose `docker` has a cluster once a command has started one, and the service that this cluster would be.

use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use fs_err as fs;
use serde_json::json;

use crate::support::Runs;
use crate::support::engine::Machine;
use crate::support::run::{Run, until};
use crate::support::s3::{Behaviour, Service};

/// The command that starts a cluster.
pub(crate) const UP: &str =
    "compose --env-file /dev/null -p demo -f docker-compose.yaml -f s3-haproxy.yaml up --detach";

/// What the fake `docker` does.
pub(crate) const ENGINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/up/engine.sh");

/// Patterns for the arguments of `docker` for that command, and for who holds a port.
pub(crate) const UP_PATTERN: &str = "compose*\\ up\\ --detach*";
pub(crate) const HOLDER_PATTERN: &str = "ps\\ --filter\\ publish=*";

/// The commands that change a cluster that runs.
pub(crate) const CHANGES: [&[&str]; 7] =
    [&["scale", "2"], &["drain", "s3g1"], &["resume"], &["restart"], &["reload"], &["stop"], &["start"]];

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

    /// A cluster of three gateways that runs, and whose HAProxy has loaded its files.
    pub(crate) fn started() -> Self {
        let lab = Self::new();
        lab.succeed(&["up"]);
        lab.age();
        lab.did();
        lab
    }

    /// Ctrl-C in a verb while the engine runs a command, which must have been completed.
    pub(crate) fn interrupt_in(&self, typed: &[&str], pattern: &str) {
        let whole =
            "trap 'exit 130' INT TERM; : > $here/begun; /bin/sleep 0.5; echo whole >> $here/did; exit 0";
        self.machine.answer_by_script(pattern, whole);
        let mut run = self.start(typed);
        until("the command runs", || self.has("begun").is_empty());
        run.signal("INT");
        let outcome = run.end();
        assert_eq!(outcome.status, 130, "{outcome}");
        assert!(
            self.did().contains(&"whole".to_owned()),
            "the engine has done what the signal did not stop: {outcome}"
        );
    }

    /// A cluster with prepared answers; nothing runs yet.
    pub(crate) fn of(behaviour: Behaviour) -> Self {
        let machine = Machine::new().with_good_engine();
        machine.answer_by_script("*", &format!(". {ENGINE}"));
        // The service holds the ports from the start, as the containers of an earlier `up` would.
        machine.answer(HOLDER_PATTERN, 0, "demo-s3g-1\tdemo\n", "");
        let lab = Self { machine, service: Service::start(behaviour) };
        lab.contain(&running());
        lab
    }

    /// What the engine lists once the cluster was started.
    pub(crate) fn contain(&self, containers: &[Container]) {
        let rows = containers.iter().map(|one| format!("{}\n", one.row(&self.service)));
        self.set("rows", &rows.collect::<String>());
        let ids = containers.iter().map(|one| format!("{}\t{}\n", one.id(), one.status()));
        self.set("ids", &ids.collect::<String>());
    }

    /// Writes a file of the engine.
    pub(crate) fn set(&self, name: &str, text: &str) {
        fs::write(self.machine.beside(name), text).expect("a file of the engine");
    }

    /// Whether the engine has containers, networks or volumes, or which.
    pub(crate) fn has(&self, name: &str) -> String {
        fs::read_to_string(self.machine.beside(name)).unwrap_or_else(|_| "none".to_owned())
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

    /// What was done, in its order, since this was last called: `check`, `up`, `start s3g4`, `probe s3g4`, `reload`,
    /// `drain s3g5`, `ready s3g5`, `restart s3g1`, and other commands of `docker` by their ids.
    pub(crate) fn did(&self) -> Vec<String> {
        let did = self.has("did");
        self.set("did", "");
        if did == "none" { Vec::new() } else { did.lines().map(str::to_owned).collect() }
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
    /// Where Compose was when it made it, and which files it had.
    pub(crate) folder: String,
    pub(crate) files: String,
    /// What the balancer runs.
    pub(crate) command: &'static str,
    /// Whether the balancer publishes https.
    pub(crate) has_https: bool,
    /// Which of a scaled service it is, from 1.
    pub(crate) number: u8,
    /// The digest of what it was made from; empty where it is not known.
    pub(crate) digest: &'static str,
}

impl Container {
    fn id(&self) -> String {
        if self.service == "s3gw" {
            format!("id-s3gw-{}", self.number)
        } else {
            format!("id-{}", self.service)
        }
    }

    fn status(&self) -> String {
        let Self { state, exit_code, .. } = self;
        if *state == "running" { "Up 2 minutes".to_owned() } else { format!("Exited ({exit_code})") }
    }

    /// As the engine inspects it.
    pub(crate) fn row(&self, on: &Service) -> String {
        let Self { service, role, state, exit_code, number, .. } = self;
        let port = |port: u16| json!([{ "HostIp": "127.0.0.1", "HostPort": port.to_string() }]);
        let ports = match *role {
            "balancer" => json!({ "9878/tcp": port(on.s3_port), "8404/tcp": port(on.stats_port) }),
            "scm" => json!({ "9876/tcp": port(on.scm_port) }),
            "om" => json!({ "9874/tcp": port(on.om_port) }),
            _ => json!({}),
        };
        let mut ports = ports;
        if self.has_https {
            ports["9879/tcp"] = port(9879);
        }
        let mut labels = json!({
            "com.docker.compose.project": "demo", "com.docker.compose.service": service,
            "com.docker.compose.project.working_dir": self.folder,
            "com.docker.compose.project.config_files": self.files,
        });
        if !role.is_empty() {
            labels["io.github.ozone-compose.role"] = json!(role);
        }
        if !self.digest.is_empty() {
            labels["io.github.ozone-compose.digest"] = json!(self.digest);
        }
        let (command, image) = match *role {
            "balancer" => (self.command, "haproxy:3.2-alpine"),
            _ => ("sleep", "apache/ozone:2.2.1"),
        };
        json!({
            "Id": self.id(), "Name": format!("/demo-{service}-{number}"), "State": { "Status": state, "ExitCode": exit_code },
            "Config": { "Cmd": [command], "Image": image, "Labels": labels },
            "NetworkSettings": { "Ports": ports, "Networks": { "demo_default": { "IPAddress": format!("10.0.0.{number}") } } },
        })
        .to_string()
    }
}

/// Such a container as a person's own Compose file beside the generated ones adds.
pub(crate) fn own(service: &str) -> Container {
    Container {
        files: "/gone/docker-compose.yaml,/gone/compose.override.yaml".to_owned(),
        ..container(service, "")
    }
}

/// A container that runs.
pub(crate) fn container(service: &str, role: &'static str) -> Container {
    Container {
        service: service.to_owned(),
        role,
        state: "running",
        exit_code: 0,
        folder: String::new(),
        files: String::new(),
        command: "-S /dev/shm/master.sock,mode,600",
        has_https: false,
        number: 1,
        digest: "",
    }
}

/// One of a service that is scaled, at an address of its own.
pub(crate) fn replica(service: &str, number: u8) -> Container {
    Container { number, ..container(service, "gateway") }
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
    services.map(|(service, role)| container(service, role)).into()
}

/// The same, with https.
pub(crate) fn encrypted() -> Vec<Container> {
    let has_https = |one: Container| Container { has_https: one.role == "balancer", ..one };
    running().into_iter().map(has_https).collect()
}

/// The same without it, but that a service has ended with an exit code.
pub(crate) fn with_ended(service: &str, exit_code: i32) -> Vec<Container> {
    let mut containers = running();
    let ended = containers.iter_mut().find(|container| container.service == service).expect("a service");
    (ended.state, ended.exit_code) = ("exited", exit_code);
    containers
}
