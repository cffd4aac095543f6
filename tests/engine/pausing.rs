//! Clusters of this engine, and one that is stopped and started again.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::lab::{Container, Lab};
use crate::support::Runs;

/// What `ls` says of a cluster.
fn listed(cluster: &Cluster) -> Value {
    let said = cluster.succeed(&["ls", "--format", "json"]);
    let all: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(all["kind"], "clusters", "{said}");
    let mut clusters = all["clusters"].as_array().expect("clusters").iter();
    clusters.find(|one| one["name"] == cluster.project.name.as_str()).expect("this cluster").clone()
}

fn ids(containers: &[Container]) -> Vec<&str> {
    containers.iter().map(|one| one.id.as_str()).collect()
}

#[test]
fn a_cluster_that_is_stopped_and_started_keeps_its_containers_and_data() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("pause");
    cluster.up(&["-n", "2"]);
    let before = cluster.project.containers();
    let client = cluster.client("kept");
    assert!(client.make_bucket().expect("an answer").is_good());
    assert!(client.put("object", b"kept").expect("an answer").is_good());

    let row = listed(&cluster);
    assert_eq!(row["folder"], cluster.folder.display().to_string(), "{row}");
    assert_eq!(row["endpoint"], cluster.endpoint(), "{row}");
    assert_eq!((&row["gateways"]["running"], &row["gateways"]["total"]), (&2.into(), &2.into()), "{row}");
    let running = row["state"].clone();
    let table = cluster.succeed(&["ls"]).stdout;
    let line = table.lines().find(|line| line.contains(&cluster.project.name)).expect("a line");
    assert!(line.contains(&cluster.endpoint()), "{table}");

    cluster.succeed(&["stop"]);
    let stopped = cluster.project.containers();
    assert_eq!(ids(&stopped), ids(&before));
    assert!(stopped.iter().all(|one| !one.is_running()), "{stopped:?}");
    let row = listed(&cluster);
    assert_eq!((&row["gateways"]["running"], &row["gateways"]["total"]), (&0.into(), &2.into()), "{row}");
    assert_ne!(row["state"], running, "{row}");
    let env = cluster.run(&["env"]);
    assert_eq!((env.status, env.stdout.as_str()), (5, ""), "{env}");
    cluster.succeed(&["stop"]);

    let start = cluster.succeed(&["start"]);
    assert_eq!(cluster.conditions(), ["serving"; 2], "{start}");
    assert_eq!(cluster.project.containers(), before, "{start}");
    assert_eq!(client.get("object").expect("an answer").body, b"kept", "{start}");
    cluster.succeed(&["start"]);
    assert_eq!(cluster.project.containers(), before);
}
