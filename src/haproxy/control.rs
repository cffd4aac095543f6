//! A balancer that runs, spoken to through the socket of its master process, inside its container.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::workers::{self, Workers};
use super::{Gateway, gateways};
use crate::engine::containers::Container;
use crate::engine::{Invocation, Runner};
use crate::error::{Failure, Status};
use crate::plan::MASTER_SOCKET;

/// Where HAProxy finds its configuration in the balancer's container.
const CFG_FOLDER: &str = "/usr/local/etc/haproxy/";

/// Sends each argument to the socket as a command. HAProxy answers one a connection. The Debian images have Perl, the
/// Alpine ones a `BusyBox` whose `nc` takes such sockets.
const SPEAK: &str = r##"
socket=$1; shift
for command; do
    if command -v perl >/dev/null; then
        printf '%s\n' "$command" | perl -MIO::Socket::UNIX -e '
            alarm 5;
            $socket = IO::Socket::UNIX->new(shift) or die "$!\n";
            print $socket <STDIN>; $socket->shutdown(1); print while <$socket>' "$socket" || exit 1
    else
        printf '%s\n' "$command" | nc -w 5 "local:$socket" || exit 1
    fi
    echo "# END"
done
"##;

/// What ends each answer of [`SPEAK`].
const END: &str = "# END\n";

/// A machine that starts JVMs takes its time.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// Whether a server gets new requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// As its checks say.
    Ready,
    /// None; what it has may end.
    Drain,
}

/// The balancer of a cluster.
#[derive(Clone, Debug)]
pub struct Control<'a> {
    runner: &'a Runner,
    container: String,
}

impl<'a> Control<'a> {
    /// The balancer among the containers of a cluster.
    ///
    /// # Errors
    /// When none runs.
    pub fn among(containers: &[Container], runner: &'a Runner) -> Result<Self> {
        let balancer = containers.iter().find(|one| one.role == "balancer" && one.state == "running");
        match balancer {
            Some(balancer) => Ok(Self { runner, container: balancer.id.clone() }),
            None => Err(Failure::new(Status::Failed, "the balancer `s3g` does not run").into()),
        }
    }

    /// The processes of the balancer.
    pub fn workers(&self) -> Result<Workers> {
        patiently(|| self.workers_now())
    }

    /// The gateways as the worker sees them that accepts connections.
    pub fn gateways(&self) -> Result<Vec<Gateway>> {
        patiently(|| {
            let Some(current) = self.workers_now()?.current else { bail!("HAProxy has no worker") };
            Ok(gateways(&self.ask(&[stat(current)])?.concat()))
        })
    }

    /// Requests in flight to some gateways, in all workers: an old one may still be writing what it began before a
    /// reload.
    pub fn in_flight(&self, names: &BTreeSet<String>) -> Result<u64> {
        patiently(|| {
            let questions: Vec<String> = self.workers_now()?.all().map(stat).collect();
            let seen = self.ask(&questions)?;
            let seen = seen.iter().flat_map(|answer| gateways(answer));
            Ok(seen.filter(|gateway| names.contains(&gateway.name)).map(|gateway| gateway.sessions).sum())
        })
    }

    /// Says in every worker whether gateways get new requests: an old one may still be asked by connections that it
    /// keeps. A reload forgets it.
    pub fn admit(&self, names: &BTreeSet<String>, admission: Admission) -> Result<()> {
        let state = match admission {
            Admission::Ready => "ready",
            Admission::Drain => "drain",
        };
        patiently(|| {
            let workers = self.workers_now()?;
            let tell = |pid| {
                names.iter().map(move |name| format!("@!{pid} set server gateways/{name} state {state}"))
            };
            // An old worker may not know a gateway yet, and says so.
            self.ask(&workers.all().flat_map(tell).collect::<Vec<_>>()).map(drop)
        })
    }

    /// Checks the configuration that lies in the folder, with the HAProxy that would load it.
    ///
    /// # Errors
    /// With HAProxy's own words, which name file and line.
    pub fn check(&self) -> Result<()> {
        let check = ["exec", &self.container, "haproxy", "-c", "-f", CFG_FOLDER];
        self.runner.change(&Invocation::docker("check HAProxy's configuration", check))
    }

    /// Has HAProxy load its configuration in a new worker, and waits until that worker accepts connections. Those that
    /// are open stay with the old one until they end.
    ///
    /// # Errors
    /// When the old worker is still the current one in the end.
    pub fn reload(&self) -> Result<()> {
        let kill = Invocation::docker("reload HAProxy", ["kill", "--signal", "USR2", &self.container]);
        if self.runner.is_dry() {
            return self.runner.change(&kill);
        }
        let before = self.workers()?;
        self.runner.change(&kill)?;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let now = self.workers()?;
            if now.current.is_some() && now.current != before.current {
                return Ok(());
            }
            if now.failed_reloads > before.failed_reloads {
                break;
            }
            thread::sleep(PAUSE);
        }
        let logs = Invocation::docker("read a log", ["logs", "--tail", "10", &self.container]);
        let said = self.runner.ask(&logs).map(|logs| format!("{}{}", logs.stdout, logs.stderr));
        let message = "could not reload HAProxy: no new worker came, the old one goes on";
        Err(Failure::new(Status::Failed, message).with_detail(said.unwrap_or_default()).into())
    }

    fn workers_now(&self) -> Result<Workers> {
        Ok(workers::parse(&self.ask(&["show proc".to_owned()])?.concat()))
    }

    /// Asks once.
    fn ask(&self, commands: &[String]) -> Result<Vec<String>> {
        let speak = ["exec", &self.container, "sh", "-c", SPEAK, "sh", MASTER_SOCKET];
        let finished = self.runner.ask(&Invocation::docker("ask HAProxy", speak).with(commands))?;
        let answers: Vec<String> = finished.stdout.split_terminator(END).map(str::to_owned).collect();
        if finished.status.success() && answers.len() == commands.len() {
            return Ok(answers);
        }
        bail!("HAProxy did not answer {commands:?}: {}", finished.stderr.trim())
    }
}

/// Tries until it works: a reload closes the socket for a moment, and a worker may end while it is asked.
fn patiently<T>(attempt: impl Fn() -> Result<T>) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(error) if Instant::now() > end => {
                let message = format!("could not ask HAProxy through its socket, for {PATIENCE:?}: {error}");
                let hint =
                    "a balancer that was started by other files has none; `ozone-compose up` replaces it";
                return Err(Failure::new(Status::Failed, message).with_hint(hint).into());
            }
            Err(_) => thread::sleep(PAUSE),
            done => return done,
        }
    }
}

fn stat(pid: u32) -> String {
    format!("@!{pid} show stat gateways 4 -1")
}
