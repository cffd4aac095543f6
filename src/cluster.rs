//! A cluster that runs, or may run, from a folder: its name, and where it answers on this machine.
//!
//! Knows nothing of its containers, nor whether there are any.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::engine::quoted;
use crate::error::{Failure, Status};
use crate::haproxy::{self, Gateway};
use crate::s3;
use crate::spec::choices::{Choices, FILE_NAME};
use crate::spec::{Spec, file};
use crate::workspace::Folder;

/// A cluster and its addresses.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Where its files are.
    folder: PathBuf,
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
    pub fn new(spec: Spec, folder: &Path) -> Self {
        let published = spec.published_ports();
        let local = |key: &str| {
            let port = published.iter().find(|one| one.key == key)?.port;
            Some(format!("http://127.0.0.1:{port}"))
        };
        Self {
            folder: folder.to_owned(),
            name: spec.name.to_string(),
            endpoint: format!("http://{}:{}", spec.ports.bind.url_host(), spec.ports.s3),
            stats: local("ports.stats"),
            scm: local("ports.scm"),
            om: local("ports.om"),
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
        Ok(Self::new(spec, path))
    }

    /// A command of this tool for this cluster, to be typed where this one was: `ozone-compose up -o demo`.
    #[must_use]
    pub fn command(&self, verb: &str) -> String {
        if self.folder == Path::new(".") {
            return format!("ozone-compose {verb}");
        }
        format!("ozone-compose {verb} -o {}", quoted(&self.folder.to_string_lossy()))
    }

    /// HAProxy's view of the gateways; none while it does not answer, or where nobody can ask it.
    #[must_use]
    pub fn gateways(&self) -> Option<Vec<Gateway>> {
        let page = s3::page(&format!("{}/stats;csv", self.stats.as_ref()?))?;
        Some(haproxy::gateways(&page))
    }
}

/// Why a folder's gateways cannot be run from it.
#[must_use]
pub fn not_ours_to_run(path: &Path) -> Failure {
    let message = format!(
        "`{}` holds no cluster of its own: its gateways stand on Ozone services of other files or machines",
        path.display()
    );
    Failure::new(Status::Usage, message)
        .with_hint("`ozone-compose generate` ends with the command that starts them")
}
