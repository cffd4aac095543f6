//! The S3 clients that people use, through every gateway of a cluster.

use fs_err as fs;

use crate::running::{Cluster, python_with_boto3};
use crate::support::{Runs, tool};

/// Writes and reads whatever the clients that are here can.
pub(crate) fn are_content(cluster: &Cluster) {
    boto3(cluster);
    aws_cli(cluster);
    rclone(cluster);
}

fn boto3(cluster: &Cluster) {
    let Some(python) = python_with_boto3() else { return };
    let script = include_str!("clients.py");
    let outcome = cluster.succeed(&["run", "--", &python.display().to_string(), "-c", script]);
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

fn aws_cli(cluster: &Cluster) {
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
