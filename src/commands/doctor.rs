//! `doctor`.

use anyhow::Result;

use super::Context;
use crate::cli;
use crate::error::Status;

/// Runs the verb.
pub fn run(arguments: &cli::Doctor, context: &Context) -> Result<Status> {
    let _ = (arguments, context);
    anyhow::bail!("not built yet")
}
