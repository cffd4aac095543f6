//! The values an option can take: each type parses its own text and holds only valid values.
//!
//! A failed parse says what is wrong with the text and what would be right; where the text came from is
//! the caller's to add. Nothing here knows of options, files or flags.

mod addresses;
mod buckets;
mod domains;
pub mod machine;
mod mix;
mod names;
mod sizes;
mod users;

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

pub use addresses::{BindAddress, HostName, Published, ServerAddress, Weight, Zone};
pub use buckets::{BucketChoice, BucketName};
pub use domains::DomainName;
pub use mix::Mix;
pub use names::{
    ClusterName, FilePath, FolderPath, GatewayImage, GatewayName, GatewayWeight, ImageName, OzoneVersion,
    Registry,
};
pub use sizes::{Heap, ObjectSize, Quota, Span};
pub use users::UserName;

/// The texts that a type reads, as data: for completion, and for the schema of `ozone-compose.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// One of these words.
    Words(&'static [&'static str]),
    /// A whole number from the first to the second.
    Number(u32, u32),
    /// Such a number, or `off`.
    NumberOrOff(u32, u32),
    /// Texts of this shape, a regular expression for the whole text in the syntax that JSON Schema shares with Rust.
    /// The type refuses some of them still, such as a time that is too long.
    Text(&'static str),
}

/// Declares an enum whose variants are the words a person types.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every word this type reads, in the order of its variants.
            pub const WORDS: &[&str] = &[$($word),+];
            /// The texts that this type reads.
            pub const TAKES: Takes = Takes::Words(Self::WORDS);
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("`{text}` is not one of {}{}", Self::WORDS.join(", "), advice(text))),
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

/// What to know of words that HAProxy knows and this tool leaves out.
fn advice(text: &str) -> &'static str {
    match text {
        "source" | "uri" | "url_param" | "hdr" | "hash" => {
            "; gateways keep nothing of a client or an object, and this would give one of them the requests of a whole network \
             or of one object"
        }
        "static-rr" | "first" => "; roundrobin is the nearest",
        _ => "",
    }
}

words! {
    /// Whether something is there.
    Switch {
        /// It is.
        On = "on",
        /// It is not.
        Off = "off",
    }
}

words! {
    /// What plain http does beside https, seen from outside.
    PlainHttp {
        /// S3 as before.
        Keep = "keep",
        /// An answer that sends clients to https.
        Redirect = "redirect",
        /// Not published.
        Off = "off",
    }
}

words! {
    /// What authenticates clients and services.
    Security {
        /// Nothing: S3 accepts any access key.
        Off = "off",
        /// A KDC of the cluster's own; S3 users have secrets.
        Kerberos = "kerberos",
    }
}

words! {
    /// Where the engine is.
    EngineAt {
        /// On this machine: what lies in the cluster's folder can be mounted, and 127.0.0.1 is the same for both.
        Local = "local",
        /// On another machine or in another container.
        Remote = "remote",
    }
}

words! {
    /// The folder of an Ozone checkout's `compose/` that an overlay is for: what gateways need there beside the image.
    Checkout {
        /// Nothing more; `ozone-ha` is alike.
        Ozone = "ozone",
        /// Keytabs, and a KDC.
        Secure = "ozonesecure",
        /// The same in a network with fixed addresses.
        SecureHa = "ozonesecure-ha",
    }
}

impl Checkout {
    /// The last number of the highest address that a service of `ozonesecure-ha` has in 172.25.0.0/24: that of `s3g`.
    pub const LAST_TAKEN: u32 = 120;
    /// How many gateways have an address above it, up to 172.25.0.254.
    pub const MOST_FIXED: u32 = 254 - Self::LAST_TAKEN;
}

words! {
    /// Which Ozone the gateways are laid over.
    Base {
        /// One SCM, one OM and the datanodes, written beside the gateways.
        Single = "single",
        /// The same with several SCMs, OMs or both, which elect leaders.
        Ha = "ha",
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
    /// What runs the containers.
    Target {
        /// Docker Compose, on one engine.
        Compose = "compose",
        /// Docker Swarm, on one node or several.
        Swarm = "swarm",
        /// Kubernetes, by values of Ozone's own Helm chart: files alone, which this tool does not run.
        Helm = "helm",
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
    /// What a gateway's health check requests.
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
    /// Which requests HAProxy writes a line about.
    RequestLog {
        /// Those that failed, were repeated or were slow.
        Errors = "errors",
        /// All.
        All = "all",
        /// None; gateways that come and go still have a line.
        Off = "off",
    }
}

words! {
    /// How much memory the JVMs get, where it is not set for each.
    Size {
        /// Heaps that hold a test's few thousand objects.
        Small = "small",
        /// Heaps for a cluster under load.
        Default = "default",
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
    /// How many SCMs: Ozone's own set-ups have one or three.
    ScmCount {
        /// One, which leads.
        One = "1",
        /// Three, of which one may be gone.
        Three = "3",
    }
}

impl ScmCount {
    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Three => 3,
        }
    }
}

words! {
    /// How many OMs: an odd number, since more than half must agree.
    OmCount {
        /// One, which leads.
        One = "1",
        /// Three, of which one may be gone.
        Three = "3",
        /// Five, of which two may fail.
        Five = "5",
    }
}

impl OmCount {
    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Three => 3,
            Self::Five => 5,
        }
    }
}

words! {
    /// How Ozone keeps the keys of a bucket, which cannot change.
    Layout {
        /// As a tree of folders: renames and deletes of folders are one step, and Hadoop's file systems work.
        Fso = "fso",
        /// Each key on its own, as in S3: what the S3 API makes.
        Obs = "obs",
        /// That of Ozone before 1.3, deprecated.
        Legacy = "legacy",
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

words! {
    /// A request of a load.
    Operation {
        /// Writes an object.
        Put = "put",
        /// Reads an object.
        Get = "get",
        /// Looks whether an object is there.
        Head = "head",
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Bounded<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Number(MIN, MAX);

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
        let is_padded = digits.len() > 1 && digits.starts_with('0');
        if digits.is_empty() || is_padded || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
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
/// Nodes of a Swarm that hold data; more than the services with data, at most 64 datanodes, would be idle.
pub type NodeCount = Bounded<1, 64>;
/// A TCP port.
pub type Port = Bounded<1, 65535>;
/// Requests in flight to a gateway.
pub type Connections = Bounded<1, 1_000_000>;
/// Connections of clients: with 400000 HAProxy needs a million file descriptors, and a process has 1048576 at most
/// (`fs.nr_open`).
pub type ClientConnections = Bounded<1, 400_000>;
/// Attempts after the first.
pub type Retries = Bounded<0, 100>;

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
    DomainName,
    GatewayName,
    Health,
    Heap,
    ImageName,
    Layout,
    Operation,
    OzoneVersion,
    Replication,
    RequestLog,
    ServerAddress,
    Span
);

/// The error for a text that is no `T`.
#[cfg(test)]
fn problem<T: FromStr<Err = String> + fmt::Debug>(text: &str) -> String {
    text.parse::<T>().expect_err("this text is wrong")
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
