//! The keys of a secure cluster on Docker Swarm: random passwords of its principals, made once, in a folder that only its owner
//! enters. The KDC is given the passwords and each service a keytab that follows from them, so that neither has data to lose.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use fs_err as fs;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hmac, pbkdf2};

use crate::digest::digest;
use crate::keyfile::{put, remove};

/// The realm in `krb5.conf`.
const REALM: &str = "EXAMPLE.COM";

/// The folder of all keys, relative to the cluster's.
pub const FOLDER: &str = "kerberos/private";

/// What the KDC is given: commands of `kadmin.local` that make the principals.
pub const PRINCIPALS: &str = "principals";

/// The secret of this tool's own S3 user, with which gateways prove themselves.
pub const S3_SECRET: &str = "s3-secret";

/// What ends the name of a keytab; before it is a service of [`KEYTABS`].
pub const KEYTAB: &str = ".keytab";

/// Keeps keys out of a person's repository.
const IGNORE: &str = ".gitignore";

/// The keytabs and the principals in each, which `docker-config` names. A gateway is a service of Ozone and a web server.
pub const KEYTABS: &[(&str, &[&str])] = &[
    ("scm", &["scm/scm"]),
    ("om", &["om/om"]),
    ("dn", &["dn/dn"]),
    ("s3g", &["s3g/s3g", "HTTP/s3g"]),
    (ADMINISTRATOR, &["admin/ozone"]),
];

/// The keytab of the administrator, which no service has.
pub const ADMINISTRATOR: &str = "admin";

/// Tickets are encrypted with its key: where it stays, they are valid at another KDC too.
const TICKET_GRANTER: &str = "krbtgt/EXAMPLE.COM";

/// The encryption of all keys (RFC 8009), for MIT's programs and for a keytab.
const ENCRYPTION: (&str, u16) = ("aes256-cts-hmac-sha384-192", 20);

/// Rounds between a password and its key: the default of RFC 8009.
const ROUNDS: NonZeroU32 = NonZeroU32::new(32768).expect("not 0");

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The number of a principal's first key.
const FIRST_VERSION: u8 = 1;

/// The contents of the folder, by the names of its files.
#[derive(Clone, PartialEq, Eq)]
pub struct Realm(BTreeMap<String, Vec<u8>>);

impl Realm {
    /// The keys in a cluster's folder; none where one of them is missing.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        let read = |name: String| Some((name.clone(), fs::read(folder.join(FOLDER).join(name)).ok()?));
        names().map(read).collect::<Option<_>>().map(Self)
    }

    /// New keys.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new() -> Result<Self> {
        let mut commands = String::new();
        let mut files = BTreeMap::new();
        let (encryption, _) = ENCRYPTION;
        writeln!(commands, "change_password -pw {} -e {encryption}:normal {TICKET_GRANTER}", random()?)?;
        for (service, principals) in KEYTABS {
            // What begins each keytab: version 2 of the format.
            let mut keytab = vec![5, 2];
            for principal in *principals {
                let password = random()?;
                writeln!(commands, "add_principal -pw {password} -e {encryption}:normal {principal}")?;
                keytab.extend(entry(principal, &key(&password, principal)));
            }
            files.insert(format!("{service}{KEYTAB}"), keytab);
        }
        files.insert(PRINCIPALS.to_owned(), commands.into_bytes());
        files.insert(S3_SECRET.to_owned(), random()?.into_bytes());
        Ok(Self(files))
    }

    /// Writes them to a cluster's folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let folder = folder.join(FOLDER);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, PermissionsExt::from_mode(0o700))?;
        put(&folder.join(IGNORE), "*\n", 0o600)?;
        self.0.iter().try_for_each(|(name, bytes)| put(&folder.join(name), bytes, 0o600))
    }

    /// Another one for other keys.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(&String::from_utf8_lossy(&self.0[PRINCIPALS]))
    }

    /// The keytab of the administrator.
    #[must_use]
    pub fn administrator(&self) -> &[u8] {
        &self.0[&format!("{ADMINISTRATOR}{KEYTAB}")]
    }

    /// The secret of this tool's own S3 user.
    #[must_use]
    pub fn s3_secret(&self) -> String {
        String::from_utf8_lossy(&self.0[S3_SECRET]).into_owned()
    }
}

/// Without the keys.
impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Realm").field(&self.digest()).finish()
    }
}

/// Removes the keys of a cluster whose data is gone.
///
/// # Errors
/// A folder that cannot be written.
pub fn forget(folder: &Path) -> Result<()> {
    let private: PathBuf = folder.join(FOLDER);
    names().chain([IGNORE.to_owned()]).try_for_each(|name| remove(&private.join(name)))?;
    // A person may keep something there.
    let _ = fs::remove_dir(private);
    Ok(())
}

fn names() -> impl Iterator<Item = String> {
    let keytabs = KEYTABS.iter().map(|(service, _)| format!("{service}{KEYTAB}"));
    keytabs.chain([PRINCIPALS.to_owned(), S3_SECRET.to_owned()])
}

/// 256 random bits, in hexadecimal.
fn random() -> Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow!("the system gives no random bytes"))?;
    Ok(hexadecimal(&bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The key that follows from the password of a principal (RFC 8009, section 4), with MIT's `normal` salt.
fn key(password: &str, principal: &str) -> [u8; KEY_BYTES] {
    let salt = format!("{REALM}{}", principal.replace('/', ""));
    base_key(password.as_bytes(), salt.as_bytes())
}

fn base_key(password: &[u8], salt: &[u8]) -> [u8; KEY_BYTES] {
    let salt = [ENCRYPTION.0.as_bytes(), &[0], salt].concat();
    let mut stretched = [0; KEY_BYTES];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA384, ROUNDS, &salt, password, &mut stretched);
    // The first and only block; 256 is the length of the key in bits.
    let block = [&1_u32.to_be_bytes()[..], b"kerberos", &[0], &256_u32.to_be_bytes()].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA384, &stretched), &block);
    let mut key = [0; KEY_BYTES];
    key.copy_from_slice(&tag.as_ref()[..KEY_BYTES]);
    key
}

/// An entry of a keytab: principal, key and its number.
fn entry(principal: &str, key: &[u8]) -> Vec<u8> {
    const PRINCIPAL: u32 = 1;
    /// It is for people, and equal keys are to be equal bytes.
    const MADE_AT: u32 = 0;
    let components: Vec<&str> = principal.split('/').collect();
    let mut entry = length(components.len());
    for text in [REALM].into_iter().chain(components) {
        entry.extend(length(text.len()));
        entry.extend(text.as_bytes());
    }
    entry.extend(PRINCIPAL.to_be_bytes());
    entry.extend(MADE_AT.to_be_bytes());
    entry.push(FIRST_VERSION);
    entry.extend(ENCRYPTION.1.to_be_bytes());
    entry.extend(length(key.len()));
    entry.extend(key);
    let size = u32::try_from(entry.len()).unwrap_or(u32::MAX);
    [&size.to_be_bytes()[..], &entry].concat()
}

fn length(length: usize) -> Vec<u8> {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8009, appendix A: the sample for aes256-cts-hmac-sha384-192.
    #[test]
    fn a_key_is_that_of_the_rfc() {
        let random =
            [0x10, 0xDF, 0x9D, 0xD7, 0x83, 0xE5, 0xBC, 0x8A, 0xCE, 0xA1, 0x73, 0x0E, 0x74, 0x35, 0x5F, 0x61];
        let salt = [&random[..], b"ATHENA.MIT.EDUraeburn"].concat();
        let key = hexadecimal(&base_key(b"password", &salt));
        assert_eq!(key, "45bd806dbf6a833a9cffc1c94589a222367a79bc21c413718906e9f578a78467");
    }

    #[test]
    fn what_is_written_is_read_by_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Realm::read(folder.path()), None);
        let realm = Realm::new().expect("random bytes");
        realm.write(folder.path()).expect("files");
        assert_eq!(Realm::read(folder.path()), Some(realm.clone()));
        let mode = |name: &str| {
            fs::metadata(folder.path().join(FOLDER).join(name)).expect(name).permissions().mode() & 0o777
        };
        assert_eq!((mode("."), mode(PRINCIPALS), mode("om.keytab")), (0o700, 0o600, 0o600));
        assert!(!format!("{realm:?}").contains(&realm.s3_secret()));
        assert_ne!(realm.digest(), Realm::new().expect("random bytes").digest());
        fs::remove_file(folder.path().join(FOLDER).join("dn.keytab")).expect("gone");
        assert_eq!(Realm::read(folder.path()), None, "half of the keys are none");
        forget(folder.path()).expect("gone");
        assert!(!folder.path().join(FOLDER).exists());
        forget(folder.path()).expect("gone already");
    }

    #[test]
    fn a_keytab_has_the_length_of_its_entries() {
        let realm = Realm::new().expect("random bytes");
        let keytab = &realm.0["s3g.keytab"];
        let sizes = ["s3g", "HTTP"]
            .map(|service| 4 + 2 + 2 + 11 + 2 + service.len() + 2 + 3 + 4 + 4 + 1 + 2 + 2 + 32);
        assert_eq!(keytab.len(), 2 + sizes.iter().sum::<usize>());
    }
}
