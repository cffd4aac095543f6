//! What the verbs have in common that change a cluster which runs: read, observe, plan, act.

use anyhow::{Error, Result};

use super::Context;
use super::fault::active_fault;
use super::request::{Request, open, refuse_to_lose_edits, refuse_unreadable};
use super::upgrade::of_everything;
use crate::act::{Session, Writing};
use crate::engine::objects::{Container, is_same_image};
use crate::error::{Failure, Status};
use crate::haproxy::control::Files;
use crate::observe::{GatewayId, Member, Observed, listed};
use crate::plan::Role;
use crate::preflight::{self, refusal};
use crate::site::Site;
use crate::spec::Spec;
use crate::spec::choices::Choices;
use crate::spec::values::{Base, Discovery, GatewayName, Target};
use crate::steps::{self, Action, Desired, Goal, Step, refuse_elsewhere};
use crate::tls::Renewal;
use crate::workspace::{Change, Folder};

/// A change of one thing, planned and not begun.
pub(super) struct Planned {
    /// Locked until the change is made.
    folder: Folder,
    /// The choices, and the files that follow from them.
    pub(super) request: Request,
    changes: Vec<Change>,
    /// The certificate that replaces HAProxy's.
    renewal: Option<Renewal>,
    /// What HAProxy has to read.
    haproxy: Files,
    /// The steps.
    pub(super) steps: Vec<Step>,
}

/// Says that nothing serves while the only one of its kind is away: `is replaced`.
pub(super) fn warn_of_a_gap(what: &str, spec: &Spec, context: &Context) {
    if spec.base != Base::Ha {
        context.ui.say(&format!(
            "warning: with `base: single` nothing serves while its SCM, OM or datanode {what}"
        ));
    }
}

/// Says that nothing serves while the only gateway in rotation is away.
pub(super) fn warn_of_the_only_gateway(steps: &[Step], site: &Site, context: &Context) {
    let spec = &site.spec;
    let is_taken_out = |step: &Step| match &step.action {
        Action::TakeOut(GatewayId::Named(name)) => !spec.is_drained(name),
        Action::TakeOut(GatewayId::Replica(_)) => true,
        _ => false,
    };
    let in_rotation = match spec.discovery {
        Discovery::Static => spec.in_rotation().count(),
        Discovery::Dns => spec.gateways.get() as usize,
    };
    if in_rotation == 1 && steps.iter().any(is_taken_out) {
        context.ui.say(&format!(
            "warning: one gateway is in rotation, and nothing serves while it is away; `{}` first avoids that",
            site.command(if spec.drained.is_empty() { "scale 2" } else { "resume" })
        ));
    }
}

/// Reads the folder while it is locked, observes the cluster, and plans. `choose` makes choices of the cluster as it is
/// then, and the goal that they serve; they are the only ones that are written.
pub(super) fn plan(
    path: &std::path::Path,
    context: &Context,
    choose: impl FnOnce(&Site) -> Result<(Choices, Goal)>,
) -> Result<Planned> {
    let folder = open(path, context)?;
    let (choices, goal) = choose(&Site::in_folder(path)?)?;
    let request = Request::new(&folder, choices)?;
    let changes: Vec<Change> =
        request.changes(&folder)?.into_iter().map(Change::keeping_current_edits).collect();
    let changes = if writes(&goal) { changes } else { Vec::new() };
    let observed = Observed::read(&context.engine, &request.site.name, Some(path))?;
    refuse_elsewhere(&request.site, &observed)?;
    let renewal = if matches!(goal, Goal::Reload) { request.renewal(&context.engine)? } else { None };
    if let Some(warning) = active_fault(&request.site)? {
        context.ui.say(&warning);
    }
    // Gateways pass HAProxy's checks without an OM.
    let down = request.site.warning_of_down_services(&observed);
    if let Some(warning) = down.filter(|_| !matches!(goal, Goal::Start)) {
        context.ui.say(&warning);
    }
    let desired = request.desired(&folder, &changes, &observed, &context.engine)?;
    let desired = Desired { certificate: renewal.as_ref().map(Renewal::why), ..desired };
    let steps = steps::plan(&desired, &observed, &goal)?;
    if steps.iter().any(|step| step.action.needs_compose()) {
        let compose = preflight::compose(&context.engine);
        refusal(&[compose]).map_or(Ok(()), Err)?;
    }
    refuse_to_lose_edits(&changes, path, false)?;
    refuse_unreadable(&folder, &request)?;
    let haproxy = request.haproxy(&folder, &changes, renewal.as_ref())?;
    if let Goal::Drain(gateways) = &goal {
        say_ended(gateways, &observed, &request.site, context);
    }
    if !matches!(goal, Goal::Upgrade) {
        say_pending(&steps::pending(&desired, &observed), &request.site, &observed, context);
    }
    Ok(Planned { folder, request, changes, renewal, haproxy, steps })
}

/// Whether a goal is reached by other files.
fn writes(goal: &Goal) -> bool {
    matches!(goal, Goal::Scale | Goal::Drain(_) | Goal::Resume(_) | Goal::Upgrade | Goal::Users(_))
}

/// Says which containers are not as the files say, and stay so.
fn say_pending(names: &[String], site: &Site, observed: &Observed, context: &Context) {
    if let Some(unfinished) = unfinished_upgrade(site, observed) {
        context.ui.say(&unfinished);
    } else if !names.is_empty() {
        context.ui.say(&format!(
            "choices are pending: {} still {} with earlier ones; `{}` applies them",
            listed(names),
            if names.len() == 1 { "runs" } else { "run" },
            site.command("up")
        ));
    }
}

/// SCMs, OMs and datanodes of another image of Ozone than the files say; none on Swarm, which replaces them by itself.
pub(super) fn of_another_ozone<'a>(site: &Site, observed: &'a Observed) -> Vec<&'a Member> {
    let image = site.spec.ozone_image.as_ref().filter(|_| site.spec.target == Target::Compose);
    let Some(image) = image else { return Vec::new() };
    let image = image.to_string();
    let of_role = |role| observed.of_role(role).filter(|one| !is_same_image(&one.container.image, &image));
    Role::OF_DATA.into_iter().flat_map(of_role).collect()
}

/// Which containers an upgrade has not reached, and what continues it; none where it is complete.
pub(super) fn unfinished_upgrade(site: &Site, observed: &Observed) -> Option<String> {
    let others = of_another_ozone(site, observed);
    let before = &others.first()?.container.image;
    let names = listed(&others.iter().map(|one| one.title()).collect::<Vec<_>>());
    let has = if others.len() == 1 { "has" } else { "have" };
    let image = site.spec.ozone_image.as_ref()?;
    let (on, back) = (site.command(&of_everything(&site.spec)), site.command("upgrade --rollback"));
    Some(format!(
        "the files say {image}, and {names} still {has} {before}; `{on}` continues, `{back}` goes back"
    ))
}

/// Says which of the gateways do not run.
fn say_ended(gateways: &[GatewayName], observed: &Observed, site: &Site, context: &Context) {
    let container = |name: &GatewayName| {
        let mut all = observed.gateways();
        all.find(|(id, _)| *id == GatewayId::Named(name.clone())).map(|(_, member)| &member.container)
    };
    let those = |is: fn(Option<&Container>) -> bool| -> Vec<&GatewayName> {
        gateways.iter().filter(|name| is(container(name))).collect()
    };
    for (names, is, verb) in [
        (those(|one| one.is_some_and(Container::has_ended)), "ended", "start"),
        (those(|one| one.is_none()), "no container", "up"),
    ] {
        if !names.is_empty() {
            let has = if names.len() == 1 { "has" } else { "have" };
            let command = site.command(verb);
            context.ui.say(&format!("{} {has} {is}; `{command}` starts what does not run", listed(&names)));
        }
    }
}

impl Planned {
    /// Prints the steps.
    pub(super) fn print(&self, context: &Context) -> Result<Status> {
        self.request.say_new_choices(context);
        print(&self.steps, context)
    }

    /// Does the steps with a session that was made and adjusted by `adjust`; returns what to report afterwards.
    pub(super) fn act(self, context: &Context, adjust: impl FnOnce(&mut Session<'_>)) -> (Result<()>, Acted) {
        warn_of_the_only_gateway(&self.steps, &self.request.site, context);
        let Self { mut folder, request, changes, renewal, haproxy, steps } = self;
        let mut session = Session::new(&request.site, &context.engine, &context.interrupt, context.ui);
        session.compose_files = &request.compose_files;
        session.haproxy = Some(&haproxy);
        adjust(&mut session);
        let (choices, renewal) = (&request.new_choices(), renewal.as_ref());
        let writing = Writing { folder: &mut folder, changes: &changes, choices, renewal };
        let result = session.act(&steps, Some(writing));
        session.progress.finish();
        let (done, in_flight) = (session.done, session.in_flight);
        (result, Acted { site: request.site.clone(), left: steps[done..].to_vec(), in_flight })
    }
}

/// What to report about steps that were done.
pub(super) struct Acted {
    /// Whose they were.
    pub(super) site: Site,
    /// Those that were not done, the one that failed first.
    pub(super) left: Vec<Step>,
    /// Requests in flight to gateways that were drained, when the patience ended.
    pub(super) in_flight: u64,
}

/// Prints steps, a line each.
pub(super) fn print(steps: &[Step], context: &Context) -> Result<Status> {
    if steps.is_empty() {
        context.ui.say("there is nothing to do");
    }
    for step in steps {
        context.ui.data(&format!("{step}\n"))?;
    }
    Ok(Status::Done)
}

/// Names that were typed, each of which must be a gateway of the cluster.
///
/// # Errors
/// Bad usage: it has no such gateway, or they have no lasting names.
pub(super) fn refuse_unknown(gateways: &[GatewayName], site: &Site) -> Result<()> {
    let spec = &site.spec;
    if spec.discovery == Discovery::Dns && !gateways.is_empty() {
        let message = "gateways found by DNS have no lasting names";
        let hint =
            "`restart` without a name takes each in turn; `docker compose stop` ends one by its container";
        return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
    }
    let known: Vec<GatewayName> = spec.gateway_names().collect();
    match gateways.iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(unknown) => {
            let message = format!("cluster `{}` has no gateway `{unknown}`", site.name);
            let hint = format!("it has {}", listed(&known));
            Err(Failure::new(Status::Usage, message).with_hint(hint).into())
        }
    }
}

/// Says how to continue after a run that ended before its last step.
pub(super) fn going_on(error: Error, said: &str, again: &str) -> Error {
    match error.downcast::<Failure>() {
        Ok(failure) => {
            let (status, hint) = (failure.status, format!("`{again}` continues from here"));
            let hint = if failure.hint.is_empty() { hint } else { format!("{}; {hint}", failure.hint) };
            let interrupted = status == Status::Interrupted && !said.is_empty();
            let message = if interrupted { said.to_owned() } else { failure.message.clone() };
            Failure { message, ..failure }.with_hint(hint).into()
        }
        Err(error) => error,
    }
}

/// The names of gateways as words of a command.
pub(super) fn words(gateways: &[GatewayName]) -> String {
    gateways.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
