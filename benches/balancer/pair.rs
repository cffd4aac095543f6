//! Two balancers that share an address, each in a network namespace of its own, of which one is lost under load.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::thread;
use std::time::Duration;

use fs_err as fs;

use ozone_compose::plan::machine::STATE_FILE;

use crate::failed_of;
use crate::support::balancer::JETTY_THREADS;
use crate::support::gateway::{Gateway, Service};
use crate::support::load::{Load, Traffic};
use crate::support::run::{Run, until};
use crate::support::{Outcome, Runs, Sandbox, clean, say, tool};

/// The namespace of the bridge between all of them: where Docker runs, the machine's own firewall lets nothing pass a
/// bridge of others.
const HUB: &str = "ocpair0";

/// Address of clients and gateways; balancers have .1 and .2.
const HERE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 100);

/// What the balancers share.
const SHARED: &str = "10.77.0.9";

/// Load before a loss, and after it.
const CALM: Duration = Duration::from_secs(3);
const AFTERWARDS: Duration = Duration::from_secs(10);

/// What is lost, and how: `kill` ends HAProxy, `unplug` cuts its machine off.
type Loss = (&'static str, fn(&mut Pair));

const LOSSES: [Loss; 3] = [
    ("HAProxy is killed", Pair::kill_haproxy),
    ("HAProxy is stopped by systemd", Pair::stop_haproxy),
    ("its machine is cut off", Pair::unplug),
];

/// A line for each loss, in Markdown. Needs root: namespaces, and addresses in them.
pub(crate) fn table() -> String {
    assert!(
        tool("haproxy") && Outcome::of(clean("keepalived").arg("--version")).status == 0,
        "this needs both"
    );
    let mut text = String::from(
        "| lost under load | failed | worst request | no request ended well for |\n|---|---|---|---|\n",
    );
    for (what, lose) in LOSSES {
        let mut pair = Pair::start();
        let load = Load::start(&format!("http://{SHARED}:9878"), Traffic::default());
        thread::sleep(CALM);
        lose(&mut pair);
        thread::sleep(AFTERWARDS);
        let report = load.stop();
        say(&format!("{what}: {report}; {}", failed_of(&report)));
        let (worst, gap) = (report.worst_latency().as_secs_f64(), report.longest_gap().as_secs_f64());
        let (failed, total) = (report.failed().len(), report.total());
        writeln!(text, "| {what} | {failed} of {total} | {worst:.1} s | {gap:.1} s |").expect("a text");
    }
    text
}

/// The namespaces, and what runs in them.
struct Pair {
    _sandbox: Sandbox,
    haproxy: Vec<Run>,
    keepalived: Vec<Run>,
    _gateways: Vec<Gateway>,
}

impl Pair {
    fn start() -> Self {
        clean_up();
        let ip = |line: &str| Outcome::of(clean("ip").args(line.split(' '))).succeeded();
        ip(&format!("netns add {HUB}"));
        ip(&format!("-n {HUB} link add bridge type bridge"));
        ip(&format!("-n {HUB} link set bridge up"));
        ip(&format!("link add ocpair type veth peer name port0 netns {HUB}"));
        ip(&format!("addr add {HERE}/24 dev ocpair"));
        ip("link set ocpair up");
        ip(&format!("-n {HUB} link set port0 master bridge up"));
        for number in 1..=2 {
            ip(&format!("netns add ocpair{number}"));
            ip(&format!("-n {HUB} link add port{number} type veth peer name eth0 netns ocpair{number}"));
            ip(&format!("-n {HUB} link set port{number} master bridge up"));
            ip(&format!("-n ocpair{number} addr add 10.77.0.{number}/24 dev eth0"));
            ip(&format!("-n ocpair{number} link set eth0 up"));
            ip(&format!("-n ocpair{number} link set lo up"));
        }
        let sandbox = Sandbox::new();
        let store = sandbox.path("store");
        fs::create_dir(&store).expect("a folder");
        let service = |port: u16| Service {
            address: SocketAddr::new(HERE.into(), port),
            store: store.clone(),
            threads: JETTY_THREADS,
        };
        let gateways: Vec<Gateway> = (9878..=9880).map(|port| Gateway::start(service(port))).collect();
        let servers = (9878..=9880).flat_map(|port| ["--server".to_owned(), format!("{HERE}:{port}")]);
        let servers: Vec<String> = servers.collect();
        let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
        let vip = format!("{SHARED}/24");
        let pair = ["--vip", &vip, "--vip-interface", "eth0", "--peer", "10.77.0.1", "--peer", "10.77.0.2"];
        sandbox.succeed(&[&["haproxy", "-o", "out"][..], &servers, &pair].concat());
        let within = |number: u32, program: &[&str]| {
            let mut command = clean("ip");
            command.args(["netns", "exec", &format!("ocpair{number}")]).args(program);
            Run::start(command.current_dir(sandbox.path("out")))
        };
        // One machine has both of them, so that the file of each has a name of its own.
        for number in [1, 2] {
            let name = format!("out/keepalived-{number}.conf");
            let state = sandbox.path(&format!("state-{number}")).display().to_string();
            sandbox.write(&name, sandbox.read(&name).replace(STATE_FILE, &state));
        }
        let haproxy = [1, 2].map(|number| within(number, &["sh", "-c", &unit(&sandbox, number)])).into();
        for number in [1, 2] {
            until("HAProxy answers", || curl(number));
        }
        let keepalived = [1, 2].map(|number| {
            let (config, pid) = (format!("keepalived-{number}.conf"), format!("{number}.pid"));
            let files =
                ["--pid", &pid, "--vrrp_pid", &format!("vrrp-{pid}"), "--checkers_pid", &format!("ch-{pid}")];
            within(
                number,
                &[&["keepalived", "--dont-fork", "--log-console", "--vrrp", "-f", &config][..], &files]
                    .concat(),
            )
        });
        until("the first one has the address", || has_address(1) && !has_address(2));
        Self { _sandbox: sandbox, haproxy, keepalived: keepalived.into(), _gateways: gateways }
    }

    /// Kills the first balancer, the master as well as the process that serves.
    fn kill_haproxy(&mut self) {
        let master = children(self.haproxy[0].id());
        let worker = master.iter().flat_map(|&master| children(master));
        let all = worker.chain(master.iter().copied()).map(|process| process.to_string());
        assert!(Command::new("kill").arg("-KILL").args(all).status().expect("kill").success());
    }

    /// As its unit is stopped.
    fn stop_haproxy(&mut self) {
        let master = children(self.haproxy[0].id())[0].to_string();
        assert!(Command::new("kill").args(["-TERM", &master]).status().expect("kill").success());
    }

    /// Cuts the first machine off, which gets and sends no packet any more.
    fn unplug(&mut self) {
        assert!(!self.haproxy[0].has_ended());
        Outcome::of(clean("ip").args(["-n", HUB, "link", "set", "port1", "down"])).succeeded();
    }
}

/// HAProxy, and what its unit has done when it ends.
fn unit(sandbox: &Sandbox, number: u32) -> String {
    let drop_in = sandbox.read("out/haproxy.service.conf");
    let line =
        drop_in.lines().find_map(|line| line.strip_prefix("ExecStopPost=/bin/sh -c '")).expect("a line");
    let after = line.trim_end_matches('\'').replace(STATE_FILE, &format!("../state-{number}"));
    format!("haproxy -W -db -f haproxy.cfg; {after}")
}

/// The processes that a process has started.
fn children(process: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

impl Drop for Pair {
    fn drop(&mut self) {
        // keepalived takes its children with it on SIGTERM, and not where it is killed.
        for run in &mut self.keepalived {
            if !run.has_ended() {
                run.signal("TERM");
            }
        }
        for process in self.haproxy.iter_mut().flat_map(|unit| children(unit.id())) {
            // It may have ended meanwhile.
            let _ = Command::new("kill").args(["-TERM", &process.to_string()]).status();
        }
        thread::sleep(Duration::from_secs(1));
        clean_up();
    }
}

fn clean_up() {
    for line in ["netns del ocpair1", "netns del ocpair2", "netns del ocpair0", "link del ocpair"] {
        // What is not there needs no removal.
        let _ = Outcome::of(clean("ip").args(line.split(' ')));
    }
}

fn curl(number: u32) -> bool {
    let health = ["curl", "--silent", "--fail", "--output", "/dev/null", "http://127.0.0.1:8404/healthz"];
    Outcome::of(clean("ip").args(["netns", "exec", &format!("ocpair{number}")]).args(health)).status == 0
}

fn has_address(number: u32) -> bool {
    let shown = Outcome::of(clean("ip").args(["-n", &format!("ocpair{number}"), "addr", "show", "eth0"]));
    shown.stdout.contains(SHARED)
}
