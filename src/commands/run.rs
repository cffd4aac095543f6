//! `run`: a command with the variables that S3 clients read, and with `--up` a cluster around it.

use std::io::{IsTerminal, stdin};
use std::path::Path;

use anyhow::{Context as _, Result};

use super::env::{Answering, INSIDE, answering_cluster};
use super::{Context, down, stack, up};
use crate::bundle::refuse_unwritable;
use crate::cli::{self, Flags, Up};
use crate::credentials;
use crate::engine::{Engine, Invocation, Variables};
use crate::error::{Failure, Status, status_of};
use crate::observe::Observed;
use crate::plan::Role;
use crate::s3::Key;
use crate::s3::variables::{SECRET, trusting_only, variables};
use crate::site::{Site, choices_in};
use crate::spec::choices::{Choices, Origin};
use crate::spec::options::Opt;
use crate::spec::values::{Target, UserName};
use crate::steps::refuse_elsewhere;
use crate::tls;
use crate::workspace::Folder;

/// Runs the verb.
pub fn run(arguments: cli::Run, context: &Context) -> Result<Status> {
    if arguments.up || arguments.down {
        return attended(arguments, context);
    }
    become_it(arguments, context)
}

/// This process becomes the command, so that its exit code, signals and terminal are its own.
fn become_it(arguments: cli::Run, context: &Context) -> Result<Status> {
    let answering = answering_cluster(&arguments.folder.folder, context)?;
    let key = credentials::of_user(&answering.site, arguments.as_user.as_ref())?;
    if let Some(image) = arguments.inside {
        let run = inside(&answering, &key, &image, arguments.command, &context.engine)?;
        match context.engine.exec(&run)? {}
    }
    let variables = outside(&answering, &key, context)?;
    match context.engine.exec_own(&here(arguments.command), &variables)? {}
}

/// The command runs as a child, since there is something to do after its end.
fn attended(arguments: cli::Run, context: &Context) -> Result<Status> {
    let cli::Run {
        folder,
        as_user,
        inside,
        up: starts,
        down: removes,
        timeout,
        port,
        collect_on_failure,
        flags,
        command,
    } = arguments;
    if let Some(file) = &collect_on_failure {
        refuse_unwritable(file)?;
    }
    let path = folder.folder.clone();
    if starts {
        let (collect_on_failure, flags) =
            (collect_on_failure.clone(), with_user(flags.0, as_user.as_ref(), &path)?);
        let (rollback, yes, dry_run, timings) = (false, false, false, false);
        let up = Up { folder, flags, timeout, port, rollback, collect_on_failure, yes, dry_run, timings };
        if let Err(error) = up::start(up, context) {
            // What was refused before anything was started or changed stays as it was.
            let refused = [Status::Usage, Status::Differs, Status::NoEngine].contains(&status_of(&error));
            if !removes || refused {
                return Err(error);
            }
            tell(removed(&path, context), context);
            return Err(not_left(error));
        }
    }
    let result = child(&path, as_user.as_ref(), inside, command, context);
    if let Some(file) = collect_on_failure.filter(|_| !matches!(result, Ok(Status::Child(0)))) {
        up::collect(&file, &path, context);
    }
    if !removes {
        return result;
    }
    let removal = removed(&path, context);
    if matches!(result, Ok(Status::Child(0))) {
        return removal.map(|()| Status::Done);
    }
    // The command's own end says more.
    tell(removal, context);
    result
}

/// The flags of a start, with the command's user among those of the cluster.
fn with_user(flags: Choices, user: Option<&UserName>, path: &Path) -> Result<Flags> {
    let (Some(user), Some(option)) = (user, Opt::with_key("users")) else { return Ok(Flags(flags)) };
    let kept = choices_in(&Folder::to_read(path))?.unwrap_or_default();
    let mut users = kept.of(option.key).map(|choice| choice.texts.clone()).unwrap_or_default();
    if users.iter().all(|one| *one != user.as_str()) {
        users.push(user.to_string());
    }
    let mut flags = flags;
    flags.choose(option, users, Origin::Flag(option.flag));
    Ok(Flags(flags))
}

/// The error of a start whose cluster is removed, which must not say how to continue with it.
fn not_left(error: anyhow::Error) -> anyhow::Error {
    if status_of(&error) == Status::Interrupted {
        return Failure::new(Status::Interrupted, "interrupted before the command ran").into();
    }
    error
}

/// Runs the command to its end.
fn child(
    path: &Path,
    user: Option<&UserName>,
    image: Option<String>,
    command: Vec<String>,
    context: &Context,
) -> Result<Status> {
    let answering = answering_cluster(path, context)?;
    let key = credentials::of_user(&answering.site, user)?;
    let code = if let Some(image) = image {
        context.engine.run_attached(&inside(&answering, &key, &image, command, &context.engine)?)?
    } else {
        let variables = outside(&answering, &key, context)?;
        context.engine.run_own_attached(&here(command), &variables)?
    };
    Ok(Status::Child(code))
}

/// Removes the cluster of a folder with its data, Ctrl-C or not.
fn removed(path: &Path, context: &Context) -> Result<()> {
    // Nothing was started where no choices were kept.
    if choices_in(&Folder::to_read(path))?.is_none() {
        return Ok(());
    }
    let context = context.uninterrupted();
    let site = Site::of_any_target(path)?;
    if site.spec.target == Target::Swarm {
        return stack::down::run(&site, true, false, &context).map(drop);
    }
    let observed = Observed::read(&context.engine, &site.name, Some(path))?;
    refuse_elsewhere(&site, &observed)?;
    if observed.is_empty() { Ok(()) } else { down::remove(&observed, true, &site, &context) }
}

/// Says that a cluster could not be removed, beside what else went wrong.
fn tell(removal: Result<()>, context: &Context) {
    if let Err(error) = removal {
        context.ui.error(&error.context("could not remove the cluster"));
    }
}

/// The variables of a command on this machine: of its own shell, so that they may replace its roots.
fn outside(answering: &Answering, key: &Key, context: &Context) -> Result<Variables> {
    let mut variables = answering.variables(key, context);
    if answering.https.is_some()
        && let Some(bundle) = tls::bundle(&answering.site.folder)?
    {
        variables.set.extend(trusting_only(&bundle));
    }
    Ok(variables)
}

/// The command on this machine.
fn here(command: Vec<String>) -> Invocation {
    let mut words = command.into_iter();
    let program = words.next().unwrap_or_default();
    Invocation::new(&program, "run a command").with(words)
}

/// The command in a container of its own, in the cluster's network. What the engine's client sets for a proxy does not
/// hold for the cluster. The secret is in the environment of the engine's client alone, and in no list of processes.
fn inside(
    answering: &Answering,
    key: &Key,
    image: &str,
    command: Vec<String>,
    engine: &Engine,
) -> Result<Invocation> {
    if answering.site.spec.target == Target::Swarm {
        let message =
            "--inside does not work with `target: swarm`, whose network takes containers of services alone";
        return Err(Failure::new(Status::Usage, message)
            .with_hint("without it the command runs on this machine")
            .into());
    }
    let mut networks = answering.observed.networks.iter();
    let network =
        networks.find(|one| one.role == Role::Network.word()).context("the cluster has no network")?;
    let run = engine.command("run a command in a container", ["run", "--rm", "--interactive"]);
    let run = run.with(stdin().is_terminal().then_some("--tty")).with(["--network", &network.name]);
    let variables = variables(&answering.site.spec.version, INSIDE, Some(""), key);
    let setting =
        |name: &str, value: &str| if name == SECRET { name.to_owned() } else { format!("{name}={value}") };
    let settings = variables.set.iter().flat_map(|(name, value)| ["--env".to_owned(), setting(name, value)]);
    Ok(run.with(settings).with([image]).with(command).knowing(SECRET, key.secret()))
}
