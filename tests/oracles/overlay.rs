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
        let place = folder.display().to_string();
        let generate = ["generate", "--base", "none", "-n", "4", "-o", &place];
        sandbox.succeed(&[&generate, checkout.options].concat());
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
            for same in ["dns_search", "depends_on"] {
                assert_eq!(gateway[same], before["services"]["s3g"][same], "{checkout:?}: {name}: {same}");
            }
            let networks = |service: &Value| {
                service["networks"].as_object().map(|all| all.keys().cloned().collect::<Vec<_>>())
            };
            assert_eq!(networks(gateway), networks(&before["services"]["s3g"]), "{checkout:?}: {name}");
            assert_eq!(gateway["environment"][key], *value, "{checkout:?}: {name}");
        }
    }
}

#[test]
fn over_a_secure_checkout_gateways_have_keytabs_and_addresses_and_haproxy_has_no_keytab() {
    if !tools(&["docker compose"]) {
        return;
    }
    let checkout = CHECKOUTS.last().expect("a checkout");
    let sandbox = Sandbox::new();
    let folder = checkout.make(&sandbox);
    let place = folder.display().to_string();
    for (discovery, addresses) in
        [("static", &[("s3g1", "172.25.0.121"), ("s3g5", "172.25.0.125")][..]), ("dns", &[])]
    {
        let options = ["-n", "5", "--discovery", discovery, "--domain", "s3.localhost", "-o", &place];
        sandbox.succeed(&[&["generate", "--base", "none"], &options[..], checkout.options].concat());
        let project = config(&folder, &OVERLAY);
        let of_network = |service: &str| &project["services"][service]["networks"]["ozone_net"];
        for (name, address) in addresses {
            assert_eq!(of_network(name)["ipv4_address"], **address);
            assert_eq!(project["services"][name]["hostname"], **name);
        }
        let gateways: Vec<_> =
            services(&project).filter(|(_, service)| service["command"][1] == "s3g").collect();
        assert_eq!(gateways.len(), if discovery == "dns" { 1 } else { 5 });
        for (name, gateway) in gateways {
            let mounts = gateway["volumes"].to_string();
            assert!(mounts.contains("_keytabs") && mounts.contains("krb5.conf"), "{name}: {mounts}");
            assert!(gateway["networks"].get("ozone_net").is_some(), "{name}: {gateway}");
        }
        let balancer = &project["services"]["s3g"];
        assert!(!balancer["volumes"].to_string().contains("_keytabs"), "{balancer}");
        assert_eq!(of_network("s3g")["ipv4_address"], "172.25.0.120");
        assert_eq!(of_network("s3g")["aliases"][0], "s3.localhost");
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
            assert!(!outside.is_empty(), "{checkout:?} {options:?}: {ports:?}");
            let distinct: BTreeSet<&&str> = outside.iter().collect();
            assert_eq!(distinct.len(), outside.len(), "{checkout:?} {options:?}: {ports:?}");
        }
    }
}
