//! `resume`: gateways that were drained get requests again.

use anyhow::Result;

use super::{Context, accepted, named, open_to_write, running, with_drained, write_checked};
use crate::cli::Resume;
use crate::cluster::Cluster;
use crate::engine::containers;
use crate::error::Status;
use crate::traffic::listed;

/// Runs the verb.
pub fn run(arguments: &Resume, context: &Context) -> Result<Status> {
    let Resume { folder, gateways } = arguments;
    let path = &folder.folder;
    let before = Cluster::in_folder(path, &context.environment)?;
    let chosen = if gateways.is_empty() { &before.spec.drained } else { gateways };
    let names = named(chosen, &before)?;
    let wish = before.spec.drained.iter().filter(|name| !chosen.contains(name)).cloned().collect();
    let (mut folder, asked) = open_to_write(path, &context.environment, &with_drained(wish))?;
    let cluster = Cluster::new(asked.spec.clone(), path);
    let containers = containers::list(&context.runner, &cluster.name)?;
    let traffic = running(&cluster, &containers, context)?;
    let changes = accepted(&folder, &asked, path, context)?;
    let mut progress = context.ui.progress();
    write_checked(&mut folder, &changes, &traffic)?;
    // A reload also forgets what an unfinished `restart` or `scale` told HAProxy alone.
    traffic.load(&mut progress)?;
    traffic.await_in_rotation(&names, &mut progress)?;
    progress.finish();
    if names.is_empty() {
        context.ui.say("no gateway was drained");
    } else {
        context.ui.say(&format!("{} gets requests again", listed(&names)));
    }
    Ok(Status::Done)
}
