//! `status` and `logs`.

use serde_json::{Value, json};

use crate::lab::{Container, Lab, with_ended};
use crate::support::Runs;
use crate::support::s3::{Behaviour, Wrong};

#[test]
fn status_shows_containers_and_gateways() {
    let lab = Lab::of(Behaviour::with(2, Wrong::Down));
    lab.succeed(&["generate"]);
    lab.set("up", "");
    lab.contain(&with_ended("s3g2", 137));
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
         GATEWAY  CONDITION                   HAPROXY  CHECK  IN FLIGHT  REQUESTS  ERRORS\n\
         s3g1     serves                      UP       L7OK   0          0         0\n\
         s3g2     was killed (exit code 137)  DOWN     L4CON  0          0         0\n\
         s3g3     serves                      UP       L7OK   0          0         0\n"
    );
    assert_eq!(outcome.stderr, format!("\nS3 is at {}", lab.endpoint_line()));
    assert_eq!(lab.changes(), [""; 0]);
}

#[test]
fn status_for_programs_is_one_object() {
    let lab = Lab::new();
    lab.succeed(&["generate"]);
    lab.set("up", "");
    let outcome = lab.succeed(&["status", "--format", "json"]);
    assert_eq!(outcome.stderr, "");
    let status: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let fields: Vec<&String> = status.as_object().expect("an object").keys().collect();
    assert_eq!(
        fields,
        ["cluster", "containers", "endpoint", "gateways", "kind", "leaders", "stats", "version"]
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
            "id": "id-s3g1", "name": "demo-s3g1-1", "service": "s3g1", "role": "gateway", "state": "running",
            "health": "", "exit_code": 0, "status": "Up 2 minutes",
        })
    );
    assert_eq!(
        status["gateways"][0],
        json!({
            "name": "s3g1", "condition": "serving", "explanation": "serves", "container": "demo-s3g1-1",
            "address": "", "state": "UP", "check": "L7OK", "sessions": 0, "requests": 0, "errors": 0,
        })
    );
}

#[test]
fn status_names_who_leads_as_a_running_one_of_several_tells_it() {
    let lab = Lab::new();
    lab.succeed(&["generate", "--base", "ha", "--scm", "1"]);
    lab.set("up", "");
    let om =
        |number: u8, state| Container { service: format!("om{number}"), role: "om", state, exit_code: 0 };
    lab.contain(&[om(1, "exited"), om(2, "running"), om(3, "running")]);
    // The one that has ended, and one that knows no leader, are not the end of it.
    let found = [(1, "exited"), (2, "running"), (3, "running")]
        .map(|(number, state)| format!("id-om{number}\tdemo-om{number}-1\t{state}\tom\tom{number}\n"));
    lab.machine.tell("ps\\ --all\\ --no-trunc*", 0, &found.concat(), "");
    lab.machine.tell("exec\\ id-om2\\ curl*", 0, r#"{"beans":[{"RatisRoles":"not yet"}]}"#, "");
    let roles =
        r#"{"beans":[{"RatisRoles":[["om2","om2","9872","FOLLOWER"],["om3","om3","9872","LEADER"]]}]}"#;
    lab.machine.tell("exec\\ id-om3\\ curl*", 0, roles, "");

    let outcome = lab.succeed(&["status"]);
    assert!(outcome.stdout.contains("\nom3      om, leads  running  Up 2 minutes\n"), "{outcome}");
    assert_eq!(outcome.stdout.matches("leads").count(), 1, "{outcome}");
    let status: Value =
        serde_json::from_str(&lab.succeed(&["status", "--format", "json"]).stdout).expect("JSON");
    assert_eq!(status["leaders"], json!({"om": "om3"}), "one SCM is no question of who leads");
    assert!(!lab.machine.asked().contains("exec id-om1"), "{}", lab.machine.asked());
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
    assert!(outcome.stderr.contains("hint: `ozone-compose up` makes one there"), "{outcome}");
}

#[test]
fn logs_hands_on_arguments_output_and_the_exit_code() {
    let lab = Lab::new();
    lab.succeed(&["generate"]);
    lab.machine.tell("compose\\ -p\\ demo\\ logs*", 3, "s3g2  | its log\n", "no such service: s3g9\n");
    let outcome = lab.run(&["logs", "--follow", "--tail", "7", "s3g2", "s3g9"]);
    assert_eq!(
        outcome.to_string(),
        "exit 3\n--- stdout\ns3g2  | its log\n--- stderr\nno such service: s3g9\n"
    );
    assert_eq!(lab.machine.asked(), "compose -p demo logs --follow --tail 7 s3g2 s3g9\n");
}
