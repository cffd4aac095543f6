//! A `docker` that gives prepared answers, and runs of the binary with nothing else on PATH.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use serde_json::json;
use tempfile::TempDir;

use super::{Runs, Sandbox};

/// A folder to work in, and one with a fake `docker` in it, or with none.
pub(crate) struct Machine {
    pub(crate) sandbox: Sandbox,
    programs: TempDir,
    answers: Cell<usize>,
}

impl Machine {
    /// A machine without `docker`.
    pub(crate) fn new() -> Self {
        let programs = tempfile::tempdir().expect("a folder");
        Self { sandbox: Sandbox::new(), programs, answers: Cell::new(0) }
    }

    /// `docker` answers arguments that match a pattern of the shell; the last one that was prepared wins.
    pub(crate) fn docker(self, pattern: &str, code: u8, stdout: &str, stderr: &str) -> Self {
        self.answer(pattern, code, stdout, stderr);
        self
    }

    /// From now on `docker` answers so.
    pub(crate) fn answer(&self, pattern: &str, code: u8, stdout: &str, stderr: &str) {
        let number = self.answers.get() + 1;
        let (out, err) = (self.beside(&format!("{number}.out")), self.beside(&format!("{number}.err")));
        fs::write(&out, stdout).expect("an answer");
        fs::write(&err, stderr).expect("an answer");
        let (out, err) = (out.display(), err.display());
        self.answer_by_script(pattern, &format!("/bin/cat {out}; /bin/cat {err} >&2; exit {code}"));
    }

    /// From now on `docker` does what a line of the shell says, which has `$here` for the folder of its own and must
    /// exit. Nothing is on its PATH.
    pub(crate) fn answer_by_script(&self, pattern: &str, script: &str) {
        let (program, answers) = (self.beside("docker"), self.beside("answers"));
        if self.answers.get() == 0 {
            fs::os::unix::fs::symlink(support("docker"), program).expect("a program");
        }
        self.answers.set(self.answers.get() + 1);
        let before = fs::read_to_string(&answers).unwrap_or_default();
        fs::write(answers, format!("case \"$*\" in {pattern}) {script};; esac\n{before}"))
            .expect("the answers");
    }

    /// Answers of an engine that is well, of the images, and of no containers on any port.
    pub(crate) fn with_good_engine(self) -> Self {
        self.docker("version\\ --format*", 0, GOOD_VERSION, "")
            .docker("compose\\ version*", 0, "v2.40.3\n", "")
            .docker("context\\ inspect*", 0, "unix:///var/run/docker.sock\n", "")
            .docker("info*", 0, GOOD_INFO, "")
            // The name of the machine, as in a container that has its engine inside.
            .docker("info\\ --format\\ {{.Name}}*", 0, "", "")
            .docker("image\\ inspect*", 0, "sha256:1\n", "")
            .docker("ps\\ --filter\\ publish=*", 0, "", "")
    }

    /// Answers of an engine that has one container, the balancer of `demo`, which publishes S3 on a port; where it has
    /// admin access, HAProxy says a state and a check's result of each gateway.
    pub(crate) fn with_balancer(self, s3_port: u16, has_access: bool, gateways: &[(&str, &str)]) -> Self {
        let command = if has_access { "/dev/shm/master.sock" } else { "haproxy" };
        let labels = json!({
            "com.docker.compose.project": "demo", "com.docker.compose.service": "s3g",
            "io.github.ozone-compose.role": "balancer",
        });
        let ports = json!({ "9878/tcp": [{ "HostIp": "127.0.0.1", "HostPort": s3_port.to_string() }] });
        let balancer = json!({
            "Id": "id-s3g", "Name": "/demo-s3g-1", "State": { "Status": "running" },
            "Config": { "Cmd": [command], "Labels": labels }, "NetworkSettings": { "Ports": ports },
        });
        let row = |(name, state): &(&str, &str)| format!("gateways,{name},{state},2,\n");
        let rows: String = gateways.iter().map(row).collect();
        let csv = format!("# pxname,svname,status,check_status,type,\n{rows}");
        let said = format!("9 worker 0 0d00h01m00s 3.2\n# END\n{csv}# END\n");
        self.docker("*\\ ls*", 0, "", "")
            .docker("ps*", 0, "id-s3g\tUp\n", "")
            .docker("inspect*", 0, &format!("{balancer}\n"), "")
            .docker("exec\\ id-s3g\\ sh*", 0, &said, "")
    }

    /// The calls of `docker`, a line each.
    pub(crate) fn commands(&self) -> String {
        fs::read_to_string(self.beside("commands")).unwrap_or_default()
    }

    /// The engine that each command was for, by its `DOCKER_HOST`.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let hosts = fs::read_to_string(self.beside("hosts")).unwrap_or_default();
        hosts.lines().map(str::to_owned).collect()
    }

    /// A file beside the fake `docker`.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.programs.path().join(name)
    }
}

impl Drop for Machine {
    /// In every test: no command has got variables that would change what Compose reads.
    fn drop(&mut self) {
        let leaked = fs::read_to_string(self.beside("leaked")).unwrap_or_default();
        assert!(leaked.is_empty() || std::thread::panicking(), "`docker` was called with {leaked}");
    }
}

impl Runs for Machine {
    /// In the sandbox.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(arguments);
        command.env("PATH", self.programs.path());
        command
    }
}

/// What the fake client says of an engine that does not run.
pub(crate) const DOWN: &str =
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n";

const GOOD_VERSION: &str = r#"{"Client":{"Version":"28.2.2"},"Server":{"Version":"28.2.1"}}"#;

const GOOD_INFO: &str = r#"{"MemTotal":25276510208,"DockerRootDir":"/","NCPU":2,"Architecture":"x86_64"}"#;

/// A file beside this one.
fn support(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(name)
}
