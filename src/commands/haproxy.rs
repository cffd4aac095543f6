//! `haproxy`: HAProxy's configuration alone, on standard output.

use std::path::Path;

use anyhow::Result;

use super::{Context, templates};
use crate::cli::Haproxy;
use crate::error::Status;
use crate::plan::Plan;
use crate::render::{HAPROXY_CFG, render};
use crate::spec::Spec;

/// Prints the configuration for these choices; no file of a cluster is read.
pub fn run(arguments: Haproxy, context: Context) -> Result<Status> {
    let spec = Spec::resolve(&context.environment.overlaid_by(arguments.flags.0), "")?;
    let files = render(&Plan::new(&spec, &[]), &templates::chosen(&spec, Path::new("."))?)?;
    context.ui.data(&files[HAPROXY_CFG])?;
    Ok(Status::Done)
}
