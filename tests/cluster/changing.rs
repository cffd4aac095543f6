//! A cluster that is changed while clients write and read, none of which ever repeats a request.

use std::time::Duration;

use crate::running::{Cluster, TOOLS, end_unharmed};
use crate::support::load::{Load, Traffic};
use crate::support::{Outcome, Runs, tools};

const ENDPOINT: &str = "http://127.0.0.1:9878";

/// Twelve clients, for no longer than all the changes of a test could take.
fn load() -> Load {
    Load::start(ENDPOINT, Traffic { at_most: Duration::from_secs(600), ..Traffic::default() })
}

#[test]
#[ignore = "starts a real cluster"]
fn scaling_under_load_fails_no_request() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("scale");
    cluster.succeed(&["up", "-n", "3", "--name", &cluster.project]);
    let others = cluster.containers();

    let load = load();
    cluster.succeed(&["scale", "5"]);
    assert!(others.iter().all(|id| cluster.containers().contains(id)), "nothing else was recreated");
    assert_eq!(cluster.containers().len(), others.len() + 2);
    cluster.succeed(&["scale", "2"]);
    end_unharmed(load, "3 -> 5 -> 2", 200);
    assert_eq!(cluster.containers().len(), others.len() - 1);
    cluster.succeed(&["generate", "--check"]);
    cluster.succeed(&["smoke"]);

    let load = self::load();
    let before = cluster.containers();
    cluster.succeed(&["up", "--heap-gateway", "640m"]);
    end_unharmed(load, "gateways with another heap", 200);
    let kept = cluster.containers().into_iter().filter(|id| before.contains(id)).count();
    assert_eq!(kept, before.len() - 2, "both gateways are other containers, and nothing else is");

    let before = cluster.containers();
    cluster.succeed(&["stop"]);
    assert_eq!(cluster.containers(), [""; 0]);
    cluster.succeed(&["start"]);
    assert_eq!(cluster.containers(), before, "the same containers run again");
    cluster.succeed(&["smoke"]);
}

#[test]
#[ignore = "starts a real cluster"]
fn a_rolling_restart_reloads_and_other_settings_under_load_fail_no_request() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("restart");
    cluster.succeed(&["up", "-n", "3", "--name", &cluster.project]);
    let before = cluster.containers();

    let restarting = load();
    cluster.succeed(&["restart"]);
    end_unharmed(restarting, "a rolling restart", 200);

    let reloading = load();
    let mine = "frontend mine\n    mode http\n    bind :9999\n    http-request return status 200\n";
    cluster.sandbox.write("cluster/haproxy/zz-local.cfg", mine);
    for _ in 0..5 {
        cluster.succeed(&["reload"]);
    }
    let wget = ["compose", "exec", "-T", "s3g", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9999/"];
    assert!(cluster.docker(&wget).status().expect("docker").success(), "a person's own lines are loaded");

    cluster.sandbox.write("cluster/haproxy/zz-local.cfg", "frontend mine\n    nonsense\n");
    let refused = cluster.run(&["reload"]);
    assert_eq!(refused.status, 1, "{refused}");
    assert!(refused.stderr.contains("zz-local.cfg:2] : unknown keyword 'nonsense'"), "{refused}");
    fs_err::remove_file(cluster.sandbox.path("cluster/haproxy/zz-local.cfg")).expect("a file");

    let changed = ["up", "--balance", "roundrobin", "--maxconn", "2000", "--timeout-server", "4m"];
    cluster.succeed(&changed);
    cluster.succeed(&["drain", "s3g2"]);
    cluster.succeed(&["resume"]);
    end_unharmed(reloading, "eight reloads", 200);
    assert_eq!(cluster.containers(), before, "no container was recreated");
}

#[test]
#[ignore = "starts a real cluster"]
fn a_canary_takes_its_share_and_leaves_under_load_and_fails_no_request() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("canary");
    cluster.succeed(&["up", "-n", "3", "--name", &cluster.project]);
    let before = cluster.containers();
    let patched = format!("{}:patched", cluster.project);
    Outcome::of(&mut cluster.docker(&["tag", "apache/ozone:2.2.1", &patched]));

    let changing = load();
    let image = format!("s3g3={patched}");
    cluster.succeed(&["up", "--gateway-image", &image, "--weight", "s3g3=10", "--balance", "roundrobin"]);
    let kept = cluster.containers().into_iter().filter(|id| before.contains(id)).count();
    assert_eq!(kept, before.len() - 1, "one gateway is another container, and nothing else is");
    let status = cluster.succeed(&["status"]).stdout;
    let row = status.lines().find(|line| line.starts_with(&patched)).expect("its image");
    assert!(row.ends_with(" s3g3"), "{status}");
    end_unharmed(changing, "s3g3 has another image", 200);
    let shared = load();
    let report = end_unharmed(shared, "with a canary", 200);
    let served = report.by_gateway();
    assert!(served["s3g3"] * 5 < served["s3g1"], "{report}");

    let back = load();
    cluster.sandbox.write("cluster/ozone-compose.yaml", format!("version: 1\nname: {}\n", cluster.project));
    cluster.succeed(&["up"]);
    end_unharmed(back, "s3g3 has the released image again", 200);
    Outcome::of(&mut cluster.docker(&["image", "rm", &patched]));
}

#[test]
#[ignore = "starts a real cluster"]
fn a_balancer_that_starts_again_serves_and_sends_nothing_to_a_drained_gateway() {
    if !tools(TOOLS) {
        return;
    }
    let cluster = Cluster::new("again");
    cluster.succeed(&["up", "-n", "2", "--name", &cluster.project]);
    cluster.succeed(&["drain", "s3g2"]);
    for restart in [&["restart", "s3g"][..], &["kill", "s3g"], &["stop"]] {
        cluster.compose(restart);
        cluster.succeed(&["up"]);
        let load = load();
        let report = end_unharmed(load, &format!("after {restart:?}"), 200);
        assert_eq!(report.by_gateway().into_keys().collect::<Vec<_>>(), ["s3g1"], "{report}");
    }
    cluster.succeed(&["reload"]);
    cluster.succeed(&["resume"]);
    cluster.succeed(&["smoke"]);
}
