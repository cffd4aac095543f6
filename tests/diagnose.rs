//! `doctor` and `collect` with a `docker` that gives prepared answers: no engine is needed.

mod support;

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use support::archive::unpacked;
use support::engine::{DOWN, Machine};
use support::{Outcome, Runs, free_port, listener};

/// Ports that no other process of this machine decides about.
const NO_PORTS: [(&str, &str); 3] = [
    ("OZONE_COMPOSE_STATS_PORT", "off"),
    ("OZONE_COMPOSE_SCM_PORT", "off"),
    ("OZONE_COMPOSE_OM_PORT", "off"),
];

fn doctor(machine: &Machine, port: u16, more: &[&str]) -> Outcome {
    let mut command = machine.command(&[&["doctor"], more].concat());
    Outcome::of(command.envs(NO_PORTS).env("OZONE_COMPOSE_S3_PORT", port.to_string()))
}

#[test]
fn a_good_machine_has_nothing_to_do() {
    let machine = Machine::new().with_good_engine();
    let port = free_port();
    let outcome = doctor(&machine, port, &[]);
    outcome.succeeded();
    let table = &outcome.stdout;
    assert!(!table.contains("->") && !table.contains("BAD"), "{table}");
    assert!(table.contains(&format!("ports    good     {port} are free")), "{table}");

    let outcome = doctor(&machine, port, &["--format", "json"]);
    outcome.succeeded();
    let object: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!((&object["version"], &object["kind"]), (&Value::from(1), &Value::from("doctor")));
    let checks = object["checks"].as_array().expect("checks");
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["engine", "compose", "ports", "memory", "disk", "images"]);
    assert!(checks.iter().all(|check| check["verdict"] == "good" && check["advice"] == ""), "{outcome}");
}

#[test]
fn without_docker_no_other_check_runs() {
    let outcome = doctor(&Machine::new(), free_port(), &[]);
    assert_eq!(outcome.status, 4, "{outcome}");
    let table = &outcome.stdout;
    assert!(table.contains("`docker` is not on PATH") && table.contains("-> install Docker"), "{table}");
    assert_eq!(table.lines().count(), 3, "{table}");
}

#[test]
fn an_engine_that_is_down_is_reported_with_the_command_that_starts_it() {
    let machine = Machine::new().with_good_engine().docker(
        "version\\ --format*",
        1,
        r#"{"Client":{"Version":"28.2.2"},"Server":null}"#,
        DOWN,
    );
    let outcome = doctor(&machine, free_port(), &[]);
    assert_eq!(outcome.status, 4, "{outcome}");
    let table = &outcome.stdout;
    assert!(table.contains("reaches no engine: Cannot connect"), "{table}");
    assert!(table.contains("systemctl start"), "{table}");
    // What only the engine knows is left out rather than guessed.
    assert!(!table.contains("memory") && !machine.commands().contains("info --format {{json"), "{table}");
}

#[test]
fn a_compose_that_is_too_old_is_refused() {
    let machine = Machine::new().with_good_engine().docker("compose\\ version*", 0, "2.19.1\n", "");
    let outcome = doctor(&machine, free_port(), &[]);
    assert_eq!(outcome.status, 4, "{outcome}");
    assert!(outcome.stdout.contains("Compose 2.19.1 is older than 2.20"), "{outcome}");
}

#[test]
fn a_process_that_holds_a_port_is_named() {
    let (_held, port) = listener();
    let outcome = doctor(&Machine::new().with_good_engine(), port, &[]);
    assert_eq!(outcome.status, 1, "{outcome}");
    let line = outcome.stdout.lines().find(|line| line.starts_with("ports")).expect("a line");
    assert!(line.contains(&format!("{port} (ports.s3) is held by the process `diagnose")), "{line}");
    assert!(line.contains(&format!("(pid {})", std::process::id())), "{line}");
    assert!(outcome.stdout.contains("`up` with `--port auto` chooses free ports, or `kill "), "{outcome}");
}

#[test]
fn a_container_that_holds_a_port_is_named_unless_it_is_the_clusters_own() {
    let (_held, port) = listener();
    let of = |project: &str| {
        let holder = format!("web-1\t{project}\n");
        Machine::new().with_good_engine().docker("ps\\ --filter\\ publish=*", 0, &holder, "")
    };
    let outcome = doctor(&of("shop"), port, &[]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.stdout.contains("is held by the Compose project `shop`"), "{outcome}");

    let own = of("demo");
    own.sandbox.write("ozone-compose.yaml", "version: 1\nname: demo\n");
    doctor(&own, port, &[]).succeeded();
}

#[test]
fn ports_and_disks_of_an_engine_elsewhere_are_not_this_machines() {
    let (_held, port) = listener();
    let elsewhere = "tcp://10.0.0.7:2376\n";
    let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\noverlay 9 9 1048576 1% /\n";
    let of = |published: &str| {
        let machine = Machine::new().with_good_engine().docker("context\\ inspect*", 0, elsewhere, "");
        machine.docker("run\\ --rm*\\ df\\ *", 0, df, "").docker("ps\\ --format*", 0, published, "")
    };
    let outcome = doctor(&of("0.0.0.0:5000->5000/tcp\n"), port, &[]);
    outcome.succeeded();
    assert!(outcome.stdout.contains(&format!("ports    good     {port} are free")), "{outcome}");
    assert!(outcome.stdout.contains("disk     warning  1.0 GiB free"), "{outcome}");
    let outcome = doctor(&of(&format!("0.0.0.0:{port}->9878/tcp\n")), port, &[]);
    assert_eq!(outcome.status, 1, "{outcome}");
}

#[test]
fn an_image_that_is_missing_is_no_error() {
    let missing = "No such image\n";
    let machine = Machine::new().with_good_engine().docker("image\\ inspect*haproxy*", 1, "", missing);
    let outcome = doctor(&machine, free_port(), &[]);
    outcome.succeeded();
    assert!(outcome.stdout.contains("warning  haproxy:3.2-alpine is not here"), "{outcome}");
    assert!(outcome.stdout.contains("`docker pull haproxy:3.2-alpine`"), "{outcome}");
}

#[test]
fn heaps_beyond_the_engines_memory_are_refused() {
    let little = r#"{"MemTotal":1073741824,"DockerRootDir":"/","NCPU":1,"Architecture":"x86_64"}"#;
    let machine = Machine::new().with_good_engine().docker("info*", 0, little, "");
    let outcome = doctor(&machine, free_port(), &[]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.stdout.contains("memory   BAD"), "{outcome}");
    assert!(outcome.stdout.contains("--memory small"), "{outcome}");
}

const CONTAINERS: &str = "b2\tUp 2 minutes\na1\tUp 2 minutes\nc3\tExited (137)\n";

/// As the engine inspects them.
fn inspected() -> String {
    let one = |id: &str, service: &str, role: &str, state: &str| {
        let labels = serde_json::json!({
            "com.docker.compose.project": "demo", "com.docker.compose.service": service,
            "io.github.ozone-compose.role": role,
        });
        let (state, name) = (serde_json::json!({ "Status": state }), format!("/demo-{service}-1"));
        format!(
            "{}\n",
            serde_json::json!({ "Id": id, "Name": name, "State": state, "Config": { "Labels": labels } })
        )
    };
    [
        one("b2", "scm", "scm", "running"),
        one("a1", "s3g", "balancer", "running"),
        one("c3", "s3g1", "gateway", "exited"),
    ]
    .concat()
}

/// An engine with a cluster whose gateway has ended.
fn cluster() -> Machine {
    let inspect = r#"[{"Config":{"Env":["AWS_SECRET_ACCESS_KEY=hunter2","OZONE_S3G_OPTS=-Xmx512m"]}}]"#;
    let machine = Machine::new()
        .docker("logs*", 0, "2026-01-01T00:00:01.0Z --password hunter2\n", "")
        .docker("version", 0, "Client: 28.2.2\n", "")
        .docker("compose\\ version*", 0, "Docker Compose version v2.40.3\n", "")
        .docker("ps\\ --all\\ --no-trunc*project=demo*", 0, CONTAINERS, "")
        .docker("*\\ ls*", 0, "", "")
        .docker("inspect*", 0, inspect, "")
        .docker("inspect\\ --type\\ container*", 0, &inspected(), "")
        .docker("exec\\ b2\\ sh*", 0, "17\n", "")
        .docker("exec\\ b2\\ curl*/jmx", 0, r#"{"beans":[{"key":"db.password","value":"hunter2"}]}"#, "")
        .docker("exec\\ a1\\ wget*", 0, "# pxname,svname\ngateways,s3g1\n", "")
        .docker("logs*b2", 0, "2026-01-01T00:00:02.0Z Full thread dump\n", "2026-01-01T00:00:01.0Z up\n");
    machine.sandbox.run_with(&NO_PORTS, &["generate", "--name", "demo", "-o", "c"]).succeeded();
    machine.sandbox.write("c/notes.txt", "mine\n");
    machine
}

#[test]
fn an_archive_holds_what_there_is_without_its_secrets() {
    let machine = cluster();
    let edited = machine.sandbox.read("c/docker-config") + "DB_PASSWORD=hunter2 and more\n";
    machine.sandbox.write("c/docker-config", edited);
    let haproxy = machine.sandbox.read("c/haproxy/s3-haproxy.cfg") + "    stats auth \"admin:hunter2\"\n";
    machine.sandbox.write("c/haproxy/s3-haproxy.cfg", haproxy);

    let outcome = machine.run(&["collect", "-o", "c"]);
    assert_eq!(outcome.to_string(), "exit 0\n--- stdout\ndemo-collected.tar.gz\n");
    let archive = machine.sandbox.path("demo-collected.tar.gz");
    // What is masked is what is known as a secret; what else logs say is its owner's to show.
    assert_eq!(fs_err::metadata(&archive).expect("an archive").permissions().mode() & 0o777, 0o600);
    let parts = unpacked(&archive);
    let names: Vec<&str> =
        parts.iter().map(|(name, _)| name.strip_prefix("demo-collected/").expect("one top folder")).collect();
    let expected = [
        "files/.env",
        "files/docker-compose.yaml",
        "files/docker-config",
        "files/haproxy/s3-haproxy.cfg",
        "files/ozone-compose.yaml",
        "files/s3-haproxy.yaml",
        "haproxy.csv",
        "inspect/demo-s3g-1.json",
        "inspect/demo-s3g1-1.json",
        "inspect/demo-scm-1.json",
        "jmx/demo-scm-1.json",
        "logs/demo-s3g-1.log",
        "logs/demo-s3g1-1.log",
        "logs/demo-scm-1.log",
        "ps.json",
        "versions.txt",
    ];
    assert_eq!(names, expected);
    for (name, text) in &parts {
        assert!(!text.contains("hunter2"), "{name}: {text}");
    }
    let text = |end: &str| &parts.iter().find(|(name, _)| name.ends_with(end)).expect("a part").1;
    assert!(text("docker-config").ends_with("DB_PASSWORD=***\n"));
    assert!(text("inspect/demo-scm-1.json").contains("AWS_SECRET_ACCESS_KEY=***"));
    assert!(text("inspect/demo-scm-1.json").contains("OZONE_S3G_OPTS=-Xmx512m"));
    assert_eq!(
        text("logs/demo-scm-1.log"),
        "2026-01-01T00:00:01.0Z up\n2026-01-01T00:00:02.0Z Full thread dump\n"
    );
    assert!(text("versions.txt").starts_with("ozone-compose "));

    // A thread dump is requested before the log is read, and of nothing that has ended or is no Java.
    let commands = machine.commands();
    let place = |what: &str| commands.find(what).unwrap_or_else(|| panic!("{what} in {commands}"));
    assert!(place("exec b2 sh") < place("logs --timestamps --tail 10000 b2"));
    assert!(!commands.contains("exec c3") && !commands.contains("exec a1 sh"), "{commands}");
}

#[test]
fn no_archive_replaces_another_file() {
    let machine = cluster();
    machine.sandbox.write("x.tar.gz", "mine");
    let outcome = machine.run(&["collect", "-o", "c", "x.tar.gz"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{outcome}");
    assert!(outcome.stderr.contains("could not write x.tar.gz: it is there already"), "{outcome}");
    assert_eq!(machine.sandbox.read("x.tar.gz"), "mine");

    for name in ["demo-collected.tar.gz\n", "demo-collected-2.tar.gz\n", "demo-collected-3.tar.gz\n"] {
        assert_eq!(machine.run(&["collect", "-q", "-o", "c"]).stdout, name);
    }
}

#[test]
fn parts_that_cannot_be_had_are_accounted_for() {
    let down = Machine::new()
        .docker("version", 1, "Client: 28.2.2\n", DOWN)
        .docker("ps*", 1, "", DOWN)
        .docker("compose*", 1, "", DOWN);
    for machine in [down, Machine::new()] {
        // Damaged choices, and an .env that somebody else wrote.
        machine.sandbox.write("ozone-compose.yaml", "version: [\n");
        machine.sandbox.write(".env", "TOKEN=hunter2\n");
        let outcome = machine.run(&["collect", "y.tar.gz"]);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (0, "y.tar.gz\n"), "{outcome}");
        assert!(outcome.stderr.contains("errors.txt in it says why"), "{outcome}");
        let parts = unpacked(&machine.sandbox.path("y.tar.gz"));
        let names: Vec<&str> = parts.iter().filter_map(|(name, _)| Some(name.split_once('/')?.1)).collect();
        assert_eq!(names, ["errors.txt", "files/ozone-compose.yaml", "versions.txt"]);
        let errors = &parts[0].1;
        for part in ["files/.env: left out", "choices: ozone-compose.yaml: is not YAML", "containers: "] {
            assert!(errors.contains(part), "{errors}");
        }
    }
}
