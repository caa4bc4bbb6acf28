//! One installed package.

use crate::Digest;
use serde::{Deserialize, Serialize};

/// Where a package comes from: the purl type, and with it the rules for names and versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the package managers' own")]
pub enum Ecosystem {
    Apk,
    Deb,
    Rpm,
    Npm,
    PyPi,
    Maven,
    Opkg,
    Alpm,
    Ebuild,
    Nix,
    Snap,
    Go,
    Cargo,
    Gem,
    Composer,
    NuGet,
    Hex,
    Pub,
    Swift,
    CocoaPods,
    Conan,
    Conda,
    Cran,
    Hackage,
    LuaRocks,
    Julia,
    Opam,
    Otp,
    Pear,
    Bitnami,
    WordPress,
    /// A program without a package manager, known by what its binary says of itself.
    Generic,
}

impl Ecosystem {
    /// The type in a package URL.
    pub const fn purl_type(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Npm => "npm",
            Self::PyPi => "pypi",
            Self::Maven => "maven",
            Self::Opkg => "opkg",
            Self::Alpm => "alpm",
            Self::Ebuild => "ebuild",
            Self::Nix => "nix",
            Self::Snap => "snap",
            Self::Go => "golang",
            Self::Cargo => "cargo",
            Self::Gem => "gem",
            Self::Composer => "composer",
            Self::NuGet => "nuget",
            Self::Hex => "hex",
            Self::Pub => "pub",
            Self::Swift => "swift",
            Self::CocoaPods => "cocoapods",
            Self::Conan => "conan",
            Self::Conda => "conda",
            Self::Cran => "cran",
            Self::Hackage => "hackage",
            Self::LuaRocks => "luarocks",
            Self::Julia => "julia",
            Self::Opam => "opam",
            Self::Otp => "otp",
            Self::Pear => "pear",
            Self::Bitnami => "bitnami",
            // The purl specification has no type for plugins of WordPress.
            Self::WordPress | Self::Generic => "generic",
        }
    }

    /// Every ecosystem.
    pub const ALL: [Self; 32] = [
        Self::Apk,
        Self::Deb,
        Self::Rpm,
        Self::Npm,
        Self::PyPi,
        Self::Maven,
        Self::Opkg,
        Self::Alpm,
        Self::Ebuild,
        Self::Nix,
        Self::Snap,
        Self::Go,
        Self::Cargo,
        Self::Gem,
        Self::Composer,
        Self::NuGet,
        Self::Hex,
        Self::Pub,
        Self::Swift,
        Self::CocoaPods,
        Self::Conan,
        Self::Conda,
        Self::Cran,
        Self::Hackage,
        Self::LuaRocks,
        Self::Julia,
        Self::Opam,
        Self::Otp,
        Self::Pear,
        Self::Bitnami,
        Self::WordPress,
        Self::Generic,
    ];

    /// The ecosystem with this type in a package URL.
    pub fn from_purl_type(kind: &str) -> Option<Self> {
        if kind.eq_ignore_ascii_case("generic") {
            return Some(Self::Generic);
        }
        let mut all = Self::ALL.into_iter();
        all.find(|ecosystem| ecosystem.purl_type().eq_ignore_ascii_case(kind))
    }

    /// Whether packages of it belong to the distribution or to a language.
    pub const fn class(self) -> PackageClass {
        match self {
            Self::Apk | Self::Deb | Self::Rpm | Self::Opkg | Self::Alpm | Self::Ebuild | Self::Nix | Self::Snap => {
                PackageClass::Os
            }
            Self::Npm
            | Self::PyPi
            | Self::Maven
            | Self::Go
            | Self::Cargo
            | Self::Gem
            | Self::Composer
            | Self::NuGet
            | Self::Hex
            | Self::Pub
            | Self::Swift
            | Self::CocoaPods
            | Self::Conan
            | Self::Conda
            | Self::Cran
            | Self::Hackage
            | Self::LuaRocks
            | Self::Julia
            | Self::Opam
            | Self::Otp
            | Self::Pear
            | Self::Bitnami
            | Self::WordPress
            | Self::Generic => PackageClass::Language,
        }
    }
}

/// Distribution packages and language packages are listed, matched and reported apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageClass {
    /// Installed by the distribution's package manager.
    Os,
    /// Installed by a language's package manager.
    Language,
}

/// What a package is to the project that declares it, as far as its lock file or manifest says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relationship {
    /// Nothing says.
    #[default]
    Unknown,
    /// The project itself.
    Root,
    /// A member of the project's workspace.
    Workspace,
    /// The project asks for it.
    Direct,
    /// Another dependency asks for it.
    Indirect,
}

impl Relationship {
    /// Whether nothing says what it is.
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Whether it is the project's own code, and no dependency.
    pub const fn is_own(self) -> bool {
        matches!(self, Self::Root | Self::Workspace)
    }
}

/// The layer that brought a package in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LayerRef {
    /// Digest of the blob as it was stored (compressed or not).
    pub digest: Option<Digest>,
    /// Digest of the uncompressed layer, from the image config.
    pub diff_id: Option<Digest>,
}

/// One installed package, as its package manager's database or metadata file describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The purl type and the rules that go with it.
    pub ecosystem: Ecosystem,
    /// The name as written.
    pub name: String,
    /// The whole version in the package manager's own notation: `[epoch:]version[-release]`.
    pub version: String,
    /// The architecture as the package manager writes it, empty where it has none.
    pub arch: String,
    /// Source package, origin or source rpm's name; the name itself where the database has none.
    pub source_name: String,
    /// The source package's whole version; the version itself where the database has none.
    pub source_version: String,
    /// The file that says so, relative to the root, without a leading slash.
    pub path: String,
    /// The layer in which this version of the package first appeared.
    pub layer: Option<LayerRef>,
    /// Licences as written.
    pub licenses: Vec<String>,
    /// Maintainer (dpkg, apk) or vendor (rpm).
    pub maintainer: String,
    /// rpm's MODULARITYLABEL: `name:stream:version:context`, empty outside modules.
    pub modularity_label: String,
    /// Names of the packages it depends on, as far as the database says.
    pub depends_on: Vec<String>,
    /// Name of the distribution package that owns the file at `path`: its advisories hold, not the language's.
    pub owned_by: Option<String>,
    /// Whether it is only used for development (lock files).
    pub dev: bool,
    /// What it is to the project that declares it.
    #[serde(default)]
    pub relationship: Relationship,
    /// The kind of lock file or manifest at `path` that declares it (`npm`, `gomod`, … as Trivy calls its types); `None` for
    /// what is installed.
    #[serde(default)]
    pub declared_by: Option<String>,
    /// Checksum of the package as its database states it, `sha1:<hex>`; empty where it has none.
    pub digest: String,
}

impl Package {
    /// A package of which only ecosystem, name, version and path are known.
    pub fn new(
        ecosystem: Ecosystem,
        name: impl Into<String>,
        version: impl Into<String>,
        path: impl Into<String>,
    ) -> Self {
        let name = name.into();
        let version = version.into();
        Self {
            ecosystem,
            source_name: name.clone(),
            source_version: version.clone(),
            name,
            version,
            arch: String::new(),
            path: path.into(),
            layer: None,
            licenses: Vec::new(),
            maintainer: String::new(),
            modularity_label: String::new(),
            depends_on: Vec::new(),
            owned_by: None,
            dev: false,
            relationship: Relationship::Unknown,
            declared_by: None,
            digest: String::new(),
        }
    }

    /// `name:stream` of the modularity label, by which Red Hat's family keys its modular advisories.
    pub fn module_stream(&self) -> Option<&str> {
        let label = self.modularity_label.as_str();
        let (end, _) = label.match_indices(':').nth(1).unwrap_or((label.len(), ""));
        label.get(..end).filter(|stream| stream.contains(':'))
    }
}

#[cfg(test)]
mod tests {
    use super::Ecosystem;

    #[test]
    fn every_ecosystem_is_found_by_its_purl_type() {
        for ecosystem in Ecosystem::ALL {
            let found = Ecosystem::from_purl_type(ecosystem.purl_type());
            let expected = if ecosystem == Ecosystem::WordPress {
                Ecosystem::Generic
            } else {
                ecosystem
            };
            assert_eq!(found, Some(expected));
        }
        assert_eq!(Ecosystem::from_purl_type("GOLANG"), Some(Ecosystem::Go));
        assert_eq!(Ecosystem::from_purl_type("docker"), None);
    }
}
