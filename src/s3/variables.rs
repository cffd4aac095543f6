//! What S3 clients read from their environment.

use std::path::Path;

use super::{Key, REGION};
use crate::engine::Variables;
use crate::spec::values::OzoneVersion;

/// The variable that others must not read.
pub const SECRET: &str = "AWS_SECRET_ACCESS_KEY";

/// The variables with which the AWS SDKs and what is built on them reach an endpoint.
///
/// `proxied` are the hosts that are reached without the proxy of the caller; none where there is no proxy.
#[must_use]
pub fn variables(version: &OzoneVersion, endpoint: &str, proxied: Option<&str>, key: &Key) -> Variables {
    let mut set = vec![
        ("AWS_ENDPOINT_URL_S3", endpoint.to_owned()),
        ("AWS_ACCESS_KEY_ID", key.access.clone()),
        (SECRET, key.secret().to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        // All that boto3 and version 1 of the AWS CLI read of the two.
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
    ];
    if lacks_trailing_checksums(version) {
        set.push(("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required".to_owned()));
        set.push(("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required".to_owned()));
    }
    if let Some(hosts) = proxied {
        let direct = with_host(hosts, host_of(endpoint));
        set.extend([("NO_PROXY", direct.clone()), ("no_proxy", direct)]);
    }
    Variables { set, unset: MISLEADING }
}

/// The variables by which the AWS SDKs and CLI, and Node, trust a CA; the former trust no other then.
#[must_use]
pub fn trusting(ca: &Path) -> Vec<(&'static str, String)> {
    ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"].map(|name| (name, ca.display().to_string())).into()
}

/// The variables that replace the roots of whatever reads them: OpenSSL and Go, curl, to which
/// its own of the caller would say more, and Python's requests.
#[must_use]
pub fn trusting_only(bundle: &Path) -> Vec<(&'static str, String)> {
    ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"]
        .map(|name| (name, bundle.display().to_string()))
        .into()
}

/// The host in `http://127.0.0.1:9878`, an IPv6 address without brackets, as lists of hosts without a proxy write it.
fn host_of(endpoint: &str) -> &str {
    let place = endpoint.split_once("://").map_or(endpoint, |(_, place)| place);
    match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => place.split(':').next().unwrap_or(place),
    }
}

/// A list of hosts with one more, if it lacks that.
fn with_host(hosts: &str, host: &str) -> String {
    let mut list: Vec<&str> = hosts.split(',').filter(|one| !one.is_empty()).collect();
    if !list.iter().any(|one| one.trim() == host) {
        list.push(host);
    }
    list.join(",")
}

/// SDKs of 2025 and later send checksums after the body, which Ozone takes from 2.1 on.
fn lacks_trailing_checksums(version: &OzoneVersion) -> bool {
    version.minor() < 1
}

/// Variables of the caller that would send requests elsewhere, or with other keys than those of the cluster.
pub const MISLEADING: &[&str] = &[
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_under_run_trusts_more_cas_than_a_shell_with_env() {
        let names =
            |set: Vec<(&'static str, String)>| set.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let (ca, bundle) = (Path::new("/a/ca.pem"), Path::new("/a/bundle.pem"));
        assert_eq!(names(trusting(ca)), ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"]);
        assert_eq!(names(trusting_only(bundle)), ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"]);
    }

    #[test]
    fn the_clusters_host_joins_those_that_are_reached_without_a_proxy() {
        let direct = |hosts, endpoint| with_host(hosts, host_of(endpoint));
        assert_eq!(direct("", "http://127.0.0.1:9878"), "127.0.0.1");
        assert_eq!(direct("a, 10.0.0.7", "http://10.0.0.7:80"), "a, 10.0.0.7");
        assert_eq!(direct("a", "https://s3.example.com:9879"), "a,s3.example.com");
        assert_eq!(direct("a", "http://[fd00::7]:9878"), "a,fd00::7");
    }

    #[test]
    fn checksums_after_the_body_are_for_ozone_2_1_and_later() {
        let lacks = |version: &str| lacks_trailing_checksums(&version.parse().expect("a version"));
        assert!(lacks("2.0.0"));
        assert!(!lacks("2.1.0") && !lacks("2.2.1"));
    }
}
