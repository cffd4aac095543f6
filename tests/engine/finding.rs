//! Gateways that HAProxy finds by DNS, and those of Ozone's own example.

use crate::lab::{Lab, docker};
use crate::support::{Outcome, Runs};

#[test]
fn gateways_found_by_dns_are_repaired_found_on_two_networks_and_scaled() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("dns");
    cluster.up(&["-n", "3", "--discovery", "dns"]);
    let all_serve = |count: usize, what: &str| {
        assert_eq!(cluster.conditions(), vec!["serving"; count], "{what}");
        assert_eq!((cluster.running_gateways(), cluster.up_count()), (count, count), "{what}");
    };
    all_serve(3, "after up");

    let second = cluster.gateway_containers()[1].name.clone();
    docker(&["kill", &second]);
    let restart = cluster.run(&["restart", "--timeout", "20s"]);
    assert_eq!(restart.status, 0, "{restart}");
    all_serve(3, &format!("a killed gateway was restarted: {restart}"));

    // Its name sorts before that of the cluster's own network, whose address HAProxy uses.
    let network = Network::new(format!("a-{}", cluster.project.name));
    let third = cluster.gateway_containers()[2].clone();
    docker(&["network", "connect", &network.0, &third.name]);
    all_serve(3, "on a second network");
    let writes = cluster.slow_writes(3, 2);
    cluster.succeed(&["scale", "2"]);
    assert!(
        writes.into_iter().all(|write| write.join().expect("an end")),
        "it was drained before it was removed"
    );
    all_serve(2, "after scale 2");
    assert!(cluster.gateway_containers().iter().all(|one| one.id != third.id));

    cluster.succeed(&["scale", "3"]);
    all_serve(3, "after scale 3");
    let first = cluster.gateway_containers()[0].name.clone();
    docker(&["kill", &first]);
    let scale = cluster.run(&["scale", "2", "--timeout", "20s"]);
    assert_eq!(scale.status, 0, "{scale}");
    all_serve(2, &format!("of three one had ended: {scale}"));
}

#[test]
fn each_gateway_of_ozones_own_example_is_proved_by_itself() {
    let Some(lab) = Lab::open() else { return };
    let cluster = lab.cluster("example");
    // The example has no port of HAProxy's own pages to choose.
    let options = cluster.options();
    let options = options.chunks(2).filter(|pair| pair[0] != "--stats-port").flatten();
    let mut up = cluster.command(&["up", "--profile", "upstream", "-n", "3", "--bind", "127.0.0.1"]);
    Outcome::of(up.args(options)).succeeded();

    let second = cluster.container("s3g2");
    docker(&["exec", &second, "touch", "/tmp/broken"]);
    let up = cluster.run(&["up", "--timeout", "6s"]);
    assert_eq!((up.status, up.stdout.as_str()), (5, ""), "{up}");
    assert!(up.stderr.contains("s3g2"), "it names the gateway: {up}");
    docker(&["exec", &second, "rm", "/tmp/broken"]);
    cluster.succeed(&["up"]);
}

/// A network that is not of any project.
struct Network(String);

impl Network {
    fn new(name: String) -> Self {
        docker(&["network", "create", &name]);
        Self(name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Whoever is still in it goes with its cluster, which goes later.
        let members = "{{range $id, $member := .Containers}}{{$id}} {{end}}";
        for id in docker(&["network", "inspect", "--format", members, &self.0]).split_whitespace() {
            docker(&["network", "disconnect", "--force", &self.0, id]);
        }
        docker(&["network", "rm", &self.0]);
    }
}
