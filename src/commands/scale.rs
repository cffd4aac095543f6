//! `scale`: more or fewer gateways behind a balancer that goes on serving.

use std::path::Path;
use std::time::Duration;

use anyhow::{Error, Result};

use super::{Asked, Context, accepted, counted, open_to_write, project, running, write_checked};
use crate::cli::Scale;
use crate::cluster::Cluster;
use crate::engine::Invocation;
use crate::engine::containers::{self, Container};
use crate::error::{Failure, Status};
use crate::plan::balancer::SCALED_SERVICE;
use crate::render::HAPROXY_FOLDER;
use crate::spec::Spec;
use crate::spec::choices::{Choices, Origin};
use crate::spec::options::Opt;
use crate::spec::values::Discovery;
use crate::traffic::{Names, Traffic, listed};
use crate::ui::progress::Progress;
use crate::workspace::Folder;

/// Runs the verb.
pub fn run(arguments: Scale, context: &Context) -> Result<Status> {
    let Scale { folder, gateways, drain_timeout, timeout } = arguments;
    let path = folder.folder;
    Cluster::in_folder(&path, &context.environment)?;
    let mut flags = Choices::default();
    if let Some(option) = Opt::with_key("gateways.count") {
        flags.choose(option, vec![gateways], Origin::Argument);
    }
    let (mut folder, asked) = open_to_write(&path, &context.environment, &flags)?;
    let cluster = Cluster::new(asked.spec.clone(), &path);
    let containers = containers::list(&context.runner, &cluster.name)?;
    let traffic = running(&cluster, &containers, context)?;
    let changes = accepted(&folder, &asked, &path, context)?;
    let mut progress = context.ui.progress();
    let mut steps = || -> Result<()> {
        let surplus = surplus(&cluster.spec, &containers);
        remove(&surplus, &traffic, drain_timeout.duration(), &mut progress, context)?;
        write_checked(&mut folder, &changes, &traffic)?;
        let absent = absent(&cluster.spec, &containers);
        start(&absent, &cluster, &asked, &path, &mut progress, context)?;
        take_in(&absent, &folder, &cluster, &traffic, timeout.duration(), &mut progress)
    };
    steps().map_err(|error| unfinished(error, &cluster))?;
    progress.finish();
    let count = counted(cluster.spec.gateways.get() as usize, "S3 gateway");
    context.ui.say(&format!("cluster `{}` has {count}", cluster.name));
    Ok(Status::Done)
}

/// Containers of gateways that a spec has no place for: the last ones.
pub(super) fn surplus(spec: &Spec, containers: &[Container]) -> Vec<Container> {
    let gateways = containers.iter().filter(|container| container.role == "gateway").cloned();
    match spec.discovery {
        Discovery::Static => {
            let wanted: Names = spec.gateway_names().collect();
            gateways.filter(|container| !wanted.contains(&container.service)).collect()
        }
        Discovery::Dns => gateways.skip(spec.gateways.get() as usize).collect(),
    }
}

/// Services of gateways that are to run and do not.
pub(super) fn absent(spec: &Spec, containers: &[Container]) -> Names {
    let runs = |container: &&Container| container.role == "gateway" && container.state == "running";
    let running: Vec<&str> = containers.iter().filter(runs).map(|one| one.service.as_str()).collect();
    match spec.discovery {
        Discovery::Static => spec.gateway_names().filter(|name| !running.contains(&name.as_str())).collect(),
        Discovery::Dns if running.len() < spec.gateways.get() as usize => {
            Names::from([SCALED_SERVICE.to_owned()])
        }
        Discovery::Dns => Names::new(),
    }
}

/// Removes gateways once they have answered what they have, or had the time for it.
pub(super) fn remove(
    surplus: &[Container],
    traffic: &Traffic,
    patience: Duration,
    progress: &mut Progress,
    context: &Context,
) -> Result<()> {
    if surplus.is_empty() {
        return Ok(());
    }
    let names = traffic.names_of(surplus)?;
    if !context.runner.is_dry() {
        let in_flight = traffic.drain(&names, patience, progress)?;
        warn_of_cut_off(in_flight, &names, patience, context);
    }
    let list = listed(&surplus.iter().map(|container| container.name.clone()).collect());
    progress.doing("containers", format!("removing {list}"));
    let ids = || surplus.iter().map(|container| container.id.as_str());
    context.runner.change(&Invocation::docker(&format!("stop {list}"), ["stop"]).with(ids()))?;
    let rm = Invocation::docker(&format!("remove {list}"), ["rm", "--force", "--volumes"]);
    context.runner.change(&rm.with(ids()))?;
    progress.done("containers", format!("removed {list}"));
    Ok(())
}

/// Says that requests were given up, where any were.
pub(super) fn warn_of_cut_off(in_flight: u64, names: &Names, patience: Duration, context: &Context) {
    if in_flight > 0 {
        let requests = counted(usize::try_from(in_flight).unwrap_or(usize::MAX), "request");
        let names = listed(names);
        context
            .ui
            .say(&format!("warning: {requests} to {names} still in flight after {patience:?}, and cut off"));
    }
}

fn start(
    absent: &Names,
    cluster: &Cluster,
    asked: &Asked,
    path: &Path,
    progress: &mut Progress,
    context: &Context,
) -> Result<()> {
    if absent.is_empty() {
        return Ok(());
    }
    progress.doing("containers", format!("starting {}", listed(absent)));
    let up = project(cluster, asked, path).to(&format!("start {}", listed(absent)));
    context.runner.change(&up.with(["up", "--detach", "--no-deps", "--no-recreate"]).with(absent))?;
    progress.done("containers", format!("started {}", listed(absent)));
    Ok(())
}

/// Lets gateways that were absent, or that a killed run has started and nobody loaded, prove themselves, and then into
/// rotation; has HAProxy load whatever it has not.
pub(super) fn take_in(
    absent: &Names,
    folder: &Folder,
    cluster: &Cluster,
    traffic: &Traffic,
    patience: Duration,
    progress: &mut Progress,
) -> Result<()> {
    let mut unproved = absent.clone();
    if cluster.spec.discovery == Discovery::Static {
        let loaded = traffic.loaded()?;
        unproved.extend(cluster.spec.gateway_names().filter(|name| !loaded.contains(name)));
    }
    if !unproved.is_empty() {
        traffic.prove(&unproved, patience, progress)?;
    }
    if traffic.differs()? || traffic.is_older_than(folder.last_change_in(HAPROXY_FOLDER)?)? {
        traffic.load(progress)?;
    }
    match cluster.spec.discovery {
        Discovery::Static => traffic.await_in_rotation(&cluster.spec.in_rotation().collect(), progress),
        Discovery::Dns => traffic.await_number_in_rotation(cluster.spec.gateways.get() as usize, progress),
    }
}

fn unfinished(error: Error, cluster: &Cluster) -> Error {
    match error.downcast::<Failure>() {
        Ok(failure) if failure.status == Status::Interrupted => {
            let again = cluster.command(&format!("scale {}", cluster.spec.gateways));
            let hint = format!("`{again}` goes on; `{}` shows what there is", cluster.command("status"));
            Failure::new(Status::Interrupted, "interrupted; the gateways in rotation go on serving")
                .with_hint(hint)
                .into()
        }
        Ok(failure) => failure.into(),
        Err(error) => error,
    }
}
