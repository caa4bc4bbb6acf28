//! PEP 440's version specifiers, with pre-releases allowed.
//!
//! A local part of the version only counts where the bound has one; `<` excludes pre-releases of its own bound and `>`
//! the post-releases and local versions of it.

use super::{Comparison, Operator};
use crate::versions::{BadVersion, Scheme};
use pep440_rs::Version;
use std::str::FromStr;

pub(super) fn holds(comparison: &Comparison, version: &str) -> Result<bool, BadVersion> {
    let Comparison { operator, bound } = comparison;
    if *operator == Operator::Same {
        return Ok(version.trim().eq_ignore_ascii_case(bound));
    }
    let version = parse(version)?;
    if let (Some(prefix), Operator::Equal | Operator::NotEqual) = (bound.strip_suffix(".*"), operator) {
        return Ok(begins(&version, &parse(prefix)?) == (*operator == Operator::Equal));
    }
    let bound = parse(bound)?;
    let public = || {
        if bound.local().is_empty() {
            version.clone().without_local()
        } else {
            version.clone()
        }
    };
    Ok(match operator {
        Operator::Equal | Operator::Same | Operator::Caret => public() == bound,
        Operator::NotEqual => public() != bound,
        Operator::AtMost => public() <= bound,
        Operator::AtLeast => public() >= bound,
        Operator::Less => version < bound && (bound.any_prerelease() || !is_pre_release_of(&version, &bound)),
        Operator::Greater => {
            let post = version.is_post() && !bound.is_post() && without_post(&version) == bound;
            let local = bound.local().is_empty() && !version.local().is_empty() && public() == bound;
            version > bound && !post && !local
        }
        Operator::Tilde => {
            let release = bound.release();
            let kept = release.len().saturating_sub(1).max(1);
            let prefix = Version::new(release.iter().take(kept).copied()).with_epoch(bound.epoch());
            public() >= bound && begins(&version, &prefix)
        }
    })
}

fn parse(text: &str) -> Result<Version, BadVersion> {
    Scheme::Pep440.check(text)?;
    Version::from_str(text.trim()).map_err(|error| BadVersion::new(Scheme::Pep440, text, error.to_string().into()))
}

/// Whether `2.0rc1` is asked about `2.0`, or `2.0.post1.dev0` about `2.0.post1`.
fn is_pre_release_of(version: &Version, bound: &Version) -> bool {
    let release = Version::new(version.release().iter().copied()).with_epoch(version.epoch());
    let of = if version.pre().is_some() {
        release
    } else {
        release.with_post(version.post())
    };
    version.any_prerelease() && of == *bound
}

fn without_post(version: &Version) -> Version {
    Version::new(version.release().iter().copied())
        .with_epoch(version.epoch())
        .with_pre(version.pre())
}

/// Whether a version is the prefix or one of its descendants: missing numbers are zeros.
fn begins(version: &Version, prefix: &Version) -> bool {
    let numbers = version.release().iter().copied().chain(std::iter::repeat(0));
    let numbers_equal =
        version.epoch() == prefix.epoch() && numbers.zip(prefix.release()).all(|(one, other)| one == *other);
    // `== 1.1a1.*` names one pre-release.
    numbers_equal && (prefix.pre().is_none() || prefix.pre() == version.pre())
}
