//! A disk that is full or not writable leaves the old state whole.

use std::path::PathBuf;

use crate::support::{Outcome, Runs, Sandbox, clean, say};

/// A file system of its own in memory, unmounted in the end.
struct Disk {
    place: PathBuf,
}

impl Disk {
    /// A disk of so many KiB; none where this user may not mount one.
    fn new(sandbox: &Sandbox, kibibytes: u32) -> Option<Self> {
        let place = sandbox.path("disk");
        fs_err::create_dir(&place).expect("a folder");
        let size = format!("size={kibibytes}k,mode=755");
        let outcome = Outcome::of(clean("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&place));
        if outcome.status != 0 {
            // No tool is missing: this is for root alone.
            say(&format!("skipped: cannot mount a file system: {}", outcome.stderr.trim()));
            return None;
        }
        Some(Self { place })
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        Outcome::of(clean("mount").args(["-o", &options]).arg(&self.place)).succeeded();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let outcome = Outcome::of(clean("umount").arg(&self.place));
        if outcome.status != 0 {
            say(&format!("could not unmount {}: {outcome}", self.place.display()));
        }
    }
}

#[test]
fn a_full_disk_leaves_the_old_files_and_nothing_else() {
    let sandbox = Sandbox::new();
    let Some(_disk) = Disk::new(&sandbox, 56) else {
        return;
    };
    sandbox.succeed(&["generate", "-o", "disk/demo"]);
    let before = sandbox.tree("disk");
    // 512 gateways take more than is left.
    let outcome = sandbox.run(&["generate", "-o", "disk/demo", "-n", "512"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    assert!(outcome.stderr.starts_with("error: could not write to "), "{outcome}");
    assert!(outcome.stderr.contains("; nothing was changed\n  caused by: "), "{outcome}");
    assert!(outcome.stderr.contains("No space left on device"), "{outcome}");
    assert_eq!(sandbox.tree("disk"), before);
    sandbox.succeed(&["generate", "-o", "disk/demo", "--check"]);
}

#[test]
fn a_full_disk_leaves_no_new_folder() {
    let sandbox = Sandbox::new();
    let Some(_disk) = Disk::new(&sandbox, 16) else {
        return;
    };
    let outcome = sandbox.run(&["generate", "-o", "disk/new/demo", "-n", "512"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert_eq!(sandbox.tree("disk"), [].into());
}

#[test]
fn a_read_only_folder_stays_as_it_is_and_can_be_checked() {
    let sandbox = Sandbox::new();
    let Some(disk) = Disk::new(&sandbox, 256) else {
        return;
    };
    sandbox.succeed(&["generate", "-o", "disk/demo"]);
    disk.remount("ro");
    let before = sandbox.tree("disk");
    let outcome = sandbox.run(&["generate", "-o", "disk/demo", "-n", "4"]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{outcome}");
    assert!(outcome.stderr.starts_with("error: could not write to "), "{outcome}");
    assert!(outcome.stderr.contains("Read-only file system"), "{outcome}");
    assert_eq!(sandbox.tree("disk"), before);
    sandbox.succeed(&["generate", "-o", "disk/demo", "--check"]);
    // Nothing is to be written, so nothing fails.
    sandbox.succeed(&["generate", "-o", "disk/demo"]);
}
