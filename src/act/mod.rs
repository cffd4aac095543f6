//! Steps, done one after the other. `steps` has decided what to do; here it is done, shown and, where a step fails,
//! left so that the same command continues from there.

mod buckets;
mod compose;
mod data;
mod finalize;
mod gateways;
mod hooks;
pub(crate) mod users;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::engine::objects::{self, Health, Scope};
use crate::engine::{Engine, Invocation, is_of_what_is_gone};
use crate::error::{Failure, Status};
use crate::haproxy::control::{Control, Files};
use crate::interrupt::Interrupt;
use crate::observe::{Member, Observed, listed, members};
use crate::plan::Role;
use crate::proof::{Proved, Prover};
use crate::s3::{self, Key};
use crate::seed::Seed;
use crate::site::Site;
use crate::spec::values::{EngineAt, GatewayName};
use crate::steps::{Action, Step, Target};
use crate::tls::Renewal;
use crate::ui::Ui;
use crate::ui::progress::Progress;
use crate::workspace::{Change, Folder};
use users::{ADMINISTRATOR, Grant};

pub use buckets::Bucket;
pub use data::Written;

/// Pause between two looks at the containers.
const PAUSE: Duration = Duration::from_millis(200);
/// How long containers that stop may take beyond their own grace period of 30 s.
const STOPS_WITHIN: Duration = Duration::from_secs(120);
/// How long an image may take to come.
const PULLED_WITHIN: Duration = Duration::from_secs(3600);
/// How long a new worker may take to answer its first request.
const SERVES_WITHIN: Duration = Duration::from_secs(30);

/// What steps are done with.
#[derive(Debug)]
pub struct Session<'a> {
    /// Whose steps.
    pub site: &'a Site,
    /// Runs commands.
    pub engine: &'a Engine,
    /// Ends the run between two steps, and while it waits.
    pub interrupt: &'a Interrupt,
    /// Prints what is not progress.
    pub ui: Ui,
    /// Shows progress.
    pub progress: Progress,
    /// How long requests in flight may take to end.
    pub drain_within: Duration,
    /// How long gateways may take to serve.
    pub serve_within: Duration,
    /// The Compose files of the cluster, in order.
    pub compose_files: &'a [String],
    /// What HAProxy is to read, for runs that check or load it.
    pub haproxy: Option<&'a Files>,
    /// The files that become objects.
    pub seed: Option<&'a Seed>,
    /// The hosts that the caller reaches without a proxy; none where there is no proxy.
    pub no_proxy: Option<&'a str>,
    /// The secret that a person chose for a user.
    pub chosen_key: Option<Key>,
    /// The steps that were done.
    pub done: usize,
    /// When each gateway was proved.
    pub proved: Proved,
    /// The buckets that were to be there.
    pub buckets: Vec<Bucket>,
    /// The objects that were to be there.
    pub objects: Written,
    /// Requests that were still in flight when [`Action::Drain`] gave up.
    pub in_flight: u64,
    taken_out: Option<TakenOut>,
    /// What lets S3 users make buckets, and the key with which this tool signs its requests until that is done.
    grant: Option<Grant>,
}

/// A gateway that gets no requests for as long as its container is replaced.
#[derive(Clone, Debug)]
struct TakenOut {
    /// What HAProxy calls it.
    names: Vec<GatewayName>,
    /// Whether its container is still as it was, so that it could serve at once.
    is_untouched: bool,
}

/// What writes files.
#[derive(Debug)]
pub struct Writing<'a> {
    /// Where.
    pub folder: &'a mut Folder,
    /// What.
    pub changes: &'a [Change],
    /// The choices that differ from those before, to be said once they are written.
    pub choices: &'a [String],
    /// The certificate that takes the place of HAProxy's.
    pub renewal: Option<&'a Renewal>,
}

impl<'a> Session<'a> {
    /// A session with the usual times: 5 minutes for each.
    #[must_use]
    pub fn new(site: &'a Site, engine: &'a Engine, interrupt: &'a Interrupt, ui: Ui) -> Self {
        const PATIENCE: Duration = Duration::from_secs(300);
        Self {
            site,
            engine,
            interrupt,
            ui,
            progress: ui.progress(),
            drain_within: PATIENCE,
            serve_within: PATIENCE,
            compose_files: &[],
            haproxy: None,
            seed: None,
            no_proxy: None,
            chosen_key: None,
            done: 0,
            proved: Proved::new(),
            buckets: Vec::new(),
            objects: Written::default(),
            in_flight: 0,
            taken_out: None,
            grant: None,
        }
    }

    /// Does steps in their order; without `writing` there must be none that writes.
    ///
    /// # Errors
    /// Where a step fails; those after it are not done, and a gateway that was only taken out is taken back.
    pub fn act(&mut self, steps: &[Step], mut writing: Option<Writing<'_>>) -> Result<()> {
        for step in steps {
            let result = self.interrupt.check().and_then(|()| self.step(&step.action, &mut writing));
            if let Err(error) = result {
                self.put_back();
                return Err(error);
            }
            self.done += 1;
        }
        Ok(())
    }

    fn step(&mut self, action: &Action, writing: &mut Option<Writing<'_>>) -> Result<()> {
        match action {
            Action::Pull(image) => self.pull(image),
            Action::Check => {
                for finding in self.control()?.check(self.haproxy()?)? {
                    self.progress.say(&format!("warning: HAProxy reports: {finding}"));
                }
                Ok(())
            }
            Action::Write(_) => {
                let writing = writing.as_mut().context("this run writes no files")?;
                writing.folder.apply(writing.changes)?;
                writing.choices.iter().for_each(|choice| self.progress.say(choice));
                Ok(())
            }
            Action::Certify => {
                let renewal = writing.as_ref().and_then(|writing| writing.renewal);
                let renewal = renewal.context("this run has no certificate")?;
                renewal.write()?;
                self.progress.say(&renewal.to_string());
                Ok(())
            }
            Action::StartAll => self.start_all(),
            Action::Start(services) => self.start(services),
            Action::Update(services) => self.update(services),
            Action::Answer(service) => self.await_answer(service),
            Action::UpdateAllButGateways => self.update_all_but_gateways(),
            Action::RollChanged => self.roll_changed(),
            Action::StartContainers(targets) => {
                self.containers("start", "starting", "started", &["start"], targets)
            }
            Action::Prove(which) => self.prove(which),
            Action::Load => self.load(),
            Action::RestartBalancer => self.restart_balancer(),
            Action::Rotation(which) => self.await_rotation(which),
            Action::Hold(gateways) => {
                let names = self.take_out(gateways)?;
                self.taken_out = Some(TakenOut { names, is_untouched: true });
                Ok(())
            }
            Action::Drain(gateways) => {
                self.take_out(gateways)?;
                self.in_flight = self.await_end_of_requests(gateways)?;
                Ok(())
            }
            Action::TakeOut(gateway) => {
                let gateways = std::slice::from_ref(gateway);
                let names = self.take_out(gateways)?;
                self.taken_out = Some(TakenOut { names, is_untouched: true });
                let in_flight = self.await_end_of_requests(gateways)?;
                self.warn_of_cut_off(in_flight, gateways);
                Ok(())
            }
            Action::TakeBack(_) => self.take_back(),
            Action::Undrain(servers) => self.undrain(servers),
            Action::Restart(target) => {
                self.touch();
                let targets = std::slice::from_ref(target);
                self.containers("restart", "restarting", "restarted", &["restart", "--time", "30"], targets)
            }
            Action::Stop(targets) => {
                self.touch();
                unless_gone(self.containers("stop", "stopping", "stopped", &["stop"], targets))
            }
            Action::Remove(targets) => {
                self.touch();
                let remove = ["rm", "--force", "--volumes"];
                match self.containers("remove", "removing", "removed", &remove, targets) {
                    Err(error) if is_of_what_is_gone(&error) => self.await_absence(targets),
                    result => result,
                }
            }
            Action::RemoveNetworks(names) => self.remove("network", names),
            Action::RemoveVolumes(names) => self.remove("volume", names),
            Action::Admit(users) => self.admit(users),
            Action::Revoke(users) => self.revoke(users),
            Action::Finalize(role) => self.finalize(*role),
            Action::Ready => {
                self.proved = self.prover()?.cluster(&mut self.progress)?;
                self.await_grant()
            }
            Action::MakeBuckets(buckets) => self.make_buckets(buckets),
            Action::Seed { .. } => self.write_objects(),
            Action::RunHook(name) => self.run_hook(name),
        }
    }

    /// What there is now.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn observe(&self) -> Result<Observed> {
        Observed::read(self.engine, &self.site.name, Some(&self.site.folder))
    }

    /// From here on a gateway that is out of rotation returns only once it is proved.
    fn touch(&mut self) {
        if let Some(out) = &mut self.taken_out {
            out.is_untouched = false;
        }
    }

    fn prover(&self) -> Result<Prover<'a>> {
        Ok(self.prover_with(self.own_key()?))
    }

    fn prover_with(&self, key: Key) -> Prover<'a> {
        let (site, engine, interrupt) = (self.site, self.engine, self.interrupt);
        Prover { site, engine, interrupt, patience: self.serve_within, key }
    }

    /// The containers and the balancer as they are now: a start may have replaced any.
    fn balancer(&self) -> Result<(Vec<Member>, Control<'a>)> {
        let (members, _) = members(objects::containers(self.engine, Scope::Project(&self.site.name))?);
        let balancer = members.iter().find(|one| one.role == Role::Balancer && one.container.is_running());
        let Some(balancer) = balancer else {
            let message = format!("the balancer of cluster `{}` does not run any more", self.site.name);
            let hint = format!("`{}` starts it", self.site.command("up"));
            return Err(Failure::new(Status::Failed, message).with_hint(hint).into());
        };
        let control = Control::of(&balancer.container, self.engine);
        Ok((members, control))
    }

    fn haproxy(&self) -> Result<&'a Files> {
        self.haproxy.context("this run has no files for HAProxy")
    }

    /// What gives Ozone's command line the administrator's ticket, where there are tickets.
    fn as_administrator(&self) -> &'static [&'static str] {
        self.site.spec.kerberos.as_ref().map_or(&[], |_| &ADMINISTRATOR)
    }

    /// An OM that runs.
    fn running_om(&self) -> Result<Member> {
        self.observe()?.running(Role::Om).next().cloned().ok_or_else(|| {
            let message = format!("no OM of cluster `{}` runs", self.site.name);
            let hint = format!("`{}` starts it", self.site.command("up"));
            Failure::new(Status::Failed, message).with_hint(hint).into()
        })
    }

    fn control(&self) -> Result<Control<'a>> {
        Ok(self.balancer()?.1)
    }

    fn pull(&mut self, image: &str) -> Result<()> {
        self.progress.doing("images", format!("pulling {image}"));
        let pull = self.engine.command(&format!("pull the image {image}"), ["pull", "--quiet", image]);
        self.engine.run(&pull.ready_within(PULLED_WITHIN)).map_err(|error| match error.downcast::<Failure>() {
            Ok(failure) if failure.status == Status::Failed && failure.hint.is_empty() => failure
                .with_hint(
                    "nothing was changed; `docker image ls` shows which this engine has; `up --image-registry HOST` takes every image from a mirror, `--ozone-image` and `--haproxy-image` name others",
                )
                .into(),
            Ok(failure) => failure.into(),
            Err(error) => error,
        })?;
        self.progress.done("images", format!("pulled {image}"));
        Ok(())
    }

    fn load(&mut self) -> Result<()> {
        self.progress.doing("balancer", "loading its configuration");
        let control = self.control()?;
        if self.site.spec.engine == EngineAt::Remote {
            control.give(self.haproxy()?)?;
        }
        control.reload()?;
        // A new worker does not have the states that were set in the old one.
        self.taken_out = None;
        let observed = self.observe()?;
        if let Some(endpoint) = self.site.endpoint(&observed, self.engine)? {
            s3::await_answer(&endpoint, SERVES_WITHIN, &self.own_key()?).map_err(|problem| {
                let message =
                    format!("HAProxy has loaded it, but {} does not serve: {problem}", endpoint.url());
                let hint = format!("`{}` shows why", self.site.command("status"));
                Failure::new(Status::NotReady, message).with_hint(hint)
            })?;
        }
        self.progress.done("balancer", "serves with the configuration in the folder");
        Ok(())
    }

    /// Waits until a container passes its health check.
    fn await_answer(&mut self, service: &str) -> Result<()> {
        let end = Instant::now() + self.serve_within;
        loop {
            self.interrupt.check()?;
            let observed = self.observe()?;
            let member = observed.members.iter().find(|one| one.container.service() == service);
            match member.map(|one| (one.container.health, one.container.has_ended())) {
                Some((Health::Healthy, false)) => {
                    self.progress.done("containers", format!("{service} answers"));
                    return Ok(());
                }
                Some((_, false)) if Instant::now() < end => {}
                _ => {
                    let status = member.map_or("it has no container", |one| one.container.status.as_str());
                    let message = format!("{service} does not answer: {status}");
                    let hint = format!("`{}` shows why", self.site.command(&format!("logs {service}")));
                    return Err(Failure::new(Status::NotReady, message).with_hint(hint).into());
                }
            }
            self.progress.doing("containers", format!("{service} does not answer yet"));
            thread::sleep(PAUSE);
        }
    }

    fn restart_balancer(&mut self) -> Result<()> {
        let observed = self.observe()?;
        let targets: Vec<Target> = observed.running_balancer().map(Target::of).into_iter().collect();
        self.containers("restart", "restarting", "restarted", &["restart", "--time", "30"], &targets)
    }

    /// Does the same with containers, all at once.
    fn containers(
        &mut self,
        verb: &str,
        doing: &str,
        done: &str,
        command: &[&str],
        targets: &[Target],
    ) -> Result<()> {
        if targets.is_empty() {
            return Ok(());
        }
        let titles = listed(&targets.iter().map(|target| &target.title).collect::<Vec<_>>());
        self.progress.doing("containers", format!("{doing} {titles}"));
        let invocation = self.engine.command(&format!("{verb} {titles}"), []).with(command.iter().copied());
        let invocation = invocation.with(targets.iter().map(|target| target.id.as_str()));
        // The engine ends what it has begun also where its client is gone, and the next run would see a gateway that
        // runs and is about to stop.
        let engine = match self.taken_out {
            Some(_) => self.engine.uninterrupted(),
            None => self.engine.clone(),
        };
        engine.run(&invocation.ready_within(STOPS_WITHIN))?;
        self.progress.done("containers", format!("{done} {titles}"));
        Ok(())
    }

    fn remove(&mut self, what: &str, names: &[String]) -> Result<()> {
        let purpose = format!("remove the {what}s of `{}`", self.site.name);
        let remove = self.engine.command(&purpose, [what, "rm"]).with(names);
        unless_gone(self.run(&remove, STOPS_WITHIN))
    }

    /// Waits until containers are no more: the engine may be removing one for a run that was killed.
    fn await_absence(&self, targets: &[Target]) -> Result<()> {
        let end = Instant::now() + STOPS_WITHIN;
        while self
            .observe()?
            .members
            .iter()
            .any(|one| targets.iter().any(|target| target.id == one.container.id))
        {
            self.interrupt.check()?;
            if Instant::now() > end {
                let titles = listed(&targets.iter().map(|target| &target.title).collect::<Vec<_>>());
                let message = format!("the engine does not finish the removal of {titles}");
                return Err(Failure::new(Status::Failed, message)
                    .with_hint("`docker ps --all` shows them")
                    .into());
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn run(&self, invocation: &Invocation, patience: Duration) -> Result<()> {
        self.engine.run(&invocation.clone().ready_within(patience)).map(drop)
    }
}

/// What should be stopped or removed and is gone already is no failure.
fn unless_gone(result: Result<()>) -> Result<()> {
    result.or_else(|error| if is_of_what_is_gone(&error) { Ok(()) } else { Err(error) })
}
