//! The values an option can take: each type parses its own text and cannot hold nonsense.
//!
//! A failed parse says what is wrong with the text and what would be right; where the text came from is
//! the caller's to add. Nothing here knows of options, files or flags.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// Declares an enum whose variants are the words a person types.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every word this type reads, in the order of its variants.
            pub const WORDS: &[&str] = &[$($word),+];
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("`{text}` is not one of {}", Self::WORDS.join(", "))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word,)+ })
            }
        }
    };
}

words! {
    /// Which Ozone the gateways are laid over.
    Base {
        /// One SCM, one OM and the datanodes, written beside the gateways.
        Single = "single",
        /// None: only the overlay, for the `docker-compose.yaml` of an Ozone checkout.
        None = "none",
    }
}

words! {
    /// Whose settings are the defaults.
    Profile {
        /// This tool's: health checks, redispatch, lossless reload, a fast start.
        Tuned = "tuned",
        /// Ozone's own example, directive for directive.
        Upstream = "upstream",
    }
}

words! {
    /// How HAProxy chooses a gateway for a request.
    Algorithm {
        /// The gateway with the fewest requests in flight.
        LeastConn = "leastconn",
        /// Each in turn.
        RoundRobin = "roundrobin",
        /// The less loaded of two drawn at random: for several balancers side by side.
        Random = "random",
    }
}

words! {
    /// How HAProxy learns where the gateways are.
    Discovery {
        /// A service and a `server` line for each gateway.
        Static = "static",
        /// One scaled service, found by DNS: `docker compose up --scale` works without this tool.
        Dns = "dns",
    }
}

words! {
    /// What HAProxy asks a gateway to see whether it is alive.
    Health {
        /// `GET /` on the S3 port; 403 counts as alive, since the request is not signed.
        Http = "http",
        /// `GET /` on the webadmin port.
        Webadmin = "webadmin",
        /// A TCP connection to the S3 port.
        Tcp = "tcp",
        /// Nothing: a dead gateway stays in rotation.
        Off = "off",
    }
}

words! {
    /// Copies of each block.
    Replication {
        /// One copy, on one datanode.
        One = "1",
        /// Three copies by Ratis, on three datanodes.
        Three = "3",
    }
}

impl Replication {
    /// Datanodes that this replication needs at the least.
    #[must_use]
    pub fn datanodes(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Three => 3,
        }
    }
}

words! {
    /// What the JVMs are tuned for.
    Jvm {
        /// Start soon: the first compiler only, and shared class data.
        FastStart = "fast-start",
        /// Peak throughput: the JVM's own defaults.
        Throughput = "throughput",
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Bounded<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// A number known to the compiler, which also checks its bounds.
    #[must_use]
    pub const fn of<const NUMBER: u32>() -> Self {
        const { assert!(MIN <= NUMBER && NUMBER <= MAX, "out of bounds") };
        Self(NUMBER)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> FromStr for Bounded<MIN, MAX> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("`{text}` is not a whole number"));
        }
        match text.parse() {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            _ => Err(format!("{text} is not between {MIN} and {MAX}")),
        }
    }
}

impl<const MIN: u32, const MAX: u32> fmt::Display for Bounded<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Gateways behind the balancer.
pub type GatewayCount = Bounded<1, 512>;
/// Datanodes of a cluster on one machine.
pub type DatanodeCount = Bounded<1, 64>;
/// A TCP port.
pub type Port = Bounded<1, 65535>;
/// Connections, in all or for each gateway.
pub type Connections = Bounded<1, 1_000_000>;
/// Attempts after the first.
pub type Retries = Bounded<0, 100>;

/// A port to publish on the host, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// Not published.
    Off,
    /// Published on this port.
    On(Port),
}

impl Published {
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

/// A name that Compose takes for a project, so that it can also prefix containers and volumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterName(String);

impl ClusterName {
    /// The name Compose would make of a folder's name; `ozone` where nothing is left of it.
    #[must_use]
    pub fn from_folder(folder: &str) -> Self {
        let allowed = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(*c);
        let name: String = folder.to_lowercase().chars().filter(allowed).collect();
        name.trim_start_matches(['-', '_']).parse().unwrap_or_else(|_| Self("ozone".to_owned()))
    }
}

impl FromStr for ClusterName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let holds = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if starts_well && text.chars().all(holds) && text.len() <= 63 {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "Compose refuses the name `{text}`: it takes lower-case letters, digits, `-` and `_`, first a letter or digit, 63 at most"
        ))
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A released Ozone version between 2.0 and 2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OzoneVersion {
    /// 2.
    pub major: u32,
    /// 0 to 2: what decides which keys there are.
    pub minor: u32,
    /// The bug-fix release.
    pub patch: u32,
}

impl FromStr for OzoneVersion {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[major @ 2, minor @ 0..=2, patch]) => Ok(Self { major, minor, patch }),
            Some(&[_, _, _]) => {
                Err(format!("{text} is not a version this tool has settings for: 2.0.x, 2.1.x or 2.2.x"))
            }
            _ => Err(format!("`{text}` is not a version such as 2.2.1")),
        }
    }
}

impl fmt::Display for OzoneVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The name of a container image: `[registry[:port]/]path[:tag][@digest]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName(String);

impl FromStr for ImageName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
        let (path, tag) = match name.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (name, None),
        };
        let word = |text: &str, more: &str, most: usize| {
            (1..=most).contains(&text.len())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        let mut parts: Vec<&str> = path.split('/').collect();
        let registry = (parts.len() > 1 && (parts[0].contains(['.', ':']) || parts[0] == "localhost"))
            .then(|| parts.remove(0));
        let good_part = |part: &&str| {
            word(part, "._-", 255)
                && !part.contains(char::is_uppercase)
                && part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.ends_with(|c: char| c.is_ascii_alphanumeric())
        };
        let good = parts.iter().all(good_part)
            && registry.is_none_or(|registry| word(registry, ".-:", 255))
            && tag.is_none_or(|tag| word(tag, "_.-", 128) && !tag.starts_with(['.', '-']))
            && digest.is_none_or(|digest| {
                digest.split_once(':').is_some_and(|(algorithm, hex)| {
                    word(algorithm, "+._-", 32)
                        && hex.len() >= 32
                        && hex.chars().all(|c| c.is_ascii_hexdigit())
                })
            });
        if good { Ok(Self(text.to_owned())) } else { Err(format!("`{text}` is not the name of an image")) }
    }
}

impl ImageName {
    /// The same image in a registry, unless it names one itself.
    #[must_use]
    pub fn in_registry(self, registry: Option<&Registry>) -> Self {
        let first = self.0.split_once('/').map_or("", |(first, _)| first);
        match registry {
            Some(registry) if !first.contains(['.', ':']) && first != "localhost" => {
                Self(format!("{}/{}", registry.0, self.0))
            }
            _ => self,
        }
    }
}

/// A registry that mirrors images, with a path where it keeps them under one: `mirror.example.com:5000/hub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry(String);

impl FromStr for Registry {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let host = text.split('/').next().unwrap_or_default();
        let is_host = host.contains(['.', ':']) || host == "localhost";
        if is_host && format!("{text}/image").parse::<ImageName>().is_ok() {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is not a registry such as mirror.example.com or localhost:5000"))
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A time in HAProxy's own notation, a whole number and a unit: `500ms`, `30s`, `5m`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    text: String,
    milliseconds: u64,
}

impl Span {
    /// The time.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}

impl FromStr for Span {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let unit_ms: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "" if !number.is_empty() => {
                return Err(format!("`{text}` has no unit: write {text}ms, {text}s or {text}m"));
            }
            _ => return Err(format!("`{text}` is not a time such as 500ms, 30s or 5m")),
        };
        // HAProxy keeps times in 31 bits of milliseconds.
        match number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms)) {
            Some(milliseconds @ 1..=0x7fff_ffff) => Ok(Self { text: text.to_owned(), milliseconds }),
            _ if number.is_empty() => Err(format!("`{text}` is not a time such as 500ms, 30s or 5m")),
            _ => Err(format!("{text} is not between 1ms and 24d")),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The largest heap of a JVM, as `-Xmx` takes it: `512m` or `2g`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heap {
    mebibytes: u32,
}

impl Heap {
    /// The size in MiB.
    #[must_use]
    pub fn mebibytes(self) -> u32 {
        self.mebibytes
    }
}

impl FromStr for Heap {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let unit_mib = match text.bytes().last() {
            Some(b'm' | b'M') => 1,
            Some(b'g' | b'G') => 1024,
            _ => return Err(format!("`{text}` is not a heap size such as 512m or 2g")),
        };
        let number: u32 = text[..text.len() - 1]
            .parse()
            .map_err(|_| format!("`{text}` is not a heap size such as 512m or 2g"))?;
        match number.checked_mul(unit_mib) {
            // No JVM starts a daemon in less; more than 1 TiB is a slip of the hand.
            Some(mebibytes @ 8..=1_048_576) => Ok(Self { mebibytes }),
            _ => Err(format!("{text} is not between 8m and 1024g")),
        }
    }
}

impl fmt::Display for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mebibytes {
            whole if whole.is_multiple_of(1024) => write!(f, "{}g", whole / 1024),
            mebibytes => write!(f, "{mebibytes}m"),
        }
    }
}

/// The address of the host on which ports are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindAddress(IpAddr);

impl BindAddress {
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
        let Some((host, port)) =
            text.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !text.ends_with(']'))
        else {
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

/// Serialises a value as the text a person would type, for the templates.
macro_rules! serialize_as_text {
    ($($name:ident),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+};
}

serialize_as_text!(
    Algorithm,
    BindAddress,
    ClusterName,
    Discovery,
    Health,
    Heap,
    ImageName,
    OzoneVersion,
    Replication,
    ServerAddress,
    Span
);

#[cfg(test)]
mod tests {
    use super::*;

    fn problem<T: FromStr<Err = String> + fmt::Debug>(text: &str) -> String {
        text.parse::<T>().expect_err("this text is wrong")
    }

    #[test]
    fn numbers_outside_their_bounds_say_the_bounds() {
        assert_eq!(problem::<GatewayCount>("0"), "0 is not between 1 and 512");
        assert_eq!(problem::<GatewayCount>("513"), "513 is not between 1 and 512");
        assert_eq!(problem::<GatewayCount>("-3"), "-3 is not between 1 and 512");
        assert_eq!(problem::<GatewayCount>("99999999999"), "99999999999 is not between 1 and 512");
        assert_eq!(problem::<GatewayCount>("three"), "`three` is not a whole number");
        assert_eq!(problem::<GatewayCount>(""), "`` is not a whole number");
        assert_eq!(problem::<Port>("70000"), "70000 is not between 1 and 65535");
        assert_eq!(problem::<Published>("of"), "`of` is not a whole number, nor `off`");
    }

    #[test]
    fn images_follow_the_grammar_of_the_registry() {
        for good in [
            "haproxy",
            "haproxy:3.2-alpine",
            "localhost:5000/apache/ozone:2.2.1",
            "ghcr.io/apache/ozone-runner:20260206-2-jdk21",
            "apache/ozone@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(good.parse::<ImageName>().expect(good).to_string(), good);
        }
        for bad in ["", "a b", "a:", ":a", "a:b c", "A/b", "a//b", "a@b", "a:-x", "x\n", "${X}", "a}b", "-a"]
        {
            assert_eq!(problem::<ImageName>(bad), format!("`{bad}` is not the name of an image"));
        }
    }

    #[test]
    fn a_mirror_goes_before_images_that_name_no_registry() {
        let mirror: Registry = "localhost:5000/hub".parse().expect("a registry");
        for (image, mirrored) in [
            ("haproxy:3.2-alpine", "localhost:5000/hub/haproxy:3.2-alpine"),
            ("apache/ozone:2.2.1", "localhost:5000/hub/apache/ozone:2.2.1"),
            ("ghcr.io/apache/ozone:2.2.1", "ghcr.io/apache/ozone:2.2.1"),
        ] {
            let image: ImageName = image.parse().expect("an image");
            assert_eq!(image.in_registry(Some(&mirror)).to_string(), mirrored);
        }
        for bad in ["mirror", "a b.c", "mirror.example.com/", "https://mirror.example.com"] {
            assert!(problem::<Registry>(bad).contains("is not a registry"));
        }
    }

    #[test]
    fn times_need_a_unit_and_fit_haproxy() {
        assert_eq!("5m".parse::<Span>().expect("a time").to_string(), "5m");
        assert_eq!(problem::<Span>("5"), "`5` has no unit: write 5ms, 5s or 5m");
        assert_eq!(problem::<Span>("5 m"), "`5 m` is not a time such as 500ms, 30s or 5m");
        assert_eq!(problem::<Span>("m"), "`m` is not a time such as 500ms, 30s or 5m");
        assert_eq!(problem::<Span>(""), "`` is not a time such as 500ms, 30s or 5m");
        assert_eq!(problem::<Span>("0s"), "0s is not between 1ms and 24d");
        assert_eq!(problem::<Span>("25d"), "25d is not between 1ms and 24d");
    }

    #[test]
    fn heaps_keep_their_size() {
        for (text, mebibytes, shown) in [("512m", 512, "512m"), ("1024m", 1024, "1g"), ("2G", 2048, "2g")] {
            let heap: Heap = text.parse().expect(text);
            assert_eq!((heap.mebibytes(), heap.to_string().as_str()), (mebibytes, shown));
        }
        assert_eq!(problem::<Heap>("512"), "`512` is not a heap size such as 512m or 2g");
        assert_eq!(problem::<Heap>("é"), "`é` is not a heap size such as 512m or 2g");
        assert_eq!(problem::<Heap>("4m"), "4m is not between 8m and 1024g");
    }

    #[test]
    fn servers_are_names_or_addresses_with_a_port() {
        for good in ["gw1:9878", "gw1.example.com:80", "10.0.0.7:9878", "[2001:db8::7]:9878", "[::1]:1"] {
            assert_eq!(good.parse::<ServerAddress>().expect(good).to_string(), good);
        }
        for (bad, message) in [
            ("gw1", "`gw1` has no port: write gw1:9878"),
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

    #[test]
    fn folder_names_become_names_that_compose_takes() {
        for (folder, name) in [("demo", "demo"), ("My Cluster", "mycluster"), ("_x", "x"), ("日本", "ozone")]
        {
            assert_eq!(ClusterName::from_folder(folder).to_string(), name);
        }
        assert!(problem::<ClusterName>("My Cluster").starts_with("Compose refuses the name `My Cluster`"));
    }

    #[test]
    fn versions_outside_the_table_are_refused() {
        assert_eq!("2.2.1".parse::<OzoneVersion>().expect("known").to_string(), "2.2.1");
        assert_eq!(
            problem::<OzoneVersion>("1.4.1"),
            "1.4.1 is not a version this tool has settings for: 2.0.x, 2.1.x or 2.2.x"
        );
        assert_eq!(problem::<OzoneVersion>("latest"), "`latest` is not a version such as 2.2.1");
    }
}
