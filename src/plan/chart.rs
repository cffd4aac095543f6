//! The cluster as values of Ozone's own Helm chart, and HAProxy beside it, on Kubernetes. Rendered only: this tool runs nothing there.

use serde::Serialize;

use super::cluster::Cluster;
use super::draining::{Notice, script};
use super::limits::most_mebibytes;
use super::overlay::{Config, Overlay};
use super::settings::{Group, Setting};
use crate::digest::digest;
use crate::spec::Spec;
use crate::spec::values::{ClusterName, Heap, ImageName, OzoneVersion, Port};

/// Variables that the chart sets, or whose values are names on Compose; a name that ends with a dot stands for all that begin so.
const OF_THE_CHART: &[&str] = &[
    "CORE-SITE.XML_fs.defaultFS",
    "OZONE-SITE.XML_hdds.datanode.dir",
    "OZONE-SITE.XML_hdds.scm.safemode.min.datanode",
    "OZONE-SITE.XML_ozone.metadata.dirs",
    "OZONE-SITE.XML_ozone.om.address",
    "OZONE-SITE.XML_ozone.om.address.",
    "OZONE-SITE.XML_ozone.om.http-address",
    "OZONE-SITE.XML_ozone.om.nodes.",
    "OZONE-SITE.XML_ozone.om.service.ids",
    "OZONE-SITE.XML_ozone.scm.address.",
    "OZONE-SITE.XML_ozone.scm.block.client.address",
    "OZONE-SITE.XML_ozone.scm.client.address",
    "OZONE-SITE.XML_ozone.scm.datanode.id.dir",
    "OZONE-SITE.XML_ozone.scm.http-address",
    "OZONE-SITE.XML_ozone.scm.names",
    "OZONE-SITE.XML_ozone.scm.nodes.",
    "OZONE-SITE.XML_ozone.scm.primordial.node.id",
    "OZONE-SITE.XML_ozone.scm.service.ids",
    "OZONE_CONF_DIR",
    "OZONE_LOG_DIR",
    "no_proxy",
];

/// Kubernetes takes an address out of DNS when it sends SIGTERM, and its DNS keeps answers for 5 s.
const NOTICE: Notice = Notice(8);

/// Seconds for requests in flight after that: the chart has no key for the 30 s that a pod gets to end.
const DRAINS_WITHIN: u32 = 18;

/// Values and HAProxy; the fields are the variables of the templates in `helm/`.
#[derive(Clone, Debug, Serialize)]
pub struct Chart {
    /// The release, with which the names of its services begin.
    pub name: ClusterName,
    /// For the heading.
    pub version: OzoneVersion,
    /// The image of Ozone without its tag.
    pub repository: String,
    /// Its tag.
    pub tag: String,
    /// Ozone's settings that the chart does not make.
    pub groups: Vec<Group>,
    /// SCMs, OMs and datanodes.
    pub roles: Vec<ChartRole>,
    /// How many.
    pub gateways: u32,
    /// Variables of the gateways alone.
    pub gateway_environment: Vec<Setting>,
    /// The most memory that a gateway gets, such as `1152Mi`.
    pub gateway_memory: String,
    /// What a gateway's container runs.
    pub gateway_script: String,
    /// Of the balancer.
    pub balancer_image: ImageName,
    /// Of the service in front of the balancers.
    pub port: Port,
    /// HAProxy's files.
    pub configs: Vec<Config>,
    /// Of these files: other ones make other containers.
    pub digest: String,
}

/// What the chart calls a component.
#[derive(Clone, Debug, Serialize)]
pub struct ChartRole {
    /// Its key in the values.
    pub key: &'static str,
    /// How many.
    pub replicas: u32,
    /// Variables of it alone.
    pub environment: Vec<Setting>,
    /// The most memory that each gets.
    pub memory: String,
}

impl Chart {
    /// The same cluster and overlay that Compose would run, with Ozone's settings.
    pub(super) fn new(cluster: &Cluster, overlay: &Overlay, settings: &[Group], spec: &Spec) -> Self {
        let image = cluster.image.to_string();
        let (repository, tag) = match image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
            Some((repository, tag)) => (repository.to_owned(), tag.to_owned()),
            None => (image.clone(), "latest".to_owned()),
        };
        let memory = |heap: Heap| format!("{}Mi", most_mebibytes(heap));
        let role = |key: &'static str, replicas: u32, heap: Heap| {
            let service = cluster.services.iter().find(|service| service.role.word() == key);
            let settings = service.into_iter().flat_map(|service| service.environment.clone());
            // The rest is how a container of Compose waits for others.
            let environment = settings.filter(|one| one.name.ends_with("_OPTS")).collect();
            ChartRole { key, replicas, environment, memory: memory(heap) }
        };
        let is_of_the_chart = |setting: &Setting| {
            let is =
                |name: &&str| setting.name == *name || name.ends_with('.') && setting.name.starts_with(*name);
            OF_THE_CHART.iter().any(is)
        };
        let group = |group: &Group| {
            let settings: Vec<Setting> =
                group.settings.iter().filter(|one| !is_of_the_chart(one)).cloned().collect();
            (!settings.is_empty()).then_some(Group { why: group.why, settings })
        };
        Self {
            name: cluster.name.clone(),
            version: cluster.version.clone(),
            repository,
            tag,
            groups: settings.iter().filter_map(group).collect(),
            roles: vec![
                role("scm", spec.scms.get(), spec.memory.scm),
                role("om", spec.oms.get(), spec.memory.om),
                role("datanode", spec.datanodes.get(), spec.memory.datanode),
            ],
            gateways: overlay.gateways,
            gateway_environment: overlay.environment.clone(),
            gateway_memory: memory(spec.memory.gateway),
            gateway_script: script(NOTICE, DRAINS_WITHIN),
            balancer_image: overlay.balancer_image.clone(),
            port: spec.ports.s3,
            configs: Vec::new(),
            digest: String::new(),
        }
    }

    /// Gives it HAProxy's files.
    pub fn set_configs(&mut self, files: Vec<Config>) {
        self.digest = digest(&files.iter().map(|file| file.text.as_str()).collect::<String>());
        self.configs = files;
    }
}
