//! `logs --gateway-requests`: requests in the logs of HAProxy and of the gateways.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use fs_err as fs;
use serde_json::Value;

use crate::lab::{Lab, replica, running, with_ended};
use crate::support::Runs;

const ID: &str = "5d41402a-1111-4222-8333-0123456789ab";
const OTHER: &str = "9e107d9d-372b-4b6e-8bd9-3542a419d6aa";
const PROBE: &str = "e4da3b7f-bbce-4345-9777-2b0674a318d5";

/// A line of HAProxy's log about a request to a gateway; the engine stamps it.
fn balanced(second: u8, server: &str, status: &str, retries: &str, id: &str) -> String {
    format!(
        "2026-11-25T14:42:{second:02}.400000000Z 10.1.2.3:46386 [25/Nov/2026:14:42:{second:02}.346] s3 gateways/{server} 0/0/0/7/9 \
         {status} 54 180 ---- 1/1/0/0/{retries} 0/0 method=GET bucket=photos key_length=3 access_key=AKID presigned_by=- \
         request_id={id}\n"
    )
}

/// A line of an audit log.
fn audited(second: u8, key: &str, id: &str, result: &str) -> String {
    format!(
        "2026-11-25 14:42:{second:02},360 | INFO  | S3GAudit | user=alice | ip=10.1.2.3 | op=GET_KEY \
         {{\"bucket\":\"[photos]\",\"path\":\"[{key}]\",\"X-Amz-Signature\":\"[hunter2]\",\"x-amz-request-id\":\"{id}\",\
         \"x-amz-id-2\":\"aBcDeF123\"}} | ret={result} |  \n"
    )
}

/// Gives a gateway's container a folder of logs, where the search in it runs, with this audit log.
fn audit(lab: &Lab, id: &str, log: &str) -> std::path::PathBuf {
    let folder = lab.machine.beside(&format!("logs-{id}"));
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(format!("s3g-audit-{id}.log")), log).expect("a log");
    let search =
        format!("shift 2; export PATH=/usr/bin:/bin OZONE_LOG_DIR={}; exec \"$@\"", folder.display());
    lab.machine.answer_by_script(&format!("exec\\ {id}\\ sh\\ -c*"), &search);
    folder
}

/// A cluster whose HAProxy has logged this and whose gateways have no audit log yet.
fn with_log(log: &str) -> Lab {
    let lab = Lab::new();
    lab.succeed(&["generate"]);
    lab.set("up", "");
    lab.set("worker", "1\n");
    lab.set("loaded", "s3g1 UP,1\n");
    lab.machine.answer("logs\\ --timestamps\\ --tail\\ 100000\\ id-s3g", 0, log, "");
    for id in ["id-s3g1", "id-s3g2", "id-s3g3"] {
        lab.machine.answer(&format!("exec\\ {id}\\ sh\\ -c*"), 66, "", "");
    }
    lab
}

/// The same with a request in both logs, one in each alone, and one without an answer.
fn with_requests() -> Lab {
    let log = [
        balanced(18, "s3g2", "200", "+1", ID),
        balanced(19, "s3g3", "500", "0", "lost"),
        balanced(20, "<NOSRV>", "503", "0", "-"),
        balanced(23, "s3g1", "409", "0", PROBE).replace("bucket=photos", "bucket=ozone-compose-ready"),
    ];
    let lab = with_log(&log.concat());
    audit(&lab, "id-s3g1", &audited(21, "b", OTHER, "FAILURE"));
    audit(&lab, "id-s3g2", &audited(18, "a/b.txt", ID, "SUCCESS"));
    lab
}

/// Requests as objects, with every field there and not there.
pub(crate) fn for_programs() -> Vec<String> {
    let lab = with_requests();
    let alone =
        audited(22, "", "alone", "SUCCESS").replace("alice", "null").replace("\"bucket\":\"[photos]\",", "");
    audit(&lab, "id-s3g1", &alone.replace("\"path\":\"[]\",", ""));
    let all = ["logs", "-q", "--gateway-requests", "--format", "json"];
    let none = ["logs", "-q", "--gateway-requests", "none", "--format", "json"];
    vec![lab.succeed(&all).stdout, lab.run(&none).stdout, found_by_dns().succeed(&all).stdout]
}

#[test]
fn a_request_is_shown_as_both_logs_have_it() {
    let lab = with_requests();
    let outcome = lab.succeed(&["logs", "--gateway-requests", ID]);
    assert_eq!(
        outcome.stdout,
        format!(
            "TIME                     REQUEST ID                            GATEWAY  METHOD  OPERATION  BUCKET/KEY      USER   STATUS       MS  \
             RETRIES        LOGS\n\
             2026-11-25 14:42:18.346  {ID}  s3g2     GET     GET_KEY    photos/a/b.txt  alice  200 SUCCESS  9   1 (elsewhere)  \
             haproxy, audit\n"
        )
    );
    assert_eq!(outcome.stderr, "");
    // What one gateway has no other has.
    assert!(!lab.machine.commands().contains("exec id-s3g3"), "{}", lab.machine.commands());
    lab.machine.answer("exec\\ id-s3g1\\ sh\\ -c*", 66, "", "");
    let by_other = lab.succeed(&["logs", "--gateway-requests", "aBcDeF123"]);
    assert_eq!(by_other.stdout, outcome.stdout);
}

#[test]
fn without_an_id_the_last_requests_of_all_logs_are_shown() {
    let lab = with_requests();
    let outcome = lab.succeed(&["logs", "--gateway-requests", "--tail", "3"]);
    let rows: Vec<Vec<&str>> =
        outcome.stdout.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let expected = [
        &["14:42:19.346", "lost", "s3g3", "GET", "-", "photos", "AKID", "500", "9", "0", "haproxy"][..],
        &["14:42:20.346", "-", "-", "GET", "-", "photos", "AKID", "503", "9", "0", "haproxy"],
        &["14:42:21.360", OTHER, "s3g1", "-", "GET_KEY", "photos/b", "alice", "FAILURE", "-", "-", "audit"],
    ];
    assert_eq!(rows.iter().map(|row| &row[1..]).collect::<Vec<_>>(), expected);
    assert_eq!(
        outcome.stderr,
        "no log of s3g3 was read: its Ozone writes no audit log\n\
         HAProxy logs only requests that ended with 5xx, were repeated or slow (`--log errors`); `ozone-compose generate --log all` \
         and then `ozone-compose reload` log all from then on\n"
    );
    let all = lab.succeed(&["logs", "--gateway-requests"]);
    assert_eq!(all.stdout.lines().count(), 5, "{all}");
    assert!(!all.to_string().contains("hunter2"), "{all}");
    let own = lab.succeed(&["logs", "--gateway-requests", PROBE]);
    assert!(own.stdout.contains(PROBE), "this tool's own requests are shown by their ids alone: {own}");
}

#[test]
fn a_request_in_an_older_audit_log_is_found() {
    let lab = with_log("");
    let folder = audit(&lab, "id-s3g3", "");
    let file = fs::File::create(folder.join("s3g-audit-id-s3g3-2026-11-24-1.log.gz")).expect("a file");
    let mut older = GzEncoder::new(file, Compression::default());
    // As Ozone 2.0 writes it.
    let line = format!(
        "2026-11-24 14:42:07,360 | INFO  | S3GAudit | user=alice | ip=10.1.2.3 | op=GET_KEY {{bucket=[photos], path=[old], \
         x-amz-request-id={ID}, x-amz-id-2=aB1}} | ret=SUCCESS |  \n"
    );
    older.write_all(line.as_bytes()).expect("a line");
    older.finish().expect("a file");
    let found = lab.succeed(&["logs", "--gateway-requests", ID]);
    assert!(found.stdout.contains(" s3g3 ") && found.stdout.contains(" photos/old "), "{found}");
    let last = lab.succeed(&["logs", "--gateway-requests"]);
    assert!(
        last.stdout.is_empty() && last.stderr.contains("the logs of cluster `demo` have no request\n"),
        "{last}"
    );
}

#[test]
fn an_id_that_no_log_has_is_a_failure_that_says_what_to_do() {
    let lab = with_requests();
    let outcome = lab.run(&["logs", "--gateway-requests", ID, "none-1", "none-2"]);
    assert_eq!((outcome.status, outcome.stdout.lines().count()), (1, 2), "{outcome}");
    assert_eq!(
        outcome.stderr,
        "no log of s3g3 was read: its Ozone writes no audit log\n\
         error: no log of cluster `demo` has the requests none-1, none-2\n\
         hint: HAProxy logs only requests that ended with 5xx, were repeated or slow (`--log errors`); `ozone-compose generate \
         --log all` and then `ozone-compose reload` log all from then on\n"
    );
    lab.succeed(&["generate", "--log", "all"]);
    let outcome = lab.run(&["logs", "--gateway-requests", "none-1"]);
    let hint = "has the request none-1\nhint: `ozone-compose logs --gateway-requests` shows the last requests; a container";
    assert!(outcome.stderr.contains(hint), "{outcome}");
    lab.succeed(&["generate", "--log", "off"]);
    let outcome = lab.run(&["logs", "--gateway-requests", "none-1"]);
    assert!(outcome.stderr.contains("hint: HAProxy logs no requests (`--log off`); `"), "{outcome}");
}

#[test]
fn a_log_that_cannot_be_read_leaves_what_the_others_have() {
    let lab = with_requests();
    lab.contain(&with_ended("s3g3", 1));
    lab.machine.answer("logs\\ --timestamps*", 1, "", "configured logging driver does not support reading\n");
    lab.machine.answer("exec\\ id-s3g1\\ sh\\ -c*", 137, "", "killed\nmore\n");
    let outcome = lab.succeed(&["logs", "--gateway-requests", ID, "--format", "json"]);
    let object: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(object["requests"][0]["gateway"], "s3g2", "{outcome}");
    assert_eq!(object["unread"][1], serde_json::json!({ "container": "s3g1", "why": "killed" }), "{outcome}");
    let outcome = lab.succeed(&["logs", "--gateway-requests"]);
    assert!(outcome.stderr.contains("no log of s3g3 was read: its container does not run\n"), "{outcome}");
    assert!(
        outcome
            .stderr
            .contains("no log of s3g was read: configured logging driver does not support reading\n"),
        "{outcome}"
    );
    assert_eq!(outcome.stdout.lines().count(), 2, "{outcome}");
}

/// A cluster whose gateways DNS finds, with a request in both logs and one in HAProxy's alone.
fn found_by_dns() -> Lab {
    let lab = Lab::new();
    lab.succeed(&["generate", "--discovery", "dns"]);
    lab.set("up", "");
    lab.set("worker", "1\n");
    lab.set("slots", "@1 0 s3g1 10.0.0.2 0\n");
    let mut containers = running();
    containers.retain(|one| one.role != "gateway");
    lab.contain(&[containers, vec![replica("s3gw", 1), replica("s3gw", 2)]].concat());
    let log = [balanced(18, "s3g1", "500", "0", ID), balanced(19, "s3g1", "500", "0", "lost")].concat();
    lab.machine.answer("logs\\ --timestamps*id-s3g", 0, &log, "");
    audit(&lab, "id-s3gw-1", &audited(18, "a", ID, "FAILURE"));
    lab.machine.answer("exec\\ id-s3gw-2\\ sh\\ -c*", 66, "", "");
    lab
}

#[test]
fn a_place_in_haproxy_is_shown_with_the_container_that_has_it_now() {
    let rows = found_by_dns().succeed(&["logs", "--gateway-requests"]).stdout;
    let rows: Vec<&str> = rows.lines().skip(1).collect();
    assert!(rows[0].contains(&format!("{ID}  demo-s3gw-1 ")), "{rows:?}");
    assert!(rows[1].contains("lost") && rows[1].contains(" s3g1 (now demo-s3gw-2) "), "{rows:?}");
}

#[test]
fn names_that_clients_chose_change_nothing_on_a_terminal() {
    let lab = with_log("");
    audit(&lab, "id-s3g1", &audited(18, "\\u001b[2Jx", ID, "SUCCESS"));
    let outcome = lab.succeed(&["logs", "--gateway-requests", ID]);
    assert!(outcome.stdout.contains(" photos/\\u{1b}[2Jx "), "{outcome}");
}

#[test]
fn a_cluster_without_containers_has_no_log_of_a_request() {
    let lab = Lab::new();
    lab.succeed(&["generate"]);
    let outcome = lab.run(&["logs", "--gateway-requests", ID]);
    let said =
        "error: cluster `demo` has no containers, and so no logs\nhint: `ozone-compose up` starts it\n";
    assert_eq!((outcome.status, outcome.stderr.as_str()), (5, said));
}
