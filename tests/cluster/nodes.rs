//! A cluster on the three nodes of `.ci/swarm-engines`, whose manager `DOCKER_HOST` names.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::running::{TOOLS, end_unharmed};
use crate::secure::alice;
use crate::support::load::{Load, Traffic};
use crate::support::{Outcome, Runs, Sandbox, clean, say, tools};
use crate::swarm::OWN_FRONTEND;

/// How long a node is cut off: longer than Swarm takes to find that (15 to 20 s), so that it starts gateways elsewhere.
const AWAY: Duration = Duration::from_secs(45);

/// Takes a node off the network, or puts it back.
fn engines(verb: &str, node: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/swarm-engines");
    Outcome::of(Command::new(script).args([verb, node])).succeeded();
}

fn docker(arguments: &[&str]) -> Outcome {
    Outcome::of(clean("docker").args(arguments))
}

/// What `nodes` prints of a node.
fn row(sandbox: &Sandbox, number: &str) -> String {
    let placed = sandbox.succeed(&["nodes"]).stdout;
    placed.lines().find(|line| line.starts_with(&format!("node{number}"))).expect("a row").to_owned()
}

/// A stack that ends with the test.
struct Stack(String);

impl Drop for Stack {
    fn drop(&mut self) {
        if thread::panicking() {
            say(&docker(&["stack", "ps", "--no-trunc", &self.0]).to_string());
            docker(&["stack", "rm", &self.0]);
        }
    }
}

#[test]
#[ignore = "starts a real cluster"]
fn three_nodes_are_scaled_and_updated_and_lose_one() {
    if !tools(TOOLS) {
        return;
    }
    let nodes = docker(&["node", "ls", "--format", "{{.Hostname}} {{.Status}}"]).stdout;
    assert_eq!(nodes.matches("Ready").count(), 3, "`.ci/swarm-engines start` makes three nodes: {nodes}");
    let stack = Stack(format!("oc-test-nodes-{}", std::process::id()));
    let (sandbox, stack) = (Sandbox::new(), &stack.0);
    let up = ["up", "--target", "swarm", "-n", "3", "--name", stack, "--tls", "--secure", "--user", "alice"];
    sandbox.succeed(&["nodes", "--label", "node1=1"]);
    let ready = sandbox.succeed(&up);
    say(ready.stderr.lines().find(|line| line.contains("is ready")).expect("the time"));
    let (key, endpoint) = alice(&sandbox);
    let endpoint = endpoint.replace("https:", "http:").replace(":9879", ":9878");
    let traffic = || Traffic { at_most: Duration::from_secs(900), ..Traffic::default() };
    let load = || Load::of_user(&key, &endpoint, traffic());
    sandbox.succeed(&["smoke"]);

    let scaling = load();
    sandbox.succeed(&["scale", "6"]);
    assert_eq!(sandbox.succeed(&["status"]).stdout.matches("serves").count(), 6);
    sandbox.succeed(&["scale", "2"]);
    end_unharmed(scaling, "3 -> 6 -> 2", 200);

    let reloading = load();
    sandbox.succeed(&["up", "--balance", "roundrobin"]);
    sandbox.write("haproxy/zz-local.cfg", OWN_FRONTEND);
    sandbox.succeed(&["reload"]);
    end_unharmed(reloading, "HAProxy has other files", 50);

    let updating = load();
    sandbox.succeed(&["restart"]);
    // The KDC's keys are the same wherever it runs.
    docker(&["service", "update", "--force", &format!("{stack}_kdc")]).succeeded();
    sandbox.succeed(&["user", "add", "bob"]);
    end_unharmed(updating, "each gateway, and the KDC, has a new container", 200);

    sandbox.succeed(&["scale", "3"]);
    let number = ["3", "2"].into_iter().find(|number| row(&sandbox, number).contains("_s3gw"));
    let number = number.expect("Swarm spreads three gateways over the nodes");
    let node = format!("node{number}");
    let draining = load();
    sandbox.succeed(&["drain", "--node", &node]);
    let emptied = row(&sandbox, number);
    assert!(emptied.contains("drain") && !emptied.contains(stack), "{emptied}");
    end_unharmed(draining, &format!("{node} is drained"), 100);
    let refused = sandbox.run(&["drain", "--node", "node1"]);
    assert_eq!(refused.status, 3, "{refused}");
    sandbox.succeed(&["resume", "--node", &node]);
    sandbox.succeed(&["scale", "4"]);
    assert!(row(&sandbox, number).contains("_s3gw"), "the next one is on the node that has none");

    let losing = load();
    engines("cut", number);
    thread::sleep(AWAY);
    engines("mend", number);
    let back = Instant::now();
    // The gateway that was away ends now, and Swarm may keep its name in DNS until it has: 300 s at most.
    sandbox.succeed(&["up", "--timeout", "10m"]);
    say(&format!(
        "{node} is cut off for {AWAY:?} and all serves {:?} after: {}",
        back.elapsed(),
        losing.stop()
    ));
    sandbox.succeed(&["smoke"]);
    end_unharmed(load(), "all nodes are back", 50);

    sandbox.succeed(&["down", "--volumes"]);
    assert_eq!(docker(&["stack", "ls", "--format", "{{.Name}}"]).stdout, "");
}
