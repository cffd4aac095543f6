//! The place of a cluster: its folder, its name and its choices, and the commands to type for it.
//!
//! Knows of its containers only what callers pass in.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Parser;

use crate::cli::Cli;
use crate::engine::objects::State;
use crate::engine::{Engine, Variables, quoted};
use crate::error::{Failure, Status};
use crate::observe::{Member, Observed, listed};
use crate::plan::Role;
use crate::s3::variables::{trusting, variables};
use crate::s3::{Endpoint, Key};
use crate::spec::choices::{Choices, FILE_NAME};
use crate::spec::values::{Base, Target};
use crate::spec::{Spec, file};
use crate::tls;
use crate::workspace::Folder;

/// A cluster by its folder.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where its files are.
    pub folder: PathBuf,
    /// The Compose project.
    pub name: String,
    /// What the folder's file says.
    pub spec: Spec,
}

impl Site {
    /// A cluster of these choices in a folder.
    #[must_use]
    pub fn new(spec: Spec, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), name: spec.name.to_string(), spec }
    }

    /// A cluster whose folder is gone: nothing but its name is known.
    #[must_use]
    pub fn of_project(name: &str) -> Self {
        let spec = Spec::resolve(&Choices::default(), name)
            .unwrap_or_else(|_| unreachable!("the defaults are tested to be good"));
        Self { folder: PathBuf::from("."), name: name.to_owned(), spec }
    }

    /// The cluster whose `ozone-compose.yaml` lies in a folder. Variables of the environment are choices for `generate`
    /// and `up`, which keep them there; a cluster that is there is what its file says.
    ///
    /// # Errors
    /// When there is none, when it is one whose Ozone other files run, or when it is on Docker Swarm.
    pub fn in_folder(path: &Path) -> Result<Self> {
        let site = Self::of_any_target(path)?;
        if site.spec.target == Target::Swarm {
            return Err(not_on_swarm(&site.name).into());
        }
        Ok(site)
    }

    /// The same for what is there on Docker Swarm too.
    ///
    /// # Errors
    /// As [`Self::in_folder`].
    pub fn of_any_target(path: &Path) -> Result<Self> {
        let folder = Folder::to_read(path);
        let Some(choices) = choices_in(&folder)? else {
            let message = format!("there is no cluster in `{}`: it has no {FILE_NAME}", path.display());
            let hint = "`ozone-compose up` makes one in the current folder and `-o DIR` names another; `ozone-compose ls` shows the folder of each cluster on this engine";
            return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
        };
        let spec = Spec::resolve(&choices, &folder.name())?;
        if !spec.has_cluster() {
            return Err(not_ours_to_run(path).into());
        }
        if spec.target == Target::Helm {
            return Err(rendered_only(path).into());
        }
        Ok(Self::new(spec, path))
    }

    /// The host on which its ports answer that are published on every address.
    #[must_use]
    pub fn host(&self, engine: &Engine) -> String {
        self.spec.ports.host.as_ref().map_or_else(|| engine.place().host(), ToString::to_string)
    }

    /// Where S3 answers this tool, by what the running balancer publishes; none where none runs.
    ///
    /// # Errors
    /// When the CA to trust over https cannot be read.
    pub fn endpoint(&self, observed: &Observed, engine: &Engine) -> Result<Option<Endpoint>> {
        let Some(url) = observed.endpoint(&self.host(engine)) else { return Ok(None) };
        let roots = if url.starts_with("https:") { tls::roots(&self.folder)? } else { String::new() };
        Ok(Some(Endpoint::new(&url, &roots)))
    }

    /// The variables of clients on this machine: of https where it has that, with the CA that they are to trust.
    #[must_use]
    pub fn variables(
        &self,
        endpoint: &str,
        https: Option<&str>,
        proxied: Option<&str>,
        key: &Key,
    ) -> Variables {
        let domains = self.spec.domains.iter().map(ToString::to_string);
        let proxied =
            proxied.map(|hosts| [hosts.to_owned()].into_iter().chain(domains).collect::<Vec<_>>().join(","));
        let mut variables = variables(&self.spec.version, https.unwrap_or(endpoint), proxied.as_deref(), key);
        if let Some(ca) = https.and_then(|_| tls::ca(&self.folder)) {
            variables.set.extend(trusting(&ca));
        }
        variables
    }

    /// Where clients that name their bucket in the host find S3, by the endpoint for all others: it with each of the
    /// domains in the place of its host.
    #[must_use]
    pub fn virtual_hosts(&self, endpoint: &str) -> Vec<String> {
        let (scheme, place) = endpoint.split_once("://").unwrap_or(("http", endpoint));
        let port = place.rsplit_once(':').map_or("", |(_, port)| port);
        self.spec.domains.iter().map(|domain| format!("{scheme}://{domain}:{port}")).collect()
    }

    /// Where a distribution is to be, a folder with one must be there: Docker's own message would be of a mount.
    ///
    /// # Errors
    /// Bad usage, with what makes one.
    pub fn refuse_no_dist(&self) -> Result<()> {
        let Some(dist) = &self.spec.dist else { return Ok(()) };
        let place = self.folder.join(dist.path());
        if place.join("share/ozone/lib").is_dir() {
            return Ok(());
        }
        let message = format!(
            "ozone.dist: `{}` holds no Ozone distribution, which has share/ozone/lib",
            place.display()
        );
        let hint = "a build of an Ozone checkout makes one, hadoop-ozone/dist/target/ozone-X; the path is relative to the cluster's folder";
        Err(Failure::new(Status::Usage, message).with_hint(hint).into())
    }

    /// The command that starts what does not run: `start` where all containers were stopped, or some have ended and none is
    /// missing; `up` otherwise.
    #[must_use]
    pub fn starting_command(&self, observed: &Observed) -> String {
        let spec = &self.spec;
        let wanted = [
            (Role::Balancer, 1),
            (Role::Gateway, spec.gateways.get()),
            (Role::Scm, spec.scms.get()),
            (Role::Om, spec.oms.get()),
            (Role::Datanode, spec.datanodes.get()),
        ];
        // More of another role than gateways are the two containers of a service that was half replaced.
        let is_there = |(role, count): (Role, u32)| match observed.of_role(role).count() {
            found if role == Role::Gateway => found >= count as usize,
            found => found == count as usize,
        };
        let ended = observed.members.iter().filter(|member| member.container.has_ended()).count();
        let is_stopped = ended == observed.members.len() || wanted.into_iter().all(is_there);
        self.command(if ended > 0 && is_stopped && spec.target == Target::Compose { "start" } else { "up" })
    }

    /// `om does` or `scm1, scm2 do`: the SCMs, OMs and datanodes that do not run, where a balancer does; none otherwise,
    /// and none on Swarm, which starts them again by itself.
    #[must_use]
    pub fn down_services(&self, observed: &Observed) -> Option<String> {
        observed.running_balancer().filter(|_| self.spec.target == Target::Compose)?;
        let is_down =
            |member: &&Member| member.container.has_ended() || member.container.state == State::Paused;
        let of_data = Role::OF_DATA.iter().flat_map(|role| observed.of_role(*role));
        let down: Vec<String> = of_data.filter(is_down).map(Member::title).collect();
        match down.len() {
            0 => None,
            1 => Some(format!("{} does", down[0])),
            _ => Some(format!("{} do", listed(&down))),
        }
    }

    /// What to say of them, with what starts them.
    #[must_use]
    pub fn warning_of_down_services(&self, observed: &Observed) -> Option<String> {
        let down = self.down_services(observed)?;
        let start = self.starting_command(observed);
        let effect = if self.spec.base == Base::Ha { "may fail" } else { "fail or get no answer" };
        Some(format!("warning: {down} not run, and requests {effect}; `{start}` starts what does not run"))
    }

    /// A command of this tool for this cluster, to be typed where this one was: `ozone-compose up -o demo`.
    #[must_use]
    pub fn command(&self, verb: &str) -> String {
        command_in(&self.folder, verb)
    }
}

/// A command of this tool for the cluster in a folder, as [`Site::command`].
#[must_use]
pub fn command_in(folder: &Path, verb: &str) -> String {
    if folder == Path::new(".") {
        return typed(format!("ozone-compose {verb}"));
    }
    let folder = quoted(&folder.to_string_lossy());
    // A name that begins as a flag does is taken for one behind a blank.
    let option = if folder.starts_with('-') { "--output=" } else { "-o " };
    typed(format!("ozone-compose {verb} {option}{folder}"))
}

/// The choices that a folder's file holds; none where there is no such file.
///
/// # Errors
/// When the file cannot be read, or holds what no choice is.
pub fn choices_in(folder: &Folder) -> Result<Option<Choices>> {
    Ok(folder.text_of(FILE_NAME)?.as_deref().map(file::read).transpose()?)
}

/// A command for people to type. In tests it must be one that this tool takes.
fn typed(command: String) -> String {
    // Names and folders of tests are plain words, so that white space is enough to separate them.
    debug_assert!(
        command.contains(['\'', '"']) || Cli::try_parse_from(command.split_whitespace()).is_ok(),
        "nobody can type `{command}`"
    );
    command
}

/// Why a verb that works on the containers of one engine does nothing for a cluster on Swarm.
fn not_on_swarm(name: &str) -> Failure {
    let message = format!(
        "`{name}` is on Docker Swarm (`target: swarm`), where this verb has no meaning: its containers are on any node, and Swarm chooses \
         which gateway leaves"
    );
    Failure::new(Status::Usage, message).with_hint(
        "there, `up`, `scale`, `restart`, `reload`, `status`, `nodes`, `logs`, `env`, `run`, `user`, `smoke`, `bench`, `collect` and `down` work, and \
         `drain --node NODE` empties a node",
    )
}

/// Why no verb but `generate` works on a cluster for Kubernetes.
#[must_use]
pub fn rendered_only(path: &Path) -> Failure {
    let message = format!(
        "`{}` holds files for Kubernetes (`target: helm`), where this tool runs nothing",
        path.display()
    );
    let generate = command_in(path, "generate");
    let hint = format!(
        "`{generate}` ends with the commands that do; `--target compose` and `--target swarm` are run here"
    );
    Failure::new(Status::Usage, message).with_hint(hint)
}

/// Why a folder's gateways cannot be run from it.
#[must_use]
pub fn not_ours_to_run(path: &Path) -> Failure {
    let message = format!(
        "`{}` holds no cluster of its own: its gateways stand on Ozone services of other files or machines",
        path.display()
    );
    let hint = format!("`{}` ends with the command that starts them", command_in(path, "generate"));
    Failure::new(Status::Usage, message).with_hint(hint)
}
