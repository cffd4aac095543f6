//! What a cluster needs of the machine that runs its containers.

use std::net::IpAddr;

use super::Plan;
use crate::spec::options::Opt;
use crate::spec::{PublishedPort, Spec};

/// What must be there before a cluster can start.
#[derive(Clone, Debug, Default)]
pub struct Requirements {
    /// The Compose project, whose own containers may hold the ports already.
    pub project: String,
    /// Ports of the host.
    pub ports: Vec<RequiredPort>,
    /// Sum of the largest heaps of all JVMs, in MiB.
    pub heap_mebibytes: u32,
    /// Sum of the memory limits of their containers, in MiB, where they have any.
    pub limit_mebibytes: Option<u32>,
    /// Images, each once.
    pub images: Vec<String>,
}

/// A port that is published on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredPort {
    /// Its key in `ozone-compose.yaml`: `ports.s3`.
    pub key: &'static str,
    /// Its flag, without the dashes: `s3-port`.
    pub flag: &'static str,
    /// The address of the host.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
}

impl Requirements {
    /// What `spec` takes; gateways on other machines take nothing.
    #[must_use]
    pub fn new(spec: &Spec) -> Self {
        if !spec.in_containers() {
            return Self::default();
        }
        let kdc = spec.kerberos.iter().map(|kerberos| &kerberos.image);
        let of_gateways = spec.gateway_images.iter().map(|one| &one.image);
        let monitoring = spec.monitoring.iter().flat_map(|one| {
            let grafana = one.grafana.port().map(|_| &one.grafana_image);
            [&one.prometheus_image].into_iter().chain(grafana)
        });
        let images = spec.ozone_image.iter().chain(of_gateways).chain([&spec.balancer.image]);
        let images = images.chain(kdc).chain(monitoring);
        let mut once: Vec<String> = Vec::new();
        for image in images.map(ToString::to_string) {
            if !once.contains(&image) {
                once.push(image);
            }
        }
        Self {
            project: spec.name.to_string(),
            ports: ports(spec),
            heap_mebibytes: Plan::heap_mebibytes(spec),
            limit_mebibytes: Plan::limit_mebibytes(spec),
            images: once,
        }
    }
}

fn ports(spec: &Spec) -> Vec<RequiredPort> {
    let need = |PublishedPort { key, address, port }: PublishedPort| {
        let port = u16::try_from(port.get()).ok()?;
        Some(RequiredPort { key, flag: Opt::with_key(key)?.flag, address: address.ip(), port })
    };
    spec.published_ports().into_iter().filter_map(need).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::choices::{Choices, Origin};

    fn needs(pairs: &[(&str, &str)]) -> Requirements {
        let mut choices = Choices::default();
        for (key, value) in pairs {
            let option = Opt::with_key(key).expect("a key of the table");
            choices.choose(option, vec![(*value).to_owned()], Origin::File);
        }
        Requirements::new(&Spec::resolve(&choices, "demo").expect("a good spec"))
    }

    fn ports(needs: &Requirements) -> Vec<String> {
        needs.ports.iter().map(|need| format!("{} {}:{}", need.flag, need.address, need.port)).collect()
    }

    #[test]
    fn a_cluster_needs_its_published_ports_and_two_images() {
        let needs = needs(&[("ports.bind", "0.0.0.0"), ("ports.om", "off")]);
        assert_eq!(
            ports(&needs),
            ["s3-port 0.0.0.0:9878", "stats-port 127.0.0.1:8404", "scm-port 127.0.0.1:9876"]
        );
        assert_eq!(needs.images, ["apache/ozone:2.2.1", "haproxy:3.2-alpine"]);
    }

    #[test]
    fn what_other_files_or_machines_hold_is_not_needed() {
        assert_eq!(needs(&[("base", "none")]).images, ["haproxy:3.2-alpine"]);
        assert_eq!(ports(&needs(&[("base", "none")])).len(), 2);
        assert_eq!(ports(&needs(&[("profile", "upstream")])).len(), 3);
        let elsewhere = needs(&[("servers", "gw1:9878")]);
        assert!(elsewhere.ports.is_empty() && elsewhere.images.is_empty());
    }
}
