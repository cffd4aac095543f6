//! The overlay over an Ozone checkout's own files, as Compose understands the two together.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::checkout::{CHECKOUTS, RUNNER};
use crate::compose::{config, published, services};
use crate::support::{Runs, Sandbox, tools};

/// How an overlay is named to Compose in a checkout.
pub(crate) const OVERLAY: [&str; 4] = ["-f", "docker-compose.yaml", "-f", "s3-haproxy.yaml"];

#[test]
fn an_overlay_adds_gateways_and_changes_no_service_but_s3g() {
    if !tools(&["docker compose"]) {
        return;
    }
    for checkout in CHECKOUTS {
        let sandbox = Sandbox::new();
        let folder = checkout.make(&sandbox);
        let before = config(&folder, &[]);
        sandbox.succeed(&["generate", "--base", "none", "-n", "4", "-o", &folder.display().to_string()]);
        let after = config(&folder, &OVERLAY);

        let names =
            |project: &Value| services(project).map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
        let added: Vec<String> = names(&after).difference(&names(&before)).cloned().collect();
        assert_eq!(added, ["s3g1", "s3g2", "s3g3", "s3g4"], "{checkout:?}");
        for (name, service) in services(&before).filter(|(name, _)| *name != "s3g") {
            assert_eq!(after["services"][name], *service, "{checkout:?}: {name}");
        }
        assert_eq!(after["services"]["s3g"]["command"][0], "haproxy", "{checkout:?}");
        let (key, value) = checkout.finds_om_by;
        for name in added {
            let gateway = &after["services"][&name];
            assert_eq!(gateway["image"], *RUNNER, "{checkout:?}: {name}");
            assert_eq!(gateway["command"], before["services"]["s3g"]["command"], "{checkout:?}: {name}");
            assert_eq!(gateway["volumes"], before["services"]["s3g"]["volumes"], "{checkout:?}: {name}");
            assert_eq!(gateway["networks"], after["services"]["s3g"]["networks"], "{checkout:?}: {name}");
            assert_eq!(gateway["environment"][key], *value, "{checkout:?}: {name}");
        }
    }
}

#[test]
fn whatever_is_chosen_an_overlay_publishes_no_port_of_a_checkout_a_second_time() {
    if !tools(&["docker compose"]) {
        return;
    }
    for options in [
        &["--profile", "tuned"][..],
        &["--profile", "tuned", "--bind", "0.0.0.0", "--webadmin-port", "19878"],
        &["--profile", "upstream"],
        &["--profile", "upstream", "--bind", "127.0.0.1"],
        &["--profile", "upstream", "--webadmin-port", "19878"],
        &["--profile", "upstream", "--s3-port", "9000"],
    ] {
        for checkout in CHECKOUTS {
            let sandbox = Sandbox::new();
            let folder = checkout.make(&sandbox);
            let place = folder.display().to_string();
            sandbox.succeed(&[&["generate", "--base", "none", "-o", &place], options].concat());
            let ports = published(&config(&folder, &OVERLAY));
            // Ports that the engine chooses never collide.
            let chosen = ports.iter().filter_map(|port| port.split("->").next()?.rsplit(':').next());
            let outside: Vec<&str> = chosen.filter(|port| *port != "any").collect();
            let distinct: BTreeSet<&&str> = outside.iter().collect();
            assert_eq!(distinct.len(), outside.len(), "{checkout:?} {options:?}: {ports:?}");
        }
    }
}
