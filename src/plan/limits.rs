//! The limits of a container: its largest memory, and its weight for CPU when the cores are busy.

use serde::Serialize;

use crate::spec::Spec;
use crate::spec::values::{Heap, Profile};

/// CPU weight of the containers that all others wait for; the engine's default is 1024. While JVMs start on few cores
/// they get CPU first, and later no peer considers them dead because gateways keep all cores busy.
const FIRST: u32 = 4096;

/// Memory of a JVM beside its heap that does not grow with it, in MiB: classes, code, stacks, and what `RocksDB` holds.
/// In ten minutes under load a datanode took the most of all, 574 MiB with a heap of 512 MiB and 626 MiB with one of
/// 256 MiB (`cargo bench --bench balancer -- --soak`, with `--memory small`), of 1152 and 768 MiB that it may take.
const BESIDE_HEAP: u32 = 384;

/// The limits of a container; Ozone's own example has no such limits.
#[derive(Clone, Debug, Serialize)]
pub struct Limits {
    /// The most memory that it gets, such as `1152m`.
    pub mem_limit: String,
    /// Its weight where it is not the engine's default.
    pub cpu_shares: Option<u32>,
}

impl Limits {
    /// The limits of a container with one JVM; none in the profile `upstream`.
    #[must_use]
    pub fn of(role: &str, heap: Heap, spec: &Spec) -> Option<Self> {
        let is_first = ["scm", "om"].contains(&role);
        (spec.profile == Profile::Tuned).then(|| Self {
            mem_limit: format!("{}m", most_mebibytes(heap)),
            cpu_shares: is_first.then_some(FIRST),
        })
    }
}

/// The most memory that a JVM with such a heap may need, in MiB: the heap, direct buffers of half its size, and what
/// does not grow with it.
#[must_use]
pub fn most_mebibytes(heap: Heap) -> u32 {
    let heap = heap.mebibytes();
    heap + heap / 2 + BESIDE_HEAP
}
