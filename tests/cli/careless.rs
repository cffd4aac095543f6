//! What people type and leave lying about by mistake: each gets a message that helps, and nothing is written or lost.
//! Every row runs with next to nothing in its environment: no HOME, no programs, no terminal, and `LANG=C`.

use fs_err as fs;

use crate::support::{Outcome, Runs, Sandbox};

/// What lies in the folder beforehand.
#[derive(Debug)]
enum Thing {
    File(&'static [u8]),
    Folder,
    Link(&'static str),
}

use Thing::{File, Folder, Link};

/// What lies there, what is typed, the exit code, and what must be said.
type Row = (&'static [(&'static str, Thing)], &'static [&'static str], i32, &'static [&'static str]);

/// Signs of a program that shows its insides.
const INSIDES: &[&str] =
    &["panicked", "RUST_BACKTRACE", "Err(", "Some(", "Os {", "Custom {", "Invalid operation"];

const YAML: &str = "ozone-compose.yaml";

/// On the command line.
const TYPED: &[Row] = &[
    (&[], &["generate", "-n", "99999999999999999999"], 2, &["99999999999999999999 is not between 1 and 512"]),
    (&[], &["generate", "-n", "3.5"], 2, &["`3.5` is not a whole number"]),
    (&[], &["generate", "-n", "1e2"], 2, &["`1e2` is not a whole number"]),
    (&[], &["generate", "-n", " 3"], 2, &["` 3` is not a whole number"]),
    (&[], &["generate", "-n", "03"], 2, &["`03` is not a whole number"]),
    (&[], &["generate", "-n", "+3"], 2, &["`+3` is not a whole number"]),
    (&[], &["generate", "-n", "３"], 2, &["`３` is not a whole number"]),
    (&[], &["generate", "-n", "3\n4"], 2, &["error: gateways.count (--gateways): `3\\n4` is not"]),
    (&[], &["generate", "-n", "3", "-n", "4"], 2, &["'--gateways <N>' cannot be used multiple times"]),
    (
        &[],
        &["generate", "-n", "3", "--gateways", "3"],
        2,
        &["'--gateways <N>' cannot be used multiple times"],
    ),
    (&[], &["generate", "--check", "--check"], 2, &["'--check' cannot be used multiple times"]),
    (&[], &["generate", "--gateways="], 2, &["`` is not a whole number"]),
    (&[], &["generate", "--no-such"], 2, &["unexpected argument '--no-such'", "try '--help'"]),
    (&[], &["generate", "demo"], 2, &["type `ozone-compose generate -o demo`"]),
    (&[], &["generate", "--", "-n", "3"], 2, &["unexpected argument '-n'"]),
    (&[], &["-n", "3"], 2, &["`-n` is a flag of a verb"]),
    (
        &[],
        &["generate", "-o", ""],
        2,
        &["invalid value '' for '--output <DIR>'", "write . for the current one"],
    ),
    (&[], &["status", "-o", ""], 2, &["invalid value '' for '--output <DIR>'"]),
    (&[], &["generate", "-o"], 2, &["a value is required for '--output <DIR>'"]),
    (&[], &["generate", "-o", "/dev/null"], 1, &["error: /dev/null is not a folder"]),
    (&[], &["generate", "-o", "/proc/mine"], 1, &["failed to create directory `/proc/mine`"]),
    (&[], &["generate", "--stdout", ""], 2, &["there is no file ``", "hint: the files are .env, "]),
    (&[], &["generate", "--stdout", "/etc/passwd"], 2, &["there is no file `/etc/passwd`"]),
    (&[], &["generate", "--stdout", ".env", "--diff"], 2, &["cannot be used with '--diff'"]),
    (&[], &["generate", "--s3-port", "65536"], 2, &["65536 is not between 1 and 65535"]),
    (&[], &["generate", "--s3-port", "-1"], 2, &["-1 is not between 1 and 65535"]),
    (&[], &["generate", "--s3-port", "off"], 2, &["`off` is not a whole number"]),
    (&[], &["generate", "--om-port", "of"], 2, &["`of` is not a whole number, nor `off`"]),
    (
        &[],
        &["generate", "--om-port", "9878"],
        2,
        &["ports.om (--om-port): 9878 is also the port of `ports.s3`"],
    ),
    (&[], &["generate", "--bind", "localhost"], 2, &["`localhost` is not an IP address"]),
    (&[], &["generate", "--datanodes", "65"], 2, &["65 is not between 1 and 64"]),
    (&[], &["generate", "--server", ""], 2, &["servers (--server): `` has no host: write HOST:9878"]),
    (&[], &["generate", "--server", ":9878"], 2, &["`:9878` has no host: write HOST:9878"]),
    (&[], &["generate", "--server", "a:0"], 2, &["`a:0`: port 0 is not between 1 and 65535"]),
    (&[], &["generate", "--server", "http://a:9878"], 2, &["`http://a:9878` is a URL: write a:9878"]),
    (&[], &["generate", "--server", "a:1,b:2"], 2, &["`b:2` in `a:1,b:2` is another gateway"]),
    (&[], &["generate", "--server", "a:1", "-n", "3"], 2, &["has no meaning beside `servers`"]),
    (&[], &["generate", "--drained", "s3g4"], 2, &["there is no s3g4: the gateways are s3g1 to s3g3"]),
    (&[], &["generate", "--drained", "gw1"], 2, &["`gw1` is not a gateway such as s3g2"]),
    (&[], &["generate", "-n", "1", "--drained", "s3g1"], 2, &["no gateway would be left to serve"]),
    (&[], &["generate", "--scm", "3"], 2, &["the base `single` has one, and the base `ha` may have 3"]),
    (&[], &["generate", "--om", "2"], 2, &["`2` is not one of 1, 3, 5"]),
    (&[], &["generate", "--base", "HA"], 2, &["`HA` is not one of single, ha, none"]),
    (
        &[],
        &["generate", "--ozone-version", "newest"],
        2,
        &["`newest` is not a version of three numbers such as 2.2.1", "`--ozone-image IMAGE`"],
    ),
    (&[], &["generate", "--ozone-image", "a:b:c"], 2, &["`a:b:c` is not the name of an image"]),
    (&[], &["generate", "--image-registry", "http://m"], 2, &["`http://m` is not a registry"]),
    (&[], &["generate", "--heap-om", "1t"], 2, &["`1t` is not a heap size such as 512m or 2g"]),
    (&[], &["generate", "--timeout-client", "0s"], 2, &["0s is not between 1ms and 24d"]),
    (&[], &["generate", "--timeout-client", "99999999999d"], 2, &["99999999999d is not between 1ms and 24d"]),
    (&[], &["generate", "--timeout-client", "5 m"], 2, &["`5 m` is not a time such as 500ms, 30s or 5m"]),
    (
        &[],
        &["generate", "--profile", "upstream", "--retries", "1"],
        2,
        &["has no meaning with the profile `upstream`"],
    ),
    (
        &[],
        &["generate", "--templates", "nowhere"],
        2,
        &["there is no folder `./nowhere`", "templates export DIR"],
    ),
    (&[("t", File(b""))], &["generate", "--templates", "t"], 2, &["there is no folder `./t`"]),
    (
        &[("t/env.j3", File(b"")), ("t/enf.j2", File(b""))],
        &["generate", "--templates", "t"],
        2,
        &["nothing is rendered from `./t/enf.j2`", "the templates are "],
    ),
    (&[("t/env.j2", File(b"{% for"))], &["generate", "--templates", "t"], 2, &["./t/env.j2:1: syntax error"]),
    (
        &[("t/env.j2", File(b"\xff"))],
        &["generate", "--templates", "t"],
        2,
        &["env.j2: invalid utf-8", "save it as UTF-8"],
    ),
    (&[], &["up", "--timeout", "5"], 2, &["`5` has no unit: write 5ms, 5s or 5m"]),
    (&[], &["up", "--timeout", "soon"], 2, &["`soon` is not a time such as 500ms, 30s or 5m"]),
    (&[], &["up", "--port", "80"], 2, &["type `--s3-port 80` for the port of S3"]),
    (&[], &["up", "--progress", "fancy"], 2, &["invalid value 'fancy'", "possible values: auto, "]),
    (&[], &["down", "--name", "My Cluster"], 2, &["Compose refuses the name `My Cluster`"]),
    (&[], &["down", "--name", "a", "--all"], 2, &["cannot be used with '--all'"]),
    (&[], &["drain"], 2, &["required arguments", "<GATEWAY>"]),
    (&[], &["drain", "s3g0"], 2, &["`s3g0` is not a gateway such as s3g2"]),
    (&[], &["scale"], 2, &["required arguments", "<N>"]),
    (&[], &["scale", "three"], 2, &["there is no cluster in `.`"]),
    (&[], &["run"], 2, &["required arguments", "<CMD>"]),
    (
        &[],
        &["run", "--", "true"],
        2,
        &["there is no cluster in `.`: it has no ozone-compose.yaml", "`-o DIR` names another"],
    ),
    (&[], &["logs", "--tail", "x"], 2, &["`x` is not a whole number"]),
    (&[], &["logs", "--tail", "-5"], 2, &["-5 is not between 0 and "]),
    (&[], &["logs", "--gateway-requests", "a b"], 2, &["a request's id has letters, digits and hyphens"]),
    (&[], &["logs", "--gateway-requests=-e"], 2, &["a request's id has letters, digits and hyphens"]),
    (&[], &["logs", "--gateway-requests", "--follow"], 2, &["cannot be used with '--follow'"]),
    (&[], &["logs", "--format", "json"], 2, &["required arguments", "--gateway-requests"]),
    (&[], &["env", "--format", "xml"], 2, &["possible values: shell, dotenv, github, json"]),
    (&[], &["completions", "tcsh"], 2, &["possible values: bash, "]),
    (&[], &["config"], 2, &["Usage: ozone-compose config"]),
    (&[], &["config", "shwo"], 2, &["a similar subcommand exists: 'show'"]),
    (&[("f", File(b""))], &["man", "f"], 1, &["f is not a folder"]),
    (&[("f", File(b""))], &["templates", "export", "f"], 1, &["f is not a folder"]),
    (&[("f", File(b""))], &["collect", "f"], 2, &["could not write f: it is there already"]),
    (&[("d", Folder)], &["collect", "d"], 2, &["could not write d: it is there already"]),
    (&[], &["collect", "none/x.tar.gz"], 2, &["could not write none/x.tar.gz: there is no folder `none`"]),
];

/// In `ozone-compose.yaml`.
const FILES: &[(&[u8], &[&str])] = &[
    (b"\n\n", &["holds no keys; it begins with `version: 1`"]),
    (b"# nothing\n", &["holds no keys"]),
    (b"null\n", &["holds no keys"]),
    (b"[]\n", &["holds no keys"]),
    (b"hello\n", &["holds no keys"]),
    (b"version:\n", &["names no version"]),
    (b"version: one\n", &["the text `one` is not a version that this tool reads; it reads 1"]),
    (b"version: '1'\n", &["the text `1` is not a version that this tool reads; it reads 1"]),
    (b"version: 1.0\n", &["1.0 is not a version that this tool reads"]),
    (b"version: [1]\n", &["is not a version that this tool reads"]),
    (b"version: 1\n---\nversion: 1\n", &["is not YAML", "more than one document"]),
    (b"version: 1\ngateways:\n\tcount: 2\n", &["is not YAML", "line 3 column 1"]),
    (b"version: 1\n name: a\n", &["is not YAML", "line 2 column 6"]),
    (b"version: 1\ngateways: {count: 2}}\n", &["is not YAML", "line 2 column 21"]),
    (b"version: 1\nports: {s3: 1, s3: 2}\n", &["ports: duplicate entry with key \"s3\""]),
    (b"version: 1\n\0name: a\n", &["is not YAML", "control characters are not allowed"]),
    (b"version: 1\nname: *nope\n", &["is not YAML", "unknown anchor at line 2"]),
    (
        b"version: 1\nname: \"a\\nb\"\n",
        &["error: name (ozone-compose.yaml): Compose refuses the name `a\\nb`"],
    ),
    (b"version: 1\nname: ''\n", &["Compose refuses the name ``"]),
    (b"version: 1\nname: !mine x\n", &["name (ozone-compose.yaml): takes one plain value"]),
    (b"version: 1\n3: 4\n", &["3 (ozone-compose.yaml): unknown key"]),
    (b"version: 1\n? [a]\n: 4\n", &["unknown key"]),
    (
        b"version: 1\nGateways: {count: 2}\n",
        &["Gateways (ozone-compose.yaml): unknown key, did you mean `gateways`?"],
    ),
    (b"version: 1\ngateway: {count: 2}\n", &["unknown key, did you mean `gateways`?"]),
    (
        b"version: 1\ngateways: {counts: 2}\n",
        &["gateways.counts (ozone-compose.yaml): unknown key, did you mean `gateways.count`?"],
    ),
    (
        b"version: 1\ns3-port: 9000\n",
        &["s3-port (ozone-compose.yaml): unknown key, did you mean `ports.s3`?"],
    ),
    (b"version: 1\ngateways.count: 2\n", &["is two keys in YAML: write `gateways: {count: ...}`"]),
    (b"version: 1\ngateways: 3\n", &["gateways (ozone-compose.yaml): is a section, with the keys count, "]),
    (b"version: 1\ngateways: []\n", &["is a section, with the keys count, "]),
    (
        b"version: 1\ngateways: {count: [3]}\n",
        &["gateways.count (ozone-compose.yaml): takes one plain value"],
    ),
    (b"version: 1\ngateways: {count: true}\n", &["`true` is not a whole number"]),
    (b"version: 1\ngateways: {count: 3.0}\n", &["`3.0` is not a whole number"]),
    (b"version: 1\nservers: [[a]]\n", &["servers (ozone-compose.yaml): is a list of plain values"]),
    (b"version: 1\nservers: [1]\n", &["`1` has no port: write 1:9878"]),
    (b"version: 1\nozone: {version: 2.10}\n", &["`2.1` is not a version of three numbers such as 2.2.1"]),
    (b"version: 1\ntemplates: 5\n", &["there is no folder `./5`"]),
    (
        b"%YAML 1.2\n---\nversion: 1\n",
        &["has a shape that cannot be changed in place; write there by hand what is new: name: "],
    ),
];

/// Where something else lies than what belongs there.
const PLACES: &[Row] = &[
    (
        &[(YAML, Folder)],
        &["generate"],
        3,
        &["`ozone-compose.yaml` in `.` is a folder, where a file is to be", "move this one away"],
    ),
    (&[(YAML, Folder)], &["status"], 3, &["`ozone-compose.yaml` in `.` is a folder"]),
    (
        &[("c/docker-compose.yaml", Folder)],
        &["generate", "-o", "c"],
        3,
        &["`docker-compose.yaml` in `c` is a folder"],
    ),
    (
        &[("haproxy/s3-haproxy.cfg", Folder)],
        &["generate"],
        3,
        &["`haproxy/s3-haproxy.cfg` in `.` is a folder"],
    ),
    (&[("haproxy", File(b"mine"))], &["generate"], 1, &["./haproxy is not a folder"]),
    (&[("haproxy", Link("nowhere"))], &["generate"], 1, &["./haproxy is a link to nowhere"]),
    (&[("c", Link("nowhere"))], &["generate", "-o", "c"], 1, &["c is a link to nowhere"]),
    (&[("c", Link("c"))], &["generate", "-o", "c"], 1, &["Too many levels of symbolic links"]),
    (&[(".env", Link("none/env"))], &["generate"], 1, &["could not write to ./none; nothing was changed"]),
    (
        &[("docker-compose.yaml", File(b"services: {}\n"))],
        &["generate", "--force"],
        3,
        &["was not written by ozone-compose"],
    ),
    (&[(".env", File(b""))], &["generate"], 3, &["`.env` in `.` was not written by ozone-compose"]),
    (
        &[("docker-config", File(b"\xff\xfe"))],
        &["generate"],
        3,
        &["`docker-config` in `.` was not written by ozone-compose"],
    ),
    (
        &[("compose.override.yaml", File(b"\xff"))],
        &["generate"],
        2,
        &["compose.override.yaml: invalid utf-8"],
    ),
    (&[("compose.override.yaml", Folder)], &["generate"], 3, &["`compose.override.yaml` in `.` is a folder"]),
];

/// Runs a row, and compares everything there is before and after.
#[track_caller]
fn check(things: &[(&str, Thing)], typed: &[&str], exit: i32, says: &[&str]) {
    let sandbox = Sandbox::new();
    for (name, thing) in things {
        match thing {
            File(bytes) => sandbox.write(name, bytes),
            Folder => fs::create_dir_all(sandbox.path(name)).expect("a folder"),
            Link(target) => fs::os::unix::fs::symlink(target, sandbox.path(name)).expect("a link"),
        }
    }
    let before = sandbox.tree("");
    let mut command = sandbox.command(typed);
    // Without any PATH the system's own would be searched.
    let outcome = Outcome::of(command.env_clear().envs([("LANG", "C"), ("PATH", "/nonexistent")]));
    let at = format!("{typed:?} with {things:?}: {outcome}");
    assert_eq!((outcome.status, outcome.stdout.as_str()), (exit, ""), "{at}");
    for words in says {
        assert!(outcome.stderr.contains(words), "{words:?} in {at}");
    }
    for inside in INSIDES {
        assert!(!outcome.stderr.contains(inside), "{inside:?} in {at}");
    }
    assert_eq!(sandbox.tree(""), before, "{at}");
}

#[test]
fn what_is_mistyped_is_reported_and_nothing_is_written() {
    for (things, typed, exit, says) in TYPED {
        check(things, typed, *exit, says);
    }
}

#[test]
fn what_is_wrong_in_the_file_is_reported_and_nothing_is_written() {
    for (text, says) in FILES {
        check(&[(YAML, File(text))], &["generate"], 2, says);
    }
}

#[test]
fn what_lies_in_the_way_is_reported_and_left_there() {
    for (things, typed, exit, says) in PLACES {
        check(things, typed, *exit, says);
    }
}

#[test]
fn a_file_that_grows_without_end_is_no_yaml() {
    let lists: String = ('b'..='i').fold("a: &a [x, x]\n".to_owned(), |text, name| {
        let before = char::from(name as u8 - 1);
        let aliases = vec![format!("*{before}"); 9].join(", ");
        format!("{text}{name}: &{name} [{aliases}]\n")
    });
    let sandbox = Sandbox::new();
    sandbox.write(YAML, format!("version: 1\n{lists}"));
    let outcome = sandbox.run(&["generate"]);
    assert_eq!(
        outcome.to_string(),
        "exit 2\n--- stderr\nerror: ozone-compose.yaml: is not YAML: repetition limit exceeded\n\
         hint: correct ozone-compose.yaml; until then `ls`, `collect` and `down --name NAME` work\n"
    );
}

/// Texts of `ozone-compose.yaml` that are unusual, and what they are after `generate -n 4 --name demo`.
const FORGIVEN: &[(&[u8], &str)] = &[
    (b"\xef\xbb\xbfversion: 1\n", "version: 1\ngateways:\n  count: 4\nname: demo\n"),
    (b"version: 1\r\nname: demo\r\n", "version: 1\r\nname: demo\r\ngateways:\r\n  count: 4\r\n"),
    (b"version: 1", "version: 1\ngateways:\n  count: 4\nname: demo\n"),
    (b"---\nversion: 1\n...\n", "---\nversion: 1\ngateways:\n  count: 4\nname: demo\n...\n"),
    (b"{version: 1, name: demo}\n", "{version: 1, name: demo, gateways: {count: 4}}\n"),
    (b"version: 1\nname:\ngateways:\n", "version: 1\nname: demo\ngateways:\n  count: 4\n"),
    (b"version: 1\nname: demo\ngateways: {count: null}\n", "version: 1\nname: demo\ngateways: {count: 4}\n"),
    (b"\"version\": 1\nname: 'demo'\n", "\"version\": 1\nname: 'demo'\ngateways:\n  count: 4\n"),
];

#[test]
fn unusual_files_are_read_and_changed_in_place() {
    for (before, after) in FORGIVEN {
        let sandbox = Sandbox::new();
        sandbox.write(YAML, before);
        sandbox.succeed(&["generate", "-n", "4", "--name", "demo"]);
        assert_eq!(sandbox.read(YAML), *after);
        sandbox.succeed(&["generate", "--check"]);
    }
}

#[test]
fn folders_of_any_name_hold_a_cluster() {
    for (folder, project) in [
        ("my cluster", "mycluster"),
        ("Größe", "gre"),
        ("   ", "ozone"),
        ("-x", "x"),
        ("it's", "its"),
        ("$HOME", "home"),
        ("a\nb", "ab"),
        ("5", "5"),
    ] {
        let sandbox = Sandbox::new();
        let outcome = sandbox.succeed(&["generate", &format!("--output={folder}")]);
        assert!(outcome.stderr.contains(&format!("cluster `{project}`: ")), "{outcome}");
        sandbox.succeed(&["generate", "--check", &format!("--output={folder}")]);
        assert_eq!(sandbox.tree(folder).len(), 6);
    }
}

#[test]
fn links_stay_links() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("real")).expect("a folder");
    fs::create_dir(sandbox.path("kept")).expect("a folder");
    let link =
        |target: &str, name: &str| fs::os::unix::fs::symlink(target, sandbox.path(name)).expect("a link");
    link("real", "demo");
    // One leads to a file, one to a place where none is yet.
    sandbox.write("kept/choices.yaml", "version: 1\nname: demo # mine\n");
    link("../kept/choices.yaml", "real/ozone-compose.yaml");
    link("../kept/env", "real/.env");
    sandbox.succeed(&["generate", "-o", "demo", "-n", "4"]);
    for name in ["demo", "real/ozone-compose.yaml", "real/.env"] {
        assert!(sandbox.path(name).is_symlink(), "{name}");
    }
    assert_eq!(sandbox.read("kept/choices.yaml"), "version: 1\nname: demo # mine\ngateways:\n  count: 4\n");
    assert!(sandbox.read("kept/env").contains("COMPOSE_FILE="));
    sandbox.succeed(&["generate", "-o", "demo", "--check"]);
}

#[test]
fn empty_variables_count_as_unset_and_misspelled_ones_are_reported() {
    let sandbox = Sandbox::new();
    let empty = [("OZONE_COMPOSE_GATEWAYS", ""), ("OZONE_COMPOSE_SERVER", ""), ("OZONE_COMPOSE_NAME", "")];
    let outcome = sandbox.run_with(&empty, &["generate", "-o", "demo"]);
    assert_eq!(outcome.status, 0, "{outcome}");
    assert!(outcome.stderr.contains("cluster `demo`: 3 S3 gateways"), "{outcome}");

    let outcome = sandbox.run_with(&[("OZONE_COMPOSE_GATWAYS", "5")], &["generate", "-o", "demo"]);
    let suggestion =
        "OZONE_COMPOSE_GATWAYS is no variable of this tool, did you mean OZONE_COMPOSE_GATEWAYS?\n";
    let start = format!("exit 0\n--- stderr\n{suggestion}nothing to change in `demo`\n");
    assert!(outcome.to_string().starts_with(&start), "{outcome}");

    let outcome = sandbox.run_with(&[("OZONE_COMPOSE_GATEWAYS", " ")], &["generate", "-o", "demo"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(
        outcome.stderr.contains("gateways.count (OZONE_COMPOSE_GATEWAYS): ` ` is not a whole"),
        "{outcome}"
    );

    let outcome = sandbox.run_with(&[("OZONE_COMPOSE_OUTPUT", "")], &["generate"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(outcome.stderr.contains("unset OZONE_COMPOSE_OUTPUT"), "{outcome}");
    assert_eq!(sandbox.tree("").len(), 6);
}

#[test]
fn bytes_that_are_no_text_are_refused_or_taken_as_they_are() {
    use std::os::unix::ffi::OsStrExt;
    let bytes = std::ffi::OsStr::from_bytes(b"\xff");
    let sandbox = Sandbox::new();
    let outcome = Outcome::of(sandbox.command(&["generate", "--name"]).arg(bytes));
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(outcome.stderr.contains("invalid UTF-8"), "{outcome}");
    let outcome = Outcome::of(sandbox.command(&["generate"]).env("OZONE_COMPOSE_NAME", bytes));
    assert_eq!(outcome.status, 2, "{outcome}");
    assert!(outcome.stderr.contains("name (OZONE_COMPOSE_NAME): Compose refuses the name"), "{outcome}");
    assert_eq!(sandbox.tree(""), [].into());
    // A path need not be text.
    Outcome::of(sandbox.command(&["generate", "-o"]).arg(bytes)).succeeded();
    Outcome::of(sandbox.command(&["generate", "--check", "-o"]).arg(bytes)).succeeded();
}
