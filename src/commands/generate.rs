//! `generate`: the files of a cluster, written, checked, compared or printed.

use std::path::Path;

use anyhow::Result;

use super::Asked;
use crate::cli::Generate;
use crate::error::{Failure, Status};
use crate::plan::Plan;
use crate::render::{ALL_FILES, HAPROXY_CFG};
use crate::spec::Spec;
use crate::spec::choices::{Choices, FILE_NAME};
use crate::ui::Ui;
use crate::workspace::seal::sealed;
use crate::workspace::{Change, Folder, Kind};

/// Runs the verb.
pub fn run(arguments: Generate, environment: Choices, ui: Ui) -> Result<Status> {
    let Generate { folder, check, diff, stdout, force, flags } = arguments;
    let path = folder.folder;
    let writes = !check && !diff && stdout.is_none();
    let mut folder = if writes { Folder::to_write(&path)? } else { Folder::to_read(&path) };
    let asked = Asked::new(&folder, environment, flags.0)?;
    if let Some(name) = stdout {
        return print_one(&asked, &name, ui);
    }
    let changes = changes(&folder, &asked)?;
    if diff {
        ui.data(&changes.iter().map(Change::diff).collect::<String>())?;
    }
    if check {
        return verdict(&changes, &path, ui);
    }
    if !diff {
        refuse_to_lose_edits(&changes, &path, force)?;
        folder.apply(&changes)?;
        summarize(&asked.spec, &changes, &path, ui);
    }
    Ok(Status::Done)
}

fn print_one(asked: &Asked, name: &str, ui: Ui) -> Result<Status> {
    if name == FILE_NAME {
        ui.data(&asked.choices_file)?;
        return Ok(Status::Done);
    }
    let Some(body) = asked.files.get(name) else {
        let names: Vec<&str> = asked.files.keys().copied().chain([FILE_NAME]).collect();
        return Err(Failure {
            status: Status::Usage,
            message: format!("--stdout: there is no file `{name}` for these choices"),
            detail: String::new(),
            hint: format!("the files are {}", names.join(", ")),
        }
        .into());
    };
    ui.data(&sealed(body))?;
    Ok(Status::Done)
}

/// The choices first: should a crash come between two files, running again completes them.
fn changes(folder: &Folder, asked: &Asked) -> Result<Vec<Change>> {
    let choices = folder.compare(FILE_NAME, Some(&asked.choices_file))?.agreed();
    let generated = ALL_FILES.iter().map(|name| {
        let text = asked.files.get(name).map(|body| sealed(body));
        folder.compare(name, text.as_deref())
    });
    [Ok(choices)].into_iter().chain(generated).collect()
}

fn verdict(changes: &[Change], path: &Path, ui: Ui) -> Result<Status> {
    let differing: Vec<&str> = changes.iter().filter(|change| change.writes()).map(Change::name).collect();
    if differing.is_empty() {
        ui.say(&format!("every file in `{}` is as it would be written", path.display()));
        return Ok(Status::Done);
    }
    Err(Failure {
        status: Status::Differs,
        message: format!("`{}` is not as it would be written: {}", path.display(), differing.join(", ")),
        detail: String::new(),
        hint: "`generate --diff` shows what differs, `generate` writes it".to_owned(),
    }
    .into())
}

fn refuse_to_lose_edits(changes: &[Change], path: &Path, force: bool) -> Result<()> {
    let of_kind = |kind: Kind| changes.iter().filter(move |change| change.kind() == kind);
    let names = |kind: Kind| {
        of_kind(kind).map(|change| format!("`{}`", change.name())).collect::<Vec<_>>().join(", ")
    };
    let foreign = names(Kind::Foreign);
    if !foreign.is_empty() {
        return Err(Failure {
            status: Status::Differs,
            message: format!(
                "{foreign} in `{}` was not written by ozone-compose; nothing was changed",
                path.display()
            ),
            detail: String::new(),
            hint: "choose another folder with `-o DIR`, or move the file away".to_owned(),
        }
        .into());
    }
    let edited = names(Kind::Edited);
    if !edited.is_empty() && !force {
        return Err(Failure {
            status: Status::Differs,
            message: format!("{edited} in `{}` was edited by hand; nothing was changed", path.display()),
            detail: of_kind(Kind::Edited).map(Change::diff).collect(),
            hint: format!(
                "three ways on: move the edit to {FILE_NAME}, compose.override.yaml or haproxy/zz-local.cfg, \
                 which stay yours; overwrite it with `--force`, which keeps it as FILE.bak; or leave everything as it is"
            ),
        }
        .into());
    }
    Ok(())
}

fn summarize(spec: &Spec, changes: &[Change], path: &Path, ui: Ui) {
    let count = |kinds: &[Kind]| changes.iter().filter(|change| kinds.contains(&change.kind())).count();
    let written = count(&[Kind::New, Kind::Outdated, Kind::Edited]);
    let removed = count(&[Kind::Obsolete]);
    let folder = path.display();
    match (written, removed) {
        (0, 0) => ui.say(&format!("nothing to change in `{folder}`")),
        (_, 0) => ui.say(&format!("wrote {} to `{folder}`", counted(written, "file"))),
        _ => ui.say(&format!(
            "wrote {} to `{folder}`, removed {} that it needs no more",
            counted(written, "file"),
            counted(removed, "file")
        )),
    }
    if spec.has_cluster() {
        let heaps = f64::from(Plan::heap_mebibytes(spec)) / 1024.0;
        ui.say(&format!(
            "cluster `{}`: {}, {}, replication {}, Ozone {}; heaps of {heaps:.1} GiB at most",
            spec.name,
            counted(spec.gateways.get() as usize, "S3 gateway"),
            counted(spec.datanodes.get() as usize, "datanode"),
            spec.replication,
            spec.version
        ));
        ui.say(&format!(
            "next: (cd {} && docker compose up -d), and S3 is at http://{}:{}",
            shell_word(&folder.to_string()),
            spec.ports.bind.url_host(),
            spec.ports.s3
        ));
    } else if spec.in_containers() {
        ui.say(
            "next: in a folder of an Ozone checkout's compose/, with s3-haproxy.yaml and haproxy/ in it: \
             docker compose -f docker-compose.yaml -f s3-haproxy.yaml up -d",
        );
    } else {
        let cfg = path.join(HAPROXY_CFG).display().to_string();
        ui.say(&format!("next: haproxy -c -f {}", shell_word(&cfg)));
    }
}

/// A word that a shell takes as it is, for commands to be copied.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_./:@%+=,-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
