//! The verbs that change a cluster on Docker Swarm, which starts, spreads, proves and drains gateways by itself: what this
//! tool decides there is what the stack file says, and when the result is reached.

pub(super) mod down;
pub(super) mod node;
pub(super) mod reload;
pub(super) mod restart;
pub(super) mod scale;
pub(super) mod up;
pub(super) mod users;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::request::Request;
use super::{Context, counted};
use crate::engine::Engine;
use crate::engine::swarm::{self, Node, Service};
use crate::error::{Failure, Status};
use crate::observe::{Observed, listed};
use crate::plan::Role;
use crate::plan::balancer::BALANCER_SERVICE;
use crate::plan::stack::{FILES_SERVICE, Stack};
use crate::render::STACK;
use crate::site::Site;
use crate::tls::Renewal;
use crate::ui::progress::Progress;
use crate::workspace::{Change, Folder};

/// Pause between two looks at a stack, each of which runs four programs of the engine.
const LOOK: Duration = Duration::from_secs(1);

/// The key of the service of all gateways.
const GATEWAYS: &str = "s3gw";

/// How long `docker stack deploy` and the like may take: they only tell the manager.
const TOLD_WITHIN: Duration = Duration::from_secs(60);

/// The name in the Swarm of the service of all gateways.
fn gateways_of(site: &Site) -> String {
    format!("{}_{GATEWAYS}", site.name)
}

/// Tells Swarm how many gateways there are to be.
fn run_gateways(count: usize, site: &Site, engine: &Engine) -> Result<()> {
    let name = gateways_of(site);
    let scale = ["service", "scale", "--detach", &format!("{name}={count}")];
    let scale = engine.command(&format!("scale the service `{name}`"), scale);
    engine.run(&scale.lasting(TOLD_WITHIN)).map(drop)
}

/// Whether HAProxy gets another container because its image or ports are others.
fn has_new_balancer(request: &Request, before: &[Service]) -> bool {
    let wanted = request.stack.as_ref().map(|stack| stack.balancer_digest.as_str());
    let balancer = before.iter().find(|service| service.key == BALANCER_SERVICE);
    balancer.is_some_and(|balancer| Some(balancer.digest.as_str()) != wanted)
}

/// Swarm replaces HAProxy's container only where a person said yes.
fn refuse_gap(request: &Request, before: &[Service]) -> Result<()> {
    if !has_new_balancer(request, before) {
        return Ok(());
    }
    let message = format!(
        "HAProxy's image or ports change, and Swarm replaces its container for that: cluster `{}` does not serve for some seconds; nothing \
         was changed",
        request.site.name
    );
    let hint = format!("`{}` does it", request.site.command("up --yes"));
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}

/// A stack cannot be deployed whose secrets are not in the folder.
fn refuse_missing_secrets(request: &Request) -> Result<()> {
    let mut secrets = request.stack.iter().flat_map(|stack| &stack.secrets);
    let Some(missing) = secrets.find(|secret| !request.site.folder.join(&secret.file).exists()) else {
        return Ok(());
    };
    let message =
        format!("`{}`, a secret of the stack, is not in the folder; nothing was changed", missing.file);
    let hint = format!("`{}` makes a new one, or says what to do", request.site.command("up"));
    Err(Failure::new(Status::NotReady, message).with_hint(hint).into())
}

/// What writing the files would do; what a person edited stays.
fn changes(request: &Request, folder: &Folder) -> Result<Vec<Change>> {
    Ok(request.changes(folder)?.into_iter().map(Change::keeping_current_edits).collect())
}

/// The certificate that replaces the one in the folder, where that is due. It names the node on which HAProxy answers.
fn renewal(request: &Request, nodes: &[Node]) -> Result<Option<Renewal>> {
    let chosen = request.site.spec.ports.host.as_ref().map(ToString::to_string);
    let own = || nodes.iter().find(|node| node.number == Some(1)).map(|node| node.address.clone());
    request.renewal_for(&chosen.or_else(own).unwrap_or_default())
}

/// Has Swarm make of each service what the file says.
fn deploy(site: &Site, engine: &Engine) -> Result<()> {
    // Nodes find images by themselves, also without a registry; services that the file no longer has are removed.
    let deploy =
        ["stack", "deploy", "--prune", "--resolve-image", "never", "--compose-file", STACK, &site.name];
    let deploy = engine.command(&format!("deploy the stack `{}`", site.name), deploy);
    engine.run(&deploy.within(&site.folder).lasting(TOLD_WITHIN)).map(drop)
}

/// The names of the files in the Swarm that everyone may read.
fn wanted_configs<'a>(request: &'a Request) -> Vec<&'a str> {
    let of = |stack: &'a Stack| {
        let krb5_conf = stack.kerberos.iter().map(|kerberos| kerberos.krb5_conf.as_str());
        stack.configs.iter().map(|config| config.name.as_str()).chain(krb5_conf)
    };
    request.stack.iter().flat_map(of).collect()
}

/// Removes the files of earlier texts, and earlier certificates and keys. Swarm keeps those that are still in use.
fn remove_old_files(request: &Request, engine: &Engine) {
    let secrets = request.stack.iter().flat_map(|stack| &stack.secrets);
    let secrets = secrets.map(|secret| secret.name.as_str()).collect();
    for (kind, wanted) in [("config", wanted_configs(request)), ("secret", secrets)] {
        let Ok(there) = swarm::names(engine, kind, &request.site.name) else { continue };
        let old: Vec<&str> = there.iter().map(String::as_str).filter(|name| !wanted.contains(name)).collect();
        if !old.is_empty() {
            let remove = engine.command(&format!("remove {}", listed(&old)), [kind, "rm"]);
            // The next run tries again.
            let _ = engine.output(&remove.with(old));
        }
    }
}

/// The services of a cluster that is there.
///
/// # Errors
/// When it has none, or when others have made them.
fn services(site: &Site, context: &Context) -> Result<Vec<Service>> {
    swarm::refuse_no_manager(&context.engine)?;
    let services = swarm::services(&context.engine, &site.name)?;
    refuse_foreign(&services, site)?;
    if services.is_empty() {
        let message = format!("cluster `{}` is not on this Swarm", site.name);
        let hint = format!("`{}` starts it", site.command("up"));
        return Err(Failure::new(Status::NotReady, message).with_hint(hint).into());
    }
    Ok(services)
}

/// A stack of the same name that this tool did not make stays as it is.
fn refuse_foreign(services: &[Service], site: &Site) -> Result<()> {
    let Some(foreign) = services.iter().find(|service| service.role.is_empty()) else { return Ok(()) };
    let message = format!(
        "the stack `{}` has the service `{}`, which this tool did not make; nothing was changed",
        site.name, foreign.name
    );
    Err(Failure::new(Status::Differs, message).with_hint("`--name NAME` chooses another name").into())
}

/// Waits until each service, or those with the keys in `only`, has as many tasks as it is to have, none of them is about to leave,
/// and HAProxy sends requests to all gateways.
///
/// # Errors
/// At once when Swarm has stopped an update or taken it back; 5 when time is up, with what each service lacks; 130 when a
/// person stopped it.
fn settled(
    site: &Site,
    only: &[&str],
    patience: Duration,
    progress: &mut Progress,
    context: &Context,
) -> Result<()> {
    let end = Instant::now() + patience;
    loop {
        context.interrupt.check()?;
        let mut services = swarm::services(&context.engine, &site.name)?;
        let gateways = services.iter().find(|one| one.key == GATEWAYS).map_or(0, |one| one.replicas);
        services.retain(|service| only.is_empty() || only.contains(&service.key.as_str()));
        refuse_stopped_update(&services, site, &context.engine)?;
        let observed = Observed::of(&context.engine, &site.spec, &site.folder)?;
        let lacking = lacking(&services, &observed);
        let up = in_rotation(&observed);
        let text = format!("{up} of {gateways} healthy");
        if lacking.is_empty() && up == gateways {
            progress.done("services", format!("{} as chosen", counted(services.len(), "service")));
            progress.done("gateways", text);
            return Ok(());
        }
        let (first, more) =
            lacking.split_first().map_or(("", 0), |(first, rest)| (first.as_str(), rest.len()));
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        progress.doing("services", format!("{first}{more}"));
        progress.doing("gateways", text);
        if Instant::now() >= end {
            let message = format!("cluster `{}` was not as chosen in {patience:?}", site.name);
            let failure = Failure::new(Status::NotReady, message).with_detail(lacking.join("\n"));
            let hint = format!(
                "`{}` shows each container with its node; an image must be on every node, or in a registry that all of them reach",
                site.command("status")
            );
            return Err(failure.with_hint(hint).into());
        }
        thread::sleep(LOOK);
    }
}

/// Prints what would be done, each with its cause.
fn print_plan(plan: &[(String, &str)], context: &Context) -> Result<Status> {
    for (what, why) in plan {
        context.ui.data(&format!("{what}: {why}\n"))?;
    }
    Ok(Status::Done)
}

/// How many gateways HAProxy sends requests to, where it says so; otherwise those that Swarm takes for healthy.
fn in_rotation(observed: &Observed) -> usize {
    let up = observed.loaded().map(|loaded| loaded.gateways.iter().filter(|one| one.is_up()).count());
    up.unwrap_or_else(|| observed.running(Role::Gateway).count())
}

/// What each service has that it is not to have, or the reverse.
fn lacking(services: &[Service], observed: &Observed) -> Vec<String> {
    let of = |service: &Service| {
        let mut tasks = observed.members.iter().filter(|one| one.container.service() == service.key);
        let running = tasks.clone().filter(|one| one.container.is_running()).count();
        let is_updating = service.update == "updating";
        if running == service.replicas && tasks.clone().count() == running && !is_updating {
            return None;
        }
        let other = tasks.find(|one| !one.container.is_running());
        let other = other.map(|one| format!(", {} {}", one.container.name, one.container.status));
        let other =
            other.unwrap_or_else(|| if is_updating { ", is updated".to_owned() } else { String::new() });
        Some(format!("{}: {running} of {} run{other}", service.key, service.replicas))
    };
    services.iter().filter_map(of).collect()
}

/// Swarm has stopped an update, or gone back to what ran before.
fn refuse_stopped_update(services: &[Service], site: &Site, engine: &Engine) -> Result<()> {
    let is_stopped =
        |service: &&Service| service.update == "paused" || service.update.starts_with("rollback");
    let Some(service) = services.iter().find(is_stopped) else { return Ok(()) };
    let message = format!(
        "Swarm did not complete the update of `{}` ({}): {}",
        service.name,
        service.update.replace('_', " "),
        service.update_message
    );
    let hint = format!(
        "`docker service ps --no-trunc {}` says why; what ran before still serves. `{}` tries again once that is repaired",
        service.name,
        site.command("up")
    );
    let mut failure = Failure::new(Status::Failed, message).with_hint(hint);
    if service.key == FILES_SERVICE {
        let logs = ["service", "logs", "--raw", "--tail", "20", &service.name];
        let logs = engine.output(&engine.command("read why HAProxy refuses its files", logs));
        failure = failure.with_detail(logs.map(|logs| logs.stdout + &logs.stderr).unwrap_or_default());
    }
    Err(failure.into())
}
