//! `env --profile` and `env --format github`: what they write, and what they leave alone.

use std::os::unix::fs::PermissionsExt;

use fs_err as fs;

use crate::lab::Lab;
use crate::support::{Outcome, Runs};

/// Runs the binary with a home in the sandbox.
fn run(lab: &Lab, variables: &[(&str, &str)], arguments: &[&str]) -> Outcome {
    let mut command = lab.command(arguments);
    Outcome::of(command.env("HOME", lab.machine.sandbox.path("home")).envs(variables.iter().copied()))
}

fn mode(lab: &Lab, name: &str) -> u32 {
    fs::metadata(lab.machine.sandbox.path(name)).expect("a file").permissions().mode() & 0o777
}

#[test]
fn a_profile_is_written_into_files_that_stay_as_they_were_and_removed_again() {
    let lab = Lab::new();
    lab.succeed(&["up"]);
    let sandbox = &lab.machine.sandbox;
    // A link into another folder, as tools for dotfiles make them.
    sandbox.write("dotfiles/config", "# mine\n[default]\nregion=eu-west-1\n");
    let closed = std::fs::Permissions::from_mode(0o640);
    fs::set_permissions(sandbox.path("dotfiles/config"), closed).expect("its mode");
    fs::create_dir_all(sandbox.path("home/.aws")).expect("a folder");
    fs::os::unix::fs::symlink("../../dotfiles/config", sandbox.path("home/.aws/config")).expect("a link");
    let before = sandbox.read("dotfiles/config");

    let outcome = run(&lab, &[], &["env", "--profile", "demo"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (0, ""), "{outcome}");
    let endpoint = lab.endpoint_line();
    let written = sandbox.read("dotfiles/config");
    let section = format!("[profile demo]\nregion = us-east-1\nendpoint_url = {endpoint}");
    assert!(written.starts_with(&before) && written.ends_with(&section), "{written}");
    assert!(fs::symlink_metadata(sandbox.path("home/.aws/config")).expect("a link").is_symlink());
    assert_eq!((mode(&lab, "dotfiles/config"), mode(&lab, "home/.aws/credentials")), (0o640, 0o600));
    let keys = "[demo]\naws_access_key_id = ozone-compose\naws_secret_access_key = ozone-compose\n";
    assert!(sandbox.read("home/.aws/credentials").ends_with(keys));

    let files = sandbox.tree("home");
    let outcome = run(&lab, &[], &["env", "--profile", "demo"]);
    assert!(outcome.stderr.starts_with("AWS profile `demo` led already to http://127.0.0.1:"), "{outcome}");
    assert_eq!((sandbox.tree("home"), sandbox.read("dotfiles/config")), (files, written));

    let outcome = run(&lab, &[], &["down", "--volumes"]);
    let said =
        "AWS profile `demo` still leads there; `ozone-compose env --profile demo --remove` removes it\n";
    assert!(outcome.stderr.ends_with(said), "{outcome}");
    let outcome = run(&lab, &[], &["env", "--profile", "demo", "--remove"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, "removed AWS profile `demo`\n"));
    assert_eq!(
        (sandbox.read("dotfiles/config"), sandbox.read("home/.aws/credentials")),
        (before, String::new())
    );
    let outcome = run(&lab, &[], &["env", "--profile", "demo", "--remove"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, "there is no AWS profile `demo`\n"));
}

#[test]
fn a_profile_of_somebody_else_stays_in_both_files() {
    let lab = Lab::new();
    lab.succeed(&["up"]);
    lab.machine.sandbox.write("mine/config", "[profile demo]\nregion = eu-west-1\n");
    let path = |name: &str| lab.machine.sandbox.path(name).display().to_string();
    let (config, credentials) = (path("mine/config"), path("mine/credentials"));
    let variables =
        [("AWS_CONFIG_FILE", config.as_str()), ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str())];
    let before = lab.machine.sandbox.tree("mine");
    for arguments in [&["env", "--profile", "demo"][..], &["env", "--profile", "demo", "--remove"]] {
        let outcome = run(&lab, &variables, arguments);
        assert_eq!(outcome.status, 3, "{outcome}");
        let said = format!("error: `[profile demo]` in {config} is not of this tool; nothing was changed\n");
        assert!(outcome.stderr.starts_with(&said), "{outcome}");
        assert_eq!(lab.machine.sandbox.tree("mine"), before);
    }
}

#[test]
fn variables_join_those_that_earlier_steps_of_a_github_job_wrote() {
    let lab = Lab::new();
    lab.succeed(&["up"]);
    lab.machine.sandbox.write("github", "MINE=1");
    let file = lab.machine.sandbox.path("github").display().to_string();
    let outcome = run(&lab, &[("GITHUB_ENV", &file)], &["env", "--format", "github"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (0, ""), "{outcome}");
    let text = lab.machine.sandbox.read("github");
    assert!(text.starts_with(&format!("MINE=1\nAWS_ENDPOINT_URL_S3={}", lab.endpoint_line())), "{text}");
    let outcome = run(&lab, &[("GITHUB_ENV", "")], &["env", "--format", "github"]);
    assert!(
        outcome.status == 2 && outcome.stderr.contains("`ozone-compose env --format dotenv`"),
        "{outcome}"
    );
}
