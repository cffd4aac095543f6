//! The engine and Compose: whether they are there, answer, and are new enough.

use serde_json::Value;

use super::{Check, PATIENCE, query};
use crate::engine::{Engine, Invocation, advice};
use crate::error::{Status, status_of};

/// The first Compose that supports everything in the generated files.
const OLDEST_COMPOSE: (u32, u32) = (2, 20);

const INSTALL_COMPOSE: &str = "install the Compose plugin, 2.20 or later: `sudo apt-get install docker-compose-plugin` \
     (Docker's own packages), or https://docs.docker.com/compose/install/";

/// Whether client and engine are there and the client reaches the engine; an error where there is no client at all.
pub(super) fn engine(engine: &Engine) -> Result<Check, Check> {
    let purpose = "read the version of the engine";
    match query(engine, purpose, ["version", "--format", "{{json .}}"]) {
        Ok(said) => Ok(check_engine(&said.stdout, &said.stderr)),
        Err(error) if status_of(&error) == Status::NoEngine => Err(Check::bad(
            "engine",
            Status::NoEngine,
            error.to_string().trim_start_matches(&format!("could not {purpose}: ")),
            "install Docker Engine and its Compose plugin (https://docs.docker.com/engine/install/); \
             `ozone-compose generate` works without",
        )),
        Err(error) => Ok(Check::bad(
            "engine",
            Status::NoEngine,
            format!("{error:#}"),
            "check DOCKER_HOST and `docker context ls`; `docker version` shows whether it answers at all",
        )),
    }
}

/// Evaluates `docker version` by its two sides; the server's is null where no engine answers.
fn check_engine(stdout: &str, stderr: &str) -> Check {
    let both: Value = serde_json::from_str(stdout.trim()).unwrap_or_default();
    let version = |side: &str| both[side]["Version"].as_str().map(str::to_owned);
    let client = version("Client").unwrap_or_else(|| "of an unknown version".to_owned());
    if let Some(server) = version("Server") {
        let finding = format!("Docker {client}, Engine {server}");
        return Check::good("engine", finding);
    }
    let said = stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
    let advice = if stderr.contains("permission denied") {
        "let yourself use it: `sudo usermod -aG docker $USER`, then log in anew"
    } else {
        let start = "start it: `sudo systemctl start docker`, or Docker Desktop; where it runs elsewhere, check DOCKER_HOST \
                     and `docker context ls`";
        advice(stderr).filter(|_| !stderr.contains("Cannot connect")).unwrap_or(start)
    };
    let finding = format!("Docker {client} reaches no engine: {}", said.trim());
    Check::bad("engine", Status::NoEngine, finding, advice)
}

/// A finding for an engine that may deadlock: see docs/troubleshooting.md, what the engine does. Not of what `up` says each
/// time, since few ever meet it.
pub(super) fn deadlock(engine: &Engine) -> Option<Check> {
    let said =
        query(engine, "read the version of the engine", ["version", "--format", "{{.Server.Version}}"]);
    check_deadlock(said.ok()?.stdout.trim())
}

fn check_deadlock(version: &str) -> Option<Check> {
    let patch = version.strip_prefix("20.10.")?.split(['+', '-', '~']).next()?;
    (patch.parse::<u32>().ok()? < 27).then(|| {
        let finding =
            format!("Engine {version} may hang for good when several containers end at the same time");
        Check::warning(
            "engine",
            finding,
            "`sudo systemctl restart docker` ends that; 20.10.27 and later do not hang",
        )
    })
}

/// Whether Compose is there as a plugin and new enough.
#[must_use]
pub fn compose(engine: &Engine) -> Check {
    let said = query(engine, "read the version of Compose", ["compose", "version", "--short"]);
    match said.as_ref().ok().filter(|said| said.status.success()) {
        Some(said) => check_compose(said.stdout.trim()),
        None => without_plugin(standalone(engine).as_deref()),
    }
}

/// The version of a `docker-compose` program, which was all there was before Compose became a plugin.
fn standalone(engine: &Engine) -> Option<String> {
    let query = Invocation::new("docker-compose", "read the version of Compose 1");
    let said = engine.output(&query.with(["version", "--short"]).lasting(PATIENCE)).ok()?;
    said.status.success().then(|| said.stdout.trim().to_owned())
}

fn without_plugin(standalone: Option<&str>) -> Check {
    let finding = match standalone {
        Some(version) => {
            format!("`docker compose` does not work; there is only the program `docker-compose` {version}")
        }
        None => "`docker compose` does not work".to_owned(),
    };
    Check::bad("compose", Status::NoEngine, finding, INSTALL_COMPOSE)
}

fn check_compose(version: &str) -> Check {
    let (major, minor) = OLDEST_COMPOSE;
    match numbers(version) {
        Some(found) if found >= OLDEST_COMPOSE => Check::good("compose", format!("Compose {version}")),
        Some(_) => {
            let finding = format!("Compose {version} is older than {major}.{minor}");
            Check::bad("compose", Status::NoEngine, finding, INSTALL_COMPOSE)
        }
        None => Check::warning(
            "compose",
            format!("Compose calls itself `{version}`, which is no version"),
            format!("check that it is {major}.{minor} or later"),
        ),
    }
}

/// The first two numbers of `v2.20.3`, `2.40.3-desktop.1` or `5.0.0-rc1`.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split(['.', '-', '+']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn engines_that_may_deadlock_get_a_warning() {
        for (version, may) in [
            ("20.10.24", true),
            ("20.10.24+dfsg1", true),
            ("20.10.27", false),
            ("28.2.2", false),
            ("5.4.2", false),
            ("20.10.x", false),
            ("", false),
        ] {
            assert_eq!(check_deadlock(version).is_some(), may, "{version}");
        }
    }

    #[test]
    fn versions_of_compose_are_read_in_every_form() {
        for (text, found) in [
            ("v2.20.3", Some((2, 20))),
            ("2.40.3", Some((2, 40))),
            ("2.40.3-desktop.1", Some((2, 40))),
            ("2.27.0+ds1-0ubuntu1", Some((2, 27))),
            ("5.0.0-rc1", Some((5, 0))),
            ("dev", None),
            ("", None),
        ] {
            assert_eq!(numbers(text), found, "{text}");
        }
    }

    #[test]
    fn compose_must_be_new_enough() {
        assert_eq!(check_compose("v2.20.0").verdict, Verdict::Good);
        assert_eq!(check_compose("5.0.0-rc1").verdict, Verdict::Good);
        let old = check_compose("2.19.1");
        assert_eq!((old.verdict, old.status), (Verdict::Bad, Status::NoEngine));
        assert_eq!(old.finding, "Compose 2.19.1 is older than 2.20");
        assert_eq!(check_compose("dev").verdict, Verdict::Warning);
        let first = without_plugin(Some("1.29.2"));
        assert!(first.finding.ends_with("only the program `docker-compose` 1.29.2"), "{}", first.finding);
    }

    #[test]
    fn an_engine_that_does_not_answer_is_distinguished_from_one_that_refuses() {
        let well = check_engine(r#"{"Client":{"Version":"28.2.2"},"Server":{"Version":"20.10.24"}}"#, "");
        assert_eq!((well.verdict, well.finding.as_str()), (Verdict::Good, "Docker 28.2.2, Engine 20.10.24"));

        let down = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n";
        let down = check_engine(r#"{"Client":{"Version":"28.2.2"},"Server":null}"#, down);
        assert_eq!((down.verdict, down.status), (Verdict::Bad, Status::NoEngine));
        assert!(down.finding.contains("reaches no engine: Cannot connect"), "{}", down.finding);
        assert!(down.advice.contains("systemctl start docker"), "{}", down.advice);

        let refused = "permission denied while trying to connect to the Docker daemon socket\n";
        assert!(check_engine("", refused).advice.contains("usermod"));
    }
}
