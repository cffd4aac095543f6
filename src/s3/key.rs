//! An access key and its secret, which nothing shows by accident.

use std::fmt;

use super::{ACCESS_KEY, SECRET_KEY};

/// What a client signs with.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// The access key: the user's name.
    pub access: String,
    secret: String,
}

impl Key {
    /// A key of a user.
    #[must_use]
    pub fn new(access: &str, secret: &str) -> Self {
        Self { access: access.to_owned(), secret: secret.to_owned() }
    }

    /// The key for a cluster without security, which any key opens.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self::new(ACCESS_KEY, SECRET_KEY)
    }

    /// The secret, to sign with it or to pass it on.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The same access key with a secret that is not its own.
    #[must_use]
    pub fn forged(&self) -> Self {
        Self::new(&self.access, SECRET_KEY)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("access", &self.access).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown_beside_its_key() {
        let text = format!("{:?}", Key::new("alice", "hunter2"));
        assert!(text.contains("alice") && !text.contains("hunter2"), "{text}");
    }
}
