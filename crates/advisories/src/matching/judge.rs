//! Whether a statement says that a version is affected, and where its fix lies.
//!
//! Ranges and listed versions are alternatives: one that holds is enough. Comparisons are those of the scheme's order,
//! not of its range syntax: a pre-release of a fixed version is affected.

use crate::file::{Bound, Entry, Stretch};
use crate::versions::Scheme;
use seaworthy_model::limits;
use std::borrow::Cow;
use std::cmp::Ordering;

/// An installed version, and how bounds of advisories are compared with it.
#[derive(Clone, Debug)]
pub(super) struct Installed<'a> {
    pub(super) scheme: Scheme,
    pub(super) version: Cow<'a, str>,
    /// Compare without epochs, because the installed one is not known (source rpms).
    pub(super) without_epoch: bool,
    /// Why the version is not one of its scheme.
    pub(super) invalid: Option<String>,
}

/// What a statement says about a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement<'a> {
    /// It is not affected.
    Clear,
    /// It is affected: by this stretch, or as one of the listed versions.
    Affected(Option<Stretch<'a>>),
    /// It may be; the reason says why that is not certain.
    Uncertain(Option<Stretch<'a>>, String),
}

impl<'a> Installed<'a> {
    pub(super) fn new(scheme: Scheme, version: impl Into<Cow<'a, str>>, without_epoch: bool) -> Self {
        let version = version.into();
        let (version, invalid) = match scheme.check(&version) {
            Ok(()) => (version, None),
            Err(error) => match meant(scheme, &version) {
                Some(meant) => (Cow::Owned(meant), None),
                None => (version, Some(error.to_string())),
            },
        };
        Self {
            scheme,
            version,
            without_epoch,
            invalid,
        }
    }

    fn prepared<'b>(&self, version: &'b str) -> &'b str {
        if self.without_epoch {
            without_epoch(version)
        } else {
            version
        }
    }

    /// Orders the installed version against a bound; the flag says whether both follow the scheme.
    fn compare(&self, bound: &str) -> (Ordering, bool) {
        let (version, bound) = (self.prepared(&self.version), self.prepared(bound));
        let version = self.scheme.against(version, bound);
        match self.scheme.compare(version, bound) {
            Ok(order) => (order, true),
            Err(_) => {
                let meant = meant(self.scheme, bound);
                match meant.and_then(|bound| self.scheme.compare(version, &bound).ok()) {
                    Some(order) => (order, true),
                    None => (self.scheme.order_or_fallback(version, bound), false),
                }
            }
        }
    }

    /// Orders two bounds.
    pub(super) fn order(&self, a: &str, b: &str) -> Ordering {
        self.scheme.order_or_fallback(self.prepared(a), self.prepared(b))
    }

    /// Whether a fix lies above the installed version.
    pub(super) fn is_below(&self, fix: &str) -> bool {
        self.invalid.is_some() || self.compare(fix).0 == Ordering::Less
    }

    pub(super) fn judge<'e>(&self, entry: &Entry<'e>) -> Judgement<'e> {
        let mut uncertain = None;
        for stretch in entry.stretches() {
            match self.holds(&stretch) {
                (true, true) => return Judgement::Affected(Some(stretch)),
                (true, false) => {
                    let reason = self
                        .invalid
                        .clone()
                        .unwrap_or_else(|| "the advisory's version does not follow the scheme".to_owned());
                    uncertain.get_or_insert((stretch, reason));
                }
                (false, _) => {}
            }
        }
        let installed = self.prepared(&self.version);
        for version in entry.versions() {
            if version == installed
                || self.invalid.is_none()
                    && self.scheme.compare(installed, self.prepared(version)) == Ok(Ordering::Equal)
            {
                return Judgement::Affected(None);
            }
        }
        match uncertain {
            Some((stretch, reason)) => Judgement::Uncertain(Some(stretch), reason),
            None => match &self.invalid {
                Some(reason) if entry.versions().next().is_some() => Judgement::Uncertain(None, reason.clone()),
                _ => Judgement::Clear,
            },
        }
    }

    /// Whether the version lies in a stretch, and whether that is certain.
    fn holds(&self, stretch: &Stretch<'_>) -> (bool, bool) {
        let from_the_beginning = matches!(stretch.introduced, "" | "0" | "0.0.0-0");
        if self.invalid.is_some() {
            // Every version lies in a stretch without ends; of others nobody can say.
            return (true, from_the_beginning && stretch.end == Bound::Open);
        }
        let mut certain = true;
        if !from_the_beginning {
            let (order, exact) = self.compare(stretch.introduced);
            if order == Ordering::Less {
                return (false, exact);
            }
            certain &= exact;
        }
        let below = match stretch.end {
            Bound::Open => true,
            Bound::Fixed(end) | Bound::Limit(end) => {
                let (order, exact) = self.compare(end);
                certain &= exact;
                order == Ordering::Less
            }
            Bound::LastAffected(end) => {
                let (order, exact) = self.compare(end);
                certain &= exact;
                order != Ordering::Greater || self.is_local_build_of(end)
            }
        };
        (below, certain)
    }

    /// PEP 440: `2.0.1+cu118` is a build of 2.0.1, so `<= 2.0.1` holds for it.
    fn is_local_build_of(&self, end: &str) -> bool {
        self.scheme == Scheme::Pep440
            && !end.contains('+')
            && self
                .version
                .split_once('+')
                .is_some_and(|(public, _)| self.scheme.compare(public, end) == Ok(Ordering::Equal))
    }
}

/// The version that a looser form stands for, where the ecosystem's tools agree on it: `=v1.2` is `1.2.0` to all that
/// read npm's ranges, though the registry takes strict versions only.
fn meant(scheme: Scheme, version: &str) -> Option<String> {
    if version.len() > limits::VERSION_BYTES {
        return None;
    }
    let meant = scheme.repair(version)?;
    scheme.check(&meant).is_ok().then_some(meant)
}

/// `4:5.26.3-419.el8` without its epoch.
pub(super) fn without_epoch(version: &str) -> &str {
    match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => version,
    }
}

/// The stretch for people: `>= 1.2.0, < 1.2.9`.
pub(super) fn describe(stretch: Option<&Stretch<'_>>, installed: &str) -> String {
    let Some(stretch) = stretch else {
        return format!("= {installed}");
    };
    let mut text = if matches!(stretch.introduced, "" | "0") {
        String::new()
    } else {
        format!(">= {}", stretch.introduced)
    };
    let (sign, end) = match stretch.end {
        Bound::Open if text.is_empty() => return "all versions".to_owned(),
        Bound::Open => return text,
        Bound::Fixed(end) | Bound::Limit(end) => ("<", end),
        Bound::LastAffected(end) => ("<=", end),
    };
    if !text.is_empty() {
        text.push_str(", ");
    }
    text.push_str(&format!("{sign} {end}"));
    text
}
