//! Names of S3 users.

use std::fmt;
use std::str::FromStr;

use super::Takes;
use crate::s3::ACCESS_KEY;

/// Names that Ozone's own services have as principals, the first two of them with every right.
const OF_SERVICES: &[&str] = &["admin", "om", "scm", "dn", "s3g"];

/// The name of an S3 user, which is its access key too: one word of a Kerberos principal, and of the header in which S3
/// clients sign.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserName(String);

impl UserName {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text("^[A-Za-z][A-Za-z0-9._-]{0,62}$");

    /// The user as which this tool sends its own requests: for the proof that gateways serve, and for `smoke`.
    #[must_use]
    pub fn of_this_tool() -> Self {
        Self(ACCESS_KEY.to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = |why: &str| Err(format!("`{text}` names no user: {why}"));
        let is_word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return refused("a name begins with a letter");
        }
        if !text.chars().all(is_word) {
            return refused("Kerberos and S3 both take letters, digits, `.`, `_` and `-`");
        }
        if text.len() > 63 {
            return refused("it has 63 characters at most");
        }
        if OF_SERVICES.contains(&text) {
            return refused("one of Ozone's own services has it");
        }
        if text.starts_with(ACCESS_KEY) {
            return refused("this tool has users of its own whose names begin so");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::values::problem;

    #[test]
    fn names_are_those_that_kerberos_and_s3_take_and_no_service_has() {
        for good in ["a", "alice", "Alice.B", "ci-7", "a_b", &"a".repeat(63)] {
            assert_eq!(good.parse::<UserName>().expect(good).as_str(), good);
        }
        for (bad, why) in [
            ("", "a name begins with a letter"),
            ("7up", "a name begins with a letter"),
            ("-a", "a name begins with a letter"),
            ("a b", "Kerberos and S3 both take letters, digits, `.`, `_` and `-`"),
            ("a/b", "Kerberos and S3 both take letters, digits, `.`, `_` and `-`"),
            ("a@EXAMPLE.COM", "Kerberos and S3 both take letters, digits, `.`, `_` and `-`"),
            ("zoë", "Kerberos and S3 both take letters, digits, `.`, `_` and `-`"),
            (&"a".repeat(64), "it has 63 characters at most"),
            ("om", "one of Ozone's own services has it"),
            ("ozone-compose-x", "this tool has users of its own whose names begin so"),
        ] {
            assert_eq!(problem::<UserName>(bad), format!("`{bad}` names no user: {why}"));
        }
    }
}
