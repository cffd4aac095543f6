//! Options of the JVMs.

use super::settings::Setting;
use crate::spec::values::{Heap, Jvm};

/// The variables of a role, a subcommand of `ozone`.
///
/// `OZONE_<ROLE>_OPTS` and `OZONE_SERVER_OPTS` reach daemons only; `OZONE_OPTS` would also reach every
/// `ozone` command that a person runs in the container.
pub(super) fn jvm_settings(role: &str, heap: Heap, jvm: Jvm) -> Vec<Setting> {
    // A JVM without memory answers no requests; `up`, `status` and a person see one that ends.
    let own = format!("-Xmx{heap} -XX:+ExitOnOutOfMemoryError");
    let mut settings = vec![Setting::new(&format!("OZONE_{}_OPTS", role.to_uppercase()), &own)];
    if jvm == Jvm::FastStart {
        // The simpler compiler alone; the image's own jars not verified class by class, a tenth to a fifth of the
        // CPU time of a start; and a heap that is there from the start need not be collected while it grows.
        let start = format!(
            "-XX:TieredStopAtLevel=1 -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote -Xms{}m",
            heap.mebibytes() / 2
        );
        settings.push(Setting::new("OZONE_SERVER_OPTS", &start));
    }
    settings
}
