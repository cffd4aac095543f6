//! `scale`: more or fewer gateways behind a balancer that keeps serving.

use anyhow::Result;

use super::change::{going_on, plan};
use super::request::chosen;
use super::{Context, counted, stack};
use crate::cli::Scale;
use crate::error::{Failure, Status};
use crate::observe::listed;
use crate::site::Site;
use crate::spec::values::{GatewayName, Target};
use crate::steps::Goal;

/// Runs the verb.
pub fn run(arguments: Scale, context: &Context) -> Result<Status> {
    let site = Site::of_any_target(&arguments.folder.folder)?;
    if site.spec.target == Target::Swarm {
        return stack::scale::run(arguments, &site, context);
    }
    let Scale { folder, gateways, drain_timeout, timeout, dry_run } = arguments;
    let planned = plan(&folder.folder, context, |site| {
        refuse_the_drained_alone(&gateways, site)?;
        Ok((chosen("gateways.count", vec![gateways]), Goal::Scale))
    })?;
    if dry_run {
        return planned.print(context);
    }
    let (result, acted) = planned.act(context, |session| {
        session.drain_within = drain_timeout.duration();
        session.serve_within = timeout.duration();
    });
    let count = acted.site.spec.gateways;
    result.map_err(|error| {
        let again = acted.site.command(&format!("scale {count}"));
        going_on(error, "interrupted; the gateways in rotation continue to serve", &again)
    })?;
    if acted.in_flight > 0 {
        let requests = counted(usize::try_from(acted.in_flight).unwrap_or(usize::MAX), "request");
        context.ui.say(&format!("warning: {requests} cut off after {drain_timeout}"));
    }
    let count = counted(count.get() as usize, "S3 gateway");
    context.ui.say(&format!("cluster `{}` has {count}", acted.site.name));
    Ok(Status::Done)
}

/// One gateway stays in rotation.
fn refuse_the_drained_alone(gateways: &str, site: &Site) -> Result<()> {
    let count: u32 = gateways.parse().unwrap_or(0);
    let is_kept = |name: &GatewayName| name.number() <= count && !site.spec.is_drained(name);
    if count == 0 || count > site.spec.gateways.get() || site.spec.gateway_names().any(|name| is_kept(&name))
    {
        return Ok(());
    }
    let left: Vec<GatewayName> = site.spec.gateway_names().take(count as usize).collect();
    let are = if left.len() == 1 { "is" } else { "are" };
    let message = format!("{} {are} drained, and no gateway would serve; nothing was changed", listed(&left));
    let hint = format!("`{}` first", site.command("resume"));
    Err(Failure::new(Status::Usage, message).with_hint(hint).into())
}
