//! The files of a secure cluster, and what is refused about it.

use std::os::unix::fs::PermissionsExt;

use fs_err as fs;

use crate::support::{Runs, Sandbox, clean};

#[test]
fn a_flag_or_a_key_makes_a_secure_cluster_and_its_absence_takes_the_files_away() {
    let (by_flag, by_key) = (Sandbox::new(), Sandbox::new());
    by_flag.succeed(&["generate", "-o", "demo", "--secure", "--user", "alice,bob"]);
    by_key.write("demo/ozone-compose.yaml", "version: 1\nsecurity: kerberos\nusers: [alice, bob]\n");
    by_key.succeed(&["generate", "-o", "demo"]);
    for file in ["kerberos.yaml", "kerberos/krb5.conf", "kerberos/kdc.sh", "docker-config", ".env"] {
        assert_eq!(by_flag.read(&format!("demo/{file}")), by_key.read(&format!("demo/{file}")), "{file}");
    }
    assert!(!by_flag.path("demo/secrets").exists(), "nothing that is generated is a secret");
    by_flag.succeed(&["generate", "-o", "demo", "--secure=off"]);
    assert!(!by_flag.path("demo/kerberos.yaml").exists());
    let plain = Sandbox::new();
    plain.succeed(&["generate", "-o", "demo"]);
    for file in ["docker-config", "docker-compose.yaml", "s3-haproxy.yaml", ".env"] {
        assert_eq!(by_flag.read(&format!("demo/{file}")), plain.read(&format!("demo/{file}")), "{file}");
    }
}

#[test]
fn the_files_of_the_kdc_are_open_to_its_container_whatever_the_umask() {
    let sandbox = Sandbox::new();
    let generate = sandbox.command(&["generate", "-o", "demo", "--secure"]);
    let mut shell = clean("sh");
    shell.args(["-c", "umask 077 && exec \"$@\"", "sh"]).arg(generate.get_program());
    crate::support::Outcome::of(shell.args(generate.get_args()).current_dir(sandbox.path(""))).succeeded();
    for (name, expected) in [("kerberos", 0o755), ("kerberos/krb5.conf", 0o644), ("kerberos/kdc.sh", 0o644)] {
        let mode = fs::metadata(sandbox.path(&format!("demo/{name}"))).expect(name).permissions().mode();
        assert_eq!(mode & 0o777, expected, "{name}");
    }
}

#[test]
fn users_that_cannot_be_are_refused_before_anything_is_written() {
    for (arguments, said) in [
        (
            &["--user", "alice"][..],
            "users (--user): has no meaning without `security`: `--secure` turns it on",
        ),
        (&["--secure", "--user", "a/b"], "users (--user): `a/b` names no user: Kerberos and S3 both take"),
        (&["--secure", "--user", "alice,alice"], "users (--user): alice is there twice"),
        (
            &["--secure", "--base", "none"],
            "security (--secure): has no meaning with the base `none`, whose KDC and users are the checkout's",
        ),
        (
            &["--secure", "--profile", "upstream"],
            "security (--secure): has no meaning with the profile `upstream`",
        ),
    ] {
        let sandbox = Sandbox::new();
        let outcome = sandbox.run(&[&["generate", "-o", "demo"], arguments].concat());
        assert_eq!(outcome.status, 2, "{outcome}");
        assert!(outcome.stderr.contains(said), "{outcome}");
        assert!(!sandbox.path("demo").exists());
    }
}

#[test]
fn a_cluster_without_security_has_no_users() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "-o", "demo"]);
    let outcome = sandbox.run(&["user", "list", "-o", "demo"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(
        outcome.stderr.contains("cluster `demo` has no security, and so no users: any key opens it"),
        "{outcome}"
    );
    sandbox.succeed(&["generate", "-o", "safe", "--secure", "--user", "alice"]);
    let outcome = sandbox.succeed(&["user", "list", "-o", "safe"]);
    assert_eq!(outcome.stdout, "USER   SECRET\nalice  missing\n");
}
