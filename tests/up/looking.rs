//! `status` and `logs`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::lab::{Container, Lab, container, encrypted, with_ended};
use crate::support::Runs;
use crate::support::s3::{Behaviour, Wrong};

#[test]
fn status_shows_containers_and_gateways() {
    let lab = Lab::of(Behaviour::with(2, Wrong::Down));
    lab.succeed(&["generate"]);
    lab.set("up", "");
    lab.contain(&with_ended("s3g2", 137));
    lab.set("worker", "1\n");
    lab.set(
        "stats",
        "# pxname,svname,scur,stot,econ,status,weight,check_status,type,addr,\n\
         gateways,s3g1,0,0,0,UP,1,L7OK,2,10.0.0.1:9878,\n\
         gateways,s3g2,0,0,0,DOWN,1,L4CON,2,10.0.0.1:9878,\n\
         gateways,s3g3,0,0,0,UP,1,L7OK,2,10.0.0.1:9878,\n",
    );
    let outcome = lab.succeed(&["status"]);
    assert_eq!(
        outcome.stdout,
        "SERVICE    ROLE      STATE    STATUS\n\
         datanode1  datanode  running  Up 2 minutes\n\
         om         om        running  Up 2 minutes\n\
         scm        scm       running  Up 2 minutes\n\
         s3g        balancer  running  Up 2 minutes\n\
         s3g1       gateway   running  Up 2 minutes\n\
         s3g2       gateway   exited   Exited (137)\n\
         s3g3       gateway   running  Up 2 minutes\n\
         \n\
         GATEWAY  CONDITION                                        HAPROXY  CHECK  IN FLIGHT  REQUESTS  ERRORS\n\
         s3g1     serves                                           UP       L7OK   0          0         0\n\
         s3g2     was killed (exit code 137); start runs it again  DOWN     L4CON  0          0         0\n\
         s3g3     serves                                           UP       L7OK   0          0         0\n"
    );
    assert_eq!(outcome.stderr, format!("\nS3 is at {}", lab.endpoint_line()));
    assert_eq!(lab.did(), [""; 0]);
}

#[test]
fn status_names_no_address_as_serving_where_no_gateway_serves() {
    let lab = Lab::new();
    lab.succeed(&["generate", "-n", "1"]);
    lab.set("up", "");
    lab.set("worker", "1\n");
    lab.set("loaded", "s3g1 DOWN,1\n");
    let endpoint = lab.endpoint_line();
    let says = format!("\nno gateway serves: {} answers each request with an error\n", endpoint.trim_end());
    assert_eq!(lab.succeed(&["status"]).stderr, says);
}

#[test]
fn status_for_programs_is_one_object() {
    let lab = Lab::new();
    lab.succeed(&["generate"]);
    lab.set("up", "");
    lab.set("worker", "1\n");
    lab.set("loaded", "s3g1 UP,1\n");
    let outcome = lab.succeed(&["status", "--format", "json"]);
    assert_eq!(outcome.stderr, "");
    let status: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let fields: Vec<&String> = status.as_object().expect("an object").keys().collect();
    assert_eq!(
        fields,
        [
            "certificate_days",
            "cluster",
            "containers",
            "endpoint",
            "gateways",
            "https",
            "kind",
            "leaders",
            "stats",
            "version"
        ]
    );
    assert_eq!(
        (&status["version"], &status["kind"], &status["cluster"]),
        (&json!(1), &json!("status"), &json!("demo"))
    );
    assert_eq!(status["endpoint"], lab.endpoint_line().trim_end());
    assert_eq!(status["stats"], format!("http://127.0.0.1:{}/stats", lab.service.stats_port));
    assert_eq!(status["containers"].as_array().map(Vec::len), Some(7));
    assert_eq!(
        status["containers"][4],
        json!({
            "id": "id-s3g1", "name": "demo-s3g1-1", "image": "apache/ozone:2.2.1", "service": "s3g1", "role": "gateway", "state": "running",
            "health": "", "exit_code": 0, "status": "Up 2 minutes",
        })
    );
    assert_eq!(
        status["gateways"][0],
        json!({
            "name": "s3g1", "condition": "serving", "explanation": "serves", "pending": null,
            "container": "demo-s3g1-1", "address": "10.0.0.1:9878", "state": "UP", "check": "L7OK", "sessions": 0, "requests": 0, "errors": 0,
        })
    );
}

#[test]
fn status_names_the_leader_that_a_running_one_of_several_reports() {
    let lab = Lab::new();
    lab.succeed(&["generate", "--base", "ha", "--scm", "1"]);
    lab.set("up", "");
    let om = |number: u8, state| Container { state, ..container(&format!("om{number}"), "om") };
    lab.contain(&[om(1, "exited"), om(2, "running"), om(3, "running")]);
    // The one that has ended, and one that knows no leader, are not the end of it.
    lab.machine.answer("exec\\ id-om2\\ curl*", 0, r#"{"beans":[{"RatisRoles":"not yet"}]}"#, "");
    let roles =
        r#"{"beans":[{"RatisRoles":[["om2","om2","9872","FOLLOWER"],["om3","om3","9872","LEADER"]]}]}"#;
    lab.machine.answer("exec\\ id-om3\\ curl*", 0, roles, "");

    let outcome = lab.succeed(&["status"]);
    assert!(outcome.stdout.contains("\nom3      om, leads  running  Up 2 minutes\n"), "{outcome}");
    assert_eq!(outcome.stdout.matches("leads").count(), 1, "{outcome}");
    let status: Value =
        serde_json::from_str(&lab.succeed(&["status", "--format", "json"]).stdout).expect("JSON");
    assert_eq!(status["leaders"], json!({"om": "om3"}), "one SCM is no question of who leads");
    assert!(!lab.machine.commands().contains("exec id-om1"), "{}", lab.machine.commands());
}

#[test]
fn status_without_containers_says_how_to_start() {
    let lab = Lab::new();
    lab.succeed(&["generate"]);
    let outcome = lab.succeed(&["status"]);
    let said = "cluster `demo` has no containers; `ozone-compose up` starts it\n";
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", said));
    // Whatever answers on its ports is not this cluster.
    let status: Value =
        serde_json::from_str(&lab.succeed(&["status", "--format", "json"]).stdout).expect("JSON");
    assert_eq!((&status["containers"], &status["gateways"]), (&json!([]), &json!([])));
}

#[test]
fn status_of_a_folder_without_a_cluster_is_bad_usage() {
    let lab = Lab::new();
    let outcome = lab.run(&["status"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{outcome}");
    assert!(
        outcome.stderr.contains("`ozone-compose ls` shows the folder of each cluster on this engine"),
        "{outcome}"
    );
}

#[test]
fn logs_passes_on_arguments_output_and_the_exit_code() {
    let lab = Lab::new();
    lab.succeed(&["generate"]);
    lab.set("up", "");
    let logs = "compose\\ --env-file\\ /dev/null\\ -p\\ demo\\ logs*";
    lab.machine.answer(logs, 3, "s3g2  | its log\n", "its error\n");
    let outcome = lab.run(&["logs", "--follow", "--tail", "7", "s3g2", "om"]);
    assert_eq!(outcome.to_string(), "exit 3\n--- stdout\ns3g2  | its log\n--- stderr\nits error\n");
    let commands = "compose --env-file /dev/null -p demo logs --follow --tail 7 s3g2 om\n";
    assert!(lab.machine.commands().ends_with(commands), "{}", lab.machine.commands());
    // Compose calls it a success.
    let unknown = lab.run(&["logs", "s3g2", "s3g9"]);
    assert_eq!((unknown.status, unknown.stdout.as_str()), (2, ""), "{unknown}");
    assert!(unknown.stderr.contains("has no container of the service `s3g9`"), "{unknown}");
}

#[test]
fn what_the_files_say_and_haproxy_does_not_do_is_distinguished() {
    let lab = Lab::of(Behaviour::healthy(3));
    lab.succeed(&["up"]);
    lab.succeed(&["generate", "--drained", "s3g2"]);
    let outcome = lab.succeed(&["status"]);
    let line = outcome.stdout.lines().find(|line| line.starts_with("s3g2 ") && line.contains("L7OK"));
    assert!(line.is_some_and(|line| line.contains("  serves, to be drained  UP ")), "{outcome}");
    let of_s3g2 = || {
        let text = lab.succeed(&["status", "--format", "json"]).stdout;
        let status: Value = serde_json::from_str(&text).expect("JSON");
        status["gateways"].as_array().and_then(|all| all.iter().find(|one| one["name"] == "s3g2")).cloned()
    };
    let (condition, pending) = (&of_s3g2().expect("s3g2")["condition"], &of_s3g2().expect("s3g2")["pending"]);
    assert_eq!((condition, pending), (&json!("serving"), &json!("to be drained")));
    lab.succeed(&["reload"]);
    let now = of_s3g2().expect("s3g2");
    assert_eq!((&now["condition"], &now["pending"]), (&json!("drained"), &Value::Null));
    let table = lab.succeed(&["status"]).stdout;
    assert!(table.contains("  drained    DRAIN  "), "{table}");
}

#[test]
fn the_clusters_of_an_engine_are_listed_with_what_runs_of_them() {
    let lab = Lab::new();
    let nothing = lab.succeed(&["ls"]);
    assert_eq!(
        (nothing.stdout.as_str(), nothing.stderr.matches("no clusters").count()),
        ("", 1),
        "{nothing}"
    );
    lab.set("up", "");
    let here = with_ended("s3g2", 137).into_iter().map(|one| Container { folder: "/demo".to_owned(), ..one });
    lab.contain(&here.collect::<Vec<_>>());
    let old = "old_om\told\tom\tom\n";
    lab.machine.answer("volume\\ ls*label=io.github.ozone-compose.role*", 0, old, "");
    let listed = lab.succeed(&["ls"]).stdout;
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let endpoint = lab.endpoint_line();
    assert_eq!(rows[1], ["demo", "degraded", "2", "of", "3", endpoint.trim_end(), "/demo"]);
    assert_eq!(rows[2], ["old", "data", "only", "0", "of", "0"]);
}

#[test]
fn a_certificate_that_ends_soon_is_reported_with_what_to_do() {
    let lab = Lab::new();
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time");
    let in_ten_days = now + Duration::from_secs(10 * 24 * 3600 + 1800);
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + in_ten_days;
    lab.machine.sandbox.write("my.pem", params.self_signed(&key).expect("a certificate").pem());
    lab.machine.sandbox.write("my.key", key.serialize_pem());
    lab.succeed(&["generate", "--tls", "--tls-cert", "my.pem", "--tls-key", "my.key"]);
    lab.set("up", "");
    lab.contain(&encrypted());
    lab.set("worker", "1\n");
    lab.set("loaded", "s3g1 UP,1\n");

    let (finding, advice) = (
        "the certificate of https ends in 10 days",
        "put a newer one into `my.pem` and `ozone-compose reload`",
    );
    let status = lab.succeed(&["status"]);
    assert!(status.stderr.contains(&format!("warning: {finding}; {advice}\n")), "{status}");
    assert!(status.stderr.ends_with(" and https://127.0.0.1:9879\n"), "{status}");
    let doctor = lab.run(&["doctor"]).stdout;
    let row = doctor.lines().find(|line| line.starts_with("certificate ")).expect("a finding");
    assert!(row.contains("warning") && row.ends_with(finding) && doctor.contains(advice), "{doctor}");
    // One of the tool's own is made anew by the same command.
    lab.machine.sandbox.write("my.key", "");
    let doctor = lab.run(&["doctor"]);
    assert!(doctor.stdout.contains("BAD      balancer.tls-key: `my.key` is no private key"), "{doctor}");
}
