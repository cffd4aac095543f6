//! `logs`: the containers' logs, by `docker compose logs`, and on Swarm by `docker service logs`.

mod requests;

use anyhow::Result;

use super::Context;
use crate::cli::Logs;
use crate::engine::objects::{self, Container, Scope};
use crate::error::{Failure, Status};
use crate::site::Site;
use crate::spec::values::Target;

/// Runs the verb: this process becomes `docker compose logs`, so that its exit code and Ctrl-C are its own.
pub fn run(arguments: &Logs, context: &Context) -> Result<Status> {
    let site = Site::of_any_target(&arguments.folder.folder)?;
    if let Some(ids) = &arguments.gateway_requests {
        return requests::run(ids, arguments, &site, context);
    }
    if site.spec.target == Target::Swarm {
        return of_swarm(arguments, &site, context);
    }
    refuse_unknown(&arguments.services, &site, context)?;
    // By the project alone: a damaged `.env` or Compose file of the current folder does not matter.
    let compose = ["compose", "--env-file", "/dev/null", "-p", &site.name, "logs"];
    let mut logs = context.engine.command("show logs", compose);
    if arguments.follow {
        logs = logs.with(["--follow"]);
    }
    if let Some(lines) = arguments.tail {
        logs = logs.with(["--tail".to_owned(), lines.to_string()]);
    }
    match context.engine.exec(&logs.with(&arguments.services))? {}
}

/// Compose shows nothing of a service that is not there, and calls that a success.
fn refuse_unknown(services: &[String], site: &Site, context: &Context) -> Result<()> {
    let containers = objects::containers(&context.engine, Scope::Project(&site.name))?;
    let all: Vec<&str> = containers.iter().map(Container::service).collect();
    if all.is_empty() {
        let message = format!("cluster `{}` has no containers, and so no logs", site.name);
        let hint = format!("`{}` makes them", site.command("up"));
        return Err(Failure::new(Status::NotReady, message).with_hint(hint).into());
    }
    let Some(unknown) = services.iter().find(|typed| !all.contains(&typed.as_str())) else { return Ok(()) };
    let message = format!("cluster `{}` has no container of the service `{unknown}`", site.name);
    Err(Failure::new(Status::Usage, message).with_hint(format!("it has {}", all.join(", "))).into())
}

/// The log of one service from all nodes; Swarm shows no more at a time.
fn of_swarm(arguments: &Logs, site: &Site, context: &Context) -> Result<Status> {
    let [service] = arguments.services.as_slice() else {
        let message = "`logs` of a cluster on Docker Swarm is of one service";
        let hint = format!(
            "`{}` is HAProxy's, s3gw is the gateways, scm, om and datanode1 are others",
            site.command("logs s3g")
        );
        return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
    };
    let mut logs = context.engine.command("show logs", ["service", "logs"]);
    if arguments.follow {
        logs = logs.with(["--follow"]);
    }
    if let Some(lines) = arguments.tail {
        logs = logs.with(["--tail".to_owned(), lines.to_string()]);
    }
    match context.engine.exec(&logs.with([format!("{}_{service}", site.name)]))? {}
}
