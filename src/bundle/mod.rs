//! An archive of texts for a bug report: what could be read, and why the rest could not.
//!
//! Knows nothing of Docker or Ozone. Everything that goes in is masked on the way.

pub mod mask;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Error, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};
use tempfile::NamedTempFile;

use crate::error::{Failure, Status};

/// The part that says what is missing; not there when nothing is.
const ERRORS: &str = "errors.txt";

/// What a part is, which decides how its secrets are found.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A log or a table.
    Text,
    /// An env file, or YAML.
    Settings,
    /// JSON.
    Json,
}

/// The parts of an archive.
#[derive(Debug, Default)]
pub struct Bundle {
    parts: BTreeMap<String, String>,
    missing: Vec<String>,
}

impl Bundle {
    /// Adds a part, its secrets hidden, or the reason why it could not be read.
    pub fn add(&mut self, name: impl Into<String>, kind: Kind, text: Result<String>) {
        let name = name.into();
        match text {
            Ok(text) => {
                let masked = match kind {
                    Kind::Text => mask::text(&text),
                    Kind::Settings => mask::settings(&text),
                    Kind::Json => mask::json(&text),
                };
                self.parts.insert(name, masked);
            }
            Err(error) => self.miss(&name, &error),
        }
    }

    /// Notes a part that could not be read.
    pub fn miss(&mut self, name: &str, error: &Error) {
        let detail = error.downcast_ref::<Failure>().map(|failure| failure.detail.as_str());
        let reason = format!("{name}: {error:#}\n{}", detail.unwrap_or_default());
        self.missing.push(mask::text(reason.trim_end()).replace('\n', "\n    "));
    }

    /// The parts that could not be read, each with its reason.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Writes the archive with everything under one folder, whole or not at all. Only its owner may read it: not every
    /// secret in a log is known as one.
    ///
    /// # Errors
    /// A file of that name that is there already, which stays as it is; a full disk.
    pub fn write(mut self, top: &str, file: &Path) -> Result<()> {
        if !self.missing.is_empty() {
            self.parts.insert(ERRORS.to_owned(), format!("{}\n", self.missing.join("\n")));
        }
        let attempt = || format!("could not write {}", file.display());
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        let mut staged = NamedTempFile::new_in(parent.unwrap_or(Path::new("."))).with_context(attempt)?;
        staged.write_all(&packed(top, &self.parts)?).with_context(attempt)?;
        staged.as_file().sync_all().with_context(attempt)?;
        match staged.persist_noclobber(file) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(is_there(file).into()),
            Err(error) => Err(error.error).with_context(attempt),
        }
    }
}

/// The parts as a compressed archive, in the order of their names.
fn packed(top: &str, parts: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, text) in parts {
        let mut header = Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(now);
        archive.append_data(&mut header, format!("{top}/{name}"), text.as_bytes())?;
    }
    Ok(archive.into_inner()?.finish()?)
}

/// Refuses a file that is there already, or whose folder is not.
///
/// # Errors
/// Then, with the exit code of bad usage.
pub fn refuse_unwritable(file: &Path) -> Result<()> {
    if file.symlink_metadata().is_ok() {
        return Err(is_there(file).into());
    }
    match file.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.is_dir()) {
        None => Ok(()),
        Some(parent) => {
            let message =
                format!("could not write {}: there is no folder `{}`", file.display(), parent.display());
            Err(Failure::new(Status::Usage, message).with_hint("make it, or name another file").into())
        }
    }
}

fn is_there(file: &Path) -> Failure {
    let message = format!("could not write {}: it is there already", file.display());
    Failure::new(Status::Usage, message).with_hint("name another file, or remove this one")
}

/// The first of `NAME-collected.tar.gz`, `NAME-collected-2.tar.gz` and on that is not there.
#[must_use]
pub fn free_name(top: &str) -> PathBuf {
    let numbered = (2..).map(|number: u32| PathBuf::from(format!("{top}-{number}.tar.gz")));
    let mut names = [PathBuf::from(format!("{top}.tar.gz"))].into_iter().chain(numbered);
    names.find(|name| name.symlink_metadata().is_err()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn entries(file: &Path) -> Vec<(String, u32, String)> {
        let bytes = fs_err::read(file).expect("an archive");
        let mut archive = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
        let entry = |entry: std::io::Result<tar::Entry<'_, _>>| {
            let mut entry = entry.expect("an entry");
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("a text");
            let name = entry.path().expect("a name").display().to_string();
            (name, entry.header().mode().expect("a mode"), text)
        };
        archive.entries().expect("entries").map(entry).collect()
    }

    #[test]
    fn an_archive_holds_its_parts_in_order_and_says_what_is_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("x.tar.gz");
        let long = format!("logs/{}.log", "n".repeat(150));
        let mut bundle = Bundle::default();
        bundle.add("versions.txt", Kind::Text, Ok("1\n".to_owned()));
        bundle.add(&long, Kind::Text, Ok("password=x\n".to_owned()));
        bundle.add("ps.json", Kind::Json, Err(anyhow::anyhow!("no engine, token=x")));
        assert_eq!(bundle.missing().len(), 1);
        bundle.write("demo", &file).expect("a new file");
        let expected = [
            ("demo/errors.txt".to_owned(), 0o644, "ps.json: no engine, token=***\n".to_owned()),
            (format!("demo/{long}"), 0o644, "password=***\n".to_owned()),
            ("demo/versions.txt".to_owned(), 0o644, "1\n".to_owned()),
        ];
        assert_eq!(entries(&file), expected);

        let again = Bundle::default().write("demo", &file).expect_err("it is there");
        assert_eq!(crate::error::status_of(&again), Status::Usage);
        assert_eq!(entries(&file), expected);
        let left = fs_err::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(left, 1, "a temporary file was left");
    }
}
