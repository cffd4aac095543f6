//! Modes and owners: a rewrite keeps them, and HAProxy's user can read what it mounts, whatever the umask.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use fs_err as fs;

use crate::support::{Outcome, Runs, Sandbox};

const CFG: &str = "haproxy/s3-haproxy.cfg";
const YAML: &str = "ozone-compose.yaml";

fn mode(sandbox: &Sandbox, name: &str) -> String {
    let about = fs::metadata(sandbox.path(name)).unwrap_or_else(|error| panic!("{error}"));
    format!("{:04o}", about.mode() & 0o7777)
}

fn set_mode(sandbox: &Sandbox, name: &str, mode: u32) {
    fs::set_permissions(sandbox.path(name), PermissionsExt::from_mode(mode)).expect("a mode");
}

/// Runs the binary with a umask, which must succeed.
#[track_caller]
fn succeed(sandbox: &Sandbox, umask: &str, arguments: &[&str]) -> Outcome {
    let plain = sandbox.command(arguments);
    let mut shell = crate::support::clean("sh");
    shell.args(["-c", "umask $0 && exec \"$@\"", umask]).arg(plain.get_program()).args(plain.get_args());
    let outcome = Outcome::of(shell.current_dir(sandbox.path("")));
    assert_eq!(outcome.status, 0, "{arguments:?} failed:\n{outcome}");
    outcome
}

#[test]
fn haproxy_can_read_its_folder_whatever_the_umask() {
    for (umask, folder, file) in
        [("022", "0755", "0644"), ("002", "0775", "0664"), ("027", "0750", "0640"), ("077", "0700", "0600")]
    {
        let sandbox = Sandbox::new();
        succeed(&sandbox, umask, &["generate", "-o", "demo"]);
        assert_eq!(mode(&sandbox, "demo/haproxy"), "0755", "{umask}");
        assert_eq!(mode(&sandbox, "demo/haproxy/s3-haproxy.cfg"), "0644", "{umask}");
        assert_eq!(mode(&sandbox, "demo"), folder, "{umask}");
        for name in [".env", "docker-compose.yaml", "docker-config", YAML, "s3-haproxy.yaml"] {
            assert_eq!(mode(&sandbox, &format!("demo/{name}")), file, "{name} with {umask}");
        }
    }
}

#[test]
fn templates_and_pages_are_as_private_as_any_new_file() {
    let sandbox = Sandbox::new();
    succeed(&sandbox, "077", &["templates", "export", "t"]);
    assert_eq!(mode(&sandbox, "t/upstream"), "0700");
    assert_eq!(mode(&sandbox, "t/upstream/s3-haproxy.cfg.j2"), "0600");
    succeed(&sandbox, "077", &["man", "m"]);
    assert_eq!(mode(&sandbox, "m/ozone-compose.1"), "0600");
}

#[test]
fn a_rewrite_keeps_modes_and_owners() {
    let sandbox = Sandbox::new();
    sandbox.write(YAML, "version: 1\nname: demo\n");
    sandbox.succeed(&["generate"]);
    set_mode(&sandbox, YAML, 0o600);
    set_mode(&sandbox, "s3-haproxy.yaml", 0o664);
    // Only root can; for others every file stays their own in any case.
    let given = chown(sandbox.path(YAML), Some(54_321), Some(54_321)).is_ok();
    succeed(&sandbox, "022", &["generate", "-n", "4"]);
    assert!(sandbox.read(YAML).contains("count: 4"));
    assert_eq!(mode(&sandbox, YAML), "0600");
    assert_eq!(mode(&sandbox, "s3-haproxy.yaml"), "0664");
    if given {
        let about = fs::metadata(sandbox.path(YAML)).expect("a file");
        assert_eq!((about.uid(), about.gid()), (54_321, 54_321));
    }
}

#[test]
fn what_a_careful_copy_has_closed_is_opened_to_haproxy_again() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "--name", "demo"]);
    sandbox.write("haproxy/zz-local.cfg", "# mine\n");
    // Once with nothing to write, once with a new text.
    for more in [&[][..], &["-n", "4"]] {
        for name in ["haproxy", CFG, "haproxy/zz-local.cfg", "docker-config"] {
            set_mode(&sandbox, name, if name == "haproxy" { 0o700 } else { 0o600 });
        }
        succeed(&sandbox, "077", &[&["generate"], more].concat());
        assert_eq!(mode(&sandbox, "haproxy"), "0755");
        assert_eq!(mode(&sandbox, CFG), "0644");
        assert_eq!(mode(&sandbox, "haproxy/zz-local.cfg"), "0600", "it is a person's own");
        assert_eq!(mode(&sandbox, "docker-config"), "0600", "no container reads it");
    }
    // Bits are added, and none taken.
    set_mode(&sandbox, "haproxy", 0o2770);
    sandbox.succeed(&["generate"]);
    assert_eq!(mode(&sandbox, "haproxy"), "2775");
}

#[test]
fn a_backup_keeps_the_mode_of_what_it_copies() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "--name", "demo"]);
    for (name, closed) in [(CFG, 0o600), ("docker-config", 0o640)] {
        sandbox.write(name, sandbox.read(name) + "# password\n");
        set_mode(&sandbox, name, closed);
    }
    succeed(&sandbox, "022", &["generate", "--force"]);
    assert_eq!(mode(&sandbox, "haproxy/s3-haproxy.cfg.bak"), "0600");
    assert_eq!(mode(&sandbox, "docker-config.bak"), "0640");
    assert_eq!(mode(&sandbox, CFG), "0644");
}
