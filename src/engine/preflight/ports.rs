//! Ports of this machine: which are taken, and by whom.

use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener};

use listeners::Protocol;

use super::{Check, ask};
use crate::engine::{PROJECT_LABEL, Runner, label_field};
use crate::error::Status;
use crate::plan::needs::{Needs, PortNeed};

/// A port that somebody else holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What it is needed for.
    pub need: PortNeed,
    /// Who holds it.
    pub holder: Holder,
}

/// Who holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A container.
    Container {
        /// Its name.
        name: String,
        /// Its Compose project; empty where it has none.
        project: String,
    },
    /// Another process.
    Process {
        /// Its id.
        pid: u32,
        /// Its name.
        name: String,
    },
    /// Somebody whom this user may not see.
    Unknown,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container { name, project } if project.is_empty() => write!(f, "the container `{name}`"),
            Self::Container { name, project } => {
                write!(f, "the container `{name}` of the Compose project `{project}`")
            }
            Self::Process { pid, name } => write!(f, "the process `{name}` (pid {pid})"),
            Self::Unknown => f.write_str("a process of another user"),
        }
    }
}

/// The needed ports that are held by somebody other than the cluster itself; the engine must be local.
#[must_use]
pub fn taken_ports(runner: &Runner, needs: &Needs) -> Vec<Taken> {
    let taken = needs.ports.iter().filter(|need| !is_free(need.address, need.port));
    let held = taken.map(|need| Taken { holder: holder(runner, need.port), need: need.clone() });
    held.filter(|taken| !is_own(&taken.holder, &needs.project)).collect()
}

/// Whether a port can be listened on, or at least is not held by anybody.
#[must_use]
pub fn is_free(address: IpAddr, port: u16) -> bool {
    // What else may fail, such as a port below 1024, the engine may be allowed.
    !matches!(TcpListener::bind((address, port)), Err(error) if error.kind() == ErrorKind::AddrInUse)
}

/// The next free port from `first` on that is none of `others`.
#[must_use]
pub fn next_free(address: IpAddr, first: u16, others: &[u16]) -> Option<u16> {
    (first..=u16::MAX).find(|port| !others.contains(port) && is_free(address, *port))
}

fn is_own(holder: &Holder, own: &str) -> bool {
    matches!(holder, Holder::Container { project, .. } if project == own)
}

/// The engine first: the process that holds a port for it (docker-proxy, rootlesskit) tells nobody anything.
fn holder(runner: &Runner, port: u16) -> Holder {
    let filter = format!("publish={port}");
    let format = format!("{{{{.Names}}}}\t{}", label_field(PROJECT_LABEL));
    let query = ["ps", "--filter", &filter, "--format", &format];
    let said = ask(runner, &format!("find who holds port {port}"), query);
    let container = said.ok().filter(|said| said.status.success()).and_then(|said| container(&said.stdout));
    container.unwrap_or_else(|| match listeners::get_process_by_port(port, Protocol::TCP) {
        Ok(process) => Holder::Process { pid: process.pid, name: process.name },
        Err(_) => Holder::Unknown,
    })
}

fn container(said: &str) -> Option<Holder> {
    let line = said.lines().find(|line| !line.trim().is_empty())?;
    let (name, project) = line.split_once('\t').unwrap_or((line, ""));
    Some(Holder::Container { name: name.trim().to_owned(), project: project.trim().to_owned() })
}

/// A finding for each port that is taken, or one for all of them.
pub(super) fn check(runner: &Runner, needs: &Needs) -> Vec<Check> {
    if needs.ports.is_empty() {
        return Vec::new();
    }
    let taken = taken_ports(runner, needs);
    let mut checks: Vec<Check> = taken.iter().map(|taken| judge(taken, needs)).collect();
    checks.extend(foreign_address(needs));
    if checks.is_empty() {
        let ports: Vec<String> = needs.ports.iter().map(|need| need.port.to_string()).collect();
        checks.push(Check::good("ports", format!("{} are free, or this cluster's own", ports.join(", "))));
    }
    checks
}

fn judge(taken: &Taken, needs: &Needs) -> Check {
    let PortNeed { key, flag, address, port } = &taken.need;
    let others: Vec<u16> = needs.ports.iter().map(|need| need.port).collect();
    let other = next_free(*address, port.saturating_add(1), &others);
    let other = other.map_or_else(|| format!("--{flag} PORT"), |other| format!("--{flag} {other}"));
    let stop = match &taken.holder {
        Holder::Container { name, project } if project.is_empty() => format!("`docker stop {name}`"),
        Holder::Container { project, .. } => format!("`docker compose -p {project} down`"),
        // An engine that this user cannot ask, or not now, publishes a container there.
        Holder::Process { name, .. } if name == "docker-proxy" => {
            format!("`docker ps --filter publish={port}` names the container behind it")
        }
        Holder::Process { pid, .. } => format!("stop process {pid}"),
        Holder::Unknown => format!("`sudo ss -ltnp 'sport = :{port}'` names it"),
    };
    let finding = format!("{port} ({key}) is held by {}", taken.holder);
    let advice = format!("{stop}, or choose another port: `{other}`, or `up --port auto`");
    Check::bad("ports", Status::Failed, finding, advice)
}

/// An address that no interface of this machine has.
fn foreign_address(needs: &Needs) -> Option<Check> {
    let missing = |need: &&PortNeed| {
        let bound = TcpListener::bind((need.address, 0));
        bound.is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable)
    };
    let need = needs.ports.iter().find(missing)?;
    let finding = format!("{} (ports.bind) is no address of this machine", need.address);
    Some(Check::bad("ports", Status::Failed, finding, "choose one that it has: `--bind 127.0.0.1`"))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_port_is_free_until_somebody_listens() {
        let listener = TcpListener::bind((LOOPBACK, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        assert!(!is_free(LOOPBACK, port));
        assert_ne!(next_free(LOOPBACK, port, &[]), Some(port));
        drop(listener);
        assert!(is_free(LOOPBACK, port));
    }

    #[test]
    fn the_containers_of_the_same_project_are_no_strangers() {
        let own = container("demo-s3g-1\tdemo\n").expect("a container");
        assert!(is_own(&own, "demo"));
        assert!(!is_own(&own, "other"));
        assert_eq!(own.to_string(), "the container `demo-s3g-1` of the Compose project `demo`");
        let single = container("web\t\n").expect("a container");
        assert_eq!(single.to_string(), "the container `web`");
        assert_eq!(container("\n"), None);
    }

    #[test]
    fn a_taken_port_is_told_with_its_holder_and_another_port() {
        let need = PortNeed { key: "ports.s3", flag: "s3-port", address: LOOPBACK, port: 65535 };
        let needs = Needs {
            project: "demo".to_owned(),
            ports: vec![need.clone()],
            heap_mebibytes: 0,
            limit_mebibytes: None,
            images: Vec::new(),
        };
        let check =
            judge(&Taken { need, holder: Holder::Process { pid: 7, name: "web".to_owned() } }, &needs);
        assert_eq!(check.finding, "65535 (ports.s3) is held by the process `web` (pid 7)");
        assert_eq!(check.status, Status::Failed);
        assert!(check.advice.starts_with("stop process 7, or choose another port: `--s3-port "));
    }
}
