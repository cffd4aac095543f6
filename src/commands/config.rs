//! `config`: the choices of a cluster, and where each was made.

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::Context;
use super::request::numbered;
use crate::cli::{self, Format, ShowConfig};
use crate::error::Status;
use crate::site::choices_in;
use crate::spec::Spec;
use crate::spec::choices::{Choice, Choices, Origin};
use crate::spec::options::{OPTIONS, Opt, Preset};
use crate::ui::table;
use crate::workspace::Folder;

/// Runs the verb.
pub fn run(verb: cli::Config, context: Context) -> Result<Status> {
    match verb {
        cli::Config::Show(arguments) => show(arguments, context),
    }
}

fn show(arguments: ShowConfig, context: Context) -> Result<Status> {
    let ShowConfig { folder, origin, format, flags } = arguments;
    let path = &folder.folder;
    let folder = Folder::to_read(path);
    let chosen = choices_in(&folder)?;
    let has_cluster = chosen.is_some();
    let kept = chosen.unwrap_or_default();
    let given = context.environment.overlaid_by(flags.0);
    // What `up` takes for a port is shown as it was chosen.
    let spec = Spec::resolve(&kept.clone().overlaid_by(numbered(&given, path)?), &folder.name())?;
    if !has_cluster {
        let place = path.display();
        context.ui.say(&format!("there is no cluster in `{place}`: these are the choices for a new one"));
    }
    let settings = settings(&kept.overlaid_by(given), &spec);
    match format {
        Format::Table => context.ui.data(&as_table(&settings, origin))?,
        Format::Json => context.ui.object("config", &json!({ "options": settings }))?,
    }
    Ok(Status::Done)
}

/// A value, and where it comes from.
#[derive(Debug, Serialize)]
struct Row {
    /// In `ozone-compose.yaml`.
    key: &'static str,
    /// One, or many for a list; none where nothing was chosen and nothing follows.
    values: Vec<String>,
    /// Where the value was chosen, or that it was not.
    origin: From,
    /// The flag, variable or file; what a value follows from where it was not chosen; empty for one that is fixed.
    source: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum From {
    Flag,
    Variable,
    File,
    Default,
    Derived,
}

/// Those that have a meaning here, in the order of the table.
fn settings(choices: &Choices, spec: &Spec) -> Vec<Row> {
    let meaningful = OPTIONS.iter().filter(|option| spec.meaningless_because(option).is_none());
    meaningful.map(|option| setting(option, choices.of(option.key), spec)).collect()
}

fn setting(option: &Opt, choice: Option<&Choice>, spec: &Spec) -> Row {
    let (values, origin, source) = match (choice, option.default) {
        (Some(choice), _) => {
            let origin = match choice.origin {
                Origin::Flag(_) | Origin::Argument => From::Flag,
                Origin::Environment(_) => From::Variable,
                Origin::File => From::File,
            };
            (choice.texts.clone(), origin, choice.origin.to_string())
        }
        (None, Preset::From(words)) => {
            let values = derived(option, spec);
            let origin = if values.is_empty() { From::Default } else { From::Derived };
            (values, origin, words.to_owned())
        }
        (None, _) => {
            let default = option.default_on(spec.basis());
            (default.into_iter().map(str::to_owned).collect(), From::Default, String::new())
        }
    };
    Row { key: option.key, values, origin, source }
}

/// What follows from other choices where none was made; nothing where it stays as it is.
fn derived(option: &Opt, spec: &Spec) -> Vec<String> {
    let value = match option.key {
        "name" => Some(spec.name.to_string()),
        "datanodes" => Some(spec.datanodes.to_string()),
        "ozone.image" => spec.ozone_image.as_ref().map(ToString::to_string),
        _ => None,
    };
    value.into_iter().collect()
}

fn as_table(settings: &[Row], with_origin: bool) -> String {
    let value = |setting: &Row| match setting.values.as_slice() {
        [] => "-".to_owned(),
        values => values.join(" "),
    };
    if !with_origin {
        let row = |setting: &Row| [setting.key.to_owned(), value(setting)];
        return table(["KEY", "VALUE"], &settings.iter().map(row).collect::<Vec<_>>());
    }
    let from = |setting: &Row| match setting.origin {
        From::Default if setting.source.is_empty() => "default".to_owned(),
        From::Default => format!("default: {}", setting.source),
        From::Derived => format!("derived: {}", setting.source),
        From::Flag | From::Variable | From::File => setting.source.clone(),
    };
    let row = |setting: &Row| [setting.key.to_owned(), value(setting), from(setting)];
    table(["KEY", "VALUE", "FROM"], &settings.iter().map(row).collect::<Vec<_>>())
}
