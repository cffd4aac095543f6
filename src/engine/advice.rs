//! What to type next where an engine refuses something, by its error message: its exit codes do not distinguish errors.

use crate::error::{Failure, Status};

/// Words of an engine or its client, how a run ends where they are said, and what helps.
struct Advice {
    says: &'static [&'static str],
    status: Status,
    hint: &'static str,
}

/// The first that fits counts.
const ADVICE: &[Advice] = &[
    Advice {
        says: &["is too old. Minimum supported API version"],
        status: Status::NoEngine,
        hint: "install a newer Docker client (the package docker-ce-cli); `docker version` shows both versions",
    },
    Advice {
        says: &["is too new. Maximum supported API version"],
        status: Status::NoEngine,
        hint: "`export DOCKER_API_VERSION=` with the version that it names, or update the engine",
    },
    Advice {
        says: &["Emulate Docker CLI using podman", "unrecognized command `podman"],
        status: Status::NoEngine,
        hint: "this `docker` is Podman's own: install Docker's client and Compose, run `podman system service --time 0 &`, and \
               `export DOCKER_HOST=unix://$XDG_RUNTIME_DIR/podman/podman.sock`",
    },
    Advice {
        says: &["Cannot connect to the Docker daemon", "permission denied while trying to connect"],
        status: Status::NoEngine,
        hint: "`ozone-compose doctor` says what to do",
    },
    Advice {
        says: &["error getting credentials", "docker-credential-"],
        status: Status::Failed,
        hint: "the program that keeps Docker's passwords fails: `docker logout`, or remove `credsStore` from \
               ~/.docker/config.json; these images need no login",
    },
    Advice {
        says: &["no matching manifest for"],
        status: Status::Failed,
        hint: "the image is not made for the engine's architecture: `--ozone-image` and `--haproxy-image` name others, and \
               `export DOCKER_DEFAULT_PLATFORM=linux/amd64` has the engine emulate it",
    },
    Advice {
        says: &["toomanyrequests", "pull rate limit"],
        status: Status::Failed,
        hint: "`--image-registry HOST` takes every image from a mirror; `docker login` allows more",
    },
    Advice {
        says: &["address pools have been fully subnetted", "non-overlapping IPv4 address pool"],
        status: Status::Failed,
        hint: "`docker network prune` removes networks that nobody uses; `default-address-pools` in the engine's daemon.json \
               makes room for more",
    },
    Advice {
        says: &["Mounts denied", "is not shared from the host", "bind source path does not exist"],
        status: Status::Failed,
        hint: "the engine does not see this folder: share it in the settings of Docker Desktop, or `up --engine remote`, \
               which needs no mount",
    },
    Advice {
        says: &["no space left on device"],
        status: Status::Failed,
        hint: "make room: `docker system df` shows what the engine holds, `docker image prune` removes unused images",
    },
    Advice {
        says: PORT_IS_TAKEN,
        status: Status::Failed,
        hint: "somebody took a port since it was found free: run the command again, or `up --port auto` chooses another",
    },
];

/// How engines say that they cannot publish a port.
const PORT_IS_TAKEN: &[&str] =
    &["port is already allocated", "address already in use", "Ports are not available"];

/// How a run ends that failed with these words, and what to type next; none where they are of no known kind.
pub(super) fn of(said: &str) -> Option<(Status, &'static str)> {
    let fits = |advice: &&Advice| advice.says.iter().any(|words| said.contains(words));
    ADVICE.iter().find(fits).map(|advice| (advice.status, advice.hint))
}

/// How engines say that what should be stopped or removed is gone, or is being removed: a run that was killed leaves
/// its last command to the engine, which finishes it beside the next run.
const GONE: &[&str] = &["o such container", "o such volume", "o such network", "is already in progress"];

/// How engines say that another container already has the name.
const OVERTAKEN: &[&str] = &["is already in use by container", "is already in progress"];

/// What the engine said as a command failed; nothing where no command did.
fn said_in(error: &anyhow::Error) -> &str {
    error.downcast_ref::<Failure>().map(|failure| failure.detail.as_str()).unwrap_or_default()
}

/// Whether a command failed only because what it should stop or remove is gone, or is being removed.
#[must_use]
pub fn is_of_what_is_gone(error: &anyhow::Error) -> bool {
    let is_gone = |line: &str| {
        GONE.iter().any(|words| line.contains(words))
            || line.contains("network ") && line.ends_with(" not found")
    };
    let mut errors = said_in(error).lines().filter(|line| line.starts_with("Error")).peekable();
    errors.peek().is_some() && errors.all(is_gone)
}

/// Whether a command failed because the engine still finishes what a run began that was killed.
#[must_use]
pub fn is_overtaken(error: &anyhow::Error) -> bool {
    OVERTAKEN.iter().any(|words| said_in(error).contains(words))
}

/// Whether a command failed because another process holds a port that it should publish.
#[must_use]
pub fn is_of_a_taken_port(error: &anyhow::Error) -> bool {
    PORT_IS_TAKEN.iter().any(|words| said_in(error).contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As engines and their clients wrote it.
    const SAID: &[(&str, &str)] = &[
        (
            "Error response from daemon: client version 1.41 is too old. Minimum supported API version is 1.44, please \
             upgrade your client to a newer version",
            "newer Docker client",
        ),
        (
            "Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg.",
            "podman system service",
        ),
        (
            "error getting credentials - err: exec: \"docker-credential-desktop\": executable file not found in $PATH, out: ``",
            "docker logout",
        ),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", "DOCKER_DEFAULT_PLATFORM"),
        (
            "failed to create network demo_default: Error response from daemon: could not find an available, \
             non-overlapping IPv4 address pool among the defaults to assign to the network",
            "docker network prune",
        ),
        (
            "Error response from daemon: all predefined address pools have been fully subnetted",
            "docker network prune",
        ),
        (
            "Error response from daemon: Mounts denied: The path /srv/demo/haproxy is not shared from the host and is not \
             known to Docker.",
            "--engine remote",
        ),
        (
            "Error response from daemon: driver failed programming external connectivity on endpoint demo-s3g-1: Bind for \
             127.0.0.1:9878 failed: port is already allocated",
            "--port auto",
        ),
        ("toomanyrequests: You have reached your unauthenticated pull rate limit.", "--image-registry"),
        ("write /var/lib/docker/tmp/x: no space left on device", "docker system df"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "doctor"),
    ];

    /// The error of a command whose engine said so.
    fn failed(said: &str) -> anyhow::Error {
        Failure::new(Status::Failed, "could not do it").with_detail(said).into()
    }

    #[test]
    fn each_refusal_gets_the_advice_that_fits() {
        for (said, expected) in SAID {
            let (_, hint) = of(said).unwrap_or_else(|| panic!("{said}"));
            assert!(hint.contains(expected), "{said}: {hint}");
        }
        assert_eq!(of("Error response from daemon: no such container"), None);
        assert!(is_of_a_taken_port(&failed(SAID[7].0)) && !is_of_a_taken_port(&failed(SAID[6].0)));
    }

    #[test]
    fn what_is_gone_is_distinguished_from_what_is_refused() {
        let gone = "Error response from daemon: No such container: 2e7c\n";
        for said in [
            gone.to_owned(),
            format!("{gone}Error: no such volume \"demo_om\"\nbecf\n"),
            "Error response from daemon: network demo_default not found".to_owned(),
            "Error response from daemon: removal of container 2e7c is already in progress".to_owned(),
        ] {
            assert!(is_of_what_is_gone(&failed(&said)), "{said}");
        }
        for said in ["", "2e7c\n", "Error response from daemon: remove demo_om: volume is in use - [2e7c]"] {
            assert!(
                !is_of_what_is_gone(&failed(said))
                    && !is_of_what_is_gone(&failed(&format!("{gone}Error: permission denied\n{said}")))
            );
        }
        let conflict = "Error response from daemon: Conflict. The container name \"/demo-om-1\" is already in use by container \"2e7c\".";
        assert!(is_overtaken(&failed(conflict)) && !is_overtaken(&failed(gone)));
    }
}
