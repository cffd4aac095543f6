//! What `up` asks of the machine before it starts anything: an engine, free ports, images.

use crate::lab::{HOLDER_PATTERN, Lab, UP};
use crate::support::engine::{DOWN, Machine};
use crate::support::{Outcome, Runs, listener};

#[test]
fn a_port_that_a_process_holds_is_named_before_anything_starts() {
    let lab = Lab::new();
    // The engine knows of no container there: it is this very process that listens.
    lab.machine.tell(HOLDER_PATTERN, 0, "", "");
    let outcome = lab.run(&["up"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    let holder = format!("{} (ports.s3) is held by the process `up", lab.service.s3_port);
    assert!(outcome.stderr.contains(&holder), "{outcome}");
    assert!(outcome.stderr.contains(&format!("(pid {})", std::process::id())), "{outcome}");
    assert!(outcome.stderr.contains("or choose another port: `--s3-port "), "{outcome}");
    assert_eq!(lab.changes(), [""; 0]);
    assert_eq!(lab.machine.sandbox.tree(""), [].into());
}

#[test]
fn a_port_of_another_cluster_is_told_with_its_project() {
    let lab = Lab::new();
    lab.machine.tell(HOLDER_PATTERN, 0, "shop-s3g-1\tshop\n", "");
    let outcome = lab.run(&["up"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.stderr.contains("the container `shop-s3g-1` of the Compose project `shop`"), "{outcome}");
    assert!(outcome.stderr.contains("hint: `docker compose -p shop down`"), "{outcome}");
    assert_eq!(lab.changes(), [""; 0]);
}

#[test]
fn a_port_that_is_taken_gives_way_to_a_free_one_that_is_kept() {
    let lab = Lab::new();
    let (_held, taken) = listener();
    lab.machine.tell(&format!("ps\\ --filter\\ publish={taken}\\ *"), 0, "", "");
    let mut command = lab.command(&["up", "--port", "auto"]);
    let outcome = Outcome::of(command.env("OZONE_COMPOSE_STATS_PORT", taken.to_string()));
    assert_eq!((outcome.status, outcome.stdout), (0, lab.endpoint_line()), "{}", outcome.stderr);

    let said = outcome.stderr.lines().find_map(|line| line.strip_prefix("ports.stats: "));
    let chosen =
        said.and_then(|said| said.strip_prefix(&format!("{taken} is taken, "))?.strip_suffix(" is free"));
    let chosen = chosen.unwrap_or_else(|| panic!("a free port in {}", outcome.stderr));
    assert_ne!(chosen, taken.to_string());
    let choices = lab.machine.sandbox.read("ozone-compose.yaml");
    assert!(choices.lines().any(|line| line.trim() == format!("stats: {chosen}")), "{choices}");
    let published = lab.machine.sandbox.read("s3-haproxy.yaml");
    assert!(published.contains(&format!("${{OZONE_COMPOSE_STATS_PORT:-{chosen}}}")), "{published}");
}

#[test]
fn an_image_that_is_missing_is_pulled_without_noise() {
    let lab = Lab::new();
    lab.machine.tell("image\\ inspect*haproxy:*", 1, "", "No such image\n");
    lab.machine.tell("pull*", 0, "docker.io/library/haproxy:3.2-alpine\n", "layer by layer\n");
    let outcome = lab.succeed(&["up"]);
    assert_eq!(lab.changes(), ["pull --quiet haproxy:3.2-alpine", UP]);
    assert!(outcome.stderr.contains("  ..  images     pulling haproxy:3.2-alpine\n"), "{outcome}");
    assert!(outcome.stderr.contains("  ok  images     pulled haproxy:3.2-alpine\n"), "{outcome}");
    assert!(!outcome.stderr.contains("layer by layer"), "{outcome}");
}

#[test]
fn an_image_that_cannot_be_pulled_is_named_with_the_way_to_a_mirror() {
    let lab = Lab::new();
    let limit = "toomanyrequests: You have reached your pull rate limit.\n";
    lab.machine.tell("image\\ inspect*", 1, "", "No such image\n");
    lab.machine.tell("pull*", 1, "", limit);
    let outcome = lab.run(&["up"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    let has = |part: &str| assert!(outcome.stderr.contains(part), "{part} in {outcome}");
    has("error: could not pull the image apache/ozone:2.2.1: ");
    has("  | toomanyrequests: You have reached your pull rate limit.\n");
    has("hint: `--image-registry HOST` takes every image from a mirror");
    assert_eq!(lab.changes(), ["pull --quiet apache/ozone:2.2.1"]);
    assert_eq!(lab.machine.sandbox.tree(""), [].into());
}

#[test]
fn a_mirror_serves_every_image_on_every_path() {
    let lab = Lab::new();
    lab.machine.tell("image\\ inspect*", 1, "", "No such image\n");
    lab.machine.tell("pull*", 0, "", "");
    lab.succeed(&["up", "--image-registry", "mirror.example.com"]);
    let (ozone, haproxy) =
        ("mirror.example.com/apache/ozone:2.2.1", "mirror.example.com/library/haproxy:3.2-alpine");
    assert_eq!(lab.changes(), [&format!("pull --quiet {ozone}"), &format!("pull --quiet {haproxy}"), UP]);
    for (file, image) in
        [("docker-compose.yaml", ozone), ("s3-haproxy.yaml", ozone), ("s3-haproxy.yaml", haproxy)]
    {
        let text = lab.machine.sandbox.read(file);
        assert!(text.contains(&format!(":-{image}}}")), "{image} in {text}");
    }
}

#[test]
fn without_an_engine_nothing_is_written() {
    let without = Machine::new();
    let outcome = without.run(&["up", "-o", "new"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (4, ""), "{outcome}");
    assert!(outcome.stderr.contains("`docker` is not on PATH"), "{outcome}");
    assert!(outcome.stderr.contains("hint: install Docker Engine"), "{outcome}");
    assert_eq!(without.sandbox.tree(""), [].into());

    let lab = Lab::new();
    let client = r#"{"Client":{"Version":"28.2.2"},"Server":null}"#;
    lab.machine.tell("version\\ --format*", 1, client, DOWN);
    let outcome = lab.run(&["up", "-o", "new"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (4, ""), "{outcome}");
    assert!(outcome.stderr.contains("reaches no engine: Cannot connect to the Docker daemon"), "{outcome}");
    assert!(outcome.stderr.contains("hint: start it: `sudo systemctl start docker`"), "{outcome}");
    assert_eq!(lab.changes(), [""; 0]);
    assert_eq!(lab.machine.sandbox.tree(""), [].into());
}

#[test]
fn gateways_on_ozone_of_other_files_or_machines_are_not_this_tools_to_run() {
    for options in [&["up", "--base", "none"][..], &["up", "--server", "gw1:9878"]] {
        let machine = Machine::new().with_good_engine();
        let outcome = machine.run(options);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{outcome}");
        assert!(outcome.stderr.contains("error: `.` holds no cluster of its own"), "{outcome}");
        assert_eq!((machine.asked().as_str(), machine.sandbox.tree("")), ("", [].into()));
    }
}
