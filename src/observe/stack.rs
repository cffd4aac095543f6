//! A cluster on Docker Swarm: its tasks in the place of containers, and what HAProxy's statistics say, since only the engine
//! of its own node reaches its socket.

use std::time::SystemTime;

use anyhow::Result;

use super::{BalancerState, Observed, members};
use crate::engine::Engine;
use crate::engine::swarm;
use crate::haproxy::control::Loaded;
use crate::haproxy::workers::Workers;
use crate::s3;
use crate::spec::values::HostName;

/// Reads a stack; `host` is where its ports answer, where that is not the balancer's node.
///
/// # Errors
/// When the engine does not answer, or manages no Swarm.
pub(super) fn read(engine: &Engine, name: &str, host: Option<&HostName>) -> Result<Observed> {
    swarm::refuse_no_manager(engine)?;
    let (nodes, services) = (swarm::nodes(engine)?, swarm::services(engine, name)?);
    let (mut members, foreign) = members(swarm::tasks(engine, name, &services, &nodes)?);
    for port in members.iter_mut().flat_map(|one| &mut one.container.ports) {
        if let Some(host) = host {
            port.address = host.to_string();
        }
    }
    let mut observed = Observed {
        project: name.to_owned(),
        at: SystemTime::now(),
        members,
        elsewhere: None,
        additions: Vec::new(),
        foreign,
        volumes: Vec::new(),
        networks: Vec::new(),
        balancer: BalancerState::Absent,
    };
    if observed.running_balancer().is_some() {
        observed.balancer = balancer(&observed, engine);
    }
    Ok(observed)
}

fn balancer(observed: &Observed, engine: &Engine) -> BalancerState {
    let Some(url) = observed.stats(&engine.place().host()) else {
        return BalancerState::NoAnswer("its statistics are not published".to_owned());
    };
    match s3::page(&format!("{url}/stats;csv")) {
        Some(csv) => {
            let mut gateways = crate::haproxy::gateways(&csv);
            // Places whose gateway has left.
            gateways.retain(|one| !one.state.contains("resolution"));
            BalancerState::Open(Loaded { workers: Workers::default(), gateways })
        }
        None => BalancerState::NoAnswer(format!("{url} does not answer")),
    }
}
