//! What the engine reports about containers that do not work; nothing here changes them.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

use super::Engine;
use super::objects::Container;

/// Requests a thread dump of every Java process in the container and prints its id. The image has no `jstack`, the
/// process is not the first where an init starts it, and not every image has `pgrep`.
const DUMP_THREADS: &str = "for p in /proc/[0-9]*; do \
     read -r name < $p/comm && [ \"$name\" = java ] && kill -3 ${p#/proc/} && echo ${p#/proc/}; done; true";

/// Versions of client and engine; the client's own where no engine answers.
///
/// # Errors
/// When there is no client.
pub fn docker_version(engine: &Engine) -> Result<String> {
    let said = engine.output(&engine.command("read the versions", ["version"]))?;
    Ok(format!("{}{}", said.stdout, said.stderr))
}

/// The version of Compose.
///
/// # Errors
/// When it is not there.
pub fn compose_version(engine: &Engine) -> Result<String> {
    engine.run(&engine.command("read the version of Compose", ["compose", "version"]))
}

/// All that the engine knows of a container: JSON.
///
/// # Errors
/// When it is gone.
pub fn inspect(engine: &Engine, container: &Container) -> Result<String> {
    let purpose = format!("inspect `{}`", container.name);
    engine.run(&engine.command(&purpose, ["inspect", &container.id]))
}

/// The last lines of a container's log, so many of each of its two streams, in the order of their times.
///
/// # Errors
/// When it is gone, or logs elsewhere.
pub fn log(engine: &Engine, container: &Container, lines: u32) -> Result<String> {
    read_log(engine, container, &["--tail", &lines.to_string()])
}

/// The log of all containers of a service of a Swarm, on whatever node, likewise.
///
/// # Errors
/// When it is gone, or a node does not answer.
pub fn service_log(engine: &Engine, service: &str, lines: u32) -> Result<String> {
    let purpose = format!("read the log of the service `{service}`");
    let logs = ["service", "logs", "--timestamps", "--tail", &lines.to_string(), service];
    let query = engine.command(&purpose, logs);
    let said = engine.output(&query)?;
    if !said.status.success() {
        return Err(super::failure(&query, &said));
    }
    Ok(in_order(&said.stdout, &said.stderr))
}

/// What a container has logged since a time, likewise.
///
/// # Errors
/// When it is gone.
pub fn log_since(engine: &Engine, container: &Container, since: SystemTime) -> Result<String> {
    let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
    read_log(engine, container, &["--since", &since.as_secs().to_string()])
}

fn read_log(engine: &Engine, container: &Container, part: &[&str]) -> Result<String> {
    let purpose = format!("read the log of `{}`", container.name);
    let query = engine.command(&purpose, ["logs", "--timestamps"]).with(part.iter().copied());
    let query = query.with([&container.id]);
    let said = engine.output(&query)?;
    if !said.status.success() {
        return Err(super::failure(&query, &said));
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

/// Requests thread dumps of the Java processes of a container, which go to its log.
///
/// # Errors
/// When it does not run, has no shell or no Java process.
pub fn dump_threads(engine: &Engine, container: &Container) -> Result<()> {
    let purpose = format!("request a thread dump in `{}`", container.name);
    let query = engine.command(&purpose, ["exec", &container.id, "sh", "-c", DUMP_THREADS]);
    if engine.run(&query)?.trim().is_empty() {
        bail!("could not {purpose}: no Java process runs there");
    }
    Ok(())
}

/// A page that a container serves to itself, read with a program of its image: `curl` or `wget`.
///
/// # Errors
/// When it does not run, has no such program, or does not answer.
pub fn page_inside(engine: &Engine, container: &Container, program: &str, url: &str) -> Result<String> {
    let purpose = format!("read {url} in `{}`", container.name);
    let options: &[&str] = match program {
        "wget" => &["-q", "-T", "20", "-O", "-"],
        _ => &["-sS", "--fail", "--max-time", "20"],
    };
    let query = engine.command(&purpose, ["exec", &container.id, program]);
    engine.run(&query.with(options.iter().copied()).with([url]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_of_a_log_become_one_in_the_order_of_time() {
        let out = "2026-01-01T00:00:01.000000000Z a\n2026-01-01T00:00:03.000000000Z c\n";
        let err = "2026-01-01T00:00:02.000000000Z b\n";
        let letters: String = in_order(out, err).lines().filter_map(|line| line.chars().last()).collect();
        assert_eq!(letters, "abc");
    }
}
