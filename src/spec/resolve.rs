//! From choices to a [`Spec`]: every value parsed, every contradiction found, all problems reported at once.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::choices::Choices;
use super::options::{OPTIONS, Opt, Scope};
use super::values::{
    Base, ClusterName, DatanodeCount, ImageName, OzoneVersion, Profile, Registry, Replication,
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
        let base: Base = reader.get("base");
        let registry: Option<Registry> = reader.chosen("images.registry");
        let ozone_image: Option<ImageName> = reader.chosen("ozone.image").or_else(|| match base {
            Base::Single => format!("apache/ozone:{version}").parse().ok(),
            Base::None => None,
        });
        let spec = Self {
            name: reader.chosen("name").unwrap_or_else(|| ClusterName::from_folder(folder)),
            base,
            profile: reader.profile,
            version,
            ozone_image: ozone_image.map(|image| image.in_registry(registry.as_ref())),
            gateways: reader.get("gateways.count"),
            discovery: reader.get("gateways.discovery"),
            servers: reader.list("servers"),
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
                gateway: reader.get("memory.gateway"),
                scm: reader.get("memory.scm"),
                om: reader.get("memory.om"),
                datanode: reader.get("memory.datanode"),
                jvm: reader.get("memory.jvm"),
            },
        };
        spec.check_scopes(&mut reader);
        spec.check_replication(&mut reader);
        spec.check_ports(&mut reader);
        reader.finish(spec)
    }

    fn check_scopes(&self, reader: &mut Reader) {
        for (option, _) in reader.choices.iter() {
            if !self.in_containers() && option.key == "gateways.count" {
                reader
                    .problem(option.key, "has no meaning beside `servers`: they are the gateways".to_owned());
            }
            let missing = match option.scope {
                Scope::Tuned if self.profile == Profile::Upstream => {
                    "the profile `upstream`, which renders Ozone's own example"
                }
                Scope::Containers | Scope::Cluster if !self.in_containers() => {
                    "gateways on other machines (`servers`)"
                }
                Scope::Cluster if self.base == Base::None => {
                    "the base `none`, which leaves Ozone to other files"
                }
                _ => continue,
            };
            reader.problem(option.key, format!("has no meaning with {missing}"));
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
    profile: Profile,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn new(choices: &'a Choices) -> Self {
        let mut reader = Self { choices, profile: Profile::Tuned, problems: Vec::new() };
        reader.profile = reader.get("profile");
        reader
    }

    fn get<T: FromStr<Err = String>>(&mut self, key: &'static str) -> T {
        let profile = self.profile;
        self.chosen(key).unwrap_or_else(|| {
            let text = Opt::with_key(key).and_then(|option| option.default_in(profile));
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
    fn defaults_parse_in_both_profiles() {
        for profile in Profile::WORDS {
            resolve(&[("profile", profile)]).expect("defaults are good");
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
                &[("profile", "upstream"), ("balancer.health", "tcp")],
                "balancer.health (--health): has no meaning with the profile `upstream`, which renders Ozone's own example",
            ),
            (
                &[("servers", "a:1"), ("gateways.count", "2")],
                "gateways.count (--gateways): has no meaning beside `servers`: they are the gateways",
            ),
        ] {
            assert_eq!(resolve(pairs).expect_err("a contradiction"), message);
        }
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
