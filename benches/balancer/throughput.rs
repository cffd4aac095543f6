//! Requests a second and CPU of the balancer with gateways that cost nothing: nginx behind, wrk in front.
//!
//! Each cell is measured in rounds, one profile at once after the other, and only the ratio of the two of a round is
//! judged: what else a machine does harms both alike.

use std::fmt::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;

use crate::support::balancer::{Network, Stage, Version};
use crate::support::run::{Run, until};
use crate::support::{Outcome, Sandbox, clean, say, tools};

/// Each measurement. Two of them are a round of a cell, and a table has 14 cells.
const LONG_ENOUGH: Duration = Duration::from_secs(3);

/// Rounds unless the command line has a number.
const ROUNDS: usize = 5;

/// How often a measurement is tried.
const TRIES: usize = 5;

/// How many gateways: those of Ozone's example.
const GATEWAYS: usize = 3;

/// Objects, with their size in bytes and numbers of clients. Of more than 8 clients no transfer of 64 MiB ends in
/// time on two busy cores.
const OBJECTS: [(&str, u64, &[usize]); 3] =
    [("1 KiB", 1 << 10, &[8, 64, 400]), ("1 MiB", 1 << 20, &[8, 64, 400]), ("64 MiB", 64 << 20, &[8])];

/// What a worker of HAProxy did under load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Requests that ended well, a second.
    pub(crate) per_second: f64,
    /// CPU of HAProxy for each of them, in seconds.
    pub(crate) cpu: f64,
    /// Resident memory of HAProxy afterwards, in MiB.
    pub(crate) memory: f64,
}

/// Where requests of a column go: a balancer, and its endpoint.
pub(crate) type Side<'a> = (&'a Stage, String);

/// The table, in Markdown; `arguments` may hold the number of rounds, one of `GET` and `PUT`, and `--tls`, which compares
/// https with http of one balancer.
pub(crate) fn table(arguments: &[String]) -> String {
    assert!(tools(&["nginx", "wrk"]), "this needs nginx and wrk");
    let rounds = arguments.iter().find_map(|word| word.parse().ok()).unwrap_or(ROUNDS);
    let version = if Version::Image.is_there() { Version::Image } else { Version::Machine };
    let network = Network::next();
    let behind = Nginx::start(network, (0..GATEWAYS).map(|place| network.gateway(place)));
    // Health checks that a busy machine answers late would end requests, and what they cost does not depend on patience.
    let patient = ("timeouts.check", "1m");
    let before = |options| Stage::before(version, Network::next(), &behind.servers, options);
    let encrypts = arguments.iter().any(|word| word == "--tls");
    let stages = if encrypts {
        let options = [patient, ("balancer.tls", "on")];
        vec![Stage::before_named(version, behind.network, GATEWAYS, &options)]
    } else {
        vec![before(&[("profile", "tuned"), patient]), before(&[("profile", "upstream")])]
    };
    let (headings, sides): (_, [Side<'_>; 2]) = match &stages[..] {
        [stage] => ("https | http", [(stage, stage.https()), (stage, stage.endpoint())]),
        [tuned, upstream, ..] => {
            ("ozone-compose | Ozone's example", [(tuned, tuned.endpoint()), (upstream, upstream.endpoint())])
        }
        [] => unreachable!("there is one at the least"),
    };
    let mut text = format!(
        "{version}, {rounds} rounds of {} s each; median (least to most)\n\n\
         | object, clients | {headings} | times | CPU a request | CPU a GiB | memory |\n\
         |---|---|---|---|---|---|---|\n",
        LONG_ENOUGH.as_secs()
    );
    for method in ["GET", "PUT"].into_iter().filter(|method| is_asked_for(arguments, method)) {
        for (name, bytes, all) in OBJECTS {
            for &clients in all {
                let what = format!("{method} {name}, {clients}");
                let samples: Vec<[Sample; 2]> = (0..rounds)
                    .map(|round| {
                        let pair = [0, 1].map(|place| behind.load(&sides[place], method, bytes, clients));
                        say(&format!("{what}, round {}: {pair:?}", round + 1));
                        pair
                    })
                    .collect();
                text.push_str(&row(&what, bytes, &samples));
            }
        }
    }
    text
}

/// Whether a method is to be measured: both are, where neither is named.
fn is_asked_for(arguments: &[String], method: &str) -> bool {
    let is_named = |name: &str| arguments.iter().any(|word| word == name);
    is_named(method) || !is_named("GET") && !is_named("PUT")
}

fn row(what: &str, bytes: u64, samples: &[[Sample; 2]]) -> String {
    let of =
        |place: usize, value: fn(&Sample) -> f64| Spread::of(samples.iter().map(|pair| value(&pair[place])));
    let ratio = Spread::of(samples.iter().map(|[ours, example]| ours.per_second / example.per_second));
    let [ours, example] = [0, 1].map(|place| of(place, |sample| sample.per_second));
    let [cpu, example_cpu] = [0, 1].map(|place| 1e6 * of(place, |sample| sample.cpu).median);
    let [memory, example_memory] = [0, 1].map(|place| of(place, |sample| sample.memory).median);
    // What a request of 1 KiB costs is not the transfer.
    let per_gib = u32::try_from((1_u64 << 30) / bytes).map(f64::from).expect("a small number") / 1e6;
    let each_gib = match bytes {
        0..1_048_576 => String::new(),
        _ => format!("{:.2}, {:.2} s", cpu * per_gib, example_cpu * per_gib),
    };
    let digits = usize::from(example.median < 100.0);
    let mut text = String::new();
    writeln!(
        text,
        "| {what} | {:.digits$} | {:.digits$} | {:.2} ({:.2} to {:.2}) | {cpu:.0}, {example_cpu:.0} µs | {each_gib} | {memory:.0}, {example_memory:.0} MiB |",
        ours.median, example.median, ratio.median, ratio.least, ratio.most
    )
    .expect("a text");
    text
}

/// Numbers of which the one in the middle counts.
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let mut numbers: Vec<f64> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        Self { least: numbers[0], median: numbers[numbers.len() / 2], most: numbers[numbers.len() - 1] }
    }
}

/// Gateways that cost nothing: they have files, and throw away what they are sent.
pub(crate) struct Nginx {
    sandbox: Sandbox,
    network: Network,
    /// Where they listen.
    pub(crate) servers: Vec<String>,
    _run: Run,
}

impl Nginx {
    /// So many gateways in a network, in one process.
    pub(crate) fn start(network: Network, places: impl Iterator<Item = SocketAddr>) -> Self {
        let sandbox = Sandbox::new();
        let places: Vec<SocketAddr> = places.collect();
        let servers: Vec<String> = places.iter().map(ToString::to_string).collect();
        for (_, bytes, _) in OBJECTS {
            sandbox.write(&format!("www/{bytes}"), vec![b'x'; usize::try_from(bytes).expect("a size")]);
        }
        sandbox.write(
            "put.lua",
            "wrk.method = \"PUT\"\nwrk.body = string.rep(\"x\", tonumber(os.getenv(\"BYTES\")))\n",
        );
        sandbox.write("nginx.conf", configuration(&sandbox.path(""), &servers));
        let mut command = clean("nginx");
        command.arg("-c").arg(sandbox.path("nginx.conf")).arg("-e").arg(sandbox.path("error.log"));
        let run = Run::start(&mut command);
        let first = places[0];
        until("nginx listens", || TcpStream::connect(first).is_ok());
        Self { sandbox, network, servers, _run: run }
    }

    /// Puts a load on a balancer in front of these, again where a request failed: on a machine with much else to do, health
    /// checks are late, and that is not what is measured.
    pub(crate) fn load(&self, side: &Side<'_>, method: &str, bytes: u64, clients: usize) -> Sample {
        let mut samples = (0..TRIES).filter_map(|_| self.sample(side, method, bytes, clients));
        samples.next().expect("a machine with less to do")
    }

    /// One measurement; none where anything failed.
    fn sample(
        &self,
        (stage, endpoint): &Side<'_>,
        method: &str,
        bytes: u64,
        clients: usize,
    ) -> Option<Sample> {
        let worker = stage.worker();
        let before = cpu(worker);
        let mut command = clean("wrk");
        // wrk divides connections among threads, of which two fill two cores.
        command.args(["-t2", "--timeout", "60s", "-c", &clients.to_string(), "-d"]);
        command.arg(format!("{}s", LONG_ENOUGH.as_secs()));
        if method == "PUT" {
            command.env("BYTES", bytes.to_string()).arg("-s").arg(self.sandbox.path("put.lua"));
        }
        let told = Outcome::of(command.arg(format!("{endpoint}/{bytes}")));
        let used = cpu(worker) - before;
        if told.stdout.contains("Non-2xx") || told.stdout.contains("Socket errors") || told.status != 0 {
            say(&told.to_string());
            return None;
        }
        let number = |before: &str, after: &str| {
            let rest = told.stdout.split(before).nth(1).unwrap_or_else(|| panic!("{told}"));
            rest.split(after).next().and_then(|text| text.trim().parse::<f64>().ok()).expect("a number")
        };
        let per_second = number("Requests/sec:", "\n");
        let line = told.stdout.lines().find(|line| line.contains(" requests in ")).expect("a sum");
        let requests: f64 =
            line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number");
        Some(Sample { per_second, cpu: used / requests, memory: memory(worker) })
    }
}

/// nginx with a listener for each gateway: GET from files, PUT thrown away, and checks answered as Ozone does.
fn configuration(folder: &Path, servers: &[String]) -> String {
    let listens: Vec<String> =
        servers.iter().map(|server| format!("listen {server} backlog=4096;\n")).collect();
    let listens = listens.concat();
    let kept = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = kept.map(|name| format!("{name}_temp_path {}/{name};\n", folder.display())).concat();
    format!(
        "daemon off;\nmaster_process off;\npid {0}/nginx.pid;\n\
         events {{ worker_connections 8192; }}\n\
         http {{\naccess_log off;\nsendfile on;\ntcp_nopush on;\nkeepalive_requests 1000000000;\n\
         client_max_body_size 0;\n{paths}\
         server {{\n{listens}root {0}/www;\nlocation = / {{ return 403; }}\n\
         location / {{ if ($request_method = PUT) {{ return 200; }} }}\n}}\n}}\n",
        folder.display()
    )
}

/// Seconds of CPU that a process has taken.
pub(crate) fn cpu(process: u32) -> f64 {
    let stat = fs::read_to_string(PathBuf::from(format!("/proc/{process}/stat"))).expect("a process");
    // What stands in parentheses may hold blanks.
    let (_, rest) = stat.rsplit_once(')').expect("a name");
    let ticks = |place: usize| rest.split_whitespace().nth(place).and_then(|word| word.parse::<u32>().ok());
    // Fields 14 and 15 of the whole line, in hundredths of a second on Linux.
    f64::from(ticks(11).expect("a number") + ticks(12).expect("a number")) / 100.0
}

/// MiB of memory that a process has resident.
fn memory(process: u32) -> f64 {
    let status = fs::read_to_string(PathBuf::from(format!("/proc/{process}/status"))).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}
