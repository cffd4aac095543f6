//! Gateways behind TLS: one whose certificate is not good gets no request.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use ozone_compose::haproxy;
use ozone_compose::s3::{Client, Endpoint, Key, page};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::support::library::files;
use crate::support::names::NameServer;
use crate::support::run::{Run, until};
use crate::support::{Sandbox, clean, tools};

/// A CA with its certificate, PEM.
fn ca(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::new([]).expect("no names");
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    (Issuer::new(params, key), certificate)
}

/// A certificate with its key, PEM.
fn certificate(name: &str, last_year: i32, ca: &Issuer<'_, KeyPair>) -> String {
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(last_year, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, ca).expect("a certificate");
    format!("{}{}", certificate.pem(), key.serialize_pem())
}

/// Gateways of every kind, and a balancer before them with one more choice.
struct Place {
    sandbox: Sandbox,
    ports: Vec<u16>,
    _names: NameServer,
    _gateways: Run,
    _balancer: Run,
}

impl Place {
    /// `s3g1` has a good certificate, `s3g2` one of another CA, `s3g3` one for another name, `s3g4` one that has ended, and
    /// `s3g5` none: its requests are http.
    fn new(choice: impl Fn(&Sandbox) -> (&'static str, String)) -> Self {
        let sandbox = Sandbox::new();
        // All at once, so that they differ.
        let listeners: Vec<_> = (0..7).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
        let ports: Vec<u16> =
            listeners.iter().map(|one| one.local_addr().expect("an address").port()).collect();
        drop(listeners);
        let ((good, pem), (stranger, _)) = (ca("good"), ca("stranger"));
        sandbox.write("ca.pem", pem);
        sandbox.write("1.pem", certificate("gw1", 2100, &good));
        sandbox.write("2.pem", certificate("gw2", 2100, &stranger));
        sandbox.write("3.pem", certificate("elsewhere", 2100, &good));
        sandbox.write("4.pem", certificate("gw4", 2021, &good));
        let mut gateways =
            "defaults\n    mode http\n    timeout client 1m\n    timeout server 1m\n    timeout connect 1m\n"
                .to_owned();
        let (names, mut servers) = (NameServer::start(), Vec::new());
        for (number, port) in (1..).zip(&ports[..5]) {
            let (scheme, tls) = match number {
                5 => ("", String::new()),
                _ => ("https://", format!(" ssl crt {}", sandbox.path(&format!("{number}.pem")).display())),
            };
            writeln!(
                gateways,
                "frontend s3g{number}\n    bind 127.0.0.1:{port}{tls}\n    http-request return status 200"
            )
            .expect("a text");
            // The last is on the host of the first, at another port.
            let host = if number == 5 { "gw1".to_owned() } else { format!("gw{number}") };
            names.set(&host, &[Ipv4Addr::LOCALHOST]);
            servers.push(format!("{scheme}{host}:{port}"));
        }
        let (key, value) = choice(&sandbox);
        let (servers, s3, stats) = (servers.join(" "), ports[5].to_string(), ports[6].to_string());
        let choices = [("servers", &*servers), ("ports.s3", &s3), ("ports.stats", &stats), (key, &value)];
        let run = |name: &str, text: &str| {
            sandbox.write(name, text);
            Run::start(clean("haproxy").arg("-db").arg("-f").arg(sandbox.path(name)))
        };
        // This machine's own resolver does not know the name.
        let text = files(&choices)["haproxy/s3-haproxy.cfg"]
            .replace("parse-resolv-conf", &format!("nameserver names {}", names.address))
            .replace("init-addr last,libc,none", "init-addr last,none");
        let (gateways, balancer) = (run("gateways.cfg", &gateways), run("balancer.cfg", &text));
        Self { sandbox, ports, _names: names, _gateways: gateways, _balancer: balancer }
    }

    /// Waits until checks have found these gateways good, and no other, and returns those that answer then.
    fn serving(&self, good: &[&str]) -> BTreeSet<String> {
        until("checks have judged every gateway", || {
            let csv = page(&format!("http://127.0.0.1:{}/stats;csv", self.ports[6])).unwrap_or_default();
            let gateways = haproxy::gateways(&csv);
            let is_good = |one: &haproxy::Gateway| good.contains(&one.name.to_string().as_str());
            gateways.len() == 5
                && gateways.iter().all(|one| {
                    if is_good(one) { one.is_up() && one.check == "L7OK" } else { one.state == "DOWN" }
                })
        });
        let endpoint = Endpoint::plain(&format!("http://127.0.0.1:{}", self.ports[5]));
        let client = Client::new(&endpoint, "bucket", Duration::from_secs(30), &Key::of_nobody())
            .expect("an endpoint");
        let ask = |_| client.get("key").expect("an answer").gateway.expect("a name");
        (0..20).map(ask).collect()
    }
}

#[test]
fn a_gateway_whose_certificate_is_not_good_gets_no_request() {
    if !tools(&["haproxy"]) {
        return;
    }
    let place = Place::new(|sandbox| ("balancer.backend-ca", sandbox.path("ca.pem").display().to_string()));
    assert_eq!(place.serving(&["s3g1", "s3g5"]), ["s3g1", "s3g5"].map(str::to_owned).into());
    assert!(place.sandbox.read("balancer.cfg").contains(" verify required "));
}

#[test]
fn any_certificate_is_good_where_that_was_said() {
    if !tools(&["haproxy"]) {
        return;
    }
    let all = ["s3g1", "s3g2", "s3g3", "s3g4", "s3g5"];
    let place = Place::new(|_| ("balancer.backend-insecure", "on".to_owned()));
    assert_eq!(place.serving(&all), all.map(str::to_owned).into());
}
