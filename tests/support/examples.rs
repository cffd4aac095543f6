//! The committed examples: `compose-examples/<case>/`.

use std::path::{Path, PathBuf};

use fs_err as fs;

/// One example.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    /// The name of its folder.
    pub(crate) case: String,
    /// Its folder.
    pub(crate) folder: PathBuf,
}

impl Example {
    /// Whether the example has such a file.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).expect("a text")
    }
}

/// Where the examples are.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("compose-examples")
}

/// All examples, by name.
pub(crate) fn all() -> Vec<Example> {
    let entries = fs::read_dir(root()).expect("compose-examples");
    let folders = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir());
    let mut examples: Vec<Example> = folders
        .map(|folder| Example {
            case: folder.file_name().expect("a name").to_string_lossy().into_owned(),
            folder,
        })
        .collect();
    examples.sort_by(|a, b| a.case.cmp(&b.case));
    assert!(!examples.is_empty(), "compose-examples holds no case");
    examples
}
