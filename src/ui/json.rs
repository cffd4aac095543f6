//! What programs read. docs/json.md describes each object.

use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{Failure, hint_of, status_of};

/// The version of every object. Fields may be added in it; none changes its meaning or is removed.
const VERSION: u32 = 1;

/// An object with what all have in common before its own fields.
#[derive(Serialize)]
pub(super) struct Object<'a, T> {
    version: u32,
    kind: &'a str,
    #[serde(flatten)]
    fields: &'a T,
}

impl<'a, T: Serialize> Object<'a, T> {
    pub(super) fn new(kind: &'a str, fields: &'a T) -> Self {
        Self { version: VERSION, kind, fields }
    }

    /// On one line, for a stream of them.
    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| unreachable!("fields are named and hold plain values"))
    }
}

/// The fields of an error.
pub(super) fn of_error(error: &anyhow::Error) -> Value {
    let failure = error.downcast_ref::<Failure>();
    let status = status_of(error);
    json!({
        "code": status.name(),
        "exit_code": status.code(),
        "text": error.to_string(),
        "causes": error.chain().skip(1).map(ToString::to_string).collect::<Vec<_>>(),
        "detail": failure.map_or("", |failure| &failure.detail),
        "hint": hint_of(error),
    })
}
