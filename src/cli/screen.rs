//! The first screen: verbs by task.

use std::fmt::Write;

use clap::{Command, Subcommand};

use super::Verb;

/// Verbs by task, in the order in which a cluster meets them.
const TASKS: &[(&str, &[&str])] = &[
    ("Create", &["up", "run", "generate", "haproxy"]),
    ("Change", &["scale", "drain", "resume", "restart", "upgrade", "reload", "user", "stop", "start"]),
    ("Look", &["status", "ls", "nodes", "logs", "env", "smoke", "bench", "fault", "doctor", "collect"]),
    ("Leave", &["down"]),
    ("The tool itself", &["config", "templates", "schema", "completions", "man"]),
];

/// The help of the whole tool, with its verbs by task.
pub(super) fn template() -> String {
    let all = Verb::augment_subcommands(Command::new("verbs"));
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    for (task, verbs) in TASKS {
        writeln!(text, "\n{task}:").expect("a text");
        for verb in *verbs {
            let about = all.find_subcommand(verb).and_then(Command::get_about).cloned().unwrap_or_default();
            writeln!(text, "  {verb:<11}  {about}").expect("a text");
        }
    }
    text + "\nOutput:\n{options}{after-help}"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_verb_stands_on_the_first_screen_once_and_in_one_line() {
        let mut listed: Vec<&str> = TASKS.iter().flat_map(|(_, verbs)| *verbs).copied().collect();
        listed.sort_unstable();
        let all = Verb::augment_subcommands(Command::new("verbs"));
        let names: BTreeSet<&str> = all.get_subcommands().map(Command::get_name).collect();
        assert_eq!(listed, names.into_iter().collect::<Vec<_>>());
        for line in template().lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}
