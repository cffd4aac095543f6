//! A real Ozone behind a real HAProxy: what `generate` writes comes up, takes a file and gives it back.
//!
//! Needs Docker and the image `apache/ozone:2.2.1`, a few GiB of memory and about a minute:
//! `cargo test --test cluster -- --ignored`

mod support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fs_err as fs;

use support::{Outcome, Sandbox, clean, say, tools};

const ENDPOINT: &str = "127.0.0.1:9878";
/// Far above the minute that it takes on two cores.
const READY_WITHIN: Duration = Duration::from_secs(240);
const FILE_BYTES: usize = 20 * 1024 * 1024;

#[test]
#[ignore = "starts a real cluster; cargo test --test cluster -- --ignored"]
fn a_generated_cluster_takes_a_file_through_every_gateway_and_leaves_nothing_behind() {
    if !tools(&["docker compose", "docker", "aws", "apache/ozone:2.2.1", "haproxy:3.2-alpine"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let project = format!("oc-test-{}", std::process::id());
    sandbox.succeed(&["generate", "-n", "3", "--name", &project, "-o", "cluster"]);

    let cluster = Cluster { folder: sandbox.path("cluster"), project };
    let started = Instant::now();
    cluster.compose(&["up", "-d"]);
    cluster.wait_for_a_put(&sandbox, started);
    say(&format!("the first PUT came {:.0} s after `up`", started.elapsed().as_secs_f64()));

    let (up, down) = (sandbox.path("up.bin"), sandbox.path("down.bin"));
    let bytes = random_bytes(FILE_BYTES);
    fs::write(&up, &bytes).expect("a file");
    aws(&["s3", "cp", "--only-show-errors", &up.display().to_string(), "s3://probe/file"]).succeeded();
    aws(&["s3", "cp", "--only-show-errors", "s3://probe/file", &down.display().to_string()]).succeeded();
    assert!(fs::read(&down).expect("a file") == bytes, "what came down is not what went up");

    let expected: BTreeSet<String> = (1..=3).map(|number| format!("s3g{number}")).collect();
    assert_eq!(gateways_seen(&expected), expected);

    cluster.compose(&["down", "-v"]);
    assert_eq!(cluster.leftovers(), "");
}

/// A running cluster, which is taken down however the test ends.
struct Cluster {
    folder: std::path::PathBuf,
    project: String,
}

impl Cluster {
    fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = clean("docker");
        command.args(arguments).current_dir(&self.folder);
        command
    }

    /// Runs plain `docker compose` in the folder, as a person would.
    fn compose(&self, arguments: &[&str]) {
        Outcome::of(self.docker(&["compose"]).args(arguments)).succeeded();
    }

    /// Tries until a PUT works. An OM that is not ready keeps a request waiting rather than refusing it, so
    /// each try has a deadline of its own.
    fn wait_for_a_put(&self, sandbox: &Sandbox, since: Instant) {
        sandbox.write("probe", "probe");
        let probe = sandbox.path("probe").display().to_string();
        let put = ["s3api", "put-object", "--bucket", "probe", "--key", "probe", "--body", &probe];
        loop {
            let bucket = aws(&["s3api", "create-bucket", "--bucket", "probe"]);
            // The try before may have made it after its deadline.
            let created = bucket.status == 0 || bucket.stderr.contains("BucketAlready");
            let last = if created { aws(&put) } else { bucket };
            if last.status == 0 {
                return;
            }
            let dead = self.stopped();
            assert!(dead.is_empty(), "a container stopped: {dead}");
            assert!(since.elapsed() < READY_WITHIN, "no PUT worked in {READY_WITHIN:?}; the last:\n{last}");
        }
    }

    fn stopped(&self) -> String {
        let arguments = ["compose", "ps", "--all", "--status", "exited", "--format", "{{.Service}}"];
        Outcome::of(&mut self.docker(&arguments)).stdout
    }

    /// Containers, volumes and networks of the project.
    fn leftovers(&self) -> String {
        let label = format!("label=com.docker.compose.project={}", self.project);
        [&["ps", "--all"][..], &["volume", "ls"], &["network", "ls"]]
            .iter()
            .map(|list| Outcome::of(self.docker(list).args(["-q", "--filter", &label])).stdout)
            .collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = Outcome::of(&mut self.docker(&["compose", "logs", "--no-color", "--tail", "30"]));
            say(&format!("the cluster's last lines:\n{logs}"));
        }
        let down = ["compose", "down", "--volumes", "--remove-orphans", "--timeout", "1"];
        let outcome = Outcome::of(&mut self.docker(&down));
        if outcome.status != 0 {
            say(&format!("could not take down {}: {outcome}", self.project));
        }
    }
}

/// Calls S3 through the balancer, as any client would: an insecure Ozone takes every key.
fn aws(arguments: &[&str]) -> Outcome {
    let mut command = clean("timeout");
    command.args(["60", "aws", "--endpoint-url"]).arg(format!("http://{ENDPOINT}"));
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

/// Asks until every expected gateway has answered, or far more often than that can take.
fn gateways_seen(expected: &BTreeSet<String>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for _ in 0..200 {
        seen.insert(served_by());
        if seen == *expected {
            break;
        }
    }
    seen
}

/// The gateway that answered an unsigned request, which is refused with 403 and this header.
fn served_by() -> String {
    let address: SocketAddr = ENDPOINT.parse().expect("an address");
    let timeout = Duration::from_secs(10);
    let mut stream = TcpStream::connect_timeout(&address, timeout).expect("the balancer listens");
    stream.set_read_timeout(Some(timeout)).expect("a timeout");
    write!(stream, "GET / HTTP/1.1\r\nHost: {ENDPOINT}\r\nConnection: close\r\n\r\n").expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer);
    let header = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("x-served-by").then(|| value.trim().to_owned())
    });
    header.unwrap_or_else(|| panic!("no X-Served-By in:\n{answer}"))
}

/// Bytes that do not compress, so that nothing on the way can shorten them.
fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let source = Path::new("/dev/urandom");
    fs::File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).expect("random bytes");
    bytes
}
