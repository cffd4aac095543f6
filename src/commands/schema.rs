//! `schema`: the JSON Schema of `ozone-compose.yaml`, on standard output.

use anyhow::Result;

use super::Context;
use crate::error::Status;
use crate::spec::schema::schema;

/// Runs the verb.
pub fn run(context: &Context) -> Result<Status> {
    context.ui.data(&format!("{:#}\n", schema()))?;
    Ok(Status::Done)
}
