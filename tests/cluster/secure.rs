//! Real S3 secrets: their owners read and write, all others are refused, and no output or process list shows them.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fs_err as fs;
use ozone_compose::s3::Key;
use serde_json::Value;

use crate::clients;
use crate::running::{Cluster, TOOLS, end_unharmed};
use crate::support::archive::unpacked;
use crate::support::load::{Load, Traffic};
use crate::support::{Outcome, Runs, say, tools};

const KDC: &str = "ghcr.io/apache/ozone-testkrb5:20260507-1";

/// A cluster with two users, on ports of its own.
fn secure(purpose: &str, options: &[&str]) -> Cluster {
    let cluster = Cluster::new(purpose);
    let up = ["-v", "up", "--secure", "--user", "alice,bob", "--bucket", "shared", "--port", "auto"];
    let up = cluster.succeed(&[&up[..], &["--timeout", "10m", "--name", &cluster.project], options].concat());
    say(up.stderr.lines().find(|line| line.contains(" is ready after ")).unwrap_or_default());
    nobody_sees(&cluster, "-v up", &format!("{}{}", up.stdout, up.stderr));
    cluster
}

/// Every gateway refuses what `smoke` tries with keys that are not good for it.
fn every_gateway_refuses_others(cluster: &Cluster, when: &str) {
    let smoke = cluster.succeed(&["smoke"]);
    for check in ["wrong-secret", "unknown-key", "revoked-key", "other-user"] {
        let line = smoke.stdout.lines().find(|line| line.starts_with(check)).unwrap_or_default();
        assert!(line.contains("passed: 403"), "{when}: {smoke}");
    }
}

/// Alice reads and writes, and every gateway refuses everybody else what is hers.
fn alice_alone_is_served(cluster: &Cluster, when: &str) {
    clients::aws_cli(cluster);
    every_gateway_refuses_others(cluster, when);
    let bob =
        |arguments: &[&str]| cluster.run(&[&["run", "--user", "bob", "--", "aws", "s3"], arguments].concat());
    cluster.sandbox.write("cluster/file", "hers");
    cluster.succeed(&["run", "--user", "alice", "--", "aws", "s3", "cp", "file", "s3://shared/file"]);
    for arguments in [
        &["cp", "s3://shared/file", "-"][..],
        &["cp", "file", "s3://shared/other"],
        &["rm", "s3://shared/file"],
        &["ls", "s3://shared"],
    ] {
        let refused = bob(arguments);
        assert!(
            refused.status != 0 && refused.stderr.contains("403") || refused.stderr.contains("Denied"),
            "{when}: {refused}"
        );
    }
}

/// The secrets in a cluster's folder.
fn secrets(cluster: &Cluster) -> Vec<String> {
    let text = cluster.sandbox.read("cluster/secrets/credentials");
    let secrets = text.lines().filter_map(|line| line.strip_prefix("aws_secret_access_key = "));
    let secrets: Vec<String> = secrets.map(str::to_owned).collect();
    assert!(secrets.len() >= 3 && secrets.iter().all(|secret| secret.len() >= 8), "{}", secrets.len());
    secrets
}

/// Twelve clients with the secret of alice.
fn load_of_alice(cluster: &Cluster) -> Load {
    let (key, endpoint) = alice(cluster);
    let traffic = Traffic { at_most: Duration::from_secs(600), ..Traffic::default() };
    Load::of_user(&key, &endpoint, traffic)
}

/// The key of alice, and the endpoint.
pub(crate) fn alice(cluster: &impl Runs) -> (Key, String) {
    let environment = cluster.succeed(&["env", "--user", "alice", "--format", "json"]).stdout;
    let environment: Value = serde_json::from_str(&environment).expect("JSON");
    let of = |name: &str| environment["variables"][name].as_str().expect("a text").to_owned();
    (Key::new(&of("AWS_ACCESS_KEY_ID"), &of("AWS_SECRET_ACCESS_KEY")), of("AWS_ENDPOINT_URL_S3"))
}

#[track_caller]
fn nobody_sees(cluster: &Cluster, place: &str, text: &str) {
    for secret in secrets(cluster) {
        assert!(!text.contains(&secret), "{place} shows a secret");
    }
}

/// Reads the command lines of all processes again and again, until it is to stop.
fn watch(stop: &Arc<AtomicBool>) -> thread::JoinHandle<BTreeSet<String>> {
    let stop = Arc::clone(stop);
    thread::spawn(move || {
        let mut seen = BTreeSet::new();
        while !stop.load(Ordering::Relaxed) {
            for entry in fs::read_dir("/proc").expect("processes").flatten() {
                seen.extend(fs::read_to_string(entry.path().join("cmdline")));
            }
            // A JVM that sets a secret lives for seconds.
            thread::sleep(Duration::from_millis(50));
        }
        seen
    })
}

/// Files below a folder that everybody may read, by their paths and texts.
fn open_files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        if path.is_dir() && mode & 0o001 != 0 {
            open_files(&path, found);
        } else if path.is_file() && mode & 0o044 != 0 {
            let bytes = fs::read(&path).expect("a file");
            found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

#[test]
#[ignore = "starts a real cluster"]
fn only_users_of_the_cluster_are_served_and_no_output_shows_a_secret() {
    if !tools(TOOLS) || !tools(&[KDC]) {
        return;
    }
    let cluster = secure("secure", &["-n", "2"]);
    alice_alone_is_served(&cluster, "after up");
    let load = load_of_alice(&cluster);
    cluster.succeed(&["scale", "3"]);
    for change in [&["restart", "s3g1"][..], &["drain", "s3g2"], &["resume"], &["reload"]] {
        cluster.succeed(change);
    }
    end_unharmed(load, "a larger number, a restart and three reloads with security", 200);
    clients::boto3(&cluster);
    every_gateway_refuses_others(&cluster, "after scale and restart");

    let stop = Arc::new(AtomicBool::new(false));
    let watched = watch(&stop);
    let chosen = [("CHOSEN", "chosen-by-a-test-1")];
    let mut said = String::new();
    for arguments in [
        &["-v", "user", "add", "carol", "--secret-from-env", "CHOSEN"][..],
        &["-v", "user", "rotate", "bob"],
        &["-v", "smoke"],
        &["-v", "run", "--user", "carol", "--", "aws", "s3", "mb", "s3://carols"],
    ] {
        let mut command = cluster.command(arguments);
        let outcome = Outcome::of(command.envs(chosen));
        assert_eq!(outcome.status, 0, "{outcome}");
        said += &outcome.stdout;
        said += &outcome.stderr;
    }
    stop.store(true, Ordering::Relaxed);
    let lines: String = watched.join().expect("a watch").into_iter().collect();
    assert!(lines.contains("setsecret"), "the watch has seen the command that sets a secret");
    nobody_sees(&cluster, "a list of processes", &lines);
    nobody_sees(&cluster, "-v", &said);

    let logs = Outcome::of(&mut cluster.docker(&["compose", "logs", "--no-color"]));
    nobody_sees(&cluster, "a log", &logs.stdout);
    let mut inspect = cluster.docker(&["inspect"]);
    let inspected = Outcome::of(inspect.args(cluster.containers()));
    assert!(inspected.stdout.contains("KRB5_KDC_PROFILE"), "variables of containers are shown: {inspected}");
    nobody_sees(&cluster, "docker inspect", &inspected.stdout);
    cluster.succeed(&["collect", "all.tar.gz"]);
    for (name, text) in unpacked(&cluster.sandbox.path("cluster/all.tar.gz")) {
        nobody_sees(&cluster, &name, &text);
    }
    let mut files = Vec::new();
    open_files(&cluster.sandbox.path("cluster"), &mut files);
    assert!(files.len() > 5, "{files:?}");
    for (name, text) in files {
        nobody_sees(&cluster, &name, &text);
    }

    cluster.succeed(&["user", "remove", "carol"]);
    let before = secrets(&cluster);
    cluster.succeed(&["down"]);
    cluster.succeed(&["up"]);
    assert_eq!(secrets(&cluster), before, "`down` keeps secrets as it keeps data");
    alice_alone_is_served(&cluster, "after down and up");
    let insecure = cluster.run(&["up", "--secure=off"]);
    assert_eq!(insecure.status, 3, "{insecure}");
    cluster.succeed(&["down", "--volumes"]);
    assert!(!cluster.sandbox.path("cluster/secrets").exists());
    assert_eq!(cluster.leftovers(), "");
}

#[test]
#[ignore = "starts a real cluster with several SCMs and OMs"]
fn a_secure_cluster_with_several_scms_and_oms_refuses_the_same() {
    if !tools(TOOLS) || !tools(&[KDC]) {
        return;
    }
    let cluster = secure("secure-ha", &["--base", "ha", "-n", "3"]);
    alice_alone_is_served(&cluster, "after up");
    clients::boto3(&cluster);
    let load = load_of_alice(&cluster);
    cluster.succeed(&["scale", "4"]);
    cluster.succeed(&["restart", "s3g2"]);
    end_unharmed(load, "a larger number and a restart with security and several OMs", 100);
    alice_alone_is_served(&cluster, "after scale and restart");
    cluster.start_at_other_addresses();
    alice_alone_is_served(&cluster, "after stop and start at other addresses");
}

#[test]
#[ignore = "starts a real cluster"]
fn a_secure_cluster_survives_other_addresses_a_kdc_that_ended_and_a_lost_file() {
    if !tools(TOOLS) || !tools(&[KDC]) {
        return;
    }
    let cluster = secure("secure-trouble", &["-n", "2"]);
    cluster.start_at_other_addresses();
    alice_alone_is_served(&cluster, "after stop and start at other addresses");

    cluster.compose(&["kill", "kdc"]);
    clients::aws_cli(&cluster);
    let status = cluster.run(&["status"]);
    assert!(status.stderr.contains("the KDC has ended"), "{status}");
    let smoke = cluster.run(&["smoke"]);
    assert!(smoke.status == 1 && smoke.stderr.contains("`revoked-key` failed"), "{smoke}");
    cluster.succeed(&["up"]);
    alice_alone_is_served(&cluster, "after another start of the KDC");

    let before = secrets(&cluster);
    fs::remove_file(cluster.sandbox.path("cluster/secrets/credentials")).expect("a file");
    let lost = cluster.run(&["run", "--", "true"]);
    assert!(lost.status != 0 && lost.stderr.contains("`ozone-compose up` gets a new one"), "{lost}");
    cluster.succeed(&["up"]);
    assert!(secrets(&cluster).iter().all(|secret| !before.contains(secret)));
    alice_alone_is_served(&cluster, "with other secrets");
}
