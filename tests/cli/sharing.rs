//! Many runs at once on one folder do not mix.

use std::process::{Child, Stdio};

use crate::support::{Outcome, Runs, Sandbox};

/// Starts a run for each count at once, and waits for all.
fn at_once(sandbox: &Sandbox, counts: impl Iterator<Item = u32>) -> Vec<Outcome> {
    let start = |count: u32| {
        let mut command = sandbox.command(&["generate", "-o", "shared", "--name", "demo", "-n"]);
        command.arg(count.to_string()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("a run")
    };
    let running: Vec<Child> = counts.map(start).collect();
    running.into_iter().map(|child| child.wait_with_output().expect("an end").into()).collect()
}

#[test]
fn many_runs_at_once_leave_the_files_of_one_of_them() {
    let sandbox = Sandbox::new();
    fs_err::create_dir(sandbox.path("shared")).unwrap();
    for _ in 0..4 {
        for outcome in at_once(&sandbox, 10..18) {
            outcome.succeeded();
        }
        sandbox.succeed(&["generate", "-o", "shared", "--check"]);
    }
    assert_eq!(sandbox.tree("shared").len(), 6);
}

#[test]
fn many_runs_at_once_that_make_the_folder_do_not_mix_either() {
    for _ in 0..4 {
        let sandbox = Sandbox::new();
        for outcome in at_once(&sandbox, 10..18) {
            outcome.succeeded();
        }
        sandbox.succeed(&["generate", "-o", "shared", "--check"]);
        assert_eq!(sandbox.tree("shared").len(), 6);
    }
}
