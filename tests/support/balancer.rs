//! A real HAProxy with the configuration of this tool, in front of stub gateways.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, SystemTime};

use fs_err as fs;
use ozone_compose::haproxy;
use ozone_compose::plan::CERTIFICATE_FOLDER;
use ozone_compose::s3::page;
use ozone_compose::spec::Spec;
use ozone_compose::tls::Wanted;

use super::gateway::{Gateway, Service};
use super::library::{choices, files};
use super::names::NameServer;
use super::run::{Run, until};
use super::{Outcome, Sandbox, clean, say, tool};

/// Where gateways and balancer listen, as in containers: each has an address of its own.
const S3_PORT: u16 = 9878;
const HTTPS_PORT: u16 = 9879;
const STATS_PORT: u16 = 8404;
const CONTROL_PORT: u16 = 9999;

/// Requests that a gateway works on at once, unless configured otherwise: `http_server_max_thread_count` of Ozone 2.2.1.
pub(crate) const JETTY_THREADS: usize = 200;

/// Gateways have the addresses from here on in their network.
const FIRST: u8 = 11;

const IMAGE: &str = "haproxy:3.2-alpine";

/// Which HAProxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// That of this machine: 2.6 on Debian 12.
    Machine,
    /// That of the image, which clusters use.
    Image,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Machine => "this machine's HAProxy",
            Self::Image => IMAGE,
        })
    }
}

impl Version {
    /// Whether it is there; says when it is not.
    pub(crate) fn is_there(self) -> bool {
        match self {
            Self::Machine => tool("haproxy"),
            Self::Image => tool("docker") && tool(IMAGE),
        }
    }
}

/// A loopback network that no other test of this machine has at this time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network([u8; 3]);

impl Network {
    /// The next one.
    pub(crate) fn next() -> Self {
        Self(next_network())
    }

    /// Where a gateway listens, counted from 0.
    pub(crate) fn gateway(self, place: usize) -> SocketAddr {
        SocketAddr::new(gateway_address(self.0, place).into(), S3_PORT)
    }
}

/// A balancer and its gateways, on loopback addresses of their own.
pub(crate) struct Stage {
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) names: NameServer,
    sandbox: Sandbox,
    version: Version,
    network: [u8; 3],
    container: String,
    haproxy: RefCell<Option<Run>>,
}

impl Stage {
    /// So many gateways that HAProxy knows by name, as in containers, and other options of a cluster; returns when HAProxy
    /// sees all of them up.
    pub(crate) fn new(version: Version, gateways: usize, options: &[(&str, &str)]) -> Self {
        let stage = Self::with_gateways(version, Network::next(), gateways, JETTY_THREADS);
        let count = gateways.to_string();
        stage.begin(&[&[("gateways.count", count.as_str())], options].concat())
    }

    /// The same with gateways that HAProxy knows by address, as real ones, of so many threads each.
    pub(crate) fn with_addresses(
        version: Version,
        gateways: usize,
        threads: usize,
        options: &[(&str, &str)],
    ) -> Self {
        let stage = Self::with_gateways(version, Network::next(), gateways, threads);
        let addresses = stage.gateways.iter().map(|gateway| gateway.service.address.to_string());
        let servers = addresses.collect::<Vec<_>>().join(" ");
        stage.begin(&[&[("servers", servers.as_str())], options].concat())
    }

    /// HAProxy alone, in a network of its own, in front of servers that are somebody else's.
    pub(crate) fn before(
        version: Version,
        network: Network,
        servers: &[String],
        options: &[(&str, &str)],
    ) -> Self {
        let stage = Self::with_gateways(version, network, 0, JETTY_THREADS);
        let servers = servers.join(" ");
        stage.begin(&[&[("servers", servers.as_str())], options].concat())
    }

    /// The same in front of so many servers in that network, which HAProxy knows by name, as in containers.
    pub(crate) fn before_named(
        version: Version,
        network: Network,
        servers: usize,
        options: &[(&str, &str)],
    ) -> Self {
        let stage = Self::with_gateways(version, network, 0, JETTY_THREADS);
        for place in 0..servers {
            stage.names.set(&format!("s3g{}", place + 1), &[stage.address_of(place)]);
        }
        let count = servers.to_string();
        stage.begin(&[&[("gateways.count", count.as_str())], options].concat())
    }

    fn with_gateways(version: Version, Network(network): Network, count: usize, threads: usize) -> Self {
        let sandbox = Sandbox::new();
        let store = sandbox.path("store");
        fs::create_dir(&store).expect("a folder");
        let service = |place: usize| {
            let address = SocketAddr::new(gateway_address(network, place).into(), S3_PORT);
            Service { address, store: store.clone(), threads }
        };
        let gateways: Vec<Gateway> = (0..count).map(|place| Gateway::start(service(place))).collect();
        let container = format!("oc-test-balancer-{}-{}", network[1], network[2]);
        let names = NameServer::start();
        Self { gateways, names, sandbox, version, network, container, haproxy: RefCell::default() }
    }

    fn begin(mut self, options: &[(&str, &str)]) -> Self {
        self.name_all();
        let text = &files(options)["haproxy/s3-haproxy.cfg"];
        self.configure(text);
        if let Ok(spec) = Spec::resolve(&choices(options), "stage")
            && let Some(wanted) = Wanted::new(&spec, &self.sandbox.path(""), "127.0.0.1", SystemTime::now())
        {
            let renewal = wanted.renewal().expect("a certificate").expect("a first one");
            self.sandbox.write("haproxy/s3.pem", renewal.served());
        }
        self.run();
        if text.contains("frontend stats") {
            let servers = text.lines().filter(|line| line.trim_start().starts_with("server s3g")).count();
            let gateways = servers.max(self.gateways.len());
            until("HAProxy sees every gateway", || self.up() == gateways);
        } else {
            until("HAProxy listens", || TcpStream::connect((self.front(), S3_PORT)).is_ok());
        }
        self
    }

    /// Where S3 is.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}:{S3_PORT}", self.front())
    }

    /// Where S3 is over https, with the option `balancer.tls`.
    pub(crate) fn https(&self) -> String {
        format!("https://{}:{HTTPS_PORT}", self.front())
    }

    /// One more gateway, which HAProxy has not loaded.
    pub(crate) fn add_gateway(&mut self) {
        let place = self.gateways.len();
        let address = SocketAddr::new(self.address_of(place).into(), S3_PORT);
        let service = Service { address, ..self.gateways[0].service.clone() };
        self.gateways.push(Gateway::start(service));
    }

    /// The address of a gateway, counted from 0.
    pub(crate) fn address_of(&self, place: usize) -> Ipv4Addr {
        gateway_address(self.network, place)
    }

    /// The gateways as HAProxy sees them.
    pub(crate) fn seen(&self) -> Vec<haproxy::Gateway> {
        let csv = page(&format!("http://{}:{STATS_PORT}/stats;csv", self.front()));
        haproxy::gateways(&csv.unwrap_or_default())
    }

    /// How many gateways HAProxy sends requests to.
    pub(crate) fn up(&self) -> usize {
        self.seen().iter().filter(|gateway| gateway.is_up()).count()
    }

    /// Requests that a gateway has not answered yet.
    pub(crate) fn in_flight(&self, name: &str) -> u64 {
        self.seen()
            .iter()
            .filter(|gateway| gateway.name.to_string() == name)
            .map(|gateway| gateway.sessions)
            .sum()
    }

    /// Whether HAProxy sends requests to `s3g1` or another.
    pub(crate) fn is_up(&self, name: &str) -> bool {
        self.seen().iter().any(|gateway| gateway.name.to_string() == name && gateway.is_up())
    }

    /// Sends a command to HAProxy's newest worker, by way of the master. There is no answer while HAProxy reloads.
    pub(crate) fn control(&self, command: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect((self.front(), CONTROL_PORT))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        writeln!(stream, "@1 {command}")?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Has HAProxy read its configuration again, and waits until a new worker serves.
    pub(crate) fn reload(&self) {
        let worker = || {
            let info = self.control("show info").unwrap_or_default();
            info.lines().find(|line| line.starts_with("Pid:")).map(str::to_owned)
        };
        let old = worker();
        match self.version {
            Version::Machine => self.haproxy.borrow_mut().as_mut().expect("HAProxy").signal("USR2"),
            Version::Image => {
                Outcome::of(clean("docker").args(["kill", "--signal", "USR2", &self.container])).succeeded();
            }
        }
        until("a new worker serves", || worker().is_some_and(|new| Some(new) != old));
    }

    /// The process of HAProxy that serves, by its number on this machine.
    pub(crate) fn worker(&self) -> u32 {
        let master = match self.version {
            Version::Machine => self.haproxy.borrow_mut().as_mut().expect("HAProxy").id(),
            Version::Image => {
                let format = ["inspect", "--format", "{{.State.Pid}}", &self.container];
                Outcome::of(clean("docker").args(format))
                    .stdout
                    .trim()
                    .parse()
                    .expect("a container that runs")
            }
        };
        let children =
            fs::read_to_string(format!("/proc/{master}/task/{master}/children")).expect("a process");
        children.split_whitespace().next().and_then(|child| child.parse().ok()).expect("a worker")
    }

    /// What HAProxy has logged.
    pub(crate) fn log(&self) -> String {
        self.sandbox.read("haproxy.log")
    }

    fn front(&self) -> IpAddr {
        let [a, b, c] = self.network;
        Ipv4Addr::new(a, b, c, 1).into()
    }

    /// Makes the names known: of each gateway, and of all as one scaled service.
    fn name_all(&mut self) {
        let addresses: Vec<Ipv4Addr> = (0..self.gateways.len()).map(|place| self.address_of(place)).collect();
        for (place, address) in addresses.iter().enumerate() {
            self.names.set(&format!("s3g{}", place + 1), &[*address]);
        }
        self.names.set("s3gw", &addresses);
    }

    /// Writes the configuration with what must be different outside the Compose network: where HAProxy listens, whom
    /// it asks for names, and, since this machine's resolver knows none of these names, that it does not ask that.
    fn configure(&self, text: &str) {
        let text = text
            .replace("bind :", &format!("bind {}:", self.front()))
            .replace("bind *:", &format!("bind {}:", self.front()))
            .replace(CERTIFICATE_FOLDER, &self.folder_of_haproxy())
            .replace("bind 127.0.0.1:", &format!("bind {}:", self.front()))
            .replace("parse-resolv-conf", &format!("nameserver names {}", self.names.address))
            .replace("init-addr last,libc,none", "init-addr last,none");
        self.sandbox.write("haproxy/s3-haproxy.cfg", text);
    }

    /// Where HAProxy sees its folder.
    fn folder_of_haproxy(&self) -> String {
        match self.version {
            Version::Machine => self.sandbox.path("haproxy").display().to_string(),
            Version::Image => "/usr/local/etc/haproxy".to_owned(),
        }
    }

    fn run(&mut self) {
        let control = format!("{}:{CONTROL_PORT}", self.front());
        let mut command = match self.version {
            Version::Machine => {
                let mut command = clean("haproxy");
                command.args(["-W", "-db", "-S", &control, "-f"]).arg(self.sandbox.path("haproxy"));
                command
            }
            Version::Image => {
                let mut command = clean("docker");
                let folder = self.sandbox.path("haproxy");
                command.args(["run", "--rm", "--network", "host", "--name", &self.container, "--volume"]);
                command.arg(format!("{}:/usr/local/etc/haproxy:ro", folder.display()));
                command.args([IMAGE, "haproxy", "-S", &control, "-f", "/usr/local/etc/haproxy/"]);
                command
            }
        };
        let log = fs::File::create(self.sandbox.path("haproxy.log")).expect("a file").into_parts().0;
        let errors = log.try_clone().expect("a file");
        *self.haproxy.borrow_mut() = Some(Run::start(command.stdout(log).stderr(errors)));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().filter(|line| !line.contains(" 200 ")).collect();
            say(&format!("HAProxy's last lines:\n{}", lines[lines.len().saturating_sub(40)..].join("\n")));
        }
        if self.version == Version::Image {
            let removed = Command::new("docker").args(["rm", "--force", &self.container]).output();
            removed.expect("docker");
        }
    }
}

/// Three numbers that no other test of this machine has at this time, of a loopback network.
fn next_network() -> [u8; 3] {
    static NETWORKS: AtomicU8 = AtomicU8::new(0);
    let process = u8::try_from(std::process::id() % 200).expect("a small number") + 1;
    [127, process, NETWORKS.fetch_add(1, Ordering::Relaxed)]
}

fn gateway_address([a, b, c]: [u8; 3], place: usize) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, FIRST + u8::try_from(place).expect("a few gateways"))
}
