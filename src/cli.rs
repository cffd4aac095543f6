//! Flags and verbs. The options of a cluster come from the table in `spec::options`; no logic here.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Parser, Subcommand};

use crate::error::EXIT_CODES;
use crate::spec::choices::{Choices, Origin};
use crate::spec::options::{Default, OPTIONS, Opt};

/// Apache Ozone's S3 gateways behind HAProxy: any number of them, as Docker Compose files.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
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
}

/// The folder of a cluster.
#[derive(Args, Debug)]
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
        argument = argument.value_parser(PossibleValuesParser::new(option.words));
    }
    argument
}

fn default(option: &Opt) -> String {
    match option.default {
        Default::Is(text) => format!(" [default: {text}]"),
        Default::By { tuned, upstream } => format!(" [default: {tuned}; {upstream} in upstream]"),
        Default::From(words) => format!(" [default: {words}]"),
        Default::List => String::new(),
    }
}
