//! A component of a bill, whatever its format, and the package that it stands for.
//!
//! Where tools state a fact in different places all of them are asked: Trivy's properties, Syft's properties and purl
//! qualifiers, and our own.

use super::purl::PackageUrl;
use seaworthy_model::{Digest, Ecosystem, LayerRef, Package, PackageClass, Relationship};
use std::collections::BTreeMap;

/// What a component is, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    /// Something that can have vulnerabilities.
    #[default]
    Package,
    /// The distribution.
    System,
    /// An image, a directory, a file or a lock file: it holds packages and is none.
    Holder,
}

/// A component in the words that the formats share.
#[derive(Clone, Debug, Default)]
pub(super) struct Component {
    pub(super) role: Role,
    /// By which others refer to it.
    pub(super) reference: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) purl: String,
    pub(super) cpe: String,
    pub(super) supplier: String,
    pub(super) licenses: Vec<String>,
    /// `sha1:<hex>` or the like.
    pub(super) digest: String,
    /// Names with their prefixes (`aquasecurity:trivy:SrcName`) and values.
    pub(super) properties: BTreeMap<String, Vec<String>>,
    /// References of the components that it needs.
    pub(super) depends_on: Vec<String>,
}

/// Why a component is not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoPackage {
    /// It is none: an image, a file.
    Holder,
    /// Its package URL has a type that nothing here compares.
    UnknownType(String),
    /// It has neither a package URL nor a version.
    Nameless,
}

impl Component {
    pub(super) fn add_property(&mut self, name: &str, value: &str) {
        self.properties
            .entry(name.to_owned())
            .or_default()
            .push(value.to_owned());
    }

    /// The first value of a property, empty where there is none.
    pub(super) fn property(&self, name: &str) -> &str {
        self.properties(name).first().map_or("", String::as_str)
    }

    /// All values of a property.
    pub(super) fn properties(&self, name: &str) -> &[String] {
        self.properties.get(name).map_or(&[], Vec::as_slice)
    }

    fn trivy(&self, name: &str) -> &str {
        self.property(&format!("aquasecurity:trivy:{name}"))
    }

    fn own(&self, name: &str) -> &str {
        self.property(&format!("seaworthy:{name}"))
    }

    /// The package; `source` is the path of the bill, where the component states none of its own.
    pub(super) fn package(&self, source: &str) -> Result<Package, NoPackage> {
        if self.role != Role::Package {
            return Err(NoPackage::Holder);
        }
        if self.purl.is_empty() {
            return self.without_purl(source);
        }
        let Some(purl) = PackageUrl::parse(&self.purl) else {
            return self.without_purl(source);
        };
        let ecosystem = match (Ecosystem::from_purl_type(&purl.kind), purl.kind.as_str()) {
            (Some(ecosystem), _) => ecosystem,
            // Images and repositories.
            (None, "oci" | "docker" | "github" | "k8s")
                if !purl.qualifier("os_name").is_empty() || purl.kind != "github" =>
            {
                return Err(NoPackage::Holder);
            }
            (None, _) => return Err(NoPackage::UnknownType(purl.kind)),
        };
        let version = if purl.version.is_empty() {
            self.version.clone()
        } else {
            with_epoch(ecosystem, purl.qualifier("epoch"), &purl.version)
        };
        let mut package = Package::new(ecosystem, self.name_of(ecosystem, &purl), version, self.path(source));
        package.arch = purl.qualifier("arch").to_owned();
        package.modularity_label = first([
            purl.qualifier("modularitylabel"),
            self.trivy("Modularitylabel"),
            self.property("syft:metadata:modularityLabel"),
            purl.qualifier("rpmmod"),
        ]);
        self.fill(&mut package);
        if ecosystem.class() == PackageClass::Os {
            self.source(&mut package, &purl);
        }
        Ok(package)
    }

    /// A component that only says what it is called.
    fn without_purl(&self, source: &str) -> Result<Package, NoPackage> {
        // What has no version either is known by its CPE alone, where it has one.
        let name = if self.version.is_empty() && !self.cpe.is_empty() {
            &self.cpe
        } else {
            &self.name
        };
        if name.is_empty() {
            return Err(NoPackage::Nameless);
        }
        let mut package = Package::new(
            Ecosystem::Generic,
            name.clone(),
            self.version.clone(),
            self.path(source),
        );
        self.fill(&mut package);
        Ok(package)
    }

    /// The name as the ecosystem's advisories and our reports write it.
    fn name_of(&self, ecosystem: Ecosystem, purl: &PackageUrl) -> String {
        let joined = |separator: &str| match purl.namespace.as_str() {
            "" => purl.name.clone(),
            namespace => format!("{namespace}{separator}{}", purl.name),
        };
        let stated = match ecosystem {
            Ecosystem::Maven => return joined(":"),
            Ecosystem::Npm
            | Ecosystem::Go
            | Ecosystem::Composer
            | Ecosystem::Swift
            | Ecosystem::CocoaPods
            | Ecosystem::Hex
            | Ecosystem::Conda => joined("/"),
            Ecosystem::PyPi if normal(&self.name) == normal(&purl.name) => return self.name.clone(),
            _ => purl.name.clone(),
        };
        // A purl has some names in lower case, those of Go's modules too; the component as its author spells it.
        if self.name.eq_ignore_ascii_case(&stated) {
            self.name.clone()
        } else {
            stated
        }
    }

    fn path(&self, source: &str) -> String {
        let stated = first([self.trivy("FilePath"), self.property("syft:location:0:path")]);
        match stated.trim_start_matches('/') {
            "" => source.to_owned(),
            path => path.to_owned(),
        }
    }

    fn fill(&self, package: &mut Package) {
        package.licenses.clone_from(&self.licenses);
        package.maintainer.clone_from(&self.supplier);
        package.digest.clone_from(&self.digest);
        let digest =
            Digest::parse(first([self.trivy("LayerDigest"), self.property("syft:location:0:layerID")]).as_str());
        let diff_id = Digest::parse(self.trivy("LayerDiffID"));
        if digest.is_some() || diff_id.is_some() {
            package.layer = Some(LayerRef { digest, diff_id });
        }
        let optional = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        package.owned_by = optional(self.own("OwnedBy"));
        package.declared_by = optional(self.own("DeclaredBy"));
        package.dev = self.own("Dev") == "true" || self.property("cdx:npm:package:development") == "true";
        package.relationship = match self.own("Relationship") {
            "root" => Relationship::Root,
            "workspace" => Relationship::Workspace,
            "direct" => Relationship::Direct,
            "indirect" => Relationship::Indirect,
            _ => Relationship::Unknown,
        };
    }

    /// Source package and version, which most advisories of distributions name.
    fn source(&self, package: &mut Package, purl: &PackageUrl) {
        let name = first([
            self.trivy("SrcName"),
            self.property("syft:metadata:source"),
            self.property("syft:metadata:originPackage"),
        ]);
        let version = with_epoch(
            package.ecosystem,
            self.trivy("SrcEpoch"),
            &join_release(self.trivy("SrcVersion"), self.trivy("SrcRelease")),
        );
        let version = first([version.as_str(), self.property("syft:metadata:sourceVersion")]);
        let upstream = first([purl.qualifier("upstream"), self.property("syft:metadata:sourceRpm")]);
        let (upstream_name, upstream_version) = match upstream.strip_suffix(".src.rpm") {
            Some(rpm) => source_rpm(rpm, &package.version),
            None => match upstream.split_once('@') {
                Some((name, version)) => (name.to_owned(), version.to_owned()),
                None => (upstream, String::new()),
            },
        };
        let name = first([name.as_str(), upstream_name.as_str()]);
        let version = first([version.as_str(), upstream_version.as_str()]);
        if !name.is_empty() {
            package.source_name = name;
        }
        if !version.is_empty() {
            package.source_version = version;
        }
    }
}

/// The first text that is not empty.
fn first<const N: usize>(texts: [&str; N]) -> String {
    texts
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_default()
        .to_owned()
}

/// The name of a Python package as PEP 503 compares it.
fn normal(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}

fn join_release(version: &str, release: &str) -> String {
    if release.is_empty() {
        version.to_owned()
    } else {
        format!("{version}-{release}")
    }
}

/// The version with the epoch in front, where there is one and it is not there already.
fn with_epoch(ecosystem: Ecosystem, epoch: &str, version: &str) -> String {
    let takes_one = matches!(ecosystem, Ecosystem::Deb | Ecosystem::Rpm | Ecosystem::Alpm);
    if !takes_one || version.is_empty() || version.contains(':') || epoch.is_empty() || epoch == "0" {
        return version.to_owned();
    }
    format!("{epoch}:{version}")
}

/// Name and version of `name-version-release`; a source rpm states no epoch, which is then the package's own.
fn source_rpm(text: &str, package_version: &str) -> (String, String) {
    let Some((rest, release)) = text.rsplit_once('-') else {
        return (text.to_owned(), String::new());
    };
    let Some((name, version)) = rest.rsplit_once('-') else {
        return (rest.to_owned(), String::new());
    };
    let epoch = package_version.split_once(':').map_or("", |(epoch, _)| epoch);
    (
        name.to_owned(),
        with_epoch(Ecosystem::Rpm, epoch, &format!("{version}-{release}")),
    )
}

#[cfg(test)]
mod tests {
    use super::{Component, NoPackage};
    use seaworthy_model::Ecosystem;

    fn component(purl: &str, properties: &[(&str, &str)]) -> Component {
        let mut component = Component {
            purl: purl.to_owned(),
            ..Component::default()
        };
        for (name, value) in properties {
            component.add_property(name, value);
        }
        component
    }

    #[test]
    fn sources_are_found_wherever_a_tool_states_them() {
        for (purl, properties, version, source) in [
            (
                "pkg:rpm/centos/openssl-libs@1.0.2k-16.el7?arch=x86_64&epoch=1",
                &[
                    ("aquasecurity:trivy:SrcName", "openssl"),
                    ("aquasecurity:trivy:SrcVersion", "1.0.2k"),
                    ("aquasecurity:trivy:SrcRelease", "16.el7"),
                    ("aquasecurity:trivy:SrcEpoch", "1"),
                ][..],
                "1:1.0.2k-16.el7",
                ("openssl", "1:1.0.2k-16.el7"),
            ),
            (
                "pkg:rpm/redhat/openssl-libs@3.0.7-24.el9?epoch=1&upstream=openssl-3.0.7-24.el9.src.rpm",
                &[],
                "1:3.0.7-24.el9",
                ("openssl", "1:3.0.7-24.el9"),
            ),
            (
                "pkg:deb/debian/libssl3@3.0.11-1?upstream=openssl",
                &[],
                "3.0.11-1",
                ("openssl", "3.0.11-1"),
            ),
            (
                "pkg:deb/debian/gcc-12-base@12.2.0-14?upstream=gcc-12%4012.2.0-13",
                &[],
                "12.2.0-14",
                ("gcc-12", "12.2.0-13"),
            ),
            ("pkg:deb/debian/a@1%3A2-3", &[], "1:2-3", ("a", "1:2-3")),
            (
                "pkg:apk/alpine/libcrypto3@3.1.4-r1",
                &[("syft:metadata:originPackage", "openssl")],
                "3.1.4-r1",
                ("openssl", "3.1.4-r1"),
            ),
        ] {
            let package = component(purl, properties).package("bom.json").unwrap();
            assert_eq!(package.version, version, "{purl}");
            assert_eq!(
                (package.source_name.as_str(), package.source_version.as_str()),
                source,
                "{purl}"
            );
        }
    }

    #[test]
    fn names_are_those_of_the_ecosystem() {
        for (purl, ecosystem, name) in [
            (
                "pkg:maven/org.slf4j/slf4j-api@1",
                Ecosystem::Maven,
                "org.slf4j:slf4j-api",
            ),
            ("pkg:npm/%40a/b@1", Ecosystem::Npm, "@a/b"),
            ("pkg:golang/github.com/a/b@v1", Ecosystem::Go, "github.com/a/b"),
            ("pkg:composer/a/b@1", Ecosystem::Composer, "a/b"),
            (
                "pkg:generic/some_company/flatbuffers@1",
                Ecosystem::Generic,
                "flatbuffers",
            ),
            ("pkg:deb/debian/a@1", Ecosystem::Deb, "a"),
        ] {
            let package = component(purl, &[]).package("bom.json").unwrap();
            assert_eq!((package.ecosystem, package.name.as_str()), (ecosystem, name));
            assert_eq!(package.path, "bom.json");
        }
    }

    #[test]
    fn capitals_that_a_purl_loses_are_those_of_the_component() {
        let purl = "pkg:golang/github.com/masterminds/semver/v3@v3.1.1";
        for (name, expected) in [
            ("github.com/Masterminds/semver/v3", "github.com/Masterminds/semver/v3"),
            ("semver", "github.com/masterminds/semver/v3"),
        ] {
            let mut component = component(purl, &[]);
            component.name = name.to_owned();
            assert_eq!(component.package("bom.json").unwrap().name, expected);
        }
    }

    #[test]
    fn what_is_no_package_is_not_listed() {
        assert_eq!(
            component("pkg:oci/x@sha256:00", &[]).package(""),
            Err(NoPackage::Holder)
        );
        assert_eq!(
            component("pkg:huggingface/x@1", &[]).package(""),
            Err(NoPackage::UnknownType("huggingface".into()))
        );
        assert_eq!(component("", &[]).package(""), Err(NoPackage::Nameless));
    }
}
