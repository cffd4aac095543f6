//! Ports of this machine: which are taken, and by which process.

use std::collections::BTreeSet;
use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, TcpListener};

use listeners::Protocol;

use super::{Check, query};
use crate::engine::objects::PROJECT_LABEL;
use crate::engine::{Engine, Place, ROLE_LABEL};
use crate::error::Status;
use crate::plan::requirements::{RequiredPort, Requirements};

/// Whether this program was built for macOS, whose sockets and tools differ from those of Linux.
const IS_MACOS: bool = cfg!(target_os = "macos");

/// A port that another process holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What it is needed for.
    pub need: RequiredPort,
    /// Who holds it.
    pub holder: Holder,
}

/// Who holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Another cluster of this tool, by its name.
    Cluster(String),
    /// A Compose project, by its name.
    Project(String),
    /// A container of no project, by its name.
    Container(String),
    /// Another process.
    Process {
        /// Its id.
        pid: u32,
        /// Its name.
        name: String,
    },
    /// A process that this user may not see.
    Unknown,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => write!(f, "the cluster `{name}`"),
            Self::Project(name) => write!(f, "the Compose project `{name}`"),
            Self::Container(name) => write!(f, "the container `{name}`"),
            Self::Process { pid, name } => write!(f, "the process `{name}` (pid {pid})"),
            Self::Unknown => f.write_str("a process of another user"),
        }
    }
}

/// The ports of the engine's machine.
#[derive(Debug)]
pub struct HostPorts<'a> {
    engine: &'a Engine,
    /// Those that containers publish, where the engine is elsewhere: more of its machine cannot be seen from here.
    published: Option<BTreeSet<u16>>,
}

impl<'a> HostPorts<'a> {
    /// Those of an engine's machine.
    #[must_use]
    pub fn of(engine: &'a Engine) -> Self {
        let published = (*engine.place() != Place::Here).then(|| {
            let listing = ["ps", "--format", "{{.Ports}}"];
            let said = query(engine, "find which ports are published", listing);
            said.map(|said| published(&said.stdout)).unwrap_or_default()
        });
        Self { engine, published }
    }

    /// The needed ports that are held by others than the cluster itself. `own` are ports that its containers will
    /// publish: one that starts holds its port before the engine says so.
    #[must_use]
    pub fn taken(&self, needs: &Requirements, own: &[u16]) -> Vec<Taken> {
        let foreign = needs.ports.iter().filter(|need| !own.contains(&need.port));
        let taken = foreign.filter(|need| !self.is_free(need.address, need.port));
        let held = taken.map(|need| Taken { holder: self.holder(need.port), need: need.clone() });
        held.filter(|taken| !is_own(&taken.holder, &needs.project)).collect()
    }

    /// The next free port from `first` on that is none of `others`.
    #[must_use]
    pub fn next_free(&self, address: IpAddr, first: u16, others: &[u16]) -> Option<u16> {
        (first..=u16::MAX).find(|port| !others.contains(port) && self.is_free(address, *port))
    }

    fn is_free(&self, address: IpAddr, port: u16) -> bool {
        self.published.as_ref().map_or_else(|| is_free(address, port), |published| !published.contains(&port))
    }

    /// The engine first: the process that holds a port for it (docker-proxy, rootlesskit) does not name the container.
    fn holder(&self, port: u16) -> Holder {
        let filter = format!("publish={port}");
        let format =
            format!("{{{{.Names}}}}\t{{{{.Label \"{PROJECT_LABEL}\"}}}}\t{{{{.Label \"{ROLE_LABEL}\"}}}}");
        let listing = ["ps", "--filter", &filter, "--format", &format];
        let said = query(self.engine, &format!("find who holds port {port}"), listing);
        let container =
            said.ok().filter(|said| said.status.success()).and_then(|said| container(&said.stdout));
        container.unwrap_or_else(|| match listeners::get_process_by_port(port, Protocol::TCP) {
            Ok(process) => Holder::Process { pid: process.pid, name: process.name },
            Err(_) => Holder::Unknown,
        })
    }
}

/// Whether a port of this machine can be listened on, or at least is not held by another process.
#[must_use]
pub fn is_free(address: IpAddr, port: u16) -> bool {
    // What else may fail, such as a port below 1024, the engine may be allowed.
    let is_held =
        |address| TcpListener::bind((address, port)).is_err_and(|error| error.kind() == ErrorKind::AddrInUse);
    // macOS lets a process listen on an address while another one listens on all of them.
    !(is_held(address) || IS_MACOS && is_held(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
}

/// Ports of the host in `0.0.0.0:9878->9878/tcp, [::]:8000-8002->8000-8002/tcp, 9882/tcp`.
fn published(said: &str) -> BTreeSet<u16> {
    let mappings = said.split([',', '\n']).filter_map(|one| one.split_once("->"));
    let ports = mappings.filter_map(|(outside, _)| {
        let ports = outside.rsplit(':').next()?;
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        Some(first.parse::<u16>().ok()?..=last.parse::<u16>().ok()?)
    });
    ports.flatten().collect()
}

fn is_own(holder: &Holder, own: &str) -> bool {
    matches!(holder, Holder::Cluster(name) | Holder::Project(name) if name == own)
}

/// Whose container a line is of: its name, its project and its role in a cluster.
fn container(said: &str) -> Option<Holder> {
    let line = said.lines().find(|line| !line.trim().is_empty())?;
    let mut columns = line.split('\t').map(|column| column.trim().to_owned());
    let name = columns.next()?;
    Some(match (columns.next().unwrap_or_default(), columns.next().unwrap_or_default()) {
        (project, _) if project.is_empty() => Holder::Container(name),
        (project, role) if role.is_empty() => Holder::Project(project),
        (project, _) => Holder::Cluster(project),
    })
}

/// A finding for each holder of ports that are taken, or one for all of them.
pub(super) fn check(engine: &Engine, needs: &Requirements, own: &[u16]) -> Vec<Check> {
    if needs.ports.is_empty() {
        return Vec::new();
    }
    let mut by_holder: Vec<(Holder, Vec<RequiredPort>)> = Vec::new();
    for Taken { need, holder } in HostPorts::of(engine).taken(needs, own) {
        match by_holder.iter_mut().find(|(one, _)| *one == holder) {
            Some((_, ports)) => ports.push(need),
            None => by_holder.push((holder, vec![need])),
        }
    }
    let mut checks: Vec<Check> = by_holder.iter().map(|(holder, ports)| check_of(holder, ports)).collect();
    if *engine.place() == Place::Here {
        checks.extend(foreign_address(needs));
    }
    if checks.is_empty() {
        let ports: Vec<String> = needs.ports.iter().map(|need| need.port.to_string()).collect();
        checks.push(Check::good("ports", format!("{} are free, or this cluster's own", ports.join(", "))));
    }
    checks
}

/// What somebody holds, and what to type. `ports` are one or more.
fn check_of(holder: &Holder, ports: &[RequiredPort]) -> Check {
    let port = ports[0].port;
    let end = match holder {
        Holder::Cluster(name) => {
            format!("`ozone-compose down --name {name}` removes that cluster, but keeps its data")
        }
        Holder::Project(name) => format!("`docker compose -p {name} down` ends it"),
        Holder::Container(name) => format!("`docker stop {name}` ends it"),
        // An engine that this user cannot reach, or not now, publishes a container there.
        Holder::Process { name, .. } if name == "docker-proxy" => {
            format!("`docker ps --filter publish={port}` names the container behind it")
        }
        Holder::Process { pid, .. } => format!("`kill {pid}` ends it"),
        Holder::Unknown if IS_MACOS => format!("`sudo lsof -nP -iTCP:{port} -sTCP:LISTEN` names it"),
        Holder::Unknown => format!("`sudo ss -ltnp 'sport = :{port}'` names it"),
    };
    let named: Vec<String> = ports.iter().map(|need| format!("{} ({})", need.port, need.key)).collect();
    let is = if ports.len() == 1 { "is" } else { "are" };
    let finding = format!("{} {is} held by {holder}", named.join(", "));
    let advice = format!("`up` with `--port auto` chooses free ports, or {end}");
    Check::bad("ports", Status::Failed, finding, advice)
}

/// An address that no interface of this machine has.
fn foreign_address(needs: &Requirements) -> Option<Check> {
    let missing = |need: &&RequiredPort| {
        let bound = TcpListener::bind((need.address, 0));
        bound.is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable)
    };
    let need = needs.ports.iter().find(missing)?;
    let finding = format!("{} (ports.bind) is no address of this machine", need.address);
    Some(Check::bad("ports", Status::Failed, finding, "choose one that it has: `--bind 127.0.0.1`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_port_is_free_until_somebody_listens() {
        let listener = TcpListener::bind((LOOPBACK, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        assert!(!is_free(LOOPBACK, port));
        drop(listener);
        assert!(is_free(LOOPBACK, port));
    }

    #[test]
    fn published_ports_are_read_from_the_engines_list() {
        let said =
            "0.0.0.0:9878->9878/tcp, [::]:9878->9878/tcp, 9882/tcp\n\n127.0.0.1:8000-8002->8000-8002/tcp\n";
        assert_eq!(published(said).into_iter().collect::<Vec<_>>(), [8000, 8001, 8002, 9878]);
    }

    #[test]
    fn containers_of_the_same_project_are_not_foreign() {
        let own = container("demo-s3g-1\tdemo\tbalancer\n").expect("a container");
        assert!(is_own(&own, "demo"));
        assert!(!is_own(&own, "other"));
        for (line, holder) in [
            ("demo-s3g-1\tdemo\tbalancer\n", "the cluster `demo`"),
            ("shop-web-1\tshop\t\n", "the Compose project `shop`"),
            ("web\t\t\n", "the container `web`"),
        ] {
            assert_eq!(container(line).expect("a container").to_string(), holder);
        }
        assert_eq!(container("\n"), None);
    }

    #[test]
    fn all_ports_of_one_holder_are_one_finding() {
        let need = |key, port| RequiredPort { key, flag: "", address: LOOPBACK, port };
        let ports = [need("ports.s3", 9878), need("ports.stats", 8404)];
        let check = check_of(&Holder::Process { pid: 7, name: "web".to_owned() }, &ports);
        assert_eq!(
            check.finding,
            "9878 (ports.s3), 8404 (ports.stats) are held by the process `web` (pid 7)"
        );
        assert_eq!(check.advice, "`up` with `--port auto` chooses free ports, or `kill 7` ends it");
    }
}
