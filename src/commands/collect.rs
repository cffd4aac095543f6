//! `collect`: files, states and logs of a cluster in one archive, with whatever can be had.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use fs_err as fs;

use super::Context;
use crate::bundle::{Bundle, Kind, free_name, refuse_unwritable};
use crate::cli;
use crate::cluster::Cluster;
use crate::engine::Runner;
use crate::engine::evidence::{self, Found};
use crate::error::Status;
use crate::plan::STATS_PORT;
use crate::render::ALL_FILES;
use crate::s3;
use crate::spec::choices::FILE_NAME;
use crate::spec::values::{ClusterName, Profile};
use crate::workspace::Folder;
use crate::workspace::seal::{Standing, standing};

/// How long a JVM may take to write a thread dump: some 50 ms when it is well, more on a machine that is not.
const DUMP_TIME: Duration = Duration::from_secs(2);

/// Runs the verb.
pub fn run(arguments: &cli::Collect, context: &Context) -> Result<Status> {
    let folder = &arguments.folder.folder;
    let file = match &arguments.file {
        Some(file) => file.clone(),
        None => free_name(&top(&name(folder, context))),
    };
    let missing = collect_to(&file, folder, context)?;
    if !missing.is_empty() {
        let count = missing.len();
        context.ui.say(&format!("{count} of its parts could not be had; errors.txt in it says why"));
    }
    context.ui.data(&format!("{}\n", file.display()))?;
    Ok(Status::Done)
}

/// Writes the archive of the cluster in a folder, and returns what could not be had, each with its reason.
///
/// # Errors
/// Only when the archive itself cannot be written, or is there already.
pub fn collect_to(file: &Path, folder: &Path, context: &Context) -> Result<Vec<String>> {
    refuse_unwritable(file)?;
    let runner = &context.runner;
    let name = name(folder, context);
    let cluster = Cluster::in_folder(folder, &context.environment);
    let mut bundle = Bundle::default();
    add_versions(&mut bundle, runner);
    add_files(&mut bundle, folder);
    if let Err(error) = &cluster {
        bundle.add("choices", Kind::Text, Err(anyhow!("{error:#}")));
    }
    match evidence::find(runner, &name) {
        Ok(containers) if containers.is_empty() => {
            bundle.miss("containers", &anyhow!("the project `{name}` has none"));
        }
        Ok(containers) => add_containers(&mut bundle, &name, &containers, cluster.ok().as_ref(), runner),
        Err(error) => bundle.miss("containers", &error),
    }
    let missing = bundle.missing().to_vec();
    bundle.write(&top(&name), file)?;
    Ok(missing)
}

fn top(name: &str) -> String {
    format!("{name}-collected")
}

/// The Compose project; where the folder's files do not say, that of the containers started from it.
fn name(folder: &Path, context: &Context) -> String {
    if let Ok(cluster) = Cluster::in_folder(folder, &context.environment) {
        return cluster.name;
    }
    let whole = fs::canonicalize(folder).unwrap_or_else(|_| PathBuf::from(folder));
    evidence::project_of(&context.runner, &whole.to_string_lossy())
        .unwrap_or_else(|| ClusterName::from_folder(&Folder::to_read(folder).name()).to_string())
}

fn add_versions(bundle: &mut Bundle, runner: &Runner) {
    let own = format!("ozone-compose {}\n", cli::VERSION);
    let mut versions = vec![own];
    for (name, said) in
        [("docker", evidence::docker_version(runner)), ("compose", evidence::compose_version(runner))]
    {
        match said {
            Ok(text) => versions.push(text),
            Err(error) => bundle.miss(name, &error),
        }
    }
    bundle.add("versions.txt", Kind::Text, Ok(versions.join("\n")));
}

/// Only files that this tool wrote: a folder may hold anything else beside them.
fn add_files(bundle: &mut Bundle, folder: &Path) {
    let folder = Folder::to_read(folder);
    for name in ALL_FILES.iter().chain([&FILE_NAME]) {
        let part = format!("files/{name}");
        match folder.bytes_of(name) {
            Ok(None) => {}
            Ok(Some(bytes)) if *name != FILE_NAME && standing(&bytes) == Standing::Foreign => {
                bundle.miss(&part, &anyhow!("left out, since ozone-compose did not write it"));
            }
            Ok(Some(bytes)) => {
                bundle.add(part, Kind::Settings, Ok(String::from_utf8_lossy(&bytes).into_owned()));
            }
            Err(error) => bundle.miss(&part, &error),
        }
    }
}

/// Thread dumps first and logs last, so that the former are in the latter.
fn add_containers(
    bundle: &mut Bundle,
    project: &str,
    containers: &[Found],
    cluster: Option<&Cluster>,
    runner: &Runner,
) {
    let dumped = Instant::now();
    let mut waits = false;
    for container in containers.iter().filter(|container| container.is_running && has_java(container)) {
        match evidence::dump_threads(runner, container) {
            Ok(()) => waits = true,
            Err(error) => bundle.miss(&format!("thread dump of {}", container.name), &error),
        }
    }
    bundle.add("ps.json", Kind::Json, evidence::compose_ps(runner, project));
    for container in containers {
        let part = format!("inspect/{}.json", container.name);
        bundle.add(part, Kind::Json, evidence::inspect(runner, container));
    }
    add_pages(bundle, containers, cluster, runner);
    if waits {
        thread::sleep(DUMP_TIME.saturating_sub(dumped.elapsed()));
    }
    for container in containers {
        bundle.add(format!("logs/{}.log", container.name), Kind::Text, evidence::log(runner, container));
    }
}

fn has_java(container: &Found) -> bool {
    ["gateway", "scm", "om", "datanode"].contains(&container.role.as_str())
}

/// HAProxy's statistics and the metrics of SCM and OM.
fn add_pages(bundle: &mut Bundle, containers: &[Found], cluster: Option<&Cluster>, runner: &Runner) {
    // Ozone's own example has no statistics.
    let has_stats = cluster.is_none_or(|cluster| cluster.spec.profile == Profile::Tuned);
    let published = |site: fn(&Cluster) -> Option<&String>| cluster.and_then(site);
    for container in containers {
        let jmx = format!("jmx/{}.json", container.name);
        let (part, kind, page) = match container.role.as_str() {
            "balancer" if has_stats => {
                let page = Page { program: "wget", port: STATS_PORT, path: "stats;csv" };
                let outside = published(|cluster| cluster.stats.as_ref());
                ("haproxy.csv".to_owned(), Kind::Text, page.read(container, outside, runner))
            }
            "om" => {
                let page = Page { program: "curl", port: 9874, path: "jmx" };
                (jmx, Kind::Json, page.read(container, published(|cluster| cluster.om.as_ref()), runner))
            }
            "scm" => {
                let page = Page { program: "curl", port: 9876, path: "jmx" };
                (jmx, Kind::Json, page.read(container, published(|cluster| cluster.scm.as_ref()), runner))
            }
            _ => continue,
        };
        bundle.add(part, kind, page);
    }
}

/// A page that a container serves.
struct Page {
    /// What its image has to read it with.
    program: &'static str,
    /// The port inside.
    port: u32,
    /// Without the first slash.
    path: &'static str,
}

impl Page {
    /// Inside first: a published port may be another cluster's by now. Debian's HAProxy has no program to read with.
    fn read(&self, container: &Found, outside: Option<&String>, runner: &Runner) -> Result<String> {
        let Self { program, port, path } = self;
        let url = format!("http://127.0.0.1:{port}/{path}");
        evidence::page_inside(runner, container, program, &url).or_else(|error| {
            let site = outside.filter(|_| container.is_running);
            site.and_then(|site| s3::page(&format!("{site}/{path}"))).ok_or(error)
        })
    }
}
