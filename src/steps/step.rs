//! A step and its cause, as text for people and tests.

use std::fmt;

use crate::observe::{GatewayId, Member, Which, listed};
use crate::plan::Role;
use crate::spec::values::{BucketChoice, GatewayName, UserName};

/// One thing that is done, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub action: Action,
    /// Why: `gateways.count is 4`.
    pub cause: String,
}

impl Step {
    /// A step.
    #[must_use]
    pub fn new(action: Action, cause: impl Into<String>) -> Self {
        Self { action, cause: cause.into() }
    }
}

/// A container by its id, and what people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The engine's id.
    pub id: String,
    /// Its service, or its container where a service has several.
    pub title: String,
}

impl Target {
    /// The container of a member.
    #[must_use]
    pub fn of(member: &Member) -> Self {
        Self { id: member.container.id.clone(), title: member.title() }
    }
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The engine gets an image.
    Pull(String),
    /// HAProxy checks the configuration before it is written.
    Check,
    /// These files are written.
    Write(Vec<String>),
    /// A certificate replaces HAProxy's.
    Certify,
    /// Compose starts whatever does not run, and recreates what changed.
    StartAll,
    /// Compose starts these services, and recreates nothing.
    Start(Vec<String>),
    /// Compose recreates these services where they changed.
    Update(Vec<String>),
    /// Compose recreates what changed among all services that are no gateways.
    UpdateAllButGateways,
    /// The container of a service passes its health check.
    Answer(String),
    /// Each gateway that Compose would recreate is replaced, one at a time.
    RollChanged,
    /// The engine starts containers that were stopped.
    StartContainers(Vec<Target>),
    /// Gateways serve a signed PUT and GET, without the balancer.
    Prove(Which),
    /// HAProxy loads its configuration in a new worker.
    Load,
    /// The balancer's container restarts.
    RestartBalancer,
    /// HAProxy finds gateways healthy and sends them requests.
    Rotation(Which),
    /// Gateways get no new requests from the current worker, which keeps this state after a reload.
    Hold(Vec<GatewayId>),
    /// Gateways get no new requests and complete those in flight; they are not resumed.
    Drain(Vec<GatewayId>),
    /// A gateway gets no new requests and completes those in flight, until it is resumed.
    TakeOut(GatewayId),
    /// A gateway that was taken out gets requests again.
    TakeBack(GatewayId),
    /// HAProxy sends new requests to these servers once it finds them healthy, whatever an ended run set.
    Undrain(Vec<GatewayName>),
    /// A gateway's container restarts.
    Restart(Target),
    /// Containers end, each within its grace period.
    Stop(Vec<Target>),
    /// Containers are removed.
    Remove(Vec<Target>),
    /// Networks are removed.
    RemoveNetworks(Vec<String>),
    /// Volumes are removed, with the data in them.
    RemoveVolumes(Vec<String>),
    /// OM gives S3 users secrets, new ones to those who had any, and lets them make buckets.
    Admit(Vec<UserName>),
    /// OM revokes the secrets of S3 users.
    Revoke(Vec<String>),
    /// The SCMs or the OMs change their data to what their version can hold.
    Finalize(Role),
    /// Every SCM has joined and every gateway that is not drained has served a signed PUT and GET.
    Ready,
    /// Missing buckets are made.
    MakeBuckets(Vec<BucketChoice>),
    /// The files of a folder are written as objects.
    Seed {
        /// The folder.
        folder: String,
        /// How many.
        objects: usize,
    },
    /// A person's own program, by its path in the cluster's folder, runs to its end.
    RunHook(String),
}

impl Action {
    /// Whether Compose does it.
    #[must_use]
    pub fn needs_compose(&self) -> bool {
        matches!(
            self,
            Self::StartAll
                | Self::Start(_)
                | Self::Update(_)
                | Self::UpdateAllButGateways
                | Self::RollChanged
        )
    }
}

/// As `--dry-run` prints it: `remove s3g5: gateways.count is 4`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.action, self.cause)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pull(image) => write!(f, "pull {image}"),
            Self::Check => f.write_str("check HAProxy's configuration"),
            Self::Write(files) => write!(f, "write {}", files.join(", ")),
            Self::Certify => f.write_str("write the certificate of https"),
            Self::StartAll => f.write_str("start everything that does not run, recreate what changed"),
            Self::Start(services) => write!(f, "start {}", services.join(", ")),
            Self::Update(services) => write!(f, "recreate {}", services.join(", ")),
            Self::Answer(service) => write!(f, "wait for {service}"),
            Self::UpdateAllButGateways => f.write_str("recreate what changed, gateways aside"),
            Self::RollChanged => f.write_str("replace gateways that changed, one at a time"),
            Self::StartContainers(targets) => write!(f, "start {}", titles(targets)),
            Self::Prove(which) => write!(f, "test {which}"),
            Self::Load => f.write_str("load HAProxy's configuration"),
            Self::RestartBalancer => f.write_str("restart s3g"),
            Self::Rotation(which) => write!(f, "wait for {which} in rotation"),
            Self::Hold(gateways) => write!(f, "send {} no new requests", join(gateways)),
            Self::Drain(gateways) => write!(f, "drain {}", join(gateways)),
            Self::TakeOut(gateway) => write!(f, "take {gateway} out of rotation"),
            Self::TakeBack(gateway) => write!(f, "take {gateway} back into rotation"),
            Self::Undrain(servers) => write!(f, "take {} back into rotation", listed(servers)),
            Self::Restart(target) => write!(f, "restart {}", target.title),
            Self::Stop(targets) => write!(f, "stop {}", titles(targets)),
            Self::Remove(targets) => write!(f, "remove {}", titles(targets)),
            Self::RemoveNetworks(names) => write!(f, "remove network {}", names.join(", ")),
            Self::RemoveVolumes(names) => write!(f, "remove volume {}", names.join(", ")),
            Self::Admit(users) => write!(f, "get secrets for {}", join(users)),
            Self::Revoke(users) => write!(f, "revoke the secrets of {}", join(users)),
            Self::Finalize(role) => write!(f, "finalize the upgrade of {}", role.word().to_uppercase()),
            Self::Ready => f.write_str("test every gateway in rotation"),
            Self::MakeBuckets(buckets) => write!(f, "make the buckets {}", join(buckets)),
            Self::RunHook(name) => write!(f, "run {name}"),
            Self::Seed { folder, objects } => {
                write!(f, "write {objects} object{} from {folder}", if *objects == 1 { "" } else { "s" })
            }
        }
    }
}

fn titles(targets: &[Target]) -> String {
    targets.iter().map(|target| target.title.as_str()).collect::<Vec<_>>().join(", ")
}

fn join<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
