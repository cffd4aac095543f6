//! `nodes`: the nodes of a Swarm, and which of them hold data.

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::Context;
use crate::cli::{Format, Nodes};
use crate::engine::swarm::{self, NODE_LABEL, Node};
use crate::error::{Failure, Status};
use crate::observe::{Observed, listed};
use crate::site::Site;
use crate::spec::values::{NodeCount, Target};
use crate::ui::table;

/// Runs the verb.
///
/// # Errors
/// When the engine manages no Swarm, has no such node, or another one has the number.
pub fn run(arguments: &Nodes, context: &Context) -> Result<Status> {
    swarm::refuse_no_manager(&context.engine)?;
    let nodes = swarm::nodes(&context.engine)?;
    if !arguments.label.is_empty() {
        return label(&arguments.label, &nodes, context);
    }
    let site = Site::of_any_target(&arguments.folder.folder).ok();
    let site = site.filter(|site| site.spec.target == Target::Swarm);
    let observed = site.map(|site| Observed::of(&context.engine, &site.spec, &site.folder)).transpose()?;
    let rows: Vec<Row> = nodes.into_iter().map(|node| row(node, observed.as_ref())).collect();
    if arguments.format == Format::Json {
        context.ui.object("nodes", &json!({ "nodes": rows }))?;
        return Ok(Status::Done);
    }
    let cells = |row: &Row| {
        let number = row.number.map_or(String::new(), |number| format!("{NODE_LABEL}={number}"));
        let state = format!("{}, {}", row.state, row.availability);
        [row.node.clone(), row.role.clone(), state, number, row.containers.join(", ")]
    };
    let rows: Vec<_> = rows.iter().map(cells).collect();
    context.ui.data(&table(["NODE", "ROLE", "STATE", "DATA", "CONTAINERS"], &rows))?;
    Ok(Status::Done)
}

/// A node, and what of the folder's cluster runs there.
#[derive(Debug, Serialize)]
struct Row {
    node: String,
    address: String,
    role: String,
    state: String,
    availability: String,
    number: Option<u32>,
    containers: Vec<String>,
}

fn row(node: Node, observed: Option<&Observed>) -> Row {
    let all = observed.into_iter().flat_map(|observed| &observed.members);
    let here = all.filter(|one| one.container.place == node.name && one.container.is_running());
    Row {
        containers: here.map(|one| one.container.name.clone()).collect(),
        node: node.name,
        address: node.address,
        role: node.role,
        state: node.state,
        availability: node.availability,
        number: node.number,
    }
}

/// Gives nodes their numbers. One that has a number keeps it: data may be there.
fn label(labels: &[String], nodes: &[Node], context: &Context) -> Result<Status> {
    for text in labels {
        let (node, number) = node_and_number(text)?;
        let Some(found) = nodes.iter().find(|one| one.name == node || one.id == node) else {
            let names: Vec<&str> = nodes.iter().map(|one| one.name.as_str()).collect();
            let message = format!("--label: there is no node `{node}`");
            return Err(Failure::new(Status::Usage, message)
                .with_hint(format!("there are {}", listed(&names)))
                .into());
        };
        let holder = nodes.iter().find(|one| one.number == Some(number));
        let has_other = found.number.is_some_and(|other| other != number);
        if has_other || holder.is_some_and(|holder| holder.id != found.id) {
            let (holder, number) = match holder.filter(|_| !has_other) {
                Some(holder) => (holder, number),
                None => (found, found.number.unwrap_or_default()),
            };
            let message = format!(
                "--label: {} has the label {NODE_LABEL}={number}, and may have data; nothing was changed",
                holder.name
            );
            let hint = format!("`docker node update --label-rm {NODE_LABEL} {}` takes it away", holder.name);
            return Err(Failure::new(Status::Differs, message).with_hint(hint).into());
        }
        let label = format!("{NODE_LABEL}={number}");
        let update = ["node", "update", "--label-add", &label, &found.id];
        context.engine.run(&context.engine.command(&format!("label the node {}", found.name), update))?;
        context.ui.say(&format!("{} has the label {label}", found.name));
    }
    Ok(Status::Done)
}

/// `node1=1` in its parts.
fn node_and_number(text: &str) -> Result<(&str, u32)> {
    let parts = text.rsplit_once('=').filter(|(node, _)| !node.is_empty() && !node.starts_with('-'));
    let number = parts.map_or(Err("it is not NODE=N".to_owned()), |(_, number)| number.parse::<NodeCount>());
    match (parts, number) {
        (Some((node, _)), Ok(number)) => Ok((node, number.get())),
        (_, number) => {
            let why = number.err().unwrap_or_default();
            Err(Failure::new(Status::Usage, format!("--label: `{text}`: {why}"))
                .with_hint("such as --label node1=1")
                .into())
        }
    }
}
