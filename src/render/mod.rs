//! A [`Plan`] as text: templates, and the escaping that each dialect needs. Pure: equal plans, equal bytes.
//!
//! Knows nothing of folders, nor of what is there already.

mod dialect;
pub mod templates;

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, UndefinedBehavior, context};
use serde::Serialize;

use crate::error::{Failure, Status};
use crate::plan::Plan;
use crate::spec::values::Profile;
use templates::{Template, Templates};

/// The folder of HAProxy's configuration, which it loads whole, relative to the folder of the cluster.
pub const HAPROXY_FOLDER: &str = "haproxy";

/// The text of HAProxy's configuration, relative to the folder.
pub const HAPROXY_CFG: &str = "haproxy/s3-haproxy.cfg";

/// Every file that some plan has, relative to the folder.
pub const ALL_FILES: &[&str] =
    &[".env", "docker-compose.yaml", "docker-config", HAPROXY_CFG, "s3-haproxy.yaml"];

/// Texts by path relative to the folder; each ends with a line feed.
pub type Files = BTreeMap<&'static str, String>;

/// Every file of a plan.
///
/// # Errors
/// A template that is none, a variable that it does not have, or a value that its dialect cannot hold: named with the
/// template's place and line. Bad usage where the template is a person's own.
pub fn render(plan: &Plan, templates: &Templates) -> Result<Files> {
    let environment = environment()?;
    let (cfg, overlay) = match plan.profile {
        Profile::Tuned => ("s3-haproxy.cfg.j2", "s3-haproxy.yaml.j2"),
        Profile::Upstream => ("upstream/s3-haproxy.cfg.j2", "upstream/s3-haproxy.yaml.j2"),
    };
    let text = |name, variables: Value| text(&environment, templates.get(name), &variables);
    let mut files = Files::from([(HAPROXY_CFG, text(cfg, values(&plan.balancer))?)]);
    if let Some(variables) = &plan.overlay {
        files.insert("s3-haproxy.yaml", text(overlay, values(variables))?);
    }
    if let Some(variables) = &plan.cluster {
        files.insert("docker-compose.yaml", text("docker-compose.yaml.j2", values(variables))?);
        let settings = context! { groups => Serde(&plan.settings) };
        files.insert("docker-config", text("docker-config.j2", settings)?);
        let compose_files = context! { compose_files => Serde(&plan.compose_files) };
        files.insert(".env", text("env.j2", compose_files)?);
    }
    Ok(files)
}

fn environment() -> Result<Environment<'static>> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
    environment.set_auto_escape_callback(dialect::of_template);
    environment.set_formatter(dialect::write_value);
    // For the lines and variables that an error shows.
    environment.set_debug(true);
    environment.add_filter("overridable", dialect::overridable);
    environment.add_filter("key", dialect::key);
    environment.add_filter("comment", dialect::comment);
    environment.add_filter("counted", dialect::counted);
    Ok(environment)
}

fn values(variables: &impl Serialize) -> Value {
    Value::from(Serde(variables))
}

fn text(environment: &Environment<'_>, template: Template<'_>, variables: &Value) -> Result<String> {
    let rendered = environment
        .template_from_named_str(template.name, template.text)
        .and_then(|compiled| compiled.render(variables));
    let mut text = rendered.map_err(|error| failure(template, variables, &error))?;
    // HAProxy refuses a last line without an end.
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// What is wrong with a template: where, the lines around it, and the variables that it has.
fn failure(template: Template<'_>, variables: &Value, error: &Error) -> Failure {
    let (status, place) = match template.place {
        Some(place) => (Status::Usage, place),
        None => (Status::Failed, template.name),
    };
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let message = format!("{place}:{}: {}{detail}", error.line().unwrap_or(1), error.kind());
    let names: Vec<String> =
        variables.try_iter().into_iter().flatten().map(|name| name.to_string()).collect();
    Failure::new(status, message)
        .with_detail(error.display_debug_info().to_string().trim_start())
        .with_hint(format!("the variables of this template are {}", names.join(", ")))
}
