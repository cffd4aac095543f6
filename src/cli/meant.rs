//! What people type who know other tools, and what this one calls it.

use std::ffi::OsString;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;

/// Verbs of other tools, and the command that does that here.
const VERBS: &[(&[&str], &str)] = &[
    (&["ps", "info", "inspect", "describe"], "ozone-compose status"),
    (&["list"], "ozone-compose ls"),
    (&["delete", "destroy", "rm", "remove"], "ozone-compose down"),
    (&["kill"], "ozone-compose fault kill CONTAINER"),
    (&["pause", "freeze"], "ozone-compose fault freeze CONTAINER"),
    (&["create", "apply", "deploy", "wait", "launch", "pull"], "ozone-compose up"),
    (&["init", "new", "render"], "ozone-compose generate"),
    (&["exec", "shell"], "docker compose exec SERVICE CMD"),
    (&["log"], "ozone-compose logs"),
    (&["test", "check"], "ozone-compose smoke"),
    (&["load", "stress", "perf", "benchmark"], "ozone-compose bench"),
    (&["update"], "ozone-compose upgrade --ozone-version VERSION"),
];

/// Flags of other tools, and what does that here: of one verb, or of any where none is named.
const FLAGS: &[(&str, &[&str], &str)] = &[
    ("scale", &["-n", "--gateways", "--count", "--replicas"], "ozone-compose scale N"),
    ("up", &["-d", "--detach"], "ozone-compose up"),
    ("", &["--port"], "--s3-port PORT"),
    ("", &["--count", "--replicas", "--scale"], "--gateways N"),
    ("", &["--dir", "--directory", "--folder"], "--output DIR"),
    ("", &["--version"], "--ozone-version VERSION"),
];

/// Reads a command line. `help` and `version` do what the flags of these names do.
///
/// # Errors
/// With what is wrong, or with the text of `--help` or `--version`.
pub fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let words: Vec<&str> = arguments.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let program = arguments.iter().take(1);
    match words[..] {
        ["help", ref verb @ ..] => {
            let help = verb.iter().chain(&["--help"]).map(OsString::from);
            Cli::try_parse_from(program.cloned().chain(help))
        }
        ["version"] => Cli::try_parse_from(program.cloned().chain(["--version".into()])),
        _ => {
            let verb = words.iter().find(|word| !word.starts_with('-')).copied().unwrap_or_default();
            let leads = words.first().copied().unwrap_or_default();
            Cli::try_parse_from(arguments).map_err(|error| with_what_was_meant(error, verb, leads))
        }
    }
}

/// The error, with the command or flag of this tool where the one that was typed is of another. `leads` is the first word.
fn with_what_was_meant(mut error: clap::Error, verb: &str, leads: &str) -> clap::Error {
    // It advises to give a flag that does not exist as a value.
    error.remove(ContextKind::Suggested);
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let message = match error.kind() {
        ErrorKind::InvalidSubcommand => another_verb(text(ContextKind::InvalidSubcommand)),
        ErrorKind::UnknownArgument if leads.starts_with('-') && leads == text(ContextKind::InvalidArg) => {
            Some(format!("`{leads}` is a flag of a verb such as `up`: type it after the verb"))
        }
        ErrorKind::UnknownArgument => another_argument(verb, text(ContextKind::InvalidArg)),
        ErrorKind::InvalidValue if text(ContextKind::InvalidArg).starts_with("--port ") => Some(format!(
            "--port takes `auto` alone, which chooses free ports: type `--s3-port {}` for the port of S3",
            text(ContextKind::InvalidValue)
        )),
        ErrorKind::ValueValidation if text(ContextKind::InvalidArg) == "<DELAY>" => {
            let container = text(ContextKind::InvalidValue);
            let is_name = container.starts_with(|first: char| first.is_ascii_alphabetic());
            is_name.then(|| {
                format!(
                    "`fault delay` takes the time first: type `ozone-compose fault delay 200ms {container}`"
                )
            })
        }
        _ => None,
    };
    match message {
        Some(message) => clap::Error::raw(error.kind(), format!("{message}\n")),
        None => with_the_best(error),
    }
}

fn another_verb(typed: &str) -> Option<String> {
    let (_, meant) = VERBS.iter().find(|(words, _)| words.contains(&typed))?;
    Some(format!("there is no verb `{typed}` here: type `{meant}`"))
}

/// A flag of another tool, or a word where a flag names its meaning.
fn another_argument(verb: &str, typed: &str) -> Option<String> {
    let is_meant =
        |(of, words, _): &&(&str, &[&str], &str)| (of.is_empty() || *of == verb) && words.contains(&typed);
    if let Some((_, _, meant)) = FLAGS.iter().find(is_meant) {
        return Some(format!("there is no flag `{typed}` here: type `{meant}`"));
    }
    let is_gateway = typed.strip_prefix("s3g").is_some_and(|number| number.parse::<u32>().is_ok());
    let meant = match verb {
        _ if typed.starts_with('-') => return None,
        "start" if is_gateway => format!("ozone-compose restart {typed}"),
        "stop" if is_gateway => format!("ozone-compose drain {typed}"),
        _ if is_gateway => return None,
        "upgrade" => format!("ozone-compose upgrade --ozone-version {typed}"),
        "up" | "generate" if typed.parse::<u32>().is_ok() => format!("ozone-compose {verb} -n {typed}"),
        "up" | "generate" | "status" | "down" | "start" | "stop" | "env" | "smoke" | "reload" => {
            format!("ozone-compose {verb} -o {typed}")
        }
        _ => return None,
    };
    Some(format!("`{verb}` takes no word `{typed}`: type `{meant}`"))
}

/// Of several verbs that look like the one that was typed, the one that looks most like it, which clap names last.
fn with_the_best(mut error: clap::Error) -> clap::Error {
    let kind = ContextKind::SuggestedSubcommand;
    let best = match error.get(kind) {
        Some(ContextValue::Strings(verbs)) => verbs.last().cloned(),
        _ => None,
    };
    if let Some(best) = best {
        error.insert(kind, ContextValue::String(best));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn every_verb_that_is_meant_is_one_of_this_tool() {
        for (words, meant) in VERBS {
            let line = meant.replace("VERSION", "2.2.1");
            assert!(line.starts_with("docker ") || parsed(&line).is_ok(), "{line}");
            for word in *words {
                let error = parsed(&format!("ozone-compose {word}")).expect_err(word).to_string();
                assert!(error.starts_with(&format!("error: there is no verb `{word}` here: ")), "{error}");
                assert!(error.contains(meant), "{error}");
            }
        }
        let error = parsed("ozone-compose haproxy --port 9878").expect_err("a flag").to_string();
        assert!(error.contains("type `--s3-port PORT`") && !error.contains("vip"), "{error}");
        let error = parsed("ozone-compose up --port 9999").expect_err("no auto").to_string();
        assert!(error.contains("type `--s3-port 9999` for the port of S3"), "{error}");
        let error = parsed("ozone-compose scale -n 4").expect_err("a flag").to_string();
        assert!(error.contains("there is no flag `-n` here: type `ozone-compose scale N`"), "{error}");
        for (line, meant) in [
            ("up -d", "type `ozone-compose up`"),
            ("up 3", "type `ozone-compose up -n 3`"),
            ("upgrade 2.2.1", "type `ozone-compose upgrade --ozone-version 2.2.1`"),
            ("status demo", "type `ozone-compose status -o demo`"),
            ("start s3g2", "type `ozone-compose restart s3g2`"),
            ("-n 3 up", "`-n` is a flag of a verb such as `up`: type it after the verb"),
        ] {
            let error = parsed(&format!("ozone-compose {line}")).expect_err(line).to_string();
            assert!(error.contains(meant), "{error}");
        }
        let error = parsed("ozone-compose fault delay s3g2 200ms").expect_err("the other order").to_string();
        assert!(error.contains("type `ozone-compose fault delay 200ms s3g2`"), "{error}");
        let error = parsed("ozone-compose upgrade").expect_err("no image").to_string();
        for flag in ["--ozone-version", "--ozone-image", "--rollback", "--finalize"] {
            assert!(error.contains(flag), "{error}");
        }
        let error = parsed("ozone-compose resume --all").expect_err("a flag").to_string();
        assert!(!error.contains("-- --all"), "{error}");
        let error = parsed("ozone-compose genrate").expect_err("a verb").to_string();
        assert!(error.contains("generate"), "what is only misspelled is still guessed: {error}");
    }

    #[test]
    fn help_and_version_are_verbs_too() {
        for (line, kind) in [
            ("ozone-compose help", ErrorKind::DisplayHelp),
            ("ozone-compose help up", ErrorKind::DisplayHelp),
            ("ozone-compose version", ErrorKind::DisplayVersion),
        ] {
            assert_eq!(parsed(line).expect_err(line).kind(), kind, "{line}");
        }
    }
}
