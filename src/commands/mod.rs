//! The verbs, one file each, and what they share: what was asked for, and the cluster it means.
//!
//! A verb may use everything; nothing but another verb uses one.

pub mod collect;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod down;
pub mod drain;
pub mod env;
pub mod generate;
pub mod haproxy;
pub mod logs;
pub mod man;
pub mod reload;
pub mod restart;
pub mod resume;
pub mod run;
pub mod scale;
pub mod schema;
pub mod smoke;
pub mod status;
pub mod templates;
pub mod up;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;

use crate::cluster::Cluster;
use crate::engine::containers::{Container, StartedFrom, started_from};
use crate::engine::{Invocation, Runner};
use crate::error::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::plan::Plan;
use crate::render::{self, Files, HAPROXY_CFG};
use crate::spec::choices::{Choices, FILE_NAME, Origin};
use crate::spec::options::Opt;
use crate::spec::values::{Discovery, GatewayName, Profile};
use crate::spec::{Spec, file};
use crate::traffic::{Names, Traffic, listed};
use crate::ui::Ui;
use crate::workspace::{Change, Folder};
use generate::{changes, refuse_to_lose_edits};

/// A file of a person's own that joins the generated Compose files.
const OVERRIDE: &str = "compose.override.yaml";

/// What every verb gets.
#[derive(Clone, Debug)]
pub struct Context {
    /// Prints.
    pub ui: Ui,
    /// Runs commands.
    pub runner: Runner,
    /// Tells of Ctrl-C.
    pub interrupt: Interrupt,
    /// The choices made in environment variables.
    pub environment: Choices,
}

impl Context {
    /// The same for what must be done after Ctrl-C.
    fn uninterrupted(&self) -> Self {
        let interrupt = Interrupt::default();
        Self { runner: self.runner.clone().heeding(interrupt.clone()), interrupt, ..self.clone() }
    }
}

/// What a run was asked for: flags, over the environment, over the folder's file.
struct Asked {
    /// What is good for the folder.
    spec: Spec,
    /// The generated files, without their seals.
    files: Files,
    /// What `ozone-compose.yaml` is to say.
    choices_file: String,
    /// The choices that the folder's file held before.
    kept: Choices,
    /// Those of flags and environment.
    new: Choices,
    /// The Compose files of the cluster, in order.
    compose_files: Vec<String>,
}

impl Asked {
    fn new(folder: &Folder, environment: Choices, flags: Choices) -> Result<Self> {
        let old = folder.text_of(FILE_NAME)?;
        let kept = old.as_deref().map(file::read).transpose()?.unwrap_or_default();
        let mut new = environment.overlaid_by(flags);
        forget_gateways_that_go(&kept, &mut new);
        let spec = Spec::resolve(&kept.clone().overlaid_by(new.clone()), &folder.name())?;
        // Kept, so that a folder that is moved still finds its containers and volumes.
        if let Some(option) = Opt::with_key("name").filter(|_| spec.has_cluster())
            && kept.of(option.key).is_none()
        {
            new.choose(option, vec![spec.name.to_string()], Origin::File);
        }
        let overrides = folder.text_of(OVERRIDE)?.map(|_| OVERRIDE.to_owned());
        let plan = Plan::new(&spec, overrides.as_slice());
        let files = render::render(&plan, &templates::chosen(&spec, folder.path())?)?;
        let choices_file = file::with_choices(old.as_deref(), &new)?;
        Ok(Self { spec, files, choices_file, kept, new, compose_files: plan.compose_files })
    }
}

/// Fewer gateways end the wish to drain those that go.
fn forget_gateways_that_go(kept: &Choices, new: &mut Choices) {
    let count = new.of("gateways.count").and_then(|choice| choice.texts[0].parse::<u32>().ok());
    let (Some(count), Some(drained)) = (count, kept.of("gateways.drained")) else { return };
    if new.of("gateways.drained").is_some() {
        return;
    }
    let names = drained.texts.iter().filter_map(|text| text.parse::<GatewayName>().ok());
    let (stay, go): (Vec<_>, Vec<_>) = names.partition(|name| name.number() <= count);
    if !go.is_empty() {
        *new = new.clone().overlaid_by(with_drained(stay));
    }
}

/// The choice of which gateways are drained.
fn with_drained(names: Vec<GatewayName>) -> Choices {
    let mut choices = Choices::default();
    let texts: BTreeSet<GatewayName> = names.into_iter().collect();
    if let Some(option) = Opt::with_key("gateways.drained") {
        choices.choose(option, texts.iter().map(ToString::to_string).collect(), Origin::Argument);
    }
    choices
}

/// Names that were typed, each of which must be a gateway of the cluster.
///
/// # Errors
/// Bad usage: it has no such gateway, or they have no lasting names.
fn named(gateways: &[GatewayName], cluster: &Cluster) -> Result<Names> {
    let spec = &cluster.spec;
    let names: Names = gateways.iter().map(ToString::to_string).collect();
    if spec.discovery == Discovery::Dns && !names.is_empty() {
        let message = "gateways found by DNS have no lasting names";
        let hint =
            "`restart` without a name takes each in turn; `docker compose stop` ends one by its container";
        return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
    }
    let known: Names = spec.gateway_names().collect();
    match names.difference(&known).next() {
        None => Ok(names),
        Some(unknown) => {
            let message = format!("cluster `{}` has no gateway `{unknown}`", cluster.name);
            let hint = format!("it has {}", listed(&known));
            Err(Failure::new(Status::Usage, message).with_hint(hint).into())
        }
    }
}

/// The traffic of a cluster that runs.
///
/// # Errors
/// When it does not run, or has no admin access: Ozone's example has none.
fn running<'a>(cluster: &'a Cluster, containers: &[Container], context: &'a Context) -> Result<Traffic<'a>> {
    if cluster.spec.profile == Profile::Upstream {
        let message = "the profile `upstream` has no admin access to HAProxy, as Ozone's example has none";
        let hint = format!("`{}` changes the cluster with a restart of the balancer", cluster.command("up"));
        return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
    }
    Traffic::of(cluster, containers, &context.runner, &context.interrupt).map_err(|_| {
        let message = format!("cluster `{}` does not run: it has no running balancer", cluster.name);
        let hint = format!("`{}` starts it", cluster.command("up"));
        Failure::new(Status::Failed, message).with_hint(hint).into()
    })
}

/// What is to be written for a cluster that runs, with what changes said.
///
/// # Errors
/// When an edit by hand would be lost.
fn accepted(folder: &Folder, asked: &Asked, path: &Path, context: &Context) -> Result<Vec<Change>> {
    for (option, choice) in asked.new.iter() {
        let old = asked.kept.of(option.key).map(|choice| choice.texts.join(" "));
        let new = choice.texts.join(" ");
        if old.as_ref().is_some_and(|old| *old != new) {
            context.ui.say(&format!("{}: {} -> {new}", option.key, old.unwrap_or_default()));
        }
    }
    let changes: Vec<Change> =
        changes(folder, asked)?.into_iter().map(Change::keeping_current_edits).collect();
    refuse_to_lose_edits(&changes, path, false)?;
    Ok(changes)
}

/// Writes files that HAProxy accepts; its configuration is put back where it does not, so that a balancer that
/// restarts still has a good one.
fn write_checked(folder: &mut Folder, changes: &[Change], traffic: &Traffic) -> Result<()> {
    folder.apply(changes)?;
    let cfg = changes.iter().find(|change| change.name() == HAPROXY_CFG && change.writes());
    let Some(cfg) = cfg else { return Ok(()) };
    traffic.check().or_else(|error| {
        folder.put_back(cfg).with_context(|| format!("could not put {HAPROXY_CFG} back"))?;
        Err(error)
    })
}

/// `docker compose` with the files of a cluster, and nothing yet that it should do.
fn project(cluster: &Cluster, asked: &Asked, path: &Path) -> Invocation {
    let files = asked.compose_files.iter().flat_map(|file| ["-f", file]);
    Invocation::docker("", ["compose", "-p", &cluster.name]).with(files).within(path)
}

/// A container of a cluster's name that was started from another folder. One of this tool whose folder is gone is not
/// meant: a folder that was moved keeps its cluster.
fn from_elsewhere(name: &str, path: &Path, context: &Context) -> Result<Option<StartedFrom>> {
    let real = |path: &Path| fs::canonicalize(path).or_else(|_| std::path::absolute(path)).ok();
    let here = real(path);
    let is_elsewhere = |one: &StartedFrom| {
        let there = Path::new(&one.folder);
        real(there) != here && (!one.is_ours || there.exists())
    };
    Ok(started_from(&context.runner, name)?.into_iter().find(is_elsewhere))
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Opens a folder to write in it, and judges what is asked for before anything is made.
fn open_to_write(path: &Path, environment: &Choices, flags: &Choices) -> Result<(Folder, Asked)> {
    let mut folder = Folder::to_write(path)?;
    let asked = Asked::new(&folder, environment.clone(), flags.clone())?;
    if !folder.make()? {
        return Ok((folder, asked));
    }
    // Several first runs at once: another may have made the folder and chosen in between.
    let asked = Asked::new(&folder, environment.clone(), flags.clone())?;
    Ok((folder, asked))
}
