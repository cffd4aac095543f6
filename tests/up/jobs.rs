//! action.yml and gitlab.yml, step by step as a runner would do them: a release on this machine has the binary.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use fs_err as fs;
use serde::Deserialize;
use serde_yaml::Value;

use crate::lab::Lab;
use crate::support::{Outcome, Runs, tools};

/// A version of which there is a release.
const VERSION: &str = "9.8.7";

/// A machine that runs the steps of jobs.
struct Runner {
    lab: Lab,
}

impl Runner {
    /// None where a tool is missing that runners have.
    fn new() -> Option<Self> {
        if !tools(&["curl"]) {
            return None;
        }
        let runner = Self { lab: Lab::new() };
        for folder in ["temp", "programs"] {
            fs::create_dir(runner.lab.machine.sandbox.path(folder)).expect("a folder");
        }
        Some(runner)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.lab.machine.sandbox.path(name)).unwrap_or_default()
    }

    /// Writes a script that is on PATH.
    fn program(&self, name: &str, script: &str) {
        let name = format!("programs/{name}");
        self.lab.machine.sandbox.write(&name, format!("#!/bin/sh\n{script}\n"));
        let path = self.lab.machine.sandbox.path(&name);
        fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    /// Packs the binary as `.github/workflows/release.yml` does, into a folder.
    fn release(&self, folder: &str) {
        let name = format!("ozone-compose-v{VERSION}-{}-unknown-linux-musl", std::env::consts::ARCH);
        let script = format!(
            "mkdir -p {folder}/{name} && cd {folder} && echo readme > {name}/README.md
             printf '#!/bin/sh\\nexec {} \"$@\"\\n' > {name}/ozone-compose && chmod +x {name}/ozone-compose
             tar -czf {name}.tar.gz {name} && sha256sum {name}.tar.gz > {name}.tar.gz.sha256 && rm -r {name}",
            env!("CARGO_BIN_EXE_ozone-compose")
        );
        self.run("sh -e -c", &script, &BTreeMap::new()).succeeded();
    }

    /// Runs a script in the folder of the job, with the ports of the cluster and what earlier steps left.
    fn run(&self, shell: &str, script: &str, variables: &BTreeMap<String, String>) -> Outcome {
        let mut words = shell.split(' ');
        let mut command = Command::new(words.next().expect("a shell"));
        let own = self.lab.command(&[]);
        command.args(words).arg(script).env_clear().current_dir(self.lab.machine.sandbox.path(""));
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let line = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        command.envs(self.read("env").lines().filter_map(line)).envs(variables);
        let added = self.read("path");
        let programs = [self.lab.machine.sandbox.path("programs"), self.lab.machine.beside("")];
        let programs = programs.iter().map(|path| path.display().to_string());
        let usual = std::env::var("PATH").expect("a PATH");
        let path: Vec<String> = added.lines().map(str::to_owned).chain(programs).chain([usual]).collect();
        Outcome::of(command.env("PATH", path.join(":")))
    }

    /// Does the steps of the action with these inputs, up to the first that fails.
    fn act(&self, inputs: &[(&str, &str)]) -> Outcome {
        let action: Value = serde_yaml::from_str(&source("action.yml")).expect("YAML");
        let values = values(&action["inputs"], inputs);
        let path = |name: &str| self.lab.machine.sandbox.path(name).display().to_string();
        let resolved = |text: &str| {
            let mut text = text.replace("${{ github.action_path }}", "/the/action");
            text =
                text.replace("${{ github.action_repository || github.repository }}", "owner/ozone-compose");
            for (name, value) in &values {
                text = text.replace(&format!("${{{{ inputs.{name} }}}}"), value);
            }
            assert!(!text.contains("${{"), "{text}");
            text
        };
        let mut last = None;
        for step in action["runs"]["steps"].as_sequence().expect("steps") {
            assert_eq!(step["shell"], "bash");
            let mut variables: BTreeMap<String, String> =
                strings(&step["env"]).map(|(name, value)| (name, resolved(&value))).collect();
            let arch = if std::env::consts::ARCH == "aarch64" { "ARM64" } else { "X64" };
            let release = format!("file://{}", path("server"));
            let own = [
                ("RUNNER_TEMP", path("temp")),
                ("RUNNER_ARCH", arch.to_owned()),
                ("GITHUB_SERVER_URL", release),
                ("GITHUB_ENV", path("env")),
                ("GITHUB_PATH", path("path")),
                ("GITHUB_OUTPUT", path("output")),
            ];
            variables.extend(own.map(|(name, value)| (name.to_owned(), value)));
            let script = step["run"].as_str().expect("a script");
            let outcome = self.run("bash --noprofile --norc -eo pipefail -c", script, &variables);
            let has_failed = outcome.status != 0;
            last = Some(outcome);
            if has_failed {
                break;
            }
        }
        last.expect("a step")
    }
}

fn source(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a file of this repository")
}

/// The names and texts of a mapping.
fn strings(mapping: &Value) -> impl Iterator<Item = (String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    mapping.as_mapping().expect("a mapping").iter().map(move |(name, value)| (text(name), text(value)))
}

/// The values of declared inputs: those that are given, which must be among them, and the defaults of the others.
fn values(declared: &Value, given: &[(&str, &str)]) -> BTreeMap<String, String> {
    let declared = declared.as_mapping().expect("inputs");
    assert!(given.iter().all(|(name, _)| declared.contains_key(*name)), "{given:?}");
    let value = |(name, about): (&Value, &Value)| {
        let name = name.as_str().expect("a name");
        let given = given.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        let value = given.or_else(|| about["default"].as_str());
        (name.to_owned(), value.unwrap_or_else(|| panic!("{name} is needed")).to_owned())
    };
    declared.iter().map(value).collect()
}

#[test]
fn the_action_for_github_starts_a_cluster_for_the_later_steps() {
    let Some(runner) = Runner::new() else { return };
    runner.release(&format!("server/owner/ozone-compose/releases/download/v{VERSION}"));
    let outcome = runner.act(&[
        ("version", VERSION),
        ("gateways", "3"),
        ("bucket", "tests,more"),
        ("args", "--timeout 1m --memory small"),
    ]);
    assert_eq!(outcome.status, 0, "{outcome}");
    assert_eq!(runner.read("output"), format!("endpoint={}", runner.lab.endpoint_line()));
    let endpoint = format!("\nAWS_ENDPOINT_URL_S3={}", runner.lab.endpoint_line());
    let variables = runner.read("env");
    assert!(
        variables.starts_with("OZONE_COMPOSE_OUTPUT=ozone\n") && variables.contains(&endpoint),
        "{variables}"
    );
    assert_eq!(runner.lab.service.objects(), ["/more", "/tests"]);
    assert!(runner.read("ozone/ozone-compose.yaml").contains("size: small\n"));
    assert_eq!(runner.lab.did(), ["up"]);

    let step = "bash --noprofile --norc -eo pipefail -c";
    let outcome =
        runner.run(step, "echo \"$AWS_ENDPOINT_URL_S3\"; ozone-compose down --volumes", &BTreeMap::new());
    assert_eq!(
        (outcome.status, outcome.stdout.as_str()),
        (0, runner.lab.endpoint_line().as_str()),
        "{outcome}"
    );
    assert_eq!(runner.lab.has("up"), "none");
}

#[test]
fn an_archive_with_another_digest_is_not_unpacked() {
    let Some(runner) = Runner::new() else { return };
    runner.release(&format!("server/owner/ozone-compose/releases/download/v{VERSION}"));
    let digest = "0".repeat(64);
    let outcome = runner.act(&[("version", VERSION), ("sha256", &digest)]);
    assert!(outcome.status != 0 && outcome.stdout.contains(".tar.gz: FAILED"), "{outcome}");
    assert_eq!((runner.read("path"), runner.lab.did()), (String::new(), Vec::new()));
    assert!(!runner.lab.machine.sandbox.path("temp/ozone-compose-bin/ozone-compose").exists());
}

#[test]
fn without_a_version_the_actions_own_sources_are_built() {
    let Some(runner) = Runner::new() else { return };
    let binary = env!("CARGO_BIN_EXE_ozone-compose");
    runner.program(
        "cargo",
        &format!("echo \"$*\" > built; mkdir -p \"$7/release\"; ln -s {binary} \"$7/release/ozone-compose\""),
    );
    let outcome = runner.act(&[]);
    assert_eq!(outcome.status, 0, "{outcome}");
    let built = runner.read("built");
    assert!(built.starts_with("build --release --locked --manifest-path /the/action/Cargo.toml "), "{built}");
    assert_eq!((runner.lab.did(), runner.lab.service.objects()), (vec!["up".to_owned()], Vec::new()));
}

#[test]
fn the_job_for_gitlab_runs_a_command_with_a_cluster_around_it() {
    let Some(runner) = Runner::new() else { return };
    runner.release(&format!("server/v{VERSION}"));
    runner.program("apk", "echo \"$*\" > installed");
    let releases = format!("file://{}", runner.lab.machine.sandbox.path("server").display());
    let inputs = [
        ("releases", releases.as_str()),
        ("version", VERSION),
        ("bucket", "tests"),
        ("packages", "python3 py3-pytest"),
        ("args", "--timeout 1m"),
        ("command", "echo \"$AWS_ENDPOINT_URL_S3\"; exit 3"),
    ];
    let mut text = source("gitlab.yml");
    let head = serde_yaml::Deserializer::from_str(&text).next().expect("inputs");
    let head = Value::deserialize(head).expect("YAML");
    for (name, value) in values(&head["spec"]["inputs"], &inputs) {
        text = text.replace(&format!("$[[ inputs.{name} ]]"), &value);
    }
    assert!(!text.contains("$[["), "{text}");
    let job = serde_yaml::Deserializer::from_str(&text).nth(1).expect("a job");
    let job = &Value::deserialize(job).expect("YAML")["s3"];
    let lines = |name: &str| {
        let lines = job[name].as_sequence().expect("lines").iter().map(|line| line.as_str().expect("a line"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let is_of_engine = |name: &str| name.starts_with("DOCKER_");
    let variables = strings(&job["variables"]).filter(|(name, _)| !is_of_engine(name)).collect();

    let script = format!("{}\n{}", lines("before_script"), lines("script"));
    let outcome = runner.run("sh -e -c", &script, &variables);
    assert_eq!(outcome.status, 3, "{outcome}");
    assert!(outcome.stdout.ends_with(&runner.lab.endpoint_line()), "{outcome}");
    assert_eq!(runner.read("installed"), "add --no-cache curl python3 py3-pytest\n");
    assert_eq!(runner.lab.service.objects(), ["/tests"]);
    assert!(runner.lab.machine.sandbox.path("ozone.tar.gz").exists());
    assert_eq!(runner.lab.has("up"), "none");
    let outcome = runner.run("sh -e -c", &lines("after_script"), &variables);
    assert!(outcome.status == 0 && outcome.stderr.contains("there is nothing to remove"), "{outcome}");
}
