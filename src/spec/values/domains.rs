//! Domains of which buckets are subdomains.

use std::fmt;
use std::str::FromStr;

use super::Takes;

/// The name of S3 under which each bucket has a name of its own, such as `s3.localhost`: in lower case, without a dot at
/// either end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// The texts that this type reads.
    pub const TAKES: Takes =
        Takes::Text(r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$");
    /// Room for a bucket and a dot before it, in the 253 bytes of a name.
    const LONGEST: usize = 253 - 64;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has no dot. Most clients trust no certificate for all names right under a top-level one.
    #[must_use]
    pub fn is_one_label(&self) -> bool {
        !self.0.contains('.')
    }

    /// Whether a host is a name under it.
    #[must_use]
    pub fn holds(&self, host: &str) -> bool {
        host.strip_suffix(self.as_str()).is_some_and(|rest| rest.ends_with('.'))
    }
}

impl FromStr for DomainName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.starts_with(is_word)
                && label.ends_with(is_word)
                && label.chars().all(|c| is_word(c) || c == '-')
        };
        // A last label that begins with a digit would make an address of it.
        let ends_well =
            text.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_lowercase()));
        if text.len() <= Self::LONGEST && ends_well && text.split('.').all(is_label) {
            return Ok(Self(text.to_owned()));
        }
        let bare = text.trim_start_matches('*').trim_matches('.').to_lowercase();
        let instead =
            if bare != text && bare.parse::<Self>().is_ok() { &bare } else { "a name such as s3.localhost" };
        Err(format!("`{text}` is no domain: write {instead}"))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::values::problem;

    #[test]
    fn domains_are_names_in_lower_case() {
        for good in ["localhost", "s3.localhost", "s3.127.0.0.1.nip.io", "a-b.c9"] {
            assert_eq!(good.parse::<DomainName>().expect(good).as_str(), good);
        }
        for (bad, instead) in [
            ("", "a name such as s3.localhost"),
            ("10.0.0.7", "a name such as s3.localhost"),
            ("s3.localhost:9878", "a name such as s3.localhost"),
            ("a_b.c", "a name such as s3.localhost"),
            ("-a.b", "a name such as s3.localhost"),
            ("a..b", "a name such as s3.localhost"),
            ("*.s3.localhost", "s3.localhost"),
            (".s3.localhost", "s3.localhost"),
            ("S3.Example.com.", "s3.example.com"),
        ] {
            assert_eq!(problem::<DomainName>(bad), format!("`{bad}` is no domain: write {instead}"));
        }
    }

    #[test]
    fn a_name_is_under_a_domain_where_a_dot_stands_between() {
        let domain: DomainName = "s3.localhost".parse().expect("a domain");
        assert!(domain.holds("a.s3.localhost") && domain.holds("a.b.s3.localhost"));
        assert!(
            !domain.holds("s3.localhost") && !domain.holds("as3.localhost") && !domain.holds("localhost")
        );
    }
}
