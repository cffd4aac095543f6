//! `collect`: files, states and logs of a cluster in one archive, with whatever can be read.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use fs_err as fs;

use super::Context;
use crate::bundle::{Bundle, Kind, free_name, refuse_unwritable};
use crate::cli;
use crate::engine::objects::{self, Scope};
use crate::engine::{Engine, evidence, swarm};
use crate::error::Status;
use crate::observe::{Member, Observed, listed};
use crate::plan::cluster::{OM_PORT, SCM_PORT};
use crate::plan::{Role, STATS_PORT};
use crate::render::ALL_FILES;
use crate::s3;
use crate::site::{Site, choices_in};
use crate::spec::choices::FILE_NAME;
use crate::spec::values::{ClusterName, Profile, Target};
use crate::workspace::Folder;
use crate::workspace::seal::{Standing, standing};

/// How long a JVM may take to write a thread dump: some 50 ms on a healthy machine, more on a busy one.
const DUMP_TIME: Duration = Duration::from_secs(2);

/// Lines of each log.
const LOG_LINES: u32 = 10_000;

/// Runs the verb.
pub fn run(arguments: &cli::Collect, context: &Context) -> Result<Status> {
    let folder = &arguments.folder.folder;
    refuse_nothing(folder, context)?;
    let file = match &arguments.file {
        Some(file) => file.clone(),
        None => free_name(&top(&name(folder, context))),
    };
    let missing = collect_to(&file, folder, context)?;
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().filter_map(|one| one.split(": ").next()).collect();
        context.ui.say(&format!("it lacks {}; errors.txt in it says why", listed(&names)));
    }
    context.ui.data(&format!("{}\n", file.display()))?;
    Ok(Status::Done)
}

/// A folder without choices whose project has no containers is most likely another than was meant. What cannot be read
/// is no reason to refuse: that is when an archive helps.
fn refuse_nothing(folder: &Path, context: &Context) -> Result<()> {
    let has_choices = !matches!(choices_in(&Folder::to_read(folder)), Ok(None));
    let has_none = |observed: Observed| observed.rows().is_empty();
    if has_choices
        || !Observed::read(&context.engine, &name(folder, context), Some(folder)).is_ok_and(has_none)
    {
        return Ok(());
    }
    Site::of_any_target(folder).map(drop)
}

/// Writes the archive of the cluster in a folder, and returns what could not be read, each with its reason.
///
/// # Errors
/// Only when the archive itself cannot be written, or is there already.
pub fn collect_to(file: &Path, folder: &Path, context: &Context) -> Result<Vec<String>> {
    refuse_unwritable(file)?;
    let engine = &context.engine;
    let name = name(folder, context);
    let site = Site::of_any_target(folder);
    let mut bundle = Bundle::default();
    add_versions(&mut bundle, engine);
    add_files(&mut bundle, folder);
    if let Err(error) = &site {
        bundle.add("choices", Kind::Text, Err(anyhow!("{error:#}")));
    }
    let site = site.ok();
    if site.as_ref().is_some_and(|site| site.spec.target == Target::Swarm) {
        add_stack(&mut bundle, &name, engine);
    } else {
        match Observed::read(engine, &name, Some(folder)) {
            Ok(observed) if observed.rows().is_empty() => {
                bundle.miss("containers", &anyhow!("the project `{name}` has none"));
            }
            Ok(observed) => add_containers(&mut bundle, &observed, site.as_ref(), engine),
            Err(error) => bundle.miss("containers", &error),
        }
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
    if let Ok(site) = Site::of_any_target(folder) {
        return site.name;
    }
    let whole = fs::canonicalize(folder).unwrap_or_else(|_| PathBuf::from(folder));
    let started = objects::containers(&context.engine, Scope::Folder(&whole.to_string_lossy()));
    let project = started.ok().and_then(|all| all.first().map(|one| one.project().to_owned()));
    project
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| ClusterName::from_folder(&Folder::to_read(folder).name()).to_string())
}

fn add_versions(bundle: &mut Bundle, engine: &Engine) {
    let own = format!("ozone-compose {}\n", cli::VERSION);
    let mut versions = vec![own];
    for (name, said) in
        [("docker", evidence::docker_version(engine)), ("compose", evidence::compose_version(engine))]
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

/// Thread dumps first and logs last, so that the former are in the latter. Containers of a person's own are part of what
/// happened.
fn add_containers(bundle: &mut Bundle, observed: &Observed, site: Option<&Site>, engine: &Engine) {
    let dumped = Instant::now();
    let mut waits = false;
    let has_java = |member: &&Member| {
        ![Role::Balancer, Role::Kdc].contains(&member.role) && member.container.is_running()
    };
    for member in observed.members.iter().filter(has_java) {
        match evidence::dump_threads(engine, &member.container) {
            Ok(()) => waits = true,
            Err(error) => bundle.miss(&format!("thread dump of {}", member.container.name), &error),
        }
    }
    let rows = serde_json::to_string_pretty(&observed.rows());
    bundle.add("ps.json", Kind::Json, rows.map_err(Into::into));
    let members = observed.members.iter().map(|member| &member.container);
    let all: Vec<_> = members.chain(&observed.additions).chain(&observed.foreign).collect();
    for container in &all {
        let part = format!("inspect/{}.json", container.name);
        bundle.add(part, Kind::Json, evidence::inspect(engine, container));
    }
    add_pages(bundle, observed, site, engine);
    if waits {
        thread::sleep(DUMP_TIME.saturating_sub(dumped.elapsed()));
    }
    for container in all {
        bundle.add(
            format!("logs/{}.log", container.name),
            Kind::Text,
            evidence::log(engine, container, LOG_LINES),
        );
    }
}

/// Nodes, tasks and logs of a stack. No engine runs a program in a container of another node, or inspects one.
fn add_stack(bundle: &mut Bundle, name: &str, engine: &Engine) {
    let list = |what: &str, arguments: &[&str]| {
        engine.run(&engine.command(&format!("list {what}"), []).with(arguments.iter().copied()))
    };
    bundle.add("nodes.txt".to_owned(), Kind::Text, list("nodes", &["node", "ls"]));
    bundle.add("tasks.txt".to_owned(), Kind::Text, list("tasks", &["stack", "ps", "--no-trunc", name]));
    let services = match swarm::services(engine, name) {
        Ok(services) => services,
        Err(error) => return bundle.miss("services", &error),
    };
    for service in &services {
        let inspect = ["inspect", "--type", "service", &service.name];
        let inspect = engine.command(&format!("inspect the service {}", service.name), inspect);
        bundle.add(format!("inspect/{}.json", service.name), Kind::Json, engine.run(&inspect));
        let log = evidence::service_log(engine, &service.name, LOG_LINES);
        bundle.add(format!("logs/{}.log", service.name), Kind::Text, log);
    }
}

/// HAProxy's statistics and the metrics of SCM and OM.
fn add_pages(bundle: &mut Bundle, observed: &Observed, site: Option<&Site>, engine: &Engine) {
    // Ozone's own example has no statistics.
    let has_stats = site.is_none_or(|site| site.spec.profile == Profile::Tuned);
    let host = site.map_or_else(|| engine.place().host(), |site| site.host(engine));
    for member in &observed.members {
        let jmx = format!("jmx/{}.json", member.container.name);
        let (part, kind, page) = match member.role {
            Role::Balancer if has_stats => {
                let page = Page { program: "wget", port: STATS_PORT, path: "stats;csv" };
                ("haproxy.csv".to_owned(), Kind::Text, page)
            }
            Role::Om => (jmx, Kind::Json, Page { program: "curl", port: OM_PORT, path: "jmx" }),
            Role::Scm => (jmx, Kind::Json, Page { program: "curl", port: SCM_PORT, path: "jmx" }),
            _ => continue,
        };
        bundle.add(part, kind, page.read(member, &host, engine));
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
    /// Inside first; Debian's HAProxy has no program to read with, so then where the container publishes it, on `host`.
    fn read(&self, member: &Member, host: &str, engine: &Engine) -> Result<String> {
        let Self { program, port, path } = self;
        let url = format!("http://127.0.0.1:{port}/{path}");
        evidence::page_inside(engine, &member.container, program, &url).or_else(|error| {
            let inside = u16::try_from(*port).unwrap_or_default();
            let outside = member.container.published(inside, host);
            outside.and_then(|outside| s3::page(&format!("http://{outside}/{path}"))).ok_or(error)
        })
    }
}
