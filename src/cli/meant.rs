//! What people type who know other tools, and what this one calls it.

use std::ffi::OsString;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;

/// Verbs of other tools, and the command that does that here.
const VERBS: &[(&[&str], &str)] = &[
    (&["ps", "info", "inspect", "describe"], "ozone-compose status"),
    (&["list"], "ozone-compose ls"),
    (&["delete", "destroy", "rm", "remove", "kill"], "ozone-compose down"),
    (&["create", "apply", "deploy", "wait", "launch"], "ozone-compose up"),
    (&["init", "new", "render", "build"], "ozone-compose generate"),
    (&["exec", "shell"], "docker compose exec SERVICE CMD"),
    (&["log"], "ozone-compose logs"),
    (&["test", "check"], "ozone-compose smoke"),
    (&["load", "stress", "perf", "benchmark"], "ozone-compose bench"),
    (&["update"], "ozone-compose upgrade --ozone-version VERSION"),
];

/// Flags of other tools, and the one that does that here.
const FLAGS: &[(&[&str], &str)] = &[
    (&["--port"], "--s3-port PORT"),
    (&["--count", "--replicas", "--scale"], "--gateways N"),
    (&["--dir", "--directory", "--folder"], "--output DIR"),
    (&["--version"], "--ozone-version VERSION"),
];

/// Flags that other verbs have, and what `scale` takes instead.
const FLAGS_OF_SCALE: &[(&[&str], &str)] =
    &[(&["-n", "--gateways", "--count", "--replicas"], "ozone-compose scale N")];

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
            let is_scale = words.iter().find(|word| !word.starts_with('-')) == Some(&"scale");
            let flags = if is_scale { FLAGS_OF_SCALE } else { FLAGS };
            Cli::try_parse_from(arguments).map_err(|error| with_what_was_meant(error, flags))
        }
    }
}

/// The error, with the command or flag of this tool where the one that was typed is of another.
fn with_what_was_meant(error: clap::Error, flags: &[(&[&str], &str)]) -> clap::Error {
    if let Some(error) = port_for_auto(&error) {
        return error;
    }
    let (kind, table) = match error.kind() {
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, VERBS),
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, flags),
        _ => return error,
    };
    let Some(ContextValue::String(typed)) = error.get(kind) else { return error };
    let Some((_, meant)) = table.iter().find(|(words, _)| words.contains(&typed.as_str())) else {
        return with_the_best(error);
    };
    let what = if kind == ContextKind::InvalidSubcommand { "verb" } else { "flag" };
    let message = format!("there is no {what} `{typed}` here: type `{meant}`");
    clap::Error::raw(error.kind(), format!("{message}\n"))
}

/// `--port` is no flag for the port of S3, which many tools have.
fn port_for_auto(error: &clap::Error) -> Option<clap::Error> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let typed = text(ContextKind::InvalidValue)?;
    if error.kind() != ErrorKind::InvalidValue || !text(ContextKind::InvalidArg)?.starts_with("--port ") {
        return None;
    }
    let message = format!(
        "--port takes `auto` alone, which chooses free ports: type `--s3-port {typed}` for the port of S3"
    );
    Some(clap::Error::raw(error.kind(), format!("{message}\n")))
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
        let error = parsed("ozone-compose upgrade").expect_err("no image").to_string();
        for flag in ["--ozone-version", "--ozone-image", "--rollback", "--finalize"] {
            assert!(error.contains(flag), "{error}");
        }
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
