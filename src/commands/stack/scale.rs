//! `scale` on Docker Swarm: new gateways get requests once they have served a PUT, and those that leave complete theirs.

use anyhow::Result;

use super::{GATEWAYS, print_plan, run_gateways, services, settled};
use crate::cli::Scale;
use crate::commands::change::going_on;
use crate::commands::request::{Request, chosen, open, refuse_to_lose_edits};
use crate::commands::{Context, counted};
use crate::error::{Failure, Status};
use crate::plan::balancer::steady_slots;
use crate::site::Site;
use crate::workspace::Change;

/// Runs the verb.
///
/// # Errors
/// When HAProxy has no room for so many; 5 when Swarm has not done it in time.
pub(in crate::commands) fn run(arguments: Scale, site: &Site, context: &Context) -> Result<Status> {
    let Scale { folder, gateways, timeout, dry_run, .. } = arguments;
    let path = folder.folder;
    let mut folder = open(&path, context)?;
    let there = services(site, context)?;
    let request = Request::new(&folder, chosen("gateways.count", vec![gateways]))?;
    let count = request.site.spec.gateways;
    refuse_without_room(site, &request.site)?;
    let changes: Vec<Change> =
        request.changes(&folder)?.into_iter().map(Change::keeping_current_edits).collect();
    refuse_to_lose_edits(&changes, &path, false)?;
    if dry_run {
        let what = format!("have Swarm run {}", counted(count.get() as usize, "gateway"));
        return print_plan(&[(what, "gateways.count says so")], context);
    }
    for choice in request.new_choices() {
        context.ui.say(&choice);
    }
    folder.apply(&changes)?;
    if there.iter().find(|one| one.key == GATEWAYS).map(|one| one.replicas) != Some(count.get() as usize) {
        run_gateways(count.get() as usize, &request.site, &context.engine)?;
    }
    drop(folder);
    let mut progress = context.ui.progress();
    let result = settled(&request.site, Some(GATEWAYS), timeout.duration(), &mut progress, context);
    progress.finish();
    let again = request.site.command(&format!("scale {count}"));
    result.map_err(|error| going_on(error, "interrupted; Swarm goes on by itself", &again))?;
    let count = counted(count.get() as usize, "S3 gateway");
    context.ui.say(&format!("cluster `{}` has {count}", request.site.name));
    Ok(Status::Done)
}

/// More gateways than HAProxy has places for need another configuration.
fn refuse_without_room(before: &Site, after: &Site) -> Result<()> {
    let room = steady_slots(before.spec.gateways.get());
    let count = after.spec.gateways.get();
    if steady_slots(count) <= room {
        return Ok(());
    }
    let message = format!(
        "HAProxy has places for {} gateways, and as many that start before others end; {count} need another configuration, for which Swarm \
         replaces its container; nothing was changed",
        room / 2
    );
    let hint = format!(
        "`{}` does it, with some seconds without service",
        before.command(&format!("up --yes -n {count}"))
    );
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}
