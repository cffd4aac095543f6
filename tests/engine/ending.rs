//! A run that gets a signal ends at once, and what it has started ends with it.

use std::time::Duration;

use crate::cluster::started;
use crate::lab::Lab;
use crate::support::run::{until, within};
use crate::support::{Outcome, clean};

#[test]
fn a_signal_ends_a_pull_and_the_run_that_waits_for_it() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("signal");
    let file = lab.sandbox.path("pid");
    let path = lab.path_with_docker("*' pull '*", &format!("echo $$ > {}; exec sleep 600", file.display()));
    for signal in ["TERM", "INT"] {
        let mut up = cluster.first("up", &["-n", "1"]);
        let mut run = started(up.env("PATH", &path).env("OZONE_COMPOSE_IMAGE_REGISTRY", "mirror.invalid"));
        until("an image is pulled", || file.exists());
        run.signal(signal);
        within(Duration::from_secs(30), "it ends", || run.has_ended());
        let said = run.end();
        assert_eq!(said.status, 130, "{signal}: {said}");
        let pid = lab.sandbox.read("pid");
        let probe = Outcome::of(clean("kill").args(["-0", pid.trim()]));
        assert_ne!(probe.status, 0, "{signal}: the pull continues: {said}");
        assert_eq!(cluster.project.containers(), []);
        fs_err::remove_file(&file).expect("a file");
    }
}
