//! The secrets of a secure cluster's S3 users: one file that its owner alone reads, in the format of AWS, with a profile for
//! each user. It is not rendered: secrets are OM's, and what is there stays until OM gives another.
//!
//! Knows nothing of how a secret is got.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use crate::error::{Failure, Status};
use crate::keyfile::{put, remove};
use crate::s3::Key;
use crate::site::Site;
use crate::spec::values::UserName;

/// The folder that only its owner may enter, relative to the cluster's.
const FOLDER: &str = "secrets";
/// The file, relative to the cluster's folder.
pub const FILE: &str = "secrets/credentials";
/// Keeps it out of a person's repository.
const IGNORE: &str = "secrets/.gitignore";

/// The keys of users, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials(BTreeMap<String, Key>);

impl Credentials {
    /// Those in a cluster's folder; none where there is no file.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        match fs::read_to_string(folder.join(FILE)) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the profiles that have both halves of a key; anything else is skipped.
    fn parse(text: &str) -> Self {
        let (mut keys, mut access) = (BTreeMap::new(), String::new());
        for line in text.lines().map(str::trim) {
            let value = |name: &str| Some(line.strip_prefix(name)?.trim_start().strip_prefix('=')?.trim());
            if let Some(name) = value("aws_access_key_id") {
                name.clone_into(&mut access);
            } else if let Some(secret) = value("aws_secret_access_key")
                && !access.is_empty()
            {
                let key = Key::new(&std::mem::take(&mut access), secret);
                keys.insert(key.access.clone(), key);
            }
        }
        Self(keys)
    }

    /// The names of all users.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A user's key.
    #[must_use]
    pub fn of(&self, user: &UserName) -> Option<&Key> {
        self.0.get(user.as_str())
    }

    /// Adds a key, or takes the place of the one that its user had.
    pub fn put(&mut self, key: Key) {
        self.0.insert(key.access.clone(), key);
    }

    /// Forgets a user.
    pub fn remove(&mut self, user: &str) {
        self.0.remove(user);
    }

    /// Writes the file, complete or not at all.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let secrets = folder.join(FOLDER);
        fs::create_dir_all(&secrets)?;
        fs::set_permissions(&secrets, PermissionsExt::from_mode(0o700))?;
        put(&folder.join(IGNORE), "*\n", 0o600)?;
        let profile = |key: &Key| {
            format!(
                "\n[{0}]\naws_access_key_id = {0}\naws_secret_access_key = {1}\n",
                key.access,
                key.secret()
            )
        };
        let profiles: String = self.0.values().map(profile).collect();
        put(
            &folder.join(FILE),
            format!(
                "# S3 users of this cluster: AWS_SHARED_CREDENTIALS_FILE may name this file.\n{profiles}"
            ),
            0o600,
        )
    }
}

/// Removes the secrets of a cluster whose data is gone.
///
/// # Errors
/// A folder that cannot be written.
pub fn forget(folder: &Path) -> Result<()> {
    for name in [FILE, IGNORE] {
        remove(&folder.join(name))?;
    }
    // A person may keep something there.
    let _ = fs::remove_dir(folder.join(FOLDER));
    Ok(())
}

/// The key with which this tool signs its own requests.
///
/// # Errors
/// Where a secure cluster's is not in the file: with the command that gets it.
pub fn own(site: &Site) -> Result<Key> {
    if site.spec.kerberos.is_none() {
        return Ok(Key::of_nobody());
    }
    of(site, &UserName::of_this_tool())
}

/// The key of a user; without a name, of the first user of the choices.
///
/// # Errors
/// A user whose key is not in the file, or a cluster where no user has a key.
pub fn of_user(site: &Site, name: Option<&UserName>) -> Result<Key> {
    match (&site.spec.kerberos, name) {
        (None, None) => Ok(Key::of_nobody()),
        (None, Some(_)) => Err(no_security(site).into()),
        (Some(kerberos), _) => {
            name.or(kerberos.users.first()).map_or_else(|| own(site), |user| of(site, user))
        }
    }
}

/// Why a cluster has no users.
#[must_use]
pub fn no_security(site: &Site) -> Failure {
    let message = format!("cluster `{}` has no security, and so no users: any key opens it", site.name);
    let hint = format!("`{}` makes another cluster that has", site.command("up --secure --name NAME"));
    Failure::new(Status::Usage, message).with_hint(hint)
}

fn of(site: &Site, user: &UserName) -> Result<Key> {
    let credentials = Credentials::read(&site.folder)?;
    credentials.of(user).cloned().ok_or_else(|| {
        let kerberos = site.spec.kerberos.as_ref();
        let is_user = *user == UserName::of_this_tool()
            || kerberos.is_some_and(|kerberos| kerberos.users.contains(user));
        if !is_user {
            let message = format!("cluster `{}` has no user `{user}`", site.name);
            let hint = format!("`{}` adds one", site.command(&format!("user add {user}")));
            return Failure::new(Status::Usage, message).with_hint(hint).into();
        }
        let message = format!("the secret of `{user}` is not in `{}`", site.folder.join(FILE).display());
        let hint = format!("`{}` gets a new one", site.command("up"));
        Failure::new(Status::NotReady, message).with_hint(hint).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserName {
        name.parse().expect("a name")
    }

    #[test]
    fn what_is_written_is_read_by_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Credentials::read(folder.path()).expect("no file"), Credentials::default());
        let mut credentials = Credentials::default();
        credentials.put(Key::new("alice", "s3cret"));
        credentials.put(Key::new("bob", "other"));
        credentials.write(folder.path()).expect("a file");
        let read = Credentials::read(folder.path()).expect("a file");
        assert_eq!(read, credentials);
        assert_eq!(read.of(&user("alice")).map(Key::secret), Some("s3cret"));
        let mode =
            |name: &str| fs::metadata(folder.path().join(name)).expect(name).permissions().mode() & 0o777;
        assert_eq!((mode(FOLDER), mode(FILE)), (0o700, 0o600));
        let text = fs::read_to_string(folder.path().join(FILE)).expect("a file");
        assert!(text.ends_with("[bob]\naws_access_key_id = bob\naws_secret_access_key = other\n"), "{text}");
        forget(folder.path()).expect("gone");
        assert!(!folder.path().join(FOLDER).exists());
        forget(folder.path()).expect("gone already");
    }

    #[test]
    fn half_a_key_is_none() {
        let text = "[a]\naws_secret_access_key = x\n[b]\naws_access_key_id=b\n[c]\naws_access_key_id = c\n\
                    aws_secret_access_key = y=\n";
        let read = Credentials::parse(text);
        assert_eq!(read.users().collect::<Vec<_>>(), ["c"]);
        assert_eq!(read.of(&user("c")).map(Key::secret), Some("y="));
    }
}
