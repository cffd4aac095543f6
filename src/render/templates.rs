//! The templates: this tool's own, and those that a person has put in their place.

use std::collections::BTreeMap;

/// Name and text of each template of this tool. Names are paths in a folder of templates; what comes before `.j2`
/// decides the dialect.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("docker-compose.yaml.j2", include_str!("../../templates/docker-compose.yaml.j2")),
    ("docker-config.j2", include_str!("../../templates/docker-config.j2")),
    ("kerberos.yaml.j2", include_str!("../../templates/kerberos.yaml.j2")),
    ("monitoring.yaml.j2", include_str!("../../templates/monitoring.yaml.j2")),
    ("monitoring/dashboard.json.j2", include_str!("../../templates/monitoring/dashboard.json.j2")),
    ("monitoring/prometheus.yml.j2", include_str!("../../templates/monitoring/prometheus.yml.j2")),
    ("kerberos/kdc.sh.j2", include_str!("../../templates/kerberos/kdc.sh.j2")),
    ("kerberos/krb5.conf.j2", include_str!("../../templates/kerberos/krb5.conf.j2")),
    ("machine/INSTALL.md.j2", include_str!("../../templates/machine/INSTALL.md.j2")),
    ("machine/haproxy.service.conf.j2", include_str!("../../templates/machine/haproxy.service.conf.j2")),
    ("machine/keepalived.conf.j2", include_str!("../../templates/machine/keepalived.conf.j2")),
    ("env.j2", include_str!("../../templates/env.j2")),
    ("s3-haproxy.cfg.j2", include_str!("../../templates/s3-haproxy.cfg.j2")),
    ("s3-haproxy.yaml.j2", include_str!("../../templates/s3-haproxy.yaml.j2")),
    ("helm/haproxy.yaml.j2", include_str!("../../templates/helm/haproxy.yaml.j2")),
    ("helm/values.yaml.j2", include_str!("../../templates/helm/values.yaml.j2")),
    ("stack.yaml.j2", include_str!("../../templates/stack.yaml.j2")),
    ("upstream/s3-haproxy.cfg.j2", include_str!("../../templates/upstream/s3-haproxy.cfg.j2")),
    ("upstream/s3-haproxy.yaml.j2", include_str!("../../templates/upstream/s3-haproxy.yaml.j2")),
];

/// What files are rendered from; by default this tool's own templates.
#[derive(Clone, Debug, Default)]
pub struct Templates(BTreeMap<&'static str, Own>);

/// A person's template.
#[derive(Clone, Debug)]
struct Own {
    text: String,
    place: String,
}

/// One template.
#[derive(Clone, Copy, Debug)]
pub(super) struct Template<'a> {
    /// Its name among [`BUILT_IN`].
    pub(super) name: &'static str,
    /// What it says.
    pub(super) text: &'a str,
    /// Where a person keeps it; none for one of this tool's.
    pub(super) place: Option<&'a str>,
}

impl Templates {
    /// Puts a person's text in the place of a template of [`BUILT_IN`]; `place` is where it was read, for errors.
    pub fn replace(&mut self, name: &'static str, text: String, place: String) {
        self.0.insert(name, Own { text, place });
    }

    /// The template of a name.
    pub(super) fn get(&self, name: &'static str) -> Template<'_> {
        if let Some(Own { text, place }) = self.0.get(name) {
            return Template { name, text, place: Some(place) };
        }
        let built_in = BUILT_IN.iter().find(|(built_in, _)| *built_in == name);
        let (_, text) = built_in.unwrap_or_else(|| unreachable!("`{name}` is rendered, and in no table"));
        Template { name, text, place: None }
    }
}
