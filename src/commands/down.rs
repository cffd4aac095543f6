//! `down`: removes a cluster, found by the engine's labels, so that files may be gone or edited.

use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use super::change::print;
use super::{Context, stack};
use crate::act::Session;
use crate::cli::Down;
use crate::credentials;
use crate::engine::swarm;
use crate::error::{Failure, Status};
use crate::observe::{Observed, everything};
use crate::site::Site;
use crate::spec::values::Target;
use crate::steps::{self, refuse_elsewhere};

/// Runs the verb.
pub fn run(arguments: Down, context: &Context) -> Result<Status> {
    let Down { folder, volumes, name, all, dry_run } = arguments;
    let mut clusters = Vec::new();
    if all {
        let (stacks, names) = (swarm::stacks(&context.engine)?, everything(&context.engine)?.1);
        if stacks.is_empty() && names.is_empty() {
            context.ui.say("there is no cluster on this engine");
        }
        for name in stacks {
            stack::down::run(&Site::of_project(&name), volumes, dry_run, context)?;
        }
        for name in names {
            clusters.push((Observed::read(&context.engine, &name, None)?, None));
        }
    } else if let Some(name) = name {
        if swarm::stacks(&context.engine)?.contains(&name.to_string()) {
            return stack::down::run(&Site::of_project(&name.to_string()), volumes, dry_run, context);
        }
        clusters.push((Observed::read(&context.engine, &name.to_string(), None)?, None));
    } else {
        let site = Site::of_any_target(&folder.folder)?;
        if site.spec.target == Target::Swarm {
            return stack::down::run(&site, volumes, dry_run, context);
        }
        let observed = Observed::read(&context.engine, &site.name, Some(&site.folder))?;
        refuse_elsewhere(&site, &observed)?;
        clusters.push((observed, Some(site)));
    }
    for (observed, site) in clusters {
        let folder = site.as_ref().map(|site| site.folder.clone());
        let site = site.unwrap_or_else(|| Site::of_project(&observed.project));
        if observed.is_empty() {
            refuse_others(&observed)?;
            context.ui.say(&format!("cluster `{}`: there is nothing to remove", observed.project));
        } else if dry_run {
            print(&steps::down(&observed, volumes), context)?;
        } else {
            remove(&observed, volumes, &site, context)?;
            if let Some(folder) = folder {
                say_profiles(&folder, context);
            }
        }
    }
    Ok(Status::Done)
}

/// Says which AWS profiles are for a cluster that is gone.
fn say_profiles(folder: &Path, context: &Context) {
    let (Some(files), Ok(folder)) = (&context.profiles, fs::canonicalize(folder)) else { return };
    for name in files.profiles_of(&folder).unwrap_or_default() {
        context.ui.say(&format!(
            "AWS profile `{name}` still leads there; `ozone-compose env --profile {name} --remove` removes it"
        ));
    }
}

/// Removes what carries this tool's labels in a project, its volumes on request; says what stays.
pub(super) fn remove(observed: &Observed, volumes: bool, site: &Site, context: &Context) -> Result<()> {
    let mut session = Session::new(site, &context.engine, &context.interrupt, context.ui);
    session.progress = context.ui.no_progress();
    let steps = steps::down(observed, volumes);
    session.act(&steps, None)?;
    if volumes && site.spec.kerberos.is_some() {
        credentials::forget(&site.folder)?;
    }
    let data = observed.volumes.iter().filter(|one| !one.role.is_empty()).map(|one| one.name.as_str());
    let data = data.collect::<Vec<_>>().join(", ");
    let data = if volumes || data.is_empty() {
        String::new()
    } else {
        format!("; its data stays for the next `up`: {data}")
    };
    let name = &observed.project;
    let what = if steps.is_empty() { "there is no container of" } else { "removed" };
    context.ui.say(&format!("{what} cluster `{name}`{data}"));
    let others = observed.additions.iter().chain(&observed.foreign).map(|one| one.name.as_str());
    let others = others.collect::<Vec<_>>().join(", ");
    if !others.is_empty() {
        context.ui.say(&format!(
            "left what is not of this tool: {others}; `docker compose -p {name} down` removes it"
        ));
    }
    Ok(())
}

/// A project without anything of this tool, and with something of others, is not removed by mistake.
fn refuse_others(observed: &Observed) -> Result<()> {
    if observed.foreign.is_empty() {
        return Ok(());
    }
    let name = &observed.project;
    let message = format!("the Compose project `{name}` was not started by this tool; nothing was removed");
    let hint = format!("`docker compose -p {name} down` removes it");
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}
