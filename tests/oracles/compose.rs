//! `docker compose config` reads every example without a word, and understands what was meant.

use std::path::Path;

use serde_json::Value;

use crate::checkout::{self, CHECKOUTS, Checkout};
use crate::overlay::OVERLAY;
use crate::support::examples::{self, Example};
use crate::support::{Outcome, Runs, Sandbox, clean, tools};

const OZONE: &str = "apache/ozone:2.2.1";
const HAPROXY: &str = "haproxy:3.2-alpine";
const KDC: &str = "ghcr.io/apache/ozone-testkrb5:20260507-1";
const HAPROXY_UPSTREAM: &str = "haproxy:lts-alpine";

/// What Compose is to understand of an example.
struct Expected {
    case: &'static str,
    gateways: u64,
    datanodes: usize,
    images: [&'static str; 2],
    /// All that is published, except by services of a checkout.
    ports: &'static [&'static str],
}

const EXPECTED: &[Expected] = &[
    usual("dns-discovery", 3),
    usual("domains", 3),
    of_several("ha"),
    Expected {
        ports: &[
            "grafana 127.0.0.1:3000->3000",
            "om 127.0.0.1:9874->9874",
            "prometheus 127.0.0.1:9090->9090",
            "s3g 127.0.0.1:8404->8404",
            "s3g 127.0.0.1:9878->9878",
            "scm 127.0.0.1:9876->9876",
        ],
        ..usual("monitoring", 3)
    },
    usual("one-gateway", 1),
    Expected {
        case: "overlay-on-checkout",
        gateways: 3,
        datanodes: 0,
        images: [checkout::RUNNER, HAPROXY],
        ports: &["s3g 127.0.0.1:8404->8404", "s3g 127.0.0.1:9878->9878"],
    },
    Expected {
        case: "overlay-on-checkout-upstream",
        gateways: 5,
        datanodes: 0,
        images: [checkout::RUNNER, HAPROXY_UPSTREAM],
        // 19878 is the checkout's own, and HAProxy listens there.
        ports: &["s3g *:19878->19878", "s3g *:9878->9878"],
    },
    Expected {
        case: "overlay-on-secure-checkout",
        gateways: 5,
        datanodes: 0,
        images: [checkout::RUNNER, HAPROXY],
        ports: &["s3g 127.0.0.1:8404->8404", "s3g 127.0.0.1:9878->9878"],
    },
    Expected { datanodes: 3, ..usual("replicated", 3) },
    usual("roundrobin", 3),
    usual("secure", 3),
    of_several("secure-ha"),
    usual("single", 3),
    Expected {
        images: [OZONE, HAPROXY_UPSTREAM],
        ports: &["om 127.0.0.1:9874->9874", "s3g *:9878->9878", "scm 127.0.0.1:9876->9876"],
        ..usual("upstream", 3)
    },
    Expected {
        ports: &[
            "om 127.0.0.1:9003->9874",
            "s3g *:9000->9878",
            "s3g *:9001->19878",
            "s3g 127.0.0.1:9002->8404",
        ],
        ..usual("webadmin", 3)
    },
];

/// With three SCMs, OMs and datanodes.
const fn of_several(case: &'static str) -> Expected {
    Expected {
        datanodes: 3,
        ports: &[
            "om1 127.0.0.1:9874->9874",
            "s3g 127.0.0.1:8404->8404",
            "s3g 127.0.0.1:9878->9878",
            "scm1 127.0.0.1:9876->9876",
        ],
        ..usual(case, 3)
    }
}

const fn usual(case: &'static str, gateways: u64) -> Expected {
    Expected {
        case,
        gateways,
        datanodes: 1,
        images: [OZONE, HAPROXY],
        ports: &[
            "om 127.0.0.1:9874->9874",
            "s3g 127.0.0.1:8404->8404",
            "s3g 127.0.0.1:9878->9878",
            "scm 127.0.0.1:9876->9876",
        ],
    }
}

#[test]
fn every_example_with_containers_has_its_expectations() {
    let examples = examples::all().into_iter().filter(|example| example.has("s3-haproxy.yaml"));
    let cases: Vec<String> = examples.map(|example| example.case).collect();
    assert_eq!(cases, EXPECTED.iter().map(|expected| expected.case).collect::<Vec<_>>());
}

#[test]
fn compose_understands_every_example_as_it_is_meant() {
    if !tools(&["docker compose"]) {
        return;
    }
    for expected in EXPECTED {
        let (case, project) = (expected.case, understood(expected.case));
        let scale = |(_, service): &(&String, &Value)| service["scale"].as_u64().unwrap_or(1);
        let named = |start: &str| {
            let start = start.to_owned();
            services(&project).filter(move |(name, _)| {
                name.strip_prefix(&start).is_some_and(|rest| rest == "w" || rest.parse::<u32>().is_ok())
            })
        };
        assert_eq!(named("s3g").map(|service| scale(&service)).sum::<u64>(), expected.gateways, "{case}");
        assert_eq!(named("datanode").count(), expected.datanodes, "{case}");
        for (name, service) in services(&project) {
            let image = match name.as_str() {
                "kdc" => KDC,
                "prometheus" => "prom/prometheus:v2.53.3",
                "grafana" => "grafana/grafana:11.4.0",
                name => expected.images[usize::from(name == "s3g")],
            };
            assert_eq!(service["image"], *image, "{case}: {name}");
            assert_eq!(service.get("container_name"), None, "{case}: {name}");
        }
        assert_eq!(published(&project), expected.ports, "{case}");
        assert_eq!(
            services(&project).find(|(name, _)| *name == "s3g").map(|(_, s)| program(s)),
            Some("haproxy")
        );
    }
}

#[test]
fn no_example_names_a_version_of_the_compose_format() {
    // Compose warns of it, and drops it before it could be seen in what it understood.
    for example in examples::all() {
        for file in ["docker-compose.yaml", "s3-haproxy.yaml"].iter().filter(|file| example.has(file)) {
            assert!(!example.read(file).lines().any(|line| line.starts_with("version")), "{}", example.case);
        }
    }
}

#[test]
fn variables_of_compose_replace_images_and_ports() {
    if !tools(&["docker compose"]) {
        return;
    }
    let example = example("single");
    let mut command = clean("docker");
    command.args(["compose", "config", "--format", "json"]).current_dir(&example.folder).envs([
        ("OZONE_COMPOSE_OZONE_IMAGE", "mirror.example.com/ozone:1"),
        ("OZONE_COMPOSE_HAPROXY_IMAGE", "mirror.example.com/haproxy:2"),
        ("OZONE_COMPOSE_S3_PORT", "1001"),
        ("OZONE_COMPOSE_STATS_PORT", "1002"),
        ("OZONE_COMPOSE_SCM_PORT", "1003"),
        ("OZONE_COMPOSE_OM_PORT", "1004"),
    ]);
    let project = parsed(&Outcome::of(&mut command));
    for (name, service) in services(&project) {
        let image = if name == "s3g" { "mirror.example.com/haproxy:2" } else { "mirror.example.com/ozone:1" };
        assert_eq!(service["image"], *image, "{name}");
    }
    assert_eq!(
        published(&project),
        [
            "om 127.0.0.1:1004->9874",
            "s3g 127.0.0.1:1001->9878",
            "s3g 127.0.0.1:1002->8404",
            "scm 127.0.0.1:1003->9876"
        ]
    );
}

#[test]
fn https_is_published_and_its_certificate_mounted() {
    if !tools(&["docker compose"]) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "-o", "demo", "--tls", "--https-port", "9443"]);
    let mut command = clean("docker");
    command.args(["compose", "config", "--format", "json"]).current_dir(sandbox.path("demo"));
    let project = parsed(&Outcome::of(&mut command));
    assert!(published(&project).contains(&"s3g 127.0.0.1:9443->9879".to_owned()), "{project}");
    let mount = project.pointer("/services/s3g/volumes/1").expect("a second mount");
    let source = sandbox.path("demo/tls/private/haproxy");
    assert_eq!(mount["source"], *source.to_string_lossy());
    assert_eq!((&mount["target"], &mount["read_only"]), (&"/usr/local/etc/haproxy-tls".into(), &true.into()));
    assert!(source.join("s3.pem").exists());
}

#[test]
fn every_service_of_a_secure_cluster_has_keytabs_and_a_realm_that_it_cannot_write() {
    if !tools(&["docker compose"]) {
        return;
    }
    for case in ["secure", "secure-ha"] {
        let project = understood(case);
        for (name, service) in services(&project).filter(|(name, _)| *name != "s3g") {
            let volumes = service["volumes"].as_array().expect("volumes");
            let keytabs = volumes.iter().find(|one| one["source"] == "keytabs").expect("keytabs");
            let writes = keytabs["read_only"] != true;
            assert_eq!(
                (&keytabs["target"], writes),
                (&"/etc/security/keytabs".into(), name == "kdc"),
                "{name}"
            );
            let configs = service["configs"].as_array().expect("configs");
            assert!(configs.iter().any(|one| one["target"] == "/etc/krb5.conf"), "{case}: {name}");
        }
        let content = project.pointer("/configs/kdc-script/content").and_then(Value::as_str);
        let file = example(case).read("kerberos/kdc.sh");
        let (_, script) = file.split_once('\n').expect("a seal");
        // Compose shows what it is to interpolate again.
        let travels = content.map(|text| text.replace("$$", "$").trim() == script.trim());
        assert_eq!(travels, (case == "secure-ha").then_some(true), "{content:?}");
    }
}

#[test]
fn ports_can_be_published_on_an_ipv6_address() {
    if !tools(&["docker compose"]) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "--bind", "[::1]", "-o", "six"]);
    let project = config(&sandbox.path("six"), &[]);
    assert!(published(&project).contains(&"s3g ::1:9878->9878".to_owned()), "{:?}", published(&project));
}

fn example(case: &str) -> Example {
    examples::all().into_iter().find(|example| example.case == case).expect("an example")
}

/// What Compose makes of an example: in its own folder, or laid into a checkout.
fn understood(case: &str) -> Value {
    let example = example(case);
    if example.has("docker-compose.yaml") {
        return config(&example.folder, &[]);
    }
    let sandbox = Sandbox::new();
    let choices = example.read("ozone-compose.yaml");
    let is_named = |checkout: &&Checkout| choices.contains(&format!("checkout: {}\n", checkout.name));
    let checkout = CHECKOUTS.iter().find(is_named).unwrap_or(&CHECKOUTS[0]);
    let folder = checkout.make(&sandbox);
    for file in ["s3-haproxy.yaml", "haproxy/s3-haproxy.cfg"] {
        sandbox.write(&checkout.file(file), example.read(file));
    }
    let mut project = config(&folder, &OVERLAY);
    // The checkout's own services are not what the example is about.
    let services = project["services"].as_object_mut().expect("services");
    services.retain(|name, _| name.starts_with("s3g"));
    project
}

/// `docker compose config` in a folder, which must have nothing to complain of.
pub(crate) fn config(folder: &Path, files: &[&str]) -> Value {
    let mut command = clean("docker");
    command.arg("compose").args(files).args(["config", "--format", "json"]).current_dir(folder);
    parsed(&Outcome::of(&mut command))
}

fn parsed(outcome: &Outcome) -> Value {
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""), "{outcome}");
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

pub(crate) fn services(project: &Value) -> impl Iterator<Item = (&String, &Value)> {
    project["services"].as_object().expect("services").iter()
}

/// The first word of a service's command.
fn program(service: &Value) -> &str {
    service["command"][0].as_str().unwrap_or_default()
}

/// `service address:outside->inside` of every port, sorted; `*` stands for every address.
pub(crate) fn published(project: &Value) -> Vec<String> {
    let mut ports = Vec::new();
    for (name, service) in services(project) {
        for port in service["ports"].as_array().into_iter().flatten() {
            let host = match port["host_ip"].as_str() {
                None | Some("0.0.0.0") => "*",
                Some(address) => address,
            };
            let outside = port["published"].as_str().unwrap_or("any");
            ports.push(format!("{name} {host}:{outside}->{}", port["target"]));
        }
    }
    ports.sort();
    ports
}
