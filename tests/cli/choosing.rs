//! A flag wins over a variable, that over the file, that over the default; and what was chosen is kept.

use std::os::unix::fs::symlink;

use crate::support::{Runs, Sandbox};

/// The S3 port that would be published.
fn port(sandbox: &Sandbox, variables: &[(&str, &str)], flags: &[&str]) -> String {
    let outcome =
        sandbox.run_with(variables, &[&["generate", "--stdout", "s3-haproxy.yaml"], flags].concat());
    assert_eq!(outcome.status, 0, "{outcome}");
    let (_, rest) = outcome.stdout.split_once("${OZONE_COMPOSE_S3_PORT:-").expect("the port of S3");
    rest.split('}').next().unwrap_or_default().to_owned()
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let sandbox = Sandbox::new();
    let variable = [("OZONE_COMPOSE_S3_PORT", "2002")];
    assert_eq!(port(&sandbox, &[], &[]), "9878");
    sandbox.write("ozone-compose.yaml", "version: 1\nports: {s3: 1001}\n");
    assert_eq!(port(&sandbox, &[], &[]), "1001");
    assert_eq!(port(&sandbox, &variable, &[]), "2002");
    assert_eq!(port(&sandbox, &variable, &["--s3-port", "3003"]), "3003");
    // Many CI systems set variables to nothing.
    assert_eq!(port(&sandbox, &[("OZONE_COMPOSE_S3_PORT", "")], &[]), "1001");
}

#[test]
fn a_variable_may_hold_a_list_and_name_the_folder() {
    let sandbox = Sandbox::new();
    let variables = [("OZONE_COMPOSE_OUTPUT", "real"), ("OZONE_COMPOSE_SERVER", "gw1:9878, gw2:9878")];
    let outcome = sandbox.run_with(&variables, &["generate"]);
    assert_eq!(outcome.status, 0, "{outcome}");
    let cfg = sandbox.read("real/haproxy/s3-haproxy.cfg");
    assert!(cfg.contains("server s3g1 gw1:9878\n    server s3g2 gw2:9878\n"), "{cfg}");
}

#[test]
fn a_bare_generate_repeats_the_choices() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&[
        "generate",
        "-n",
        "5",
        "--balance",
        "random",
        "--replication",
        "3",
        "--s3-port",
        "9000",
    ]);
    let chosen = sandbox.tree("");
    let outcome = sandbox.succeed(&["generate"]);
    assert!(outcome.stderr.starts_with("nothing to change in `.`\n"), "{outcome}");
    assert_eq!(sandbox.tree(""), chosen);
    assert_eq!(sandbox.read("haproxy/s3-haproxy.cfg").matches("    server s3g").count(), 5);
}

#[test]
fn the_same_flags_again_change_nothing() {
    let sandbox = Sandbox::new();
    for flags in [
        &["generate", "-o", "a", "--server", "gw1:9878", "--server", "[::1]:9878"][..],
        &["generate", "-o", "b", "-n", "4", "--name", "123", "--stats-port", "off"],
    ] {
        sandbox.succeed(flags);
        sandbox.succeed(&[flags, &["--check"]].concat());
    }
}

#[test]
fn comments_and_order_of_the_file_survive_a_change() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "ozone-compose.yaml",
        "# Ours.\nversion: 1\n\nname: demo   # the team's\n\nports: {s3: 9000}  # 9878 is taken\n# The end.\n",
    );
    sandbox.succeed(&["generate", "--s3-port", "9001"]);
    assert_eq!(
        sandbox.read("ozone-compose.yaml"),
        "# Ours.\nversion: 1\n\nname: demo   # the team's\n\nports: {s3: 9001}  # 9878 is taken\n# The end.\n"
    );
}

#[test]
fn a_folder_keeps_its_clusters_name_when_it_is_moved() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "-o", "first"]);
    fs_err::rename(sandbox.path("first"), sandbox.path("second")).unwrap();
    sandbox.succeed(&["generate", "-o", "second", "-n", "4"]);
    assert!(sandbox.read("second/docker-compose.yaml").contains("\nname: \"first\"\n"));
}

#[test]
fn a_folder_may_have_blanks_and_letters_of_any_language() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.succeed(&["generate", "-o", "mein Häu'schen"]);
    assert_eq!(
        outcome.to_string(),
        "exit 0\n--- stderr\n\
         wrote 6 files to `mein Häu'schen`\n\
         cluster `meinhuschen`: 3 S3 gateways, 1 datanode, replication 1, Ozone 2.2.1; heaps of 3.0 GiB, memory of 6.8 GiB at most\n\
         next: ozone-compose up -o 'mein Häu'\\''schen', and S3 is at http://127.0.0.1:9878\n"
    );
    sandbox.succeed(&["generate", "-o", "mein Häu'schen", "--check"]);
}

#[test]
fn a_linked_file_of_choices_stays_a_link() {
    let sandbox = Sandbox::new();
    sandbox.write("shared/choices.yaml", "version: 1\nname: demo\n");
    fs_err::create_dir(sandbox.path("cluster")).unwrap();
    symlink("../shared/choices.yaml", sandbox.path("cluster/ozone-compose.yaml")).unwrap();
    sandbox.succeed(&["generate", "-o", "cluster", "-n", "5"]);
    assert!(sandbox.path("cluster/ozone-compose.yaml").is_symlink());
    assert_eq!(sandbox.read("shared/choices.yaml"), "version: 1\nname: demo\ngateways:\n  count: 5\n");
}

#[test]
fn a_file_of_choices_may_have_the_line_ends_of_windows() {
    let sandbox = Sandbox::new();
    sandbox.write("ozone-compose.yaml", "version: 1\r\nname: demo\r\ngateways:\r\n  count: 4 # four\r\n");
    sandbox.succeed(&["generate", "-n", "5"]);
    assert_eq!(
        sandbox.read("ozone-compose.yaml"),
        "version: 1\r\nname: demo\r\ngateways:\r\n  count: 5 # four\r\n"
    );
    sandbox.succeed(&["generate", "--check"]);
}

#[test]
fn an_override_file_joins_the_compose_files() {
    let sandbox = Sandbox::new();
    let files = |sandbox: &Sandbox| {
        let env = sandbox.read(".env");
        env.lines().find(|line| line.starts_with("COMPOSE_FILE=")).expect("COMPOSE_FILE").to_owned()
    };
    sandbox.succeed(&["generate"]);
    assert_eq!(files(&sandbox), "COMPOSE_FILE=docker-compose.yaml:s3-haproxy.yaml");
    sandbox.write("compose.override.yaml", "services: {}\n");
    sandbox.succeed(&["generate"]);
    assert_eq!(files(&sandbox), "COMPOSE_FILE=docker-compose.yaml:s3-haproxy.yaml:compose.override.yaml");
    assert_eq!(sandbox.read("compose.override.yaml"), "services: {}\n");
    fs_err::remove_file(sandbox.path("compose.override.yaml")).unwrap();
    sandbox.succeed(&["generate"]);
    assert_eq!(files(&sandbox), "COMPOSE_FILE=docker-compose.yaml:s3-haproxy.yaml");
}

#[test]
fn a_newer_ozone_is_taken_with_a_warning_and_the_newest_settings() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "-o", "known"]);
    for version in ["2.3.0-SNAPSHOT", "3.0.0", "nightly"] {
        let outcome =
            sandbox.succeed(&["generate", "-o", "new", "--name", "known", "--ozone-version", version]);
        let warning = format!("warning: ozone.version: {version} may be newer than Ozone 2.2.x, ");
        assert!(outcome.stderr.contains(&warning), "{outcome}");
        assert!(sandbox.read("new/docker-compose.yaml").contains(&format!("apache/ozone:{version}}}")));
        let settings = |folder: &str| {
            let text = sandbox.read(&format!("{folder}/docker-config"));
            // The first line is a seal, and others may name the version.
            text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(settings("new"), settings("known"), "{version}");
    }
    // An image of one's own is taken without a word, with the settings of a version that is known.
    let outcome = sandbox.succeed(&["generate", "-o", "own", "--ozone-image", "me/ozone:dev"]);
    assert!(!outcome.stderr.contains("warning"), "{outcome}");
}

#[test]
fn one_gateway_has_another_image_and_another_share() {
    let sandbox = Sandbox::new();
    let canary = ["--gateway-image", "s3g3=patched:1", "--weight", "s3g3=10"];
    sandbox.succeed(&[&["generate", "-n", "3"][..], &canary].concat());
    let (overlay, cfg) = (sandbox.read("s3-haproxy.yaml"), sandbox.read("haproxy/s3-haproxy.cfg"));
    assert_eq!(overlay.matches("patched:1").count(), 1, "{overlay}");
    let (_, own) = overlay
        .split_once("  s3g3:\n    <<: *gateway\n    image: \"patched:1\"\n")
        .expect("an image of its own");
    let digest = |text: &str| text.split("compose.digest: ").nth(1).expect("a digest")[..18].to_owned();
    assert_ne!(digest(own), digest(&overlay), "only that one is replaced");
    assert!(cfg.contains("server s3g2 s3g2:9878 weight 100\n    server s3g3 s3g3:9878 weight 10\n"), "{cfg}");
    // Another share is another configuration of HAProxy, and the same containers.
    sandbox.succeed(&["generate", "--weight", "s3g3=50"]);
    let again = sandbox.read("s3-haproxy.yaml");
    assert_eq!(again.lines().skip(1).collect::<Vec<_>>(), overlay.lines().skip(1).collect::<Vec<_>>());
    // What was chosen of a gateway goes with it.
    sandbox.succeed(&["generate", "-n", "2"]);
    assert!(!sandbox.read("ozone-compose.yaml").contains("s3g3"));

    sandbox.succeed(&["generate", "--gateway-image", "patched:2"]);
    let all = sandbox.read("s3-haproxy.yaml");
    assert!(all.contains("image: \"${OZONE_COMPOSE_GATEWAY_IMAGE:-patched:2}\""), "{all}");
    assert!(!sandbox.read("docker-compose.yaml").contains("patched"));
}

#[test]
fn what_is_chosen_of_a_single_gateway_has_to_be_one_of_them() {
    let (image, weight) = (&["--gateway-image", "s3g2=patched:1"][..], &["--weight", "s3g2=10"][..]);
    for (more, said) in [
        (&["-n", "1"][..], "there is no s3g2: the gateways are s3g1 to s3g1"),
        (&["--discovery", "dns"], "gateways found by DNS have no lasting names"),
        (&["--profile", "upstream"], "has no meaning with the profile `upstream`"),
        (&["--target", "swarm"], "its gateways"),
    ] {
        for chosen in [image, weight] {
            let outcome = Sandbox::new().run(&[&["generate"][..], chosen, more].concat());
            assert_eq!(outcome.status, 2, "{outcome}");
            assert!(outcome.stderr.contains(said), "{outcome}");
        }
    }
    let twice = Sandbox::new().run(&[&["generate"][..], weight, &["--weight", "s3g2=20"]].concat());
    assert!(twice.status == 2 && twice.stderr.contains("there are two for s3g2"), "{twice}");
    let outside = Sandbox::new().run(&["generate", "--server", "gw1:9878", "--weight", "s3g1=10"]);
    assert!(outside.status == 2 && outside.stderr.contains("HOST:PORT,weight=N"), "{outside}");
    let checkout = Sandbox::new().run(&[&["generate", "--base", "none"][..], image].concat());
    assert!(checkout.status == 2 && checkout.stderr.contains("with the base `none`"), "{checkout}");
}
