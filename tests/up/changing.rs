//! `scale`, `drain`, `resume`, `restart` and `reload`, and what a run leaves that was killed in the middle.

use std::collections::BTreeSet;

use crate::lab::{Container, Lab, replica, running, with_ended};
use crate::support::Runs;
use crate::support::s3::Behaviour;

/// A cluster that runs with so many gateways and has five places.
fn with(gateways: usize) -> Lab {
    let lab = Lab::of(Behaviour::healthy(5));
    lab.succeed(&["up", "-n", &gateways.to_string()]);
    lab.age();
    lab.did();
    lab
}

impl Lab {
    /// The gateways that HAProxy has loaded, each with the commands that it got for it.
    fn loaded(&self) -> BTreeSet<String> {
        self.has("loaded").lines().map(str::to_owned).collect()
    }

    /// Those that get requests.
    fn in_rotation(&self) -> BTreeSet<String> {
        self.loaded().iter().filter_map(|line| Some(line.strip_suffix(" UP,1")?.to_owned())).collect()
    }

    /// Gateways that have a container.
    fn containers(&self) -> BTreeSet<String> {
        let ids = self.has("ids");
        let gateways = ids.lines().filter_map(|id| id.strip_prefix("id-")?.split('\t').next());
        gateways.filter(|name| name.len() > 3 && name.starts_with("s3g")).map(str::to_owned).collect()
    }
}

fn first(count: usize) -> BTreeSet<String> {
    (1..=count).map(|number| format!("s3g{number}")).collect()
}

#[test]
fn more_gateways_are_proved_before_they_get_requests() {
    let lab = with(3);
    let outcome = lab.succeed(&["scale", "5"]);
    assert_eq!(lab.did(), ["check", "start s3g4 s3g5", "probe s3g4", "probe s3g5", "reload"]);
    assert_eq!((lab.in_rotation(), lab.containers()), (first(5), first(5)));
    assert!(lab.machine.sandbox.read("ozone-compose.yaml").contains("count: 5\n"));
    assert!(outcome.stderr.ends_with("cluster `demo` has 5 S3 gateways\n"), "{outcome}");
    assert!(outcome.stderr.contains("PUT and GET directly to s3g4, s3g5: 2 of 2"), "{outcome}");
}

#[test]
fn fewer_gateways_get_no_requests_before_haproxy_forgets_them_and_finish_before_they_go() {
    let lab = with(5);
    lab.succeed(&["scale", "3"]);
    let (hold, stop) = (["drain s3g4", "drain s3g5"], ["stop id-s3g4 id-s3g5", "rm id-s3g4 id-s3g5"]);
    assert_eq!(lab.did(), [&["check"][..], &hold, &["reload"], &hold, &stop].concat());
    assert_eq!((lab.in_rotation(), lab.containers()), (first(3), first(3)));
    lab.succeed(&["generate", "--check"]);
}

/// Each worker has found the same gateways in an order of its own, and the new one not all of them yet.
#[test]
fn a_gateway_found_by_dns_is_drained_and_awaited_by_its_address_in_every_worker() {
    let lab = Lab::new();
    let mut containers = running();
    containers.retain(|one| one.role != "gateway");
    containers.extend((1..=3).map(|number| replica("s3gw", number)));
    lab.contain(&containers);
    let in_order = "@1 0 s3g1 10.0.0.1 0\n@1 0 s3g2 10.0.0.2 0\n@1 0 s3g3 10.0.0.3 0\n";
    lab.set("slots", in_order);
    lab.succeed(&["up", "-n", "3", "--discovery", "dns"]);
    lab.did();

    let old = "@!9 0 s3g1 10.0.0.3 2\n@!9 0 s3g2 10.0.0.2 7\n@!9 0 s3g3 10.0.0.1 7\n";
    let new = "@1 0 s3g1 10.0.0.1 0\n@1 0 s3g2 10.0.0.2 0\n@1 5 s3g4 10.0.0.3 0\n";
    lab.set("slots", &format!("{old}{new}"));
    let outcome = lab.succeed(&["scale", "2", "--drain-timeout", "1s"]);
    let did = lab.did();
    assert!(did.ends_with(&["drain s3g4", "stop id-s3gw-3", "rm id-s3gw-3"].map(str::to_owned)), "{did:?}");
    assert!(outcome.stderr.contains("drain      2 in flight to demo-s3gw-3\n"), "{outcome}");
}

#[test]
fn the_configuration_that_is_to_be_is_checked_before_it_is_written() {
    let lab = with(3);
    let before = lab.machine.sandbox.read("haproxy/s3-haproxy.cfg");
    lab.succeed(&["scale", "2"]);
    assert_eq!(lab.has("meanwhile"), before);
    let checked = lab.has("checked");
    assert!(checked.contains("server s3g2 ") && !checked.contains("server s3g3 "), "{checked}");
    assert_eq!(checked, lab.machine.sandbox.read("haproxy/s3-haproxy.cfg"));
}

#[test]
fn requests_in_flight_are_waited_for_and_counted_and_then_cut_off() {
    let lab = with(3);
    lab.set("busy", "2\n");
    let outcome = lab.succeed(&["scale", "2", "--drain-timeout", "1s"]);
    assert!(outcome.stderr.contains("drain      2 in flight to s3g3\n"), "{outcome}");
    let warning = "warning: 2 requests cut off after 1s\n";
    assert!(outcome.stderr.contains(warning), "{outcome}");
    assert_eq!(lab.containers(), first(2));
}

#[test]
fn what_is_drained_is_in_the_files_and_outlives_a_reload() {
    let lab = with(3);
    let outcome = lab.succeed(&["drain", "s3g2"]);
    assert!(
        outcome.stderr.contains("gets no new requests, until `ozone-compose resume s3g2`\n"),
        "{outcome}"
    );
    assert!(lab.machine.sandbox.read("haproxy/s3-haproxy.cfg").contains("server s3g2 s3g2:9878 weight 0\n"));
    lab.succeed(&["reload"]);
    assert_eq!(lab.in_rotation(), ["s3g1".to_owned(), "s3g3".to_owned()].into());
    let outcome = lab.succeed(&["up"]);
    assert!(outcome.stderr.contains("PUT and GET through 2 of 2 gateways"), "{outcome}");

    let outcome = lab.run(&["drain", "s3g1", "s3g3"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(outcome.stderr.contains("no gateway would be left to serve"), "{outcome}");
    assert!(
        outcome.stderr.contains("hint: `ozone-compose resume s3g2` first; `ozone-compose stop`"),
        "{outcome}"
    );

    lab.succeed(&["resume"]);
    assert_eq!(lab.in_rotation(), first(3));
    lab.succeed(&["generate", "--check"]);
}

#[test]
fn a_drained_gateway_that_goes_is_forgotten() {
    let lab = with(3);
    lab.succeed(&["drain", "s3g3"]);
    lab.succeed(&["scale", "2"]);
    lab.succeed(&["scale", "3"]);
    assert_eq!(lab.in_rotation(), first(3));
}

#[test]
fn a_drain_of_a_gateway_that_does_not_run_says_so() {
    let lab = with(3);
    lab.contain(&with_ended("s3g2", 137));
    let says = "s3g2 has ended; `ozone-compose start` starts what does not run\n";
    let outcome = lab.succeed(&["drain", "s3g2"]);
    assert!(outcome.stderr.contains(says), "{outcome}");
    let outcome = lab.succeed(&["drain", "s3g3"]);
    assert!(!outcome.stderr.contains("has ended"), "{outcome}");
}

#[test]
fn a_drain_that_takes_too_long_leaves_the_gateway_drained() {
    let lab = with(3);
    // One in the worker that had it, one in the next.
    lab.set("busy", "1\n");
    let outcome = lab.run(&["drain", "s3g2", "--drain-timeout", "1s"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
    assert!(outcome.stderr.contains("error: s3g2 still has 2 in flight after 1s"), "{outcome}");
    assert!(outcome.stderr.contains("hint: `ozone-compose drain s3g2` continues to wait"), "{outcome}");
    assert!(!lab.in_rotation().contains("s3g2"));
}

#[test]
fn gateways_restart_one_at_a_time_and_out_of_rotation() {
    let lab = with(3);
    let outcome = lab.succeed(&["restart"]);
    let steps =
        |name: &String| ["drain", "restart", "down", "probe", "ready"].map(|step| format!("{step} {name}"));
    assert_eq!(lab.did(), first(3).iter().flat_map(steps).collect::<Vec<_>>());
    assert!(outcome.stderr.ends_with("restarted 3 S3 gateways\n"), "{outcome}");
    assert!(!outcome.stderr.contains("warning"), "{outcome}");
    assert_eq!(lab.in_rotation(), first(3));
}

#[test]
fn only_a_distribution_of_ones_own_is_restarted_as_a_whole() {
    let lab = with(2);
    let outcome = lab.run(&["restart", "--dist"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(outcome.stderr.contains("runs the distribution of its image"), "{outcome}");
    let outcome = lab.run(&["up", "--ozone-dist", "dist"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(outcome.stderr.contains("`./dist` holds no Ozone distribution"), "{outcome}");
    assert_eq!(lab.did(), [""; 0], "nothing was changed");
}

#[test]
fn a_rolling_restart_stops_at_the_first_that_does_not_come_back() {
    let lab = with(3);
    lab.machine.answer("exec\\ --interactive\\ id-s3g2\\ sh*", 1, "PUT: 500\n", "");
    let outcome = lab.run(&["restart", "--timeout", "1s"]);
    assert_eq!(outcome.status, 5, "{outcome}");
    assert!(outcome.stderr.contains("error: s3g2 did not serve in 1s\n"), "{outcome}");
    assert!(outcome.stderr.contains("`ozone-compose restart s3g2 s3g3` continues from here"), "{outcome}");
    assert_eq!(lab.in_rotation(), ["s3g1".to_owned(), "s3g3".to_owned()].into());
    // With one away, no other is taken.
    let outcome = lab.run(&["restart", "s3g3"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.stderr.contains("restarting s3g3 now would take a second gateway away"), "{outcome}");
    // A reload makes true what the files say.
    lab.succeed(&["reload"]);
    assert_eq!(lab.in_rotation(), first(3));
}

#[test]
fn a_configuration_that_haproxy_refuses_changes_nothing_and_its_words_are_shown() {
    let lab = with(3);
    let alert = "[ALERT] (8) : config : parsing [/usr/local/etc/haproxy/zz-local.cfg:1]: unknown keyword\n";
    lab.machine.answer("exec\\ --interactive\\ id-s3g\\ sh*", 1, "", alert);
    let before = lab.machine.sandbox.tree("");
    for verb in [&["reload"][..], &["drain", "s3g2"], &["scale", "2"], &["scale", "5"], &["up", "-n", "2"]] {
        let outcome = lab.run(verb);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
        assert!(outcome.stderr.contains("zz-local.cfg:1]: unknown keyword"), "{outcome}");
        let said = "error: HAProxy refuses the configuration; nothing was changed\n";
        assert!(outcome.stderr.contains(said), "{outcome}");
        assert_eq!((lab.did(), lab.machine.sandbox.tree("")), (vec![], before.clone()), "{verb:?}");
    }
    assert_eq!((lab.in_rotation(), lab.containers()), (first(3), first(3)));
}

#[test]
fn names_and_numbers_that_no_gateway_has_are_bad_usage() {
    let lab = with(3);
    for (verb, word) in [
        (&["drain", "s3g9"][..], "cluster `demo` has no gateway `s3g9`"),
        (&["restart", "s3g4"], "cluster `demo` has no gateway `s3g4`"),
        (&["resume", "om"], "`om` is not a gateway such as s3g2"),
        (&["scale", "0"], "gateways.count (argument): 0 is not between 1 and 512"),
        (&["scale", "many"], "gateways.count (argument): "),
    ] {
        let outcome = lab.run(verb);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{outcome}");
        assert!(outcome.stderr.contains(word), "{word} in {outcome}");
        assert_eq!(lab.did(), [""; 0]);
    }
}

#[test]
fn a_restart_of_the_only_gateway_says_that_nothing_serves_meanwhile() {
    let outcome = with(1).succeed(&["restart"]);
    let warning =
        "warning: one gateway is in rotation, and nothing serves while it is away; `ozone-compose scale 2`";
    assert!(outcome.stderr.contains(warning), "{outcome}");
    let lab = with(2);
    lab.succeed(&["drain", "s3g2"]);
    let outcome = lab.succeed(&["restart", "s3g1"]);
    assert!(outcome.stderr.contains("`ozone-compose resume` first avoids that"), "{outcome}");
    let outcome = lab.succeed(&["restart", "s3g2"]);
    assert!(!outcome.stderr.contains("warning"), "nobody misses a drained one: {outcome}");
}

#[test]
fn ctrl_c_does_not_leave_a_gateway_half_stopped() {
    let lab = with(2);
    lab.interrupt_in(&["restart"], "restart\\ --time\\ 30\\ id-s3g1");
}

#[test]
fn a_cluster_that_was_stopped_is_started_by_start() {
    let lab = Lab::new();
    lab.succeed(&["generate"]);
    lab.set("up", "");
    let stop = |one: Container| Container { state: "exited", exit_code: 143, ..one };
    lab.contain(&running().into_iter().map(stop).collect::<Vec<_>>());
    for verb in [&["scale", "5"][..], &["reload"], &["env"], &["fault", "kill", "s3g1"]] {
        let outcome = lab.run(verb);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
        assert!(outcome.stderr.contains("`ozone-compose start` starts "), "{outcome}");
    }
    let outcome = lab.succeed(&["status"]);
    assert!(outcome.stderr.contains("no balancer runs; `ozone-compose start` starts it"), "{outcome}");
    assert!(outcome.stdout.contains("was stopped (exit code 143)"), "{outcome}");
}

#[test]
fn a_cluster_that_does_not_run_is_not_changed() {
    let lab = Lab::new();
    lab.succeed(&["generate"]);
    let before = lab.machine.sandbox.tree("");
    for verb in [&["scale", "5"][..], &["drain", "s3g2"], &["resume"], &["restart"], &["reload"]] {
        let outcome = lab.run(verb);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (5, ""), "{outcome}");
        assert!(outcome.stderr.contains("hint: `ozone-compose up` starts it"), "{outcome}");
        assert_eq!((lab.did(), lab.machine.sandbox.tree("")), (vec![], before.clone()));
    }
    let outcome = lab.run(&["scale", "5", "-o", "elsewhere"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(outcome.stderr.contains("there is no cluster in `elsewhere`"), "{outcome}");
}

#[test]
fn up_with_fewer_gateways_drains_those_that_go() {
    let lab = with(5);
    lab.succeed(&["up", "-n", "4"]);
    assert_eq!(
        lab.did(),
        ["check", "drain s3g5", "reload", "drain s3g5", "stop id-s3g5", "rm id-s3g5"],
        "drained before the reload, for the worker that becomes an old one"
    );
    assert_eq!((lab.in_rotation(), lab.containers()), (first(4), first(4)));
}

/// Kills a run after its first, second, third ... command that does something, until it comes to its end; each time the cluster serves
/// with what it can, and the same command again finishes the work. `at_least` is what gets requests all the time, and
/// `in_the_end` what does then.
fn killed_everywhere(
    lab: impl Fn() -> Lab,
    verb: &[&str],
    at_least: &BTreeSet<String>,
    in_the_end: &BTreeSet<String>,
) {
    for commands in 1.. {
        let lab = lab();
        lab.set("kills_after", &format!("{commands}\n"));
        let killed = lab.run(verb);
        lab.set("kills_after", "");
        let serving = lab.in_rotation();
        assert!(serving.is_superset(at_least), "{verb:?} after {commands}: {serving:?}");
        assert!(serving.len() >= 2, "one at most is away, {verb:?} after {commands}: {serving:?}");
        assert!(lab.containers().is_superset(&serving), "{verb:?} after {commands}: {serving:?}");
        if killed.status == 0 {
            assert!(commands > 1, "it must have been killed in the middle: {killed}");
            return;
        }
        assert_eq!(killed.status, -9, "{killed}");
        lab.succeed(verb);
        assert_eq!(lab.in_rotation(), *in_the_end, "{verb:?} after {commands}");
        lab.succeed(&["generate", "--check"]);
    }
}

#[test]
fn scaling_up_that_was_killed_anywhere_is_finished_by_the_next() {
    killed_everywhere(|| with(3), &["scale", "5"], &first(3), &first(5));
}

#[test]
fn scaling_down_that_was_killed_anywhere_is_finished_by_the_next() {
    killed_everywhere(|| with(5), &["scale", "3"], &first(3), &first(3));
}

#[test]
fn a_drain_that_was_killed_anywhere_is_finished_by_the_next() {
    let others = ["s3g1".to_owned(), "s3g3".to_owned()].into();
    killed_everywhere(|| with(3), &["drain", "s3g2"], &others, &others);
}

#[test]
fn a_resume_that_was_killed_anywhere_is_finished_by_the_next() {
    let drained = || {
        let lab = with(3);
        lab.succeed(&["drain", "s3g2"]);
        lab
    };
    let others = ["s3g1".to_owned(), "s3g3".to_owned()].into();
    killed_everywhere(drained, &["resume"], &others, &first(3));
}

#[test]
fn a_rolling_restart_that_was_killed_anywhere_is_finished_by_the_next() {
    killed_everywhere(|| with(3), &["restart"], &BTreeSet::new(), &first(3));
}

#[test]
fn a_reload_that_was_killed_anywhere_is_finished_by_the_next() {
    killed_everywhere(|| with(3), &["reload"], &first(3), &first(3));
}

#[test]
fn an_up_with_more_gateways_that_was_killed_anywhere_is_finished_by_the_next() {
    killed_everywhere(|| with(3), &["up", "-n", "5"], &first(3), &first(5));
}

#[test]
fn a_removal_that_was_killed_anywhere_is_finished_by_the_next() {
    for commands in 1.. {
        let lab = with(3);
        lab.set("kills_after", &format!("{commands}\n"));
        let killed = lab.run(&["down", "--volumes"]);
        lab.set("kills_after", "");
        lab.succeed(&["down", "--volumes"]);
        assert_eq!(["up", "networks", "volumes"].map(|what| lab.has(what)), ["none", "", ""], "{commands}");
        if killed.status == 0 {
            assert!(commands > 1, "it must have been killed in the middle: {killed}");
            return;
        }
        assert_eq!(killed.status, -9, "{killed}");
    }
}

#[test]
fn an_upgrade_of_gateways_takes_one_at_a_time_and_goes_back() {
    let lab = with(2);
    let upgrade = ["upgrade", "--ozone-version", "2.2.0", "--gateways-only"];
    let planned = lab.succeed(&[&upgrade[..], &["--dry-run"]].concat()).stdout;
    assert!(
        planned.starts_with("write ozone-compose.yaml, s3-haproxy.yaml: the choices have changed\n"),
        "{planned}"
    );
    let older =
        |one: Container| if one.role == "gateway" { Container { digest: "older", ..one } } else { one };
    lab.contain(&running().into_iter().filter(|one| one.service != "s3g3").map(older).collect::<Vec<_>>());
    lab.did();
    lab.succeed(&upgrade);
    let steps = |name: &str| {
        ["drain ", "stop id-", "rm id-", "start ", "down ", "probe ", "ready "]
            .map(|step| format!("{step}{name}"))
    };
    assert_eq!(lab.did(), [steps("s3g1"), steps("s3g2")].concat());
    let choices = lab.machine.sandbox.read("ozone-compose.yaml");
    assert!(
        choices.contains("image: apache/ozone:2.2.0\n") || choices.contains("- apache/ozone:2.2.0"),
        "{choices}"
    );
    assert!(
        lab.machine.sandbox.read("docker-compose.yaml").contains("apache/ozone:2.2.1"),
        "others keep theirs"
    );
    lab.succeed(&["upgrade", "--rollback"]);
    assert!(!lab.machine.sandbox.read("s3-haproxy.yaml").contains("2.2.0"));
    let again = lab.run(&["upgrade", "--rollback"]);
    assert_eq!(again.status, 2, "{again}");
    assert!(again.stderr.contains("no container of cluster `demo` runs another image than"), "{again}");
}

#[test]
fn an_upgrade_says_to_what() {
    let lab = with(2);
    for (more, said) in [
        (&[][..], "required arguments were not provided:\n  <--ozone-version "),
        (&["--rollback", "--ozone-version", "2.2.0"], "cannot be used with"),
    ] {
        let outcome = lab.run(&[&["upgrade"][..], more].concat());
        assert!(outcome.status == 2 && outcome.stderr.contains(said), "{outcome}");
    }
    lab.machine.sandbox.write(
        "ozone-compose.yaml",
        "version: 1\nname: demo\ngateways: {count: 2}\nozone: {image: mine:1}\n",
    );
    let outcome = lab.run(&["upgrade", "--ozone-version", "2.2.0"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(outcome.stderr.contains("`ozone.image` is mine:1, which no version changes"), "{outcome}");
    assert!(outcome.stderr.contains("`--ozone-image` names another"), "{outcome}");
}
