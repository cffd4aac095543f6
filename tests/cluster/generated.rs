//! What `generate` writes comes up under plain `docker compose`, takes a file and gives it back.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use fs_err as fs;

use crate::running::{ADDRESS, Cluster, aws};
use crate::support::{Runs, Sandbox, say, tools};

/// Far above the minute that it takes on two cores.
const READY_WITHIN: Duration = Duration::from_secs(240);
const FILE_BYTES: usize = 20 * 1024 * 1024;

#[test]
#[ignore = "starts a real cluster; cargo test --test cluster -- --ignored"]
fn a_generated_cluster_takes_a_file_through_every_gateway_and_leaves_nothing_behind() {
    if !tools(&["docker compose", "docker", "aws", "apache/ozone:2.2.1", "haproxy:3.2-alpine"]) {
        return;
    }
    let cluster = Cluster::new("generated");
    let sandbox: &Sandbox = &cluster.sandbox;
    sandbox.succeed(&["generate", "-n", "3", "--name", &cluster.project, "-o", "cluster"]);
    let started = Instant::now();
    cluster.compose(&["up", "-d"]);
    wait_for_a_put(&cluster, started);
    say(&format!("the first PUT came {:.0} s after `docker compose up`", started.elapsed().as_secs_f64()));

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

/// Tries until a PUT works. An OM that is not ready keeps a request waiting rather than refusing it, so each
/// try has a deadline of its own.
fn wait_for_a_put(cluster: &Cluster, since: Instant) {
    cluster.sandbox.write("probe", "probe");
    let probe = cluster.sandbox.path("probe").display().to_string();
    let put = ["s3api", "put-object", "--bucket", "probe", "--key", "probe", "--body", &probe];
    loop {
        let bucket = aws(&["s3api", "create-bucket", "--bucket", "probe"]);
        // The try before may have made it after its deadline.
        let created = bucket.status == 0 || bucket.stderr.contains("BucketAlready");
        let last = if created { aws(&put) } else { bucket };
        if last.status == 0 {
            return;
        }
        let dead = cluster.ended();
        assert!(dead.is_empty(), "a container ended: {dead}");
        assert!(since.elapsed() < READY_WITHIN, "no PUT worked in {READY_WITHIN:?}; the last:\n{last}");
    }
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
    let address: SocketAddr = ADDRESS.parse().expect("an address");
    let timeout = Duration::from_secs(10);
    let mut stream = TcpStream::connect_timeout(&address, timeout).expect("the balancer listens");
    stream.set_read_timeout(Some(timeout)).expect("a timeout");
    write!(stream, "GET / HTTP/1.1\r\nHost: {ADDRESS}\r\nConnection: close\r\n\r\n").expect("a request");
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
