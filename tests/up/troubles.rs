//! docs/troubleshooting.md has the messages that people meet: each of them is brought about here, and said as it stands there.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use fs_err as fs;

use crate::data::hook;
use crate::lab::{Container, HOLDER_PATTERN, Lab, container, running, with_ended};
use crate::support::engine::{DOWN, Machine};
use crate::support::run::until;
use crate::support::s3::{Behaviour, Wrong};
use crate::support::{Outcome, Runs, free_port};

/// A part of a heading, and what brings its message about.
type Trouble = (&'static str, fn() -> Outcome);

const TROUBLES: &[Trouble] = &[
    ("is not on PATH", || Machine::new().run(&["up"])),
    ("reaches no engine", || {
        let client = r#"{"Client":{"Version":"28.2.2"},"Server":null}"#;
        on_a_machine("version\\ --format*", 1, client, DOWN)
    }),
    ("permission denied", || {
        on_a_machine("*", 1, "", "permission denied while trying to connect to the Docker daemon socket\n")
    }),
    ("is older than 2.20", || on_a_machine("compose\\ version*", 0, "2.10.2\n", "")),
    ("held by the process", || on_a_machine(HOLDER_PATTERN, 0, "", "")),
    ("held by the cluster `shop`", || on_a_machine(HOLDER_PATTERN, 0, "shop-s3g-1\tshop\tbalancer\n", "")),
    ("is taken: ", || {
        let lab = Lab::new();
        lab.contain(&[running(), vec![container("web", "")]].concat());
        lab.set("up", "");
        lab.run(&["up", "-o", "c"])
    }),
    ("was started from", || {
        let lab = Lab::started();
        let other = tempfile::tempdir().expect("a folder");
        let folder = other.path().display().to_string();
        let elsewhere = running().into_iter().map(|one| Container { folder: folder.clone(), ..one });
        lab.contain(&elsewhere.collect::<Vec<_>>());
        lab.run(&["status"])
    }),
    ("a Compose app of your own", || {
        with_file("compose.yaml", "services: {web: {image: web}}\n", &["generate"])
    }),
    ("runs with another profile", || {
        let lab = Lab::started();
        let of_example = |one: Container| Container { command: "haproxy", ..one };
        lab.contain(&running().into_iter().map(of_example).collect::<Vec<_>>());
        lab.run(&["up"])
    }),
    ("may not read", || {
        let lab = Lab::started();
        lab.machine.sandbox.write("haproxy/zz-local.cfg", "# mine\n");
        let file = lab.machine.sandbox.path("haproxy/zz-local.cfg");
        fs::set_permissions(file, PermissionsExt::from_mode(0o600)).expect("a mode");
        lab.run(&["reload"])
    }),
    ("is no address of this machine", || Lab::new().run(&["up", "--bind", "203.0.113.7"])),
    ("memory: ", || {
        let little = r#"{"MemTotal":1073741824,"NCPU":2,"Architecture":"x86_64"}"#;
        on_a_machine("info*", 0, little, "")
    }),
    ("could not pull the image", || {
        let lab = Lab::new();
        lab.machine.answer("image\\ inspect*", 1, "", "No such image\n");
        lab.machine.answer("pull*", 1, "", "toomanyrequests: You have reached your pull rate limit.\n");
        lab.run(&["up"])
    }),
    ("ended with exit code 3", || {
        let lab = unready();
        lab.contain(&with_ended("s3g2", 3));
        lab.machine.answer("logs\\ --tail\\ 20\\ id-s3g2", 0, "", "its last words\n");
        lab.run(&["up"])
    }),
    ("was not ready in", || unready().run(&["up", "--timeout", "1s"])),
    ("does not run: it has no running balancer", || {
        let lab = Lab::new();
        lab.succeed(&["generate"]);
        lab.run(&["env"])
    }),
    ("does not answer a signed request", || {
        let machine = Machine::new().with_balancer(free_port(), true, &[("s3g1", "UP,L7OK")]);
        machine.sandbox.succeed(&["generate", "-q", "--name", "demo"]);
        machine.run(&["env"])
    }),
    ("could not make the bucket", || {
        let lab = Lab::of(Behaviour { refused: "two", ..Behaviour::healthy(3) });
        lab.run(&["up", "--bucket", "one,two"])
    }),
    ("with the layout obs, not fso", || {
        let lab = Lab::new();
        lab.succeed(&["up", "--bucket", "old"]);
        let about = r#"{ "name" : "old", "bucketLayout" : "OBJECT_STORE", "quotaInBytes" : 1048576 }"#;
        lab.set("shell", &format!("bucket info /s3v/old\n{about}\n"));
        lab.run(&["up", "--bucket", "old:layout=fso"])
    }),
    ("the hook ", || {
        let lab = Lab::new();
        hook(&lab, "1", "exit 7");
        lab.run(&["up"])
    }),
    ("seed: there is no folder", || Lab::new().run(&["up", "--seed", "no"])),
    ("interrupted; ", || {
        let lab = unready();
        let mut run = lab.start(&["up"]);
        until("it waits", || lab.service.requests() > 0);
        run.signal("INT");
        run.end()
    }),
    ("was edited by hand", || {
        let lab = Lab::started();
        let cfg = lab.machine.sandbox.read("haproxy/s3-haproxy.cfg");
        with_lab_file(&lab, "haproxy/s3-haproxy.cfg", &(cfg + "# mine\n"), &["generate", "-n", "4"])
    }),
    ("was not written by ozone-compose", || {
        with_file("docker-compose.yaml", "services: {}\n", &["generate"])
    }),
    ("is not of this tool", || {
        let lab = Lab::started();
        lab.machine.sandbox.write("config", "[profile demo]\nregion = eu-west-1\n");
        let mut command: Command = lab.command(&["env", "--profile", "demo"]);
        let path = |name: &str| lab.machine.sandbox.path(name);
        command
            .env("AWS_CONFIG_FILE", path("config"))
            .env("AWS_SHARED_CREDENTIALS_FILE", path("credentials"));
        Outcome::of(&mut command)
    }),
    ("is not up to date", || Lab::new().run(&["generate", "--check"])),
    ("unknown key", || with_file("ozone-compose.yaml", "version: 1\ngatways: {count: 3}\n", &["generate"])),
    ("has no meaning with the base `none`", || {
        Lab::new().run(&["generate", "--base", "none", "--datanodes", "3"])
    }),
    ("has a shape that cannot be changed", || {
        with_file("ozone-compose.yaml", "%YAML 1.2\n---\nversion: 1\n", &["generate"])
    }),
    // A folder in which not even root can make a file.
    ("could not write to", || Lab::new().run(&["generate", "-o", "/proc/self/task", "--name", "demo"])),
    ("there is no cluster in", || Lab::new().run(&["status"])),
    ("holds no cluster of its own", || Machine::new().with_good_engine().run(&["up", "--base", "none"])),
    ("HAProxy refuses the configuration", || {
        let lab = Lab::started();
        lab.machine.answer("exec\\ --interactive\\ id-s3g\\ sh*", 1, "", "[ALERT] unknown keyword\n");
        lab.run(&["reload"])
    }),
    ("still has 2 in flight", || {
        let lab = Lab::started();
        // One in the worker that had it, one in the next.
        lab.set("busy", "1\n");
        lab.run(&["drain", "s3g2", "--drain-timeout", "1s"])
    }),
    ("did not serve in 1s", || {
        let lab = Lab::started();
        lab.machine.answer("exec\\ --interactive\\ id-s3g2\\ sh*", 1, "PUT: 500\n", "");
        lab.run(&["restart", "--timeout", "1s"])
    }),
    ("was not started by this tool", || {
        let lab = Lab::new();
        lab.contain(&[container("db", "")]);
        lab.set("up", "");
        lab.run(&["down", "--name", "demo"])
    }),
    ("no log of cluster", || Lab::started().run(&["logs", "--gateway-requests", "none-1"])),
];

/// A cluster that will never be ready.
fn unready() -> Lab {
    Lab::of(Behaviour::with(2, Wrong::Starves))
}

/// `up` where the engine answers one question otherwise.
fn on_a_machine(pattern: &str, code: u8, stdout: &str, stderr: &str) -> Outcome {
    let lab = Lab::new();
    lab.machine.answer(pattern, code, stdout, stderr);
    lab.run(&["up"])
}

fn with_file(name: &str, text: &str, arguments: &[&str]) -> Outcome {
    with_lab_file(&Lab::new(), name, text, arguments)
}

fn with_lab_file(lab: &Lab, name: &str, text: &str, arguments: &[&str]) -> Outcome {
    lab.machine.sandbox.write(name, text);
    lab.run(arguments)
}

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a page")
}

/// What stands between backquotes, one or two of them.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix("``").and_then(|rest| rest.strip_suffix("``"));
    inner.unwrap_or_else(|| text.trim_matches('`')).trim()
}

fn headings(page: &str) -> Vec<&str> {
    page.lines().filter_map(|line| line.strip_prefix("### ")).map(unquoted).collect()
}

/// Whether a text has all parts of a message, in their order; `…` stands for anything.
fn says(text: &str, message: &str) -> bool {
    let mut rest = Some(text);
    for part in message.split('…').map(str::trim) {
        rest = rest.and_then(|rest| Some(rest.split_once(part)?.1));
    }
    rest.is_some()
}

#[test]
fn every_message_in_the_page_of_errors_is_said_where_it_is_said_to_be() {
    let page = page("docs/troubleshooting.md");
    let headings = headings(&page);
    assert_eq!(headings.len(), TROUBLES.len(), "each heading has its trouble, and each trouble its heading");
    thread::scope(|scope| {
        for (part, trouble) in TROUBLES {
            let [heading] = headings.iter().filter(|heading| heading.contains(part)).collect::<Vec<_>>()[..]
            else {
                panic!("{part:?} is in no heading, or in several: {headings:#?}");
            };
            scope.spawn(move || {
                let outcome = trouble();
                assert!(outcome.status != 0 && says(&outcome.stderr, heading), "{heading}\n{outcome}");
            });
        }
    });
}

#[test]
fn the_readme_has_messages_of_the_page_of_errors() {
    let (page, readme) = (page("docs/troubleshooting.md"), page("README.md"));
    let (_, section) = readme.split_once("\n## Troubleshooting\n").expect("a section");
    let rows = section.split("\n## ").next().unwrap_or_default().lines();
    let cells = rows.filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let messages: Vec<&str> =
        cells.filter(|cell| cell.starts_with('`') && !cell.contains("error: ")).collect();
    assert!(messages.len() > 5, "{messages:?}");
    for message in messages {
        assert!(headings(&page).contains(&unquoted(message)), "{message}");
    }
}

#[test]
fn parts_of_a_message_count_in_their_order() {
    assert!(says("error: a b c", "… b …") && says("b\n", "b") && says("a: x b", "a: … b"));
    assert!(!says("error: b a", "a … b") && !says("", "a"));
}
