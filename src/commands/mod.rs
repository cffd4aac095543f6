//! The verbs, one file each, and what they share: what was asked for, and the cluster it means.

pub mod collect;
pub mod doctor;
pub mod down;
pub mod env;
pub mod generate;
pub mod haproxy;
pub mod logs;
pub mod run;
pub mod smoke;
pub mod status;
pub mod up;

use std::path::Path;

use anyhow::Result;

use crate::engine::Runner;
use crate::error::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::plan::Plan;
use crate::render::{self, Files};
use crate::spec::choices::{Choices, FILE_NAME, Origin};
use crate::spec::options::Opt;
use crate::spec::{Spec, file};
use crate::ui::Ui;
use crate::workspace::Folder;

/// A file of a person's own that joins the generated Compose files.
const OVERRIDE: &str = "compose.override.yaml";

/// What every verb gets.
#[derive(Clone, Debug)]
pub struct Context {
    /// Prints.
    pub ui: Ui,
    /// Runs commands.
    pub runner: Runner,
    /// Tells of Ctrl-C.
    pub interrupt: Interrupt,
    /// The choices made in environment variables.
    pub environment: Choices,
}

impl Context {
    /// The same for what must be done after Ctrl-C.
    fn uninterrupted(&self) -> Self {
        let interrupt = Interrupt::default();
        Self { runner: self.runner.clone().heeding(interrupt.clone()), interrupt, ..self.clone() }
    }
}

/// What a run was asked for: flags, over the environment, over the folder's file.
struct Asked {
    /// What is good for the folder.
    spec: Spec,
    /// The generated files, without their seals.
    files: Files,
    /// What `ozone-compose.yaml` is to say.
    choices_file: String,
    /// The choices that the folder's file held before.
    kept: Choices,
    /// Those of flags and environment.
    new: Choices,
    /// The Compose files of the cluster, in order.
    compose_files: Vec<String>,
}

impl Asked {
    fn new(folder: &Folder, environment: Choices, flags: Choices) -> Result<Self> {
        let old = folder.text_of(FILE_NAME)?;
        let kept = old.as_deref().map(file::read).transpose()?.unwrap_or_default();
        let mut new = environment.overlaid_by(flags);
        let spec = Spec::resolve(&kept.clone().overlaid_by(new.clone()), &folder.name())?;
        // Kept, so that a folder that is moved still finds its containers and volumes.
        if let Some(option) = Opt::with_key("name").filter(|_| spec.has_cluster())
            && kept.of(option.key).is_none()
        {
            new.choose(option, vec![spec.name.to_string()], Origin::File);
        }
        let overrides = folder.text_of(OVERRIDE)?.map(|_| OVERRIDE.to_owned());
        let plan = Plan::new(&spec, overrides.as_slice());
        let files = render::render(&plan)?;
        let choices_file = file::with_choices(old.as_deref(), &new)?;
        Ok(Self { spec, files, choices_file, kept, new, compose_files: plan.compose_files })
    }
}

/// Opens a folder to write in it, and judges what is asked for before anything is made.
fn open_to_write(path: &Path, environment: &Choices, flags: &Choices) -> Result<(Folder, Asked)> {
    let mut folder = Folder::to_write(path)?;
    let asked = Asked::new(&folder, environment.clone(), flags.clone())?;
    if !folder.make()? {
        return Ok((folder, asked));
    }
    // Several first runs at once: another may have made the folder and chosen in between.
    let asked = Asked::new(&folder, environment.clone(), flags.clone())?;
    Ok((folder, asked))
}

/// A cluster that runs, or may run, from a folder: its name and where it answers on this machine.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// What the folder's file asks for.
    pub spec: Spec,
    /// The Compose project.
    pub name: String,
    /// The S3 API through the balancer: `http://127.0.0.1:9878`.
    pub endpoint: String,
    /// HAProxy's pages, without a path, where they are published.
    pub stats: Option<String>,
    /// The SCM's pages, likewise.
    pub scm: Option<String>,
    /// The OM's pages, likewise.
    pub om: Option<String>,
}

impl Cluster {
    /// What a spec means once it runs on this machine.
    #[must_use]
    pub fn of_spec(spec: Spec) -> Self {
        let local =
            |port: crate::spec::values::Published| port.port().map(|port| format!("http://127.0.0.1:{port}"));
        let ports = &spec.ports;
        let stats = ports.stats.port().filter(|_| spec.profile == crate::spec::values::Profile::Tuned);
        Self {
            name: spec.name.to_string(),
            endpoint: format!("http://{}:{}", ports.bind.url_host(), ports.s3),
            stats: stats.map(|port| format!("http://127.0.0.1:{port}")),
            scm: local(ports.scm),
            om: local(ports.om),
            spec,
        }
    }

    /// The cluster whose `ozone-compose.yaml` lies in a folder.
    ///
    /// # Errors
    /// When there is none, or when it is one whose Ozone other files run.
    pub fn in_folder(path: &Path, environment: &Choices) -> Result<Self> {
        let folder = Folder::to_read(path);
        let Some(text) = folder.text_of(FILE_NAME)? else {
            let message = format!("there is no cluster in `{}`: it has no {FILE_NAME}", path.display());
            let hint = "`ozone-compose up` makes one there; `-o DIR` names another folder";
            return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
        };
        let choices = file::read(&text)?.overlaid_by(environment.clone());
        let spec = Spec::resolve(&choices, &folder.name())?;
        if !spec.has_cluster() {
            return Err(not_ours_to_run(path).into());
        }
        Ok(Self::of_spec(spec))
    }

    /// HAProxy's view of the gateways; none while it does not answer, or where nobody can ask it.
    #[must_use]
    pub fn gateways(&self) -> Option<Vec<crate::haproxy::Gateway>> {
        let page = crate::s3::page(&format!("{}/stats;csv", self.stats.as_ref()?))?;
        Some(crate::haproxy::gateways(&page))
    }
}

fn not_ours_to_run(path: &Path) -> Failure {
    let message = format!(
        "`{}` holds no cluster of its own: its gateways stand on Ozone services of other files or machines",
        path.display()
    );
    Failure::new(Status::Usage, message)
        .with_hint("`ozone-compose generate` ends with the command that starts them")
}
