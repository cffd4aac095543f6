//! A signed PUT and GET of one gateway, asked inside its own container: no request of anybody else goes there yet, and
//! its address need not be reachable from this machine.

use std::time::Duration;

use anyhow::{Result, bail};
use rusty_s3::S3Action;

use crate::engine::containers::Container;
use crate::engine::{Invocation, Runner};
use crate::plan::S3_PORT;
use crate::ready::BUCKET;
use crate::s3::Client;

/// How long a signature holds.
const SIGNED_FOR: Duration = Duration::from_secs(600);

/// How long the whole may take: a first request opens the gateway's connections to the OM and datanodes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Arguments are presigned URLs to make a bucket, put, get and delete an object, and remove the bucket; then the object.
const PROBE: &str = r#"
ask() { curl --silent --show-error --max-time 5 --output /dev/null --write-out '%{http_code}' "$@"; }
code=$(ask --request PUT "$1")
case $code in 200 | 409) ;; *) echo "making a bucket: $code"; exit 1 ;; esac
code=$(ask --request PUT --data-binary "$6" "$2")
[ "$code" = 200 ] || { echo "PUT: $code"; exit 1; }
got=$(curl --silent --show-error --max-time 5 "$3")
[ "$got" = "$6" ] || { echo "GET: another object came back"; exit 1; }
ask --request DELETE "$4" >/dev/null
ask --request DELETE "$5" >/dev/null
"#;

/// Proves one gateway.
///
/// # Errors
/// With what it answered.
pub(super) fn probe(container: &Container, runner: &Runner) -> Result<()> {
    let client = Client::new(&format!("http://127.0.0.1:{S3_PORT}"), BUCKET, PATIENCE)?;
    let (bucket, credentials) = client.signer();
    let key = container.name.as_str();
    let urls = [
        bucket.create_bucket(credentials).sign(SIGNED_FOR),
        bucket.put_object(Some(credentials), key).sign(SIGNED_FOR),
        bucket.get_object(Some(credentials), key).sign(SIGNED_FOR),
        bucket.delete_object(Some(credentials), key).sign(SIGNED_FOR),
        bucket.delete_bucket(credentials).sign(SIGNED_FOR),
    ];
    let purpose = format!("put through {}", container.name);
    let ask = Invocation::docker(&purpose, ["exec", &container.id, "sh", "-c", PROBE, "sh"])
        .with(urls.iter().map(ToString::to_string))
        .with([key]);
    let finished = runner.ask_within(PATIENCE, &ask)?;
    if finished.status.success() {
        return Ok(());
    }
    bail!("{}{}", finished.stdout.trim(), finished.stderr.trim())
}
