//! `templates`: this tool's templates as files, and a person's own instead.

use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;

use super::{Context, counted};
use crate::cli::{self, ExportTemplates};
use crate::error::{Failure, Status};
use crate::render::templates::{BUILT_IN, Templates};
use crate::spec::Spec;
use crate::workspace::{Change, Folder, Kind};

/// Runs the verb.
pub fn run(verb: &cli::Templates, context: &Context) -> Result<Status> {
    match verb {
        cli::Templates::Export(arguments) => export(arguments, context),
    }
}

fn export(arguments: &ExportTemplates, context: &Context) -> Result<Status> {
    let path = &arguments.folder;
    let mut folder = super::request::open(path, context)?;
    folder.make(|| context.interrupt.check())?;
    let changes: Result<Vec<Change>> =
        BUILT_IN.iter().map(|(name, text)| folder.compare(name, Some(text))).collect();
    let changes = changes?;
    refuse_to_replace(&changes, path)?;
    folder.apply(&changes)?;
    let count = changes.iter().filter(|change| change.writes()).count();
    context.ui.say(&format!("wrote {} to `{}`", counted(count, "template"), path.display()));
    context.ui.say(
        "next: change them, and ozone-compose generate --templates DIR, where DIR is relative to the cluster's folder",
    );
    Ok(Status::Done)
}

/// A template may hold a person's work, and has no seal to show what it is and whether it was edited.
fn refuse_to_replace(changes: &[Change], path: &Path) -> Result<()> {
    let taken = changes.iter().filter(|change| change.writes() && change.kind() != Kind::New);
    let names: Vec<String> = taken.map(|change| format!("`{}`", change.name())).collect();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} in `{}` differs from this tool's template; nothing was written",
        names.join(", "),
        path.display()
    );
    let hint = "export to a new folder, and compare the two: `diff -r`";
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}

/// The templates of a cluster in a folder: those that were chosen, this tool's where they are missing.
///
/// # Errors
/// Bad usage where there is no such folder, or where it has a template from which nothing would be rendered.
pub(super) fn chosen(spec: &Spec, folder: &Path) -> Result<Templates> {
    let mut templates = Templates::default();
    let Some(chosen) = &spec.templates else {
        return Ok(templates);
    };
    let folder = folder.join(chosen.path());
    refuse_unknown(&folder)?;
    let own = Folder::to_read(&folder);
    for (name, _) in BUILT_IN {
        if let Some(text) = own.text_of(name)? {
            templates.replace(name, text, folder.join(name).display().to_string());
        }
    }
    Ok(templates)
}

/// A template whose name is misspelled would silently change nothing.
fn refuse_unknown(folder: &Path) -> Result<()> {
    let refused = |message: String, hint: String| Failure::new(Status::Usage, message).with_hint(hint);
    if !folder.is_dir() {
        let message = format!("templates: there is no folder `{}`", folder.display());
        let hint =
            "the path is relative to the cluster's folder; `ozone-compose templates export DIR` makes one";
        return Err(refused(message, hint.to_owned()).into());
    }
    let is_template = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "j2");
    let is_known = |path: &PathBuf| BUILT_IN.iter().any(|(name, _)| folder.join(name) == *path);
    for path in files_of(folder)?.into_iter().chain(files_of(&folder.join("upstream"))?) {
        if is_template(&path) && !is_known(&path) {
            let message = format!("templates: nothing is rendered from `{}`", path.display());
            let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            return Err(refused(message, format!("the templates are {}", names.join(", "))).into());
        }
    }
    Ok(())
}

/// The files right in a folder, in order of name; none where there is no such folder.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}
