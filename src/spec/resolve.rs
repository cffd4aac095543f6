//! From choices to a [`Spec`]: every value parsed, every contradiction found, all problems reported at once.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::choices::Choices;
use super::options::{AUTO, Basis, OPTIONS, Opt, Scope};
use super::values::machine::PlainPath;
use super::values::{
    Base, BindAddress, BucketChoice, Checkout, ClusterName, DatanodeCount, Discovery, EngineAt, GatewayImage,
    ImageName, OmCount, OzoneVersion, PlainHttp, Profile, Published, Registry, Replication, ScmCount,
    Security, ServerAddress, Size, Switch, Target, UserName,
};
use super::{
    BackendTls, BalancerSettings, Kerberos, Memory, Monitoring, Ports, Problem, Problems, PublishedPort,
    Spec, Timeouts, Tls,
};

impl Spec {
    /// Validates choices; `folder` is the name of the folder that will hold the files.
    ///
    /// # Errors
    /// Every problem at once, in the order of the table.
    pub fn resolve(choices: &Choices, folder: &str) -> Result<Self, Problems> {
        let mut reader = Reader::new(choices);
        let replication: Replication = reader.get("replication");
        let version: OzoneVersion = reader.get("ozone.version");
        let engine: EngineAt = reader.get("engine");
        let target: Target = reader.get("target");
        let registry: Option<Registry> = reader.chosen("images.registry");
        let servers: Vec<ServerAddress> = reader.list("servers");
        let tls = if servers.is_empty() { tls(&mut reader) } else { tls_there(&mut reader) };
        let http: PlainHttp = reader.get("balancer.http");
        let backend_tls = backend_tls(&servers, &mut reader);
        let ozone_image: Option<ImageName> =
            reader.chosen("ozone.image").or_else(|| match reader.basis.base {
                Base::Single | Base::Ha => format!("apache/ozone:{version}").parse().ok(),
                Base::None => None,
            });
        let spec = Self {
            name: reader.chosen("name").unwrap_or_else(|| ClusterName::from_folder(folder)),
            base: reader.basis.base,
            target,
            nodes: reader.get("nodes"),
            checkout: reader.get("checkout"),
            profile: reader.basis.profile,
            version: version.clone(),
            ozone_image: ozone_image.map(|image| image.in_registry(registry.as_ref())),
            gateways: reader.get("gateways.count"),
            // A service of an orchestrator has one name for all of its containers.
            discovery: match (target, reader.get("gateways.discovery")) {
                (Target::Compose, chosen) => chosen,
                (Target::Swarm | Target::Helm, _) => Discovery::Dns,
            },
            drained: reader.list("gateways.drained"),
            gateway_images: reader
                .list::<GatewayImage>("gateways.image")
                .into_iter()
                .map(|one| GatewayImage { image: one.image.in_registry(registry.as_ref()), ..one })
                .collect(),
            weights: reader.list("gateways.weight"),
            servers,
            buckets: reader.list("buckets"),
            domains: reader.list("domains"),
            seed: reader.chosen("seed"),
            dist: reader.chosen("ozone.dist"),
            kerberos: kerberos(&mut reader, registry.as_ref()),
            recon: beside("recon", "ports.recon", &mut reader),
            httpfs: beside("httpfs", "ports.httpfs", &mut reader),
            monitoring: monitoring(&mut reader, registry.as_ref()),
            scms: reader.get("scm.count"),
            oms: reader.get("om.count"),
            datanodes: reader.chosen("datanodes").unwrap_or(match replication {
                Replication::One => DatanodeCount::of::<1>(),
                Replication::Three => DatanodeCount::of::<3>(),
            }),
            replication,
            engine,
            ports: ports(&mut reader, engine, target),
            balancer: BalancerSettings {
                image: reader.get::<ImageName>("balancer.image").in_registry(registry.as_ref()),
                balance: reader.get("balancer.balance"),
                health: reader.get("balancer.health"),
                health_interval: reader.get("balancer.health-interval"),
                retries: reader.get("balancer.retries"),
                maxconn: reader.get("balancer.maxconn"),
                gateway_maxconn: reader.get("gateways.maxconn"),
                http: if tls.is_some() { http } else { PlainHttp::Keep },
                tls,
                backend_tls,
                log: reader.get("balancer.log"),
                timeouts: Timeouts {
                    connect: reader.get("timeouts.connect"),
                    client: reader.get("timeouts.client"),
                    server: reader.get("timeouts.server"),
                    queue: reader.get("timeouts.queue"),
                    request: reader.get("timeouts.request"),
                    keep_alive: reader.get("timeouts.keep-alive"),
                    check: reader.get("timeouts.check"),
                    hard_stop: reader.get("timeouts.hard-stop"),
                },
            },
            memory: Memory {
                size: reader.basis.size,
                gateway: reader.get("memory.gateway"),
                scm: reader.get("memory.scm"),
                om: reader.get("memory.om"),
                datanode: reader.get("memory.datanode"),
                jvm: reader.get("memory.jvm"),
            },
            templates: reader.chosen("templates"),
        };
        spec.check_scopes(&mut reader);
        spec.check_servers(&mut reader);
        spec.check_buckets(&mut reader);
        spec.check_drained(&mut reader);
        spec.check_single_gateways(&mut reader);
        spec.check_counts(&mut reader);
        spec.check_addresses(&mut reader);
        spec.check_replication(&mut reader);
        spec.check_dist(&mut reader);
        spec.check_target(&mut reader);
        spec.check_domains(&mut reader);
        spec.check_ports(&mut reader);
        reader.finish(spec)
    }

    /// Why an option has no meaning for these choices, where it has none: what follows "has no meaning".
    #[must_use]
    pub fn meaningless_because(&self, option: &Opt) -> Option<&'static str> {
        let is_of_the_example =
            !matches!(option.scope, Scope::Tuned | Scope::Checkout) && !option.adds_to_example;
        match option.scope {
            _ if self.profile == Profile::Upstream && !is_of_the_example => {
                Some("with the profile `upstream`, which renders Ozone's own example")
            }
            Scope::Containers | Scope::Cluster | Scope::Checkout | Scope::Swarm if !self.in_containers() => {
                Some("with gateways on other machines (`servers`)")
            }
            Scope::Cluster if self.base == Base::None && option.key == "buckets" => Some(
                "with the base `none`, which leaves Ozone to other files: `ozone sh bucket create /s3v/NAME` in its OM makes one",
            ),
            Scope::Cluster if self.base == Base::None && option.key == "security" => Some(
                "with the base `none`, whose KDC and users are the checkout's: `--checkout ozonesecure` and `--checkout ozonesecure-ha` \
                 lie over the secure ones",
            ),
            Scope::Checkout if self.base != Base::None => {
                Some("without `base: none`, which leaves Ozone to a checkout")
            }
            Scope::Cluster | Scope::Swarm if self.base == Base::None => {
                Some("with the base `none`, which leaves Ozone to other files")
            }
            Scope::Swarm if self.target != Target::Swarm => {
                Some("without `target: swarm`: Compose has one engine")
            }
            _ if !self.in_containers() && option.key == "engine" => {
                Some("with gateways on other machines (`servers`)")
            }
            _ if !self.in_containers() && option.key == "gateways.count" => {
                Some("beside `servers`: they are the gateways")
            }
            _ => None,
        }
    }

    fn check_scopes(&self, reader: &mut Reader) {
        for (option, _) in reader.choices.iter() {
            if let Some(why) = self.meaningless_because(option) {
                reader.problem(option.key, format!("has no meaning {why}"));
            }
        }
    }

    fn check_servers(&self, reader: &mut Reader) {
        let mut places = BTreeSet::new();
        for server in self.servers.iter().filter(|server| !places.insert(server.place())) {
            reader.problem(
                "servers",
                format!("{} is there twice, and would get twice its share", server.place()),
            );
        }
        let says_more = |server: &&ServerAddress| server.to_string() != server.plain();
        if let Some(server) =
            self.servers.iter().find(says_more).filter(|_| self.profile == Profile::Upstream)
        {
            let message = format!(
                "the profile `upstream` has no names, weights, backups, zones or TLS: write {}",
                server.plain()
            );
            reader.problem("servers", message);
        }
        let mut names = BTreeSet::new();
        for name in self.server_names().filter(|name| !names.insert(name.clone())) {
            reader.problem("servers", format!("two gateways have the name {name}"));
        }
    }

    fn check_buckets(&self, reader: &mut Reader) {
        for (at, bucket) in self.buckets.iter().enumerate() {
            let is_other = |other: &&BucketChoice| other.name == bucket.name && *other != bucket;
            if let Some(other) = self.buckets[..at].iter().find(is_other) {
                reader.problem("buckets", format!("`{other}` and `{bucket}` are one bucket"));
            }
        }
    }

    fn check_drained(&self, reader: &mut Reader) {
        let all = if self.in_containers() { self.gateways.get() as usize } else { self.servers.len() };
        if self.discovery == Discovery::Dns && !self.drained.is_empty() {
            let message = "gateways found by DNS have no lasting names".to_owned();
            return reader.problem("gateways.drained", message);
        }
        for gone in self.drained.iter().filter(|name| name.number() as usize > all) {
            reader.problem(
                "gateways.drained",
                format!("there is no {gone}: the gateways are s3g1 to s3g{all}"),
            );
        }
        if (1..=all).all(|number| self.drained.iter().any(|name| name.number() as usize == number)) {
            reader.problem("gateways.drained", "no gateway would be left to serve".to_owned());
        }
    }

    /// What is chosen of single gateways.
    fn check_single_gateways(&self, reader: &mut Reader) {
        if self.profile == Profile::Upstream && !self.gateway_images.is_empty() {
            let message = "has no meaning with the profile `upstream`, which renders Ozone's own example";
            return reader.problem("gateways.image", message.to_owned());
        }
        if !self.in_containers() && !self.weights.is_empty() {
            let message = "servers have theirs beside their addresses: HOST:PORT,weight=N";
            return reader.problem("gateways.weight", message.to_owned());
        }
        let images = self.gateway_images.iter().map(|one| ("gateways.image", one.gateway.as_ref()));
        let weights = self.weights.iter().map(|one| ("gateways.weight", Some(&one.gateway)));
        let mut seen = BTreeSet::new();
        for (key, gateway) in images.chain(weights) {
            let title = gateway.map_or_else(|| "all gateways".to_owned(), ToString::to_string);
            if !seen.insert((key, gateway)) {
                reader.problem(key, format!("there are two for {title}"));
            }
            let Some(gateway) = gateway else { continue };
            if self.discovery == Discovery::Dns {
                reader.problem(key, "gateways found by DNS have no lasting names".to_owned());
            } else if gateway.number() > self.gateways.get() {
                let all = self.gateways;
                reader.problem(key, format!("there is no {gateway}: the gateways are s3g1 to s3g{all}"));
            }
        }
    }

    fn check_counts(&self, reader: &mut Reader) {
        match (self.base, self.scms, self.oms) {
            (Base::Single, scms, oms) => {
                for (key, count) in [("scm.count", scms.get()), ("om.count", oms.get())] {
                    if count > 1 {
                        reader.problem(
                            key,
                            format!("the base `single` has one, and the base `ha` may have {count}"),
                        );
                    }
                }
            }
            (Base::Ha, ScmCount::One, OmCount::One) => {
                reader.problem("base", "`ha` with one SCM and one OM is the base `single`".to_owned());
            }
            _ => {}
        }
    }

    fn check_addresses(&self, reader: &mut Reader) {
        let (count, most) = (self.gateways.get(), Checkout::MOST_FIXED);
        if self.checkout == Checkout::SecureHa && self.discovery == Discovery::Static && count > most {
            let message = format!(
                "{count} gateways do not fit into the network of ozonesecure-ha, which has addresses for {most}: \
                 `--discovery dns` needs no fixed ones"
            );
            reader.problem("gateways.count", message);
        }
        if self.discovery == Discovery::Dns && self.target != Target::Helm && count > MOST_BY_DNS {
            let message = format!(
                "{count} gateways have one name here, and HAProxy takes {MOST_BY_DNS} addresses of a name from the engine: \
                 `--discovery static` on Compose gives each its own"
            );
            reader.problem("gateways.count", message);
        }
    }

    fn check_replication(&self, reader: &mut Reader) {
        let (has, needs) = (self.datanodes.get(), self.replication.datanodes());
        if has < needs {
            let message =
                format!("{} copies need {needs} datanodes, and `datanodes` is {has}", self.replication);
            reader.problem("replication", message);
        }
    }

    fn check_dist(&self, reader: &mut Reader) {
        if self.dist.is_some() && self.engine == EngineAt::Remote {
            let message = "does not work with a remote engine, which does not see the folder: put it into an image of your own";
            reader.problem("ozone.dist", message.to_owned());
        }
    }

    /// What has no meaning where an orchestrator runs the containers, or is not made for it yet.
    fn check_target(&self, reader: &mut Reader) {
        if self.target == Target::Compose {
            return;
        }
        if self.profile == Profile::Upstream {
            let message = "has no meaning with the profile `upstream`, which renders Ozone's own example";
            return reader.problem("target", message.to_owned());
        }
        for (key, why) in NOT_ORCHESTRATED {
            if says_more(key, reader) {
                reader.problem(key, format!("does not work with `target: {}`: {why}", self.target));
            }
        }
        match self.target {
            Target::Compose => {}
            Target::Swarm => self.check_swarm(reader),
            Target::Helm => self.check_helm(reader),
        }
    }

    fn check_swarm(&self, reader: &mut Reader) {
        if let Some(bucket) = self.buckets.iter().find(|bucket| bucket.says_more()) {
            let message = format!(
                "`{bucket}` does not work with `target: swarm`: Ozone's shell would run in a container on another node"
            );
            reader.problem("buckets", message);
        }
        let services = self.scms.get().max(self.oms.get()).max(self.datanodes.get());
        if self.nodes.get() > services {
            let message = format!("{} nodes would hold the data of {services}: choose fewer", self.nodes);
            reader.problem("nodes", message);
        }
    }

    fn check_helm(&self, reader: &mut Reader) {
        if !self.buckets.is_empty() {
            let message = "does not work with `target: helm`: make buckets with an S3 client".to_owned();
            reader.problem("buckets", message);
        }
        if self.balancer.tls.is_some() {
            let message =
                "does not work with `target: helm`: an Ingress of the cluster's has its certificates"
                    .to_owned();
            reader.problem("balancer.tls", message);
        }
        if self.kerberos.is_some() {
            let message = "does not work with `target: helm`: Ozone's chart has no keytabs".to_owned();
            reader.problem("security", message);
        }
        if self.datanodes.get() < 3 {
            let message = format!(
                "Ozone's chart has safe mode wait for three datanodes, and `datanodes` is {}: `--datanodes 3`, or `--base ha`",
                self.datanodes
            );
            reader.problem("target", message);
        }
    }

    fn check_domains(&self, reader: &mut Reader) {
        for domain in &self.domains {
            if self.balancer.tls.is_some() && domain.is_one_label() {
                let message = format!(
                    "most clients trust no certificate for *.{domain}, right under a top-level name: with `balancer.tls` \
                     take one such as s3.{domain}"
                );
                reader.problem("domains", message);
            }
            let domains = self.domains.iter().map(ToString::to_string);
            for host in self.hosts().into_iter().chain(domains).filter(|host| domain.holds(host)) {
                let message = format!(
                    "{host} lies in {domain}, and who means the bucket of that name would get all of S3"
                );
                reader.problem("domains", message);
            }
        }
    }

    fn check_ports(&self, reader: &mut Reader) {
        let mut owners: BTreeMap<u32, &str> = BTreeMap::new();
        for PublishedPort { key, port, .. } in self.published_ports() {
            let port = port.get();
            if let Some(owner) = owners.insert(port, key) {
                reader.problem(key, format!("{port} is also the port of `{owner}`"));
            }
        }
    }
}

/// What is published, and where.
fn ports(reader: &mut Reader, engine: EngineAt, target: Target) -> Ports {
    Ports {
        host: reader.chosen("ports.host"),
        bind: reader.chosen("ports.bind").unwrap_or(match (reader.basis.profile, engine, target) {
            (Profile::Tuned, EngineAt::Local, Target::Compose) => BindAddress::LOOPBACK,
            (Profile::Upstream, ..) | (_, EngineAt::Remote, _) | (.., Target::Swarm | Target::Helm) => {
                BindAddress::EVERYWHERE
            }
        }),
        s3: reader.get("ports.s3"),
        https: reader.get("ports.https"),
        webadmin: reader.get("ports.webadmin"),
        stats: reader.get("ports.stats"),
        scm: reader.get("ports.scm"),
        om: reader.get("ports.om"),
    }
}

/// The addresses of `s3gw` that fit into the 8192 bytes of the largest answer that HAProxy takes, as the engine writes it:
/// of 500 it had 408 (`benches/names.sh 500`).
const MOST_BY_DNS: u32 = 408;

/// Keys of what has no meaning where an orchestrator runs the containers, or is not made for it yet, each with the reason.
const NOT_ORCHESTRATED: &[(&str, &str)] = &[
    ("engine", "its nodes get files as objects of their own, wherever they are"),
    ("gateways.drained", "the orchestrator chooses which gateway leaves"),
    ("gateways.image", "its gateways have the image of all services; `--ozone-image` is that"),
    ("gateways.weight", "its gateways are one service, and equal"),
    ("ozone.dist", "its nodes do not see a folder of this machine"),
    ("recon", "it is not made for it yet"),
    ("httpfs", "it is not made for it yet"),
    ("monitoring", "Prometheus of your own reads /metrics of HAProxy and /prom of all else there"),
    ("seed", "write the objects with an S3 client"),
    ("ports.bind", "ports are published on every address of a node, or on none"),
    ("ports.webadmin", "the pages of gateways are open to their network alone"),
    ("ports.scm", "the pages of SCMs are open to their network alone"),
    ("ports.om", "the pages of OMs are open to their network alone"),
];

/// Whether there is https, and with whose certificate.
fn tls(reader: &mut Reader) -> Option<Tls> {
    let switch: Switch = reader.get("balancer.tls");
    let (certificate, key) = (reader.chosen("balancer.tls-cert"), reader.chosen("balancer.tls-key"));
    for one in ["balancer.tls-cert", "balancer.tls-key", "balancer.http"] {
        // The other choices stay while https is off.
        if switch == Switch::Off && says_more(one, reader) && reader.choices.of("balancer.tls").is_none() {
            reader.problem(one, "has no meaning without `balancer.tls`: `--tls` turns https on".to_owned());
        }
    }
    match (switch, certificate, key) {
        (Switch::Off, ..) => None,
        (Switch::On, Some(certificate), Some(key)) => Some(Tls::Own { certificate, key }),
        (Switch::On, None, None) => Some(Tls::Made),
        (Switch::On, Some(_), None) => {
            reader.problem("balancer.tls-cert", "needs its private key: `--tls-key FILE`".to_owned());
            None
        }
        (Switch::On, None, Some(_)) => {
            reader.problem("balancer.tls-key", "needs its certificate: `--tls-cert FILE`".to_owned());
            None
        }
    }
}

/// Whether something was chosen for a key that is not its default for everybody.
fn says_more(key: &str, reader: &Reader) -> bool {
    let default = Opt::with_key(key).and_then(|option| option.default_on(reader.basis));
    reader.choices.of(key).is_some_and(|choice| choice.texts.last().map(String::as_str) != default)
}

/// The same on the machine of a balancer for gateways on others.
fn tls_there(reader: &mut Reader) -> Option<Tls> {
    let certificate: Option<PlainPath> = reader.chosen("balancer.tls-cert");
    let key = reader.chosen("balancer.tls-key");
    for one in ["balancer.tls-key", "balancer.http"] {
        if certificate.is_none() && says_more(one, reader) {
            let message = "has no meaning without `balancer.tls-cert`: `--tls-cert PATH` turns https on";
            reader.problem(one, message.to_owned());
        }
    }
    certificate.map(|certificate| Tls::There { certificate, key })
}

/// Which certificates to trust, of the gateways that HAProxy uses TLS to.
fn backend_tls(servers: &[ServerAddress], reader: &mut Reader) -> Option<BackendTls> {
    let ca: Option<PlainPath> = reader.chosen("balancer.backend-ca");
    let insecure: Switch = reader.get("balancer.backend-insecure");
    let Some(server) = servers.iter().find(|server| server.is_tls) else {
        for (key, is_chosen) in
            [("balancer.backend-ca", ca.is_some()), ("balancer.backend-insecure", insecure == Switch::On)]
        {
            if is_chosen {
                let message = "has no meaning without a gateway over TLS: `--server https://HOST:9879`";
                reader.problem(key, message.to_owned());
            }
        }
        return None;
    };
    match (ca, insecure) {
        (Some(ca), Switch::Off) => Some(BackendTls::Verified(ca)),
        (None, Switch::On) => Some(BackendTls::Unverified),
        (Some(_), Switch::On) => {
            let message =
                "verifies certificates, and `balancer.backend-insecure` accepts any: leave one of them out";
            reader.problem("balancer.backend-ca", message.to_owned());
            None
        }
        (None, Switch::Off) => {
            let message = format!(
                "{server} shows a certificate that no CA verifies: `--backend-ca FILE` names a CA, `--backend-insecure` \
                 accepts any certificate"
            );
            reader.problem("servers", message);
            None
        }
    }
}

/// Whether there is a KDC, and who has secrets.
fn kerberos(reader: &mut Reader, registry: Option<&Registry>) -> Option<Kerberos> {
    let security: Security = reader.get("security");
    let image = reader.get::<ImageName>("kdc.image").in_registry(registry);
    let users: Vec<UserName> = reader.list("users");
    let mut names = BTreeSet::new();
    for name in users.iter().filter(|name| !names.insert(*name)) {
        reader.problem("users", format!("{name} is there twice"));
    }
    // The other choices stay while security is off.
    if security == Security::Off && !users.is_empty() && reader.choices.of("security").is_none() {
        reader.problem("users", "has no meaning without `security`: `--secure` turns it on".to_owned());
    }
    (security == Security::Kerberos).then_some(Kerberos { image, users })
}

/// Where a service beside the cluster is published, if there is one.
fn beside(key: &'static str, port: &'static str, reader: &mut Reader) -> Option<Published> {
    let (switch, port) = (reader.get::<Switch>(key), reader.get(port));
    (switch == Switch::On).then_some(port)
}

/// What watches the cluster. The other choices stay while nothing does.
fn monitoring(reader: &mut Reader, registry: Option<&Registry>) -> Option<Monitoring> {
    let switch: Switch = reader.get("monitoring");
    let monitoring = Monitoring {
        prometheus_image: reader.get::<ImageName>("prometheus.image").in_registry(registry),
        prometheus: reader.get("ports.prometheus"),
        grafana_image: reader.get::<ImageName>("grafana.image").in_registry(registry),
        grafana: reader.get("ports.grafana"),
    };
    (switch == Switch::On).then_some(monitoring)
}

/// Takes values out of choices; a bad one is noted, and its default replaces it until the end.
struct Reader<'a> {
    choices: &'a Choices,
    basis: Basis,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn new(choices: &'a Choices) -> Self {
        let basis = Basis { profile: Profile::Tuned, base: Base::Single, size: Size::Default };
        let mut reader = Self { choices, basis, problems: Vec::new() };
        let (profile, base, size) = (reader.get("profile"), reader.get("base"), reader.get("memory.size"));
        reader.basis = Basis { profile, base, size };
        reader
    }

    fn get<T: FromStr<Err = String>>(&mut self, key: &'static str) -> T {
        let basis = self.basis;
        self.chosen(key).unwrap_or_else(|| {
            let text = Opt::with_key(key).and_then(|option| option.default_on(basis));
            let default = text.and_then(|text| text.parse().ok());
            default.unwrap_or_else(|| unreachable!("the default of `{key}` is tested to parse"))
        })
    }

    fn chosen<T: FromStr<Err = String>>(&mut self, key: &'static str) -> Option<T> {
        self.list(key).pop()
    }

    fn list<T: FromStr<Err = String>>(&mut self, key: &'static str) -> Vec<T> {
        let mut values = Vec::new();
        for text in self.choices.of(key).map_or(&[][..], |choice| &choice.texts) {
            match text.parse() {
                Ok(value) => values.push(value),
                Err(_) if text == AUTO && Opt::with_key(key).is_some_and(Opt::is_port) => {
                    let message = "`auto` is for flags and variables of `up`, which keeps the free port that it \
                                   finds; write a number here";
                    self.problem(key, message.to_owned());
                }
                Err(message) if key == "ozone.version" => {
                    let other =
                        "any other image is `--ozone-image IMAGE`, beside the version that it is nearest to";
                    self.problem(key, format!("{message}; {other}"));
                }
                Err(message) => self.problem(key, message),
            }
        }
        values
    }

    fn problem(&mut self, key: &str, message: String) {
        let origin = self.choices.of(key).map(|choice| choice.origin.to_string());
        self.problems.push(Problem { path: key.to_owned(), origin, message });
    }

    fn finish<T>(mut self, value: T) -> Result<T, Problems> {
        let place = |problem: &Problem| OPTIONS.iter().position(|option| option.key == problem.path);
        self.problems.sort_by_key(place);
        if self.problems.is_empty() { Ok(value) } else { Err(Problems(self.problems)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::choices::Origin;

    fn resolve(pairs: &[(&str, &str)]) -> Result<Spec, String> {
        let mut choices = Choices::default();
        for (key, value) in pairs {
            let option = Opt::with_key(key).expect("a key of the table");
            let texts = value.split(' ').map(str::to_owned).collect();
            choices.choose(option, texts, Origin::Flag(option.flag));
        }
        Spec::resolve(&choices, "demo").map_err(|problems| problems.to_string())
    }

    #[test]
    fn defaults_parse_on_every_basis() {
        for profile in Profile::WORDS {
            for base in Base::WORDS {
                for size in Size::WORDS {
                    resolve(&[("profile", profile), ("base", base), ("memory.size", size)])
                        .expect("defaults are good");
                }
            }
        }
    }

    #[test]
    fn every_row_of_the_table_is_read() {
        let nonsense: Vec<(&str, &str)> = OPTIONS.iter().map(|option| (option.key, "?")).collect();
        let problems = resolve(&nonsense).expect_err("nothing takes a question mark");
        for option in OPTIONS {
            let start = format!("{} (--{}): ", option.key, option.flag);
            let judged = |line: &str| line.starts_with(&start) && line.contains("`?`");
            assert!(problems.lines().any(judged), "nobody reads `{}`", option.key);
        }
    }

    #[test]
    fn all_problems_come_at_once_in_the_order_of_the_table() {
        assert_eq!(
            resolve(&[("timeouts.client", "5"), ("gateways.count", "0"), ("ports.s3", "70000")])
                .expect_err("three problems"),
            "gateways.count (--gateways): 0 is not between 1 and 512\n\
             ports.s3 (--s3-port): 70000 is not between 1 and 65535\n\
             timeouts.client (--timeout-client): `5` has no unit: write 5ms, 5s or 5m"
        );
    }

    #[test]
    fn choices_that_contradict_each_other_are_refused() {
        for (pairs, message) in [
            (
                &[("replication", "3"), ("datanodes", "1")][..],
                "replication (--replication): 3 copies need 3 datanodes, and `datanodes` is 1",
            ),
            (
                &[("ports.om", "auto")],
                "ports.om (--om-port): `auto` is for flags and variables of `up`, which keeps the free port that it finds; write a number here",
            ),
            (&[("ports.stats", "9878")], "ports.stats (--stats-port): 9878 is also the port of `ports.s3`"),
            (
                &[("base", "none"), ("datanodes", "3")],
                "datanodes (--datanodes): has no meaning with the base `none`, which leaves Ozone to other files",
            ),
            (
                &[("om.count", "3")],
                "om.count (--om): the base `single` has one, and the base `ha` may have 3",
            ),
            (
                &[("base", "ha"), ("om.count", "1"), ("scm.count", "1")],
                "base (--base): `ha` with one SCM and one OM is the base `single`",
            ),
            (
                &[("base", "ha"), ("datanodes", "2")],
                "replication: 3 copies need 3 datanodes, and `datanodes` is 2",
            ),
            (
                &[("profile", "upstream"), ("balancer.health", "tcp")],
                "balancer.health (--health): has no meaning with the profile `upstream`, which renders Ozone's own example",
            ),
            (
                &[("base", "none"), ("security", "kerberos")],
                "security (--secure): has no meaning with the base `none`, whose KDC and users are the checkout's: `--checkout ozonesecure` and \
                 `--checkout ozonesecure-ha` lie over the secure ones",
            ),
            (
                &[("profile", "upstream"), ("security", "kerberos")],
                "security (--secure): has no meaning with the profile `upstream`, which renders Ozone's own example",
            ),
            (
                &[("users", "alice")],
                "users (--user): has no meaning without `security`: `--secure` turns it on",
            ),
            (
                &[("security", "kerberos"), ("users", "alice bob alice")],
                "users (--user): alice is there twice",
            ),
            (
                &[("buckets", "one one one:layout=fso")],
                "buckets (--bucket): `one` and `one:layout=fso` are one bucket",
            ),
            (
                &[("base", "none"), ("buckets", "one")],
                "buckets (--bucket): has no meaning with the base `none`, which leaves Ozone to other files: `ozone sh bucket create /s3v/NAME` in its OM makes one",
            ),
            (
                &[("target", "helm")],
                "target (--target): Ozone's chart has safe mode wait for three datanodes, and `datanodes` is 1: `--datanodes 3`, or `--base ha`",
            ),
            (
                &[("target", "swarm"), ("nodes", "2")],
                "nodes (--nodes): 2 nodes would hold the data of 1: choose fewer",
            ),
            (
                &[("nodes", "1")],
                "nodes (--nodes): has no meaning without `target: swarm`: Compose has one engine",
            ),
            (
                &[("gateways.count", "409"), ("gateways.discovery", "dns")],
                "gateways.count (--gateways): 409 gateways have one name here, and HAProxy takes 408 addresses of a name from the engine: \
                 `--discovery static` on Compose gives each its own",
            ),
            (
                &[("ozone.dist", "dist"), ("engine", "remote")],
                "ozone.dist (--ozone-dist): does not work with a remote engine, which does not see the folder: put it into an image of your own",
            ),
            (
                &[("target", "helm"), ("base", "ha"), ("security", "kerberos")],
                "security (--secure): does not work with `target: helm`: Ozone's chart has no keytabs",
            ),
            (
                &[("domains", "localhost"), ("balancer.tls", "on")],
                "domains (--domain): most clients trust no certificate for *.localhost, right under a top-level name: with `balancer.tls` take one such as s3.localhost",
            ),
            (
                &[("domains", "localhost data.localhost")],
                "domains (--domain): data.localhost lies in localhost, and who means the bucket of that name would get all of S3",
            ),
            (
                &[("domains", "example.com"), ("ports.host", "s3.example.com")],
                "domains (--domain): s3.example.com lies in example.com, and who means the bucket of that name would get all of S3",
            ),
            (
                &[("domains", "s3.localhost"), ("profile", "upstream")],
                "domains (--domain): has no meaning with the profile `upstream`, which renders Ozone's own example",
            ),
        ] {
            assert_eq!(resolve(pairs).expect_err("a contradiction"), message);
        }
    }

    #[test]
    fn choices_for_gateways_on_other_machines_that_contradict_each_other_are_refused() {
        for (pairs, message) in [
            (
                &[("servers", "a:1"), ("gateways.count", "2")][..],
                "gateways.count (--gateways): has no meaning beside `servers`: they are the gateways",
            ),
            (
                &[("servers", "a:1 b:1 A.:1")],
                "servers (--server): a:1 is there twice, and would get twice its share",
            ),
            (
                &[("servers", "a:1,backup"), ("profile", "upstream")],
                "servers (--server): the profile `upstream` has no names, weights, backups, zones or TLS: write a:1",
            ),
            (
                &[("servers", "a:1 https://b:1")],
                "servers (--server): https://b:1 shows a certificate that no CA verifies: `--backend-ca FILE` names a CA, `--backend-insecure` accepts any certificate",
            ),
            (
                &[("servers", "a:1"), ("balancer.backend-ca", "/ca.pem")],
                "balancer.backend-ca (--backend-ca): has no meaning without a gateway over TLS: `--server https://HOST:9879`",
            ),
            (
                &[
                    ("servers", "https://a:1"),
                    ("balancer.backend-ca", "/ca.pem"),
                    ("balancer.backend-insecure", "on"),
                ],
                "balancer.backend-ca (--backend-ca): verifies certificates, and `balancer.backend-insecure` accepts any: leave one of them out",
            ),
            (
                &[("servers", "a:1"), ("balancer.tls-key", "/s3.key")],
                "balancer.tls-key (--tls-key): has no meaning without `balancer.tls-cert`: `--tls-cert PATH` turns https on",
            ),
            (
                &[("servers", "a:1"), ("balancer.tls-cert", "s3.pem")],
                "balancer.tls-cert (--tls-cert): `s3.pem` is not a path from / of letters, digits, dots, - and _",
            ),
            (&[("servers", "a:1 s3g1=b:1")], "servers (--server): two gateways have the name s3g1"),
            (
                &[("servers", "a:1"), ("balancer.balance", "source")],
                "balancer.balance (--balance): `source` is not one of leastconn, roundrobin, random; gateways keep nothing of a client or an object, and this would give one of them the requests of a whole network or of one object",
            ),
        ] {
            assert_eq!(resolve(pairs).expect_err("a contradiction"), message);
        }
    }

    #[test]
    fn a_base_of_several_has_three_of_each_and_three_copies() {
        let spec = resolve(&[("base", "ha")]).expect("good");
        assert_eq!(spec.scm_names(), ["scm1", "scm2", "scm3"]);
        assert_eq!(spec.om_names(), ["om1", "om2", "om3"]);
        assert_eq!((spec.replication, spec.datanodes.get()), (Replication::Three, 3));
        let spec = resolve(&[("base", "ha"), ("scm.count", "1"), ("om.count", "5")]).expect("good");
        assert_eq!((spec.scm_names().concat().as_str(), spec.om_names().len()), ("scm", 5));
    }

    #[test]
    fn datanodes_follow_the_replication() {
        assert_eq!(resolve(&[("replication", "3")]).expect("good").datanodes.get(), 3);
        assert_eq!(resolve(&[]).expect("good").datanodes.get(), 1);
    }

    #[test]
    fn ports_that_are_not_published_do_not_clash() {
        resolve(&[("ports.s3", "9876"), ("base", "none")]).expect("the SCM is another file's");
        resolve(&[("ports.s3", "9876"), ("ports.scm", "off")]).expect("the SCM is not published");
    }
}
