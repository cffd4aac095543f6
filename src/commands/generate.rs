//! `generate`: the files of a cluster, written, checked, compared or printed.

use std::path::Path;

use anyhow::Result;

use super::{Asked, Context, counted, open_to_write};
use crate::cli::Generate;
use crate::engine::quoted;
use crate::error::{Failure, Status};
use crate::plan::Plan;
use crate::render::{ALL_FILES, HAPROXY_CFG};
use crate::spec::Spec;
use crate::spec::choices::FILE_NAME;
use crate::spec::values::Base;
use crate::ui::Ui;
use crate::workspace::seal::sealed;
use crate::workspace::{Change, Folder, Kind};

/// Runs the verb.
pub fn run(arguments: Generate, context: Context) -> Result<Status> {
    let Context { ui, environment, .. } = context;
    let Generate { folder, check, diff, stdout, force, flags } = arguments;
    let path = folder.folder;
    if check || diff || stdout.is_some() {
        let folder = Folder::to_read(&path);
        let asked = Asked::new(&folder, environment, flags.0)?;
        return match stdout {
            Some(name) => print_one(&asked, &name, ui),
            None => compare(&changes(&folder, &asked)?, &path, check, diff, ui),
        };
    }
    let (mut folder, asked) = open_to_write(&path, &environment, &flags.0)?;
    let changes = changes(&folder, &asked)?;
    refuse_to_lose_edits(&changes, &path, force)?;
    folder.apply(&changes)?;
    summarize(&asked.spec, &changes, &path, ui);
    Ok(Status::Done)
}

fn compare(changes: &[Change], path: &Path, check: bool, diff: bool, ui: Ui) -> Result<Status> {
    if diff {
        ui.data(&changes.iter().map(Change::diff).collect::<String>())?;
    }
    if check { verdict(changes, path, ui) } else { Ok(Status::Done) }
}

fn print_one(asked: &Asked, name: &str, ui: Ui) -> Result<Status> {
    if name == FILE_NAME {
        ui.data(&asked.choices_file)?;
        return Ok(Status::Done);
    }
    let Some(body) = asked.files.get(name) else {
        let names: Vec<&str> = asked.files.keys().copied().chain([FILE_NAME]).collect();
        let message = format!("--stdout: there is no file `{name}` for these choices");
        let hint = format!("the files are {}", names.join(", "));
        return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
    };
    ui.data(&sealed(body))?;
    Ok(Status::Done)
}

/// The choices first: should a crash come between two files, running again completes them.
pub(super) fn changes(folder: &Folder, asked: &Asked) -> Result<Vec<Change>> {
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
    let message = format!("`{}` is not as it would be written: {}", path.display(), differing.join(", "));
    let hint = "`generate --diff` shows what differs, `generate` writes it";
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
}

pub(super) fn refuse_to_lose_edits(changes: &[Change], path: &Path, force: bool) -> Result<()> {
    let of_kind = |kind: Kind| changes.iter().filter(move |change| change.kind() == kind);
    let names = |kind: Kind| {
        of_kind(kind).map(|change| format!("`{}`", change.name())).collect::<Vec<_>>().join(", ")
    };
    let folder = path.display();
    let foreign = names(Kind::Foreign);
    if !foreign.is_empty() {
        let message =
            format!("{foreign} in `{folder}` was not written by ozone-compose; nothing was changed");
        let hint = "choose another folder with `-o DIR`, or move the file away";
        return Err(Failure::new(Status::Differs, message).with_hint(hint).into());
    }
    let edited = names(Kind::Edited);
    if !edited.is_empty() && !force {
        let message = format!("{edited} in `{folder}` was edited by hand; nothing was changed");
        let hint = format!(
            "three ways on: move the edit to {FILE_NAME}, compose.override.yaml or haproxy/zz-local.cfg, which \
             stay yours; overwrite it with `generate --force`, which keeps it as FILE.bak; or leave everything \
             as it is"
        );
        let diff: String = of_kind(Kind::Edited).map(Change::diff).collect();
        return Err(Failure::new(Status::Differs, message).with_detail(diff).with_hint(hint).into());
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
        let gibibytes = |mebibytes| format!("{:.1} GiB", f64::from(mebibytes) / 1024.0);
        let limit = Plan::limit_mebibytes(spec).map(|limit| format!(", memory of {}", gibibytes(limit)));
        let electing = match spec.base {
            Base::Ha => {
                let (scms, oms) = (spec.scms.get() as usize, spec.oms.get() as usize);
                format!("{}, {}, ", counted(scms, "SCM"), counted(oms, "OM"))
            }
            Base::Single | Base::None => String::new(),
        };
        ui.say(&format!(
            "cluster `{}`: {}, {electing}{}, replication {}, Ozone {}; heaps of {}{} at most",
            spec.name,
            counted(spec.gateways.get() as usize, "S3 gateway"),
            counted(spec.datanodes.get() as usize, "datanode"),
            spec.replication,
            spec.version,
            gibibytes(Plan::heap_mebibytes(spec)),
            limit.unwrap_or_default()
        ));
        ui.say(&format!(
            "next: (cd {} && docker compose up -d), and S3 is at http://{}:{}",
            quoted(&folder.to_string()),
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
        ui.say(&format!("next: haproxy -c -f {}", quoted(&cfg)));
    }
}
