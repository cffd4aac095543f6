//! The S3 clients that people use, through every gateway of a cluster.

use fs_err as fs;

use serde_json::Value;

use crate::running::{Cluster, TOOLS, python_with_boto3};
use crate::support::{Outcome, Runs, clean, say, skip, tool, tools};

/// Writes and reads whatever the clients that are here can.
pub(crate) fn are_content(cluster: &Cluster) {
    boto3(cluster);
    aws_cli(cluster);
    rclone(cluster);
}

const BOTO3: &str = include_str!("clients.py");

/// A domain, and the names of all buckets that the clients here make.
const HOSTS: &str =
    "127.0.0.1 localhost s3.localhost clients.s3.localhost cli.s3.localhost rclone.s3.localhost\n";

/// Runs a command for which these are the only hosts: in a namespace of mounts, so that no other process has them.
const WITH_HOSTS: &str = "mount --bind hosts /etc/hosts && exec \"$@\"";

#[test]
#[ignore = "starts a real cluster"]
fn every_client_works_over_http_and_https_with_buckets_in_the_path_and_in_the_host() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("clients");
    cluster.sandbox.write("cluster/hosts", HOSTS);
    let can_name = Outcome::of(clean("unshare").args(["--mount", "true"])).status == 0;
    if !can_name {
        skip("nobody may mount another /etc/hosts here: buckets are in the path alone");
    }
    // Ports where nothing else of these tests is.
    let up = format!(
        "up -n 3 --tls --domain s3.localhost --bucket first,second --name {} --s3-port 19871 --https-port 19881 \
         --stats-port 19891 --scm-port off --om-port off",
        cluster.project
    );
    let https = cluster.succeed(&up.split(' ').collect::<Vec<_>>()).stdout.trim().to_owned();
    let status = cluster.succeed(&["status", "--format", "json"]).stdout;
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let http = status["endpoint"].as_str().expect("an endpoint").to_owned();
    cluster.succeed(&["smoke"]);
    for endpoint in [http, https] {
        let (scheme, port) =
            (endpoint.split(':').next().expect("http"), endpoint.rsplit(':').next().expect("a port"));
        let by_host = (format!("{scheme}://s3.localhost:{port}"), "virtual");
        let ways = [(endpoint.clone(), "path")].into_iter().chain(can_name.then_some(by_host));
        for (endpoint, style) in ways {
            say(&format!("{endpoint} {style}"));
            of_way(&cluster, &endpoint, style);
        }
    }
}

/// Tries what is here of boto3, AWS CLI and rclone at an endpoint.
fn of_way(cluster: &Cluster, endpoint: &str, style: &str) {
    let contents = folder(cluster);
    let run = |command: &[&str]| {
        let to = format!("AWS_ENDPOINT_URL_S3={endpoint}");
        let mut words = vec!["run", "--"];
        if style == "virtual" {
            words.extend(["unshare", "--mount", "sh", "-c", WITH_HOSTS, "sh"]);
        }
        words.extend(["env", &to, "AWS_CONFIG_FILE=aws-config", "AWS_MAX_ATTEMPTS=1"]);
        cluster.succeed(&[&words, command].concat())
    };
    cluster.sandbox.write(
        "cluster/aws-config",
        format!("[default]\ns3 =\n  addressing_style = {style}\n  signature_version = s3v4\n"),
    );
    if let Some(python) = python_with_boto3() {
        let outcome = run(&[&python.display().to_string(), "-c", BOTO3, style]);
        assert_eq!(outcome.stdout, "s3g1 s3g2 s3g3\n", "every gateway has served: {outcome}");
    }
    run(&["aws", "s3", "mb", "s3://cli"]);
    run(&["aws", "s3", "cp", "--only-show-errors", "--recursive", "files", "s3://cli/files"]);
    run(&["aws", "s3", "cp", "--only-show-errors", "--recursive", "s3://cli/files", "back"]);
    assert_returned(cluster, "back", &contents);
    let url = run(&["aws", "s3", "presign", "s3://cli/files/small"]).stdout;
    assert_eq!(run(&["curl", "-sS", "--fail", url.trim()]).stdout, "hello");
    run(&["aws", "s3", "rb", "--force", "s3://cli"]);
    if !tool("rclone") {
        return;
    }
    let in_path = style == "path";
    let remote =
        format!(":s3,provider=Other,env_auth=true,force_path_style={in_path},endpoint=\"{endpoint}\":rclone");
    // Version 1.60 takes the roots that `SSL_CERT_FILE` names, and not those of AWS.
    let rclone = ["env", "-u", "AWS_CA_BUNDLE", "rclone", "--config", "/dev/null", "--retries", "1"];
    let parts = ["--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M"];
    for command in
        [&["copy", "files", &remote][..], &["check", "--download", "files", &remote], &["purge", &remote]]
    {
        run(&[&rclone[..], &parts, command].concat());
    }
}

pub(crate) fn boto3(cluster: &Cluster) {
    let Some(python) = python_with_boto3() else { return };
    let outcome = cluster.succeed(&["run", "--", &python.display().to_string(), "-c", BOTO3]);
    assert_eq!(outcome.stdout, "s3g1 s3g2 s3g3\n", "every gateway has served: {outcome}");
}

/// A folder with a file that is uploaded at once and one that is uploaded in parts.
fn folder(cluster: &Cluster) -> [Vec<u8>; 2] {
    let contents = [b"hello".to_vec(), (0..12 << 20).map(|place: u32| place.to_le_bytes()[2]).collect()];
    for (name, content) in ["small", "large"].iter().zip(&contents) {
        cluster.sandbox.write(&format!("cluster/files/{name}"), content);
    }
    contents
}

pub(crate) fn aws_cli(cluster: &Cluster) {
    let contents = folder(cluster);
    let run = |arguments: &[&str]| cluster.succeed(&[&["run", "--", "aws", "s3"], arguments].concat());
    run(&["mb", "s3://cli"]);
    run(&["sync", "--only-show-errors", "files", "s3://cli/files"]);
    let listed = run(&["ls", "--recursive", "s3://cli"]);
    assert!(listed.stdout.contains("12582912 files/large\n"), "{listed}");
    run(&["sync", "--only-show-errors", "s3://cli/files", "back"]);
    assert_returned(cluster, "back", &contents);
    run(&["rm", "--only-show-errors", "--recursive", "s3://cli"]);
    run(&["rb", "s3://cli"]);
}

fn rclone(cluster: &Cluster) {
    if !tool("rclone") {
        return;
    }
    let contents = folder(cluster);
    // Takes keys and endpoint from the variables that `run` sets, and everything else from here.
    let remote =
        ":s3,provider=Other,env_auth=true,force_path_style=true,endpoint=\"http://127.0.0.1:9878\":rclone";
    let run = |arguments: &[&str]| {
        let rclone =
            ["run", "--", "rclone", "--config", "/dev/null", "--retries", "1", "--s3-upload-cutoff", "5M"];
        cluster.succeed(&[&rclone[..], &["--s3-chunk-size", "5M"], arguments].concat())
    };
    run(&["copy", "files", remote]);
    run(&["check", "--download", "files", remote]);
    run(&["copy", remote, "returned"]);
    assert_returned(cluster, "returned", &contents);
    run(&["purge", remote]);
}

fn assert_returned(cluster: &Cluster, folder: &str, contents: &[Vec<u8>; 2]) {
    for (name, content) in ["small", "large"].iter().zip(contents) {
        let path = cluster.sandbox.path(&format!("cluster/{folder}/{name}"));
        assert!(fs::read(path).expect("a file") == *content, "{folder}/{name} is what was uploaded");
    }
}
