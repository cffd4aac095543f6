//! Changes that need new containers of gateways are made one gateway at a time.

use crate::cluster::assert_unharmed;
use crate::lab::Lab;
use crate::support::Runs;

#[test]
fn a_verb_says_which_choices_it_leaves_pending_and_up_rolls_through_the_gateways() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("roll");
    cluster.up(&["-n", "2", "--heap-gateway", "256m"]);
    let before = cluster.project.containers();
    cluster.edit("ozone-compose.yaml", "gateway: 256m", "gateway: 300m");
    let scale = cluster.succeed(&["scale", "3"]);
    let pending = scale.stderr.lines().find(|line| line.contains("pending"));
    let names_them = |line: &str| line.contains("s3g1") && line.contains("s3g2") && !line.contains("s3g3");
    assert!(pending.is_some_and(|line| names_them(line) && line.contains("`ozone-compose up`")), "{scale}");
    let after = cluster.project.containers();
    assert!(before.iter().all(|one| after.contains(one)), "no other container was touched");

    let have_heap = |heap: &str| {
        let options = cluster.variable_of_gateways("OZONE_S3G_OPTS");
        let have_it = options.iter().filter(|one| one.contains(&format!("-Xmx{heap}")));
        assert_eq!(have_it.count(), 3, "{heap}: {options:?}");
        assert_eq!(cluster.conditions(), ["serving"; 3]);
    };
    let load = cluster.load();
    cluster.succeed(&["up"]);
    assert_unharmed(&load.stop(), "an edited heap");
    have_heap("300m");

    let load = cluster.load();
    cluster.succeed(&["up", "--heap-gateway", "320m"]);
    assert_unharmed(&load.stop(), "a heap by a flag");
    have_heap("320m");
    let others = |containers: Vec<crate::lab::Container>| -> Vec<_> {
        containers.into_iter().filter(|one| one.role != "gateway").collect()
    };
    assert_eq!(others(cluster.project.containers()), others(before), "nothing else was recreated");
}
