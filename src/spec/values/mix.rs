//! What a load asks for, and how often.

use std::fmt;
use std::str::FromStr;

use super::Operation;

/// How often each operation comes: `put=1,get=3,head=1`. One that is not named does not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix(Vec<(Operation, u32)>);

impl Mix {
    /// The largest share of one operation.
    const MOST: u32 = 100;

    /// The operations that come, in the order in which they were named.
    pub fn operations(&self) -> impl Iterator<Item = Operation> {
        self.0.iter().map(|(operation, _)| *operation)
    }

    /// One round: each operation as often as it comes.
    #[must_use]
    pub fn round(&self) -> Vec<Operation> {
        let times =
            |(operation, share): &(Operation, u32)| (0..*share).map(|_| *operation).collect::<Vec<_>>();
        self.0.iter().flat_map(times).collect()
    }
}

impl FromStr for Mix {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut shares: Vec<(Operation, u32)> = Vec::new();
        for part in text.split(',') {
            let Some((name, share)) = part.split_once('=') else {
                return Err(format!("`{part}` is no share such as get=3"));
            };
            let operation: Operation = name.parse()?;
            if shares.iter().any(|(other, _)| *other == operation) {
                return Err(format!("`{text}` names {name} twice"));
            }
            match share.parse() {
                Ok(share @ 0..=Self::MOST) => shares.push((operation, share)),
                _ => return Err(format!("`{part}`: {share} is not between 0 and {}", Self::MOST)),
            }
        }
        shares.retain(|(_, share)| *share > 0);
        if shares.is_empty() {
            return Err(format!("`{text}` has no request: each share is 0"));
        }
        Ok(Self(shares))
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(|(name, share)| format!("{name}={share}")).collect();
        f.write_str(&texts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::values::problem;

    #[test]
    fn a_round_has_each_operation_as_often_as_its_share_says() {
        let mix: Mix = "get=2,head=0,put=1".parse().expect("a mix");
        assert_eq!(mix.round(), [Operation::Get, Operation::Get, Operation::Put]);
        assert_eq!(mix.operations().collect::<Vec<_>>(), [Operation::Get, Operation::Put]);
        assert_eq!(mix.to_string(), "get=2,put=1");
    }

    #[test]
    fn a_mix_says_what_is_wrong_with_it() {
        assert_eq!(problem::<Mix>(""), "`` is no share such as get=3");
        assert_eq!(problem::<Mix>("get"), "`get` is no share such as get=3");
        assert_eq!(problem::<Mix>("list=1"), "`list` is not one of put, get, head");
        assert_eq!(problem::<Mix>("get=101"), "`get=101`: 101 is not between 0 and 100");
        assert_eq!(problem::<Mix>("get=-1"), "`get=-1`: -1 is not between 0 and 100");
        assert_eq!(problem::<Mix>("get=1,get=2"), "`get=1,get=2` names get twice");
        assert_eq!(problem::<Mix>("get=0"), "`get=0` has no request: each share is 0");
    }
}
