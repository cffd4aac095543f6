//! What HAProxy is told: listeners, servers, checks, name resolution.

use serde::Serialize;

use super::{S3_PORT, STATS_PORT, WEBADMIN_PORT};
use crate::spec::values::{
    Algorithm, Connections, Discovery, GatewayName, Health, Profile, Published, Retries, ServerAddress, Span,
};
use crate::spec::{Spec, Timeouts};

/// HAProxy's configuration; the fields are the variables of `s3-haproxy.cfg.j2`.
#[derive(Clone, Debug, Serialize)]
pub struct Balancer {
    /// How many gateways, for the heading.
    pub gateways: usize,
    /// Whether gateways and balancer share a Compose network.
    pub in_containers: bool,
    /// Connections of clients.
    pub maxconn: Connections,
    /// Those and HAProxy's own to itself, one for each client that reads.
    pub maxconn_in_all: u32,
    /// Requests in flight to one gateway.
    pub gateway_maxconn: Connections,
    /// Attempts after the first.
    pub retries: Retries,
    /// As chosen.
    pub timeouts: Timeouts,
    /// How names become addresses; none where there are only addresses.
    pub resolver: Option<Resolver>,
    /// Where S3 listens.
    pub s3_port: u32,
    /// How a gateway is chosen.
    pub balance: Algorithm,
    /// How a gateway is checked; none when it is not.
    pub check: Option<Check>,
    /// The abstract socket on which HAProxy asks itself for what clients read.
    pub again: String,
    /// The gateways one by one; empty when they are found by DNS.
    pub servers: Vec<Server>,
    /// Room for gateways found by DNS.
    pub slots: Option<Slots>,
    /// The gateways' web pages.
    pub webadmin: Option<Webadmin>,
    /// Where HAProxy's own pages listen.
    pub stats_bind: Option<String>,
}

/// Who answers for names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Resolver {
    /// The engine's own name server, inside a container.
    Docker,
    /// The machine's `/etc/resolv.conf`.
    System,
}

/// A health check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Time between two checks.
    pub interval: Span,
    /// Status codes of a living gateway; none asks for a connection only.
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
}

/// Gateways of one scaled service.
#[derive(Clone, Debug, Serialize)]
pub struct Slots {
    /// Most gateways that HAProxy will use.
    pub count: u32,
    /// The service's name.
    pub service: &'static str,
    /// Its S3 port.
    pub port: u32,
}

/// The web pages of the gateways.
#[derive(Clone, Debug, Serialize)]
pub struct Webadmin {
    /// Where HAProxy listens.
    pub bind_port: u32,
    /// Where gateways listen.
    pub server_port: u32,
}

/// Name of the scaled service. Not `s3g`: that is the balancer, which would find itself.
pub const SCALED_SERVICE: &str = "s3gw";

impl Balancer {
    /// What `spec` means for HAProxy.
    #[must_use]
    pub fn new(spec: &Spec) -> Self {
        let in_containers = spec.in_containers();
        let tuned = spec.profile == Profile::Tuned;
        let by_dns = in_containers && spec.discovery == Discovery::Dns;
        let servers = servers(spec);
        let resolver = if in_containers {
            Some(Resolver::Docker)
        } else {
            spec.servers.iter().any(ServerAddress::is_name).then_some(Resolver::System)
        };
        // In a container the listeners never move; the ports of the host do.
        let port = |outside: u32, inside: u32| if in_containers { inside } else { outside };
        Self {
            gateways: if in_containers { spec.gateways.get() as usize } else { servers.len() },
            in_containers,
            maxconn: spec.balancer.maxconn,
            maxconn_in_all: 2 * spec.balancer.maxconn.get(),
            gateway_maxconn: spec.balancer.gateway_maxconn,
            retries: spec.balancer.retries,
            timeouts: spec.balancer.timeouts.clone(),
            resolver,
            s3_port: port(spec.ports.s3.get(), S3_PORT),
            balance: spec.balancer.balance,
            check: check(spec),
            // The port makes it unique on a machine that runs several balancers.
            again: format!("ozone-compose-{}", port(spec.ports.s3.get(), S3_PORT)),
            slots: by_dns.then(|| Slots {
                count: slots(spec.gateways.get()),
                service: SCALED_SERVICE,
                port: S3_PORT,
            }),
            servers: if by_dns { Vec::new() } else { servers },
            webadmin: match spec.ports.webadmin {
                // Ozone's example listens for webadmin and does not publish it.
                Published::Off if tuned => None,
                Published::Off => Some(Webadmin { bind_port: WEBADMIN_PORT, server_port: WEBADMIN_PORT }),
                Published::On(outside) => Some(Webadmin {
                    bind_port: port(outside.get(), WEBADMIN_PORT),
                    server_port: WEBADMIN_PORT,
                }),
            },
            stats_bind: match (tuned, in_containers, spec.ports.stats) {
                (false, _, _) | (true, false, Published::Off) => None,
                // The container's own health check asks there, published or not.
                (true, true, _) => Some(format!(":{STATS_PORT}")),
                (true, false, Published::On(outside)) => Some(format!("127.0.0.1:{outside}")),
            },
        }
    }
}

/// Room for gateways found by DNS: twice as many as now, at least 8, so that a person can scale.
pub(super) fn slots(gateways: u32) -> u32 {
    (2 * gateways).max(8)
}

fn servers(spec: &Spec) -> Vec<Server> {
    let inside = |number: u32| (format!("s3g{number}"), S3_PORT);
    let outside = |address: &ServerAddress| (address.host(), address.port.get());
    let addresses: Vec<(String, u32)> = if spec.in_containers() {
        (1..=spec.gateways.get()).map(inside).collect()
    } else {
        spec.servers.iter().map(outside).collect()
    };
    let server = |(number, (host, port))| {
        let name = GatewayName::numbered(number);
        Server { name: name.to_string(), host, port, drained: spec.drained.contains(&name) }
    };
    (1..).zip(addresses).map(server).collect()
}

fn check(spec: &Spec) -> Option<Check> {
    let (expect, port) = match spec.balancer.health {
        Health::Off => return None,
        Health::Tcp => (None, None),
        Health::Http => (Some("200-399,403"), None),
        Health::Webadmin => (Some("200-399,401"), Some(WEBADMIN_PORT)),
    };
    Some(Check { interval: spec.balancer.health_interval.clone(), expect, port })
}
