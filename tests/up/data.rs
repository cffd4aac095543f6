//! What a cluster is to hold from the start.

use std::os::unix::fs::PermissionsExt;

use crate::lab::Lab;
use crate::support::Runs;
use crate::support::s3::Behaviour;

#[test]
fn buckets_are_made_once_and_kept_in_the_file() {
    let lab = Lab::new();
    let outcome = lab.succeed(&["up", "--bucket", "one,two", "--bucket", "three"]);
    assert_eq!(outcome.stdout, lab.endpoint_line());
    assert!(outcome.stderr.contains("  ok  buckets    made one, two, three\n"), "{outcome}");
    assert!(outcome.stderr.contains("\n  buckets     one, two, three\n"), "{outcome}");
    assert_eq!(lab.service.objects(), ["/one", "/three", "/two"]);

    // What is there stays, what is new joins.
    let outcome = lab.succeed(&["up", "--bucket", "three,four"]);
    assert!(outcome.stderr.contains("buckets: one two three -> three four\n"), "{outcome}");
    assert!(outcome.stderr.contains("  ok  buckets    made four; there already: three\n"), "{outcome}");
    assert!(outcome.stderr.contains("\n  buckets     three (there already), four\n"), "{outcome}");
    assert_eq!(lab.service.objects(), ["/four", "/one", "/three", "/two"]);
    let outcome = lab.succeed(&["up"]);
    assert!(outcome.stderr.contains("  ok  buckets    three, four: there already\n"), "{outcome}");
    assert!(lab.machine.sandbox.read("ozone-compose.yaml").contains("- four\n"));
    assert!(lab.succeed(&["up", "--dry-run"]).stdout.contains("make the buckets three, four: "));
}

#[test]
fn layouts_and_quotas_are_set_at_the_om_in_one_run_and_compared_with_existing_ones() {
    let lab = Lab::new();
    lab.succeed(&["up", "--bucket", "old"]);
    let said_to_om = || lab.did().into_iter().filter(|one| one.starts_with("bucket ")).collect::<Vec<_>>();
    assert_eq!(said_to_om(), [""; 0]);
    let about = r#"{ "name" : "old", "bucketLayout" : "OBJECT_STORE", "quotaInBytes" : 1048576 }"#;
    lab.set("shell", &format!("bucket info /s3v/old\n{about}\n"));
    let up = |buckets: &str| lab.run(&["up", "--bucket", buckets]);

    let outcome = up("logs:layout=fso:quota=10GB,old:quota=1MB");
    assert!(outcome.stderr.contains("  ok  buckets    made logs; there already: old\n"), "{outcome}");
    let create = "bucket create --layout=fso --quota=10GB --user=ozone-compose /s3v/logs";
    assert_eq!(said_to_om(), [create, "bucket info /s3v/old"]);
    let outcome = up("old:layout=obs:quota=2MB");
    assert!(outcome.stderr.contains("old: there already; set the quota of old\n"), "{outcome}");
    assert_eq!(said_to_om(), ["bucket info /s3v/old", "bucket setquota --quota=2MB /s3v/old"]);
    let outcome = up("old:layout=fso");
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    let said = "error: the bucket `old` is there with the layout obs, not fso, and a layout cannot change\n\
                hint: `--bucket old:layout=obs` keeps it as it is";
    assert!(outcome.stderr.contains(said), "{outcome}");

    let refusal = "echo 'QUOTA_ERROR too little' >&2; echo 'bucket info /s3v/old'; exit 255";
    lab.machine.answer_by_script("exec\\ --env*", refusal);
    let outcome = up("old:layout=obs");
    let said = "error: could not do `ozone sh bucket info /s3v/old` in om\n  | QUOTA_ERROR too little\n";
    assert!(outcome.status == 1 && outcome.stderr.contains(said), "{outcome}");
}

#[test]
fn a_bucket_that_cannot_be_made_fails_up_and_is_named() {
    let lab = Lab::of(Behaviour { refused: "two", ..Behaviour::healthy(3) });
    let outcome = lab.run(&["up", "--bucket", "one,two,three"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    assert!(outcome.stderr.contains("error: could not make the bucket `two`: gateway `s3g"), "{outcome}");
    assert!(outcome.stderr.contains("` answered 403 AccessDenied\nhint: `ozone-compose logs`"), "{outcome}");
    assert_eq!(lab.service.objects(), ["/one"]);
    // It is part of ready, so that what was started can be taken back.
    lab.service.does(Behaviour { refused: "two", ..Behaviour::healthy(3) });
    lab.succeed(&["down", "--volumes"]);
    let outcome = lab.run(&["up", "--rollback"]);
    assert!(outcome.status == 1 && outcome.stderr.contains("removed cluster `demo`\n"), "{outcome}");
}

#[test]
fn a_bad_name_of_a_bucket_is_refused_before_anything_starts() {
    let lab = Lab::new();
    let outcome = lab.run(&["up", "--bucket", "good,Bad,192.168.1.1"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{outcome}");
    let said = "buckets (--bucket): S3 takes no bucket by the name `Bad`: it has lower-case letters, digits, `-` and `.`\n";
    assert!(outcome.stderr.contains(said), "{outcome}");
    assert!(outcome.stderr.contains("`192.168.1.1`: an address, or digits alone, names none\n"), "{outcome}");
    assert_eq!(lab.did(), [""; 0]);
    assert!(lab.machine.sandbox.tree("").is_empty());
}

/// A machine with three files for two buckets, and an empty bucket.
fn seeded() -> Lab {
    let lab = Lab::new();
    let files = [("one/a/b.txt", "first"), ("one/c d", "second"), ("two/x", ""), (".DS_Store", "")];
    for (file, text) in files {
        lab.machine.sandbox.write(&format!("fixtures/{file}"), text);
    }
    fs_err::create_dir(lab.machine.sandbox.path("fixtures/empty")).expect("a folder");
    lab
}

#[test]
fn files_of_a_folder_are_objects_in_the_buckets_that_it_names() {
    let lab = seeded();
    let outcome = lab.succeed(&["up", "--seed", "fixtures", "--bucket", "two"]);
    assert!(outcome.stderr.contains("  ok  seed       wrote 3 objects\n"), "{outcome}");
    assert!(
        outcome.stderr.contains("\n  buckets     two, empty, one\n  objects     3 written\n"),
        "{outcome}"
    );
    let objects = ["/empty", "/one", "/one/a/b.txt", "/one/c d", "/two", "/two/x"];
    assert_eq!(lab.service.objects(), objects);
    assert_eq!(lab.service.object("/one/c d"), b"second");

    // What is there with the same size is left alone, the rest is written again.
    lab.machine.sandbox.write("fixtures/one/c d", "other!");
    lab.machine.sandbox.write("fixtures/one/a/b.txt", "longer");
    let outcome = lab.succeed(&["up"]);
    assert!(
        outcome.stderr.contains("  ok  seed       wrote 1 object; there already with the same size: 2\n"),
        "{outcome}"
    );
    assert!(
        outcome.stderr.contains("  objects     1 written, 2 there already with the same size\n"),
        "{outcome}"
    );
    assert_eq!(
        ["/one/c d", "/one/a/b.txt"].map(|path| lab.service.object(path)),
        [b"second".to_vec(), b"longer".to_vec()]
    );
    let plan = lab.succeed(&["up", "--dry-run"]).stdout;
    assert!(plan.contains("\nwrite 3 objects from ./fixtures: those that are there"), "{plan}");
}

#[test]
fn a_seed_that_is_not_there_is_refused_before_anything_starts() {
    let lab = seeded();
    let before = lab.machine.sandbox.tree("");
    for (seed, message) in [
        (
            "no",
            "error: seed: there is no folder `./no`\nhint: the path is relative to the cluster's folder\n",
        ),
        ("fixtures/one", "error: seed: `./fixtures/one/a`: S3 takes no bucket by the name `a`: "),
    ] {
        let outcome = lab.run(&["up", "--seed", seed]);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""), "{outcome}");
        assert!(outcome.stderr.starts_with(message), "{outcome}");
        assert!(lab.did().is_empty() && lab.machine.sandbox.tree("") == before, "{outcome}");
    }
}

#[test]
fn an_object_that_cannot_be_written_fails_up_and_is_named() {
    let lab = seeded();
    lab.service.does(Behaviour { refused: "one/a/b.txt", ..Behaviour::healthy(3) });
    let outcome = lab.run(&["up", "--seed", "fixtures"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    let said =
        "could not write `./fixtures/one/a/b.txt` as the object `a/b.txt` in the bucket `one`: gateway `s3g";
    assert!(outcome.stderr.contains(said), "{outcome}");
}

/// Writes an executable script for the shell into `ready.d`.
pub(crate) fn hook(lab: &Lab, name: &str, script: &str) {
    lab.machine.sandbox.write(&format!("ready.d/{name}"), format!("#!/bin/sh\n{script}\n"));
    let path = lab.machine.sandbox.path(&format!("ready.d/{name}"));
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[test]
fn hooks_run_in_order_of_name_with_the_variables_of_env_each_time_the_cluster_is_ready() {
    let lab = Lab::new();
    hook(&lab, "20-last", "echo last >> ran");
    hook(
        &lab,
        "10-first",
        "echo \"$AWS_ENDPOINT_URL_S3 $AWS_PROFILE$OZONE_COMPOSE_NAME\" >> ran; echo from-hook",
    );
    lab.machine.sandbox.write("ready.d/30-notes", "no program");
    let up = || {
        let mut command = lab.command(&["up", "--bucket", "one"]);
        crate::support::Outcome::of(command.env("AWS_PROFILE", "mine"))
    };
    let outcome = up();
    assert_eq!((outcome.status, outcome.stdout), (0, lab.endpoint_line()));
    let (before, after) = outcome.stderr.split_once("from-hook\n").expect("what a hook said");
    assert!(before.contains("ready.d/30-notes does not run: it is not executable"), "{before}");
    assert!(before.contains("  ok  buckets    made one\n"), "{before}");
    assert!(after.contains("  ok  hooks      ready.d/10-first has run\n"), "{after}");
    let once = format!("{} demo\nlast\n", lab.endpoint_line().trim_end());
    assert_eq!(lab.machine.sandbox.read("ran"), once);
    up();
    assert_eq!(lab.machine.sandbox.read("ran"), once.repeat(2));
    let plan = lab.succeed(&["up", "--dry-run"]).stdout;
    assert!(plan.ends_with(
        "run ready.d/10-first: the cluster is ready\nrun ready.d/20-last: the cluster is ready\n"
    ));
    assert_eq!(lab.machine.sandbox.read("ran"), once.repeat(2));
}

#[test]
fn a_hook_that_fails_fails_up_and_is_named_with_its_exit_code() {
    let lab = Lab::new();
    hook(&lab, "1", "echo why >&2; exit 7");
    hook(&lab, "2", ": > ran");
    let outcome = lab.run(&["up"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    assert!(
        outcome.stderr.ends_with(
            "error: the hook `ready.d/1` ended with exit code 7\n  | why\n\
             hint: the cluster runs; `ozone-compose up` runs all hooks again\n"
        ),
        "{outcome}"
    );
    assert!(!lab.machine.sandbox.path("ran").exists());
    // What cannot be run is no child whose exit code would count.
    lab.machine.sandbox.write("ready.d/1", "#!/no/such/shell\n");
    let outcome = lab.run(&["up"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.stderr.contains("error: could not run the hook `ready.d/1`: "), "{outcome}");
}
