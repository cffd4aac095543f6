//! `man`: the man pages, made from the definition of the command line.

use anyhow::Result;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{Context, counted};
use crate::cli::{self, Cli, VERSION};
use crate::error::{EXIT_CODES, OTHER_EXIT_CODES, Status};
use crate::render::HAPROXY_CFG;
use crate::spec::choices::FILE_NAME;

/// What the FILES section says about each file in a cluster's folder.
const FILES: &[(&str, &str)] = &[
    (FILE_NAME, "the choices of the cluster; the one file to edit"),
    ("docker-compose.yaml", "Ozone itself: SCM, OM and datanodes"),
    ("s3-haproxy.yaml", "the balancer and the gateways, laid over it"),
    (HAPROXY_CFG, "HAProxy's configuration"),
    ("docker-config", "Ozone's settings"),
    ("monitoring.yaml", "with --monitoring: Prometheus and Grafana, laid over both"),
    ("kerberos.yaml", "with --secure: a KDC, laid over both"),
    ("kerberos/krb5.conf", "with --secure: the realm, for every container"),
    ("kerberos/kdc.sh", "with --secure: what the KDC's container runs"),
    ("kerberos/private", "with --secure and --target swarm: the keys of all services"),
    ("secrets/credentials", "with --secure: the secrets of S3 users, in the format of AWS"),
    ("stack.yaml", "with --target swarm, instead of the Compose files: every service of the cluster"),
    ("values.yaml", "with --target helm, likewise: values of Ozone's Helm chart"),
    ("haproxy.yaml", "with --target helm: HAProxy beside the chart, for kubectl apply"),
    (".env", "tells docker compose which files belong together"),
    ("compose.override.yaml", "yours, where there is one: joins the Compose files, and is never written"),
    ("haproxy/*.cfg", "yours but for the one above: HAProxy loads them too"),
];

/// Runs the verb.
pub fn run(arguments: &cli::Man, context: &Context) -> Result<Status> {
    let mut command = Cli::command();
    command.build();
    let Some(path) = &arguments.folder else {
        context.ui.data(&page(&command)?)?;
        return Ok(Status::Done);
    };
    let mut folder = super::request::open(path, context)?;
    folder.make(|| context.interrupt.check())?;
    let mut changes = Vec::new();
    for command in all(&command) {
        // Pages are not edited by hand: those of an older version are replaced.
        changes.push(folder.compare(&format!("{}.1", name(command)), Some(&page(command)?))?.agreed());
    }
    folder.apply(&changes)?;
    context.ui.say(&format!("wrote {} to `{}`", counted(changes.len(), "page"), path.display()));
    Ok(Status::Done)
}

/// A command and all below it.
fn all(command: &Command) -> Vec<&Command> {
    std::iter::once(command).chain(command.get_subcommands().flat_map(all)).collect()
}

/// `ozone-compose-up`: what the page is called.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The text of a page. It has no date: equal versions give equal bytes.
fn page(command: &Command) -> Result<String> {
    let man = Man::new(command.clone()).source(format!("ozone-compose {VERSION}"));
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    synopsis(command).to_writer(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    exit_status().to_writer(&mut text)?;
    files().to_writer(&mut text)?;
    Ok(String::from_utf8(text)?)
}

/// The usage in a line: the options alone would fill a screen.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut section = Roff::new();
    section.control("SH", ["SYNOPSIS"]);
    section.text([bold(usage.trim_start_matches("Usage: "))]);
    section
}

fn exit_status() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["EXIT STATUS"]);
    for code in EXIT_CODES {
        section.control("TP", []);
        section.text([bold(code.status.code().to_string())]).text([roman(code.meaning)]);
    }
    section.control("PP", []).text([roman(OTHER_EXIT_CODES)]);
    section
}

fn files() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["FILES"]);
    for (name, meaning) in FILES {
        section.control("TP", []);
        section.text([bold(*name)]).text([roman(*meaning)]);
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::ALL_FILES;

    #[test]
    fn every_file_that_is_written_is_named() {
        for name in ALL_FILES {
            assert!(FILES.iter().any(|(file, _)| file == name), "{name}");
        }
    }
}
