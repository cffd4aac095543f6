//! From choices to a [`Spec`]: every value parsed, every contradiction found, all problems reported at once.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::choices::Choices;
use super::options::{Basis, OPTIONS, Opt, Scope};
use super::values::{
    Base, ClusterName, DatanodeCount, Discovery, ImageName, OmCount, OzoneVersion, Profile, Registry,
    Replication, ScmCount, Size,
};
use super::{Balancer, Memory, Ports, Problem, Problems, PublishedPort, Spec, Timeouts};

impl Spec {
    /// Judges choices; `folder` is the name of the folder that will hold the files.
    ///
    /// # Errors
    /// Every problem at once, in the order of the table.
    pub fn resolve(choices: &Choices, folder: &str) -> Result<Self, Problems> {
        let mut reader = Reader::new(choices);
        let replication: Replication = reader.get("replication");
        let version: OzoneVersion = reader.get("ozone.version");
        let registry: Option<Registry> = reader.chosen("images.registry");
        let ozone_image: Option<ImageName> =
            reader.chosen("ozone.image").or_else(|| match reader.basis.base {
                Base::Single | Base::Ha => format!("apache/ozone:{version}").parse().ok(),
                Base::None => None,
            });
        let spec = Self {
            name: reader.chosen("name").unwrap_or_else(|| ClusterName::from_folder(folder)),
            base: reader.basis.base,
            profile: reader.basis.profile,
            version,
            ozone_image: ozone_image.map(|image| image.in_registry(registry.as_ref())),
            gateways: reader.get("gateways.count"),
            discovery: reader.get("gateways.discovery"),
            drained: reader.list("gateways.drained"),
            servers: reader.list("servers"),
            scms: reader.get("scm.count"),
            oms: reader.get("om.count"),
            datanodes: reader.chosen("datanodes").unwrap_or(match replication {
                Replication::One => DatanodeCount::of::<1>(),
                Replication::Three => DatanodeCount::of::<3>(),
            }),
            replication,
            ports: Ports {
                bind: reader.get("ports.bind"),
                s3: reader.get("ports.s3"),
                webadmin: reader.get("ports.webadmin"),
                stats: reader.get("ports.stats"),
                scm: reader.get("ports.scm"),
                om: reader.get("ports.om"),
            },
            balancer: Balancer {
                image: reader.get::<ImageName>("balancer.image").in_registry(registry.as_ref()),
                balance: reader.get("balancer.balance"),
                health: reader.get("balancer.health"),
                health_interval: reader.get("balancer.health-interval"),
                retries: reader.get("balancer.retries"),
                maxconn: reader.get("balancer.maxconn"),
                gateway_maxconn: reader.get("gateways.maxconn"),
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
        spec.check_drained(&mut reader);
        spec.check_counts(&mut reader);
        spec.check_replication(&mut reader);
        spec.check_ports(&mut reader);
        reader.finish(spec)
    }

    /// Why an option has no meaning for these choices, where it has none: what follows "has no meaning".
    #[must_use]
    pub fn leaves_no_meaning_to(&self, option: &Opt) -> Option<&'static str> {
        match option.scope {
            Scope::Tuned if self.profile == Profile::Upstream => {
                Some("with the profile `upstream`, which renders Ozone's own example")
            }
            Scope::Containers | Scope::Cluster if !self.in_containers() => {
                Some("with gateways on other machines (`servers`)")
            }
            Scope::Cluster if self.base == Base::None => {
                Some("with the base `none`, which leaves Ozone to other files")
            }
            _ if !self.in_containers() && option.key == "gateways.count" => {
                Some("beside `servers`: they are the gateways")
            }
            _ => None,
        }
    }

    fn check_scopes(&self, reader: &mut Reader) {
        for (option, _) in reader.choices.iter() {
            if let Some(why) = self.leaves_no_meaning_to(option) {
                reader.problem(option.key, format!("has no meaning {why}"));
            }
        }
    }

    fn check_servers(&self, reader: &mut Reader) {
        let mut seen = BTreeSet::new();
        for twice in self.servers.iter().map(ToString::to_string).filter(|one| !seen.insert(one.clone())) {
            reader.problem("servers", format!("{twice} is there twice, and would get twice its share"));
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

    fn check_replication(&self, reader: &mut Reader) {
        let (has, needs) = (self.datanodes.get(), self.replication.datanodes());
        if has < needs {
            let message =
                format!("{} copies need {needs} datanodes, and `datanodes` is {has}", self.replication);
            reader.problem("replication", message);
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

/// Takes values out of choices; a bad one is noted, and its default stands in for it until the end.
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
                &[("servers", "a:1"), ("gateways.count", "2")],
                "gateways.count (--gateways): has no meaning beside `servers`: they are the gateways",
            ),
            (
                &[("servers", "a:1 b:1 a:1")],
                "servers (--server): a:1 is there twice, and would get twice its share",
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
