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
use serde_json::{Value as Json, json};

use crate::digest::digest;
use crate::error::{Failure, Status};
use crate::plan::balancer::{BALANCER_SERVICE, SCALED_SERVICE};
use crate::plan::machine::Bundle;
use crate::plan::monitoring::{GRAFANA, Monitoring, PROMETHEUS};
use crate::plan::overlay::Overlay;
use crate::plan::{Plan, Role};
use crate::spec::values::{FolderPath, ImageName, Profile};
use templates::{Template, Templates};

/// The folder of HAProxy's configuration, which it loads whole, relative to the folder of the cluster.
pub const HAPROXY_FOLDER: &str = "haproxy";

/// The drop-in for systemd, in the folder of a machine.
pub const MACHINE_UNIT: &str = "haproxy.service.conf";

/// The text of HAProxy's configuration, relative to the folder.
pub const HAPROXY_CFG: &str = "haproxy/s3-haproxy.cfg";

/// Every file that some plan has, relative to the folder.
pub const ALL_FILES: &[&str] = &[
    ".env",
    "docker-compose.yaml",
    "docker-config",
    HAPROXY_CFG,
    "kerberos.yaml",
    MONITORING,
    KRB5_CONF,
    KDC_SCRIPT,
    "s3-haproxy.yaml",
    STACK,
    CHART_BALANCER,
    CHART_VALUES,
];

/// Prometheus and Grafana, laid over the other Compose files, relative to the folder.
const MONITORING: &str = "monitoring.yaml";

/// The file that `docker stack deploy` takes, relative to the folder.
pub const STACK: &str = "stack.yaml";

/// Values of Ozone's Helm chart, and HAProxy beside it, relative to the folder.
const CHART_VALUES: &str = "values.yaml";
const CHART_BALANCER: &str = "haproxy.yaml";

/// What the programs of Kerberos read, relative to the folder.
pub const KRB5_CONF: &str = "kerberos/krb5.conf";

/// What the KDC's container runs, relative to the folder.
const KDC_SCRIPT: &str = "kerberos/kdc.sh";

/// Texts by path relative to the folder; each ends with a line feed.
pub type Files = BTreeMap<&'static str, String>;

/// What a plan looks like as files.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The files, without their seals.
    pub files: Files,
    /// The services of the Compose files.
    pub services: Vec<Service>,
}

/// A service, and what its containers are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The label of its containers. Those with another one were made from other choices.
    pub digest: String,
}

/// Every file of a plan.
///
/// # Errors
/// A template that is none, a variable that it does not have, or a value that its dialect cannot hold: named with the
/// template's place and line. Bad usage where the template is a person's own.
pub fn render(plan: &Plan, templates: &Templates) -> Result<Rendered> {
    let environment = environment()?;
    let (cfg, overlay) = match plan.profile {
        Profile::Tuned => ("s3-haproxy.cfg.j2", "s3-haproxy.yaml.j2"),
        Profile::Upstream => ("upstream/s3-haproxy.cfg.j2", "upstream/s3-haproxy.yaml.j2"),
    };
    let text = |name, variables: Value| text(&environment, templates.get(name), &variables);
    let mut files = Files::from([(HAPROXY_CFG, text(cfg, values(&plan.balancer))?)]);
    let mut services = Vec::new();
    let mut settings = String::new();
    if plan.cluster.is_some() || plan.stack.is_some() {
        settings = text("docker-config.j2", context! { groups => Serde(&plan.settings) })?;
        files.insert("docker-config", settings.clone());
    }
    if let Some(stack) = &plan.stack {
        files.insert(STACK, text("stack.yaml.j2", values(stack))?);
    }
    if let Some(chart) = &plan.chart {
        files.insert(CHART_VALUES, text("helm/values.yaml.j2", values(chart))?);
        files.insert(CHART_BALANCER, text("helm/haproxy.yaml.j2", values(chart))?);
    }
    if plan.cluster.is_some() {
        let compose_files = context! { compose_files => Serde(&plan.compose_files) };
        files.insert(".env", text("env.j2", compose_files)?);
    }
    let mut surroundings = settings;
    let (krb5, script) = ("kerberos/krb5.conf.j2", "kerberos/kdc.sh.j2");
    if plan.is_secure() {
        files.insert(KRB5_CONF, text(krb5, context! {})?);
    }
    if plan.kerberos.is_some() {
        files.insert(KDC_SCRIPT, text(script, context! {})?);
        for name in ["kerberos.yaml.j2", krb5, script] {
            surroundings += &lines(templates.get(name).text);
        }
    }
    let of = |name, parts: &Json| {
        digest(&[lines(templates.get(name).text), surroundings.clone(), parts.to_string()].concat())
    };
    if let Some(cluster) = &plan.cluster {
        let digests: BTreeMap<&str, String> = cluster
            .services
            .iter()
            .map(|service| {
                let parts = json!([cluster.image, cluster.dist, service]);
                (service.name.as_str(), of("docker-compose.yaml.j2", &parts))
            })
            .collect();
        let service = |(name, role): (&String, Role)| Service {
            name: name.clone(),
            role,
            digest: digests[name.as_str()].clone(),
        };
        services.extend(cluster.services.iter().map(|one| service((&one.name, one.role))));
        let variables = context! { digests => Serde(&digests), ..values(cluster) };
        files.insert("docker-compose.yaml", text("docker-compose.yaml.j2", variables)?);
    }
    if let Some(plan) = &plan.overlay {
        let of_image = |image: Option<&ImageName>, dist: Option<&FolderPath>| {
            of(overlay, &json!([image, dist, plan.environment, plan.limits]))
        };
        let gateway = of_image(plan.image.as_ref(), plan.dist.as_ref());
        let own_digests: BTreeMap<&str, String> = plan
            .own_images
            .iter()
            .map(|(name, image)| (name.as_str(), of_image(Some(image), None)))
            .collect();
        let balancer = of(overlay, &parts_of_balancer(plan));
        let gateways =
            plan.names.iter().cloned().chain(plan.scaled.iter().map(|_| SCALED_SERVICE.to_owned()));
        services.push(Service {
            name: BALANCER_SERVICE.to_owned(),
            role: Role::Balancer,
            digest: balancer.clone(),
        });
        services.extend(gateways.map(|name| {
            let digest = own_digests.get(name.as_str()).unwrap_or(&gateway).clone();
            Service { name, role: Role::Gateway, digest }
        }));
        let digests = context! { gateway_digest => gateway, balancer_digest => balancer, own_digests => Serde(&own_digests) };
        let variables = context! { ..digests, ..values(plan) };
        files.insert("s3-haproxy.yaml", text(overlay, variables)?);
    }
    if let Some(kerberos) = &plan.kerberos {
        let kdc = of("kerberos.yaml.j2", &json!([kerberos.image, kerberos.inline]));
        services.push(Service { name: kerberos.kdc.to_owned(), role: Role::Kdc, digest: kdc.clone() });
        let (krb5_conf, kdc_script) = (&files[KRB5_CONF], &files[KDC_SCRIPT]);
        let variables = context! { digest => kdc, krb5_conf, kdc_script, ..values(kerberos) };
        files.insert("kerberos.yaml", text("kerberos.yaml.j2", variables)?);
    }
    if let Some(monitoring) = &plan.monitoring {
        let (file, watching) = watching(monitoring, text, of)?;
        files.insert(MONITORING, file);
        services.extend(watching);
    }
    Ok(Rendered { files, services })
}

/// The file of what watches a cluster, and its services.
fn watching<'a>(
    monitoring: &Monitoring,
    text: impl Fn(&'a str, Value) -> Result<String>,
    of: impl Fn(&'a str, &Json) -> String,
) -> Result<(String, Vec<Service>)> {
    let prometheus = text("monitoring/prometheus.yml.j2", values(monitoring))?;
    let dashboard = text("monitoring/dashboard.json.j2", values(monitoring))?;
    let digest = of("monitoring.yaml.j2", &json!([monitoring, prometheus, dashboard]));
    let grafana = monitoring.grafana_image.as_ref().map(|_| GRAFANA);
    let service =
        |name: &str| Service { name: name.to_owned(), role: Role::Monitoring, digest: digest.clone() };
    let services = [PROMETHEUS].into_iter().chain(grafana).map(service).collect();
    let variables = context! { digest, prometheus, dashboard, ..values(monitoring) };
    Ok((text("monitoring.yaml.j2", variables)?, services))
}

/// What the container of the balancer is made from.
fn parts_of_balancer(plan: &Overlay) -> Json {
    let mut parts = json!([
        plan.balancer_image,
        plan.master_socket,
        plan.ports,
        plan.replaces_ports,
        plan.open_files,
        plan.configs.is_some()
    ]);
    // Beside the others only where there is one: without https and domains the digest is as it was before there were any.
    if let (Some(folder), Some(parts)) = (plan.certificate_folder, parts.as_array_mut()) {
        parts.push(folder.into());
    }
    if let (false, Some(parts)) = (plan.aliases.is_empty(), parts.as_array_mut()) {
        parts.push(json!(plan.aliases));
    }
    parts
}

/// A template without its comments, which make no other container.
fn lines(template: &str) -> String {
    template.lines().filter(|line| !line.trim_start().starts_with('#')).collect()
}

/// The files beside HAProxy's configuration on a machine of its own, by their names.
///
/// # Errors
/// As [`render`].
pub fn bundle(bundle: &Bundle, templates: &Templates) -> Result<BTreeMap<String, String>> {
    let environment = environment()?;
    let text = |name, variables: Value| text(&environment, templates.get(name), &variables);
    let mut files = BTreeMap::from([
        ("INSTALL.md".to_owned(), text("machine/INSTALL.md.j2", values(&bundle.notes))?),
        (MACHINE_UNIT.to_owned(), text("machine/haproxy.service.conf.j2", values(&bundle.notes))?),
    ]);
    for one in &bundle.keepalived {
        let name = format!("keepalived-{}.conf", one.number);
        files.insert(name, text("machine/keepalived.conf.j2", values(one))?);
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
    environment.add_filter("block", dialect::block);
    environment.add_filter("literal", dialect::literal);
    environment.add_filter("key", dialect::key);
    environment.add_filter("hash", dialect::hash);
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
