//! A short digest of a text, by which a change is known: against accidents, not against forgers.

use sha2::{Digest, Sha256};

/// The first 64 bits of SHA-256, as 16 hexadecimal digits.
#[must_use]
pub fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text);
    let first = bytes.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{first:016x}")
}
