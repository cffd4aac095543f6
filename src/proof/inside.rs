//! A signed PUT and GET of one gateway, sent inside its own container: no other request goes there yet, and its address
//! need not be reachable from this machine.

use std::time::Duration;

use anyhow::Result;
use rusty_s3::S3Action;

use super::{BUCKET, Prover};
use crate::engine::objects::Container;
use crate::error::{Status, status_of};
use crate::plan::S3_PORT;
use crate::s3::{Client, Endpoint, Key};

/// How long a signature is valid.
const SIGNED_FOR: Duration = Duration::from_secs(600);

/// How long the whole may take: a first request opens the gateway's connections to the OM and datanodes, and `curl`
/// waits 5 s for each of five.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads presigned URLs, a line each: to make a bucket, put, get and delete an object, to remove the bucket, and where
/// there are wrong secrets, to get the object with one. The argument is what the object holds.
const PROBE: &str = r#"
read -r make; read -r put; read -r get; read -r delete; read -r remove; read -r forged
# No list of processes shows what was signed.
ask() { url=$1; shift; echo "url = \"$url\"" | curl --silent --show-error --max-time 5 --config - "$@"; }
code() { ask "$@" --output /dev/null --write-out '%{http_code}'; }
code=$(code "$make" --request PUT)
case $code in 200 | 409) ;; *) echo "making a bucket: $code"; exit 1 ;; esac
code=$(code "$put" --request PUT --data-binary "$1")
[ "$code" = 200 ] || { echo "PUT: $code"; exit 1; }
got=$(ask "$get")
[ "$got" = "$1" ] || { echo "GET: another object came back"; exit 1; }
if [ -n "$forged" ]; then
    code=$(code "$forged")
    [ "$code" = 403 ] || { echo "GET with a wrong secret: $code"; exit 1; }
fi
code "$delete" --request DELETE >/dev/null
code "$remove" --request DELETE >/dev/null
"#;

/// Probes one gateway; what it met, where it did not serve.
///
/// # Errors
/// 130 when a person stopped it.
pub(super) fn probe(container: &Container, prover: &Prover<'_>) -> Result<Result<(), String>> {
    let endpoint = Endpoint::plain(&format!("http://127.0.0.1:{S3_PORT}"));
    let client = |key: &Key| Client::new(&endpoint, BUCKET, SIGNED_FOR, key);
    let (client, refused_user) = (client(&prover.key)?, prover.forged().map(|key| client(&key)).transpose()?);
    let (bucket, credentials) = client.signer();
    let forged = refused_user.as_ref().map(|refused_user| {
        let (bucket, credentials) = refused_user.signer();
        bucket.get_object(Some(credentials), &container.name).sign(SIGNED_FOR)
    });
    let key = container.name.as_str();
    let urls = [
        bucket.create_bucket(credentials).sign(SIGNED_FOR),
        bucket.put_object(Some(credentials), key).sign(SIGNED_FOR),
        bucket.get_object(Some(credentials), key).sign(SIGNED_FOR),
        bucket.delete_object(Some(credentials), key).sign(SIGNED_FOR),
        bucket.delete_bucket(credentials).sign(SIGNED_FOR),
    ];
    let purpose = format!("put through {}", container.name);
    let forged = forged.map(|url| url.to_string()).unwrap_or_default();
    // By the standard input, where no list of processes shows what was signed.
    let lines = format!("{}\n{forged}\n", urls.map(|url| url.to_string()).join("\n"));
    let engine = prover.engine;
    let ask =
        engine.command(&purpose, ["exec", "--interactive", &container.id, "sh", "-c", PROBE, "sh", key]);
    Ok(match engine.output(&ask.reading(lines).lasting(PATIENCE)) {
        Ok(finished) if finished.status.success() => Ok(()),
        Ok(finished) => Err(format!("{}{}", finished.stdout.trim(), finished.stderr.trim())),
        Err(error) if status_of(&error) == Status::Interrupted => return Err(error),
        Err(error) => Err(error.to_string()),
    })
}
