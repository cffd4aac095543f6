//! Files by names that Compose knows, of a caller and of other people.

use crate::app::{compose, text};
use crate::lab::{Lab, docker};
use crate::support::{Outcome, Runs};

/// What Compose refuses in such a file: a text that it cannot read (`ps` and `logs` of some versions read on), and a
/// setting of its own.
const REFUSED: [&str; 2] = ["KEY=\"never closed\n", "COMPOSE_PARALLEL_LIMIT=many\n"];

#[test]
fn an_env_file_of_the_callers_folder_disturbs_no_verb() {
    let Some(lab) = Lab::open() else { return };
    let caller = lab.cluster("caller");
    let from = |arguments: &[&str]| {
        let outcome = Outcome::of(caller.command(arguments).args(["-o", "demo"]));
        assert_eq!(outcome.status, 0, "{arguments:?}: {outcome}");
        outcome
    };
    caller.write(".env", REFUSED[0]);
    Outcome::of(caller.first("up", &["-n", "1"]).args(["-o", "demo"])).succeeded();
    for text in REFUSED {
        caller.write(".env", text);
        let status = from(&["status"]);
        assert!(status.stdout.contains("serves"), "{status}");
        let logs = from(&["logs"]);
        assert!(logs.stdout.contains("s3g serves"), "{logs}");
        from(&["up"]);
    }
    from(&["scale", "2"]);
    from(&["down", "--volumes"]);
    assert_eq!(caller.project.containers(), []);
}

#[test]
fn a_compose_file_of_ones_own_is_not_displaced() {
    let Some(lab) = Lab::open() else { return };
    for name in ["compose.yaml", "compose.yml", "docker-compose.yml"] {
        let cluster = lab.cluster(&format!("taken-{}", name.replace('.', "-")));
        cluster.write(name, &text());
        for verb in ["generate", "up"] {
            let outcome = Outcome::of(&mut cluster.first(verb, &["-n", "1"]));
            assert_eq!((outcome.status, outcome.stdout.as_str()), (3, ""), "{name}, {verb}: {outcome}");
            assert!(outcome.stderr.contains(name) && outcome.stderr.contains("hint: "), "{outcome}");
            let files: Vec<String> = crate::support::tree(&cluster.folder).into_keys().collect();
            assert_eq!(files, [name], "{verb}: {outcome}");
        }
        assert_eq!(cluster.project.containers(), []);
        cluster.succeed(&["generate", "--base", "none", "-n", "1"]);
    }
}

#[test]
fn each_standard_name_of_an_override_file_joins() {
    let Some(lab) = Lab::open() else { return };
    let names = [
        "compose.override.yaml",
        "compose.override.yml",
        "docker-compose.override.yml",
        "docker-compose.override.yaml",
    ];
    for name in names {
        let cluster = lab.cluster(&format!("joins-{}", name.replace('.', "-")));
        cluster.write(name, "services:\n  s3g1:\n    labels:\n      mine: seen\n");
        // All are judged by what Compose makes of the folder, and one by its container too.
        if name == "docker-compose.override.yml" {
            cluster.up(&["-n", "1"]);
        } else {
            Outcome::of(&mut cluster.first("generate", &["-n", "1"])).succeeded();
            compose(&cluster.folder, &cluster.project.name, &["create", "s3g1"]);
        }
        let label =
            docker(&["inspect", "--format", "{{index .Config.Labels \"mine\"}}", &cluster.container("s3g1")]);
        assert_eq!(label.trim(), "seen", "{name}");
    }
}
