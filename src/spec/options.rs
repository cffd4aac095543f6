//! The table of options: one row each, from which flags, environment variables, the keys of
//! `ozone-compose.yaml`, defaults and help are all made.
//!
//! To add an option: a row here, a field in [`super::Spec`], and the place in `plan` that uses it. A test
//! fails when a row is not read.

use super::values::machine::PlainPath;
use super::values::{
    Algorithm, Base, BindAddress, BucketChoice, Checkout, ClientConnections, ClusterName, Connections,
    DatanodeCount, Discovery, DomainName, EngineAt, FilePath, FolderPath, GatewayCount, GatewayImage,
    GatewayName, GatewayWeight, Health, Heap, HostName, ImageName, Jvm, NodeCount, OmCount, OzoneVersion,
    PlainHttp, Port, Profile, Published, Registry, Replication, RequestLog, Retries, ScmCount, Security,
    ServerAddress, Size, Span, Switch, Takes, Target, UserName,
};

/// How each variable of this tool begins.
pub(super) const VARIABLE_PREFIX: &str = "OZONE_COMPOSE_";

/// The value of a port for which `up` finds a free one.
pub const AUTO: &str = "auto";

/// One thing that a person can choose.
#[derive(Debug)]
pub struct Opt {
    /// Its path in `ozone-compose.yaml`, such as `gateways.count`: at most one section deep.
    pub key: &'static str,
    /// Its long flag, without the dashes.
    pub flag: &'static str,
    /// Its short flag, where it has one.
    pub short: Option<char>,
    /// The placeholder of the value in the help.
    pub placeholder: &'static str,
    /// The texts it takes: those of the type that it becomes in [`super::Spec`].
    pub takes: Takes,
    /// Its value when none was chosen.
    pub default: Preset,
    /// Where it has a meaning at all.
    pub scope: Scope,
    /// Its heading in the help.
    pub group: &'static str,
    /// One sentence of help, without the default.
    pub help: &'static str,
    /// Whether `--help` of the verbs that make a cluster shows it, as it does ten; `--help-all` shows every option.
    pub is_common: bool,
    /// Whether it adds something to Ozone's example, which the profile `upstream` renders as it is.
    pub adds_to_example: bool,
}

/// The value of an option that was not chosen.
#[derive(Clone, Copy, Debug)]
pub enum Preset {
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
    /// Only in an overlay of this tool's own for an Ozone checkout.
    Checkout,
    /// Only where Docker Swarm runs the containers.
    Swarm,
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
        matches!(self.default, Preset::List)
    }

    /// Whether one flag may hold several values, between commas; those of a server say more of it after a comma.
    #[must_use]
    pub fn takes_commas(&self) -> bool {
        self.is_list() && self.key != "servers"
    }

    /// Whether it is a port that is published.
    #[must_use]
    pub fn is_port(&self) -> bool {
        self.group == PORTS && matches!(self.takes, Takes::Number(..) | Takes::NumberOrOff(..))
    }

    /// The value of its flag alone, where it may have none; another value follows an equals sign.
    #[must_use]
    pub fn alone(&self) -> Option<&'static str> {
        match self.words() {
            Switch::WORDS => Some("on"),
            Security::WORDS => Some("kerberos"),
            _ => None,
        }
    }

    /// Whether its flag may have no value.
    #[must_use]
    pub fn is_switch(&self) -> bool {
        self.alone().is_some()
    }

    /// The words it takes, where there are only a few; empty otherwise.
    #[must_use]
    pub fn words(&self) -> &'static [&'static str] {
        if let Takes::Words(words) = self.takes { words } else { &[] }
    }

    /// The value on this basis when none was chosen, where it is known beforehand.
    #[must_use]
    pub fn default_on(&self, basis: Basis) -> Option<&'static str> {
        match (self.default, basis.profile, basis.base, basis.size) {
            (Preset::Is(text), ..)
            | (Preset::By { tuned: text, .. }, Profile::Tuned, ..)
            | (Preset::By { upstream: text, .. }, Profile::Upstream, ..)
            | (Preset::ByBase { ha: text, .. }, _, Base::Ha, _)
            | (Preset::ByBase { single: text, .. }, _, Base::Single | Base::None, _)
            | (Preset::BySize { small: text, .. }, .., Size::Small)
            | (Preset::BySize { default: text, .. }, .., Size::Default) => Some(text),
            (Preset::From(_) | Preset::List, ..) => None,
        }
    }

    /// The row of a key.
    #[must_use]
    pub fn with_key(key: &str) -> Option<&'static Self> {
        OPTIONS.iter().find(|option| option.key == key)
    }
}

const CLUSTER: &str = "Cluster";
const DATA: &str = "Buckets and objects";
const SECURITY: &str = "Security";
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
    default: Preset::List,
    scope: Scope::Everywhere,
    group: "",
    help: "",
    is_common: false,
    adds_to_example: false,
};

/// Every option, in the order of the help.
pub static OPTIONS: &[Opt] = &[
    Opt {
        key: "gateways.count",
        flag: "gateways",
        short: Some('n'),
        placeholder: "N",
        takes: GatewayCount::TAKES,
        default: Preset::Is("3"),
        group: CLUSTER,
        help: "S3 gateways behind the balancer, 1 to 512",
        is_common: true,
        ..ROW
    },
    Opt {
        key: "name",
        flag: "name",
        placeholder: "NAME",
        takes: ClusterName::TAKES,
        default: Preset::From("the folder's name"),
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
        default: Preset::Is("single"),
        scope: Scope::Containers,
        group: CLUSTER,
        help: "What runs behind the gateways: one SCM and one OM, several of them, or none, for an overlay over an Ozone checkout's own docker-compose.yaml",
        is_common: true,
        ..ROW
    },
    Opt {
        key: "checkout",
        flag: "checkout",
        placeholder: "FOLDER",
        takes: Checkout::TAKES,
        default: Preset::Is("ozone"),
        scope: Scope::Checkout,
        group: CLUSTER,
        help: "The folder of the checkout's compose/ that the overlay is for; ozone is good for ozone-ha too. The other two have a KDC, and ozonesecure-ha a network with fixed addresses",
        ..ROW
    },
    Opt {
        key: "scm.count",
        flag: "scm",
        placeholder: "N",
        takes: ScmCount::TAKES,
        default: Preset::ByBase { single: "1", ha: "3" },
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
        default: Preset::ByBase { single: "1", ha: "3" },
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
        default: Preset::Is("tuned"),
        group: CLUSTER,
        help: "Whose settings are the defaults: this tool's, or those of Ozone's own example, directive for directive",
        ..ROW
    },
    Opt {
        key: "datanodes",
        flag: "datanodes",
        placeholder: "N",
        takes: DatanodeCount::TAKES,
        default: Preset::From("as many as the replication needs"),
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
        default: Preset::ByBase { single: "1", ha: "3" },
        scope: Scope::Cluster,
        group: CLUSTER,
        help: "Copies of each block",
        is_common: true,
        ..ROW
    },
    Opt {
        key: "engine",
        flag: "engine",
        placeholder: "WHERE",
        takes: EngineAt::TAKES,
        default: Preset::Is("local"),
        scope: Scope::Tuned,
        group: CLUSTER,
        help: "Where the container engine is. On a remote one HAProxy's files are embedded in s3-haproxy.yaml, since it cannot mount the folder; `up` detects it",
        ..ROW
    },
    Opt {
        key: "target",
        flag: "target",
        placeholder: "TARGET",
        takes: Target::TAKES,
        default: Preset::Is("compose"),
        scope: Scope::Cluster,
        group: CLUSTER,
        help: "What runs the containers: Docker Compose on one engine, Docker Swarm, for which one stack file is written, or Kubernetes, for which values of Ozone's Helm chart are",
        ..ROW
    },
    Opt {
        key: "nodes",
        flag: "nodes",
        placeholder: "N",
        takes: NodeCount::TAKES,
        default: Preset::ByBase { single: "1", ha: "3" },
        scope: Scope::Swarm,
        group: CLUSTER,
        help: "Nodes of a Swarm that hold data: those with the labels ozone=1 to ozone=N. Gateways are spread over all nodes",
        ..ROW
    },
    Opt {
        key: "ozone.version",
        flag: "ozone-version",
        placeholder: "VERSION",
        takes: OzoneVersion::TAKES,
        default: Preset::Is("2.2.1"),
        scope: Scope::Containers,
        group: CLUSTER,
        help: "Ozone's version, 2.0 or later, which is the tag of its image and decides which keys are written. A newer one than 2.2 gets the keys of 2.2; so do `latest` and `nightly`",
        is_common: true,
        ..ROW
    },
    Opt {
        key: "gateways.discovery",
        flag: "discovery",
        placeholder: "HOW",
        takes: Discovery::TAKES,
        default: Preset::Is("static"),
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
        key: "gateways.image",
        flag: "gateway-image",
        placeholder: "[GATEWAY=]IMAGE",
        takes: GatewayImage::TAKES,
        scope: Scope::Cluster,
        group: CLUSTER,
        help: "Another image than Ozone's for the gateways, or for one such as s3g3=IMAGE; SCM, OM and datanodes keep theirs",
        ..ROW
    },
    Opt {
        key: "gateways.weight",
        flag: "weight",
        placeholder: "GATEWAY=N",
        takes: GatewayWeight::TAKES,
        scope: Scope::Tuned,
        group: CLUSTER,
        help: "The share of requests that a gateway gets, 1 to 256, where each other one gets 100",
        ..ROW
    },
    Opt {
        key: "servers",
        flag: "server",
        placeholder: "[NAME=]HOST:PORT[,weight=N][,backup][,zone=ZONE]",
        takes: ServerAddress::TAKES,
        group: CLUSTER,
        help: "A real gateway on another machine, instead of containers; repeat it for each. Only HAProxy's configuration is written then",
        ..ROW
    },
    Opt {
        key: "buckets",
        flag: "bucket",
        placeholder: "NAME[:layout=LAYOUT][:quota=SIZE]",
        takes: BucketChoice::TAKES,
        scope: Scope::Cluster,
        group: DATA,
        help: "A bucket that `up` makes where it is not there; repeat it, or put commas between several. Its layout is fso, obs or legacy, its quota a size such as 10GB",
        is_common: true,
        ..ROW
    },
    Opt {
        key: "seed",
        flag: "seed",
        placeholder: "DIR",
        takes: FolderPath::TAKES,
        default: Preset::From("none"),
        scope: Scope::Cluster,
        group: DATA,
        help: "Folder, relative to the cluster's, whose files `up` writes as objects: DIR/bucket1/a/b.txt is the object a/b.txt in bucket1. One that is there with the same size is left alone",
        ..ROW
    },
    Opt {
        key: "security",
        flag: "secure",
        placeholder: "kerberos|off",
        takes: Security::TAKES,
        default: Preset::Is("off"),
        scope: Scope::Cluster,
        group: SECURITY,
        help: "Whether S3 checks secrets: this adds a KDC to the cluster, since Ozone checks none without Kerberos",
        is_common: true,
        adds_to_example: true,
        ..ROW
    },
    Opt {
        key: "users",
        flag: "user",
        placeholder: "NAME[,NAME]",
        takes: UserName::TAKES,
        scope: Scope::Cluster,
        group: SECURITY,
        help: "An S3 user, for whom `up` gets a secret, with --secure; repeat it, or put commas between several. Secrets are in secrets/credentials",
        is_common: true,
        ..ROW
    },
    Opt {
        key: "recon",
        flag: "recon",
        placeholder: "on|off",
        takes: Switch::TAKES,
        default: Preset::Is("off"),
        scope: Scope::Cluster,
        group: CLUSTER,
        help: "Whether Recon runs beside the cluster: Ozone's own page of datanodes, pipelines, containers and the sizes of buckets",
        adds_to_example: true,
        ..ROW
    },
    Opt {
        key: "httpfs",
        flag: "httpfs",
        placeholder: "on|off",
        takes: Switch::TAKES,
        default: Preset::Is("off"),
        scope: Scope::Cluster,
        group: CLUSTER,
        help: "Whether HttpFS runs beside the cluster: the WebHDFS API over http, for programs that use Hadoop's file system",
        adds_to_example: true,
        ..ROW
    },
    Opt {
        key: "monitoring",
        flag: "monitoring",
        placeholder: "on|off",
        takes: Switch::TAKES,
        default: Preset::Is("off"),
        scope: Scope::Cluster,
        group: CLUSTER,
        help: "Whether Prometheus and Grafana run beside the cluster: metrics of HAProxy, each gateway, OM, SCM and datanode, and a dashboard",
        adds_to_example: true,
        ..ROW
    },
    Opt {
        key: "ozone.image",
        flag: "ozone-image",
        placeholder: "IMAGE",
        takes: ImageName::TAKES,
        default: Preset::From(
            "apache/ozone with the version; with --base none the runner image of an Ozone checkout",
        ),
        scope: Scope::Containers,
        group: IMAGES,
        help: "Image of the gateways, SCM, OM and datanodes",
        ..ROW
    },
    Opt {
        key: "ozone.dist",
        flag: "ozone-dist",
        placeholder: "DIR",
        takes: FolderPath::TAKES,
        default: Preset::From("that of the image"),
        scope: Scope::Cluster,
        group: IMAGES,
        help: "Folder of an Ozone distribution of your own, relative to the cluster's, that the containers run instead of the image's: hadoop-ozone/dist/target/ozone-X of a checkout that was built. After another build, `restart --dist`",
        adds_to_example: true,
        ..ROW
    },
    Opt {
        key: "balancer.image",
        flag: "haproxy-image",
        placeholder: "IMAGE",
        takes: ImageName::TAKES,
        default: Preset::By { tuned: "haproxy:3.2-alpine", upstream: "haproxy:lts-alpine" },
        scope: Scope::Containers,
        group: IMAGES,
        help: "Image of the balancer",
        ..ROW
    },
    Opt {
        key: "kdc.image",
        flag: "kdc-image",
        placeholder: "IMAGE",
        takes: ImageName::TAKES,
        default: Preset::Is("ghcr.io/apache/ozone-testkrb5:20260507-1"),
        scope: Scope::Cluster,
        group: IMAGES,
        help: "Image of the KDC, with --secure: any that has bash and the programs of MIT's KDC",
        ..ROW
    },
    Opt {
        key: "prometheus.image",
        flag: "prometheus-image",
        placeholder: "IMAGE",
        takes: ImageName::TAKES,
        default: Preset::Is("prom/prometheus:v2.53.3"),
        scope: Scope::Cluster,
        group: IMAGES,
        help: "Image of Prometheus, with --monitoring",
        ..ROW
    },
    Opt {
        key: "grafana.image",
        flag: "grafana-image",
        placeholder: "IMAGE",
        takes: ImageName::TAKES,
        default: Preset::Is("grafana/grafana:11.4.0"),
        scope: Scope::Cluster,
        group: IMAGES,
        help: "Image of Grafana, with --monitoring",
        ..ROW
    },
    Opt {
        key: "images.registry",
        flag: "image-registry",
        placeholder: "HOST",
        takes: Registry::TAKES,
        default: Preset::From("the engine's own"),
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
        default: Preset::From("127.0.0.1; 0.0.0.0 in upstream and on a remote engine"),
        scope: Scope::Containers,
        group: PORTS,
        help: "Address of the engine's machine on which S3 and webadmin are published; the others stay on 127.0.0.1, unless the engine is remote",
        ..ROW
    },
    Opt {
        key: "ports.host",
        flag: "host",
        placeholder: "HOST",
        takes: HostName::TAKES,
        default: Preset::From("127.0.0.1, or the host of a remote engine"),
        scope: Scope::Containers,
        group: PORTS,
        help: "Host at which clients here reach the published ports, if it is not that of the engine's address",
        ..ROW
    },
    Opt {
        key: "ports.s3",
        flag: "s3-port",
        placeholder: "PORT",
        takes: Port::TAKES,
        default: Preset::Is("9878"),
        group: PORTS,
        help: "Port of the S3 API, through the balancer. For `auto`, here and below, `up` finds the next free port and keeps it",
        is_common: true,
        ..ROW
    },
    Opt {
        key: "ports.https",
        flag: "https-port",
        placeholder: "PORT",
        takes: Port::TAKES,
        default: Preset::Is("9879"),
        scope: Scope::Tuned,
        group: PORTS,
        help: "Port of the S3 API over https, with --tls, or --tls-cert on a real machine",
        ..ROW
    },
    Opt {
        key: "ports.webadmin",
        flag: "webadmin-port",
        placeholder: "PORT|off",
        takes: Published::TAKES,
        default: Preset::Is("off"),
        group: PORTS,
        help: "Port of the gateways' web pages (/conf, /jmx, /prom and more), through the balancer",
        ..ROW
    },
    Opt {
        key: "ports.stats",
        flag: "stats-port",
        placeholder: "PORT|off",
        takes: Published::TAKES,
        default: Preset::Is("8404"),
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
        default: Preset::Is("9876"),
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
        default: Preset::Is("9874"),
        scope: Scope::Cluster,
        group: PORTS,
        help: "Port of the web pages of the OM, or of the first of several",
        ..ROW
    },
    Opt {
        key: "ports.recon",
        flag: "recon-port",
        placeholder: "PORT|off",
        takes: Published::TAKES,
        default: Preset::Is("9888"),
        scope: Scope::Cluster,
        group: PORTS,
        help: "Port of Recon's page, with --recon",
        ..ROW
    },
    Opt {
        key: "ports.httpfs",
        flag: "httpfs-port",
        placeholder: "PORT|off",
        takes: Published::TAKES,
        default: Preset::Is("14000"),
        scope: Scope::Cluster,
        group: PORTS,
        help: "Port of HttpFS, with --httpfs",
        ..ROW
    },
    Opt {
        key: "ports.prometheus",
        flag: "prometheus-port",
        placeholder: "PORT|off",
        takes: Published::TAKES,
        default: Preset::Is("9090"),
        scope: Scope::Cluster,
        group: PORTS,
        help: "Port of Prometheus, with --monitoring",
        ..ROW
    },
    Opt {
        key: "ports.grafana",
        flag: "grafana-port",
        placeholder: "PORT|off",
        takes: Published::TAKES,
        default: Preset::Is("3000"),
        scope: Scope::Cluster,
        group: PORTS,
        help: "Port of Grafana, with --monitoring; off leaves it out",
        ..ROW
    },
    Opt {
        key: "balancer.balance",
        flag: "balance",
        placeholder: "ALGORITHM",
        takes: Algorithm::TAKES,
        default: Preset::By { tuned: "leastconn", upstream: "roundrobin" },
        group: BALANCER,
        help: "How a gateway is chosen for each request",
        ..ROW
    },
    Opt {
        key: "balancer.tls",
        flag: "tls",
        placeholder: "on|off",
        takes: Switch::TAKES,
        default: Preset::Is("off"),
        scope: Scope::Cluster,
        group: BALANCER,
        help: "Whether S3 is served over https too, with a certificate that this tool makes once, of a CA of the cluster's own: tls/ca.pem",
        is_common: true,
        adds_to_example: true,
        ..ROW
    },
    Opt {
        key: "balancer.tls-cert",
        flag: "tls-cert",
        placeholder: "FILE",
        takes: FilePath::TAKES,
        default: Preset::From("one that this tool makes"),
        scope: Scope::Tuned,
        group: BALANCER,
        help: "A certificate of your own with its chain, PEM, relative to the cluster's folder; with --tls. With --server its path on the balancer's machine, or that of a folder of such",
        ..ROW
    },
    Opt {
        key: "balancer.tls-key",
        flag: "tls-key",
        placeholder: "FILE",
        takes: FilePath::TAKES,
        default: Preset::From("one that this tool makes"),
        scope: Scope::Tuned,
        group: BALANCER,
        help: "The private key of --tls-cert, PEM and PKCS#8, without a passphrase, relative to the cluster's folder. With --server its path on the balancer's machine, where it is not in the same file",
        ..ROW
    },
    Opt {
        key: "balancer.http",
        flag: "http",
        placeholder: "MODE",
        takes: PlainHttp::TAKES,
        default: Preset::Is("keep"),
        scope: Scope::Tuned,
        group: BALANCER,
        help: "What plain http on --s3-port does beside https: S3 as before, a redirect (308) to https, or nothing; the cluster's network still has S3 over http",
        ..ROW
    },
    Opt {
        key: "balancer.backend-ca",
        flag: "backend-ca",
        placeholder: "FILE",
        takes: PlainPath::TAKES,
        default: Preset::From("none"),
        scope: Scope::Tuned,
        group: BALANCER,
        help: "The CA of gateways with TLS (`--server https://HOST:9879`), PEM, by its path on the balancer's machine",
        ..ROW
    },
    Opt {
        key: "balancer.backend-insecure",
        flag: "backend-insecure",
        placeholder: "on|off",
        takes: Switch::TAKES,
        default: Preset::Is("off"),
        scope: Scope::Tuned,
        group: BALANCER,
        help: "Whether certificates of gateways with TLS are not verified",
        ..ROW
    },
    Opt {
        key: "domains",
        flag: "domain",
        placeholder: "NAME[,NAME]",
        takes: DomainName::TAKES,
        scope: Scope::Tuned,
        group: BALANCER,
        help: "Name of S3 under which each bucket has a name, for clients that write it in the host: with s3.localhost also http://BUCKET.s3.localhost. Repeat it, or put commas between several",
        ..ROW
    },
    Opt {
        key: "balancer.health",
        flag: "health",
        placeholder: "MODE",
        takes: Health::TAKES,
        default: Preset::Is("http"),
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
        default: Preset::Is("500ms"),
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
        default: Preset::Is("3"),
        scope: Scope::Tuned,
        group: BALANCER,
        help: "Retries after a failed attempt, each on another gateway; of requests that were sent, only reads are retried",
        ..ROW
    },
    Opt {
        key: "balancer.maxconn",
        flag: "maxconn",
        placeholder: "N",
        takes: ClientConnections::TAKES,
        default: Preset::By { tuned: "4096", upstream: "256" },
        group: BALANCER,
        help: "Connections of clients, 400000 at most: a process has no more than a million file descriptors",
        ..ROW
    },
    Opt {
        key: "gateways.maxconn",
        flag: "gateway-maxconn",
        placeholder: "N",
        takes: Connections::TAKES,
        default: Preset::By { tuned: "150", upstream: "32" },
        group: BALANCER,
        help: "Requests in flight to one gateway; more wait in HAProxy",
        ..ROW
    },
    Opt {
        key: "balancer.log",
        flag: "log",
        placeholder: "WHICH",
        takes: RequestLog::TAKES,
        default: Preset::Is("errors"),
        scope: Scope::Tuned,
        group: BALANCER,
        help: "Which requests have a line in the balancer's log: those that failed, were repeated or slow; all; or none",
        ..ROW
    },
    Opt {
        key: "timeouts.connect",
        flag: "timeout-connect",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Preset::By { tuned: "1s", upstream: "5000ms" },
        group: TIMEOUTS,
        help: "To connect to a gateway, each attempt",
        ..ROW
    },
    Opt {
        key: "timeouts.client",
        flag: "timeout-client",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Preset::By { tuned: "5m", upstream: "50000ms" },
        group: TIMEOUTS,
        help: "Longest time without data from a client",
        ..ROW
    },
    Opt {
        key: "timeouts.server",
        flag: "timeout-server",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Preset::By { tuned: "5m", upstream: "50000ms" },
        group: TIMEOUTS,
        help: "Longest time without data from a gateway, also while it completes a large upload",
        ..ROW
    },
    Opt {
        key: "timeouts.queue",
        flag: "timeout-queue",
        placeholder: "TIME",
        takes: Span::TAKES,
        default: Preset::Is("1m"),
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
        default: Preset::Is("30s"),
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
        default: Preset::Is("60s"),
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
        default: Preset::Is("1800ms"),
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
        default: Preset::Is("10m"),
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
        default: Preset::Is("default"),
        scope: Scope::Containers,
        group: JVMS,
        help: "Largest heaps of all JVMs, each of which has an option of its own too, such as --heap-om",
        is_common: true,
        ..ROW
    },
    Opt {
        key: "memory.gateway",
        flag: "heap-gateway",
        placeholder: "SIZE",
        takes: Heap::TAKES,
        default: Preset::BySize { small: "256m", default: "512m" },
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
        default: Preset::BySize { small: "256m", default: "512m" },
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
        default: Preset::BySize { small: "256m", default: "512m" },
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
        default: Preset::BySize { small: "256m", default: "512m" },
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
        default: Preset::Is("fast-start"),
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
        default: Preset::From("this tool's own"),
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
