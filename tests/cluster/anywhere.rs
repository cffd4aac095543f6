//! The whole life of a cluster on whatever engine `DOCKER_HOST` names: this machine's, one of another machine, Podman.

use std::time::Duration;

use serde_json::Value;

use crate::running::{Cluster, TOOLS, end_unharmed};
use crate::support::load::{Load, Traffic};
use crate::support::{Outcome, Runs, say, tools};

#[test]
#[ignore = "starts a real cluster"]
fn a_cluster_works_on_any_engine() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("anywhere");
    let up = cluster.run(&["up", "-n", "2", "--tls", "--name", &cluster.project]);
    assert_eq!(up.status, 0, "{up}");
    let https = up.stdout.trim();
    let status = cluster.succeed(&["status", "--format", "json"]).stdout;
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let endpoint = status["endpoint"].as_str().expect("an endpoint").to_owned();
    say(&format!(
        "S3 is at {endpoint} and {https}: {}",
        up.stderr.lines().find(|line| line.contains("is ready")).unwrap_or_default()
    ));
    assert!(cluster.succeed(&["env"]).stdout.contains(&format!("AWS_ENDPOINT_URL_S3='{https}'")));
    cluster.succeed(&["smoke"]);
    cluster.succeed(&["run", "--", "aws", "s3", "mb", "s3://encrypted"]);
    // An unsigned request, which is refused by whom it reaches.
    let ask = ["sh", "-c", "wget -O /dev/null \"$AWS_ENDPOINT_URL_S3\" 2>&1; exit 0"];
    let inside = cluster.succeed(&[&["run", "--inside", "haproxy:3.2-alpine", "--"][..], &ask].concat());
    assert!(inside.stdout.contains("s3g:9878") && inside.stdout.contains("403"), "{inside}");

    let load = || Load::start(&endpoint, Traffic { at_most: Duration::from_secs(300), ..Traffic::default() });
    let scaling = load();
    cluster.succeed(&["scale", "3"]);
    end_unharmed(scaling, "2 -> 3", 100);
    let before = cluster.containers();
    let mine = "frontend mine\n    mode http\n    bind :9999\n    http-request return status 200\n";
    cluster.sandbox.write("cluster/haproxy/zz-local.cfg", mine);
    let reloading = load();
    fs_err::remove_file(cluster.sandbox.path("cluster/tls/private/haproxy/s3.pem")).expect("a certificate");
    cluster.succeed(&["reload"]);
    cluster.succeed(&["run", "--", "aws", "s3", "ls", "s3://encrypted"]);
    cluster.succeed(&["drain", "s3g2"]);
    cluster.succeed(&["resume"]);
    end_unharmed(reloading, "three reloads", 100);
    let balancer = format!("{}-s3g-1", cluster.project);
    let wget = ["exec", &balancer, "wget", "-q", "-Y", "off", "-O", "/dev/null", "http://127.0.0.1:9999/"];
    let answer = Outcome::of(&mut cluster.docker(&wget));
    assert_eq!(answer.status, 0, "a person's own lines are loaded: {answer}");
    let restarting = load();
    cluster.succeed(&["restart", "s3g1"]);
    end_unharmed(restarting, "a gateway restarts", 100);
    cluster.succeed(&["up"]);
    assert_eq!(cluster.containers(), before, "no container was recreated");

    let status = cluster.succeed(&["status"]);
    assert!(status.stderr.contains(&endpoint) && status.stdout.matches("serves").count() == 3, "{status}");
    assert!(cluster.succeed(&["ls"]).stdout.contains(&endpoint));
    cluster.succeed(&["collect", "archive.tar.gz"]);
    cluster.succeed(&["down", "--volumes"]);
    assert_eq!(cluster.leftovers(), "");
}
