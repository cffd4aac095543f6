//! A `docker` that answers as it was told, and runs of the binary with nothing else on PATH.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Output};

use flate2::read::GzDecoder;
use fs_err as fs;
use tempfile::TempDir;

/// A folder with a fake `docker` in it, or with none, and a folder to work in.
pub(crate) struct Machine {
    programs: TempDir,
    folder: TempDir,
    answers: usize,
}

impl Machine {
    /// A machine without `docker`.
    pub(crate) fn new() -> Self {
        let temp = || tempfile::tempdir().expect("a folder");
        Self { programs: temp(), folder: temp(), answers: 0 }
    }

    /// `docker` answers arguments that match a pattern of the shell; the first that was told wins.
    pub(crate) fn docker(mut self, pattern: &str, code: u8, stdout: &str, stderr: &str) -> Self {
        let file = |name: &str| self.programs.path().join(name);
        if self.answers == 0 {
            let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support_diagnose/docker");
            fs::os::unix::fs::symlink(program, file("docker")).expect("a program");
        }
        self.answers += 1;
        let (out, err) = (file(&format!("{}.out", self.answers)), file(&format!("{}.err", self.answers)));
        fs::write(&out, stdout).expect("an answer");
        fs::write(&err, stderr).expect("an answer");
        let (out, err) = (out.display(), err.display());
        let answer =
            format!("case \"$*\" in {pattern}) /bin/cat {out}; /bin/cat {err} >&2; exit {code};; esac\n");
        let before = fs::read_to_string(file("answers")).unwrap_or_default();
        fs::write(file("answers"), before + &answer).expect("the answers");
        self
    }

    /// Answers of an engine that is well, of the images, and of no containers on any port.
    pub(crate) fn with_good_engine(self) -> Self {
        self.docker("version\\ --format*", 0, GOOD_VERSION, "")
            .docker("compose\\ version*", 0, "v2.40.3\n", "")
            .docker("context\\ inspect*", 0, "unix:///var/run/docker.sock\n", "")
            .docker("info*", 0, GOOD_INFO, "")
            .docker("image\\ inspect*", 0, "sha256:1\n", "")
            .docker("ps\\ --filter\\ publish=*", 0, "", "")
    }

    /// Runs the tool in the folder.
    pub(crate) fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ozone-compose"))
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", self.programs.path())
            .envs(environment.iter().copied())
            .output()
            .expect("the tool runs")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What `docker` was asked, a line each.
    pub(crate) fn asked(&self) -> String {
        fs::read_to_string(self.programs.path().join("asked")).unwrap_or_default()
    }
}

const GOOD_VERSION: &str = r#"{"Client":{"Version":"28.2.2"},"Server":{"Version":"28.2.1"}}"#;

const GOOD_INFO: &str = r#"{"MemTotal":25276510208,"DockerRootDir":"/","NCPU":2,"Architecture":"x86_64"}"#;

/// Standard output and error of a run, and its exit code.
pub(crate) fn told(output: &Output) -> (String, String, i32) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code().unwrap_or(-1))
}

/// The names and texts in an archive, in its order.
pub(crate) fn unpacked(file: &Path) -> Vec<(String, String)> {
    let bytes = fs::read(file).expect("an archive");
    let mut archive = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
    let entry = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.expect("an entry");
        assert_eq!(entry.header().mode().expect("a mode"), 0o644);
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("a text");
        (entry.path().expect("a name").display().to_string(), text)
    };
    archive.entries().expect("entries").map(entry).collect()
}
