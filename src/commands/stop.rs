//! `stop`: nothing of a cluster runs; its containers and data are kept.

use anyhow::Result;

use super::Context;
use super::change::print;
use crate::act::Session;
use crate::cli::Stop;
use crate::error::Status;
use crate::observe::Observed;
use crate::site::Site;
use crate::steps::{self, refuse_elsewhere};

/// Runs the verb.
pub fn run(arguments: &Stop, context: &Context) -> Result<Status> {
    let path = &arguments.folder.folder;
    let site = Site::in_folder(path)?;
    let _held = super::request::open(path, context)?;
    let observed = Observed::read(&context.engine, &site.name, Some(path))?;
    refuse_elsewhere(&site, &observed)?;
    let steps = steps::stop(&observed);
    if arguments.dry_run {
        return print(&steps, context);
    }
    let mut session = Session::new(&site, &context.engine, &context.interrupt, context.ui);
    session.act(&steps, None)?;
    session.progress.finish();
    let start = site.command("start");
    context.ui.say(&match (observed.members.is_empty(), steps.is_empty()) {
        (true, _) => {
            format!("cluster `{}` has no containers; `{}` makes them", site.name, site.command("up"))
        }
        (_, true) => format!("cluster `{}` is stopped already; `{start}` starts it", site.name),
        _ => format!("stopped cluster `{}`; `{start}` starts it again", site.name),
    });
    Ok(Status::Done)
}
