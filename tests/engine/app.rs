//! An app of somebody else: a database with its data in a volume, under Compose.

use std::path::{Path, PathBuf};

use crate::lab::{BALANCER, Lab, Project, docker, folder};
use crate::support::run::until;
use crate::support::{Outcome, clean};

/// The app, in a folder and a project of its own or of a cluster.
pub(crate) struct App {
    pub(crate) project: Project,
    pub(crate) folder: PathBuf,
}

impl App {
    pub(crate) fn new(lab: &Lab, name: &str, project: Project) -> Self {
        Self { project, folder: folder(lab, name) }
    }

    /// Writes the app's file and starts it.
    pub(crate) fn start(&self, file: &str) {
        // In no network: Compose would make that of the project anew, where a cluster of the same name is in it.
        let text = text().replace("    volumes:", "    network_mode: none\n    volumes:");
        fs_err::write(self.folder.join(file), text).expect("a file");
        self.compose(&["-f", file, "up", "--detach"]);
        until("the database has its data", || self.is_well());
    }

    /// Runs plain `docker compose` in its folder.
    #[track_caller]
    pub(crate) fn compose(&self, arguments: &[&str]) {
        compose(&self.folder, &self.project.name, arguments);
    }

    /// Whether its database runs and has its data.
    pub(crate) fn is_well(&self) -> bool {
        self.data().as_deref() == Some("kept\n")
    }

    /// Whether the volume is there and holds the file, though no container does.
    pub(crate) fn has_its_volume(&self) -> bool {
        let volume = format!("{}_db", self.project.name);
        self.project.volumes().contains(&volume)
            && docker(&["run", "--rm", "--volume", &format!("{volume}:/data"), BALANCER, "cat", "/data/file"])
                == "kept\n"
    }

    /// What the running database reads.
    fn data(&self) -> Option<String> {
        let name = self.database();
        let read = Outcome::of(clean("docker").args(["exec", &name, "cat", "/data/file"]));
        (read.status == 0).then_some(read.stdout)
    }

    /// The name of the database's container.
    pub(crate) fn database(&self) -> String {
        format!("{}-db-1", self.project.name)
    }
}

/// Runs plain `docker compose` in a folder.
#[track_caller]
pub(crate) fn compose(folder: &Path, project: &str, arguments: &[&str]) {
    let mut command = clean("docker");
    let outcome = Outcome::of(command.args(["compose", "-p", project]).args(arguments).current_dir(folder));
    assert_eq!(outcome.status, 0, "docker compose {arguments:?}: {outcome}");
}

/// The file of the app. The database ends at once on SIGTERM.
pub(crate) fn text() -> String {
    format!(
        r#"services:
  db:
    image: {BALANCER}
    user: root
    command: ["sh", "-c", "echo kept > /data/file; exec sleep 600"]
    stop_signal: SIGKILL
    volumes:
      - db:/data
volumes:
  db:
"#
    )
}
