//! `ozone-compose.yaml`: read into choices, and changed in place so that comments survive.
//!
//! The only file that names YAML crates.

use serde_yaml::Value;
use yaml_edit::path::YamlPath;
use yaml_edit::{Document, ScalarValue, YamlValue};

use super::choices::{Choice, Choices, FILE_NAME, Origin};
use super::options::{OPTIONS, Opt};
use super::{Problem, Problems};

/// The version of the file's format that this tool reads and writes.
pub(super) const VERSION: u64 = 1;

const HEADER: &str = "\
# The choices of this cluster; the one file to edit. Each key is a flag of `ozone-compose generate`,
# whose --help-all explains them all. After a change: ozone-compose up,
# or ozone-compose generate to write the files alone.
version: 1
";

/// Reads the text of a file.
///
/// # Errors
/// Broken YAML with its line and column, a missing or foreign version, and every unknown key with the key
/// that was probably meant.
pub fn read(text: &str) -> Result<Choices, Problems> {
    let broken = |message: String| Problems(vec![Problem::of_file(FILE_NAME, message)]);
    let document: Value =
        serde_yaml::from_str(text).map_err(|error| broken(format!("is not YAML: {error}")))?;
    let Value::Mapping(entries) = document else {
        return Err(broken(format!("holds no keys; it begins with `version: {VERSION}`")));
    };
    match entries.get("version") {
        Some(version) if version.as_u64() == Some(VERSION) => {}
        None | Some(Value::Null) => {
            return Err(broken(format!("names no version; add `version: {VERSION}` as its first line")));
        }
        Some(version) => {
            let found = match version {
                Value::String(text) => format!("the text `{text}`"),
                other => scalar(other).unwrap_or_else(|| "this".to_owned()),
            };
            let message = format!("{found} is not a version that this tool reads; it reads {VERSION}");
            return Err(Problems(vec![Problem::of_file("version", message)]));
        }
    }

    let mut choices = Choices::default();
    let mut problems = Vec::new();
    for (key, value) in entries.iter().filter(|(key, _)| key.as_str() != Some("version")) {
        let key = key_text(key);
        match key.split_once('.').filter(|_| Opt::with_key(&key).is_some()) {
            // Taken for the path of a key, it would be there twice after a change.
            Some((section, inner)) => {
                let message = format!("is two keys in YAML: write `{section}: {{{inner}: ...}}`");
                problems.push(Problem::of_file(&key, message));
            }
            None => take(&key, value, &mut choices, &mut problems),
        }
    }
    if problems.is_empty() { Ok(choices) } else { Err(Problems(problems)) }
}

/// Keys of the volumes and networks that a Compose file declares; none where it is not YAML, which Compose will say.
#[must_use]
pub fn declared_resources(text: &str) -> Vec<String> {
    let document: Value = serde_yaml::from_str(text).unwrap_or_default();
    let keys = |section: &str| {
        let entries = document.get(section).and_then(Value::as_mapping);
        entries.into_iter().flatten().map(|(key, _)| key_text(key)).collect::<Vec<_>>()
    };
    ["volumes", "networks"].into_iter().flat_map(keys).collect()
}

fn take(path: &str, value: &Value, choices: &mut Choices, problems: &mut Vec<Problem>) {
    let mut problem = |message: String| problems.push(Problem::of_file(path, message));
    let option = Opt::with_key(path);
    match (option, value) {
        // A key without a value is a placeholder, not a choice.
        (_, Value::Null) if option.is_some() || is_section(path) => {}
        (Some(option), Value::Sequence(items)) if option.is_list() => {
            match items.iter().map(scalar).collect() {
                Some(texts) => choices.choose(option, texts, Origin::File),
                None => problem("is a list of plain values".to_owned()),
            }
        }
        (Some(option), value) => match scalar(value) {
            Some(text) => choices.choose(option, vec![text], Origin::File),
            None => problem("takes one plain value".to_owned()),
        },
        (None, Value::Mapping(entries)) if is_section(path) => {
            for (key, value) in entries {
                take(&format!("{path}.{}", key_text(key)), value, choices, problems);
            }
        }
        (None, _) if is_section(path) => {
            problem(format!("is a section, with the keys {}", keys_in(path).join(", ")));
        }
        (None, _) => problem(format!("unknown key{}", suggestion(path))),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn key_text(key: &Value) -> String {
    scalar(key).unwrap_or_else(|| "?".to_owned())
}

fn is_section(path: &str) -> bool {
    !keys_in(path).is_empty()
}

fn keys_in(section: &str) -> Vec<&'static str> {
    let inside = |option: &Opt| option.key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
    OPTIONS.iter().filter_map(inside).collect()
}

/// The key that was probably meant: one of that name in another place, or one spelled much like it.
fn suggestion(path: &str) -> String {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let sections = OPTIONS.iter().filter_map(|option| Some(option.key.split_once('.')?.0));
    let candidates: Vec<&str> = OPTIONS.iter().map(|option| option.key).chain(sections).collect();
    let alike = |key: &str| strsim::jaro_winkler(key, path).max(strsim::jaro_winkler(&last(key), path));
    let nearest =
        candidates.iter().max_by(|a, b| alike(a).total_cmp(&alike(b))).filter(|key| alike(key) > 0.8);
    // Many people will try the flag's name, mistype a letter, or give the right name in the wrong place.
    let by_flag = OPTIONS.iter().find(|option| option.flag == path).map(|option| &option.key);
    let mistyped = candidates.iter().find(|key| strsim::levenshtein(key, path) == 1);
    let elsewhere = candidates.iter().find(|key| last(key) == last(path));
    match by_flag.or(mistyped).or(elsewhere).or(nearest) {
        Some(key) => format!(", did you mean `{key}`?"),
        None => String::new(),
    }
}

/// The text of the file with some choices set, everything else left as it is; an absent file counts as empty.
///
/// # Errors
/// Says so when the result does not read back as the old choices with the new ones over them: then the file
/// has a shape that cannot be changed in place, and only a person can.
pub fn with_choices(text: Option<&str>, changes: &Choices) -> Result<String, Problems> {
    // Editors of Windows begin a file so, and nothing is lost without.
    let old = text.unwrap_or(HEADER).trim_start_matches('\u{feff}');
    let said = read(old)?;
    // What the file says already keeps its quotes and its indentation.
    let is_new = |(option, choice): &(&'static Opt, &Choice)| {
        said.of(option.key).is_none_or(|kept| kept.texts != choice.texts)
    };
    let new: Vec<_> = changes.iter().filter(is_new).collect();
    let texts = |choices: &Choices| -> Vec<_> {
        choices.iter().map(|(option, choice)| (option.key, choice.texts.clone())).collect()
    };
    let wanted = texts(&said.clone().overlaid_by(changes.clone()));
    let is_as_wanted = |text: &String| read(text).is_ok_and(|found| texts(&found) == wanted);
    changed_in_place(old, &new).filter(is_as_wanted).ok_or_else(|| {
        let values =
            new.iter().map(|(option, choice)| format!("{}: {}", option.key, choice.texts.join(", ")));
        let message = format!(
            "has a shape that cannot be changed in place; write there by hand what is new: {}",
            values.collect::<Vec<_>>().join("; ")
        );
        Problems(vec![Problem::of_file(FILE_NAME, message)])
    })
}

/// The text with these choices set, where the editing crate finds its way through it.
fn changed_in_place(old: &str, changes: &[(&'static Opt, &Choice)]) -> Option<String> {
    if changes.is_empty() {
        return Some(old.to_owned());
    }
    let document: Document = old.parse().ok()?;
    for (option, choice) in changes {
        document.try_set_path(option.key, yaml_value(option, &choice.texts)).ok()?;
    }
    let mut new = document.to_string();
    // The editing crate drops the last line feed where it adds a list or a section.
    if old.ends_with('\n') && !new.ends_with('\n') {
        new.push('\n');
    }
    // New lines end as the others do.
    Some(if old.contains("\r\n") { new.replace("\r\n", "\n").replace('\n', "\r\n") } else { new })
}

fn yaml_value(option: &Opt, texts: &[String]) -> YamlValue {
    let scalar = |text: &String| match text.parse::<i64>() {
        Ok(number) if number.to_string() == *text => ScalarValue::from(number),
        _ => ScalarValue::string(text.as_str()),
    };
    if option.is_list() {
        return YamlValue::Sequence(texts.iter().map(|text| YamlValue::Scalar(scalar(text))).collect());
    }
    YamlValue::Scalar(scalar(&texts[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        read(text).expect_err("this file is wrong").to_string()
    }

    fn changes(pairs: &[(&str, &[&str])]) -> Choices {
        let mut changes = Choices::default();
        for (key, texts) in pairs {
            let option = Opt::with_key(key).expect("a key of the table");
            let texts = texts.iter().map(|text| (*text).to_owned()).collect();
            changes.choose(option, texts, Origin::Flag(option.flag));
        }
        changes
    }

    #[test]
    fn every_problem_is_named_with_its_path() {
        assert_eq!(
            problems(
                "version: 1\ngateway: {count: 3}\ngateways: 5\nports: {s3: [1]}\nbalence: x\ns3-port: 1\n"
            ),
            "gateway (ozone-compose.yaml): unknown key, did you mean `gateways`?\n\
             gateways (ozone-compose.yaml): is a section, with the keys count, discovery, drained, image, weight, maxconn\n\
             ports.s3 (ozone-compose.yaml): takes one plain value\n\
             balence (ozone-compose.yaml): unknown key, did you mean `balancer.balance`?\n\
             s3-port (ozone-compose.yaml): unknown key, did you mean `ports.s3`?"
        );
    }

    #[test]
    fn a_path_is_not_taken_for_a_key() {
        assert_eq!(
            problems("version: 1\ngateways.count: 5\n"),
            "gateways.count (ozone-compose.yaml): is two keys in YAML: write `gateways: {count: ...}`"
        );
    }

    #[test]
    fn broken_yaml_says_where() {
        let message = problems("version: 1\ngateways: [\n");
        assert!(message.starts_with("ozone-compose.yaml: is not YAML: "), "{message}");
        assert!(message.contains("line 3 column 1"), "{message}");
    }

    #[test]
    fn the_version_is_needed_and_checked() {
        assert_eq!(
            problems("version: 2\n"),
            "version (ozone-compose.yaml): 2 is not a version that this tool reads; it reads 1"
        );
        assert_eq!(
            problems("version: '1'\n"),
            "version (ozone-compose.yaml): the text `1` is not a version that this tool reads; it reads 1"
        );
        for text in ["name: demo\n", "version:\nname: demo\n"] {
            assert_eq!(
                problems(text),
                "ozone-compose.yaml: names no version; add `version: 1` as its first line"
            );
        }
        assert_eq!(problems(""), "ozone-compose.yaml: holds no keys; it begins with `version: 1`");
    }

    #[test]
    fn a_change_keeps_comments_and_everything_else() {
        let old = "# mine\nversion: 1\n\ngateways:\n  count: 3 # three\n\nports: {s3: 9000}\n";
        let new = with_choices(Some(old), &changes(&[("gateways.count", &["5"]), ("ports.stats", &["off"])]));
        assert_eq!(
            new.expect("a file that can be changed"),
            "# mine\nversion: 1\n\ngateways:\n  count: 5 # three\n\nports: {s3: 9000, stats: 'off'}\n"
        );
    }

    #[test]
    fn a_choice_that_the_file_has_already_changes_nothing() {
        let old = "version: 1\ngateways: {count: '3'}\nservers:\n    - gw1:1\n";
        let new = with_choices(Some(old), &changes(&[("gateways.count", &["3"]), ("servers", &["gw1:1"])]));
        assert_eq!(new.expect("a file that says so"), old);
    }

    #[test]
    fn a_new_file_begins_with_its_version() {
        let new =
            with_choices(None, &changes(&[("servers", &["[::1]:9878", "gw2:9878"])])).expect("a new file");
        assert!(new.starts_with(HEADER), "{new}");
        let read = read(&new).expect("what was written reads back");
        assert_eq!(read.of("servers").expect("servers").texts, ["[::1]:9878", "gw2:9878"]);
    }

    #[test]
    fn the_last_line_ends_whatever_is_changed() {
        for old in
            ["version: 1\n", "version: 1\nname: demo\nbuckets: [one]\n", "version: 1\nports: {s3: 1}\n"]
        {
            for (key, texts) in
                [("buckets", &["one", "two"][..]), ("ozone.version", &["2.1.0"]), ("seed", &["f"])]
            {
                let new =
                    with_choices(Some(old), &changes(&[(key, texts)])).expect("a file that can be changed");
                assert!(new.ends_with('\n') && !new.ends_with("\n\n"), "{new:?}");
            }
        }
    }

    #[test]
    fn lines_end_as_on_windows_where_they_did() {
        let old = "\u{feff}version: 1\r\ngateways:\r\n  count: 4\r\n";
        let new = with_choices(Some(old), &changes(&[("gateways.count", &["5"]), ("name", &["demo"])]));
        assert_eq!(
            new.expect("a file that can be changed"),
            "version: 1\r\ngateways:\r\n  count: 5\r\nname: demo\r\n"
        );
    }

    #[test]
    fn what_cannot_be_changed_in_place_is_reported_with_what_to_write() {
        let shared = "version: 1\ngateways: {count: &n 2}\nbalancer: {retries: *n}\n";
        let with_directive = "%YAML 1.2\n---\nversion: 1\n";
        for old in [shared, with_directive] {
            let new = changes(&[("gateways.count", &["4"]), ("gateways.drained", &["s3g1", "s3g2"])]);
            assert_eq!(
                with_choices(Some(old), &new).expect_err("a shape like that").to_string(),
                "ozone-compose.yaml: has a shape that cannot be changed in place; write there by hand what is new: \
                 gateways.count: 4; gateways.drained: s3g1, s3g2"
            );
            assert_eq!(with_choices(Some(old), &Choices::default()).expect("nothing to change"), old);
        }
    }
}
