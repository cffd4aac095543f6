//! Names: of clusters, images, registries, versions and folders.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;

use super::{Takes, Weight};

/// A name that Compose takes for a project, so that it can also prefix containers and volumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterName(String);

impl ClusterName {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text("^[a-z0-9][a-z0-9_-]{0,62}$");

    /// The name Compose would make of a folder's name; `ozone` where nothing is left of it.
    #[must_use]
    pub fn from_folder(folder: &str) -> Self {
        let allowed = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(*c);
        let name: String = folder.to_lowercase().chars().filter(allowed).collect();
        name.trim_start_matches(['-', '_']).parse().unwrap_or_else(|_| Self("ozone".to_owned()))
    }
}

impl FromStr for ClusterName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let holds = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if starts_well && text.chars().all(holds) && text.len() <= 63 {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "Compose refuses the name `{text}`: it takes lower-case letters, digits, `-` and `_`, first a letter or digit, 63 at most"
        ))
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A gateway's name, `s3g1` and on: its service, its host, and what HAProxy calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GatewayName(u32);

impl GatewayName {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text("^s3g[1-9][0-9]*$");

    /// The name of a gateway by its number, from 1.
    #[must_use]
    pub fn numbered(number: u32) -> Self {
        Self(number)
    }

    /// Its number, from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.0
    }
}

impl FromStr for GatewayName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix("s3g").filter(|digits| !digits.starts_with(['0', '+']));
        let number = number.and_then(|digits| digits.parse().ok());
        number.map(Self).ok_or_else(|| format!("`{text}` is not a gateway such as s3g2"))
    }
}

impl fmt::Display for GatewayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3g{}", self.0)
    }
}

/// A version of Ozone, as the tag of its image: a release from 2.0 on, with what its builders say after a hyphen, or one
/// of the words that move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OzoneVersion {
    text: String,
    /// None of a word.
    numbers: Option<(u32, u32)>,
}

impl OzoneVersion {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text(
        r"^(?:latest|nightly|(?:[2-9]|[1-9][0-9]{1,3})\.[0-9]{1,4}\.[0-9]{1,4}(?:-[A-Za-z0-9_.-]{1,40})?)$",
    );
    /// The newest one whose settings are known: the minor version of Ozone 2.
    pub const NEWEST: u32 = 2;
    const WORDS: &[&str] = &["latest", "nightly"];

    /// The minor version of Ozone 2 whose settings it gets: its own, or the newest that is known.
    #[must_use]
    pub fn minor(&self) -> u32 {
        match self.numbers {
            Some((2, minor)) => minor.min(Self::NEWEST),
            _ => Self::NEWEST,
        }
    }

    /// Whether it may be newer than what is known of Ozone.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.numbers.is_none_or(|numbers| numbers > (2, Self::NEWEST))
    }
}

impl FromStr for OzoneVersion {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let of = |numbers| Self { text: text.to_owned(), numbers };
        if Self::WORDS.contains(&text) {
            return Ok(of(None));
        }
        let unknown = || {
            format!(
                "`{text}` is not a version of three numbers such as 2.2.1, nor one of {}",
                Self::WORDS.join(", ")
            )
        };
        let (numbers, build) =
            text.split_once('-').map_or((text, None), |(numbers, build)| (numbers, Some(build)));
        let number = |part: &str| {
            let is_number = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u32>().ok().filter(|_| is_number)
        };
        let parts: Option<Vec<u32>> = numbers.split('.').map(number).collect();
        let in_a_tag = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let is_build = |build: &str| (1..=40).contains(&build.len()) && build.chars().all(in_a_tag);
        match parts.as_deref() {
            Some(&[major, minor, _]) if !numbers.starts_with('0') && build.is_none_or(is_build) => {
                if major < 2 {
                    return Err(format!(
                        "{text} is older than 2.0, the oldest that this tool has settings for"
                    ));
                }
                Ok(of(Some((major, minor))))
            }
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for OzoneVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A part of an image's path, and a registry before it, as regular expressions.
macro_rules! part {
    () => {
        "[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?"
    };
}
macro_rules! host {
    () => {
        "(?:localhost|[A-Za-z0-9.:-]*[.:][A-Za-z0-9.:-]*)"
    };
}

/// The name of a container image: `[registry[:port]/]path[:tag][@digest]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName(String);

impl FromStr for ImageName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
        let (path, tag) = match name.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (name, None),
        };
        let word = |text: &str, more: &str, most: usize| {
            (1..=most).contains(&text.len())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        let mut parts: Vec<&str> = path.split('/').collect();
        let registry = (parts.len() > 1 && (parts[0].contains(['.', ':']) || parts[0] == "localhost"))
            .then(|| parts.remove(0));
        let good_part = |part: &&str| {
            word(part, "._-", 255)
                && !part.contains(char::is_uppercase)
                && part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.ends_with(|c: char| c.is_ascii_alphanumeric())
        };
        let good = parts.iter().all(good_part)
            && registry.is_none_or(|registry| word(registry, ".-:", 255))
            && tag.is_none_or(|tag| word(tag, "_.-", 128) && !tag.starts_with(['.', '-']))
            && digest.is_none_or(|digest| {
                digest.split_once(':').is_some_and(|(algorithm, hex)| {
                    word(algorithm, "+._-", 32)
                        && hex.len() >= 32
                        && hex.chars().all(|c| c.is_ascii_hexdigit())
                })
            });
        if good { Ok(Self(text.to_owned())) } else { Err(format!("`{text}` is not the name of an image")) }
    }
}

/// An image, as a regular expression.
macro_rules! image {
    () => {
        concat!(
            "(?:",
            host!(),
            "/)?",
            part!(),
            "(?:/",
            part!(),
            ")*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[A-Za-z0-9+._-]{1,32}:[0-9A-Fa-f]{32,})?"
        )
    };
}

/// The image of the gateways, or of one: `apache/ozone:2.2.0`, `s3g3=apache/ozone:2.2.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayImage {
    /// The gateway; none for all that have none of their own.
    pub gateway: Option<GatewayName>,
    /// The image.
    pub image: ImageName,
}

impl GatewayImage {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text(concat!("^(?:s3g[1-9][0-9]*=)?", image!(), "$"));
}

impl FromStr for GatewayImage {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (gateway, image) = match text.split_once('=') {
            Some((gateway, image)) => (Some(gateway.parse()?), image),
            None => (None, text),
        };
        Ok(Self { gateway, image: image.parse()? })
    }
}

impl fmt::Display for GatewayImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.gateway.iter().try_for_each(|gateway| write!(f, "{gateway}="))?;
        self.image.fmt(f)
    }
}

/// The weight of one gateway: `s3g3=10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayWeight {
    /// The gateway.
    pub gateway: GatewayName,
    /// What HAProxy calls its weight; gateways without one have [`Self::OF_OTHERS`].
    pub weight: Weight,
}

impl GatewayWeight {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text("^s3g[1-9][0-9]*=[1-9][0-9]{0,2}$");
    /// The weight of all others, where any gateway has one of its own.
    pub const OF_OTHERS: u32 = 100;
}

impl FromStr for GatewayWeight {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (gateway, weight) =
            text.split_once('=').ok_or_else(|| format!("`{text}` is not GATEWAY=N, such as s3g3=10"))?;
        Ok(Self { gateway: gateway.parse()?, weight: weight.parse()? })
    }
}

impl fmt::Display for GatewayWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.gateway, self.weight)
    }
}

impl ImageName {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text(concat!("^", image!(), "$"));

    /// The same image in a registry, unless it names one itself.
    #[must_use]
    pub fn in_registry(self, registry: Option<&Registry>) -> Self {
        let first = self.0.split_once('/').map_or("", |(first, _)| first);
        match registry {
            Some(registry) if !first.contains(['.', ':']) && first != "localhost" => {
                // Where Docker Hub itself, and so each mirror of it, keeps images of one word.
                let library = if first.is_empty() { "library/" } else { "" };
                Self(format!("{}/{library}{}", registry.0, self.0))
            }
            _ => self,
        }
    }
}

/// A registry that mirrors images, with a path where it keeps them under one: `mirror.example.com:5000/hub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry(String);

impl Registry {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text(concat!("^", host!(), "(?:/", part!(), ")*$"));
}

impl FromStr for Registry {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let host = text.split('/').next().unwrap_or_default();
        let is_host = host.contains(['.', ':']) || host == "localhost";
        if is_host && format!("{text}/image").parse::<ImageName>().is_ok() {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is not a registry such as mirror.example.com or localhost:5000"))
    }
}

/// The path of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FolderPath(PathBuf);

impl FolderPath {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text(r"^[^*?\x00-\x1f\x7f-\x9f]+$");

    /// The path, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl FromStr for FolderPath {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        // What a shell leaves of a pattern that nothing matched.
        let odd = |c: char| c.is_control() || "*?".contains(c);
        if text.is_empty() || text.contains(odd) {
            return Err(format!("`{text}` is not the path of a folder"));
        }
        Ok(Self(PathBuf::from(text)))
    }
}

/// The path of a file, which need not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath(PathBuf);

impl FilePath {
    /// The texts that this type reads.
    pub const TAKES: Takes = FolderPath::TAKES;

    /// The path, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl FromStr for FilePath {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let path: Result<FolderPath, String> = text.parse();
        path.map(|FolderPath(path)| Self(path)).map_err(|_| format!("`{text}` is not the path of a file"))
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::values::problem;

    #[test]
    fn images_follow_the_grammar_of_the_registry() {
        for good in [
            "haproxy",
            "haproxy:3.2-alpine",
            "localhost:5000/apache/ozone:2.2.1",
            "ghcr.io/apache/ozone-runner:20260206-2-jdk21",
            "apache/ozone@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(good.parse::<ImageName>().expect(good).to_string(), good);
        }
        for bad in ["", "a b", "a:", ":a", "a:b c", "A/b", "a//b", "a@b", "a:-x", "x\n", "${X}", "a}b", "-a"]
        {
            assert_eq!(problem::<ImageName>(bad), format!("`{bad}` is not the name of an image"));
        }
    }

    #[test]
    fn a_mirror_goes_before_images_that_name_no_registry() {
        let mirror: Registry = "localhost:5000/hub".parse().expect("a registry");
        for (image, mirrored) in [
            ("haproxy:3.2-alpine", "localhost:5000/hub/library/haproxy:3.2-alpine"),
            ("apache/ozone:2.2.1", "localhost:5000/hub/apache/ozone:2.2.1"),
            ("ghcr.io/apache/ozone:2.2.1", "ghcr.io/apache/ozone:2.2.1"),
        ] {
            let image: ImageName = image.parse().expect("an image");
            assert_eq!(image.in_registry(Some(&mirror)).to_string(), mirrored);
        }
        for bad in ["mirror", "a b.c", "mirror.example.com/", "https://mirror.example.com"] {
            assert!(problem::<Registry>(bad).contains("is not a registry"));
        }
    }

    #[test]
    fn folder_names_become_names_that_compose_takes() {
        for (folder, name) in [("demo", "demo"), ("My Cluster", "mycluster"), ("_x", "x"), ("日本", "ozone")]
        {
            assert_eq!(ClusterName::from_folder(folder).to_string(), name);
        }
        assert!(problem::<ClusterName>("My Cluster").starts_with("Compose refuses the name `My Cluster`"));
    }

    #[test]
    fn folders_have_a_path_and_no_pattern() {
        for good in ["templates", "../my templates", "/etc/ozone/Häuschen"] {
            assert_eq!(good.parse::<FolderPath>().expect(good).path(), Path::new(good));
        }
        for bad in ["", "*", "a\nb"] {
            assert_eq!(problem::<FolderPath>(bad), format!("`{bad}` is not the path of a folder"));
        }
    }

    #[test]
    fn versions_that_are_newer_get_the_newest_settings_and_older_ones_are_refused() {
        for (text, minor, is_unknown) in [
            ("2.0.0", 0, false),
            ("2.1.2-rocky", 1, false),
            ("2.2.1", 2, false),
            ("2.2.9", 2, false),
            ("2.3.0-SNAPSHOT", 2, true),
            ("3.0.0", 2, true),
            ("10.0.0", 2, true),
            ("latest", 2, true),
            ("nightly", 2, true),
        ] {
            let version: OzoneVersion = text.parse().expect(text);
            assert_eq!(
                (version.to_string().as_str(), version.minor(), version.is_unknown()),
                (text, minor, is_unknown)
            );
        }
        for old in ["1.4.1", "1.9.9-x"] {
            let message = format!("{old} is older than 2.0, the oldest that this tool has settings for");
            assert_eq!(problem::<OzoneVersion>(old), message);
        }
        for bad in
            ["", "2.2", "v2.2.1", "newest", "2.2.1-", "2.2.1-a b", "02.2.1", "2.+2.1", "2.99999.0", "2.2.1.0"]
        {
            let message = format!(
                "`{bad}` is not a version of three numbers such as 2.2.1, nor one of latest, nightly"
            );
            assert_eq!(problem::<OzoneVersion>(bad), message);
        }
    }
}
