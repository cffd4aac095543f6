//! `restart`: gateways one at a time, each out of rotation while it restarts.

use anyhow::Result;

use super::change::{going_on, plan, refuse_unknown, warn_of_a_gap};
use super::{Context, counted, stack};
use crate::cli::Restart;
use crate::error::{Failure, Status};
use crate::observe::GatewayId;
use crate::site::Site;
use crate::spec::choices::Choices;
use crate::spec::values::Target;
use crate::steps::{Action, Goal, Step};

/// Runs the verb.
pub fn run(arguments: Restart, context: &Context) -> Result<Status> {
    let site = Site::of_any_target(&arguments.folder.folder)?;
    if site.spec.target == Target::Swarm {
        return stack::restart::run(&arguments, &site, context);
    }
    let Restart { folder, gateways, dist, drain_timeout, timeout, dry_run } = arguments;
    let planned = plan(&folder.folder, context, |site| {
        refuse_unknown(&gateways, site)?;
        if dist {
            refuse_no_dist(site)?;
            return Ok((Choices::default(), Goal::RestartAll));
        }
        Ok((Choices::default(), Goal::Restart(gateways)))
    })?;
    if dry_run {
        return planned.print(context);
    }
    if dist {
        warn_of_a_gap("restarts", &planned.request.site.spec, context);
    }
    let count = taken_out(&planned.steps).count();
    let (result, acted) = planned.act(context, |session| {
        session.drain_within = drain_timeout.duration();
        session.serve_within = timeout.duration();
    });
    result.map_err(|error| {
        let names = if dist { "--dist".to_owned() } else { not_reached(&acted.left).join(" ") };
        let again = acted.site.command(format!("restart {names}").trim_end());
        going_on(error, "", &again)
    })?;
    let others = if dist { ", and every SCM, OM and datanode" } else { "" };
    context.ui.say(&format!("restarted {}{others}", counted(count, "S3 gateway")));
    Ok(Status::Done)
}

/// Without a distribution of a person's own, nothing but the gateways is another after a restart.
fn refuse_no_dist(site: &Site) -> Result<()> {
    if site.spec.dist.is_some() {
        return site.refuse_no_dist();
    }
    let message = format!("--dist: cluster `{}` runs the distribution of its image", site.name);
    let hint = format!("`{}` chooses one of your own", site.command("up --ozone-dist DIR"));
    Err(Failure::new(Status::Usage, message).with_hint(hint).into())
}

/// The gateways that steps restart.
fn taken_out(steps: &[Step]) -> impl Iterator<Item = &GatewayId> {
    steps.iter().filter_map(|step| match &step.action {
        Action::TakeOut(gateway) => Some(gateway),
        _ => None,
    })
}

/// Those that were not restarted or do not serve again yet, by names that a command takes; none of gateways that have no
/// lasting ones.
fn not_reached(left: &[Step]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for step in left {
        if let Action::TakeOut(GatewayId::Named(name)) | Action::TakeBack(GatewayId::Named(name)) =
            &step.action
            && !names.contains(&name.to_string())
        {
            names.push(name.to_string());
        }
    }
    names
}
