//! `up`: generate, start, and wait until every gateway has served a signed PUT and GET.

use std::path::Path;

use anyhow::{Error, Result};

use super::collect::collect_to;
use super::generate::{changes, refuse_to_lose_edits};
use super::{Asked, Context, counted, down, open_to_write};
use crate::bundle::refuse_to_overwrite;
use crate::cli::Up;
use crate::cluster::{Cluster, not_ours_to_run};
use crate::engine::preflight::{
    Check, Taken, Verdict, first_bad, is_local, next_free, preflight, taken_ports,
};
use crate::engine::{Invocation, PROJECT_LABEL, containers};
use crate::error::{Failure, Status};
use crate::plan::needs::Needs;
use crate::ready::Wait;
use crate::render::HAPROXY_CFG;
use crate::s3::{ACCESS_KEY, REGION, SECRET_KEY};
use crate::spec::Spec;
use crate::spec::choices::{Choices, Origin};
use crate::spec::options::Opt;
use crate::spec::values::Span;
use crate::ui::progress::Progress;
use crate::workspace::{Change, Folder};

/// Where HAProxy finds its configuration in the balancer's container.
const CFG_FOLDER: &str = "/usr/local/etc/haproxy/";

/// Runs the verb.
pub fn run(arguments: Up, context: &Context) -> Result<Status> {
    let Up { folder, timeout, port, rollback, collect_on_failure, dry_run: _, flags } = arguments;
    if let Some(file) = &collect_on_failure {
        refuse_to_overwrite(file)?;
    }
    let path = folder.folder;
    let dry = context.runner.is_dry();
    let mut progress = if dry { context.ui.no_progress() } else { context.ui.progress() };
    let (mut folder, mut asked) = open_to_write(&path, &context.environment, &flags.0)?;
    if !asked.spec.has_cluster() {
        return Err(not_ours_to_run(&path).into());
    }
    if port.is_some() {
        let flags = with_free_ports(&asked.spec, flags.0, context);
        asked = Asked::new(&folder, context.environment.clone(), flags)?;
    }
    let cluster = Cluster::new(asked.spec.clone(), &path);
    let needs = Needs::new(&asked.spec);
    check_machine(&needs, context)?;
    let before = Before::of(&cluster.name, context)?;
    pull(&needs.images, &mut progress, context)?;
    let new_cfg = write(&mut folder, &asked, &path, context)?;
    let project = project(&cluster, &asked, &path);
    // A run that was killed may have left a configuration that nobody loaded.
    let loaded = if before.has_balancer && (new_cfg.is_some() || cluster.balancer_misses_gateways()) {
        reload(&project, &mut progress, context)
            .inspect_err(|_| keep_to_be_loaded(&mut folder, new_cfg.as_ref(), context))
    } else {
        Ok(())
    };
    let started = loaded.and_then(|()| start(&cluster, project, &mut progress, context));
    // Others may work in the folder while this run only waits.
    drop(folder);
    let attempt = started.and_then(|()| await_proof(&cluster, &timeout, &mut progress, context));
    progress.finish();
    if let Err(error) = attempt {
        if let Some(file) = collect_on_failure {
            collect(&file, &path, context);
        }
        return Err(after_failure(error, &cluster, &before, rollback, context));
    }
    announce(&cluster, &progress, context)?;
    Ok(Status::Done)
}

/// Chooses the next free port for each that somebody else holds.
fn with_free_ports(spec: &Spec, mut flags: Choices, context: &Context) -> Choices {
    let needs = Needs::new(spec);
    let taken = if is_local(&context.runner) { taken_ports(&context.runner, &needs) } else { Vec::new() };
    let mut others: Vec<u16> = needs.ports.iter().map(|need| need.port).collect();
    for Taken { need, .. } in taken {
        let free = next_free(need.address, need.port, &others);
        if let (Some(option), Some(free)) = (Opt::with_key(need.key), free) {
            context.ui.say(&format!("{}: {} is taken, {free} is free", need.key, need.port));
            flags.choose(option, vec![free.to_string()], Origin::Flag("port"));
            others.push(free);
        }
    }
    flags
}

/// What would keep the cluster from starting ends the run; what may harm it is said.
fn check_machine(needs: &Needs, context: &Context) -> Result<()> {
    let checks = preflight(&context.runner, needs);
    if let Some(bad) = first_bad(&checks) {
        return Err(bad.failure().into());
    }
    // Missing images are about to be pulled.
    let warnings = checks.iter().filter(|check| check.verdict == Verdict::Warning && check.name != "images");
    for Check { name, finding, advice, .. } in warnings {
        context.ui.say(&format!("warning: {name}: {finding}; {advice}"));
    }
    Ok(())
}

fn collect(file: &Path, folder: &Path, context: &Context) {
    match collect_to(file, folder, &context.uninterrupted()) {
        Ok(_) => context.ui.say(&format!("packed logs and states into {}", file.display())),
        Err(error) => context.ui.error(&error.context(format!("could not pack {}", file.display()))),
    }
}

/// What there was of a cluster before this run, which a rollback must not take.
struct Before {
    has_containers: bool,
    has_balancer: bool,
    has_data: bool,
}

impl Before {
    fn of(name: &str, context: &Context) -> Result<Self> {
        let containers = containers::list(&context.runner, name)?;
        let filter = format!("label={PROJECT_LABEL}={name}");
        let volumes = Invocation::docker("list volumes", ["volume", "ls", "--quiet", "--filter", &filter]);
        Ok(Self {
            has_containers: !containers.is_empty(),
            has_balancer: containers.iter().any(|one| one.role == "balancer" && one.state == "running"),
            has_data: !context.runner.answer(&volumes)?.trim().is_empty(),
        })
    }
}

/// Brings the files up to date; returns the change of HAProxy's configuration where there is one.
fn write(folder: &mut Folder, asked: &Asked, path: &Path, context: &Context) -> Result<Option<Change>> {
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
    if !context.runner.is_dry() {
        folder.apply(&changes)?;
    }
    Ok(changes.into_iter().find(|change| change.name() == HAPROXY_CFG && change.writes()))
}

/// Fetches images that are not on this machine, one at a time and without the noise of layers.
fn pull(images: &[String], progress: &mut Progress, context: &Context) -> Result<()> {
    for image in images {
        let look = Invocation::docker("look for an image", ["image", "inspect", "--format", "ok", image]);
        if context.runner.ask(&look)?.status.success() {
            continue;
        }
        progress.doing("images", format!("pulling {image}"));
        let pull = Invocation::docker(&format!("pull the image {image}"), ["pull", "--quiet", image]);
        context.runner.change(&pull).map_err(|error| match error.downcast::<Failure>() {
            Ok(failure) if failure.status == Status::Failed => failure
                .with_hint(
                    "`--image-registry HOST` takes every image from a mirror, `--ozone-image` and `--haproxy-image` name others",
                )
                .into(),
            Ok(failure) => failure.into(),
            Err(error) => error,
        })?;
        progress.done("images", format!("pulled {image}"));
    }
    Ok(())
}

/// `docker compose` with the files of a cluster, and nothing yet that it should do.
fn project(cluster: &Cluster, asked: &Asked, path: &Path) -> Invocation {
    let files = asked.compose_files.iter().flat_map(|file| ["-f", file]);
    Invocation::docker("", ["compose", "-p", &cluster.name]).with(files).within(path)
}

/// Has a running balancer read its new configuration: before anything else changes, so that no request is sent to a
/// gateway that goes. A configuration that HAProxy refuses leaves the old one at work.
fn reload(project: &Invocation, progress: &mut Progress, context: &Context) -> Result<()> {
    progress.doing("balancer", "loading its new configuration");
    let step = |purpose: &str| project.clone().to(purpose);
    let check = ["exec", "-T", "s3g", "haproxy", "-c", "-f", CFG_FOLDER];
    context.runner.change(&step("check HAProxy's configuration").with(check))?;
    context.runner.change(&step("reload HAProxy").with(["kill", "-s", "USR2", "s3g"]))?;
    progress.done("balancer", "loaded its new configuration");
    Ok(())
}

/// A configuration in its place would pass for one that is loaded.
fn keep_to_be_loaded(folder: &mut Folder, new_cfg: Option<&Change>, context: &Context) {
    if let Some(Err(problem)) = new_cfg.map(|new_cfg| folder.put_back(new_cfg)) {
        context.ui.error(&problem.context(format!("could not put {HAPROXY_CFG} back")));
    }
}

/// Starts what is not running.
fn start(cluster: &Cluster, project: Invocation, progress: &mut Progress, context: &Context) -> Result<()> {
    progress.doing("containers", "starting");
    let up = project.to(&format!("start cluster `{}`", cluster.name));
    context.runner.change(&up.with(["up", "--detach", "--remove-orphans"]))?;
    progress.done("containers", "started");
    Ok(())
}

fn await_proof(cluster: &Cluster, timeout: &Span, progress: &mut Progress, context: &Context) -> Result<()> {
    if context.runner.is_dry() {
        return Ok(());
    }
    let (runner, interrupt, timeout) = (&context.runner, &context.interrupt, timeout.duration());
    Wait { cluster, runner, interrupt, timeout }.until_ready(progress)
}

/// Removes what was started, where that was asked for; says what is left otherwise.
fn after_failure(
    error: Error,
    cluster: &Cluster,
    before: &Before,
    rollback: bool,
    context: &Context,
) -> Error {
    let name = &cluster.name;
    if rollback && !before.has_containers {
        // The interrupt that ended the wait must not end the removal too.
        if let Err(problem) = down::remove(name, !before.has_data, &context.uninterrupted()) {
            context.ui.error(&problem.context("could not roll back"));
        }
        return error;
    }
    match error.downcast::<Failure>() {
        Ok(failure) if failure.status == Status::Interrupted => {
            Failure::new(Status::Interrupted, format!("interrupted; cluster `{name}` is left as it is"))
                .with_hint(format!(
                    "`{}` goes on, `{}` removes it",
                    cluster.command("up"),
                    cluster.command("down")
                ))
                .into()
        }
        Ok(failure) => failure.into(),
        Err(error) => error,
    }
}

fn announce(cluster: &Cluster, progress: &Progress, context: &Context) -> Result<()> {
    if context.runner.is_dry() {
        return Ok(());
    }
    let Cluster { name, endpoint, spec, .. } = cluster;
    context.ui.say(&format!(
        "cluster `{name}` is ready after {:.1} s: {} behind HAProxy",
        progress.elapsed().as_secs_f64(),
        counted(spec.gateways.get() as usize, "S3 gateway")
    ));
    if let Some(stats) = &cluster.stats {
        context.ui.say(&format!("  statistics  {stats}/stats"));
    }
    context.ui.say(&format!(
        "  try it      AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY} AWS_REGION={REGION} \
         aws --endpoint-url {endpoint} s3 mb s3://bucket1"
    ));
    context.ui.data(&format!("{endpoint}\n"))
}
