//! Constraints: whether a version is one of those that a text such as `>= 1.2, < 2 || 3.1` allows.
//!
//! Each scheme has the syntax of its package manager (npm, Composer, RubyGems, Hex, Conan, PEP 440). The others have
//! plain comparisons: `,` or a space is "and", `||` is "or". Advisories use the same syntaxes, but mean the order of
//! versions and not what a package manager would install: [`Constraint::advisory`].

mod composer;
mod conan;
mod npm;
mod pep440;
mod pessimistic;
mod plain;

use super::{BadVersion, Scheme, shorten};
use std::cmp::Ordering;

/// The most alternatives and comparisons of one constraint; the longest real one has 60.
const COMPARISONS: usize = 10_000;

/// How a version is compared with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    /// PEP 440's `===`: the texts are the same.
    Same,
    /// `~`, `~>` and `~=`.
    Tilde,
    Caret,
}

impl Operator {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Equal | Self::Same | Self::Tilde | Self::Caret => order.is_eq(),
        }
    }
}

/// One comparison with a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) operator: Operator,
    pub(crate) bound: String,
}

impl Comparison {
    fn new(operator: Operator, bound: impl Into<String>) -> Self {
        Self {
            operator,
            bound: bound.into(),
        }
    }
}

/// What pre-releases need, besides lying in the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum PreReleases {
    /// Nothing.
    #[default]
    Allowed,
    /// A bound that is a pre-release of the same numbers (npm).
    OfSameNumbers,
    /// They are not in the range (Conan).
    Refused,
}

/// Comparisons that must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Alternative {
    pub(crate) comparisons: Vec<Comparison>,
    pre_releases: PreReleases,
}

/// A constraint of a scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    scheme: Scheme,
    alternatives: Vec<Alternative>,
    /// Whether the order alone decides.
    advisory: bool,
}

/// A text that is no constraint of its scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {scheme} constraint {text:?}: {reason}")]
pub struct BadConstraint {
    /// The scheme.
    pub scheme: Scheme,
    /// The text, shortened when it is long.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a part of a constraint could not be read.
type Reason = String;

impl Constraint {
    /// Reads a constraint as the scheme's package manager does.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, BadConstraint> {
        Self::read(scheme, text, false)
    }

    /// Reads the ranges of an advisory: the order of the scheme decides, also about pre-releases.
    ///
    /// # Errors
    /// When the text is no constraint.
    pub fn advisory(scheme: Scheme, text: &str) -> Result<Self, BadConstraint> {
        Self::read(scheme, text, true)
    }

    fn read(scheme: Scheme, text: &str, advisory: bool) -> Result<Self, BadConstraint> {
        let bad = |reason: Reason| BadConstraint {
            scheme,
            text: shorten(text),
            reason,
        };
        if text.len() > seaworthy_model::limits::LINE_BYTES {
            return Err(bad("it is too long".to_owned()));
        }
        let alternatives = match scheme {
            Scheme::Npm => npm::parse(text),
            Scheme::Composer | Scheme::Packagist | Scheme::Php => composer::parse(text),
            Scheme::Conan => conan::parse(text),
            Scheme::Gem => pessimistic::gem(text),
            Scheme::Hex => pessimistic::hex(text),
            _ => plain::parse(text),
        };
        let alternatives = match alternatives {
            // node-semver answers that no version is in a range that it cannot read (`npm:lodash@4`, a URL).
            Err(_) if scheme == Scheme::Npm && !advisory => Vec::new(),
            alternatives => alternatives.map_err(&bad)?,
        };
        let comparisons: usize = alternatives.iter().map(|one| one.comparisons.len()).sum();
        if alternatives.len().max(comparisons) > COMPARISONS {
            return Err(bad("it has too many comparisons".to_owned()));
        }
        // Composer brings versions into one form before it compares them.
        let scheme = match scheme {
            Scheme::Composer | Scheme::Packagist => Scheme::Php,
            scheme => scheme,
        };
        Ok(Self {
            scheme,
            alternatives,
            advisory,
        })
    }

    /// The alternatives, of which one must hold.
    pub(crate) fn alternatives(&self) -> &[Alternative] {
        &self.alternatives
    }

    /// Whether a version is one of those allowed.
    ///
    /// # Errors
    /// When the version, or a bound that it is compared with, is none of the scheme.
    pub fn allows(&self, version: &str) -> Result<bool, BadVersion> {
        let mut failed = None;
        for alternative in &self.alternatives {
            match self.alternative_allows(alternative, version) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(false), Err)
    }

    fn alternative_allows(&self, alternative: &Alternative, version: &str) -> Result<bool, BadVersion> {
        let version = plain::meant(self.scheme, version);
        if !self.advisory && !self.pre_release_allowed(alternative, &version) {
            return Ok(false);
        }
        if self.scheme != Scheme::Pep440 {
            self.scheme.check(&version)?;
        }
        for comparison in &alternative.comparisons {
            let holds = match self.scheme {
                Scheme::Pep440 => pep440::holds(comparison, &version)?,
                Scheme::Gem if comparison.operator == Operator::Tilde => pessimistic::gem_holds(comparison, &version)?,
                scheme => plain::holds(scheme, comparison, &version)?,
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn pre_release_allowed(&self, alternative: &Alternative, version: &str) -> bool {
        match alternative.pre_releases {
            PreReleases::Allowed => true,
            PreReleases::OfSameNumbers => npm::pre_release_allowed(&alternative.comparisons, version),
            PreReleases::Refused => !conan::is_pre_release(version),
        }
    }
}
