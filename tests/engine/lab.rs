//! The engine of this machine, for one test at a time, and what a test has there.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::app::App;
use crate::cluster::Cluster;
use crate::support::{Outcome, Sandbox, clean, say, tools};

/// What a cluster needs here.
const TOOLS: &[&str] = &["docker compose", "docker", "apache/ozone:2.2.1", BALANCER];

/// The real HAProxy; also a small image in which a shell runs.
pub(crate) const BALANCER: &str = "haproxy:3.2-alpine";

/// Says what a container is to this tool; nothing without it belongs to a cluster.
pub(crate) const ROLE: &str = "io.github.ozone-compose.role";

const PROJECT: &str = "com.docker.compose.project";

/// Rounds of removal, each of which takes longer than a container takes to come.
const ROUNDS: usize = 10;

/// The turn of one test.
static TURN: Mutex<()> = Mutex::new(());

/// The engine, and a folder for everything that a test writes.
pub(crate) struct Lab {
    pub(crate) sandbox: Sandbox,
    /// The image in the place of Ozone's.
    pub(crate) image: String,
    _turn: MutexGuard<'static, ()>,
}

impl Lab {
    /// Waits for this test's turn; none where there is no engine.
    pub(crate) fn open() -> Option<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        tools(TOOLS).then(|| Self { sandbox: Sandbox::new(), image: standin(), _turn: turn })
    }

    /// A cluster in a folder of its own; nothing is written yet.
    pub(crate) fn cluster(&self, name: &str) -> Cluster<'_> {
        Cluster::new(self, name, Project::new(name))
    }

    /// An app that has nothing to do with this tool, in a folder of its own.
    pub(crate) fn app(&self, name: &str) -> App {
        App::new(self, name, Project::new(name))
    }

    /// Two files: a line of the shell for [`Self::path_with_docker`] makes the first, and goes on once the second is there,
    /// or after 20 seconds.
    pub(crate) fn gate(&self) -> (PathBuf, PathBuf, String) {
        let (begun, open) = (self.sandbox.path("begun"), self.sandbox.path("open"));
        let wait = format!("test -e {} && break; sleep 0.1", open.display());
        let line = format!("touch {}; for i in $(seq 200); do {wait}; done", begun.display());
        (begun, open, line)
    }

    /// A `PATH` with a `docker` that first does what a line of the shell says, where the arguments match a pattern.
    pub(crate) fn path_with_docker(&self, pattern: &str, first: &str) -> String {
        let path = std::env::var("PATH").expect("a PATH");
        let real =
            std::env::split_paths(&path).map(|folder| folder.join("docker")).find(|file| file.exists());
        let real = real.expect("the docker that has just answered");
        let script = format!(
            "#!/bin/sh\ncase \" $* \" in {pattern}) {first};; esac\nexec {} \"$@\"\n",
            real.display()
        );
        self.sandbox.write("bin/docker", script);
        let program = self.sandbox.path("bin/docker");
        Outcome::of(clean("chmod").arg("755").arg(&program)).succeeded();
        format!("{}:{path}", self.sandbox.path("bin").display())
    }
}

/// A container, as the engine lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) service: String,
    /// Empty where it is not this tool's.
    pub(crate) role: String,
    pub(crate) state: String,
}

impl Container {
    pub(crate) fn is_running(&self) -> bool {
        self.state == "running"
    }
}

/// A Compose project, all of which is removed with the test.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) name: String,
}

impl Project {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: format!("oc-{name}-{}", std::process::id()) }
    }

    /// Its containers by name, ended ones too.
    pub(crate) fn containers(&self) -> Vec<Container> {
        let label = |name: &str| format!("{{{{.Label \"{name}\"}}}}");
        let format = format!(
            "{{{{.ID}}}}\t{{{{.Names}}}}\t{{{{.State}}}}\t{}\t{}",
            label("com.docker.compose.service"),
            label(ROLE)
        );
        let container = |line: String| {
            let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
            let Ok([id, name, state, service, role]) = <[String; 5]>::try_from(fields) else {
                panic!("five fields in {line}")
            };
            Container { id, name, service, role, state }
        };
        let rows = self.list(&["ps", "--all", "--no-trunc", "--format", &format]);
        let mut containers: Vec<Container> = rows.into_iter().map(container).collect();
        containers.sort_by(|one, other| one.name.cmp(&other.name));
        containers
    }

    /// Names of its volumes.
    pub(crate) fn volumes(&self) -> Vec<String> {
        self.list(&["volume", "ls", "--format", "{{.Name}}"])
    }

    /// Names of its networks.
    pub(crate) fn networks(&self) -> Vec<String> {
        self.list(&["network", "ls", "--format", "{{.Name}}"])
    }

    fn list(&self, list: &[&str]) -> Vec<String> {
        let filter = format!("label={PROJECT}={}", self.name);
        let listed = docker(&[list, &["--filter", &filter]].concat());
        listed.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let containers = self.containers();
        if std::thread::panicking() {
            for Container { name, service, state, role, .. } in &containers {
                say(&format!("{name}: {state}, service {service}, role {role:?}"));
            }
        }
        // Again while there is any: a run that was killed may have left a `docker compose up` that goes on.
        let mut left = containers;
        for _ in 0..ROUNDS {
            // In turn: engines before 20.10.27 may hang for good where containers of a network end at the same time
            // (moby/libnetwork#2649).
            for Container { id, .. } in &left {
                try_docker(&["rm", "--force", "--volumes", id]);
            }
            left = self.containers();
            if left.is_empty() {
                break;
            }
        }
        for volume in self.volumes() {
            try_docker(&["volume", "rm", "--force", &volume]);
        }
        for network in self.networks() {
            try_docker(&["network", "rm", &network]);
        }
    }
}

/// Asks `docker`, which must succeed, and returns what it prints.
#[track_caller]
pub(crate) fn docker(arguments: &[&str]) -> String {
    let outcome = Outcome::of(clean("docker").args(arguments));
    assert_eq!(outcome.status, 0, "docker {arguments:?}: {outcome}");
    outcome.stdout
}

/// Says what went wrong, and goes on.
fn try_docker(arguments: &[&str]) {
    let outcome = Outcome::of(clean("docker").args(arguments));
    if outcome.status != 0 && !outcome.stderr.contains("No such") {
        say(&format!("docker {arguments:?}: {outcome}"));
    }
}

/// The image that stands in for Ozone's, which is built anew where its files have changed.
fn standin() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/standin");
    let mut digest = Sha256::new();
    for file in ["Dockerfile", "ozone.py"] {
        digest.update(fs_err::read(folder.join(file)).expect("a file"));
    }
    let first = digest.finalize().first_chunk().map(|bytes| u64::from_be_bytes(*bytes)).expect("eight bytes");
    let image = format!("ozone-compose-standin:{first:016x}");
    let look = Outcome::of(clean("docker").args(["image", "inspect", "--format", "{{.Id}}", &image]));
    if look.status != 0 {
        docker(&["build", "--quiet", "--tag", &image, &folder.display().to_string()]);
    }
    image
}

/// A folder of the lab, made where it is not there.
pub(crate) fn folder(lab: &Lab, name: &str) -> PathBuf {
    let path = lab.sandbox.path(name);
    fs_err::create_dir_all(&path).expect("a folder");
    path
}
