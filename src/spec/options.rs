//! The table of options: one row each, from which flags, environment variables, the keys of
//! `ozone-compose.yaml`, defaults and help are all made.
//!
//! To add an option: a row here, a field in [`super::Spec`], and the place in `plan` that uses it. A test
//! fails when a row is not read.

use super::values::{
    Algorithm, Base, BindAddress, ClusterName, Connections, DatanodeCount, Discovery, FolderPath,
    GatewayCount, GatewayName, Health, Heap, ImageName, Jvm, OmCount, OzoneVersion, Port, Profile, Published,
    Registry, Replication, Retries, ScmCount, ServerAddress, Size, Span, Takes,
};

/// How each variable of this tool begins.
pub(super) const VARIABLE_PREFIX: &str = "OZONE_COMPOSE_";

/// One thing that a person can choose.
#[derive(Debug)]
pub struct Opt {
    /// Its path in `ozone-compose.yaml`, such as `gateways.count`: at most one section deep.
    pub key: &'static str,
    /// Its long flag, without the dashes.
    pub flag: &'static str,
    /// Its short flag, where it has one.
    pub short: Option<char>,
    /// What stands for the value in the help.
    pub placeholder: &'static str,
    /// The texts it takes: those of the type that it becomes in [`super::Spec`].
    pub takes: Takes,
    /// What it is when nobody chose.
    pub default: Default,
    /// Where it has a meaning at all.
    pub scope: Scope,
    /// The heading it stands under in the help.
    pub group: &'static str,
    /// One sentence of help, without the default.
    pub help: &'static str,
}

/// The value of an option that nobody chose.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// The same in every profile.
    Is(&'static str),
    /// One in each profile.
    By {
        /// In `tuned`.
        tuned: &'static str,
        /// In `upstream`: the value in Ozone's example.
        upstream: &'static str,
    },
    /// One for each base that has a cluster.
    ByBase {
        /// In `single`.
        single: &'static str,
        /// In `ha`.
        ha: &'static str,
    },
    /// One for each size of memory.
    BySize {
        /// In `small`.
        small: &'static str,
        /// In `default`.
        default: &'static str,
    },
    /// Follows from something else, which these words describe.
    From(&'static str),
    /// None at all: the option may be given many times, or never.
    List,
}

/// The choices on which defaults of others depend.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "described at their types")]
pub struct Basis {
    pub profile: Profile,
    pub base: Base,
    pub size: Size,
}

/// Where an option has a meaning; choosing it elsewhere is an error rather than silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Always.
    Everywhere,
    /// Only where the profile is `tuned`: Ozone's example has nothing of the kind.
    Tuned,
    /// Only where this tool writes the SCM, OM and datanodes.
    Cluster,
    /// Only where gateways run in containers.
    Containers,
}

impl Opt {
    /// The environment variable: `OZONE_COMPOSE_` and the flag in capitals. The generated Compose files
    /// read the same names for images and ports.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.flag.replace('-', "_").to_uppercase())
    }

    /// Whether the option may be given more than once.
    #[must_use]
    pub fn is_list(&self) -> bool {
        matches!(self.default, Default::List)
    }

    /// The words it takes, where there are only a few; empty otherwise.
    #[must_use]
    pub fn words(&self) -> &'static [&'static str] {
        if let Takes::Words(words) = self.takes { words } else { &[] }
    }

    /// The value on this basis when nobody chose, where it is known beforehand.
    #[must_use]
    pub fn default_on(&self, basis: Basis) -> Option<&'static str> {
        match (self.default, basis.profile, basis.base, basis.size) {
            (Default::Is(text), ..)
            | (Default::By { tuned: text, .. }, Profile::Tuned, ..)
            | (Default::By { upstream: text, .. }, Profile::Upstream, ..)
            | (Default::ByBase { ha: text, .. }, _, Base::Ha, _)
            | (Default::ByBase { single: text, .. }, _, Base::Single | Base::None, _)
            | (Default::BySize { small: text, .. }, .., Size::Small)
            | (Default::BySize { default: text, .. }, .., Size::Default) => Some(text),
            (Default::From(_) | Default::List, ..) => None,
        }
    }

    /// The row of a key.
    #[must_use]
    pub fn with_key(key: &str) -> Option<&'static Self> {
        OPTIONS.iter().find(|option| option.key == key)
    }
}

const CLUSTER: &str = "Cluster";
const IMAGES: &str = "Images";
const PORTS: &str = "Ports on this machine";
const BALANCER: &str = "Balancer (HAProxy)";
const TIMEOUTS: &str = "Timeouts of the balancer";
const JVMS: &str = "Memory and JVMs";
const TEMPLATES: &str = "Templates";

/// A row with a fixed default that has a meaning everywhere; the rest is set by `..`.
const ROW: Opt = Opt {
    key: "",
    flag: "",
    short: None,
    placeholder: "",
    takes: Takes::Words(&[]),
    default: Default::List,
    scope: Scope::Everywhere,
    group: "",
    help: "",
};

/// Every option, in the order of the help.
pub static OPTIONS: &[Opt] = &[
    Opt {
        key: "gateways.count",
        flag: "gateways",
        short: Some('n'),
        placeholder: "N",
        takes: GatewayCount::TAKES,
        default: Default::Is("3"),
        group: CLUSTER,
        help: "S3 gateways behind the balancer, 1 to 512",
        ..ROW
    },
    Opt {
        key: "name",
        flag: "name",
        placeholder: "NAME",
        takes: ClusterName::TAKES,
        default: Default::From("the folder's name"),
        scope: Scope::Cluster,
        group: CLUSTER,
        help: "Name of the Compose project, which containers and volumes carry",
        ..ROW
    },
    Opt {
        key: "base",
        flag: "base",
        placeholder: "BASE",
        takes: Base::TAKES,
        default: Default::Is("single"),
        scope: Scope::Containers,
        group: CLUSTER,
        help: "What the gateways stand on: one SCM and one OM, several of them, or nothing, to lay them over an Ozone checkout's own docker-compose.yaml",
        ..ROW
    },
    Opt {
        key: "scm.count",
        flag: "scm",
        placeholder: "N",
        takes: ScmCount::TAKES,
        default: Default::ByBase { single: "1", ha: "3" },
        scope: Scope::Cluster,
        group: CLUSTER,
        help: "SCMs; several elect a leader",
        ..ROW
    },
    Opt {
        key: "om.count",
        flag: "om",
        placeholder: "N",
        takes: OmCount::TAKES,
        default: Default::ByBase { single: "1", ha: "3" },
        scope: Scope::Cluster,
        group: CLUSTER,
        help: "OMs; several elect a leader",
        ..ROW
    },
    Opt {
        key: "profile",
        flag: "profile",
        placeholder: "PROFILE",
        takes: Profile::TAKES,
        default: Default::Is("tuned"),
        group: CLUSTER,
        help: "Whose settings are the defaults: this tool's, or those of Ozone's own example, directive for directive",
        ..ROW
    },
    Opt {
        key: "datanodes",
        flag: "datanodes",
        placeholder: "N",
        takes: DatanodeCount::TAKES,
        default: Default::From("as many as the replication needs"),
        scope: Scope::Cluster,
        group: CLUSTER,
        help: "Datanodes, 1 to 64",
        ..ROW
    },
    Opt {
        key: "replication",
        flag: "replication",
        placeholder: "COPIES",
        takes: Replication::TAKES,
        default: Default::ByBase { single: "1", ha: "3" },
        scope: Scope::Cluster,
        group: CLUSTER,
        help: "Copies of each block",
        ..ROW
    },
    Opt {
        key: "ozone.version",
        flag: "ozone-version",
        placeholder: "VERSION",
        takes: OzoneVersion::TAKES,
        default: Default::Is("2.2.1"),
        scope: Scope::Containers,
        group: CLUSTER,
        help: "Ozone's version, 2.0 to 2.2: decides which keys are written",
        ..ROW
    },
    Opt {
        key: "gateways.discovery",
        flag: "discovery",
        placeholder: "HOW",
        takes: Discovery::TAKES,
        default: Default::Is("static"),
        scope: Scope::Tuned,
        group: CLUSTER,
        help: "How HAProxy finds gateways: a named service each, or one scaled service by DNS",
        ..ROW
    },
    Opt {
        key: "gateways.drained",
        flag: "drained",
        placeholder: "GATEWAY",
        takes: GatewayName::TAKES,
        scope: Scope::Tuned,
        group: CLUSTER,
        help: "A gateway that gets no new requests, such as s3g2; `drain` and `resume` change this",
        ..ROW
    },
    Opt {
        key: "servers",
        flag: "server",
        placeholder: "HOST:PORT",
        takes: ServerAddress::TAKES,
        group: CLUSTER,
        help: "A real gateway on another machine, instead of containers; repeat it for each. Only HAProxy's configuration is written then",
        ..ROW
    },
    Opt {
        key: "ozone.image",
        flag: "ozone-image",
        placeholder: "IMAGE",
        takes: ImageName::TAKES,
        default: Default::From("apache/ozone with the version; the checkout's runner image with --base none"),
        scope: Scope::Containers,
        group: IMAGES,
        help: "Image of the gateways, SCM, OM and datanodes",
        ..ROW
    },
    Opt {
        key: "balancer.image",
        flag: "haproxy-image",
        placeholder: "IMAGE",
        takes: ImageName::TAKES,
        default: Default::By { tuned: "haproxy:3.2-alpine", upstream: "haproxy:lts-alpine" },
        scope: Scope::Containers,
        group: IMAGES,
        help: "Image of the balancer",
        ..ROW
    },
    Opt {
        key: "images.registry",
        flag: "image-registry",
        placeholder: "HOST",
        takes: Registry::TAKES,
        default: Default::From("the engine's own"),
        scope: Scope::Containers,
        group: IMAGES,
        help: "Registry that mirrors Docker Hub, for images that name no registry themselves",
        ..ROW
    },
    Opt {
        key: "ports.bind",
        flag: "bind",
        placeholder: "ADDRESS",
        takes: BindAddress::TAKES,
        default: Default::By { tuned: "127.0.0.1", upstream: "0.0.0.0" },
        scope: Scope::Containers,
        group: PORTS,
        help: "Address of this machine on which S3 and webadmin are published; the others stay on 127.0.0.1",
        ..ROW
    },
    Opt {
        key: "ports.s3",
        flag: "s3-port",
        placeholder: "PORT",
        takes: Port::TAKES,
        default: Default::Is("9878"),
        group: PORTS,
        help: "Port of the S3 API, through the balancer",
        ..ROW
    },
    Opt {
        key: "ports.webadmin",
        flag: "webadmin-port",
        placeholder: "PORT|off",
        takes: Published::TAKES,
        default: Default::Is("off"),
        group: PORTS,
        help: "Port of the gateways' web pages (/conf, /jmx, /prom and more), through the balancer",
        ..ROW
    },
    Opt {
        key: "ports.stats",
        flag: "stats-port",
        placeholder: "PORT|off",
        takes: Published::TAKES,
        default: Default::Is("8404"),
        scope: Scope::Tuned,
        group: PORTS,
        help: "Port of HAProxy's /stats, /metrics and /healthz",
        ..ROW
    },
    Opt {
        key: "ports.scm",
        flag: "scm-port",
        placeholder: "PORT|off",
        takes: Published::TAKES,
        default: Default::Is("9876"),
        scope: Scope::Cluster,
        group: PORTS,
        help: "Port of the web pages of the SCM, or of the first of several",
        ..ROW
    },
    Opt {
        key: "ports.om",
        flag: "om-port",
        placeholder: "PORT|off",
        takes: Published::TAKES,
        default: Default::Is("9874"),
        scope: Scope::Cluster,
        group: PORTS,
        help: "Port of the web pages of the OM, or of the first of several",
        ..ROW
    },
    Opt {
        key: "balancer.balance",
        flag: "balance",
        placeholder: "ALGORITHM",
        takes: Algorithm::TAKES,
        default: Default::By { tuned: "leastconn", upstream: "roundrobin" },
        group: BALANCER,
        help: "How a gateway is chosen for each request",
        ..ROW
    },
    Opt {
        key: "balancer.health",
        flag: "health",
        placeholder: "MODE",
        takes: Health::TAKES,
        default: Default::Is("http"),
        scope: Scope::Tuned,
        group: BALANCER,
        help: "How a gateway is checked: GET / on S3, GET / on webadmin, a connection, or not at all",
        ..ROW
    },
    Opt {
        key: "balancer.health-interval",
        flag: "health-interval",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Default::Is("500ms"),
        scope: Scope::Tuned,
        group: BALANCER,
        help: "Time between two checks of a healthy gateway",
        ..ROW
    },
    Opt {
        key: "balancer.retries",
        flag: "retries",
        placeholder: "N",
        takes: Retries::TAKES,
        default: Default::Is("3"),
        scope: Scope::Tuned,
        group: BALANCER,
        help: "Attempts after a failed one, each on another gateway; a request that was sent is repeated only if it reads",
        ..ROW
    },
    Opt {
        key: "balancer.maxconn",
        flag: "maxconn",
        placeholder: "N",
        takes: Connections::TAKES,
        default: Default::By { tuned: "4096", upstream: "256" },
        group: BALANCER,
        help: "Connections of clients",
        ..ROW
    },
    Opt {
        key: "gateways.maxconn",
        flag: "gateway-maxconn",
        placeholder: "N",
        takes: Connections::TAKES,
        default: Default::By { tuned: "150", upstream: "32" },
        group: BALANCER,
        help: "Requests in flight to one gateway; more wait in HAProxy",
        ..ROW
    },
    Opt {
        key: "timeouts.connect",
        flag: "timeout-connect",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Default::By { tuned: "1s", upstream: "5000ms" },
        group: TIMEOUTS,
        help: "To connect to a gateway, each attempt",
        ..ROW
    },
    Opt {
        key: "timeouts.client",
        flag: "timeout-client",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Default::By { tuned: "5m", upstream: "50000ms" },
        group: TIMEOUTS,
        help: "Silence of a client",
        ..ROW
    },
    Opt {
        key: "timeouts.server",
        flag: "timeout-server",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Default::By { tuned: "5m", upstream: "50000ms" },
        group: TIMEOUTS,
        help: "Silence of a gateway; completing a large upload is silent",
        ..ROW
    },
    Opt {
        key: "timeouts.queue",
        flag: "timeout-queue",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Default::Is("1m"),
        scope: Scope::Tuned,
        group: TIMEOUTS,
        help: "Wait for a gateway below its maxconn",
        ..ROW
    },
    Opt {
        key: "timeouts.request",
        flag: "timeout-request",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Default::Is("30s"),
        scope: Scope::Tuned,
        group: TIMEOUTS,
        help: "For a client to send the headers of a request",
        ..ROW
    },
    Opt {
        key: "timeouts.keep-alive",
        flag: "timeout-keep-alive",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Default::Is("60s"),
        scope: Scope::Tuned,
        group: TIMEOUTS,
        help: "Wait for the next request on an open connection",
        ..ROW
    },
    Opt {
        key: "timeouts.check",
        flag: "timeout-check",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Default::Is("1800ms"),
        scope: Scope::Tuned,
        group: TIMEOUTS,
        help: "For the answer to a health check",
        ..ROW
    },
    Opt {
        key: "timeouts.hard-stop",
        flag: "hard-stop-after",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Default::Is("10m"),
        scope: Scope::Tuned,
        group: TIMEOUTS,
        help: "For transfers to end after a reload, before the old worker is stopped",
        ..ROW
    },
    Opt {
        key: "memory.size",
        flag: "memory",
        placeholder: "SIZE",
        takes: Size::TAKES,
        default: Default::Is("default"),
        scope: Scope::Containers,
        group: JVMS,
        help: "Largest heaps of all JVMs, each of which the options below may set by itself",
        ..ROW
    },
    Opt {
        key: "memory.gateway",
        flag: "heap-gateway",
        placeholder: "SIZE",
        takes: Heap::TAKES,
        default: Default::BySize { small: "256m", default: "512m" },
        scope: Scope::Containers,
        group: JVMS,
        help: "Largest heap of each gateway",
        ..ROW
    },
    Opt {
        key: "memory.scm",
        flag: "heap-scm",
        placeholder: "SIZE",
        takes: Heap::TAKES,
        default: Default::BySize { small: "256m", default: "512m" },
        scope: Scope::Cluster,
        group: JVMS,
        help: "Largest heap of each SCM",
        ..ROW
    },
    Opt {
        key: "memory.om",
        flag: "heap-om",
        placeholder: "SIZE",
        takes: Heap::TAKES,
        default: Default::BySize { small: "256m", default: "512m" },
        scope: Scope::Cluster,
        group: JVMS,
        help: "Largest heap of each OM",
        ..ROW
    },
    Opt {
        key: "memory.datanode",
        flag: "heap-datanode",
        placeholder: "SIZE",
        takes: Heap::TAKES,
        default: Default::BySize { small: "256m", default: "512m" },
        scope: Scope::Cluster,
        group: JVMS,
        help: "Largest heap of each datanode",
        ..ROW
    },
    Opt {
        key: "memory.jvm",
        flag: "jvm",
        placeholder: "FOR",
        takes: Jvm::TAKES,
        default: Default::Is("fast-start"),
        scope: Scope::Containers,
        group: JVMS,
        help: "What the JVMs are tuned for: an early start, or peak throughput",
        ..ROW
    },
    Opt {
        key: "templates",
        flag: "templates",
        placeholder: "DIR",
        takes: FolderPath::TAKES,
        default: Default::From("this tool's own"),
        group: TEMPLATES,
        help: "Folder of your own templates, relative to the cluster's; one that is not there is this tool's (see `templates export`)",
        ..ROW
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_rows_share_a_key_or_a_flag() {
        let keys: BTreeSet<_> = OPTIONS.iter().map(|option| option.key).collect();
        let flags: BTreeSet<_> = OPTIONS.iter().map(|option| option.flag).collect();
        assert_eq!((keys.len(), flags.len()), (OPTIONS.len(), OPTIONS.len()));
    }

    #[test]
    fn every_row_is_complete() {
        for option in OPTIONS {
            assert!(option.key.split('.').count() <= 2, "{} is too deep", option.key);
            assert!(!option.help.is_empty() && !option.help.ends_with('.'), "help of {}", option.key);
            assert!(option.takes != ROW.takes, "what {} takes", option.key);
            assert!(!option.placeholder.is_empty() && !option.group.is_empty(), "{}", option.key);
        }
    }
}
