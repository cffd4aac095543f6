//! Times and sizes with a unit.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use super::Takes;

/// A time in HAProxy's own notation, a whole number and a unit: `500ms`, `30s`, `5m`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    text: String,
    milliseconds: u64,
}

impl Span {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text(r"^0*[1-9][0-9]*(?:ms|s|m|h|d)$");

    /// The time.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}

impl FromStr for Span {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let unit_ms: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "" if !number.is_empty() => {
                return Err(format!("`{text}` has no unit: write {text}ms, {text}s or {text}m"));
            }
            _ => return Err(format!("`{text}` is not a time such as 500ms, 30s or 5m")),
        };
        // HAProxy keeps times in 31 bits of milliseconds.
        match number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms)) {
            Some(milliseconds @ 1..=0x7fff_ffff) => Ok(Self { text: text.to_owned(), milliseconds }),
            _ if number.is_empty() => Err(format!("`{text}` is not a time such as 500ms, 30s or 5m")),
            _ => Err(format!("{text} is not between 1ms and 24d")),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The largest heap of a JVM, as `-Xmx` takes it: `512m` or `2g`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heap {
    mebibytes: u32,
}

impl Heap {
    /// The texts that this type reads.
    pub const TAKES: Takes = Takes::Text(r"^0*[1-9][0-9]*[mMgG]$");

    /// The size in MiB.
    #[must_use]
    pub fn mebibytes(self) -> u32 {
        self.mebibytes
    }
}

impl FromStr for Heap {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let unit_mib = match text.bytes().last() {
            Some(b'm' | b'M') => 1,
            Some(b'g' | b'G') => 1024,
            _ => return Err(format!("`{text}` is not a heap size such as 512m or 2g")),
        };
        let number: u32 = text[..text.len() - 1]
            .parse()
            .map_err(|_| format!("`{text}` is not a heap size such as 512m or 2g"))?;
        match number.checked_mul(unit_mib) {
            // No JVM starts a daemon in less; more than 1 TiB is a slip of the hand.
            Some(mebibytes @ 8..=1_048_576) => Ok(Self { mebibytes }),
            _ => Err(format!("{text} is not between 8m and 1024g")),
        }
    }
}

impl fmt::Display for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mebibytes {
            whole if whole.is_multiple_of(1024) => write!(f, "{}g", whole / 1024),
            mebibytes => write!(f, "{mebibytes}m"),
        }
    }
}

/// Bytes that a bucket may hold, as Ozone's shell takes them: `512MB` or `10GB`, with units of 1024.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    text: String,
    bytes: i64,
}

impl Quota {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> i64 {
        self.bytes
    }
}

impl FromStr for Quota {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let power = UNITS.iter().position(|one| *one == unit).filter(|_| !number.is_empty());
        let Some(power) = power else {
            return Err(format!(
                "`{text}` is not a size such as 10GB or 512MB: units are B, KB, MB, GB and TB"
            ));
        };
        // A power of four at most.
        let unit = 1024_i64.pow(u32::try_from(power).unwrap_or_default());
        match number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit)) {
            Some(bytes @ 1..) if !number.starts_with('0') => Ok(Self { text: text.to_owned(), bytes }),
            _ => Err(format!("{text} is not between 1B and 8388607TB")),
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Bytes of an object that one PUT writes: `512`, `1KiB` or `8MiB`, 64 MiB at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ObjectSize {
    bytes: usize,
}

impl ObjectSize {
    /// The largest: 64 MiB.
    const MOST: usize = 64 << 20;
    /// Units, from the largest.
    const UNITS: [(&str, usize); 3] = [("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.bytes
    }
}

impl FromStr for ObjectSize {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let unit = if unit.is_empty() { "B" } else { unit };
        let unit = Self::UNITS.iter().find(|(name, _)| *name == unit).filter(|_| !number.is_empty());
        let Some((_, unit)) = unit else {
            return Err(format!("`{text}` is not a size such as 512, 1KiB or 8MiB"));
        };
        match number.parse::<usize>().ok().and_then(|number| number.checked_mul(*unit)) {
            Some(bytes @ 1..=Self::MOST) => Ok(Self { bytes }),
            _ => Err(format!("{text} is not between 1B and 64MiB")),
        }
    }
}

impl fmt::Display for ObjectSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, unit) =
            Self::UNITS.iter().find(|(_, unit)| self.bytes.is_multiple_of(*unit)).unwrap_or(&("B", 1));
        write!(f, "{}{name}", self.bytes / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::values::problem;

    #[test]
    fn times_need_a_unit_and_fit_haproxy() {
        assert_eq!("5m".parse::<Span>().expect("a time").to_string(), "5m");
        assert_eq!(problem::<Span>("5"), "`5` has no unit: write 5ms, 5s or 5m");
        assert_eq!(problem::<Span>("5 m"), "`5 m` is not a time such as 500ms, 30s or 5m");
        assert_eq!(problem::<Span>("m"), "`m` is not a time such as 500ms, 30s or 5m");
        assert_eq!(problem::<Span>(""), "`` is not a time such as 500ms, 30s or 5m");
        assert_eq!(problem::<Span>("0s"), "0s is not between 1ms and 24d");
        assert_eq!(problem::<Span>("25d"), "25d is not between 1ms and 24d");
    }

    #[test]
    fn quotas_are_bytes_in_units_of_1024() {
        for (text, bytes) in [("1B", 1), ("2KB", 2048), ("10GB", 10 << 30), ("8388607TB", 8_388_607 << 40)] {
            assert_eq!(text.parse::<Quota>().expect(text).bytes(), bytes);
        }
        for bad in ["0GB", "01GB", "8388608TB", "99999999999999999999B"] {
            assert_eq!(problem::<Quota>(bad), format!("{bad} is not between 1B and 8388607TB"));
        }
    }

    #[test]
    fn sizes_of_objects_are_bytes_or_have_a_unit_of_1024() {
        for (text, bytes, shown) in [
            ("1", 1, "1B"),
            ("1000B", 1000, "1000B"),
            ("1KiB", 1024, "1KiB"),
            ("1536", 1536, "1536B"),
            ("2048KiB", 2 << 20, "2MiB"),
            ("64MiB", 64 << 20, "64MiB"),
        ] {
            let size: ObjectSize = text.parse().expect(text);
            assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, shown));
        }
        for bad in ["0", "0KiB", "65MiB", "67108865", "99999999999999999999", "18446744073709551615MiB"] {
            assert_eq!(problem::<ObjectSize>(bad), format!("{bad} is not between 1B and 64MiB"));
        }
        for bad in ["", "KiB", "1kb", "1 KiB", "-1", "1GiB", "é"] {
            assert_eq!(
                problem::<ObjectSize>(bad),
                format!("`{bad}` is not a size such as 512, 1KiB or 8MiB")
            );
        }
    }

    #[test]
    fn heaps_keep_their_size() {
        for (text, mebibytes, shown) in [("512m", 512, "512m"), ("1024m", 1024, "1g"), ("2G", 2048, "2g")] {
            let heap: Heap = text.parse().expect(text);
            assert_eq!((heap.mebibytes(), heap.to_string().as_str()), (mebibytes, shown));
        }
        assert_eq!(problem::<Heap>("512"), "`512` is not a heap size such as 512m or 2g");
        assert_eq!(problem::<Heap>("é"), "`é` is not a heap size such as 512m or 2g");
        assert_eq!(problem::<Heap>("4m"), "4m is not between 8m and 1024g");
    }
}
