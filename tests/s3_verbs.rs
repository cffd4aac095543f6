//! `env`, `run` and `smoke` against an S3 service in this process, with gateways that do right and wrong.

mod support;

use std::process::Command;

use serde_json::Value;

use support::engine::Machine;
use support::s3::{Behaviour, Service, Wrong};
use support::{Outcome, Runs, clean, free_port, listener};

/// A folder with the files of a cluster, and an engine where its balancer runs and publishes a service's ports.
struct Folder(Machine);

impl Runs for Folder {
    /// With the engine first on PATH, and whatever `run` is to find behind it.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.command(arguments);
        let (engine, path) = (self.0.beside(""), std::env::var("PATH").expect("a PATH"));
        command.env("PATH", format!("{}:{path}", engine.display()));
        command
    }
}

fn folder(s3_port: u16, gateways: &[(&str, &str)], options: &[&str]) -> Folder {
    let is_tuned = !options.contains(&"upstream");
    let machine = Machine::new().with_balancer(s3_port, is_tuned, gateways);
    machine.sandbox.succeed(&[&["generate", "-q", "--name", "demo"], options].concat());
    Folder(machine)
}

fn folder_of(service: &Service) -> Folder {
    folder(service.s3_port, &UP, &["-n", "3"])
}

/// What HAProxy says of three gateways that are well.
const UP: [(&str, &str); 3] = [("s3g1", "UP,L7OK"), ("s3g2", "UP,L7OK"), ("s3g3", "UP,L7OK")];

/// The rows of the first table by check: what `RESULT` says.
fn results(outcome: &Outcome) -> Vec<(String, String)> {
    let rows = outcome.stdout.lines().skip(1).take_while(|line| !line.is_empty());
    let row = |line: &str| {
        let result = line.find(": ").and_then(|end| line[..end].rsplit(' ').next());
        (line.split(' ').next().unwrap_or_default().to_owned(), result.unwrap_or_default().to_owned())
    };
    rows.map(row).collect()
}

fn result_of(outcome: &Outcome, check: &str) -> String {
    let found = results(outcome).into_iter().find(|(name, _)| name == check);
    found.unwrap_or_else(|| panic!("no check {check} in\n{outcome}")).1
}

#[test]
fn env_prints_lines_for_a_shell_that_eval_takes() {
    let service = Service::start(Behaviour::healthy(3));
    let folder = folder_of(&service);
    let outcome = folder.run(&["env"]);
    let expected = format!(
        "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL AWS_IGNORE_CONFIGURED_ENDPOINT_URLS\n\
         export AWS_ENDPOINT_URL_S3='http://127.0.0.1:{}'\n\
         export AWS_ACCESS_KEY_ID='ozone-compose'\n\
         export AWS_SECRET_ACCESS_KEY='ozone-compose'\n\
         export AWS_REGION='us-east-1'\n\
         export AWS_DEFAULT_REGION='us-east-1'\n",
        service.s3_port
    );
    assert_eq!((outcome.status, outcome.stdout.as_str()), (0, expected.as_str()), "{outcome}");
    assert_eq!(outcome.stderr, "");

    let script = format!("{}printf %s \"$AWS_ENDPOINT_URL_S3\"", outcome.stdout);
    let shell = Outcome::of(clean("sh").args(["-c", &script]));
    assert_eq!(shell.stdout, format!("http://127.0.0.1:{}", service.s3_port));
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn env_prints_lines_for_a_file_and_json() {
    let service = Service::start(Behaviour::healthy(3));
    let folder = folder_of(&service);
    let file = folder.succeed(&["env", "--format", "dotenv"]).stdout;
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines[0], format!("AWS_ENDPOINT_URL_S3=http://127.0.0.1:{}", service.s3_port));
    assert_eq!(lines[1..3], ["AWS_ACCESS_KEY_ID=ozone-compose", "AWS_SECRET_ACCESS_KEY=ozone-compose"]);

    let json: Value = serde_json::from_str(&folder.run(&["env", "--format", "json"]).stdout).expect("JSON");
    assert_eq!(
        (&json["version"], &json["kind"], &json["cluster"]),
        (&1.into(), &"env".into(), &"demo".into())
    );
    assert_eq!(json["variables"]["AWS_REGION"], "us-east-1");
    assert_eq!(json["variables"].as_object().map(serde_json::Map::len), Some(lines.len()));
}

#[test]
fn env_turns_checksums_after_the_body_off_for_ozone_2_0_only() {
    let service = Service::start(Behaviour::healthy(3));
    let env = |version| {
        let options = ["--ozone-version", version];
        let folder = folder(service.s3_port, &UP, &options);
        folder.succeed(&["env", "--format", "dotenv"]).stdout
    };
    let off =
        "AWS_REQUEST_CHECKSUM_CALCULATION=when_required\nAWS_RESPONSE_CHECKSUM_VALIDATION=when_required\n";
    assert!(env("2.0.0").ends_with(off));
    assert!(!env("2.1.0").contains("CHECKSUM"));
}

#[test]
fn nothing_is_printed_or_run_while_the_cluster_does_not_answer() {
    let folder = folder(free_port(), &UP, &[]);
    for verb in [&["env"][..], &["run", "--", "echo", "ran"], &["smoke"], &["smoke", "--format", "json"]] {
        let outcome = folder.run(verb);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{verb:?}");
        let said = &outcome.stderr;
        assert!(said.contains("cluster `demo` does not answer a signed request"), "{said}");
        assert!(said.contains("Connection refused"), "{said}");
        assert!(said.contains("hint: `ozone-compose up` starts it"), "{said}");
    }
}

#[test]
fn no_request_goes_to_the_port_of_a_cluster_that_does_not_run() {
    let service = Service::start(Behaviour::healthy(3));
    let never_started =
        Machine::new().with_good_engine().docker("*\\ ls*", 0, "", "").docker("ps*", 0, "", "");
    let port = service.s3_port.to_string();
    never_started.sandbox.succeed(&["generate", "-q", "--name", "demo", "--s3-port", &port]);
    let folder = Folder(never_started);
    for verb in [&["env"][..], &["run", "--", "echo", "ran"], &["smoke"]] {
        let outcome = folder.run(verb);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
        assert!(
            outcome.stderr.contains("cluster `demo` does not run: it has no running balancer"),
            "{outcome}"
        );
    }
    assert_eq!(service.requests(), 0, "it gets no request");
}

#[test]
fn a_cluster_that_accepts_and_never_answers_is_not_ready() {
    // The queue of the listener takes the connection, and no program accepts it.
    let (_listener, port) = listener();
    let outcome = folder(port, &UP, &[]).run(&["env"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""));
    assert!(outcome.stderr.contains("no answer within 3.0 s"), "{outcome}");
}

#[test]
fn one_gateway_that_fails_does_not_hide_a_cluster_that_answers() {
    let service = Service::start(Behaviour::with(1, Wrong::Fails));
    assert_eq!(folder_of(&service).run(&["env"]).status, 0);
}

#[test]
fn another_service_on_the_port_is_not_taken_for_the_cluster() {
    let service = Service::start(Behaviour::healthy(3));
    let outcome = folder(service.stats_port, &UP, &[]).run(&["env"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""));
    assert!(outcome.stderr.contains("what answered there is not S3"), "{outcome}");
}

#[test]
fn run_passes_on_variables_arguments_and_the_exit_code() {
    let service = Service::start(Behaviour::healthy(3));
    let folder = folder_of(&service);
    let script = "echo \"$AWS_ENDPOINT_URL_S3 $AWS_DEFAULT_REGION $MINE $1\"; exit 7";
    let mut command = folder.command(&["run", "--", "sh", "-c", script, "sh", "--flag"]);
    let outcome = Outcome::of(command.env("MINE", "kept"));
    let expected = format!("http://127.0.0.1:{} us-east-1 kept --flag\n", service.s3_port);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (7, expected.as_str()), "{outcome}");
}

#[test]
fn run_answers_as_a_shell_does_when_there_is_nothing_to_run() {
    let service = Service::start(Behaviour::healthy(3));
    let folder = folder_of(&service);
    let missing = folder.run(&["run", "--", "no-such-program-here"]);
    assert_eq!(missing.status, 127);
    assert!(missing.stderr.contains("`no-such-program-here` is not on PATH"), "{}", missing.stderr);
    let plain = folder.run(&["run", "--", "./ozone-compose.yaml"]);
    assert_eq!(plain.status, 126);
    assert!(plain.stderr.contains("cannot be run: Permission denied"), "{}", plain.stderr);
}

#[test]
fn run_is_ended_by_the_signal_that_ends_its_command() {
    let service = Service::start(Behaviour::healthy(3));
    let outcome = folder_of(&service).run(&["run", "--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(outcome.status, -15, "{outcome}");
}

#[test]
fn smoke_passes_on_a_healthy_cluster_and_leaves_nothing() {
    let service = Service::start(Behaviour::healthy(3));
    let folder = folder_of(&service);
    let outcome = folder.run(&["smoke"]);
    assert_eq!(outcome.status, 0, "{outcome}");
    let names: Vec<String> = results(&outcome).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names.join(" "),
        "bucket put get head list delete multipart cross-gateway presigned distribution removal"
    );
    assert!(results(&outcome).iter().all(|(_, result)| result == "passed"), "{outcome}");
    let shares = ["s3g1", "s3g2", "s3g3"].map(|name| format!("{name}     UP       20        33 %\n"));
    assert!(
        outcome.stdout.ends_with(&format!("GATEWAY  HAPROXY  REQUESTS  SHARE\n{}", shares.concat())),
        "{}",
        outcome.stdout
    );
    assert_eq!((service.leftovers(), service.part_servers()), (0, 3));
}

#[test]
fn smoke_as_json_is_one_object() {
    let service = Service::start(Behaviour::healthy(3));
    let outcome = folder_of(&service).run(&["smoke", "-q", "--format", "json"]);
    let json: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
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
    assert_eq!(outcome.stderr, "");
}

#[test]
fn smoke_names_a_gateway_that_changes_what_is_read() {
    let service = Service::start(Behaviour::with(2, Wrong::Corrupts));
    let folder = folder_of(&service);
    let outcome = folder.run(&["smoke"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert_eq!(result_of(&outcome, "cross-gateway"), "failed");
    assert_eq!(result_of(&outcome, "removal"), "passed");
    let said = &outcome.stderr;
    assert!(said.contains("from gateway `s3g2`"), "{said}");
    assert!(said.contains("shows the state of that gateway, `ozone-compose logs s3g2` its log"), "{said}");
    assert!(said.contains("checks failed") && !said.contains("ok  smoke"), "{said}");
    assert_eq!(service.leftovers(), 0);

    let json: Value = serde_json::from_str(&folder.run(&["smoke", "--format", "json"]).stdout).expect("JSON");
    let checks = json["checks"].as_array().expect("a list");
    let failed: Vec<_> = checks.iter().filter(|check| check["result"] == "failed").collect();
    assert!(!failed.is_empty() && failed.iter().all(|check| check["failed_gateway"] == "s3g2"), "{json:#}");
    assert_eq!(json["passed"], false);
}

#[test]
fn smoke_names_a_gateway_that_fails_and_still_cleans_up() {
    let service = Service::start(Behaviour::with(3, Wrong::Fails));
    let outcome = folder_of(&service).run(&["smoke"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    let said = &outcome.stderr;
    assert!(said.contains("500 InternalError, from gateway `s3g3`"), "{said}");
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn smoke_names_a_gateway_that_never_gets_a_request() {
    let service = Service::start(Behaviour::with(1, Wrong::Starves));
    let outcome = folder_of(&service).run(&["smoke"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert_eq!(result_of(&outcome, "distribution"), "failed");
    let said = &outcome.stderr;
    assert!(said.contains("60 requests, and none through s3g1"), "{said}");
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn smoke_expects_nothing_of_a_gateway_that_is_down() {
    let service = Service::start(Behaviour::with(2, Wrong::Down));
    let one_down = [("s3g1", "UP,L7OK"), ("s3g2", "DOWN,L4CON"), ("s3g3", "UP,L7OK")];
    let outcome = folder(service.s3_port, &one_down, &["-n", "3"]).run(&["smoke"]);
    assert_eq!(outcome.status, 0, "{outcome}");
    assert!(outcome.stdout.contains("s3g2     DOWN     0         0 %"), "{outcome}");
}

#[test]
fn smoke_says_what_it_cannot_see_behind_a_balancer_that_names_no_gateway() {
    let service = Service::start(Behaviour { named: false, ..Behaviour::healthy(3) });
    let folder = folder(service.s3_port, &[], &["--profile", "upstream"]);
    let outcome = folder.run(&["smoke"]);
    assert_eq!(outcome.status, 0, "{outcome}");
    for check in ["cross-gateway", "distribution"] {
        assert_eq!(result_of(&outcome, check), "skipped");
    }
    assert!(outcome.stdout.contains("skipped: the balancer of the upstream profile"), "{outcome}");
    assert_eq!(result_of(&outcome, "multipart"), "passed");

    // The same answers from a balancer that should name gateways are a fault.
    assert_eq!(folder_of(&service).run(&["smoke"]).status, 1);
    assert_eq!(service.leftovers(), 0);
}

#[test]
fn run_and_env_reach_the_cluster_whatever_profile_and_proxy_the_caller_has() {
    let service = Service::start(Behaviour::healthy(3));
    let folder = folder_of(&service);
    let caller = [
        ("AWS_PROFILE", "production"),
        ("AWS_SESSION_TOKEN", "of somebody"),
        ("AWS_ENDPOINT_URL", "http://10.9.9.9"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        ("https_proxy", "http://10.9.9.9:3128"),
        ("NO_PROXY", "intranet"),
    ];
    let script =
        "echo \"$NO_PROXY $no_proxy\"; env | grep -E '^AWS_(PROFILE|SESSION|ENDPOINT_URL=|IGNORE)'; exit 0";
    let mut run = folder.command(&["run", "--", "sh", "-c", script]);
    let run = Outcome::of(run.envs(caller));
    assert_eq!((run.status, run.stdout.as_str()), (0, "intranet,127.0.0.1 intranet,127.0.0.1\n"), "{run}");

    let mut env = folder.command(&["env"]);
    let env = Outcome::of(env.envs(caller)).stdout;
    let shell = Outcome::of(clean("sh").args(["-c", &format!("{env}{script}")]).envs(caller));
    assert_eq!(shell.stdout, run.stdout, "{shell}");
    let direct = folder.succeed(&["env"]).stdout;
    assert!(!direct.contains("NO_PROXY"), "without a proxy there is nothing to say: {direct}");
}
