//! Versions of npm packages: Semantic Versioning within the limits of node-semver's strict parser.

use std::cmp::Ordering;

use super::semver::{Semver, loosened};
use super::{Reason, Version};

/// JavaScript's `Number.MAX_SAFE_INTEGER`, the largest major, minor and patch number that npm takes.
const LARGEST: u64 = (1 << 53) - 1;
/// The longest version that npm takes.
const LONGEST: usize = 256;

/// A version of an npm package.
#[derive(Debug)]
pub(super) struct Npm(Semver);

impl Version<'_> for Npm {
    fn parse(text: &str) -> Result<Self, Reason> {
        if text.len() > LONGEST {
            return Err("it is longer than 256 characters".into());
        }
        let version = Semver::parse(text)?;
        if [version.0.major, version.0.minor, version.0.patch]
            .iter()
            .any(|number| *number > LARGEST)
        {
            return Err("one of its numbers is too large".into());
        }
        Ok(Self(version))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.order(&other.0)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        self.0.push_key(key);
    }

    fn repair(text: &str) -> Option<String> {
        loosened(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_those_of_node() {
        assert!(Npm::parse("9007199254740991.0.0").is_ok());
        assert!(Npm::parse("0.9007199254740992.0").is_err());
        assert!(Npm::parse(&format!("1.2.3-{}", "a".repeat(250))).is_ok());
        assert!(Npm::parse(&format!("1.2.3-{}", "a".repeat(251))).is_err());
    }
}
