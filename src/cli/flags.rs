//! The options of a cluster as flags, made from the table in `spec::options`.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueHint};

use crate::spec::choices::{Choices, Origin};
use crate::spec::options::{OPTIONS, Opt, Preset, Scope};

/// Declares the options of a cluster that were given as flags, each of which `$shaped` makes of its row, or leaves out.
macro_rules! flags {
    ($(#[$doc:meta])* $name:ident, $shaped:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(pub Choices);

        impl Args for $name {
            fn augment_args(command: Command) -> Command {
                OPTIONS.iter().filter_map($shaped).fold(command, Command::arg)
            }

            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }

        impl FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self(chosen(matches)))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    };
}

flags! {
    /// The options of a cluster that were given as flags.
    Flags, |option: &'static Opt| Some(argument(option))
}

flags! {
    /// The same for HAProxy alone, of which help shows what has a meaning for gateways on other machines.
    BalancerFlags, |option: &'static Opt| {
        let argument = argument(option).hide(!BalancerFlags::shows(option)).hide_short_help(!BalancerFlags::is_usual(option));
        // Here `--user` names the account of HAProxy's worker.
        (option.key != "users").then_some(argument)
    }
}

flags! {
    /// The same for a verb that may start a cluster on the way, and takes them only then.
    StartFlags, |option: &'static Opt| {
        // `-h` is for what most people choose.
        let is_usual = ["gateways.count", "buckets", "seed"].contains(&option.key);
        let argument = argument(option).requires("up").hide_short_help(!is_usual);
        // Here `--user` names the one user whose keys a command gets.
        (option.key != "users").then_some(argument)
    }
}

impl BalancerFlags {
    /// Whether `--help` shows an option; `--help-all` has all those that [`Self::shows`].
    #[must_use]
    pub fn is_usual(option: &Opt) -> bool {
        let of_a_balancer = [
            "servers",
            "ports.bind",
            "ports.s3",
            "ports.stats",
            "balancer.balance",
            "balancer.tls",
            "balancer.log",
        ];
        of_a_balancer.contains(&option.key) && Self::shows(option)
    }

    /// Whether help shows an option at all.
    #[must_use]
    pub fn shows(option: &Opt) -> bool {
        let of_containers = ["engine", "gateways.count", "gateways.discovery"].contains(&option.key);
        !of_containers && matches!(option.scope, Scope::Everywhere | Scope::Tuned)
    }
}

/// The choices that were made by flags.
fn chosen(matches: &ArgMatches) -> Choices {
    let mut choices = Choices::default();
    for option in OPTIONS {
        if let Ok(Some(texts)) = matches.try_get_many::<String>(option.flag) {
            choices.choose(option, texts.cloned().collect(), Origin::Flag(option.flag));
        }
    }
    choices
}

/// Values stay texts here: one place judges them all, whether they come from a flag, a variable or the file.
fn argument(option: &'static Opt) -> Arg {
    let mut argument = Arg::new(option.flag)
        .long(option.flag)
        .value_name(option.placeholder)
        .help(format!("{}{}", option.help, default(option)))
        .long_help(format!("{}{} [key: {}]", option.help, default(option), option.key))
        .help_heading(option.group)
        .hide_short_help(!option.is_common)
        .allow_hyphen_values(true)
        // Without, a shell would offer the names of files for any value.
        .value_hint(match option.placeholder {
            "DIR" => ValueHint::DirPath,
            "FILE" => ValueHint::FilePath,
            _ => ValueHint::Other,
        })
        .action(if option.is_list() { ArgAction::Append } else { ArgAction::Set });
    if option.takes_commas() {
        argument = argument.value_delimiter(',');
    }
    if let Some(alone) = option.alone() {
        argument = argument.num_args(0..=1).require_equals(true).default_missing_value(alone);
    }
    if let Some(short) = option.short {
        argument = argument.short(short);
    }
    if !option.words().is_empty() {
        argument = argument.value_parser(Hinted(option.words()));
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
        Preset::ByBase { single, ha } => format!(" [default: {single}; {ha} with --base ha]"),
        Preset::BySize { small, default } => format!(" [default: {default}; {small} with --memory small]"),
        Preset::From(words) => format!(" [default: {words}]"),
        Preset::List => String::new(),
    }
}
