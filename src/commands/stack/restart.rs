//! `restart` on Docker Swarm: each gateway is replaced by a new one that has served a PUT.

use anyhow::Result;

use super::{GATEWAYS, LOOK, TOLD_WITHIN, gateways_of, print_plan, services, settled};
use crate::cli::Restart;
use crate::commands::Context;
use crate::commands::change::going_on;
use crate::error::{Failure, Status};
use crate::site::Site;

/// Runs the verb.
///
/// # Errors
/// When single gateways are named; 5 when Swarm has not done it in time.
pub(in crate::commands) fn run(arguments: &Restart, site: &Site, context: &Context) -> Result<Status> {
    if let Some(gateway) = arguments.gateways.first() {
        let message = format!("Swarm cannot restart {gateway} alone: its gateways are one service");
        let hint = format!("`{}` takes each in turn", site.command("restart"));
        return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
    }
    services(site, context)?;
    if arguments.dry_run {
        let what = "have Swarm replace each gateway".to_owned();
        return print_plan(&[(what, "a new one starts before an old one stops")], context);
    }
    let name = gateways_of(site);
    let update = context.engine.command(&format!("update the service `{name}`"), ["service", "update"]);
    let update = update.with(["--force", "--detach", &name]).lasting(TOLD_WITHIN);
    context.engine.run(&update)?;
    std::thread::sleep(LOOK);
    let mut progress = context.ui.progress();
    let patience = arguments.timeout.duration() * site.spec.gateways.get();
    let result = settled(site, &[GATEWAYS], patience, &mut progress, context);
    progress.finish();
    let again = site.command("status");
    result.map_err(|error| going_on(error, "interrupted; Swarm continues on its own", &again))?;
    context.ui.say(&format!("cluster `{}`: every gateway has a new container", site.name));
    Ok(Status::Done)
}
