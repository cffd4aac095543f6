//! What a Swarm has: its nodes, and the services and tasks of a stack. A task is read as a container, wherever it runs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::Deserialize;

use super::objects::{
    Container, DIGEST_LABEL, Health, PROJECT_LABEL, PublishedPort, SECURITY_LABEL, SERVICE_LABEL, State,
    or_default,
};
use super::{Engine, ROLE_LABEL, failure};
use crate::error::{Failure, Status};

/// The label in which Docker keeps the name of a stack.
pub const STACK_LABEL: &str = "com.docker.stack.namespace";

/// The label of the nodes that hold data; its value is their number.
pub const NODE_LABEL: &str = "ozone";

/// What `--filter` takes for the objects of a stack.
#[must_use]
pub fn of_stack(name: &str) -> String {
    format!("label={STACK_LABEL}={name}")
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The engine's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it answers; empty where Swarm does not know.
    pub address: String,
    /// `ready`, `down` or `unknown`.
    pub state: String,
    /// `active`, `pause` or `drain`.
    pub availability: String,
    /// `manager` or `worker`.
    pub role: String,
    /// Its processors, in the engine's word: `x86_64`, `aarch64`; empty where it says none.
    pub architecture: String,
    /// Its number, where it holds data.
    pub number: Option<u32>,
}

impl Node {
    /// Whether it runs containers.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == "ready" && self.availability == "active"
    }
}

/// A service of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The engine's id.
    pub id: String,
    /// Its name in the Swarm: stack, `_` and its key in the file.
    pub name: String,
    /// Its key in the file.
    pub key: String,
    /// The value of the role label; empty where it is not of this tool.
    pub role: String,
    /// How many tasks it is to have.
    pub replicas: usize,
    /// Ports of its nodes that it publishes, after those of its containers.
    pub ports: Vec<(u16, u16)>,
    /// The value of the digest label; empty where there is none.
    pub digest: String,
    /// The number of the node that it is pinned to, where it is.
    pub node: Option<u32>,
    /// Whether its data is of a secure cluster.
    pub is_secure: bool,
    /// The state of its last update, in Swarm's words; empty where there was none.
    pub update: String,
    /// What Swarm says of that.
    pub update_message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedNode {
    #[serde(rename = "ID")]
    id: String,
    spec: InspectedNodeSpec,
    description: InspectedDescription,
    status: InspectedNodeStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedNodeSpec {
    #[serde(default, deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
    role: String,
    availability: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedDescription {
    hostname: String,
    #[serde(default)]
    platform: InspectedPlatform,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedPlatform {
    #[serde(default)]
    architecture: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedNodeStatus {
    state: String,
    #[serde(default)]
    addr: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedService {
    #[serde(rename = "ID")]
    id: String,
    spec: InspectedServiceSpec,
    #[serde(default)]
    endpoint: InspectedEndpoint,
    #[serde(default, deserialize_with = "or_default")]
    update_status: InspectedUpdate,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedServiceSpec {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
    task_template: InspectedServiceTemplate,
    #[serde(default)]
    mode: InspectedMode,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedServiceTemplate {
    #[serde(default, deserialize_with = "or_default")]
    placement: InspectedPlacement,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedPlacement {
    #[serde(default, deserialize_with = "or_default")]
    constraints: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedTemplate {
    container_spec: InspectedContainer,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedContainer {
    image: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedMode {
    replicated: Option<InspectedReplicas>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedReplicas {
    replicas: usize,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedEndpoint {
    #[serde(default, deserialize_with = "or_default")]
    ports: Vec<InspectedPort>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedPort {
    target_port: u16,
    #[serde(default)]
    published_port: u16,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedUpdate {
    #[serde(default)]
    state: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedTask {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "ServiceID")]
    service: String,
    #[serde(default)]
    slot: u32,
    #[serde(rename = "NodeID", default)]
    node: String,
    status: InspectedTaskStatus,
    desired_state: String,
    spec: InspectedTemplate,
    #[serde(default, deserialize_with = "or_default")]
    networks_attachments: Vec<InspectedAttachment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedTaskStatus {
    state: String,
    #[serde(default)]
    err: String,
    #[serde(default, deserialize_with = "or_default")]
    container_status: InspectedContainerStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedContainerStatus {
    #[serde(default)]
    exit_code: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedAttachment {
    #[serde(default, deserialize_with = "or_default")]
    addresses: Vec<String>,
}

/// Ends a run on an engine that manages no Swarm.
///
/// # Errors
/// With the command that makes it a manager, or says where one is.
pub fn refuse_no_manager(engine: &Engine) -> Result<()> {
    let info = ["info", "--format", "{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}"];
    let state = engine.run(&engine.command("find out whether the engine manages a Swarm", info))?;
    let (message, hint) = match state.trim().split_once(' ').unwrap_or_default() {
        ("active", "true") => return Ok(()),
        ("active", _) => (
            "the engine is a worker of a Swarm, and only a manager takes commands",
            "`docker context use NAME` or DOCKER_HOST chooses the engine of a manager",
        ),
        _ => (
            "the engine is in no Swarm",
            "`docker swarm init` makes one of it alone; `docker swarm join` puts it into another",
        ),
    };
    Err(Failure::new(Status::NoEngine, message).with_hint(hint).into())
}

/// The id of the engine's own node.
///
/// # Errors
/// When the engine does not answer.
pub fn own_node(engine: &Engine) -> Result<String> {
    let info = ["info", "--format", "{{.Swarm.NodeID}}"];
    Ok(engine.run(&engine.command("find the engine's own node", info))?.trim().to_owned())
}

/// The nodes, in the order of their names.
///
/// # Errors
/// When the engine does not answer, or prints what cannot be read.
pub fn nodes(engine: &Engine) -> Result<Vec<Node>> {
    let listed = engine.run(&engine.command("list nodes", ["node", "ls", "--quiet"]))?;
    let found: Vec<InspectedNode> = inspected(engine, "node", listed.split_whitespace())?;
    let node = |one: InspectedNode| Node {
        number: one.spec.labels.get(NODE_LABEL).and_then(|number| number.parse().ok()),
        id: one.id,
        name: one.description.hostname,
        architecture: one.description.platform.architecture,
        // What a node says that does not know its own address.
        address: if one.status.addr == "0.0.0.0" { String::new() } else { one.status.addr },
        state: one.status.state,
        availability: one.spec.availability,
        role: one.spec.role,
    };
    let mut nodes: Vec<Node> = found.into_iter().map(node).collect();
    nodes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(nodes)
}

/// The names of the stacks of this tool; none where the engine manages no Swarm.
///
/// # Errors
/// When the engine does not answer, or prints what cannot be read.
pub fn stacks(engine: &Engine) -> Result<BTreeSet<String>> {
    let filter = format!("label={ROLE_LABEL}");
    let list = engine.command("list services", ["service", "ls", "--quiet", "--filter", &filter]);
    let listed = engine.output(&list)?;
    if !listed.status.success() {
        return Ok(BTreeSet::new());
    }
    let found: Vec<InspectedService> = inspected(engine, "service", listed.stdout.split_whitespace())?;
    Ok(found.into_iter().filter_map(|mut one| one.spec.labels.remove(STACK_LABEL)).collect())
}

/// The names of a stack's objects of a kind, `config` or `secret`.
///
/// # Errors
/// When the engine does not answer.
pub fn names(engine: &Engine, kind: &str, stack: &str) -> Result<Vec<String>> {
    let list = [kind, "ls", "--filter", &of_stack(stack), "--format", "{{.Name}}"];
    let names = engine.run(&engine.command(&format!("list {kind}s"), list))?;
    Ok(names.lines().map(str::to_owned).collect())
}

/// The services of a stack, by name.
///
/// # Errors
/// As [`nodes`].
pub fn services(engine: &Engine, stack: &str) -> Result<Vec<Service>> {
    let filter = of_stack(stack);
    let list = ["service", "ls", "--quiet", "--filter", &filter];
    let listed = engine.run(&engine.command("list services", list))?;
    let found: Vec<InspectedService> = inspected(engine, "service", listed.split_whitespace())?;
    let service = |one: InspectedService| Service {
        id: one.id,
        key: one.spec.name.strip_prefix(&format!("{stack}_")).unwrap_or(&one.spec.name).to_owned(),
        role: one.spec.labels.get(ROLE_LABEL).cloned().unwrap_or_default(),
        digest: one.spec.labels.get(DIGEST_LABEL).cloned().unwrap_or_default(),
        replicas: one.spec.mode.replicated.map_or(0, |mode| mode.replicas),
        ports: one.endpoint.ports.iter().map(|port| (port.target_port, port.published_port)).collect(),
        node: one.spec.task_template.placement.constraints.iter().find_map(|text| number_in(text)),
        is_secure: one.spec.labels.contains_key(SECURITY_LABEL),
        update: one.update_status.state,
        update_message: one.update_status.message,
        name: one.spec.name,
    };
    let mut services: Vec<Service> = found.into_iter().map(service).collect();
    services.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(services)
}

/// The number of a node in a constraint such as `node.labels.ozone==1`.
fn number_in(constraint: &str) -> Option<u32> {
    let (label, number) = constraint.split_once("==")?;
    let label = label.trim().strip_prefix("node.labels.")?;
    number.trim().parse().ok().filter(|_| label == NODE_LABEL)
}

/// The tasks of a stack that run or are to run, as containers, by name.
///
/// # Errors
/// As [`nodes`].
pub fn tasks(engine: &Engine, stack: &str, services: &[Service], nodes: &[Node]) -> Result<Vec<Container>> {
    if services.is_empty() {
        return Ok(Vec::new());
    }
    let names = services.iter().map(|service| service.name.as_str());
    let listed = engine.command("list tasks", ["service", "ps", "--quiet", "--no-trunc"]).with(names);
    let listed = engine.run(&listed)?;
    let found: Vec<InspectedTask> = inspected(engine, "task", listed.split_whitespace())?;
    // What is to leave a node that is away ends when that is back, and whether it runs is unknown until then.
    let can_leave = |id: &str| nodes.iter().any(|node| node.id == id && node.state == "ready");
    let is_present = |task: &InspectedTask| {
        task.desired_state == "running" || task.status.state == "running" && can_leave(&task.node)
    };
    let container = |task: InspectedTask| {
        let service = services.iter().find(|service| service.id == task.service)?;
        let node = nodes.iter().find(|node| node.id == task.node);
        Some(container(task, service, node, stack))
    };
    let mut all: Vec<Container> = found.into_iter().filter(is_present).filter_map(container).collect();
    all.sort_by_cached_key(|one| super::objects::natural_key(&one.name));
    Ok(all)
}

fn container(task: InspectedTask, service: &Service, node: Option<&Node>, stack: &str) -> Container {
    let leaves = task.desired_state != "running";
    let state = match task.status.state.as_str() {
        "running" if leaves => State::Removing,
        "running" => State::Running,
        "complete" | "shutdown" | "failed" | "rejected" | "orphaned" | "remove" => State::Exited,
        _ => State::Created,
    };
    let on = node.map(|node| format!(" on {}", node.name)).unwrap_or_default();
    let error = Some(task.status.err).filter(|error| !error.is_empty());
    let error = error.map(|error| format!(": {error}")).unwrap_or_default();
    let word = if leaves { "leaves" } else { &task.status.state };
    let port = |(inside, outside): &(u16, u16)| PublishedPort {
        inside: *inside,
        address: node.map(|node| node.address.clone()).unwrap_or_default(),
        outside: *outside,
    };
    let addresses = task.networks_attachments.iter().flat_map(|one| &one.addresses);
    let addresses = addresses.map(|one| one.split('/').next().unwrap_or(one).to_owned());
    let labels =
        [(PROJECT_LABEL, stack), (SERVICE_LABEL, service.key.as_str()), (ROLE_LABEL, service.role.as_str())];
    Container {
        id: task.id,
        name: format!("{}.{}", service.name, task.slot),
        state,
        health: Health::None,
        exit_code: task.status.container_status.exit_code,
        status: format!("{word}{on}{error}"),
        place: node.map(|node| node.name.clone()).unwrap_or_default(),
        image: task.spec.container_spec.image,
        addresses: addresses.collect(),
        ports: if leaves { Vec::new() } else { service.ports.iter().map(port).collect() },
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Container::default()
    }
}

/// Objects by their ids, those that have gone meanwhile aside.
fn inspected<'a, T: for<'de> Deserialize<'de>>(
    engine: &Engine,
    kind: &str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<Vec<T>> {
    let ids: Vec<&str> = ids.collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let inspect = engine.command(&format!("inspect {kind}s"), ["inspect", "--type", kind]);
    let inspect = inspect.with(["--format", "{{json .}}"]).with(ids);
    let said = engine.output(&inspect)?;
    if said.stdout.trim().is_empty() && !said.stderr.to_lowercase().contains("no such") {
        return Err(failure(&inspect, &said));
    }
    let lines = said.stdout.lines().filter(|line| !line.trim().is_empty());
    let read: serde_json::Result<Vec<T>> = lines.map(serde_json::from_str).collect();
    read.map_err(|error| {
        let message = format!(
            "could not inspect {kind}s: what `docker inspect` printed is not the JSON that is known ({error})"
        );
        Failure::new(Status::Failed, message).into()
    })
}
