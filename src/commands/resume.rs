//! `resume`: gateways that were drained get requests again.

use anyhow::Result;

use super::change::{plan, refuse_unknown};
use super::request::with_drained;
use super::{Context, stack};
use crate::cli::Resume;
use crate::error::Status;
use crate::observe::listed;
use crate::spec::choices::Choices;
use crate::steps::Goal;

/// Runs the verb.
pub fn run(arguments: Resume, context: &Context) -> Result<Status> {
    let Resume { folder, gateways, node, dry_run } = arguments;
    if let Some(node) = node {
        let site = stack::node::site(&folder.folder)?;
        return stack::node::resume(&node, dry_run, &site, context);
    }
    let mut chosen = gateways;
    let planned = plan(&folder.folder, context, |site| {
        if chosen.is_empty() {
            chosen.clone_from(&site.spec.drained);
        }
        refuse_unknown(&chosen, site)?;
        let drained = &site.spec.drained;
        let left = drained.iter().filter(|name| !chosen.contains(name)).cloned();
        let is_any_drained = drained.iter().any(|name| chosen.contains(name));
        let choices = if is_any_drained { with_drained(left) } else { Choices::default() };
        Ok((choices, Goal::Resume(chosen.clone())))
    })?;
    if dry_run {
        return planned.print(context);
    }
    planned.act(context, |_| {}).0?;
    if chosen.is_empty() {
        context.ui.say("the files drain no gateway; HAProxy has loaded its configuration again");
    } else {
        let get = if chosen.len() == 1 { "gets" } else { "get" };
        context.ui.say(&format!("{} {get} requests", listed(&chosen)));
    }
    Ok(Status::Done)
}
