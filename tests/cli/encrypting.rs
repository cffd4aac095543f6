//! The files of https: made once, closed to others, and no part of what is rendered.

use std::os::unix::fs::MetadataExt;

use fs_err as fs;

use crate::support::{Outcome, Runs, Sandbox, clean};

const SERVED: &str = "demo/tls/private/haproxy/s3.pem";

fn mode(sandbox: &Sandbox, name: &str) -> u32 {
    fs::metadata(sandbox.path(name)).unwrap_or_else(|error| panic!("{error}")).mode() & 0o7777
}

#[test]
fn a_certificate_is_made_once_and_stays() {
    let sandbox = Sandbox::new();
    let first = sandbox.succeed(&["generate", "-o", "demo", "--tls"]);
    assert!(first.stderr.contains("https: the certificate is not there; made one of a new CA"), "{first}");
    let before = sandbox.tree("demo");
    let second = sandbox.succeed(&["generate", "-o", "demo"]);
    assert!(!second.stderr.contains("certificate"), "{second}");
    assert_eq!(sandbox.tree("demo"), before);
    sandbox.succeed(&["generate", "-o", "demo", "--check"]);
    fs::remove_dir_all(sandbox.path("demo/tls")).expect("a folder");
    sandbox.succeed(&["generate", "-o", "demo", "--check"]);
    assert!(!sandbox.path("demo/tls").exists(), "a check makes nothing");
    let plain = sandbox.succeed(&["generate", "-o", "plain"]);
    assert!(!plain.stderr.contains("https") && !sandbox.path("plain/tls").exists(), "{plain}");
}

#[test]
fn keys_are_closed_to_others_and_open_to_haproxy_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let sandbox = Sandbox::new();
        let generate = sandbox.command(&["generate", "-o", "demo", "--tls"]);
        let mut shell = clean("sh");
        shell.args(["-c", "umask $0 && exec \"$@\"", umask]).arg(generate.get_program());
        Outcome::of(shell.args(generate.get_args()).current_dir(sandbox.path(""))).succeeded();
        for (name, expected) in [
            ("demo/tls", 0o755),
            ("demo/tls/ca.pem", 0o644),
            ("demo/tls/ca.key", 0o600),
            // Nobody else gets further; the engine mounts what is in it.
            ("demo/tls/private", 0o700),
            ("demo/tls/private/haproxy", 0o755),
            (SERVED, 0o644),
        ] {
            assert_eq!(mode(&sandbox, name), expected, "{name} with the umask {umask}");
        }
        assert_eq!(sandbox.read("demo/tls/.gitignore"), "*\n");
    }
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    for (arguments, said) in [
        (
            &["--tls", "--profile", "upstream"][..],
            "balancer.tls (--tls): has no meaning with the profile `upstream`",
        ),
        (&["--tls", "--base", "none"], "balancer.tls (--tls): has no meaning with the base `none`"),
        (&["--tls=maybe"], "balancer.tls (--tls): `maybe` is not one of on, off"),
        (
            &["--tls-cert", "a.pem", "--tls-key", "a.key"],
            "balancer.tls-cert (--tls-cert): has no meaning without `balancer.tls`",
        ),
        (&["--tls", "--tls-cert", "a.pem"], "balancer.tls-cert (--tls-cert): needs its private key"),
        (&["--tls", "--tls-key", "a.key"], "balancer.tls-key (--tls-key): needs its certificate"),
        (
            &["--tls", "--https-port", "9878"],
            "ports.https (--https-port): 9878 is also the port of `ports.s3`",
        ),
        (&["--tls", "--tls-cert", "no.pem", "--tls-key", "no.key"], "balancer.tls-cert: "),
        (&["--http", "off"], "balancer.http (--http): has no meaning without `balancer.tls`"),
        (&["--tls", "--http", "on"], "balancer.http (--http): `on` is not one of keep, redirect, off"),
        (
            &["--server", "https://gw1:9879"],
            "servers (--server): https://gw1:9879 shows a certificate that no CA verifies",
        ),
    ] {
        let sandbox = Sandbox::new();
        let outcome = sandbox.run(&[&["generate", "-o", "demo"], arguments].concat());
        assert_eq!(outcome.status, 2, "{arguments:?}: {outcome}");
        assert!(outcome.stderr.contains(said), "{arguments:?}: {outcome}");
        assert!(!sandbox.path("demo").exists(), "{arguments:?}");
    }
}

#[test]
fn a_certificate_of_ones_own_takes_the_place_of_the_one_that_was_made() {
    let sandbox = Sandbox::new();
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(["s3.example.com".to_owned()]).expect("a name");
    sandbox.succeed(&["generate", "-o", "demo", "--tls"]);
    sandbox.write("demo/my.pem", params.self_signed(&key).expect("a certificate").pem());
    sandbox.write("demo/my.key", key.serialize_pem());
    let own = sandbox.succeed(&["generate", "-o", "demo", "--tls-cert", "my.pem", "--tls-key", "my.key"]);
    assert!(own.stderr.contains("https: the certificate is another; it is `my.pem`"), "{own}");
    assert!(sandbox.read(SERVED).ends_with(&key.serialize_pem()));
    assert!(!sandbox.path("demo/tls/ca.pem").exists(), "it vouches for nothing any more");
}

/// A certificate for a name until a year, and a key.
fn pair(name: &str, last_year: i32) -> (String, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
    params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
    (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}

#[test]
fn http_is_published_as_a_redirect_or_not_at_all_and_stays_in_the_network() {
    let sandbox = Sandbox::new();
    let bind = |port: u32| format!("\n    bind :{port}\n");
    for (http, published, redirects) in
        [("keep", Some(9878), false), ("redirect", Some(9880), true), ("off", None, false)]
    {
        sandbox.succeed(&["generate", "-o", "demo", "--tls", "--http", http]);
        let overlay = sandbox.read("demo/s3-haproxy.yaml");
        let target = |port: u32| overlay.contains(&format!("- target: {port}\n"));
        for port in [9878, 9880] {
            assert_eq!(target(port), published == Some(port), "{http}: {overlay}");
        }
        let cfg = sandbox.read("demo/haproxy/s3-haproxy.cfg");
        assert!(target(9879) && cfg.contains(&bind(9878)), "{http}: {cfg}");
        assert_eq!(cfg.contains(&bind(9880)) && cfg.contains(":9879 code 308"), redirects, "{http}: {cfg}");
    }
}

#[test]
fn a_certificate_of_a_balancers_machine_is_judged_where_it_lies_on_this_one() {
    let sandbox = Sandbox::new();
    let ((good, key), (other, _), (old, old_key)) = (pair("a.b", 2100), pair("a.b", 2100), pair("a.b", 2021));
    for (name, text) in [
        ("good.pem", format!("{good}{key}")),
        ("apart.pem", good.clone()),
        ("apart.pem.key", key.clone()),
        ("key.pem", key.clone()),
        ("other.pem", format!("{other}{key}")),
        ("old.pem", format!("{old}{old_key}")),
        ("folder/a.pem", format!("{good}{key}")),
        ("folder/b.pem", good.clone()),
        ("folder/b.pem.key", key.clone()),
        ("bad/old.pem", format!("{old}{old_key}")),
        ("empty/a.key", key.clone()),
    ] {
        sandbox.write(name, text);
    }
    let path = |name: &str| sandbox.path(name).display().to_string();
    let run = |arguments: &[&str]| sandbox.run(&[&["haproxy", "--server", "gw1:9878"], arguments].concat());
    for (name, rest) in [
        ("good.pem", &[][..]),
        ("apart.pem", &[]),
        ("apart.pem", &["--tls-key", &path("key.pem")]),
        ("folder", &[]),
    ] {
        let outcome = run(&[&["--tls-cert", &path(name)], rest].concat());
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""), "{name}: {outcome}");
        let bind = format!("\n    bind :9879 ssl crt {} alpn http/1.1\n", path(name));
        assert!(outcome.stdout.contains(&bind), "{outcome}");
    }
    for (name, said) in [
        ("other.pem", "does not fit the private key"),
        ("old.pem", "days ago"),
        ("bad", "days ago"),
        ("empty", "there is no certificate in"),
    ] {
        let outcome = run(&["--tls-cert", &path(name), "-o", "out"]);
        assert_eq!(outcome.status, 2, "{name}: {outcome}");
        assert!(
            outcome.stderr.contains("--tls-cert: ") && outcome.stderr.contains(said),
            "{name}: {outcome}"
        );
        assert!(!sandbox.path("out").exists(), "{name}");
    }
    let elsewhere =
        run(&["--tls-cert", "/nowhere/s3.pem", "--tls-key", "/nowhere/s3.key", "--http", "off", "-o", "out"]);
    assert!(elsewhere.stderr.contains("`/nowhere/s3.pem` is not on this machine"), "{elsewhere}");
    let install = sandbox.read("out/INSTALL.md");
    assert!(install.contains("\n    ln -s /nowhere/s3.key /nowhere/s3.pem.key\n"), "{install}");
    assert!(install.contains("ufw allow 9879/tcp") && !install.contains("ufw allow 9878"), "{install}");
}
