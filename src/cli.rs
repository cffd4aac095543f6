//! Flags and verbs; no logic here. Values of a cluster's options stay texts: `spec` validates them.

mod flags;
mod meant;
mod screen;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{ArgAction, ArgGroup, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

pub use flags::{BalancerFlags, Flags, StartFlags};
pub use meant::parse;

use crate::error::exit_codes;
use crate::profile::ProfileName;
use crate::spec::values::machine::{Account, Interface, LogTarget, PlainPath, VirtualAddress};
use crate::spec::values::{
    BindAddress, Bounded, ClusterName, GatewayName, ImageName, Mix, ObjectSize, OzoneVersion, Span, UserName,
    Zone,
};
use crate::ui::progress::Mode;

/// The version, and the commit where it is known: `0.1.0 (abc1234)`.
pub const VERSION: &str = env!("OZONE_COMPOSE_VERSION");

/// Heading of what is not kept in `ozone-compose.yaml`.
const THIS_RUN: &str = "This run alone";

/// Apache Ozone's S3 gateways behind HAProxy: any number of them, as Docker Compose files.
#[derive(Debug, Parser)]
#[command(version = VERSION, max_term_width = 100, after_help = exit_codes(), disable_help_subcommand = true, disable_help_flag = true, help_template = screen::template())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// How waiting is shown
    #[arg(long, global = true, value_name = "MODE", default_value = "auto", help_heading = "Output")]
    pub progress: Mode,
    /// Print errors only
    #[arg(short, long, global = true, help_heading = "Output")]
    pub quiet: bool,
    /// Show each command before it runs
    #[arg(short, long, global = true, help_heading = "Output")]
    pub verbose: bool,
    /// Show the options that most people choose, and end
    #[arg(short, long, global = true, action = ArgAction::HelpShort, help_heading = "Output")]
    pub help: Option<bool>,
    /// Show every option with its key in ozone-compose.yaml, and end
    #[arg(long, global = true, action = ArgAction::HelpLong, help_heading = "Output")]
    pub help_all: Option<bool>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write the files of a cluster: SCM, OM, datanodes, N S3 gateways and HAProxy
    ///
    /// Needs no Docker. Afterwards `docker compose up -d` in the folder starts the cluster, with its S3 API on
    /// port 9878. What you choose is kept in ozone-compose.yaml, so that a bare `generate` repeats it.
    ///
    /// Each option also has a key in that file, named below, and an environment variable: its long flag in
    /// capitals, such as `OZONE_COMPOSE_S3_PORT`. A flag wins over the variable, that over the file.
    #[command(after_help = exit_codes())]
    Generate(Generate),
    /// Print HAProxy's configuration, or write what a balancer on a real machine needs
    ///
    /// With --server for each gateway it is for real machines: listeners on this machine's ports, names from the
    /// system's resolver. With -o DIR it comes with files for systemd, for keepalived on each of two balancers that share
    /// an address, and with INSTALL.md. Without --server it is what `generate` mounts into the balancer's container.
    #[command(after_help = exit_codes())]
    Haproxy(Haproxy),
    /// Generate, start, and wait until every gateway has served a signed PUT and GET
    ///
    /// Prints the endpoint once it is ready. Without options it repeats what the folder's ozone-compose.yaml says;
    /// a cluster that runs already is left as it is where nothing changed.
    Up(Up),
    /// Change the number of gateways of a cluster that runs, without a failed request
    ///
    /// New gateways start, and each serves a PUT before it gets requests. To scale down, the last gateways are drained: they
    /// get no new requests, complete those in flight, and are removed. If it is interrupted, run it again to finish it.
    Scale(Scale),
    /// Send gateways no new requests, and wait until those in flight are complete
    ///
    /// They stay drained through reloads and restarts, until `resume`: ozone-compose.yaml keeps it.
    Drain(Drain),
    /// Send requests again to gateways that were drained
    Resume(Resume),
    /// Restart gateways one at a time, each drained first, without a failed request
    ///
    /// The next gateway restarts when the last one serves again. It stops at the first that does not.
    Restart(Restart),
    /// Replace containers one at a time by those of another Ozone
    ///
    /// Gateways first, each drained before, then SCMs, OMs and datanodes. Data stays. It stops at the first that does not serve again. With `--base ha` S3 goes on meanwhile.
    Upgrade(Upgrade),
    /// Have HAProxy load its edited configuration, without a failed request
    ///
    /// Checks haproxy/*.cfg with the balancer's own HAProxy first; a bad configuration is not loaded. For lines of your
    /// own, such as those in haproxy/zz-local.cfg.
    Reload(Reload),
    /// Stop and remove a cluster's containers and networks; --volumes removes its data too
    Down(Down),
    /// Stop the containers of a cluster; they and their data are kept
    ///
    /// HAProxy stops first and completes its transfers, then the gateways, OM, datanodes and SCM.
    Stop(Stop),
    /// Start a cluster that was stopped, and wait until every gateway has served
    Start(Start),
    /// List the clusters on this engine
    ///
    /// Found by this tool's labels, wherever their folders are: name, state, gateways, endpoint and folder.
    Ls(Ls),
    /// Show containers, and gateways as HAProxy sees them
    ///
    /// CHECK is the result of HAProxy's last health check: `L7OK` is good. REQUESTS and ERRORS are counted since HAProxy last loaded its
    /// configuration: `scale`, `drain`, `resume` and `reload` do that.
    Status(Status),
    /// Show the nodes of a Swarm and which hold data; --label chooses those
    Nodes(Nodes),
    /// Show the containers' logs, or which gateway served a request
    Logs(Logs),
    /// Print the variables that S3 clients read; nothing while the cluster does not answer
    ///
    /// In a shell: eval "$(ozone-compose env)". The lines of `--format dotenv` are for `docker run --env-file`. The profile
    /// of --profile is in ~/.aws, or where `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` say.
    ///
    /// Exits with 5 while the cluster does not answer a signed request within 3 seconds.
    Env(Env),
    /// Run a command with the variables that S3 clients read
    ///
    /// Such as: ozone-compose run -- aws s3 ls. Ends as the command ends; with 127 when it is not there, with 126
    /// when it cannot be run, with 5 while the cluster does not answer.
    ///
    /// A whole job is: ozone-compose run --up --down -n 3 --bucket tests -- pytest. What an earlier run left there is taken
    /// over, and removed in the end.
    Run(Run),
    /// The S3 users of a secure cluster
    #[command(subcommand)]
    User(User),
    /// Try the S3 API through every gateway
    ///
    /// Puts, reads, lists and deletes small objects, uploads 20 MiB in parts through different gateways, writes
    /// through one gateway and reads through all, uses presigned URLs, and counts which gateway answers. All in a
    /// bucket of its own, which it removes. Exits with 1 when a check fails, and names the gateway.
    Smoke(Smoke),
    /// Send an S3 load for a time, and measure it by operation and by gateway
    ///
    /// Every client keeps one connection and sends one request after another, without a retry: an error is counted. The
    /// objects are in a bucket of its own, which it removes, after Ctrl-C as well.
    ///
    /// With --during, a third of the time later, it runs a command of this tool for the same cluster, and goes on until that
    /// has ended and for three seconds more: ozone-compose bench --during "scale 5". Exits with 1 when that command fails.
    Bench(Bench),
    /// Let one container fail for a time, to see what its clients notice
    ///
    /// The fault is undone when its time is over, after Ctrl-C, and where this run is killed. Beside a load:
    /// ozone-compose bench --during "fault freeze s3g2".
    #[command(subcommand)]
    Fault(Fault),
    /// Pack files, logs and states into an archive, for a bug report or a CI artefact
    Collect(Collect),
    /// Check whether this machine can run the cluster, and say what to do if not
    Doctor(Doctor),
    /// The choices of a cluster
    #[command(subcommand)]
    Config(Config),
    /// Templates of your own, which take the place of this tool's
    #[command(subcommand)]
    Templates(Templates),
    /// Print the JSON Schema of ozone-compose.yaml, with which editors complete and check it
    ///
    /// Write it to a file that the editor finds: ozone-compose schema > ~/.config/ozone-compose.schema.json, and let
    /// ozone-compose.yaml begin with: # yaml-language-server: $schema=FILE
    Schema,
    /// Print a script that completes verbs, flags and their values in a shell
    ///
    /// For this shell: source <(ozone-compose completions bash). To keep it, write it to where the shell looks:
    /// ~/.local/share/bash-completion/completions/ozone-compose for bash, a folder of $fpath as _ozone-compose for
    /// zsh, ~/.config/fish/completions/ozone-compose.fish for fish.
    Completions(Completions),
    /// Print the man page, or write the pages of all verbs to a folder
    ///
    /// To read it: ozone-compose man | man -l -. To keep them: ozone-compose man ~/.local/share/man/man1.
    Man(Man),
}

/// The folder of a cluster.
#[derive(Args, Clone, Debug)]
pub struct FolderArg {
    /// Folder of the cluster
    #[arg(
        short = 'o',
        long = "output",
        value_name = "DIR",
        default_value = ".",
        env = "OZONE_COMPOSE_OUTPUT",
        value_parser = OsStringValueParser::new().try_map(named_folder),
        value_hint = ValueHint::DirPath
    )]
    pub folder: PathBuf,
}

/// Nothing is not the current folder: `-o "$DIR"` of a script that forgot to set it would write there.
fn named_folder(text: OsString) -> Result<PathBuf, &'static str> {
    if text.is_empty() {
        return Err("it names no folder; write . for the current one, or unset OZONE_COMPOSE_OUTPUT");
    }
    Ok(text.into())
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// For programs: one object with `version` and `kind`
    Json,
}

/// Arguments of `generate`.
#[derive(Args, Debug)]
pub struct Generate {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub flags: Flags,
    /// Write nothing; exit with 3 when any file is not what it would be
    #[arg(long, help_heading = THIS_RUN)]
    pub check: bool,
    /// Write nothing; print what would change as a unified diff
    #[arg(long, help_heading = THIS_RUN)]
    pub diff: bool,
    /// Write nothing; print this one file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check", "diff", "force"], help_heading = THIS_RUN)]
    pub stdout: Option<String>,
    /// Overwrite files that were edited by hand, each kept as FILE.bak
    #[arg(long, conflicts_with_all = ["check", "diff"], help_heading = THIS_RUN)]
    pub force: bool,
}

/// Arguments of `haproxy`.
#[derive(Args, Debug)]
pub struct Haproxy {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub machine: Machine,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub flags: BalancerFlags,
}

/// A balancer on a machine of its own.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "The balancer's machine, for gateways on others")]
pub struct Machine {
    /// Write a folder for the machine: haproxy.cfg, a drop-in for systemd, keepalived's files, INSTALL.md
    #[arg(short = 'o', long = "output", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    /// Address for S3, once for each; `::` alone is for IPv4 and IPv6 [default: every IPv4 address]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Vec<BindAddress>,
    /// User of the process that serves [default: haproxy with -o]
    #[arg(long, value_name = "USER")]
    pub user: Option<Account>,
    /// Group of the process that serves [default: haproxy with -o]
    #[arg(long, value_name = "GROUP")]
    pub group: Option<Account>,
    /// Folder to which that process is confined (chroot) [default: /var/lib/haproxy with -o]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub chroot: Option<PlainPath>,
    /// Where the log goes: stdout, a socket such as /dev/log, or HOST:514 [default: stdout]
    #[arg(long, value_name = "TARGET")]
    pub log_target: Option<LogTarget>,
    /// Socket for administrators, mode 600, such as /run/haproxy/admin.sock
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub admin_socket: Option<PlainPath>,
    /// File with a line NAME:HASH for each who may see /stats and /metrics; `openssl passwd -6` makes a hash
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub stats_user: Option<PathBuf>,
    /// Address for /stats, /metrics and /healthz; any but a loopback address needs --stats-user [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub stats_listen: Option<BindAddress>,
    /// Zone of this balancer: gateways of other zones get requests only while all of this zone are down
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<Zone>,
    /// Address that two balancers share, with the length of its network: 10.0.0.9/24
    #[arg(long, value_name = "ADDRESS/LENGTH", requires_all = ["output", "vip_interface", "peer"])]
    pub vip: Option<VirtualAddress>,
    /// Interface that gets this address
    #[arg(long, value_name = "NAME", requires = "vip")]
    pub vip_interface: Option<Interface>,
    /// Address of each of the two balancers, at which they reach each other; given twice
    #[arg(long, value_name = "ADDRESS", requires = "vip")]
    pub peer: Vec<IpAddr>,
    /// Number of the pair, which no other pair in this network has
    #[arg(long, value_name = "N", requires = "vip")]
    pub vip_router: Option<RouterNumber>,
}

/// A virtual router of VRRP.
pub type RouterNumber = Bounded<1, 255>;

/// Arguments of `up`.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Up {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub flags: Flags,
    /// How long to wait until every gateway serves
    #[arg(long, value_name = "TIME", default_value = "5m", help_heading = THIS_RUN)]
    pub timeout: Span,
    /// Choose free ports in place of those that are taken, and keep them in ozone-compose.yaml; a port alone does so
    /// by its own flag: --s3-port auto
    #[arg(long, value_name = "auto", value_parser = ["auto"], help_heading = THIS_RUN)]
    pub port: Option<String>,
    /// Remove what was started when it does not become ready
    #[arg(long, help_heading = THIS_RUN)]
    pub rollback: bool,
    /// Pack logs and states into this archive when it does not become ready
    #[arg(long, value_name = "FILE", help_heading = THIS_RUN, hide_short_help = true)]
    pub collect_on_failure: Option<PathBuf>,
    /// Accept a time without service: where another Ozone replaces the one that runs, which `upgrade` avoids, and on a
    /// Swarm where HAProxy's configuration changes
    #[arg(long, help_heading = THIS_RUN, hide_short_help = true)]
    pub yes: bool,
    /// Print the steps, each with its cause, and change nothing
    #[arg(long, help_heading = THIS_RUN)]
    pub dry_run: bool,
    /// Show when each container started, listened, led, left safe mode and served
    #[arg(long, help_heading = THIS_RUN, hide_short_help = true)]
    pub timings: bool,
}

/// Arguments of `scale`.
#[derive(Args, Debug)]
pub struct Scale {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// How many gateways there are to be, 1 to 512
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub gateways: String,
    /// How long requests in flight may take to end, before gateways are removed anyway
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub drain_timeout: Span,
    /// How long to wait until new gateways serve
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub timeout: Span,
    /// Print the steps, each with its cause, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `drain`.
#[derive(Args, Debug)]
pub struct Drain {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// Gateways, such as s3g2
    #[arg(value_name = "GATEWAY", required_unless_present = "node")]
    pub gateways: Vec<GatewayName>,
    /// A node of a Swarm, which is to run nothing of the cluster
    #[arg(long, value_name = "NODE", conflicts_with = "gateways")]
    pub node: Option<String>,
    /// How long to wait for requests in flight; the gateways stay drained afterwards
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub drain_timeout: Span,
    /// Print the steps, each with its cause, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `resume`.
#[derive(Args, Debug)]
pub struct Resume {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// Gateways, such as s3g2 [default: all that are drained]
    #[arg(value_name = "GATEWAY")]
    pub gateways: Vec<GatewayName>,
    /// A node of a Swarm, which is to run containers again
    #[arg(long, value_name = "NODE", conflicts_with = "gateways")]
    pub node: Option<String>,
    /// Print the steps, each with its cause, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `restart`.
#[derive(Args, Debug)]
pub struct Restart {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// Gateways, such as s3g2 [default: all]
    #[arg(value_name = "GATEWAY")]
    pub gateways: Vec<GatewayName>,
    /// After another build of the distribution in `ozone.dist`: SCMs, OMs and datanodes too, one at a time
    #[arg(long, conflicts_with = "gateways")]
    pub dist: bool,
    /// How long requests in flight may take to end, before a gateway is restarted anyway
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub drain_timeout: Span,
    /// How long to wait until a gateway serves again
    #[arg(long, value_name = "TIME", default_value = "2m")]
    pub timeout: Span,
    /// Print the steps, each with its cause, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `upgrade`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("to").required(true).args(["ozone_version", "ozone_image", "rollback", "finalize"]))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Upgrade {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// The new version, such as 2.2.1
    #[arg(long, value_name = "VERSION")]
    pub ozone_version: Option<OzoneVersion>,
    /// The new image
    #[arg(long, value_name = "IMAGE")]
    pub ozone_image: Option<ImageName>,
    /// Leave SCM, OM and datanodes as they are
    #[arg(long, conflicts_with_all = ["rollback", "finalize"])]
    pub gateways_only: bool,
    /// Undo an upgrade that is not complete: back to the image of the containers that it has not reached
    #[arg(long)]
    pub rollback: bool,
    /// Finalize the upgrade of SCM and OM; afterwards no older version starts on the data
    #[arg(long)]
    pub finalize: bool,
    /// How long requests in flight may take to end, before a gateway is replaced anyway
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub drain_timeout: Span,
    /// How long to wait for each container until it serves
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub timeout: Span,
    /// Print the steps, each with its cause, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `reload`.
#[derive(Args, Debug)]
pub struct Reload {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// Print the steps, each with its cause, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `down`.
#[derive(Args, Debug)]
pub struct Down {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// Remove the data too
    #[arg(long)]
    pub volumes: bool,
    /// Name of the cluster, where its folder is gone
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub name: Option<ClusterName>,
    /// Remove every cluster of this tool on this engine
    #[arg(long)]
    pub all: bool,
    /// Print the steps, each with its cause, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `stop`.
#[derive(Args, Debug)]
pub struct Stop {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// Print the steps, each with its cause, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `start`.
#[derive(Args, Debug)]
pub struct Start {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// How long to wait until every gateway serves
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub timeout: Span,
    /// Print the steps, each with its cause, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `ls`.
#[derive(Args, Debug)]
pub struct Ls {
    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `status`.
#[derive(Args, Debug)]
pub struct Status {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Lines of a log.
pub type Lines = Bounded<0, { u32::MAX }>;

/// Arguments of `logs`.
#[derive(Args, Debug)]
pub struct Logs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// Go on as new lines come
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines of each container; with --gateway-requests, the last requests, 20 where no ID is given
    #[arg(long, value_name = "LINES", allow_hyphen_values = true)]
    pub tail: Option<Lines>,
    /// Show which gateway served requests, by HAProxy's log and the gateways' audit logs: those of these ids, from
    /// `x-amz-request-id` or `x-amz-id-2`, or the last ones
    #[arg(long, value_name = "ID", num_args = 0.., value_parser = request_id, conflicts_with_all = ["follow", "services"])]
    pub gateway_requests: Option<Vec<String>>,
    /// How to print requests
    #[arg(long, value_enum, default_value_t, requires = "gateway_requests")]
    pub format: Format,
    /// Services, such as s3g2 [default: all]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
}

/// Longer than any id of a request: Ozone's have 36 characters, those of S3 elsewhere up to 76.
const LONGEST_REQUEST_ID: usize = 100;

/// An id is searched for in a container, and its characters are no option and no pattern there.
fn request_id(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_+/=.".contains(c);
    if text.is_empty()
        || text.len() > LONGEST_REQUEST_ID
        || text.starts_with('-')
        || !text.chars().all(is_plain)
    {
        return Err(
            "a request's id has letters, digits and hyphens, such as 5d41402a-1111-4222-8333-0123456789ab"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// Arguments of `nodes`.
#[derive(Args, Debug)]
pub struct Nodes {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// Have a node hold the data of this number, such as node1=1
    #[arg(long, value_name = "NODE=N", value_delimiter = ',')]
    pub label: Vec<String>,
    /// For people or for programs
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
}

/// How `env` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EnvFormat {
    /// For eval in a shell
    #[default]
    Shell,
    /// For an env file
    Dotenv,
    /// For the later steps of a GitHub job: appended to the file that `GITHUB_ENV` names
    Github,
    /// For programs
    Json,
}

/// Arguments of `env`.
#[derive(Args, Debug)]
pub struct Env {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// The S3 user whose key they have, in a secure cluster [default: its first]
    #[arg(long, value_name = "NAME")]
    pub user: Option<UserName>,
    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    pub format: EnvFormat,
    /// Print what a container in the cluster's network uses
    #[arg(long)]
    pub inside: bool,
    /// Write an AWS profile of this name instead, for `aws --profile NAME` and SDKs; nothing else in the files changes
    #[arg(long, value_name = "NAME", conflicts_with_all = ["format", "inside"])]
    pub profile: Option<ProfileName>,
    /// Remove that profile, whether the cluster runs or not
    #[arg(long, requires = "profile")]
    pub remove: bool,
}

/// Arguments of `run`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("attended").args(["up", "down"]).multiple(true))]
pub struct Run {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// The S3 user whose key it has, in a secure cluster; with --up, also a new one [default: its first]
    #[arg(long = "user", value_name = "NAME")]
    pub as_user: Option<UserName>,
    /// Run it in a container of this image, in the cluster's network
    #[arg(long, value_name = "IMAGE")]
    pub inside: Option<String>,
    /// Start the cluster first and wait until it is ready, as `up` with the same flags
    #[arg(long)]
    pub up: bool,
    /// Remove the cluster and its data in the end, whoever started it and however the command ended
    #[arg(long)]
    pub down: bool,
    /// With --up: how long to wait until every gateway serves
    #[arg(long, value_name = "TIME", default_value = "5m", requires = "up")]
    pub timeout: Span,
    /// With --up: choose free ports in place of those that are taken
    #[arg(long, value_name = "auto", value_parser = ["auto"], requires = "up")]
    pub port: Option<String>,
    /// With --up or --down: pack logs and states into this archive when the start or the command fails
    #[arg(long, value_name = "FILE", requires = "attended")]
    pub collect_on_failure: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub flags: StartFlags,
    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// What to do with S3 users.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a user, with a secret that OM makes
    Add(UserWithSecret),
    /// Remove a user and revoke the secret; the buckets stay
    Remove(OneUser),
    /// Give a user another secret and revoke the one before
    Rotate(UserWithSecret),
    /// List the users, and whether this folder has their secrets
    List(ListUsers),
}

/// A user.
#[derive(Args, Debug)]
pub struct OneUser {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// The user, whose access key is the same
    #[arg(value_name = "NAME")]
    pub name: UserName,
}

/// A user, and which secret it gets.
#[derive(Args, Debug)]
pub struct UserWithSecret {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub user: OneUser,
    /// Take the secret in this environment variable rather than one that OM makes
    #[arg(long, value_name = "VARIABLE")]
    pub secret_from_env: Option<String>,
}

/// Arguments of `user list`.
#[derive(Args, Debug)]
pub struct ListUsers {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
}

/// Arguments of `smoke`.
#[derive(Args, Debug)]
pub struct Smoke {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// How to print the results
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// How `bench` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BenchFormat {
    /// For people
    #[default]
    Table,
    /// For programs: one object with `version` and `kind`
    Json,
    /// A picture: requests and errors over time
    Svg,
}

/// Clients of a load.
pub type Clients = Bounded<1, 256>;

/// Arguments of `bench`.
#[derive(Args, Debug)]
pub struct Bench {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// How many clients send requests at once, 1 to 256
    #[arg(long, value_name = "N", default_value = "16", allow_hyphen_values = true)]
    pub clients: Clients,
    /// For how long, 1h at most
    #[arg(long = "for", value_name = "TIME", default_value = "20s", value_parser = time_that_ends)]
    pub time: Span,
    /// Sizes of the objects, in turn: bytes, KiB or MiB, 64MiB at most
    #[arg(long = "size", value_name = "SIZE", default_value = "1KiB", value_delimiter = ',')]
    pub sizes: Vec<ObjectSize>,
    /// How often each operation comes in a round of requests
    #[arg(long, value_name = "SHARES", default_value = "put=1,get=3,head=1")]
    pub mix: Mix,
    /// The S3 user whose key it signs with, in a secure cluster [default: this tool's own]
    #[arg(long, value_name = "NAME")]
    pub user: Option<UserName>,
    /// Run this command of this tool meanwhile, such as "scale 5"
    #[arg(long, value_name = "COMMAND")]
    pub during: Option<String>,
    /// How to print the results
    #[arg(long, value_enum, default_value_t)]
    pub format: BenchFormat,
}

/// How long a load or a fault may take.
const LONGEST: Duration = Duration::from_secs(3600);

/// A load or a fault that somebody forgets must end.
fn time_that_ends(text: &str) -> Result<Span, String> {
    let time: Span = text.parse()?;
    if time.duration() > LONGEST {
        return Err(format!("{text} is longer than 1h, the longest time"));
    }
    Ok(time)
}

/// Which fault.
#[derive(Debug, Subcommand)]
pub enum Fault {
    /// Kill a container, and start it again
    Kill(FaultOn),
    /// Freeze a container's processes: connections stay open, and nothing answers
    Freeze(FaultOn),
    /// Take a container out of its networks, and put it back
    Partition(FaultOn),
    /// Let each request to a gateway wait before the gateway gets it
    Delay(Delay),
    /// Answer each request to a gateway with status 500; HAProxy's checks pass
    Errors(FaultOn),
    /// Undo the fault of a run that was killed, or end one that goes on
    Undo(FolderArg),
    /// Hold the fault that the standard input describes, until that ends
    #[command(hide = true)]
    Hold(FolderArg),
}

impl Fault {
    /// What fails; none for what only ends a fault.
    #[must_use]
    pub fn on(&self) -> Option<&FaultOn> {
        match self {
            Self::Kill(on) | Self::Freeze(on) | Self::Partition(on) | Self::Errors(on) => Some(on),
            Self::Delay(delay) => Some(&delay.on),
            Self::Undo(_) | Self::Hold(_) => None,
        }
    }
}

/// What fails, and for how long.
#[derive(Args, Clone, Debug)]
pub struct FaultOn {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// The container: a gateway such as s3g2, or another service such as om1
    #[arg(value_name = "CONTAINER")]
    pub container: String,
    /// For how long, 1h at most
    #[arg(long = "for", value_name = "TIME", default_value = "30s", value_parser = time_that_ends)]
    pub time: Span,
}

/// Arguments of `fault delay`.
#[derive(Args, Clone, Debug)]
pub struct Delay {
    /// How long each request waits, such as 200ms; 1h at most
    #[arg(value_name = "DELAY", value_parser = time_that_ends)]
    pub delay: Span,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub on: FaultOn,
}

/// Arguments of `collect`.
#[derive(Args, Debug)]
pub struct Collect {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// The archive to write [default: NAME-collected.tar.gz in the current folder]
    #[arg(value_name = "FILE.tar.gz")]
    pub file: Option<PathBuf>,
}

/// Arguments of `doctor`.
#[derive(Args, Debug)]
pub struct Doctor {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// How to print the results
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What to do with choices.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Show each value that has a meaning here, whether it was chosen or not
    ///
    /// With the flags and variables of `generate`, it shows what that would use.
    Show(ShowConfig),
}

/// Arguments of `config show`.
#[derive(Args, Debug)]
pub struct ShowConfig {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// Show where each value comes from; JSON always has it
    #[arg(long)]
    pub origin: bool,
    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub flags: Flags,
}

/// What to do with templates.
#[derive(Debug, Subcommand)]
pub enum Templates {
    /// Write this tool's templates to a folder, to change them there
    ///
    /// Then: ozone-compose generate --templates DIR, where DIR is relative to the cluster's folder. Keep only those
    /// that you change: the others follow this tool, whatever its version. Files are sealed and values escaped as
    /// always.
    Export(ExportTemplates),
}

/// Arguments of `templates export`.
#[derive(Args, Debug)]
pub struct ExportTemplates {
    /// Folder to write to; what is there already is kept
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
}

/// Arguments of `completions`.
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell that will read it
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Args, Debug)]
pub struct Man {
    /// Folder for ozone-compose.1, ozone-compose-up.1 and the others [default: print the first]
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
}
