//! What there is of a cluster at one moment: containers, volumes and networks by their labels, and what HAProxy has
//! loaded. Read once; who decides reads nothing else.
//!
//! Changes nothing, and does not know the desired state.

pub mod condition;
mod including;
pub mod requests;
mod stack;
mod which;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use fs_err as fs;
use serde::Serialize;

use crate::engine::objects::{self, Container, DIGEST_LABEL, Resource, Scope};
use crate::engine::{Engine, ROLE_LABEL};
use crate::haproxy::Gateway;
use crate::haproxy::control::{Control, Loaded};
use crate::plan::{HTTPS_PORT, MASTER_SOCKET, Role, S3_PORT, STATS_PORT};
use crate::spec::Spec;
use crate::spec::values::{GatewayName, HostName, Target};
pub use including::including;
pub use which::{Which, listed};

/// How long HAProxy may take to answer before it counts as silent: a reload closes its socket for a moment.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// Pause between two questions.
const PAUSE: Duration = Duration::from_millis(200);

/// A gateway that runs in a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GatewayId {
    /// One with a service of its own, which HAProxy knows by the same name.
    Named(GatewayName),
    /// One of a service that is scaled, by the name of its container. HAProxy knows it by its address.
    Replica(String),
}

impl fmt::Display for GatewayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => name.fmt(f),
            Self::Replica(container) => f.write_str(container),
        }
    }
}

/// A container of this tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What it is for.
    pub role: Role,
    /// What the engine reports about it.
    pub container: Container,
}

impl Member {
    /// The gateway in it, where it is one.
    #[must_use]
    pub fn gateway(&self) -> Option<GatewayId> {
        if self.role != Role::Gateway {
            return None;
        }
        let named = GatewayName::from_str(self.container.service()).map(GatewayId::Named);
        Some(named.unwrap_or_else(|_| GatewayId::Replica(self.container.name.clone())))
    }

    /// What people call it: its service, or its container where a service has several.
    #[must_use]
    pub fn title(&self) -> String {
        self.gateway().map_or_else(|| self.container.service().to_owned(), |gateway| gateway.to_string())
    }

    /// The digest of what it was made from; empty where it was made by other files.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.container.label(DIGEST_LABEL)
    }

    /// Where S3 answers, of a balancer: over http where that is published, over https otherwise.
    #[must_use]
    pub fn endpoint(&self, host: &str) -> Option<String> {
        self.http(host).or_else(|| self.https(host))
    }

    fn http(&self, host: &str) -> Option<String> {
        self.page(S3_PORT, host)
    }

    fn https(&self, host: &str) -> Option<String> {
        Some(self.page(HTTPS_PORT, host)?.replacen("http://", "https://", 1))
    }

    /// Where a port of the container answers, where it is published.
    fn page(&self, inside: u32, host: &str) -> Option<String> {
        let answer = self.container.published(u16::try_from(inside).ok()?, host)?;
        Some(format!("http://{answer}"))
    }
}

/// The balancer, as far as it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BalancerState {
    /// None runs.
    Absent,
    /// One runs without admin access, as Ozone's own example starts it.
    Closed,
    /// One runs, and HAProxy does not answer in it: why.
    NoAnswer(String),
    /// One runs, and has loaded this.
    Open(Loaded),
}

/// A cluster at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The Compose project.
    pub project: String,
    /// When it was read.
    pub at: SystemTime,
    /// Containers of this tool, by name.
    pub members: Vec<Member>,
    /// A container of this tool that was started from another folder, which is still there. One whose folder is gone
    /// does not count: a folder that was moved keeps its cluster.
    pub elsewhere: Option<Member>,
    /// Containers that a person's own Compose files beside the generated ones have added, by name.
    pub additions: Vec<Container>,
    /// Containers of the project that have nothing to do with this tool, by name.
    pub foreign: Vec<Container>,
    /// Volumes of the project.
    pub volumes: Vec<Resource>,
    /// Networks of the project.
    pub networks: Vec<Resource>,
    /// The balancer.
    pub balancer: BalancerState,
}

impl Observed {
    /// The images of Ozone's containers, each with what people call those.
    #[must_use]
    pub fn images(&self) -> BTreeMap<String, Vec<String>> {
        let mut images: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for member in [Role::Scm, Role::Om, Role::Datanode, Role::Gateway]
            .into_iter()
            .flat_map(|role| self.of_role(role))
        {
            images.entry(member.container.image.clone()).or_default().push(member.title());
        }
        images
    }

    /// Reads a project and, where its balancer runs, HAProxy. `here` is the folder of the cluster; without one,
    /// whatever is not of this tool is foreign.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn read(engine: &Engine, project: &str, here: Option<&Path>) -> Result<Self> {
        let scope = Scope::Project(project);
        let (members, others) = members(objects::containers(engine, scope)?);
        let is_addition = |other: &Container| here.is_some_and(|here| is_of_files_in(other, here));
        let (additions, foreign) = others.into_iter().partition(is_addition);
        let elsewhere = here.and_then(|here| members.iter().find(|one| is_elsewhere(&one.container, here)));
        let mut observed = Self {
            project: project.to_owned(),
            at: SystemTime::now(),
            elsewhere: elsewhere.cloned(),
            additions,
            foreign,
            volumes: objects::volumes(engine, scope)?,
            networks: objects::networks(engine, scope)?,
            balancer: BalancerState::Absent,
            members,
        };
        observed.balancer = match observed.running_balancer() {
            None => BalancerState::Absent,
            Some(member) if !has_socket(&member.container) => BalancerState::Closed,
            Some(member) => read_balancer(&Control::of(&member.container, engine))?,
        };
        Ok(observed)
    }

    /// Reads the cluster of a folder by its choices, whatever runs it.
    ///
    /// # Errors
    /// As [`Self::read`]; on Swarm also when the engine manages none.
    pub fn of(engine: &Engine, spec: &Spec, here: &Path) -> Result<Self> {
        let name = spec.name.to_string();
        if spec.target == Target::Swarm {
            return Self::of_stack(engine, &name, spec.ports.host.as_ref());
        }
        Self::read(engine, &name, Some(here))
    }

    /// Reads a stack of a Swarm; `host` is where its ports answer, where that is not the balancer's node.
    ///
    /// # Errors
    /// When the engine does not answer, or manages no Swarm.
    pub fn of_stack(engine: &Engine, name: &str, host: Option<&HostName>) -> Result<Self> {
        stack::read(engine, name, host)
    }

    /// The balancer's container where it runs.
    #[must_use]
    pub fn running_balancer(&self) -> Option<&Member> {
        self.running(Role::Balancer).next()
    }

    /// Containers of a role that run.
    pub fn running(&self, role: Role) -> impl Iterator<Item = &Member> {
        self.of_role(role).filter(|one| one.container.is_running())
    }

    /// Containers of a role.
    pub fn of_role(&self, role: Role) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.role == role)
    }

    /// Every gateway that has a container, with it.
    pub fn gateways(&self) -> impl Iterator<Item = (GatewayId, &Member)> {
        self.members.iter().filter_map(|member| Some((member.gateway()?, member)))
    }

    /// What HAProxy has loaded, where it answers.
    #[must_use]
    pub fn loaded(&self) -> Option<&Loaded> {
        match &self.balancer {
            BalancerState::Open(loaded) => Some(loaded),
            BalancerState::Absent | BalancerState::Closed | BalancerState::NoAnswer(_) => None,
        }
    }

    /// What HAProxy's current worker reports about the gateway in a container, where it has it.
    #[must_use]
    pub fn seen(&self, member: &Member) -> Option<&Gateway> {
        seen(&self.loaded()?.gateways, member)
    }

    /// Where S3 answers, by what the running balancer publishes: over http where it does, over https alone otherwise.
    /// `host` is where that is which is published everywhere.
    #[must_use]
    pub fn endpoint(&self, host: &str) -> Option<String> {
        self.running_balancer()?.endpoint(host)
    }

    /// Where S3 answers over plain http, where the running balancer publishes that.
    #[must_use]
    pub fn http(&self, host: &str) -> Option<String> {
        self.running_balancer()?.http(host)
    }

    /// Where S3 answers over https, where the running balancer publishes that.
    #[must_use]
    pub fn https(&self, host: &str) -> Option<String> {
        self.running_balancer()?.https(host)
    }

    /// Where HAProxy's own pages answer.
    #[must_use]
    pub fn stats(&self, host: &str) -> Option<String> {
        self.running_balancer()?.page(STATS_PORT, host)
    }

    /// Where the pages of the first SCM or OM answer, whose port in the container is `inside`.
    #[must_use]
    pub fn page(&self, role: Role, inside: u32, host: &str) -> Option<String> {
        self.of_role(role).find_map(|member| member.page(inside, host))
    }

    /// Whether there is nothing at all of this tool.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.volumes.iter().chain(&self.networks).all(|one| one.role.is_empty())
    }
}

/// A folder without links, so that two names of one are the same.
fn real(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).ok()
}

/// Whether a container was started from another folder, which is still there.
fn is_elsewhere(container: &Container, here: &Path) -> bool {
    let there = Path::new(container.folder());
    there.exists() && real(there) != real(here)
}

/// Whether Compose had the generated files of this folder when it made a container, or of one that was this folder
/// before it was moved.
fn is_of_files_in(container: &Container, here: &Path) -> bool {
    container.files().map(Path::new).any(|file| {
        let folder = file.parent().unwrap_or(file);
        file.ends_with("docker-compose.yaml") && (real(folder) == real(here) || !folder.exists())
    })
}

/// Every container of this tool on an engine, and the names of the projects that have one or a volume.
///
/// # Errors
/// When the engine does not answer.
pub fn everything(engine: &Engine) -> Result<(Vec<Member>, BTreeSet<String>)> {
    let (members, _) = members(objects::containers(engine, Scope::Ours)?);
    let volumes = objects::volumes(engine, Scope::Ours)?;
    let names = members.iter().map(|one| one.container.project().to_owned());
    let names = names.chain(volumes.into_iter().map(|one| one.project));
    let names = names.filter(|name| !name.is_empty()).collect();
    Ok((members, names))
}

/// Containers of this tool, and all others.
#[must_use]
pub fn members(containers: Vec<Container>) -> (Vec<Member>, Vec<Container>) {
    let (mut members, mut others) = (Vec::new(), Vec::new());
    for container in containers {
        match container.label(ROLE_LABEL).parse() {
            Ok(role) => members.push(Member { role, container }),
            Err(()) => others.push(container),
        }
    }
    (members, others)
}

/// What HAProxy reports about the gateway in a container.
#[must_use]
pub fn seen<'a>(gateways: &'a [Gateway], member: &Member) -> Option<&'a Gateway> {
    gateways.iter().find(|gateway| is_at(gateway, member))
}

/// Whether a server of HAProxy is the gateway in a container: by its name, or found by DNS by any of its addresses.
#[must_use]
pub fn is_at(gateway: &Gateway, member: &Member) -> bool {
    match member.gateway() {
        Some(GatewayId::Named(name)) => gateway.name == name,
        Some(GatewayId::Replica(_)) => {
            member.container.addresses.iter().any(|address| gateway.is_at(address))
        }
        None => false,
    }
}

/// Queries HAProxy some times: it may be reloading, or about to start.
fn read_balancer(control: &Control<'_>) -> Result<BalancerState> {
    let end = Instant::now() + ANSWERS_WITHIN;
    loop {
        match control.look()? {
            Ok(loaded) => return Ok(BalancerState::Open(loaded)),
            Err(why) if Instant::now() > end => return Ok(BalancerState::NoAnswer(why)),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn has_socket(balancer: &Container) -> bool {
    balancer.command.iter().any(|word| word.contains(MASTER_SOCKET))
}

/// A container as programs read it.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    id: &'a str,
    name: &'a str,
    service: &'a str,
    role: &'static str,
    state: objects::State,
    health: objects::Health,
    exit_code: i64,
    status: &'a str,
    image: &'a str,
}

impl Observed {
    /// Every container for programs: those of this tool, then a person's own, which have no role.
    #[must_use]
    pub fn rows(&self) -> Vec<Row<'_>> {
        let ours = self.members.iter().map(|member| (member.role.word(), &member.container));
        let others = self.additions.iter().chain(&self.foreign).map(|other| ("", other));
        let all = ours.chain(others);
        all.map(|(role, container)| {
            let Container { id, name, state, health, exit_code, status, image, .. } = container;
            Row {
                id,
                name,
                service: container.service(),
                role,
                state: *state,
                health: *health,
                exit_code: *exit_code,
                status,
                image,
            }
        })
        .collect()
    }
}
