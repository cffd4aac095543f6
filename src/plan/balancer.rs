//! What HAProxy's configuration has: listeners, servers, checks, name resolution.

use std::net::IpAddr;

use serde::Serialize;

use super::machine::{Listen, Machine, Wanted, listens};
use super::{
    CERTIFICATE_FILE, CERTIFICATE_FOLDER, FILES_FOLDER, HTTPS_PORT, REDIRECT_PORT, S3_PORT, STATS_PORT,
    WEBADMIN_PORT,
};
use crate::spec::values::{
    Algorithm, ClientConnections, Connections, Discovery, GatewayName, GatewayWeight, Health, PlainHttp,
    Profile, Published, RequestLog, Retries, ServerAddress, Span, Target, Weight,
};
use crate::spec::{BackendTls, Spec, Timeouts, Tls};

/// HAProxy's configuration; the fields are the variables of `s3-haproxy.cfg.j2`.
#[derive(Clone, Debug, Serialize)]
pub struct Balancer {
    /// How many gateways, for the heading.
    pub gateways: usize,
    /// Whether gateways and balancer share a Compose network.
    pub in_containers: bool,
    /// The lines about the machine; none in a container.
    pub machine: Option<Machine>,
    /// Whether any gateway is a backup.
    pub backups: bool,
    /// Connections of clients.
    pub maxconn: ClientConnections,
    /// Requests in flight to one gateway.
    pub gateway_maxconn: Connections,
    /// Attempts after the first.
    pub retries: Retries,
    /// As chosen.
    pub timeouts: Timeouts,
    /// Whether gateways have names, which the name servers of `/etc/resolv.conf` know.
    pub has_names: bool,
    /// The address after `bind` for S3, without the port.
    pub listen: Vec<Listen>,
    /// Where S3 listens for plain http; none where https alone is served.
    pub s3_port: Option<u32>,
    /// Where http gets a redirect to https; none where it is not.
    pub redirect: Option<Redirect>,
    /// Where S3 listens for https, and with what; none where there is no https.
    pub https: Option<Https>,
    /// The names of S3 where a request may name its bucket in the host; none where no request may.
    pub domains: Option<Domains>,
    /// Which requests have a line in the log.
    pub log: RequestLog,
    /// Milliseconds to the answer of a gateway after which a request is slow.
    pub slow: u32,
    /// How a gateway is chosen.
    pub balance: Algorithm,
    /// How a gateway is checked; none when it is not.
    pub check: Option<HealthCheck>,
    /// The gateways one by one; empty when they are found by DNS.
    pub servers: Vec<Server>,
    /// Room for gateways found by DNS.
    pub slots: Option<Slots>,
    /// The gateways' web pages.
    pub webadmin: Option<Webadmin>,
    /// Where HAProxy's own pages listen.
    pub stats_bind: Option<String>,
}

/// A listener that sends clients to https.
#[derive(Clone, Debug, Serialize)]
pub struct Redirect {
    /// Its port.
    pub port: u32,
    /// The port to which clients are sent.
    pub https_port: u32,
}

/// The listener for https.
#[derive(Clone, Debug, Serialize)]
pub struct Https {
    /// Its port in the container.
    pub port: u32,
    /// The file with certificate and key, in the container.
    pub certificate: String,
    /// For TLS 1.3, separated by colons.
    pub ciphersuites: String,
    /// For TLS 1.2, likewise.
    pub ciphers: String,
}

/// How a request may name S3, and its bucket before that.
#[derive(Clone, Debug, Serialize)]
pub struct Domains {
    /// Each of them may have a bucket and a dot before it.
    pub names: Vec<String>,
    /// What else S3 is called, IPv6 addresses in brackets; none where gateways on other machines alone know it.
    pub hosts: Option<Vec<String>>,
}

/// Mozilla's intermediate list, guideline 5.7: what clients of the last ten years can do, and nothing that is known to be
/// weak.
const CIPHERSUITES: &[&str] =
    &["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
/// The same for TLS 1.2.
const CIPHERS: &[&str] = &[
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-CHACHA20-POLY1305",
];

/// A health check.
#[derive(Clone, Debug, Serialize)]
pub struct HealthCheck {
    /// Time between two checks.
    pub interval: Span,
    /// The name of S3 that a gateway takes in any case.
    pub host: String,
    /// Status codes of a healthy gateway; none where the check only connects.
    pub expect: Option<&'static str>,
    /// The port, when it is not the one that takes requests.
    pub port: Option<u32>,
}

/// A gateway by name.
#[derive(Clone, Debug, Serialize)]
pub struct Server {
    /// `s3g1` and on: what `X-Served-By`, logs and statistics show.
    pub name: String,
    /// Its host, an IPv6 address in brackets.
    pub host: String,
    /// Its S3 port.
    pub port: u32,
    /// Whether it gets no new requests.
    pub drained: bool,
    /// Its weight, where it has one of its own.
    pub weight: Option<u32>,
    /// Whether it gets requests only while no other gateway is up.
    pub backup: bool,
    /// How its certificate is verified, where HAProxy uses TLS to it.
    pub tls: Option<ServerTls>,
}

/// How the certificate of a gateway is verified, where HAProxy uses TLS to it.
#[derive(Clone, Debug, Serialize)]
pub struct ServerTls {
    /// The file with the CA; none where any certificate is accepted.
    pub ca: Option<String>,
    /// The name in the TLS handshake (SNI), which its certificate must have; none where it is known by an address,
    /// which HAProxy looks for in no certificate.
    pub name: Option<String>,
}

/// Gateways of one scaled service.
#[derive(Clone, Debug, Serialize)]
pub struct Slots {
    /// Most gateways that HAProxy will use.
    pub count: u32,
    /// The service's name.
    pub service: String,
    /// Its S3 port.
    pub port: u32,
    /// What runs them, where that takes a gateway's name out of DNS before it stops it; none for Compose.
    pub orchestrator: Option<&'static str>,
}

impl Slots {
    fn new(spec: &Spec) -> Self {
        let gateways = spec.gateways.get();
        let (count, service, orchestrator) = match spec.target {
            Target::Compose => (slots(gateways), SCALED_SERVICE.to_owned(), None),
            Target::Swarm => (steady_slots(gateways), SWARM_TASKS.to_owned(), Some("Docker Swarm")),
            Target::Helm => {
                (steady_slots(gateways), format!("{}-s3g-headless", spec.name), Some("Kubernetes"))
            }
        };
        Self { count, service, port: S3_PORT, orchestrator }
    }
}

/// The web pages of the gateways.
#[derive(Clone, Debug, Serialize)]
pub struct Webadmin {
    /// Where HAProxy listens.
    pub bind_port: u32,
    /// Where gateways listen.
    pub server_port: u32,
}

/// Milliseconds after which a request is logged as slow: more than a healthy Ozone takes, less than an SDK waits.
const SLOW: u32 = 5_000;

/// The service of the balancer, which is its host in the cluster's network.
pub const BALANCER_SERVICE: &str = "s3g";

/// Name of the scaled service. Not `s3g`: that is the balancer, which would find itself.
pub const SCALED_SERVICE: &str = "s3gw";

/// The name that Docker's name server resolves to the addresses of the scaled service's tasks on Swarm.
const SWARM_TASKS: &str = "tasks.s3gw";

impl Balancer {
    /// What `spec` means for HAProxy.
    #[must_use]
    pub fn new(spec: &Spec) -> Self {
        let in_containers = spec.in_containers();
        let tuned = spec.profile == Profile::Tuned;
        let by_dns = in_containers && spec.discovery == Discovery::Dns;
        let servers = servers(spec);
        // In a container the listeners never move; the ports of the host do.
        let port = |outside: u32, inside: u32| if in_containers { inside } else { outside };
        Self {
            gateways: if in_containers { spec.gateways.get() as usize } else { servers.len() },
            in_containers,
            machine: (!in_containers && tuned).then(|| Machine::new(&Wanted::default(), spec)),
            backups: servers.iter().any(|server| server.backup),
            maxconn: spec.balancer.maxconn,
            gateway_maxconn: spec.balancer.gateway_maxconn,
            retries: spec.balancer.retries,
            timeouts: spec.balancer.timeouts.clone(),
            has_names: in_containers || spec.servers.iter().any(ServerAddress::is_name),
            listen: listens(&[]),
            // In the network of the containers plain http stays.
            s3_port: (in_containers || spec.balancer.http == PlainHttp::Keep)
                .then(|| port(spec.ports.s3.get(), S3_PORT)),
            redirect: (spec.balancer.http == PlainHttp::Redirect).then(|| Redirect {
                port: port(spec.ports.s3.get(), REDIRECT_PORT),
                https_port: spec.ports.https.get(),
            }),
            https: spec.balancer.tls.as_ref().map(|tls| Https {
                port: port(spec.ports.https.get(), HTTPS_PORT),
                certificate: match tls {
                    Tls::Made | Tls::Own { .. } => {
                        let on_swarm = spec.target == Target::Swarm;
                        let folder = if on_swarm { FILES_FOLDER } else { CERTIFICATE_FOLDER };
                        format!("{folder}/{CERTIFICATE_FILE}")
                    }
                    Tls::There { certificate, .. } => certificate.to_string(),
                },
                ciphersuites: CIPHERSUITES.join(":"),
                ciphers: CIPHERS.join(":"),
            }),
            domains: (!spec.domains.is_empty()).then(|| Domains {
                names: spec.domains.iter().map(ToString::to_string).collect(),
                hosts: in_containers.then(|| spec.hosts().iter().map(|host| bracketed(host)).collect()),
            }),
            log: spec.balancer.log,
            slow: SLOW,
            balance: spec.balancer.balance,
            check: check(spec),
            slots: by_dns.then(|| Slots::new(spec)),
            servers: if by_dns { Vec::new() } else { servers },
            webadmin: match spec.ports.webadmin {
                Published::Off if tuned && (spec.has_cluster() || !in_containers) => None,
                // A checkout's containers reach the pages and `/secret` of its `s3g`, in whose place HAProxy is; Ozone's example
                // listens for them too and does not publish them.
                Published::Off => Some(Webadmin { bind_port: WEBADMIN_PORT, server_port: WEBADMIN_PORT }),
                Published::On(outside) => Some(Webadmin {
                    bind_port: port(outside.get(), WEBADMIN_PORT),
                    server_port: WEBADMIN_PORT,
                }),
            },
            stats_bind: match (tuned, in_containers, spec.ports.stats) {
                (false, _, _) | (true, false, Published::Off) => None,
                // The container's own health check uses it, published or not.
                (true, true, _) => Some(format!(":{STATS_PORT}")),
                (true, false, Published::On(outside)) => Some(format!("127.0.0.1:{outside}")),
            },
        }
    }
}

impl Balancer {
    /// Puts it on a machine of its own, with gateways on others.
    pub fn on_machine(&mut self, wanted: &Wanted, spec: &Spec) {
        self.machine = Some(Machine::new(wanted, spec));
        self.listen = listens(&wanted.listen);
        if let Some(zone) = &wanted.zone {
            for (server, address) in self.servers.iter_mut().zip(&spec.servers) {
                server.backup |= address.zone.as_ref() != Some(&zone.0);
            }
            self.backups = self.servers.iter().any(|server| server.backup);
        }
        if let (Some(bind), Some(port), Some(listen)) =
            (&mut self.stats_bind, spec.ports.stats.port(), wanted.stats_listen)
        {
            *bind = match listen.ip() {
                IpAddr::V4(address) => format!("{address}:{port}"),
                IpAddr::V6(address) => format!("[{address}]:{port}"),
            };
        }
    }
}

/// Room for gateways found by DNS: twice as many as now, at least 8, so that a person can scale.
pub(super) fn slots(gateways: u32) -> u32 {
    (2 * gateways).max(8)
}

/// The same for an orchestrator, which makes another container of HAProxy for another configuration: most changes of the number of
/// gateways leave it as it is. Twice as many, since a rolling update starts new ones before old ones have ended.
#[must_use]
pub fn steady_slots(gateways: u32) -> u32 {
    (2 * gateways).next_multiple_of(32)
}

fn servers(spec: &Spec) -> Vec<Server> {
    let of_others = (!spec.weights.is_empty()).then_some(GatewayWeight::OF_OTHERS);
    let weight_of = |name: &GatewayName| {
        let own = spec.weights.iter().find(|one| one.gateway == *name).map(|one| one.weight.get());
        own.or(of_others)
    };
    let inside = |name: GatewayName| Server {
        name: name.to_string(),
        host: name.to_string(),
        port: S3_PORT,
        drained: spec.is_drained(&name),
        weight: weight_of(&name),
        backup: false,
        tls: None,
    };
    if spec.in_containers() {
        return spec.gateway_names().map(inside).collect();
    }
    let outside = |(number, (name, server)): (u32, (String, &ServerAddress))| Server {
        name,
        host: server.host(),
        port: server.port.get(),
        drained: spec.is_drained(&GatewayName::numbered(number)),
        weight: server.weight.map(Weight::get),
        backup: server.is_backup,
        tls: spec.balancer.backend_tls.as_ref().filter(|_| server.is_tls).map(|tls| ServerTls {
            ca: match tls {
                BackendTls::Verified(ca) => Some(ca.to_string()),
                BackendTls::Unverified => None,
            },
            name: server.is_name().then(|| server.host()),
        }),
    };
    (1..).zip(spec.server_names().zip(&spec.servers)).map(outside).collect()
}

fn check(spec: &Spec) -> Option<HealthCheck> {
    let (expect, port) = match spec.balancer.health {
        Health::Off => return None,
        Health::Tcp => (None, None),
        Health::Http => (Some("200-399,403"), None),
        Health::Webadmin => (Some("200-399,401"), Some(WEBADMIN_PORT)),
    };
    // A gateway with domains refuses every other host. Those in containers know this one too.
    let domain = spec.domains.first().filter(|_| !spec.in_containers());
    let host = domain.map_or_else(|| BALANCER_SERVICE.to_owned(), ToString::to_string);
    Some(HealthCheck { interval: spec.balancer.health_interval.clone(), host, expect, port })
}

/// A host as the header `Host` writes it.
pub(super) fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}
