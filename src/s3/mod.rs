//! A signed S3 client for probes: small objects, deadlines, and which gateway answered.
//!
//! Does not know clusters, containers or HAProxy: it only gets an address.

pub mod bench;
mod key;
pub mod smoke;
pub mod variables;

use std::fs::File;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use ureq::http::{Method, Request};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, AsSendBody};

use crate::interrupt::Interrupt;
pub use key::Key;

/// This tool's own access key, which identifies it in an audit log.
pub const ACCESS_KEY: &str = "ozone-compose";
/// The secret to it in a cluster without security, which any secret opens.
const SECRET_KEY: &str = "ozone-compose";
/// Ozone has no regions; clients want one.
pub const REGION: &str = "us-east-1";

/// The header in which the balancer names the gateway.
const SERVED_BY: &str = "x-served-by";

/// The bucket that [`await_answer`] requests. It need not exist: that it does not is an answer as well.
const PROBED_BUCKET: &str = "ozone-compose-env";

/// Pause after an answer of 5xx: another gateway may succeed.
const PAUSE: Duration = Duration::from_millis(200);

/// With less time than this there is no other try, since the lack of time and not the cluster would fail it.
const SHORTEST_TRY: Duration = Duration::from_secs(1);

/// By how much S3 lets the clocks of client and service differ.
const LARGEST_SKEW: SignedDuration = SignedDuration::from_mins(15);

/// How long a signature is valid: longer than any deadline here.
const SIGNED_FOR: Duration = Duration::from_secs(3600);

/// Where S3 answers, and the roots that a client trusts over https.
#[derive(Clone, Debug)]
pub struct Endpoint {
    url: String,
    roots: Vec<Certificate<'static>>,
}

impl Endpoint {
    /// An endpoint; over https it must show a certificate by one of those in `roots`, PEM.
    #[must_use]
    pub fn new(url: &str, roots: &str) -> Self {
        let certificates = parse_pem(roots.as_bytes()).filter_map(Result::ok);
        let certificate = |item| if let PemItem::Certificate(one) = item { Some(one) } else { None };
        Self { url: url.to_owned(), roots: certificates.filter_map(certificate).collect() }
    }

    /// An endpoint over http.
    #[must_use]
    pub fn plain(url: &str) -> Self {
        Self::new(url, "")
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn tls(&self) -> TlsConfig {
        let roots = RootCerts::Specific(Arc::new(self.roots.clone()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build()
    }
}

/// One bucket of one endpoint.
#[derive(Clone, Debug)]
pub struct Client {
    bucket: Bucket,
    credentials: Credentials,
    agent: Agent,
    deadline: Duration,
    /// Host and port that requests are sent to; none where the URL says so.
    place: Option<String>,
}

/// What came back, whatever the status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The gateway that answered, where the balancer says.
    pub gateway: Option<String>,
    /// The `ETag`, as it came.
    pub etag: Option<String>,
    /// The `Content-Length` in bytes; all there is of a body in the answer to a HEAD.
    pub length: Option<u64>,
    /// How far the clock of what answered is ahead of this machine's; none where it does not say.
    pub ahead: Option<SignedDuration>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the request succeeded.
    #[must_use]
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What answered, for a sentence: "gateway `s3g2`", or the balancer when no gateway did.
    #[must_use]
    pub fn sender(&self) -> String {
        self.gateway.as_ref().map_or_else(|| "the balancer".to_owned(), |name| format!("gateway `{name}`"))
    }

    /// The status with the code of S3's error, where there is one, and with what refuses good signatures: `404
    /// NoSuchBucket`, `403 AccessDenied (its clock is 2 h ahead of this machine's, ...)`.
    #[must_use]
    pub fn verdict(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        let verdict =
            code.map_or_else(|| self.status.to_string(), |(code, _)| format!("{} {code}", self.status));
        let skew =
            self.ahead.filter(|ahead| [400, 403].contains(&self.status) && ahead.abs() >= LARGEST_SKEW);
        let Some(ahead) = skew else { return verdict };
        let side = if ahead.is_positive() { "ahead of" } else { "behind" };
        let minutes = SignedDuration::from_mins(ahead.abs().as_mins());
        format!(
            "{verdict} (its clock is {minutes:#} {side} this machine's; a signature is valid only near its own time)"
        )
    }
}

impl Client {
    /// A client whose every request ends within `deadline`: an OM that is not ready blocks rather than refuses.
    pub fn new(endpoint: &Endpoint, bucket: &str, deadline: Duration, key: &Key) -> Result<Self> {
        let url = endpoint.url.parse().with_context(|| format!("{} is not a URL", endpoint.url))?;
        let bucket = Bucket::new(url, UrlStyle::Path, bucket.to_owned(), REGION)?;
        // Each request on a connection of its own, so that the balancer chooses a gateway for each.
        let agent = Agent::config_builder()
            .timeout_global(Some(deadline))
            .http_status_as_error(false)
            .max_idle_connections(0)
            .proxy(None)
            .tls_config(endpoint.tls())
            .build();
        let credentials = Credentials::new(&key.access, key.secret());
        Ok(Self { bucket, credentials, agent: agent.into(), deadline, place: None })
    }

    /// A client of the same bucket at the same place, which names the bucket in the host, under a domain. No name
    /// server is queried.
    pub fn under(&self, domain: &str) -> Result<Self> {
        let base = self.bucket.base_url();
        let port = base.port_or_known_default().unwrap_or_default();
        let place = format!("{}:{port}", base.host_str().unwrap_or_default());
        let url = format!("{}://{domain}:{port}", base.scheme()).parse()?;
        let bucket = Bucket::new(url, UrlStyle::VirtualHost, self.bucket.name().to_owned(), REGION)?;
        Ok(Self { bucket, place: Some(place), ..self.clone() })
    }

    /// Makes the bucket; the answer is 409 where it exists already.
    pub fn create_bucket(&self) -> Result<Answer> {
        self.send(&self.bucket.create_bucket(&self.credentials), &[])
    }

    /// Makes the bucket; one that exists already is no error.
    pub fn make_bucket(&self) -> Result<Answer> {
        let answer = self.create_bucket()?;
        Ok(Answer { status: if answer.status == 409 { 200 } else { answer.status }, ..answer })
    }

    /// Checks whether the bucket exists.
    pub fn head_bucket(&self) -> Result<Answer> {
        self.send(&self.bucket.head_bucket(Some(&self.credentials)), &[])
    }

    /// Removes the bucket, which must be empty.
    pub fn remove_bucket(&self) -> Result<Answer> {
        self.send(&self.bucket.delete_bucket(&self.credentials), &[])
    }

    /// Writes an object.
    pub fn put(&self, key: &str, body: &[u8]) -> Result<Answer> {
        self.send(&self.bucket.put_object(Some(&self.credentials), key), body)
    }

    /// Writes a file as an object, without holding it in memory.
    pub fn put_file(&self, key: &str, file: &File) -> Result<Answer> {
        let put = self.bucket.put_object(Some(&self.credentials), key);
        self.fetch(Method::PUT, put.sign(SIGNED_FOR).as_str(), file)
    }

    /// Checks whether an object exists, and how long it is.
    pub fn head(&self, key: &str) -> Result<Answer> {
        self.send(&self.bucket.head_object(Some(&self.credentials), key), &[])
    }

    /// Reads an object.
    pub fn get(&self, key: &str) -> Result<Answer> {
        self.send(&self.bucket.get_object(Some(&self.credentials), key), &[])
    }

    /// Removes an object.
    pub fn delete(&self, key: &str) -> Result<Answer> {
        self.send(&self.bucket.delete_object(Some(&self.credentials), key), &[])
    }

    /// Any other request on this bucket, by an action of `rusty_s3`.
    pub fn send<'a, A: S3Action<'a>>(&self, action: &A, body: &[u8]) -> Result<Answer> {
        let method = match A::METHOD {
            rusty_s3::Method::Head => Method::HEAD,
            rusty_s3::Method::Get => Method::GET,
            rusty_s3::Method::Post => Method::POST,
            rusty_s3::Method::Put => Method::PUT,
            rusty_s3::Method::Delete => Method::DELETE,
        };
        self.fetch(method, action.sign(SIGNED_FOR).as_str(), body)
    }

    /// The bucket and credentials, to build actions with.
    #[must_use]
    pub fn signer(&self) -> (&Bucket, &Credentials) {
        (&self.bucket, &self.credentials)
    }

    /// A request to a URL that is signed already.
    pub fn fetch(&self, method: Method, url: &str, body: impl AsSendBody) -> Result<Answer> {
        let late = |error: ureq::Error| match error {
            ureq::Error::Timeout(_) => {
                Error::from(error).context(format!("no answer within {:.1} s", self.deadline.as_secs_f64()))
            }
            error => error.into(),
        };
        let request = Request::builder().method(method);
        let request = match &self.place {
            None => request.uri(url),
            Some(place) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                request.uri(format!("{scheme}://{place}/{path}")).header("Host", host)
            }
        };
        let request = request.body(body)?;
        let mut response = self.agent.run(request).map_err(late)?;
        let header = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (gateway, etag) = (header(SERVED_BY), header("etag"));
        let length = header("content-length").and_then(|length| length.parse().ok());
        let date = header("date").and_then(|date| rfc2822::parse(&date).ok());
        let ahead = date.map(|date| date.timestamp().duration_since(Timestamp::now()));
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_vec().map_err(late)?;
        Ok(Answer { status, gateway, etag, length, ahead, body })
    }
}

/// Sends an endpoint one signed request, to list a bucket, until it answers as an S3 service whose metadata is
/// available.
///
/// # Errors
/// With what came instead: at once when nothing listens, after `deadline` when the answer is late or a 5xx.
pub fn await_answer(endpoint: &Endpoint, deadline: Duration, key: &Key) -> Result<()> {
    let end = Instant::now() + deadline;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let client = Client::new(endpoint, PROBED_BUCKET, left, key)?;
        let answer = client.send(&client.bucket.list_objects_v2(Some(&client.credentials)), &[])?;
        let verdict = answer.verdict();
        let is_listing = || ListObjectsV2::parse_response(&String::from_utf8_lossy(&answer.body)).is_ok();
        if verdict == "404 NoSuchBucket" || (answer.is_good() && is_listing()) {
            return Ok(());
        }
        if answer.is_good() {
            bail!("what answered there is not S3");
        }
        if answer.status < 500 || Instant::now() + PAUSE + SHORTEST_TRY > end {
            bail!("{} answered {verdict}", answer.sender());
        }
        thread::sleep(PAUSE);
    }
}

/// Repeats a request until its answer is no 5xx, for `patience` at most; it must be safe to repeat.
///
/// # Errors
/// When the last try had no answer, or when a person stopped the run.
pub fn insist(patience: Duration, interrupt: &Interrupt, ask: impl Fn() -> Result<Answer>) -> Result<Answer> {
    let end = Instant::now() + patience;
    loop {
        interrupt.check()?;
        match ask() {
            Ok(answer) if answer.status < 500 => return Ok(answer),
            last if Instant::now() + PAUSE + SHORTEST_TRY > end => return last,
            _ => thread::sleep(PAUSE),
        }
    }
}

/// An unsigned GET of a page of the cluster's own, such as JMX or statistics; none where it does not answer.
#[must_use]
pub fn page(url: &str) -> Option<String> {
    let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(2))).proxy(None).build();
    Agent::from(config).get(url).call().ok()?.body_mut().read_to_string().ok()
}
