//! The record of a fault in the cluster's folder: written before the fault is made, removed once it is undone, and locked
//! while a run is there to undo it. A record that nobody has locked is of a run that was killed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::Fault;
use crate::workspace::is_at;

/// Its name in the folder.
const FILE_NAME: &str = ".ozone-fault.json";

/// A record that this run has locked.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    file: File,
}

/// What a record says.
#[derive(Debug, Serialize, Deserialize)]
struct Text {
    /// The process that has it locked.
    process: u32,
    fault: Fault,
}

/// What there is in a folder.
#[derive(Debug)]
pub enum Found {
    /// No fault.
    Nothing,
    /// One whose run is gone.
    Left(Record, Box<Fault>),
    /// One that a process undoes.
    Held(u32, Box<Fault>),
}

impl Record {
    /// Writes the record of a fault that is to be made; none where there is one already.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(folder: &Path, fault: &Fault) -> Result<Option<Self>> {
        let path = folder.join(FILE_NAME);
        let write = || -> std::io::Result<Option<File>> {
            let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            let mut file = match created {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
                created => created?,
            };
            file.lock()?;
            // Another run may have taken the empty file for one that was left, and removed it.
            if !is_at(&file, &path) {
                return Ok(None);
            }
            let text = Text { process: std::process::id(), fault: fault.clone() };
            file.write_all(serde_json::to_string(&text)?.as_bytes())?;
            file.sync_all()?;
            Ok(Some(file))
        };
        let file = write().with_context(|| format!("could not write {}", path.display()))?;
        Ok(file.map(|file| Self { path, file }))
    }

    /// What there is in a folder.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn find(folder: &Path) -> Result<Found> {
        let path = folder.join(FILE_NAME);
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            file => file.with_context(|| format!("could not open {}", path.display()))?,
        };
        let is_free = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("could not lock {}", path.display()));
            }
        };
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(|| format!("could not read {}", path.display()))?;
        let record = Self { path, file };
        match serde_json::from_str::<Text>(&text) {
            Ok(Text { fault, .. }) if is_free => Ok(Found::Left(record, Box::new(fault))),
            Ok(Text { process, fault }) => Ok(Found::Held(process, Box::new(fault))),
            // A run was killed before it had written the record, and so before it made a fault.
            Err(_) if is_free => record.remove().map(|()| Found::Nothing),
            Err(_) => Ok(Found::Nothing),
        }
    }

    /// Removes it, if it was not removed or replaced meanwhile.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn remove(self) -> Result<()> {
        if is_at(&self.file, &self.path) {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Effect;

    fn fault() -> Fault {
        Fault {
            words: "freeze s3g2".to_owned(),
            project: "demo".to_owned(),
            container: "id-s3g2".to_owned(),
            effect: Effect::Freeze,
            milliseconds: 1000,
        }
    }

    #[test]
    fn a_record_that_no_process_has_locked_was_left() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(Record::find(folder.path()), Ok(Found::Nothing)));
        let held = Record::begin(folder.path(), &fault()).expect("a record").expect("the first one");
        let Ok(Found::Held(process, found)) = Record::find(folder.path()) else { panic!("it is held") };
        assert_eq!((process, *found), (std::process::id(), fault()));
        assert!(Record::begin(folder.path(), &fault()).expect("an answer").is_none());
        drop(held);
        let Ok(Found::Left(record, found)) = Record::find(folder.path()) else { panic!("it was left") };
        assert_eq!(*found, fault());
        record.remove().expect("a folder to write to");
        assert!(matches!(Record::find(folder.path()), Ok(Found::Nothing)));
    }

    #[test]
    fn a_record_that_was_not_written_to_its_end_is_of_no_fault() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(FILE_NAME), "{\"process\": 1, \"fau").expect("a file");
        assert!(matches!(Record::find(folder.path()), Ok(Found::Nothing)));
        assert!(!folder.path().join(FILE_NAME).exists());
    }
}
