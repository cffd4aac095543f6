//! docs/json.md describes what the verbs print for programs: every field, and none besides.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fs_err as fs;
use serde_json::Value;

use ozone_compose::error::{EXIT_CODES, Status};

use crate::lab::{self, Lab, encrypted, running, with_ended};
use crate::requesting::for_programs as requests_for_programs;
use crate::stacking::nodes_for_programs;
use crate::support::Runs;
use crate::support::s3::{Behaviour, Wrong};

/// Types by the path of a field: `checks[].name`.
type Fields = BTreeMap<String, String>;

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md")).expect("docs/json.md")
}

/// The first two cells of each row of a text's tables whose first is code, without its marks.
fn rows(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines().filter_map(|line| {
        let (first, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((first.to_owned(), rest.split(" |").next()?.to_owned()))
    })
}

/// The documented fields of each kind.
fn documented() -> BTreeMap<String, Fields> {
    let document = document();
    let mut sections = document.split("\n## `");
    let common: Fields = rows(sections.next().expect("a beginning")).collect();
    let section = |text: &str| {
        let (kind, text) = text.split_once("`\n").expect("a kind");
        let (fields, _codes) = text.split_once("\n| `code` | exit code |").unwrap_or((text, ""));
        (kind.to_owned(), common.clone().into_iter().chain(rows(fields)).collect())
    };
    sections.map(section).collect()
}

/// Notes each field of a value with its type, as the document names them.
fn note(path: &str, value: &Value, documented: &Fields, found: &mut BTreeMap<String, BTreeSet<&str>>) {
    let is_open = documented.get(path).is_some_and(|kind| kind == "names and texts");
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(items) => {
            let path = format!("{path}[]");
            for item in items.iter().filter(|item| item.is_object()) {
                note(&path, item, documented, found);
            }
            let kind = match items.first() {
                Some(Value::String(_)) => "list of text",
                // What an empty one would hold, only the document says.
                None if documented.get(&path).is_some_and(|kind| kind == "list of text") => "list of text",
                _ => "list",
            };
            found.entry(path).or_default().insert(kind);
            return;
        }
        Value::Object(_) if is_open => "names and texts",
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                note(&path, value, documented, found);
            }
            return;
        }
    };
    found.entry(path.to_owned()).or_default().insert(kind);
}

/// The objects that verbs print, each as often as it takes to show every field.
fn printed() -> Vec<Value> {
    let mut objects = Vec::new();
    let mut read = |text: &str| {
        objects.push(serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")));
    };
    let lab = Lab::new();
    lab.machine.answer("logs\\ --timestamps*", 0, "", "");
    for line in lab
        .succeed(&[
            "up",
            "--timings",
            "--progress",
            "json",
            "-v",
            "--bucket",
            "made,logs:layout=fso:quota=1GB",
        ])
        .stderr
        .lines()
    {
        read(line);
    }
    // A check that failed names its gateway.
    lab.service.does(Behaviour::with(2, Wrong::Corrupts));
    lab.contain(&with_ended("s3g3", 137));
    for arguments in [
        &["status", "--format", "json"][..],
        &["smoke", "-q", "--format", "json"],
        &["doctor", "--format", "json"],
        &["env", "--format", "json"],
        &["config", "show", "--format", "json", "-n", "4"],
    ] {
        read(&lab.run(arguments).stdout);
    }
    // A gateway without a good answer, an operation without one, and answers that name no gateway.
    for (behaviour, more) in [
        (Behaviour::with(2, Wrong::Fails), &["--during", "config show"][..]),
        (
            Behaviour {
                gateways: 1,
                named: false,
                wrong: Some((1, Wrong::Refuses("HEAD"))),
                ..Behaviour::healthy(1)
            },
            &[],
        ),
    ] {
        lab.service.does(behaviour);
        let load = ["bench", "-q", "--for", "300ms", "--clients", "6", "--format", "json"];
        read(&lab.run(&[&load[..], more].concat()).stdout);
    }
    lab.service.does(Behaviour::with(2, Wrong::Corrupts));
    read(&nodes_for_programs());
    for object in requests_for_programs() {
        read(&object);
    }
    lab.contain(&encrypted());
    lab.succeed(&["generate", "--tls"]);
    read(&lab.run(&["status", "--format", "json"]).stdout);
    lab.succeed(&["generate", "--tls=off"]);
    // One has no container, and HAProxy does not answer.
    lab.set("up", "");
    lab.contain(&running()[..5]);
    lab.machine.answer("exec\\ id-s3g\\ sh*", 1, "", "connection refused\n");
    read(&lab.run(&["status", "--format", "json"]).stdout);
    read(&lab.run(&["ls", "--format", "json"]).stdout);
    // One gateway is to be drained, and then no balancer runs.
    lab.machine.answer_by_script("exec\\ id-s3g\\ sh*", &format!(". {}", lab::ENGINE));
    lab.succeed(&["generate", "--drained", "s3g1"]);
    read(&lab.run(&["status", "--format", "json"]).stdout);
    lab.contain(&with_ended("s3g", 0)[..1]);
    read(&lab.run(&["ls", "--format", "json"]).stdout);
    read(&lab.run(&["status", "--format", "json"]).stdout);
    for arguments in [&["status", "-o", "none"][..], &["no-such-verb"]] {
        read(lab.run(&[arguments, &["--progress", "json"]].concat()).stderr.trim_end());
    }
    objects
}

#[test]
fn every_field_that_is_printed_is_documented_and_the_other_way_round() {
    let documented = documented();
    let mut found: BTreeMap<String, BTreeMap<String, BTreeSet<&str>>> = BTreeMap::new();
    let nothing = Fields::new();
    let objects = printed();
    for object in &objects {
        let kind = object["kind"].as_str().expect("a kind");
        let fields = documented.get(kind).unwrap_or(&nothing);
        note("", object, fields, found.entry(kind.to_owned()).or_default());
    }
    let as_written = |kinds: &BTreeSet<&str>| {
        // Text before null, as the document has it.
        kinds.iter().rev().copied().collect::<Vec<_>>().join(" or ")
    };
    let found: BTreeMap<String, Fields> = found
        .iter()
        .map(|(kind, fields)| {
            (kind.clone(), fields.iter().map(|(path, kinds)| (path.clone(), as_written(kinds))).collect())
        })
        .collect();
    assert_eq!(found, documented);
}

#[test]
fn every_object_begins_with_its_version_and_kind() {
    let lab = Lab::new();
    let text = lab.succeed(&["config", "show", "--format", "json"]).stdout;
    assert!(text.starts_with("{\n  \"version\": 1,\n  \"kind\": \"config\",\n"), "{text}");
    let outcome = lab.run(&["status", "--progress", "json"]);
    assert!(outcome.stderr.starts_with("{\"version\":1,\"kind\":\"error\","), "{outcome}");
}

#[test]
fn errors_carry_the_codes_that_are_documented() {
    let document = document();
    let (_, codes) = document.split_once("\n| `code` | exit code |").expect("a table of codes");
    let codes_in_page: Vec<(String, String)> = rows(codes).collect();
    let failing = EXIT_CODES.iter().filter(|code| code.status != Status::Done);
    let expected: Vec<_> =
        failing.map(|code| (code.name.to_owned(), code.status.code().to_string())).collect();
    assert_eq!(codes_in_page, expected);

    let lab = Lab::new();
    lab.succeed(&["generate", "-o", "demo"]);
    let cfg = lab.machine.sandbox.read("demo/haproxy/s3-haproxy.cfg");
    lab.machine.sandbox.write("demo/haproxy/s3-haproxy.cfg", cfg + "# mine\n");
    for (arguments, code) in [
        (&["status", "-o", "none"][..], "usage"),
        (&["status", "--no-such-flag"], "usage"),
        (&["generate", "-o", "demo", "-n", "0"], "usage"),
        (&["generate", "-o", "demo", "-n", "4"], "differs"),
        (&["generate", "-o", "/dev/null/x"], "failed"),
    ] {
        let outcome = lab.run(&[arguments, &["--progress", "json"]].concat());
        let error: Value = serde_json::from_str(&outcome.stderr).unwrap_or_else(|_| panic!("{outcome}"));
        assert_eq!(
            (&error["code"], &error["exit_code"]),
            (&code.into(), &outcome.status.into()),
            "{outcome}"
        );
    }
}
