//! HAProxy reads its files as another user, whatever the umask was.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::cluster::under_umask;
use crate::lab::{Lab, docker};
use crate::support::{Outcome, Runs, clean};

fn mode(path: &Path) -> u32 {
    fs_err::metadata(path).expect("a file").permissions().mode() & 0o777
}

fn chmod(mode: &str, path: &Path) {
    Outcome::of(clean("chmod").args(["-R", mode]).arg(path)).succeeded();
}

#[test]
fn a_cluster_comes_up_under_any_umask_and_from_a_clone_that_was_made_under_one() {
    let Some(lab) = Lab::open() else { return };
    for umask in ["027", "077"] {
        let cluster = lab.cluster(&format!("umask{umask}"));
        let up = under_umask(umask, &cluster.first("up", &["-n", "1", "--timeout", "15s"]));
        let up = Outcome::of(&mut { up });
        assert_eq!(up.status, 0, "umask {umask}: {up}");
        let again = under_umask(umask, &cluster.command(&["up", "--balance", "roundrobin"]));
        let again = Outcome::of(&mut { again });
        assert_eq!(again.status, 0, "umask {umask}: {again}");
    }

    let cluster = lab.cluster("clone");
    Outcome::of(&mut cluster.first("generate", &["-n", "1"])).succeeded();
    chmod("go=", &cluster.folder);
    let up = Outcome::of(&mut under_umask("077", &cluster.command(&["up", "--timeout", "15s"])));
    let tells_what_to_type = up.status == 1 && up.stderr.contains("chmod ") && up.stderr.contains("haproxy");
    assert!(up.status == 0 || tells_what_to_type, "{up}");
}

#[test]
fn a_file_of_ones_own_that_haproxy_cannot_read_is_named_with_the_command_that_helps() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("private");
    Outcome::of(&mut cluster.first("generate", &["-n", "1"])).succeeded();
    let mine = cluster.folder.join("haproxy/zz-local.cfg");
    cluster.write("haproxy/zz-local.cfg", "# mine\n");
    chmod("600", &mine);
    let names_it = |verb: &[&str]| {
        let outcome = cluster.run(verb);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        let line = said.lines().find(|line| line.contains("chmod "));
        assert!(line.is_some_and(|line| line.contains("zz-local.cfg")), "{verb:?}: {outcome}");
        outcome
    };
    let up = names_it(&["up", "--timeout", "10s"]);
    assert_eq!(up.status, 1, "{up}");
    assert_eq!(cluster.project.containers(), [], "it was found before anything started");
    names_it(&["doctor"]);
    chmod("644", &mine);
    cluster.succeed(&["up"]);
    chmod("600", &mine);
    let reload = names_it(&["reload"]);
    assert_eq!(reload.status, 1, "{reload}");
    let running = docker(&["inspect", "--format", "{{.State.Running}}", &cluster.container("s3g")]);
    assert_eq!(running.trim(), "true");
    assert_eq!(cluster.conditions(), ["serving"]);
}

#[test]
fn a_rewrite_keeps_the_mode_of_a_file() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("mode");
    Outcome::of(&mut cluster.first("generate", &["-n", "1"])).succeeded();
    let choices = cluster.folder.join("ozone-compose.yaml");
    for kept in [0o600, 0o640] {
        chmod(&format!("{kept:o}"), &choices);
        cluster.succeed(&["generate", "-n", if kept == 0o600 { "2" } else { "3" }]);
        assert_eq!(mode(&choices), kept);
    }
}
