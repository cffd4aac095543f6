//! What the engine has: memory, disk, images.

use serde::Deserialize;

use super::{Check, query};
use crate::engine::{Engine, Place};
use crate::error::Status;
use crate::plan::requirements::Requirements;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What a JVM takes beside its heap, in percent of the heap: an SCM and an OM of Ozone 2.2.1 with heaps of 512 MiB
/// held 77 MiB of classes and code and 33 MiB of direct buffers half a minute after their start, and stacks of
/// 400 threads.
const BESIDE_HEAP: u64 = 25;

/// Below this a cluster that is written to is soon full.
const ENOUGH_DISK: u64 = 2 * GIB;

/// Below this no datanode takes a write: each keeps `hdds.datanode.volume.min.free.space=100MB` free, and SCM
/// and OM need as much again for their databases.
const LEAST_DISK: u64 = 200 * MIB;

/// The part of `docker info` that matters here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Info {
    mem_total: u64,
    docker_root_dir: String,
    #[serde(rename = "NCPU")]
    cpus: u32,
    architecture: String,
}

/// Memory and disk of the engine's machine.
pub(super) fn check(engine: &Engine, needs: &Requirements) -> Vec<Check> {
    let said = query(engine, "read what the engine has", ["info", "--format", "{{json .}}"]);
    let info: Info =
        said.ok().and_then(|said| serde_json::from_str(said.stdout.trim()).ok()).unwrap_or_default();
    let folder = &info.docker_root_dir;
    let free = match engine.place() {
        // Docker Desktop runs in a virtual machine, whose folders only its containers see.
        Place::Here => free_space(folder).or_else(|| free_inside(engine, needs)),
        Place::Around(_) | Place::Elsewhere(_) => free_inside(engine, needs),
    };
    let disk = free.map(|free| check_disk(free, folder));
    let memory = check_memory(&info, needs.heap_mebibytes, needs.limit_mebibytes);
    [check_snap(folder), Some(memory), disk].into_iter().flatten().collect()
}

/// Free bytes in the file system of containers, queried in one of the cluster's images; none while the engine has none
/// of them.
fn free_inside(engine: &Engine, needs: &Requirements) -> Option<u64> {
    let image = needs.images.iter().find(|image| has(engine, image))?;
    let run = ["run", "--rm", "--network", "none", "--entrypoint", "df", image, "-Pk", "/"];
    let said = query(engine, "read the free space in a container", run).ok()?;
    free_of_df(&said.stdout)
}

/// The fourth column of the last line, in KiB.
fn free_of_df(said: &str) -> Option<u64> {
    let free: u64 = said.lines().last()?.split_whitespace().nth(3)?.parse().ok()?;
    Some(free * 1024)
}

/// Docker of snap may read no other folders.
fn check_snap(root: &str) -> Option<Check> {
    root.starts_with("/var/snap/").then(|| {
        let finding = "Docker was installed by snap, and sees only folders below your home without a dot in their names";
        let advice = "keep the cluster's folder there, or install Docker's own packages";
        Check::warning("engine", finding, advice)
    })
}

fn check_memory(info: &Info, heap_mebibytes: u32, limit_mebibytes: Option<u32>) -> Check {
    let heaps = u64::from(heap_mebibytes) * MIB;
    let whole = heaps + heaps * BESIDE_HEAP / 100;
    let Info { mem_total, cpus, architecture, .. } = info;
    if *mem_total == 0 {
        return Check::warning("memory", "the engine does not say how much it has", "look at `docker info`");
    }
    let limits = limit_mebibytes
        .map(|limit| format!(", and their limits add up to {}", gibibytes(u64::from(limit) * MIB)));
    let finding = format!(
        "{} for {cpus} CPUs ({architecture}); heaps grow to {}, the JVMs to some {}{}",
        gibibytes(*mem_total),
        gibibytes(heaps),
        gibibytes(whole),
        limits.unwrap_or_default()
    );
    let advice = "fewer gateways (`--gateways`) or datanodes, smaller heaps (`--memory small`), \
                  or more memory for the engine";
    match *mem_total {
        total if total < heaps => Check::bad("memory", Status::Failed, finding, advice),
        total if total < whole => Check::warning("memory", finding, advice),
        _ => Check::good("memory", finding),
    }
}

/// Bytes that are left to everybody in the file system of a folder; none where it cannot be seen.
fn free_space(folder: &str) -> Option<u64> {
    let system = rustix::fs::statvfs(folder).ok()?;
    Some(system.f_bavail * system.f_frsize)
}

fn check_disk(free: u64, folder: &str) -> Check {
    let finding = format!("{} free in {folder}", gibibytes(free));
    let advice = "make room: `docker system df` shows what the engine holds, `docker image prune` removes unused images";
    match free {
        free if free < LEAST_DISK => Check::bad("disk", Status::Failed, finding, advice),
        free if free < ENOUGH_DISK => Check::warning("disk", finding, advice),
        _ => Check::good("disk", finding),
    }
}

/// Images that the engine does not have.
#[must_use]
pub fn missing(engine: &Engine, needs: &Requirements) -> Vec<String> {
    needs.images.iter().filter(|image| !has(engine, image)).cloned().collect()
}

fn has(engine: &Engine, image: &str) -> bool {
    let inspect = ["image", "inspect", "--format", "{{.Id}}", image];
    query(engine, &format!("look for the image {image}"), inspect).is_ok_and(|said| said.status.success())
}

/// A finding for each image that is missing, or one for all of them.
pub(super) fn images(engine: &Engine, needs: &Requirements) -> Vec<Check> {
    let missing = missing(engine, needs);
    if missing.is_empty() && !needs.images.is_empty() {
        return vec![Check::good("images", format!("{} are here", needs.images.join(" and ")))];
    }
    missing.iter().map(|image| absent(image)).collect()
}

fn absent(image: &str) -> Check {
    let finding = format!("{image} is not here and will be pulled");
    let advice = format!("`docker pull {image}` gets it beforehand; `--image-registry` names a mirror");
    Check::warning("images", finding, advice)
}

/// `23.5 GiB`, or `150 MiB` where that says more.
fn gibibytes(bytes: u64) -> String {
    if bytes < GIB {
        return format!("{} MiB", bytes / MIB);
    }
    let tenths = bytes * 10 / GIB;
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn memory_warns_of_the_jvms_and_refuses_the_heaps() {
        let info = |mebibytes: u64| Info { mem_total: mebibytes * MIB, cpus: 2, ..Info::default() };
        let verdict = |mebibytes| check_memory(&info(mebibytes), 1000, None).verdict;
        assert_eq!(verdict(1250), Verdict::Good);
        assert_eq!(verdict(1249), Verdict::Warning);
        assert_eq!(verdict(1000), Verdict::Warning);
        assert_eq!(verdict(999), Verdict::Bad);
        assert_eq!(verdict(0), Verdict::Warning, "nothing is known");
    }

    #[test]
    fn limits_are_reported_where_there_are_any() {
        let finding = |limit| check_memory(&Info { mem_total: GIB, ..Info::default() }, 512, limit).finding;
        assert!(finding(None).ends_with("the JVMs to some 640 MiB"));
        assert!(
            finding(Some(1152)).ends_with("the JVMs to some 640 MiB, and their limits add up to 1.1 GiB")
        );
    }

    #[test]
    fn disk_warns_early_and_refuses_late() {
        let verdict = |bytes| check_disk(bytes, "/d").verdict;
        assert_eq!(verdict(2 * GIB), Verdict::Good);
        assert_eq!(verdict(2 * GIB - 1), Verdict::Warning);
        assert_eq!(verdict(200 * MIB), Verdict::Warning);
        assert_eq!(verdict(200 * MIB - 1), Verdict::Bad);
        assert!(free_space("/").is_some() && free_space("/no/such/folder").is_none());
    }

    #[test]
    fn df_shows_the_free_space() {
        let said = "Filesystem 1024-blocks Used Available Capacity Mounted on\noverlay 100 40 60 40% /\n";
        assert_eq!((free_of_df(said), free_of_df("")), (Some(60 * 1024), None));
    }

    #[test]
    fn docker_of_snap_is_known_by_its_folder() {
        assert!(check_snap("/var/snap/docker/common/var-lib-docker").is_some());
        assert!(check_snap("/var/lib/docker").is_none());
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(gibibytes(25_276_510_208), "23.5 GiB");
        assert_eq!(gibibytes(150 * MIB), "150 MiB");
    }

    #[test]
    fn the_engine_says_what_it_has() {
        let info: Info = serde_json::from_str(
            r#"{"MemTotal":7,"DockerRootDir":"/var/lib/docker","NCPU":2,"Architecture":"x86_64","ID":"x"}"#,
        )
        .expect("docker info");
        assert_eq!((info.mem_total, info.cpus, info.docker_root_dir.as_str()), (7, 2, "/var/lib/docker"));
    }
}
