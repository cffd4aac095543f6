//! `reload` on Docker Swarm: other files are another container of the service that gives them to HAProxy, which reloads.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::{
    LOOK, deploy, print_plan, refuse_gap, refuse_missing_secrets, remove_old_files, services, settled,
};
use crate::cli::Reload;
use crate::commands::Context;
use crate::commands::change::going_on;
use crate::commands::request::{Request, open, refuse_to_lose_edits, refuse_unreadable};
use crate::engine::swarm;
use crate::error::Status;
use crate::plan::stack::FILES_SERVICE;
use crate::site::Site;
use crate::spec::choices::Choices;

/// How long that may take: a new container, HAProxy's check, and what Swarm watches it for.
const RELOADS_WITHIN: Duration = Duration::from_secs(120);

/// Runs the verb.
///
/// # Errors
/// When HAProxy refuses the files, and goes on with those before; 5 when Swarm has not done it in time.
pub(in crate::commands) fn run(arguments: &Reload, site: &Site, context: &Context) -> Result<Status> {
    let path = &arguments.folder.folder;
    let mut folder = open(path, context)?;
    let before = services(site, context)?;
    let request = Request::new(&folder, Choices::default())?;
    refuse_gap(&request, &before)?;
    refuse_missing_secrets(&request)?;
    refuse_unreadable(&folder, &request)?;
    let changes = super::changes(&request, &folder)?;
    refuse_to_lose_edits(&changes, path, false)?;
    if arguments.dry_run {
        let what = "deploy the stack, and have HAProxy reload".to_owned();
        return print_plan(&[(what, "the files in its folder say so")], context);
    }
    let renewal = super::renewal(&request, &swarm::nodes(&context.engine)?)?;
    let request = request.certified(renewal.as_ref(), &folder, Choices::default(), context.ui)?;
    folder.apply(&super::changes(&request, &folder)?)?;
    deploy(site, &context.engine)?;
    drop(folder);
    // Swarm begins an update a moment after the request for it.
    thread::sleep(LOOK);
    let mut progress = context.ui.progress();
    let result = settled(site, &[FILES_SERVICE], RELOADS_WITHIN, &mut progress, context);
    progress.finish();
    result.map_err(|error| {
        going_on(error, "interrupted; Swarm continues on its own", &site.command("reload"))
    })?;
    remove_old_files(&request, &context.engine);
    context.ui.say(&format!("cluster `{}` serves with the configuration in its folder", site.name));
    Ok(Status::Done)
}
