//! `fault`: one container that fails for a time, and is put right whatever happens to this run.
//!
//! A child of its own session makes the fault and undoes it: when the time is over, or when this run has ended, however it
//! ended. Where the child is killed, this run undoes the fault; where both are, the next one does, by the record in the
//! folder.

use std::fmt;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::Signal;

use super::Context;
use crate::act::Session;
use crate::cli::{self, FaultOn};
use crate::engine::{Invocation, leave_session};
use crate::error::{Failure, Status};
use crate::fault::{Detour, Effect, Fault, Found, Record};
use crate::interrupt::signal_process;
use crate::observe::{GatewayId, Member, Observed, Which};
use crate::site::Site;
use crate::spec::values::Span;
use crate::steps::{Action, Step, refuse_elsewhere};

/// What the child prints once the fault is made.
const MADE: &str = "made";
/// How long an engine may refuse to undo a fault, and how often it is tried.
const UNDONE_WITHIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

/// Runs the verb.
pub fn run(verb: cli::Fault, context: &Context) -> Result<Status> {
    match verb {
        cli::Fault::Kill(on) => make(&Kind::Kill, &on, context),
        cli::Fault::Freeze(on) => make(&Kind::Freeze, &on, context),
        cli::Fault::Partition(on) => make(&Kind::Partition, &on, context),
        cli::Fault::Delay(delay) => make(&Kind::Delay(delay.delay), &delay.on, context),
        cli::Fault::Errors(on) => make(&Kind::Errors, &on, context),
        cli::Fault::Undo(folder) => undo(&Site::in_folder(&folder.folder)?, context),
        cli::Fault::Hold(folder) => hold(&Site::in_folder(&folder.folder)?, context),
    }
}

/// What is to fail, as it was typed.
enum Kind {
    Kill,
    Freeze,
    Partition,
    Delay(Span),
    Errors,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill => f.write_str("kill"),
            Self::Freeze => f.write_str("freeze"),
            Self::Partition => f.write_str("partition"),
            Self::Delay(delay) => write!(f, "delay {delay}"),
            Self::Errors => f.write_str("errors"),
        }
    }
}

/// Makes a fault, waits until it is undone, and until a gateway serves again.
fn make(kind: &Kind, on: &FaultOn, context: &Context) -> Result<Status> {
    let site = Site::in_folder(&on.folder.folder)?;
    undo_what_was_left(&site, context)?;
    let observed = Observed::read(&context.engine, &site.name, Some(&site.folder))?;
    refuse_elsewhere(&site, &observed)?;
    let member = running(&on.container, &site, &observed)?;
    let words = format!("{kind} {}", on.container);
    let by_detour = |delay| -> Result<_> {
        let (balancer, detour) = detour(&words, member, delay, &site, &observed)?;
        Ok((balancer, Effect::Detour(detour)))
    };
    let (container, effect) = match kind {
        Kind::Kill => (member, Effect::Kill),
        Kind::Freeze => (member, Effect::Freeze),
        Kind::Partition => (member, Effect::Partition(member.container.attachments.clone())),
        Kind::Delay(delay) => by_detour(Some(delay))?,
        Kind::Errors => by_detour(None)?,
    };
    let milliseconds = u64::try_from(on.time.duration().as_millis())?;
    let container = container.container.id.clone();
    let fault = Fault { words, project: site.name.clone(), container, effect, milliseconds };
    hold_by_a_child(&fault, &on.time, &site, context)?;
    context.ui.say(&format!("`{}` is undone", fault.words));
    context.interrupt.check()?;
    serves_again(member, &site, context)
}

/// The container that was typed, by its service, or by its own name where its service has several.
pub(super) fn member_typed<'a>(
    typed: &str,
    site: &Site,
    observed: &'a Observed,
) -> Result<&'a Member, Failure> {
    observed.members.iter().find(|one| one.title() == typed).ok_or_else(|| {
        let message = format!("cluster `{}` has no container `{typed}`", site.name);
        let titles: Vec<String> = observed.members.iter().map(Member::title).collect();
        let (status, hint) = match titles.as_slice() {
            [] => (Status::NotReady, format!("`{}` starts it", site.command("up"))),
            titles => (Status::Usage, format!("it has {}", titles.join(", "))),
        };
        Failure::new(status, message).with_hint(hint)
    })
}

/// The container that was typed, which must run.
fn running<'a>(typed: &str, site: &Site, observed: &'a Observed) -> Result<&'a Member> {
    let member = member_typed(typed, site, observed)?;
    if !member.container.is_running() {
        let message =
            format!("{typed} of cluster `{}` does not run ({})", site.name, member.container.status);
        let hint =
            format!("a fault is for what runs; `{}` starts the cluster", site.starting_command(observed));
        return Err(Failure::new(Status::NotReady, message).with_hint(hint).into());
    }
    Ok(member)
}

/// The balancer, and the way that a gateway's requests make through another HAProxy.
fn detour<'a>(
    words: &str,
    member: &Member,
    delay: Option<&Span>,
    site: &Site,
    observed: &'a Observed,
) -> Result<(&'a Member, Detour)> {
    let refused = |why: String, hint: String| {
        Failure::new(Status::Usage, format!("`fault {words}` is not possible: {why}")).with_hint(hint)
    };
    let others = || "`fault kill`, `freeze` and `partition` are for any container".to_owned();
    let name = match member.gateway() {
        Some(GatewayId::Named(name)) => name,
        Some(GatewayId::Replica(_)) => {
            return Err(refused("HAProxy finds its gateways by DNS".to_owned(), others()).into());
        }
        None => return Err(refused(format!("{} is not a gateway", member.title()), others()).into()),
    };
    let looks = format!("`{}` shows what it sees", site.command("status"));
    let balancer = observed.running_balancer();
    let address = balancer.and_then(|one| one.container.addresses.first());
    let server = observed.seen(member).and_then(|server| server.address.rsplit_once(':'));
    let (Some(balancer), Some(own), Some((host, port))) = (balancer, address, server) else {
        return Err(refused(format!("HAProxy does not know where {name} is"), looks).into());
    };
    let detour = Detour {
        gateway: name.to_string(),
        address: host.to_owned(),
        port: port.parse().context("HAProxy reports no port")?,
        balancer: (balancer.container.service().to_owned(), own.clone()),
        delay: delay.map(|delay| u64::try_from(delay.duration().as_millis())).transpose()?,
    };
    Ok((balancer, detour))
}

/// Starts the child, and waits for it. Where it is killed, the fault is undone here.
fn hold_by_a_child(fault: &Fault, time: &Span, site: &Site, context: &Context) -> Result<()> {
    let program = std::env::current_exe().context("could not find the program of this run")?;
    let folder = site.folder.to_string_lossy();
    let invocation =
        Invocation::new(&program.to_string_lossy(), &format!("hold the fault `{}`", fault.words))
            .with(["fault", "hold", "-o", &folder])
            .reading(format!("{}\n", serde_json::to_string(fault)?));
    let ended = context.engine.hold_own(&invocation, |line| {
        if line == MADE {
            let text = format!("`{}` lasts {time}; Ctrl-C undoes it sooner", fault.words);
            context.ui.say(&text);
        }
    })?;
    match ended.code() {
        Some(0) => Ok(()),
        // It has said why.
        Some(_) => {
            let message = format!("the fault `{}` of cluster `{}` ended too early", fault.words, site.name);
            let hint = format!("`{}` shows what state it is in", site.command("status"));
            Err(Failure::new(Status::Failed, message).with_hint(hint).into())
        }
        None => {
            context.ui.say("the process that held the fault was killed");
            undo_what_was_left(site, &context.uninterrupted())
        }
    }
}

/// Waits until a gateway serves and gets requests again, unless it was drained; after a fault of another container, until
/// every gateway serves.
fn serves_again(member: &Member, site: &Site, context: &Context) -> Result<Status> {
    let actions = match member.gateway() {
        Some(GatewayId::Named(name)) if site.spec.is_drained(&name) => Vec::new(),
        Some(gateway) => {
            let which = Which::These(vec![gateway]);
            vec![Action::Prove(which.clone()), Action::Rotation(which)]
        }
        None => vec![Action::Ready],
    };
    let steps: Vec<Step> =
        actions.into_iter().map(|action| Step::new(action, "the fault is undone")).collect();
    let mut session = Session::new(site, &context.engine, &context.interrupt, context.ui);
    let result = session.act(&steps, None);
    session.progress.finish();
    result?;
    Ok(Status::Done)
}

/// The child: makes the fault that its standard input describes, and undoes it when its time is over or the input ends.
fn hold(site: &Site, context: &Context) -> Result<Status> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let fault: Fault = serde_json::from_str(&line).context("`fault hold` is for `fault` itself")?;
    let has_ended = leave_session();
    let Some(record) = Record::begin(&site.folder, &fault)? else {
        let message = format!("another run has made a fault in cluster `{}`", site.name);
        let hint = format!("`{}` ends it", site.command("fault undo"));
        return Err(Failure::new(Status::Failed, message).with_hint(hint).into());
    };
    let made = fault.make(&context.engine);
    if made.is_ok() {
        // It has no reader where the run that started this one was killed.
        let _ = context.ui.data(&format!("{MADE}\n"));
        let end = Instant::now() + fault.time();
        while Instant::now() < end && !has_ended.load(Ordering::Relaxed) && !context.interrupt.happened() {
            thread::sleep(PAUSE.min(end.saturating_duration_since(Instant::now())));
        }
    }
    undo_patiently(&fault, site, &context.uninterrupted())?;
    record.remove()?;
    made.map(|()| Status::Done)
}

/// Undoes what a run left that was killed, or ends one that goes on.
fn undo(site: &Site, context: &Context) -> Result<Status> {
    let (process, fault) = match Record::find(&site.folder)? {
        Found::Held(process, fault) => (process, fault),
        Found::Left(record, fault) => {
            undo_left(record, &fault, site, context)?;
            return Ok(Status::Done);
        }
        Found::Nothing => {
            context.ui.say(&format!("cluster `{}` has no fault", site.name));
            return Ok(Status::Done);
        }
    };
    signal_process(process, Signal::TERM);
    let end = Instant::now() + UNDONE_WITHIN;
    while matches!(Record::find(&site.folder)?, Found::Held(..)) {
        context.interrupt.check()?;
        if Instant::now() > end {
            let message = format!("process {process} does not undo `{}`", fault.words);
            let hint =
                format!("`kill -9 {process}` ends it, and `{}` undoes it then", site.command("fault undo"));
            return Err(Failure::new(Status::Failed, message).with_hint(hint).into());
        }
        thread::sleep(PAUSE);
    }
    context.ui.say(&format!("`{}` is undone", fault.words));
    Ok(Status::Done)
}

/// A warning of a fault that a run holds or left; none where there is none.
pub(super) fn active_fault(site: &Site) -> Result<Option<String>> {
    Ok(match Record::find(&site.folder)? {
        Found::Nothing => None,
        Found::Held(_, fault) | Found::Left(_, fault) => Some(format!(
            "warning: the fault `{}` is active; `{}` ends it",
            fault.words,
            site.command("fault undo")
        )),
    })
}

/// Undoes a fault whose run is gone.
///
/// # Errors
/// When a run still holds one, or it cannot be undone.
fn undo_what_was_left(site: &Site, context: &Context) -> Result<()> {
    match Record::find(&site.folder)? {
        Found::Nothing => Ok(()),
        Found::Left(record, fault) => undo_left(record, &fault, site, context),
        Found::Held(process, fault) => {
            let message = format!(
                "cluster `{}` has an active fault: process {process} holds `{}`",
                site.name, fault.words
            );
            let hint = format!("`{}` ends it", site.command("fault undo"));
            Err(Failure::new(Status::Failed, message).with_hint(hint).into())
        }
    }
}

/// Undoes the fault of a record that this run has locked.
fn undo_left(record: Record, fault: &Fault, site: &Site, context: &Context) -> Result<()> {
    undo_patiently(fault, site, context)?;
    record.remove()?;
    context.ui.say(&format!("`{}`, which a run left that was killed, is undone", fault.words));
    Ok(())
}

/// Undoes a fault, also where the engine does not answer for a while.
fn undo_patiently(fault: &Fault, site: &Site, context: &Context) -> Result<()> {
    let end = Instant::now() + UNDONE_WITHIN;
    loop {
        let Err(error) = fault.undo(&context.engine) else { return Ok(()) };
        context.interrupt.check()?;
        if Instant::now() > end {
            let message = format!("could not undo the fault `{}` of cluster `{}`", fault.words, site.name);
            let hint = format!("`{}` tries it again", site.command("fault undo"));
            let failure = Failure::new(Status::Failed, message).with_detail(format!("{error:#}"));
            return Err(failure.with_hint(hint).into());
        }
        thread::sleep(PAUSE);
    }
}
