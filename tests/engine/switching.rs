//! What cannot be changed on a cluster that runs is refused before anything happens.

use crate::cluster::assert_unharmed;
use crate::lab::Lab;
use crate::support::{Runs, tree};

#[test]
fn another_profile_base_or_name_is_refused_while_the_cluster_runs() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("other");
    cluster.up(&["-n", "2"]);
    let (choices, containers) = (cluster.choices(), cluster.project.containers());
    let another = lab.cluster("another");
    let name = another.project.name.as_str();
    for change in [["--profile", "upstream"], ["--base", "ha"], ["--name", name]] {
        if change[1] == "upstream" {
            // It has no such port, which would be an error of its own.
            cluster.edit("ozone-compose.yaml", &format!("  stats: {}\n", cluster.ports.stats), "");
        }
        let folder = tree(&cluster.folder);
        let up = cluster.run(&["up", "--timeout", "5s", change[0], change[1]]);
        assert_eq!((up.status, up.stdout.as_str()), (3, ""), "{change:?}: {up}");
        let hint = up.stderr.lines().find(|line| line.starts_with("hint: "));
        assert!(hint.is_some_and(|hint| hint.contains("`ozone-compose ")), "{change:?}: {up}");
        assert_eq!(cluster.project.containers(), containers, "{change:?}: {up}");
        assert_eq!(another.project.containers(), [], "{change:?}: {up}");
        assert!(tree(&cluster.folder) == folder, "{change:?}: {up}");
        cluster.write("ozone-compose.yaml", &choices);
    }
    assert_eq!(cluster.conditions(), ["serving"; 2]);
}

#[test]
fn another_discovery_fails_no_request_or_is_refused() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("find");
    cluster.up(&["-n", "2"]);
    let load = cluster.load();
    for discovery in ["dns", "static"] {
        let (folder, containers) = (tree(&cluster.folder), cluster.project.containers());
        let up = cluster.run(&["up", "--discovery", discovery]);
        if up.status == 3 {
            assert!(up.stderr.contains("hint: "), "{up}");
            assert!(tree(&cluster.folder) == folder, "{up}");
            assert_eq!(cluster.project.containers(), containers, "{up}");
        } else {
            assert_eq!(up.status, 0, "{up}");
        }
        assert_eq!((cluster.conditions(), cluster.up_count()), (vec!["serving".to_owned(); 2], 2));
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_unharmed(&load.stop(), "static -> dns -> static");
}
