//! `down`, which finds what it removes by the engine's labels.

use crate::lab::{CHANGES, Container, Lab, container, running};
use crate::support::Runs;

const STOP: &str = "stop id-datanode1 id-om id-scm id-s3g id-s3g1 id-s3g2 id-s3g3";
const RM: &str = "rm id-datanode1 id-om id-scm id-s3g id-s3g1 id-s3g2 id-s3g3";
const NETWORK: &str = "network rm demo_default";
const VOLUMES: &str = "volume rm demo_om demo_scm";

/// A cluster that runs from the folder `c`.
fn started() -> Lab {
    let lab = Lab::new();
    lab.succeed(&["up", "-o", "c"]);
    lab.did();
    lab
}

#[test]
fn data_stays_unless_it_is_to_go() {
    let lab = started();
    let outcome = lab.succeed(&["down", "-o", "c"]);
    assert_eq!(outcome.stdout, "");
    assert_eq!(
        outcome.stderr,
        "removed cluster `demo`; its data stays for the next `up`: demo_om, demo_scm\n"
    );
    assert_eq!(lab.did(), [STOP, RM, NETWORK]);
    // The files are a person's choices.
    assert!(lab.machine.sandbox.path("c/ozone-compose.yaml").exists());

    // With the containers gone the data is still known as this tool's.
    let outcome = lab.succeed(&["down", "-o", "c", "--volumes"]);
    assert_eq!(outcome.stderr, "removed cluster `demo`\n");
    assert_eq!(lab.did(), [VOLUMES]);
    let outcome = lab.succeed(&["down", "-o", "c", "--volumes"]);
    assert_eq!(outcome.stderr, "cluster `demo`: there is nothing to remove\n");
    assert_eq!(lab.did(), [""; 0]);
}

#[test]
fn data_that_is_to_go_need_not_be_closed_in_good_order() {
    let lab = started();
    lab.succeed(&["down", "-o", "c", "--volumes"]);
    assert_eq!(lab.did(), [RM, NETWORK, VOLUMES]);
}

#[test]
fn a_cluster_whose_files_are_gone_is_removed_by_its_name() {
    let lab = started();
    fs_err::remove_dir_all(lab.machine.sandbox.path("c")).expect("a folder");
    let outcome = lab.run(&["down", "-o", "c"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(outcome.stderr.contains("there is no cluster in `c`"), "{outcome}");
    lab.succeed(&["down", "--name", "demo", "--volumes"]);
    assert_eq!(lab.did(), [RM, NETWORK, VOLUMES]);
}

#[test]
fn all_are_those_of_this_tool() {
    let lab = started();
    let ours = "label=io.github.ozone-compose.role";
    lab.machine.answer(
        &format!("volume\\ ls*{ours}*"),
        0,
        "old_om\told\tom\tom\ndemo_om\tdemo\tom\tom\n",
        "",
    );
    lab.machine.answer("volume\\ ls*project=old*", 0, "old_om\told\tom\tom\n", "");
    let outcome = lab.succeed(&["down", "--all", "--volumes"]);
    assert_eq!(lab.did(), [RM, NETWORK, VOLUMES, "volume rm old_om"]);
    assert_eq!(outcome.stderr, "removed cluster `demo`\nremoved cluster `old`\n");
    let none = Lab::new().succeed(&["down", "--all"]);
    assert_eq!(none.stderr, "there is no cluster on this engine\n");
}

#[test]
fn what_has_no_label_of_this_tool_is_never_stopped_or_removed() {
    for arguments in
        [&["down", "--all", "--volumes"][..], &["down", "--name", "demo", "--volumes"], &["down", "-o", "c"]]
    {
        let lab = started();
        // An app that includes the cluster, or one that has its name by chance.
        lab.contain(&[running(), vec![container("db", "")]].concat());
        lab.set("volumes", "demo_db\tdemo\tdb\t\ndemo_om\tdemo\tom\tom\n");
        let outcome = lab.succeed(arguments);
        let did = lab.did().join("\n");
        assert!(!did.contains("id-db") && !did.contains("demo_db"), "{did}");
        assert!(did.contains(RM) && !did.contains("network rm"), "{did}");
        assert_eq!(did.contains("volume rm demo_om"), arguments.contains(&"--volumes"), "{did}");
        let left = "left what is not of this tool: demo-db-1; `docker compose -p demo down` removes it\n";
        assert!(outcome.stderr.ends_with(left), "{outcome}");
    }
}

#[test]
fn a_project_of_others_is_not_touched() {
    let lab = started();
    lab.contain(&[container("db", "")]);
    lab.set("volumes", "demo_db\tdemo\tdb\t\n");
    let outcome = lab.run(&["down", "--name", "demo", "--volumes"]);
    // The network alone carries the label here.
    assert_eq!(lab.did(), [""; 0], "{outcome}");
    lab.set("networks", "");
    assert_eq!(
        lab.run(&["down", "--name", "demo", "--volumes"]).to_string(),
        "exit 3\n--- stderr\n\
         error: the Compose project `demo` was not started by this tool; nothing was removed\n\
         hint: `docker compose -p demo down` removes it\n"
    );
    assert_eq!(lab.did(), [""; 0]);
}

#[test]
fn a_copied_folder_does_not_change_the_cluster_of_the_first() {
    let lab = started();
    let first = tempfile::tempdir().expect("a folder");
    let first = first.path().display().to_string();
    let elsewhere = running().into_iter().map(|one| Container { folder: first.clone(), ..one });
    lab.contain(&elsewhere.collect::<Vec<_>>());
    let others = [&["down", "--volumes"][..], &["status"], &["env"], &["smoke"], &["run", "--", "true"]];
    for verb in CHANGES.into_iter().chain(others) {
        let outcome = lab.run(&[&verb[..1], &["-o", "c"], &verb[1..]].concat());
        assert_eq!((outcome.status, outcome.stdout.as_str()), (3, ""), "{verb:?}: {outcome}");
        let said = format!(
            "error: `demo-datanode1-1` of cluster `demo` was started from `{first}`; nothing was changed\n"
        );
        assert!(outcome.stderr.contains(&said), "{verb:?}: {outcome}");
        assert!(outcome.stderr.contains(&format!("`-o {first}`")), "{outcome}");
    }
    assert_eq!(lab.did(), [""; 0]);
    lab.succeed(&["down", "--name", "demo", "--volumes"]);
    assert_eq!(lab.did(), [RM, NETWORK, VOLUMES]);
}

#[test]
fn a_dry_run_prints_what_would_be_removed() {
    let lab = started();
    let outcome = lab.succeed(&["down", "-o", "c", "--volumes", "--dry-run"]);
    assert_eq!(
        outcome.stdout,
        "remove datanode1, om, scm, s3g, s3g1, s3g2, s3g3: the cluster is removed\n\
         remove network demo_default: the cluster is removed\n\
         remove volume demo_om, demo_scm: --volumes\n"
    );
    assert_eq!(outcome.stderr, "");
    assert_eq!(lab.did(), [""; 0]);
}

#[test]
fn a_removal_that_fails_is_reported_with_dockers_message() {
    let lab = started();
    lab.machine.answer("network\\ rm*", 1, "", "network demo_default has active endpoints\n");
    let outcome = lab.run(&["down", "-o", "c"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.stderr.contains("error: could not remove the networks of `demo`: "), "{outcome}");
    assert!(outcome.stderr.contains("  | network demo_default has active endpoints\n"), "{outcome}");
}
