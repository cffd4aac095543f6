//! What a person chooses: a typed, validated [`Spec`] from flags, environment and file.
//!
//! Knows nothing of Compose, HAProxy's dialect or disks; [`file`] works on texts.

pub mod choices;
pub mod file;
pub mod options;
mod resolve;
pub mod schema;
pub mod values;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::net::IpAddr;

use choices::FILE_NAME;
use options::Basis;
use values::machine::PlainPath;
use values::{
    Algorithm, Base, BindAddress, BucketChoice, Checkout, ClientConnections, ClusterName, Connections,
    DatanodeCount, Discovery, DomainName, EngineAt, FilePath, FolderPath, GatewayCount, GatewayImage,
    GatewayName, GatewayWeight, Health, Heap, HostName, ImageName, Jvm, NodeCount, OmCount, OzoneVersion,
    PlainHttp, Port, Profile, Published, Replication, RequestLog, Retries, ScmCount, ServerAddress, Size,
    Span, Target, UserName,
};

/// A problem with the choices.
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

impl Problems {
    /// What to do where `ozone-compose.yaml` has one of them; empty otherwise.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        let is_of_file =
            |problem: &Problem| problem.path == FILE_NAME || problem.origin.as_deref() == Some(FILE_NAME);
        if self.0.iter().any(is_of_file) {
            "correct ozone-compose.yaml; until then `ls`, `collect` and `down --name NAME` work"
        } else {
            ""
        }
    }
}

/// What to write, checked: no field contradicts another.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The Compose project.
    pub name: ClusterName,
    /// What the gateways stand on.
    pub base: Base,
    /// What runs the containers.
    pub target: Target,
    /// Nodes of a Swarm that hold data.
    pub nodes: NodeCount,
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
    /// The distribution that runs in the place of the image's.
    pub dist: Option<FolderPath>,
    /// Images of gateways that are not [`Self::ozone_image`].
    pub gateway_images: Vec<GatewayImage>,
    /// Weights of gateways.
    pub weights: Vec<GatewayWeight>,
    /// Real gateways; when there are any, nothing runs in containers.
    pub servers: Vec<ServerAddress>,
    /// Buckets that `up` makes.
    pub buckets: Vec<BucketChoice>,
    /// Names of S3 under which each bucket has a name.
    pub domains: Vec<DomainName>,
    /// A folder, relative to the cluster's, whose files `up` writes as objects.
    pub seed: Option<FolderPath>,
    /// Kerberos, and with it S3 secrets; none where S3 accepts any key.
    pub kerberos: Option<Kerberos>,
    /// The port of Recon on the host; none where there is no Recon.
    pub recon: Option<Published>,
    /// The port of HttpFS on the host; none where there is no HttpFS.
    pub httpfs: Option<Published>,
    /// Prometheus and Grafana; none where there is no monitoring.
    pub monitoring: Option<Monitoring>,
    /// How many SCMs.
    pub scms: ScmCount,
    /// How many OMs.
    pub oms: OmCount,
    /// Datanodes, at least as many as the replication needs.
    pub datanodes: DatanodeCount,
    /// Copies of each block.
    pub replication: Replication,
    /// Where the engine is.
    pub engine: EngineAt,
    /// What is published on the host.
    pub ports: Ports,
    /// HAProxy.
    pub balancer: BalancerSettings,
    /// Heaps.
    pub memory: Memory,
    /// Which folder of a checkout the overlay is for; [`Checkout::Ozone`] where Ozone is this tool's.
    pub checkout: Checkout,
    /// A folder of templates in the place of this tool's, relative to the cluster's folder.
    pub templates: Option<FolderPath>,
}

/// A KDC of the cluster's own.
#[derive(Clone, Debug)]
pub struct Kerberos {
    /// Its image.
    pub image: ImageName,
    /// The S3 users that are to have secrets.
    pub users: Vec<UserName>,
}

/// What watches the cluster.
#[derive(Clone, Debug)]
pub struct Monitoring {
    /// Of Prometheus.
    pub prometheus_image: ImageName,
    /// The port of Prometheus on the host, where it is published.
    pub prometheus: Published,
    /// Of Grafana.
    pub grafana_image: ImageName,
    /// The port of Grafana on the host; without one there is no Grafana.
    pub grafana: Published,
}

/// Ports of the host.
#[derive(Clone, Debug)]
pub struct Ports {
    /// Where clients reach them, if not where the engine is.
    pub host: Option<HostName>,
    /// Address of S3 and webadmin.
    pub bind: BindAddress,
    /// The S3 API.
    pub s3: Port,
    /// The S3 API over https, where there is any.
    pub https: Port,
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
pub struct BalancerSettings {
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
    pub maxconn: ClientConnections,
    /// Requests in flight to each gateway.
    pub gateway_maxconn: Connections,
    /// Whether it serves https too, and with which certificate.
    pub tls: Option<Tls>,
    /// What plain http does outside the cluster's network; it stays where there is no https.
    pub http: PlainHttp,
    /// How it verifies gateways with TLS.
    pub backend_tls: Option<BackendTls>,
    /// What it logs.
    pub log: RequestLog,
    /// Its patience.
    pub timeouts: Timeouts,
}

/// Whose certificate HAProxy has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// One that this tool makes, for clients that know its CA.
    Made,
    /// A person's own; paths relative to the cluster's folder.
    Own {
        /// The certificate, and those of its chain.
        certificate: FilePath,
        /// Its private key.
        key: FilePath,
    },
    /// One on the machine of a balancer for gateways on others.
    There {
        /// The file with certificate, chain and private key, or a folder of such.
        certificate: PlainPath,
        /// Its private key, where that is in a file of its own.
        key: Option<PlainPath>,
    },
}

/// How HAProxy verifies gateways with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendTls {
    /// By this CA, and the name that the configuration has.
    Verified(PlainPath),
    /// Not at all.
    Unverified,
}

impl BalancerSettings {
    /// File descriptors that it needs: two a client, half a one for the pipes through which the kernel moves bodies (HAProxy
    /// has one for each fourth connection), and enough for checks of the largest cluster.
    #[must_use]
    pub fn open_files(&self) -> u32 {
        5 * self.maxconn.get() / 2 + 2048
    }
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

    /// Names of the gateways on other machines, by which HAProxy knows them.
    pub fn server_names(&self) -> impl Iterator<Item = String> + use<'_> {
        let name = |(number, server): (u32, &ServerAddress)| {
            server.name.clone().unwrap_or_else(|| format!("s3g{number}"))
        };
        (1..).zip(&self.servers).map(name)
    }

    /// Names of the gateways in containers: their services, their hosts, and what HAProxy calls them.
    pub fn gateway_names(&self) -> impl Iterator<Item = GatewayName> + use<> {
        (1..=self.gateways.get()).map(GatewayName::numbered)
    }

    /// Whether a gateway by this name gets no new requests.
    #[must_use]
    pub fn is_drained(&self, name: &GatewayName) -> bool {
        self.drained.contains(name)
    }

    /// The image of all gateways that have none of their own; none takes the runner image of an Ozone checkout.
    #[must_use]
    pub fn gateway_image(&self) -> Option<&ImageName> {
        let of_all = self.gateway_images.iter().find(|one| one.gateway.is_none()).map(|one| &one.image);
        of_all.or(self.ozone_image.as_ref())
    }

    /// The distribution of the gateways: one with an image of its own has that of the image.
    #[must_use]
    pub fn gateway_dist(&self) -> Option<&FolderPath> {
        self.dist.as_ref().filter(|_| self.gateway_images.iter().all(|one| one.gateway.is_some()))
    }

    /// Names of the gateways in containers that get requests.
    pub fn in_rotation(&self) -> impl Iterator<Item = GatewayName> + use<'_> {
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

    /// The address on which pages for people are published: of HAProxy, the SCM and the OM.
    #[must_use]
    pub fn pages(&self) -> BindAddress {
        match (self.engine, self.target) {
            (EngineAt::Local, Target::Compose) => BindAddress::LOOPBACK,
            (EngineAt::Remote, _) | (_, Target::Swarm | Target::Helm) => self.ports.bind,
        }
    }

    /// Names and addresses by which clients reach the balancer of a cluster, the domains aside; IPv6 without brackets.
    #[must_use]
    pub fn hosts(&self) -> BTreeSet<String> {
        let mut hosts: BTreeSet<String> = ["localhost", "127.0.0.1", "::1", "s3g"].map(str::to_owned).into();
        let bind = self.ports.bind.ip();
        if !bind.is_unspecified() {
            hosts.insert(bind.to_string());
        }
        if let Some(host) = &self.ports.host {
            let host = host.as_str().trim_start_matches('[').trim_end_matches(']');
            hosts.insert(
                host.parse::<IpAddr>().map_or_else(|_| host.to_lowercase(), |address| address.to_string()),
            );
        }
        hosts
    }

    /// The ports of the engine's machine on which the balancer or the cluster answers, in the order of the table of options.
    #[must_use]
    pub fn published_ports(&self) -> Vec<PublishedPort> {
        let ports = &self.ports;
        // Ozone's example has no statistics.
        // Only a container reaches the loopback address of another machine.
        let pages = self.pages();
        let stats = ports.stats.port().filter(|_| self.profile == Profile::Tuned);
        let of_cluster = |published: Published| {
            published.port().filter(|_| self.has_cluster() && self.target == Target::Compose)
        };
        let all = [
            ("ports.s3", ports.bind, Some(ports.s3).filter(|_| self.balancer.http != PlainHttp::Off)),
            ("ports.https", ports.bind, self.balancer.tls.as_ref().map(|_| ports.https)),
            ("ports.webadmin", ports.bind, ports.webadmin.port()),
            ("ports.stats", pages, stats),
            ("ports.scm", pages, of_cluster(ports.scm)),
            ("ports.om", pages, of_cluster(ports.om)),
            ("ports.recon", pages, self.recon.and_then(Published::port)),
            ("ports.httpfs", pages, self.httpfs.and_then(Published::port)),
            ("ports.prometheus", pages, self.monitoring.as_ref().and_then(|one| one.prometheus.port())),
            ("ports.grafana", pages, self.monitoring.as_ref().and_then(|one| one.grafana.port())),
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
