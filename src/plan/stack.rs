//! The whole cluster as services of Docker Swarm, on one node or several.

use serde::Serialize;
use serde_json::json;

use super::Role;
use super::cluster::{Cluster, Service};
use super::draining::{Notice, script};
use super::kerberos::{KDC, KEYTABS, Kerberos};
use super::overlay::{Config, Overlay};
use super::settings::Setting;
use crate::digest::digest;
use crate::realm;
use crate::spec::Spec;
use crate::spec::values::{ClusterName, ImageName, OzoneVersion, Port};
use crate::tls;

/// Swarm takes the name out of DNS 2 s before it sends SIGTERM, and HAProxy asks twice a second.
const NOTICE: Notice = Notice(4);

/// Seconds that requests in flight may take after that; those of Compose have `--drain-timeout`.
const DRAINS_WITHIN: u32 = 270;

/// Services with certificates look for the name of each of their addresses, also of that which leads out of the stack and has
/// none. Where no name server answers that, each takes 10 s otherwise, and the start of three nodes 143 s instead of 54 s.
pub const NAME_SERVER_PATIENCE: &str = "timeout:1 attempts:1";

/// The service that gives HAProxy its files. A change of them is a new container of this one, and a reload of HAProxy.
pub const FILES_SERVICE: &str = "s3g-files";

/// The volume in which it does. It is memory of the balancer's node.
pub const FILES_VOLUME: &str = "haproxy";

/// SCMs, OMs, datanodes, gateways and HAProxy; the fields are the variables of `stack.yaml.j2`.
#[derive(Clone, Debug, Serialize)]
pub struct Stack {
    /// The stack's name, which is not in its file.
    pub name: ClusterName,
    /// For the heading.
    pub version: OzoneVersion,
    /// For the heading: `one SCM, one OM, 1 datanode`.
    pub inventory: String,
    /// Of all services but the balancer.
    pub image: ImageName,
    /// Those with data, in the order in which they are written.
    pub services: Vec<StateService>,
    /// How many.
    pub gateways: u32,
    /// Variables of the gateways beside those of `docker-config`.
    pub gateway_environment: Vec<Setting>,
    /// The most memory that a gateway gets, such as `1152m`.
    pub gateway_memory: String,
    /// What the container of a gateway runs.
    pub gateway_script: String,
    /// What it gets to end, such as `300s`.
    pub gateway_grace: String,
    /// Of the balancer.
    pub balancer_image: ImageName,
    /// What the balancer publishes on its node.
    pub ports: Vec<Publication>,
    /// Names of the balancer in the network beside `s3g`.
    pub aliases: Vec<String>,
    /// File descriptors of the balancer.
    pub open_files: u32,
    /// Of what makes a container of the balancer: another one is another container, and a gap in service.
    pub balancer_digest: String,
    /// HAProxy's files.
    pub configs: Vec<NamedConfig>,
    /// Whether HAProxy has a certificate, and so https.
    pub has_certificate: bool,
    /// What the services need for Kerberos; none without security.
    pub kerberos: Option<StackKerberos>,
    /// Certificate, passwords and keytabs.
    pub secrets: Vec<NamedSecret>,
}

/// The KDC, whose principals are a secret: it has no data, and runs on any node.
#[derive(Clone, Debug, Serialize)]
pub struct StackKerberos {
    /// Of the KDC.
    pub image: ImageName,
    /// Its service.
    pub kdc: &'static str,
    /// Where keytabs are in containers.
    pub keytabs: &'static str,
    /// The name in the Swarm of the config that the programs of Kerberos read, which a digest of its text ends.
    pub krb5_conf: String,
}

/// A service with a volume, on a node of its own choice.
#[derive(Clone, Debug, Serialize)]
pub struct StateService {
    /// The service, its host and its volume.
    pub name: String,
    /// `scm`, `om` or `datanode`: also the subcommand of `ozone`.
    pub role: Role,
    /// The service in the name of its keytab: `dn`.
    pub keytab: &'static str,
    /// Variables beside those of `docker-config`.
    pub environment: Vec<Setting>,
    /// `name:/data`.
    pub volume: String,
    /// The most memory that it gets, such as `1152m`.
    pub memory: String,
    /// The value of the label `ozone` of the node that has its volume.
    pub node: u32,
}

/// A port that is published on every address of a node.
#[derive(Clone, Debug, Serialize)]
pub struct Publication {
    /// In the container.
    pub target: u32,
    /// On the node.
    pub published: Port,
}

/// A file of HAProxy's, as a config. A config cannot change: other text is another config.
#[derive(Clone, Debug, Serialize)]
pub struct NamedConfig {
    /// Its key in the stack file.
    pub key: String,
    /// Its name in the Swarm, which a digest of its text ends.
    pub name: String,
    /// Its name in HAProxy's folder.
    pub file: String,
}

/// A file that few may read, as a secret. It cannot change either.
#[derive(Clone, Debug, Serialize)]
pub struct NamedSecret {
    /// Its key in the stack file.
    pub key: String,
    /// Its name in the Swarm, which a digest ends once the file is there.
    pub name: String,
    /// Relative to the folder of the cluster.
    pub file: String,
}

impl Stack {
    /// The same cluster and overlay that Compose would run.
    pub(super) fn new(
        cluster: &Cluster,
        overlay: &Overlay,
        kerberos: Option<&Kerberos>,
        spec: &Spec,
    ) -> Self {
        let memory = |limits: &Option<super::limits::Limits>| {
            limits.as_ref().map(|limits| limits.mem_limit.clone()).unwrap_or_default()
        };
        let number_of = |name: &str| {
            let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
            digits.parse().unwrap_or(1_u32)
        };
        // Who waits for another service waits for one that waited for the KDC.
        let environment = |own: &[Setting]| {
            let waits = kerberos.is_some() && !own.iter().any(|setting| setting.name == "WAITFOR");
            let waits = waits.then(|| Setting::new("WAITFOR", &format!("{KDC}:88")));
            let patience = kerberos.map(|_| Setting::new("RES_OPTIONS", NAME_SERVER_PATIENCE));
            own.iter().cloned().chain(waits).chain(patience).collect()
        };
        let state = |service: &Service| {
            let volume = service.volume.clone()?;
            Some(StateService {
                name: service.name.clone(),
                role: service.role,
                keytab: if service.role == Role::Datanode { "dn" } else { service.role.word() },
                environment: environment(&service.environment),
                volume,
                memory: memory(&service.limits),
                node: (number_of(&service.name) - 1) % spec.nodes.get() + 1,
            })
        };
        let services = cluster.services.iter().filter_map(state);
        let ports: Vec<Publication> = overlay
            .ports
            .iter()
            .map(|port| Publication { target: port.target, published: port.published })
            .collect();
        let balancer = (&overlay.balancer_image, &ports, &overlay.aliases, overlay.open_files);
        Self {
            name: cluster.name.clone(),
            version: cluster.version.clone(),
            inventory: cluster.inventory.clone(),
            image: cluster.image.clone(),
            services: services.collect(),
            gateways: overlay.gateways,
            gateway_environment: environment(&overlay.environment),
            gateway_memory: memory(&overlay.limits),
            gateway_script: script(NOTICE, DRAINS_WITHIN),
            gateway_grace: format!("{}s", DRAINS_WITHIN + 30),
            balancer_image: overlay.balancer_image.clone(),
            balancer_digest: digest(&json!(balancer).to_string()),
            ports,
            aliases: overlay.aliases.clone(),
            open_files: overlay.open_files,
            configs: Vec::new(),
            has_certificate: spec.balancer.tls.is_some(),
            kerberos: kerberos.map(|kerberos| StackKerberos {
                image: kerberos.image.clone(),
                kdc: KDC,
                keytabs: KEYTABS,
                krb5_conf: format!("{}_krb5-conf", cluster.name),
            }),
            secrets: secrets(&cluster.name, spec),
        }
    }

    /// Names the secrets whose files are in this folder after what is in them.
    pub fn name_secrets(&mut self, folder: &str, digest: &str) {
        for secret in self.secrets.iter_mut().filter(|secret| secret.file.starts_with(folder)) {
            secret.name = format!("{}_{digest}", secret.name);
        }
    }

    /// Names what the programs of Kerberos read after its text.
    pub fn set_krb5_conf(&mut self, text: &str) {
        if let Some(kerberos) = &mut self.kerberos {
            kerberos.krb5_conf = format!("{}_{}", kerberos.krb5_conf, digest(text));
        }
    }

    /// Gives it HAProxy's files.
    pub fn set_configs(&mut self, files: &[Config]) {
        let named = |(number, file): (usize, &Config)| NamedConfig {
            key: format!("haproxy-{number}"),
            name: format!("{}_haproxy-{number}_{}", self.name, digest(&file.text)),
            file: file.name.clone(),
        };
        self.configs = (1..).zip(files).map(named).collect();
    }
}

/// The files that few may read, of which a cluster without https and security has none.
fn secrets(name: &ClusterName, spec: &Spec) -> Vec<NamedSecret> {
    let secret = |key: String, file: String| NamedSecret { name: format!("{name}_{key}"), key, file };
    let certificate = spec.balancer.tls.as_ref().map(|_| secret("s3-pem".to_owned(), tls::SERVED.to_owned()));
    let keytabs = realm::KEYTABS.iter().filter(|(service, _)| *service != realm::ADMINISTRATOR);
    let keytabs =
        keytabs.map(|(service, _)| (format!("{service}-keytab"), format!("{service}{}", realm::KEYTAB)));
    let others = [realm::PRINCIPALS, realm::S3_SECRET].map(|file| (file.to_owned(), file.to_owned()));
    let of_kerberos = keytabs.chain(others).filter(|_| spec.kerberos.is_some());
    let of_kerberos = of_kerberos.map(|(key, file)| secret(key, format!("{}/{file}", realm::FOLDER)));
    certificate.into_iter().chain(of_kerberos).collect()
}
