//! `generate`: the files of a cluster, written, checked, compared or printed.

use std::path::Path;

use anyhow::Result;

use super::request::{Request, open_and_check, refuse_app, refuse_to_lose_edits};
use super::{Context, counted};
use crate::cli::Generate;
use crate::engine::quoted;
use crate::error::{Failure, Status};
use crate::plan::Plan;
use crate::render::HAPROXY_CFG;
use crate::site::Site;
use crate::spec::Spec;
use crate::spec::choices::FILE_NAME;
use crate::spec::values::{Base, PlainHttp, Target};
use crate::ui::Ui;
use crate::workspace::seal::sealed;
use crate::workspace::{Change, Folder, Kind};

/// Runs the verb.
pub fn run(arguments: Generate, context: &Context) -> Result<Status> {
    let ui = context.ui;
    let Generate { folder, check, diff, stdout, force, flags } = arguments;
    let path = folder.folder;
    let choices = context.environment.clone().overlaid_by(flags.0);
    if check || diff || stdout.is_some() {
        let folder = Folder::to_read(&path);
        let request = Request::new(&folder, choices)?;
        refuse_app(&folder, &request)?;
        request.warn_of_version(context);
        return match stdout {
            Some(name) => print_one(&request, &name, ui),
            None => compare(&request.changes(&folder)?, &path, check, diff, ui),
        };
    }
    let (mut folder, request) = open_and_check(&path, &choices, context)?;
    request.warn_of_version(context);
    refuse_to_lose_edits(&request.changes(&folder)?, &path, force)?;
    // A bad certificate of a person's own is refused before anything is written.
    let renewal = request.renewal(&context.engine)?;
    let request = request.certified(renewal.as_ref(), &folder, choices, ui)?;
    let changes = request.changes(&folder)?;
    for backup in folder.apply(&changes)? {
        ui.say(&format!("an edited file was kept as `{}`", backup.display()));
    }
    summarize(&request.site.spec, &changes, &path, ui);
    Ok(Status::Done)
}

fn compare(changes: &[Change], path: &Path, check: bool, diff: bool, ui: Ui) -> Result<Status> {
    if diff {
        ui.data(&changes.iter().map(Change::diff).collect::<String>())?;
    }
    if check { verdict(changes, path, ui) } else { Ok(Status::Done) }
}

fn print_one(request: &Request, name: &str, ui: Ui) -> Result<Status> {
    if name == FILE_NAME {
        ui.data(&request.choices_file)?;
        return Ok(Status::Done);
    }
    let Some(body) = request.files.get(name) else {
        let names: Vec<&str> = request.files.keys().copied().chain([FILE_NAME]).collect();
        let message = format!("--stdout: there is no file `{name}` for these choices");
        let hint = format!("the files are {}", names.join(", "));
        return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
    };
    ui.data(&sealed(body))?;
    Ok(Status::Done)
}

fn verdict(changes: &[Change], path: &Path, ui: Ui) -> Result<Status> {
    let differing: Vec<&str> = changes.iter().filter(|change| change.writes()).map(Change::name).collect();
    if differing.is_empty() {
        ui.say(&format!("`{}` is up to date", path.display()));
        return Ok(Status::Done);
    }
    let message = format!("`{}` is not up to date: {}", path.display(), differing.join(", "));
    let hint = "`generate --diff` shows what differs, `generate` writes what nobody has edited";
    Err(Failure::new(Status::Differs, message).with_hint(hint).into())
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
        if spec.target == Target::Swarm {
            ui.say(&format!(
                "next: (cd {} && docker stack deploy --resolve-image never -c stack.yaml {}), and S3 is on every address of the node with \
                 the label ozone=1, at port {}",
                quoted(&folder.to_string()),
                spec.name,
                spec.ports.s3
            ));
            return;
        }
        if spec.target == Target::Helm {
            ui.say(&format!(
                "next: (cd {} && helm install {} CHART -f values.yaml && kubectl apply -f haproxy.yaml), with CHART of apache/ozone-helm-charts, \
                 and S3 is at http://{}-s3:{} in the cluster",
                quoted(&folder.to_string()),
                spec.name,
                spec.name,
                spec.ports.s3
            ));
            return;
        }
        let (scheme, port) = match spec.balancer.http {
            PlainHttp::Keep => ("http", spec.ports.s3),
            PlainHttp::Redirect | PlainHttp::Off => ("https", spec.ports.https),
        };
        ui.say(&format!(
            "next: {}, and S3 is at {scheme}://{}:{port}",
            Site::new(spec.clone(), path).command("up"),
            spec.ports.bind.url_host(),
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
