//! What a run does not do: each refusal comes before anything is changed, and says what to type.

use super::{Desired, has_access};
use crate::engine::objects::Resource;
use crate::engine::quoted;
use crate::error::{Failure, Status};
use crate::haproxy::Gateway;
use crate::observe::{BalancerState, GatewayId, Member, Observed, listed};
use crate::plan::Role;
use crate::plan::balancer::SCALED_SERVICE;
use crate::site::Site;
use crate::spec::values::{Discovery, GatewayName};

/// Refuses a name under which there is something that is not of this folder's cluster: it would be taken over, or
/// stopped as left over. `declared` are the keys of volumes and networks in a person's own Compose files.
///
/// # Errors
/// Exit code 3, with what there is and where it came from.
pub fn refuse_foreign(site: &Site, observed: &Observed, declared: &[String]) -> Result<(), Failure> {
    let from = |folder: &str| match folder {
        "" => "by something else than Compose".to_owned(),
        folder => format!("from `{folder}`"),
    };
    let is_foreign = |one: &&Resource| one.role.is_empty() && !declared.contains(&one.key);
    let elsewhere = observed.elsewhere.as_ref().map(|member| &member.container);
    let found = if let Some(container) = elsewhere.or(observed.foreign.first()) {
        format!("its container `{}` was started {}", container.name, from(container.folder()))
    } else if let Some(volume) = observed.volumes.iter().find(is_foreign) {
        format!("the volume `{}` is of another Compose app", volume.name)
    // What Compose itself names `default` holds nothing, and Compose makes it as the files say.
    } else if let Some(network) = observed.networks.iter().find(|one| is_foreign(one) && one.key != "default")
    {
        format!("the network `{}` is of another Compose app", network.name)
    } else {
        return Ok(());
    };
    let message = format!("the name `{}` is taken: {found}; nothing was changed", site.name);
    let hint = format!("`{}` gives this cluster another name", site.command("up --name NAME"));
    Err(Failure::new(Status::Differs, message).with_hint(hint))
}

/// Refuses to change what another folder has started: a folder that was copied has the name of the first in its file.
///
/// # Errors
/// Exit code 3, with the folder.
pub fn refuse_elsewhere(site: &Site, observed: &Observed) -> Result<(), Failure> {
    let Some(member) = &observed.elsewhere else { return Ok(()) };
    let folder = member.container.folder();
    let message = format!(
        "`{}` of cluster `{}` was started from `{folder}`; nothing was changed",
        member.container.name, site.name
    );
    let hint = format!(
        "run the command there with `-o {}`; `{}` gives the cluster of this folder another name",
        quoted(folder),
        site.command("generate --name NAME")
    );
    Err(Failure::new(Status::Differs, message).with_hint(hint))
}

/// Refuses a cluster of another kind than the files say: a running cluster cannot change its kind, and one base cannot
/// read the data of another.
///
/// # Errors
/// Exit code 3, with the way to the other kind.
pub(super) fn refuse_other_kind(desired: &Desired<'_>, observed: &Observed) -> Result<(), Failure> {
    let site = desired.site;
    let spec = &site.spec;
    let refusal = |what: String, hint: String| {
        let message = format!("cluster `{}` {what}; nothing was changed", site.name);
        Err(Failure::new(Status::Differs, message).with_hint(hint))
    };
    let anew = || format!("`{}` and then `{}`; its data stays", site.command("down"), site.command("up"));
    let runs_with = |is_open: bool| match observed.balancer {
        BalancerState::Closed => !is_open,
        BalancerState::Open(_) => is_open,
        // What it would be is not known.
        BalancerState::Absent | BalancerState::NoAnswer(_) => false,
    };
    if runs_with(!has_access(spec)) {
        return refusal(
            format!(
                "runs with another profile than `{}`, and its balancer would be away meanwhile",
                spec.profile
            ),
            anew(),
        );
    }
    let is_scaled = |member: &Member| member.container.service() == SCALED_SERVICE;
    let by_dns = spec.discovery == Discovery::Dns;
    let is_other = |one: &Member| is_scaled(one) != by_dns;
    if observed.running_balancer().is_some() && observed.running(Role::Gateway).any(is_other) {
        return refusal(
            format!("runs with another discovery than `{}`, and its gateways would all go", spec.discovery),
            anew(),
        );
    }
    refuse_other_security(site, observed.volumes.iter().map(|one| (one.role.as_str(), one.is_secure())))?;
    for (role, names) in [(Role::Scm, spec.scm_names()), (Role::Om, spec.om_names())] {
        let of_role = |one: &&Resource| one.role == role.word();
        let data: Vec<&String> = observed.volumes.iter().filter(of_role).map(|one| &one.key).collect();
        if !data.is_empty() && data != names.iter().collect::<Vec<_>>() {
            let has = data.into_iter().cloned().collect::<Vec<_>>();
            return refusal(
                format!("has the data of {}, and the files say {}", listed(&has), listed(&names)),
                without_its_data(site),
            );
        }
    }
    Ok(())
}

/// Refuses data that was written with security where the files say none, or the reverse: SCM ends on it. `there` has
/// the role of each volume, and whether its data is of a secure cluster.
///
/// # Errors
/// Exit code 3, with the two ways to a cluster of the wanted kind.
pub fn refuse_other_security<'a>(
    site: &Site,
    there: impl IntoIterator<Item = (&'a str, bool)>,
) -> Result<(), Failure> {
    let is_secure = site.spec.kerberos.is_some();
    let is_data = |role: &str| Role::OF_DATA.iter().any(|one| one.word() == role);
    if !there.into_iter().any(|(role, has_security)| is_data(role) && has_security != is_secure) {
        return Ok(());
    }
    let (has, says) = if is_secure { ("without", "with") } else { ("with", "without") };
    let message = format!(
        "cluster `{}` has the data of one {has} security, which does not start {says} it; nothing was changed",
        site.name
    );
    Err(Failure::new(Status::Differs, message).with_hint(without_its_data(site)))
}

fn without_its_data(site: &Site) -> String {
    format!(
        "`{}` removes that data; `{}` leaves it and starts another cluster",
        site.command("down --volumes"),
        site.command("up --name NAME")
    )
}

/// Refuses to change a cluster whose balancer takes no commands.
///
/// # Errors
/// When it does not run, has no admin access, or does not answer.
pub(super) fn refuse_without_commands(desired: &Desired<'_>, observed: &Observed) -> Result<(), Failure> {
    let site = desired.site;
    let (status, message, hint) = match &observed.balancer {
        BalancerState::Open(_) => return Ok(()),
        BalancerState::Absent => (
            Status::NotReady,
            format!("cluster `{}` does not run: it has no running balancer", site.name),
            format!("`{}` starts it", site.starting_command(observed)),
        ),
        BalancerState::Closed => (
            Status::Failed,
            "the profile `upstream` has no admin access to HAProxy, as Ozone's example has none".to_owned(),
            format!("`{}` changes the cluster with a restart of the balancer", site.command("up")),
        ),
        BalancerState::NoAnswer(why) => (
            Status::Failed,
            format!("the balancer of cluster `{}` runs, and HAProxy does not answer: {why}", site.name),
            format!("`{}` shows what it says", site.command("logs s3g")),
        ),
    };
    Err(Failure::new(status, message).with_hint(hint))
}

/// How many containers a service has.
fn count_of(service: &str, observed: &Observed) -> usize {
    observed.members.iter().filter(|one| one.container.service() == service).count()
}

/// Refuses to do something with containers that were never made, or are gone. `wanted` are services of the files.
///
/// # Errors
/// 5, with the command that makes them.
pub(super) fn refuse_absent<'a>(
    desired: &Desired<'_>,
    observed: &Observed,
    wanted: impl IntoIterator<Item = &'a str>,
) -> Result<(), Failure> {
    let site = desired.site;
    let has_all = |service: &&str| {
        let count = if *service == SCALED_SERVICE { site.spec.gateways.get() as usize } else { 1 };
        count_of(service, observed) >= count
    };
    let absent: Vec<&str> = wanted.into_iter().filter(|service| !has_all(service)).collect();
    if absent.is_empty() {
        return Ok(());
    }
    let (names, them) = (listed(&absent), if absent.len() == 1 { "it" } else { "them" });
    let message = format!("cluster `{}` has no container of {names}; nothing was changed", site.name);
    let hint = format!("`{}` makes {them}", site.command("up"));
    Err(Failure::new(Status::NotReady, message).with_hint(hint))
}

/// Refuses to start both containers of a service that Compose was ended on while it replaced one by the other.
///
/// # Errors
/// 5, with the command that completes it.
pub(super) fn refuse_half_replaced(desired: &Desired<'_>, observed: &Observed) -> Result<(), Failure> {
    let site = desired.site;
    let is_twice = |name: &str| name != SCALED_SERVICE && count_of(name, observed) > 1;
    let Some(twice) = desired.services.iter().find(|one| is_twice(&one.name)) else { return Ok(()) };
    let message = format!(
        "cluster `{}` has two containers of {}, since a run ended while one replaced the other; nothing was changed",
        site.name, twice.name
    );
    Err(Failure::new(Status::NotReady, message).with_hint(format!("`{}` completes that", site.command("up"))))
}

/// Refuses to drain gateways where no other one serves. `desired` has them drained already.
///
/// # Errors
/// 5, with the command that shows why.
pub(super) fn refuse_to_leave_none(
    desired: &Desired<'_>,
    observed: &Observed,
    names: &[GatewayName],
) -> Result<(), Failure> {
    let Some(loaded) = observed.loaded() else { return Ok(()) };
    let site = desired.site;
    let serves = |name: GatewayName| loaded.gateways.iter().any(|one| one.name == name && one.is_up());
    if site.spec.in_rotation().any(serves) {
        return Ok(());
    }
    let message =
        format!("no other gateway serves, and without {} none would; nothing was changed", listed(names));
    let hint = format!("`{}` shows why", site.command("status"));
    Err(Failure::new(Status::NotReady, message).with_hint(hint))
}

/// Refuses to restart gateways while another one does not serve: two would be out of rotation.
///
/// # Errors
/// With the command that restarts the one that does not serve.
pub(super) fn refuse_to_lose_a_second(
    desired: &Desired<'_>,
    observed: &Observed,
    chosen: &[(GatewayId, &Member)],
) -> Result<(), Failure> {
    let Some(loaded) = observed.loaded() else { return Ok(()) };
    let serves = |name: &GatewayName| loaded.gateways.iter().any(|one| one.name == *name && one.is_up());
    let is_chosen = |name: &GatewayName| chosen.iter().any(|(id, _)| *id == GatewayId::Named(name.clone()));
    let site = desired.site;
    // Found by DNS all are chosen, and those that do not serve come first.
    let is_static = site.spec.discovery == Discovery::Static;
    let missing: Vec<GatewayName> =
        site.spec.in_rotation().filter(|name| is_static && !serves(name) && !is_chosen(name)).collect();
    let takes_one_away = chosen.iter().any(|(_, one)| observed.seen(one).is_some_and(Gateway::is_up));
    let Some(first) = missing.first().filter(|_| takes_one_away) else { return Ok(()) };
    let names: Vec<&GatewayId> = chosen.iter().map(|(id, _)| id).collect();
    let message = format!(
        "{} does not serve; restarting {} now would take a second gateway away",
        listed(&missing),
        listed(&names)
    );
    let hint = format!("`{}` first", site.command(&format!("restart {first}")));
    Err(Failure::new(Status::Failed, message).with_hint(hint))
}
