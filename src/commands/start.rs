//! `start`: starts a stopped cluster, and proves every gateway.

use anyhow::Result;

use super::Context;
use super::change::{going_on, plan};
use super::up::ready::drained;
use crate::cli::Start;
use crate::error::{Failure, Status};
use crate::observe::Observed;
use crate::site::Site;
use crate::spec::choices::Choices;
use crate::steps::Goal;

/// Runs the verb.
pub fn run(arguments: &Start, context: &Context) -> Result<Status> {
    let path = &arguments.folder.folder;
    refuse_empty(&Site::in_folder(path)?, context)?;
    let planned = plan(path, context, |_| Ok((Choices::default(), Goal::Start)))?;
    if arguments.dry_run {
        return planned.print(context);
    }
    let (result, acted) = planned.act(context, |session| session.serve_within = arguments.timeout.duration());
    result.map_err(|error| {
        going_on(error, "interrupted; the cluster is left as it is", &acted.site.command("start"))
    })?;
    let observed = Observed::read(&context.engine, &acted.site.name, Some(path))?;
    let drained = drained(&acted.site).map(|names| format!("; drained: {names}")).unwrap_or_default();
    context.ui.say(&format!("cluster `{}` is ready{drained}", acted.site.name));
    if let Some(endpoint) = observed.endpoint(&acted.site.host(&context.engine)) {
        context.ui.data(&format!("{endpoint}\n"))?;
    }
    Ok(Status::Done)
}

/// There is nothing to start where there are no containers.
fn refuse_empty(site: &Site, context: &Context) -> Result<()> {
    let observed = Observed::read(&context.engine, &site.name, Some(&site.folder))?;
    if !observed.members.is_empty() {
        return Ok(());
    }
    let message = format!("cluster `{}` has no containers to start", site.name);
    let hint = format!("`{}` makes them", site.command("up"));
    Err(Failure::new(Status::NotReady, message).with_hint(hint).into())
}
