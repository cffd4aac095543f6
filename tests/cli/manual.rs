//! Man pages, and the exit codes that they, the help and the README list.

use std::collections::BTreeMap;
use std::path::Path;

use clap::{Command, CommandFactory};
use fs_err as fs;
use ozone_compose::cli::Cli;
use ozone_compose::error::{EXIT_CODES, OTHER_EXIT_CODES};

use crate::support::{Outcome, Runs, Sandbox, clean, tools};

/// The pages, by the name of their file.
fn pages(sandbox: &Sandbox, folder: &str) -> BTreeMap<String, String> {
    sandbox.succeed(&["man", folder]);
    let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.expect("a file")).expect("a text");
    sandbox.tree(folder).into_iter().map(|(name, bytes)| (name, text(bytes))).collect()
}

/// The command line of each verb, without flags: `templates export`.
fn verbs(command: &Command) -> Vec<String> {
    let below = |verb: &Command| {
        let name = verb.get_name().to_owned();
        let deeper = verbs(verb).into_iter().map(|line| format!("{name} {line}"));
        deeper.chain([name.clone()]).collect::<Vec<_>>()
    };
    command.get_subcommands().flat_map(below).collect()
}

/// Text of a page as it is shown: escapes of hyphens and quotes undone.
fn plain(page: &str) -> String {
    page.replace("\\-", "-").replace("\\*(Aq", "'").replace("\\fB", "").replace("\\fR", "")
}

#[test]
fn every_verb_has_a_page_with_its_flags() {
    let sandbox = Sandbox::new();
    let pages = pages(&sandbox, "man1");
    let verbs = verbs(&Cli::command());
    assert_eq!(pages.len(), verbs.len() + 1, "{:?}", pages.keys());
    for verb in verbs {
        let page = plain(&pages[&format!("ozone-compose-{}.1", verb.replace(' ', "-"))]);
        let arguments: Vec<&str> = verb.split(' ').chain(["--help-all"]).collect();
        let help = sandbox.succeed(&arguments).stdout;
        let flags = help.split_whitespace().filter(|word| word.starts_with("--"));
        for flag in flags.map(|flag| flag.split(['[', ',', ';']).next().unwrap_or_default()) {
            assert!(page.contains(flag), "{flag} of {verb}");
        }
    }
    assert_eq!(sandbox.succeed(&["man"]).stdout, pages["ozone-compose.1"]);
}

#[test]
fn pages_are_the_same_bytes_each_time_and_replace_older_ones() {
    let sandbox = Sandbox::new();
    let first = pages(&sandbox, "man1");
    sandbox.write("man1/ozone-compose-up.1", ".TH old\n");
    assert_eq!(pages(&sandbox, "man1"), first);
}

#[test]
fn man_finds_nothing_to_complain_about() {
    if !tools(&["man"]) {
        return;
    }
    let sandbox = Sandbox::new();
    for name in pages(&sandbox, "man1").into_keys() {
        let mut man = clean("man");
        man.args(["--warnings", "-l"]).arg(sandbox.path("man1").join(&name)).env("LC_ALL", "C.UTF-8");
        let outcome = Outcome::of(&mut man);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""), "{name}");
        assert!(outcome.stdout.contains("EXIT STATUS") && outcome.stdout.contains("FILES"), "{outcome}");
    }
}

#[test]
fn help_manual_and_readme_agree_on_exit_codes() {
    let sandbox = Sandbox::new();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).expect("README.md");
    let row = |line: &str| {
        let (code, meaning) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        Some((code.parse().ok()?, meaning.to_owned()))
    };
    let (_, section) = readme.split_once("\n## Exit codes\n").expect("a section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let in_readme: Vec<(i32, String)> = section.lines().filter_map(row).collect();

    let help = sandbox.succeed(&["--help"]).stdout;
    let (_, table) = help.split_once("\nExit codes:\n").expect("a table");
    let line = |line: &str| {
        let (code, meaning) = line.trim().split_once("  ")?;
        Some((code.parse().ok()?, meaning.to_owned()))
    };
    let in_help: Vec<(i32, String)> = table.lines().map_while(line).collect();

    let codes: Vec<(i32, String)> =
        EXIT_CODES.iter().map(|code| (code.status.code(), code.meaning.to_owned())).collect();
    assert_eq!((&in_readme, &in_help), (&codes, &codes));
    assert!(section.contains(OTHER_EXIT_CODES) && help.contains(OTHER_EXIT_CODES));

    for (name, page) in pages(&sandbox, "man1") {
        let page = plain(&page);
        let (_, section) = page.split_once(".SH \"EXIT STATUS\"\n").expect("a section");
        let section = section.split(".SH").next().unwrap_or_default();
        let entries = section.split(".TP\n").skip(1).filter_map(|entry| {
            let mut lines = entry.lines();
            Some((lines.next()?.parse().ok()?, lines.next()?.to_owned()))
        });
        assert_eq!(entries.collect::<Vec<(i32, String)>>(), codes, "{name}");
        assert!(section.contains(OTHER_EXIT_CODES), "{name}");
    }
}
