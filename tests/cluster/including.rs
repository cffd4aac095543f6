//! A cluster as a part of another Compose project, as the README shows it.

use crate::running::{Cluster, TOOLS};
use crate::support::{Outcome, Runs, tools};

/// An app that writes to the cluster by the name of its service, and reads it back.
const PROJECT: &str = r#"
include:
  - path:
      - my-cluster/docker-compose.yaml
      - my-cluster/s3-haproxy.yaml

services:
  app:
    image: apache/ozone:2.2.1
    entrypoint: ["bash", "-c"]
    command:
      - |
        s3() { curl -sf -m 5 --user any:any --aws-sigv4 aws:amz:us-east-1:s3 "$$@"; }
        for try in {1..200}; do
          s3 -X PUT http://s3g:9878/app
          s3 -X PUT --data-binary hello http://s3g:9878/app/key && s3 http://s3g:9878/app/key && exit
          sleep 0.5
        done
        exit 1
    depends_on:
      s3g:
        condition: service_healthy
"#;

#[test]
#[ignore = "starts a real cluster"]
fn an_app_of_a_project_that_includes_a_cluster_writes_to_it() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("include");
    cluster.sandbox.write("cluster/compose.yaml", PROJECT);
    cluster.succeed(&["generate", "-n", "2", "-o", "my-cluster"]);
    let compose = |arguments: &[&str]| {
        let outcome = Outcome::of(cluster.docker(&["compose", "-p", &cluster.project]).args(arguments));
        assert_eq!(outcome.status, 0, "{outcome}");
        outcome
    };
    compose(&["up", "--detach", "--scale", "app=0"]);
    let said = compose(&["run", "--rm", "--no-TTY", "app"]);
    assert_eq!(said.stdout, "hello", "{said}");
    compose(&["down", "--volumes"]);
    assert_eq!(cluster.leftovers(), "");
}
