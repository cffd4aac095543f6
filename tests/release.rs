//! What a release consists of: the archives and the formula, made by the scripts of `.ci/` as the workflow does it, and what
//! `Cargo.toml`, `deny.toml` and the formula say of the archives.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fs_err as fs;
use serde_yaml::Value;

use support::{Outcome, Sandbox, clean, tools};

const TARGETS: [&str; 4] = [
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "x86_64-unknown-linux-musl",
];

fn source(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a file of this repository")
}

/// Runs a script of `.ci/` in a sandbox.
fn script(sandbox: &Sandbox, name: &str, arguments: &[&str]) -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci").join(name);
    Outcome::of(clean("bash").arg(path).args(arguments).current_dir(sandbox.path("")))
}

/// The text of a key in a section of a TOML file, which is all on one line.
fn value(text: &str, section: &str, key: &str) -> String {
    let (_, rest) = text.split_once(&format!("\n[{section}]\n")).expect("a section");
    let mut lines = rest.lines().take_while(|line| !line.starts_with('['));
    let line = lines.find_map(|line| line.strip_prefix(&format!("{key} = ")));
    line.unwrap_or_else(|| panic!("no {key} in {section}")).trim_matches('"').to_owned()
}

/// The texts between quotation marks after each of these words.
fn quoted<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').nth(1)).collect()
}

#[test]
fn binaries_are_made_for_the_targets_whose_crates_are_judged() {
    let workflow: Value = serde_yaml::from_str(&source(".github/workflows/release.yml")).expect("YAML");
    let rows = workflow["jobs"]["build"]["strategy"]["matrix"]["include"].as_sequence().expect("a matrix");
    let made: BTreeSet<_> = rows.iter().map(|row| row["target"].as_str().expect("a target")).collect();
    assert_eq!(made, TARGETS.into());
    let judged = value(&source("deny.toml"), "graph", "targets");
    let judged: BTreeSet<_> = judged.split('"').filter(|text| text.contains('-')).collect();
    assert_eq!(judged, TARGETS.into());
}

#[test]
fn an_archive_is_where_cargo_binstall_looks_for_it_and_has_what_the_formula_installs() {
    if !tools(&["bash", "shasum"]) {
        return;
    }
    let workflow: Value = serde_yaml::from_str(&source(".github/workflows/release.yml")).expect("YAML");
    let named = workflow["jobs"]["build"]["env"]["NAME"].as_str().expect("a name");
    let manifest = source("Cargo.toml");
    let (url, bin) =
        ["pkg-url", "bin-dir"].map(|key| value(&manifest, "package.metadata.binstall", key)).into();
    for target in TARGETS {
        let name = named.replace("${{ github.ref_name }}", "v1.2.3").replace("${{ matrix.target }}", target);
        let filled = |text: &str| {
            let values = [
                ("repo", "https://example.com/me/it"),
                ("name", "ozone-compose"),
                ("version", "1.2.3"),
                ("target", target),
                ("bin", "ozone-compose"),
                ("binary-ext", ""),
            ];
            values
                .iter()
                .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{ {name} }}"), value))
        };
        assert_eq!(filled(&url), format!("https://example.com/me/it/releases/download/v1.2.3/{name}.tar.gz"));
        assert_eq!(filled(&bin), format!("{name}/ozone-compose"));
    }

    let sandbox = Sandbox::new();
    let name = "ozone-compose-v1.2.3-x86_64-unknown-linux-musl";
    script(&sandbox, "pack", &[env!("CARGO_BIN_EXE_ozone-compose"), name]).succeeded();
    let sum = format!("{name}.tar.gz.sha256");
    Outcome::of(clean("sha256sum").args(["--check", &sum]).current_dir(sandbox.path(""))).succeeded();
    let listed = clean("tar").arg("-tzf").arg(sandbox.path(&format!("{name}.tar.gz"))).output().expect("tar");
    let listed = Outcome::from(listed);
    let within = |path: &str| path.strip_prefix(&format!("{name}/")).map(str::to_owned);
    let files: Option<BTreeSet<String>> = listed.stdout.lines().map(within).collect();
    let files = files.unwrap_or_else(|| panic!("one top folder in {listed}"));
    for file in ["ozone-compose", "LICENSE", "man1/ozone-compose.1", "man1/ozone-compose-up.1"] {
        assert!(files.contains(file), "{file} in {listed}");
    }
    let formula = source(".ci/homebrew.rb");
    let installed: Vec<_> =
        ["bin.install", "_completion.install"].iter().flat_map(|what| quoted(&formula, what)).collect();
    assert_eq!(installed.len(), 4, "{installed:?}");
    for file in installed {
        assert!(files.contains(file), "{file} in {listed}");
    }
}

#[test]
fn a_formula_has_the_checksum_of_each_archive_and_is_not_made_without_one() {
    if !tools(&["bash", "shasum"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let sums: BTreeMap<_, _> =
        TARGETS.iter().zip(["1", "2", "3", "4"].map(|digit| digit.repeat(64))).collect();
    let url =
        |target: &str| format!("https://example.com/me/it/releases/download/v1.2.3/{}", archive(target));
    let arguments = ["https://example.com/me/it", "1.2.3", "release"];
    for (count, (target, sum)) in sums.iter().enumerate() {
        let outcome = script(&sandbox, "homebrew", &arguments);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "with {count}: {outcome}");
        assert!(outcome.stderr.contains(&format!("@{target}@")), "{outcome}");
        let line = format!("{sum}  {}\n", archive(target));
        sandbox.write(&format!("release/{}.sha256", archive(target)), line);
    }
    let outcome = script(&sandbox, "homebrew", &arguments);
    outcome.succeeded();
    let formula = &outcome.stdout;
    let pairs: BTreeMap<_, _> =
        quoted(formula, "\n      url ").into_iter().zip(quoted(formula, "\n      sha256 ")).collect();
    let expected: BTreeMap<_, _> = sums.iter().map(|(target, sum)| (url(target), sum.clone())).collect();
    assert_eq!(pairs, expected.iter().map(|(url, sum)| (url.as_str(), sum.as_str())).collect());
    assert!(formula.contains("\n  version \"1.2.3\"\n") && !formula.contains('@'), "{formula}");
}

fn archive(target: &str) -> String {
    format!("ozone-compose-v1.2.3-{target}.tar.gz")
}
