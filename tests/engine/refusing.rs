//! A configuration that HAProxy refuses is found before anything is changed.

use crate::lab::Lab;
use crate::support::Runs;

#[test]
fn nothing_is_changed_where_haproxy_would_not_load_the_configuration() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("broken");
    cluster.up(&["-n", "3"]);
    cluster.write("haproxy/zz-local.cfg", "frontend mine\n    nonsense\n");
    let (choices, containers, servers) = (cluster.choices(), cluster.project.containers(), cluster.servers());
    let verbs = [
        &["drain", "s3g2"][..],
        &["scale", "2"],
        &["scale", "4"],
        &["up", "-n", "2"],
        &["up", "--balance", "roundrobin"],
        &["reload"],
    ];
    for verb in verbs {
        let outcome = cluster.run(verb);
        assert_eq!(outcome.status, 1, "{verb:?}: {outcome}");
        assert!(outcome.stderr.contains("zz-local.cfg"), "{verb:?}: {outcome}");
        assert_eq!(cluster.choices(), choices, "{verb:?}: {outcome}");
        assert_eq!(cluster.project.containers(), containers, "{verb:?}: {outcome}");
        assert_eq!(cluster.servers(), servers, "{verb:?}: {outcome}");
        assert_eq!(cluster.conditions(), ["serving"; 3], "{verb:?}: {outcome}");
    }

    fs_err::remove_file(cluster.folder.join("haproxy/zz-local.cfg")).expect("a file");
    cluster.succeed(&["scale", "2"]);
    assert_eq!(cluster.conditions(), ["serving"; 2]);
}
