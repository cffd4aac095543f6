//! A run that was killed at any moment is finished by the same verb.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cluster::started;
use crate::lab::Lab;
use crate::support::run::until;
use crate::support::{Outcome, Runs, say};

/// Moments that differ from run to run: a few, since each takes the time of the verb.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").subsec_nanos();
        Self(u64::from(now) | 1)
    }

    /// At the latest then.
    fn next(&mut self, latest: Duration) -> Duration {
        // Xorshift, which needs no crate.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let millis = u64::try_from(latest.as_millis()).expect("some milliseconds");
        Duration::from_millis(self.0 % millis)
    }
}

#[test]
fn a_verb_that_was_killed_is_finished_by_the_same_verb() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("kill");
    Outcome::of(&mut cluster.first("generate", &["-n", "2"])).succeeded();
    let mut moments = Moments::new();
    let (serving, drained) = ("serving", "drained");
    let verbs: [(&[&str], u64, &[&str]); 6] = [
        (&["up"], 2500, &[serving; 2]),
        (&["scale", "4"], 2000, &[serving; 4]),
        (&["drain", "s3g1"], 800, &[drained, serving, serving, serving]),
        (&["resume", "s3g1"], 800, &[serving; 4]),
        (&["scale", "2"], 2000, &[serving; 2]),
        (&["restart"], 3000, &[serving; 2]),
    ];
    for (verb, latest, expected) in verbs {
        let moment = moments.next(Duration::from_millis(latest));
        say(&format!("{verb:?} is killed after {moment:?}"));
        let mut run = started(&mut cluster.command(verb));
        std::thread::sleep(moment);
        if !run.has_ended() {
            run.signal("KILL");
        }
        let killed = run.end();
        let again = cluster.run(verb);
        assert_eq!(again.status, 0, "{verb:?} after one that was killed after {moment:?}: {killed}{again}");
        let after = format!("{verb:?}, killed after {moment:?}: {killed}{again}");
        assert_eq!(cluster.conditions(), expected, "{after}");
        assert_eq!(cluster.gateway_containers().len(), expected.len(), "{after}");
        assert_eq!(cluster.servers().len(), expected.len(), "{after}");
    }
}

#[test]
fn gateways_whose_replacement_was_killed_are_replaced_by_the_same_verb() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("roll");
    cluster.up(&["-n", "2", "--heap-gateway", "256m"]);
    let begun = lab.sandbox.path("begun");
    // Killed as the first gateway, which is drained, is about to stop; and as it is about to start.
    for (pattern, heap) in [("*' stop '*", "300m"), ("*' up '*", "320m")] {
        let up = ["up", "--heap-gateway", heap];
        let path = lab.path_with_docker(pattern, &format!("touch {}; exec sleep 5", begun.display()));
        let mut run = started(cluster.command(&up).env("PATH", path));
        until(pattern, || begun.exists());
        run.signal("KILL");
        run.end();
        fs_err::remove_file(&begun).expect("a file");
        let again = cluster.run(&up);
        assert_eq!(again.status, 0, "{pattern}: {again}");
        assert_eq!(cluster.conditions(), ["serving"; 2], "{pattern}: {again}");
        let options = cluster.variable_of_gateways("OZONE_S3G_OPTS");
        let have_it = options.iter().filter(|one| one.contains(&format!("-Xmx{heap}")));
        assert_eq!(have_it.count(), 2, "{pattern}: {options:?}");
    }
}
