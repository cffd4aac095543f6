//! `drain`: gateways that get no new requests, until they are resumed.

use anyhow::Result;

use super::change::{plan, refuse_unknown, words};
use super::request::with_drained;
use super::{Context, stack};
use crate::cli::Drain;
use crate::error::{Failure, Status};
use crate::observe::listed;
use crate::site::Site;
use crate::spec::values::GatewayName;
use crate::steps::Goal;

/// Runs the verb.
pub fn run(arguments: Drain, context: &Context) -> Result<Status> {
    let Drain { folder, gateways, node, drain_timeout, dry_run } = arguments;
    if let Some(node) = node {
        let site = stack::node::site(&folder.folder)?;
        return stack::node::drain(&node, drain_timeout.duration(), dry_run, &site, context);
    }
    let planned = plan(&folder.folder, context, |site| {
        refuse_unknown(&gateways, site)?;
        refuse_the_last(&gateways, site)?;
        let drained = site.spec.drained.iter().chain(&gateways).cloned();
        Ok((with_drained(drained), Goal::Drain(gateways.clone())))
    })?;
    if dry_run {
        return planned.print(context);
    }
    let (result, acted) = planned.act(context, |session| session.drain_within = drain_timeout.duration());
    result?;
    let (list, names) = (listed(&gateways), words(&gateways));
    let (has, gets) = if gateways.len() == 1 { ("has", "gets") } else { ("have", "get") };
    if acted.in_flight > 0 {
        let message = format!(
            "{list} still {has} {} in flight after {drain_timeout}, and {gets} no new requests",
            acted.in_flight
        );
        let hint = format!("`{}` continues to wait", acted.site.command(&format!("drain {names}")));
        return Err(Failure::new(Status::NotReady, message).with_hint(hint).into());
    }
    context.ui.say(&format!(
        "{list} {has} nothing in flight and {gets} no new requests, until `{}`",
        acted.site.command(&format!("resume {names}"))
    ));
    Ok(Status::Done)
}

/// One gateway stays in rotation.
fn refuse_the_last(gateways: &[GatewayName], site: &Site) -> Result<()> {
    if site.spec.in_rotation().any(|one| !gateways.contains(&one)) {
        return Ok(());
    }
    let message = format!("no gateway would be left to serve cluster `{}`; nothing was changed", site.name);
    let more = match site.spec.drained.iter().find(|one| !gateways.contains(one)) {
        Some(drained) => format!("`{}` first", site.command(&format!("resume {drained}"))),
        None => {
            format!("`{}` adds one", site.command(&format!("scale {}", site.spec.gateways.get() + 1)))
        }
    };
    let hint = format!("{more}; `{}` stops the cluster", site.command("stop"));
    Err(Failure::new(Status::Usage, message).with_hint(hint).into())
}
