//! The end of an upgrade: SCM and OM change their data to what the new version can hold, after which no older one reads it.

use anyhow::Result;

use super::Session;
use crate::plan::Role;
use crate::plan::settings::OM_SERVICE;
use crate::spec::Spec;

impl Session<'_> {
    /// Has the SCMs or the OMs finalize an upgrade, and waits until they have.
    pub(super) fn finalize(&mut self, role: Role) -> Result<()> {
        let om = self.running_om()?;
        let title = role.word().to_uppercase();
        self.progress.doing("upgrade", format!("{title} finalizes it"));
        let finalize = self.engine.command(&format!("finalize the upgrade of {title}"), ["exec"]);
        let finalize = finalize.with(self.as_administrator().iter().copied());
        let finalize = finalize.with([&*om.container.id, "ozone", "admin", role.word(), "finalizeupgrade"]);
        let finalize = finalize.with(place(role, &self.site.spec)).ready_within(self.serve_within);
        let said = self.engine.run(&finalize)?;
        self.progress.done("upgrade", format!("{title}: {}", result(&said)));
        Ok(())
    }
}

/// What Ozone's command line says last, beside that it ends.
fn result(said: &str) -> &str {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "Exiting...");
    lines.next_back().unwrap_or("finalized")
}

/// Which OM is meant, as Ozone's command line takes it; SCMs are known to it.
fn place(role: Role, spec: &Spec) -> Vec<String> {
    let oms = spec.om_names();
    match (role, oms.as_slice()) {
        (Role::Om, [only]) => vec![format!("--service-host={only}")],
        (Role::Om, _) => vec![format!("--service-id={OM_SERVICE}")],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_what_it_says_before_it_ends() {
        let said = "Upgrade has already been finalized.\nExiting...\n\n";
        assert_eq!(result(said), "Upgrade has already been finalized.");
        assert_eq!(result("Exiting...\nFinalization of OM finished.\n"), "Finalization of OM finished.");
        assert_eq!(result("\n"), "finalized");
    }
}
