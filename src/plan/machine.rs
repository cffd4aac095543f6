//! A balancer on a machine of its own: what its configuration says about the machine, and the files beside it.

use std::net::IpAddr;

use serde::Serialize;

use crate::spec::values::machine::{Account, Interface, LogTarget, PlainPath, StatsUsers, VirtualAddress};
use crate::spec::values::{BindAddress, PlainHttp, Zone};
use crate::spec::{Spec, Tls};

/// What a person chooses for such a machine.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Addresses of S3; none for every IPv4 address.
    pub listen: Vec<BindAddress>,
    /// Address of HAProxy's pages; none for 127.0.0.1.
    pub stats_listen: Option<BindAddress>,
    /// Who may see them.
    pub stats_users: Option<StatsUsers>,
    /// The user of HAProxy's worker.
    pub user: Option<Account>,
    /// The group of HAProxy's worker.
    pub group: Option<Account>,
    /// The folder that the worker is confined to.
    pub chroot: Option<PlainPath>,
    /// Where the log goes; none for standard output.
    pub log_target: Option<LogTarget>,
    /// HAProxy's runtime socket, for administrators.
    pub admin_socket: Option<PlainPath>,
    /// The zone of this balancer: gateways of other zones are backups.
    pub zone: Option<Zone>,
}

/// The lines of HAProxy's configuration that follow from it; the fields are variables of `s3-haproxy.cfg.j2`.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The user of HAProxy's worker.
    pub user: Option<String>,
    /// The group of HAProxy's worker.
    pub group: Option<String>,
    /// The folder that the worker is confined to.
    pub chroot: Option<String>,
    /// Where the log goes.
    pub log_target: String,
    /// HAProxy's runtime socket, for administrators.
    pub admin_socket: Option<String>,
    /// Who may see HAProxy's pages.
    pub stats_users: Vec<User>,
    /// File descriptors that HAProxy needs.
    pub open_files: u32,
}

/// An address to listen on.
#[derive(Clone, Debug, Serialize)]
pub struct Listen {
    /// As HAProxy writes it; empty for every IPv4 address.
    pub address: String,
    /// `v4v6` or `v6only`, where both families are meant or another line has the other.
    pub family: Option<&'static str>,
}

/// A user with a password.
#[derive(Clone, Debug, Serialize)]
pub struct User {
    /// The name.
    pub name: String,
    /// The hash of the password, by crypt(3).
    pub hash: String,
}

impl Machine {
    /// What is wanted, for HAProxy.
    #[must_use]
    pub fn new(wanted: &Wanted, spec: &Spec) -> Self {
        let user = |(name, hash): (&str, &str)| User { name: name.to_owned(), hash: hash.to_owned() };
        Self {
            user: wanted.user.as_ref().map(ToString::to_string),
            group: wanted.group.as_ref().map(ToString::to_string),
            chroot: wanted.chroot.as_ref().map(ToString::to_string),
            log_target: wanted
                .log_target
                .as_ref()
                .map_or_else(|| LogTarget::STDOUT.to_owned(), ToString::to_string),
            admin_socket: wanted.admin_socket.as_ref().map(ToString::to_string),
            stats_users: wanted.stats_users.iter().flat_map(StatsUsers::iter).map(user).collect(),
            open_files: spec.balancer.open_files(),
        }
    }
}

/// What these addresses, or every IPv4 address where there is none, are to HAProxy.
pub(super) fn listens(addresses: &[BindAddress]) -> Vec<Listen> {
    if addresses.is_empty() {
        return vec![Listen { address: String::new(), family: None }];
    }
    let has_four = addresses.iter().any(|address| address.ip().is_ipv4());
    let listen = |address: &BindAddress| Listen {
        address: match address.ip() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        },
        // Linux would give a listener on :: the IPv4 addresses too, or not, as a setting of the system says.
        family: address
            .ip()
            .is_unspecified()
            .then_some(match (address.ip().is_ipv6(), has_four) {
                (false, _) => None,
                (true, true) => Some("v6only"),
                (true, false) => Some("v4v6"),
            })
            .flatten(),
    };
    addresses.iter().map(listen).collect()
}

/// The file by which HAProxy's unit reports to keepalived whether it runs. Gone after a start of the machine.
pub const STATE_FILE: &str = "/run/s3-balancer-state";

/// Two balancers that share an address.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The address that one of them has at a time.
    pub address: VirtualAddress,
    /// The interface that gets it.
    pub interface: Interface,
    /// Addresses of the two, for the traffic between them.
    pub peers: [IpAddr; 2],
    /// Number of the pair in its network.
    pub router: u32,
}

/// One of the two; the fields are variables of `machine/keepalived.conf.j2`.
#[derive(Clone, Debug, Serialize)]
pub struct Keepalived {
    /// 1 or 2.
    pub number: u32,
    /// The higher one has the address while both are healthy.
    pub priority: u32,
    /// Address of this one.
    pub own: String,
    /// Address of the other one.
    pub other: String,
    /// Address that they share.
    pub address: String,
    /// Interface that gets it.
    pub interface: String,
    /// Number of the pair in its network.
    pub router: u32,
    /// Where HAProxy reports its health.
    pub health: String,
    /// Where its unit reports whether it runs.
    pub state_file: &'static str,
}

/// The files beside HAProxy's configuration.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// keepalived on each of the two, where there are two.
    pub keepalived: Vec<Keepalived>,
    /// The other files.
    pub notes: Notes,
}

/// What INSTALL.md and the unit say; the fields are variables of their templates.
#[derive(Clone, Debug, Serialize)]
pub struct Notes {
    /// File descriptors that HAProxy needs.
    pub open_files: u32,
    /// Ports of S3.
    pub s3_ports: Vec<u32>,
    /// The certificate of https, by its path on the machine, where there is one.
    pub certificate: Option<String>,
    /// Its private key, where HAProxy does not find it by its name.
    pub key: Option<String>,
    /// The port of HAProxy's pages, where there is one.
    pub stats_port: Option<u32>,
    /// Ports of the gateways.
    pub gateway_ports: Vec<u32>,
    /// Whether two balancers share an address.
    pub is_pair: bool,
    /// Where HAProxy's unit reports to keepalived whether it runs.
    pub state_file: &'static str,
    /// That address.
    pub address: Option<String>,
    /// Whether HAProxy listens on an address that its machine may not have at the time.
    pub binds_address: bool,
    /// The folder that HAProxy is confined to.
    pub chroot: Option<String>,
    /// The socket that takes HAProxy's log, where it is confined and the log goes to one.
    pub log_socket: Option<String>,
}

impl Bundle {
    /// What is wanted, for the files.
    #[must_use]
    pub fn new(wanted: &Wanted, pair: Option<&Pair>, spec: &Spec) -> Self {
        let stats = spec.ports.stats.port().map(crate::spec::values::Port::get);
        let host = wanted.stats_listen.map_or_else(|| "127.0.0.1".to_owned(), BindAddress::url_host);
        let health = match stats {
            Some(port) => format!("http://{host}:{port}/healthz"),
            None => format!("http://127.0.0.1:{}/", spec.ports.s3),
        };
        let one = |pair: &Pair, place: usize| Keepalived {
            number: if place == 0 { 1 } else { 2 },
            // Close to the most that there is: the nearer, the sooner one takes over after the other resigned.
            priority: if place == 0 { 250 } else { 245 },
            own: pair.peers[place].to_string(),
            other: pair.peers[1 - place].to_string(),
            address: pair.address.to_string(),
            interface: pair.interface.to_string(),
            router: pair.router,
            health: health.clone(),
            state_file: STATE_FILE,
        };
        let certificate = match &spec.balancer.tls {
            Some(Tls::There { certificate, key }) => Some((certificate, key)),
            _ => None,
        };
        let mut gateway_ports: Vec<u32> = spec.servers.iter().map(|server| server.port.get()).collect();
        gateway_ports.sort_unstable();
        gateway_ports.dedup();
        Self {
            keepalived: pair.map(|pair| vec![one(pair, 0), one(pair, 1)]).unwrap_or_default(),
            notes: Notes {
                open_files: spec.balancer.open_files(),
                s3_ports: match (&spec.balancer.tls, spec.balancer.http) {
                    (None, _) => vec![spec.ports.s3.get()],
                    (Some(_), PlainHttp::Off) => vec![spec.ports.https.get()],
                    (Some(_), _) => vec![spec.ports.s3.get(), spec.ports.https.get()],
                },
                certificate: certificate.map(|(certificate, _)| certificate.to_string()),
                key: certificate.and_then(|(certificate, key)| {
                    let key = key.as_ref()?.to_string();
                    (![certificate.to_string(), format!("{certificate}.key")].contains(&key)).then_some(key)
                }),
                stats_port: stats,
                gateway_ports,
                is_pair: pair.is_some(),
                state_file: STATE_FILE,
                address: pair.map(|pair| pair.address.ip.to_string()),
                binds_address: pair
                    .is_some_and(|pair| wanted.listen.iter().any(|listen| listen.ip() == pair.address.ip)),
                chroot: wanted.chroot.as_ref().map(ToString::to_string),
                log_socket: wanted
                    .chroot
                    .as_ref()
                    .and(wanted.log_target.as_ref())
                    .map(ToString::to_string)
                    .filter(|target| target.starts_with('/')),
            },
        }
    }
}
