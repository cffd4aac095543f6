//! The schema that editors read takes the same files as this tool.

mod support;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

use ozone_compose::spec::options::{OPTIONS, Opt};
use ozone_compose::spec::values::Takes;
use ozone_compose::spec::{Spec, file};

use support::examples::all;
use support::{Runs, Sandbox};

/// Texts for options that take more than a few words or a number: YAML that is good, and that is bad.
const TEXTS: &[(&str, &[&str], &[&str])] = &[
    ("name", &["demo", "7", "a-b_c"], &["Demo", "-a", "'a b'", "''", "{a: 1}", "[a]"]),
    ("gateways.drained", &["s3g2", "[s3g1, s3g3]", "[]"], &["s3g", "s3g0", "[om]", "s3g1x", "{a: 1}"]),
    ("gateways.image", &["ozone:2", "[s3g2=a.io/ozone:2, ozone]", "[]"], &["Ozone", "[om=ozone]", "s3g1="]),
    ("gateways.weight", &["s3g2=10", "[s3g1=1, s3g3=256]", "[]"], &["10", "[s3g1=0]", "s3g1=1000", "om=1"]),
    (
        "servers",
        &["gw1:9878", "'east=gw1.:1,weight=2,backup,zone=a'", "[gw1:1, '[::1]:65535', 10.0.0.7:80]", "[]"],
        &[
            "gw1",
            "[gw1]",
            "{a: 1}",
            "[[gw1:1]]",
            "'gw1:1,spare'",
            "'=gw1:1'",
            "'http://gw1:1'",
            "'https://gw1'",
        ],
    ),
    (
        "buckets",
        &["abc", "[my-bucket, a.b, '2024-01-01']", "[]", "[logs:layout=fso:quota=10GB, 'a.b:quota=1B']"],
        &[
            "ab",
            "Bucket",
            "[a_b]",
            "'-ab'",
            "'a,b'",
            "123",
            "{a: 1}",
            "[[abc]]",
            "abc:fso",
            "abc:layout=x",
            "abc:quota=10",
        ],
    ),
    (
        "domains",
        &["s3.localhost", "[localhost, s3.127.0.0.1.nip.io]", "[]"],
        &["S3.localhost", "'*.s3.localhost'", "10.0.0.7", "'a.'", "{a: 1}", "[[a]]"],
    ),
    ("ozone.version", &["2.2.1", "2.0.0", "2.3.0-SNAPSHOT", "latest"], &["2.2", "1.4.1", "newest", "2.2.1-"]),
    (
        "ozone.image",
        &["apache/ozone:2.2.1", "localhost:5000/a/b", "mine"],
        &["A/b", "a//b", "'a b'", "'${X}'", "'a:'"],
    ),
    ("users", &["alice", "[alice, Bob.c]", "[]"], &["7", "'-a'", "'a b'", "'a,b'", "{a: 1}", "[[alice]]"]),
    ("prometheus.image", &["prom/prometheus:v3.0.0"], &["-a", "'a:b c'", "'a@b'"]),
    ("grafana.image", &["grafana/grafana:12.0.0"], &["-a", "'a:b c'", "'a@b'"]),
    ("kdc.image", &["mine/kdc:1"], &["-a", "'a:b c'", "'a@b'"]),
    ("balancer.image", &["haproxy:3.2-alpine"], &["-a", "'a:b c'", "'a@b'"]),
    (
        "images.registry",
        &["mirror.example.com", "localhost:5000/hub"],
        &["mirror", "https://mirror.example.com", "m.com/"],
    ),
    (
        "ports.bind",
        &["127.0.0.1", "0.0.0.0", "'::1'", "'[::]'"],
        &["localhost", "10.0.0.300", "127.0.0", "1"],
    ),
    (
        "ports.host",
        &["docker", "10.0.0.7", "ci.example.com", "'[fd00::7]'", "'fd00::7'"],
        &["a b", "'http://docker'", "-a", "'docker:2375'", "''"],
    ),
    ("balancer.health-interval", TIMES.0, TIMES.1),
    ("timeouts.connect", TIMES.0, TIMES.1),
    ("timeouts.client", TIMES.0, TIMES.1),
    ("timeouts.server", TIMES.0, TIMES.1),
    ("timeouts.queue", TIMES.0, TIMES.1),
    ("timeouts.request", TIMES.0, TIMES.1),
    ("timeouts.keep-alive", TIMES.0, TIMES.1),
    ("timeouts.check", TIMES.0, TIMES.1),
    ("timeouts.hard-stop", TIMES.0, TIMES.1),
    ("memory.gateway", SIZES.0, SIZES.1),
    ("memory.scm", SIZES.0, SIZES.1),
    ("memory.om", SIZES.0, SIZES.1),
    ("memory.datanode", SIZES.0, SIZES.1),
    ("ozone.dist", &["dist", "../ozone/dist/target/ozone-2.3.0", "/opt/mine"], &["'*'", "''", "[a]"]),
    ("seed", &["fixtures", "../my fixtures", "/etc/mine"], &["'*'", "''", "[a]"]),
    ("balancer.tls-cert", &["my.pem", "../my certs/a.pem"], &["'*'", "''", "[a]"]),
    ("balancer.tls-key", &["my.key", "/etc/ssl/my.key"], &["'*'", "''", "[a]"]),
    ("balancer.backend-ca", &["/etc/ca.pem", "/ca"], &["ca.pem", "'/a b'", "''", "[a]"]),
    ("templates", &["mine", "../my templates", "/etc/mine"], &["'*'", "''", "[a]"]),
];
const TIMES: (&[&str], &[&str]) =
    (&["500ms", "30s", "5m", "1h", "1d"], &["5", "'5'", "5 m", "m", "0s", "-1s", "true"]);
const SIZES: (&[&str], &[&str]) = (&["512m", "2g", "2G"], &["512", "m", "1.5g", "0m", "512k"]);

/// Whole files, and whether they are good.
const FILES: &[(&str, bool)] = &[
    ("version: 1\n", true),
    ("version: 1\nname: demo\ngateways: {count: 5, maxconn: '7'}\n", true),
    ("version: 1\ngateways:\nname:\n", true),
    ("", false),
    ("- 1\n", false),
    ("name: demo\n", false),
    ("version: 2\n", false),
    ("version: '1'\n", false),
    ("version: 1\ngatways: {count: 3}\n", false),
    ("version: 1\ngateways: {cuont: 3}\n", false),
    ("version: 1\ngateways: 3\n", false),
    ("version: 1\ns3-port: 9878\n", false),
    ("version: 1\ngateways.count: 5\n", false),
];

/// The schema, ready to judge.
struct Judge(Schemas, SchemaIndex);

impl Judge {
    fn new() -> Self {
        let schema = Sandbox::new().succeed(&["schema"]).stdout;
        let schema = serde_json::from_str(&schema).expect("JSON");
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("schema.json", schema).expect("a name");
        let index = compiler.compile("schema.json", &mut schemas);
        let index = index.unwrap_or_else(|error| panic!("no schema: {error}"));
        Self(schemas, index)
    }

    /// Both must say so.
    #[track_caller]
    fn expect(&self, text: &str, is_good: bool) {
        let document: Value = serde_yaml::from_str(text).expect("YAML");
        let said = self.0.validate(&document, self.1).map_err(|error| error.to_string());
        assert_eq!(said.is_ok(), is_good, "the schema, of {text}: {said:?}");
        let read = file::read(text).and_then(|choices| Spec::resolve(&choices, "demo"));
        assert_eq!(read.is_ok(), is_good, "the tool, of {text}: {read:?}");
    }
}

/// A file that chooses one thing, and what it cannot be chosen without.
fn choosing(option: &Opt, value: &str) -> String {
    let base = match option.key {
        "scm.count" | "om.count" => "base: ha\n",
        "checkout" => "base: none\n",
        "target" if value.contains("helm") => "base: ha\n",
        "nodes" => "target: swarm\ndatanodes: 64\n",
        "balancer.backend-ca" if !value.is_empty() => "servers: 'https://gw1:1'\n",
        "balancer.backend-insecure" if value.contains("on") => "servers: 'https://gw1:1'\n",
        _ => "",
    };
    let with = match option.key {
        "balancer.tls-cert" if !value.is_empty() => "  tls: on\n  tls-key: my.key\n",
        "balancer.http" => "  tls: on\n",
        "balancer.tls-key" if !value.is_empty() => "  tls: on\n  tls-cert: my.pem\n",
        _ => "",
    };
    let base = if option.key == "users" && !value.is_empty() { "security: kerberos\n" } else { base };
    match option.key.split_once('.') {
        Some((section, key)) => format!("version: 1\n{base}{section}:\n{with}  {key}: {value}\n"),
        None => format!("version: 1\n{base}{}: {value}\n", option.key),
    }
}

/// Values that an option takes, and others that it does not.
fn values(option: &Opt) -> (Vec<String>, Vec<String>) {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let numbers = |least: u32, most: u32| {
        let good = [least.to_string(), most.to_string(), format!("'{most}'")];
        let bad = [i64::from(least) - 1, i64::from(most) + 1].map(|number| number.to_string());
        (good.to_vec(), [&bad[..], &owned(&["1.5", "many", "true", "[3]", "{a: 3}", "''"])].concat())
    };
    match option.takes {
        Takes::Words(words) => {
            let quoted = words.iter().map(|word| format!("'{word}'"));
            (owned(words).into_iter().chain(quoted).collect(), owned(&["other", "''", "17", "[a]", "{a: 1}"]))
        }
        Takes::Number(least, most) => numbers(least, most),
        Takes::NumberOrOff(least, most) => {
            let (good, bad) = numbers(least, most);
            ([good, owned(&["off"])].concat(), [bad, owned(&["on", "false"])].concat())
        }
        Takes::Text(_) => {
            let row = TEXTS.iter().find(|(key, _, _)| *key == option.key);
            let (_, good, bad) = row.unwrap_or_else(|| panic!("give texts for `{}` here", option.key));
            (owned(good), owned(bad))
        }
    }
}

#[test]
fn the_schema_and_the_tool_agree_on_every_option() {
    let judge = Judge::new();
    for option in OPTIONS {
        let (good, bad) = values(option);
        for value in good {
            judge.expect(&choosing(option, &value), true);
        }
        for value in bad {
            judge.expect(&choosing(option, &value), false);
        }
        // A key with nothing behind it is a place held open.
        judge.expect(&choosing(option, ""), true);
    }
}

#[test]
fn the_schema_and_the_tool_agree_on_whole_files() {
    let judge = Judge::new();
    for (text, is_good) in FILES {
        judge.expect(text, *is_good);
    }
    for example in all() {
        judge.expect(&example.read("ozone-compose.yaml"), true);
    }
}

#[test]
fn a_file_that_generate_wrote_fits_the_schema() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["generate", "--name", "123", "--stats-port", "off", "-n", "4", "--datanodes", "3"]);
    Judge::new().expect(&sandbox.read("ozone-compose.yaml"), true);
}

#[test]
fn the_schema_describes_each_key_and_its_default() {
    let schema = Sandbox::new().succeed(&["schema"]).stdout;
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    for option in OPTIONS {
        let path = format!("/properties/{}", option.key.replace('.', "/properties/"));
        let key = schema.pointer(&path).unwrap_or_else(|| panic!("no {path}"));
        let description = key["description"].as_str().expect("a description");
        assert!(description.starts_with(option.help) && description.contains(option.flag), "{description}");
    }
    assert_eq!(schema.pointer("/properties/gateways/properties/count/default"), Some(&Value::from(3)));
}
