//! What a [`Spec`] means: containers, Ozone's settings, HAProxy's lines. Pure: no disk, clock or environment.
//!
//! Knows nothing of how any of it is written down.

pub mod balancer;
pub mod cluster;
mod jvm;
pub mod needs;
pub mod overlay;
pub mod settings;
pub mod share;

use balancer::Balancer;
use cluster::Cluster;
use overlay::Overlay;
use settings::{Facts, Group, settings};

use crate::spec::Spec;
use crate::spec::options::Opt;
use crate::spec::values::{Heap, Profile};

/// Port of the S3 API in a container (`ozone.s3g.http-address`).
pub const S3_PORT: u32 = 9878;
/// Port of a gateway's web pages in a container (`ozone.s3g.webadmin.http-address`).
pub const WEBADMIN_PORT: u32 = 19878;
/// Port of HAProxy's own pages in its container.
pub const STATS_PORT: u32 = 8404;

/// Socket of HAProxy's master process in its container, all else of which is read-only. A tmpfs of our own would be
/// closed to HAProxy once the container starts again: runc up to 1.1 gives it the mode of the folder that it made.
pub const MASTER_SOCKET: &str = "/dev/shm/master.sock";

/// Everything the templates need, in ready lists.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which templates.
    pub profile: Profile,
    /// HAProxy's configuration.
    pub balancer: Balancer,
    /// Balancer and gateways as containers.
    pub overlay: Option<Overlay>,
    /// Ozone itself.
    pub cluster: Option<Cluster>,
    /// Ozone's settings; empty where Ozone is left to other files.
    pub settings: Vec<Group>,
    /// The Compose files that make up the cluster, in order; empty where Ozone is left to other files.
    pub compose_files: Vec<String>,
}

impl Plan {
    /// What `spec` means; `overrides` are Compose files that a person laid beside the generated ones.
    #[must_use]
    pub fn new(spec: &Spec, overrides: &[String]) -> Self {
        let cluster = Cluster::new(spec);
        let (mut groups, mut compose_files) = (Vec::new(), Vec::new());
        if let Some(cluster) = &cluster {
            let names = cluster.services.iter().map(|service| service.name.clone());
            groups = settings(&Facts {
                version: spec.version,
                profile: spec.profile,
                replication: spec.replication.datanodes(),
                scms: spec.scm_names(),
                oms: spec.om_names(),
                services: names.chain(["s3g".to_owned()]).collect(),
            });
            compose_files = vec!["docker-compose.yaml".to_owned(), "s3-haproxy.yaml".to_owned()];
            compose_files.extend_from_slice(overrides);
        }
        Self {
            profile: spec.profile,
            balancer: Balancer::new(spec),
            overlay: Overlay::new(spec),
            cluster,
            settings: groups,
            compose_files,
        }
    }

    /// Sum of the largest heaps of all JVMs, in MiB: what the machine must hold at the least.
    #[must_use]
    pub fn heap_mebibytes(spec: &Spec) -> u32 {
        of_all_jvms(spec, Heap::mebibytes)
    }

    /// Sum of the limits of their containers, in MiB; none in the profile `upstream`, which has none.
    #[must_use]
    pub fn limit_mebibytes(spec: &Spec) -> Option<u32> {
        (spec.profile == Profile::Tuned).then(|| of_all_jvms(spec, share::most_mebibytes))
    }
}

/// Adds up what follows from the heap of each JVM.
fn of_all_jvms(spec: &Spec, of: impl Fn(Heap) -> u32) -> u32 {
    let memory = &spec.memory;
    let gateways = spec.gateways.get() * of(memory.gateway);
    if !spec.has_cluster() {
        return gateways;
    }
    let (scms, oms) = (spec.scms.get() * of(memory.scm), spec.oms.get() * of(memory.om));
    gateways + scms + oms + spec.datanodes.get() * of(memory.datanode)
}

/// The variable that may replace the value of a key in the generated Compose files.
fn variable(key: &str) -> String {
    Opt::with_key(key).map(Opt::variable).unwrap_or_default()
}
