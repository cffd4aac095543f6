//! What writing a file would do to what is there.

use similar::TextDiff;

use super::seal::{Standing, standing};

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is not there yet.
    New,
    /// It says the same already.
    Same,
    /// It is as this tool wrote it, and would be replaced.
    Outdated,
    /// This tool wrote it, and it has no place any more.
    Obsolete,
    /// A person edited it since.
    Edited,
    /// This tool never wrote it.
    Foreign,
}

/// A file on disk beside what it should say.
#[derive(Clone, Debug)]
pub struct Change {
    name: String,
    kind: Kind,
    before: Option<Vec<u8>>,
    after: Option<String>,
    is_closed: bool,
}

impl Change {
    /// Compares; no `after` means that the file has no place any more.
    pub(super) fn new(name: &str, before: Option<Vec<u8>>, after: Option<&str>) -> Self {
        let kind = match (&before, after) {
            (None, Some(_)) => Kind::New,
            (None, None) => Kind::Same,
            (Some(before), Some(after)) if before == after.as_bytes() => Kind::Same,
            (Some(before), after) => match (standing(before), after) {
                (Standing::Intact, Some(_)) => Kind::Outdated,
                (Standing::Intact, None) => Kind::Obsolete,
                (Standing::Edited, Some(_)) => Kind::Edited,
                (Standing::Foreign, Some(_)) => Kind::Foreign,
                // What is not this tool's any more is left where it is.
                (Standing::Edited | Standing::Foreign, None) => Kind::Same,
            },
        };
        Self { name: name.to_owned(), kind, before, after: after.map(str::to_owned), is_closed: false }
    }

    /// A change of a file that belongs to a person, who agreed to it: never refused.
    #[must_use]
    pub fn agreed(mut self) -> Self {
        if matches!(self.kind, Kind::Edited | Kind::Foreign) {
            self.kind = Kind::Outdated;
        }
        self
    }

    /// A change of a file that only its owner may read, unless it is open to others already.
    #[must_use]
    pub fn closed(self) -> Self {
        Self { is_closed: true, ..self }
    }

    /// A change of a file that a person edited, but that would be written just as before: nothing to write.
    #[must_use]
    pub fn keeping_current_edits(mut self) -> Self {
        let first_line =
            |text: &[u8]| text.split(|byte| matches!(byte, b'\r' | b'\n')).next().map(<[u8]>::to_vec);
        let seal = self.before.as_deref().map(first_line);
        if self.kind == Kind::Edited && seal == self.after.as_deref().map(str::as_bytes).map(first_line) {
            self.kind = Kind::Same;
        }
        self
    }

    /// Whether a person edited the file and it stays, since it would be written just as before.
    #[must_use]
    pub fn keeps_an_edit(&self) -> bool {
        let is_other = |after: &String| self.before.as_deref() != Some(after.as_bytes());
        self.kind == Kind::Same && self.after.as_ref().is_some_and(is_other)
    }

    /// The file, relative to the folder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What would happen to it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(super) fn before(&self) -> Option<&[u8]> {
        self.before.as_deref()
    }

    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Whether anything has to be written or removed.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.kind != Kind::Same
    }

    /// A unified diff from what is there to what it should say; empty where they agree.
    #[must_use]
    pub fn diff(&self) -> String {
        if !self.writes() {
            return String::new();
        }
        let before = String::from_utf8_lossy(self.before.as_deref().unwrap_or_default());
        let after = self.after.as_deref().unwrap_or_default();
        let name = |exists: bool, side: &str| {
            if exists { format!("{side}/{}", self.name) } else { "/dev/null".into() }
        };
        TextDiff::from_lines(before.as_ref(), after)
            .unified_diff()
            .header(&name(self.before.is_some(), "a"), &name(self.after.is_some(), "b"))
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::super::seal::sealed;
    use super::*;

    fn kind(before: Option<&str>, after: Option<&str>) -> Kind {
        Change::new("file", before.map(|text| text.as_bytes().to_vec()), after).kind()
    }

    #[test]
    fn only_unedited_files_of_this_tool_are_replaced() {
        let (old, new) = (sealed("old\n"), sealed("new\n"));
        let edited = format!("{old}# mine\n");
        assert_eq!(kind(None, Some(&new)), Kind::New);
        assert_eq!(kind(Some(&new), Some(&new)), Kind::Same);
        assert_eq!(kind(Some(&old), Some(&new)), Kind::Outdated);
        assert_eq!(kind(Some(&edited), Some(&new)), Kind::Edited);
        assert_eq!(kind(Some("theirs\n"), Some(&new)), Kind::Foreign);
        assert_eq!(kind(Some(&old), None), Kind::Obsolete);
        assert_eq!(kind(Some(&edited), None), Kind::Same);
        assert_eq!(kind(Some("theirs\n"), None), Kind::Same);
    }

    #[test]
    fn an_edit_is_kept_where_the_file_would_be_written_just_as_before() {
        let (text, other) = (sealed("text\n"), sealed("other\n"));
        let kept = |before: &str, after: Option<&str>| {
            let change = Change::new("f", Some(before.as_bytes().to_vec()), after).keeping_current_edits();
            (change.writes(), change.keeps_an_edit())
        };
        let edited = format!("{text}# mine\n");
        assert_eq!(kept(&text, Some(&text)), (false, false));
        assert_eq!(kept(&edited, Some(&text)), (false, true));
        assert_eq!(kept(&edited, Some(&other)), (true, false));
        assert_eq!(kept("theirs\n", None), (false, false), "it has no place any more");
    }

    #[test]
    fn a_diff_leads_from_what_is_there_to_what_will_be() {
        let change = Change::new("f", Some(b"a\nb\n".to_vec()), Some("a\nc\n"));
        assert_eq!(change.diff(), "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
    }
}
