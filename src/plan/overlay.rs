//! Balancer and gateways as containers, to be laid over an Ozone.

use serde::Serialize;

use super::balancer::{SCALED_SERVICE, slots};
use super::jvm::jvm_settings;
use super::settings::Setting;
use super::share::Share;
use super::{MASTER_SOCKET, S3_PORT, STATS_PORT, WEBADMIN_PORT, variable};
use crate::spec::values::{Discovery, ImageName, Port, Profile};
use crate::spec::{PublishedPort, Spec};

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
    /// Where its master process listens, in the container.
    pub master_socket: &'static str,
    /// Variables of the gateways beside those of `docker-config`.
    pub environment: Vec<Setting>,
    /// What a gateway may take of the machine; none where the engine alone decides.
    pub share: Option<Share>,
    /// What the balancer publishes.
    pub ports: Vec<Mapping>,
    /// Whether they take the place of what the files below publish for the service `s3g`.
    pub replaces_ports: bool,
    /// File descriptors of the balancer: four a client, whose reads go through it twice, and enough for checks of
    /// the largest cluster. No number of gateways and no usual `maxconn` changes it, which would recreate the
    /// container. Some engines allow 20000 and no more.
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
            master_socket: MASTER_SOCKET,
            environment: jvm_settings("s3g", spec.memory.gateway, spec.memory.jvm),
            share: Share::of("s3g", spec.memory.gateway, spec),
            ports: ports(spec),
            replaces_ports: replaces_ports(spec),
            open_files: (4 * spec.balancer.maxconn.get() + 2048).max(18_432),
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
