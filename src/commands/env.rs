//! `env`: the variables that S3 clients read.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use fs_err as fs;
use serde_json::{Map, Value, json};

use super::Context;
use crate::cli::{self, EnvFormat};
use crate::credentials;
use crate::engine::{Engine, Variables};
use crate::error::{Failure, Status};
use crate::observe::{self, Observed};
use crate::profile::{self, ProfileName};
use crate::s3::variables::variables;
use crate::s3::{self, Endpoint, Key};
use crate::site::Site;
use crate::spec::values::Target;
use crate::steps::{refuse_elsewhere, rotation};

/// How long a cluster may take to answer: one that is ready needs milliseconds.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Runs the verb; standard output stays empty while the cluster does not answer.
pub fn run(arguments: &cli::Env, context: &Context) -> Result<Status> {
    if let Some(name) = arguments.profile.as_ref().filter(|_| arguments.remove) {
        return remove_profile(name, context);
    }
    let cluster = answering_cluster(&arguments.folder.folder, context)?;
    let key = credentials::of_user(&cluster.site, arguments.user.as_ref())?;
    if let Some(name) = &arguments.profile {
        return write_profile(name, &cluster, &key, context);
    }
    let variables = if arguments.inside {
        variables(&cluster.site.spec.version, INSIDE, None, &key)
    } else {
        cluster.variables(&key, context)
    };
    let virtual_hosts =
        cluster.site.virtual_hosts(if arguments.inside { INSIDE } else { cluster.answers_at() });
    match arguments.format {
        EnvFormat::Shell => context.ui.data(&[shell(&variables), comments(&virtual_hosts)].concat())?,
        EnvFormat::Dotenv => context.ui.data(&dotenv(&variables))?,
        EnvFormat::Github => append(&github(&variables), context)?,
        EnvFormat::Json => {
            context.ui.object("env", &fields(&cluster.site.name, &variables, &virtual_hosts))?;
        }
    }
    Ok(Status::Done)
}

/// A cluster that has just answered a signed request.
pub(super) struct Answering {
    /// The cluster.
    pub(super) site: Site,
    /// What there is of it.
    pub(super) observed: Observed,
    /// Where it answered: what its own running balancer publishes.
    pub(super) endpoint: Endpoint,
    /// The same over https, where that is published too.
    pub(super) https: Option<String>,
}

impl Answering {
    /// What there is of it now.
    pub(super) fn observe_again(&self, engine: &Engine) -> Result<Observed> {
        if self.site.spec.target == Target::Swarm {
            return Observed::of(engine, &self.site.spec, &self.site.folder);
        }
        Observed::read(engine, &self.observed.project, None)
    }

    /// Says which gateways in rotation do not serve, since a load or a test says nothing of them.
    pub(super) fn warn_of_gateways_away(&self, context: &Context) {
        let Some(loaded) = self.observed.loaded() else { return };
        let away = rotation(&self.site.spec).missing(&self.observed.members, &loaded.gateways);
        if !away.is_empty() {
            let status = self.site.command("status");
            context.ui.say(&format!(
                "warning: without {away}, which HAProxy does not find healthy; `{status}` shows why"
            ));
        }
    }

    /// Over https where it has that.
    fn answers_at(&self) -> &str {
        self.https.as_deref().unwrap_or(self.endpoint.url())
    }

    /// The variables of clients on this machine.
    pub(super) fn variables(&self, key: &Key, context: &Context) -> Variables {
        self.site.variables(self.endpoint.url(), self.https.as_deref(), context.no_proxy.as_deref(), key)
    }
}

/// The cluster of a folder, by its own balancer: another process that answers on its port is ignored.
///
/// # Errors
/// With the exit code of a cluster that is not ready, and its answer.
pub(super) fn answering_cluster(folder: &Path, context: &Context) -> Result<Answering> {
    let site = Site::of_any_target(folder)?;
    let mut observed = Observed::of(&context.engine, &site.spec, folder)?;
    refuse_elsewhere(&site, &observed)?;
    if observed.running_balancer().is_none()
        && site.spec.target == Target::Compose
        && let Some(balancer) = observe::including(&context.engine, folder)?
    {
        observed = Observed::read(&context.engine, balancer.container.project(), None)?;
    }
    let not_ready = |what: String| {
        let message = format!("cluster `{}` {what}", site.name);
        let hint = format!("`{}` starts it and waits until it serves", site.starting_command(&observed));
        Failure::new(Status::NotReady, message).with_hint(hint)
    };
    let Some(endpoint) = site.endpoint(&observed, &context.engine)? else {
        return Err(not_ready("does not run: it has no running balancer".to_owned()).into());
    };
    s3::await_answer(&endpoint, ANSWERS_WITHIN, &credentials::own(&site)?).map_err(|problem| {
        let down = site.down_services(&observed).map(|down| format!("; {down} not run")).unwrap_or_default();
        not_ready(format!("does not answer a signed request at {}: {problem}{down}", endpoint.url()))
    })?;
    let https = observed.https(&site.host(&context.engine));
    Ok(Answering { site, observed, endpoint, https })
}

/// Where S3 answers containers in the cluster's network.
pub(super) const INSIDE: &str = "http://s3g:9878";

/// Lines for `eval`: in single quotes nothing means anything to a shell but the single quote.
fn shell(variables: &Variables) -> String {
    let line = |(name, value): &(&str, String)| format!("export {name}='{}'\n", value.replace('\'', r"'\''"));
    let exports = variables.set.iter().map(line);
    [format!("unset {}\n", variables.unset.join(" "))].into_iter().chain(exports).collect()
}

/// Comments for a shell: not every client of this machine finds these, and one that does not would fail.
fn comments(virtual_hosts: &[String]) -> String {
    let line =
        |endpoint: &String| format!("# the same with buckets in the host: AWS_ENDPOINT_URL_S3={endpoint}\n");
    virtual_hosts.iter().map(line).collect()
}

/// Lines for `docker run --env-file`, which would take quotes as part of the value.
fn dotenv(variables: &Variables) -> String {
    let line = |(name, value): &(&str, String)| format!("{name}={value}\n");
    variables.set.iter().map(line).collect()
}

/// Lines for the file of a GitHub job. A value of several lines is put between two that do not occur in it.
fn github(variables: &Variables) -> String {
    let line = |(name, value): &(&str, String)| {
        if !value.contains('\n') {
            return format!("{name}={value}\n");
        }
        let mut end = "END".to_owned();
        while value.contains(&end) {
            end.push('_');
        }
        format!("{name}<<{end}\n{value}\n{end}\n")
    };
    variables.set.iter().map(line).collect()
}

/// Adds lines to the file of a GitHub job, after what other steps wrote there.
fn append(lines: &str, context: &Context) -> Result<()> {
    let Some(path) = &context.github_env else {
        let message = "could not write variables for later steps: GITHUB_ENV names no file, as it does in a step of a GitHub job";
        let hint = "`ozone-compose env --format dotenv` prints the same lines";
        return Err(Failure::new(Status::Usage, message).with_hint(hint).into());
    };
    let is_open = fs::read(path).is_ok_and(|bytes| bytes.last().is_some_and(|last| *last != b'\n'));
    let gap = if is_open { "\n" } else { "" };
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
    Ok(file.write_all(format!("{gap}{lines}").as_bytes())?)
}

/// Writes an AWS profile for a cluster.
fn write_profile(name: &ProfileName, cluster: &Answering, key: &Key, context: &Context) -> Result<Status> {
    let folder = fs::canonicalize(&cluster.site.folder)?;
    let is_changed = profiles(context)?.write(name, &cluster.variables(key, context), &folder)?;
    let what = if is_changed { "leads" } else { "led already" };
    context.ui.say(&format!(
        "AWS profile `{name}` {what} to {}: `aws --profile {name} s3 ls`",
        cluster.answers_at()
    ));
    Ok(Status::Done)
}

/// Removes an AWS profile that this tool wrote.
fn remove_profile(name: &ProfileName, context: &Context) -> Result<Status> {
    let is_changed = profiles(context)?.remove(name)?;
    let what = if is_changed { "removed" } else { "there is no" };
    context.ui.say(&format!("{what} AWS profile `{name}`"));
    Ok(Status::Done)
}

fn profiles(context: &Context) -> Result<&profile::Files> {
    let hint = "set HOME, or both AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE";
    let missing = || Failure::new(Status::Usage, "there is no home for AWS profiles: HOME is not set");
    context.profiles.as_ref().ok_or_else(|| missing().with_hint(hint).into())
}

/// For programs.
fn fields(cluster: &str, variables: &Variables, virtual_hosts: &[String]) -> Value {
    let set: Map<_, _> =
        variables.set.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    json!({ "cluster": cluster, "unset": variables.unset, "variables": set, "virtual_hosts": virtual_hosts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_several_lines_ends_where_it_ends() {
        let set = vec![("ONE", "a=b<<c".to_owned()), ("MORE", "a\nEND\nEND_\nX=y".to_owned())];
        assert_eq!(
            github(&Variables { set, unset: &[] }),
            "ONE=a=b<<c\nMORE<<END__\na\nEND\nEND_\nX=y\nEND__\n"
        );
    }

    #[test]
    fn a_quote_in_a_value_does_not_end_it() {
        let set = vec![("NAME", "it's $HOME".to_owned())];
        let lines = shell(&Variables { set, unset: &["AWS_PROFILE", "OTHER"] });
        assert!(
            lines.starts_with("unset AWS_PROFILE ") && lines.ends_with("\nexport NAME='it'\\''s $HOME'\n")
        );
    }
}
