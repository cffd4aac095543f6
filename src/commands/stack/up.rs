//! `up` on Docker Swarm: generate, deploy, and wait until every gateway has served a signed PUT and GET.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::users::Users;
use super::{
    LOOK, deploy, has_new_balancer, print_plan, refuse_foreign, refuse_gap, remove_old_files, settled,
};
use crate::act::{Bucket, Written};
use crate::cli::Up;
use crate::commands::Context;
use crate::commands::request::{Request, open_and_check, refuse_to_lose_edits, refuse_unreadable};
use crate::commands::up::ready::{Started, announce};
use crate::credentials;
use crate::engine::objects::{self, Scope};
use crate::engine::swarm::{self, NODE_LABEL, Node, Service};
use crate::error::{Failure, Status};
use crate::observe::{Observed, listed};
use crate::proof::Prover;
use crate::realm;
use crate::s3::{Client, Key, insist};
use crate::site::Site;
use crate::spec::choices::Choices;
use crate::steps::refuse_other_security;
use crate::tls::Renewal;
use crate::workspace::Change;

/// How long the proof and the buckets may take at the least, however long the start took.
const LAST_PROOF: Duration = Duration::from_secs(30);

/// Runs the verb and returns the endpoint; none where steps were only to be printed.
///
/// # Errors
/// Bad usage for what Swarm cannot do; 5 when it is not ready in time.
pub(in crate::commands) fn run(
    arguments: Up,
    choices: &Choices,
    context: &Context,
) -> Result<Option<String>> {
    refuse_flags(&arguments)?;
    let Up { folder, timeout, yes, dry_run, .. } = arguments;
    let path = folder.folder;
    let (mut folder, request) = open_and_check(&path, choices, context)?;
    let site = &request.site.clone();
    refuse_compose(site, context)?;
    swarm::refuse_no_manager(&context.engine)?;
    let nodes = swarm::nodes(&context.engine)?;
    refuse_missing_nodes(site, &nodes)?;
    let before = swarm::services(&context.engine, &site.name)?;
    refuse_foreign(&before, site)?;
    refuse_unreadable(&folder, &request)?;
    let changes = super::changes(&request, &folder)?;
    refuse_to_lose_edits(&changes, &path, false)?;
    refuse_other_data(site, &before, context)?;
    refuse_lost_keys(&request, &before)?;
    let renewal = super::renewal(&request, &nodes)?;
    if dry_run {
        let has_new_balancer = has_new_balancer(&request, &before);
        let mut plan = plan(&changes, renewal.as_ref(), has_new_balancer);
        if request.lacks_keys() {
            let keys = (format!("write {}", realm::FOLDER), "the folder has no keys of the services");
            plan.insert(0, keys);
        }
        print_plan(&plan, context)?;
        return Ok(None);
    }
    if !yes {
        refuse_gap(&request, &before)?;
    }
    if site.spec.kerberos.is_none() {
        warn_of_open_ports(site, context);
    }
    warn_of_architectures(&nodes, context);
    request.say_new_choices(context);
    let request = request.certified(renewal.as_ref(), &folder, choices.clone(), context.ui)?;
    folder.apply(&super::changes(&request, &folder)?)?;
    deploy(site, &context.engine)?;
    let mut progress = context.ui.progress();
    // Swarm begins an update a moment after the request for it.
    thread::sleep(LOOK);
    let patience = timeout.duration();
    settled(site, &[], patience, &mut progress, context)?;
    if let Some(users) = Users::of(site, context)? {
        users.admit(&[], None, &mut progress)?;
    }
    drop(folder);
    let key = credentials::own(site)?;
    let prover = Prover {
        site,
        engine: &context.engine,
        interrupt: &context.interrupt,
        patience: patience.saturating_sub(progress.elapsed()).max(LAST_PROOF),
        key: key.clone(),
    };
    prover.stack(&mut progress)?;
    let observed = Observed::of(&context.engine, &site.spec, &site.folder)?;
    let buckets = make_buckets(site, &observed, &key, context)?;
    progress.finish();
    remove_old_files(&request, &context.engine);
    let started = Started { elapsed: progress.elapsed(), buckets: &buckets, objects: Written::default() };
    Ok(announce(site, &observed, &started, context))
}

/// Makes the chosen buckets, where they are not there.
fn make_buckets(site: &Site, observed: &Observed, key: &Key, context: &Context) -> Result<Vec<Bucket>> {
    let mut buckets = Vec::new();
    let Some(endpoint) = site.endpoint(observed, &context.engine)? else { return Ok(buckets) };
    for bucket in &site.spec.buckets {
        let client = Client::new(&endpoint, bucket.name.as_str(), LAST_PROOF, key)?;
        let answer = insist(LAST_PROOF, &context.interrupt, || client.create_bucket())?;
        if !answer.is_good() && answer.status != 409 {
            let (sender, verdict) = (answer.sender(), answer.verdict());
            let message = format!("could not make the bucket `{}`: {sender} answered {verdict}", bucket.name);
            let hint = format!("`{}` tries again", site.command("up"));
            return Err(Failure::new(Status::Failed, message).with_hint(hint).into());
        }
        let (name, made) = (bucket.name.to_string(), answer.is_good());
        buckets.push(Bucket { name, made, layout: None, quota: None });
    }
    Ok(buckets)
}

/// Flags of `up` that work on the containers of one engine.
fn refuse_flags(arguments: &Up) -> Result<()> {
    let flags = [
        ("--port auto", arguments.port.is_some()),
        ("--rollback", arguments.rollback),
        ("--collect-on-failure", arguments.collect_on_failure.is_some()),
        ("--timings", arguments.timings),
    ];
    let Some((flag, _)) = flags.into_iter().find(|(_, is_given)| *is_given) else { return Ok(()) };
    let message = format!("{flag} does not work with `target: swarm`, whose containers are on any node");
    Err(Failure::new(Status::Usage, message).with_hint("leave it out").into())
}

/// The same folder's cluster on Compose would go on beside this one without files.
fn refuse_compose(site: &Site, context: &Context) -> Result<()> {
    let observed = Observed::read(&context.engine, &site.name, Some(&site.folder))?;
    if observed.members.is_empty() {
        return Ok(());
    }
    let message = format!(
        "cluster `{}` runs on Compose, and its data does not move to a Swarm; nothing was changed",
        site.name
    );
    let hint = format!(
        "`ozone-compose down --name {}` removes its containers; `-o DIR` makes another cluster",
        site.name
    );
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}

/// By what its services say, and what is left of it on this engine's own node.
fn refuse_other_data(site: &Site, before: &[Service], context: &Context) -> Result<()> {
    let left = objects::volumes(&context.engine, Scope::Stack(&site.name))?;
    let services = before.iter().map(|service| (service.role.as_str(), service.is_secure));
    let volumes = left.iter().map(|volume| (volume.role.as_str(), volume.is_secure()));
    Ok(refuse_other_security(site, services.chain(volumes))?)
}

/// Services with old keys and services with new ones do not reach each other: all are to start anew.
fn refuse_lost_keys(request: &Request, before: &[Service]) -> Result<()> {
    if before.is_empty() || !request.lacks_keys() {
        return Ok(());
    }
    let message = format!(
        "the keys of cluster `{}` are not in {}, and its containers run with them; nothing was changed",
        request.site.name,
        realm::FOLDER
    );
    let hint = format!(
        "put them back, or `{}` and then `{}`, which makes new ones; data and users stay",
        request.site.command("down"),
        request.site.command("up")
    );
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}

/// Data stays on nodes of a person's choice, each of which must be there.
fn refuse_missing_nodes(site: &Site, nodes: &[Node]) -> Result<()> {
    let holders = |number: u32| nodes.iter().filter(move |node| node.number == Some(number));
    for number in 1..=site.spec.nodes.get() {
        let mut ready = holders(number).filter(|node| node.is_ready());
        match (ready.next(), ready.next()) {
            (Some(_), None) => {}
            (Some(one), Some(other)) => {
                let message = format!(
                    "the nodes {} and {} both have the label {NODE_LABEL}={number}, and data is on one of them",
                    one.name, other.name
                );
                let hint =
                    format!("`docker node update --label-rm {NODE_LABEL} {}` takes it away", other.name);
                return Err(Failure::new(Status::Differs, message).with_hint(hint).into());
            }
            (None, _) => {
                let free = nodes.iter().find(|node| node.number.is_none() && node.is_ready());
                let free = free.map_or("NODE", |node| node.name.as_str());
                let message = match holders(number).next() {
                    Some(node) => format!(
                        "the node {}, which has the label {NODE_LABEL}={number} and its data, is {} and its availability is {}",
                        node.name, node.state, node.availability
                    ),
                    None => {
                        format!("no node has the label {NODE_LABEL}={number}, which chooses where data is")
                    }
                };
                let hint = format!(
                    "`{}` gives it to one; `{}` lists them",
                    site.command(&format!("nodes --label {free}={number}")),
                    site.command("nodes")
                );
                return Err(Failure::new(Status::Failed, message).with_hint(hint).into());
            }
        }
    }
    Ok(())
}

/// Says who else reaches an S3 that accepts any key.
fn warn_of_open_ports(site: &Site, context: &Context) {
    context.ui.say(&format!(
        "warning: S3 is open on every address of the balancer's node, port {}: Swarm publishes on no single one, and this S3 checks no \
         secret",
        site.spec.ports.s3
    ));
}

/// Says that an image of one architecture does not run on every node: `--resolve-image never` stops Swarm from
/// finding out, for which it would need a registry.
fn warn_of_architectures(nodes: &[Node], context: &Context) {
    let architectures: BTreeSet<&str> =
        nodes.iter().map(|node| node.architecture.as_str()).filter(|word| !word.is_empty()).collect();
    if architectures.len() > 1 {
        let listed = listed(&architectures.into_iter().collect::<Vec<_>>());
        context.ui.say(&format!(
            "warning: nodes differ in architecture ({listed}): a container starts only where the image on its node is of that node's"
        ));
    }
}

fn plan(
    changes: &[Change],
    renewal: Option<&Renewal>,
    has_new_balancer: bool,
) -> Vec<(String, &'static str)> {
    let files: Vec<&str> = changes.iter().filter(|change| change.writes()).map(Change::name).collect();
    let write = format!("write {}", files.join(", "));
    let why = if has_new_balancer {
        "HAProxy's image or ports change, so that its container is replaced, and nothing serves meanwhile"
    } else {
        "Swarm updates each service to match the file"
    };
    let steps = [
        (write, "the choices say so"),
        ("deploy the stack".to_owned(), why),
        ("test every gateway in rotation".to_owned(), "a cluster is ready when every gateway has served"),
    ];
    let certificate = renewal.map(|renewal| ("write the certificate of https".to_owned(), renewal.why()));
    certificate.into_iter().chain(steps.into_iter().skip(usize::from(files.is_empty()))).collect()
}
