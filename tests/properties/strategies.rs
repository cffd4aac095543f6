//! How valid choices and hostile texts are drawn.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use ozone_compose::spec::choices::{Choices, Origin};
use ozone_compose::spec::options::{OPTIONS, Opt, Scope};

/// What stands behind the gateways: each has options of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Single,
    Ha,
    Checkout,
    RealHosts,
}

/// Any choices that do not contradict each other.
pub(crate) fn valid_choices() -> impl Strategy<Value = Choices> {
    let place = select(&[Where::Single, Where::Ha, Where::Checkout, Where::RealHosts][..]);
    let profile = select(&["tuned", "upstream"][..]);
    (place, profile).prop_flat_map(|(place, profile)| {
        let meaningful: Vec<&'static Opt> =
            OPTIONS.iter().filter(|option| has_a_meaning(option, place, profile)).collect();
        let most = meaningful.len();
        let drawn = subsequence(meaningful, 0..=most)
            .prop_flat_map(|options| options.into_iter().map(one_choice).collect::<Vec<_>>());
        (drawn, fixed(place, profile)).prop_map(move |(drawn, fixed)| {
            let mut choices = Choices::default();
            let all: Vec<OneChoice> = drawn.into_iter().chain(fixed).collect();
            let can_drain = leaves_another(&all, place);
            let is =
                |key: &str, text: &str| all.iter().any(|(one, texts)| one.key == key && texts[0] == text);
            let has = |key: &str| all.iter().any(|(option, _)| option.key == key);
            let is_tuned = profile == "tuned";
            let count = all.iter().find(|(option, _)| option.key == "gateways.count");
            let has_room =
                count.is_none_or(|(_, texts)| texts[0].parse().is_ok_and(|count: u32| count <= 134));
            let has_few =
                count.is_none_or(|(_, texts)| texts[0].parse().is_ok_and(|count: u32| count <= 408));
            let (certificate, key) = (has("balancer.tls-cert"), has("balancer.tls-key"));
            let is_secure = is_tuned && is("security", "kerberos");
            let has_own = is("balancer.tls", "on") && certificate && key;
            let is_there = place == Where::RealHosts && is_tuned && certificate;
            let is_remote = is("engine", "remote");
            let has_https = is_there || is_tuned && is("balancer.tls", "on");
            for (option, texts) in all {
                let is_meant = match option.key {
                    "gateways.drained" => can_drain,
                    "gateways.weight" => can_drain && place != Where::RealHosts,
                    "gateways.image" | "balancer.tls" | "security" | "monitoring" | "recon" | "httpfs" => {
                        is_tuned
                    }
                    "ozone.dist" => is_tuned && !is_remote,
                    "gateways.discovery" => has_few,
                    "checkout" => has_room,
                    "users" => is_secure,
                    "balancer.tls-cert" | "balancer.tls-key" => is_there || is_tuned && has_own,
                    "balancer.http" => has_https,
                    "ports.https" => has_https || place != Where::RealHosts,
                    _ => true,
                };
                if is_meant {
                    choices.choose(option, texts, Origin::Flag(option.flag));
                }
            }
            choices
        })
    })
}

type OneChoice = (&'static Opt, Vec<String>);

/// Whether a gateway by the name `s3g1` can be drained with another one left.
fn leaves_another(choices: &[OneChoice], place: Where) -> bool {
    let of = |key: &str| choices.iter().find(|(option, _)| option.key == key).map(|(_, texts)| texts);
    let gateways = match place {
        Where::RealHosts => of("servers").map_or(0, Vec::len),
        _ => of("gateways.count").map_or(3, |texts| texts[0].parse().expect("a number")),
    };
    gateways > 1 && of("gateways.discovery").is_none_or(|texts| texts[0] != "dns")
}

fn has_a_meaning(option: &Opt, place: Where, profile: &str) -> bool {
    // A Swarm takes so few of the others that almost every draw would be refused; src/plan/stack.rs has its own tests.
    let fixed = ["base", "profile", "target", "servers", "balancer.backend-ca", "balancer.backend-insecure"];
    let fixed = fixed.contains(&option.key);
    let is_of_containers = ["gateways.count", "engine"].contains(&option.key);
    let counts_leaders = ["scm.count", "om.count"].contains(&option.key);
    !fixed
        && (!counts_leaders || place == Where::Ha)
        && match option.scope {
            Scope::Everywhere => !is_of_containers || place != Where::RealHosts,
            Scope::Tuned => profile == "tuned" && (!is_of_containers || place != Where::RealHosts),
            Scope::Cluster => [Where::Single, Where::Ha].contains(&place),
            Scope::Containers => place != Where::RealHosts,
            Scope::Checkout => place == Where::Checkout && profile == "tuned",
            Scope::Swarm => false,
        }
}

/// The choices that make the place and the profile.
fn fixed(place: Where, profile: &'static str) -> BoxedStrategy<Vec<OneChoice>> {
    let choice = |key: &str, texts: Vec<String>| (Opt::with_key(key).expect("a key"), texts);
    let profile = choice("profile", vec![profile.to_owned()]);
    match place {
        Where::Single => Just(vec![profile]).boxed(),
        Where::Ha => Just(vec![profile, choice("base", vec!["ha".to_owned()])]).boxed(),
        Where::Checkout => Just(vec![profile, choice("base", vec!["none".to_owned()])]).boxed(),
        Where::RealHosts => {
            let hosts = ["gw1", "gw-2.example.com", "10.0.0.7", "[2001:db8::7]", "[::ffff:10.0.0.7]"];
            let server =
                (select(hosts.to_vec()), 1..=65535_u32).prop_map(|(host, port)| format!("{host}:{port}"));
            let trust = [("balancer.backend-ca", "/etc/ca.pem"), ("balancer.backend-insecure", "on")];
            let is_tuned = profile.1[0] == "tuned";
            let trust =
                prop::option::of(select(trust.to_vec())).prop_map(move |one| one.filter(|_| is_tuned));
            (prop::collection::vec(server, 1..6), trust)
                .prop_map(move |(mut servers, trust)| {
                    let mut fixed = vec![profile.clone()];
                    if let Some((key, text)) = trust {
                        servers[0].insert_str(0, "https://");
                        fixed.push(choice(key, vec![text.to_owned()]));
                    }
                    fixed.push(choice("servers", servers));
                    fixed
                })
                .boxed()
        }
    }
}

fn one_choice(option: &'static Opt) -> impl Strategy<Value = OneChoice> {
    good_text(option).prop_map(move |text| (option, vec![text]))
}

/// A text that an option takes.
fn good_text(option: &'static Opt) -> BoxedStrategy<String> {
    if option.key == "om.count" {
        // One would contradict one SCM.
        return select(&["3", "5"][..]).prop_map(str::to_owned).boxed();
    }
    if !option.words().is_empty() {
        return select(option.words()).prop_map(str::to_owned).boxed();
    }
    match option.key {
        "gateways.count" => prop_oneof![4 => 1..=8_u32, 1 => 1..=512_u32].prop_map(text).boxed(),
        "gateways.drained" => Just("s3g1".to_owned()).boxed(),
        "gateways.weight" => (1..=256_u32).prop_map(|weight| format!("s3g1={weight}")).boxed(),
        // Enough for every replication.
        "datanodes" => (3..=8_u32).prop_map(text).boxed(),
        "name" => prop_oneof![
            "[a-z0-9][a-z0-9_-]{0,20}",
            // Words and numbers to YAML, and names to Compose.
            select(&["null", "true", "no", "12", "007", "0x1f", "0o17", "1e3", "1_000", "2024-01-01"][..])
                .prop_map(str::to_owned),
        ]
        .boxed(),
        "buckets" => "[a-z][a-z0-9]{1,9}([.-][a-z0-9]{1,9})?[a-z](:layout=(fso|obs))?(:quota=[1-9][KMGT]?B)?".boxed(),
        "domains" => "[a-z][a-z0-9]{1,5}(-[a-z]{1,3})?(\\.[a-z]{2,5}){1,2}".boxed(),
        "ozone.version" => "(2\\.[0-4]|3\\.0)\\.[0-9](-[a-z]{1,5})?".boxed(),
        "users" => "[a-z][a-z0-9._-]{5,20}".prop_filter("a name that is taken", |name| name != "ozone-compose").boxed(),
        "ozone.image" | "gateways.image" | "balancer.image" | "kdc.image" | "prometheus.image" | "grafana.image" => {
            "([a-z]{1,5}\\.[a-z]{2}(:[0-9]{2})?/)?[a-z0-9]{1,8}(/[a-z0-9]{1,8})?(:[A-Za-z0-9_][A-Za-z0-9._-]{0,8})?"
                .boxed()
        }
        "images.registry" => "[a-z]{1,5}\\.[a-z]{2}(:[0-9]{2})?(/[a-z0-9]{1,5})?".boxed(),
        "ports.bind" => {
            select(&["127.0.0.1", "0.0.0.0", "10.1.2.3", "::1", "[::]"][..]).prop_map(str::to_owned).boxed()
        }
        "balancer.retries" => (0..=100_u32).prop_map(text).boxed(),
        key if key.starts_with("ports.") => port(option),
        "balancer.maxconn" => (1..=400_000_u32).prop_map(text).boxed(),
        key if key.ends_with("maxconn") => (1..=1_000_000_u32).prop_map(text).boxed(),
        key if key.starts_with("timeouts.") || key == "balancer.health-interval" => {
            "[1-9][0-9]?(ms|s|m|h)".boxed()
        }
        "seed" | "templates" | "ozone.dist" => "[a-z]{1,8}(/[a-z]{1,8})?".boxed(),
        // From the root, as on real machines.
        "balancer.tls-cert" | "balancer.tls-key" | "balancer.backend-ca" => "(/[a-z]{1,8}){1,2}".boxed(),
        key if key.starts_with("memory.") => "([1-9][0-9]{2}[mM])|([1-9][gG])".boxed(),
        key => panic!("draw texts for `{key}` here"),
    }
}

/// A port that no other option draws or has by default.
fn port(option: &'static Opt) -> BoxedStrategy<String> {
    let row = OPTIONS.iter().position(|other| other.key == option.key).expect("a row");
    let first = 20_000 + 1_000 * u32::try_from(row).expect("a short table");
    let on = (first..first + 1_000).prop_map(text);
    if ["ports.s3", "ports.https"].contains(&option.key) {
        on.boxed()
    } else {
        prop_oneof![on, Just("off".to_owned())].boxed()
    }
}

fn text(number: u32) -> String {
    number.to_string()
}

/// Texts with a meaning in YAML, Compose, HAProxy's configuration, env files or a shell, alone or after a
/// text that would be good.
pub(crate) fn hostile() -> impl Strategy<Value = String> {
    let special = concat!(
        "\n\r\t\0\u{7}\u{1b}\u{7f}\u{85}\u{a0}\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}",
        "\"'\\$(){}[]#:;,&*!|>%@`~^?=<-+ aé日😀"
    );
    let specials: Vec<char> = special.chars().collect();
    let noise = prop::collection::vec(select(specials), 1..8).prop_map(String::from_iter);
    let starts =
        ["apache/ozone:1", "demo", "3", "5s", "512m", "9999", "127.0.0.1", "gw:1", "[::1]:1", "2.2.1"];
    prop_oneof![
        noise.clone(),
        (select(starts.to_vec()), noise).prop_map(|(start, noise)| format!("{start}{noise}")),
        any::<String>(),
        select(
            &[
                "",
                "\n    server evil 6.6.6.6:80",
                "x\"\n  evil: true\n",
                "${HOME}",
                "$HOME",
                "$$",
                "a #b",
                "{{ 7 }}",
                "{% raw %}",
                "*ozone",
                "<<",
                "off\r\n",
            ][..]
        )
        .prop_map(str::to_owned),
    ]
}
