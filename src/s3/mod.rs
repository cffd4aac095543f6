//! A signed S3 client for probes: small objects, deadlines, and which gateway answered.
//!
//! Knows nothing of clusters, containers or HAProxy: an address is all it gets.

pub mod smoke;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail};
use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use ureq::Agent;
use ureq::http::{Method, Request};

/// Any key opens a cluster without security; these say in its audit log who came.
pub const ACCESS_KEY: &str = "ozone-compose";
/// The secret to it.
pub const SECRET_KEY: &str = "ozone-compose";
/// Ozone has no regions; clients want one.
pub const REGION: &str = "us-east-1";

/// The header in which the balancer names the gateway.
const SERVED_BY: &str = "x-served-by";

/// The bucket that [`await_answer`] asks for. It need not be there: that it is not is an answer as well.
const ASKED_BUCKET: &str = "ozone-compose-env";

/// Pause after an answer of 5xx: another gateway may do better.
const PAUSE: Duration = Duration::from_millis(200);

/// With less time than this there is no other try, since the lack of time and not the cluster would fail it.
const SHORTEST_TRY: Duration = Duration::from_secs(1);

/// How long a signature holds: longer than any deadline here.
const SIGNED_FOR: Duration = Duration::from_secs(3600);

/// One bucket of one endpoint.
#[derive(Clone, Debug)]
pub struct Client {
    bucket: Bucket,
    credentials: Credentials,
    agent: Agent,
    deadline: Duration,
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
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the request did what it was for.
    #[must_use]
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Who answered, for a sentence: "gateway `s3g2`", or the balancer when no gateway did.
    #[must_use]
    pub fn sender(&self) -> String {
        self.gateway.as_ref().map_or_else(|| "the balancer".to_owned(), |name| format!("gateway `{name}`"))
    }

    /// The status with the code of S3's error, where there is one: `404 NoSuchBucket`.
    #[must_use]
    pub fn verdict(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        code.map_or_else(|| self.status.to_string(), |(code, _)| format!("{} {code}", self.status))
    }
}

impl Client {
    /// A client whose every request ends within `deadline`: an OM that is not ready blocks rather than refuses.
    pub fn new(endpoint: &str, bucket: &str, deadline: Duration) -> Result<Self> {
        let url = endpoint.parse().with_context(|| format!("{endpoint} is not a URL"))?;
        let bucket = Bucket::new(url, UrlStyle::Path, bucket.to_owned(), REGION)?;
        // Each request on a connection of its own, so that the balancer chooses a gateway for each.
        let agent = Agent::config_builder()
            .timeout_global(Some(deadline))
            .http_status_as_error(false)
            .max_idle_connections(0)
            .proxy(None)
            .build();
        let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY);
        Ok(Self { bucket, credentials, agent: agent.into(), deadline })
    }

    /// Makes the bucket; one that is there already is as good.
    pub fn make_bucket(&self) -> Result<Answer> {
        let answer = self.send(&self.bucket.create_bucket(&self.credentials), &[])?;
        Ok(Answer { status: if answer.status == 409 { 200 } else { answer.status }, ..answer })
    }

    /// Removes the bucket, which must be empty.
    pub fn remove_bucket(&self) -> Result<Answer> {
        self.send(&self.bucket.delete_bucket(&self.credentials), &[])
    }

    /// Writes an object.
    pub fn put(&self, key: &str, body: &[u8]) -> Result<Answer> {
        self.send(&self.bucket.put_object(Some(&self.credentials), key), body)
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
    pub fn fetch(&self, method: Method, url: &str, body: &[u8]) -> Result<Answer> {
        let late = |error: ureq::Error| match error {
            ureq::Error::Timeout(_) => {
                Error::from(error).context(format!("no answer within {:.1} s", self.deadline.as_secs_f64()))
            }
            error => error.into(),
        };
        let request = Request::builder().method(method).uri(url).body(body)?;
        let mut response = self.agent.run(request).map_err(late)?;
        let header = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (gateway, etag) = (header(SERVED_BY), header("etag"));
        let length = header("content-length").and_then(|length| length.parse().ok());
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_vec().map_err(late)?;
        Ok(Answer { status, gateway, etag, length, body })
    }
}

/// Asks an endpoint one signed question, to list a bucket, until it answers as an S3 service with its metadata
/// at hand does.
///
/// # Errors
/// With what came instead: at once when nobody listens, after `deadline` when the answer is late or a 5xx.
pub fn await_answer(endpoint: &str, deadline: Duration) -> Result<()> {
    let end = Instant::now() + deadline;
    loop {
        let client = Client::new(endpoint, ASKED_BUCKET, end.saturating_duration_since(Instant::now()))?;
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

/// An unsigned GET of a page of the cluster's own, such as JMX or statistics; none where it does not answer.
#[must_use]
pub fn page(url: &str) -> Option<String> {
    let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(2))).proxy(None).build();
    Agent::from(config).get(url).call().ok()?.body_mut().read_to_string().ok()
}
