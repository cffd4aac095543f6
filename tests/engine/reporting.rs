//! What the tool prints of a cluster, and who may read it.

use std::os::unix::fs::PermissionsExt;

use crate::lab::Lab;
use crate::support::Runs;

#[test]
fn status_separates_what_haproxy_does_from_what_the_files_say() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("pending");
    cluster.up(&["-n", "2"]);
    cluster.succeed(&["generate", "--drained", "s3g2"]);
    assert_eq!(cluster.conditions(), ["serving", "serving"]);
    let gateways = cluster.gateways();
    assert_eq!(gateways[1]["pending"], "to be drained", "{gateways:#?}");
    assert!(gateways[0]["pending"].is_null(), "{gateways:#?}");
    let table = cluster.succeed(&["status"]).stdout;
    let line = table.lines().find(|line| line.starts_with("s3g2 ") && line.contains("serves"));
    assert!(line.is_some_and(|line| line.contains("to be drained")), "{table}");

    cluster.succeed(&["reload"]);
    assert_eq!(cluster.conditions(), ["serving", "drained"]);
    assert!(cluster.gateways().iter().all(|one| one["pending"].is_null()));

    let archive = cluster.folder.join("all.tar.gz");
    cluster.succeed(&["collect", "all.tar.gz"]);
    let mode = fs_err::metadata(archive).expect("an archive").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "logs and settings are for their owner");
}
