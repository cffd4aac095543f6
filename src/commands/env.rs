//! `env`: the variables that S3 clients read.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::Context;
use crate::cli::{self, EnvFormat};
use crate::cluster::Cluster;
use crate::error::{Failure, Status};
use crate::s3::{self, ACCESS_KEY, REGION, SECRET_KEY};
use crate::spec::values::OzoneVersion;

/// How long a cluster may take to answer: one that is ready needs milliseconds.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Runs the verb; standard output stays empty while the cluster does not answer.
pub fn run(arguments: &cli::Env, context: &Context) -> Result<Status> {
    let cluster = answering_cluster(&arguments.folder.folder, context)?;
    let variables = variables(&cluster);
    match arguments.format {
        EnvFormat::Shell => context.ui.data(&shell(&variables))?,
        EnvFormat::Dotenv => context.ui.data(&dotenv(&variables))?,
        EnvFormat::Json => context.ui.object("env", &fields(&cluster.name, &variables))?,
    }
    Ok(Status::Done)
}

/// The cluster of a folder, which has just answered a signed request.
///
/// # Errors
/// With the exit code of a cluster that is not ready, and what it said instead.
pub(super) fn answering_cluster(folder: &Path, context: &Context) -> Result<Cluster> {
    let cluster = Cluster::in_folder(folder, &context.environment)?;
    s3::await_answer(&cluster.endpoint, ANSWERS_WITHIN).map_err(|problem| not_ready(&cluster, &problem))?;
    Ok(cluster)
}

/// The variables with which the AWS SDKs and what is built on them reach a cluster, as names and values.
#[must_use]
pub fn variables(cluster: &Cluster) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("AWS_ENDPOINT_URL_S3", cluster.endpoint.clone()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        // All that boto3 and version 1 of the AWS CLI read of the two.
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
    ];
    if lacks_trailing_checksums(cluster.spec.version) {
        variables.push(("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required".to_owned()));
        variables.push(("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required".to_owned()));
    }
    variables
}

/// SDKs of 2025 and later send checksums after the body, which Ozone takes from 2.1 on.
fn lacks_trailing_checksums(version: OzoneVersion) -> bool {
    (version.major, version.minor) < (2, 1)
}

fn not_ready(cluster: &Cluster, problem: &anyhow::Error) -> Failure {
    let Cluster { name, endpoint, .. } = cluster;
    let message = format!("cluster `{name}` does not answer a signed request at {endpoint}: {problem}");
    Failure::new(Status::NotReady, message)
        .with_hint(format!("`{}` starts it and waits until it does", cluster.command("up")))
}

/// Lines for `eval`: in single quotes nothing means anything to a shell but the single quote.
fn shell(variables: &[(&str, String)]) -> String {
    let line = |(name, value): &(&str, String)| format!("export {name}='{}'\n", value.replace('\'', r"'\''"));
    variables.iter().map(line).collect()
}

/// Lines for `docker run --env-file`, which would take quotes as part of the value.
fn dotenv(variables: &[(&str, String)]) -> String {
    let line = |(name, value): &(&str, String)| format!("{name}={value}\n");
    variables.iter().map(line).collect()
}

/// For programs.
fn fields(cluster: &str, variables: &[(&str, String)]) -> Value {
    let variables: Map<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    json!({ "cluster": cluster, "variables": variables })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_value_does_not_end_it() {
        assert_eq!(shell(&[("NAME", "it's $HOME".to_owned())]), "export NAME='it'\\''s $HOME'\n");
    }

    #[test]
    fn checksums_after_the_body_are_for_ozone_2_1_and_later() {
        let lacks = |version: &str| lacks_trailing_checksums(version.parse().expect("a version"));
        assert!(lacks("2.0.0"));
        assert!(!lacks("2.1.0") && !lacks("2.2.1"));
    }
}
