//! `docker stack config` reads a stack without a word, and understands what was meant.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::examples;
use crate::support::{Outcome, Runs, Sandbox, clean, tools};

/// What Docker understands of `stack.yaml` in a folder. It prints YAML, and any word on its standard error is a warning.
fn understood(folder: &std::path::Path) -> Value {
    let mut command = clean("docker");
    command.args(["stack", "config", "--compose-file", "stack.yaml"]).current_dir(folder);
    let outcome = Outcome::of(&mut command);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""), "{outcome}");
    serde_yaml::from_str(&outcome.stdout).expect("YAML")
}

#[test]
fn docker_understands_the_example_of_a_stack() {
    if !tools(&["docker compose"]) {
        return;
    }
    let example = examples::all().into_iter().find(|example| example.case == "swarm").expect("an example");
    let stack = understood(&example.folder);
    let service = |name: &str| &stack["services"][name];
    assert_eq!(service("s3gw")["deploy"]["replicas"], 5);
    assert_eq!(service("s3gw")["deploy"]["update_config"]["order"], "start-first");
    for role in ["scm", "om", "datanode"] {
        for number in 1..=3 {
            let service = service(&format!("{role}{number}"));
            assert_eq!(
                service["deploy"]["placement"]["constraints"][0],
                format!("node.labels.ozone == {number}")
            );
            assert_eq!(service["deploy"]["update_config"]["order"], "stop-first");
        }
    }
    let mut with_volumes = BTreeSet::new();
    for (name, service) in stack["services"].as_object().expect("services") {
        assert_eq!(service["deploy"]["endpoint_mode"], "dnsrr", "{name}");
        for volume in service["volumes"].as_array().into_iter().flatten() {
            assert_eq!(volume["type"], "volume", "{name} has a path of a host");
            with_volumes.insert(name.as_str());
        }
    }
    assert!(with_volumes.is_superset(&["scm1", "om1", "datanode1"].into()), "{with_volumes:?}");
    let command = service("s3gw")["command"][2].as_str().expect("a script");
    assert!(command.contains("seq 270") && command.contains("kill $java"), "{command}");
}

#[test]
fn docker_understands_who_has_which_keytab() {
    if !tools(&["docker compose"]) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "--target", "swarm", "--secure", "--tls", "--name", "demo", "-q"]);
    let stack = understood(&sandbox.path(""));
    let digest =
        stack["secrets"]["om-keytab"]["name"].as_str().and_then(|name| name.split_once("demo_om-keytab_"));
    let digest = digest.expect("a name that ends with a digest").1.to_owned();
    let has = |service: &str| {
        let secrets = stack["services"][service]["secrets"].as_array().into_iter().flatten();
        secrets.map(|one| one["source"].as_str().expect("a key").to_owned()).collect::<Vec<_>>()
    };
    for (service, secrets) in [
        ("scm", &["scm-keytab"][..]),
        ("om", &["om-keytab"]),
        ("datanode1", &["dn-keytab"]),
        ("s3gw", &["s3g-keytab", "s3-secret"]),
        ("kdc", &["principals"]),
        ("s3g-files", &["s3-pem"]),
        ("s3g", &[]),
    ] {
        assert_eq!(has(service), secrets, "{service}");
    }
    let keytab = &stack["services"]["om"]["secrets"][0];
    assert_eq!((&keytab["uid"], &keytab["mode"]), (&"1000".into(), &0o400.into()), "{keytab}");
    let again = sandbox.read("stack.yaml");
    sandbox.succeed(&["generate", "-q"]);
    assert_eq!(sandbox.read("stack.yaml"), again, "keys are made once");
    fs_err::remove_file(sandbox.path("kerberos/private/dn.keytab")).expect("a keytab");
    sandbox.succeed(&["generate", "-q"]);
    assert!(!sandbox.read("stack.yaml").contains(&digest), "all keys are others, and so are the names");
}

#[test]
fn another_text_of_haproxys_is_another_config() {
    if !tools(&["docker compose"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let config = || {
        sandbox.succeed(&["generate", "--target", "swarm", "--name", "demo", "-q"]);
        let stack = understood(&sandbox.path(""));
        let configs = stack["configs"].as_object().expect("configs").values();
        configs.map(|one| one["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    let first = config();
    assert_eq!(first, config(), "equal choices, equal names");
    sandbox.succeed(&["generate", "--balance", "roundrobin", "-q"]);
    let second = config();
    assert_ne!(first, second);
    sandbox.write("haproxy/zz-local.cfg", "frontend mine\n    mode http\n    bind :9999\n");
    assert_eq!(config().len(), 2, "a person's own file is a config too");
    assert!(config().contains(&second[0]));
    sandbox.succeed(&["generate", "-n", "16", "-q"]);
    assert!(config().contains(&second[0]), "up to sixteen gateways HAProxy needs no other");
    sandbox.succeed(&["generate", "-n", "17", "-q"]);
    assert!(!config().contains(&second[0]));
}
