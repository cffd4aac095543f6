//! A cluster that a test runs, and clients of it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::support::load::{Load, Report};
use crate::support::run::within;
use crate::support::{Outcome, Runs, Sandbox, clean, say, skip};

/// Where S3 is by default.
pub(crate) const ADDRESS: &str = "127.0.0.1:9878";

/// What a real cluster needs.
pub(crate) const TOOLS: &[&str] =
    &["docker compose", "docker", "aws", "apache/ozone:2.2.1", "haproxy:3.2-alpine"];

/// A cluster in the folder `cluster` of a sandbox, which is taken down however the test ends.
pub(crate) struct Cluster {
    pub(crate) sandbox: Sandbox,
    pub(crate) project: String,
}

impl Cluster {
    /// A name and a folder; nothing runs yet.
    pub(crate) fn new(purpose: &str) -> Self {
        let sandbox = Sandbox::new();
        fs_err::create_dir(sandbox.path("cluster")).expect("a folder");
        Self { sandbox, project: format!("oc-test-{purpose}-{}", std::process::id()) }
    }

    /// Runs plain `docker compose` in the folder, as a person would.
    pub(crate) fn compose(&self, arguments: &[&str]) {
        Outcome::of(self.docker(&["compose"]).args(arguments)).succeeded();
    }

    /// Ids of the running containers, in the engine's order.
    pub(crate) fn containers(&self) -> Vec<String> {
        self.list(&["ps", "--no-trunc"]).lines().map(str::to_owned).collect()
    }

    /// Services whose containers have ended.
    pub(crate) fn ended(&self) -> String {
        let arguments = ["compose", "ps", "--all", "--status", "exited", "--format", "{{.Service}}"];
        Outcome::of(&mut self.docker(&arguments)).stdout
    }

    /// Containers, volumes and networks of the project.
    pub(crate) fn leftovers(&self) -> String {
        [&["ps", "--all"][..], &["volume", "ls"], &["network", "ls"]]
            .iter()
            .map(|list| self.list(list))
            .collect()
    }

    /// Stops all containers and starts them again, at other addresses: others have taken the first ones.
    pub(crate) fn start_at_other_addresses(&self) {
        let before = self.addresses();
        self.succeed(&["stop"]);
        let (network, images) = (format!("{}_default", self.project), ["haproxy:3.2-alpine", "600"]);
        let sleep = ["run", "--detach", "--rm", "--entrypoint", "sleep", "--network", &network];
        let others = || Outcome::of(self.docker(&sleep).args(images));
        let others = [others(), others(), others()].map(|other| other.stdout.trim().to_owned());
        self.succeed(&["start", "--timeout", "10m"]);
        for other in others {
            Outcome::of(&mut self.docker(&["rm", "--force", &other])).succeeded();
        }
        let after = self.addresses();
        // The engine gives them in the order in which containers start, and one may get its own again.
        let kept = before.iter().filter(|address| after.contains(address)).count();
        assert!(2 * kept < before.len(), "{before:?}, then {after:?}");
    }

    /// The name and address of each container that runs.
    fn addresses(&self) -> Vec<String> {
        let format = "{{.Name}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let inspected = Outcome::of(self.docker(&["inspect", "--format", format]).args(self.containers()));
        inspected.stdout.lines().map(str::to_owned).collect()
    }

    /// What the engine answers about the project.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = clean("docker");
        command.args(arguments).current_dir(self.folder());
        command
    }

    fn list(&self, list: &[&str]) -> String {
        let label = format!("label=com.docker.compose.project={}", self.project);
        Outcome::of(self.docker(list).args(["-q", "--filter", &label])).stdout
    }

    fn folder(&self) -> PathBuf {
        self.sandbox.path("cluster")
    }
}

impl Runs for Cluster {
    /// In the cluster's folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(arguments);
        command.current_dir(self.folder());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = ["compose", "-p", &self.project, "logs", "--no-color", "--tail", "30"];
            say(&format!("the cluster's last lines:\n{}", Outcome::of(&mut self.docker(&logs))));
        }
        // In turn: engines before 20.10.27 may hang for good where containers of a network end at the same time
        // (moby/libnetwork#2649), and did.
        for id in self.list(&["ps", "--all"]).lines() {
            Outcome::of(&mut self.docker(&["rm", "--force", "--volumes", id]));
        }
        let down = ["compose", "-p", &self.project, "down", "--volumes"];
        let outcome = Outcome::of(&mut self.docker(&down));
        if outcome.status != 0 {
            say(&format!("could not take down {}: {outcome}", self.project));
        }
    }
}

/// Ends a load of which no request failed and no byte was wrong, once it has more than `fewest` requests, so that they mean
/// something: on a busy machine that takes longer.
#[track_caller]
pub(crate) fn end_unharmed(load: Load, what: &str, fewest: usize) -> Report {
    within(Duration::from_secs(180), what, || load.so_far().operations.len() > fewest);
    let report = load.stop();
    say(&format!("{what}: {report}"));
    assert!(report.failed().is_empty(), "{what}: {:#?}", report.failed());
    report
}

/// Calls S3 through the balancer, as any client would: an insecure Ozone takes every key.
pub(crate) fn aws(arguments: &[&str]) -> Outcome {
    let mut command = clean("timeout");
    command.args(["60", "aws", "--endpoint-url"]).arg(format!("http://{ADDRESS}"));
    command.args(["--cli-connect-timeout", "5", "--cli-read-timeout", "10"]).args(arguments);
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "any"),
        ("AWS_SECRET_ACCESS_KEY", "any"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_MAX_ATTEMPTS", "1"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ] {
        command.env(name, value);
    }
    Outcome::of(&mut command)
}

/// A Python beside the AWS CLI, or any other, that has boto3.
pub(crate) fn python_with_boto3() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let beside_aws = std::env::split_paths(&path)
        .filter_map(|folder| folder.join("aws").canonicalize().ok())
        .map(|aws| aws.with_file_name("python3"));
    let has_boto3 = |python: &PathBuf| {
        let import = std::process::Command::new(python).args(["-c", "import boto3"]).output();
        import.is_ok_and(|import| import.status.success())
    };
    let found = beside_aws.chain([PathBuf::from("python3")]).find(has_boto3);
    if found.is_none() {
        skip("no Python has boto3");
    }
    found
}
