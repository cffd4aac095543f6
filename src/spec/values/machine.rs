//! What a balancer on a machine of its own needs to know of that machine.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::str::FromStr;

use super::Takes;

/// The name of a user or a group of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account(String);

impl FromStr for Account {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let good = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if begins && text.len() <= 32 && text.chars().all(good) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is not the name of a user or group"))
    }
}

/// The path of a file or folder from the root, in characters that no configuration interprets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainPath(String);

impl PlainPath {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text(r"^/[A-Za-z0-9_./-]*$");

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl FromStr for PlainPath {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let good = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        if Path::new(text).is_absolute() && text.chars().all(good) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is not a path from / of letters, digits, dots, - and _"))
    }
}

/// Where HAProxy sends its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTarget(String);

impl LogTarget {
    /// Its own output, from which systemd takes it to the journal.
    pub const STDOUT: &str = "stdout";
}

impl FromStr for LogTarget {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let is_address = text.parse::<SocketAddr>().is_ok_and(|address| address.port() > 0)
            || text.rsplit_once(':').is_some_and(|(host, port)| {
                let good = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
                !host.is_empty() && host.chars().all(good) && port.parse::<super::Port>().is_ok()
            });
        if text == Self::STDOUT || is_address || text.parse::<PlainPath>().is_ok() {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is not stdout, a socket such as /dev/log, or HOST:514"))
    }
}

/// An address that one of two balancers has at a time, with the length of its network: `10.0.0.9/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VirtualAddress {
    /// The address.
    pub ip: IpAddr,
    length: u8,
}

impl FromStr for VirtualAddress {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(ip, length)| {
            let ip: IpAddr = ip.parse().ok()?;
            let length = length.parse().ok()?;
            let most = if ip.is_ipv4() { 32 } else { 128 };
            (1..=most).contains(&length).then_some(Self { ip, length })
        });
        parsed.ok_or_else(|| {
            format!("`{text}` is not an address with the length of its network, such as 10.0.0.9/24")
        })
    }
}

impl fmt::Display for VirtualAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.length)
    }
}

/// A network interface of Linux.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface(String);

impl FromStr for Interface {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let good = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
        if (1..16).contains(&text.len()) && text.chars().all(good) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is not the name of a network interface, such as eth0"))
    }
}

/// Who may see HAProxy's pages, and the hash of the password of each: lines of `NAME:HASH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsUsers(Vec<(String, String)>);

impl StatsUsers {
    /// Name and hash of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, hash)| (name.as_str(), hash.as_str()))
    }
}

impl FromStr for StatsUsers {
    type Err = String;
    /// Empty lines and those that begin with `#` are ignored. Errors never show a line: it may hold a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut users = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| format!("line {number} {what}");
            let (name, hash) = line.split_once(':').ok_or_else(|| wrong("is not NAME:HASH"))?;
            let name: Account = name.parse().map_err(|_| wrong("does not begin with the name of a user"))?;
            let good = |c: char| c.is_ascii_alphanumeric() || "$./=,".contains(c);
            // SHA-256 and SHA-512, which every crypt(3) supports.
            if !(hash.starts_with("$5$") || hash.starts_with("$6$"))
                || hash.len() < 20
                || !hash.chars().all(good)
            {
                return Err(wrong("has no hash that HAProxy reads: make one with `openssl passwd -6`"));
            }
            users.push((name.0, hash.to_owned()));
        }
        if users.is_empty() { Err("no line names a user".to_owned()) } else { Ok(Self(users)) }
    }
}

macro_rules! shown {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

shown!(Account, Interface, LogTarget, PlainPath);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::values::problem;

    #[test]
    fn what_a_configuration_would_interpret_is_refused() {
        for bad in ["", "a b", "-a", "a$b", "1a", "root;"] {
            assert!(problem::<Account>(bad).contains("is not the name"), "{bad}");
        }
        for bad in ["run", "/run/a b", "/run/$HOME", "/a\n"] {
            assert!(problem::<PlainPath>(bad).contains("is not a path"), "{bad}");
        }
        for bad in ["10.0.0.9", "10.0.0.9/0", "10.0.0.9/33", "gw/24", "::1/129"] {
            assert!(problem::<VirtualAddress>(bad).contains("such as 10.0.0.9/24"), "{bad}");
        }
        for bad in ["", "a/b", "an-interface-too-long"] {
            assert!(problem::<Interface>(bad).contains("such as eth0"), "{bad}");
        }
        for good in ["stdout", "/dev/log", "127.0.0.1:514", "[::1]:514", "logs.example.com:514"] {
            assert_eq!(good.parse::<LogTarget>().expect(good).to_string(), good);
        }
        for bad in ["stderr", "logs", "a b:514", "127.0.0.1:0"] {
            assert!(problem::<LogTarget>(bad).contains("is not stdout"), "{bad}");
        }
    }

    #[test]
    fn users_have_hashes_and_errors_do_not_show_them() {
        let users: StatsUsers = "# us\n\nann:$6$salt$0123456789abcdef\n".parse().expect("a user");
        assert_eq!(users.iter().collect::<Vec<_>>(), [("ann", "$6$salt$0123456789abcdef")]);
        assert_eq!(
            problem::<StatsUsers>("ann:secret"),
            "line 1 has no hash that HAProxy reads: make one with `openssl passwd -6`"
        );
        assert_eq!(problem::<StatsUsers>("secret"), "line 1 is not NAME:HASH");
        assert_eq!(problem::<StatsUsers>("# none\n"), "no line names a user");
    }
}
