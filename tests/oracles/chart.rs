//! What is rendered for Kubernetes is YAML that says what was meant. Helm and a schema of Kubernetes judged it by hand:
//! docs/kubernetes.md.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::support::examples::{self, Example};
use crate::support::{Runs, Sandbox};

/// What begins the name of a variable that sets something in `ozone-site.xml`.
const SETTING: &str = "OZONE-SITE.XML_";

fn example() -> Example {
    examples::all().into_iter().find(|example| example.case == "kubernetes").expect("an example")
}

/// All documents of a file.
fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text);
    documents.map(|one| Value::deserialize(one).expect("YAML")).collect()
}

#[test]
fn values_are_for_the_chart_and_set_nothing_that_it_sets() {
    let values = documents(&example().read("values.yaml")).remove(0);
    assert_eq!(
        (&values["image"]["repository"], &values["image"]["tag"]),
        (&"apache/ozone".into(), &"2.2.1".into())
    );
    for (role, replicas) in [("scm", 3), ("om", 3), ("datanode", 3), ("s3g", 5)] {
        assert_eq!(values[role]["replicas"], replicas, "{role}");
        assert_eq!(values[role]["resources"]["limits"]["memory"], "1152Mi", "{role}");
        // The chart's key for the gateways' own volume, which they do not need.
        assert_eq!(values[role]["persistence"]["enabled"] == true, role != "s3g", "{role}");
    }
    let names = |place: &Value| -> Vec<String> {
        let all = place.as_array().expect("a list").iter();
        all.map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
    };
    let mut all = names(&values["env"]);
    all.extend(names(&values["s3g"]["env"]));
    assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len(), "a name twice is refused: {all:?}");
    assert!(all.iter().any(|name| name.starts_with(SETTING)), "{all:?}");
    // As charts/ozone/templates/_helpers.tpl of version 0.3.0 sets them.
    for name in [
        "hdds.datanode.dir",
        "hdds.scm.safemode.min.datanode",
        "ozone.metadata.dirs",
        "ozone.om.service.ids",
        "ozone.scm.datanode.id.dir",
        "ozone.scm.primordial.node.id",
        "ozone.scm.service.ids",
    ] {
        assert!(!all.contains(&format!("{SETTING}{name}")), "{name}");
    }
    let script = values["s3g"]["args"][2].as_str().expect("a script");
    assert!(script.starts_with("drain() {\n  sleep 8\n") && script.contains("kill $java"), "{script}");
}

#[test]
fn haproxy_gets_its_file_and_finds_the_gateways_of_the_release() {
    let example = example();
    let documents = documents(&example.read("haproxy.yaml"));
    let kinds: Vec<&str> = documents.iter().map(|one| one["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["ConfigMap", "Deployment", "Service", "PodDisruptionBudget"]);
    let text = documents[0]["data"]["s3-haproxy.cfg"].as_str().expect("a text");
    assert_eq!(text, example.read("haproxy/s3-haproxy.cfg"));
    assert!(
        text.contains("1-32 \"kubernetes-s3g-headless.${NAMESPACE-default}.svc.cluster.local:9878\""),
        "{text}"
    );
    let pod = &documents[1]["spec"]["template"];
    assert_eq!(pod["metadata"]["labels"]["app.kubernetes.io/instance"], "kubernetes");
    for one in &documents[1..] {
        let selector = &one["spec"]["selector"];
        let labels = selector.get("matchLabels").unwrap_or(selector);
        assert_eq!(labels["app.kubernetes.io/component"], "haproxy", "{one}");
    }
}

#[test]
fn another_text_of_haproxys_makes_other_pods() {
    let sandbox = Sandbox::new();
    let digest = |arguments: &[&str]| {
        sandbox.succeed(&[&["generate", "-q"], arguments].concat());
        let pod = documents(&sandbox.read("haproxy.yaml")).remove(1)["spec"]["template"].clone();
        pod["metadata"]["annotations"]["io.github.ozone-compose.digest"]
            .as_str()
            .expect("a digest")
            .to_owned()
    };
    let first = digest(&["--target", "helm", "--base", "ha", "--name", "demo"]);
    assert_eq!(first, digest(&["-n", "7"]), "the number of gateways is in no line of HAProxy's");
    assert_ne!(first, digest(&["--balance", "roundrobin"]));
}
