//! What a person edited is kept, what is not this tool's is never touched.

use std::fs::File;
use std::time::{Duration, SystemTime};

use crate::support::{Runs, Sandbox};

const CFG: &str = "haproxy/s3-haproxy.cfg";

/// A generated folder in which one line of HAProxy's configuration was edited.
fn edited() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "--name", "demo"]);
    edit(&sandbox);
    sandbox
}

fn edit(sandbox: &Sandbox) {
    sandbox.write(CFG, sandbox.read(CFG).replace("retries 3", "retries 7"));
}

#[test]
fn an_edited_file_is_not_overwritten() {
    let sandbox = edited();
    let before = sandbox.tree("");
    let outcome = sandbox.run(&["generate", "-n", "4"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (3, ""), "{outcome}");
    assert!(
        outcome.stderr.starts_with(
            "error: `haproxy/s3-haproxy.cfg` in `.` was edited by hand; nothing was changed\n  \
             | --- a/haproxy/s3-haproxy.cfg\n  | +++ b/haproxy/s3-haproxy.cfg\n  | @@ "
        ),
        "{outcome}"
    );
    assert!(outcome.stderr.contains("\n  | -    retries 7\n  | +    retries 3\n"), "{outcome}");
    assert!(outcome.stderr.contains("\n  | +    server s3g4 s3g4:9878\n"), "{outcome}");
    assert!(
        outcome.stderr.ends_with(
            "\nhint: you can move the edit to ozone-compose.yaml, compose.override.yaml or \
             haproxy/zz-local.cfg, which stay yours (most settings are keys of the first, as `config show` lists them; \
             the last adds sections and changes none); overwrite it with `ozone-compose generate --force`, which keeps it as FILE.bak; or leave everything as it is: `reload`, `restart`, `stop` and `start` work, and changes \
             that write this file do not\n"
        ),
        "{outcome}"
    );
    assert_eq!(sandbox.tree(""), before);
}

#[test]
fn force_overwrites_an_edited_file_and_keeps_every_edit() {
    let sandbox = edited();
    let first = sandbox.read(CFG);
    let outcome = sandbox.succeed(&["generate", "--force"]);
    let kept = "an edited file was kept as `./haproxy/s3-haproxy.cfg.bak`\n";
    assert!(outcome.stderr.contains(kept), "{outcome}");
    sandbox.succeed(&["generate", "--check"]);
    assert_eq!(sandbox.read("haproxy/s3-haproxy.cfg.bak"), first);

    let second = sandbox.read(CFG).replace("maxconn 4096", "maxconn 7");
    sandbox.write(CFG, &second);
    sandbox.succeed(&["generate", "--force"]);
    assert_eq!(sandbox.read("haproxy/s3-haproxy.cfg.bak"), first);
    assert_eq!(sandbox.read("haproxy/s3-haproxy.cfg.bak.2"), second);
}

#[test]
fn a_backup_is_no_configuration_that_haproxy_would_load() {
    let sandbox = edited();
    sandbox.succeed(&["generate", "--force"]);
    // HAProxy loads every *.cfg of the folder.
    let loaded = sandbox.tree("haproxy").into_keys().filter(|name| name.ends_with("cfg"));
    assert_eq!(loaded.collect::<Vec<_>>(), ["s3-haproxy.cfg"]);
}

#[test]
fn a_file_that_is_not_this_tools_is_never_touched() {
    for force in [&[][..], &["--force"]] {
        let sandbox = Sandbox::new();
        sandbox.write("docker-compose.yaml", "services: {}\n");
        let before = sandbox.tree("");
        let outcome = sandbox.run(&[&["generate"], force].concat());
        assert_eq!(
            outcome.to_string(),
            "exit 3\n--- stderr\n\
             error: `docker-compose.yaml` in `.` was not written by ozone-compose; nothing was changed\n\
             hint: choose another folder with `-o DIR`, or move the file away\n"
        );
        assert_eq!(sandbox.tree(""), before);
    }
}

#[test]
fn an_overlay_lies_beside_the_files_of_a_checkout() {
    let sandbox = Sandbox::new();
    let theirs = [("docker-compose.yaml", "services: {}\n"), (".env", "A=1\n"), ("docker-config", "B=2\n")];
    for (name, text) in theirs {
        sandbox.write(name, text);
    }
    sandbox.succeed(&["generate", "--base", "none"]);
    for (name, text) in theirs {
        assert_eq!(sandbox.read(name), text);
    }
    assert!(sandbox.path("s3-haproxy.yaml").exists());
}

#[test]
fn files_that_have_no_place_any_more_go_unless_they_were_edited() {
    let sandbox = Sandbox::new();
    sandbox.write("ozone-compose.yaml", "version: 1\n");
    sandbox.succeed(&["generate"]);
    let mine = sandbox.read("docker-config") + "OZONE-SITE.XML_mine=1\n";
    sandbox.write("docker-config", &mine);
    // The name was kept for a cluster of its own; an overlay has none.
    sandbox.write("ozone-compose.yaml", "version: 1\nbase: none\n");
    let outcome = sandbox.succeed(&["generate"]);
    assert!(outcome.stderr.contains(", removed 2 files that it needs no more\n"), "{outcome}");
    let names: Vec<String> = sandbox.tree("").into_keys().collect();
    assert_eq!(names, ["docker-config", CFG, "ozone-compose.yaml", "s3-haproxy.yaml"]);
    assert_eq!(sandbox.read("docker-config"), mine);
}

#[test]
fn line_ends_that_git_made_those_of_windows_are_no_edit() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "--name", "demo"]);
    let unix = sandbox.read(CFG);
    sandbox.write(CFG, unix.replace('\n', "\r\n"));
    sandbox.succeed(&["generate", "-n", "3"]);
    assert_eq!(sandbox.read(CFG), unix);
}

#[test]
fn what_a_killed_run_left_behind_is_removed() {
    let sandbox = Sandbox::new();
    sandbox.write(".ozone-compose-left.tmp", "half a file");
    sandbox.write(".ozone-compose-other.tmp", "of a run that goes on");
    let old = File::options().append(true).open(sandbox.path(".ozone-compose-left.tmp")).unwrap();
    old.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    sandbox.succeed(&["generate"]);
    let staged = sandbox.tree("").into_keys().filter(|name| name.starts_with(".ozone-compose-"));
    assert_eq!(staged.collect::<Vec<_>>(), [".ozone-compose-other.tmp"]);
}

#[test]
fn an_app_of_ones_own_in_the_folder_is_not_displaced() {
    for name in ["compose.yaml", "compose.yml", "docker-compose.yml"] {
        let sandbox = Sandbox::new();
        sandbox.write(name, "services: {web: {image: web}}\n");
        let before = sandbox.tree("");
        for verb in [&["generate"][..], &["generate", "--check"], &["up"]] {
            let outcome = sandbox.run(verb);
            assert_eq!((outcome.status, outcome.stdout.as_str()), (3, ""), "{outcome}");
            let said = format!(
                "error: `{name}` makes `.` a Compose app of your own, which the generated .env would displace; \
                 nothing was changed\nhint: choose a folder of its own with `-o DIR`; your app can `include` the \
                 cluster from there\n"
            );
            assert_eq!(outcome.stderr, said, "{verb:?}");
        }
        // An overlay over other files writes no `.env`, and a cluster may lie in a folder below.
        sandbox.succeed(&["generate", "-o", "my-cluster"]);
        sandbox.succeed(&["generate", "--base", "none"]);
        assert!(sandbox.tree("").len() > before.len());
    }
}
