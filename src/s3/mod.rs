//! A signed S3 client for probes: small objects, deadlines, and which gateway answered.

use std::time::Duration;

use anyhow::{Context, Result};
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

/// How long a signature holds: longer than any deadline here.
const SIGNED_FOR: Duration = Duration::from_secs(3600);

/// One bucket of one endpoint.
#[derive(Clone, Debug)]
pub struct Client {
    bucket: Bucket,
    credentials: Credentials,
    agent: Agent,
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
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the request did what it was for.
    #[must_use]
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
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
        Ok(Self { bucket, credentials: Credentials::new(ACCESS_KEY, SECRET_KEY), agent: agent.into() })
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
        let mut response = self.agent.run(Request::builder().method(method).uri(url).body(body)?)?;
        let header = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (gateway, etag) = (header(SERVED_BY), header("etag"));
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
        Ok(Answer { status, gateway, etag, body })
    }
}

/// An unsigned GET of a page of the cluster's own, such as JMX or statistics; none where it does not answer.
#[must_use]
pub fn page(url: &str) -> Option<String> {
    let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(2))).proxy(None).build();
    Agent::from(config).get(url).call().ok()?.body_mut().read_to_string().ok()
}
