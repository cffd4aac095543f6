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
        // Its last line but for blanks: "Upgrade has already been finalized.", or that it is now.
        let said = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("finalized");
        self.progress.done("upgrade", format!("{title}: {}", said.trim()));
        Ok(())
    }
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
