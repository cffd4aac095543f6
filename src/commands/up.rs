//! `up`: generate, start, and wait until every gateway has served a signed PUT and GET.

pub(super) mod ready;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Error, Result};
use fs_err as fs;

use super::change::{of_another_ozone, print, warn_of_the_only_gateway};
use super::collect::collect_to;
use super::request::{
    Request, automatic, numbered, open_and_check, refuse_app, refuse_to_lose_edits, refuse_unreadable,
};
use super::upgrade::of_everything;
use super::{Context, stack};
use crate::act::{Session, Writing};
use crate::bundle::refuse_unwritable;
use crate::cli::Up;
use crate::engine::{Place, is_of_a_taken_port};
use crate::error::{Failure, Status};
use crate::observe::{Observed, listed};
use crate::plan::balancer::BALANCER_SERVICE;
use crate::plan::requirements::Requirements;
use crate::preflight::{Check, HostPorts, Taken, Verdict, machine, missing_images, published_ports, refusal};
use crate::proof::timeline;
use crate::render::HAPROXY_CFG;
use crate::seed::Seed;
use crate::site::{Site, choices_in, not_ours_to_run, rendered_only};
use crate::spec::Spec;
use crate::spec::choices::{Choices, Origin};
use crate::spec::options::{OPTIONS, Opt, Preset};
use crate::spec::values::{BindAddress, EngineAt, Target};
use crate::steps::{self, Action, Desired, Goal, Step, refuse_foreign};
use crate::tls::Renewal;
use crate::workspace::{Change, Folder};
use ready::{Started, announce};

/// How often free ports are chosen, each time that another process takes one of them before a container has it.
const TRIES: u32 = 3;

/// The folder of a person's own programs in the cluster's.
const HOOKS: &str = "ready.d";

/// Runs the verb.
pub fn run(arguments: Up, context: &Context) -> Result<Status> {
    if let Some(endpoint) = start(arguments, context)? {
        context.ui.data(&format!("{endpoint}\n"))?;
    }
    Ok(Status::Done)
}

/// Starts a cluster until it is ready, and returns its endpoint; none where steps were only to be printed.
pub(super) fn start(arguments: Up, context: &Context) -> Result<Option<String>> {
    let mut given = context.environment.clone().overlaid_by(arguments.flags.0.clone());
    let path = arguments.folder.folder.clone();
    let mut request = request_for(&path, &numbered(&given, &path)?)?;
    if request.site.spec.target == Target::Swarm {
        return stack::up::run(arguments, &numbered(&given, &path)?, context);
    }
    let Up { timeout, port, rollback, collect_on_failure, yes, dry_run, timings, .. } = arguments;
    if let Some(file) = &collect_on_failure {
        refuse_unwritable(file)?;
    }
    let followed = following_engine(&given, &path, context)?;
    if followed.iter().next().is_some() {
        given = given.overlaid_by(followed);
        request = request_for(&path, &numbered(&given, &path)?)?;
    }
    request.seed()?;
    request.site.refuse_no_dist()?;
    refuse_second_name(&path, &request, context)?;
    warn_of_open_ports(&request.site.spec, context);
    request.warn_of_version(context);
    let needs = Requirements::new(&request.site.spec);
    refuse_bad(&machine(&context.engine, &needs), context)?;
    let pulls = pulls(&needs, context);
    if !dry_run {
        // Before the folder is locked: an image may take minutes, and others may work there meanwhile.
        pull(&pulls, &request.site, context)?;
    }

    let is_automatic = port.is_some() || !automatic(&given).is_empty();
    let mut tries = if is_automatic { TRIES } else { 1 };
    loop {
        let mut start = Start::plan(&path, &given, port.is_some(), yes, context)?;
        if dry_run {
            start.request.say_new_choices(context);
            print(&[pulls, start.steps].concat(), context)?;
            return Ok(None);
        }
        tries -= 1;
        match start.act(timeout.duration(), rollback, timings, context) {
            Ok(endpoint) => return Ok(endpoint),
            Err(error) if tries > 0 && is_of_a_taken_port(&error) => {
                context.ui.say("another process took a port that was free; another port is chosen");
            }
            Err(error) => {
                if let Some(file) = collect_on_failure {
                    collect(&file, &path, context);
                }
                return Err(after_failure(error, &start.request.site, &start.before, rollback, context));
            }
        }
    }
}

/// What follows, where it was not chosen, from an engine whose containers do not see this machine's folders: its ports
/// are published where they can be reached from here.
fn following_engine(given: &Choices, path: &Path, context: &Context) -> Result<Choices> {
    let mut choices = Choices::default();
    let bind = match context.engine.place() {
        Place::Here if context.engine.has_selinux() => Some(BindAddress::LOOPBACK.to_string()),
        Place::Here => return Ok(choices),
        Place::Around(address) => Some(address.to_string()),
        Place::Elsewhere(_) => None,
    };
    let kept = choices_in(&Folder::to_read(path))?.unwrap_or_default();
    // Gateways with domains refuse hosts that they do not know.
    let has_domains = given.of("domains").or_else(|| kept.of("domains")).is_some();
    let host = has_domains.then(|| context.engine.place().host());
    let chosen = [("engine", Some(EngineAt::Remote.to_string())), ("ports.bind", bind), ("ports.host", host)];
    for (option, text) in chosen.into_iter().filter_map(|(key, text)| Some((Opt::with_key(key)?, text?))) {
        if given.of(option.key).is_none() && kept.of(option.key).is_none() {
            choices.choose(option, vec![text], Origin::Flag(option.flag));
        }
    }
    Ok(choices)
}

/// Says who else reaches an S3 that accepts any key.
fn warn_of_open_ports(spec: &Spec, context: &Context) {
    let is_open = spec.kerberos.is_none() && spec.ports.bind == BindAddress::EVERYWHERE;
    if spec.engine == EngineAt::Remote && is_open {
        context.ui.say(
            "warning: ports: they are published on every address of the engine's machine, and who reaches one can read \
             and write this S3, which checks no secret; `--bind ADDRESS` publishes them on one",
        );
    }
}

/// Whether HAProxy gets another container, as for another port, which no reload changes.
fn recreates_the_balancer(step: &Step) -> bool {
    matches!(&step.action, Action::Update(services) if services.iter().any(|name| name == BALANCER_SERVICE))
}

/// Says which generated files a person edited: Compose and HAProxy read them as they are.
fn warn_of_edits(changes: &[Change], context: &Context) {
    let (of_haproxy, others): (Vec<&str>, Vec<&str>) = changes
        .iter()
        .filter(|change| change.keeps_an_edit())
        .map(Change::name)
        .partition(|name| *name == HAPROXY_CFG);
    for (names, effect) in [
        (of_haproxy, "HAProxy loads it with the edit"),
        (others, "new containers follow the edit, and those that run already are not recreated for it"),
    ] {
        if !names.is_empty() {
            let were = if names.len() == 1 { "was" } else { "were" };
            context.ui.say(&format!("warning: {} {were} edited by hand; {effect}", names.join(", ")));
        }
    }
}

/// Another image of Ozone for containers that run is for `upgrade`, unless a person says yes; for those that do not run,
/// it is a warning.
fn refuse_another_ozone(site: &Site, observed: &Observed, yes: bool, context: &Context) -> Result<()> {
    let Some(image) = &site.spec.ozone_image else { return Ok(()) };
    let others = of_another_ozone(site, observed);
    let Some(first) = others.first() else { return Ok(()) };
    let names = listed(&others.iter().map(|one| one.title()).collect::<Vec<_>>());
    let (now, upgrade) = (&first.container.image, site.command(&of_everything(&site.spec)));
    if yes || !others.iter().any(|one| one.container.is_running()) {
        context.ui.say(&format!(
            "warning: {names} of {now} get {image}, and an older Ozone may not start on the data of a newer one"
        ));
        return Ok(());
    }
    let message = format!(
        "{names} of cluster `{}` run {now}, and nothing would serve while {image} replaces it; nothing was changed",
        site.name
    );
    let hint = format!(
        "`{upgrade}` replaces one container at a time, gateways without a failed request; `{}` replaces all of them now",
        site.command("up --yes")
    );
    Err(Failure::new(Status::Usage, message).with_hint(hint).into())
}

/// What the choices mean, without locking the folder.
fn request_for(path: &Path, choices: &Choices) -> Result<Request> {
    let folder = Folder::to_read(path);
    let request = Request::new(&folder, choices.clone())?;
    if !request.site.spec.has_cluster() {
        return Err(not_ours_to_run(path).into());
    }
    if request.site.spec.target == Target::Helm {
        return Err(rendered_only(path).into());
    }
    refuse_app(&folder, &request)?;
    Ok(request)
}

/// Chooses the next free port for each of these that another process holds.
fn with_free_ports(
    spec: &Spec,
    own: &[u16],
    options: &[&Opt],
    mut flags: Choices,
    context: &Context,
) -> Choices {
    let needs = Requirements::new(spec);
    let ports = HostPorts::of(&context.engine);
    // A port that another option has unless something else is chosen is kept for that.
    let by_default = OPTIONS.iter().filter(|option| option.is_port()).filter_map(|option| {
        let Preset::Is(port) = option.default else { return None };
        port.parse().ok()
    });
    let mut others: Vec<u16> = needs.ports.iter().map(|need| need.port).chain(by_default).collect();
    let taken = ports.taken(&needs, own);
    for Taken { need, .. } in taken.iter().filter(|taken| options.iter().any(|one| one.key == taken.need.key))
    {
        let free = ports.next_free(need.address, need.port, &others);
        if let (Some(option), Some(free)) = (Opt::with_key(need.key), free) {
            context.ui.say(&format!("{}: {} is taken, {free} is free", need.key, need.port));
            flags.choose(option, vec![free.to_string()], Origin::Flag("port"));
            others.push(free);
        }
    }
    flags
}

/// A check that prevents a start ends the run; others become warnings.
fn refuse_bad(checks: &[Check], context: &Context) -> Result<()> {
    if let Some(refused) = refusal(checks) {
        return Err(refused.into());
    }
    let warnings = checks.iter().filter(|check| check.verdict == Verdict::Warning);
    for Check { name, finding, advice, .. } in warnings {
        context.ui.say(&format!("warning: {name}: {finding}; {advice}"));
    }
    Ok(())
}

/// Steps for the images that the engine lacks.
pub(super) fn pulls(needs: &Requirements, context: &Context) -> Vec<Step> {
    let missing = missing_images(&context.engine, needs);
    missing.into_iter().map(|image| Step::new(Action::Pull(image), "the engine does not have it")).collect()
}

/// Fetches images, one at a time and without the noise of layers.
pub(super) fn pull(steps: &[Step], site: &Site, context: &Context) -> Result<()> {
    let mut session = Session::new(site, &context.engine, &context.interrupt, context.ui);
    session.act(steps, None)?;
    session.progress.finish();
    Ok(())
}

/// A start that is planned and not begun.
struct Start {
    /// Locked until everything but the proof is done.
    folder: Option<Folder>,
    request: Request,
    changes: Vec<Change>,
    before: Observed,
    seed: Option<Seed>,
    renewal: Option<Renewal>,
    /// From the proof on, nothing is written to the folder.
    steps: Vec<Step>,
}

impl Start {
    /// Reads the folder while it is locked, observes what there is, and plans.
    fn plan(path: &Path, given: &Choices, free_ports: bool, yes: bool, context: &Context) -> Result<Self> {
        let (folder, mut request) = open_and_check(path, &numbered(given, path)?, context)?;
        let observed = Observed::read(&context.engine, &request.site.name, Some(path))?;
        refuse_foreign(&request.site, &observed, &request.declared)?;
        // Only now, since another run may have started the cluster meanwhile.
        let holding =
            observed.members.iter().filter(|one| one.container.has_started() && !one.container.has_ended());
        let own: Vec<u16> = holding.flat_map(|one| one.container.bindings.clone()).collect();
        let options = if free_ports { OPTIONS.iter().collect() } else { automatic(given) };
        if !options.is_empty() {
            let choices = numbered(given, path)?;
            request = Request::new(&folder, choices.clone())?;
            let choices = with_free_ports(&request.site.spec, &own, &options, choices, context);
            request = Request::new(&folder, choices)?;
        }
        refuse_bad(&published_ports(&context.engine, &Requirements::new(&request.site.spec), &own), context)?;
        refuse_unreadable(&folder, &request)?;
        let changes: Vec<Change> =
            request.changes(&folder)?.into_iter().map(Change::keeping_current_edits).collect();
        warn_of_edits(&changes, context);
        refuse_another_ozone(&request.site, &observed, yes, context)?;
        let seed = request.seed()?;
        let desired = request.desired(&folder, &changes, &observed, &context.engine)?;
        let renewal = request.renewal(&context.engine)?;
        let certificate = renewal.as_ref().map(Renewal::why);
        let desired =
            Desired { seed: seed.as_ref(), hooks: hooks(&folder, context)?, certificate, ..desired };
        let steps = steps::plan(&desired, &observed, &Goal::Up)?;
        refuse_to_lose_edits(&changes, path, false)?;
        Ok(Self { folder: Some(folder), changes, before: observed, seed, renewal, steps, request })
    }

    /// Does the steps, reports the result, and returns the endpoint. Others may work in the folder while this run only
    /// waits, unless it may roll back what it started.
    fn act(
        &mut self,
        timeout: Duration,
        rollback: bool,
        timings: bool,
        context: &Context,
    ) -> Result<Option<String>> {
        let mut folder = self.folder.take().context("a start is made once")?;
        let haproxy = self.request.haproxy(&folder, &self.changes, self.renewal.as_ref())?;
        let mut session = Session::new(&self.request.site, &context.engine, &context.interrupt, context.ui);
        (session.compose_files, session.haproxy) = (&self.request.compose_files, Some(&haproxy));
        session.serve_within = timeout;
        session.seed = self.seed.as_ref();
        session.no_proxy = context.no_proxy.as_deref();
        warn_of_the_only_gateway(&self.steps, &self.request.site, context);
        if self.steps.iter().any(recreates_the_balancer) {
            context.ui.say("warning: the balancer is recreated for that: its connections end, and nothing serves until it runs");
        }
        let proof = self.steps.iter().position(|step| step.action == Action::Ready);
        let (steps, last) = self.steps.split_at(proof.unwrap_or(self.steps.len()));
        let (changes, renewal) = (&self.changes, self.renewal.as_ref());
        let choices = &self.request.new_choices();
        let attempt = session.act(steps, Some(Writing { folder: &mut folder, changes, choices, renewal }));
        self.folder = Some(folder).filter(|_| rollback);
        let attempt = attempt.and_then(|()| session.act(last, None));
        session.progress.finish();
        attempt?;
        self.folder = None;
        let observed = session.observe()?;
        if timings {
            let (elapsed, engine) = (session.progress.elapsed(), &context.engine);
            context.ui.timings(&timeline::of(&observed, elapsed, &session.proved, engine)?);
        }
        let started = Started {
            elapsed: session.progress.elapsed(),
            buckets: &session.buckets,
            objects: session.objects,
        };
        Ok(announce(session.site, &observed, &started, context))
    }
}

/// The programs that run each time the cluster has become ready, in order of name.
fn hooks(folder: &Folder, context: &Context) -> Result<Vec<String>> {
    let mut hooks = Vec::new();
    for name in folder.names_in(HOOKS, "")? {
        let name = format!("{HOOKS}/{name}");
        let file = fs::metadata(folder.path().join(&name))?;
        if file.is_file() && file.permissions().mode() & 0o111 != 0 {
            hooks.push(name);
        } else if file.is_file() {
            context.ui.say(&format!("{name} does not run: it is not executable (`chmod +x`)"));
        }
    }
    Ok(hooks)
}

/// A folder holds one cluster: under another name the first would keep running without files.
fn refuse_second_name(path: &Path, request: &Request, context: &Context) -> Result<()> {
    let Some(former) = request.former_name() else { return Ok(()) };
    let observed = Observed::read(&context.engine, &former, Some(path))?;
    if observed.members.is_empty() || observed.elsewhere.is_some() {
        return Ok(());
    }
    let message = format!(
        "this folder's cluster `{former}` has containers, which would keep running without files beside `{}`; nothing was \
         changed",
        request.site.name
    );
    let hint = format!(
        "`ozone-compose down --name {former}` removes it, and its data stays; `-o DIR` makes another cluster"
    );
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}

/// Packs what there is of a cluster, to find out why a run failed.
pub(super) fn collect(file: &Path, folder: &Path, context: &Context) {
    match collect_to(file, folder, &context.uninterrupted()) {
        Ok(_) => context.ui.say(&format!("packed logs and states into {}", file.display())),
        Err(error) => context.ui.error(&error.context(format!("could not pack {}", file.display()))),
    }
}

/// Removes what was started, where that was chosen; says what is left otherwise.
fn after_failure(error: Error, site: &Site, before: &Observed, rollback: bool, context: &Context) -> Error {
    if rollback && before.members.is_empty() {
        // The interrupt that ended the wait must not end the removal too.
        if let Err(problem) = roll_back(site, before, &context.uninterrupted()) {
            context.ui.error(&problem.context("could not roll back"));
        }
        return error;
    }
    match error.downcast::<Failure>() {
        Ok(failure) if failure.status == Status::Interrupted => {
            let message = format!("interrupted; cluster `{}` is left as it is", site.name);
            let hint = format!("`{}` continues, `{}` removes it", site.command("up"), site.command("down"));
            Failure::new(Status::Interrupted, message).with_hint(hint).into()
        }
        Ok(failure) => failure.into(),
        Err(error) => error,
    }
}

/// Removes containers, and the data where there was none before.
fn roll_back(site: &Site, before: &Observed, context: &Context) -> Result<()> {
    let observed = Observed::read(&context.engine, &site.name, Some(&site.folder))?;
    super::down::remove(&observed, before.volumes.is_empty(), site, context)
}
