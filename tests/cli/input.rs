//! Bad input gives one clear error, exit 2, and nothing is written, not even the folder.

use fs_err as fs;

use crate::support::{Runs, Sandbox};

/// Flags, and what is said of them.
const FLAGS: &[(&[&str], &str)] = &[
    (&["-n", "0"], "gateways.count (--gateways): 0 is not between 1 and 512"),
    (&["-n", "513"], "gateways.count (--gateways): 513 is not between 1 and 512"),
    (&["-n", "three"], "gateways.count (--gateways): `three` is not a whole number"),
    (&["-n", "-3"], "gateways.count (--gateways): -3 is not between 1 and 512"),
    (&["-n", ""], "gateways.count (--gateways): `` is not a whole number"),
    (
        &["--replication", "3", "--datanodes", "1"],
        "replication (--replication): 3 copies need 3 datanodes, and `datanodes` is 1",
    ),
    (
        &["--s3-port", "9000", "--stats-port", "9000"],
        "ports.stats (--stats-port): 9000 is also the port of `ports.s3`",
    ),
    (&["--s3-port", "9874"], "ports.om: 9874 is also the port of `ports.s3`"),
    (&["--s3-port", "0"], "ports.s3 (--s3-port): 0 is not between 1 and 65535"),
    (&["--s3-port", "70000"], "ports.s3 (--s3-port): 70000 is not between 1 and 65535"),
    (&["--ozone-image", "a b"], "ozone.image (--ozone-image): `a b` is not the name of an image"),
    (
        &["--name", "My Cluster"],
        "name (--name): Compose refuses the name `My Cluster`: it takes lower-case letters, digits, `-` and `_`, first a letter or digit, 63 at most",
    ),
    (&["--timeout-client", "5"], "timeouts.client (--timeout-client): `5` has no unit: write 5ms, 5s or 5m"),
    (&["--server", "gw1"], "servers (--server): `gw1` has no port: write gw1:9878"),
    (
        &["--server", "2001:db8::7"],
        "servers (--server): `2001:db8::7` is an IPv6 address without a port: write [2001:db8::7]:9878",
    ),
    (
        &["--base", "none", "--datanodes", "3"],
        "datanodes (--datanodes): has no meaning with the base `none`, which leaves Ozone to other files",
    ),
    (
        &["--ozone-version", "1.4.1"],
        "ozone.version (--ozone-version): 1.4.1 is older than 2.0, the oldest that this tool has settings for; any other image is `--ozone-image IMAGE`, beside the version that it is nearest to",
    ),
    (
        &["-n", "0", "--s3-port", "0"],
        "2 things are wrong:\n  gateways.count (--gateways): 0 is not between 1 and 512\n  ports.s3 (--s3-port): 0 is not between 1 and 65535",
    ),
];

/// Texts of `ozone-compose.yaml`, and what is said of them.
const FILES: &[(&[u8], &str)] = &[
    (
        b"version: 1\ngatways: {count: 3}\n",
        "gatways (ozone-compose.yaml): unknown key, did you mean `gateways`?",
    ),
    (
        b"version: 1\ngateways: {count: 0}\n",
        "gateways.count (ozone-compose.yaml): 0 is not between 1 and 512",
    ),
    (
        b"version: 1\ngateways: [\n",
        "ozone-compose.yaml: is not YAML: did not find expected node content at line 3 column 1, while parsing a flow node",
    ),
    (b"version: 1\nname: a\nname: b\n", "ozone-compose.yaml: is not YAML: duplicate entry with key \"name\""),
    (b"version: 2\n", "version (ozone-compose.yaml): 2 is not a version that this tool reads; it reads 1"),
    (b"name: demo\n", "ozone-compose.yaml: names no version; add `version: 1` as its first line"),
    (b"", "ozone-compose.yaml: holds no keys; it begins with `version: 1`"),
    (
        b"version: 1\nname: \xff\n",
        "ozone-compose.yaml: invalid utf-8 sequence of 1 bytes from index 17\nhint: save it as UTF-8",
    ),
];

#[test]
fn bad_flags_give_one_error_and_no_folder() {
    for (flags, message) in FLAGS {
        let sandbox = Sandbox::new();
        let outcome = sandbox.run(&[&["generate", "-o", "new/folder"], *flags].concat());
        assert_eq!(outcome.to_string(), format!("exit 2\n--- stderr\nerror: {message}\n"), "{flags:?}");
        assert_eq!(sandbox.tree(""), [].into(), "{flags:?}");
    }
}

#[test]
fn bad_flags_are_refused_by_every_verb_and_mode() {
    let sandbox = Sandbox::new();
    for verb in [
        &["haproxy"][..],
        &["generate", "--check"],
        &["generate", "--diff"],
        &["generate", "--stdout", ".env"],
    ] {
        let outcome = sandbox.run(&[verb, &["-n", "0"]].concat());
        assert_eq!(
            outcome.to_string(),
            "exit 2\n--- stderr\nerror: gateways.count (--gateways): 0 is not between 1 and 512\n",
            "{verb:?}"
        );
    }
}

#[test]
fn bad_variables_are_named() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run_with(&[("OZONE_COMPOSE_S3_PORT", "http")], &["generate"]);
    assert_eq!(
        outcome.to_string(),
        "exit 2\n--- stderr\nerror: ports.s3 (OZONE_COMPOSE_S3_PORT): `http` is not a whole number\n"
    );
    assert_eq!(sandbox.tree(""), [].into());
}

#[test]
fn a_bad_file_gives_one_error_and_nothing_is_written() {
    for (text, message) in FILES {
        let sandbox = Sandbox::new();
        sandbox.write("ozone-compose.yaml", text);
        let before = sandbox.tree("");
        let outcome = sandbox.run(&["generate"]);
        let is_text = !message.ends_with("hint: save it as UTF-8");
        let hint =
            "\nhint: correct ozone-compose.yaml; until then `ls`, `collect` and `down --name NAME` work";
        let hint = if is_text { hint } else { "" };
        assert_eq!(outcome.to_string(), format!("exit 2\n--- stderr\nerror: {message}{hint}\n"));
        assert_eq!(sandbox.tree(""), before, "{message}");
    }
}

#[test]
fn a_bad_value_in_the_file_can_be_replaced_by_a_flag() {
    let sandbox = Sandbox::new();
    sandbox.write("ozone-compose.yaml", "version: 1\ngateways:\n  count: 0 # too few\n");
    sandbox.succeed(&["generate", "-n", "3", "--name", "demo"]);
    assert_eq!(
        sandbox.read("ozone-compose.yaml"),
        "version: 1\ngateways:\n  count: 3 # too few\nname: demo\n"
    );
}

#[test]
fn an_unknown_flag_or_verb_is_bad_usage() {
    let sandbox = Sandbox::new();
    for (arguments, hint) in [
        (&["generate", "--gatways", "3"][..], "a similar argument exists: '--gateways'"),
        (&["generate", "--base", "triple"], "base (--base): `triple` is not one of single, ha, none"),
        (&["generate", "--check", "--stdout", ".env"], "cannot be used with"),
        (&["generate", "--check", "--force"], "cannot be used with"),
        (&["generate", "--name"], "a value is required"),
        (&["genrate"], "a similar subcommand exists: 'generate'"),
        (&[], "Usage: ozone-compose"),
    ] {
        let outcome = sandbox.run(arguments);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{arguments:?}: {outcome}");
        assert!(outcome.stderr.contains(hint), "{arguments:?}: {outcome}");
    }
    assert_eq!(sandbox.tree(""), [].into());
}

#[test]
fn an_unknown_name_for_stdout_lists_the_files_there_are() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run(&["generate", "--base", "none", "--stdout", ".env"]);
    assert_eq!(
        outcome.to_string(),
        "exit 2\n--- stderr\n\
         error: --stdout: there is no file `.env` for these choices\n\
         hint: the files are haproxy/s3-haproxy.cfg, s3-haproxy.yaml, ozone-compose.yaml\n"
    );
}

#[test]
fn a_folder_that_is_a_file_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("taken", "mine");
    for folder in ["taken", "taken/below"] {
        let outcome = sandbox.run(&["generate", "-o", folder]);
        assert_eq!(outcome.to_string(), "exit 1\n--- stderr\nerror: taken is not a folder\n");
    }
    assert_eq!(fs::read(sandbox.path("taken")).unwrap(), b"mine");
}

#[test]
fn ipv6_servers_work_in_brackets() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.succeed(&["haproxy", "--server", "[2001:db8::7]:9878"]);
    assert!(outcome.stdout.contains("\n    server s3g1 [2001:db8::7]:9878\n"), "{outcome}");
    // There is nothing to look up.
    assert!(!outcome.stdout.contains("resolvers"), "{outcome}");
}
