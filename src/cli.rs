//! Flags and verbs. The options of a cluster come from the table in `spec::options`; no logic here.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::error::EXIT_CODES;
use crate::spec::choices::{Choices, Origin};
use crate::spec::options::{Default as Preset, OPTIONS, Opt};
use crate::spec::values::{ClusterName, Span};
use crate::ui::progress::Mode;

/// Apache Ozone's S3 gateways behind HAProxy: any number of them, as Docker Compose files.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// How waiting is shown
    #[arg(long, global = true, value_name = "MODE", default_value = "auto", help_heading = "Output")]
    pub progress: Mode,
    /// Say nothing but errors
    #[arg(short, long, global = true, help_heading = "Output")]
    pub quiet: bool,
    /// Show each command before it runs
    #[arg(short, long, global = true, help_heading = "Output")]
    pub verbose: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write the files of a cluster: SCM, OM and datanodes, N S3 gateways, HAProxy in front of them
    ///
    /// Needs no Docker. Afterwards `docker compose up -d` in the folder starts the cluster, with its S3 API on
    /// port 9878. What you choose is kept in ozone-compose.yaml, so that a bare `generate` repeats it.
    ///
    /// Each option also has a key in that file, named below, and an environment variable: its long flag in
    /// capitals, such as `OZONE_COMPOSE_S3_PORT`. A flag wins over the variable, that over the file.
    #[command(after_help = EXIT_CODES)]
    Generate(Generate),
    /// Print HAProxy's configuration alone, for gateways on other machines or for tuning by hand
    ///
    /// With --server for each gateway it is for real machines: listeners on this machine's ports, names from the
    /// system's resolver. Without, it is what `generate` mounts into the balancer's container.
    #[command(after_help = EXIT_CODES)]
    Haproxy(Haproxy),
    /// Generate, start, and wait until every gateway has served a signed PUT and GET
    ///
    /// Prints the endpoint once it is ready. Without options it repeats what the folder's ozone-compose.yaml says;
    /// a cluster that runs already is left as it is where nothing changed.
    Up(Up),
    /// Stop and remove the containers and networks of a cluster; its data stays unless --volumes is given
    Down(Down),
    /// Show containers, and gateways as HAProxy sees them
    Status(Status),
    /// Show the containers' logs
    Logs(Logs),
    /// Print the variables that S3 clients read; nothing while the cluster does not answer
    ///
    /// In a shell: eval "$(ozone-compose env)". The lines of `--format dotenv` are for `docker run --env-file`.
    /// JSON is `{"version": 1, "kind": "env", "cluster": NAME, "variables": {NAME: VALUE}}`.
    ///
    /// Exits with 5 while the cluster does not answer a signed request within 3 seconds.
    Env(Env),
    /// Run a command with the variables that S3 clients read
    ///
    /// Such as: ozone-compose run -- aws s3 ls. Ends as the command ends; with 127 when it is not there, with 126
    /// when it cannot be run, with 5 while the cluster does not answer.
    Run(Run),
    /// Try the S3 API through every gateway
    ///
    /// Puts, reads, lists and deletes small objects, uploads 20 MiB in parts through different gateways, writes
    /// through one gateway and reads through all, uses presigned URLs, and counts which gateway answers. All in a
    /// bucket of its own, which it removes. Exits with 1 when a check fails, and names the gateway.
    ///
    /// JSON is an object of `version` (1), `kind` (smoke), `cluster`, `endpoint`, `passed`, `checks` and
    /// `distribution`. A check has `name`, `result` (passed, failed or skipped), `detail`, `milliseconds`,
    /// `gateways` and `failed_gateway` (null where none is known); each of the distribution has `gateway`,
    /// `state` in HAProxy's words, and `requests`.
    Smoke(Smoke),
    /// Pack files, logs and states into an archive, for a bug report or a CI artefact
    Collect(Collect),
    /// Check whether this machine can run the cluster, and say what to do where it cannot
    Doctor(Doctor),
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
        env = "OZONE_COMPOSE_OUTPUT"
    )]
    pub folder: PathBuf,
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
    /// Write nothing; exit with 3 when any file is not what it would be
    #[arg(long)]
    pub check: bool,
    /// Write nothing; print what would change as a unified diff
    #[arg(long)]
    pub diff: bool,
    /// Write nothing; print this one file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check", "diff", "force"])]
    pub stdout: Option<String>,
    /// Overwrite files that were edited by hand, each kept as FILE.bak
    #[arg(long, conflicts_with_all = ["check", "diff"])]
    pub force: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub flags: Flags,
}

/// Arguments of `haproxy`.
#[derive(Args, Debug)]
pub struct Haproxy {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub flags: Flags,
}

/// Arguments of `up`.
#[derive(Args, Debug)]
pub struct Up {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// How long to wait until every gateway serves
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub timeout: Span,
    /// Choose free ports in place of those that are taken, and keep them in ozone-compose.yaml
    #[arg(long, value_name = "auto", value_parser = ["auto"])]
    pub port: Option<String>,
    /// Remove what was started when it does not become ready
    #[arg(long)]
    pub rollback: bool,
    /// Pack logs and states into this archive when it does not become ready
    #[arg(long, value_name = "FILE")]
    pub collect_on_failure: Option<PathBuf>,
    /// Print the commands that would change something instead of running them
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub flags: Flags,
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
    /// Print the commands that would change something instead of running them
    #[arg(long)]
    pub dry_run: bool,
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

/// Arguments of `logs`.
#[derive(Args, Debug)]
pub struct Logs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// Go on as new lines come
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines of each container
    #[arg(long, value_name = "LINES")]
    pub tail: Option<u32>,
    /// Services, such as s3g2; all of them without
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
}

/// How `env` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EnvFormat {
    /// For eval in a shell
    #[default]
    Shell,
    /// For an env file
    Dotenv,
    /// For programs
    Json,
}

/// Arguments of `env`.
#[derive(Args, Debug)]
pub struct Env {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    pub format: EnvFormat,
}

/// Arguments of `run`.
#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described at its type")]
    pub folder: FolderArg,
    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
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

/// The options of a cluster that were given as flags.
#[derive(Debug)]
pub struct Flags(pub Choices);

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        OPTIONS.iter().fold(command, |command, option| command.arg(argument(option)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut choices = Choices::default();
        for option in OPTIONS {
            if let Some(texts) = matches.get_many::<String>(option.flag) {
                choices.choose(option, texts.cloned().collect(), Origin::Flag(option.flag));
            }
        }
        Ok(Self(choices))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Values stay texts here: one place judges them all, whether they come from a flag, a variable or the file.
fn argument(option: &'static Opt) -> Arg {
    let mut argument = Arg::new(option.flag)
        .long(option.flag)
        .value_name(option.placeholder)
        .help(format!("{}{}", option.help, default(option)))
        .long_help(format!("{}{} [key: {}]", option.help, default(option), option.key))
        .help_heading(option.group)
        .allow_hyphen_values(true)
        .action(if option.is_list() { ArgAction::Append } else { ArgAction::Set });
    if let Some(short) = option.short {
        argument = argument.short(short);
    }
    if !option.words.is_empty() {
        argument = argument.value_parser(Hinted(option.words));
    }
    argument
}

/// Takes any text, and shows the good ones in help and completions.
#[derive(Clone)]
struct Hinted(&'static [&'static str]);

impl TypedValueParser for Hinted {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

fn default(option: &Opt) -> String {
    match option.default {
        Preset::Is(text) => format!(" [default: {text}]"),
        Preset::By { tuned, upstream } => format!(" [default: {tuned}; {upstream} in upstream]"),
        Preset::From(words) => format!(" [default: {words}]"),
        Preset::List => String::new(),
    }
}
