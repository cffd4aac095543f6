//! What to do to a cluster, decided before anything is done: pure functions from what is wanted and what there is to a
//! list of steps, each with its cause.
//!
//! Queries nothing and changes nothing; `act` takes the steps one after the other and decides nothing.

mod refuse;
mod step;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Failure, Status};
use crate::haproxy::Gateway;
use crate::observe::{BalancerState, GatewayId, Member, Observed, Which, listed};
use crate::plan::Role;
use crate::plan::balancer::SCALED_SERVICE;
use crate::render::Service;
use crate::seed::Seed;
use crate::site::Site;
use crate::spec::Spec;
use crate::spec::values::{BucketChoice, Discovery, GatewayName, Profile, UserName};

use refuse::{
    refuse_absent, refuse_half_replaced, refuse_other_kind, refuse_to_leave_none, refuse_to_lose_a_second,
    refuse_without_commands,
};
pub use refuse::{refuse_elsewhere, refuse_foreign, refuse_other_security};
pub use step::{Action, Step, Target};

/// The goal of a run that depends on the files of a cluster; [`stop`] and [`down`] do without them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Everything as the files say, and proved.
    Up,
    /// The number of gateways that the files say.
    Scale,
    /// These gateways get no new requests and have none in flight.
    Drain(Vec<GatewayName>),
    /// These gateways get requests.
    Resume(Vec<GatewayName>),
    /// These gateways, or all, have new processes.
    Restart(Vec<GatewayName>),
    /// Every process of Ozone is a new one.
    RestartAll,
    /// Every container has the image that the files say.
    Upgrade,
    /// SCM and OM use what the data of their version can hold.
    Finalize,
    /// HAProxy has loaded the files in its folder.
    Reload,
    /// What was stopped runs again, and is proved.
    Start,
    /// Only the users of the choices have secrets, and these have new ones.
    Users(Vec<UserName>),
}

/// The desired state, and how the present one differs.
#[derive(Clone, Debug)]
pub struct Desired<'a> {
    /// The cluster, with its choices.
    pub site: &'a Site,
    /// The services that follow from them.
    pub services: &'a [Service],
    /// Files to write.
    pub files: Vec<String>,
    /// Whether HAProxy's configuration is one of them.
    pub cfg_changes: bool,
    /// Whether a file in HAProxy's folder is newer than what HAProxy has loaded.
    pub cfg_is_newer: bool,
    /// Why HAProxy should get another certificate, as what follows "it"; none where it should not.
    pub certificate: Option<&'static str>,
    /// Whether a person's own Compose file may change services, so that Compose has to be queried.
    pub has_overrides: bool,
    /// Ids of the images that the engine has, by name.
    pub images: BTreeMap<String, String>,
    /// S3 users whose secrets the folder has.
    pub keyed: BTreeSet<String>,
    /// Files that `up` should write as objects.
    pub seed: Option<&'a Seed>,
    /// Programs that `up` should run, by their paths in the cluster's folder.
    pub hooks: Vec<String>,
}

/// The steps to a goal, in order. None where the goal is reached already.
///
/// # Errors
/// When the goal cannot be reached from here without harm: what prevents it, and what to type.
pub fn plan(desired: &Desired<'_>, observed: &Observed, goal: &Goal) -> Result<Vec<Step>, Failure> {
    let planner = Planner { desired, observed };
    match goal {
        Goal::Up => planner.up(),
        Goal::Scale => planner.scale(),
        Goal::Drain(names) => planner.drain(names),
        Goal::Resume(names) => planner.resume(names),
        Goal::Restart(names) => planner.restart(names),
        Goal::RestartAll => planner.restart_all(),
        Goal::Upgrade => planner.upgrade(),
        Goal::Finalize => planner.finalize(),
        Goal::Reload => planner.reload(),
        Goal::Start => planner.start(),
        Goal::Users(anew) => planner.users(anew),
    }
}

/// Containers that were made from other choices than those of the files, by what people call them.
#[must_use]
pub fn pending(desired: &Desired<'_>, observed: &Observed) -> Vec<String> {
    let planner = Planner { desired, observed };
    observed.members.iter().filter(|one| planner.outdated(one).is_some()).map(Member::title).collect()
}

/// The steps to a cluster that does not run; only labels decide what is of it.
#[must_use]
pub fn stop(observed: &Observed) -> Vec<Step> {
    let by_role = Role::OF_CONTAINERS.into_iter().filter_map(|role| {
        let running: Vec<Target> =
            observed.of_role(role).filter(|one| !one.container.has_ended()).map(Target::of).collect();
        (!running.is_empty()).then(|| Step::new(Action::Stop(running), "the cluster stops"))
    });
    by_role.collect()
}

/// The steps to no cluster; only labels decide what is of it.
#[must_use]
pub fn down(observed: &Observed, volumes: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut add = |is_any: bool, action: Action, cause: &str| {
        if is_any {
            steps.push(Step::new(action, cause));
        }
    };
    let containers: Vec<Target> = observed.members.iter().map(Target::of).collect();
    if !volumes {
        // Data stays, so its owners can close it: each within its own grace period.
        let running: Vec<Target> =
            observed.members.iter().filter(|one| !one.container.has_ended()).map(Target::of).collect();
        add(
            !running.is_empty(),
            Action::Stop(running),
            "its data stays, so that processes get time to close it",
        );
    }
    add(!containers.is_empty(), Action::Remove(containers), "the cluster is removed");
    let networks: Vec<String> = ours(&observed.networks);
    // The engine keeps a network that a foreign container is in.
    let is_shared = observed.additions.iter().chain(&observed.foreign).next().is_some();
    add(!networks.is_empty() && !is_shared, Action::RemoveNetworks(networks), "the cluster is removed");
    let data = ours(&observed.volumes);
    add(volumes && !data.is_empty(), Action::RemoveVolumes(data), "--volumes");
    steps
}

/// Names of the volumes or networks that carry the role label.
fn ours(resources: &[crate::engine::objects::Resource]) -> Vec<String> {
    resources.iter().filter(|one| !one.role.is_empty()).map(|one| one.name.clone()).collect()
}

/// One gateway gets a new process while the others serve.
fn restart(spec: &Spec, id: &GatewayId, member: &Member, cause: &str) -> Vec<Step> {
    let steps = vec![Step::new(Action::Restart(Target::of(member)), cause)];
    out_and_in(spec, id, steps, Which::These(vec![id.clone()]), cause)
}

/// One gateway gets a new container while the others serve.
#[must_use]
pub fn replace(spec: &Spec, id: &GatewayId, member: &Member, cause: &str) -> Vec<Step> {
    let steps = [
        Action::Stop(vec![Target::of(member)]),
        Action::Remove(vec![Target::of(member)]),
        Action::Start(vec![member.container.service().to_owned()]),
    ];
    // A new container of a scaled service has another name.
    let which = match id {
        GatewayId::Replica(_) => Which::Replicas(spec.gateways.get()),
        GatewayId::Named(_) => Which::These(vec![id.clone()]),
    };
    out_and_in(spec, id, steps.map(|action| Step::new(action, cause)).into(), which, cause)
}

/// Takes a gateway out of rotation for some steps, and back where the files do not drain it.
fn out_and_in(spec: &Spec, id: &GatewayId, between: Vec<Step>, which: Which, cause: &str) -> Vec<Step> {
    let mut steps = vec![Step::new(Action::TakeOut(id.clone()), cause)];
    steps.extend(between);
    steps.push(Step::new(Action::Prove(which.clone()), "it gets no requests before it has served one"));
    if !matches!(id, GatewayId::Named(name) if spec.is_drained(name)) {
        steps.push(Step::new(Action::TakeBack(id.clone()), "it serves"));
        steps.push(Step::new(Action::Rotation(which), "the next one waits for it"));
    }
    steps
}

/// The next service leaves once this one works.
fn awaited(member: &Member) -> [Step; 2] {
    [
        Step::new(Action::Answer(member.container.service().to_owned()), "the next one waits for it"),
        Step::new(Action::Ready, "requests are served before the next one leaves"),
    ]
}

struct Planner<'a> {
    desired: &'a Desired<'a>,
    observed: &'a Observed,
}

impl Planner<'_> {
    fn up(&self) -> Result<Vec<Step>, Failure> {
        refuse_other_kind(self.desired, self.observed)?;
        if self.observed.loaded().is_none() {
            return Ok(self.up_at_once());
        }
        let mut steps = self.check_and_write();
        steps.extend(remove(&self.surplus_services(), "the files have no such service"));
        steps.extend(self.start_or_update_others());
        steps.extend(self.gateways_in());
        let (replaced, leaving) = (self.replace_outdated(), self.gateways_out());
        if !replaced.is_empty() || !leaving.is_empty() {
            steps.push(self.rotation("others are to be taken away"));
        }
        steps.extend(replaced);
        steps.extend(leaving);
        steps.extend(self.ready());
        Ok(steps)
    }

    /// Where no balancer takes commands, there are no requests to keep, or no means to keep them.
    fn up_at_once(&self) -> Vec<Step> {
        let mut steps = self.write();
        let gone: Vec<&Member> = self.surplus_services().into_iter().chain(self.surplus_gateways()).collect();
        steps.extend(remove(&gone, "the files have no such service"));
        let cause = match self.observed.balancer {
            BalancerState::Closed => "Ozone's example has no admin access: what changed is recreated at once",
            BalancerState::NoAnswer(_) => "HAProxy does not answer: what changed is recreated at once",
            _ => "no balancer runs",
        };
        steps.push(Step::new(Action::StartAll, cause));
        if self.observed.balancer == BalancerState::Closed
            && (self.desired.cfg_changes || self.desired.cfg_is_newer)
        {
            let cause = "Ozone's example mounts one file, which only a restart reads again";
            steps.push(Step::new(Action::RestartBalancer, cause));
        }
        steps.extend(self.ready());
        steps
    }

    /// What a cluster that runs needs to be ready.
    fn ready(&self) -> Vec<Step> {
        let mut steps = self.admit(&[]);
        steps.push(Step::new(Action::Ready, "a cluster is ready when every gateway has served"));
        let mut buckets: Vec<BucketChoice> = Vec::new();
        let of_seed = self.desired.seed.iter().flat_map(|seed| &seed.buckets);
        let of_seed = of_seed.cloned().map(BucketChoice::from);
        for bucket in self.desired.site.spec.buckets.iter().cloned().chain(of_seed) {
            if !buckets.iter().any(|one| one.name == bucket.name) {
                buckets.push(bucket);
            }
        }
        if !buckets.is_empty() {
            steps.push(Step::new(Action::MakeBuckets(buckets), "existing ones stay as they are"));
        }
        if let Some(seed) = self.desired.seed.filter(|seed| !seed.objects.is_empty()) {
            let (folder, objects) = (seed.folder.display().to_string(), seed.objects.len());
            let cause = "those that are there with the same size stay as they are";
            steps.push(Step::new(Action::Seed { folder, objects }, cause));
        }
        let hooks = self.desired.hooks.iter().cloned();
        steps.extend(hooks.map(|hook| Step::new(Action::RunHook(hook), "the cluster is ready")));
        steps
    }

    fn scale(&self) -> Result<Vec<Step>, Failure> {
        refuse_other_kind(self.desired, self.observed)?;
        refuse_without_commands(self.desired, self.observed)?;
        let mut steps = self.check_and_write();
        steps.extend(self.gateways_in());
        if !steps.is_empty() || !self.is_all_in_rotation() {
            steps.push(self.rotation(&self.count()));
        }
        steps.extend(self.gateways_out());
        steps.extend(self.watch_others());
        Ok(steps)
    }

    /// Prometheus looks for gateways by their names, and has room for as many as HAProxy has.
    fn watch_others(&self) -> impl Iterator<Item = Step> {
        self.observed.of_role(Role::Monitoring).filter_map(|member| {
            let cause = self.outdated(member)?;
            Some(Step::new(Action::Update(vec![member.container.service().to_owned()]), cause))
        })
    }

    fn drain(&self, names: &[GatewayName]) -> Result<Vec<Step>, Failure> {
        refuse_other_kind(self.desired, self.observed)?;
        refuse_without_commands(self.desired, self.observed)?;
        refuse_to_leave_none(self.desired, self.observed, names)?;
        let mut steps = self.check_and_write();
        let gateways: Vec<GatewayId> = names.iter().cloned().map(GatewayId::Named).collect();
        if let Some(load) = self.load() {
            steps.push(Step::new(
                Action::Hold(gateways.clone()),
                "this holds for the HAProxy process that a reload replaces too",
            ));
            steps.push(load);
        }
        steps.push(Step::new(Action::Drain(gateways), "gateways.drained names it"));
        Ok(steps)
    }

    fn resume(&self, names: &[GatewayName]) -> Result<Vec<Step>, Failure> {
        refuse_other_kind(self.desired, self.observed)?;
        refuse_without_commands(self.desired, self.observed)?;
        self.refuse_absent_gateways(names)?;
        let is_chosen = |id: &GatewayId| matches!(id, GatewayId::Named(name) if names.contains(name));
        let mut chosen = self.observed.gateways().filter(|(id, _)| is_chosen(id));
        if !names.is_empty() && chosen.all(|(_, one)| self.is_serving(one)) && self.load().is_none() {
            return Ok(self.write());
        }
        let mut steps = vec![Step::new(Action::Check, "HAProxy is about to load it")];
        steps.extend(self.write());
        steps.push(Step::new(
            Action::Load,
            "a reload resets what an unfinished `scale` or `restart` set in HAProxy alone",
        ));
        if !names.is_empty() {
            let gateways = names.iter().cloned().map(GatewayId::Named).collect();
            steps.push(Step::new(
                Action::Rotation(Which::These(gateways)),
                "gateways.drained does not name it any more",
            ));
        }
        Ok(steps)
    }

    fn restart(&self, names: &[GatewayName]) -> Result<Vec<Step>, Failure> {
        refuse_other_kind(self.desired, self.observed)?;
        refuse_without_commands(self.desired, self.observed)?;
        self.refuse_absent_gateways(names)?;
        let is_chosen = |id: &GatewayId| match id {
            GatewayId::Named(name) => names.is_empty() || names.contains(name),
            GatewayId::Replica(_) => true,
        };
        let chosen: Vec<_> = self.staying().into_iter().filter(|(id, _)| is_chosen(id)).collect();
        refuse_to_lose_a_second(self.desired, self.observed, &chosen)?;
        let spec = &self.desired.site.spec;
        // One that does not serve comes first: its restart takes nothing away.
        let (well, ill): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|(_, one)| self.is_serving(one));
        let ill = ill.into_iter().map(|one| (one, "it gets no requests; restarted first"));
        let well = well.into_iter().map(|one| (one, "gateways restart one at a time"));
        Ok(ill.chain(well).flat_map(|((id, one), cause)| restart(spec, &id, one, cause)).collect())
    }

    /// Gateways first, as for another image.
    fn restart_all(&self) -> Result<Vec<Step>, Failure> {
        let mut steps = self.restart(&[])?;
        for member in self.ozone_services() {
            let restart = Action::Restart(Target::of(member));
            steps.push(Step::new(restart, "it is to run the distribution as it is now"));
            steps.extend(awaited(member));
        }
        Ok(steps)
    }

    /// Ozone's own services beside the gateways, in the order in which they depend on each other.
    fn ozone_services(&self) -> impl Iterator<Item = &Member> {
        [Role::Scm, Role::Om, Role::Datanode, Role::Recon, Role::Httpfs]
            .into_iter()
            .flat_map(|role| self.observed.of_role(role))
    }

    /// Gateways first, also those that do not run: what they need of SCMs and OMs, older ones have. Then one service at a
    /// time, in the order in which they depend on each other; most of the SCMs and OMs go on meanwhile.
    fn upgrade(&self) -> Result<Vec<Step>, Failure> {
        refuse_other_kind(self.desired, self.observed)?;
        refuse_without_commands(self.desired, self.observed)?;
        let mut steps = self.check_and_write();
        steps.extend(self.gateways_in());
        let gateways = self.replace_outdated();
        if !gateways.is_empty() || !self.is_all_in_rotation() {
            steps.push(self.rotation("one gateway at a time is replaced"));
        }
        steps.extend(gateways);
        for member in self.ozone_services() {
            let Some(cause) = self.outdated(member) else { continue };
            steps.push(Step::new(Action::Update(vec![member.container.service().to_owned()]), cause));
            steps.extend(awaited(member));
        }
        Ok(steps)
    }

    /// In Ozone's order. An older SCM, OM or datanode would end on the data of a newer one.
    fn finalize(&self) -> Result<Vec<Step>, Failure> {
        refuse_other_kind(self.desired, self.observed)?;
        let older: Vec<&str> = self
            .ozone_services()
            .filter(|one| self.outdated(one).is_some())
            .map(|one| one.container.service())
            .collect();
        if !older.is_empty() {
            let site = self.desired.site;
            let version = &site.spec.version;
            let message = format!(
                "{} of cluster `{}` is not of Ozone {version}; nothing was changed",
                listed(&older),
                site.name
            );
            let hint = "the `upgrade` that was begun replaces what is left";
            return Err(Failure::new(Status::Differs, message).with_hint(hint));
        }
        let of = |role| Step::new(Action::Finalize(role), "--finalize");
        let ready = Step::new(Action::Ready, "requests are served with it");
        Ok(vec![of(Role::Scm), of(Role::Om), ready])
    }

    fn reload(&self) -> Result<Vec<Step>, Failure> {
        refuse_without_commands(self.desired, self.observed)?;
        let mut steps = vec![Step::new(Action::Check, "HAProxy is about to load it")];
        steps.extend(self.write());
        steps.push(Step::new(Action::Load, "the folder may hold what is not loaded yet"));
        Ok(steps)
    }

    fn start(&self) -> Result<Vec<Step>, Failure> {
        refuse_other_kind(self.desired, self.observed)?;
        let services = self.desired.services.iter().map(|service| service.name.as_str());
        refuse_absent(self.desired, self.observed, services)?;
        refuse_half_replaced(self.desired, self.observed)?;
        // Services start before their clients: HAProxy of Ozone's example ends where it finds no gateway.
        let by_role = Role::OF_CONTAINERS.into_iter().rev().flat_map(|role| self.observed.of_role(role));
        let idle: Vec<Target> = by_role.filter(|one| needs_start(one)).map(Target::of).collect();
        let mut steps = Vec::new();
        if !idle.is_empty() {
            steps.push(Step::new(Action::StartContainers(idle), "the cluster is to run"));
        }
        steps.extend(self.admit(&[]));
        steps.push(Step::new(Action::Ready, "a cluster is ready when every gateway has served"));
        Ok(steps)
    }

    fn users(&self, anew: &[UserName]) -> Result<Vec<Step>, Failure> {
        refuse_other_kind(self.desired, self.observed)?;
        refuse_without_commands(self.desired, self.observed)?;
        let mut steps = self.write();
        steps.extend(self.admit(anew));
        Ok(steps)
    }

    /// Users of the choices get a secret, others lose theirs; those in `anew` get a new one.
    fn admit(&self, anew: &[UserName]) -> Vec<Step> {
        let Some(kerberos) = &self.desired.site.spec.kerberos else { return Vec::new() };
        let wanted: Vec<UserName> =
            [UserName::of_this_tool()].into_iter().chain(kerberos.users.iter().cloned()).collect();
        // The secrets in the folder are invalid where OM's data is gone.
        let is_fresh = !self.observed.volumes.iter().any(|one| one.role == Role::Om.word());
        let keyed = if is_fresh { BTreeSet::new() } else { self.desired.keyed.clone() };
        let gone: Vec<String> =
            keyed.iter().filter(|name| !wanted.iter().any(|user| user.as_str() == *name)).cloned().collect();
        let lacks = |user: &&UserName| !keyed.contains(user.as_str()) || anew.contains(user);
        let lacking: Vec<UserName> = wanted.iter().filter(lacks).cloned().collect();
        let mut steps = Vec::new();
        if !gone.is_empty() {
            steps.push(Step::new(Action::Revoke(gone), "the choices name them no more"));
        }
        if !lacking.is_empty() {
            let cause = if is_fresh { "OM has no data yet" } else { "the folder has none of theirs" };
            let cause = if anew.is_empty() { cause } else { "theirs are to be others" };
            steps.push(Step::new(Action::Admit(lacking), cause));
        }
        steps
    }

    fn refuse_absent_gateways(&self, names: &[GatewayName]) -> Result<(), Failure> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        refuse_absent(self.desired, self.observed, names.iter().map(String::as_str))
    }

    /// The new configuration is checked before anything is written, drained or removed.
    fn check_and_write(&self) -> Vec<Step> {
        let Desired { cfg_changes, cfg_is_newer, certificate, .. } = self.desired;
        let check = *cfg_changes || *cfg_is_newer || certificate.is_some();
        let check = check.then(|| Step::new(Action::Check, "HAProxy is about to load it"));
        check.into_iter().chain(self.write()).collect()
    }

    fn write(&self) -> Vec<Step> {
        let Desired { files, certificate, .. } = self.desired;
        let write =
            (!files.is_empty()).then(|| Step::new(Action::Write(files.clone()), "the choices have changed"));
        let certify = certificate.map(|why| Step::new(Action::Certify, format!("it {why}")));
        write.into_iter().chain(certify).collect()
    }

    /// Whether the files, or what they say of who is drained, are not what HAProxy has.
    fn load(&self) -> Option<Step> {
        let cause = if self.desired.cfg_changes {
            "the configuration is another"
        } else if self.desired.certificate.is_some() {
            "the certificate of https is another"
        } else if self.desired.cfg_is_newer {
            "the configuration is newer than what HAProxy has loaded"
        } else if self.differs() {
            "HAProxy has other gateways, or others of them drained, than the files"
        } else {
            return None;
        };
        Some(Step::new(Action::Load, cause))
    }

    /// Whether HAProxy has other gateways, or others of them drained, than the files say.
    fn differs(&self) -> bool {
        let spec = &self.desired.site.spec;
        let Some(loaded) = self.observed.loaded() else { return false };
        if spec.discovery == Discovery::Dns {
            return loaded.gateways.iter().any(Gateway::is_drained);
        }
        let wanted: BTreeSet<_> =
            spec.gateway_names().map(|name| (name.clone(), spec.is_drained(&name))).collect();
        wanted != loaded.gateways.iter().map(|one| (one.name.clone(), one.is_drained())).collect()
    }

    /// Gateways that are missing start, are proved, and only then get requests.
    fn gateways_in(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let outdated: Vec<&Member> =
            self.idle_gateways().into_iter().filter(|one| self.outdated(one).is_some()).collect();
        steps.extend(remove(&outdated, "it does not run and was made from other choices"));
        let dead: Vec<&Member> =
            self.surplus_gateways().into_iter().filter(|one| !one.container.is_running()).collect();
        steps.extend(remove(&dead, &self.count()));
        let absent = self.absent_gateways();
        if !absent.is_empty() {
            steps.push(Step::new(Action::Start(absent), self.count()));
        }
        if let Some(unproved) = self.unproved() {
            steps.push(Step::new(Action::Prove(unproved), "it gets no requests before it has served one"));
        }
        if let Some(load) = self.load().or_else(|| self.forget()) {
            let leaving: Vec<GatewayId> = self.leaving().into_iter().filter_map(Member::gateway).collect();
            if !leaving.is_empty() {
                steps.push(Step::new(
                    Action::Hold(leaving),
                    "this holds for the HAProxy process that a reload replaces too",
                ));
            }
            steps.push(load);
        }
        steps
    }

    /// A run that ended may have drained a gateway in HAProxy, which one that is down does not show.
    fn forget(&self) -> Option<Step> {
        let cause = "HAProxy may still have a state of it that an ended run set";
        if !self.absent_gateways().is_empty() {
            return Some(Step::new(Action::Load, cause));
        }
        let down = self.down_gateways();
        (!down.is_empty()).then(|| Step::new(Action::Undrain(down), cause))
    }

    fn rotation(&self, cause: &str) -> Step {
        Step::new(Action::Rotation(self.in_rotation()), cause)
    }

    /// The gateways that should get requests. Of a scaled service those that stay, once none has to start: one that is
    /// about to be removed does not count.
    fn in_rotation(&self) -> Which {
        let spec = &self.desired.site.spec;
        if spec.discovery == Discovery::Static || !self.absent_gateways().is_empty() {
            return rotation(spec);
        }
        Which::These(self.staying().into_iter().map(|(id, _)| id).collect())
    }

    /// Surplus gateways complete their in-flight requests and are removed.
    fn gateways_out(&self) -> Vec<Step> {
        let leaving = self.leaving();
        if leaving.is_empty() {
            return Vec::new();
        }
        let gateways = leaving.iter().filter_map(|one| one.gateway()).collect();
        let mut steps = vec![Step::new(Action::Drain(gateways), self.count())];
        steps.extend(remove(&leaving, &self.count()));
        steps
    }

    /// Running gateways that are surplus.
    fn leaving(&self) -> Vec<&Member> {
        self.surplus_gateways().into_iter().filter(|one| one.container.is_running()).collect()
    }

    /// Whether HAProxy finds every gateway healthy that should get requests.
    fn is_all_in_rotation(&self) -> bool {
        let gateways = self.observed.loaded().map(|loaded| loaded.gateways.as_slice()).unwrap_or_default();
        self.in_rotation().missing(&self.observed.members, gateways).is_empty()
    }

    /// Gateways that were made from other choices are replaced one at a time.
    fn replace_outdated(&self) -> Vec<Step> {
        let spec = &self.desired.site.spec;
        let running = self.staying().into_iter().filter(|(_, one)| one.container.is_running());
        let mut steps: Vec<Step> = running
            .filter_map(|(id, one)| Some((id, one, self.outdated(one)?)))
            .flat_map(|(id, one, cause)| replace(spec, &id, one, &cause))
            .collect();
        if self.desired.has_overrides {
            let cause = "a Compose file of your own may have changed them; Compose decides";
            steps.push(Step::new(Action::RollChanged, cause));
        }
        steps
    }

    /// Services other than gateways: those that do not run start, those made from other choices are recreated.
    fn start_or_update_others(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let others = || self.desired.services.iter().filter(|one| one.role != Role::Gateway);
        let member = |service: &Service| {
            self.observed.members.iter().find(|one| one.container.service() == service.name)
        };
        let idle: Vec<String> =
            others().filter(|one| member(one).is_none_or(needs_start)).map(|one| one.name.clone()).collect();
        if !idle.is_empty() {
            steps.push(Step::new(Action::Start(idle.clone()), "not running"));
        }
        for service in others().filter(|one| !idle.contains(&one.name)) {
            if let Some(cause) = member(service).and_then(|one| self.outdated(one)) {
                steps.push(Step::new(Action::Update(vec![service.name.clone()]), cause));
            }
        }
        if self.desired.has_overrides {
            let cause = "a Compose file of your own may have changed them";
            steps.push(Step::new(Action::UpdateAllButGateways, cause));
        }
        steps
    }

    /// Why a container is not what the files would make; none where it is, or where it does not say what it was made
    /// from.
    fn outdated(&self, member: &Member) -> Option<String> {
        let service = self.desired.services.iter().find(|one| one.name == member.container.service())?;
        let has_other_digest = !member.digest().is_empty() && member.digest() != service.digest;
        if has_other_digest {
            return Some("it was made from other choices".to_owned());
        }
        let image = self.desired.images.get(&member.container.image)?;
        let is_rebuilt = !member.container.image_id.is_empty() && *image != member.container.image_id;
        is_rebuilt.then(|| format!("the image {} is another one now", member.container.image))
    }

    /// Containers of services that the files do not have, gateways aside.
    fn surplus_services(&self) -> Vec<&Member> {
        let is_wanted = |one: &Member| {
            one.role == Role::Gateway
                || self.desired.services.iter().any(|service| service.name == one.container.service())
        };
        self.observed.members.iter().filter(|one| !is_wanted(one)).collect()
    }

    /// Containers of surplus gateways: the last ones, of a scaled service those first that do not run or serve.
    fn surplus_gateways(&self) -> Vec<&Member> {
        let spec = &self.desired.site.spec;
        match spec.discovery {
            Discovery::Static => {
                let wanted: Vec<GatewayId> = spec.gateway_names().map(GatewayId::Named).collect();
                self.observed.gateways().filter(|(id, _)| !wanted.contains(id)).map(|(_, one)| one).collect()
            }
            Discovery::Dns => {
                let mut all: Vec<&Member> = self.observed.gateways().map(|(_, one)| one).collect();
                all.sort_by_key(|one| (!one.container.is_running(), !self.is_serving(one)));
                all.into_iter().skip(spec.gateways.get() as usize).collect()
            }
        }
    }

    /// Gateways that are not surplus.
    fn staying(&self) -> Vec<(GatewayId, &Member)> {
        let surplus = self.surplus_gateways();
        let is_surplus = |one: &Member| surplus.iter().any(|other| other.container.id == one.container.id);
        self.observed.gateways().filter(|(_, one)| !is_surplus(one)).collect()
    }

    /// Gateways whose containers should run and do not.
    fn idle_gateways(&self) -> Vec<&Member> {
        self.staying().into_iter().map(|(_, one)| one).filter(|one| needs_start(one)).collect()
    }

    /// Services of gateways that should run and do not.
    fn absent_gateways(&self) -> Vec<String> {
        let spec = &self.desired.site.spec;
        let runs: Vec<GatewayId> =
            self.observed.gateways().filter(|(_, one)| !needs_start(one)).map(|(id, _)| id).collect();
        match spec.discovery {
            Discovery::Static => {
                let absent =
                    spec.gateway_names().filter(|name| !runs.contains(&GatewayId::Named(name.clone())));
                absent.map(|name| name.to_string()).collect()
            }
            Discovery::Dns if runs.len() < spec.gateways.get() as usize => vec![SCALED_SERVICE.to_owned()],
            Discovery::Dns => Vec::new(),
        }
    }

    /// Gateways that are about to start, or that a run started which ended before HAProxy had them in rotation.
    fn unproved(&self) -> Option<Which> {
        let spec = &self.desired.site.spec;
        // Where no gateway serves, none is spared a request, and `up` shows what they wait for.
        let serves = self.staying().iter().any(|(_, one)| self.is_serving(one));
        let down = if serves { self.down_gateways() } else { Vec::new() };
        let absent = self.absent_gateways();
        if spec.discovery == Discovery::Dns {
            let is_any = !absent.is_empty() || !down.is_empty();
            return is_any.then(|| Which::Replicas(spec.gateways.get()));
        }
        let loaded: Vec<&GatewayName> =
            self.observed.loaded().iter().flat_map(|one| &one.gateways).map(|one| &one.name).collect();
        let is_new = |name: &GatewayName| !loaded.contains(&name) || absent.contains(&name.to_string());
        let new = spec.gateway_names().filter(|name| is_new(name) || down.contains(name));
        let new: Vec<GatewayId> = new.map(GatewayId::Named).collect();
        (!new.is_empty()).then_some(Which::These(new))
    }

    /// Gateways to be in rotation that run and that HAProxy finds down, by its names. Its answer does not show whether
    /// they are drained too.
    fn down_gateways(&self) -> Vec<GatewayName> {
        let spec = &self.desired.site.spec;
        let running = self.staying().into_iter().filter(|(_, one)| one.container.is_running());
        let seen = running.filter_map(|(_, one)| self.observed.seen(one));
        let is_down = |one: &&Gateway| {
            !one.state.starts_with("UP") && !one.is_up() && !one.is_drained() && !spec.is_drained(&one.name)
        };
        seen.filter(is_down).map(|one| one.name.clone()).collect()
    }

    fn is_serving(&self, member: &Member) -> bool {
        member.container.is_running() && self.observed.seen(member).is_some_and(Gateway::is_up)
    }

    fn count(&self) -> String {
        format!("gateways.count is {}", self.desired.site.spec.gateways)
    }
}

/// Ends and removes containers; nothing where there are none.
fn remove(members: &[&Member], cause: &str) -> Vec<Step> {
    if members.is_empty() {
        return Vec::new();
    }
    let targets = |running: bool| -> Vec<Target> {
        let all = members.iter().filter(|one| !running || !one.container.has_ended());
        all.map(|one| Target::of(one)).collect()
    };
    let running = targets(true);
    let stop = (!running.is_empty()).then(|| Step::new(Action::Stop(running), cause));
    stop.into_iter().chain([Step::new(Action::Remove(targets(false)), cause)]).collect()
}

/// Whether a container does not run and would not without being started.
fn needs_start(member: &Member) -> bool {
    use crate::engine::objects::State;
    !matches!(member.container.state, State::Running | State::Paused | State::Restarting)
}

/// The gateways that are to get requests.
#[must_use]
pub fn rotation(spec: &Spec) -> Which {
    match spec.discovery {
        Discovery::Static => Which::These(spec.in_rotation().map(GatewayId::Named).collect()),
        Discovery::Dns => Which::Replicas(spec.gateways.get()),
    }
}

/// Whether the profile has a socket for commands to a running HAProxy.
#[must_use]
pub fn has_access(spec: &Spec) -> bool {
    spec.profile == Profile::Tuned
}
