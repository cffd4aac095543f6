//! What `up` checks on the machine before it starts anything: an engine, free ports, images.

use crate::lab::{HOLDER_PATTERN, Lab};
use crate::support::engine::{DOWN, Machine};
use crate::support::{Outcome, Runs, listener};

#[test]
fn a_port_that_a_process_holds_is_named_before_anything_starts() {
    let lab = Lab::new();
    // The engine knows of no container there: it is this very process that listens.
    lab.machine.answer(HOLDER_PATTERN, 0, "", "");
    let outcome = lab.run(&["up"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    let port = format!("error: ports: {} (ports.s3), ", lab.service.s3_port);
    assert!(outcome.stderr.starts_with(&port), "{outcome}");
    assert!(outcome.stderr.contains(" are held by the process `up"), "{outcome}");
    assert!(outcome.stderr.contains(&format!("(pid {})", std::process::id())), "{outcome}");
    assert!(outcome.stderr.contains("hint: `up` with `--port auto` chooses free ports, or "), "{outcome}");
    assert_eq!(lab.did(), [""; 0]);
    assert_eq!(lab.machine.sandbox.tree(""), [].into());
}

#[test]
fn all_ports_of_another_cluster_are_reported_at_once() {
    for (role, holder, end) in [
        ("balancer", "the cluster `shop`", "`ozone-compose down --name shop`"),
        ("", "the Compose project `shop`", "`docker compose -p shop down`"),
    ] {
        let lab = Lab::new();
        lab.machine.answer(HOLDER_PATTERN, 0, &format!("shop-s3g-1\tshop\t{role}\n"), "");
        let outcome = lab.run(&["up"]);
        assert_eq!(outcome.status, 1, "{outcome}");
        let service = &lab.service;
        let ports = [
            (service.s3_port, "s3"),
            (service.stats_port, "stats"),
            (service.scm_port, "scm"),
            (service.om_port, "om"),
        ];
        let ports = ports.map(|(port, key)| format!("{port} (ports.{key})")).join(", ");
        assert!(outcome.stderr.contains(&format!("ports: {ports} are held by {holder}\n")), "{outcome}");
        assert!(outcome.stderr.contains(end), "{outcome}");
        assert_eq!(lab.did(), [""; 0]);
    }
}

#[test]
fn doctor_warns_of_an_engine_that_may_hang_and_up_does_not() {
    let lab = Lab::new();
    lab.machine.answer("version\\ --format\\ {{.Server.Version}}", 0, "20.10.24+dfsg1\n", "");
    let says = "Engine 20.10.24+dfsg1 may hang for good when several containers end at the same time";
    let outcome = lab.run(&["doctor"]);
    assert!(outcome.stdout.contains(says), "{outcome}");
    let outcome = lab.succeed(&["up"]);
    assert!(!outcome.stderr.contains("may hang"), "{outcome}");
}

#[test]
fn a_port_that_is_taken_gives_way_to_a_free_one_that_is_kept() {
    let lab = Lab::new();
    let (_held, taken) = listener();
    lab.machine.answer(&format!("ps\\ --filter\\ publish={taken}\\ *"), 0, "", "");
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
fn one_port_may_be_automatic_and_stays_once_it_is_found() {
    let lab = Lab::new();
    let (_held, taken) = listener();
    lab.machine.answer(&format!("ps\\ --filter\\ publish={taken}\\ *"), 0, "", "");
    let kept = |stats: &str| format!("version: 1\nports: {{stats: {stats}}}\n");
    lab.machine.sandbox.write("ozone-compose.yaml", kept(&taken.to_string()));
    let outcome = lab.succeed(&["up", "--stats-port", "auto"]);
    assert_eq!(outcome.stdout, lab.endpoint_line());
    assert!(outcome.stderr.contains(&format!("ports.stats: {taken} is taken, ")), "{outcome}");
    let file = lab.machine.sandbox.read("ozone-compose.yaml");
    assert!(!file.contains(&taken.to_string()) && !file.contains("auto"), "{file}");

    // The same command, by a variable, leaves all as it is.
    let mut command = lab.command(&["up"]);
    let outcome = Outcome::of(command.env("OZONE_COMPOSE_STATS_PORT", "auto"));
    assert_eq!((outcome.status, lab.machine.sandbox.read("ozone-compose.yaml")), (0, file), "{outcome}");

    for verb in [&["doctor"][..], &["config", "show"]] {
        let mut command = lab.command(verb);
        let outcome = Outcome::of(command.env("OZONE_COMPOSE_STATS_PORT", "auto"));
        assert_eq!(outcome.status, 0, "{outcome}");
    }

    // Another port that is taken is still refused, and no other verb finds any.
    lab.machine.answer(HOLDER_PATTERN, 0, "", "");
    let outcome = lab.run(&["up", "--stats-port", "auto"]);
    assert!(outcome.status == 1 && outcome.stderr.contains("(ports.s3), "), "{outcome}");
    assert!(outcome.stderr.contains(" are held by the process `up"), "{outcome}");
    for arguments in
        [&["generate", "-o", "new", "--s3-port", "auto"][..], &["haproxy", "--webadmin-port", "auto"]]
    {
        let outcome = lab.run(arguments);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{outcome}");
        assert!(outcome.stderr.contains("`auto` is for flags and variables of `up`"), "{outcome}");
    }
}

#[test]
fn an_image_that_is_missing_is_pulled_without_noise() {
    let lab = Lab::new();
    lab.machine.answer("image\\ inspect*haproxy:*", 1, "", "No such image\n");
    let layers = "echo \"$*\" >> $here/did; echo docker.io/library/haproxy:3.2-alpine; echo layer by layer >&2; exit 0";
    lab.machine.answer_by_script("pull*", layers);
    let outcome = lab.succeed(&["up"]);
    assert_eq!(lab.did(), ["pull --quiet haproxy:3.2-alpine", "up"]);
    assert!(outcome.stderr.contains("  ..  images     pulling haproxy:3.2-alpine\n"), "{outcome}");
    assert!(outcome.stderr.contains("  ok  images     pulled haproxy:3.2-alpine\n"), "{outcome}");
    assert!(!outcome.stderr.contains("layer by layer"), "{outcome}");
}

#[test]
fn an_image_that_cannot_be_pulled_is_named_with_the_way_to_a_mirror() {
    let lab = Lab::new();
    let limit = "toomanyrequests: You have reached your pull rate limit.\n";
    lab.machine.answer("image\\ inspect*", 1, "", "No such image\n");
    lab.machine.answer("pull*", 1, "", limit);
    let outcome = lab.run(&["up"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    let has = |part: &str| assert!(outcome.stderr.contains(part), "{part} in {outcome}");
    has("error: could not pull the image apache/ozone:2.2.1: ");
    has("  | toomanyrequests: You have reached your pull rate limit.\n");
    has("hint: `--image-registry HOST` takes every image from a mirror");
    assert_eq!(lab.did(), [""; 0]);
    assert_eq!(lab.machine.sandbox.tree(""), [].into());
}

#[test]
fn a_mirror_serves_every_image_on_every_path() {
    let lab = Lab::new();
    lab.machine.answer("image\\ inspect*", 1, "", "No such image\n");
    lab.succeed(&["up", "--image-registry", "mirror.example.com"]);
    let (ozone, haproxy) =
        ("mirror.example.com/apache/ozone:2.2.1", "mirror.example.com/library/haproxy:3.2-alpine");
    assert_eq!(lab.did(), [&format!("pull --quiet {ozone}"), &format!("pull --quiet {haproxy}"), "up"]);
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
    lab.machine.answer("version\\ --format*", 1, client, DOWN);
    let outcome = lab.run(&["up", "-o", "new"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (4, ""), "{outcome}");
    assert!(outcome.stderr.contains("reaches no engine: Cannot connect to the Docker daemon"), "{outcome}");
    assert!(outcome.stderr.contains("hint: start it: `sudo systemctl start docker`"), "{outcome}");
    assert_eq!(lab.did(), [""; 0]);
    assert_eq!(lab.machine.sandbox.tree(""), [].into());
}

#[test]
fn gateways_on_ozone_of_other_files_or_machines_are_not_this_tools_to_run() {
    for options in [&["up", "--base", "none"][..], &["up", "--server", "gw1:9878"]] {
        let machine = Machine::new().with_good_engine();
        let outcome = machine.run(options);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{outcome}");
        assert!(outcome.stderr.contains("error: `.` holds no cluster of its own"), "{outcome}");
        assert_eq!((machine.commands().as_str(), machine.sandbox.tree("")), ("", [].into()));
    }
}

#[test]
fn a_file_that_haproxy_may_not_read_is_named_with_what_opens_it() {
    use std::os::unix::fs::PermissionsExt;

    let lab = Lab::new();
    lab.succeed(&["up"]);
    lab.did();
    lab.machine.sandbox.write("haproxy/zz-local.cfg", "# mine\n");
    let file = lab.machine.sandbox.path("haproxy/zz-local.cfg");
    fs_err::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    let hint = "`chmod o+r haproxy/zz-local.cfg` lets it\n";
    for verb in [&["up"][..], &["reload"], &["scale", "2"]] {
        let outcome = lab.run(verb);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
        assert!(outcome.stderr.contains("may not read `./haproxy/zz-local.cfg`"), "{outcome}");
        assert!(outcome.stderr.ends_with(&format!("hint: {hint}")), "{outcome}");
        assert_eq!(lab.did(), [""; 0]);
    }
    let outcome = lab.run(&["doctor"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.stdout.contains(&format!("-> {hint}")), "{outcome}");
    // What a clone under a umask has closed of the generated files, `up` opens itself.
    fs_err::set_permissions(&file, std::fs::Permissions::from_mode(0o604)).expect("a mode");
    let folder = lab.machine.sandbox.path("haproxy");
    fs_err::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).expect("a mode");
    lab.succeed(&["up"]);
    assert_eq!(fs_err::metadata(&folder).expect("a folder").permissions().mode() & 0o777, 0o755);
}

#[test]
fn an_engine_elsewhere_gets_files_without_a_mount_and_publishes_where_it_is_reached() {
    let lab = Lab::new();
    lab.machine.answer("context\\ inspect*", 0, "tcp://10.0.0.7:2375\n", "");
    let outcome = lab.succeed(&["up"]);
    assert!(outcome.stderr.contains("warning: ports: they are published on every address"), "{outcome}");
    let choices = lab.machine.sandbox.read("ozone-compose.yaml");
    assert!(choices.contains("engine: remote\n") && !choices.contains("bind:"), "{choices}");
    let overlay = lab.machine.sandbox.read("s3-haproxy.yaml");
    assert!(overlay.contains("content: |2\n") && !overlay.contains("type: bind"), "{overlay}");
    let cluster = lab.machine.sandbox.read("docker-compose.yaml");
    assert_eq!(format!("{overlay}{cluster}").matches("host_ip: \"0.0.0.0\"").count(), 4, "S3 and all pages");

    let outcome = lab.succeed(&["up", "--bind", "10.0.0.7"]);
    assert!(!outcome.stderr.contains("warning: ports"), "{outcome}");
    let overlay = lab.machine.sandbox.read("s3-haproxy.yaml");
    assert!(overlay.contains("host_ip: \"10.0.0.7\"") && !overlay.contains("0.0.0.0"), "{overlay}");

    lab.machine.sandbox.write("haproxy/zz-local.cfg", "# mine, $5\n");
    lab.did();
    lab.succeed(&["reload"]);
    assert_eq!(lab.did(), ["check", "give", "reload"]);
    assert!(lab.has("given").ends_with("# mine, $5\n"), "{}", lab.has("given"));
    lab.succeed(&["generate"]);
    let overlay = lab.machine.sandbox.read("s3-haproxy.yaml");
    assert!(overlay.ends_with("    content: |2\n      # mine, $$5\n"), "{overlay}");
}

#[test]
fn gateways_with_domains_know_the_host_of_an_engine_elsewhere_from_the_first_start() {
    let lab = Lab::new();
    lab.machine.answer("context\\ inspect*", 0, "tcp://10.0.0.7:2375\n", "");
    lab.succeed(&["up", "--domain", "s3.example.com"]);
    let choices = lab.machine.sandbox.read("ozone-compose.yaml");
    assert!(choices.contains("host: 10.0.0.7\n"), "{choices}");
    let overlay = lab.machine.sandbox.read("s3-haproxy.yaml");
    assert!(overlay.contains("ozone.s3g.domain.name") && overlay.contains("10.0.0.7"), "{overlay}");
}

#[test]
fn an_engine_with_selinux_mounts_no_folder_and_publishes_for_this_machine() {
    let lab = Lab::new();
    lab.machine.answer(
        "info\\ --format\\ {{.SecurityOptions}}*",
        0,
        "[name=seccomp,profile=builtin name=selinux]\n",
        "",
    );
    let outcome = lab.succeed(&["up"]);
    assert!(!outcome.stderr.contains("warning: ports"), "{outcome}");
    let overlay = lab.machine.sandbox.read("s3-haproxy.yaml");
    assert!(overlay.contains("content: |2\n") && !overlay.contains("type: bind"), "{overlay}");
    assert!(overlay.contains("host_ip: \"127.0.0.1\"") && !overlay.contains("0.0.0.0"), "{overlay}");
}

#[test]
fn a_refusal_of_the_engine_comes_with_the_advice_that_fits() {
    let lab = Lab::new();
    let denied =
        "Error response from daemon: Mounts denied: The path /srv/demo/haproxy is not shared from the host\n";
    lab.machine.answer("compose*\\ up\\ *", 1, "", denied);
    let outcome = lab.run(&["up"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.stderr.contains("`up --engine remote`"), "{outcome}");
}
