//! `up`: generate, start, and wait until every gateway has served a signed PUT and GET.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Error, Result};

use super::collect::collect_to;
use super::{
    Asked, Context, accepted, counted, down, from_elsewhere, open_to_write, project, running, scale,
    write_checked,
};
use crate::bundle::refuse_unwritable;
use crate::cli::Up;
use crate::cluster::{Cluster, not_ours_to_run};
use crate::engine::containers::{self, Container, StartedFrom};
use crate::engine::preflight::{
    Check, Taken, Verdict, first_bad, is_local, next_free, preflight, taken_ports,
};
use crate::engine::{Invocation, of_project};
use crate::error::{Failure, Status};
use crate::plan::needs::Needs;
use crate::ready::{Wait, timeline};
use crate::render::HAPROXY_CFG;
use crate::s3::{ACCESS_KEY, REGION, SECRET_KEY};
use crate::spec::Spec;
use crate::spec::choices::{Choices, Origin};
use crate::spec::options::Opt;
use crate::spec::values::{Profile, Span};
use crate::traffic::Traffic;
use crate::ui::progress::Progress;
use crate::workspace::{Change, Folder};

/// How long requests to gateways that go may take to end; `scale` lets one choose.
const DRAINED_WITHIN: Duration = Duration::from_secs(300);

/// Runs the verb.
pub fn run(arguments: Up, context: &Context) -> Result<Status> {
    let Up { folder, timeout, port, rollback, collect_on_failure, dry_run: _, timings, flags } = arguments;
    if let Some(file) = &collect_on_failure {
        refuse_unwritable(file)?;
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
    refuse_name_of_others(&cluster, &path, context)?;
    let before = Before::of(&cluster.name, context)?;
    pull(&needs.images, &mut progress, context)?;
    let changes = accepted(&folder, &asked, &path, context)?;
    make_way(&cluster, &before, &mut progress, context)?;
    write(&mut folder, &changes, &cluster, &before, context)?;
    let project = project(&cluster, &asked, &path);
    let attempt = start(&cluster, project, &mut progress, context).and_then(|()| {
        let has_new_cfg = changes.iter().any(|change| change.name() == HAPROXY_CFG && change.writes());
        let patience = timeout.duration();
        take_in(&cluster, &folder, has_new_cfg, &before, patience, &mut progress, context)
    });
    // Others may work in the folder while this run only waits.
    drop(folder);
    let attempt = attempt.and_then(|()| await_proof(&cluster, &timeout, &mut progress, context));
    progress.finish();
    let proved = match attempt {
        Ok(proved) => proved,
        Err(error) => {
            if let Some(file) = collect_on_failure {
                collect(&file, &path, context);
            }
            return Err(after_failure(error, &cluster, &before, rollback, context));
        }
    };
    if timings && !dry {
        context.ui.timings(&timeline::of(&cluster, progress.elapsed(), &proved, &context.runner)?);
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

/// What another folder has started would be taken over, or removed as left over.
fn refuse_name_of_others(cluster: &Cluster, path: &Path, context: &Context) -> Result<()> {
    let Some(StartedFrom { container, folder, .. }) = from_elsewhere(&cluster.name, path, context)? else {
        return Ok(());
    };
    let message = format!(
        "the name `{}` is taken: its container `{container}` was started from `{folder}`; nothing was changed",
        cluster.name
    );
    let hint = format!("`{}` gives this cluster another", cluster.command("up --name NAME"));
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}

fn collect(file: &Path, folder: &Path, context: &Context) {
    match collect_to(file, folder, &context.uninterrupted()) {
        Ok(_) => context.ui.say(&format!("packed logs and states into {}", file.display())),
        Err(error) => context.ui.error(&error.context(format!("could not pack {}", file.display()))),
    }
}

/// What there was of a cluster before this run, which a rollback must not take.
struct Before {
    containers: Vec<Container>,
    has_data: bool,
}

impl Before {
    fn of(name: &str, context: &Context) -> Result<Self> {
        let volumes =
            Invocation::docker("list volumes", ["volume", "ls", "--quiet", "--filter", &of_project(name)]);
        Ok(Self {
            containers: containers::list(&context.runner, name)?,
            has_data: !context.runner.answer(&volumes)?.trim().is_empty(),
        })
    }

    fn has_balancer(&self) -> bool {
        self.containers.iter().any(|one| one.role == "balancer" && one.state == "running")
    }

    /// The traffic of a balancer that runs and has admin access.
    fn traffic<'a>(&self, cluster: &'a Cluster, context: &'a Context) -> Option<Result<Traffic<'a>>> {
        let has_access = self.has_balancer() && cluster.spec.profile == Profile::Tuned;
        has_access.then(|| running(cluster, &self.containers, context))
    }
}

/// Writes the files; those of a balancer that runs must be good for it.
fn write(
    folder: &mut Folder,
    changes: &[Change],
    cluster: &Cluster,
    before: &Before,
    context: &Context,
) -> Result<()> {
    match before.traffic(cluster, context) {
        _ if context.runner.is_dry() => Ok(()),
        Some(traffic) => write_checked(folder, changes, &traffic?),
        None => folder.apply(changes),
    }
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

/// What a cluster that runs already needs before the new files are there: gateways that go have finished by then.
fn make_way(cluster: &Cluster, before: &Before, progress: &mut Progress, context: &Context) -> Result<()> {
    let surplus = scale::surplus(&cluster.spec, &before.containers);
    match before.traffic(cluster, context) {
        Some(traffic) => scale::remove(&surplus, &traffic?, DRAINED_WITHIN, progress, context),
        None => Ok(()),
    }
}

/// Has a balancer that ran already take in what is new. Ozone's example mounts one file, which only a restart sees.
fn take_in(
    cluster: &Cluster,
    folder: &Folder,
    has_new_cfg: bool,
    before: &Before,
    timeout: Duration,
    progress: &mut Progress,
    context: &Context,
) -> Result<()> {
    if !before.has_balancer() {
        return Ok(());
    }
    let now = containers::list(&context.runner, &cluster.name)?;
    let Some(traffic) = before.traffic(cluster, context) else {
        let balancer = now.iter().find(|one| has_new_cfg && one.role == "balancer");
        let Some(Container { id, .. }) = balancer else { return Ok(()) };
        return context.runner.change(&Invocation::docker("restart the balancer", ["restart", id]));
    };
    if context.runner.is_dry() {
        return if has_new_cfg { traffic?.load(progress) } else { Ok(()) };
    }
    // The start may have replaced the balancer.
    let traffic = running(cluster, &now, context)?;
    let absent = scale::absent(&cluster.spec, &before.containers);
    scale::take_in(&absent, folder, cluster, &traffic, timeout, progress)
}

/// Starts what is not running.
fn start(cluster: &Cluster, project: Invocation, progress: &mut Progress, context: &Context) -> Result<()> {
    progress.doing("containers", "starting");
    let up = project.to(&format!("start cluster `{}`", cluster.name));
    context.runner.change(&up.with(["up", "--detach", "--remove-orphans"]))?;
    progress.done("containers", "started");
    Ok(())
}

/// Returns when each gateway had served.
fn await_proof(
    cluster: &Cluster,
    timeout: &Span,
    progress: &mut Progress,
    context: &Context,
) -> Result<BTreeMap<String, Instant>> {
    if context.runner.is_dry() {
        return Ok(BTreeMap::new());
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
    if rollback && before.containers.is_empty() {
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
