//! Machines on which something is missing, old or broken: each verb says what, and changes nothing.

use fs_err as fs;

use crate::lab::Lab;
use crate::support::Runs;

/// Verbs that cannot do without the engine, as they are typed.
const VERBS: &[&[&str]] = &[
    &["up"],
    &["scale", "4"],
    &["drain", "s3g1"],
    &["resume"],
    &["restart"],
    &["reload"],
    &["status"],
    &["down"],
    &["down", "--all", "--volumes"],
];

/// What is wrong with the machine, the exit code, and what must be said.
type State = (&'static str, fn(&Lab), i32, &'static [&'static str]);

/// What no verb can do anything about.
const STATES: &[State] = &[
    (
        "the engine is down",
        |lab| {
            lab.machine.answer(
                "*",
                1,
                "",
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n",
            );
        },
        4,
        &["Cannot connect to the Docker daemon", "hint: "],
    ),
    (
        "its socket is another's",
        |lab| {
            let refused =
                "permission denied while trying to connect to the Docker daemon socket at unix:///x\n";
            lab.machine.answer("*", 1, "", refused);
        },
        4,
        &["permission denied while trying to connect", "hint: "],
    ),
    (
        "there is no docker",
        |lab| fs::remove_file(lab.machine.beside("docker")).expect("the program"),
        4,
        &["`docker` is not on PATH", "hint: install Docker Engine and its Compose plugin"],
    ),
    (
        "docker is no program",
        |lab| {
            fs::remove_file(lab.machine.beside("docker")).expect("the program");
            lab.set("docker", "not a program");
        },
        4,
        &["`docker` does not start: Permission denied", "hint: install Docker Engine"],
    ),
    (
        "docker is a folder",
        |lab| {
            fs::remove_file(lab.machine.beside("docker")).expect("the program");
            fs::create_dir(lab.machine.beside("docker")).expect("a folder");
        },
        4,
        &["`docker` does not start: Permission denied"],
    ),
];

/// What only verbs that start services meet.
const COMPOSE: &[State] = &[
    (
        "there is no plugin",
        |lab| lab.machine.answer("compose*", 1, "", "docker: 'compose' is not a docker command.\n"),
        4,
        &["compose", "hint: "],
    ),
    (
        "docker takes its flag for one of its own",
        |lab| {
            lab.machine.answer("compose*", 125, "", "unknown flag: --env-file\nSee 'docker --help'.\n");
        },
        4,
        &["compose", "hint: "],
    ),
];

/// What keeps `up` from starting anything, where the folder has its files or not.
const START: &[State] = &[
    (
        "Compose is old",
        |lab| lab.machine.answer("compose\\ version*", 0, "2.10.2\n", ""),
        4,
        &["Compose 2.10.2 is older than 2.20", "hint: install the Compose plugin, 2.20 or later"],
    ),
    (
        "Compose is too old by one",
        |lab| lab.machine.answer("compose\\ version*", 0, "v2.19.1\n", ""),
        4,
        &["Compose v2.19.1 is older than 2.20"],
    ),
    (
        "Compose is of the first version",
        |lab| {
            lab.machine.answer("compose\\ version*", 1, "", "docker: 'compose' is not a docker command.\n");
            lab.machine.answer("version\\ --short", 0, "1.29.2\n", "");
            let (program, link) = (lab.machine.beside("docker"), lab.machine.beside("docker-compose"));
            fs::os::unix::fs::symlink(fs::read_link(program).expect("a link"), link).expect("a program");
        },
        4,
        &["there is only the program `docker-compose` 1.29.2"],
    ),
    (
        "the engine has little memory",
        |lab| {
            lab.machine.answer("info*", 0, r#"{"MemTotal":1073741824,"NCPU":2,"Architecture":"x86_64"}"#, "");
        },
        1,
        &[
            "memory: 1.0 GiB for 2 CPUs (x86_64); heaps grow to 3.0 GiB",
            "hint: fewer gateways (`--gateways`)",
        ],
    ),
];

/// A cluster that runs.
fn started() -> Lab {
    let lab = Lab::new();
    lab.succeed(&["up"]);
    lab.did();
    lab
}

/// Runs verbs on a machine, which must all end so and change nothing.
fn check(lab: &Lab, verbs: &[&[&str]], (what, spoil, exit, says): &State) {
    spoil(lab);
    let before = lab.machine.sandbox.tree("");
    for verb in verbs {
        let outcome = lab.run(verb);
        let at = format!("{what}, {verb:?}: {outcome}");
        assert_eq!((outcome.status, outcome.stdout.as_str()), (*exit, ""), "{at}");
        for words in *says {
            assert!(outcome.stderr.contains(words), "{words:?} in {at}");
        }
        assert!(!outcome.stderr.contains("panicked"), "{at}");
        assert_eq!(lab.did(), [""; 0], "{at}");
        assert_eq!(lab.machine.sandbox.tree(""), before, "{at}");
    }
}

#[test]
fn without_an_engine_every_verb_says_so_and_leaves_everything_as_it_is() {
    for state in STATES {
        check(&started(), VERBS, state);
    }
}

#[test]
fn without_a_compose_that_can_be_used_verbs_that_start_services_say_so() {
    for state in COMPOSE {
        check(&started(), &[&["up", "-n", "4"], &["scale", "4"]], state);
        // The others do without.
        let lab = started();
        state.1(&lab);
        for verb in VERBS.iter().filter(|verb| !["up", "scale"].contains(&verb[0])) {
            lab.succeed(verb);
        }
    }
}

#[test]
fn what_keeps_a_cluster_from_starting_is_found_before_anything_is_written() {
    for state in START {
        check(&started(), &[&["up"]], state);
        check(&Lab::new(), &[&["up"], &["up", "-o", "new/folder"]], state);
    }
}

/// What is typed beside a cluster that runs, the exit code, and what must be said.
const TYPED: &[(&[&str], i32, &[&str])] = &[
    (&["scale", "0"], 2, &["gateways.count (argument): 0 is not between 1 and 512"]),
    (&["scale", "513"], 2, &["513 is not between 1 and 512"]),
    (&["scale", "three"], 2, &["`three` is not a whole number"]),
    (&["scale", "--", "-1"], 2, &["-1 is not between 1 and 512"]),
    (&["drain", "s3g4"], 2, &["cluster `demo` has no gateway `s3g4`", "hint: it has s3g1, s3g2, s3g3"]),
    (&["drain", "s3g1", "s3g2", "s3g3"], 2, &["no gateway would be left to serve"]),
    (&["resume", "s3g4"], 2, &["cluster `demo` has no gateway `s3g4`"]),
    (&["restart", "s3g4"], 2, &["cluster `demo` has no gateway `s3g4`"]),
    (
        &["up", "--bind", "203.0.113.7"],
        1,
        &["203.0.113.7 (ports.bind) is no address of this machine", "--bind 127.0.0.1"],
    ),
    (
        &["up", "--collect-on-failure", "none/x.tar.gz"],
        2,
        &["could not write none/x.tar.gz: there is no folder `none`"],
    ),
    (&["up", "--base", "none"], 2, &["has no meaning with the base `none`"]),
    (&["down", "-o", "elsewhere"], 2, &["there is no cluster in `elsewhere`"]),
    (&["status", "-o", "haproxy"], 2, &["there is no cluster in `haproxy`"]),
    (&["run", "--", "no-such-program"], 127, &["`no-such-program` is not on PATH"]),
    (&["run", "--", "./haproxy"], 126, &["`./haproxy` cannot be run: Permission denied"]),
    (&["collect", "-o", "haproxy"], 2, &["there is no cluster in `haproxy`", "`ozone-compose ls` shows"]),
    (&["collect", "docker-compose.yaml"], 2, &["could not write docker-compose.yaml: it is there already"]),
];

#[test]
fn what_is_mistyped_changes_nothing_of_a_cluster_that_runs() {
    let lab = started();
    for (typed, exit, says) in TYPED {
        check(&lab, &[typed], &("it is well", |_| {}, *exit, says));
    }
}
