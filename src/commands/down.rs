//! `down`: removes a cluster, found by the engine's labels, so that files may be gone or edited.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::{Context, from_elsewhere};
use crate::cli::Down;
use crate::cluster::Cluster;
use crate::engine::containers::StartedFrom;
use crate::engine::{Invocation, PROJECT_LABEL, ROLE_LABEL, label_field, of_project};
use crate::error::{Failure, Status};

/// Runs the verb.
pub fn run(arguments: Down, context: &Context) -> Result<Status> {
    let ours = projects(context)?;
    let chosen = match (arguments.all, arguments.name) {
        (true, _) => ours.iter().cloned().collect(),
        (false, Some(name)) => vec![name.to_string()],
        (false, None) => {
            let path = arguments.folder.folder;
            let name = Cluster::in_folder(&path, &context.environment)?.name;
            if ours.contains(&name) {
                refuse_from_elsewhere(&name, &path, context)?;
            }
            vec![name]
        }
    };
    for name in chosen {
        if ours.contains(&name) {
            remove(&name, arguments.volumes, context)?;
        } else if is_of_others(&name, context)? {
            let message =
                format!("the Compose project `{name}` was not started by this tool; nothing was removed");
            let hint = format!("`docker compose -p {name} down` removes it");
            return Err(Failure::new(Status::Differs, message).with_hint(hint).into());
        } else {
            context.ui.say(&format!("cluster `{name}`: there is nothing to remove"));
        }
    }
    Ok(Status::Done)
}

/// A folder that was copied has the name of the first in its file.
fn refuse_from_elsewhere(name: &str, path: &Path, context: &Context) -> Result<()> {
    let Some(StartedFrom { container, folder, .. }) = from_elsewhere(name, path, context)? else {
        return Ok(());
    };
    let message =
        format!("`{container}` of cluster `{name}` was started from `{folder}`; nothing was removed");
    let hint = format!("`ozone-compose down --name {name}` removes that cluster");
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}

/// Removes the containers and networks of a project, and its volumes on request.
pub fn remove(name: &str, volumes: bool, context: &Context) -> Result<()> {
    let containers = ids(&["ps", "--all", "--quiet"], &of_project(name), context)?;
    if !containers.is_empty() {
        if !volumes {
            // Data stays, so its owners get to close it: each within its own grace period.
            change(&format!("stop cluster `{name}`"), ["stop"], &containers, context)?;
        }
        change(
            &format!("remove the containers of `{name}`"),
            ["rm", "--force", "--volumes"],
            &containers,
            context,
        )?;
    }
    let networks = ids(&["network", "ls", "--quiet"], &of_project(name), context)?;
    if !networks.is_empty() {
        change(&format!("remove the network of `{name}`"), ["network", "rm"], &networks, context)?;
    }
    let mut kept = ids(&["volume", "ls", "--quiet"], &of_project(name), context)?;
    if volumes && !kept.is_empty() {
        change(&format!("remove the volumes of `{name}`"), ["volume", "rm"], &kept, context)?;
        kept.clear();
    }
    if context.runner.is_dry() {
        return Ok(());
    }
    let data = if kept.is_empty() { String::new() } else { format!("; its data stays: {}", kept.join(", ")) };
    context.ui.say(&format!("removed cluster `{name}`{data}"));
    Ok(())
}

/// Projects with a container or volume that carries this tool's label.
fn projects(context: &Context) -> Result<BTreeSet<String>> {
    let format = label_field(PROJECT_LABEL);
    let mut names = BTreeSet::new();
    for list in [&["ps", "--all", "--format", &format][..], &["volume", "ls", "--format", &format]] {
        names.extend(ids(list, &format!("label={ROLE_LABEL}"), context)?);
    }
    Ok(names)
}

fn is_of_others(name: &str, context: &Context) -> Result<bool> {
    Ok(!ids(&["ps", "--all", "--quiet"], &of_project(name), context)?.is_empty())
}

fn ids(list: &[&str], filter: &str, context: &Context) -> Result<Vec<String>> {
    let query = Invocation::docker("list what belongs to the cluster", []).with(list.iter().copied());
    let answer = context.runner.answer(&query.with(["--filter", filter]))?;
    Ok(answer.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn change<const N: usize>(purpose: &str, verb: [&str; N], ids: &[String], context: &Context) -> Result<()> {
    context.runner.change(&Invocation::docker(purpose, verb).with(ids))
}
