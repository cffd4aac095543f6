//! Steps as text: what each verb would do, only from what is wanted and what there is.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::*;
use crate::engine::objects::{DIGEST_LABEL, Resource, State, samples};
use crate::error::Status;
use crate::haproxy::control::Loaded;
use crate::haproxy::workers::Workers;
use crate::seed::Object;
use crate::spec::choices::{Choices, Origin};
use crate::spec::options::Opt;
use crate::spec::values::BucketName;

/// A cluster of choices by their keys.
fn site(pairs: &[(&str, &str)]) -> Site {
    let mut choices = Choices::default();
    for (key, value) in pairs {
        let option = Opt::with_key(key).expect("a key of the table");
        choices.choose(option, value.split(' ').map(str::to_owned).collect(), Origin::File);
    }
    Site::new(Spec::resolve(&choices, "demo").expect("good choices"), Path::new("."))
}

/// The services of a cluster, all made from the same choices.
fn services(site: &Site) -> Vec<Service> {
    let names = |role: Role| match role {
        Role::Scm => site.spec.scm_names(),
        Role::Om => site.spec.om_names(),
        Role::Datanode => (1..=site.spec.datanodes.get()).map(|number| format!("datanode{number}")).collect(),
        Role::Balancer => vec!["s3g".to_owned()],
        Role::Gateway if site.spec.discovery == Discovery::Dns => vec![SCALED_SERVICE.to_owned()],
        Role::Gateway => site.spec.gateway_names().map(|name| name.to_string()).collect(),
        Role::Kdc => site.spec.kerberos.iter().map(|_| "kdc".to_owned()).collect(),
        Role::Httpfs => site.spec.httpfs.iter().map(|_| "httpfs".to_owned()).collect(),
        Role::Recon => site.spec.recon.iter().map(|_| "recon".to_owned()).collect(),
        Role::Monitoring => site.spec.monitoring.iter().map(|_| "prometheus".to_owned()).collect(),
        Role::Files | Role::Network => Vec::new(),
    };
    let service = |role| move |name| Service { name, role, digest: "now".to_owned() };
    Role::OF_CONTAINERS.into_iter().flat_map(|role| names(role).into_iter().map(service(role))).collect()
}

/// The container of a service, made from the same choices.
fn member(service: &str, role: Role) -> Member {
    let container = samples::container(service, role.word());
    Member { role, container: samples::labelled(container, DIGEST_LABEL, "now") }
}

/// A replica of a scaled service, at an address of its own.
fn replica(number: u8) -> Member {
    let mut member = member(SCALED_SERVICE, Role::Gateway);
    member.container.name = format!("demo-s3gw-{number}");
    member.container.id = format!("id-s3gw-{number}");
    member.container.addresses = vec![format!("10.0.0.{number}")];
    member
}

fn seen(number: u8, state: &str) -> Gateway {
    Gateway {
        name: GatewayName::numbered(number.into()),
        address: format!("10.0.0.{number}:9878"),
        state: state.to_owned(),
        check: if state == "UP" { "L7OK".to_owned() } else { String::new() },
        weight: u64::from(state == "UP"),
        sessions: 0,
        requests: 0,
        errors: 0,
    }
}

fn resource(key: &str, role: &str) -> Resource {
    let [name, project] = [format!("demo_{key}"), "demo".to_owned()];
    Resource { name, key: key.to_owned(), project, role: role.to_owned(), security: String::new() }
}

/// A cluster of one SCM that runs, with so many gateways that all serve.
fn running(gateways: u8) -> Observed {
    let others =
        [("datanode1", Role::Datanode), ("om", Role::Om), ("s3g", Role::Balancer), ("scm", Role::Scm)];
    let members = others.map(|(service, role)| member(service, role)).into_iter();
    let names = (1..=gateways).map(|number| member(&format!("s3g{number}"), Role::Gateway));
    Observed {
        project: "demo".to_owned(),
        at: SystemTime::UNIX_EPOCH,
        members: members.chain(names).collect(),
        elsewhere: None,
        additions: Vec::new(),
        foreign: Vec::new(),
        volumes: vec![resource("om", "om"), resource("scm", "scm")],
        networks: vec![resource("default", "network")],
        balancer: BalancerState::Open(loaded((1..=gateways).map(|number| seen(number, "UP")))),
    }
}

/// The same with replicas that are found by DNS.
fn running_by_dns(replicas: &[u8]) -> Observed {
    let mut observed = running(0);
    observed.members.extend(replicas.iter().map(|number| replica(*number)));
    observed.balancer = BalancerState::Open(loaded(replicas.iter().map(|number| seen(*number, "UP"))));
    observed
}

fn loaded(gateways: impl Iterator<Item = Gateway>) -> Loaded {
    let workers = Workers { current: Some(9), uptime: Duration::ZERO, old: Vec::new(), failed_reloads: 0 };
    Loaded { workers, gateways: gateways.collect() }
}

fn find<'a>(observed: &'a mut Observed, title: &str) -> &'a mut Member {
    observed.members.iter_mut().find(|member| member.title() == title).expect("a container")
}

fn end(observed: &mut Observed, title: &str) {
    find(observed, title).container.state = State::Exited;
    if let (Some(GatewayId::Named(name)), BalancerState::Open(loaded)) =
        (find(observed, title).gateway(), &mut observed.balancer)
    {
        let down = Gateway { state: "DOWN".to_owned(), ..seen(1, "UP") };
        let places = loaded.gateways.iter_mut().filter(|one| one.name == name);
        places.for_each(|one| *one = Gateway { name: name.clone(), ..down.clone() });
    }
}

/// What is wanted where nothing has to be written.
fn desired<'a>(site: &'a Site, services: &'a [Service]) -> Desired<'a> {
    Desired {
        site,
        services,
        files: Vec::new(),
        cfg_changes: false,
        cfg_is_newer: false,
        certificate: None,
        has_overrides: false,
        images: BTreeMap::new(),
        keyed: BTreeSet::new(),
        seed: None,
        hooks: Vec::new(),
    }
}

/// The same where other files with another configuration have to be written.
fn changed<'a>(site: &'a Site, services: &'a [Service]) -> Desired<'a> {
    let files = vec!["ozone-compose.yaml".to_owned(), "haproxy/s3-haproxy.cfg".to_owned()];
    Desired { files, cfg_changes: true, ..desired(site, services) }
}

fn text(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}

fn planned(desired: &Desired<'_>, observed: &Observed, goal: &Goal) -> Vec<String> {
    text(&plan(desired, observed, goal).expect("a goal that can be reached"))
}

fn names(numbers: &[u32]) -> Vec<GatewayName> {
    numbers.iter().copied().map(GatewayName::numbered).collect()
}

const CHECK: &str = "check HAProxy's configuration: HAProxy is about to load it";
const WRITE: &str = "write ozone-compose.yaml, haproxy/s3-haproxy.cfg: the choices have changed";
const LOAD: &str = "load HAProxy's configuration: the configuration is another";
const READY: &str = "test every gateway in rotation: a cluster is ready when every gateway has served";

#[test]
fn a_cluster_that_is_as_it_should_be_is_only_proved() {
    let site = site(&[]);
    let services = services(&site);
    assert_eq!(planned(&desired(&site, &services), &running(3), &Goal::Up), [READY]);
    assert_eq!(planned(&desired(&site, &services), &running(3), &Goal::Scale), [""; 0]);
}

#[test]
fn an_upgrade_replaces_one_container_at_a_time_and_waits_for_each() {
    let site = site(&[]);
    let services = services(&site);
    let mut observed = running(2);
    for title in ["s3g1", "s3g2", "datanode1", "om", "scm"] {
        let container = find(&mut observed, title).container.clone();
        find(&mut observed, title).container = samples::labelled(container, DIGEST_LABEL, "before");
    }
    let steps = planned(&desired(&site, &services), &observed, &Goal::Upgrade);
    let actions: Vec<&str> = steps.iter().map(|step| step.split(": ").next().expect("an action")).collect();
    let of_gateway = |name: &str| {
        [
            format!("take {name} out of rotation"),
            format!("stop {name}"),
            format!("remove {name}"),
            format!("start {name}"),
            format!("test {name}"),
            format!("take {name} back into rotation"),
            format!("wait for {name} in rotation"),
        ]
    };
    let of_other = |name: &str| {
        [format!("recreate {name}"), format!("wait for {name}"), "test every gateway in rotation".to_owned()]
    };
    let gateways = [of_gateway("s3g1"), of_gateway("s3g2")].concat();
    let others = [of_other("scm"), of_other("om"), of_other("datanode1")].concat();
    // One that does not run is among those that an upgrade is to reach.
    let first =
        ["start s3g3", "test s3g3", "load HAProxy's configuration", "wait for s3g1, s3g2, s3g3 in rotation"];
    let first = first.map(str::to_owned).to_vec();
    assert_eq!(actions, [first, gateways, others].concat());
    assert_eq!(planned(&desired(&site, &services), &running(3), &Goal::Upgrade), [""; 0]);
}

#[test]
fn an_upgrade_is_finalized_once_all_with_data_have_it() {
    let site = site(&[]);
    let services = services(&site);
    let mut observed = running(2);
    assert_eq!(
        planned(&desired(&site, &services), &observed, &Goal::Finalize),
        [
            "finalize the upgrade of SCM: --finalize",
            "finalize the upgrade of OM: --finalize",
            "test every gateway in rotation: requests are served with it"
        ]
    );
    let container = find(&mut observed, "datanode1").container.clone();
    find(&mut observed, "datanode1").container = samples::labelled(container, DIGEST_LABEL, "before");
    let refusal =
        plan(&desired(&site, &services), &observed, &Goal::Finalize).expect_err("an older datanode");
    assert_eq!(refusal.message, "datanode1 of cluster `demo` is not of Ozone 2.2.1; nothing was changed");
    assert_eq!(refusal.hint, "the `upgrade` that was begun replaces what is left");
}

#[test]
fn buckets_are_made_once_the_gateways_are_proved() {
    let site = site(&[("buckets", "one two one")]);
    let services = services(&site);
    let buckets = "make the buckets one, two: existing ones stay as they are";
    assert_eq!(planned(&desired(&site, &services), &running(3), &Goal::Up), [READY, buckets]);
    let up = planned(
        &desired(&site, &services),
        &Observed { balancer: BalancerState::Absent, ..running(0) },
        &Goal::Up,
    );
    assert!(up.ends_with(&[READY.to_owned(), buckets.to_owned()]), "{up:?}");
    // Only `up` makes buckets and objects.
    assert_eq!(planned(&desired(&site, &services), &running(3), &Goal::Start), [READY]);
}

#[test]
fn a_seed_is_written_once_its_buckets_are_there_and_hooks_find_all() {
    let site = site(&[("buckets", "one")]);
    let services = services(&site);
    let [one, two] = ["one", "two"].map(|name| name.parse::<BucketName>().expect("a name"));
    let object = Object { bucket: two.clone(), key: "a/b".to_owned(), path: "f/two/a/b".into(), size: 1 };
    let seed = Seed { folder: "f".into(), buckets: vec![one, two], objects: vec![object] };
    let hooks = vec!["ready.d/1".to_owned()];
    let desired = Desired { seed: Some(&seed), hooks, ..desired(&site, &services) };
    assert_eq!(
        planned(&desired, &running(3), &Goal::Up),
        [
            READY,
            "make the buckets one, two: existing ones stay as they are",
            "write 1 object from f: those that are there with the same size stay as they are",
            "run ready.d/1: the cluster is ready",
        ]
    );
}

#[test]
fn more_gateways_are_checked_written_started_proved_and_then_loaded() {
    let site = site(&[("gateways.count", "5")]);
    let services = services(&site);
    let steps = planned(&changed(&site, &services), &running(3), &Goal::Scale);
    assert_eq!(
        steps,
        [
            CHECK,
            WRITE,
            "start s3g4, s3g5: gateways.count is 5",
            "test s3g4, s3g5: it gets no requests before it has served one",
            LOAD,
            "wait for s3g1, s3g2, s3g3, s3g4 and 1 more in rotation: gateways.count is 5",
        ]
    );
    // `up` does the same, and proves all.
    let up = planned(&changed(&site, &services), &running(3), &Goal::Up);
    assert_eq!(up, [&steps[..5], &[READY.to_owned()]].concat());
}

#[test]
fn fewer_gateways_are_checked_first_and_removed_last() {
    let site = site(&[("gateways.count", "1")]);
    let services = services(&site);
    assert_eq!(
        planned(&changed(&site, &services), &running(3), &Goal::Scale),
        [
            CHECK,
            WRITE,
            "send s3g2, s3g3 no new requests: this holds for the HAProxy process that a reload replaces too",
            LOAD,
            "wait for s3g1 in rotation: gateways.count is 1",
            "drain s3g2, s3g3: gateways.count is 1",
            "stop s3g2, s3g3: gateways.count is 1",
            "remove s3g2, s3g3: gateways.count is 1",
        ]
    );
}

#[test]
fn what_a_killed_scale_left_is_finished() {
    // It had loaded the configuration and not removed the gateway.
    let site = site(&[("gateways.count", "2")]);
    let services = services(&site);
    let mut observed = running(3);
    observed.balancer = BalancerState::Open(loaded([1, 2].map(|number| seen(number, "UP")).into_iter()));
    assert_eq!(
        planned(&desired(&site, &services), &observed, &Goal::Scale),
        [
            "drain s3g3: gateways.count is 2",
            "stop s3g3: gateways.count is 2",
            "remove s3g3: gateways.count is 2"
        ]
    );
    // It had started a gateway that was not proved or loaded.
    let site = self::site(&[("gateways.count", "3")]);
    let services = self::services(&site);
    assert_eq!(
        planned(&desired(&site, &services), &observed, &Goal::Scale),
        [
            "test s3g3: it gets no requests before it has served one",
            "load HAProxy's configuration: HAProxy has other gateways, or others of them drained, than the files",
            "wait for s3g1, s3g2, s3g3 in rotation: gateways.count is 3",
        ]
    );
}

#[test]
fn drain_keeps_a_worker_that_becomes_old_from_sending_requests() {
    let site = site(&[("gateways.drained", "s3g2")]);
    let services = services(&site);
    let steps = planned(&changed(&site, &services), &running(3), &Goal::Drain(names(&[2])));
    let hold = "send s3g2 no new requests: this holds for the HAProxy process that a reload replaces too";
    assert_eq!(steps, [CHECK, WRITE, hold, LOAD, "drain s3g2: gateways.drained names it"]);
    // Once it is drained in HAProxy, the run only waits for the end of its requests.
    let mut drained = running(3);
    drained.balancer =
        BalancerState::Open(loaded([seen(1, "UP"), seen(2, "DRAIN"), seen(3, "UP")].into_iter()));
    let steps = planned(&desired(&site, &services), &drained, &Goal::Drain(names(&[2])));
    assert_eq!(steps, ["drain s3g2: gateways.drained names it"]);
}

#[test]
fn resume_and_reload_check_what_they_load() {
    let site = site(&[]);
    let services = services(&site);
    let load = "load HAProxy's configuration: a reload resets what an unfinished `scale` or `restart` set in HAProxy alone";
    let back = "wait for s3g2 in rotation: gateways.drained does not name it any more";
    assert_eq!(
        planned(&changed(&site, &services), &running(3), &Goal::Resume(names(&[2]))),
        [CHECK, WRITE, load, back]
    );
    assert_eq!(
        planned(&desired(&site, &services), &running(3), &Goal::Reload),
        [CHECK, "load HAProxy's configuration: the folder may hold what is not loaded yet"]
    );
}

#[test]
fn a_certificate_is_judged_before_it_is_written_and_loaded() {
    let site = site(&[]);
    let services = services(&site);
    let due = Desired { certificate: Some("ends soon"), ..desired(&site, &services) };
    let certify = "write the certificate of https: it ends soon";
    assert_eq!(
        planned(&due, &running(3), &Goal::Reload),
        [CHECK, certify, "load HAProxy's configuration: the folder may hold what is not loaded yet"]
    );
    assert_eq!(
        planned(&due, &running(3), &Goal::Up),
        [CHECK, certify, "load HAProxy's configuration: the certificate of https is another", READY]
    );
    let stopped = Observed { balancer: BalancerState::Absent, ..running(3) };
    assert_eq!(
        planned(&due, &stopped, &Goal::Up),
        [certify, "start everything that does not run, recreate what changed: no balancer runs", READY]
    );
}

fn restart(title: &str, cause: &str) -> Vec<String> {
    vec![
        format!("take {title} out of rotation: {cause}"),
        format!("restart {title}: {cause}"),
        format!("test {title}: it gets no requests before it has served one"),
        format!("take {title} back into rotation: it serves"),
        format!("wait for {title} in rotation: the next one waits for it"),
    ]
}

const IN_TURN: &str = "gateways restart one at a time";
const ILL: &str = "it gets no requests; restarted first";

#[test]
fn a_gateway_that_does_not_serve_restarts_first() {
    let site = site(&[]);
    let services = services(&site);
    let mut observed = running(3);
    end(&mut observed, "s3g3");
    assert_eq!(
        planned(&desired(&site, &services), &observed, &Goal::Restart(Vec::new())),
        [restart("s3g3", ILL), restart("s3g1", IN_TURN), restart("s3g2", IN_TURN)].concat()
    );
    // By name, no second one is removed.
    let refusal =
        plan(&desired(&site, &services), &observed, &Goal::Restart(names(&[1]))).expect_err("two away");
    assert_eq!(refusal.message, "s3g3 does not serve; restarting s3g1 now would take a second gateway away");
    assert_eq!(refusal.hint, "`ozone-compose restart s3g3` first");
}

#[test]
fn another_build_of_ozone_begins_with_the_gateways_and_waits_for_each() {
    let site = site(&[("ozone.dist", "dist")]);
    let services = services(&site);
    let steps = planned(&desired(&site, &services), &running(3), &Goal::RestartAll);
    let of_other = |name: &str| {
        [
            format!("restart {name}: it is to run the distribution as it is now"),
            format!("wait for {name}: the next one waits for it"),
            "test every gateway in rotation: requests are served before the next one leaves".to_owned(),
        ]
    };
    let gateways = ["s3g1", "s3g2", "s3g3"].map(|name| restart(name, IN_TURN)).concat();
    assert_eq!(steps, [gateways, [of_other("scm"), of_other("om"), of_other("datanode1")].concat()].concat());
}

#[test]
fn a_replica_that_ended_restarts_first_and_only_it_is_proved() {
    let site = site(&[("gateways.discovery", "dns"), ("gateways.count", "2")]);
    let services = services(&site);
    let mut observed = running_by_dns(&[1, 2]);
    end(&mut observed, "demo-s3gw-2");
    assert_eq!(
        planned(&desired(&site, &services), &observed, &Goal::Restart(Vec::new())),
        [restart("demo-s3gw-2", ILL), restart("demo-s3gw-1", IN_TURN)].concat()
    );
}

#[test]
fn a_drained_gateway_restarts_and_stays_drained() {
    let site = site(&[("gateways.drained", "s3g1")]);
    let services = services(&site);
    let steps = planned(&desired(&site, &services), &running(3), &Goal::Restart(names(&[1])));
    assert_eq!(steps, restart("s3g1", IN_TURN)[..3]);
}

#[test]
fn fewer_replicas_means_first_those_that_do_not_run_or_serve() {
    let site = site(&[("gateways.discovery", "dns"), ("gateways.count", "2")]);
    let services = services(&site);
    let staying = "wait for demo-s3gw-2, demo-s3gw-3 in rotation: gateways.count is 2";
    let mut observed = running_by_dns(&[1, 2, 3]);
    end(&mut observed, "demo-s3gw-1");
    assert_eq!(
        planned(&desired(&site, &services), &observed, &Goal::Scale),
        ["remove demo-s3gw-1: gateways.count is 2", staying]
    );

    let mut observed = running_by_dns(&[1, 2, 3]);
    let down = Gateway { state: "DOWN".to_owned(), ..seen(1, "UP") };
    observed.balancer = BalancerState::Open(loaded([down, seen(2, "UP"), seen(3, "UP")].into_iter()));
    assert_eq!(
        planned(&desired(&site, &services), &observed, &Goal::Scale)[0],
        "drain demo-s3gw-1: gateways.count is 2"
    );
}

#[test]
fn a_replica_is_known_by_any_of_its_addresses() {
    let mut observed = running_by_dns(&[1, 2]);
    find(&mut observed, "demo-s3gw-2").container.addresses.insert(0, "172.30.0.7".to_owned());
    let member = find(&mut observed, "demo-s3gw-2").clone();
    assert_eq!(observed.seen(&member).expect("it is loaded").name, GatewayName::numbered(2));
}

#[test]
fn gateways_made_from_other_choices_are_replaced_one_at_a_time() {
    let site = site(&[("gateways.count", "2")]);
    let services = services(&site);
    let mut observed = running(2);
    for title in ["s3g1", "s3g2"] {
        let one = find(&mut observed, title);
        one.container = samples::labelled(one.container.clone(), DIGEST_LABEL, "before");
    }
    let cause = "it was made from other choices";
    let replaced = |title: &str| {
        let mut steps = restart(title, cause);
        let anew = ["stop", "remove", "start"].map(|verb| format!("{verb} {title}: {cause}"));
        steps.splice(1..2, anew);
        steps
    };
    assert_eq!(
        planned(&desired(&site, &services), &observed, &Goal::Up),
        [
            vec!["wait for s3g1, s3g2 in rotation: others are to be taken away".to_owned()],
            replaced("s3g1"),
            replaced("s3g2"),
            vec![READY.to_owned()],
        ]
        .concat()
    );
    // Others report it, and do not change it.
    assert_eq!(pending(&desired(&site, &services), &observed), ["s3g1", "s3g2"]);
    assert_eq!(planned(&desired(&site, &services), &observed, &Goal::Scale), [""; 0]);
}

#[test]
fn an_image_that_was_rebuilt_is_another_choice() {
    let site = site(&[("gateways.count", "1")]);
    let services = services(&site);
    let mut observed = running(1);
    let one = &mut find(&mut observed, "scm").container;
    (one.image, one.image_id) = ("mine:1".to_owned(), "sha256:old".to_owned());
    let images = BTreeMap::from([("mine:1".to_owned(), "sha256:new".to_owned())]);
    let desired = Desired { images, ..desired(&site, &services) };
    assert_eq!(
        planned(&desired, &observed, &Goal::Up),
        ["recreate scm: the image mine:1 is another one now", READY]
    );
}

#[test]
fn services_that_do_not_run_start_and_those_without_a_place_go() {
    let site = site(&[]);
    let services = services(&site);
    let mut observed = running(3);
    observed.members.push(member("datanode2", Role::Datanode));
    end(&mut observed, "om");
    assert_eq!(
        planned(&desired(&site, &services), &observed, &Goal::Up),
        [
            "stop datanode2: the files have no such service",
            "remove datanode2: the files have no such service",
            "start om: not running",
            READY,
        ]
    );
}

#[test]
fn where_no_balancer_runs_everything_starts_at_once() {
    let site = site(&[]);
    let services = services(&site);
    let mut observed = running(3);
    observed.balancer = BalancerState::Absent;
    observed.members.clear();
    let start = "start everything that does not run, recreate what changed: no balancer runs";
    assert_eq!(planned(&changed(&site, &services), &observed, &Goal::Up), [WRITE, start, READY]);
}

#[test]
fn down_and_stop_touch_only_what_carries_the_label() {
    let mut observed = running(1);
    observed.foreign.push(samples::container("db", ""));
    observed.volumes.push(resource("db", ""));
    assert_eq!(
        text(&down(&observed, true)),
        [
            "remove datanode1, om, s3g, scm, s3g1: the cluster is removed",
            "remove volume demo_om, demo_scm: --volumes"
        ]
    );
    observed.foreign.clear();
    observed.volumes.pop();
    assert_eq!(
        text(&down(&observed, false)),
        [
            "stop datanode1, om, s3g, scm, s3g1: its data stays, so that processes get time to close it",
            "remove datanode1, om, s3g, scm, s3g1: the cluster is removed",
            "remove network demo_default: the cluster is removed",
        ]
    );
    let stopped = ["s3g", "s3g1", "om", "datanode1", "scm"];
    assert_eq!(text(&stop(&observed)), stopped.map(|title| format!("stop {title}: the cluster stops")));
}

#[test]
fn start_starts_what_does_not_run_and_proves_all() {
    let site = site(&[]);
    let services = services(&site);
    let mut observed = running(3);
    end(&mut observed, "om");
    assert_eq!(
        planned(&desired(&site, &services), &observed, &Goal::Start),
        ["start om: the cluster is to run", READY]
    );
}

/// Goals that need a balancer that takes commands.
fn goals_by_control() -> [Goal; 6] {
    let drain = Goal::Drain(names(&[1]));
    [Goal::Scale, drain, Goal::Resume(Vec::new()), Goal::Restart(Vec::new()), Goal::Upgrade, Goal::Reload]
}

#[test]
fn nothing_is_done_where_the_balancer_takes_no_commands() {
    let site = site(&[]);
    let services = services(&site);
    for (balancer, says) in [
        (BalancerState::Absent, "it has no running balancer"),
        (BalancerState::NoAnswer("no worker".to_owned()), "HAProxy does not answer: no worker"),
    ] {
        let observed = Observed { balancer, ..running(3) };
        for goal in goals_by_control() {
            let refusal = plan(&changed(&site, &services), &observed, &goal).expect_err("no control");
            assert!(refusal.message.contains(says), "{goal:?}: {}", refusal.message);
        }
    }
}

#[test]
fn no_goal_makes_one_kind_of_cluster_of_another() {
    for (choices, observed, says) in [
        (&[("profile", "upstream")][..], running(3), "another profile than `upstream`"),
        (&[], Observed { balancer: BalancerState::Closed, ..running(3) }, "another profile than `tuned`"),
        (&[("gateways.discovery", "dns")], running(3), "another discovery than `dns`"),
        (&[], running_by_dns(&[1, 2, 3]), "another discovery than `static`"),
        (&[("base", "ha")], running(3), "has the data of scm, and the files say scm1, scm2, scm3"),
    ] {
        let site = site(choices);
        let services = services(&site);
        for goal in
            [Goal::Up, Goal::Start].into_iter().chain(goals_by_control()).filter(|goal| *goal != Goal::Reload)
        {
            let refusal = plan(&changed(&site, &services), &observed, &goal).expect_err("another kind");
            assert!(refusal.message.contains(says), "{goal:?}: {}", refusal.message);
            assert_eq!(refusal.status, Status::Differs);
            assert!(refusal.hint.contains("`ozone-compose "), "{}", refusal.hint);
        }
    }
}

#[test]
fn a_name_that_holds_anything_foreign_is_refused() {
    let site = site(&[]);
    let refused = |observed: &Observed| {
        refuse_foreign(&site, observed, &["cache".to_owned()]).map_err(|why| why.message)
    };
    assert_eq!(refused(&running(3)), Ok(()));
    let mut declared = running(3);
    declared.volumes.push(resource("cache", ""));
    declared.additions.push(samples::container("web", ""));
    assert_eq!(refused(&declared), Ok(()), "a person's own Compose file beside the generated ones has them");
    let mut app = running(3);
    let db = samples::started_from(samples::container("db", ""), "/shop", "/shop/compose.yaml");
    app.foreign.push(db);
    let said =
        "the name `demo` is taken: its container `demo-db-1` was started from `/shop`; nothing was changed";
    assert_eq!(refused(&app), Err(said.to_owned()));
    for kind in ["volumes", "networks"] {
        let mut left = running(0);
        if kind == "volumes" { &mut left.volumes } else { &mut left.networks }.push(resource("db", ""));
        assert!(refused(&left).expect_err("an app's").contains("`demo_db` is of another Compose app"));
    }
}

#[test]
fn a_gateway_that_did_not_run_gets_requests_whatever_haproxy_remembers_of_it() {
    // Taken out by a run that was killed: while it is down HAProxy does not show that.
    let site = site(&[("gateways.count", "2")]);
    let services = services(&site);
    let mut observed = running(2);
    end(&mut observed, "s3g2");
    let load = "load HAProxy's configuration: HAProxy may still have a state of it that an ended run set";
    let steps = planned(&desired(&site, &services), &observed, &Goal::Up);
    assert_eq!(steps[steps.len() - 2..], [load, READY]);
    assert!(steps.iter().any(|step| step.starts_with("test s3g2: ")), "{steps:?}");
    let cause = "HAProxy may still have a state of it that an ended run set";
    let back = |names: &str| format!("take {names} back into rotation: {cause}");
    // The same once its container runs again, by an `upgrade` or `restart` that ended before it served.
    let mut observed = running(2);
    let down = Gateway { state: "DOWN".to_owned(), ..seen(2, "UP") };
    observed.balancer = BalancerState::Open(loaded([seen(1, "UP"), down].into_iter()));
    for (goal, last) in [
        (Goal::Up, READY),
        (Goal::Scale, "wait for s3g1, s3g2 in rotation: gateways.count is 2"),
        (Goal::Upgrade, "wait for s3g1, s3g2 in rotation: one gateway at a time is replaced"),
    ] {
        let steps = planned(&desired(&site, &services), &observed, &goal);
        assert_eq!(
            steps,
            ["test s3g2: it gets no requests before it has served one", back("s3g2").as_str(), last]
        );
    }
    let down = |number| Gateway { state: "DOWN".to_owned(), ..seen(number, "UP") };
    observed.balancer = BalancerState::Open(loaded([1, 2].map(down).into_iter()));
    assert_eq!(
        planned(&desired(&site, &services), &observed, &Goal::Up),
        [back("s3g1, s3g2").as_str(), READY]
    );
}

/// A secure cluster that runs, with users, and the secrets that its folder has.
fn secure(users: &str, keyed: &[&str], goal: &Goal, change: impl FnOnce(&mut Observed)) -> Vec<String> {
    let mut pairs = vec![("security", "kerberos")];
    pairs.extend((!users.is_empty()).then_some(("users", users)));
    let site = site(&pairs);
    let services = services(&site);
    let mut observed = running(3);
    observed.members.push(member("kdc", Role::Kdc));
    observed.volumes.iter_mut().for_each(|volume| volume.security = "kerberos".to_owned());
    change(&mut observed);
    let keyed = keyed.iter().map(|name| (*name).to_owned()).collect();
    planned(&Desired { keyed, ..desired(&site, &services) }, &observed, goal)
}

#[test]
fn users_without_a_secret_get_one_and_who_is_no_user_any_more_has_none() {
    let none = |_: &mut Observed| {};
    let own = "ozone-compose";
    assert_eq!(secure("alice", &["alice", own], &Goal::Up, none), [READY]);
    assert_eq!(
        secure("alice bob", &["alice", own, "carol"], &Goal::Up, none),
        [
            "revoke the secrets of carol: the choices name them no more",
            "get secrets for bob: the folder has none of theirs",
            READY
        ]
    );
    assert_eq!(
        secure("alice", &[], &Goal::Start, none),
        ["get secrets for ozone-compose, alice: the folder has none of theirs", READY]
    );
    let alice = vec!["alice".parse().expect("a name")];
    assert_eq!(
        secure("alice bob", &["alice", "bob", own], &Goal::Users(alice), none),
        ["get secrets for alice: theirs are to be others"]
    );
}

#[test]
fn secrets_are_worth_nothing_once_the_data_of_om_is_gone() {
    let fresh = |observed: &mut Observed| {
        observed.members.clear();
        observed.volumes.clear();
        observed.balancer = BalancerState::Absent;
    };
    let steps = secure("alice", &["alice", "ozone-compose", "carol"], &Goal::Up, fresh);
    assert_eq!(steps[1..], ["get secrets for ozone-compose, alice: OM has no data yet", READY]);
}

#[test]
fn a_cluster_without_security_is_not_made_a_secure_one_nor_the_other_way_round() {
    for (security, of_data) in [("kerberos", ""), ("off", "kerberos")] {
        let site = site(&[("security", security)]);
        let services = services(&site);
        let mut observed = running(3);
        observed.volumes.iter_mut().for_each(|volume| volume.security = of_data.to_owned());
        for goal in [Goal::Up, Goal::Start, Goal::Scale] {
            let refused = plan(&desired(&site, &services), &observed, &goal).expect_err("other data");
            assert_eq!(refused.status, Status::Differs);
            assert!(refused.message.contains("security, which does not start with"), "{}", refused.message);
            assert!(refused.hint.contains("down --volumes"), "{}", refused.hint);
        }
    }
}

#[test]
fn the_kdc_stops_last_and_starts_first() {
    let mut observed = running(1);
    observed.members.push(member("kdc", Role::Kdc));
    assert_eq!(text(&stop(&observed)).last().expect("a step"), "stop kdc: the cluster stops");
    observed.members.iter_mut().for_each(|one| one.container.state = State::Exited);
    observed.volumes.iter_mut().for_each(|volume| volume.security = "kerberos".to_owned());
    observed.balancer = BalancerState::Absent;
    let site = site(&[("security", "kerberos"), ("gateways.count", "1")]);
    let services = services(&site);
    let steps = planned(&desired(&site, &services), &observed, &Goal::Start);
    assert!(steps[0].starts_with("start kdc, scm, "), "{steps:?}");
}
