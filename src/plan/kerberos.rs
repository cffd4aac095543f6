//! A KDC beside the cluster, and what every other service needs to reach it.

use serde::Serialize;

use super::balancer::SCALED_SERVICE;
use super::cluster::Cluster;
use super::overlay::Overlay;
use crate::spec::Spec;
use crate::spec::values::{EngineAt, ImageName};

/// The service of the KDC, which is its host.
pub const KDC: &str = "kdc";

/// Where every service finds its keytabs in its container.
pub const KEYTABS: &str = "/etc/security/keytabs";

/// A KDC and its clients; the fields are variables of `kerberos.yaml.j2`.
#[derive(Clone, Debug, Serialize)]
pub struct Kerberos {
    /// Of the KDC.
    pub image: ImageName,
    /// Its service.
    pub kdc: &'static str,
    /// Where keytabs are.
    pub keytabs: &'static str,
    /// The services that have principals.
    pub clients: Vec<Client>,
    /// The volumes with the data of a secure cluster.
    pub data: Vec<String>,
    /// Whether the files of the KDC are embedded in the Compose file, since the engine does not see the folder.
    pub inline: bool,
}

/// A service that has a principal.
#[derive(Clone, Debug, Serialize)]
pub struct Client {
    /// Its name.
    pub name: String,
    /// Whether it waits for the KDC. The others wait for a service that does.
    pub waits: bool,
}

impl Kerberos {
    /// What `spec` means for the KDC; none where it has no security.
    #[must_use]
    pub fn new(spec: &Spec, cluster: Option<&Cluster>, overlay: Option<&Overlay>) -> Option<Self> {
        let (kerberos, cluster, overlay) = (spec.kerberos.as_ref()?, cluster?, overlay?);
        let of_cluster = cluster.services.iter().map(|service| Client {
            name: service.name.clone(),
            waits: !service.environment.iter().any(|variable| variable.name == "WAITFOR"),
        });
        let scaled = overlay.scaled.iter().map(|_| SCALED_SERVICE.to_owned());
        let gateways = overlay.names.iter().cloned().chain(scaled);
        let gateways = gateways.map(|name| Client { name, waits: true });
        let with_volume = cluster.services.iter().filter(|service| service.volume.is_some());
        Some(Self {
            image: kerberos.image.clone(),
            kdc: KDC,
            keytabs: KEYTABS,
            clients: of_cluster.chain(gateways).collect(),
            data: with_volume.map(|service| service.name.clone()).collect(),
            inline: spec.engine == EngineAt::Remote,
        })
    }
}
