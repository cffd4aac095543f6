//! The containers of a cluster as Compose lists them.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{FOLDER_LABEL, Invocation, ROLE_LABEL, Runner, label_field, of_project};
use crate::error::{Failure, Status};

/// A container of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Container {
    /// The engine's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its service.
    pub service: String,
    /// `balancer`, `gateway`, `scm`, `om`, `datanode`; empty for a service of a person's own.
    pub role: String,
    /// `created`, `running`, `paused`, `restarting`, `exited` or `dead`.
    pub state: String,
    /// `starting`, `healthy`, `unhealthy`, or empty without a health check.
    pub health: String,
    /// The exit code, meaningful once it has exited.
    pub exit_code: i64,
    /// In the engine's words: `Up 3 minutes (healthy)`.
    pub status: String,
}

impl Container {
    /// Whether its process has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state.as_str(), "exited" | "dead")
    }

    /// Whether its health check has not passed yet, nor failed for good.
    #[must_use]
    pub fn is_starting(&self) -> bool {
        self.health == "starting"
    }
}

/// Compose's own fields; absent ones are empty, since its versions differ.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Row {
    #[serde(rename = "ID")]
    id: String,
    name: String,
    service: String,
    state: String,
    health: String,
    exit_code: i64,
    status: String,
    labels: Labels,
}

/// Compose writes labels as text joined by commas; some versions as a map.
#[derive(Deserialize)]
#[serde(untagged)]
enum Labels {
    Joined(String),
    Map(BTreeMap<String, String>),
}

impl Default for Labels {
    fn default() -> Self {
        Self::Joined(String::new())
    }
}

impl Labels {
    fn role(&self) -> String {
        let role = match self {
            Self::Map(map) => map.get(ROLE_LABEL).map(String::as_str),
            Self::Joined(text) => {
                text.split(',').find_map(|label| label.strip_prefix(ROLE_LABEL)?.strip_prefix('='))
            }
        };
        role.unwrap_or_default().to_owned()
    }
}

/// Every container of a project, ended ones too, by name; needs no files.
pub fn list(runner: &Runner, project: &str) -> Result<Vec<Container>> {
    let purpose = format!("list the containers of `{project}`");
    let query = Invocation::docker(&purpose, ["compose", "-p", project, "ps", "--all", "--format", "json"]);
    let said = runner.answer(&query)?;
    let unreadable = |error| {
        let message = format!("could not {purpose}: what `{query}` printed is not its JSON ({error})");
        Failure::new(Status::Failed, message).with_detail(said.lines().next().unwrap_or_default())
    };
    Ok(parse(&said).map_err(unreadable)?)
}

/// Where a container of a project comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedFrom {
    /// Its name.
    pub container: String,
    /// Whether it is of this tool's services.
    pub is_ours: bool,
    /// The folder that Compose was in when it made it; empty where something else made it.
    pub folder: String,
}

/// Where each container of a project comes from, ended ones too; needs no Compose.
pub fn started_from(runner: &Runner, project: &str) -> Result<Vec<StartedFrom>> {
    let format = format!("{{{{.Names}}}}\t{}\t{}", label_field(ROLE_LABEL), label_field(FOLDER_LABEL));
    let query = ["ps", "--all", "--filter", &of_project(project), "--format", &format];
    let purpose = format!("find out where the containers of `{project}` come from");
    let started = |line: &str| {
        let [container, role, folder] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else { return None };
        let is_ours = !role.is_empty();
        Some(StartedFrom { container: container.to_owned(), is_ours, folder: folder.to_owned() })
    };
    Ok(runner.answer(&Invocation::docker(&purpose, query))?.lines().filter_map(started).collect())
}

/// The address of each of these containers in its network; empty where it does not run.
pub fn addresses(runner: &Runner, containers: &[Container]) -> Result<Vec<String>> {
    if containers.is_empty() {
        return Ok(Vec::new());
    }
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
    let inspect = Invocation::docker("look up addresses", ["inspect", "--format", format])
        .with(containers.iter().map(|container| container.id.as_str()));
    let first = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    Ok(runner.answer(&inspect)?.lines().map(first).collect())
}

/// Reads both shapes of `docker compose ps --format json`: one array (before 2.21), or an object a line.
pub fn parse(text: &str) -> serde_json::Result<Vec<Container>> {
    let rows: Vec<Row> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text)?
    } else {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(serde_json::from_str).collect::<serde_json::Result<_>>()?
    };
    let container = |row: Row| Container {
        role: row.labels.role(),
        id: row.id,
        name: row.name,
        service: row.service,
        state: row.state,
        health: row.health,
        exit_code: row.exit_code,
        status: row.status,
    };
    let mut containers: Vec<Container> = rows.into_iter().map(container).collect();
    containers.sort_by_cached_key(|container| natural_key(&container.name));
    Ok(containers)
}

/// Sorts `s3g2` before `s3g10`.
fn natural_key(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    for chunk in name.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let (digits, rest) = chunk.split_at(chunk.find(|c: char| !c.is_ascii_digit()).unwrap_or(chunk.len()));
        parts.push((rest.to_owned(), digits.parse().unwrap_or(0)));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"ID":"a1","Name":"demo-s3g2-1","Service":"s3g2","State":"exited","Health":"","ExitCode":255,"Status":"Exited (255)","Labels":"x=y,io.github.ozone-compose.role=gateway","Publishers":null}"#;

    #[test]
    fn both_shapes_of_compose_ps_read_the_same() {
        let lines = parse(&format!("{ROW}\n")).expect("lines");
        let array = parse(&format!("[{ROW}]")).expect("an array");
        assert_eq!(lines, array);
        assert_eq!((lines[0].role.as_str(), lines[0].exit_code), ("gateway", 255));
        assert!(lines[0].has_ended());
        assert!(parse("").expect("nothing").is_empty());
        assert!(parse("[]").expect("nothing").is_empty());
    }

    #[test]
    fn labels_may_be_a_map_and_fields_may_be_missing() {
        let row = r#"{"Name":"x","Labels":{"io.github.ozone-compose.role":"om"}}"#;
        assert_eq!(parse(row).expect("a row")[0].role, "om");
    }

    #[test]
    fn containers_come_in_the_order_of_their_numbers() {
        let row = |name: &str| format!(r#"{{"Name":"{name}"}}"#);
        let text = ["d-s3g10-1", "d-s3g2-1", "d-om-1"].map(row).join("\n");
        let names: Vec<String> = parse(&text).expect("rows").into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["d-om-1", "d-s3g2-1", "d-s3g10-1"]);
    }
}
