//! What each check does: it sends requests until it is done, and returns what it did, or until its first fault.

use std::time::{Duration, Instant};

use anyhow::Result;
use rusty_s3::actions::{
    CompleteMultipartUploadResponse, CreateMultipartUpload, ListObjectsV2, ListObjectsV2Response, S3Action,
};
use ureq::http::Method;

use super::super::{Answer, Client, SIGNED_FOR};
use super::trial::{Fault, Trial, pattern, same};

/// Small objects, by key and bytes: one without any, and a key whose signature breaks if it is rewritten on the
/// way. No letter beyond ASCII: an OM in a container without a locale refuses it, whatever gateway it comes from.
const SMALL: [(&str, usize); 3] = [("small/empty", 0), ("small/é b+c=~(1)", 1), ("small/page", 4096)];

/// Ozone takes no smaller part but the last.
const PART_BYTES: usize = 5 * 1024 * 1024;
/// 20 MiB in all.
const PARTS: usize = 4;
/// Times that a part is sent per gateway to meet one that has had none.
const PART_TRIES: usize = 4;

/// Requests per gateway in which each must answer. With `balance random` too: one run in 10^8 misses one.
const ROUNDS: usize = 20;

/// How long making or removing the bucket may take where requests have to be repeated.
const PATIENCE: Duration = Duration::from_secs(45);

pub(super) fn make_bucket(trial: &mut Trial) -> Result<String, Fault> {
    let bucket = trial.client.signer().0.name();
    let end = Instant::now() + PATIENCE;
    let tries = trial.insist("making the bucket", end, Answer::is_good, Client::make_bucket)?;
    Ok(format!("made `{bucket}`{}", if tries > 1 { format!(" at try {tries}") } else { String::new() }))
}

pub(super) fn put(trial: &mut Trial) -> Result<String, Fault> {
    for (key, bytes) in SMALL {
        trial.put(key, &pattern(key, bytes))?;
    }
    Ok(format!("{} objects of up to 4 KiB", SMALL.len()))
}

pub(super) fn get(trial: &mut Trial) -> Result<String, Fault> {
    for (key, bytes) in SMALL {
        trial.get(key, &pattern(key, bytes))?;
    }
    Ok("the bytes that were put".to_owned())
}

pub(super) fn head(trial: &mut Trial) -> Result<String, Fault> {
    let (bucket, credentials) = trial.client.signer();
    for (key, bytes) in SMALL {
        let what = format!("HEAD of `{key}`");
        let answer =
            trial.good(&what, trial.client.send(&bucket.head_object(Some(credentials), key), &[]))?;
        if answer.length != Some(bytes as u64) {
            let length = answer.length.map_or("no".to_owned(), |length| length.to_string());
            return Err(Fault::of(&answer, &format!("{what}: {length} bytes instead of {bytes}")));
        }
    }
    Ok("the lengths that were put".to_owned())
}

pub(super) fn list(trial: &mut Trial) -> Result<String, Fault> {
    let (bucket, credentials) = trial.client.signer();
    let mut action = bucket.list_objects_v2(Some(credentials));
    action.with_prefix("small/");
    let answer = trial.good("listing", trial.client.send(&action, &[]))?;
    let page: ListObjectsV2Response = parsed("listing", &answer, ListObjectsV2::parse_response)?;
    let mut listed: Vec<_> = page.contents.into_iter().map(|object| (object.key, object.size)).collect();
    let mut expected = SMALL.map(|(key, bytes)| (key.to_owned(), Some(bytes as u64)));
    listed.sort();
    expected.sort();
    if listed != expected {
        return Err(Fault::of(&answer, &format!("listing: {listed:?} instead of {expected:?}")));
    }
    Ok(format!("{} keys with their sizes", SMALL.len()))
}

pub(super) fn delete(trial: &mut Trial) -> Result<String, Fault> {
    for (key, _) in SMALL {
        trial.good(&format!("DELETE of `{key}`"), trial.client.delete(key))?;
        let what = format!("GET of `{key}`, which was deleted");
        let answer = trial.answer(&what, trial.client.get(key))?;
        if answer.status != 404 {
            return Err(Fault::of(&answer, &format!("{what}: {} instead of 404", answer.verdict())));
        }
    }
    Ok("404 afterwards".to_owned())
}

pub(super) fn multipart(trial: &mut Trial) -> Result<String, Fault> {
    let (bucket, credentials) = trial.client.signer();
    let key = "large";
    trial.will_write(key);
    let create = bucket.create_multipart_upload(Some(credentials), key);
    let answer = trial.good("beginning the upload", trial.client.send(&create, &[]))?;
    let upload = parsed("beginning the upload", &answer, CreateMultipartUpload::parse_response)?;
    let result = upload_and_read(trial, key, upload.upload_id());
    if result.is_err() {
        // An open upload would keep the bucket from being removed. One that was completed refuses this.
        let abort = bucket.abort_multipart_upload(Some(credentials), key, upload.upload_id());
        let _ = trial.client.send(&abort, &[]);
    }
    result
}

fn upload_and_read(trial: &mut Trial, key: &str, id: &str) -> Result<String, Fault> {
    let (bucket, credentials) = trial.client.signer();
    let whole = pattern(key, PARTS * PART_BYTES);
    let (mut etags, mut servers) = (Vec::new(), Vec::new());
    for (number, part) in (1..).zip(whole.chunks(PART_BYTES)) {
        let answer = upload_part(trial, key, id, number, part, &servers)?;
        servers.extend(answer.gateway.clone().filter(|name| !servers.contains(name)));
        let missing = || Fault::of(&answer, &format!("part {number}: no ETag"));
        etags.push(answer.etag.clone().ok_or_else(missing)?);
    }
    if servers.len() < trial.names.len().min(2) {
        return Err(Fault::new(format!("all parts went through {}", servers.join(", "))));
    }
    let what = "completing the upload";
    let complete =
        bucket.complete_multipart_upload(Some(credentials), key, id, etags.iter().map(String::as_str));
    let body = complete.clone().body();
    let answer = trial.good(what, trial.client.send(&complete, body.as_bytes()))?;
    // A 200 may still carry an error.
    parsed(what, &answer, CompleteMultipartUploadResponse::parse)?;
    trial.get(key, &whole)?;
    Ok(match servers.len() {
        0 => format!("20 MiB in {PARTS} parts; the balancer does not say through which gateways"),
        count => format!("20 MiB in {PARTS} parts through {}", counted(count, "gateway")),
    })
}

/// Sends a part, again while there are gateways that have had none and it went through none of them; the last one
/// sent counts.
fn upload_part(
    trial: &mut Trial,
    key: &str,
    id: &str,
    number: u16,
    part: &[u8],
    servers: &[String],
) -> Result<Answer, Fault> {
    let (bucket, credentials) = trial.client.signer();
    let (client, what) = (trial.client, format!("part {number}"));
    let action = bucket.upload_part(Some(credentials), key, number, id);
    let mut answer = trial.good(&what, client.send(&action, part))?;
    for _ in 0..PART_TRIES * trial.names.len() {
        let is_fresh = answer.gateway.as_ref().is_some_and(|name| !servers.contains(name));
        if is_fresh || servers.len() >= trial.names.len() {
            break;
        }
        answer = trial.good(&what, client.send(&action, part))?;
    }
    Ok(answer)
}

pub(super) fn cross_gateway(trial: &mut Trial) -> Result<String, Fault> {
    let body = pattern("cross", 4096);
    let writer = trial.put("cross", &body)?.gateway.unwrap_or_default();
    // From here on, so that the writer too must read.
    trial.count_from_here();
    let count = ROUNDS * trial.names.len();
    for _ in 0..count {
        if trial.unused().is_empty() {
            break;
        }
        trial.get("cross", &body)?;
    }
    none_unused(trial, count)?;
    Ok(format!("written through {writer}, read through it and every other"))
}

pub(super) fn presigned(trial: &mut Trial) -> Result<String, Fault> {
    let (bucket, credentials) = trial.client.signer();
    let (client, key, body) = (trial.client, "presigned", pattern("presigned", 4096));
    trial.will_write(key);
    // `fetch` adds nothing: a client that has the URL, and no key, may do what it says.
    let url = bucket.put_object(Some(credentials), key).sign(SIGNED_FOR);
    trial.good("PUT to a presigned URL", client.fetch(Method::PUT, url.as_str(), &body))?;
    let url = bucket.get_object(Some(credentials), key).sign(SIGNED_FOR);
    let what = "GET of a presigned URL";
    let answer = trial.good(what, client.fetch(Method::GET, url.as_str(), &[]))?;
    same(what, &answer, &body)?;
    Ok("PUT and GET by a client without keys".to_owned())
}

pub(super) fn virtual_host(trial: &mut Trial) -> Result<String, Fault> {
    let bucket = trial.client.signer().0.name();
    let mut hosts = Vec::new();
    for domain in trial.domains {
        let (key, host) = (format!("under/{domain}"), format!("{bucket}.{domain}"));
        let body = pattern(&key, 4096);
        let there = trial.client.under(domain).map_err(|error| Fault::new(format!("{host}: {error}")))?;
        trial.will_write(&key);
        trial.good(&format!("PUT of `{key}` to {host}"), there.put(&key, &body))?;
        trial.get(&key, &body)?;
        // From here on, since each gateway must know the domain.
        trial.count_from_here();
        let count = ROUNDS * trial.names.len().max(1);
        for _ in 0..count {
            let what = format!("GET of `{key}` from {host}");
            let answer = trial.good(&what, there.get(&key))?;
            same(&what, &answer, &body)?;
            if trial.unused().is_empty() {
                break;
            }
        }
        none_unused(trial, count)?;
        hosts.push(format!("*.{domain}"));
    }
    Ok(format!("through each gateway as {}, and the same object in path style", hosts.join(", ")))
}

pub(super) fn distribution(trial: &mut Trial) -> Result<String, Fault> {
    let body = pattern("spread", 1024);
    trial.put("spread", &body)?;
    trial.count_from_here();
    let count = ROUNDS * trial.names.len();
    for _ in 0..count {
        trial.get("spread", &body)?;
    }
    none_unused(trial, count)?;
    Ok(format!("{count} requests over {}", counted(trial.names.len(), "gateway")))
}

/// Every gateway refuses a user who must not read or write here.
pub(super) fn refusal(trial: &mut Trial, refused_user: &Client) -> Result<String, Fault> {
    let count = ROUNDS * trial.names.len().max(1);
    for number in 0..count {
        for (what, answer) in
            [("PUT", refused_user.put("refused", b"no")), ("GET", refused_user.get("small/page"))]
        {
            let answer = trial.answer(what, answer)?;
            if answer.status != 403 {
                return Err(Fault::of(&answer, &format!("{what}: {} instead of 403", answer.verdict())));
            }
        }
        if number > 0 && trial.unused().is_empty() {
            break;
        }
    }
    none_unused(trial, count)?;
    Ok("403 to PUT and GET".to_owned())
}

pub(super) fn removal(trial: &mut Trial) -> Result<String, Fault> {
    let end = Instant::now() + PATIENCE;
    let bucket = trial.client.signer().0.name();
    let is_gone = |answer: &Answer| answer.is_good() || answer.status == 404;
    let mut results = Vec::new();
    for key in trial.take_written() {
        let what = format!("DELETE of `{key}`");
        results.push(trial.insist(&what, end, is_gone, |client| client.delete(&key)));
    }
    results.push(trial.insist("DELETE of the bucket", end, is_gone, Client::remove_bucket));
    let all: Result<Vec<usize>, Fault> = results.into_iter().collect();
    all.map_err(|fault| fault.meaning(&format!("bucket `{bucket}` is left")))?;
    Ok("nothing is left".to_owned())
}

fn none_unused(trial: &Trial, count: usize) -> Result<(), Fault> {
    let unused = trial.unused();
    if unused.is_empty() {
        return Ok(());
    }
    let gateway = unused.first().map(|name| (*name).to_owned());
    let message = format!("{count} requests, and none through {}", unused.join(", "));
    Err(Fault::Failed { message, gateway })
}

fn parsed<T, E: std::fmt::Display>(
    what: &str,
    answer: &Answer,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Fault> {
    let text = String::from_utf8_lossy(&answer.body);
    parse(&text)
        .map_err(|error| Fault::of(answer, &format!("{what}: an answer that cannot be read, {error}")))
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
