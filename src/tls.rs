//! The certificate with which HAProxy serves https: made once by a CA of the cluster's own, or a person's own, which is
//! checked. It is not rendered: keys are random, and what is there stays as long as it is valid.
//!
//! Knows nothing of HAProxy, Docker or Compose files.

use std::collections::BTreeSet;
use std::fmt;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use fs_err as fs;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::error::{Failure, Status};
use crate::keyfile::{put, remove};
use crate::spec::values::{DomainName, PlainHttp};
use crate::spec::{Spec, Tls};

/// What clients trust, relative to the cluster's folder.
pub const CA: &str = "tls/ca.pem";
/// The system's roots and [`CA`], for programs that take one file instead of those.
pub const BUNDLE: &str = "tls/bundle.pem";
/// The key of [`CA`].
const CA_KEY: &str = "tls/ca.key";
/// The folder that only its owner may enter. The engine mounts a folder in it, so that HAProxy, whose user this machine
/// does not know, reads what no other person does.
const PRIVATE: &str = "tls/private";
/// The folder that HAProxy sees.
pub const SERVED_FOLDER: &str = "tls/private/haproxy";
/// Certificate, chain and private key.
pub const SERVED: &str = "tls/private/haproxy/s3.pem";
/// Keeps keys out of a person's repository.
const IGNORE: &str = "tls/.gitignore";

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The longest that Apple's clients accept.
const LEAF_DAYS: u32 = 825;
const CA_DAYS: u32 = 3650;
/// What expires sooner is reported, and renewed.
pub const SOON_DAYS: i64 = 30;

/// Where Linux distributions keep the roots that programs trust, in one file.
const ROOTS: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The certificate that a cluster should have.
#[derive(Debug)]
pub struct Wanted<'a> {
    folder: &'a Path,
    cluster: String,
    tls: &'a Tls,
    /// The domains under which buckets have names.
    domains: &'a [DomainName],
    /// The hosts by which clients reach the balancer.
    names: BTreeSet<String>,
    /// The host by which this tool does, where that is only by https.
    reached_by: Option<String>,
    now: SystemTime,
}

impl<'a> Wanted<'a> {
    /// What the choices of a cluster need; none where it has no https, or gateways on other machines. `host` is where
    /// that answers which is published on every address.
    #[must_use]
    pub fn new(spec: &'a Spec, folder: &'a Path, host: &str, now: SystemTime) -> Option<Self> {
        let tls = spec.balancer.tls.as_ref().filter(|tls| !matches!(tls, Tls::There { .. }))?;
        let bind = spec.ports.bind.ip();
        let reached_by = if bind.is_unspecified() { name(host) } else { bind.to_string() };
        Some(Self {
            folder,
            cluster: spec.name.to_string(),
            tls,
            domains: &spec.domains,
            names: names(spec).into_iter().chain([name(host), reached_by.clone()]).collect(),
            reached_by: (spec.balancer.http != PlainHttp::Keep).then_some(reached_by),
            now,
        })
    }

    /// Why HAProxy's file has to be written, as what follows "its certificate"; none where it is valid.
    ///
    /// # Errors
    /// A certificate of a person's own that is none, or does not fit: bad usage.
    pub fn due(&self) -> Result<Option<&'static str>> {
        let there = self.read(SERVED)?;
        if let Tls::Own { .. } = self.tls {
            return Ok((there.as_deref() != Some(&self.own()?)).then_some("is another"));
        }
        let Some(leaf) = there.as_deref().and_then(|text| first(text).ok()) else {
            return Ok(Some("is not there"));
        };
        let known = names_of(&leaf);
        if !self.names.iter().all(|name| known.contains(name)) {
            return Ok(Some("lacks a name"));
        }
        if days_left(&leaf, self.now) < SOON_DAYS {
            return Ok(Some("ends soon"));
        }
        let ca = self.read(CA)?.and_then(|text| first(&text).ok());
        let is_of_ca = ca.is_some_and(|ca| {
            ca.tbs_certificate().subject() == leaf.tbs_certificate().issuer() && days_left(&ca, self.now) > 0
        });
        Ok((!is_of_ca).then_some("is of another CA"))
    }

    /// What replaces HAProxy's file, and a CA where there is none that can sign; none where the file is valid.
    ///
    /// # Errors
    /// As [`Self::due`].
    pub fn renewal(&self) -> Result<Option<Renewal>> {
        let Some(why) = self.due()? else { return Ok(None) };
        let (own, (served, new_ca)) = match self.tls {
            Tls::Own { certificate, .. } => (Some(certificate.path().to_owned()), (self.own()?, None)),
            Tls::Made | Tls::There { .. } => (None, self.made()?),
        };
        Ok(Some(Renewal { folder: self.folder.to_owned(), why, served, own, new_ca }))
    }

    /// A new certificate with its key, by the CA that is there or by a new one, which is returned too.
    fn made(&self) -> Result<(String, Option<(String, String)>)> {
        let key = KeyPair::generate()?;
        let mut leaf = CertificateParams::new(self.names.iter().cloned().collect::<Vec<_>>())?;
        leaf.distinguished_name = rcgen::DistinguishedName::new();
        leaf.distinguished_name.push(DnType::CommonName, format!("S3 of {}", self.cluster));
        leaf.use_authority_key_identifier_extension = true;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.date(&mut leaf, LEAF_DAYS);
        let (ca, made) = if let Some(ca) = self.there()? {
            (ca, None)
        } else {
            let (ca, texts) = self.new_ca()?;
            (ca, Some(texts))
        };
        let certificate = leaf.signed_by(&key, &ca)?;
        Ok((format!("{}{}", certificate.pem(), key.serialize_pem()), made))
    }

    /// The CA that is there, where it can sign for as long as a certificate lasts that is made now.
    fn there(&self) -> Result<Option<Issuer<'static, KeyPair>>> {
        let (Some(text), Some(key)) = (self.read(CA)?, self.read(CA_KEY)?) else { return Ok(None) };
        let (Ok(certificate), Ok(key)) = (first(&text), KeyPair::from_pem(&key)) else { return Ok(None) };
        let fits = public_key(&certificate) == Some(key.public_key_raw());
        let lasts = days_left(&certificate, self.now) > i64::from(LEAF_DAYS);
        let name = common_name(&certificate);
        Ok(name.filter(|_| fits && lasts).map(|name| Issuer::new(self.ca(&name), key)))
    }

    fn new_ca(&self) -> Result<(Issuer<'static, KeyPair>, (String, String))> {
        // It distinguishes two clusters of one name, and two CAs of one cluster.
        let seconds = self.now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let params = self.ca(&format!("ozone-compose {} {seconds:x}", self.cluster));
        let key = KeyPair::generate()?;
        let texts = (params.self_signed(&key)?.pem(), key.serialize_pem());
        Ok((Issuer::new(params, key), texts))
    }

    fn ca(&self, name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        self.date(&mut params, CA_DAYS);
        params
    }

    /// From yesterday on, for clients whose clock is late.
    fn date(&self, params: &mut CertificateParams, days: u32) {
        let now = self.now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = |since: Duration| date_time_ymd(1970, 1, 1) + since;
        params.not_before = at(now.saturating_sub(DAY));
        params.not_after = at(now + DAY * (days - 1));
    }

    /// A person's own, checked, as HAProxy reads it.
    fn own(&self) -> Result<String> {
        let Tls::Own { certificate, key } = self.tls else { return Ok(String::new()) };
        let chain = self.text_of("balancer.tls-cert", certificate.path())?;
        let secret = self.text_of("balancer.tls-key", key.path())?;
        let of_certificate = Pem { option: "balancer.tls-cert", path: certificate.path(), text: &chain };
        let of_key = Pem { option: "balancer.tls-key", path: key.path(), text: &secret };
        let names = names_of(&pair(&of_certificate, &of_key, self.now)?);
        if let Some(host) = self.reached_by.as_ref().filter(|host| !covers(&names, host)) {
            let what = format!("does not name `{host}`, where https alone is published");
            let hint = "`--http keep` leaves http to this tool; `--bind 0.0.0.0 --host NAME` publishes a name that it has";
            return Err(of_certificate.refusal(&what, hint).into());
        }
        if let Some(domain) = self.domains.iter().find(|domain| !names.iter().any(|name| domain.holds(name)))
        {
            let hint = format!("one with *.{domain} in subjectAltName is good for all buckets");
            return Err(of_certificate
                .refusal(&format!("names no bucket under the domain {domain}"), &hint)
                .into());
        }
        Ok(format!("{}\n{}\n", chain.trim_end(), secret.trim_end()))
    }

    fn text_of(&self, option: &str, path: &Path) -> Result<String> {
        fs::read_to_string(self.folder.join(path)).map_err(|error| {
            Failure::new(Status::Usage, format!("{option}: {error}"))
                .with_hint("the path is relative to the cluster's folder")
                .into()
        })
    }

    fn read(&self, name: &str) -> Result<Option<String>> {
        read(&self.folder.join(name))
    }
}

/// A valid certificate that is in no folder yet, so that HAProxy can check it before anything changes.
#[derive(Clone)]
pub struct Renewal {
    folder: PathBuf,
    why: &'static str,
    served: String,
    /// A person's own, of which it is a copy.
    own: Option<PathBuf>,
    new_ca: Option<(String, String)>,
}

impl Renewal {
    /// Why there is one, as what follows "the certificate".
    #[must_use]
    pub fn why(&self) -> &'static str {
        self.why
    }

    /// What HAProxy has to read: certificate, chain and private key.
    #[must_use]
    pub fn served(&self) -> &str {
        &self.served
    }

    /// Writes HAProxy's file, and the CA where it is new.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self) -> Result<()> {
        for (folder, mode) in [("tls", 0o755), (PRIVATE, 0o700), (SERVED_FOLDER, 0o755)] {
            let path = self.folder.join(folder);
            fs::create_dir_all(&path)?;
            fs::set_permissions(&path, PermissionsExt::from_mode(mode))?;
        }
        put(&self.folder.join(IGNORE), "*\n", 0o644)?;
        if let Some((certificate, key)) = &self.new_ca {
            put(&self.folder.join(CA_KEY), key, 0o600)?;
            put(&self.folder.join(CA), certificate, 0o644)?;
        }
        if self.own.is_some() {
            // The chain of another certificate does not verify this one.
            for name in [CA, CA_KEY, BUNDLE] {
                remove(&self.folder.join(name))?;
            }
        }
        // Only its owner enters the folder above; HAProxy's user is another than this one.
        put(&self.folder.join(SERVED), &self.served, 0o644)
    }
}

/// For people: what was replaced, and what clients must do.
impl fmt::Display for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https: the certificate {}; ", self.why)?;
        if let Some(own) = &self.own {
            return write!(f, "it is `{}`", own.display());
        }
        if self.new_ca.is_some() {
            let ca = self.folder.join(CA);
            return write!(f, "made one of a new CA, which clients are to trust: {}", ca.display());
        }
        f.write_str("made one of the same CA")
    }
}

/// Without the keys.
impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal")
            .field("folder", &self.folder)
            .field("why", &self.why)
            .finish_non_exhaustive()
    }
}

/// The certificate, its chain and its private key that HAProxy reads in a cluster's folder; none where there is none.
///
/// # Errors
/// When it cannot be read.
pub fn served(folder: &Path) -> Result<Option<String>> {
    read(&folder.join(SERVED))
}

/// Days until the certificate ends that HAProxy reads in a cluster's folder, negative where it has ended; none where there
/// is none.
#[must_use]
pub fn days_until_end(folder: &Path, now: SystemTime) -> Option<i64> {
    let text = read(&folder.join(SERVED)).ok()??;
    Some(days_left(&first(&text).ok()?, now))
}

/// What to report about a certificate that expires in so many days, where anything is.
#[must_use]
pub fn ending(days: i64) -> Option<String> {
    match days {
        ..0 => Some("the certificate of https has ended".to_owned()),
        0 => Some("the certificate of https ends within a day".to_owned()),
        1..SOON_DAYS => Some(format!("the certificate of https ends in {days} days")),
        _ => None,
    }
}

/// Where the CA of a cluster is, for programs that take the path of a file; none where a person's own signed.
#[must_use]
pub fn ca(folder: &Path) -> Option<PathBuf> {
    fs::canonicalize(folder.join(CA)).ok()
}

/// The roots that this tool trusts for the balancer, PEM: the CA of the cluster, or for a person's own certificate its
/// chain and the system's roots.
///
/// # Errors
/// When it cannot be read.
pub fn roots(folder: &Path) -> Result<String> {
    if let Some(ca) = read(&folder.join(CA))? {
        return Ok(ca);
    }
    let served = served(folder)?.unwrap_or_default();
    let chain = served.split("-----BEGIN PRIVATE").next().unwrap_or_default();
    Ok(format!("{chain}\n{}", system_roots()))
}

fn system_roots() -> String {
    ROOTS.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default()
}

/// Writes the system's roots and the CA into one file, and returns where it is; none as [`ca`].
///
/// # Errors
/// When it cannot be written.
pub fn bundle(folder: &Path) -> Result<Option<PathBuf>> {
    let Some(ca) = ca(folder) else { return Ok(None) };
    let bundle = ca.with_file_name("bundle.pem");
    let text = format!("{}\n{}", system_roots(), fs::read_to_string(&ca)?);
    // Another user of the machine may have no right to write there, and need not.
    if read(&bundle)?.as_deref() != Some(&text) {
        put(&bundle, &text, 0o644)?;
    }
    Ok(Some(bundle))
}

/// The host of a URL as a certificate names it.
fn name(host: &str) -> String {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse::<IpAddr>().map_or_else(|_| host.to_lowercase(), |address| address.to_string())
}

/// Whether names cover a host, as it is or by a wildcard for its first label.
fn covers(names: &BTreeSet<String>, host: &str) -> bool {
    let by_wildcard = |(_, domain): (&str, &str)| names.contains(&format!("*.{domain}"));
    names.contains(host) || host.split_once('.').is_some_and(by_wildcard)
}

/// A file of a person's own, and the option that names it.
struct Pem<'a> {
    option: &'a str,
    path: &'a Path,
    text: &'a str,
}

impl Pem<'_> {
    fn refusal(&self, what: &str, hint: &str) -> Failure {
        let message = format!("{}: `{}` {what}", self.option, self.path.display());
        Failure::new(Status::Usage, message).with_hint(hint)
    }
}

/// The server's certificate, checked: it matches its key, is valid now and names a host.
fn pair(certificate: &Pem<'_>, key: &Pem<'_>, now: SystemTime) -> Result<Certificate, Failure> {
    let leaf = first(certificate.text).map_err(|error| {
        let hint = "its first line is -----BEGIN CERTIFICATE-----";
        certificate.refusal(&format!("is no certificate in PEM: {error}"), hint)
    })?;
    let secret = key.text.find("-----BEGIN PRIVATE").map_or("", |at| &key.text[at..]);
    let secret = KeyPair::from_pem(secret).map_err(|_| {
        let hint = format!(
            "`openssl pkcs8 -topk8 -nodes -in {} -out key.pem` makes one of any other",
            crate::engine::quoted(&key.path.to_string_lossy())
        );
        key.refusal("is no private key in PKCS#8 without a passphrase", &hint)
    })?;
    if public_key(&leaf) != Some(secret.public_key_raw()) {
        let what = format!("does not fit the private key `{}`", key.path.display());
        let hint = "the server's own certificate comes first, then its chain";
        return Err(certificate.refusal(&what, hint));
    }
    let days = days_left(&leaf, now);
    if days < 0 {
        return Err(certificate.refusal(&format!("ended {} days ago", -days), "take a newer one"));
    }
    if leaf.tbs_certificate().validity().not_before.to_system_time() > now {
        return Err(certificate.refusal("is not valid yet", "look at the clock of this machine"));
    }
    if names_of(&leaf).is_empty() {
        let hint = "clients look for their host in it: one with subjectAltName is needed";
        return Err(certificate.refusal("names no host", hint));
    }
    Ok(leaf)
}

/// Endings of files in a folder of certificates that HAProxy ignores.
const BESIDE: &[&str] = &["key", "issuer", "ocsp", "sctl"];

/// Checks the certificate of a balancer on a machine of its own, as far as its files lie on this one too: they may be
/// missing or unreadable here. Returns the first path that could not be checked.
///
/// # Errors
/// Bad usage: a certificate that is none, has ended, or does not fit its key; a folder without any.
pub fn check(certificate: &Path, key: Option<&Path>, now: SystemTime) -> Result<Option<PathBuf>> {
    let certificates =
        if certificate.is_dir() { in_folder(certificate)? } else { vec![certificate.to_owned()] };
    for path in certificates {
        let Some(text) = readable(&path)? else { return Ok(Some(path)) };
        let beside = PathBuf::from(format!("{}.key", path.display()));
        let is_in_it = key.is_none() && text.contains("PRIVATE KEY-----");
        let key = if is_in_it { path.clone() } else { key.map_or(beside, Path::to_owned) };
        let Some(secret) = readable(&key)? else { return Ok(Some(key)) };
        let certificate = Pem { option: "--tls-cert", path: &path, text: &text };
        pair(&certificate, &Pem { option: "--tls-key", path: &key, text: &secret }, now)?;
    }
    Ok(None)
}

/// The files in a folder of certificates that HAProxy would load.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_beside = path.extension().is_some_and(|ending| BESIDE.iter().any(|one| ending == *one));
        if path.is_file() && !is_hidden && !is_beside {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        let message = format!("--tls-cert: there is no certificate in `{}`", folder.display());
        return Err(Failure::new(Status::Usage, message).with_hint("HAProxy loads each file of it").into());
    }
    paths.sort();
    Ok(paths)
}

/// The text of a file that may be missing here, or unreadable for this user.
fn readable(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Names and addresses by which clients reach the balancer, and the buckets of each domain.
fn names(spec: &Spec) -> BTreeSet<String> {
    let domains = spec.domains.iter().flat_map(|domain| [domain.to_string(), format!("*.{domain}")]);
    spec.hosts().into_iter().chain(domains).collect()
}

/// The first certificate of a text, which is the server's.
fn first(text: &str) -> Result<Certificate> {
    let chain =
        Certificate::load_pem_chain(text.split("-----BEGIN PRIVATE").next().unwrap_or_default().as_bytes())?;
    chain.into_iter().next().context("there is none in it")
}

fn names_of(certificate: &Certificate) -> BTreeSet<String> {
    let names = certificate.tbs_certificate().get_extension::<SubjectAltName>().ok().flatten();
    let name = |name: GeneralName| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_lowercase()),
        GeneralName::IpAddress(bytes) => address(bytes.as_bytes()),
        _ => None,
    };
    names.into_iter().flat_map(|(_, names)| names.0).filter_map(name).collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let address = four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
    address.ok().map(|address| address.to_string())
}

/// Whole days; negative for each that has begun since the end.
fn days_left(certificate: &Certificate, now: SystemTime) -> i64 {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let end = seconds(certificate.tbs_certificate().validity().not_after.to_unix_duration());
    let now = seconds(now.duration_since(UNIX_EPOCH).unwrap_or_default());
    (end - now).div_euclid(seconds(DAY))
}

fn public_key(certificate: &Certificate) -> Option<&[u8]> {
    certificate.tbs_certificate().subject_public_key_info().subject_public_key.as_bytes()
}

/// `X` in a subject `CN=X`.
fn common_name(certificate: &Certificate) -> Option<String> {
    certificate.tbs_certificate().subject().to_string().strip_prefix("CN=").map(str::to_owned)
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let message =
                format!("another user made the certificate `{}`, and it is closed to you", path.display());
            let hint = "run the command as that user, who alone can renew it";
            Err(Failure::new(Status::Failed, message).with_hint(hint).into())
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::choices::{Choices, Origin};
    use crate::spec::options::Opt;

    /// 2027-01-15.
    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn spec(pairs: &[(&str, &str)]) -> Spec {
        let mut choices = Choices::default();
        for (key, text) in [("balancer.tls", "on")].iter().chain(pairs) {
            choices.choose(Opt::with_key(key).expect("a key"), vec![(*text).to_owned()], Origin::File);
        }
        Spec::resolve(&choices, "demo").expect("a good spec")
    }

    fn in_days(spec: &Spec, folder: &Path, days: u32, act: impl Fn(&Wanted<'_>)) {
        let host = spec.ports.host.as_ref().map_or("127.0.0.1", |host| host.as_str());
        act(&Wanted::new(spec, folder, host, UNIX_EPOCH + NOW + DAY * days).expect("https"));
    }

    /// Whether the certificate that is due is of a new CA, once it is written.
    fn renewed(wanted: &Wanted<'_>) -> bool {
        let renewal = wanted.renewal().expect("a folder").expect("it is due");
        renewal.write().expect("a folder");
        renewal.new_ca.is_some()
    }

    fn text(folder: &Path, name: &str) -> String {
        fs::read_to_string(folder.join(name)).expect("a text")
    }

    #[test]
    fn a_certificate_is_made_once_and_again_when_it_ends_or_lacks_a_name() {
        let top = tempfile::tempdir().expect("a folder");
        let folder = top.path();
        let plain = spec(&[]);
        in_days(&plain, folder, 0, |wanted| {
            assert_eq!(wanted.due().expect("a folder"), Some("is not there"));
            assert!(renewed(wanted), "a new CA");
            assert_eq!(wanted.due().expect("a folder"), None);
        });
        assert_eq!(days_until_end(folder, UNIX_EPOCH + NOW), Some(824));
        in_days(&plain, folder, 794, |wanted| assert_eq!(wanted.due().expect("a folder"), None));
        let (ca, served) = (text(folder, CA), text(folder, SERVED));

        in_days(&plain, folder, 796, |wanted| {
            assert_eq!(wanted.due().expect("a folder"), Some("ends soon"));
            assert!(!renewed(wanted), "of the same CA");
        });
        assert_eq!(text(folder, CA), ca);
        assert_ne!(text(folder, SERVED), served);

        let elsewhere = spec(&[
            ("ports.host", "S3.example.com"),
            ("ports.bind", "10.0.0.7"),
            ("domains", "s3.localhost"),
        ]);
        in_days(&elsewhere, folder, 800, |wanted| {
            assert_eq!(wanted.due().expect("a folder"), Some("lacks a name"));
            renewed(wanted);
        });
        let leaf = first(&text(folder, SERVED)).expect("a certificate");
        let names: Vec<String> = names_of(&leaf).into_iter().collect();
        let expected = [
            "*.s3.localhost",
            "10.0.0.7",
            "127.0.0.1",
            "::1",
            "localhost",
            "s3.example.com",
            "s3.localhost",
            "s3g",
        ];
        assert_eq!(names, expected);
        assert_eq!(text(folder, CA), ca);
        // Names that are not needed any more do no harm.
        in_days(&plain, folder, 800, |wanted| assert_eq!(wanted.due().expect("a folder"), None));
    }

    #[test]
    fn a_ca_is_made_anew_where_it_cannot_sign_any_more() {
        let top = tempfile::tempdir().expect("a folder");
        let folder = top.path();
        let spec = spec(&[]);
        in_days(&spec, folder, 0, |wanted| assert!(renewed(wanted)));
        let ca = text(folder, CA);
        remove(&folder.join(CA_KEY)).expect("a file");
        in_days(&spec, folder, 1, |wanted| {
            assert_eq!(wanted.due().expect("a folder"), None, "what is there is good");
        });
        in_days(&spec, folder, 800, |wanted| assert!(renewed(wanted), "a new CA"));
        assert_ne!(text(folder, CA), ca);
        // It would end before the certificate.
        in_days(&spec, folder, 3800, |wanted| assert!(renewed(wanted), "a new CA"));
        put(&folder.join(CA), &ca, 0o644).expect("a file");
        in_days(&spec, folder, 3800, |wanted| {
            assert_eq!(wanted.due().expect("a folder"), Some("is of another CA"));
        });
    }

    #[test]
    fn a_certificate_of_ones_own_is_judged() {
        let top = tempfile::tempdir().expect("a folder");
        let folder = top.path();
        let own = spec(&[("balancer.tls-cert", "my.pem"), ("balancer.tls-key", "my.key")]);
        let certificate = |names: &[&str], from: u32, to: u32, key: &KeyPair| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let mut params = CertificateParams::new(names).expect("names");
            params.not_before = date_time_ymd(1970, 1, 1) + (NOW + DAY * from);
            params.not_after = date_time_ymd(1970, 1, 1) + (NOW + DAY * to);
            params.self_signed(key).expect("a certificate").pem()
        };
        let key = KeyPair::generate().expect("a key");
        put(&folder.join("my.key"), key.serialize_pem(), 0o600).expect("a file");
        let judged = |pem: &str| {
            put(&folder.join("my.pem"), pem, 0o644).expect("a file");
            let wanted = Wanted::new(&own, folder, "127.0.0.1", UNIX_EPOCH + NOW + DAY * 10).expect("https");
            wanted.due().map_err(|error| error.to_string())
        };
        let other = KeyPair::generate().expect("a key");
        for (pem, said) in [
            ("nothing".to_owned(), "is no certificate in PEM"),
            (certificate(&["a.b"], 0, 20, &other), "does not fit the private key `my.key`"),
            (certificate(&["a.b"], 0, 5, &key), "ended 5 days ago"),
            (certificate(&["a.b"], 15, 20, &key), "is not valid yet"),
            (certificate(&[], 0, 20, &key), "names no host"),
        ] {
            let error = judged(&pem).expect_err("it is no good");
            assert!(error.starts_with("balancer.tls-cert: `my.pem` ") && error.contains(said), "{error}");
        }
        assert_eq!(judged(&certificate(&["a.b"], 0, 20, &key)), Ok(Some("is another")));
        let in_domain = spec(&[
            ("balancer.tls-cert", "my.pem"),
            ("balancer.tls-key", "my.key"),
            ("domains", "s3.example.com"),
        ]);
        in_days(&in_domain, folder, 10, |wanted| {
            let error = wanted.due().expect_err("another domain").to_string();
            assert!(error.ends_with("`my.pem` names no bucket under the domain s3.example.com"), "{error}");
            put(&folder.join("my.pem"), certificate(&["*.s3.example.com"], 0, 20, &key), 0o644)
                .expect("a file");
            assert_eq!(wanted.due().expect("good"), Some("is another"));
        });
        judged(&certificate(&["a.b"], 0, 20, &key)).expect("good");
        in_days(&own, folder, 10, |wanted| assert!(!renewed(wanted)));
        assert_eq!(days_until_end(folder, UNIX_EPOCH + NOW + DAY * 10), Some(10));
        assert!(ca(folder).is_none());
        put(&folder.join("my.key"), "-----BEGIN EC PRIVATE KEY-----\n", 0o600).expect("a file");
        let error = judged(&certificate(&["a.b"], 0, 20, &key)).expect_err("no key");
        assert!(error.contains("balancer.tls-key: `my.key` is no private key in PKCS#8"), "{error}");
    }

    #[test]
    fn a_certificate_of_ones_own_names_the_host_where_https_alone_is_published() {
        let top = tempfile::tempdir().expect("a folder");
        let folder = top.path();
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["*.example.com".to_owned()]).expect("a name");
        params.not_after = date_time_ymd(1970, 1, 1) + (NOW + DAY * 20);
        put(&folder.join("my.pem"), params.self_signed(&key).expect("a certificate").pem(), 0o644)
            .expect("a file");
        put(&folder.join("my.key"), key.serialize_pem(), 0o600).expect("a file");
        let own = [("balancer.tls-cert", "my.pem"), ("balancer.tls-key", "my.key"), ("balancer.http", "off")];
        in_days(&spec(&own), folder, 0, |wanted| {
            let error = wanted.due().expect_err("a name that it has not").to_string();
            assert_eq!(
                error,
                "balancer.tls-cert: `my.pem` does not name `127.0.0.1`, where https alone is published"
            );
        });
        let named = [("ports.bind", "0.0.0.0"), ("ports.host", "S3.example.com")];
        let spec = spec(&[&own[..], &named].concat());
        in_days(&spec, folder, 0, |wanted| assert_eq!(wanted.due().expect("good"), Some("is another")));
    }

    #[test]
    fn a_bundle_holds_the_roots_of_the_system_and_the_ca_and_is_written_once() {
        let top = tempfile::tempdir().expect("a folder");
        let folder = top.path();
        assert_eq!(bundle(folder).expect("no CA yet"), None);
        in_days(&spec(&[]), folder, 0, |wanted| assert!(renewed(wanted)));
        let path = bundle(folder).expect("a folder").expect("a bundle");
        assert!(text(folder, BUNDLE).ends_with(&text(folder, CA)));
        let written = fs::metadata(&path).expect("a file").modified().expect("a time");
        bundle(folder).expect("a folder");
        assert_eq!(fs::metadata(&path).expect("a file").modified().expect("a time"), written);
    }

    #[test]
    fn what_ends_soon_is_reported() {
        assert_eq!(ending(30), None);
        assert_eq!(ending(29).as_deref(), Some("the certificate of https ends in 29 days"));
        assert_eq!(ending(0).as_deref(), Some("the certificate of https ends within a day"));
        assert_eq!(ending(-1).as_deref(), Some("the certificate of https has ended"));
    }
}
