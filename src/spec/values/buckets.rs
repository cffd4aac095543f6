//! Buckets: their names, and what else can be chosen of one.

use std::fmt;
use std::str::FromStr;

use super::{Layout, Quota, Takes};

/// The separator between a name and the bucket's attributes, which no name contains.
const SEPARATOR: char = ':';

/// A bucket that should exist: `logs`, or `logs:layout=fso:quota=10GB`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketChoice {
    /// Its name.
    pub name: BucketName,
    /// How Ozone keeps its keys; none where that does not matter.
    pub layout: Option<Layout>,
    /// How many bytes it may hold; none where that does not matter.
    pub quota: Option<Quota>,
}

impl BucketChoice {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text(
        "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](:(layout=(fso|obs|legacy)|quota=[1-9][0-9]*[KMGT]?B))*$",
    );

    /// Whether it has attributes that the S3 API cannot set.
    #[must_use]
    pub fn says_more(&self) -> bool {
        self.layout.is_some() || self.quota.is_some()
    }
}

impl From<BucketName> for BucketChoice {
    fn from(name: BucketName) -> Self {
        Self { name, layout: None, quota: None }
    }
}

impl FromStr for BucketChoice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(SEPARATOR);
        let mut bucket = Self::from(parts.next().unwrap_or_default().parse::<BucketName>()?);
        for part in parts {
            let is_new = match part.split_once('=') {
                Some(("layout", layout)) => bucket.layout.replace(layout.parse()?).is_none(),
                Some(("quota", quota)) => bucket.quota.replace(quota.parse()?).is_none(),
                _ => {
                    return Err(format!("`{part}` says nothing of a bucket: write layout=fso or quota=10GB"));
                }
            };
            if !is_new {
                return Err(format!("`{text}` says it twice: {part}"));
            }
        }
        Ok(bucket)
    }
}

impl fmt::Display for BucketChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        self.layout.iter().try_for_each(|layout| write!(f, "{SEPARATOR}layout={layout}"))?;
        self.quota.iter().try_for_each(|quota| write!(f, "{SEPARATOR}quota={quota}"))
    }
}

/// A name that S3 takes for a bucket, and Ozone too, which refuses a few more: digits and dots alone, and a dot beside a
/// hyphen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BucketName(String);

impl BucketName {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$");

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BucketName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let refused = |why: &str| Err(format!("S3 takes no bucket by the name `{text}`: {why}"));
        if !(3..=63).contains(&text.len()) {
            return refused("it has 3 to 63 characters");
        }
        if !text.chars().all(|c| is_word(c) || c == '-' || c == '.') {
            return refused("it has lower-case letters, digits, `-` and `.`");
        }
        if !text.starts_with(is_word) || !text.ends_with(is_word) {
            return refused("it begins and ends with a letter or a digit");
        }
        if ["..", ".-", "-."].iter().any(|pair| text.contains(pair)) {
            return refused("a dot stands between letters and digits");
        }
        if !text.contains(|c: char| c.is_ascii_lowercase() || c == '-') {
            return refused("an address, or digits alone, names none");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::values::problem;

    #[test]
    fn a_bucket_is_a_name_and_what_is_said_of_it() {
        for text in ["logs", "logs:layout=fso", "logs:quota=10GB", "logs:layout=obs:quota=1024B"] {
            let bucket: BucketChoice = text.parse().expect(text);
            assert_eq!((bucket.to_string().as_str(), bucket.says_more()), (text, text != "logs"));
        }
        for (bad, why) in [
            ("logs:", "`` says nothing of a bucket: write layout=fso or quota=10GB"),
            (
                "logs:versioning=on",
                "`versioning=on` says nothing of a bucket: write layout=fso or quota=10GB",
            ),
            ("logs:layout=flat", "`flat` is not one of fso, obs, legacy"),
            ("logs:layout=fso:layout=obs", "`logs:layout=fso:layout=obs` says it twice: layout=obs"),
            ("logs:quota=10", "`10` is not a size such as 10GB or 512MB: units are B, KB, MB, GB and TB"),
            ("L:layout=fso", "S3 takes no bucket by the name `L`: it has 3 to 63 characters"),
        ] {
            assert_eq!(problem::<BucketChoice>(bad), why);
        }
    }

    #[test]
    fn names_are_those_that_s3_and_ozone_take() {
        for good in ["abc", "my-bucket", "a.b", "1-2", "2024-01-01", "logs.example.com", &"a".repeat(63)] {
            assert_eq!(good.parse::<BucketName>().expect(good).as_str(), good);
        }
        for (bad, why) in [
            ("", "it has 3 to 63 characters"),
            ("ab", "it has 3 to 63 characters"),
            (&"a".repeat(64), "it has 3 to 63 characters"),
            ("Bucket", "it has lower-case letters, digits, `-` and `.`"),
            ("a_b", "it has lower-case letters, digits, `-` and `.`"),
            ("a/b", "it has lower-case letters, digits, `-` and `.`"),
            ("-ab", "it begins and ends with a letter or a digit"),
            ("ab.", "it begins and ends with a letter or a digit"),
            ("a..b", "a dot stands between letters and digits"),
            ("a.-b", "a dot stands between letters and digits"),
            ("192.168.5.4", "an address, or digits alone, names none"),
            ("12345", "an address, or digits alone, names none"),
        ] {
            assert_eq!(problem::<BucketName>(bad), format!("S3 takes no bucket by the name `{bad}`: {why}"));
        }
    }
}
