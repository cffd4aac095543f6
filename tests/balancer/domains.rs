//! Requests that name their bucket in the host: those that a gateway would take for another key are refused.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::stage::{answer, send_until_logged, with_each_haproxy};
use crate::support::balancer::Stage;

const DOMAINS: [(&str, &str); 2] = [("domains", "s3.localhost s3.example.com"), ("balancer.log", "all")];

/// The whole answer to a request, in lower case.
fn ask(stage: &Stage, request: &str, host: &str) -> String {
    answer(stage, request, host, "").to_lowercase()
}

fn reaches_a_gateway(answer: &str) -> bool {
    answer.contains("\r\nx-served-by: s3g1\r\n")
}

#[test]
fn keys_that_gateways_decode_twice_are_refused_with_the_bucket_in_the_host_and_not_in_the_path() {
    with_each_haproxy(|version| {
        let stage = Stage::new(version, 1, &DOMAINS);
        for target in [
            "/a%3Bv=1",
            "/a%3bv=1",
            "/a;v=1",
            "/per%2541cent",
            "/c%7Bx",
            "/x%7dc",
            "/?list-type=2&prefix=a%2541",
            "/?prefix=%7bx",
        ] {
            for host in ["logs.s3.localhost:9878", "a.b.s3.example.com"] {
                let answer = ask(&stage, &format!("GET {target}"), host);
                assert!(answer.starts_with("http/1.1 501 "), "{host} {target}: {answer}");
                assert!(answer.contains("<code>notimplemented</code>"), "{host} {target}: {answer}");
            }
            for host in ["s3.localhost", "localhost:9878"] {
                let answer = ask(&stage, &format!("GET /logs{target}"), host);
                assert!(reaches_a_gateway(&answer), "{host} {target}: {answer}");
            }
        }
        for target in
            ["/", "/a%20b+c", "/%C3%A9/x", "/k?X-Amz-SignedHeaders=content-type%3Bhost", "/?prefix=a;b"]
        {
            let answer = ask(&stage, &format!("GET {target}"), "logs.s3.localhost");
            assert!(reaches_a_gateway(&answer), "{target}: {answer}");
        }
    });
}

#[test]
fn an_unknown_host_is_reported_and_every_name_of_s3_passes() {
    with_each_haproxy(|version| {
        let stage = Stage::new(version, 1, &DOMAINS);
        for host in ["evils3g", "logs.localhost", "logs.s3g", "s3.localhost.", "10.0.0.7:9878", "s3.test"] {
            let answer = ask(&stage, "GET /logs/key", host);
            assert!(
                answer.starts_with("http/1.1 400 ") && answer.contains(" s3.localhost;"),
                "{host}: {answer}"
            );
        }
        for host in
            ["localhost", "127.0.0.1:9878", "[::1]:9878", "s3g:9878", "s3.example.com", "x.s3.localhost"]
        {
            let answer = ask(&stage, "GET /logs/key", host);
            assert!(reaches_a_gateway(&answer), "{host}: {answer}");
        }
    });
}

#[test]
fn a_refused_client_with_expect_100_continue_gets_connection_close() {
    with_each_haproxy(|version| {
        let stage = Stage::new(version, 1, &DOMAINS);
        let mut stream = TcpStream::connect(stage.endpoint().replace("http://", "")).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let put = "PUT /a%3Bb HTTP/1.1\r\nHost: logs.s3.localhost\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n";
        stream.write_all(put.as_bytes()).expect("a request");
        let mut answer = Vec::new();
        let mut part = [0; 1024];
        while !answer.ends_with(b"</Error>") {
            let length = stream.read(&mut part).expect("an answer");
            assert_ne!(length, 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend(&part[..length]);
        }
        let answer = String::from_utf8_lossy(&answer).to_lowercase();
        assert!(
            answer.starts_with("http/1.1 501 ") && answer.contains("\r\nconnection: close\r\n"),
            "{answer}"
        );
    });
}

#[test]
fn a_line_of_the_log_names_the_bucket_in_the_host_and_never_a_key() {
    with_each_haproxy(|version| {
        let stage = Stage::new(version, 1, &DOMAINS);
        for (target, host, part) in [
            ("/secret/name", "logs.s3.example.com:9878", "bucket=logs key_length=11 "),
            ("/photos/secret?x=y", "localhost", "bucket=photos key_length=6 "),
        ] {
            send_until_logged(&stage, part, || drop(ask(&stage, &format!("GET {target}"), host)));
        }
        assert!(!stage.log().contains("secret"), "{}", stage.log());
    });
}
