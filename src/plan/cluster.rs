//! Ozone's own containers: SCMs, OMs, datanodes, Recon and HttpFS, and in which order they start.

use serde::Serialize;

use super::jvm::jvm_settings;
use super::limits::Limits;
use super::settings::Setting;
use super::{Role, variable};
use crate::spec::Spec;
use crate::spec::values::{ClusterName, FolderPath, Heap, ImageName, OzoneVersion, Port, Published};

/// Port of an SCM's web pages, which it opens last: once they answer, it works. The first one's Ratis port is open
/// already while it is made.
pub const SCM_PORT: u32 = 9876;
/// Port of an OM's web pages.
pub const OM_PORT: u32 = 9874;
/// Port of Recon's page.
pub const RECON_PORT: u32 = 9888;
/// Port of HttpFS, which has no pages.
pub const HTTPFS_PORT: u32 = 14000;
/// Port of an SCM's Ratis group, which any but the first opens when it runs and is about to join.
const SCM_RATIS_PORT: u32 = 9894;

/// SCMs, OMs, datanodes, Recon and HttpFS; the fields are the variables of `docker-compose.yaml.j2`.
#[derive(Clone, Debug, Serialize)]
pub struct Cluster {
    /// The Compose project.
    pub name: ClusterName,
    /// For the heading.
    pub version: OzoneVersion,
    /// For the heading: `one SCM, one OM, 1 datanode`.
    pub inventory: String,
    /// Of all services.
    pub image: ImageName,
    /// The distribution that runs in the place of the image's.
    pub dist: Option<FolderPath>,
    /// In the order in which they are written.
    pub services: Vec<Service>,
}

/// A service of Ozone.
#[derive(Clone, Debug, Serialize)]
pub struct Service {
    /// The service, its host and its volume, where it has one.
    pub name: String,
    /// `scm`, `om`, `datanode` and so on: also the subcommand of `ozone`.
    pub role: Role,
    /// Variables beside those of `docker-config`.
    pub environment: Vec<Setting>,
    /// Port of its web pages, in the container.
    pub web_port: u32,
    /// The same on the host, where it is published.
    pub published: Option<HostPort>,
    /// `name:/data`; none of HttpFS, which keeps nothing.
    pub volume: Option<String>,
    /// What its health check requests.
    pub health_url: String,
    /// Its resource limits; none where the engine alone decides.
    pub limits: Option<Limits>,
}

/// A port of the host, which an environment variable of Compose may replace.
#[derive(Clone, Debug, Serialize)]
pub struct HostPort {
    /// The port.
    pub port: Port,
    /// The variable.
    pub variable: String,
    /// On which address of the host.
    pub host_ip: String,
}

/// What the services of a role share.
struct Kind {
    role: Role,
    heap: Heap,
    web_port: u32,
    /// Of the first service.
    published: Option<HostPort>,
}

impl Cluster {
    /// What `spec` means for Ozone; none when it leaves Ozone to other files.
    #[must_use]
    pub fn new(spec: &Spec) -> Option<Self> {
        let image = spec.ozone_image.clone().filter(|_| spec.has_cluster())?;
        let (memory, ports) = (&spec.memory, &spec.ports);
        let (scm_port, om_port) =
            (host_port("ports.scm", ports.scm, spec), host_port("ports.om", ports.om, spec));
        let scm = Kind { role: Role::Scm, heap: memory.scm, web_port: SCM_PORT, published: scm_port };
        let om = Kind { role: Role::Om, heap: memory.om, web_port: OM_PORT, published: om_port };
        let datanode = Kind { role: Role::Datanode, heap: memory.datanode, web_port: 9882, published: None };
        let (scms, oms) = (spec.scm_names(), spec.om_names());
        let datanodes: Vec<String> =
            (1..=spec.datanodes.get()).map(|number| format!("datanode{number}")).collect();
        let httpfs_port = spec.httpfs.and_then(|port| host_port("ports.httpfs", port, spec));
        let httpfs =
            Kind { role: Role::Httpfs, heap: memory.gateway, web_port: HTTPFS_PORT, published: httpfs_port };
        let recon_port = spec.recon.and_then(|port| host_port("ports.recon", port, spec));
        let recon = Kind { role: Role::Recon, heap: memory.om, web_port: RECON_PORT, published: recon_port };
        let alone = |role: Role, port: Option<Published>| -> Vec<String> {
            port.iter().map(|_| role.word().to_owned()).collect()
        };
        let (recons, all_httpfs) = (alone(Role::Recon, spec.recon), alone(Role::Httpfs, spec.httpfs));
        let services = [
            of_kind(scm, &scms, spec, |index| start_of_scm(&scms, index)),
            of_kind(om, &oms, spec, |_| start_of_om(&scms)),
            of_kind(datanode, &datanodes, spec, |_| Vec::new()),
            of_kind(recon, &recons, spec, |_| start_after_om(&oms)),
            of_kind(httpfs, &all_httpfs, spec, |_| start_of_httpfs(&oms, spec)),
        ];
        Some(Self {
            name: spec.name.clone(),
            version: spec.version.clone(),
            inventory: inventory(scms.len(), oms.len(), datanodes.len()),
            image,
            dist: spec.dist.clone(),
            services: services.concat(),
        })
    }
}

fn inventory(scms: usize, oms: usize, datanodes: usize) -> String {
    let of = |count: usize, noun: &str| match count {
        1 => format!("one {noun}"),
        _ => format!("{count} {noun}s"),
    };
    let plural = if datanodes == 1 { "" } else { "s" };
    format!("{}, {}, {datanodes} datanode{plural}", of(scms, "SCM"), of(oms, "OM"))
}

/// The services of a role; `start` says by their index how they start.
fn of_kind(kind: Kind, names: &[String], spec: &Spec, start: impl Fn(usize) -> Vec<Setting>) -> Vec<Service> {
    let Kind { role, heap, web_port, published } = kind;
    let mut first = published;
    let service = |(index, name): (usize, &String)| Service {
        name: name.clone(),
        role,
        environment: [start(index), jvm_settings(role.word(), heap, spec.memory.jvm)].concat(),
        web_port,
        published: first.take(),
        volume: (role != Role::Httpfs).then(|| format!("{name}:/data")),
        health_url: format!("http://127.0.0.1:{web_port}/"),
        limits: Limits::of(role.word(), heap, spec),
    };
    names.iter().enumerate().map(service).collect()
}

/// The first SCM makes the cluster's id. The others join it one after the other, since Ratis changes its group by
/// one member at a time: while one joins, the next one makes its metadata, which takes longer, as in Ozone's example.
fn start_of_scm(scms: &[String], index: usize) -> Vec<Setting> {
    const VERSION: &str = "/data/metadata/scm/current/VERSION";
    match index.checked_sub(1) {
        None => vec![Setting::new("ENSURE_SCM_INITIALIZED", VERSION)],
        Some(before) => {
            let port = if before == 0 { SCM_PORT } else { SCM_RATIS_PORT };
            vec![
                Setting::new("WAITFOR", &format!("{}:{port}", scms[before])),
                Setting::new("ENSURE_SCM_BOOTSTRAPPED", VERSION),
            ]
        }
    }
}

/// An OM that starts before the SCM answers spends a JVM on trying again.
fn start_of_om(scms: &[String]) -> Vec<Setting> {
    let first = scms.first().map_or("scm", String::as_str);
    vec![
        Setting::new("WAITFOR", &format!("{first}:{SCM_PORT}")),
        Setting::new("ENSURE_OM_INITIALIZED", "/data/metadata/om/current/VERSION"),
    ]
}

/// A client of OM, which ends where there is none.
fn start_after_om(oms: &[String]) -> Vec<Setting> {
    let first = oms.first().map_or("om", String::as_str);
    vec![Setting::new("WAITFOR", &format!("{first}:{OM_PORT}"))]
}

/// A client of Hadoop's file system says for each file how many datanodes get it, three unless it is configured otherwise.
fn start_of_httpfs(oms: &[String], spec: &Spec) -> Vec<Setting> {
    let replication = spec.replication.datanodes().to_string();
    [start_after_om(oms), vec![Setting::new("OZONE-SITE.XML_ozone.replication", &replication)]].concat()
}

fn host_port(key: &str, published: Published, spec: &Spec) -> Option<HostPort> {
    Some(HostPort { port: published.port()?, variable: variable(key), host_ip: spec.pages().to_string() })
}
