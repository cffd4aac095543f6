//! `doctor` and `collect` with a `docker` that answers as it was told: no engine is needed.

mod support_diagnose;

use std::net::TcpListener;

use fs_err as fs;
use serde_json::Value;

use support_diagnose::{Machine, told, unpacked};

/// Ports that no other process of this machine decides about.
const NO_PORTS: [(&str, &str); 3] = [
    ("OZONE_COMPOSE_STATS_PORT", "off"),
    ("OZONE_COMPOSE_SCM_PORT", "off"),
    ("OZONE_COMPOSE_OM_PORT", "off"),
];

const DOWN: &str = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n";

fn with_s3_port(port: u16) -> Vec<(&'static str, String)> {
    let mut variables: Vec<_> = NO_PORTS.map(|(name, value)| (name, value.to_owned())).into();
    variables.push(("OZONE_COMPOSE_S3_PORT", port.to_string()));
    variables
}

fn doctor(machine: &Machine, port: u16, more: &[&str]) -> (String, String, i32) {
    let variables = with_s3_port(port);
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    told(&machine.run(&[&["doctor"], more].concat(), &variables))
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

#[test]
fn a_good_machine_has_nothing_to_do() {
    let machine = Machine::new().with_good_engine();
    let port = free_port();
    let (table, _, code) = doctor(&machine, port, &[]);
    assert_eq!(code, 0, "{table}");
    assert!(!table.contains("->") && !table.contains("BAD"), "{table}");
    assert!(table.contains(&format!("ports    good     {port} are free")), "{table}");

    let (json, _, code) = doctor(&machine, port, &["--format", "json"]);
    let told: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&told["version"], &told["kind"], code), (&Value::from(1), &Value::from("doctor"), 0));
    let checks = told["checks"].as_array().expect("checks");
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["engine", "compose", "ports", "memory", "disk", "images"]);
    assert!(checks.iter().all(|check| check["verdict"] == "good" && check["advice"] == ""), "{json}");
}

#[test]
fn without_docker_nothing_else_is_asked() {
    let (table, _, code) = doctor(&Machine::new(), free_port(), &[]);
    assert_eq!(code, 4);
    assert!(table.contains("`docker` is not on PATH") && table.contains("-> install Docker"), "{table}");
    assert_eq!(table.lines().count(), 3, "{table}");
}

#[test]
fn an_engine_that_is_down_is_told_with_the_way_to_start_it() {
    let machine = Machine::new()
        .docker("version\\ --format*", 1, r#"{"Client":{"Version":"28.2.2"},"Server":null}"#, DOWN)
        .with_good_engine();
    let (table, _, code) = doctor(&machine, free_port(), &[]);
    assert_eq!(code, 4);
    assert!(
        table.contains("reaches no engine: Cannot connect") && table.contains("systemctl start"),
        "{table}"
    );
    // What only the engine knows is left out rather than guessed.
    assert!(!table.contains("memory") && !machine.asked().contains("info"), "{table}");
}

#[test]
fn a_compose_that_is_too_old_is_refused() {
    let machine = Machine::new().docker("compose\\ version*", 0, "2.19.1\n", "").with_good_engine();
    let (table, _, code) = doctor(&machine, free_port(), &[]);
    assert_eq!(code, 4);
    assert!(table.contains("Compose 2.19.1 is older than 2.20"), "{table}");
}

#[test]
fn a_process_that_holds_a_port_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let (table, _, code) = doctor(&Machine::new().with_good_engine(), port, &[]);
    assert_eq!(code, 1, "{table}");
    let line = table.lines().find(|line| line.starts_with("ports")).expect("a line");
    assert!(line.contains(&format!("{port} (ports.s3) is held by the process `diagnose")), "{line}");
    assert!(line.contains(&format!("(pid {})", std::process::id())), "{line}");
    assert!(table.contains("choose another port: `--s3-port "), "{table}");
}

#[test]
fn a_container_that_holds_a_port_is_named_unless_it_is_the_clusters_own() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let of = |project: &str| {
        Machine::new()
            .docker("ps\\ --filter\\ publish=*", 0, &format!("web-1\t{project}\n"), "")
            .with_good_engine()
    };
    let (table, _, code) = doctor(&of("shop"), port, &[]);
    assert_eq!(code, 1);
    assert!(table.contains("the container `web-1` of the Compose project `shop`"), "{table}");

    let own = of("demo");
    fs::write(own.folder().join("ozone-compose.yaml"), "version: 1\nname: demo\n").expect("the choices");
    let (table, _, code) = doctor(&own, port, &[]);
    assert_eq!(code, 0, "{table}");
}

#[test]
fn ports_and_disks_of_an_engine_elsewhere_are_not_this_machines() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let machine =
        Machine::new().docker("context\\ inspect*", 0, "tcp://10.0.0.7:2376\n", "").with_good_engine();
    let (table, _, code) = doctor(&machine, port, &[]);
    assert_eq!(code, 0, "{table}");
    assert!(!table.contains("ports") && !table.contains("disk"), "{table}");
}

#[test]
fn an_image_that_is_missing_is_no_error() {
    let machine =
        Machine::new().docker("image\\ inspect*haproxy*", 1, "", "No such image\n").with_good_engine();
    let (table, _, code) = doctor(&machine, free_port(), &[]);
    assert_eq!(code, 0);
    assert!(table.contains("warning  haproxy:3.2-alpine is not here"), "{table}");
    assert!(table.contains("`docker pull haproxy:3.2-alpine`"), "{table}");
}

#[test]
fn heaps_beyond_the_engines_memory_are_refused() {
    let little = r#"{"MemTotal":1073741824,"DockerRootDir":"/","NCPU":1,"Architecture":"x86_64"}"#;
    let machine = Machine::new().docker("info*", 0, little, "").with_good_engine();
    let (table, _, code) = doctor(&machine, free_port(), &[]);
    assert_eq!(code, 1);
    assert!(table.contains("memory   BAD") && table.contains("--heap-gateway"), "{table}");
}

const CONTAINERS: &str = "b2\tdemo-scm-1\trunning\tscm\tscm\n\
                          a1\tdemo-s3g-1\trunning\tbalancer\ts3g\n\
                          c3\tdemo-s3g1-1\texited\tgateway\ts3g1\n";

/// An engine with a cluster whose gateway has ended.
fn cluster() -> Machine {
    let inspect = r#"[{"Config":{"Env":["AWS_SECRET_ACCESS_KEY=hunter2","OZONE_S3G_OPTS=-Xmx512m"]}}]"#;
    let machine = Machine::new()
        .docker("version", 0, "Client: 28.2.2\n", "")
        .docker("compose\\ version*", 0, "Docker Compose version v2.40.3\n", "")
        .docker("ps\\ --all\\ --no-trunc*project=demo*", 0, CONTAINERS, "")
        .docker("compose\\ -p\\ demo\\ ps*", 0, "{\"Name\":\"demo-scm-1\"}\n", "")
        .docker("inspect*", 0, inspect, "")
        .docker("exec\\ b2\\ sh*", 0, "17\n", "")
        .docker("exec\\ b2\\ curl*/jmx", 0, r#"{"beans":[{"key":"db.password","value":"hunter2"}]}"#, "")
        .docker("exec\\ a1\\ wget*", 0, "# pxname,svname\ngateways,s3g1\n", "")
        .docker("logs*b2", 0, "2026-01-01T00:00:02.0Z Full thread dump\n", "2026-01-01T00:00:01.0Z up\n")
        .docker("logs*", 0, "2026-01-01T00:00:01.0Z --password hunter2\n", "");
    let generated = machine.run(&["generate", "--name", "demo", "-o", "c"], &NO_PORTS);
    assert!(generated.status.success(), "{generated:?}");
    fs::write(machine.folder().join("c/notes.txt"), "mine\n").expect("a file of a person's own");
    machine
}

#[test]
fn an_archive_holds_what_there_is_without_its_secrets() {
    let machine = cluster();
    let config = machine.folder().join("c/docker-config");
    let edited = fs::read_to_string(&config).expect("docker-config") + "DB_PASSWORD=hunter2 and more\n";
    fs::write(&config, edited).expect("an edit");

    let (path, said, code) = told(&machine.run(&["collect", "-o", "c"], &[]));
    assert_eq!((path.as_str(), said.as_str(), code), ("demo-collected.tar.gz\n", "", 0));
    let parts = unpacked(&machine.folder().join("demo-collected.tar.gz"));
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

    // A thread dump is asked for before the log is read, and of nothing that has ended or is no Java.
    let asked = machine.asked();
    let place = |what: &str| asked.find(what).unwrap_or_else(|| panic!("{what} in {asked}"));
    assert!(place("exec b2 sh") < place("logs --timestamps --tail 10000 b2"));
    assert!(!asked.contains("exec c3") && !asked.contains("exec a1 sh"), "{asked}");
}

#[test]
fn no_archive_replaces_another_file() {
    let machine = cluster();
    let file = machine.folder().join("x.tar.gz");
    fs::write(&file, "mine").expect("a file");
    let (path, said, code) = told(&machine.run(&["collect", "-o", "c", "x.tar.gz"], &[]));
    assert_eq!((path.as_str(), code), ("", 2));
    assert!(said.contains("could not write x.tar.gz: it is there already"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("the file"), "mine");

    for name in ["demo-collected.tar.gz\n", "demo-collected-2.tar.gz\n", "demo-collected-3.tar.gz\n"] {
        assert_eq!(told(&machine.run(&["collect", "-q", "-o", "c"], &[])).0, name);
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
        fs::write(machine.folder().join("ozone-compose.yaml"), "version: [\n").expect("choices");
        fs::write(machine.folder().join(".env"), "TOKEN=hunter2\n").expect("an env file");
        let (path, said, code) = told(&machine.run(&["collect", "y.tar.gz"], &[]));
        assert_eq!((path.as_str(), code), ("y.tar.gz\n", 0), "{said}");
        assert!(said.contains("errors.txt in it says why"), "{said}");
        let parts = unpacked(&machine.folder().join("y.tar.gz"));
        let names: Vec<&str> = parts.iter().filter_map(|(name, _)| Some(name.split_once('/')?.1)).collect();
        assert_eq!(names, ["errors.txt", "files/ozone-compose.yaml", "versions.txt"]);
        let errors = &parts[0].1;
        for part in ["files/.env: left out", "choices: ozone-compose.yaml: is not YAML", "containers: "] {
            assert!(errors.contains(part), "{errors}");
        }
    }
}
