//! Prometheus finds every gateway, every query of the dashboard returns data, and Recon knows the cluster.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use ozone_compose::s3::page;
use serde_json::Value;

use crate::running::{Cluster, TOOLS};
use crate::support::{Runs, say, tools};

const PROMETHEUS: &str = "http://127.0.0.1:9090/api/v1";

/// Longer than Prometheus takes to find and read a target, and than a rate needs to have two values.
const SEEN_WITHIN: Duration = Duration::from_secs(90);

/// What Prometheus answers, as soon as that is `good`.
fn answer<T>(path: &str, good: impl Fn(&Value) -> Option<T>) -> T {
    await_page(&format!("{PROMETHEUS}/{path}"), |answer| good(&answer["data"]))
}

/// What a page of JSON says, as soon as that is `good`.
fn await_page<T>(url: &str, good: impl Fn(&Value) -> Option<T>) -> T {
    let end = Instant::now() + SEEN_WITHIN;
    loop {
        let text = page(url).unwrap_or_default();
        let found = serde_json::from_str(&text).ok().and_then(|answer: Value| good(&answer));
        if let Some(found) = found {
            return found;
        }
        assert!(Instant::now() < end, "{url}: {text}");
        thread::sleep(Duration::from_secs(1));
    }
}

/// A query as a part of a URL.
fn encoded(query: &str) -> String {
    query.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

/// The queries of the dashboard.
fn queries(cluster: &Cluster) -> BTreeSet<String> {
    let with_grafana = ["generate", "--monitoring", "--grafana-port", "3000", "--stdout", "monitoring.yaml"];
    let file = cluster.succeed(&with_grafana).stdout;
    let file: Value = serde_yaml::from_str(&file).expect("YAML");
    let dashboard = file["configs"]["dashboard"]["content"].as_str().expect("a dashboard");
    let dashboard: Value = serde_json::from_str(dashboard).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().expect("targets").clone());
    targets.map(|target| target["expr"].as_str().expect("a query").to_owned()).collect()
}

#[test]
#[ignore = "starts a real cluster"]
fn prometheus_follows_scale_and_every_query_of_the_dashboard_returns_data() {
    if !tools(&[TOOLS, &["prom/prometheus:v2.53.3"]].concat()) {
        return;
    }
    let cluster = Cluster::new("watch");
    let up =
        ["up", "-n", "2", "--monitoring", "--grafana-port", "off", "--recon", "--name", &cluster.project];
    let ready = cluster.succeed(&up);
    assert!(ready.stderr.contains("Recon       http://127.0.0.1:9888"), "{ready}");
    assert!(ready.stderr.contains("Prometheus  http://127.0.0.1:9090"), "{ready}");
    let gateways = |wanted: &[&str]| {
        answer("targets?state=active", |data| {
            let targets = data["activeTargets"].as_array()?;
            let well = targets.iter().filter(|target| target["health"] == "up");
            let jobs: BTreeSet<&str> = well.clone().filter_map(|one| one["labels"]["job"].as_str()).collect();
            let names: BTreeSet<&str> = well.filter_map(|one| one["labels"]["gateway"].as_str()).collect();
            let all = ["datanode", "gateway", "haproxy", "om", "recon", "scm"];
            let is_as_wanted = jobs == all.into() && names == wanted.iter().copied().collect();
            (is_as_wanted && targets.len() == wanted.len() + 5).then_some(())
        });
    };
    gateways(&["s3g1", "s3g2"]);
    let container = cluster.containers();
    cluster.succeed(&["scale", "5"]);
    gateways(&["s3g1", "s3g2", "s3g3", "s3g4", "s3g5"]);
    let before: BTreeSet<String> = container.into_iter().collect();
    assert!(before.is_subset(&cluster.containers().into_iter().collect()), "nothing was replaced for that");
    cluster.succeed(&["smoke"]);
    let queries = queries(&cluster);
    assert!(queries.len() >= 16, "{queries:?}");
    for query in &queries {
        let series = answer(&format!("query?query={}", encoded(query)), |data| {
            let series = data["result"].as_array()?.len();
            (series > 0).then_some(series)
        });
        say(&format!("{series} series: {query}"));
    }
    cluster.succeed(&["run", "--", "aws", "s3", "mb", "s3://known-to-recon"]);
    await_page("http://127.0.0.1:9888/api/v1/clusterState", |state| {
        let is_known = state["healthyDatanodes"] == 1 && state["buckets"].as_u64()? > 0;
        is_known.then_some(())
    });
    cluster.succeed(&["scale", "1"]);
    gateways(&["s3g1"]);
}
