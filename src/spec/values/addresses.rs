//! Ports and addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::{Bounded, Port, Takes};

/// A port to publish on the host, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// Not published.
    Off,
    /// Published on this port.
    On(Port),
}

impl Published {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::NumberOrOff(1, 65535);

    /// The port, where there is one.
    #[must_use]
    pub fn port(self) -> Option<Port> {
        match self {
            Self::Off => None,
            Self::On(port) => Some(port),
        }
    }
}

impl FromStr for Published {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::On).map_err(|problem| format!("{problem}, nor `off`"))
    }
}

/// The address of the host on which ports are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindAddress(IpAddr);

impl BindAddress {
    /// The texts that this type reads; those of IPv6 are more than there are addresses.
    pub const TAKES: Takes = Takes::Text(
        r"^(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}|\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$",
    );
    /// 0.0.0.0: for everybody who reaches the machine.
    pub const EVERYWHERE: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    /// 127.0.0.1: for this machine alone.
    pub const LOOPBACK: Self = Self(IpAddr::V4(Ipv4Addr::LOCALHOST));

    /// The address itself.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// A URL's host part that reaches this address from the same machine.
    #[must_use]
    pub fn url_host(self) -> String {
        match self.0 {
            IpAddr::V4(any) if any.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V6(any) if any.is_unspecified() => "[::1]".to_owned(),
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        }
    }
}

impl FromStr for BindAddress {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        bare.parse().map(Self).map_err(|_| {
            format!("`{text}` is not an IP address of this machine, such as 127.0.0.1, 0.0.0.0 or ::1")
        })
    }
}

impl fmt::Display for BindAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A host by its name or address, as a URL writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text(
        r"^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$",
    );

    /// As a URL writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if bare.contains(':') {
            return match bare.parse() {
                Ok(IpAddr::V6(address)) => Ok(Self(format!("[{address}]"))),
                _ => {
                    Err(format!("`{text}` is neither a host nor an address; ports have options of their own"))
                }
            };
        }
        let ends_well = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_name = text.chars().all(|c| ends_well(c) || "-.".contains(c));
        if text.starts_with(ends_well) && text.ends_with(ends_well) && is_name {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is no host, such as docker, 10.0.0.7 or ci.example.com"))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A real gateway: where it listens, and what else HAProxy knows of it. `gw1.example.com:9878`, `https://gw1:9879`,
/// `[2001:db8::7]:9878` or `NAME=10.0.0.7:9878,weight=2,backup,zone=east`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// What logs, statistics and `X-Served-By` call it; by default `s3g` and its number.
    pub name: Option<String>,
    /// Whether HAProxy uses TLS to it.
    pub is_tls: bool,
    host: Host,
    /// The port of its S3 API.
    pub port: Port,
    /// Its share beside the others, whose is 1.
    pub weight: Option<Weight>,
    /// Whether it gets requests only while no other gateway is up.
    pub is_backup: bool,
    /// Its zone.
    pub zone: Option<String>,
}

/// HAProxy's weight of a server; 0 is what a drained one has.
pub type Weight = Bounded<1, 256>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Name(String),
    Address(IpAddr),
}

impl ServerAddress {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text(
        r"^(?:[A-Za-z][A-Za-z0-9_-]{0,31}=)?(?:https://)?(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?|\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]):[0-9]{1,5}(?:,(?:weight=[0-9]{1,3}|backup|zone=[A-Za-z0-9][A-Za-z0-9_-]{0,31}))*$",
    );

    /// Whether the host is a name, which HAProxy must look up.
    #[must_use]
    pub fn is_name(&self) -> bool {
        matches!(self.host, Host::Name(_))
    }

    /// The host as a URL or HAProxy writes it, an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.host {
            Host::Name(name) => name.clone(),
            Host::Address(IpAddr::V4(address)) => address.to_string(),
            Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
        }
    }

    /// Host and port alone.
    #[must_use]
    pub fn plain(&self) -> String {
        format!("{}:{}", self.host(), self.port)
    }

    /// What two gateways cannot share: host and port, however they are spelled.
    #[must_use]
    pub fn place(&self) -> String {
        self.plain().to_lowercase()
    }
}

impl FromStr for ServerAddress {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let first = parts.next().unwrap_or_default();
        let (name, address) = match first.split_once('=') {
            Some((name, address)) => (Some(named(name, text)?), address),
            None => (None, first),
        };
        let bare = address.strip_prefix(TLS);
        let is_tls = bare.is_some();
        let (host, port) = match bare {
            Some(bare) => host_and_port(bare, 9879).map_err(|problem| format!("`{address}`: {problem}"))?,
            None => host_and_port(address, 9878)?,
        };
        let mut server = Self { name, is_tls, host, port, weight: None, is_backup: false, zone: None };
        for part in parts {
            match part.split_once('=') {
                Some(("weight", weight)) => {
                    server.weight =
                        Some(weight.parse().map_err(|problem| format!("`{text}`: weight {problem}"))?);
                }
                Some(("zone", zone)) => server.zone = Some(zone_named(zone, text)?),
                None if part == "backup" => server.is_backup = true,
                None if part.contains(':') => {
                    return Err(format!(
                        "`{part}` in `{text}` is another gateway: give each one an option of its own"
                    ));
                }
                _ => {
                    return Err(format!("`{part}` in `{text}` is not one of weight=N, backup and zone=NAME"));
                }
            }
        }
        Ok(server)
    }
}

/// What an address begins with if HAProxy uses TLS to the gateway.
const TLS: &str = "https://";

/// Host and port of an address, or what to write for it, with the port that gateways usually have.
fn host_and_port(text: &str, usual: u32) -> Result<(Host, Port), String> {
    if let Some((_, rest)) = text.split_once("://") {
        return Err(format!("`{text}` is a URL: write {}", rest.trim_end_matches('/')));
    }
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        let two = text.rsplit_once(':').filter(|(host, port)| {
            host.parse::<Ipv6Addr>().is_ok() && port.len() > 3 && port.parse::<Port>().is_ok()
        });
        return Err(match two {
            Some((host, port)) => format!(
                "`{text}` may be an address and its port or an address alone: write [{host}]:{port} or [{address}]:{usual}"
            ),
            None => format!("`{text}` is an IPv6 address without a port: write [{text}]:{usual}"),
        });
    }
    if text.is_empty() || text.starts_with(':') {
        return Err(format!("`{text}` has no host: write HOST:{usual}"));
    }
    let Some((host, port)) = text.rsplit_once(':').filter(|_| !text.ends_with(']')) else {
        return Err(format!("`{text}` has no port: write {text}:{usual}"));
    };
    let port = port.parse().map_err(|problem| format!("`{text}`: port {problem}"))?;
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host = if let Some(inner) = bracketed {
        let address = inner.parse::<Ipv6Addr>();
        Host::Address(address.map_err(|_| format!("`{inner}` in `{text}` is not an IPv6 address"))?.into())
    } else if let Ok(address) = host.parse::<IpAddr>() {
        if address.is_ipv6() {
            return Err(format!("`{text}`: an IPv6 address goes in brackets: [{address}]:{port}"));
        }
        Host::Address(address)
    } else {
        // HAProxy looks up every name as it stands, so that the dot of a full name has no meaning.
        let bare = host.strip_suffix('.').unwrap_or(host);
        if !is_host_name(bare) {
            return Err(format!("`{host}` in `{text}` is not the name or address of a host"));
        }
        Host::Name(bare.to_owned())
    };
    Ok((host, port))
}

/// A name of a gateway as HAProxy, its statistics and a header may hold it.
fn named(name: &str, text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.len() <= 32 && name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(good) {
        return Ok(name.to_owned());
    }
    Err(format!(
        "`{name}` in `{text}` is not the name of a gateway: a letter, then letters, digits, - and _, 32 at most"
    ))
}

fn zone_named(zone: &str, text: &str) -> Result<String, String> {
    zone.parse::<Zone>().map(|zone| zone.0).map_err(|_| {
        format!("`{zone}` in `{text}` is not the name of a zone: letters, digits, - and _, 32 at most")
    })
}

/// A zone of gateways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(pub String);

impl FromStr for Zone {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if text.len() <= 32 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(good)
        {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is not the name of a zone: letters, digits, - and _, 32 at most"))
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}=")?;
        }
        write!(f, "{}{}:{}", if self.is_tls { TLS } else { "" }, self.host(), self.port)?;
        if let Some(weight) = self.weight {
            write!(f, ",weight={weight}")?;
        }
        if self.is_backup {
            f.write_str(",backup")?;
        }
        match &self.zone {
            Some(zone) => write!(f, ",zone={zone}"),
            None => Ok(()),
        }
    }
}

fn is_host_name(text: &str) -> bool {
    // A last label of digits alone would be a mistyped IPv4 address.
    let last_is_number = text.rsplit('.').next().is_some_and(|label| label.parse::<u64>().is_ok());
    let good_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && !last_is_number && text.split('.').all(good_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::values::problem;

    #[test]
    fn servers_are_names_or_addresses_with_a_port() {
        for good in [
            "gw1:9878",
            "gw1.example.com:80",
            "10.0.0.7:9878",
            "[2001:db8::7]:9878",
            "[::1]:1",
            "east-1=gw1:9878,weight=256,backup,zone=east",
            "https://gw1:9879",
            "west=https://[::1]:9879,backup",
        ] {
            assert_eq!(good.parse::<ServerAddress>().expect(good).to_string(), good);
        }
        for (bad, message) in [
            ("gw1", "`gw1` has no port: write gw1:9878"),
            ("", "`` has no host: write HOST:9878"),
            (":9878", "`:9878` has no host: write HOST:9878"),
            ("[::1]", "`[::1]` has no port: write [::1]:9878"),
            ("2001:db8::7", "`2001:db8::7` is an IPv6 address without a port: write [2001:db8::7]:9878"),
            (
                "2001:db8::7:9878",
                "`2001:db8::7:9878` may be an address and its port or an address alone: write [2001:db8::7]:9878 or [2001:db8::7:9878]:9878",
            ),
            ("https://gw1", "`https://gw1`: `gw1` has no port: write gw1:9879"),
            ("https://gw1:9879/", "`https://gw1:9879/`: `gw1:9879/`: port `9879/` is not a whole number"),
            ("https://http://gw1:1", "`https://http://gw1:1`: `http://gw1:1` is a URL: write gw1:1"),
            ("http://gw1:9878/", "`http://gw1:9878/` is a URL: write gw1:9878"),
            ("gw1:1,weight=0", "`gw1:1,weight=0`: weight 0 is not between 1 and 256"),
            ("gw1:1,spare", "`spare` in `gw1:1,spare` is not one of weight=N, backup and zone=NAME"),
            (
                "1=gw1:1",
                "`1` in `1=gw1:1` is not the name of a gateway: a letter, then letters, digits, - and _, 32 at most",
            ),
            ("gw1:0", "`gw1:0`: port 0 is not between 1 and 65535"),
            ("gw1:s3", "`gw1:s3`: port `s3` is not a whole number"),
            ("a b:1", "`a b` in `a b:1` is not the name or address of a host"),
            ("10.0.0.300:1", "`10.0.0.300` in `10.0.0.300:1` is not the name or address of a host"),
            ("[10.0.0.1]:1", "`10.0.0.1` in `[10.0.0.1]:1` is not an IPv6 address"),
        ] {
            assert_eq!(problem::<ServerAddress>(bad), message);
        }
        // HAProxy gets the name without the dot that marks a full one in DNS.
        let dotted: ServerAddress = "GW1.example.com.:9878".parse().expect("a name");
        assert_eq!(
            (dotted.host().as_str(), dotted.place().as_str()),
            ("GW1.example.com", "gw1.example.com:9878")
        );
    }
}
