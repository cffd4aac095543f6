//! Clusters that are part of another Compose project, which includes their files.

use std::path::Path;

use anyhow::Result;
use fs_err as fs;
use serde_yaml::Value;

use super::{Member, members, real};
use crate::engine::Engine;
use crate::engine::objects::{self, Scope};
use crate::plan::Role;
use crate::render::HAPROXY_FOLDER;

/// The running balancer of a folder's cluster in whatever project: it mounts the folder's configuration, or its project's
/// Compose files include the folder's.
///
/// # Errors
/// When the engine does not answer.
pub fn including(engine: &Engine, here: &Path) -> Result<Option<Member>> {
    let folder = real(&here.join(HAPROXY_FOLDER));
    let mounts = |one: &Member| one.container.mounts.iter().any(|source| real(Path::new(source)) == folder);
    let includes = |one: &Member| one.container.files().any(|file| has_included(Path::new(file), here));
    let (members, _) = members(objects::containers(engine, Scope::Ours)?);
    let mut running =
        members.into_iter().filter(|one| one.role == Role::Balancer && one.container.is_running());
    Ok(running.find(|one| mounts(one) || includes(one)))
}

/// Whether a Compose file of this machine includes one that lies in a folder.
fn has_included(file: &Path, folder: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    let base = file.parent().unwrap_or(file);
    included(&text).iter().any(|path| base.join(path).parent().and_then(real) == real(folder))
}

/// The paths that a Compose file includes: each entry is one, or has one or several.
fn included(text: &str) -> Vec<String> {
    let document: Value = serde_yaml::from_str(text).unwrap_or_default();
    let paths = |value: &Value| match value {
        Value::String(path) => vec![path.clone()],
        Value::Sequence(paths) => paths.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let entries = document["include"].as_sequence().cloned().unwrap_or_default();
    entries.iter().flat_map(|entry| paths(entry.get("path").unwrap_or(entry))).collect()
}

#[cfg(test)]
mod tests {
    use super::included;

    #[test]
    fn every_form_of_an_include_is_read() {
        let text = "include:\n- a/compose.yaml\n- path: b/compose.yaml\n- path: [c/x.yaml, ../d/y.yaml]\n";
        assert_eq!(included(text), ["a/compose.yaml", "b/compose.yaml", "c/x.yaml", "../d/y.yaml"]);
        assert!(included("services: {}\n").is_empty() && included("- [").is_empty());
    }
}
