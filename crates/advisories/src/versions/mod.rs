//! Version schemes: one file per package manager, one [`Scheme`] for all of them.
//!
//! A scheme is a type that parses a version or says what is wrong with it, orders two of them and writes one as bytes
//! that sort the same way. Adding one is a file and a line in the `schemes!` table below.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use seaworthy_model::limits;

mod apk;
mod conan;
pub mod constraint;
mod deb;
mod fallback;
mod gem;
mod integers;
mod jvm;
mod key;
mod maven;
mod npm;
mod pacman;
mod pep440;
mod php;
mod pieces;
mod portage;
mod rpm;
mod semantic;
mod semver;

/// Why a version is not one of its scheme.
type Reason = Cow<'static, str>;

/// What a scheme is: a parsed version, borrowed from its text.
trait Version<'a>: Sized {
    /// Reads a version that has at most [`limits::VERSION_BYTES`] bytes.
    fn parse(text: &'a str) -> Result<Self, Reason>;
    /// The scheme's order, which is total among the versions that have a key.
    fn order(&self, other: &Self) -> Ordering;
    /// Whether the order has a place for it. Only Maven knows versions that are before and after the same others.
    fn has_key(&self) -> bool {
        true
    }
    /// Appends a key: keys sort as bytes like [`Version::order`] says, and none is the beginning of a greater one.
    fn push_key(&self, key: &mut Vec<u8>);
    /// The valid version that is surely meant by an invalid one.
    fn repair(_text: &str) -> Option<String> {
        None
    }
}

/// The table of schemes: doc, variant, name, parsed version.
macro_rules! schemes {
    ($($(#[$doc:meta])* $variant:ident $name:literal $version:ty;)*) => {
        /// How a kind of package orders its versions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Scheme {
            $($(#[$doc])* $variant,)*
        }

        impl Scheme {
            /// Every scheme, by name.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name on the command line and in the advisory file.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Whether `version` is a version of this scheme.
            pub fn check(self, version: &str) -> Result<(), BadVersion> {
                match self {
                    $(Self::$variant => self.parse::<$version>(version).map(|_| ()),)*
                }
            }

            /// Orders two versions; the mirrored question has the mirrored answer, and fails likewise.
            pub fn compare(self, a: &str, b: &str) -> Result<Ordering, BadVersion> {
                match self {
                    $(Self::$variant => {
                        let (a, b) = (self.parse::<$version>(a)?, self.parse::<$version>(b)?);
                        Ok(a.order(&b))
                    })*
                }
            }

            /// Bytes that sort among the keys of the same scheme as [`Scheme::compare`] orders the versions; `None` where
            /// the scheme's order contradicts itself, which only Maven's does.
            pub fn sort_key(self, version: &str) -> Result<Option<Vec<u8>>, BadVersion> {
                let mut key = Vec::with_capacity(version.len().min(limits::VERSION_BYTES).saturating_mul(2));
                match self {
                    $(Self::$variant => {
                        let version = self.parse::<$version>(version)?;
                        if !version.has_key() {
                            return Ok(None);
                        }
                        version.push_key(&mut key);
                    })*
                }
                Ok(Some(key))
            }

            /// The valid version that is surely meant by an invalid one.
            pub(crate) fn repair(self, version: &str) -> Option<String> {
                match self {
                    $(Self::$variant => <$version>::repair(version),)*
                }
            }
        }
    };
}

schemes! {
    /// Alpine and Wolfi: apk-tools 3.
    Apk "apk" apk::Apk<'_>;
    /// Bitnami's components: Semantic Versioning with a revision.
    Bitnami "bitnami" semantic::Bitnami<'_>;
    /// Rust crates: Semantic Versioning.
    Cargo "cargo" semantic::Cargo;
    /// PHP packages: Composer's comparator.
    Composer "composer" php::Composer<'_>;
    /// C and C++ packages: Conan 2.
    Conan "conan" conan::Conan<'_>;
    /// R packages.
    Cran "cran" integers::Cran<'_>;
    /// Dart packages, as advisories mean their order.
    Dart "dart" semantic::Dart<'_>;
    /// Debian and Ubuntu: dpkg.
    Deb "deb" deb::Deb<'_>;
    /// Ruby: RubyGems.
    Gem "gem" gem::Gem<'_>;
    /// Go modules.
    Go "go" semantic::Go<'_>;
    /// Haskell packages.
    Hackage "hackage" integers::Hackage<'_>;
    /// Erlang and Elixir packages.
    Hex "hex" semantic::Hex<'_>;
    /// Java runtimes.
    Jvm "jvm" jvm::Jvm<'_>;
    /// Java: Maven 3.
    Maven "maven" maven::Maven<'_>;
    /// npm: node-semver, strict.
    Npm "npm" npm::Npm;
    /// .NET packages.
    NuGet "nuget" semantic::NuGet<'_>;
    /// PHP packages, as OSV orders them.
    Packagist "packagist" php::Packagist<'_>;
    /// Arch Linux: libalpm.
    Pacman "pacman" pacman::Pacman<'_>;
    /// Python: PEP 440.
    Pep440 "pep440" pep440::Pep440;
    /// PHP packages, as Composer resolves them: normalised first.
    Php "php" php::Normalized<'_>;
    /// Gentoo: portage.
    Portage "portage" portage::Portage<'_>;
    /// Dart packages, as pub prefers them: pre-releases last.
    Pub "pub" semantic::Pub<'_>;
    /// Red Hat, SUSE, Amazon and others: epoch, version and release of rpm.
    Rpm "rpm" rpm::Rpm<'_>;
    /// Semantic Versioning 2.0.
    Semver "semver" semver::Semver;
}

impl Scheme {
    fn parse<'a, V: Version<'a>>(self, text: &'a str) -> Result<V, BadVersion> {
        if text.len() > limits::VERSION_BYTES {
            let reason = format!("it has {} bytes, more than {}", text.len(), limits::VERSION_BYTES);
            return Err(BadVersion::new(self, text, reason.into()));
        }
        V::parse(text).map_err(|reason| BadVersion::new(self, text, reason))
    }

    /// An installed version as it is compared with a bound of an advisory: without the revision of Bitnami's build where
    /// the bound, which is the program's own version, has none.
    pub(crate) fn against<'a>(self, version: &'a str, bound: &str) -> &'a str {
        match self {
            Self::Bitnami => semantic::without_revision(version, bound),
            _ => version,
        }
    }

    /// Orders any two texts: valid versions as [`Scheme::compare`] does, invalid ones where they most likely belong.
    ///
    /// The order is total and has no gaps (but for versions without a [`Scheme::sort_key`]), so that a search in a
    /// sorted list stays right; whoever uses it for a version that does not pass [`Scheme::check`] must mark the result
    /// as uncertain. An invalid version sorts directly after the longest valid version that it begins with, and one that
    /// begins with none sorts after everything else.
    pub fn order_or_fallback(self, a: &str, b: &str) -> Ordering {
        self.compare(a, b)
            .unwrap_or_else(|_| fallback::Place::find(self, a).cmp(&fallback::Place::find(self, b)))
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Scheme {
    type Err = UnknownScheme;

    fn from_str(name: &str) -> Result<Self, UnknownScheme> {
        Self::ALL
            .iter()
            .copied()
            .find(|scheme| scheme.name() == name)
            .ok_or_else(|| UnknownScheme { name: shorten(name) })
    }
}

/// A version that does not follow its scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {scheme} version {version:?}: {reason}")]
pub struct BadVersion {
    /// The scheme it should follow.
    pub scheme: Scheme,
    /// The version, shortened when it is long.
    pub version: String,
    /// What is wrong with it.
    pub reason: Cow<'static, str>,
}

impl BadVersion {
    fn new(scheme: Scheme, version: &str, reason: Reason) -> Self {
        Self {
            scheme,
            version: shorten(version),
            reason,
        }
    }
}

/// A scheme that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown version scheme {name:?}, known are {}", known())]
pub struct UnknownScheme {
    /// The name that was asked for, shortened when it is long.
    pub name: String,
}

fn known() -> String {
    Scheme::ALL
        .iter()
        .map(|scheme| scheme.name())
        .collect::<Vec<_>>()
        .join(", ")
}

/// At most [`limits::SHOWN_NAME_BYTES`] of a text that may be hostile.
fn shorten(text: &str) -> String {
    if text.len() <= limits::SHOWN_NAME_BYTES {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limits::SHOWN_NAME_BYTES);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// Splits off the longest beginning whose bytes all satisfy `wanted`, which holds for ASCII only.
fn split_while(text: &str, wanted: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().take_while(|byte| byte.is_ascii() && wanted(*byte)).count();
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_found_by_its_name_only() {
        for scheme in Scheme::ALL {
            assert_eq!(scheme.name().parse(), Ok(*scheme));
        }
        let error = "rpm5".parse::<Scheme>().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown version scheme \"rpm5\", known are apk, bitnami, cargo, composer, conan, cran, dart, deb, gem, go, hackage, hex, jvm, maven, npm, nuget, \
             packagist, pacman, pep440, php, portage, pub, rpm, semver"
        );
    }

    #[test]
    fn a_message_names_scheme_version_and_reason() {
        let error = Scheme::Apk.check("1.8.31p1-r1").unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid apk version \"1.8.31p1-r1\": unexpected \"1-r1\""
        );
    }

    #[test]
    fn a_long_version_is_refused_and_shortened() {
        for scheme in Scheme::ALL {
            let long = format!("1.{}", "ä2.".repeat(400_000));
            let error = scheme.compare("1.2.3", &long).unwrap_err();
            assert!(error.reason.contains("more than 1024"), "{error}");
            assert!(error.to_string().len() < 400, "{error}");
            assert!(scheme.check(&"1".repeat(limits::VERSION_BYTES + 1)).is_err());
        }
    }
}
