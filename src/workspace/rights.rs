//! Who may read the files of a folder: a rewrite leaves that as it was, and what a container mounts is for all to read.

use std::fs::{File, Metadata, Permissions};
use std::io::{ErrorKind, Result as IoResult};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;

use super::Change;
use crate::engine::quoted;

/// What ends the name of a file that HAProxy reads.
const MOUNTED: &str = ".cfg";

/// The folder whose files the containers of a secure cluster read.
const KERBEROS: &str = "kerberos/";

/// Whether a container reads a file, relative to the folder. Such a file lies in a sub-folder, and is read by a user of the
/// container's own, which this machine does not know.
pub(super) fn is_mounted(name: &str) -> bool {
    name.starts_with(KERBEROS) || name.contains('/') && name.ends_with(MOUNTED)
}

/// The mode and owner that a written file gets.
#[derive(Debug)]
pub(super) enum Rights {
    /// Those of the file that it replaces or copies.
    Of(Metadata),
    /// All may read it, whatever the umask.
    Public,
    /// Only its owner may read it.
    Private,
    /// As any new file's.
    Usual,
}

impl Rights {
    /// Those of a file that a change is about; `path` is where its name leads.
    pub(super) fn of(path: &Path, change: &Change) -> Self {
        match fs::metadata(path) {
            Ok(before) => Self::Of(before),
            Err(_) if is_mounted(change.name()) => Self::Public,
            Err(_) if change.is_closed() => Self::Private,
            Err(_) => Self::Usual,
        }
    }

    /// The mode to create a file with, of which the system takes what the umask forbids.
    pub(super) fn to_create(&self) -> Permissions {
        Permissions::from_mode(match self {
            // Closed while it is written: the text may be one that few may read.
            Self::Of(_) | Self::Public | Self::Private => 0o600,
            Self::Usual => 0o666,
        })
    }

    /// Gives them to a file that was created so.
    pub(super) fn give(&self, file: &File) -> IoResult<()> {
        match self {
            Self::Of(before) => {
                keep_owner(file, before)?;
                file.set_permissions(Permissions::from_mode(before.mode() & 0o7777))
            }
            Self::Public => file.set_permissions(Permissions::from_mode(0o644)),
            Self::Private | Self::Usual => Ok(()),
        }
    }
}

/// Only root gives a file to another user, and others only to a group of theirs: what is not permitted stays undone.
fn keep_owner(file: &File, before: &Metadata) -> IoResult<()> {
    let now = file.metadata()?;
    let group = (now.gid() != before.gid()).then(|| before.gid());
    let owner = (now.uid() != before.uid()).then(|| before.uid());
    if group.is_some() {
        let _ = fchown(file, None, group);
    }
    if owner.is_some() {
        let _ = fchown(file, owner, None);
    }
    Ok(())
}

/// Opens a folder that was just made to all.
pub(super) fn publish_folder(path: &Path) -> Result<()> {
    Ok(fs::set_permissions(path, Permissions::from_mode(0o755))?)
}

/// Lets all read a mounted file and list its folder: a clone or a copy made with another umask may have closed both.
/// No rights are removed. Files of others stay as they are, and [`unreadable`] reports them.
pub(super) fn let_all_read(file: &Path) {
    let _ = add(file, 0o444);
    if let Some(folder) = file.parent() {
        let _ = add(folder, 0o555);
    }
}

fn add(path: &Path, bits: u32) -> IoResult<()> {
    let mode = fs::metadata(path)?.mode() & 0o7777;
    if mode & bits == bits { Ok(()) } else { fs::set_permissions(path, Permissions::from_mode(mode | bits)) }
}

/// A file or folder that some user of a container may not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    path: PathBuf,
    class: char,
    rights: &'static str,
}

impl Unreadable {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The command that makes it readable, as one would type it: `chmod o+r haproxy/zz-local.cfg`.
    #[must_use]
    pub fn chmod(&self) -> String {
        let path = self.path.strip_prefix(".").unwrap_or(&self.path).to_string_lossy();
        // Else `chmod` would take the name for an option.
        let before = if path.starts_with('-') { "./" } else { "" };
        format!("chmod {}+{} {}", self.class, self.rights, quoted(&format!("{before}{path}")))
    }
}

/// What a process with this user and group may not read, of a folder and of the mounted files in it; the folder first.
/// Nothing where there is no such folder.
///
/// # Errors
/// A folder that this user may not list.
pub(super) fn unreadable(folder: &Path, uid: u32, gid: u32) -> Result<Vec<Unreadable>> {
    let closed = |path: &Path, about: &Metadata| {
        let (class, shift) = match about {
            _ if about.uid() == uid => ('u', 6),
            _ if about.gid() == gid => ('g', 3),
            _ => ('o', 0),
        };
        let (rights, bits) = if about.is_dir() { ("rx", 0o5) } else { ("r", 0o4) };
        let is_closed = uid != 0 && (about.mode() >> shift) & bits != bits;
        is_closed.then(|| Unreadable { path: path.to_owned(), class, rights })
    };
    let about = match fs::metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        about => about?,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.ends_with(MOUNTED) || name.starts_with('.') {
            continue;
        }
        // A link that leads nowhere, as editors leave them beside a file, is not there to be read.
        let Ok(about) = fs::metadata(&path) else { continue };
        if about.is_file() {
            found.extend(closed(&path, &about));
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(closed(folder, &about).into_iter().chain(found).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A user id that does not exist here.
    const STRANGER: u32 = 54_321;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
    }

    fn commands(found: &[Unreadable], folder: &Path) -> Vec<String> {
        found.iter().map(|one| one.chmod().replace(&format!("{}/", folder.display()), "")).collect()
    }

    #[test]
    fn what_other_users_may_not_read_is_found_with_the_command_that_opens_it() {
        let top = tempfile::tempdir().expect("a folder");
        let folder = top.path().join("haproxy");
        assert_eq!(unreadable(&folder, STRANGER, STRANGER).expect("no folder"), []);
        fs::create_dir(&folder).expect("a folder");
        for name in ["a.cfg", "b c.cfg", "closed.txt", ".hidden.cfg", "open.cfg"] {
            fs::write(folder.join(name), "").expect("a file");
            set_mode(&folder.join(name), 0o640);
        }
        fs::os::unix::fs::symlink("nowhere", folder.join("link.cfg")).expect("a link");
        set_mode(&folder.join("open.cfg"), 0o604);
        set_mode(&folder, 0o750);
        let about = fs::metadata(&folder).expect("a folder");
        let found = |uid, gid| commands(&unreadable(&folder, uid, gid).expect("a folder"), top.path());
        let stranger = ["chmod o+rx haproxy", "chmod o+r haproxy/a.cfg", "chmod o+r 'haproxy/b c.cfg'"];
        assert_eq!(found(STRANGER, STRANGER), stranger);
        // Groups come before others, also where others may more.
        assert_eq!(found(STRANGER, about.gid()), ["chmod g+r haproxy/open.cfg"]);
        assert_eq!(found(0, STRANGER), [""; 0]);
        if about.uid() != 0 {
            set_mode(&folder.join("a.cfg"), 0o044);
            assert_eq!(found(about.uid(), STRANGER), ["chmod u+r haproxy/a.cfg"]);
        }
        set_mode(&folder, 0o744);
        assert_eq!(found(STRANGER, STRANGER)[0], "chmod o+rx haproxy", "it may be listed and not entered");
    }

    #[test]
    fn a_command_names_the_path_as_a_shell_and_chmod_take_it() {
        let command = |path: &str| Unreadable { path: path.into(), class: 'o', rights: "r" }.chmod();
        assert_eq!(command("./haproxy/x.cfg"), "chmod o+r haproxy/x.cfg");
        assert_eq!(command("my demo/x.cfg"), "chmod o+r 'my demo/x.cfg'");
        assert_eq!(command("-x/x.cfg"), "chmod o+r ./-x/x.cfg");
        assert_eq!(command("./-x/x.cfg"), "chmod o+r ./-x/x.cfg");
    }

    #[test]
    fn a_mounted_file_is_known_by_its_place_and_its_name() {
        assert!(is_mounted("haproxy/s3-haproxy.cfg") && is_mounted("kerberos/krb5.conf"));
        for name in ["s3-haproxy.cfg", ".env", "upstream/s3-haproxy.cfg.j2", "haproxy/s3-haproxy.cfg.bak"] {
            assert!(!is_mounted(name), "{name}");
        }
    }

    #[test]
    fn an_owner_is_kept_where_that_is_permitted() {
        let folder = tempfile::tempdir().expect("a folder");
        let (before, after) = (folder.path().join("before"), folder.path().join("after"));
        fs::write(&before, "").expect("a file");
        if std::os::unix::fs::chown(&before, Some(STRANGER), Some(STRANGER)).is_err() {
            // Not root: the file stays this user's own, which is kept as well.
            set_mode(&before, 0o640);
        }
        let file = File::create(&after).expect("a file");
        let rights = Rights::of(&before, &Change::new("before", None, None));
        rights.give(&file).expect("rights");
        let of = |path: &Path| {
            let about = fs::metadata(path).expect("a file");
            (about.uid(), about.gid(), about.mode())
        };
        assert_eq!(of(&before), of(&after));
    }
}
