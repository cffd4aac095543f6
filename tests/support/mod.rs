//! What the test crates share: a folder of their own, runs of the binary in it, and which tools are there.

#![allow(dead_code, reason = "each test crate uses its own part of this")]

pub(crate) mod archive;
pub(crate) mod balancer;
pub(crate) mod engine;
pub(crate) mod examples;
pub(crate) mod gateway;
pub(crate) mod http;
pub(crate) mod library;
pub(crate) mod load;
pub(crate) mod names;
pub(crate) mod run;
pub(crate) mod s3;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::net::TcpListener;
use std::ops::Neg;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fs_err as fs;
use tempfile::TempDir;

/// A temporary folder, and runs of the binary in it.
#[derive(Debug)]
pub(crate) struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("oc-test-").tempdir().expect("a temporary folder") }
    }

    /// Where a file or folder of this sandbox is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with the folders on the way.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder");
        fs::write(path, text.as_ref()).expect("a file that can be written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a text")
    }

    /// Runs the binary with more variables in its environment.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments).envs(variables.iter().copied()))
    }

    /// Every file and folder below a folder of this sandbox.
    pub(crate) fn tree(&self, name: &str) -> Tree {
        tree(&self.path(name))
    }
}

/// A place where the binary runs.
pub(crate) trait Runs {
    /// The binary, to be run there.
    fn command(&self, arguments: &[&str]) -> Command;

    /// Runs the binary to its end.
    fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    /// Runs the binary, which must succeed.
    #[track_caller]
    fn succeed(&self, arguments: &[&str]) -> Outcome {
        let outcome = self.run(arguments);
        assert_eq!(outcome.status, 0, "{arguments:?} failed:\n{outcome}");
        outcome
    }
}

impl Runs for Sandbox {
    /// With nothing inherited but the way to other programs.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = clean(env!("CARGO_BIN_EXE_ozone-compose"));
        command.args(arguments).current_dir(self.folder.path()).env("NO_COLOR", "1");
        command
    }
}

/// Files by their path in a folder; an empty folder is there with none.
pub(crate) type Tree = BTreeMap<String, Option<Vec<u8>>>;

/// Every file below a folder with its bytes, every link with where it leads, and every empty folder.
pub(crate) fn tree(root: &Path) -> Tree {
    let mut found = Tree::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        let mut entries = fs::read_dir(&folder).expect("a folder").peekable();
        if entries.peek().is_none() && folder != root {
            found.insert(relative(root, &folder), None);
        }
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_symlink() {
                let target = fs::read_link(&path).expect("a link");
                found.insert(relative(root, &path), Some(format!("-> {}", target.display()).into_bytes()));
            } else if path.is_dir() {
                open.push(path);
            } else {
                found.insert(relative(root, &path), Some(fs::read(&path).expect("a file")));
            }
        }
    }
    found
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).expect("a path below the root").display().to_string()
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The exit code; minus the number of the signal that ended it.
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Runs a program to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}")).into()
    }

    /// Fails unless the program succeeded.
    #[track_caller]
    pub(crate) fn succeeded(&self) {
        assert_eq!(self.status, 0, "{self}");
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().or(output.status.signal().map(Neg::neg)).expect("an end"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on standard output"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on standard error"),
        }
    }
}

/// A transcript: the three things a caller can see, in one text.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit {}", self.status)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "--- {name}\n{text}")?;
                if !text.ends_with('\n') {
                    writeln!(f, "(no line feed)")?;
                }
            }
        }
        Ok(())
    }
}

/// A program with a clean environment, so that variables of the developer's shell decide nothing.
pub(crate) fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    for name in ["PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// A listener on a port of its own, which holds that port.
pub(crate) fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

/// A port that was free a moment ago, and on which nothing listens.
pub(crate) fn free_port() -> u16 {
    listener().1
}

/// Whether all of these tools are there. When one is not, says that the test was skipped, or fails where
/// `OZONE_COMPOSE_REQUIRE_TOOLS=1` promises that they are: a machine that should have them must not pass
/// because it has not.
pub(crate) fn tools(names: &[&str]) -> bool {
    names.iter().all(|name| tool(name))
}

/// Whether a tool is there: one of these programs, or an image by its name.
pub(crate) fn tool(name: &str) -> bool {
    let probe: &[&str] = match name {
        "docker compose" => &["docker", "compose", "version"],
        "docker" => &["docker", "version", "--format", "{{.Server.Version}}"],
        "haproxy" => &["haproxy", "-v"],
        "nginx" => &["nginx", "-v"],
        // It has no option that succeeds without a load; a shell knows whether it is there.
        "wrk" => &["sh", "-c", "command -v wrk"],
        "aws" => &["aws", "--version"],
        "curl" => &["curl", "--version"],
        "openssl" => &["openssl", "version"],
        "bash" => &["bash", "--version"],
        "shasum" => &["shasum", "--version"],
        "man" => &["man", "--version"],
        "script" => &["script", "--version"],
        "rclone" => &["rclone", "version"],
        "patch" => &["patch", "--version"],
        image => &["docker", "image", "inspect", "--format", "{{.Id}}", image],
    };
    let answered = clean(probe[0]).args(&probe[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if answered.is_ok_and(|status| status.success()) {
        return true;
    }
    skip(&format!("`{}` does not work here", probe.join(" ")));
    false
}

/// Says that a test was skipped, or fails it where nothing may be missing.
pub(crate) fn skip(why: &str) {
    let required = std::env::var_os("OZONE_COMPOSE_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "OZONE_COMPOSE_REQUIRE_TOOLS=1, and {why}");
    say(&format!("skipped: {why}"));
}

/// Says a line on the real standard error: the test harness hides what passing tests print through macros.
pub(crate) fn say(line: &str) {
    let test = std::thread::current().name().unwrap_or("test").to_owned();
    // Where standard error is closed, there is no reader for the message.
    let _ = writeln!(std::io::stderr().lock(), "{test}: {line}");
}
