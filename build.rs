//! Tells the crate which commit it is built from, where that is known: `OZONE_COMPOSE_VERSION` is `0.1.0 (abc1234)`.

use std::path::Path;
use std::process::Command;

fn main() {
    let version = env!("CARGO_PKG_VERSION");
    let version = match commit() {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo::rustc-env=OZONE_COMPOSE_VERSION={version}");
    println!("cargo::rerun-if-changed=build.rs");
}

/// The first letters of the commit of a checkout, whose log of commits decides when to look again. A package, and
/// one that lies in a checkout of something else, has none.
fn commit() -> Option<String> {
    let prefix_and_commit = git(&["rev-parse", "--show-prefix", "--short=7", "HEAD"])?;
    let commit = prefix_and_commit.strip_prefix('\n')?.to_owned();
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    // Of a file that is not there, cargo would think on every build that it has changed.
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    Some(commit)
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
