//! `scale` on Docker Swarm: new gateways get requests once they have served a PUT, and those that leave complete theirs.

use anyhow::Result;

use super::{
    GATEWAYS, deploy, print_plan, refuse_gap, refuse_missing_secrets, remove_old_files, run_gateways,
    services, settled, wanted_configs,
};
use crate::cli::Scale;
use crate::commands::change::going_on;
use crate::commands::request::{Request, chosen, open, refuse_to_lose_edits};
use crate::commands::{Context, counted};
use crate::engine::swarm;
use crate::error::Status;
use crate::plan::stack::FILES_SERVICE;
use crate::site::Site;

/// Runs the verb.
///
/// # Errors
/// When HAProxy's container would be another one; 5 when Swarm has not done it in time.
pub(in crate::commands) fn run(arguments: Scale, site: &Site, context: &Context) -> Result<Status> {
    let Scale { folder, gateways, timeout, dry_run, .. } = arguments;
    let path = folder.folder;
    let mut folder = open(&path, context)?;
    let there = services(site, context)?;
    let request = Request::new(&folder, chosen("gateways.count", vec![gateways]))?;
    let count = request.site.spec.gateways;
    refuse_gap(&request, &there)?;
    refuse_missing_secrets(&request)?;
    let changes = super::changes(&request, &folder)?;
    refuse_to_lose_edits(&changes, &path, false)?;
    if dry_run {
        let what = format!("have Swarm run {}", counted(count.get() as usize, "gateway"));
        return print_plan(&[(what, "gateways.count says so")], context);
    }
    request.say_new_choices(context);
    folder.apply(&changes)?;
    // HAProxy has places for more or fewer with other files.
    let there_too = swarm::names(&context.engine, "config", &site.name)?;
    let reloads = !wanted_configs(&request).iter().all(|name| there_too.iter().any(|one| one == name));
    if reloads {
        deploy(&request.site, &context.engine)?;
    } else if there.iter().find(|one| one.key == GATEWAYS).map(|one| one.replicas)
        != Some(count.get() as usize)
    {
        run_gateways(count.get() as usize, &request.site, &context.engine)?;
    }
    drop(folder);
    let only: &[&str] = if reloads { &[GATEWAYS, FILES_SERVICE] } else { &[GATEWAYS] };
    let mut progress = context.ui.progress();
    let result = settled(&request.site, only, timeout.duration(), &mut progress, context);
    progress.finish();
    let again = request.site.command(&format!("scale {count}"));
    result.map_err(|error| going_on(error, "interrupted; Swarm continues on its own", &again))?;
    remove_old_files(&request, &context.engine);
    let count = counted(count.get() as usize, "S3 gateway");
    context.ui.say(&format!("cluster `{}` has {count}", request.site.name));
    Ok(Status::Done)
}
