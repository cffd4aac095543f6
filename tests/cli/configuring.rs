//! What `config show` says of each choice.

use serde_json::{Value, json};

use ozone_compose::spec::options::{OPTIONS, Preset};

use crate::support::{Runs, Sandbox};

const NEW: &str = "there is no cluster in `.`: these are the choices for a new one\n";

/// The options as JSON, with these variables and flags.
fn options(sandbox: &Sandbox, variables: &[(&str, &str)], flags: &[&str]) -> Vec<Value> {
    let arguments = [&["config", "show", "--format", "json"], flags].concat();
    let outcome = sandbox.run_with(variables, &arguments);
    let says = if sandbox.path("ozone-compose.yaml").exists() { "" } else { NEW };
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, says), "{outcome}");
    let object: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    object["options"].as_array().expect("a list").clone()
}

fn option(options: &[Value], key: &str) -> Value {
    let found = options.iter().find(|option| option["key"] == key);
    let mut found = found.unwrap_or_else(|| panic!("no {key}")).clone();
    found.as_object_mut().expect("an object").remove("key");
    found
}

#[test]
fn each_value_comes_with_the_place_where_it_was_chosen() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "ozone-compose.yaml",
        "version: 1\nname: demo\nports: {s3: 1001, stats: 1002}\nreplication: 3\n",
    );
    let options = options(&sandbox, &[("OZONE_COMPOSE_STATS_PORT", "2002")], &["-n", "5"]);
    for (key, value, origin, source) in [
        ("gateways.count", "5", "flag", "--gateways"),
        ("ports.stats", "2002", "variable", "OZONE_COMPOSE_STATS_PORT"),
        ("ports.s3", "1001", "file", "ozone-compose.yaml"),
        ("ports.om", "9874", "default", ""),
        ("datanodes", "3", "derived", "as many as the replication needs"),
    ] {
        assert_eq!(
            option(&options, key),
            json!({ "values": [value], "origin": origin, "source": source }),
            "{key}"
        );
    }
    let unset = json!({ "values": [], "origin": "default", "source": "this tool's own" });
    assert_eq!(option(&options, "templates"), unset);
    let keys: Vec<&str> = options.iter().map(|option| option["key"].as_str().expect("a key")).collect();
    // What has no meaning for these choices is not shown.
    let meaningful =
        OPTIONS.iter().map(|option| option.key).filter(|key| !["checkout", "nodes"].contains(key));
    assert_eq!(keys, meaningful.collect::<Vec<_>>());
}

#[test]
fn what_it_shows_is_what_generate_uses() {
    let sandbox = Sandbox::new();
    for profile in ["tuned", "upstream"] {
        let choices = ["--profile", profile, "--ozone-version", "2.1.0"];
        let options = options(&sandbox, &[], &choices);
        let generate =
            |file: &str| sandbox.succeed(&[&["generate", "--stdout", file], &choices[..]].concat()).stdout;
        let value = |key: &str| option(&options, key)["values"][0].as_str().expect("a value").to_owned();
        let overlay = generate("s3-haproxy.yaml");
        for image in ["ozone.image", "balancer.image"] {
            assert!(overlay.contains(&format!(":-{}}}", value(image))), "{image}: {overlay}");
        }
        assert!(generate("docker-compose.yaml").contains(&format!("name: \"{}\"", value("name"))));
        let cfg = generate("haproxy/s3-haproxy.cfg");
        for (key, line) in [
            ("balancer.balance", "balance "),
            ("balancer.maxconn", "maxconn "),
            ("timeouts.client", "timeout client "),
        ] {
            assert!(cfg.contains(&format!("    {line}{}\n", value(key))), "{key}: {cfg}");
        }
    }
}

#[test]
fn options_without_a_meaning_are_left_out() {
    let sandbox = Sandbox::new();
    let keys = |flags: &[&str]| -> Vec<String> {
        let key = |option: &Value| option["key"].as_str().expect("a key").to_owned();
        options(&sandbox, &[], flags).iter().map(key).collect()
    };
    for (flags, left_out) in [
        (&["--server", "gw1:1", "--server", "gw2:1"][..], "gateways.count"),
        (&["--base", "none"], "datanodes"),
        (&["--profile", "upstream"], "balancer.health"),
        (&["--profile", "upstream"], "security"),
    ] {
        let keys = keys(flags);
        assert!(!keys.iter().any(|key| key == left_out) && keys.contains(&"ports.s3".to_owned()), "{keys:?}");
        // What else is shown may be chosen.
        for option in OPTIONS.iter().filter(|option| keys.contains(&option.key.to_owned())) {
            let flag = format!("--{}", option.flag);
            let (Preset::Is(text) | Preset::By { tuned: text, .. }) = option.default else { continue };
            if !flags.contains(&&*flag) {
                let outcome = sandbox.run(&[&["config", "show", &format!("{flag}={text}")], flags].concat());
                assert_eq!(outcome.status, 0, "{outcome}");
            }
        }
    }
    let servers = option(&options(&sandbox, &[], &["--server", "gw1:1", "--server", "gw2:1"]), "servers");
    assert_eq!(servers["values"], json!(["gw1:1", "gw2:1"]));
}

#[test]
fn a_table_is_for_people() {
    let sandbox = Sandbox::new();
    let line = |arguments: &[&str], key: &str| {
        let table = sandbox.succeed(&[&["config", "show"], arguments].concat()).stdout;
        let found = table.lines().find(|line| line.starts_with(&format!("{key} "))).expect("a line");
        found.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line(&["-n", "4"], "gateways.count"), "gateways.count 4");
    assert_eq!(line(&["-n", "4", "--origin"], "gateways.count"), "gateways.count 4 --gateways");
    assert_eq!(line(&["--origin"], "ports.s3"), "ports.s3 9878 default");
    assert_eq!(line(&["--origin"], "datanodes"), "datanodes 1 derived: as many as the replication needs");
    assert_eq!(line(&["--origin"], "servers"), "servers - default");
}

#[test]
fn bad_choices_are_reported_as_generate_reports_them() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run(&["config", "show", "-n", "0"]);
    assert_eq!(
        outcome.to_string(),
        "exit 2\n--- stderr\nerror: gateways.count (--gateways): 0 is not between 1 and 512\n"
    );
}
