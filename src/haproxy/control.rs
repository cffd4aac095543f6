//! A running balancer, queried through the socket of its master process, inside its container.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::workers::{self, Workers};
use super::{Gateway, gateways};
use crate::engine::Engine;
use crate::engine::objects::Container;
use crate::error::{Failure, Status, status_of};
use crate::plan::overlay::Config;
use crate::plan::{CERTIFICATE_FILE, CERTIFICATE_FOLDER, MASTER_SOCKET};
use crate::spec::values::GatewayName;

/// Where HAProxy finds its configuration in the balancer's container.
const CFG_FOLDER: &str = "/usr/local/etc/haproxy";

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

/// Checks files that come as an archive, in a folder of their own, which nothing else reads. HAProxy reads the files of
/// a folder in the order of their names. The certificate among them takes the place of the one that is mounted.
const CHECK: &str = r#"
folder=$(mktemp -d /dev/shm/check.XXXXXX) || exit
tar -x -f - -C "$folder" || exit
if test -e "$folder/$2"; then sed -i "s#$1/#$folder/#" "$folder"/*.cfg; fi
haproxy -c -f "$folder" 2>&1
status=$?
rm -rf "$folder"
exit $status
"#;

/// What is left of a file that is not in the folder any more: `docker cp` removes nothing.
const REMOVED: &str = "# Not in the cluster's folder any more.\n";

/// What ends each answer of [`SPEAK`].
const END: &str = "# END\n";

/// How long HAProxy may take to answer while it reloads or a machine starts JVMs.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// What HAProxy reads, wherever it lies.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The files of its folder, in its order.
    pub configuration: Vec<Config>,
    /// Certificate, chain and private key of https, where there is any.
    pub certificate: Option<String>,
}

impl Files {
    /// The certificate as an archive of one file, where there is one.
    ///
    /// # Errors
    /// None that is known.
    pub fn certificate_archive(&self) -> Result<Option<String>> {
        self.certificate_as_config().map(|file| archive(&[file])).transpose()
    }

    fn certificate_as_config(&self) -> Option<Config> {
        let text = self.certificate.clone()?;
        Some(Config { name: CERTIFICATE_FILE.into(), text })
    }
}

/// Whether a server gets new requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// As its checks say.
    Ready,
    /// None; what it has may end.
    Drain,
}

/// What HAProxy reports about itself at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Its processes.
    pub workers: Workers,
    /// The gateways as the worker sees them that accepts connections.
    pub gateways: Vec<Gateway>,
}

/// Why HAProxy gave no answer, and may give one later.
struct NoAnswer(String);

/// The balancer of a cluster.
#[derive(Clone, Debug)]
pub struct Control<'a> {
    engine: &'a Engine,
    container: String,
}

impl<'a> Control<'a> {
    /// The HAProxy in a container that runs.
    #[must_use]
    pub fn of(balancer: &Container, engine: &'a Engine) -> Self {
        Self { engine, container: balancer.id.clone() }
    }

    /// What HAProxy says now; none while it does not answer, with why.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn look(&self) -> Result<Result<Loaded, String>> {
        Ok(self.loaded_now()?.map_err(|NoAnswer(why)| why))
    }

    /// What HAProxy says, waiting for it while it reloads.
    ///
    /// # Errors
    /// When it does not answer for 30 s.
    pub fn loaded(&self) -> Result<Loaded> {
        patiently(|| self.loaded_now())
    }

    /// Requests in flight to the gateways that `is_one` picks, in all workers: an old one may still be writing what it
    /// began before a reload.
    ///
    /// # Errors
    /// When HAProxy does not answer for 30 s.
    pub fn in_flight(&self, is_one: impl Fn(&Gateway) -> bool) -> Result<u64> {
        patiently(|| {
            let Ok(workers) = self.workers_now()? else { return Ok(Err(no_worker())) };
            let questions: Vec<String> = workers.all().map(|pid| stat(&format!("@!{pid}"))).collect();
            let answers = match self.send(&questions)? {
                Ok(answers) => answers,
                Err(no_answer) => return Ok(Err(no_answer)),
            };
            let seen = answers.iter().flat_map(|answer| gateways(answer));
            Ok(Ok(seen.filter(&is_one).map(|gateway| gateway.sessions).sum()))
        })
    }

    /// Sets in the current worker whether gateways get new requests. After a reload the old worker keeps these states,
    /// and accepts no new requests; the new one does not have them.
    ///
    /// # Errors
    /// When HAProxy does not answer for 30 s, or refuses for a gateway that it knows.
    pub fn admit(&self, names: &[GatewayName], admission: Admission) -> Result<()> {
        let state = match admission {
            Admission::Ready => "state ready",
            Admission::Drain => "state drain",
        };
        self.set(names, state)
    }

    /// Marks gateways that have checks as down until they pass the next one. What HAProxy knows of a gateway may be from
    /// before its restart, and a check that was on its way then fails only later.
    ///
    /// # Errors
    /// When HAProxy does not answer for 30 s, or refuses for a gateway that it knows.
    pub fn forget_checks(&self, names: &[GatewayName]) -> Result<()> {
        self.set(names, "health down")
    }

    /// Has the current worker send a gateway's requests to another place, until the next reload: a name, which it
    /// resolves from now on, and its address until then.
    ///
    /// # Errors
    /// When HAProxy does not answer for 30 s, or still sends them elsewhere. One that does not know the gateway is none.
    pub fn lead(&self, name: &GatewayName, host: &str, address: &str, port: u16) -> Result<()> {
        let commands = [
            format!("@1 set server gateways/{name} fqdn {host}"),
            format!("@1 set server gateways/{name} addr {address} port {port}"),
        ];
        let said = patiently(|| self.send(&commands))?;
        let loaded = self.loaded()?;
        let end = format!(":{port}");
        match loaded.gateways.iter().find(|one| one.name == *name) {
            Some(server) if !server.address.ends_with(&end) => {
                let message = format!("HAProxy does not send requests for {name} to {host}:{port}");
                Err(Failure::new(Status::Failed, message).with_detail(said.concat().trim()).into())
            }
            _ => Ok(()),
        }
    }

    /// Sets something of the gateways that the current worker knows.
    fn set(&self, names: &[GatewayName], what: &str) -> Result<()> {
        let tell = |name| format!("@1 set server gateways/{name} {what}");
        let answers = patiently(|| self.send(&names.iter().map(tell).collect::<Vec<_>>()))?;
        // It answers nothing where it obeys.
        let mut refusals = answers.iter().map(|answer| answer.trim());
        match refusals.find(|said| !said.is_empty() && !said.contains("No such server")) {
            None => Ok(()),
            Some(said) => {
                let message = format!("HAProxy did not set {} to `{what}`: {said}", join(names));
                Err(Failure::new(Status::Failed, message).into())
            }
        }
    }

    /// Checks files with the HAProxy that would load them, and returns what it reports of those that it accepts: a
    /// person's own line that repeats a setting has no effect. It loads nothing, and nothing is written.
    ///
    /// # Errors
    /// With HAProxy's own words, which name file and line.
    pub fn check(&self, files: &Files) -> Result<Vec<String>> {
        let all: Vec<Config> =
            files.configuration.iter().cloned().chain(files.certificate_as_config()).collect();
        let check = ["exec", "--interactive", &self.container, "sh", "-c", CHECK, "sh"];
        let check = self.engine.command("check HAProxy's configuration", check);
        let check = check.with([CERTIFICATE_FOLDER, CERTIFICATE_FILE]).reading(archive(&all)?);
        let finished = self.engine.output(&check)?;
        let said = in_folder(&format!("{}{}", finished.stdout, finished.stderr));
        if finished.status.success() {
            let is_finding = |line: &&str| line.starts_with("[WARNING]") || line.starts_with("[ALERT]");
            return Ok(said.lines().filter(is_finding).map(str::to_owned).collect());
        }
        let message = "HAProxy refuses the configuration; nothing was changed";
        let hint = "correct the file and line that it names, then repeat the command";
        Err(Failure::new(Status::Failed, message).with_detail(said.trim_end()).with_hint(hint).into())
    }

    /// Puts files into the container, which has no folder of another machine mounted. They stay when it restarts.
    ///
    /// # Errors
    /// When the engine does not answer, or the container has its folder mounted.
    pub fn give(&self, files: &Files) -> Result<()> {
        let list = ["exec", &self.container, "sh", "-c", "cd \"$1\" && ls -- *.cfg", "sh", CFG_FOLDER];
        let there = self.engine.run(&self.engine.command("list HAProxy's files", list))?;
        let is_gone = |name: &&str| !files.configuration.iter().any(|file| file.name == **name);
        let gone =
            there.lines().filter(is_gone).map(|name| Config { name: name.into(), text: REMOVED.into() });
        let configuration: Vec<Config> = files.configuration.iter().cloned().chain(gone).collect();
        if let Some(certificate) = files.certificate_archive()? {
            self.copy(CERTIFICATE_FOLDER, certificate)?;
        }
        self.copy(CFG_FOLDER, archive(&configuration)?)
    }

    /// By the engine, since whose a folder is differs from image to image.
    fn copy(&self, folder: &str, archive: String) -> Result<()> {
        let into = format!("{}:{folder}", self.container);
        let copy = self.engine.command("put HAProxy's files into its container", ["cp", "-", &into]);
        self.engine.run(&copy.reading(archive)).map(drop)
    }

    /// Has HAProxy load its configuration in a new worker, and waits until that worker accepts connections. Those that
    /// are open stay with the old one until they end.
    ///
    /// # Errors
    /// When the old worker is still the current one in the end.
    pub fn reload(&self) -> Result<()> {
        let before = patiently(|| self.workers_now())?;
        self.engine
            .run(&self.engine.command("reload HAProxy", ["kill", "--signal", "USR2", &self.container]))?;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let now = patiently(|| self.workers_now())?;
            if now.current.is_some() && now.current != before.current {
                return Ok(());
            }
            if now.failed_reloads > before.failed_reloads {
                break;
            }
            thread::sleep(PAUSE);
        }
        let logs = self.engine.command("read a log", ["logs", "--tail", "10", &self.container]);
        let said = self.engine.output(&logs).map(|logs| format!("{}{}", logs.stdout, logs.stderr));
        let message = "could not reload HAProxy: no new worker started, the old one continues";
        Err(Failure::new(Status::Failed, message).with_detail(said.unwrap_or_default()).into())
    }

    fn workers_now(&self) -> Result<Result<Workers, NoAnswer>> {
        Ok(self.send(&["show proc".to_owned()])?.map(|answers| workers::parse(&answers.concat())))
    }

    /// Both in one process: the master knows its current worker as `@1`.
    fn loaded_now(&self) -> Result<Result<Loaded, NoAnswer>> {
        let answers = match self.send(&["show proc".to_owned(), stat("@1")])? {
            Ok(answers) => answers,
            Err(no_answer) => return Ok(Err(no_answer)),
        };
        let workers = workers::parse(&answers[0]);
        if workers.current.is_none() || !answers[1].starts_with('#') {
            return Ok(Err(no_worker()));
        }
        Ok(Ok(Loaded { workers, gateways: gateways(&answers[1]) }))
    }

    /// Sends the commands once.
    fn send(&self, commands: &[String]) -> Result<Result<Vec<String>, NoAnswer>> {
        let speak = ["exec", &self.container, "sh", "-c", SPEAK, "sh", MASTER_SOCKET];
        let query = self.engine.command("query HAProxy", speak).with(commands);
        let finished = self.engine.output(&query)?;
        let answers: Vec<String> = finished.stdout.split_terminator(END).map(str::to_owned).collect();
        if finished.status.success() && answers.len() == commands.len() {
            return Ok(Ok(answers));
        }
        let failure = crate::engine::failure(&query, &finished);
        if status_of(&failure) == Status::NoEngine {
            return Err(failure);
        }
        Ok(Err(NoAnswer(finished.stderr.trim().to_owned())))
    }
}

/// Files, which everybody may read, as an archive; of texts it is a text too.
fn archive(files: &[Config]) -> Result<String> {
    let mut archive = tar::Builder::new(Vec::new());
    for Config { name, text } in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, text.as_bytes())?;
    }
    Ok(String::from_utf8(archive.into_inner()?)?)
}

/// What HAProxy reported about files in the folder of a check, with the paths where they will be.
fn in_folder(said: &str) -> String {
    let Some((before, after)) = said.split_once("/dev/shm/check.") else { return said.to_owned() };
    let suffix: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
    let folder = format!("/dev/shm/check.{suffix}");
    format!("{before}{folder}{}", &after[suffix.len()..]).replace(&folder, CFG_FOLDER)
}

fn no_worker() -> NoAnswer {
    NoAnswer("it has no worker".to_owned())
}

/// Tries until HAProxy answers: a reload closes the socket for a moment, and a worker may end during a query. What the
/// engine refuses is not tried again.
fn patiently<T>(attempt: impl Fn() -> Result<Result<T, NoAnswer>>) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        match attempt().context("could not query HAProxy through its socket")? {
            Ok(answer) => return Ok(answer),
            Err(NoAnswer(why)) if Instant::now() > end => {
                let message = format!("HAProxy did not answer through its socket for {PATIENCE:?}: {why}");
                let hint = "`ozone-compose logs s3g` shows what it says";
                return Err(Failure::new(Status::Failed, message).with_hint(hint).into());
            }
            Err(NoAnswer(_)) => thread::sleep(PAUSE),
        }
    }
}

fn stat(worker: &str) -> String {
    format!("{worker} show stat gateways 4 -1")
}

fn join(names: &[GatewayName]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
