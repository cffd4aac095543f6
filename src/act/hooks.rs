//! Steps that run a person's own programs once the cluster serves.

use anyhow::{Context, Result};
use fs_err as fs;

use super::Session;
use crate::credentials;
use crate::engine::Invocation;
use crate::error::{Failure, Status};

/// Last lines of a hook's output that its failure shows.
const TAIL_LINES: usize = 20;

impl Session<'_> {
    /// Runs a hook in the cluster's folder; its output is shown once it has ended.
    pub(super) fn run_hook(&mut self, name: &str) -> Result<()> {
        let folder = fs::canonicalize(&self.site.folder)?;
        let path = folder.join(name);
        let program = path.to_str().with_context(|| format!("`{}` is no text", path.display()))?;
        self.progress.doing("hooks", format!("running {name}"));
        let hook = Invocation::new(program, &format!("run the hook `{name}`")).within(&folder);
        let (observed, host) = (self.observe()?, self.site.host(self.engine));
        let endpoint = observed.endpoint(&host).context("the balancer does not run any more")?;
        let https = observed.https(&host);
        let key = credentials::of_user(self.site, None)?;
        let variables = self.site.variables(&endpoint, https.as_deref(), self.no_proxy, &key);
        let hook = hook.ready_within(self.serve_within);
        let finished = self.engine.output_of_own(&hook, &variables).map_err(not_run)?;
        let said = format!("{}{}", finished.stdout, finished.stderr);
        if !finished.status.success() {
            let message = match finished.status.code() {
                Some(code) => format!("the hook `{name}` ended with exit code {code}"),
                None => format!("the hook `{name}` was ended: {}", finished.status),
            };
            let lines: Vec<&str> = said.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
            let hint = format!("the cluster runs; `{}` runs all hooks again", self.site.command("up"));
            return Err(Failure::new(Status::Failed, message).with_detail(tail).with_hint(hint).into());
        }
        if !said.trim().is_empty() {
            self.progress.say(said.trim_end());
        }
        self.progress.done("hooks", format!("{name} has run"));
        Ok(())
    }
}

/// A hook that cannot be run is no command that a person typed, whose exit code would be the shell's.
fn not_run(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(failure) if matches!(failure.status, Status::Child(_)) => {
            let hint = "a script begins with a line such as `#!/bin/sh`";
            Failure { status: Status::Failed, ..failure }.with_hint(hint).into()
        }
        Ok(failure) => failure.into(),
        Err(error) => error,
    }
}
