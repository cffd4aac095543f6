//! `down` on Docker Swarm: removes the services, and volumes on this engine's node; names those on others.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{LOOK, TOLD_WITHIN, print_plan, refuse_foreign};
use crate::commands::Context;
use crate::engine::swarm;
use crate::error::{Failure, Status};
use crate::plan::Plan;
use crate::plan::stack::StateService;
use crate::site::Site;

/// How long containers may take to end: that of gateways with requests in flight, and some more.
const ENDS_WITHIN: Duration = Duration::from_secs(360);

/// Runs the verb.
///
/// # Errors
/// When the stack is another's, or its containers do not end.
pub(in crate::commands) fn run(
    site: &Site,
    volumes: bool,
    dry_run: bool,
    context: &Context,
) -> Result<Status> {
    swarm::refuse_no_manager(&context.engine)?;
    let services = swarm::services(&context.engine, &site.name)?;
    refuse_foreign(&services, site)?;
    if dry_run {
        return print_plan(&[("remove the stack".to_owned(), "the cluster is removed")], context);
    }
    if !services.is_empty() {
        let remove = ["stack", "rm", &site.name];
        let remove = context.engine.command(&format!("remove the stack `{}`", site.name), remove);
        context.engine.run(&remove.lasting(TOLD_WITHIN))?;
    }
    await_end(site, context)?;
    let places = places(site, context)?;
    if volumes {
        remove_volumes(&places, context)?;
    }
    let stays = if volumes { "" } else { "; its data stays on its nodes" };
    let what =
        if services.is_empty() { "has no services on this Swarm" } else { "is removed from the Swarm" };
    context.ui.say(&format!("cluster `{}` {what}{stays}", site.name));
    Ok(Status::Done)
}

/// Waits until no container of the stack runs and its network is gone, so that the next `up` finds nothing of it.
fn await_end(site: &Site, context: &Context) -> Result<()> {
    let filter = format!("label=com.docker.stack.namespace={}", site.name);
    let (end, mut progress) = (Instant::now() + ENDS_WITHIN, context.ui.progress());
    loop {
        context.interrupt.check()?;
        let list = ["network", "ls", "--quiet", "--filter", &filter];
        let networks = context.engine.run(&context.engine.command("list networks", list))?;
        let list = ["ps", "--all", "--quiet", "--filter", &filter];
        let containers = context.engine.run(&context.engine.command("list containers", list))?;
        let (networks, containers) = (networks.lines().count(), containers.lines().count());
        if networks == 0 && containers == 0 {
            progress.finish();
            return Ok(());
        }
        progress.doing("services", format!("{containers} containers of this node still end"));
        if Instant::now() >= end {
            let message = format!("the containers of `{}` did not end in {ENDS_WITHIN:?}", site.name);
            let hint = format!("`{}` waits again", site.command("down"));
            return Err(Failure::new(Status::NotReady, message).with_hint(hint).into());
        }
        thread::sleep(LOOK);
    }
}

/// The node of each volume: a number, as the labels have it.
fn places(site: &Site, context: &Context) -> Result<BTreeMap<String, String>> {
    let nodes = swarm::nodes(&context.engine)?;
    let Some(stack) = Plan::new(&site.spec, &[]).stack else { return Ok(BTreeMap::new()) };
    let place = |service: &StateService| {
        let node = nodes.iter().find(|node| node.number == Some(service.node))?;
        Some((format!("{}_{}", site.name, service.name), node.id.clone()))
    };
    Ok(stack.services.iter().filter_map(place).collect())
}

/// Removes the volumes of this engine's node, and says how to remove the others: no engine removes volumes of another.
fn remove_volumes(places: &BTreeMap<String, String>, context: &Context) -> Result<()> {
    let own = swarm::own_node(&context.engine)?;
    let nodes = swarm::nodes(&context.engine)?;
    for node in &nodes {
        let of_node = places.iter().filter(|(_, id)| **id == node.id).map(|(name, _)| name.as_str());
        let names: Vec<&str> = of_node.collect();
        if names.is_empty() {
            continue;
        }
        let remove = context.engine.command("remove volumes", ["volume", "rm", "--force"]).with(names);
        if node.id == own {
            context.engine.run(&remove.lasting(TOLD_WITHIN))?;
        } else {
            context.ui.say(&format!("the data on node {} stays until you type there: {remove}", node.name));
        }
    }
    Ok(())
}
