//! The JSON Schema of `ozone-compose.yaml`, made from the table of options.
//!
//! It knows keys and single values. What values mean to each other, such as two equal ports, only `generate` checks.

use regex::Regex;
use serde_json::{Map, Value, json};

use super::choices::FILE_NAME;
use super::file::VERSION;
use super::options::{OPTIONS, Opt, Preset};
use super::values::Takes;

/// The schema, in draft 7: the newest that editors share.
#[must_use]
pub fn schema() -> Value {
    let mut keys = Map::new();
    keys.insert("version".to_owned(), json!({ "const": VERSION, "description": "Version of this format." }));
    for option in OPTIONS {
        match option.key.split_once('.') {
            None => keys.insert(option.key.to_owned(), value_of(option)),
            Some((section, key)) => {
                let section = keys.entry(section).or_insert_with(empty_section);
                section["properties"][key] = value_of(option);
                continue;
            }
        };
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": FILE_NAME,
        "description": "The choices of a cluster of Apache Ozone with S3 gateways behind HAProxy.",
        "type": "object",
        "required": ["version"],
        "additionalProperties": false,
        "properties": keys,
    })
}

/// A section may be empty.
fn empty_section() -> Value {
    json!({ "type": ["object", "null"], "additionalProperties": false, "properties": {} })
}

/// What may stand behind a key: the option's values, or nothing.
fn value_of(option: &Opt) -> Value {
    let mut value = one_value(option.takes);
    if option.is_list() {
        let items = value.clone();
        allow(&mut value, "array");
        value["items"] = items;
    }
    allow(&mut value, "null");
    value["description"] = description(option).into();
    if let Preset::Is(text)
    | Preset::By { tuned: text, .. }
    | Preset::ByBase { single: text, .. }
    | Preset::BySize { default: text, .. } = option.default
    {
        value["default"] = plain(text);
    }
    value
}

/// One value that an option takes. A text of digits alone is a number to YAML, and vice versa.
fn one_value(takes: Takes) -> Value {
    match takes {
        Takes::Words(words) => {
            let texts = words.iter().map(|word| Value::from(*word));
            let numbers = words.iter().map(|word| plain(word)).filter(Value::is_number);
            json!({ "enum": texts.chain(numbers).collect::<Vec<_>>() })
        }
        Takes::Number(least, most) => number(least, most, "^[0-9]+$"),
        Takes::NumberOrOff(least, most) => number(least, most, "^(?:off|[0-9]+)$"),
        Takes::Text(shape) => {
            let mut text = json!({ "type": ["string"], "pattern": shape });
            if Regex::new(shape).is_ok_and(|shape| shape.is_match("1")) {
                allow(&mut text, "integer");
                text["minimum"] = 0.into();
            }
            text
        }
    }
}

fn number(least: u32, most: u32, shape: &str) -> Value {
    json!({ "type": ["integer", "string"], "minimum": least, "maximum": most, "pattern": shape })
}

/// Adds a type to those that a schema takes already; to words that can only be nothing at all.
fn allow(schema: &mut Value, kind: &str) {
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.push(kind.into());
    } else if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
}

/// A text as YAML reads it without quotes.
fn plain(text: &str) -> Value {
    text.parse::<u32>().map_or_else(|_| text.into(), Value::from)
}

fn description(option: &Opt) -> String {
    let default = match option.default {
        Preset::Is(text) => format!(" Default: {text}."),
        Preset::By { tuned, upstream } => format!(" Default: {tuned}; {upstream} in upstream."),
        Preset::ByBase { single, ha } => format!(" Default: {single}; {ha} with the base ha."),
        Preset::BySize { small, default } => format!(" Default: {default}; {small} in the size small."),
        Preset::From(words) => format!(" Default: {words}."),
        Preset::List => String::new(),
    };
    format!("{}.{default} Flag: --{}.", option.help, option.flag)
}
