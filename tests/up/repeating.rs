//! `up` once more: with the same choices, with others, and with files that were edited by hand.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use crate::lab::{Container, Lab, container, own, running};
use crate::starting::FILES;
use crate::support::s3::Behaviour;
use crate::support::{Outcome, Runs, Sandbox};

const CFG: &str = "haproxy/s3-haproxy.cfg";

/// The names that Compose takes for files beside a `compose.yaml`.
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// A cluster that runs with three gateways and has five.
fn with_five() -> Lab {
    let lab = Lab::of(Behaviour::healthy(5));
    lab.succeed(&["up", "-n", "3"]);
    lab.age();
    lab.did();
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
    assert_eq!(lab.did(), [""; 0]);
    assert!(!outcome.stderr.contains("->"), "{outcome}");
}

#[test]
fn other_choices_are_said_checked_and_loaded_once_the_containers_serve() {
    let lab = with_five();
    let outcome = lab.succeed(&["up", "-n", "5"]);
    assert!(outcome.stderr.contains("gateways.count: 3 -> 5\n"), "{outcome}");
    assert_eq!(lab.did(), ["check", "start s3g4 s3g5", "probe s3g4", "probe s3g5", "reload"]);
    assert!(lab.machine.sandbox.read("ozone-compose.yaml").contains("count: 5\n"));
    assert!(outcome.stderr.contains("PUT and GET through 5 of 5 gateways"), "{outcome}");
}

#[test]
fn gateways_of_files_that_are_not_loaded_start_and_are_loaded_by_the_next() {
    let lab = Lab::of(Behaviour::healthy(4));
    lab.succeed(&["up", "-n", "3"]);
    lab.succeed(&["generate", "-n", "4"]);
    lab.did();
    lab.succeed(&["up"]);
    assert_eq!(lab.did(), ["check", "start s3g4", "probe s3g4", "reload"]);
}

#[test]
fn another_ozone_on_existing_data_is_reported_with_the_verb_for_it() {
    let lab = Lab::new();
    lab.succeed(&["up"]);
    let before = lab.machine.sandbox.tree("");
    lab.did();
    let outcome = lab.run(&["up", "--ozone-version", "2.2.0"]);
    let refusal = "error: om, datanode1, scm of cluster `demo` run apache/ozone:2.2.1, and nothing would serve while \
                   apache/ozone:2.2.0 replaces it; nothing was changed\n\
                   hint: `ozone-compose upgrade --ozone-version 2.2.0` replaces one container at a time, gateways without a \
                   failed request; `ozone-compose up --yes` replaces all of them now\n";
    assert!(outcome.status == 2 && outcome.stderr.ends_with(refusal), "{outcome}");
    assert_eq!((lab.did(), lab.machine.sandbox.tree("")), (Vec::new(), before));
    let accepted = lab.run(&["up", "--ozone-version", "2.2.0", "--dry-run", "--yes"]);
    assert!(accepted.stderr.contains("warning: om, datanode1, scm of apache/ozone:2.2.1 get"), "{accepted}");
    lab.succeed(&["generate", "--ozone-version", "2.2.0"]);
    let says = "the files say apache/ozone:2.2.0, and om, datanode1, scm still have apache/ozone:2.2.1; \
                `ozone-compose upgrade --ozone-version 2.2.0` continues, `ozone-compose upgrade --rollback` goes back\n";
    for verb in [&["status"][..], &["start", "--dry-run"], &["restart", "--dry-run"]] {
        let outcome = lab.succeed(verb);
        assert!(outcome.stderr.contains(says), "{outcome}");
    }
}

#[test]
fn an_edit_is_kept_and_loaded_where_the_file_would_be_written_just_as_before() {
    let (lab, mine) = edited();
    let outcome = lab.succeed(&["up"]);
    assert_eq!(outcome.stdout, lab.endpoint_line());
    assert!(outcome.stderr.contains("warning: haproxy/s3-haproxy.cfg was edited by hand"), "{outcome}");
    assert_eq!(lab.machine.sandbox.read(CFG), mine);
    assert_eq!((lab.did(), lab.has("checked")), (vec!["check".to_owned(), "reload".to_owned()], mine));
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
    assert_eq!(lab.did(), [""; 0]);
}

/// A cluster that runs with one more container.
fn beside(other: Container) -> Lab {
    let lab = Lab::new();
    lab.contain(&[running(), vec![other]].concat());
    lab.set("up", "");
    lab.set("loaded", "s3g1 UP,1\ns3g2 UP,1\ns3g3 UP,1\n");
    lab.set("worker", "1\n");
    lab
}

#[test]
fn a_name_under_which_there_is_anything_of_others_is_not_taken() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let folder = elsewhere.path().display().to_string();
    let taken = |container: &str, from: &str| {
        format!(
            "exit 3\n--- stderr\n\
             error: the name `demo` is taken: its container `{container}` was started {from}; nothing was changed\n\
             hint: `ozone-compose up --name NAME -o c` gives this cluster another name\n"
        )
    };
    // Somebody else's, though its folder is gone; and a cluster whose folder was copied.
    for (service, role, from) in [("web", "", "/gone/demo"), ("om2", "om", folder.as_str())] {
        let lab = beside(Container { folder: from.to_owned(), ..container(service, role) });
        let said = taken(&format!("demo-{service}-1"), &format!("from `{from}`"));
        assert_eq!(lab.run(&["up", "-o", "c"]).to_string(), said);
        assert_eq!((lab.did(), lab.machine.sandbox.tree("")), (vec![], [].into()));
    }
    let lab = beside(container("web", ""));
    let said = taken("demo-web-1", "by something else than Compose");
    assert_eq!(lab.run(&["up", "-o", "c"]).to_string(), said);
    // What is left of an app that was removed.
    for (what, line) in [("volumes", "demo_db\tdemo\tdb\t\n"), ("networks", "demo_web\tdemo\tweb\t\n")] {
        let lab = Lab::new();
        lab.set(what, line);
        let outcome = lab.run(&["up", "-o", "c"]);
        assert_eq!(outcome.status, 3, "{outcome}");
        let name = line.split('\t').next().expect("a name");
        assert!(outcome.stderr.contains(&format!("`{name}` is of another Compose app")), "{outcome}");
        assert_eq!(lab.did(), [""; 0]);
    }
}

#[test]
fn what_a_persons_own_file_adds_is_of_the_cluster() {
    for name in OVERRIDES {
        let lab = beside(own("web"));
        lab.machine.sandbox.write(name, "services:\n  web:\n    image: web\nvolumes:\n  db: {}\n");
        lab.set("volumes", "demo_db\tdemo\tdb\t\ndemo_om\tdemo\tom\tom\n");
        let files = format!("-f docker-compose.yaml -f s3-haproxy.yaml -f {name}");
        let compose = format!("--env-file /dev/null -p demo {files}").replace(' ', "\\ ");
        lab.machine.answer(&format!("compose\\ {compose}\\ config*"), 0, "scm\nweb\ns3g\ns3g1\n", "");
        let recreates = " Container demo-s3g2-1  Recreate\n";
        lab.machine.answer(&format!("compose\\ --dry-run\\ {compose}*"), 0, "", recreates);
        lab.succeed(&["up"]);
        let did = lab.did();
        assert!(did.contains(&"update scm web s3g".to_owned()), "{did:?}");
        // Of the gateways only the one that Compose would recreate, out of rotation meanwhile.
        let roll = [
            "drain s3g2",
            "stop id-s3g2",
            "rm id-s3g2",
            "start s3g2",
            "down s3g2",
            "probe s3g2",
            "ready s3g2",
        ];
        assert!(did.windows(roll.len()).any(|some| some == roll), "{did:?}");
        assert!(!did.iter().any(|one| one.contains("id-s3g1") || one.contains("id-s3g3")), "{did:?}");
    }
}

#[test]
fn a_folder_that_was_moved_or_is_reached_by_a_link_keeps_its_cluster() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    for is_link in [false, true] {
        let lab = beside(own("web"));
        let from = if is_link {
            let link = elsewhere.path().join("link");
            fs_err::os::unix::fs::symlink(lab.machine.sandbox.path(""), &link).expect("a link");
            link.display().to_string()
        } else {
            "/gone/demo".to_owned()
        };
        let ours = running().into_iter().map(|one| Container { folder: from.clone(), ..one });
        lab.contain(&ours.collect::<Vec<_>>());
        lab.succeed(&["up"]);
    }
}

#[test]
fn a_cluster_of_one_kind_does_not_become_another_while_it_runs() {
    for (options, says, way) in [
        (&["--discovery", "dns"][..], "runs with another discovery than `dns`", "`ozone-compose down`"),
        (
            &["--base", "ha"],
            "has the data of scm, and the files say scm1, scm2, scm3",
            "`ozone-compose down --volumes`",
        ),
        (
            &["--name", "other"],
            "this folder's cluster `demo` has containers",
            "`ozone-compose down --name demo`",
        ),
    ] {
        let lab = with_five();
        let before = lab.machine.sandbox.tree("");
        let outcome = lab.run(&[&["up"], options].concat());
        assert_eq!((outcome.status, outcome.stdout.as_str()), (3, ""), "{outcome}");
        assert!(outcome.stderr.contains(says) && outcome.stderr.contains(way), "{outcome}");
        assert!(outcome.stderr.contains("nothing was changed"), "{outcome}");
        assert_eq!((lab.did(), lab.machine.sandbox.tree("")), (vec![], before), "{options:?}");
    }
}

#[test]
fn a_balancer_without_admin_access_does_not_get_any_while_it_runs() {
    // And the reverse: Ozone's example has no statistics page either.
    for (profile, command) in [("upstream", "-S /dev/shm/master.sock"), ("tuned", "haproxy")] {
        let lab = beside(own("web"));
        let so = |one: Container| if one.role == "balancer" { Container { command, ..one } } else { one };
        lab.contain(&running().into_iter().map(so).collect::<Vec<_>>());
        let mut command = lab.command(&["up", "--profile", profile]);
        let outcome = Outcome::of(command.env_remove("OZONE_COMPOSE_STATS_PORT"));
        assert_eq!((outcome.status, outcome.stdout.as_str()), (3, ""), "{outcome}");
        assert!(outcome.stderr.contains(&format!("runs with another profile than `{profile}`")), "{outcome}");
        assert_eq!((lab.did(), lab.machine.sandbox.tree("")), (vec![], [].into()));
    }
}
