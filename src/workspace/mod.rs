//! The folder of a cluster: what lies in it, what of that was edited by hand, and writing all or nothing.
//!
//! Knows files by name and text only, not what they mean.

mod changes;
pub mod seal;

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use fs_err as fs;
use tempfile::NamedTempFile;

pub use changes::{Change, Kind};

use crate::error::{Failure, Status};

/// Temporary files carry this prefix, so that those of a killed run are known and removed.
const STAGED: &str = ".ozone-compose-";

/// A folder, held against other runs of this tool while it is open for writing.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    lock: Option<File>,
    made: MadeFolders,
}

impl Folder {
    /// A folder to read, which need not exist.
    #[must_use]
    pub fn to_read(path: &Path) -> Self {
        Self { path: path.to_owned(), lock: None, made: MadeFolders::default() }
    }

    /// A folder to write, which need not exist; waits for other runs that write there.
    pub fn to_write(path: &Path) -> Result<Self> {
        let mut folder = Self::to_read(path);
        if path.exists() {
            folder.hold()?;
        }
        Ok(folder)
    }

    /// Makes the folder and holds it where it did not exist; tells whether it did not. Unless changes are
    /// applied, it is removed again.
    pub fn make(&mut self) -> Result<bool> {
        if self.lock.is_some() {
            return Ok(false);
        }
        self.made.make(&self.path)?;
        self.hold()?;
        Ok(true)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its last name, from which a cluster's name is made; empty where it has none.
    #[must_use]
    pub fn name(&self) -> String {
        let whole = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// A file's text; none where there is no such file.
    ///
    /// # Errors
    /// Bad usage where the file holds something else than text.
    pub fn text_of(&self, name: &str) -> Result<Option<String>> {
        let Some(bytes) = self.bytes_of(name)? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            Failure::new(Status::Usage, format!("{name}: {error}")).with_hint("save it as UTF-8")
        })?;
        Ok(Some(text))
    }

    /// A file's bytes; none where there is no such file.
    pub fn bytes_of(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match fs::read(self.path.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) if error.kind() == ErrorKind::IsADirectory => {
                let message =
                    format!("`{name}` in `{}` is a folder, where a file is to be", self.path.display());
                let hint = "choose another folder with `-o DIR`, or move this one away";
                Err(Failure::new(Status::Differs, message).with_hint(hint).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// When one of the files in a folder below this one was last changed, added or removed.
    pub fn last_change_in(&self, name: &str) -> Result<SystemTime> {
        let folder = self.path.join(name);
        let mut newest = fs::metadata(&folder)?.modified()?;
        for entry in fs::read_dir(&folder)? {
            newest = newest.max(entry?.metadata()?.modified()?);
        }
        Ok(newest)
    }

    /// What writing `text` as the file `name` would do; no text means that the file has no place any more.
    pub fn compare(&self, name: &str, text: Option<&str>) -> Result<Change> {
        Ok(Change::new(name, self.bytes_of(name)?, text))
    }

    /// Makes changes: all of them, or none when any cannot be written.
    ///
    /// # Errors
    /// A full disk, a folder that is not writable, or a file that changed since it was compared.
    pub fn apply(&mut self, changes: &[Change]) -> Result<()> {
        let mut staged = Vec::new();
        for change in changes.iter().filter(|change| change.writes()) {
            let path = self.path.join(change.name());
            if self.bytes_of(change.name())?.as_deref() != change.before() {
                bail!("{} changed while this ran; run the command again", path.display());
            }
            let parent = path.parent().unwrap_or(&self.path);
            self.made.make(parent)?;
            remove_leftovers(parent);
            if change.kind() == Kind::Edited {
                let backup = free_backup_name(&path);
                staged.push((stage(parent, change.before().unwrap_or_default())?, backup));
            }
            if let Some(text) = change.after() {
                let target = behind_link(&path);
                let parent = target.parent().unwrap_or(parent);
                staged.push((stage(parent, text.as_bytes())?, target));
            }
        }
        self.made.keep();
        for (file, path) in staged {
            file.persist(&path).with_context(|| format!("could not write {}", path.display()))?;
        }
        for change in changes.iter().filter(|change| change.kind() == Kind::Obsolete) {
            fs::remove_file(self.path.join(change.name()))?;
        }
        Ok(())
    }

    /// Puts back what a change has replaced, so that the change is still to be made.
    pub fn put_back(&mut self, change: &Change) -> Result<()> {
        let path = self.path.join(change.name());
        let Some(before) = change.before() else {
            return Ok(fs::remove_file(path)?);
        };
        let target = behind_link(&path);
        let staged = stage(target.parent().unwrap_or(&self.path), before)?;
        staged.persist(&target).with_context(|| format!("could not write {}", target.display()))?;
        Ok(())
    }

    /// Locks the folder itself, so that no lock file is left in it.
    fn hold(&mut self) -> Result<()> {
        if self.lock.is_none() {
            let folder =
                File::open(&self.path).with_context(|| format!("could not open {}", self.path.display()))?;
            folder.lock().with_context(|| format!("could not lock {}", self.path.display()))?;
            self.lock = Some(folder);
        }
        Ok(())
    }
}

/// A link stays a link; what it points to is written, whether it is there already or not.
fn behind_link(path: &Path) -> PathBuf {
    let beside = |link: PathBuf| path.parent().map_or(link.clone(), |parent| parent.join(&link));
    let written = fs::canonicalize(path).or_else(|_| fs::read_link(path).map(beside));
    written.unwrap_or_else(|_| path.to_owned())
}

/// Writes a temporary file beside its target, complete and on disk.
fn stage(parent: &Path, bytes: &[u8]) -> Result<NamedTempFile> {
    let attempt = || -> std::io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new().prefix(STAGED).suffix(".tmp").tempfile_in(parent)?;
        file.write_all(bytes)?;
        // Readable to all: HAProxy reads its configuration as the user 99 of its container.
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    attempt().with_context(|| format!("could not write to {}; nothing was changed", parent.display()))
}

/// Removes what a killed run staged; the lock is held, so no other run is using it.
fn remove_leftovers(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let old = name.starts_with(STAGED) && name.ends_with(".tmp");
        let young = entry.metadata().ok().and_then(|data| data.modified().ok()?.elapsed().ok());
        // The files of this very run are seconds old at most.
        if old && young.is_none_or(|age| age.as_secs() > 60) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// `FILE.bak`, or `FILE.bak.2` and on where that is taken: a backup never replaces another.
fn free_backup_name(path: &Path) -> PathBuf {
    let name = |number: u32| {
        let suffix = if number == 1 { ".bak".to_owned() } else { format!(".bak.{number}") };
        let mut whole = path.as_os_str().to_owned();
        whole.push(suffix);
        PathBuf::from(whole)
    };
    (1..10_000).map(name).find(|backup| !backup.exists()).unwrap_or_else(|| name(10_000))
}

/// Folders made on the way, removed again unless everything could be written.
#[derive(Debug, Default)]
struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    fn make(&mut self, path: &Path) -> Result<()> {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        if path.exists() {
            bail!("{} is not a folder", path.display());
        }
        if path.is_symlink() {
            bail!("{} is a link to nowhere", path.display());
        }
        if let Some(parent) = path.parent() {
            self.make(parent)?;
        }
        match fs::create_dir(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {
                return Ok(());
            }
            made => made?,
        }
        self.0.push(path.to_owned());
        Ok(())
    }

    fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            let _ = fs::remove_dir(path);
        }
    }
}
