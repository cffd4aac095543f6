//! What the engine can tell of containers that do not do as they should; nothing of it changes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

use super::{FOLDER_LABEL, Finished, Invocation, PROJECT_LABEL, ROLE_LABEL, Runner, label_field, of_project};
use crate::error::{Failure, Status};

/// How long the engine may take for one part.
const PATIENCE: Duration = Duration::from_secs(30);

/// Last lines of a container's log, of each of its two streams.
const LOG_LINES: &str = "10000";

/// Asks every Java process in the container for a thread dump and prints its id. The image has no `jstack`,
/// the process is not the first where an init starts it, and not every image has `pgrep`.
const DUMP_THREADS: &str = "for p in /proc/[0-9]*; do \
     read -r name < $p/comm && [ \"$name\" = java ] && kill -3 ${p#/proc/} && echo ${p#/proc/}; done; true";

/// A container by the labels it was started with, so that no file is needed to find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The engine's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it runs.
    pub is_running: bool,
    /// `balancer`, `gateway`, `scm`, `om`, `datanode`; otherwise its service.
    pub role: String,
    /// Its service.
    pub service: String,
}

/// All containers of a project, ended ones too, by name.
///
/// # Errors
/// When there is no engine.
pub fn find(runner: &Runner, project: &str) -> Result<Vec<Found>> {
    let (role, service) = (label_field(ROLE_LABEL), label_field("com.docker.compose.service"));
    let format = format!("{{{{.ID}}}}\t{{{{.Names}}}}\t{{{{.State}}}}\t{role}\t{service}");
    let query = ["ps", "--all", "--no-trunc", "--filter", &of_project(project), "--format", &format];
    let said = answer(runner, &Invocation::docker(&format!("list the containers of `{project}`"), query))?;
    let mut found: Vec<Found> = said.lines().filter_map(read).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn read(line: &str) -> Option<Found> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [id, name, state, role, service] = fields[..] else { return None };
    let role = if role.is_empty() { service } else { role };
    Some(Found {
        id: id.to_owned(),
        name: name.to_owned(),
        is_running: state == "running",
        role: role.to_owned(),
        service: service.to_owned(),
    })
}

/// The project whose containers were started from a folder, which must be absolute; none where there are none.
#[must_use]
pub fn project_of(runner: &Runner, folder: &str) -> Option<String> {
    let filter = format!("label={FOLDER_LABEL}={folder}");
    let query = ["ps", "--all", "--filter", &filter, "--format", &label_field(PROJECT_LABEL)];
    let said = answer(runner, &Invocation::docker("find the folder's containers", query)).ok()?;
    said.lines().find(|line| !line.is_empty()).map(str::to_owned)
}

/// Versions of client and engine; the client's own where no engine answers.
///
/// # Errors
/// When there is no client.
pub fn docker_version(runner: &Runner) -> Result<String> {
    let said = runner.ask_within(PATIENCE, &Invocation::docker("ask for versions", ["version"]))?;
    Ok(format!("{}{}", said.stdout, said.stderr))
}

/// The version of Compose.
///
/// # Errors
/// When it is not there.
pub fn compose_version(runner: &Runner) -> Result<String> {
    answer(runner, &Invocation::docker("ask for Compose's version", ["compose", "version"]))
}

/// A project's containers as Compose lists them: JSON.
///
/// # Errors
/// When Compose or the engine is not there.
pub fn compose_ps(runner: &Runner, project: &str) -> Result<String> {
    let query = ["compose", "-p", project, "ps", "--all", "--format", "json"];
    // A damaged Compose file of the current folder is none of its business.
    answer(runner, &Invocation::docker("list containers", query).within("/"))
}

/// All that the engine knows of a container: JSON.
///
/// # Errors
/// When it is gone.
pub fn inspect(runner: &Runner, container: &Found) -> Result<String> {
    let purpose = format!("inspect `{}`", container.name);
    answer(runner, &Invocation::docker(&purpose, ["inspect", &container.id]))
}

/// The log of a container, both streams in the order of their times.
///
/// # Errors
/// When it is gone, or logs elsewhere.
pub fn log(runner: &Runner, container: &Found) -> Result<String> {
    read_log(runner, container, &["--tail", LOG_LINES])
}

/// What a container has logged since a time, likewise.
///
/// # Errors
/// When it is gone.
pub fn log_since(runner: &Runner, container: &Found, since: SystemTime) -> Result<String> {
    let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
    read_log(runner, container, &["--since", &since.as_secs().to_string()])
}

fn read_log(runner: &Runner, container: &Found, part: &[&str]) -> Result<String> {
    let purpose = format!("read the log of `{}`", container.name);
    let query = Invocation::docker(&purpose, ["logs", "--timestamps"]).with(part.iter().copied());
    let query = query.with([&container.id]);
    let said = runner.ask_within(PATIENCE, &query)?;
    if !said.status.success() {
        return Err(refused(&query, &said));
    }
    Ok(in_order(&said.stdout, &said.stderr))
}

/// Every line begins with its time in UTC, nine digits after the point, so that texts sort as times do.
fn in_order(stdout: &str, stderr: &str) -> String {
    let time = |line: &&str| line.split(' ').next().unwrap_or_default().to_owned();
    let mut lines: Vec<&str> = stdout.lines().chain(stderr.lines()).collect();
    lines.sort_by_cached_key(time);
    lines.into_iter().flat_map(|line| [line, "\n"]).collect()
}

/// Asks the Java processes of a container for thread dumps, which go to its log.
///
/// # Errors
/// When it does not run, has no shell or no Java process.
pub fn dump_threads(runner: &Runner, container: &Found) -> Result<()> {
    let purpose = format!("ask for a thread dump in `{}`", container.name);
    let query = Invocation::docker(&purpose, ["exec", &container.id, "sh", "-c", DUMP_THREADS]);
    if answer(runner, &query)?.trim().is_empty() {
        bail!("could not {purpose}: no Java process runs there");
    }
    Ok(())
}

/// A page that a container serves to itself, read with a program of its image: `curl` or `wget`.
///
/// # Errors
/// When it does not run, has no such program, or does not answer.
pub fn page_inside(runner: &Runner, container: &Found, program: &str, url: &str) -> Result<String> {
    let purpose = format!("read {url} in `{}`", container.name);
    let options: &[&str] = match program {
        "wget" => &["-q", "-T", "20", "-O", "-"],
        _ => &["-sS", "--fail", "--max-time", "20"],
    };
    let query = Invocation::docker(&purpose, ["exec", &container.id, program]);
    answer(runner, &query.with(options.iter().copied()).with([url]))
}

/// As [`Runner::answer`], with an end to its patience.
fn answer(runner: &Runner, query: &Invocation) -> Result<String> {
    let said = runner.ask_within(PATIENCE, query)?;
    if said.status.success() { Ok(said.stdout) } else { Err(refused(query, &said)) }
}

fn refused(query: &Invocation, said: &Finished) -> anyhow::Error {
    let message = format!("could not {}: `{query}` ended with {}", query.purpose, said.status);
    Failure::new(Status::Failed, message).with_detail(said.stderr.trim_end()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_read_with_a_role_or_their_service() {
        let found = read("a1\tdemo-s3g1-1\trunning\tgateway\ts3g1").expect("a container");
        assert_eq!(
            (found.name.as_str(), found.role.as_str(), found.is_running),
            ("demo-s3g1-1", "gateway", true)
        );
        assert_eq!(read("a1\tx-om-1\texited\t\tom").expect("a container").role, "om");
        assert_eq!(read("garbage"), None);
    }

    #[test]
    fn both_streams_of_a_log_become_one_in_the_order_of_time() {
        let out = "2026-01-01T00:00:01.000000000Z a\n2026-01-01T00:00:03.000000000Z c\n";
        let err = "2026-01-01T00:00:02.000000000Z b\n";
        let letters: String = in_order(out, err).lines().filter_map(|line| line.chars().last()).collect();
        assert_eq!(letters, "abc");
    }
}
