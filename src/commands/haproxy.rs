//! `haproxy`: HAProxy's configuration alone, on standard output.

use anyhow::Result;

use crate::plan::Plan;
use crate::render::{HAPROXY_CFG, render};
use crate::spec::Spec;
use crate::spec::choices::Choices;
use crate::ui::Ui;

/// Prints the configuration for these choices; no folder is read.
pub fn run(environment: Choices, flags: Choices, ui: Ui) -> Result<()> {
    let spec = Spec::resolve(&environment.overlaid_by(flags), "")?;
    let files = render(&Plan::new(&spec, &[]))?;
    ui.data(&files[HAPROXY_CFG])
}
