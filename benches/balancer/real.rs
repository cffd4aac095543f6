//! Real clusters, one after the other.

use std::thread;
use std::time::Duration;

use crate::running::{ADDRESS, Cluster, TOOLS};
use crate::support::load::{Load, Traffic};
use crate::support::{Outcome, Runs, say, tools};
use crate::{PROFILES, Row, verdict};

/// Time from an injury to the cure: longer than HAProxy takes to notice.
const INJURED: Duration = Duration::from_secs(8);

/// Time from the cure to the end of a measurement.
const CURED: Duration = Duration::from_secs(4);

pub(crate) fn rows() -> Vec<Row> {
    assert!(tools(TOOLS), "this needs Docker and the images");
    let [tuned, upstream] = PROFILES.map(of_profile);
    let pairs = tuned.into_iter().zip(upstream);
    pairs.map(|((what, tuned), (_, upstream))| (what.to_owned(), [tuned, upstream])).collect()
}

/// Everything that is measured of one cluster.
fn of_profile(profile: &str) -> Vec<(&'static str, String)> {
    let cluster = Cluster::new(&format!("bench-{profile}"));
    let outcome = cluster.succeed(&["up", "-n", "3", "--name", &cluster.project, "--profile", profile]);
    say(&format!("{profile}: {}", outcome.stderr.lines().last().unwrap_or_default()));
    let docker = |arguments: &[&str]| Outcome::of(&mut cluster.docker(arguments)).succeeded();
    let container = |service: &str| format!("{}-{service}-1", cluster.project);
    let measure = |what: &'static str, injure: &dyn Fn(), cure: &dyn Fn()| {
        let load = Load::start(&format!("http://{ADDRESS}"), Traffic::default());
        thread::sleep(Duration::from_secs(3));
        injure();
        thread::sleep(INJURED);
        cure();
        let verdict = verdict(&format!("{profile}, {what}"), load, CURED);
        // Whole again before the next. Ozone's example knows addresses from its start only.
        docker(&["compose", "up", "--detach"]);
        docker(&["compose", "restart", "s3g"]);
        cluster.succeed(&["up", "-q"]);
        (what, verdict)
    };
    let (first, second, third, balancer) =
        (container("s3g1"), container("s3g2"), container("s3g3"), container("s3g"));
    vec![
        measure("nothing happens", &|| (), &|| ()),
        measure("five reloads", &|| reload(&docker, &balancer), &|| ()),
        measure("a gateway is frozen for 8 s", &|| docker(&["pause", &third]), &|| {
            docker(&["unpause", &third]);
        }),
        measure("a gateway is killed", &|| docker(&["kill", &second]), &|| docker(&["start", &second])),
        measure(
            "a gateway's container is removed, and made anew",
            &|| docker(&["rm", "--force", &first]),
            &|| docker(&["compose", "up", "--detach"]),
        ),
    ]
}

fn reload(docker: &dyn Fn(&[&str]), balancer: &str) {
    for _ in 0..5 {
        docker(&["kill", "--signal", "USR2", balancer]);
        thread::sleep(Duration::from_secs(1));
    }
}
