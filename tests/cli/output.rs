//! Results go to standard output, messages to standard error.

use std::io::pipe;
use std::path::Path;

use ozone_compose::cli::BalancerFlags;
use ozone_compose::spec::options::OPTIONS;

use crate::support::{Outcome, Runs, Sandbox, clean};

#[test]
fn help_of_every_verb_lists_options_and_exit_codes() {
    let sandbox = Sandbox::new();
    let codes = |outcome: &Outcome| {
        let (_, table) = outcome.stdout.split_once("\nExit codes:\n").expect("a table of exit codes");
        table.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect::<Vec<u32>>()
    };
    let whole = sandbox.succeed(&["--help"]);
    assert!(codes(&whole).starts_with(&[0, 1, 2, 3]), "{whole}");
    assert_eq!(OPTIONS.iter().filter(|option| option.is_common).count(), 10, "what leads the help");
    for verb in ["generate", "haproxy"] {
        assert!(whole.stdout.contains(&format!("\n  {verb} ")), "{whole}");
        // What is for containers alone, help of the verb for real machines does not show.
        let shown = || OPTIONS.iter().filter(|option| verb == "generate" || BalancerFlags::shows(option));
        for (help, shows_all) in [("-h", false), ("--help", false), ("--help-all", true)] {
            let outcome = sandbox.succeed(&[verb, help]);
            assert_eq!(codes(&outcome), codes(&whole), "{verb} {help}");
            assert_eq!(outcome.stderr, "");
            for option in shown() {
                let value = if option.is_switch() { "[=<" } else { " <" };
                let is_there = outcome.stdout.contains(&format!("--{}{value}", option.flag));
                let is_usual =
                    if verb == "generate" { option.is_common } else { BalancerFlags::is_usual(option) };
                assert_eq!(is_there, shows_all || is_usual, "{verb} {help}: --{}", option.flag);
            }
        }
        let long = sandbox.succeed(&[verb, "--help-all"]).stdout;
        let folded = long.split_whitespace().collect::<Vec<_>>().join(" ");
        for option in shown() {
            assert!(folded.contains(&format!("[key: {}]", option.key)), "{verb}: {}", option.key);
        }
    }
}

#[test]
fn version_is_that_of_the_crate_with_the_commit_of_a_checkout() {
    let outcome = Sandbox::new().succeed(&["--version"]);
    let mut git = clean("git");
    git.args(["rev-parse", "--show-prefix", "--short=7", "HEAD"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let said = git.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let commit = match said.as_deref().map(|said| said.strip_prefix('\n')) {
        Ok(Some(commit)) if !commit.is_empty() => format!(" ({})", commit.trim_end()),
        _ => String::new(),
    };
    assert_eq!(outcome.stdout, format!("ozone-compose {}{commit}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_first_run_says_what_it_wrote_and_what_to_type_next() {
    let sandbox = Sandbox::new();
    for (arguments, said) in [
        (
            &["generate", "-o", "demo"][..],
            "wrote 6 files to `demo`\n\
             cluster `demo`: 3 S3 gateways, 1 datanode, replication 1, Ozone 2.2.1; heaps of 3.0 GiB, memory of 6.8 GiB at most\n\
             next: ozone-compose up -o demo, and S3 is at http://127.0.0.1:9878\n",
        ),
        (
            &["generate", "-o", "overlay", "--base", "none"],
            "wrote 3 files to `overlay`\n\
             next: in a folder of an Ozone checkout's compose/, with s3-haproxy.yaml and haproxy/ in it: \
             docker compose -f docker-compose.yaml -f s3-haproxy.yaml up -d\n",
        ),
        (
            &["generate", "-o", "real", "--server", "gw1:9878"],
            "wrote 2 files to `real`\nnext: haproxy -c -f real/haproxy/s3-haproxy.cfg\n",
        ),
    ] {
        let outcome = sandbox.succeed(arguments);
        assert_eq!(outcome.to_string(), format!("exit 0\n--- stderr\n{said}"));
    }
}

#[test]
fn check_writes_nothing_and_has_exit_codes() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run(&["generate", "--base", "none", "-o", "new", "--check"]);
    assert_eq!(
        outcome.to_string(),
        "exit 3\n--- stderr\n\
         error: `new` is not up to date: ozone-compose.yaml, haproxy/s3-haproxy.cfg, s3-haproxy.yaml\n\
         hint: `generate --diff` shows what differs, `generate` writes what nobody has edited\n"
    );
    assert_eq!(sandbox.tree(""), [].into());

    sandbox.succeed(&["generate", "--base", "none", "-o", "new"]);
    let written = sandbox.tree("");
    let outcome = sandbox.run(&["generate", "-o", "new", "--check"]);
    assert_eq!(outcome.to_string(), "exit 0\n--- stderr\n`new` is up to date\n");
    let outcome = sandbox.run(&["generate", "-o", "new", "--check", "-n", "4"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (3, ""), "{outcome}");
    assert_eq!(sandbox.tree(""), written);
}

#[test]
fn diff_prints_what_would_change_and_writes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "--profile", "upstream", "--server", "a:1"]);
    let written = sandbox.tree("");
    let outcome = sandbox.succeed(&["generate", "--diff", "--server", "b:1"]);
    let mut lines = outcome.stdout.lines();
    assert_eq!(lines.next(), Some("--- a/ozone-compose.yaml"));
    for line in [
        "+++ b/haproxy/s3-haproxy.cfg",
        "-    server server1 a:1 maxconn 32",
        "+    server server1 b:1 maxconn 32",
    ] {
        assert!(outcome.stdout.lines().any(|found| found == line), "{line} in {outcome}");
    }
    assert_eq!(outcome.stderr, "");
    assert_eq!(sandbox.tree(""), written);
    assert_eq!(sandbox.succeed(&["generate", "--diff"]).stdout, "");
}

#[test]
fn a_diff_can_be_applied_by_patch() {
    if !crate::support::tools(&["patch"]) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "--name", "demo", "-o", "a"]);
    sandbox.write("change.diff", sandbox.succeed(&["generate", "-o", "a", "--diff", "-n", "7"]).stdout);
    let mut patch = crate::support::clean("patch");
    patch.args(["-s", "-p1", "-i", "../change.diff"]).current_dir(sandbox.path("a"));
    Outcome::of(&mut patch).succeeded();
    sandbox.succeed(&["generate", "-o", "a", "-n", "7", "--check"]);
}

#[test]
fn stdout_prints_the_bytes_that_generate_writes() {
    let sandbox = Sandbox::new();
    let choices = ["-n", "4", "--name", "demo", "--webadmin-port", "9001"];
    sandbox.succeed(&[&["generate", "-o", "files"], &choices[..]].concat());
    let files = sandbox.tree("files");
    assert_eq!(files.len(), 6);
    for (name, bytes) in files {
        let outcome =
            sandbox.succeed(&[&["generate", "-o", "none", "--stdout", &name], &choices[..]].concat());
        assert_eq!(Some(outcome.stdout.into_bytes()), bytes, "{name}");
        assert_eq!(outcome.stderr, "");
    }
    assert!(!sandbox.path("none").exists());
}

#[test]
fn haproxy_prints_the_configuration_that_generate_writes_without_its_seal() {
    let sandbox = Sandbox::new();
    for choices in [&["-n", "2"][..], &["--server", "gw1:9878"], &["--profile", "upstream"]] {
        let printed = sandbox.succeed(&[&["haproxy"], choices].concat()).stdout;
        let written =
            sandbox.succeed(&[&["generate", "--stdout", "haproxy/s3-haproxy.cfg"], choices].concat());
        let (seal, body) = written.stdout.split_once('\n').expect("a seal");
        assert!(seal.starts_with("# Generated by ozone-compose"), "{seal}");
        assert_eq!(printed, body, "{choices:?}");
    }
}

#[test]
fn a_reader_who_has_read_enough_is_no_failure() {
    let sandbox = Sandbox::new();
    for arguments in
        [&["haproxy"][..], &["--help"], &["generate", "--stdout", ".env"], &["generate", "--diff"]]
    {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut command = sandbox.command(arguments);
        let child = command.stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let outcome = Outcome::from(child.wait_with_output().unwrap());
        assert_eq!(outcome.to_string(), "exit 0\n", "{arguments:?}");
    }
}

#[test]
fn a_disk_that_is_full_is_a_failure_to_print() {
    if !Path::new("/dev/full").exists() {
        return crate::support::skip("there is no /dev/full");
    }
    let sandbox = Sandbox::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let child =
        sandbox.command(&["haproxy"]).stdout(full).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let outcome = Outcome::from(child.wait_with_output().unwrap());
    assert_eq!(outcome.to_string(), "exit 1\n--- stderr\nerror: No space left on device (os error 28)\n");
}

#[test]
fn colours_are_for_those_who_want_them() {
    let sandbox = Sandbox::new();
    let bad = |variables: &[(&str, &str)]| {
        let mut command = sandbox.command(&["generate", "-n", "0"]);
        Outcome::of(command.env_remove("NO_COLOR").envs(variables.iter().copied())).stderr
    };
    assert!(bad(&[("CLICOLOR_FORCE", "1")]).starts_with("\u{1b}["));
    for variables in [&[][..], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]] {
        assert!(bad(variables).starts_with("error: "), "{variables:?}");
    }
}
