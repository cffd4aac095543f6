//! `doctor`: whether this machine can run the cluster, and what to do where it cannot.

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::Context;
use crate::cli::{self, Format};
use crate::cluster::not_ours_to_run;
use crate::engine::preflight::{Check, Verdict, first_bad, preflight};
use crate::error::Status;
use crate::plan::needs::Needs;
use crate::spec::choices::FILE_NAME;
use crate::spec::{Spec, file};
use crate::ui::table;
use crate::workspace::Folder;

/// Runs the verb.
pub fn run(arguments: &cli::Doctor, context: &Context) -> Result<Status> {
    let spec = spec(&arguments.folder.folder, context)?;
    let checks = preflight(&context.runner, &Needs::new(&spec));
    match arguments.format {
        Format::Table => context.ui.data(&as_table(&checks))?,
        Format::Json => context.ui.object("doctor", &json!({ "checks": checks }))?,
    }
    Ok(first_bad(&checks).map_or(Status::Done, |check| check.status))
}

/// What the folder's file asks for, or the defaults where there is none.
fn spec(path: &Path, context: &Context) -> Result<Spec> {
    let folder = Folder::to_read(path);
    let kept = folder.text_of(FILE_NAME)?.as_deref().map(file::read).transpose()?.unwrap_or_default();
    let spec = Spec::resolve(&kept.overlaid_by(context.environment.clone()), &folder.name())?;
    if spec.in_containers() { Ok(spec) } else { Err(not_ours_to_run(path).into()) }
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
