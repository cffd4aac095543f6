//! `restart`: gateways one at a time, each out of rotation while it restarts.

use std::time::Duration;

use anyhow::{Error, Result};

use super::scale::warn_of_cut_off;
use super::{Context, counted, named, running};
use crate::cli::Restart;
use crate::cluster::Cluster;
use crate::engine::Invocation;
use crate::engine::containers::{self, Container};
use crate::error::{Failure, Status};
use crate::spec::values::Discovery;
use crate::traffic::{Names, Traffic, listed};
use crate::ui::progress::Progress;
use crate::workspace::Folder;

/// Runs the verb.
pub fn run(arguments: Restart, context: &Context) -> Result<Status> {
    let Restart { folder, gateways, drain_timeout, timeout } = arguments;
    let path = folder.folder;
    let cluster = Cluster::in_folder(&path, &context.environment)?;
    let chosen = named(&gateways, &cluster)?;
    // Nobody else changes the cluster meanwhile.
    let _folder = Folder::to_write(&path)?;
    let containers = containers::list(&context.runner, &cluster.name)?;
    let traffic = running(&cluster, &containers, context)?;
    let is_chosen =
        |one: &&Container| one.role == "gateway" && (chosen.is_empty() || chosen.contains(&one.service));
    let targets: Vec<&Container> = containers.iter().filter(is_chosen).collect();
    for (done, container) in targets.iter().enumerate() {
        let mut progress = context.ui.progress();
        let roll = Roll { container, cluster: &cluster, traffic: &traffic, context };
        roll.run(drain_timeout.duration(), timeout.duration(), &mut progress)
            .map_err(|error| stopped(error, &targets[done..], &cluster))?;
        progress.finish();
        context.ui.say(&format!("{} serves again", container.service));
    }
    context.ui.say(&format!("restarted {}", counted(targets.len(), "S3 gateway")));
    Ok(Status::Done)
}

/// The restart of one gateway.
struct Roll<'a> {
    container: &'a Container,
    cluster: &'a Cluster,
    traffic: &'a Traffic<'a>,
    context: &'a Context,
}

impl Roll<'_> {
    fn run(&self, drain: Duration, serve: Duration, progress: &mut Progress) -> Result<()> {
        let Self { container, cluster, traffic, context } = self;
        let names = traffic.names_of(std::slice::from_ref(*container))?;
        let serving = traffic.serving()?;
        self.refuse_to_lose_a_second(&names, &serving)?;
        match traffic.drain(&names, drain, progress) {
            Ok(in_flight) => warn_of_cut_off(in_flight, &names, drain, context),
            Err(error) => {
                // It still runs, and would stay out of rotation until the next reload.
                self.take_back(&names, &context.uninterrupted())?;
                return Err(error);
            }
        }
        progress.doing("containers", format!("restarting {}", container.name));
        let restart = ["restart", "--time", "30", &container.id];
        context.runner.change(&Invocation::docker(&format!("restart {}", container.name), restart))?;
        progress.done("containers", format!("restarted {}", container.name));
        traffic.prove(&Names::from([container.service.clone()]), serve, progress)?;
        self.take_back(&names, context)?;
        match cluster.spec.discovery {
            Discovery::Static => {
                let back = names.iter().filter(|name| !self.cluster.spec.is_drained(name)).cloned().collect();
                traffic.await_in_rotation(&back, progress)
            }
            Discovery::Dns => traffic.await_number_in_rotation(serving.len(), progress),
        }
    }

    /// What a person drained stays so.
    fn take_back(&self, names: &Names, context: &Context) -> Result<()> {
        let names: Names = names.iter().filter(|name| !self.cluster.spec.is_drained(name)).cloned().collect();
        let containers = containers::list(&context.runner, &self.cluster.name)?;
        running(self.cluster, &containers, context)?.take_back(&names)
    }

    /// With one gateway down already, another one's restart would leave two fewer.
    fn refuse_to_lose_a_second(&self, names: &Names, serving: &Names) -> Result<()> {
        let spec = &self.cluster.spec;
        let wanted: Names = match spec.discovery {
            Discovery::Static => spec.in_rotation().filter(|name| !names.contains(name)).collect(),
            Discovery::Dns => Names::new(),
        };
        let missing: Names = wanted.difference(serving).cloned().collect();
        if missing.is_empty() || names.is_disjoint(serving) {
            return Ok(());
        }
        let message = format!(
            "{} does not serve; restarting {} now would take a second gateway away",
            listed(&missing),
            self.container.service
        );
        let first = missing.iter().next().cloned().unwrap_or_default();
        let hint = self.cluster.command(&format!("restart {first}"));
        Err(Failure::new(Status::Failed, message).with_hint(format!("`{hint}` first")).into())
    }
}

/// Says what was not reached.
fn stopped(error: Error, rest: &[&Container], cluster: &Cluster) -> Error {
    let names: Names = rest.iter().map(|container| container.service.clone()).collect();
    let again = cluster.command(&format!("restart {}", listed(&names).replace(',', "")));
    match error.downcast::<Failure>() {
        Ok(failure) => {
            let hint = format!("`{again}` goes on from here");
            let hint = if failure.hint.is_empty() { hint } else { format!("{}; {hint}", failure.hint) };
            failure.with_hint(hint).into()
        }
        Err(error) => error,
    }
}
