//! Docker and Compose: commands as data, one runner, and what the engine says of a cluster's containers.
//!
//! Knows nothing of Ozone, of files or of how things are shown.

pub mod containers;
pub mod evidence;
mod invocation;
pub mod preflight;
mod runner;

pub use invocation::{Invocation, quoted};
pub use runner::{Finished, Runner};

/// The label by which this tool knows its containers, volumes and networks; its value is their role.
pub const ROLE_LABEL: &str = "io.github.ozone-compose.role";

/// The label in which Compose keeps the name of the project.
pub const PROJECT_LABEL: &str = "com.docker.compose.project";

/// The label in which Compose keeps the folder of the project's first file.
pub const FOLDER_LABEL: &str = "com.docker.compose.project.working_dir";

/// What `--format` prints of a label: its value, or nothing.
#[must_use]
pub fn label_field(label: &str) -> String {
    format!("{{{{.Label {label:?}}}}}")
}

/// What `--filter` takes for everything that a Compose project has.
#[must_use]
pub fn of_project(project: &str) -> String {
    format!("label={PROJECT_LABEL}={project}")
}
