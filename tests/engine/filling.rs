//! What a cluster is to hold from the start.

use std::os::unix::fs::PermissionsExt;

use crate::lab::Lab;
use crate::support::{Outcome, Runs};

#[test]
fn buckets_objects_and_what_hooks_do_are_there_once_up_has_ended() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("fill");
    cluster.write("fixtures/two/a/b c.txt", "seed");
    cluster.write("ready.d/1", &format!("#!/bin/sh\n'{}' smoke\n", env!("CARGO_BIN_EXE_ozone-compose")));
    let hook = cluster.folder.join("ready.d/1");
    fs_err::set_permissions(hook, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let outcome = cluster.up(&["-n", "2", "--bucket", "one", "--seed", "fixtures"]);
    assert!(outcome.stderr.contains("\n  buckets     one, two\n  objects     1 written\n"), "{outcome}");
    assert!(outcome.stderr.contains("multipart"), "the hook has its say in {outcome}");
    let read = |bucket: &str, key: &str| cluster.client(bucket).get(key).expect("an answer");
    assert_eq!(read("two", "a/b c.txt").body, b"seed");
    assert_eq!(read("one", "no").verdict(), "404 NoSuchKey");

    let again = cluster.succeed(&["up"]);
    assert!(again.stderr.contains("one (there already), two (there already)\n"), "{again}");
    assert!(again.stderr.contains("0 written, 1 there already with the same size\n"), "{again}");
    cluster.write("ready.d/1", "#!/bin/sh\nexit 3\n");
    let failed = Outcome::of(&mut cluster.command(&["up"]));
    assert_eq!((failed.status, failed.stdout.as_str()), (1, ""), "{failed}");
}

#[test]
fn layouts_and_quotas_are_set_at_the_om_and_compared_with_existing_ones() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("layouts");
    let up = |buckets: &str| Outcome::of(&mut cluster.command(&["up", "--bucket", buckets]));
    let outcome = cluster.up(&["-n", "1", "--bucket", "plain,logs:layout=fso:quota=10GB"]);
    assert!(outcome.stderr.contains("  ok  buckets    made plain, logs\n"), "{outcome}");
    let read = |bucket: &str| cluster.client(bucket).get("no").expect("an answer").verdict();
    assert_eq!(["plain", "logs", "none"].map(read), ["404 NoSuchKey", "404 NoSuchKey", "404 NoSuchBucket"]);

    let outcome = up("logs:layout=fso:quota=20GB,plain:quota=1MB");
    let said = "logs, plain: there already; set the quota of logs, plain\n";
    assert!(outcome.status == 0 && outcome.stderr.contains(said), "{outcome}");
    let outcome = up("logs:layout=fso:quota=20GB,plain:quota=1MB");
    assert!(outcome.stderr.contains("  ok  buckets    logs, plain: there already\n"), "{outcome}");
    let outcome = up("plain:layout=fso,late:layout=legacy");
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    let said =
        "error: the bucket `plain` is there with the layout obs, not fso, and a layout cannot change\n";
    assert!(outcome.stderr.contains(said), "{outcome}");
    let outcome = up("late:layout=legacy");
    assert!(outcome.stderr.contains("  ok  buckets    late: there already\n"), "{outcome}");
}
