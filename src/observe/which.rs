//! Several gateways, by their names where they have lasting ones.

use std::fmt;

use super::{GatewayId, Member, seen};
use crate::haproxy::Gateway;

/// Gateways that something is done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// These.
    These(Vec<GatewayId>),
    /// All of a scaled service, which has so many.
    Replicas(u32),
}

impl Which {
    /// How many they are.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::These(gateways) => gateways.len(),
            Self::Replicas(count) => *count as usize,
        }
    }

    /// Whether a container's gateway is one of them.
    #[must_use]
    pub fn has(&self, member: &Member) -> bool {
        match (self, member.gateway()) {
            (_, None) => false,
            (Self::These(gateways), Some(id)) => gateways.contains(&id),
            (Self::Replicas(_), Some(id)) => matches!(id, GatewayId::Replica(_)),
        }
    }

    /// Whether a container is one of these by its name, as no replica is.
    #[must_use]
    pub fn names(&self, member: &Member) -> bool {
        matches!(self, Self::These(_)) && self.has(member)
    }

    /// Those that HAProxy does not find healthy or sends no requests, in words; empty where there are none.
    #[must_use]
    pub fn missing(&self, members: &[Member], loaded: &[Gateway]) -> String {
        let is_up = |member: &&Member| seen(loaded, member).is_some_and(Gateway::is_up);
        let there: Vec<&Member> = members.iter().filter(|one| self.has(one)).filter(is_up).collect();
        match self {
            Self::These(gateways) => {
                let is_there = |id: &&GatewayId| there.iter().any(|one| one.gateway().as_ref() == Some(*id));
                listed(&gateways.iter().filter(|id| !is_there(id)).collect::<Vec<_>>())
            }
            Self::Replicas(count) => match (*count as usize).saturating_sub(there.len()) {
                0 => String::new(),
                missing => format!("{missing} of {count} gateways"),
            },
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::These(gateways) => f.write_str(&listed(gateways)),
            Self::Replicas(count) => write!(f, "{count} gateways"),
        }
    }
}

/// `s3g4, s3g5`; of many, the first and how many more. For sentences, never for commands.
#[must_use]
pub fn listed<T: fmt::Display>(names: &[T]) -> String {
    let shown: Vec<String> = names.iter().take(4).map(ToString::to_string).collect();
    match names.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
