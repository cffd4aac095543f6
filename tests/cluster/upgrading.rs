//! Another Ozone under load: gateways alone and back, then everything.

use std::time::Duration;

use crate::running::{Cluster, TOOLS, end_unharmed};
use crate::support::load::{Load, Traffic};
use crate::support::{Outcome, Runs, say, tools};

const BEFORE: &str = "apache/ozone:2.2.0";
const AFTER: &str = "apache/ozone:2.2.1";

/// The services of an image, as `status` shows them; all, where no other image runs.
fn services_of(cluster: &Cluster, image: &str) -> String {
    let status = cluster.succeed(&["status"]).stdout;
    let row = status.lines().find_map(|line| line.strip_prefix(image));
    row.map_or_else(|| "all".to_owned(), |services| services.trim().to_owned())
}

#[test]
#[ignore = "starts a real cluster"]
fn a_distribution_of_ones_own_runs_in_the_place_of_the_images() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("dist");
    // The lab's jars, as a build of Ozone leaves its own.
    let source = format!("{}-source", cluster.project);
    Outcome::of(&mut cluster.docker(&["create", "--name", &source, AFTER])).succeeded();
    let dist = cluster.sandbox.path("cluster/dist");
    let copy = ["cp", &format!("{source}:/opt/hadoop"), &dist.display().to_string()];
    Outcome::of(&mut cluster.docker(&copy)).succeeded();
    Outcome::of(&mut cluster.docker(&["rm", &source])).succeeded();
    cluster.succeed(&["up", "-n", "2", "--ozone-dist", "dist", "--name", &cluster.project]);
    cluster.succeed(&["run", "--", "aws", "s3", "mb", "s3://kept"]);
    let services = ["s3g1", "s3g2", "scm", "om", "datanode1"];
    let seen = |service: &str| {
        let format = "{{range .Mounts}}{{.Source}} {{end}}{{.State.StartedAt}}";
        let container = format!("{}-{service}-1", cluster.project);
        Outcome::of(&mut cluster.docker(&["inspect", "--format", format, &container])).stdout
    };
    let before = services.map(seen);
    for (service, seen) in services.iter().zip(&before) {
        assert!(seen.contains(&dist.display().to_string()), "{service}: {seen}");
    }
    // As if it had been built again: each process does something else as it starts.
    let script = dist.join("libexec/entrypoint.sh");
    let text = fs_err::read_to_string(&script).expect("a script");
    fs_err::write(&script, text.replacen("set -eu\n", "set -eu\ntouch /tmp/built\n", 1)).expect("a script");
    cluster.succeed(&["restart", "--dist"]);
    for (service, before) in services.iter().zip(&before) {
        assert_ne!(&seen(service), before, "{service} has a new process");
        let container = format!("{}-{service}-1", cluster.project);
        Outcome::of(&mut cluster.docker(&["exec", &container, "test", "-e", "/tmp/built"])).succeeded();
    }
    cluster.succeed(&["smoke"]);
    cluster.succeed(&["run", "--", "aws", "s3", "ls", "s3://kept"]);
}

#[test]
#[ignore = "starts a real cluster"]
fn an_upgrade_with_several_scms_loses_what_ozone_loses_and_gateways_lose_nothing() {
    if !tools(&[TOOLS, &[BEFORE]].concat()) {
        return;
    }
    let cluster = Cluster::new("upgrade");
    let up = ["up", "--base", "ha", "-n", "3", "--ozone-version", "2.2.0", "--name", &cluster.project];
    cluster.succeed(&up);
    cluster.succeed(&["run", "--", "aws", "s3", "mb", "s3://kept"]);
    let load = || {
        let traffic = Traffic { at_most: Duration::from_secs(1800), ..Traffic::default() };
        Load::start("http://127.0.0.1:9878", traffic)
    };

    let gateways = load();
    cluster.succeed(&["upgrade", "--ozone-version", "2.2.1", "--gateways-only"]);
    assert_eq!(services_of(&cluster, AFTER), "s3g1, s3g2, s3g3");
    cluster.succeed(&["upgrade", "--rollback"]);
    assert_eq!(services_of(&cluster, AFTER), "all", "nothing runs it any more");
    end_unharmed(gateways, "three gateways get 2.2.1, and 2.2.0 again", 200);

    let all = load();
    let upgraded = cluster.succeed(&["upgrade", "--ozone-version", "2.2.1"]);
    assert!(
        upgraded.stderr.contains(&format!("{AFTER}: ")) && !upgraded.stderr.contains(BEFORE),
        "{upgraded}"
    );
    say(&format!("2.2.0 -> 2.2.1 with three SCMs, OMs and datanodes: {}", all.stop()));
    cluster.succeed(&["upgrade", "--finalize"]);
    cluster.succeed(&["run", "--", "aws", "s3", "ls", "s3://kept"]);
    cluster.succeed(&["smoke"]);
    cluster.succeed(&["generate", "--check"]);
}
