//! Ports and addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::{Port, Takes};

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

/// Where a real gateway listens: `gw1.example.com:9878`, `10.0.0.7:9878` or `[2001:db8::7]:9878`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    host: Host,
    /// The port of its S3 API.
    pub port: Port,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Name(String),
    Address(IpAddr),
}

impl ServerAddress {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text(
        r"^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]):[0-9]{1,5}$",
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
}

impl FromStr for ServerAddress {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(format!("`{text}` is an IPv6 address without a port: write [{text}]:9878"));
        }
        if text.is_empty() || text.starts_with(':') {
            return Err(format!("`{text}` has no host: write HOST:9878"));
        }
        let Some((host, port)) = text.rsplit_once(':').filter(|_| !text.ends_with(']')) else {
            return Err(format!("`{text}` has no port: write {text}:9878"));
        };
        let port = port.parse().map_err(|problem| format!("`{text}`: port {problem}"))?;
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host = if let Some(inner) = bracketed {
            let address = inner.parse::<Ipv6Addr>();
            Host::Address(
                address.map_err(|_| format!("`{inner}` in `{text}` is not an IPv6 address"))?.into(),
            )
        } else if let Ok(address) = host.parse::<IpAddr>() {
            if address.is_ipv6() {
                return Err(format!("`{text}`: an IPv6 address goes in brackets: [{address}]:{port}"));
            }
            Host::Address(address)
        } else if is_host_name(host) {
            Host::Name(host.to_owned())
        } else {
            return Err(format!("`{host}` in `{text}` is not the name or address of a host"));
        };
        Ok(Self { host, port })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host(), self.port)
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
        for good in ["gw1:9878", "gw1.example.com:80", "10.0.0.7:9878", "[2001:db8::7]:9878", "[::1]:1"] {
            assert_eq!(good.parse::<ServerAddress>().expect(good).to_string(), good);
        }
        for (bad, message) in [
            ("gw1", "`gw1` has no port: write gw1:9878"),
            ("", "`` has no host: write HOST:9878"),
            (":9878", "`:9878` has no host: write HOST:9878"),
            ("[::1]", "`[::1]` has no port: write [::1]:9878"),
            ("2001:db8::7", "`2001:db8::7` is an IPv6 address without a port: write [2001:db8::7]:9878"),
            ("gw1:0", "`gw1:0`: port 0 is not between 1 and 65535"),
            ("gw1:s3", "`gw1:s3`: port `s3` is not a whole number"),
            ("a b:1", "`a b` in `a b:1` is not the name or address of a host"),
            ("10.0.0.300:1", "`10.0.0.300` in `10.0.0.300:1` is not the name or address of a host"),
            ("[10.0.0.1]:1", "`10.0.0.1` in `[10.0.0.1]:1` is not an IPv6 address"),
        ] {
            assert_eq!(problem::<ServerAddress>(bad), message);
        }
    }
}
