//! The verbs, one file each.

pub mod generate;
pub mod haproxy;

use anyhow::Result;

use crate::plan::Plan;
use crate::render::{self, Files};
use crate::spec::choices::{Choices, FILE_NAME, Origin};
use crate::spec::options::Opt;
use crate::spec::{Spec, file};
use crate::workspace::Folder;

/// A file of a person's own that joins the generated Compose files.
const OVERRIDE: &str = "compose.override.yaml";

/// What a run was asked for: flags, over the environment, over the folder's file.
struct Asked {
    /// What is good for the folder.
    spec: Spec,
    /// The generated files, without their seals.
    files: Files,
    /// What `ozone-compose.yaml` is to say.
    choices_file: String,
}

impl Asked {
    fn new(folder: &Folder, environment: Choices, flags: Choices) -> Result<Self> {
        let old = folder.text_of(FILE_NAME)?;
        let kept = old.as_deref().map(file::read).transpose()?.unwrap_or_default();
        let mut new = environment.overlaid_by(flags);
        let spec = Spec::resolve(&kept.clone().overlaid_by(new.clone()), &folder.name())?;
        // Kept, so that a folder that is moved still finds its containers and volumes.
        if let Some(option) =
            Opt::with_key("name").filter(|option| spec.has_cluster() && kept.of(option.key).is_none())
        {
            new.choose(option, vec![spec.name.to_string()], Origin::File);
        }
        let overrides = folder.text_of(OVERRIDE)?.map(|_| OVERRIDE.to_owned());
        let files = render::render(&Plan::new(&spec, overrides.as_slice()))?;
        let choices_file = file::with_choices(old.as_deref(), &new)?;
        Ok(Self { spec, files, choices_file })
    }
}
