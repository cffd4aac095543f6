//! https beside http: with a certificate that clients trust by the cluster's CA, and that is renewed under load.

use std::net::TcpListener;

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};

use crate::cluster::{Cluster, assert_unharmed};
use crate::lab::{Lab, docker};
use crate::support::archive::unpacked;
use crate::support::{Outcome, Runs, clean, tools};

const SERVED: &str = "tls/private/haproxy/s3.pem";

/// What curl says when it does not trust a certificate.
const UNTRUSTED: i32 = 60;

/// Writes a small object on a connection of its own and reads it ten times on another, until a file is there; prints what
/// fails, and at the end how often.
const LOAD: &str = r#"
key=$AWS_ENDPOINT_URL_S3/encrypted/key
curl -sS --fail -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --user a:b "${key%/key}" >/dev/null
count=0
while [ ! -e "$1" ] || [ $count -lt 5 ]; do
    curl -sS --fail --aws-sigv4 aws:amz:us-east-1:s3 --user a:b --data-binary text -X PUT "$key" || echo "PUT $?"
    curl -sS --fail --aws-sigv4 aws:amz:us-east-1:s3 --user a:b "$key?[1-10]" -o /dev/null || echo "GET $?"
    count=$((count + 1))
done
echo "rounds $count"
"#;

/// The number of the certificate that is served.
fn serial(port: u16) -> String {
    let ask =
        format!("openssl s_client -connect 127.0.0.1:{port} </dev/null 2>&1 | openssl x509 -noout -serial");
    let outcome = Outcome::of(clean("sh").args(["-c", &ask]));
    assert!(outcome.stdout.starts_with("serial="), "{outcome}");
    outcome.stdout
}

fn free() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|one| one.local_addr()).expect("a free port").port()
}

/// The exit code of curl for a page, with the CA that it is given.
fn curl(url: &str, ca: Option<&Cluster<'_>>) -> i32 {
    let mut curl = clean("curl");
    curl.args(["-s", "-o", "/dev/null", url]);
    if let Some(cluster) = ca {
        curl.arg("--cacert").arg(cluster.folder.join("tls/ca.pem"));
    }
    Outcome::of(&mut curl).status
}

/// Replaces the certificate three times while clients write and read over http and https, of whom none may fail. `client` is
/// what their command begins with, and `says` is what each reload says.
fn renew(cluster: &Cluster<'_>, port: u16, client: &[&str], replace: impl Fn(u32), says: &str) {
    let stop = cluster.folder.join("stop");
    let end = stop.to_string_lossy();
    let load = cluster.load();
    let encrypted = [&["run", "--"], client, &["sh", "-c", LOAD, "sh", &end]].concat();
    let encrypted = cluster.start(&encrypted);
    for number in 1..=3 {
        let last = serial(port);
        replace(number);
        let reload = cluster.succeed(&["reload"]);
        assert!(reload.stderr.contains(says), "{reload}");
        assert_ne!(serial(port), last);
    }
    fs_err::write(&stop, "").expect("a file");
    let encrypted = encrypted.end();
    let said = encrypted.stdout.lines().collect::<Vec<_>>();
    assert!(said.len() == 1 && said[0].starts_with("rounds "), "{encrypted}");
    crate::support::say(&format!("https: {}, no failure", said[0]));
    assert_unharmed(&load.stop(), "three new certificates");
}

#[test]
fn a_certificate_of_ones_own_that_is_replaced_fails_no_request() {
    let Some(lab) = Lab::open() else { return };
    if !tools(&["curl", "openssl"]) {
        return;
    }
    let cluster = lab.cluster("own");
    let mut authority = CertificateParams::default();
    authority.distinguished_name = DistinguishedName::new();
    authority.distinguished_name.push(DnType::CommonName, "an authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let certificate = authority.self_signed(&key).expect("a certificate");
    cluster.write("authority.pem", &certificate.pem());
    let authority = Issuer::new(authority, key);
    // With a key of its own each time, as programs that renew certificates do it.
    let issue = |number: u32| {
        let key = KeyPair::generate().expect("a key");
        let mut leaf = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        leaf.serial_number = Some(u64::from(number + 1).into());
        cluster.write("my.pem", &leaf.signed_by(&key, &authority).expect("a certificate").pem());
        cluster.write("my.key", &key.serialize_pem());
    };
    fs_err::create_dir_all(&cluster.folder).expect("a folder");
    issue(0);
    let port = free();
    let own = ["--tls", "--tls-cert", "my.pem", "--tls-key", "my.key", "--https-port", &port.to_string()];
    cluster.up(&[&["-n", "2"], &own[..]].concat());
    let client = ["env", "CURL_CA_BUNDLE=authority.pem"];
    renew(&cluster, port, &client, issue, "https: the certificate is another; it is `my.pem`");
}

#[test]
fn clients_that_know_the_ca_use_https_and_a_new_certificate_fails_no_request() {
    let Some(lab) = Lab::open() else { return };
    if !tools(&["curl", "openssl"]) {
        return;
    }
    let cluster = lab.cluster("encrypted");
    let port = free();
    cluster.up(&["-n", "2"]);
    cluster.write(
        "ready.d/ask",
        "#!/bin/sh\nexec curl -sS --cacert \"$AWS_CA_BUNDLE\" -o /dev/null \"$AWS_ENDPOINT_URL_S3\"\n",
    );
    Outcome::of(clean("chmod").arg("755").arg(cluster.folder.join("ready.d/ask"))).succeeded();
    // The balancer that runs has no certificate yet, and judges what it is to have.
    let up = cluster.succeed(&["up", "--tls", "--https-port", &port.to_string()]);
    let https = format!("https://127.0.0.1:{port}");
    assert_eq!(up.stdout, format!("{https}\n"), "{up}");
    assert!(
        up.stderr.contains(&format!("  endpoint    {https}\n  http        {}\n", cluster.endpoint())),
        "{up}"
    );

    assert_eq!(curl(&https, None), UNTRUSTED);
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(curl(&format!("https://{host}:{port}"), Some(&cluster)), 0, "{host}");
    }
    assert!(cluster.client("plain").make_bucket().expect("an answer").is_good(), "http stays");
    let env = cluster.succeed(&["env"]).stdout;
    let ca = fs_err::canonicalize(cluster.folder.join("tls/ca.pem")).expect("a CA");
    for line in [
        format!("export AWS_ENDPOINT_URL_S3='{https}'"),
        format!("export AWS_CA_BUNDLE='{}'", ca.display()),
        format!("export NODE_EXTRA_CA_CERTS='{}'", ca.display()),
    ] {
        assert!(env.lines().any(|one| one == line), "no {line} in {env}");
    }
    assert!(!env.contains("SSL_CERT_FILE"), "it would replace the roots of a shell that goes on: {env}");
    let status = cluster.status();
    assert_eq!(status["https"], https);
    assert!(status["certificate_days"].as_i64().is_some_and(|days| (823..825).contains(&days)), "{status}");

    let ca_before = cluster.read("tls/ca.pem");
    let remove = |_| fs_err::remove_file(cluster.folder.join(SERVED)).expect("a certificate");
    renew(&cluster, port, &[], remove, "https: the certificate is not there; made one of the same CA");
    assert_eq!(cluster.read("tls/ca.pem"), ca_before);
    // What is good stays, and a run that has nothing to do loads nothing.
    let again = serial(port);
    let up = cluster.succeed(&["up"]);
    assert!(!up.stderr.contains("the certificate"), "{up}");
    assert_eq!(serial(port), again);

    // No key leaves the folder.
    cluster.succeed(&["collect", "all.tar.gz"]);
    for (name, text) in unpacked(&cluster.folder.join("all.tar.gz")) {
        assert!(!text.contains("PRIVATE KEY") && !name.contains("tls/"), "{name}");
    }

    // A certificate that HAProxy cannot use changes nothing.
    fs_err::write(cluster.folder.join("my.pem"), "nothing").expect("a file");
    cluster.edit("ozone-compose.yaml", "tls: 'on'", "tls: 'on'\n  tls-cert: my.pem\n  tls-key: my.pem");
    let refused = cluster.run(&["reload"]);
    assert_eq!(refused.status, 2, "{refused}");
    assert!(refused.stderr.contains("balancer.tls-cert: `my.pem` is no certificate in PEM"), "{refused}");
    assert_eq!(serial(port), again);
}

#[test]
fn an_engine_without_this_folder_gets_each_certificate_in_a_volume() {
    let Some(lab) = Lab::open() else { return };
    if !tools(&["curl", "openssl"]) {
        return;
    }
    let cluster = lab.cluster("carried-tls");
    let port = free();
    cluster.up(&["-n", "2", "--engine", "remote", "--bind", "127.0.0.1"]);
    cluster.succeed(&["up", "--tls", "--https-port", &port.to_string()]);
    let https = format!("https://127.0.0.1:{port}");
    assert_eq!(curl(&https, Some(&cluster)), 0);
    let mounts = docker(&["inspect", "--format", "{{.Mounts}}", &cluster.container("s3g")]);
    assert!(!mounts.contains(&*cluster.folder.to_string_lossy()), "{mounts}");
    assert!(!cluster.read("s3-haproxy.yaml").contains("PRIVATE KEY"));
    let remove = |_| fs_err::remove_file(cluster.folder.join(SERVED)).expect("a certificate");
    renew(&cluster, port, &[], remove, "https: the certificate is not there; made one of the same CA");

    let served = serial(port);
    cluster.succeed(&["down"]);
    cluster.succeed(&["up"]);
    assert_eq!(serial(port), served);
    cluster.succeed(&["down", "--volumes"]);
    cluster.succeed(&["up"]);
    assert_eq!(serial(port), served, "what was in the volume is in the folder too");
}

#[test]
fn a_cluster_whose_http_is_not_published_is_proved_filled_and_changed_over_https() {
    let Some(lab) = Lab::open() else { return };
    if !tools(&["curl"]) {
        return;
    }
    let cluster = lab.cluster("https-alone");
    cluster.write("ready.d/ask", "#!/bin/sh\ncase $AWS_ENDPOINT_URL_S3 in https:*) ;; *) exit 1 ;; esac\n");
    Outcome::of(clean("chmod").arg("755").arg(cluster.folder.join("ready.d/ask"))).succeeded();
    let port = free().to_string();
    cluster.up(&["-n", "2", "--tls", "--https-port", &port, "--http", "redirect", "--bucket", "abc"]);
    let https = format!("https://127.0.0.1:{port}");
    let redirect = |http: &str| {
        let ask =
            ["-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", &format!("{http}/abc/a%2Fb?c=d")];
        Outcome::of(clean("curl").args(ask)).stdout
    };
    let status = cluster.status();
    assert_eq!((&status["endpoint"], &status["https"]), (&https.clone().into(), &https.clone().into()));
    let http = cluster.endpoint();
    assert_eq!(redirect(&http), format!("308 {https}/abc/a%2Fb?c=d"));

    let up = cluster.succeed(&["up", "--http", "off"]);
    assert_eq!(up.stdout, format!("{https}\n"), "{up}");
    assert!(!up.stderr.contains("\n  http  "), "{up}");
    assert_eq!(redirect(&http), "000 ", "nobody listens");
    assert_eq!(curl(&https, Some(&cluster)), 0);
    let ask = "wget -q -Y off -S -O /dev/null http://s3g:9878/ 2>&1 | head -n 1";
    let inside = docker(&["exec", &cluster.container("s3g"), "sh", "-c", ask]);
    assert!(inside.contains("HTTP/1.1 "), "the network keeps http: {inside}");
    cluster.succeed(&["scale", "3"]);
    cluster.succeed(&["reload"]);
    assert!(cluster.succeed(&["smoke"]).stdout.contains("passed"));
}
