//! Several SCMs and OMs: what leads may be killed, and requests come back by themselves.

use std::process::Stdio;
use std::time::{Duration, Instant};

use fs_err as fs;
use serde_json::Value;

use crate::clients;
use crate::running::{Cluster, TOOLS, python_with_boto3};
use crate::support::run::{Run, within};
use crate::support::{Runs, say, tools};

/// Puts and gets until the file `stop` is there. After each round that worked, `rounds` holds how many did. No
/// attempt is repeated, so that every failure counts.
const LOAD: &str = r#"
import boto3, os, time
from botocore.config import Config
s3 = boto3.client("s3", config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=30))
if not s3.list_buckets(Prefix="load")["Buckets"]:
    s3.create_bucket(Bucket="load")
good, failed, longest, last = 0, 0, 0.0, time.monotonic()
while not os.path.exists("stop"):
    try:
        s3.put_object(Bucket="load", Key="key", Body=str(good).encode())
        assert s3.get_object(Bucket="load", Key="key")["Body"].read() == str(good).encode()
    except AssertionError:
        raise
    except Exception:
        failed += 1
        time.sleep(0.2)
        continue
    good, now = good + 1, time.monotonic()
    longest, last = max(longest, now - last), now
    with open("rounds.new", "w") as file:
        file.write(str(good))
    os.replace("rounds.new", "rounds")
    time.sleep(0.05)
print(f"{good} rounds, {failed} failed, the longest without one {longest:.1f} s")
"#;

/// Rounds after which the load counts as under way.
const ENOUGH: u64 = 20;
/// Far above what an election and the gateways' way to the new leader take, even on a machine that is busy.
const BACK_WITHIN: Duration = Duration::from_secs(120);

#[test]
#[ignore = "starts a real cluster"]
fn every_client_works_and_any_leader_may_be_killed() {
    let (true, Some(python)) = (tools(TOOLS), python_with_boto3()) else {
        return;
    };
    let cluster = Cluster::new("ha");
    let up =
        cluster.succeed(&["up", "--base", "ha", "-n", "3", "--timeout", "8m", "--name", &cluster.project]);
    say(up.stderr.lines().find(|line| line.contains(" is ready after ")).unwrap_or_default());
    cluster.succeed(&["smoke"]);
    clients::are_content(&cluster);
    cluster.succeed(&["scale", "2"]);

    for role in ["om", "scm"] {
        let old = leader(&cluster, role).expect("one of them leads");
        let mut command = cluster.command(&["run", "--", &python.display().to_string(), "-c", LOAD]);
        let load = Run::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        within(BACK_WITHIN, "the load is under way", || rounds(&cluster) >= ENOUGH);
        cluster.compose(&["kill", &old]);
        let killed = Instant::now();
        within(BACK_WITHIN, "another leads", || leader(&cluster, role).is_some_and(|new| new != old));
        let elected = killed.elapsed();
        let before = rounds(&cluster);
        within(BACK_WITHIN, "requests come back", || rounds(&cluster) >= before + ENOUGH);
        cluster.sandbox.write("cluster/stop", "");
        let outcome = load.end();
        outcome.succeeded();
        say(&format!("`{old}` killed, another seen after {elected:.1?}: {}", outcome.stdout.trim_end()));
        for file in ["stop", "rounds"] {
            fs::remove_file(cluster.sandbox.path(&format!("cluster/{file}"))).expect("a file of the load");
        }
    }

    // Both come back as followers, with the data they missed.
    cluster.succeed(&["up", "--timeout", "8m"]);
    assert_eq!(cluster.ended(), "");
    cluster.start_at_other_addresses();
    cluster.succeed(&["smoke"]);
    cluster.succeed(&["down", "--volumes"]);
    assert_eq!(cluster.leftovers(), "");
}

/// The service that leads a role, as `status` shows it.
fn leader(cluster: &Cluster, role: &str) -> Option<String> {
    let status = cluster.succeed(&["status", "--format", "json"]);
    let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
    status["leaders"][role].as_str().map(str::to_owned)
}

fn rounds(cluster: &Cluster) -> u64 {
    let text = fs::read_to_string(cluster.sandbox.path("cluster/rounds")).unwrap_or_default();
    text.parse().unwrap_or(0)
}
