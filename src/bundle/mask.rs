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
const LAST_WORD: &str = r"(?:signature|cookie2?|keytab|keytab[_.\-]\w+)";

/// White space within a line.
const BLANK: &str = r"[^\S\r\n]";

/// Where a word may start; that of Unicode would make the search in a long log slow.
const START: &str = r"(?-u:\b)";

/// A word of HAProxy's configuration; quotes may stand anywhere in it.
const HAPROXY_WORD: &str = r#"(?:\\.|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'\\])+"#;

/// A name whose value is a secret.
static NAME: LazyLock<String> = LazyLock::new(|| format!(r"(?:[\w.\-]*{WORD}[\w.\-]*|[\w.\-]*{LAST_WORD})"));

static WHOLE_NAME: LazyLock<Regex> = LazyLock::new(|| regex(&format!("(?i)^{}$", *NAME)));

/// A name that ends as that of a secret does: others that hold such a word may count secrets.
static LAST: LazyLock<Regex> = LazyLock::new(|| regex(&format!("(?i)(?:{WORD}|{LAST_WORD})$")));

/// `name=value`, `"name": "value"`, `\"name\": \"value\"` anywhere in a line; `name%3Dvalue` in a URL within another.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    let value = r#"\\"[^"\\]*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&"'<>\\]+"#;
    let name = &*NAME;
    regex(&format!(r#"(?i)(?<name>{name})(?<between>\\?["']?[ \t]*(?:=>|[:=]|%3D)[ \t]*)(?<value>{value})"#))
});

/// `--name value`.
static OPTION: LazyLock<Regex> = LazyLock::new(|| {
    let value = r#""(?:[^"\\\r\n]|\\.)*"?|'[^'\r\n]*'?|[^\s\-"']\S*"#;
    regex(&format!(r#"(?im)(?<before>(?:^|[\s"'])--?{}[ \t]+)(?:{value})"#, *NAME))
});

/// `Authorization:` and `Cookie:`, up to their values, which have parts of their own.
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    let name = r"[\w.\-]*(?:authorization|cookie2?)";
    regex(&format!(
        r#"(?i)(?<open>\\?["'])?{name}(?<close>\\?["'])?{BLANK}*(?:=>|[:=]){BLANK}*(?<quote>\\?["'])?"#
    ))
});

/// What gives HAProxy a secret, to the end of its line: how a value is quoted, and what follows it, is HAProxy's to
/// know. A configuration is also found in a comment and in a diff.
static STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
    let (name, word) = (&*NAME, HAPROXY_WORD);
    let groups = format!("(?:{BLANK}+groups{BLANK}+{word})?");
    let sets = "(?:(?:set|add|replace)-header|replace-value|hdr|setenv|presetenv)";
    let statements = [
        format!(r"{START}stats{BLANK}+auth"),
        format!(r"{START}insecure-password"),
        format!(r"^[ \t#+\-|]*user{BLANK}+{word}{groups}{BLANK}+password"),
        format!(r#"{START}{sets}{BLANK}+["']?{name}["']?"#),
    ];
    regex(&format!(r"(?im)(?<before>(?:{}){BLANK}+)\S[^\r\n]*", statements.join("|")))
});

/// A condition of HAProxy that compares a header with a secret, to the end of its line.
static CONDITION: LazyLock<Regex> = LazyLock::new(|| {
    let header = format!(r"!?[\w.]*hdr\w*\({}[^)\s]*\)(?:,[\w(),.\-]*)?", *NAME);
    let matching = format!("-i{BLANK}+|-m{BLANK}+(?:str|beg|end|sub|reg|dir|dom|bin|hex){BLANK}+|--{BLANK}+");
    let before = format!(r"(?:\{{|{START}acl{BLANK}+\S+){BLANK}+{header}{BLANK}+(?:{matching})*");
    regex(&format!(r"(?i)(?<before>{before})[^\s\-][^\r\n]*"))
});

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
    let text = hide_headers(&text);
    let text = STATEMENT.replace_all(&text, "${before}***");
    let text = CONDITION.replace_all(&text, "${before}***");
    let text = OPTION.replace_all(&text, "${before}***");
    PAIR.replace_all(&text, hide_value).into_owned()
}

/// Hides the values of headers: to the closing quote where name or value is in quotes, else to the end of the line.
fn hide_headers(text: &str) -> String {
    let mut shown = String::new();
    let mut seen = 0;
    while let Some(header) = HEADER.captures_at(text, seen) {
        let start = header.get_match().end();
        let line = text[start..].split(['\r', '\n']).next().unwrap_or_default();
        let quote = if header.name("close").is_some() { header.name("quote") } else { header.name("open") };
        let length = quote.and_then(|quote| closing(line, quote.as_str())).unwrap_or(line.len());
        shown.push_str(&text[seen..start]);
        let value = &line[..length];
        let first = value.split([' ', ',', ')', ']', '}', '"', '\'']).next().unwrap_or_default();
        shown.push_str(if is_harmless(value) || is_switch(first) { value } else { HIDDEN });
        seen = start + length;
    }
    shown.push_str(&text[seen..]);
    shown
}

/// Where a quote is closed in a line; one that is escaped once more belongs to what is quoted.
fn closing(line: &str, quote: &str) -> Option<usize> {
    let mark = quote.trim_start_matches('\\');
    line.match_indices(mark).map(|(place, _)| &line[..place]).find_map(|before| {
        let start = before.trim_end_matches('\\').len();
        (before.len() - start < quote.len()).then_some(start)
    })
}

fn hide_value(pair: &Captures<'_>) -> String {
    let (name, value) = (&pair["name"], &pair["value"]);
    let quote = ["\\\"", "\"", "'"].into_iter().find(|quote| value.starts_with(quote)).unwrap_or("");
    if !is_secret(name, value.trim_matches(['\\', '"', '\''])) {
        return pair[0].to_owned();
    }
    format!("{name}{}{quote}{HIDDEN}{quote}", &pair["between"])
}

/// Hides secrets in an env file or in YAML, where a value continues to the end of its line and on deeper ones.
#[must_use]
pub fn settings(file: &str) -> String {
    let mut hidden = String::new();
    let mut secret_indent = None;
    for whole in file.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\r', '\n']);
        let end = &whole[line.len()..];
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if secret_indent.is_some_and(|outer| indent > outer) {
            hidden.extend([&line[..indent], HIDDEN, end]);
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
        hidden.extend([&line, end]);
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

fn is_harmless(value: &str) -> bool {
    value.is_empty() || value == HIDDEN || is_switch(value) || is_pattern(value)
}

/// What matches a value, as HAProxy's `log-format` does, is none.
fn is_pattern(value: &str) -> bool {
    value.trim_start_matches(")?").starts_with("([^")
}

/// Switches such as `ozone.s3g.secret.http.enabled=true` explain much and reveal nothing.
fn is_switch(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "true" | "false" | "null")
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
    fn values_of_settings_reach_to_the_end_of_the_line() {
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

    /// Lines as a person writes them into HAProxy's configuration, with a secret in each that has `hunter` in it.
    const SECRET_LINES: &[&str] = &[
        "    stats auth admin:hunter2",
        "\tStats\t AUTH \tadmin:hunter2 # for the team",
        r#"stats auth "admin:hunter two hunter""#,
        r"stats auth admin:hunter\ two\ hunter",
        "#stats auth admin:hunter2",
        "stats auth -admin:hunter2",
        "user bob insecure-password -hunter2",
        "    user bob insecure-password hunter2",
        "  user  \"bob a\"\tinsecure-password  'hunter two hunter' groups G1",
        "    user bob groups G1,G2 insecure-password hunter2",
        "    user bob password $5$salt$hunter2",
        "USER bob PASSWORD \"hunter two\"",
        "    # user bob password hunter2",
        "-    user bob password hunter2",
        r#"http-request set-header Authorization "Basic hunter2""#,
        r"http-request set-header AUTHORIZATION Basic\ hunter2 if METH_GET",
        "http-request\tadd-header\t\"Authorization\"\t'Bearer hunter2'",
        "http-request add-header authorization \"Digest username=\\\"hunter\\\", response=\\\"hunter2\\\"\"",
        "http-request set-header Proxy-Authorization hunter2",
        r#"http-request set-header Cookie "session=hunter2; a=hunter3""#,
        "http-response set-header set-cookie session=hunter2",
        "http-response add-header 'Set-Cookie' 'session=hunter2; Path=/'",
        "http-after-response replace-header Set-Cookie (.*) \\1;hunter2",
        "http-request set-header X-Auth-Token hunter2",
        r#"http-check send meth GET uri / ver HTTP/1.1 hdr Host s3g hdr Authorization "Basic hunter2""#,
        r"http-check send meth GET hdr Cookie a=hunter2 hdr Host s3g",
        r"option httpchk GET / HTTP/1.1\r\nAuthorization:\ Basic\ hunter2",
        r#"option httpchk GET / HTTP/1.1\r\nHost:\ a\r\nCookie:\ a="hunter2";\ b=hunter3"#,
        r#"http-request deny unless { req.hdr(Authorization) -m str "Bearer hunter2" }"#,
        "use_backend a if { hdr(Authorization) -m found } { req.hdr(Cookie) -m sub -- hunter2 }",
        "acl known hdr(cookie),lower -i -m sub hunter2",
        r#"http-request return status 200 hdr Set-Cookie "a=hunter2""#,
        "setenv DB_PASSWORD 'hunter two hunter'",
    ];

    /// Lines of logs, likewise.
    const SECRET_LOGS: &[&str] = &[
        "Authorization: Basic hunter2",
        "> authorization:Bearer hunter2",
        r#"Authorization: Digest username="hunter", realm="a", response="hunter2""#,
        r#"{"Authorization": "Digest username=\"hunter\", response=\"hunter2\"", "a": 1}"#,
        r#"Authorization: "Basic hunter"#,
        "Cookie: session=hunter2; other=hunter3, third=hunter4",
        "Cookie: a=it's; b=hunter2",
        "Cookie: ,}a=hunter2",
        "Set-Cookie:\tsession=hunter2; Path=/; HttpOnly",
        r#"{"headers":{"Cookie":"a=hunter2; b=hunter3","Host":"a"}}"#,
        r#"said {\"Set-Cookie\":\"a=hunter2; b=hunter3\"} twice"#,
        "{Cookie=[a=hunter2; b=hunter3], Host=[a]}",
        "00000001:s3.clihdr[0007:ffffffff]: cookie: a=hunter2; b=hunter3",
        "curl -H 'Cookie: a=hunter2; b=hunter3' -H \"Authorization: Bearer hunter2\"",
        "run --password 'hunter two hunter' --cookie \"a=hunter2; b=hunter3\"",
        "GET /b?x-amz-security-token=hunter%2F2&X-Amz-Signature=hunter3&X-AMZ-CREDENTIAL=hunter4 HTTP/1.1",
        "GET /go?to=http%3A%2F%2Fa%2F%3FX-Amz-Signature%3Dhunter2%26X-Amz-Credential%3Dhunter3 HTTP/1.1",
        "X-Amz-Security-Token: hunter2/+=",
    ];

    /// Lines that resemble those above, and reveal nothing.
    const HARMLESS_LINES: &[&str] = &[
        "    stats enable",
        "    http-request auth realm hunter unless { http_auth(users) }",
        "    http-request del-header Authorization",
        "    capture request header Authorization len 8",
        "    capture request header Cookie len 32 # a word",
        "    acl has_it req.hdr(Authorization) -m found",
        "    use_backend a if { req.hdr(Cookie) -m found } { path /a }",
        "    http-request set-header X-Forwarded-For %[src]",
        "    http-request set-header X-Had %[req.hdr(Authorization)] if METH_GET",
        "    cookie SERVER insert indirect nocache",
        "    server s3g1 s3g1:9878 cookie s3g1",
        "    http-check send meth GET uri / ver HTTP/1.1 hdr Host s3g",
        "    user root",
        "    userlist admins",
        "    group G1 users bob",
        "    http-reuse always",
        "java -Dhadoop.security.authorization=true -Xmx1g",
        "OZONE-SITE.XML_ozone.cookie: true",
        "user bob changed the password of nobody",
        "Cookies are kept for 5 minutes: no",
        "",
    ];

    #[test]
    fn no_line_of_haproxys_configuration_or_of_a_log_keeps_a_secret() {
        for line in SECRET_LINES.iter().chain(SECRET_LOGS) {
            for ending in ["", "\n", "\r\n", "\nlast: line\n"] {
                let whole = format!("global\n{line}{ending}");
                for masked in [text(&whole), settings(&whole)] {
                    assert!(!masked.contains("hunter"), "{line:?}: {masked:?}");
                    assert!(masked.contains(HIDDEN), "{line:?}: {masked:?}");
                    assert!(
                        masked.starts_with("global\n") && masked.ends_with(ending),
                        "{line:?}: {masked:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn lines_without_secrets_stay_as_they_are() {
        for ending in ["\n", "\r\n"] {
            let whole: String = HARMLESS_LINES.iter().flat_map(|line| [line, ending]).collect();
            assert_eq!(text(&whole), whole);
            assert_eq!(settings(&whole), whole);
            assert_eq!(settings(whole.trim_end()), whole.trim_end());
        }
    }

    #[test]
    fn generated_configurations_of_haproxy_stay_as_they_are() {
        let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("compose-examples");
        let mut count = 0;
        for example in fs_err::read_dir(examples).expect("examples") {
            let file = example.expect("an example").path().join(crate::render::HAPROXY_CFG);
            if file.exists() {
                let generated = fs_err::read_to_string(file).expect("a text");
                assert_eq!(settings(&generated), generated);
                count += 1;
            }
        }
        assert!(count > 0);
    }

    #[test]
    fn what_stands_beside_a_secret_is_kept() {
        for (line, masked) in [
            ("    stats auth admin:hunter2\n", "    stats auth ***\n"),
            ("  user bob password hunter2\r\n", "  user bob password ***\r\n"),
            ("http-request set-header Cookie a=b if X", "http-request set-header Cookie ***"),
            ("curl -H 'Cookie: a=b' -H \"Host: c\"", "curl -H 'Cookie: ***' -H \"Host: c\""),
            (r#"{"Cookie":"a=b","Host":"c"}"#, r#"{"Cookie":"***","Host":"c"}"#),
            (r#"said {\"Cookie\":\"a=b\"} twice"#, r#"said {\"Cookie\":\"***\"} twice"#),
            ("run --password 'a b' --force", "run --password *** --force"),
        ] {
            assert_eq!(text(line), masked);
        }
    }
}
