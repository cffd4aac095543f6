//! `down`, which finds what it removes by the engine's labels.

use crate::lab::Lab;
use crate::support::Runs;

const STOP: &str = "stop id-datanode1 id-om id-s3g id-s3g1 id-s3g2 id-s3g3 id-scm";
const RM: &str = "rm --force --volumes id-datanode1 id-om id-s3g id-s3g1 id-s3g2 id-s3g3 id-scm";
const NETWORK: &str = "network rm demo_default";
const VOLUMES: &str = "volume rm demo_om demo_scm";

/// A cluster that runs from the folder `c`.
fn started() -> Lab {
    let lab = Lab::new();
    lab.succeed(&["up", "-o", "c"]);
    lab.changes();
    lab
}

#[test]
fn data_stays_unless_it_is_to_go() {
    let lab = started();
    let outcome = lab.succeed(&["down", "-o", "c"]);
    assert_eq!(outcome.stdout, "");
    assert_eq!(outcome.stderr, "removed cluster `demo`; its data stays: demo_om, demo_scm\n");
    assert_eq!(lab.changes(), [STOP, RM, NETWORK]);
    // The files are a person's choices.
    assert!(lab.machine.sandbox.path("c/ozone-compose.yaml").exists());

    // With the containers gone the data is still known as this tool's.
    let outcome = lab.succeed(&["down", "-o", "c", "--volumes"]);
    assert_eq!(outcome.stderr, "removed cluster `demo`\n");
    assert_eq!(lab.changes(), [VOLUMES]);
    let outcome = lab.succeed(&["down", "-o", "c", "--volumes"]);
    assert_eq!(outcome.stderr, "cluster `demo`: there is nothing to remove\n");
    assert_eq!(lab.changes(), [""; 0]);
}

#[test]
fn data_that_is_to_go_need_not_be_closed_in_good_order() {
    let lab = started();
    lab.succeed(&["down", "-o", "c", "--volumes"]);
    assert_eq!(lab.changes(), [RM, NETWORK, VOLUMES]);
}

#[test]
fn a_cluster_whose_files_are_gone_is_removed_by_its_name() {
    let lab = started();
    fs_err::remove_dir_all(lab.machine.sandbox.path("c")).expect("a folder");
    let outcome = lab.run(&["down", "-o", "c"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(outcome.stderr.contains("there is no cluster in `c`"), "{outcome}");
    lab.succeed(&["down", "--name", "demo", "--volumes"]);
    assert_eq!(lab.changes(), [RM, NETWORK, VOLUMES]);
}

#[test]
fn all_are_those_of_this_tool() {
    let lab = started();
    let mine = "label=com.docker.compose.project=old";
    let labels = "ps\\ --all\\ --format*label=io.github.ozone-compose.role";
    // Two containers of one project, and a project of which only data is left.
    lab.machine.tell(labels, 0, "demo\ndemo\n", "");
    let labels = "volume\\ ls\\ --format*label=io.github.ozone-compose.role";
    lab.machine.tell(labels, 0, "old\ndemo\n", "");
    lab.machine.tell(&format!("ps*{mine}"), 0, "", "");
    lab.machine.tell(&format!("network*{mine}"), 0, "", "");
    lab.machine.tell(&format!("volume\\ ls*{mine}"), 0, "old_om\n", "");
    let outcome = lab.succeed(&["down", "--all", "--volumes"]);
    assert_eq!(lab.changes(), [RM, NETWORK, VOLUMES, "volume rm old_om"]);
    assert_eq!(outcome.stderr, "removed cluster `demo`\nremoved cluster `old`\n");
}

#[test]
fn a_project_of_others_is_not_touched() {
    let lab = started();
    lab.machine.tell("ps\\ --all\\ --quiet*project=shop", 0, "c0ffee\n", "");
    let outcome = lab.run(&["down", "--name", "shop", "--volumes"]);
    assert_eq!(
        outcome.to_string(),
        "exit 3\n--- stderr\n\
         error: the Compose project `shop` was not started by this tool; nothing was removed\n\
         hint: `docker compose -p shop down` removes it\n"
    );
    assert_eq!(lab.changes(), [""; 0]);
}

#[test]
fn a_copied_folder_does_not_remove_the_cluster_of_the_first() {
    let lab = started();
    let first = tempfile::tempdir().expect("a folder");
    let first = first.path().display();
    lab.set("origins", &format!("demo-om-1\tom\t{first}"));
    assert_eq!(
        lab.run(&["down", "-o", "c", "--volumes"]).to_string(),
        format!(
            "exit 3\n--- stderr\n\
             error: `demo-om-1` of cluster `demo` was started from `{first}`; nothing was removed\n\
             hint: `ozone-compose down --name demo` removes that cluster\n"
        )
    );
    assert_eq!(lab.changes(), [""; 0]);
    lab.succeed(&["down", "--name", "demo", "--volumes"]);
    assert_eq!(lab.changes(), [RM, NETWORK, VOLUMES]);
}

#[test]
fn a_dry_run_prints_what_would_be_removed() {
    let lab = started();
    let outcome = lab.succeed(&["down", "-o", "c", "--volumes", "--dry-run"]);
    assert_eq!(outcome.stdout, format!("docker {RM}\ndocker {NETWORK}\ndocker {VOLUMES}\n"));
    assert_eq!(outcome.stderr, "");
    assert_eq!(lab.changes(), [""; 0]);
}

#[test]
fn a_removal_that_fails_is_told_in_dockers_own_words() {
    let lab = started();
    lab.machine.tell("network\\ rm*", 1, "", "network demo_default has active endpoints\n");
    let outcome = lab.run(&["down", "-o", "c"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.stderr.contains("error: could not remove the network of `demo`: "), "{outcome}");
    assert!(outcome.stderr.contains("  | network demo_default has active endpoints\n"), "{outcome}");
}
