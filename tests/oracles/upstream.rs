//! The profile `upstream` says what Ozone's own example says, which is written down here once more by hand
//! (`compose/common/s3-haproxy.cfg` and `.yaml` in Ozone).

use serde_json::json;

use crate::checkout::{CHECKOUTS, RUNNER};
use crate::compose::{config, published, services};
use crate::support::{Runs, Sandbox, tools};

/// A section with its directives in order.
type Section = (String, Vec<String>);

#[test]
fn for_three_gateways_the_configuration_has_the_directives_of_ozones_example() {
    assert_eq!(
        sections(&haproxy("3")),
        expected(
            &["server1 s3g1:9878 maxconn 32", "server2 s3g2:9878 maxconn 32", "server3 s3g3:9878 maxconn 32"],
            &[
                "server1 s3g1:19878 maxconn 32",
                "server2 s3g2:19878 maxconn 32",
                "server3 s3g3:19878 maxconn 32"
            ],
        )
    );
}

#[test]
fn for_other_numbers_it_continues_the_example() {
    assert_eq!(
        sections(&haproxy("1")),
        expected(&["server1 s3g1:9878 maxconn 32"], &["server1 s3g1:19878 maxconn 32"])
    );
    assert_eq!(
        sections(&haproxy("5")),
        expected(
            &[
                "server1 s3g1:9878 maxconn 32",
                "server2 s3g2:9878 maxconn 32",
                "server3 s3g3:9878 maxconn 32",
                "server4 s3g4:9878 maxconn 32",
                "server5 s3g5:9878 maxconn 32",
            ],
            &[
                "server1 s3g1:19878 maxconn 32",
                "server2 s3g2:19878 maxconn 32",
                "server3 s3g3:19878 maxconn 32",
                "server4 s3g4:19878 maxconn 32",
                "server5 s3g5:19878 maxconn 32",
            ],
        )
    );
}

#[test]
fn the_overlay_has_the_services_images_commands_and_ports_of_ozones_example() {
    if !tools(&["docker compose"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let folder = CHECKOUTS[0].make(&sandbox);
    let place = folder.display().to_string();
    sandbox.succeed(&["generate", "--base", "none", "--profile", "upstream", "-o", &place]);
    let overlay = sandbox.read(&CHECKOUTS[0].file("s3-haproxy.yaml"));
    assert!(overlay.contains(r#"image: "${OZONE_RUNNER_IMAGE}:${OZONE_RUNNER_VERSION}""#), "{overlay}");

    // Alone, so that nothing of the checkout's own s3g is taken for the overlay's.
    let project = config(&folder, &["-f", "s3-haproxy.yaml"]);
    let found: Vec<_> = services(&project)
        .map(|(name, service)| (name.as_str(), service["image"].clone(), service["command"].clone()))
        .collect();
    let gateway = |name| (name, json!(RUNNER), json!(["ozone", "s3g"]));
    let haproxy = json!(["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]);
    assert_eq!(
        found,
        [("s3g", json!("haproxy:lts-alpine"), haproxy), gateway("s3g1"), gateway("s3g2"), gateway("s3g3")]
    );
    assert_eq!(published(&project), ["s3g *:9878->9878"]);
}

#[test]
fn sections_are_read_without_comments_blank_lines_and_extra_space() {
    assert_eq!(
        sections("# top\nglobal\n    daemon  # why\n\n\tmaxconn   5\ndefaults\n"),
        [section("global", &["daemon", "maxconn 5"]), section("defaults", &[])]
    );
}

fn haproxy(gateways: &str) -> String {
    Sandbox::new().succeed(&["haproxy", "--profile", "upstream", "-n", gateways]).stdout
}

fn expected(servers: &[&str], webadmin_servers: &[&str]) -> Vec<Section> {
    let backend = |servers: &[&str]| -> Vec<String> {
        let lines = servers.iter().map(|server| format!("server {server}"));
        ["balance roundrobin".to_owned()].into_iter().chain(lines).collect()
    };
    vec![
        section("global", &["daemon", "maxconn 256"]),
        section(
            "defaults",
            &["mode http", "timeout connect 5000ms", "timeout client 50000ms", "timeout server 50000ms"],
        ),
        section("frontend http-in", &["bind *:9878", "default_backend servers"]),
        ("backend servers".to_owned(), backend(servers)),
        section("frontend webadmin", &["bind *:19878", "default_backend webadmin-servers"]),
        ("backend webadmin-servers".to_owned(), backend(webadmin_servers)),
    ]
}

fn section(name: &str, directives: &[&str]) -> Section {
    (name.to_owned(), directives.iter().map(|&directive| directive.to_owned()).collect())
}

/// The sections of a configuration: comments and blank lines dropped, white space folded.
fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        let code = line.split('#').next().unwrap_or_default();
        let folded = code.split_whitespace().collect::<Vec<_>>().join(" ");
        if folded.is_empty() {
            continue;
        }
        if code.starts_with(char::is_whitespace) {
            sections.last_mut().expect("a directive stands in a section").1.push(folded);
        } else {
            sections.push((folded, Vec::new()));
        }
    }
    sections
}
