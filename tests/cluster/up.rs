//! `up` means ready, and `down` means gone.

use serde_json::Value;

use crate::running::{Cluster, TOOLS, python_with_boto3};
use crate::support::{Outcome, Runs, clean, say, tools};

/// Puts, gets and uploads in parts, with nothing but the variables that `run` gives.
const BOTO3: &str = r#"
import boto3, io, os
s3 = boto3.client("s3")
s3.create_bucket(Bucket="boto3")
s3.put_object(Bucket="boto3", Key="small/\u00e9", Body=b"hello")
assert s3.get_object(Bucket="boto3", Key="small/\u00e9")["Body"].read() == b"hello"
large = os.urandom(12 * 1024 * 1024)
s3.upload_fileobj(io.BytesIO(large), "boto3", "large")
assert s3.get_object(Bucket="boto3", Key="large")["Body"].read() == large
assert [o["Key"] for o in s3.list_objects_v2(Bucket="boto3")["Contents"]] == ["large", "small/\u00e9"]
print("boto3 is content")
"#;

#[test]
#[ignore = "starts a real cluster"]
fn up_means_ready_for_every_client_and_down_leaves_nothing() {
    let (true, Some(python)) = (tools(TOOLS), python_with_boto3()) else {
        return;
    };
    let cluster = Cluster::new("up");

    let up = cluster.succeed(&["up", "-n", "3", "--name", &cluster.project]);
    assert_eq!(up.stdout, "http://127.0.0.1:9878\n", "{up}");
    let ready =
        up.stderr.lines().find(|line| line.contains(" is ready after ")).expect("the time").to_owned();
    say(&ready);
    every_gateway_has_served(&cluster, 3);

    cluster.succeed(&["smoke"]);
    let boto3 = cluster.succeed(&["run", "--", &python.display().to_string(), "-c", BOTO3]);
    assert_eq!(boto3.stdout, "boto3 is content\n", "{boto3}");
    let listed = cluster.succeed(&["run", "--", "aws", "s3", "ls", "s3://boto3"]);
    assert!(listed.stdout.contains(" large\n"), "{listed}");

    let before = cluster.containers();
    cluster.succeed(&["up"]);
    assert_eq!(cluster.containers(), before, "a second `up` changes nothing");

    let more = cluster.succeed(&["up", "-n", "4"]);
    assert!(more.stderr.contains("gateways.count: 3 -> 4"), "{more}");
    let after = cluster.containers();
    assert!(before.iter().all(|id| after.contains(id)), "one more gateway recreates nothing else");
    every_gateway_has_served(&cluster, 4);

    cluster.succeed(&["down"]);
    assert_eq!(cluster.containers(), Vec::<String>::new());
    let gone = cluster.run(&["env"]);
    assert_eq!((gone.status, gone.stdout.as_str()), (5, ""), "{gone}");
    cluster.succeed(&["up"]);
    let kept = cluster.succeed(&["run", "--", "aws", "s3", "ls", "s3://boto3"]);
    assert_eq!(kept.stdout, listed.stdout, "data outlives the containers");

    cluster.succeed(&["down", "--volumes"]);
    assert_eq!(cluster.leftovers(), "");
}

#[test]
#[ignore = "starts a real cluster"]
fn three_copies_and_gateways_by_dns_scale_without_this_tool() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("dns");
    let options = ["--replication", "3", "--discovery", "dns", "--name", &cluster.project];
    cluster.succeed(&[&["up", "-n", "2"], &options[..]].concat());
    cluster.compose(&["up", "-d", "--scale", "s3gw=3", "--no-recreate"]);
    // HAProxy queries the name server every few seconds, and a JVM has to start.
    let found = std::iter::repeat_with(|| {
        std::thread::sleep(std::time::Duration::from_secs(1));
        gateways(&cluster).iter().filter(|gateway| gateway["state"] == "UP").count()
    });
    assert!(found.take(120).any(|up| up == 3), "the third gateway is found by its name alone");
    cluster.succeed(&["smoke"]);
}

#[test]
#[ignore = "starts a real cluster"]
fn the_settings_of_ozones_own_example_become_ready_too() {
    if !tools(TOOLS) || !tools(&["haproxy:lts-alpine"]) {
        return;
    }
    let cluster = Cluster::new("upstream");
    let options = ["--profile", "upstream", "--bind", "127.0.0.1", "--name", &cluster.project];
    let up = cluster.succeed(&[&["up"], &options[..]].concat());
    say(up.stderr.lines().find(|line| line.contains(" is ready after ")).unwrap_or_default());
    cluster.succeed(&["smoke"]);
}

#[test]
#[ignore = "starts a real cluster"]
fn ozone_has_the_layouts_and_quotas_that_were_chosen_and_a_profile_leads_to_them() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("layouts");
    let ports = ["--s3-port", "auto", "--stats-port", "off", "--scm-port", "off", "--om-port", "off"];
    let buckets = ["--bucket", "plain,logs:layout=fso:quota=10GB,old:layout=legacy"];
    let up = [&["up", "-n", "1", "--name", &cluster.project], &ports[..], &buckets].concat();
    cluster.succeed(&up);
    let again = cluster.succeed(&["up", "--bucket", "logs:layout=fso:quota=20GB,plain:layout=obs"]);
    assert!(again.stderr.contains("logs, plain: there already; set the quota of logs\n"), "{again}");
    let info = ["compose", "exec", "-T", "om", "ozone", "sh", "bucket", "info", "/s3v/logs"];
    let info = Outcome::of(&mut cluster.docker(&info)).stdout;
    // Warnings may come before it.
    let json = &info[info.find("{\n").expect("an object")..];
    let info: Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(info["bucketLayout"], "FILE_SYSTEM_OPTIMIZED");
    assert_eq!(info["quotaInBytes"], 20_u64 << 30);
    assert_eq!(info["owner"], "ozone-compose");
    let other = cluster.run(&["up", "--bucket", "old:layout=obs"]);
    let said =
        "error: the bucket `old` is there with the layout legacy, not obs, and a layout cannot change\n";
    assert!(other.status == 1 && other.stderr.contains(said), "{other}");

    let home = cluster.sandbox.path("home");
    Outcome::of(cluster.command(&["env", "--profile", "demo"]).env("HOME", &home)).succeeded();
    let listed = Outcome::of(clean("aws").args(["--profile", "demo", "s3", "ls"]).env("HOME", &home));
    assert!(["logs", "old", "plain"].iter().all(|name| listed.stdout.contains(name)), "{listed}");
}

fn gateways(cluster: &Cluster) -> Vec<Value> {
    let status: Outcome = cluster.succeed(&["status", "--format", "json"]);
    let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!((&status["version"], &status["kind"]), (&1.into(), &"status".into()));
    status["gateways"].as_array().expect("gateways").clone()
}

fn every_gateway_has_served(cluster: &Cluster, count: usize) {
    let gateways = gateways(cluster);
    assert_eq!(gateways.len(), count, "{gateways:?}");
    for gateway in gateways {
        assert_eq!(gateway["state"], "UP", "{gateway}");
        assert!(gateway["requests"].as_u64().expect("a number") >= 2, "a PUT and a GET each: {gateway}");
    }
}
