//! Where an engine is, as seen from here.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use fs_err as fs;

/// Files that engines lay into their containers.
const MARKS_OF_CONTAINERS: &[&str] = &["/.dockerenv", "/run/.containerenv"];

/// Where an engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On this machine, with the same folders.
    Here,
    /// Around the container that this process runs in: its machine answers at this address, and does not see the
    /// container's folders.
    Around(IpAddr),
    /// On another machine or in another container, at this host.
    Elsewhere(String),
}

impl Place {
    /// The place of an engine by its endpoint, such as `unix:///var/run/docker.sock`, `tcp://docker:2375` or
    /// `ssh://me@ci.example.com`. `name` gives the name of the engine's machine, empty where it does not answer; only a container needs it.
    pub(super) fn of(endpoint: &str, name: impl FnOnce() -> String) -> Self {
        match host(endpoint) {
            Some(host) => Self::Elsewhere(host),
            // An engine in the same container has the container's own name.
            None if is_in_container() && ![String::new(), own_name()].contains(&name()) => {
                own_gateway().map_or(Self::Here, |address| Self::Around(IpAddr::V4(address)))
            }
            None => Self::Here,
        }
    }

    /// The host on which ports answer that are published on every address.
    #[must_use]
    pub fn host(&self) -> String {
        match self {
            Self::Here => "127.0.0.1".to_owned(),
            Self::Around(address) => address.to_string(),
            Self::Elsewhere(host) => host.clone(),
        }
    }
}

/// The host of an endpoint on another machine, as a URL writes it.
fn host(endpoint: &str) -> Option<String> {
    let (scheme, rest) = endpoint.trim().split_once("://")?;
    if !matches!(scheme, "tcp" | "ssh" | "http" | "https") {
        return None;
    }
    let authority = rest.split('/').next().unwrap_or(rest);
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let host = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => format!("[{address}]"),
        None => place.split(':').next().unwrap_or(place).to_owned(),
    };
    let is_here = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    (!host.is_empty() && !is_here).then_some(host)
}

fn is_in_container() -> bool {
    MARKS_OF_CONTAINERS.iter().any(|mark| Path::new(mark).exists())
}

fn own_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// The address to which this machine sends what is for no network of its own: for a container, that of the engine's
/// machine in the container's network.
fn own_gateway() -> Option<Ipv4Addr> {
    gateway(&fs::read_to_string("/proc/net/route").ok()?)
}

/// The gateway of a table of routes, whose addresses are hexadecimal and in the machine's order of bytes.
fn gateway(table: &str) -> Option<Ipv4Addr> {
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "00000000", gateway, ..] = fields[..] else { return None };
        let address = Ipv4Addr::from(u32::from_str_radix(gateway, 16).ok()?.to_ne_bytes());
        (!address.is_unspecified()).then_some(address)
    };
    table.lines().skip(1).find_map(route)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_names_the_host() {
        for (endpoint, expected) in [
            ("unix:///var/run/docker.sock", None),
            ("npipe:////./pipe/docker_engine", None),
            ("", None),
            ("tcp://127.0.0.1:2375", None),
            ("tcp://localhost:2375", None),
            ("tcp://docker:2376", Some("docker")),
            ("tcp://10.0.0.7:2375", Some("10.0.0.7")),
            ("tcp://[fd00::7]:2375", Some("[fd00::7]")),
            ("ssh://ci.example.com", Some("ci.example.com")),
            ("ssh://me@ci.example.com:22/run/docker.sock", Some("ci.example.com")),
        ] {
            assert_eq!(host(endpoint).as_deref(), expected, "{endpoint}");
        }
        let place = Place::of("tcp://docker:2375", || unreachable!("only a container needs it"));
        assert_eq!((place.host().as_str(), Place::Here.host().as_str()), ("docker", "127.0.0.1"));
    }

    #[test]
    fn the_gateway_is_that_of_the_default_route() {
        let table = "Iface\tDestination\tGateway\tFlags\n\
                     eth0\t000011AC\t00000000\t0001\n\
                     eth0\t00000000\t010011AC\t0003\n";
        let expected = if cfg!(target_endian = "little") { "172.17.0.1" } else { "1.0.17.172" };
        assert_eq!(gateway(table).map(|address| address.to_string()).as_deref(), Some(expected));
        assert_eq!(gateway("Iface\tDestination\tGateway\n"), None);
    }
}
