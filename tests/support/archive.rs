//! Archives that the binary wrote.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use fs_err as fs;

/// The names and texts in an archive, in its order.
pub(crate) fn unpacked(file: &Path) -> Vec<(String, String)> {
    let bytes = fs::read(file).expect("an archive");
    let mut archive = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
    let entry = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.expect("an entry");
        assert_eq!(entry.header().mode().expect("a mode"), 0o644);
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("a text");
        (entry.path().expect("a name").display().to_string(), text)
    };
    archive.entries().expect("entries").map(entry).collect()
}
