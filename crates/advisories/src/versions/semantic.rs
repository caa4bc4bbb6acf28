//! The relatives of Semantic Versioning: Go modules, Hex, pub, NuGet, Cargo and Bitnami.
//!
//! All are `numbers[-pre.release][+build]`; they differ in how many numbers there are, in what may stand in front, in
//! whether capitals and builds count. Numbers have any length.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::pieces::{Decimal, Identifier, is_number, push_numbers, significant};
use super::semver::{Semver, loosened};
use super::{Reason, Version};

/// A release sorts after all its pre-releases.
const PRE_RELEASE: u8 = 0;
const RELEASE: u8 = 1;

/// The parts of a version, in their order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Semantic<'a> {
    numbers: Vec<Decimal<'a>>,
    /// False for a pre-release, which comes before the release.
    release: bool,
    pre: Vec<Identifier<'a>>,
    /// Empty where builds are not compared.
    build: Vec<Identifier<'a>>,
}

/// A version as text: numbers, pre-release, build.
struct Split<'a> {
    numbers: Vec<&'a str>,
    pre: Option<&'a str>,
    build: Option<&'a str>,
}

fn split(text: &str) -> Result<Split<'_>, Reason> {
    let (rest, build) = match text.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (text, None),
    };
    let (numbers, pre) = match rest.split_once('-') {
        Some((numbers, pre)) => (numbers, Some(pre)),
        None => (rest, None),
    };
    if text.is_empty() {
        return Err("it is empty".into());
    }
    let numbers: Vec<&str> = numbers.split('.').collect();
    if !numbers.iter().all(|number| is_number(number)) {
        return Err("its numbers are not numbers between dots".into());
    }
    for (part, name) in [(pre, "pre-release"), (build, "build")] {
        let identifier =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !part.is_none_or(|part| part.split('.').all(identifier)) {
            return Err(format!("its {name} is not letters, digits and hyphens between dots").into());
        }
    }
    Ok(Split { numbers, pre, build })
}

/// Whether no number begins with a zero that means nothing.
fn is_strict(split: &Split<'_>) -> bool {
    let padded = |number: &str| number.len() > 1 && number.starts_with('0') && is_number(number);
    !split.numbers.iter().copied().any(padded) && !split.pre.is_some_and(|pre| pre.split('.').any(padded))
}

impl<'a> Semantic<'a> {
    fn new(split: &Split<'a>) -> Self {
        Self {
            numbers: significant(split.numbers.iter().copied()),
            release: split.pre.is_none(),
            pre: split.pre.map(Identifier::list).unwrap_or_default(),
            build: Vec::new(),
        }
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        push_numbers(&self.numbers, key);
        key.push(if self.release { RELEASE } else { PRE_RELEASE });
        if !self.release {
            Identifier::push_list(&self.pre, key);
        }
    }
}

/// A version of a Go module: `golang.org/x/mod/semver`, also without the `v` that advisories leave out.
#[derive(Debug)]
pub(super) struct Go<'a>(Semantic<'a>);

impl<'a> Version<'a> for Go<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let split = split(text.strip_prefix('v').unwrap_or(text))?;
        if split.numbers.len() > 3 || split.numbers.len() < 3 && (split.pre.is_some() || split.build.is_some()) {
            return Err("it has not three numbers".into());
        }
        if !is_strict(&split) {
            return Err("a number begins with a zero".into());
        }
        Ok(Self(Semantic::new(&split)))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        self.0.push_key(key);
    }

    fn repair(text: &str) -> Option<String> {
        loosened(text)
    }
}

/// A version of a Rust crate: Semantic Versioning, with nothing in front.
#[derive(Debug)]
pub(super) struct Cargo(Semver);

impl Version<'_> for Cargo {
    fn parse(text: &str) -> Result<Self, Reason> {
        if !text.starts_with(|first: char| first.is_ascii_digit()) || text.ends_with(char::is_whitespace) {
            return Err("it does not begin and end as a version does".into());
        }
        Semver::parse(text).map(Self)
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

/// A version of an Erlang or Elixir package: Elixir's `Version`, which is strict.
#[derive(Debug)]
pub(super) struct Hex<'a>(Semantic<'a>);

impl<'a> Version<'a> for Hex<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let split = split(text)?;
        if split.numbers.len() != 3 {
            return Err("it has not three numbers".into());
        }
        if !is_strict(&split) {
            return Err("a number begins with a zero".into());
        }
        Ok(Self(Semantic::new(&split)))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        self.0.push_key(key);
    }

    fn repair(text: &str) -> Option<String> {
        loosened(text)
    }
}

/// A version of a Dart package, as `Version.compareTo` orders it: builds are compared as well.
///
/// Shorter and longer forms than three numbers are taken, and a `v` in front. `0` alone is the beginning of all ranges
/// and so comes before every version.
#[derive(Debug)]
pub(super) struct Dart<'a>(Option<Semantic<'a>>);

impl<'a> Version<'a> for Dart<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        if text == "0" {
            return Ok(Self(None));
        }
        let split = split(text.strip_prefix('v').unwrap_or(text))?;
        let mut version = Semantic::new(&split);
        version.build = split.build.map(Identifier::list).unwrap_or_default();
        Ok(Self(Some(version)))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        key.push(u8::from(self.0.is_some()));
        if let Some(version) = &self.0 {
            version.push_key(key);
            Identifier::push_list(&version.build, key);
        }
    }
}

/// A version of a Dart package, as `Version.prioritize` orders it when pub chooses one: every pre-release comes before
/// every release. Advisories do not mean this order, but that of [`Dart`].
#[derive(Debug)]
pub(super) struct Pub<'a>(Dart<'a>);

impl Pub<'_> {
    fn is_release(&self) -> bool {
        self.0.0.as_ref().is_some_and(|version| version.release)
    }
}

impl<'a> Version<'a> for Pub<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        Dart::parse(text).map(Self)
    }

    fn order(&self, other: &Self) -> Ordering {
        self.is_release()
            .cmp(&other.is_release())
            .then_with(|| self.0.order(&other.0))
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        key.push(u8::from(self.is_release()));
        self.0.push_key(key);
    }
}

/// A version of a .NET package: up to four numbers, capitals do not count.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NuGet<'a> {
    /// `0` alone, the beginning of all ranges.
    Beginning,
    /// What NuGet reads, and the build of a pre-release of three numbers: those tell them apart.
    Version(SemanticOf<'a>),
    /// `1.4.0rc3`, of the time before pre-releases had a hyphen, is after all others.
    Legacy(Vec<Decimal<'a>>, String),
}

/// Keeps the parts of a NuGet version private to this file.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SemanticOf<'a>(Semantic<'a>);

impl<'a> Version<'a> for NuGet<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let text = text.trim();
        if text == "0" {
            return Ok(Self::Beginning);
        }
        let split = match split(text) {
            Ok(split) => split,
            Err(reason) => return legacy(text).ok_or(reason),
        };
        if split.numbers.len() > 4 {
            return Err("it has more than four numbers".into());
        }
        let mut version = Semantic::new(&split);
        if split.numbers.len() == 3 && split.pre.is_some() {
            version.build = split.build.map(Identifier::list).unwrap_or_default();
        }
        for identifier in version.pre.iter_mut().chain(&mut version.build) {
            if let Identifier::Word(word) = identifier
                && word.bytes().any(|byte| byte.is_ascii_uppercase())
            {
                *word = Cow::Owned(word.to_ascii_lowercase());
            }
        }
        Ok(Self::Version(SemanticOf(version)))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        match self {
            Self::Beginning => key.push(0),
            Self::Version(SemanticOf(version)) => {
                key.push(1);
                version.push_key(key);
                Identifier::push_list(&version.build, key);
            }
            Self::Legacy(numbers, word) => {
                key.push(2);
                push_numbers(numbers, key);
                super::key::push_text(key, word.as_bytes());
            }
        }
    }
}

fn legacy(text: &str) -> Option<NuGet<'_>> {
    let letters = text.find(|letter: char| letter != '.' && !letter.is_ascii_digit())?;
    let (numbers, word) = text.split_at_checked(letters)?;
    let numbers: Vec<&str> = numbers.split('.').collect();
    let valid = (1..=4).contains(&numbers.len())
        && numbers.iter().all(|number| is_number(number))
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    valid.then(|| NuGet::Legacy(significant(numbers.into_iter()), word.to_ascii_lowercase()))
}

/// A version of a Bitnami component: `-N` after the numbers is the revision of the build and no pre-release.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bitnami<'a> {
    version: SemanticOf<'a>,
    revision: Decimal<'a>,
}

impl<'a> Version<'a> for Bitnami<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let text = text.trim();
        let mut split = split(text.strip_prefix('v').unwrap_or(text))?;
        let revision = match split.pre {
            // `-0` in advisories is SemVer's earliest pre-release, and no revision is 0.
            Some(pre) if is_number(pre) && !Decimal(pre).is_zero() => {
                split.pre = None;
                pre
            }
            _ => "",
        };
        Ok(Self {
            version: SemanticOf(Semantic::new(&split)),
            revision: Decimal(revision),
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        self.version.0.push_key(key);
        self.revision.push_key(key);
    }

    fn repair(text: &str) -> Option<String> {
        loosened(text)
    }
}

/// A version of a Bitnami component without its revision, where the other version has none.
pub(super) fn without_revision<'a>(version: &'a str, other: &str) -> &'a str {
    let revision = |text: &'a str| text.rsplit_once('-').filter(|(_, end)| is_number(end));
    let other_has = other.rsplit_once('-').is_some_and(|(_, end)| is_number(end));
    match revision(version) {
        Some((base, _)) if !other_has => base,
        _ => version,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;

    #[test]
    fn each_relative_has_its_own_grammar() {
        let valid = [
            (Scheme::Go, "v1.2.3", true),
            (Scheme::Go, "v1", true),
            (Scheme::Go, "v1.2", true),
            (Scheme::Go, "v1.2-rc1", false),
            (Scheme::Go, "v1.02.3", false),
            (Scheme::Go, "v1.2.3.4", false),
            (Scheme::Go, "v99999999999999999999.0.0", true),
            (Scheme::Cargo, "1.2.3-alpha.1+b", true),
            (Scheme::Cargo, "v1.2.3", false),
            (Scheme::Cargo, "1.2", false),
            (Scheme::Hex, "1.2.3", true),
            (Scheme::Hex, "1.2", false),
            (Scheme::Hex, "v1.2.3", false),
            (Scheme::Hex, "1.2.3-01", false),
            (Scheme::Pub, "1.02.3", true),
            (Scheme::Pub, "1.2.3-", false),
            (Scheme::NuGet, "1.2.3.4", true),
            (Scheme::NuGet, "1.2.3.4.5", false),
            (Scheme::NuGet, "latest", false),
            (Scheme::Bitnami, "1.2.3-4", true),
        ];
        for (scheme, text, expected) in valid {
            assert_eq!(scheme.check(text).is_ok(), expected, "{scheme} {text}");
        }
    }

    #[test]
    fn revisions_of_bitnami_are_no_pre_releases() {
        let ascending = [
            "1.2.3-0",
            "1.2.3-rc1",
            "1.2.3",
            "1.2.3-1",
            "1.2.3-2",
            "1.2.3-10",
            "1.2.4-1",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(
                Scheme::Bitnami.compare(pair[0], pair[1]),
                Ok(std::cmp::Ordering::Less),
                "{pair:?}"
            );
        }
    }
}
