//! What a gateway refuses spoils nothing that comes after it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::stage::with_each_haproxy;
use crate::support::balancer::Stage;

/// A PUT with `Expect: 100-continue`, as boto3 sends it.
const PUT: &str = "PUT /load/key HTTP/1.1\r\nHost: s3\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n";

#[test]
fn a_client_that_was_refused_before_it_sent_a_body_gets_connection_close() {
    with_each_haproxy(|version| {
        let stage = Stage::new(version, 2, &[]);
        let address = stage.endpoint().replace("http://", "");
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        stream.write_all(PUT.as_bytes()).expect("a request");
        let head = BufReader::new(stream).lines().map(|line| line.expect("a line").to_lowercase());
        let head: Vec<String> = head.take_while(|line| !line.is_empty()).collect();
        assert!(head[0].starts_with("http/1.1 412 "), "{head:?}");
        // The client would send its next request where HAProxy awaits this one's body.
        assert!(head.contains(&"connection: close".to_owned()), "{head:?}");
    });
}

#[test]
fn headers_as_large_as_s3_allows_reach_a_gateway() {
    with_each_haproxy(|version| {
        let stage = Stage::new(version, 1, &[]);
        let mut stream = TcpStream::connect(stage.endpoint().replace("http://", "")).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let header = format!("x-amz-meta-a: {}\r\n", "b".repeat(240));
        let (key, headers) = ("k".repeat(1024), header.repeat(32));
        let get = format!("GET /load/{key} HTTP/1.1\r\nHost: s3\r\n{headers}\r\n");
        stream.write_all(get.as_bytes()).expect("a request");
        let head = BufReader::new(stream).lines().map(|line| line.expect("a line").to_lowercase());
        let head: Vec<String> = head.take_while(|line| !line.is_empty()).collect();
        assert!(head.contains(&"x-served-by: s3g1".to_owned()), "{head:?}");
    });
}
