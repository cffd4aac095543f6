//! What HAProxy writes about requests, and what it never does.

use std::collections::BTreeSet;
use std::time::Duration;

use ozone_compose::observe::requests::balanced;

use crate::stage::{answer, requests_in, send_until_logged, with_each_haproxy};
use crate::support::balancer::{Stage, Version};
use crate::support::load::{Load, Traffic};
use crate::support::run::until;

/// The first line of the answer to a request.
fn ask(stage: &Stage, target: &str, headers: &str) -> String {
    let answer = answer(stage, &format!("GET {target}"), "s3", headers);
    answer.lines().next().expect("a line").to_owned()
}

/// Sends this request until a line about one has `part`.
fn ask_until_logged(stage: &Stage, target: &str, headers: &str, part: &str) {
    send_until_logged(stage, part, || drop(ask(stage, target, headers)));
}

#[test]
fn a_line_names_bucket_and_access_key_and_never_a_signature() {
    with_each_haproxy(|version| {
        let stage = Stage::new(version, 2, &[("balancer.log", "all")]);
        let target = "/photos/2026/cat.jpg?partNumber=1&X-Amz-Credential=AKIDQUERY%2F20260101%2Fus-east-1%2Fs3%2Faws4_request\
                      &X-Amz-Security-Token=secret-token&X-Amz-Signature=secret-query";
        let line = " method=GET bucket=photos key_length=12 access_key=- presigned_by=AKIDQUERY ";
        ask_until_logged(&stage, target, "", line);
        let signed = "Authorization: AWS4-HMAC-SHA256 Credential=AKIDHEADER/20260101/us-east-1/s3/aws4_request, \
                      SignedHeaders=host, Signature=secret-header\r\n";
        let line = " method=GET bucket=photos key_length=3 access_key=AKIDHEADER presigned_by=- ";
        ask_until_logged(&stage, "/photos/dog", signed, line);
        let swapped =
            "Authorization: AWS4-HMAC-SHA256 Signature=secret-swapped, Credential=AKIDSWAPPED/2026\r\n";
        ask_until_logged(&stage, "/swapped", swapped, " bucket=swapped ");
        ask_until_logged(&stage, "/old", "Authorization: AWS AKIDOLD:secret-old\r\n", " bucket=old ");
        let log = stage.log();
        let read = balanced(&log);
        let keys: BTreeSet<_> = read.iter().filter_map(|one| one.access_key.as_deref()).collect();
        assert!(keys.is_superset(&["AKIDHEADER", "AKIDQUERY"].into()), "{read:?} of {log}");
        assert_eq!(read.len(), requests_in(&log).len(), "{read:?} of {log}");
        assert!(read.iter().all(|one| one.server.is_some() && one.milliseconds.is_some()), "{read:?}");
        assert!(!log.contains("cat.jpg"), "{log}");
        assert!(!log.contains("secret") && !log.contains("X-Amz"), "{log}");
    });
}

#[test]
fn errors_are_logged_and_requests_without_one_are_not() {
    with_each_haproxy(|version| {
        let mut stage = Stage::new(version, 1, &[]);
        let traffic = Traffic { operations: 20, ..Traffic::default() };
        assert!(Load::start(&stage.endpoint(), traffic).ended().failed().is_empty());
        if version == Version::Image {
            stage.gateways[0].slow_down(Duration::from_millis(5_100));
            ask_until_logged(&stage, "/photos/slow", "", "key_length=4");
        }
        stage.gateways[0].kill();
        until("HAProxy notices", || !stage.is_up("s3g1"));
        assert!(ask(&stage, "/photos/lost", "").contains(" 503 "));
        ask_until_logged(&stage, "/photos/lost", "", " 503 ");
        let log = stage.log();
        assert!(requests_in(&log).len() < 20, "{log}");
    });
}

#[test]
fn without_a_log_there_is_still_a_line_for_a_gateway_that_goes() {
    with_each_haproxy(|version| {
        let mut stage = Stage::new(version, 1, &[("balancer.log", "off")]);
        stage.gateways[0].kill();
        until("a line for the gateway that went", || stage.log().contains("Server gateways/s3g1 is DOWN"));
        assert!(ask(&stage, "/photos/lost", "").contains(" 503 "));
        stage.gateways[0].restart();
        until("a line for the gateway that came back", || stage.log().contains("Server gateways/s3g1 is UP"));
        assert!(!stage.log().contains("photos") && !stage.log().contains(" 503 "), "{}", stage.log());
    });
}
