//! `haproxy -c` accepts every configuration, of Debian's version and of the image's, and warns of nothing.

use std::fmt::Write;
use std::time::SystemTime;

use fs_err as fs;
use ozone_compose::spec::Spec;
use ozone_compose::tls::{CA, Wanted};

use crate::support::library::{choices, files};
use crate::support::{Outcome, Sandbox, clean, examples, tools};

const IMAGE: &str = "haproxy:3.2-alpine";
/// Where the certificate is mounted.
const FOLDER: &str = "/usr/local/etc/haproxy-tls";
const CFG: &str = "haproxy/s3-haproxy.cfg";

/// Prints what HAProxy says of each file it refuses or warns of, one container for all.
const JUDGE: &str = r#"
for file in /judged/*.cfg; do
    said=$(haproxy -c -f "$file" 2>&1); status=$?
    if [ $status != 0 ] || echo "$said" | grep -qE 'WARNING|ALERT'; then
        echo "$file: exit $status"; echo "$said"
    fi
done
echo "judged $(ls /judged/*.cfg | wc -l)"
"#;

#[test]
fn haproxy_of_debian_accepts_every_configuration() {
    if !tools(&["haproxy"]) {
        return;
    }
    let sandbox = Sandbox::new();
    with_certificate(&sandbox);
    let mut complaints = String::new();
    for (name, text) in configurations() {
        // Elsewhere than in the Compose network the gateways have no addresses.
        let text =
            with_addresses(&text).replace(FOLDER, &sandbox.path("tls/private/haproxy").display().to_string());
        sandbox.write("s3-haproxy.cfg", text);
        let outcome = Outcome::of(clean("haproxy").args(["-c", "-f"]).arg(sandbox.path("s3-haproxy.cfg")));
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        if outcome.status != 0 || said.contains("WARNING") || said.contains("ALERT") {
            writeln!(complaints, "{name}: {outcome}").expect("a string");
        }
    }
    assert_eq!(complaints, "");
}

#[test]
fn haproxy_of_the_image_accepts_every_configuration() {
    if !tools(&["docker", IMAGE]) {
        return;
    }
    let sandbox = Sandbox::new();
    with_certificate(&sandbox);
    let configurations = configurations();
    for (name, text) in &configurations {
        sandbox.write(&format!("{name}.cfg"), text);
    }
    let mut command = clean("docker");
    command.args(["run", "--rm", "--network", "none", "--dns", "127.0.0.1", "--user", "0"]);
    for name in hosts() {
        command.arg("--add-host").arg(format!("{name}:127.0.0.1"));
    }
    command.arg("--volume").arg(format!("{}:/judged:ro", sandbox.path("").display()));
    let certificate = sandbox.path("tls/private/haproxy");
    command.arg("--volume").arg(format!("{}:{FOLDER}:ro", certificate.display()));
    let outcome = Outcome::of(command.args([IMAGE, "sh", "-c", JUDGE]));
    outcome.succeeded();
    assert_eq!(outcome.stdout, format!("judged {}\n", configurations.len()), "{outcome}");
}

#[test]
fn a_file_of_a_persons_own_beside_the_generated_one_is_loaded_too() {
    if !tools(&["haproxy"]) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("haproxy/s3-haproxy.cfg", with_addresses(&files(&[])[CFG]));
    let check = || Outcome::of(clean("haproxy").args(["-c", "-f"]).arg(sandbox.path("haproxy/")));
    sandbox.write(
        "haproxy/zz-local.cfg",
        "frontend mine\n    mode http\n    bind :9999\n    default_backend gateways\n",
    );
    check().succeeded();
    sandbox.write("haproxy/zz-local.cfg", "frontend mine\n    nonsense\n");
    assert_eq!(check().status, 1, "the file is not read");
}

/// What is judged: the examples, and every way in which options change the shape of the text.
fn configurations() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for example in examples::all() {
        all.push((format!("example-{}", example.case), example.read(CFG)));
    }
    for count in ["1", "64", "408"] {
        for discovery in ["static", "dns"] {
            for health in ["http", "webadmin", "tcp", "off"] {
                for webadmin in ["off", "19878"] {
                    let choices = [
                        ("gateways.count", count),
                        ("gateways.discovery", discovery),
                        ("balancer.health", health),
                        ("ports.webadmin", webadmin),
                    ];
                    all.push((
                        format!("{count}-{discovery}-{health}-{webadmin}"),
                        files(&choices)[CFG].clone(),
                    ));
                }
            }
        }
        for balance in ["leastconn", "roundrobin", "random"] {
            for profile in ["tuned", "upstream"] {
                let choices =
                    [("gateways.count", count), ("balancer.balance", balance), ("profile", profile)];
                all.push((format!("{count}-{balance}-{profile}"), files(&choices)[CFG].clone()));
            }
        }
    }
    for http in ["keep", "redirect", "off"] {
        let choices = [("balancer.tls", "on"), ("balancer.http", http)];
        all.push((format!("tls-{http}"), files(&choices)[CFG].clone()));
    }
    for (http, certificate) in [("keep", "/s3.pem"), ("redirect", ""), ("off", "/s3.pem")] {
        let path = format!("{FOLDER}{certificate}");
        let choices = [("servers", "10.0.0.7:80"), ("balancer.tls-cert", &path), ("balancer.http", http)];
        all.push((format!("tls-there-{http}"), files(&choices)[CFG].clone()));
    }
    let servers = ("servers", "https://gw1.example.com:9879 https://10.0.0.7:9879,backup gw1.example.com:80");
    let ca = format!("{FOLDER}/ca.issuer");
    for (name, choice) in
        [("ca", ("balancer.backend-ca", &*ca)), ("insecure", ("balancer.backend-insecure", "on"))]
    {
        for health in ["http", "webadmin", "tcp"] {
            let choices = [servers, choice, ("balancer.health", health)];
            all.push((format!("backend-{name}-{health}"), files(&choices)[CFG].clone()));
        }
    }
    let many: Vec<String> = (1..=40).map(|number| format!("s{number}.example.com")).collect();
    for domains in ["s3.localhost", "s3.localhost a-b.test", &many.join(" ")] {
        for (name, more) in
            [("static", ("gateways.discovery", "static")), ("server", ("servers", "10.0.0.7:80"))]
        {
            for log in ["errors", "off"] {
                let choices = [("domains", domains), more, ("balancer.log", log)];
                all.push((format!("domains-{}-{name}-{log}", domains.len()), files(&choices)[CFG].clone()));
            }
        }
    }
    for log in ["errors", "all", "off"] {
        all.push((format!("log-{log}"), files(&[("balancer.log", log)])[CFG].clone()));
    }
    for (name, server) in
        [("name", "gw1.example.com:9878"), ("four", "10.0.0.7:80"), ("six", "[2001:db8::7]:80")]
    {
        for stats in ["off", "8404"] {
            let choices = [("servers", server), ("ports.stats", stats), ("ports.webadmin", "19878")];
            all.push((format!("server-{name}-{stats}"), files(&choices)[CFG].clone()));
        }
    }
    all
}

/// Makes the certificate that configurations with https name.
fn with_certificate(sandbox: &Sandbox) {
    let spec = Spec::resolve(&choices(&[("balancer.tls", "on")]), "demo").expect("good choices");
    let folder = sandbox.path("");
    let wanted = Wanted::new(&spec, &folder, "127.0.0.1", SystemTime::now()).expect("https");
    wanted.renewal().expect("a folder").expect("a certificate").write().expect("a folder");
    // By this ending HAProxy knows that it is no certificate to serve.
    fs::copy(folder.join(CA), folder.join("tls/private/haproxy/ca.issuer")).expect("a CA");
}

/// Every host that some configuration above names.
fn hosts() -> impl Iterator<Item = String> {
    let gateways = (1..=512).map(|number| format!("s3g{number}"));
    gateways.chain(["s3gw".to_owned(), "gw1.example.com".to_owned()])
}

/// The text with 127.0.0.1 for the host of each server that is known by a name.
fn with_addresses(text: &str) -> String {
    let line = |line: &str| {
        let place = match line.split_whitespace().next() {
            Some("server") => 2,
            Some("server-template") => 3,
            _ => return line.to_owned(),
        };
        let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        // A socket of HAProxy's own has no port.
        let Some((host, port)) = words[place].rsplit_once(':') else { return line.to_owned() };
        // In quotes HAProxy replaces variables.
        if host.contains(char::is_alphabetic) && !host.starts_with('[') {
            words[place] = format!("127.0.0.1:{}", port.trim_end_matches('"'));
        }
        words.join(" ")
    };
    text.lines().map(|text| line(text) + "\n").collect()
}
