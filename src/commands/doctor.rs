//! `doctor`: whether this machine can run the cluster, and what to do where it cannot.

use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Result;
use serde_json::json;

use super::Context;
use super::request::{automatic, numbered, unreadable};
use super::status::renewal;
use crate::cli::{self, Format};
use crate::error::{Failure, Status};
use crate::plan::requirements::Requirements;
use crate::preflight::{Check, Verdict, first_bad, names, preflight};
use crate::site::{Site, choices_in, not_ours_to_run};
use crate::spec::Spec;
use crate::tls::{self, Wanted};
use crate::ui::table;
use crate::workspace::Folder;

/// Runs the verb.
pub fn run(arguments: &cli::Doctor, context: &Context) -> Result<Status> {
    let spec = spec(&arguments.folder.folder, context)?;
    let mut needs = Requirements::new(&spec);
    // For these `up` finds free ones.
    let automatic = automatic(&context.environment);
    needs.ports.retain(|need| !automatic.iter().any(|option| option.key == need.key));
    let mut checks = preflight(&context.engine, &needs);
    checks.extend(files(&Folder::to_read(&arguments.folder.folder))?);
    let site = Site::new(spec, &arguments.folder.folder);
    checks.extend(certificate(&site, context));
    let bucket = site.spec.buckets.first().map_or("bucket", |bucket| bucket.name.as_str());
    checks.extend(names(&site.spec.domains, bucket, address(&site, context)));
    match arguments.format {
        Format::Table => {
            context.ui.data(&as_table(&checks))?;
            context.ui.say(&format!(
                "these checks are of this machine; `{}` is of the cluster",
                site.command("status")
            ));
        }
        Format::Json => context.ui.object("doctor", &json!({ "checks": checks }))?,
    }
    Ok(first_bad(&checks).map_or(Status::Done, |check| check.status))
}

/// The address on which clients reach S3; none where only its host's name is known.
fn address(site: &Site, context: &Context) -> Option<IpAddr> {
    let bind = site.spec.ports.bind.ip();
    let host = site.host(&context.engine);
    if bind.is_unspecified() { host.trim_matches(['[', ']']).parse().ok() } else { Some(bind) }
}

/// What the folder's file chooses, or the defaults where there is none.
fn spec(path: &Path, context: &Context) -> Result<Spec> {
    let folder = Folder::to_read(path);
    let kept = choices_in(&folder)?.unwrap_or_default();
    let spec = Spec::resolve(&kept.overlaid_by(numbered(&context.environment, path)?), &folder.name())?;
    if spec.in_containers() { Ok(spec) } else { Err(not_ours_to_run(path).into()) }
}

/// A finding for each file that HAProxy may not read.
fn files(folder: &Folder) -> Result<Vec<Check>> {
    let check = |(path, chmod): (String, String)| {
        let finding = format!("HAProxy, which runs as another user, may not read `{path}`");
        Check::bad("files", Status::Failed, finding, format!("`{chmod}` lets it"))
    };
    Ok(unreadable(folder)?.into_iter().map(check).collect())
}

/// A finding for a certificate that is bad, or expires soon.
fn certificate(site: &Site, context: &Context) -> Option<Check> {
    site.spec.balancer.tls.as_ref()?;
    let now = SystemTime::now();
    if let Err(error) = Wanted::new(&site.spec, &site.folder, &site.host(&context.engine), now)?.due() {
        let failure = error.downcast_ref::<Failure>();
        let advice = failure.map(|failure| failure.hint.clone()).unwrap_or_default();
        return Some(Check::bad("certificate", Status::Failed, format!("{error:#}"), advice));
    }
    let days = tls::days_until_end(&site.folder, now)?;
    Some(match tls::ending(days) {
        Some(finding) if days < 0 => Check::bad("certificate", Status::Failed, finding, renewal(site)),
        Some(finding) => Check::warning("certificate", finding, renewal(site)),
        None => Check::good("certificate", format!("that of https is good for {days} days")),
    })
}

fn as_table(checks: &[Check]) -> String {
    let mut rows = Vec::new();
    for check in checks {
        let verdict = match check.verdict {
            Verdict::Good => "good",
            Verdict::Warning => "warning",
            Verdict::Bad => "BAD",
        };
        rows.push([check.name.to_owned(), verdict.to_owned(), check.finding.clone()]);
        if !check.advice.is_empty() {
            rows.push([String::new(), String::new(), format!("-> {}", check.advice)]);
        }
    }
    table(["CHECK", "VERDICT", "FINDING"], &rows)
}
