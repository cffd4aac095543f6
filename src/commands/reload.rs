//! `reload`: HAProxy loads the files in its folder, once they have passed its check.

use anyhow::Result;

use super::change::plan;
use super::{Context, stack};
use crate::cli::Reload;
use crate::error::Status;
use crate::site::Site;
use crate::spec::choices::Choices;
use crate::spec::values::Target;
use crate::steps::Goal;

/// Runs the verb.
pub fn run(arguments: &Reload, context: &Context) -> Result<Status> {
    let site = Site::of_any_target(&arguments.folder.folder)?;
    if site.spec.target == Target::Swarm {
        return stack::reload::run(arguments, &site, context);
    }
    let planned = plan(&arguments.folder.folder, context, |_| Ok((Choices::default(), Goal::Reload)))?;
    if arguments.dry_run {
        return planned.print(context);
    }
    let (result, acted) = planned.act(context, |_| {});
    result?;
    context.ui.say(&format!("cluster `{}` serves with the configuration in its folder", acted.site.name));
    Ok(Status::Done)
}
