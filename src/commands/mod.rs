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

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
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
