//! A cluster on Docker Swarm, on the one node that this engine is. Changes it only where it is in no Swarm, and leaves it then.

use std::time::Duration;

use crate::running::{TOOLS, end_unharmed};
use crate::support::load::{Load, Traffic};
use crate::support::{Outcome, Runs, Sandbox, clean, say, tools};

/// A file of a person's own for HAProxy.
pub(crate) const OWN_FRONTEND: &str = "frontend local\n    bind :8405\n    http-request return status 204\n";

const ENDPOINT: &str = "http://127.0.0.1:9878";

fn docker(arguments: &[&str]) -> Outcome {
    Outcome::of(clean("docker").args(arguments))
}

fn load() -> Load {
    Load::start(ENDPOINT, Traffic { at_most: Duration::from_secs(600), ..Traffic::default() })
}

/// A Swarm of this engine alone, and a stack in it; both end with the test.
struct Swarm {
    stack: String,
}

impl Swarm {
    fn start() -> Self {
        let state = docker(&["info", "--format", "{{.Swarm.LocalNodeState}}"]).stdout;
        assert_eq!(state.trim(), "inactive", "this engine is in a Swarm, which stays as it is");
        docker(&["swarm", "init", "--advertise-addr", "127.0.0.1"]).succeeded();
        Self { stack: format!("oc-test-swarm-{}", std::process::id()) }
    }

    /// What is left of the stack.
    fn leftovers(&self) -> String {
        let label = format!("label=com.docker.stack.namespace={}", self.stack);
        let lists: [&[&str]; 6] = [
            &["service", "ls"],
            &["config", "ls"],
            &["secret", "ls"],
            &["network", "ls"],
            &["volume", "ls"],
            &["ps", "--all"],
        ];
        lists.iter().map(|list| docker(&[list, &["-q", "--filter", &label][..]].concat()).stdout).collect()
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(&docker(&["stack", "ps", "--no-trunc", &self.stack]).to_string());
        }
        docker(&["stack", "rm", &self.stack]);
        docker(&["swarm", "leave", "--force"]);
        let volumes = docker(&["volume", "ls", "-q", "--filter", &format!("name={}_", self.stack)]).stdout;
        for volume in volumes.lines() {
            docker(&["volume", "rm", "--force", volume]);
        }
    }
}

#[test]
#[ignore = "starts a real cluster"]
fn a_stack_is_scaled_and_replaced_under_load_and_fails_no_request() {
    if !tools(TOOLS) {
        return;
    }
    let (sandbox, swarm) = (Sandbox::new(), Swarm::start());
    let up = ["up", "--target", "swarm", "-n", "2", "--tls", "--name", &swarm.stack];
    let refused = sandbox.run(&up);
    assert_eq!(refused.status, 1, "{refused}");
    assert!(refused.stderr.contains("no node has the label ozone=1"), "{refused}");
    let (_, typed) = refused.stderr.split_once("`ozone-compose nodes ").expect("a command to type");
    let typed = typed.split('`').next().expect("a command");
    sandbox.succeed(&[&["nodes"], typed.split(' ').collect::<Vec<_>>().as_slice()].concat());
    let ready = sandbox.succeed(&up);
    assert_eq!(ready.stdout.trim(), "https://127.0.0.1:9879", "{ready}");
    say(ready.stderr.lines().find(|line| line.contains("is ready")).expect("the time"));
    sandbox.succeed(&["smoke"]);
    sandbox.succeed(&["run", "--", "aws", "s3", "mb", "s3://stacked"]);

    let scaling = load();
    sandbox.succeed(&["scale", "4"]);
    assert_eq!(sandbox.succeed(&["status"]).stdout.matches("serves").count(), 4);
    sandbox.succeed(&["scale", "2"]);
    end_unharmed(scaling, "2 -> 4 -> 2", 200);
    sandbox.succeed(&["generate", "--check"]);

    let replacing = load();
    sandbox.succeed(&["up", "--heap-gateway", "640m"]);
    end_unharmed(replacing, "gateways with another heap", 200);

    let reloading = load();
    sandbox.succeed(&["up", "--balance", "roundrobin"]);
    sandbox.write("haproxy/zz-local.cfg", OWN_FRONTEND);
    sandbox.succeed(&["reload"]);
    sandbox.write("haproxy/zz-local.cfg", "frontend local\n    bindd :8405\n");
    let refused = sandbox.run(&["reload"]);
    assert_eq!(refused.status, 1, "{refused}");
    assert!(refused.stderr.contains("unknown keyword 'bindd'"), "{refused}");
    fs_err::remove_file(sandbox.path("haproxy/zz-local.cfg")).expect("the file");
    sandbox.succeed(&["reload"]);
    end_unharmed(reloading, "HAProxy has other files", 200);

    let refused = sandbox.run(&["up", "--s3-port", "9888"]);
    assert_eq!(refused.status, 3, "{refused}");
    let gap = load();
    sandbox.succeed(&["up", "--stats-port", "8414", "--yes"]);
    say(&format!("HAProxy's container is replaced: {}", gap.stop()));

    let named = sandbox.run(&["drain", "s3g2"]);
    assert_eq!(named.status, 2, "{named}");
    sandbox.succeed(&["run", "--", "aws", "s3", "ls", "s3://stacked"]);
    sandbox.succeed(&["down", "--volumes"]);
    assert_eq!(swarm.leftovers(), "");
}
