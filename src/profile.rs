//! A profile in the files that the AWS CLI and SDKs read, of which the rest stays as it is.
//!
//! A section is this tool's if the line before it says so. Lines that a person adds to one stay where it is replaced.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Result;

use crate::engine::Variables;
use crate::error::{Failure, Status};
use crate::workspace::Folder;

/// How the line before a section of this tool begins; a folder follows.
const MARK: &str = "# Made by ozone-compose for the cluster in ";

/// Keys of a section, each after the variable that says the same.
type Keys = &'static [(&'static str, &'static str)];

/// Those in the file of settings.
const SETTINGS: Keys = &[
    ("AWS_REGION", "region"),
    ("AWS_ENDPOINT_URL_S3", "endpoint_url"),
    ("AWS_CA_BUNDLE", "ca_bundle"),
    ("AWS_REQUEST_CHECKSUM_CALCULATION", "request_checksum_calculation"),
    ("AWS_RESPONSE_CHECKSUM_VALIDATION", "response_checksum_validation"),
];

/// Those in the file of credentials.
const KEYS: Keys =
    &[("AWS_ACCESS_KEY_ID", "aws_access_key_id"), ("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key")];

/// The name of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileName(String);

impl FromStr for ProfileName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if text.is_empty() || text.starts_with('-') || !text.chars().all(is_plain) {
            return Err("a profile's name has letters, digits, `-`, `_` and `.`".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the AWS CLI and SDKs look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    settings: PathBuf,
    credentials: PathBuf,
}

impl Files {
    /// Those that an environment names; none where it names neither them nor a home.
    #[must_use]
    pub fn of(environment: &[(String, String)]) -> Option<Self> {
        let value = |name: &str| {
            let found = environment.iter().find(|(other, value)| other == name && !value.is_empty());
            found.map(|(_, value)| PathBuf::from(value))
        };
        let home = value("HOME");
        let file = |variable: &str, name: &str| {
            let usual = || Some(home.as_ref()?.join(".aws").join(name));
            value(variable).or_else(usual).map(|path| match (path.strip_prefix("~"), &home) {
                (Ok(rest), Some(home)) => home.join(rest),
                _ => path,
            })
        };
        Some(Self {
            settings: file("AWS_CONFIG_FILE", "config")?,
            credentials: file("AWS_SHARED_CREDENTIALS_FILE", "credentials")?,
        })
    }

    /// Writes the profile of a cluster, whose folder is absolute; returns whether anything changed.
    ///
    /// # Errors
    /// Where this tool did not make the profile of that name, and where a value is more than a line.
    pub fn write(&self, name: &ProfileName, variables: &Variables, folder: &Path) -> Result<bool> {
        let folder = folder.display().to_string();
        if variables
            .set
            .iter()
            .map(|(_, value)| value)
            .chain([&folder])
            .any(|text| text.contains(char::is_control))
        {
            let message =
                format!("could not write the AWS profile `{name}`: a path in it is more than one line");
            return Err(Failure::new(Status::Usage, message).into());
        }
        let mark =
            format!("{MARK}{folder}; `ozone-compose env --profile {name} --remove` removes this section");
        self.change(name, |text, title, keys| {
            let value = |variable: &str| variables.set.iter().find(|(other, _)| *other == variable);
            let line = |(variable, key): &(&str, &str)| Some(format!("{key} = {}", value(variable)?.1));
            let lines = keys.iter().filter_map(line).collect();
            with_section(text, title, &Section { mark: mark.clone(), lines, keys })
        })
    }

    /// Removes a profile that this tool made; returns whether there was one.
    ///
    /// # Errors
    /// Where this tool did not make the profile of that name.
    pub fn remove(&self, name: &ProfileName) -> Result<bool> {
        self.change(name, |text, title, _| without_section(text, title))
    }

    /// Names of the profiles of the cluster in a folder, which is absolute.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn profiles_of(&self, folder: &Path) -> Result<Vec<String>> {
        let (folder_of_file, name) = split(&self.settings);
        let text = Folder::to_read(folder_of_file).text_of(&name)?.unwrap_or_default();
        let start = format!("{MARK}{}; ", folder.display());
        let lines: Vec<&str> = text.lines().collect();
        let headers = lines.windows(2).filter(|pair| pair[0].starts_with(&start));
        Ok(headers
            .filter_map(|pair| Some(title_of(pair[1])?.trim_start_matches("profile ").to_owned()))
            .collect())
    }

    /// Writes both files with the results of `edit`, all checked before the first is written.
    fn change(
        &self,
        name: &ProfileName,
        edit: impl Fn(&str, &str, Keys) -> Result<String, Foreign>,
    ) -> Result<bool> {
        let title = if name.0 == "default" { name.0.clone() } else { format!("profile {name}") };
        let files = [(&self.credentials, name.0.clone(), KEYS), (&self.settings, title, SETTINGS)];
        let edited = |folder: &Folder, (file, title, keys): &(&PathBuf, String, Keys)| {
            let before = folder.text_of(&split(file).1)?.unwrap_or_default();
            let after = edit(&before, title, keys).map_err(|Foreign| refused(title, file))?;
            anyhow::Ok((before != after).then_some(after))
        };
        for file in &files {
            edited(&Folder::to_read(split(file.0).0), file)?;
        }
        let mut is_changed = false;
        for file in &files {
            let (folder, name) = split(file.0);
            let mut folder = Folder::to_write(folder, || Ok(()))?;
            folder.make(|| Ok(()))?;
            if let Some(text) = edited(&folder, file)? {
                let change = folder.compare(&name, Some(&text))?.agreed().closed();
                folder.apply(&[change])?;
                is_changed = true;
            }
        }
        Ok(is_changed)
    }
}

/// The folder of a file, and its name there.
fn split(file: &Path) -> (&Path, String) {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    (folder.unwrap_or(Path::new(".")), name)
}

fn refused(title: &str, file: &Path) -> anyhow::Error {
    let message = format!("`[{title}]` in {} is not of this tool; nothing was changed", file.display());
    let hint = "`ozone-compose env --profile NAME` takes another name; or remove that section by hand";
    Failure::new(Status::Differs, message).with_hint(hint).into()
}

/// A section as it should be.
#[derive(Debug)]
struct Section {
    /// The line before it.
    mark: String,
    /// The lines that say its keys.
    lines: Vec<String>,
    /// All keys that are of this tool, whether they are said or not.
    keys: Keys,
}

/// A section that this tool did not make.
#[derive(Debug, PartialEq, Eq)]
struct Foreign;

/// A text with a section, in the place of the one that this tool wrote, or at its end. Lines of the old one stay that say
/// other things than these keys.
fn with_section(text: &str, title: &str, section: &Section) -> Result<String, Foreign> {
    let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let own = own_lines(&lines, title)?;
    let (before, old, after) = match &own {
        Some(own) => (&lines[..own.start], &lines[own.start + 2..own.end], &lines[own.end..]),
        None => (&lines[..], &[][..], &[][..]),
    };
    let mut new = before.concat();
    if own.is_none() && !new.is_empty() {
        // A blank line between two sections, also where the last line did not end.
        new.push_str(&eol.repeat(if new.ends_with('\n') { 1 } else { 2 }));
    }
    let header = format!("[{title}]");
    let said = [&section.mark, &header].into_iter().chain(&section.lines).map(String::as_str);
    for line in said.chain(others(old, section.keys)) {
        new.push_str(line.trim_end_matches(['\r', '\n']));
        new.push_str(eol);
    }
    Ok(new + &after.concat())
}

/// A text without the section that this tool wrote, nor the blank line before it.
fn without_section(text: &str, title: &str) -> Result<String, Foreign> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let Some(own) = own_lines(&lines, title)? else { return Ok(text.to_owned()) };
    let before = &lines[..own.start];
    let gap = usize::from(before.last().is_some_and(|line| line.trim().is_empty()));
    Ok([&before[..before.len() - gap], &lines[own.end..]].concat().concat())
}

/// Where the section of this tool is, from its mark to its last line; none where there is none of that title.
fn own_lines(lines: &[&str], title: &str) -> Result<Option<Range<usize>>, Foreign> {
    let mut own = None;
    for at in (0..lines.len()).filter(|at| title_of(lines[*at]).as_deref() == Some(title)) {
        if own.is_some() || at == 0 || !lines[at - 1].starts_with(MARK) {
            return Err(Foreign);
        }
        let next = (at + 1..lines.len()).find(|at| lines[*at].starts_with('[')).unwrap_or(lines.len());
        // Blank lines and comments before the next section belong to that.
        let says = |at: &usize| !lines[*at].trim().is_empty() && !lines[*at].starts_with(['#', ';']);
        let end = (at + 1..next).rev().find(says).map_or(at + 1, |last| last + 1);
        own = Some(at - 1..end);
    }
    Ok(own)
}

/// The title in a line that begins a section: `profile demo`, in quotes or not.
fn title_of(line: &str) -> Option<String> {
    let (title, _) = line.strip_prefix('[')?.split_once(']')?;
    let words = title.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    Some(words.collect::<Vec<_>>().join(" "))
}

/// The lines of a section that do not say these keys; an indented one continues the line before.
fn others<'a>(lines: &[&'a str], keys: &[(&str, &str)]) -> Vec<&'a str> {
    let mut is_kept = true;
    let stays = |line: &&&str| {
        if !line.starts_with([' ', '\t']) {
            let key = line.split(['=', ':']).next().unwrap_or_default().trim();
            is_kept = !keys.iter().any(|(_, own)| own.eq_ignore_ascii_case(key));
        }
        is_kept
    };
    lines.iter().filter(stays).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str =
        "# Made by ozone-compose for the cluster in /demo; rest\n[profile demo]\nregion = us-east-1\n";

    fn section(region: &str) -> Section {
        let lines = vec![format!("region = {region}")];
        Section { mark: format!("{MARK}/demo; rest"), lines, keys: SETTINGS }
    }

    fn with(text: &str) -> String {
        with_section(text, "profile demo", &section("us-east-1")).expect("a section of this tool, or none")
    }

    #[test]
    fn a_section_comes_and_goes_and_the_rest_stays_byte_for_byte() {
        for text in [
            "",
            "[default]\nregion=eu-west-1\n",
            "# mine\n\n[profile  demo2]\n; a comment\ns3 =\n  max_concurrent_requests = 3\n\n\n# the end\n",
            "[default]\r\nregion = a\r\n",
        ] {
            let written = with(text);
            assert!(written.starts_with(text) && written.contains("[profile demo]"), "{written:?}");
            assert_eq!(
                written.contains("\r\n"),
                written.matches('\n').count() == written.matches("\r\n").count()
            );
            assert_eq!(with(&written), written, "again is the same");
            assert_eq!(without_section(&written, "profile demo"), Ok(text.to_owned()));
        }
        assert_eq!(with(""), OWN);
        // A last line that did not end is not joined to the mark.
        assert_eq!(with("[default]"), format!("[default]\n\n{OWN}"));
        assert_eq!(without_section("[default]", "profile demo"), Ok("[default]".to_owned()));
    }

    #[test]
    fn a_section_is_written_anew_where_it_is_with_what_a_person_added() {
        let text = format!(
            "[a]\nb = c\n\n{OWN}output = json\ns3 =\n  addressing_style = path\nREGION = old\n\n# of the next\n[profile next]\n"
        );
        let new = with_section(&text, "profile demo", &section("r2")).expect("a section of this tool");
        let kept = text.replace("region = us-east-1", "region = r2").replace("REGION = old\n", "");
        assert_eq!(new, kept);
        assert_eq!(
            without_section(&new, "profile demo").as_deref(),
            Ok("[a]\nb = c\n\n# of the next\n[profile next]\n")
        );
    }

    #[test]
    fn a_section_of_somebody_else_is_refused() {
        for text in [
            "[profile demo]\n",
            "# mine\n[ profile 'demo' ]\n",
            "[profile \"demo\"]\nregion = a\n",
            &format!("{OWN}\n[profile demo]\n"),
        ] {
            assert_eq!(with_section(text, "profile demo", &section("a")), Err(Foreign), "{text}");
            assert_eq!(without_section(text, "profile demo"), Err(Foreign), "{text}");
        }
    }

    #[test]
    fn the_files_are_those_that_the_environment_names() {
        let files = |variables: &[(&str, &str)]| {
            let owned: Vec<_> =
                variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Files::of(&owned)
                .map(|files| (files.settings.display().to_string(), files.credentials.display().to_string()))
        };
        let both = |settings: &str, credentials: &str| Some((settings.to_owned(), credentials.to_owned()));
        assert_eq!(files(&[("HOME", "/h")]), both("/h/.aws/config", "/h/.aws/credentials"));
        assert_eq!(
            files(&[("HOME", "/h"), ("AWS_CONFIG_FILE", "~/c"), ("AWS_SHARED_CREDENTIALS_FILE", "k")]),
            both("/h/c", "k")
        );
        assert_eq!(files(&[("AWS_CONFIG_FILE", "c")]), None);
    }
}
