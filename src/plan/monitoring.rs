//! Prometheus, which finds each gateway by its name, and Grafana with a dashboard.

use serde::Serialize;

use super::Role;
use super::balancer::{SCALED_SERVICE, slots};
use super::cluster::Cluster;
use super::overlay::Mapping;
use crate::spec::Spec;
use crate::spec::values::{Discovery, GatewayName, ImageName};

/// The service of Prometheus.
pub const PROMETHEUS: &str = "prometheus";
/// The service of Grafana.
pub const GRAFANA: &str = "grafana";
/// Port of Prometheus in its container.
pub const PROMETHEUS_PORT: u32 = 9090;
/// Port of Grafana in its container.
pub const GRAFANA_PORT: u32 = 3000;

/// So many gateways need no other Prometheus.
const FEW: u32 = 16;

/// Prometheus and Grafana; the fields are variables of `monitoring.yaml.j2`.
#[derive(Clone, Debug, Serialize)]
pub struct Monitoring {
    /// Of Prometheus.
    pub image: ImageName,
    /// What Prometheus publishes, where anything.
    pub port: Option<Mapping>,
    /// Of Grafana; none without Grafana.
    pub grafana_image: Option<ImageName>,
    /// What Grafana publishes.
    pub grafana_port: Option<Mapping>,
    /// Names of gateways that Prometheus looks for: all for which HAProxy has room, so that it finds what `scale` adds.
    pub gateways: Vec<String>,
    /// Services with web pages, by what they are.
    pub jobs: Vec<Job>,
}

/// Services of a role, as Prometheus reaches them.
#[derive(Clone, Debug, Serialize)]
pub struct Job {
    /// `om`.
    pub name: Role,
    /// Host and port of each.
    pub targets: Vec<String>,
}

impl Monitoring {
    /// What `spec` means for what watches the cluster; none where nothing does.
    #[must_use]
    pub fn new(spec: &Spec, cluster: Option<&Cluster>) -> Option<Self> {
        let (monitoring, cluster) = (spec.monitoring.as_ref()?, cluster?);
        let mapping = |wanted: &str, target| {
            let published = spec.published_ports().into_iter().find(|one| one.key == wanted);
            published.map(|port| Mapping::of(port, target))
        };
        let grafana_port = mapping("ports.grafana", GRAFANA_PORT);
        let job = |role| Job {
            name: role,
            targets: cluster
                .services
                .iter()
                .filter(|service| service.role == role)
                .map(|service| format!("{}:{}", service.name, service.web_port))
                .collect(),
        };
        Some(Self {
            image: monitoring.prometheus_image.clone(),
            port: mapping("ports.prometheus", PROMETHEUS_PORT),
            grafana_image: grafana_port.as_ref().map(|_| monitoring.grafana_image.clone()),
            grafana_port,
            gateways: match spec.discovery {
                Discovery::Dns => vec![SCALED_SERVICE.to_owned()],
                Discovery::Static => {
                    // Other names are another Prometheus, whose metrics begin anew: some more than any small number needs.
                    let all = 1..=slots(spec.gateways.get().max(FEW));
                    all.map(|number| GatewayName::numbered(number).to_string()).collect()
                }
            },
            jobs: Role::OF_DATA.into_iter().chain(spec.recon.map(|_| Role::Recon)).map(job).collect(),
        })
    }
}
