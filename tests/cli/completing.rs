//! The scripts that complete the command line in a shell.

use clap::CommandFactory;
use ozone_compose::cli::Cli;
use ozone_compose::spec::options::OPTIONS;

use crate::support::{Outcome, Runs, Sandbox, clean, say};

/// A shell, and how it judges a script that it does not run.
const SHELLS: &[(&str, &[&str])] = &[
    ("bash", &["bash", "-n"]),
    ("zsh", &["zsh", "-n"]),
    ("fish", &["fish", "--no-execute"]),
    ("elvish", &["elvish", "-compileonly"]),
    (
        "powershell",
        &["pwsh", "-NoProfile", "-Command", "$null = [scriptblock]::Create((Get-Content -Raw $args[0]))"],
    ),
];

/// A folder with the script for bash.
fn with_bash_script() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("script", sandbox.succeed(&["completions", "bash"]).stdout);
    sandbox
}

/// What bash offers for the last of these words.
fn offered(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let script = r#"
        source ./script
        function=$(complete -p ozone-compose | sed 's/.* -F \([^ ]*\) .*/\1/')
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        "$function" "$1" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let mut bash = clean("bash");
    bash.args(["-c", script, "bash", "ozone-compose"]).args(words).current_dir(sandbox.path(""));
    let outcome = Outcome::of(&mut bash);
    outcome.succeeded();
    outcome.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn every_script_is_one_that_its_shell_reads() {
    let sandbox = Sandbox::new();
    for (shell, judge) in SHELLS {
        let script = sandbox.succeed(&["completions", shell]);
        assert!(script.stdout.contains("generate") && script.stderr.is_empty(), "{script}");
        if clean(judge[0]).arg("--version").output().is_err() {
            // No machine must have every shell.
            say(&format!("skipped: there is no {}", judge[0]));
            continue;
        }
        sandbox.write(shell, &script.stdout);
        Outcome::of(clean(judge[0]).args(&judge[1..]).arg(sandbox.path(shell))).succeeded();
    }
}

#[test]
fn bash_completes_verbs_and_flags() {
    let sandbox = with_bash_script();
    assert_eq!(offered(&sandbox, &["gen"]), ["generate"]);
    let all = offered(&sandbox, &[""]);
    for verb in Cli::command().get_subcommands() {
        assert!(all.iter().any(|word| word == verb.get_name()), "{} in {all:?}", verb.get_name());
    }

    let flags = offered(&sandbox, &["up", "--"]);
    for option in OPTIONS {
        assert!(flags.contains(&format!("--{}", option.flag)), "{flags:?}");
    }
}

#[test]
fn bash_completes_the_words_that_an_option_takes_and_names_of_files_for_files_alone() {
    let sandbox = with_bash_script();
    sandbox.write("a-file", "");
    for option in OPTIONS {
        let found = offered(&sandbox, &["generate", &format!("--{}", option.flag), ""]);
        let expected = match (option.placeholder, option.words()) {
            ("FILE", _) => &["a-file", "script"][..],
            (_, []) => &[""],
            (_, words) => words,
        };
        assert_eq!(found, expected, "{}", option.key);
    }
    assert_eq!(offered(&sandbox, &["status", "--format", "j"]), ["json"]);
    assert_eq!(offered(&sandbox, &["completions", "f"]), ["fish"]);
}
