//! The committed examples are what `generate` writes today, file for file and byte for byte.

mod support;

use std::collections::BTreeSet;

use fs_err as fs;
use similar::TextDiff;

use support::examples::{Example, all};
use support::{Outcome, Runs, Sandbox, Tree, clean, tree};

/// What a person wrote; everything else in a case is generated from it.
const INPUT: &str = "ozone-compose.yaml";
const REGENERATE: &str = "SNAPSHOTS=overwrite cargo test --test examples";

#[test]
fn every_example_is_what_generate_writes() {
    let overwrite = std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite");
    let differences: String = all()
        .iter()
        .map(|example| {
            if overwrite {
                regenerate(example);
            }
            differences(example)
        })
        .collect();
    assert!(differences.is_empty(), "the examples are out of date:\n{differences}\nregenerate: {REGENERATE}");
}

#[test]
fn every_example_begins_by_saying_what_it_shows() {
    for example in all() {
        let text = example.read(INPUT);
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("# ") && first.len() > 20, "{}: {first:?}", example.case);
    }
}

/// Leaves only the input, so that files which have no place any more go too.
fn regenerate(example: &Example) {
    for entry in fs::read_dir(&example.folder).expect("the example's folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            fs::remove_dir_all(path).expect("a folder of the example");
        } else if !path.ends_with(INPUT) {
            fs::remove_file(path).expect("a file of the example");
        }
    }
    let mut command = clean(env!("CARGO_BIN_EXE_ozone-compose"));
    let outcome = Outcome::of(command.arg("generate").arg("-o").arg(&example.folder));
    assert_eq!(outcome.status, 0, "{}: {outcome}", example.case);
}

/// A diff from what is committed to what `generate` makes of the example's choices; empty when they agree.
fn differences(example: &Example) -> String {
    let sandbox = Sandbox::new();
    sandbox.write(&format!("{}/{INPUT}", example.case), example.read(INPUT));
    sandbox.succeed(&["generate", "-o", &example.case]);
    let (committed, generated) = (tree(&example.folder), sandbox.tree(&example.case));
    let names: BTreeSet<&String> = committed.keys().chain(generated.keys()).collect();
    names.into_iter().map(|name| difference(example, name, &committed, &generated)).collect()
}

fn difference(example: &Example, name: &str, committed: &Tree, generated: &Tree) -> String {
    let text = |tree: &Tree| {
        tree.get(name).map(|bytes| {
            String::from_utf8(bytes.clone().unwrap_or_else(|| b"(an empty folder)\n".to_vec()))
                .expect("a text")
        })
    };
    let (before, after) = (text(committed), text(generated));
    if before == after {
        return String::new();
    }
    let header = |text: &Option<String>, side: &str| match text {
        Some(_) => format!("{side}/{}/{name}", example.case),
        None => "/dev/null".to_owned(),
    };
    let (old, new) = (before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
    let (from, to) = (header(&before, "committed"), header(&after, "generated"));
    let diff = TextDiff::from_lines(old, new).unified_diff().header(&from, &to).to_string();
    // An empty file has no lines to differ in.
    if diff.is_empty() { format!("--- {from}\n+++ {to}\n") } else { diff }
}
