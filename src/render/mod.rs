//! A [`Plan`] as text: templates, and the escaping that each dialect needs. Pure: equal plans, equal bytes.

mod dialect;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;

use crate::plan::Plan;
use crate::spec::values::Profile;

/// The text of HAProxy's configuration, relative to the folder.
pub const HAPROXY_CFG: &str = "haproxy/s3-haproxy.cfg";

/// Every file that some plan has, relative to the folder.
pub const ALL_FILES: &[&str] =
    &[".env", "docker-compose.yaml", "docker-config", HAPROXY_CFG, "s3-haproxy.yaml"];

/// Texts by path relative to the folder; each ends with a line feed.
pub type Files = BTreeMap<&'static str, String>;

/// The templates, by the name that decides their dialect.
const TEMPLATES: &[(&str, &str)] = &[
    ("docker-compose.yaml", include_str!("../../templates/docker-compose.yaml.j2")),
    ("docker-config", include_str!("../../templates/docker-config.j2")),
    (".env", include_str!("../../templates/env.j2")),
    ("s3-haproxy.cfg", include_str!("../../templates/s3-haproxy.cfg.j2")),
    ("s3-haproxy.yaml", include_str!("../../templates/s3-haproxy.yaml.j2")),
    ("upstream/s3-haproxy.cfg", include_str!("../../templates/upstream/s3-haproxy.cfg.j2")),
    ("upstream/s3-haproxy.yaml", include_str!("../../templates/upstream/s3-haproxy.yaml.j2")),
];

/// Every file of a plan.
///
/// # Errors
/// A value that a dialect cannot hold, named with template and line.
pub fn render(plan: &Plan) -> Result<Files> {
    let environment = environment()?;
    let (cfg, overlay) = match plan.profile {
        Profile::Tuned => ("s3-haproxy.cfg", "s3-haproxy.yaml"),
        Profile::Upstream => ("upstream/s3-haproxy.cfg", "upstream/s3-haproxy.yaml"),
    };
    let mut files = Files::from([(HAPROXY_CFG, text(&environment, cfg, &plan.balancer)?)]);
    if let Some(variables) = &plan.overlay {
        files.insert("s3-haproxy.yaml", text(&environment, overlay, variables)?);
    }
    if let Some(variables) = &plan.cluster {
        files.insert("docker-compose.yaml", text(&environment, "docker-compose.yaml", variables)?);
        let settings = context! { groups => Serde(&plan.settings) };
        files.insert("docker-config", text(&environment, "docker-config", &settings)?);
        let compose_files = context! { compose_files => Serde(&plan.compose_files) };
        files.insert(".env", text(&environment, ".env", &compose_files)?);
    }
    Ok(files)
}

fn environment() -> Result<Environment<'static>> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
    environment.set_auto_escape_callback(dialect::of_template);
    environment.set_formatter(dialect::write_value);
    environment.add_filter("overridable", dialect::overridable);
    environment.add_filter("key", dialect::key);
    environment.add_filter("comment", dialect::comment);
    environment.add_filter("counted", dialect::counted);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

fn text(environment: &Environment<'_>, template: &str, variables: &impl Serialize) -> Result<String> {
    let template = environment.get_template(template)?;
    let name = template.name().to_owned();
    template.render(Serde(variables)).with_context(|| format!("could not render {name}"))
}
