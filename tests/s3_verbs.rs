//! `env`, `run` and `smoke` against an S3 service in this process, with gateways that do right and wrong.

mod support_s3;

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use support_s3::{Behaviour, Service, Wrong};
use tempfile::TempDir;

/// A folder with the files of a cluster that is said to listen on a service's ports.
struct Folder(TempDir);

impl Folder {
    fn new(s3_port: u16, stats_port: u16, options: &[&str]) -> Self {
        let folder = Self(TempDir::new().expect("a temporary folder"));
        let (s3, stats) = (s3_port.to_string(), stats_port.to_string());
        let mut arguments = vec!["generate", "-q", "--name", "demo", "--s3-port", &s3];
        if !options.contains(&"upstream") {
            arguments.extend(["--stats-port", &stats]);
        }
        arguments.extend(options);
        let output = folder.run(&arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        folder
    }

    fn of(service: &Service) -> Self {
        Self::new(service.s3_port, service.stats_port, &["-n", "3"])
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ozone-compose"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.args(arguments).current_dir(self.0.path()).env_clear().env("PATH", path);
        command.env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }
}

fn healthy() -> Behaviour {
    Behaviour { gateways: 3, wrong: None, named: true }
}

fn with(number: usize, wrong: Wrong) -> Behaviour {
    Behaviour { wrong: Some((number, wrong)), ..healthy() }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// The rows of the first table by check: what `RESULT` says.
fn results(output: &Output) -> Vec<(String, String)> {
    let text = stdout(output);
    let rows = text.lines().skip(1).take_while(|line| !line.is_empty());
    let row = |line: &str| {
        let result = line.find(": ").and_then(|end| line[..end].rsplit(' ').next());
        (line.split(' ').next().unwrap_or_default().to_owned(), result.unwrap_or_default().to_owned())
    };
    rows.map(row).collect()
}

fn result_of(output: &Output, check: &str) -> String {
    let found = results(output).into_iter().find(|(name, _)| name == check);
    found.unwrap_or_else(|| panic!("no check {check} in\n{}", stdout(output))).1
}

/// A port on which nobody listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

#[test]
fn env_prints_lines_for_a_shell_that_eval_takes() {
    let service = Service::start(healthy());
    let folder = Folder::of(&service);
    let output = folder.run(&["env"]);
    let expected = format!(
        "export AWS_ENDPOINT_URL_S3='http://127.0.0.1:{}'\n\
         export AWS_ACCESS_KEY_ID='ozone-compose'\n\
         export AWS_SECRET_ACCESS_KEY='ozone-compose'\n\
         export AWS_REGION='us-east-1'\n\
         export AWS_DEFAULT_REGION='us-east-1'\n",
        service.s3_port
    );
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), expected), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");

    let script = format!("{}printf %s \"$AWS_ENDPOINT_URL_S3\"", stdout(&output));
    let shell = Command::new("sh").args(["-c", &script]).output().expect("a shell");
    assert_eq!(stdout(&shell), format!("http://127.0.0.1:{}", service.s3_port));
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn env_prints_lines_for_a_file_and_json() {
    let service = Service::start(healthy());
    let folder = Folder::of(&service);
    let file = stdout(&folder.run(&["env", "--format", "dotenv"]));
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines[0], format!("AWS_ENDPOINT_URL_S3=http://127.0.0.1:{}", service.s3_port));
    assert_eq!(lines[1..3], ["AWS_ACCESS_KEY_ID=ozone-compose", "AWS_SECRET_ACCESS_KEY=ozone-compose"]);

    let json: Value = serde_json::from_str(&stdout(&folder.run(&["env", "--format", "json"]))).expect("JSON");
    assert_eq!(
        (&json["version"], &json["kind"], &json["cluster"]),
        (&1.into(), &"env".into(), &"demo".into())
    );
    assert_eq!(json["variables"]["AWS_REGION"], "us-east-1");
    assert_eq!(json["variables"].as_object().map(serde_json::Map::len), Some(lines.len()));
}

#[test]
fn env_turns_checksums_after_the_body_off_for_ozone_2_0_only() {
    let service = Service::start(healthy());
    let env = |version| {
        let options = ["--ozone-version", version];
        stdout(
            &Folder::new(service.s3_port, service.stats_port, &options).run(&["env", "--format", "dotenv"]),
        )
    };
    let off =
        "AWS_REQUEST_CHECKSUM_CALCULATION=when_required\nAWS_RESPONSE_CHECKSUM_VALIDATION=when_required\n";
    assert!(env("2.0.0").ends_with(off));
    assert!(!env("2.1.0").contains("CHECKSUM"));
}

#[test]
fn nothing_is_printed_or_run_while_the_cluster_does_not_answer() {
    let folder = Folder::new(closed_port(), closed_port(), &[]);
    for verb in [&["env"][..], &["run", "--", "echo", "ran"], &["smoke"], &["smoke", "--format", "json"]] {
        let output = folder.run(verb);
        assert_eq!((output.status.code(), stdout(&output)), (Some(5), String::new()), "{verb:?}");
        let said = stderr(&output);
        assert!(said.contains("cluster `demo` does not answer a signed request"), "{said}");
        assert!(said.contains("Connection refused"), "{said}");
        assert!(said.contains("hint: `ozone-compose up` starts it"), "{said}");
    }
}

#[test]
fn a_cluster_that_accepts_and_never_answers_is_not_ready() {
    // The queue of the listener takes the connection; nobody takes it from there.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let output = Folder::new(port, closed_port(), &[]).run(&["env"]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(5), String::new()));
    assert!(stderr(&output).contains("no answer within 3.0 s"), "{}", stderr(&output));
}

#[test]
fn one_gateway_that_fails_does_not_hide_a_cluster_that_answers() {
    let service = Service::start(with(1, Wrong::Fails));
    assert_eq!(Folder::of(&service).run(&["env"]).status.code(), Some(0));
}

#[test]
fn another_service_on_the_port_is_not_taken_for_the_cluster() {
    let service = Service::start(healthy());
    let output = Folder::new(service.stats_port, closed_port(), &[]).run(&["env"]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(5), String::new()));
    assert!(stderr(&output).contains("what answered there is not S3"), "{}", stderr(&output));
}

#[test]
fn run_hands_on_variables_arguments_and_the_exit_code() {
    let service = Service::start(healthy());
    let folder = Folder::of(&service);
    let script = "echo \"$AWS_ENDPOINT_URL_S3 $AWS_DEFAULT_REGION $MINE $1\"; exit 7";
    let mut command = folder.command(&["run", "--", "sh", "-c", script, "sh", "--flag"]);
    let output = command.env("MINE", "kept").output().expect("the binary runs");
    let expected = format!("http://127.0.0.1:{} us-east-1 kept --flag\n", service.s3_port);
    assert_eq!((output.status.code(), stdout(&output)), (Some(7), expected), "{}", stderr(&output));
}

#[test]
fn run_answers_as_a_shell_does_when_there_is_nothing_to_run() {
    let service = Service::start(healthy());
    let folder = Folder::of(&service);
    let missing = folder.run(&["run", "--", "no-such-program-here"]);
    assert_eq!(missing.status.code(), Some(127));
    assert!(stderr(&missing).contains("`no-such-program-here` is not on PATH"), "{}", stderr(&missing));
    let plain = folder.run(&["run", "--", "./ozone-compose.yaml"]);
    assert_eq!(plain.status.code(), Some(126));
    assert!(stderr(&plain).contains("cannot be run: Permission denied"), "{}", stderr(&plain));
}

#[test]
fn run_is_ended_by_the_signal_that_ends_its_command() {
    use std::os::unix::process::ExitStatusExt;
    let service = Service::start(healthy());
    let output = Folder::of(&service).run(&["run", "--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(output.status.signal(), Some(15));
}

#[test]
fn smoke_passes_on_a_healthy_cluster_and_leaves_nothing() {
    let service = Service::start(healthy());
    let folder = Folder::of(&service);
    let output = folder.run(&["smoke"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let names: Vec<String> = results(&output).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names.join(" "),
        "bucket put get head list delete multipart cross-gateway presigned distribution removal"
    );
    assert!(results(&output).iter().all(|(_, result)| result == "passed"), "{}", stdout(&output));
    let shares = ["s3g1", "s3g2", "s3g3"].map(|name| format!("{name}     UP       20        33 %\n"));
    assert!(
        stdout(&output).ends_with(&format!("GATEWAY  HAPROXY  REQUESTS  SHARE\n{}", shares.concat())),
        "{}",
        stdout(&output)
    );
    assert_eq!((service.leftovers(), service.part_servers()), (0, 3));
}

#[test]
fn smoke_as_json_is_one_object() {
    let service = Service::start(healthy());
    let output = Folder::of(&service).run(&["smoke", "-q", "--format", "json"]);
    let json: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(
        (&json["version"], &json["kind"], &json["passed"]),
        (&1.into(), &"smoke".into(), &true.into())
    );
    assert_eq!(json["checks"][0]["name"], "bucket");
    assert_eq!(json["checks"][0]["result"], "passed");
    assert!(json["checks"][0]["milliseconds"].is_u64() && json["checks"][0]["failed_gateway"].is_null());
    assert_eq!(
        json["distribution"][2],
        serde_json::json!({"gateway": "s3g3", "state": "UP", "requests": 20})
    );
    assert_eq!(stderr(&output), "");
}

#[test]
fn smoke_names_a_gateway_that_changes_what_is_read() {
    let service = Service::start(with(2, Wrong::Corrupts));
    let folder = Folder::of(&service);
    let output = folder.run(&["smoke"]);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert_eq!(result_of(&output, "cross-gateway"), "failed");
    assert_eq!(result_of(&output, "removal"), "passed");
    let said = stderr(&output);
    assert!(said.contains("from gateway `s3g2`"), "{said}");
    assert!(said.contains("hint: `ozone-compose logs s3g2`"), "{said}");
    assert_eq!(service.leftovers(), 0);

    let json: Value =
        serde_json::from_str(&stdout(&folder.run(&["smoke", "--format", "json"]))).expect("JSON");
    let checks = json["checks"].as_array().expect("a list");
    let failed: Vec<_> = checks.iter().filter(|check| check["result"] == "failed").collect();
    assert!(!failed.is_empty() && failed.iter().all(|check| check["failed_gateway"] == "s3g2"), "{json:#}");
    assert_eq!(json["passed"], false);
}

#[test]
fn smoke_names_a_gateway_that_fails_and_still_cleans_up() {
    let service = Service::start(with(3, Wrong::Fails));
    let output = Folder::of(&service).run(&["smoke"]);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let said = stderr(&output);
    assert!(said.contains("500 InternalError, from gateway `s3g3`"), "{said}");
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn smoke_names_a_gateway_that_never_gets_a_request() {
    let service = Service::start(with(1, Wrong::Starves));
    let output = Folder::of(&service).run(&["smoke"]);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert_eq!(result_of(&output, "distribution"), "failed");
    let said = stderr(&output);
    assert!(said.contains("60 requests, and none through s3g1"), "{said}");
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn smoke_expects_nothing_of_a_gateway_that_is_down() {
    let service = Service::start(with(2, Wrong::Down));
    let output = Folder::of(&service).run(&["smoke"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("s3g2     DOWN     0         0 %"), "{}", stdout(&output));
}

#[test]
fn smoke_says_what_it_cannot_see_behind_a_balancer_that_names_no_gateway() {
    let service = Service::start(Behaviour { named: false, ..healthy() });
    let folder = Folder::new(service.s3_port, 0, &["--profile", "upstream"]);
    let output = folder.run(&["smoke"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    for check in ["cross-gateway", "distribution"] {
        assert_eq!(result_of(&output, check), "skipped");
    }
    assert!(stdout(&output).contains("skipped: the balancer of the upstream profile"), "{}", stdout(&output));
    assert_eq!(result_of(&output, "multipart"), "passed");

    // The same answers from a balancer that should name gateways are a fault.
    assert_eq!(Folder::of(&service).run(&["smoke"]).status.code(), Some(1));
    assert_eq!(service.leftovers(), 0);
}
