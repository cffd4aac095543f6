//! The options of a cluster as flags, made from the table in `spec::options`.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueHint};

use crate::spec::choices::{Choices, Origin};
use crate::spec::options::{Default as Preset, OPTIONS, Opt};

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
        // Without, a shell would offer the names of files for any value.
        .value_hint(if option.placeholder == "DIR" { ValueHint::DirPath } else { ValueHint::Other })
        .action(if option.is_list() { ArgAction::Append } else { ArgAction::Set });
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
