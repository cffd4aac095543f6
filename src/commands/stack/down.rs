//! `down` on Docker Swarm: removes the services, and volumes on this engine's node; names those on others.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{LOOK, TOLD_WITHIN, print_plan, refuse_foreign};
use crate::commands::Context;
use crate::credentials;
use crate::engine::swarm::{self, NODE_LABEL, Service};
use crate::error::{Failure, Status};
use crate::plan::stack::FILES_VOLUME;
use crate::plan::{Plan, Role};
use crate::realm;
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
    if volumes {
        remove_volumes(volumes_by_node(&services, site), context)?;
    }
    if volumes && site.spec.kerberos.is_some() {
        credentials::forget(&site.folder)?;
        realm::forget(&site.folder)?;
    }
    let stays = if volumes { "" } else { "; its data stays on its nodes" };
    let what =
        if services.is_empty() { "has no services on this Swarm" } else { "is removed from the Swarm" };
    context.ui.say(&format!("cluster `{}` {what}{stays}", site.name));
    Ok(Status::Done)
}

/// Waits until no container of the stack runs and its network is gone, so that the next `up` finds nothing of it.
fn await_end(site: &Site, context: &Context) -> Result<()> {
    let filter = swarm::of_stack(&site.name);
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

/// Removes the volumes of this engine's node, and says how to remove the others: no engine removes volumes of another.
fn remove_volumes(volumes: BTreeMap<u32, BTreeSet<String>>, context: &Context) -> Result<()> {
    let (own, nodes) = (swarm::own_node(&context.engine)?, swarm::nodes(&context.engine)?);
    for (number, names) in volumes {
        let remove = context.engine.command("remove volumes", ["volume", "rm", "--force"]).with(names);
        match nodes.iter().find(|node| node.number == Some(number)) {
            Some(node) if node.id == own => drop(context.engine.run(&remove.lasting(TOLD_WITHIN))?),
            node => {
                let place = node.map_or_else(
                    || format!("the node that had the label {NODE_LABEL}={number}"),
                    |node| format!("node {}", node.name),
                );
                context.ui.say(&format!("the data on {place} stays until you type there: {remove}"));
            }
        }
    }
    Ok(())
}

/// The volumes of a cluster, by the number of the node that has them: what its services say, and its choices, for those that have
/// been removed already.
fn volumes_by_node(services: &[Service], site: &Site) -> BTreeMap<u32, BTreeSet<String>> {
    let holds_data = |service: &&Service| Role::OF_DATA.iter().any(|role| service.role == role.word());
    let present = services.iter().filter(holds_data).map(|one| (one.node.unwrap_or(1), one.key.clone()));
    let chosen = Plan::new(&site.spec, &[]).stack.into_iter().flat_map(|stack| stack.services);
    let chosen = chosen.map(|service| (service.node, service.name));
    // HAProxy's files are on its node.
    let files = [(1, FILES_VOLUME.to_owned())];
    let mut volumes: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for (node, key) in present.chain(chosen).chain(files) {
        volumes.entry(node).or_default().insert(format!("{}_{key}", site.name));
    }
    volumes
}
