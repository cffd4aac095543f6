//! Files with keys and secrets, which are not rendered: `tls` and `credentials` write them.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use fs_err as fs;
use tempfile::NamedTempFile;

/// Writes a file whole or not at all, closed to others until it has its mode.
///
/// # Errors
/// A folder that cannot be written.
pub(crate) fn put(path: &Path, bytes: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    let attempt = || -> std::io::Result<()> {
        let parent = path.parent().unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(parent)?;
        file.write_all(bytes.as_ref())?;
        file.as_file().set_permissions(PermissionsExt::from_mode(mode))?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    attempt().with_context(|| format!("could not write {}", path.display()))
}

/// Removes a file, where it is there.
///
/// # Errors
/// A folder that cannot be written.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
