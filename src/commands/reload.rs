//! `reload`: HAProxy loads what lies in its folder, once it has been found good.

use anyhow::Result;

use super::{Context, running};
use crate::cli::Reload;
use crate::cluster::Cluster;
use crate::engine::containers;
use crate::error::Status;
use crate::workspace::Folder;

/// Runs the verb.
pub fn run(arguments: &Reload, context: &Context) -> Result<Status> {
    let path = &arguments.folder.folder;
    let cluster = Cluster::in_folder(path, &context.environment)?;
    // Nobody else writes there meanwhile.
    let _folder = Folder::to_write(path)?;
    let containers = containers::list(&context.runner, &cluster.name)?;
    let traffic = running(&cluster, &containers, context)?;
    let mut progress = context.ui.progress();
    traffic.load(&mut progress)?;
    progress.finish();
    context.ui.say(&format!("{} serves with the new configuration", cluster.endpoint));
    Ok(Status::Done)
}
