//! Balancer and gateways as containers, as an overlay over an Ozone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::balancer::{SCALED_SERVICE, bracketed, slots};
use super::jvm::jvm_settings;
use super::limits::Limits;
use super::settings::Setting;
use super::{
    CERTIFICATE_FOLDER, HTTPS_PORT, MASTER_SOCKET, REDIRECT_PORT, S3_PORT, STATS_PORT, WEBADMIN_PORT,
    variable,
};
use crate::spec::values::{
    Checkout, Discovery, DomainName, EngineAt, FolderPath, GatewayImage, GatewayName, ImageName, PlainHttp,
    Port, Profile,
};
use crate::spec::{PublishedPort, Spec};

/// The network in `compose/ozonesecure-ha` of an Ozone checkout: 172.25.0.0/24.
const FIXED_NETWORK: &str = "ozone_net";

/// Balancer and gateways; the fields are the variables of `s3-haproxy.yaml.j2`.
#[derive(Clone, Debug, Serialize)]
pub struct Overlay {
    /// For the heading, and the scale of a service found by DNS.
    pub gateways: u32,
    /// Whether `docker-compose.yaml` is this tool's.
    pub has_cluster: bool,
    /// Of the gateways; none takes the runner of an Ozone checkout.
    pub image: Option<ImageName>,
    /// The environment variable of Compose that may replace it.
    pub image_variable: String,
    /// The distribution that runs in the place of that of [`Self::image`].
    pub dist: Option<FolderPath>,
    /// Gateways with an image of their own, by service.
    pub own_images: BTreeMap<String, ImageName>,
    /// Of the balancer.
    pub balancer_image: ImageName,
    /// Where its master process listens, in the container.
    pub master_socket: &'static str,
    /// Variables of the gateways beside those of `docker-config`.
    pub environment: Vec<Setting>,
    /// The resource limits of a gateway; none where the engine alone decides.
    pub limits: Option<Limits>,
    /// What the balancer publishes.
    pub ports: Vec<Mapping>,
    /// Whether they replace what the files below publish for the service `s3g`.
    pub replaces_ports: bool,
    /// File descriptors of the balancer. No number of gateways and no usual `maxconn` changes it, which would recreate the
    /// container. Some engines allow 20000 and no more.
    pub open_files: u32,
    /// The gateways, where each is a service.
    pub names: Vec<String>,
    /// The gateways, where they are one service.
    pub scaled: Option<Scaled>,
    /// Names of the balancer in the network beside `s3g`: the domains, and the known buckets of each.
    pub aliases: Vec<String>,
    /// Where the folder of the certificate is mounted, where there is one.
    pub certificate_folder: Option<&'static str>,
    /// HAProxy's files, where the engine cannot mount their folder.
    pub configs: Option<Vec<Config>>,
    /// Whether the checkout below has a KDC, so that gateways need its keytabs.
    pub is_secure_checkout: bool,
    /// The network of the files below, where it is not the one that Compose makes for a project.
    pub network: Option<&'static str>,
    /// The address of each gateway there, by its service; empty where the engine gives them.
    pub addresses: BTreeMap<String, String>,
}

/// A file of HAProxy's that is embedded in the Compose file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Config {
    /// Its name in HAProxy's folder.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A published port of a container.
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

impl Mapping {
    /// A port of the host that leads to one of a container.
    pub(super) fn of(PublishedPort { key, address, port }: PublishedPort, target: u32) -> Self {
        Self { target, published: port, variable: variable(key), host_ip: address.to_string() }
    }
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
            image: spec.gateway_image().cloned(),
            image_variable: variable(if spec.gateway_image() == spec.ozone_image.as_ref() {
                "ozone.image"
            } else {
                "gateways.image"
            }),
            dist: spec.gateway_dist().filter(|_| spec.has_cluster()).cloned(),
            own_images: spec.gateway_images.iter().filter_map(of_one).collect(),
            balancer_image: spec.balancer.image.clone(),
            master_socket: MASTER_SOCKET,
            environment: [domain_settings(spec), jvm_settings("s3g", spec.memory.gateway, spec.memory.jvm)]
                .concat(),
            limits: Limits::of("s3g", spec.memory.gateway, spec),
            ports: ports(spec),
            replaces_ports: replaces_ports(spec),
            open_files: spec.balancer.open_files().max(18_432),
            names: if by_dns {
                Vec::new()
            } else {
                spec.gateway_names().map(|name| name.to_string()).collect()
            },
            aliases: aliases(spec),
            certificate_folder: spec.balancer.tls.as_ref().map(|_| CERTIFICATE_FOLDER),
            configs: (spec.engine == EngineAt::Remote).then(Vec::new),
            is_secure_checkout: spec.checkout != Checkout::Ozone,
            network: (spec.checkout == Checkout::SecureHa).then_some(FIXED_NETWORK),
            addresses: addresses(spec),
            scaled: by_dns.then(|| Scaled { service: SCALED_SERVICE, slots: slots(gateways) }),
        })
    }
}

/// The service of a gateway that has an image of its own.
fn of_one(choice: &GatewayImage) -> Option<(String, ImageName)> {
    Some((choice.gateway.as_ref()?.to_string(), choice.image.clone()))
}

/// As in Ozone's own overlay: those after the ones that its services have.
fn addresses(spec: &Spec) -> BTreeMap<String, String> {
    if spec.checkout != Checkout::SecureHa || spec.discovery == Discovery::Dns {
        return BTreeMap::new();
    }
    let address =
        |name: GatewayName| (name.to_string(), format!("172.25.0.{}", Checkout::LAST_TAKEN + name.number()));
    spec.gateway_names().map(address).collect()
}

/// The hosts that gateways take, where there are domains: they refuse all others then.
fn domain_settings(spec: &Spec) -> Vec<Setting> {
    if spec.domains.is_empty() {
        return Vec::new();
    }
    let hosts = spec.hosts().into_iter().map(|host| bracketed(&host));
    let all: BTreeSet<String> = spec.domains.iter().map(ToString::to_string).chain(hosts).collect();
    let list: Vec<String> = all.into_iter().collect();
    vec![Setting::new("OZONE-SITE.XML_ozone.s3g.domain.name", &list.join(","))]
}

/// Docker's name server knows no wildcards, so that each bucket needs a name of its own.
fn aliases(spec: &Spec) -> Vec<String> {
    let of_domain = |domain: &DomainName| {
        let buckets = spec.buckets.iter().map(|bucket| format!("{}.{domain}", bucket.name));
        [domain.to_string()].into_iter().chain(buckets.collect::<Vec<_>>())
    };
    let all: BTreeSet<String> = spec.domains.iter().flat_map(of_domain).collect();
    // A container calls itself `localhost`.
    all.difference(&spec.hosts()).cloned().collect()
}

/// A checkout publishes 9878 for its own `s3g` on every address. Compose merges lists of ports, so a mapping
/// with any other address or port stands beside that one, and the two cannot both be bound. Compose recognises as the
/// same only what Ozone's example itself publishes.
fn replaces_ports(spec: &Spec) -> bool {
    let (bind, s3) = (spec.ports.bind.to_string(), spec.ports.s3.get());
    let as_example = spec.profile == Profile::Upstream && bind == "0.0.0.0" && s3 == S3_PORT;
    !spec.has_cluster() && !as_example
}

/// What of the published ports is the balancer's.
fn ports(spec: &Spec) -> Vec<Mapping> {
    let mapping = |port: PublishedPort| {
        let target = match port.key {
            "ports.s3" if spec.balancer.http == PlainHttp::Redirect => REDIRECT_PORT,
            "ports.s3" => S3_PORT,
            "ports.https" => HTTPS_PORT,
            "ports.webadmin" => WEBADMIN_PORT,
            "ports.stats" => STATS_PORT,
            _ => return None,
        };
        Some(Mapping::of(port, target))
    };
    spec.published_ports().into_iter().filter_map(mapping).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::choices::{Choices, Origin};
    use crate::spec::options::Opt;

    #[test]
    fn a_bucket_with_properties_has_its_name_alone_in_the_network() {
        let mut choices = Choices::default();
        for (key, text) in [("domains", "s3.localhost"), ("buckets", "logs:layout=fso")] {
            choices.choose(Opt::with_key(key).expect("a key"), vec![text.to_owned()], Origin::File);
        }
        let spec = Spec::resolve(&choices, "demo").expect("a good spec");
        assert_eq!(aliases(&spec), ["logs.s3.localhost", "s3.localhost"]);
    }
}
