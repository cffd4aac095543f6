//! `up` once more: with the same choices, with others, and with files that were edited by hand.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use crate::lab::{Lab, UP};
use crate::starting::FILES;
use crate::support::s3::Behaviour;
use crate::support::{Runs, Sandbox};

const CFG: &str = "haproxy/s3-haproxy.cfg";
const CHECK: &str = "exec id-s3g haproxy -c -f /usr/local/etc/haproxy/";
const RELOAD: &str = "kill --signal USR2 id-s3g";

/// A cluster that runs with three gateways and has five.
fn with_five() -> Lab {
    let lab = Lab::of(Behaviour::healthy(5));
    lab.succeed(&["up", "-n", "3"]);
    lab.age();
    lab.changes();
    lab
}

/// Files by name; one that was written anew is another one.
fn files(sandbox: &Sandbox) -> BTreeMap<&'static str, u64> {
    let inode = |name| fs_err::metadata(sandbox.path(name)).expect("a file").ino();
    FILES.map(|name| (name, inode(name))).into()
}

/// The cluster with a line of a person's own in HAProxy's configuration.
fn edited() -> (Lab, String) {
    let lab = with_five();
    let mine = lab.machine.sandbox.read(CFG) + "# mine\n";
    lab.machine.sandbox.write(CFG, &mine);
    (lab, mine)
}

#[test]
fn a_second_up_writes_and_reloads_nothing() {
    let lab = with_five();
    let before = files(&lab.machine.sandbox);
    let outcome = lab.succeed(&["up"]);
    assert_eq!(outcome.stdout, lab.endpoint_line());
    assert_eq!(files(&lab.machine.sandbox), before);
    // Compose leaves a container alone whose choices are as they were.
    assert_eq!(lab.changes(), [UP]);
    assert!(!outcome.stderr.contains("->"), "{outcome}");
}

#[test]
fn other_choices_are_said_checked_and_loaded_once_the_containers_serve() {
    let lab = with_five();
    let outcome = lab.succeed(&["up", "-n", "5"]);
    assert!(outcome.stderr.contains("gateways.count: 3 -> 5\n"), "{outcome}");
    assert_eq!(lab.changes(), [CHECK, UP, CHECK, RELOAD]);
    assert!(lab.machine.sandbox.read("ozone-compose.yaml").contains("count: 5\n"));
    assert!(outcome.stderr.contains("PUT and GET through 5 of 5 gateways"), "{outcome}");
}

#[test]
fn a_configuration_that_haproxy_refuses_is_not_loaded() {
    let lab = with_five();
    let alert = "[ALERT] (8) : config : parsing [/usr/local/etc/haproxy/zz-local.cfg:1]: unknown keyword\n";
    lab.machine.tell("exec\\ id-s3g\\ haproxy*", 1, "", alert);
    let outcome = lab.run(&["up", "-n", "5"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    assert!(outcome.stderr.contains("error: could not check HAProxy's configuration: "), "{outcome}");
    assert!(outcome.stderr.contains("  | [ALERT] (8) : config : parsing"), "{outcome}");
    assert_eq!(lab.changes(), [CHECK]);
}

#[test]
fn a_configuration_that_was_refused_is_loaded_once_it_is_mended() {
    let lab = with_five();
    lab.machine.tell("exec\\ id-s3g\\ haproxy*", 1, "", "[ALERT] unknown keyword\n");
    lab.run(&["up", "-n", "5"]);
    lab.machine.tell("exec\\ id-s3g\\ haproxy*", 0, "", "");
    lab.changes();
    lab.succeed(&["up"]);
    assert_eq!(lab.changes(), [CHECK, UP, CHECK, RELOAD]);
}

#[test]
fn gateways_that_a_killed_run_wrote_and_nobody_loaded_are_loaded_by_the_next() {
    let lab = Lab::new();
    lab.succeed(&["up", "-n", "3"]);
    lab.changes();
    lab.succeed(&["generate", "-n", "4"]);
    // The service of this test has three, so there is no proof of the fourth.
    let outcome = lab.run(&["up", "--timeout", "1s"]);
    assert_eq!(outcome.status, 5, "{outcome}");
    assert_eq!(lab.changes(), [UP, CHECK, RELOAD]);
}

#[test]
fn an_edit_is_kept_and_loaded_where_the_file_would_be_written_just_as_before() {
    let (lab, mine) = edited();
    let outcome = lab.succeed(&["up"]);
    assert_eq!(outcome.stdout, lab.endpoint_line());
    assert_eq!(lab.machine.sandbox.read(CFG), mine);
    assert_eq!(lab.changes(), [UP, CHECK, RELOAD]);
}

#[test]
fn an_edit_is_not_lost_to_other_choices() {
    let (lab, _) = edited();
    let before = lab.machine.sandbox.tree("");
    let outcome = lab.run(&["up", "-n", "5"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (3, ""), "{outcome}");
    let has = |part: &str| assert!(outcome.stderr.contains(part), "{part} in {outcome}");
    has("error: `haproxy/s3-haproxy.cfg` in `.` was edited by hand; nothing was changed\n");
    has("  | -# mine\n");
    has("  | +    server s3g5 s3g5:9878\n");
    assert_eq!(lab.machine.sandbox.tree(""), before);
    assert_eq!(lab.changes(), [""; 0]);
}

#[test]
fn a_name_that_another_folder_has_started_something_under_is_not_taken() {
    let lab = Lab::new();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let elsewhere = elsewhere.path().display();
    // Somebody else's, though its folder is gone; and a cluster whose folder was copied.
    let strangers = [("demo-web-1", "", "/gone/demo"), ("demo-om-1", "om", &elsewhere.to_string())];
    for (container, role, folder) in strangers {
        lab.set("origins", &format!("{container}\t{role}\t{folder}"));
        assert_eq!(
            lab.run(&["up", "-o", "c"]).to_string(),
            format!(
                "exit 3\n--- stderr\n\
                 error: the name `demo` is taken: its container `{container}` was started from `{folder}`; nothing was changed\n\
                 hint: `ozone-compose up --name NAME -o c` gives this cluster another\n"
            )
        );
        assert_eq!(lab.changes(), [""; 0]);
    }
}

#[test]
fn a_folder_that_was_moved_or_is_reached_by_a_link_keeps_its_cluster() {
    let lab = Lab::new();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let link = elsewhere.path().join("link");
    fs_err::os::unix::fs::symlink(lab.machine.sandbox.path(""), &link).expect("a link");
    lab.set("origins", "demo-om-1\tom\t/gone/demo");
    lab.succeed(&["up"]);
    lab.age();
    lab.set("origins", &format!("demo-om-1\tom\t{0}\ndemo-web-1\t\t{0}", link.display()));
    lab.succeed(&["up"]);
}
