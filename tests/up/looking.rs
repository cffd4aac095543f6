//! `status` and `logs`.

use serde_json::{Value, json};

use crate::lab::{Lab, with_ended};
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
         GATEWAY  HAPROXY  CHECK  IN FLIGHT  REQUESTS  ERRORS\n\
         s3g1     UP       L7OK   0          0         0\n\
         s3g2     DOWN     L4CON  0          0         0\n\
         s3g3     UP       L7OK   0          0         0\n"
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
    assert_eq!(fields, ["cluster", "containers", "endpoint", "gateways", "kind", "stats", "version"]);
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
        json!({"name": "s3g1", "state": "UP", "check": "L7OK", "sessions": 0, "requests": 0, "errors": 0})
    );
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
