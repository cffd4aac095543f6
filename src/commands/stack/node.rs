//! `drain --node` and `resume --node` on Docker Swarm: a node that is to be repaired, or is repaired.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::{GATEWAYS, TOLD_WITHIN, print_plan, run_gateways, services, settled};
use crate::commands::change::going_on;
use crate::commands::{Context, counted};
use crate::engine::Engine;
use crate::engine::swarm::{self, Node};
use crate::error::{Failure, Status};
use crate::observe::{Member, Observed, listed};
use crate::plan::Role;
use crate::plan::kerberos::KDC;
use crate::site::Site;
use crate::spec::values::{Base, Target};

/// How long containers with data may take to run on a node that is back.
const RUN_WITHIN: Duration = Duration::from_secs(300);

/// The cluster of a folder, which must be on Swarm.
///
/// # Errors
/// When it is not.
pub(in crate::commands) fn site(folder: &Path) -> Result<Site> {
    let site = Site::of_any_target(folder)?;
    if site.spec.target != Target::Swarm {
        let message = format!("--node: `{}` runs on one engine; only a Swarm has nodes", site.name);
        let hint = format!("`{}` names its gateways", site.command("status"));
        return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
    }
    Ok(site)
}

/// Empties a node: as many gateways as it has start elsewhere before these leave; what holds data there stops.
///
/// # Errors
/// When all requests go through that node, when another one with data is away already, or when it runs others' containers; 5 when
/// Swarm has not done it in time.
pub(in crate::commands) fn drain(
    name: &str,
    patience: Duration,
    dry_run: bool,
    site: &Site,
    context: &Context,
) -> Result<Status> {
    services(site, context)?;
    let nodes = swarm::nodes(&context.engine)?;
    let node = find(name, &nodes)?;
    let observed = Observed::of(&context.engine, &site.spec, &site.folder)?;
    let here = |one: &&Member| one.container.place == node.name && one.container.is_running();
    // The KDC has no data, and starts on another node.
    let (gateways, data): (Vec<&Member>, Vec<&Member>) = observed
        .members
        .iter()
        .filter(|one| here(one) && one.role != Role::Kdc)
        .partition(|one| one.role == Role::Gateway);
    refuse_data(node, &data, &nodes, site)?;
    refuse_others(node, site, context)?;
    // Of the choices: a run that was killed may have left more of them.
    let count = site.spec.gateways.get() as usize;
    let more = gateways.len();
    if dry_run {
        let start = (
            format!("start {} elsewhere", counted(more, "gateway")),
            "the node's gateways serve until others do",
        );
        let drain = (format!("drain {}", node.name), "--node");
        return print_plan(&[start, drain][usize::from(more == 0)..], context);
    }
    if !data.is_empty() {
        context.ui.say(&format!(
            "warning: {} stops, and its data stays on the node; requests may wait half a minute until another one leads",
            listed(&data.iter().map(|one| one.container.service()).collect::<Vec<_>>())
        ));
    }
    let mut progress = context.ui.progress();
    if more > 0 {
        let engine = &context.engine;
        make(node, "pause", engine)?;
        let started = run_gateways(count + more, site, engine)
            .and_then(|()| settled(site, &[GATEWAYS], patience, &mut progress, context));
        if let Err(error) = started {
            // Nothing has left yet, so that all can be as it was; the interrupt that ended the run must not end this too.
            let engine = engine.uninterrupted();
            let undone = make(node, "active", &engine).and_then(|()| run_gateways(count, site, &engine));
            if let Err(undone) = undone {
                context
                    .ui
                    .error(&undone.context(format!("could not let {} run containers again", node.name)));
            }
            return Err(error);
        }
    }
    make(node, "drain", &context.engine)?;
    // In the place of those that left, Swarm has begun to start others, and removes such ones first.
    run_gateways(count, site, &context.engine)?;
    let result = settled(site, &[GATEWAYS, KDC], patience, &mut progress, context);
    progress.finish();
    let again = site.command(&format!("drain --node {name}"));
    result.map_err(|error| going_on(error, "interrupted; Swarm continues on its own", &again))?;
    let titles: Vec<String> = data.iter().map(|one| one.container.service().to_owned()).collect();
    let stopped = if titles.is_empty() { String::new() } else { format!("; stopped: {}", titles.join(", ")) };
    context.ui.say(&format!(
        "{} runs nothing of cluster `{}`, until `{}`{stopped}",
        node.name,
        site.name,
        site.command(&format!("resume --node {name}"))
    ));
    Ok(Status::Done)
}

/// Lets a node run containers again, and waits for those with data there.
///
/// # Errors
/// 5 when they do not run in time.
pub(in crate::commands) fn resume(
    name: &str,
    dry_run: bool,
    site: &Site,
    context: &Context,
) -> Result<Status> {
    services(site, context)?;
    let nodes = swarm::nodes(&context.engine)?;
    let node = find(name, &nodes)?;
    if dry_run {
        return print_plan(&[(format!("let {} run containers", node.name), "--node")], context);
    }
    make(node, "active", &context.engine)?;
    let mut progress = context.ui.progress();
    let result = settled(site, &[], RUN_WITHIN, &mut progress, context);
    progress.finish();
    let again = site.command(&format!("resume --node {name}"));
    result.map_err(|error| going_on(error, "interrupted; Swarm continues on its own", &again))?;
    context.ui.say(&format!(
        "{} runs containers again; gateways stay where they are until `{}` or `{}`",
        node.name,
        site.command("restart"),
        site.command("up")
    ));
    Ok(Status::Done)
}

fn find<'a>(name: &str, nodes: &'a [Node]) -> Result<&'a Node> {
    if let Some(node) = nodes.iter().find(|one| one.name == name || one.id == name) {
        return Ok(node);
    }
    let names: Vec<&str> = nodes.iter().map(|one| one.name.as_str()).collect();
    let message = format!("--node: there is no node `{name}`");
    Err(Failure::new(Status::Usage, message).with_hint(format!("there are {}", listed(&names))).into())
}

/// Data stays on its node, so that what holds it stops. Only with several SCMs and OMs do the others go on, and only while
/// most of them run.
fn refuse_data(node: &Node, data: &[&Member], nodes: &[Node], site: &Site) -> Result<()> {
    let away = nodes.iter().find(|one| one.number.is_some() && one.id != node.id && !one.is_ready());
    let stops = data.iter().map(|one| one.container.service()).collect::<Vec<_>>().join(", ");
    let why = if data.is_empty() {
        return Ok(());
    } else if data.iter().any(|one| one.role == Role::Balancer) {
        "all requests go through s3g".to_owned()
    } else if site.spec.base != Base::Ha {
        format!("only with `base: ha` is S3 served without {stops}")
    } else if let Some(away) = away {
        format!("{}, which has data too, is drained or down", away.name)
    } else {
        return Ok(());
    };
    let message =
        format!("{} runs {stops}, which no other node can run, and {why}; nothing was changed", node.name);
    let hint = format!(
        "`{}` shows which node has what; `{}` removes the cluster",
        site.command("nodes"),
        site.command("down")
    );
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}

/// What is not of this cluster would move too.
fn refuse_others(node: &Node, site: &Site, context: &Context) -> Result<()> {
    let list = ["node", "ps", "--filter", "desired-state=running", "--format", "{{.Name}}", &node.id];
    let listed = context.engine.run(&context.engine.command("list the node's tasks", list))?;
    let of_site = format!("{}_", site.name);
    let Some(other) = listed.lines().find(|name| !name.starts_with(&of_site)) else { return Ok(()) };
    let message = format!(
        "{} also runs `{other}`, which is not of cluster `{}` and would move too; nothing was changed",
        node.name, site.name
    );
    let hint = format!("`docker node update --availability drain {}` moves all of it at once", node.name);
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}

fn make(node: &Node, availability: &str, engine: &Engine) -> Result<()> {
    let update = ["node", "update", "--availability", availability, &node.id];
    let update = engine.command(&format!("set the availability of {} to {availability}", node.name), update);
    engine.run(&update.lasting(TOLD_WITHIN)).map(drop)
}
