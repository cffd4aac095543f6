//! A flag wins over a variable, also inside Compose; and a verb keeps only what it is for.

use crate::lab::{BALANCER, Lab, docker};
use crate::support::{Outcome, Runs, listener};

#[test]
fn flags_win_over_variables_of_this_tool_and_of_compose() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("flags");
    let (_held, taken) = listener();
    let mut up = cluster.first("up", &["-n", "1", "--timeout", "15s"]);
    up.env("OZONE_COMPOSE_S3_PORT", taken.to_string());
    up.env("OZONE_COMPOSE_STATS_PORT", "off");
    up.env("OZONE_COMPOSE_SCM_PORT", "off");
    up.env("OZONE_COMPOSE_OM_PORT", taken.to_string());
    up.env("OZONE_COMPOSE_HAPROXY_IMAGE", "nonsense:1");
    up.env("OZONE_COMPOSE_OZONE_IMAGE", "nonsense:2");
    up.env("COMPOSE_FILE", "other.yaml")
        .env("COMPOSE_PROJECT_NAME", "x")
        .env("COMPOSE_ENV_FILES", "none.env");
    let outcome = Outcome::of(&mut up);
    assert_eq!((outcome.status, &outcome.stdout), (0, &format!("{}\n", cluster.endpoint())), "{outcome}");

    let ports = docker(&["port", &cluster.container("s3g")]);
    assert!(ports.contains(&format!("9878/tcp -> 127.0.0.1:{}", cluster.ports.s3)), "{ports}");
    assert!(ports.contains(&format!("8404/tcp -> 127.0.0.1:{}", cluster.ports.stats)), "{ports}");
    assert!(!ports.contains(&taken.to_string()), "{ports}");
    let image = |service| docker(&["inspect", "--format", "{{.Config.Image}}", &cluster.container(service)]);
    assert_eq!(image("s3g").trim(), BALANCER);
    assert_eq!(image("s3g1").trim(), lab.image);
    assert_eq!(image("om").trim(), lab.image);

    // Later verbs have the choices from the file.
    let env = cluster.run(&["env"]);
    assert_eq!(env.status, 0, "{env}");
    for verb in [&["scale", "2"][..], &["drain", "s3g2"], &["restart", "s3g1"]] {
        let mut command = cluster.command(verb);
        command.env("COMPOSE_FILE", "other.yaml").env("COMPOSE_PROJECT_NAME", "x");
        let outcome = Outcome::of(command.env("COMPOSE_ENV_FILES", "none.env"));
        assert_eq!(outcome.status, 0, "{verb:?}: {outcome}");
    }
}

#[test]
fn a_free_port_in_place_of_a_variables_port_is_the_one_that_is_published() {
    let Some(lab) = Lab::open() else { return };
    let mut cluster = lab.cluster("auto");
    let (_held, taken) = listener();
    cluster.ports.s3 = taken;
    let mut up = cluster.first("up", &["-n", "1", "--port", "auto", "--timeout", "15s"]);
    up.env("OZONE_COMPOSE_S3_PORT", taken.to_string());
    let outcome = Outcome::of(&mut up);
    assert_eq!(outcome.status, 0, "{outcome}");
    let port = outcome.stdout.trim().rsplit(':').next().expect("a port").to_owned();
    assert_ne!(port, taken.to_string(), "{outcome}");
    let ports = docker(&["port", &cluster.container("s3g")]);
    assert!(ports.contains(&format!("9878/tcp -> 127.0.0.1:{port}\n")), "{port} in {ports}");
}

#[test]
fn a_verb_that_changes_one_thing_keeps_that_one_thing() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("one");
    cluster.up(&["-n", "3"]);
    let before = cluster.choices();
    let run = |arguments: &[&str]| {
        let mut command = cluster.command(arguments);
        command.env("OZONE_COMPOSE_GATEWAYS", "2").env("OZONE_COMPOSE_HEAP_GATEWAY", "777m");
        let outcome = Outcome::of(command.env("OZONE_COMPOSE_STATS_PORT", "off"));
        assert_eq!(outcome.status, 0, "{arguments:?}: {outcome}");
    };
    run(&["drain", "s3g1"]);
    assert!(cluster.choices().contains("s3g1"), "{}", cluster.choices());
    run(&["resume"]);
    assert_eq!(other_lines(&cluster.choices()), other_lines(&before));
    assert!(cluster.choices().contains("count: 3"), "{}", cluster.choices());
    run(&["restart", "s3g3"]);
    assert_eq!((cluster.up_count(), cluster.running_gateways()), (3, 3));
    run(&["scale", "4"]);
    assert_eq!(other_lines(&cluster.choices()), other_lines(&before));
    assert!(cluster.choices().contains("count: 4"), "{}", cluster.choices());
    assert_eq!((cluster.up_count(), cluster.running_gateways()), (4, 4), "{:?}", cluster.servers());
}

/// The lines of the choices but those of the number of gateways and of the drained ones.
fn other_lines(choices: &str) -> Vec<String> {
    let is_other = |line: &&str| !line.contains("count: ") && !line.contains("drained: ");
    choices.lines().filter(is_other).map(str::to_owned).collect()
}
