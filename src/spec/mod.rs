//! What a person asks for: a typed, validated [`Spec`] from flags, environment and file.
//!
//! Knows nothing of Compose, HAProxy's dialect or disks; [`file`] works on texts.

pub mod choices;
pub mod file;
pub mod options;
mod resolve;
pub mod schema;
pub mod values;

use std::fmt::{self, Write as _};

use choices::FILE_NAME;
use options::Basis;
use values::{
    Algorithm, Base, BindAddress, ClusterName, Connections, DatanodeCount, Discovery, FolderPath,
    GatewayCount, GatewayName, Health, Heap, ImageName, Jvm, OmCount, OzoneVersion, Port, Profile, Published,
    Replication, Retries, ScmCount, ServerAddress, Size, Span,
};

/// A thing that is wrong with what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    path: String,
    origin: Option<String>,
    message: String,
}

impl Problem {
    /// A problem of a path in `ozone-compose.yaml`, or of the file as a whole.
    fn of_file(path: &str, message: String) -> Self {
        let origin = (path != FILE_NAME).then(|| FILE_NAME.to_owned());
        Self { path: path.to_owned(), origin, message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        f.write_str(": ")?;
        // A line each, whatever a value holds.
        for c in self.message.chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { f.write_char(c)? }
        }
        Ok(())
    }
}

/// Everything that is wrong at once, a line each: `gateways.count (--gateways): 0 is not between 1 and 512`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(Vec<Problem>);

/// What is to be written, checked: no field contradicts another.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The Compose project.
    pub name: ClusterName,
    /// What the gateways stand on.
    pub base: Base,
    /// Whose templates and defaults.
    pub profile: Profile,
    /// Which keys Ozone knows.
    pub version: OzoneVersion,
    /// Image of all Ozone services; none takes the runner image of an Ozone checkout.
    pub ozone_image: Option<ImageName>,
    /// The gateways in containers.
    pub gateways: GatewayCount,
    /// How HAProxy finds them.
    pub discovery: Discovery,
    /// Those that get no new requests.
    pub drained: Vec<GatewayName>,
    /// Real gateways; when there are any, nothing runs in containers.
    pub servers: Vec<ServerAddress>,
    /// How many SCMs.
    pub scms: ScmCount,
    /// How many OMs.
    pub oms: OmCount,
    /// Datanodes, at least as many as the replication needs.
    pub datanodes: DatanodeCount,
    /// Copies of each block.
    pub replication: Replication,
    /// What is published on the host.
    pub ports: Ports,
    /// HAProxy.
    pub balancer: Balancer,
    /// Heaps.
    pub memory: Memory,
    /// A folder of templates in the place of this tool's, relative to the cluster's folder.
    pub templates: Option<FolderPath>,
}

/// Ports of the host.
#[derive(Clone, Debug)]
pub struct Ports {
    /// Address of S3 and webadmin.
    pub bind: BindAddress,
    /// The S3 API.
    pub s3: Port,
    /// The gateways' web pages.
    pub webadmin: Published,
    /// HAProxy's own pages.
    pub stats: Published,
    /// The SCM's web pages.
    pub scm: Published,
    /// The OM's web pages.
    pub om: Published,
}

/// A port of this machine on which the balancer or the cluster answers.
#[derive(Clone, Copy, Debug)]
pub struct PublishedPort {
    /// Its key in `ozone-compose.yaml`.
    pub key: &'static str,
    /// On which address.
    pub address: BindAddress,
    /// The port.
    pub port: Port,
}

/// Settings of HAProxy.
#[derive(Clone, Debug)]
pub struct Balancer {
    /// Its image.
    pub image: ImageName,
    /// How it chooses.
    pub balance: Algorithm,
    /// How it checks.
    pub health: Health,
    /// How often it checks.
    pub health_interval: Span,
    /// Attempts after the first.
    pub retries: Retries,
    /// Connections in all.
    pub maxconn: Connections,
    /// Requests in flight to each gateway.
    pub gateway_maxconn: Connections,
    /// Its patience.
    pub timeouts: Timeouts,
}

/// Timeouts of HAProxy, named as there.
#[derive(Clone, Debug, serde::Serialize)]
#[expect(missing_docs, reason = "the table of options describes each")]
pub struct Timeouts {
    pub connect: Span,
    pub client: Span,
    pub server: Span,
    pub queue: Span,
    pub request: Span,
    pub keep_alive: Span,
    pub check: Span,
    pub hard_stop: Span,
}

/// Largest heaps, and what the JVMs are tuned for.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "named by role")]
pub struct Memory {
    pub size: Size,
    pub gateway: Heap,
    pub scm: Heap,
    pub om: Heap,
    pub datanode: Heap,
    pub jvm: Jvm,
}

impl Spec {
    /// What defaults depend on.
    #[must_use]
    pub fn basis(&self) -> Basis {
        Basis { profile: self.profile, base: self.base, size: self.memory.size }
    }

    /// Whether gateways run in containers, rather than on other machines.
    #[must_use]
    pub fn in_containers(&self) -> bool {
        self.servers.is_empty()
    }

    /// Whether this tool writes the SCM, OM and datanodes too.
    #[must_use]
    pub fn has_cluster(&self) -> bool {
        self.in_containers() && self.base != Base::None
    }

    /// Names of the gateways in containers: their services, their hosts, and what HAProxy calls them.
    pub fn gateway_names(&self) -> impl Iterator<Item = String> + use<> {
        (1..=self.gateways.get()).map(|number| format!("s3g{number}"))
    }

    /// Whether a gateway by this name gets no new requests.
    #[must_use]
    pub fn is_drained(&self, name: &str) -> bool {
        self.drained.iter().any(|drained| drained.to_string() == name)
    }

    /// Names of the gateways in containers that get requests.
    pub fn in_rotation(&self) -> impl Iterator<Item = String> + use<'_> {
        self.gateway_names().filter(|name| !self.is_drained(name))
    }

    /// Names of the SCMs, which are their services and hosts: `scm`, or `scm1` and on.
    #[must_use]
    pub fn scm_names(&self) -> Vec<String> {
        names("scm", self.scms.get())
    }

    /// Names of the OMs, likewise.
    #[must_use]
    pub fn om_names(&self) -> Vec<String> {
        names("om", self.oms.get())
    }

    /// The ports of this machine on which the balancer or the cluster answers, in the order of the table of options.
    #[must_use]
    pub fn published_ports(&self) -> Vec<PublishedPort> {
        let ports = &self.ports;
        // Ozone's example has no statistics.
        let stats = ports.stats.port().filter(|_| self.profile == Profile::Tuned);
        let of_cluster = |published: Published| published.port().filter(|_| self.has_cluster());
        let all = [
            ("ports.s3", ports.bind, Some(ports.s3)),
            ("ports.webadmin", ports.bind, ports.webadmin.port()),
            ("ports.stats", BindAddress::LOOPBACK, stats),
            ("ports.scm", BindAddress::LOOPBACK, of_cluster(ports.scm)),
            ("ports.om", BindAddress::LOOPBACK, of_cluster(ports.om)),
        ];
        all.into_iter()
            .filter_map(|(key, address, port)| Some(PublishedPort { key, address, port: port? }))
            .collect()
    }
}

/// One has no number, as in Ozone's own examples.
fn names(role: &str, count: u32) -> Vec<String> {
    match count {
        1 => vec![role.to_owned()],
        _ => (1..=count).map(|number| format!("{role}{number}")).collect(),
    }
}
