//! The folder of a cluster: what lies in it, what of that was edited by hand, and writing all or nothing.
//!
//! Knows files by name and text only, not what they mean.

mod changes;
mod rights;
pub mod seal;

use std::collections::BTreeSet;
use std::fs::{File, Metadata, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use fs_err as fs;
use tempfile::NamedTempFile;

pub use changes::{Change, Kind};
pub use rights::Unreadable;

use crate::error::{Failure, Status};
use rights::Rights;

/// Temporary files carry this prefix, so that those of a killed run are known and removed.
const STAGED: &str = ".ozone-compose-";

/// Pause between two attempts to lock a folder that another run has locked.
const PAUSE: Duration = Duration::from_millis(100);

/// A folder, locked against other runs of this tool while it is open for writing.
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

    /// A folder to write, which need not exist; waits for other runs that write there. While one does, `wait` is called
    /// every 100 ms, the first time at once.
    ///
    /// # Errors
    /// Those of `wait`, which end the waiting.
    pub fn to_write(path: &Path, wait: impl FnMut() -> Result<()>) -> Result<Self> {
        let mut folder = Self::to_read(path);
        if path.exists() {
            folder.hold(wait)?;
        }
        Ok(folder)
    }

    /// Makes the folder and locks it where it did not exist; returns whether it did not. Unless changes are applied, it
    /// is removed again. Another run may have made it in between, and `wait` is called as in [`Folder::to_write`].
    ///
    /// # Errors
    /// Those of `wait`, which end the waiting.
    pub fn make(&mut self, wait: impl FnMut() -> Result<()>) -> Result<bool> {
        if self.lock.is_some() {
            return Ok(false);
        }
        self.made.make(&self.path)?;
        self.hold(wait)?;
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

    /// Names of the files in a folder below this one that end so, hidden ones aside; none where there is no such folder.
    pub fn names_in(&self, sub_folder: &str, end: &str) -> Result<BTreeSet<String>> {
        let entries = match fs::read_dir(self.path.join(sub_folder)) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(BTreeSet::new());
            }
            Err(error) => return Err(error.into()),
        };
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let is_meant = |name: &Result<String>| {
            name.as_ref().map_or(true, |name| name.ends_with(end) && !name.starts_with('.'))
        };
        names.filter(is_meant).collect()
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

    /// What a process with this user and group may not read, of a folder below this one and of every `*.cfg` in it;
    /// nothing where there is no such folder. Root reads everything.
    ///
    /// # Errors
    /// A folder that this user may not list.
    pub fn unreadable_by(&self, sub_folder: &str, uid: u32, gid: u32) -> Result<Vec<Unreadable>> {
        rights::unreadable(&self.path.join(sub_folder), uid, gid)
    }

    /// Makes changes. Every text is complete and on disk before the first takes its file's name, so that nothing is
    /// changed where one cannot be written. Names are given one by one: what ends the process in between, or a rename
    /// that fails after all, leaves some files new and some old, which the same changes complete.
    ///
    /// A file that is replaced keeps its mode and, where that is permitted, its owner. A file that a container reads is
    /// made readable, also where it stays the same. Returns the backups of those that were edited by hand.
    ///
    /// # Errors
    /// A full disk, a folder that is not writable, or a file that changed since it was compared.
    pub fn apply(&mut self, changes: &[Change]) -> Result<Vec<PathBuf>> {
        let (mut staged, mut backups) = (Vec::new(), Vec::new());
        for change in changes.iter().filter(|change| change.writes()) {
            let path = self.path.join(change.name());
            if self.bytes_of(change.name())?.as_deref() != change.before() {
                bail!("{} changed while this ran; run the command again", path.display());
            }
            let parent = path.parent().unwrap_or(&self.path);
            if self.made.make(parent)? && rights::is_mounted(change.name()) {
                rights::publish_folder(parent)?;
            }
            remove_leftovers(parent);
            let target = behind_link(&path);
            let rights = Rights::of(&target, change);
            if change.kind() == Kind::Edited {
                let backup = free_backup_name(&path);
                backups.push(backup.clone());
                staged.push((stage(parent, change.before().unwrap_or_default(), &rights)?, backup));
            }
            if let Some(text) = change.after() {
                let parent = target.parent().unwrap_or(parent);
                staged.push((stage(parent, text.as_bytes(), &rights)?, target));
            }
        }
        self.made.keep();
        for (file, path) in staged {
            file.persist(&path).with_context(|| format!("could not write {}", path.display()))?;
        }
        for change in changes.iter().filter(|change| change.kind() == Kind::Obsolete) {
            fs::remove_file(self.path.join(change.name()))?;
        }
        let is_mounted = |change: &&Change| change.after().is_some() && rights::is_mounted(change.name());
        for change in changes.iter().filter(is_mounted) {
            rights::let_all_read(&self.path.join(change.name()));
        }
        Ok(backups)
    }

    /// Locks the folder itself, so that no lock file is left in it.
    fn hold(&mut self, mut wait: impl FnMut() -> Result<()>) -> Result<()> {
        if self.lock.is_some() {
            return Ok(());
        }
        loop {
            // A run that failed may have removed the folder that it had made, while this one waited for it.
            self.made.make(&self.path)?;
            let folder =
                File::open(&self.path).with_context(|| format!("could not open {}", self.path.display()))?;
            match folder.try_lock() {
                Ok(()) if is_at(&folder, &self.path) => {
                    self.lock = Some(folder);
                    return Ok(());
                }
                Ok(()) => {}
                // A call that blocks would neither say what it waits for nor react to Ctrl-C.
                Err(TryLockError::WouldBlock) => wait()?,
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("could not lock {}", self.path.display()));
                }
            }
            thread::sleep(PAUSE);
        }
    }
}

/// Whether a file or folder that was opened is still the one that its path leads to.
pub(crate) fn is_at(opened: &File, path: &Path) -> bool {
    let same = |a: &Metadata, b: &Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    opened.metadata().is_ok_and(|one| fs::metadata(path).is_ok_and(|there| same(&one, &there)))
}

/// A link stays a link; what it points to is written, whether it is there already or not.
fn behind_link(path: &Path) -> PathBuf {
    let beside = |link: PathBuf| path.parent().map_or(link.clone(), |parent| parent.join(&link));
    let written = fs::canonicalize(path).or_else(|_| fs::read_link(path).map(beside));
    written.unwrap_or_else(|_| path.to_owned())
}

/// Writes a temporary file beside its target, complete and on disk.
fn stage(parent: &Path, bytes: &[u8], rights: &Rights) -> Result<NamedTempFile> {
    let attempt = || -> std::io::Result<NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix(STAGED).suffix(".tmp").permissions(rights.to_create());
        let mut file = builder.tempfile_in(parent)?;
        file.write_all(bytes)?;
        rights.give(file.as_file())?;
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
    /// Makes a folder and those above it; returns whether it did not exist.
    fn make(&mut self, path: &Path) -> Result<bool> {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(false);
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
                return Ok(false);
            }
            made => made?,
        }
        self.0.push(path.to_owned());
        Ok(true)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_waits_for_another_can_be_interrupted() {
        let top = tempfile::tempdir().expect("a folder");
        let never = || bail!("nobody else is there");
        let first = Folder::to_write(top.path(), never).expect("a folder");

        let mut calls = 0;
        let gives_up = Folder::to_write(top.path(), || {
            calls += 1;
            if calls < 3 { Ok(()) } else { bail!("enough") }
        });
        assert_eq!(gives_up.expect_err("it gave up").to_string(), "enough");
        assert_eq!(calls, 3);

        let mut first = Some(first);
        let second = Folder::to_write(top.path(), || {
            first = None;
            Ok(())
        });
        assert!(second.is_ok() && first.is_none());
    }

    #[test]
    fn a_folder_that_another_run_has_made_meanwhile_is_waited_for() {
        let top = tempfile::tempdir().expect("a folder");
        let path = top.path().join("demo");
        let never = || bail!("nobody else is there");
        let mut first = Folder::to_write(&path, never).expect("no folder yet");
        let mut second = Folder::to_write(&path, never).expect("no folder yet");
        assert!(first.make(never).expect("a folder"));
        assert_eq!(second.make(|| bail!("enough")).expect_err("it gave up").to_string(), "enough");
        assert!(path.is_dir(), "it is the first one's");
    }
}
