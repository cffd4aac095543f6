//! How a value is written in YAML for Compose, in HAProxy's configuration and in an env file, so that it
//! cannot leave its place.

use std::path::Path;

use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Error, ErrorKind, Output, State};

/// Words of HAProxy's configuration, and values of env files that Compose reads.
const PLAIN: &str = "plain";

/// YAML in which neither Compose nor a shell replaces anything, and Helm expands values.
const KUBERNETES: &str = "kubernetes";

/// The dialect of a template, by its name: JSON, which is YAML, for Compose files and those for Kubernetes; plain words
/// elsewhere.
pub(super) fn of_template(name: &str) -> AutoEscape {
    let file = Path::new(name.trim_end_matches(".j2"));
    if file.starts_with("helm") {
        AutoEscape::Custom(KUBERNETES.into())
    } else if file.extension().is_some_and(|extension| extension == "yaml") {
        AutoEscape::Json
    } else {
        AutoEscape::Custom(PLAIN.into())
    }
}

/// Writes `{{ value }}`.
pub(super) fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    let text = match state.auto_escape() {
        _ if value.is_safe() => value.to_string(),
        AutoEscape::Json => compose(value)?,
        AutoEscape::Custom(dialect) if dialect == KUBERNETES => kubernetes(value)?,
        _ => plain(value)?,
    };
    out.write_str(&text).map_err(Error::from)
}

/// A JSON scalar in which Compose finds nothing to interpolate.
fn compose(value: &Value) -> Result<String, Error> {
    Ok(yaml(value)?.replace('$', "$$"))
}

/// A JSON scalar.
fn yaml(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Number => Ok(value.to_string()),
        ValueKind::String if !value.to_string().contains(only_in_json) => {
            serde_json::to_string(&value.to_string()).map_err(|error| refuse(value, &error.to_string()))
        }
        _ => Err(refuse(value, "a YAML file")),
    }
}

/// The same without what Helm, which expands values of the chart, takes for an action.
fn kubernetes(value: &Value) -> Result<String, Error> {
    if value.to_string().contains("{{") {
        return Err(refuse(value, "values of a chart"));
    }
    yaml(value)
}

/// What JSON may hold as it is and YAML may not, or takes for a line's end: DEL and the C1 controls, the
/// Unicode separators, byte order marks and non-characters.
fn only_in_json(c: char) -> bool {
    c >= '\u{7f}' && c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A number, or a text that is one word in HAProxy's configuration and literal in an env file.
fn plain(value: &Value) -> Result<String, Error> {
    let text = value.to_string();
    let literal = |c: char| c.is_ascii_alphanumeric() || "_./:,@%+=-*[]~".contains(c);
    match value.kind() {
        ValueKind::Number => Ok(text),
        ValueKind::String if !text.is_empty() && text.chars().all(literal) => Ok(text),
        _ => Err(refuse(value, "this file")),
    }
}

fn refuse(value: &Value, place: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("{value:?} cannot be written to {place}"))
}

/// `"${VARIABLE:-value}"`: the value, unless Compose's environment says otherwise.
pub(super) fn overridable(value: &Value, variable: &str) -> Result<Value, Error> {
    let literal = |c: char| c.is_ascii_alphanumeric() || "_./:@-+".contains(c);
    let text = value.to_string();
    if text.is_empty() || !text.chars().all(literal) {
        return Err(refuse(value, "a variable of a Compose file"));
    }
    Ok(Value::from_safe_string(format!("\"${{{variable}:-{text}}}\"")))
}

/// A text as lines of a block of a Compose file, each behind so many blanks; a last line without an end gets one.
pub(super) fn block(value: &Value, blanks: usize) -> Result<Value, Error> {
    Ok(Value::from_safe_string(lines(value, blanks)?.replace('$', "$$")))
}

/// The same for a file in which nothing is replaced.
pub(super) fn literal(value: &Value, blanks: usize) -> Result<Value, Error> {
    Ok(Value::from_safe_string(lines(value, blanks)?))
}

fn lines(value: &Value, blanks: usize) -> Result<String, Error> {
    let text = value.to_string();
    let only_in_json = |c: char| only_in_json(c) || c.is_control() && !matches!(c, '\t' | '\n');
    if text.replace("\r\n", "\n").contains(only_in_json) {
        return Err(refuse(value, "a YAML file"));
    }
    let lines = text.lines().map(|line| match line {
        "" => String::new(),
        _ => format!("{:blanks$}{line}", ""),
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// A key of a Compose file, without quotes.
pub(super) fn key(value: &Value) -> Result<Value, Error> {
    let text = value.to_string();
    let literal = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || !text.chars().all(literal) {
        return Err(refuse(value, "a key of a Compose file"));
    }
    Ok(Value::from_safe_string(text))
}

/// The hash of a password, in whose dollar signs HAProxy reads nothing outside of quotes.
pub(super) fn hash(value: &Value) -> Result<Value, Error> {
    let text = value.to_string();
    let literal = |c: char| c.is_ascii_alphanumeric() || "$./=,".contains(c);
    if text.is_empty() || !text.chars().all(literal) {
        return Err(refuse(value, "a list of users"));
    }
    Ok(Value::from_safe_string(text))
}

/// Any text that stays on its line, for comments.
pub(super) fn comment(value: &Value) -> Result<Value, Error> {
    let text = value.to_string();
    if text.contains(|c: char| c.is_control() || only_in_json(c)) {
        return Err(refuse(value, "a comment"));
    }
    Ok(Value::from_safe_string(text))
}

/// `1 gateway`, `2 gateways`, for comments.
pub(super) fn counted(count: u32, noun: &str) -> Value {
    let plural = if count == 1 { "" } else { "s" };
    Value::from_safe_string(format!("{count} {noun}{plural}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_chart_hold_dollars_and_no_action_of_helm() {
        assert_eq!(kubernetes(&Value::from("$java")).expect("text"), "\"$java\"");
        assert!(kubernetes(&Value::from("{{ .Release.Name }}")).is_err());
    }

    #[test]
    fn yaml_holds_any_text_and_compose_interpolates_none_of_it() {
        for (text, written) in [
            ("no", "\"no\""),
            ("a: b # c", "\"a: b # c\""),
            ("\"\\\n", "\"\\\"\\\\\\n\""),
            ("${HOME}", "\"$${HOME}\""),
        ] {
            assert_eq!(compose(&Value::from(text)).expect("any text"), written);
        }
        for bad in ["\u{85}", "\u{2028}", "\u{feff}", "\u{ffff}"] {
            assert!(compose(&Value::from(bad)).is_err(), "{bad:?}");
        }
        assert!(compose(&Value::from(true)).is_err());
    }

    #[test]
    fn haproxy_takes_single_words_only() {
        assert_eq!(plain(&Value::from("[2001:db8::7]:9878")).expect("a word"), "[2001:db8::7]:9878");
        assert_eq!(plain(&Value::from(7)).expect("a number"), "7");
        for bad in ["", "a b", "a\nserver evil", "a#b", "a\"b", "a'b", "a\\b", "$HOME", "a\0"] {
            assert!(plain(&Value::from(bad)).is_err(), "{bad:?}");
        }
        for bad in [Value::from(true), Value::from(()), Value::UNDEFINED] {
            assert!(plain(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn nothing_leaves_a_variable_or_a_key() {
        assert_eq!(overridable(&Value::from("a/b:1"), "V").expect("an image").to_string(), "\"${V:-a/b:1}\"");
        assert!(overridable(&Value::from("a}b"), "V").is_err());
        assert!(key(&Value::from("a: b")).is_err());
    }
}
