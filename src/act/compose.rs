//! Steps that Compose does.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::Session;
use crate::engine::{Engine, Invocation, is_overtaken};
use crate::haproxy::control::Files;
use crate::observe::listed;
use crate::plan::CERTIFICATE_FOLDER;
use crate::plan::balancer::{BALANCER_SERVICE, SCALED_SERVICE};
use crate::spec::values::{EngineAt, GatewayName};

/// How often Compose is run where the engine still finishes what another run began, and the pause between.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

impl Session<'_> {
    /// `docker compose` with the files of the cluster and nothing of the folder's `.env`, which may be a person's.
    fn compose(&self, purpose: &str, options: &[&str]) -> Invocation {
        let files = self.compose_files.iter().flat_map(|file| ["-f", file]);
        self.engine
            .command(purpose, ["compose"])
            .with(options.iter().copied())
            .with(["--env-file", "/dev/null", "-p", &self.site.name])
            .with(files)
            .within(&self.site.folder)
    }

    pub(super) fn start_all(&mut self) -> Result<()> {
        self.progress.doing("containers", "starting");
        self.carry_certificate()?;
        let up = self.compose(&format!("start cluster `{}`", self.site.name), &[]);
        self.run_after_others(self.engine, &up.with(["up", "--detach"]))?;
        self.progress.done("containers", "started");
        Ok(())
    }

    /// Puts the certificate of https into its volume, where the engine cannot mount its folder: HAProxy does not start
    /// without it.
    fn carry_certificate(&self) -> Result<()> {
        let certificate = self.haproxy.map(Files::certificate_archive).transpose()?.flatten();
        let Some(certificate) = certificate.filter(|_| self.site.spec.engine == EngineAt::Remote) else {
            return Ok(());
        };
        let carry = self.compose("put the certificate of https into its volume", &[]);
        let carry =
            carry.with(["run", "--rm", "--no-deps", "--no-TTY", "--user", "root", "--entrypoint", "tar"]);
        let carry = carry.with([BALANCER_SERVICE, "-x", "-f", "-", "-C", CERTIFICATE_FOLDER]);
        self.run_after_others(self.engine, &carry.reading(certificate))
    }

    pub(super) fn start(&mut self, services: &[String]) -> Result<()> {
        self.up(self.engine, services, &["--no-deps", "--no-recreate"], ["start", "starting", "started"])
    }

    pub(super) fn update(&mut self, services: &[String]) -> Result<()> {
        // Compose that ends in between leaves a container that stops and another that was never started.
        let engine = self.engine.uninterrupted();
        self.up(&engine, services, &["--no-deps"], ["recreate", "recreating", "recreated"])
    }

    /// A person's own Compose files may have services of their own, and may change any other.
    pub(super) fn update_all_but_gateways(&mut self) -> Result<()> {
        let list = self.compose("list the services of the Compose files", &[]);
        let services = self.engine.run(&list.with(["config", "--services"]))?;
        let others: Vec<String> =
            services.lines().filter(|service| !is_gateway(service)).map(str::to_owned).collect();
        self.update(&others)
    }

    /// Names of gateways' containers that Compose would recreate.
    pub(super) fn changed_gateways(&self) -> Result<Vec<String>> {
        let observed = self.observe()?;
        let mut services: Vec<&str> = observed.gateways().map(|(_, one)| one.container.service()).collect();
        services.dedup();
        let ask = self.compose("find out which gateways changed", &["--dry-run"]);
        let said = self.engine.output(&ask.with(["up", "--detach", "--no-deps"]).with(services))?;
        let text = format!("{}{}", said.stdout, said.stderr);
        let is_recreated =
            |name: &str| text.lines().any(|line| line.contains("Recreate") && line.contains(name));
        let names = observed.gateways().map(|(_, one)| one.container.name.clone());
        Ok(names.filter(|name| is_recreated(&format!(" {name} "))).collect())
    }

    /// Runs a command of Compose, again where the engine was still making or removing a container for a run that was
    /// killed.
    fn run_after_others(&self, engine: &Engine, invocation: &Invocation) -> Result<()> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match engine.run(&invocation.clone().ready_within(self.serve_within)) {
                Err(error) if tries > 0 && is_overtaken(&error) => thread::sleep(PAUSE),
                result => return result.map(drop),
            }
        }
    }

    fn up(
        &mut self,
        engine: &Engine,
        services: &[String],
        options: &[&str],
        [verb, doing, done]: [&str; 3],
    ) -> Result<()> {
        let list = listed(services);
        self.progress.doing("containers", format!("{doing} {list}"));
        if services.iter().any(|service| service == BALANCER_SERVICE) {
            self.carry_certificate()?;
        }
        let up = self.compose(&format!("{verb} {list}"), &[]).with(["up", "--detach"]);
        self.run_after_others(engine, &up.with(options.iter().copied()).with(services))?;
        self.progress.done("containers", format!("{done} {list}"));
        Ok(())
    }
}

fn is_gateway(service: &str) -> bool {
    service == SCALED_SERVICE || service.parse::<GatewayName>().is_ok()
}
