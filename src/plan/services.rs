//! Which containers there are: Ozone's own and those of the overlay.

use serde::Serialize;

use super::balancer::{SCALED_SERVICE, slots};
use super::settings::Setting;
use super::{S3_PORT, STATS_PORT, WEBADMIN_PORT};
use crate::spec::options::Opt;
use crate::spec::values::{
    ClusterName, Discovery, Heap, ImageName, Jvm, OzoneVersion, Port, Profile, Published,
};
use crate::spec::{PublishedPort, Spec};

/// SCM, OM and datanodes; the fields are the variables of `docker-compose.yaml.j2`.
#[derive(Clone, Debug, Serialize)]
pub struct Cluster {
    /// The Compose project.
    pub name: ClusterName,
    /// For the heading.
    pub version: OzoneVersion,
    /// For the heading.
    pub datanodes: u32,
    /// Of all services.
    pub image: ImageName,
    /// In the order in which they are written.
    pub services: Vec<Service>,
}

/// A service with a volume of its own.
#[derive(Clone, Debug, Serialize)]
pub struct Service {
    /// The service, its host and its volume.
    pub name: String,
    /// `scm`, `om` or `datanode`: also the subcommand of `ozone`.
    pub role: &'static str,
    /// Variables beside those of `docker-config`.
    pub environment: Vec<Setting>,
    /// Port of its web pages, in the container.
    pub web_port: u32,
    /// The same on the host, where it is published.
    pub published: Option<HostPort>,
    /// `name:/data`.
    pub volume: String,
    /// What its health check asks.
    pub health_url: String,
}

/// A port of the host, which an environment variable of Compose may replace.
#[derive(Clone, Debug, Serialize)]
pub struct HostPort {
    /// The port.
    pub port: Port,
    /// The variable.
    pub variable: String,
}

/// Balancer and gateways; the fields are the variables of `s3-haproxy.yaml.j2`.
#[derive(Clone, Debug, Serialize)]
pub struct Overlay {
    /// For the heading, and the scale of a service found by DNS.
    pub gateways: u32,
    /// Whether `docker-compose.yaml` is this tool's.
    pub has_cluster: bool,
    /// Of the gateways; none takes the runner of an Ozone checkout.
    pub image: Option<ImageName>,
    /// Of the balancer.
    pub balancer_image: ImageName,
    /// Variables of the gateways beside those of `docker-config`.
    pub environment: Vec<Setting>,
    /// What the balancer publishes.
    pub ports: Vec<Mapping>,
    /// Whether they take the place of what the files below publish for the service `s3g`.
    pub replaces_ports: bool,
    /// File descriptors of the balancer: two a connection, and enough for checks of the largest cluster, so
    /// that another number of gateways does not recreate the container.
    pub open_files: u32,
    /// The gateways, where each is a service.
    pub names: Vec<String>,
    /// The gateways, where they are one service.
    pub scaled: Option<Scaled>,
}

/// A published port of the balancer.
#[derive(Clone, Debug, Serialize)]
pub struct Mapping {
    /// In the container.
    pub target: u32,
    /// On the host.
    pub published: Port,
    /// The variable that may replace it.
    pub variable: String,
    /// On which address of the host.
    pub host_ip: String,
}

/// One service for all gateways.
#[derive(Clone, Debug, Serialize)]
pub struct Scaled {
    /// Its name.
    pub service: &'static str,
    /// Most gateways that HAProxy will use.
    pub slots: u32,
}

impl Cluster {
    /// What `spec` means for Ozone; none when it leaves Ozone to other files.
    #[must_use]
    pub fn new(spec: &Spec) -> Option<Self> {
        let image = spec.ozone_image.clone().filter(|_| spec.has_cluster())?;
        let mut services = vec![
            service(
                spec,
                "scm",
                "scm".to_owned(),
                spec.memory.scm,
                9876,
                host_port("ports.scm", spec.ports.scm),
            ),
            service(spec, "om", "om".to_owned(), spec.memory.om, 9874, host_port("ports.om", spec.ports.om)),
        ];
        services.extend((1..=spec.datanodes.get()).map(|number| {
            service(spec, "datanode", format!("datanode{number}"), spec.memory.datanode, 9882, None)
        }));
        Some(Self {
            name: spec.name.clone(),
            version: spec.version,
            datanodes: spec.datanodes.get(),
            image,
            services,
        })
    }
}

fn service(
    spec: &Spec,
    role: &'static str,
    name: String,
    heap: Heap,
    web_port: u32,
    published: Option<HostPort>,
) -> Service {
    let mut environment = match role {
        "scm" => vec![setting("ENSURE_SCM_INITIALIZED", "/data/metadata/scm/current/VERSION")],
        // An OM that starts before the SCM answers spends a JVM on trying again.
        "om" => vec![
            setting("WAITFOR", "scm:9876"),
            setting("ENSURE_OM_INITIALIZED", "/data/metadata/om/current/VERSION"),
        ],
        _ => Vec::new(),
    };
    environment.extend(jvm_settings(role, heap, spec.memory.jvm));
    Service {
        environment,
        web_port,
        published,
        volume: format!("{name}:/data"),
        health_url: format!("http://127.0.0.1:{web_port}/"),
        name,
        role,
    }
}

/// `OZONE_<ROLE>_OPTS` and `OZONE_SERVER_OPTS` reach daemons only; `OZONE_OPTS` would also reach every
/// `ozone` command that a person runs in the container.
fn jvm_settings(role: &str, heap: Heap, jvm: Jvm) -> Vec<Setting> {
    // A JVM without memory answers nobody; one that ends is seen by `up`, `status` and a person.
    let own = format!("-Xmx{heap} -XX:+ExitOnOutOfMemoryError");
    let mut settings = vec![setting(&format!("OZONE_{}_OPTS", role.to_uppercase()), &own)];
    if jvm == Jvm::FastStart {
        settings.push(setting("OZONE_SERVER_OPTS", "-XX:TieredStopAtLevel=1 -Xshare:auto"));
    }
    settings
}

fn setting(name: &str, value: &str) -> Setting {
    Setting { name: name.to_owned(), value: value.to_owned() }
}

fn host_port(key: &str, published: Published) -> Option<HostPort> {
    Some(HostPort { port: published.port()?, variable: variable(key) })
}

fn variable(key: &str) -> String {
    Opt::with_key(key).map(Opt::variable).unwrap_or_default()
}

impl Overlay {
    /// What `spec` means for balancer and gateways; none when the gateways are on other machines.
    #[must_use]
    pub fn new(spec: &Spec) -> Option<Self> {
        if !spec.in_containers() {
            return None;
        }
        let gateways = spec.gateways.get();
        let by_dns = spec.discovery == Discovery::Dns;
        Some(Self {
            gateways,
            has_cluster: spec.has_cluster(),
            image: spec.ozone_image.clone(),
            balancer_image: spec.balancer.image.clone(),
            environment: jvm_settings("s3g", spec.memory.gateway, spec.memory.jvm),
            ports: ports(spec),
            replaces_ports: replaces_ports(spec),
            open_files: 2 * spec.balancer.maxconn.get() + 4096,
            names: if by_dns { Vec::new() } else { spec.gateway_names().collect() },
            scaled: by_dns.then(|| Scaled { service: SCALED_SERVICE, slots: slots(gateways) }),
        })
    }
}

/// A checkout publishes 9878 for its own `s3g` on every address. Compose merges lists of ports, so a mapping
/// with any other address or port stands beside that one, and the two cannot both be bound. Only what Ozone's
/// example itself publishes is seen to be the same.
fn replaces_ports(spec: &Spec) -> bool {
    let (bind, s3) = (spec.ports.bind.to_string(), spec.ports.s3.get());
    let as_example = spec.profile == Profile::Upstream && bind == "0.0.0.0" && s3 == S3_PORT;
    !spec.has_cluster() && !as_example
}

/// What of the published ports is the balancer's.
fn ports(spec: &Spec) -> Vec<Mapping> {
    let mapping = |PublishedPort { key, address, port }: PublishedPort| {
        let target = match key {
            "ports.s3" => S3_PORT,
            "ports.webadmin" => WEBADMIN_PORT,
            "ports.stats" => STATS_PORT,
            _ => return None,
        };
        Some(Mapping { target, published: port, variable: variable(key), host_ip: address.to_string() })
    };
    spec.published_ports().into_iter().filter_map(mapping).collect()
}
