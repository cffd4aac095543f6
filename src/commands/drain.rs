//! `drain`: gateways that get no new requests, until they are resumed.

use anyhow::Result;

use super::{Context, accepted, named, open_to_write, running, with_drained, write_checked};
use crate::cli::Drain;
use crate::cluster::Cluster;
use crate::engine::containers;
use crate::error::{Failure, Status};
use crate::traffic::listed;

/// Runs the verb.
pub fn run(arguments: Drain, context: &Context) -> Result<Status> {
    let Drain { folder, gateways, drain_timeout } = arguments;
    let path = folder.folder;
    let before = Cluster::in_folder(&path, &context.environment)?;
    let names = named(&gateways, &before)?;
    let mut wish = before.spec.drained.clone();
    wish.extend(gateways);
    let (mut folder, asked) = open_to_write(&path, &context.environment, &with_drained(wish))?;
    let cluster = Cluster::new(asked.spec.clone(), &path);
    let containers = containers::list(&context.runner, &cluster.name)?;
    let traffic = running(&cluster, &containers, context)?;
    let changes = accepted(&folder, &asked, &path, context)?;
    let mut progress = context.ui.progress();
    // The wish first: a run that ends in between leaves what the next one makes true.
    write_checked(&mut folder, &changes, &traffic)?;
    traffic.load(&mut progress)?;
    let in_flight = traffic.drain(&names, drain_timeout.duration(), &mut progress)?;
    progress.finish();
    let list = listed(&names);
    if in_flight > 0 {
        let message = format!("{list} had {in_flight} in flight after {drain_timeout}, and gets nothing new");
        let hint = format!("`{}` goes on waiting", cluster.command(&format!("drain {}", words(&list))));
        return Err(Failure::new(Status::NotReady, message).with_hint(hint).into());
    }
    context.ui.say(&format!(
        "{list} has nothing in flight and gets nothing new, until `{}`",
        cluster.command(&format!("resume {}", words(&list)))
    ));
    Ok(Status::Done)
}

fn words(list: &str) -> String {
    list.replace(',', "")
}
