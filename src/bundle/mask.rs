//! Hides secrets in texts that leave the machine: values stay where they were, as `***`.
//!
//! A secret is known by the name it is given, so too much is hidden rather than too little.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

const HIDDEN: &str = "***";

/// Words that make a name one of a secret, wherever they stand in it.
const WORD: &str =
    r"(?:secret|passw(?:or)?d|passphrase|token|credential|authorization|private[_.\-]?key|api[_.\-]?key)";

/// Words that do so only at its end: `SignatureDoesNotMatch` is an error, `keyTable` counts keys.
const LAST_WORD: &str = r"(?:signature|keytab|keytab[_.\-]\w+)";

/// A name whose value is a secret.
static NAME: LazyLock<String> = LazyLock::new(|| format!(r"(?:[\w.\-]*{WORD}[\w.\-]*|[\w.\-]*{LAST_WORD})"));

static WHOLE_NAME: LazyLock<Regex> = LazyLock::new(|| regex(&format!("(?i)^{}$", *NAME)));

/// A name that ends as that of a secret does: others that hold such a word may count secrets.
static LAST: LazyLock<Regex> = LazyLock::new(|| regex(&format!("(?i)(?:{WORD}|{LAST_WORD})$")));

/// `name=value`, `"name": "value"`, `\"name\": \"value\"` anywhere in a line.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    let value = r#"\\"[^"\\]*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&"'<>\\]+"#;
    let name = &*NAME;
    regex(&format!(r#"(?i)(?<name>{name})(?<between>\\?["']?[ \t]*(?:=>|[:=])[ \t]*)(?<value>{value})"#))
});

/// `--name value`.
static OPTION: LazyLock<Regex> =
    LazyLock::new(|| regex(&format!(r#"(?im)(?<before>(?:^|[\s"'])--?{}[ \t]+)[^\s\-]\S*"#, *NAME)));

/// `Authorization: scheme and whatever follows it`.
static HEADER: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(?i)(?<before>authorization\\?["']?[ \t]*[:=][ \t]*\\?["']?)[^"'\\\r\n]+"#));

/// `scheme://user:password@`.
static LOGIN: LazyLock<Regex> = LazyLock::new(|| regex(r"(?<before>://[^/\s:@]+:)[^/\s@]+@"));

static PRIVATE_KEY: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----"));

/// A line of an env file or of YAML that gives a name a value, which is all that follows.
static SETTING: LazyLock<Regex> = LazyLock::new(|| {
    let line = r#"(?<indent>[ \t]*)(?:-[ \t]+)?["']?"#;
    regex(&format!(r#"(?i)^(?<before>{line}(?<name>{})["']?[ \t]*[:=][ \t]*)(?<value>.*)$"#, *NAME))
});

/// A whole text that gives a name a value, as in a list of environment variables.
static VARIABLE: LazyLock<Regex> =
    LazyLock::new(|| regex(&format!(r"(?is)^(?<name>{})=(?<value>.*)$", *NAME)));

fn regex(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| unreachable!("a fixed expression: {error}"))
}

/// Hides secrets in any text, such as a log.
#[must_use]
pub fn text(text: &str) -> String {
    let text = PRIVATE_KEY.replace_all(text, HIDDEN);
    let text = LOGIN.replace_all(&text, "${before}***@");
    let text = HEADER.replace_all(&text, "${before}***");
    let text = OPTION.replace_all(&text, "${before}***");
    PAIR.replace_all(&text, hide_value).into_owned()
}

fn hide_value(pair: &Captures<'_>) -> String {
    let (name, value) = (&pair["name"], &pair["value"]);
    let quote = ["\\\"", "\"", "'"].into_iter().find(|quote| value.starts_with(quote)).unwrap_or("");
    if !is_secret(name, value.trim_matches(['\\', '"', '\''])) {
        return pair[0].to_owned();
    }
    format!("{name}{}{quote}{HIDDEN}{quote}", &pair["between"])
}

/// Hides secrets in an env file or in YAML, where a value goes on to the end of its line and on deeper ones.
#[must_use]
pub fn settings(file: &str) -> String {
    let mut hidden = String::new();
    let mut secret_indent = None;
    for line in file.lines() {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if secret_indent.is_some_and(|outer| indent > outer) {
            hidden.extend([&line[..indent], HIDDEN, "\n"]);
            continue;
        }
        secret_indent = None;
        let line = match SETTING.captures(line) {
            Some(setting) if is_secret(&setting["name"], unquoted(&setting["value"])) => {
                secret_indent = Some(indent);
                Cow::Owned(format!("{}{HIDDEN}", &setting["before"]))
            }
            Some(setting) => {
                // Nothing is given here; perhaps on the lines below.
                secret_indent = setting["value"].trim().is_empty().then_some(indent);
                Cow::Borrowed(line)
            }
            None => Cow::Borrowed(line),
        };
        hidden.push_str(&line);
        hidden.push('\n');
    }
    text(&hidden)
}

fn unquoted(value: &str) -> &str {
    value.trim().trim_matches(['"', '\''])
}

/// Hides secrets in JSON, one document or one a line; in what is no JSON as in any text.
#[must_use]
pub fn json(document: &str) -> String {
    if let Ok(value) = serde_json::from_str::<Value>(document) {
        return format!("{:#}\n", hidden(value, false));
    }
    let lines = document.lines().filter(|line| !line.trim().is_empty());
    let values: Result<Vec<Value>, _> = lines.map(serde_json::from_str).collect();
    match values {
        Ok(values) => {
            let line = |value| [hidden(value, false).to_string(), "\n".to_owned()];
            values.into_iter().flat_map(line).collect()
        }
        Err(_) => text(document),
    }
}

fn hidden(value: Value, is_known: bool) -> Value {
    match value {
        Value::String(word) if is_known => {
            Value::String(if is_harmless(&word) { word } else { HIDDEN.into() })
        }
        Value::String(word) => Value::String(hidden_word(&word)),
        Value::Number(_) if is_known => Value::String(HIDDEN.to_owned()),
        Value::Array(items) => {
            let mut after_option = false;
            let item = |item: Value| {
                let is_option = item.as_str().is_some_and(|word| word.starts_with('-') && is_name(word));
                let item = hidden(item, is_known || after_option);
                after_option = is_option;
                item
            };
            Value::Array(items.into_iter().map(item).collect())
        }
        Value::Object(fields) => {
            // Java lists its properties as {"key": name, "value": secret}.
            let names = ["key", "name", "Key", "Name"].iter().filter_map(|name| fields.get(*name)?.as_str());
            let is_pair = names.clone().any(is_name);
            let field = |(name, value): (String, Value)| {
                let is_value = is_pair && name.eq_ignore_ascii_case("value");
                let shown = value.as_str().unwrap_or("?");
                let is_count = value.is_number() && !LAST.is_match(&name);
                let is_named = is_name(&name) && is_secret(&name, shown) && !is_count;
                let is_secret = is_known || is_value || is_named;
                (name, hidden(value, is_secret))
            };
            Value::Object(fields.into_iter().map(field).collect())
        }
        other => other,
    }
}

fn hidden_word(word: &str) -> String {
    match VARIABLE.captures(word) {
        Some(variable) if is_secret(&variable["name"], &variable["value"]) => {
            format!("{}={HIDDEN}", &variable["name"])
        }
        _ => text(word),
    }
}

fn is_name(text: &str) -> bool {
    WHOLE_NAME.is_match(text)
}

/// Whether the value of a name that sounds like a secret is one.
fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // `SecretManager.java:123` is a place in a stack trace; the path of a keytab is none of its content.
    let is_place = name.rsplit_once('.').is_some_and(|(_, extension)| extension == "java");
    let is_path = name.contains("keytab") && (value.starts_with('/') || value.ends_with(".keytab"));
    !is_place && !is_path && !is_harmless(value)
}

/// Switches such as `ozone.s3g.secret.http.enabled=true` explain much and give nothing away.
fn is_harmless(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "" | "true" | "false" | "null" | HIDDEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_keep_everything_but_the_secrets() {
        for (line, masked) in [
            ("nothing to hide: s3g1 is UP", "nothing to hide: s3g1 is UP"),
            ("AWS_SECRET_ACCESS_KEY=hunter2 AWS_REGION=x", "AWS_SECRET_ACCESS_KEY=*** AWS_REGION=x"),
            ("-Dtrust.storePassword=hunter2 -Xmx1g", "-Dtrust.storePassword=*** -Xmx1g"),
            ("{\"db.password\": \"hunter 2\", \"a\": 1}", "{\"db.password\": \"***\", \"a\": 1}"),
            (r#"said {\"token\":\"hunter2\"} twice"#, r#"said {\"token\":\"***\"} twice"#),
            ("password: 'hunter 2' end", "password: '***' end"),
            ("run --db-password hunter2 --force", "run --db-password *** --force"),
            ("Authorization: Bearer hunter2", "Authorization: ***"),
            (
                "GET /b?X-Amz-Credential=AK/1&X-Amz-Date=2&X-Amz-Signature=3 HTTP/1.1",
                "GET /b?X-Amz-Credential=***&X-Amz-Date=2&X-Amz-Signature=*** HTTP/1.1",
            ),
            ("http://me:hunter2@proxy:3128", "http://me:***@proxy:3128"),
            ("SignatureDoesNotMatch: try again", "SignatureDoesNotMatch: try again"),
            (
                "at x.token.SecretManager.get(SecretManager.java:12)",
                "at x.token.SecretManager.get(SecretManager.java:12)",
            ),
            ("ozone.s3g.secret.http.enabled=true", "ozone.s3g.secret.http.enabled=true"),
            ("om.keytab=/etc/om.keytab KEYTAB=BQIAAAB/", "om.keytab=/etc/om.keytab KEYTAB=***"),
            ("-----BEGIN RSA PRIVATE KEY-----\nAAA\n-----END RSA PRIVATE KEY-----", "***"),
        ] {
            assert_eq!(text(line), masked);
        }
    }

    #[test]
    fn values_of_settings_go_on_to_their_end() {
        let file = "A=1\nDB_PASSWORD=hunter, 2 #x\nenvironment:\n  - TOKEN=a b\n  secret: |\n    line one\n\
                    \x20   line two\n  after: seen\n  credentials:\n    - hunter2\nlast: seen\n";
        let masked = "A=1\nDB_PASSWORD=***\nenvironment:\n  - TOKEN=***\n  secret: ***\n    ***\n\
                      \x20   ***\n  after: seen\n  credentials:\n    ***\nlast: seen\n";
        assert_eq!(settings(file), masked);
        assert_eq!(settings("env: {PASSWORD: hunter2, A: 1}\n"), "env: {PASSWORD: ***, A: 1}\n");
    }

    #[test]
    fn json_is_masked_by_its_structure() {
        let masked = |document: &str| json(document).split_whitespace().collect::<String>();
        for (document, expected) in [
            (r#"{"Env":["A=1","MY_PASSWORD=a b, c"]}"#, r#"{"Env":["A=1","MY_PASSWORD=***"]}"#),
            (
                r#"{"Cmd":["run","--password","x","--a","b"]}"#,
                r#"{"Cmd":["run","--password","***","--a","b"]}"#,
            ),
            (r#"[{"key":"trustPassword","value":"x"}]"#, r#"[{"key":"trustPassword","value":"***"}]"#),
            (r#"{"password":12345,"tokens":{"a":"b"}}"#, r#"{"password":"***","tokens":{"a":"***"}}"#),
            (r#"{"secretEnabled":"true","n":1.5}"#, r#"{"n":1.5,"secretEnabled":"true"}"#),
            (r#"{"keyTable_keys":"2","tokensIssued":3}"#, r#"{"keyTable_keys":"2","tokensIssued":3}"#),
        ] {
            assert_eq!(masked(document), expected);
        }
        assert_eq!(json("{\"token\":\"a\"}\n{\"b\":1}\n"), "{\"token\":\"***\"}\n{\"b\":1}\n");
        assert_eq!(json("{broken \"token\":\"a\"\n"), "{broken \"token\":\"***\"\n");
    }
}
