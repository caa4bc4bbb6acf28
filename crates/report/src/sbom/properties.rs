//! Facts that the formats have no field for, as named properties: Trivy's names where it has one, ours beyond.

use crate::{identity, problems};
use seaworthy_model::{Distribution, Effect, Package, PackageClass, Relationship, ScanReport};
use std::borrow::Cow;

/// Whose name a property has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// `aquasecurity:trivy:`, which Trivy's readers know.
    Trivy,
    /// `seaworthy:`.
    Seaworthy,
}

impl Scope {
    /// The prefix in CycloneDX.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Trivy => "aquasecurity:trivy:",
            Self::Seaworthy => "seaworthy:",
        }
    }
}

/// A named fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Property<'a> {
    pub(crate) scope: Scope,
    pub(crate) name: &'static str,
    pub(crate) value: Cow<'a, str>,
}

/// Properties under construction; what is empty is left out.
#[derive(Default)]
struct Properties<'a>(Vec<Property<'a>>);

impl<'a> Properties<'a> {
    fn trivy(&mut self, name: &'static str, value: impl Into<Cow<'a, str>>) {
        self.add(Scope::Trivy, name, value.into());
    }

    fn own(&mut self, name: &'static str, value: impl Into<Cow<'a, str>>) {
        self.add(Scope::Seaworthy, name, value.into());
    }

    fn add(&mut self, scope: Scope, name: &'static str, value: Cow<'a, str>) {
        if !value.is_empty() {
            self.0.push(Property { scope, name, value });
        }
    }
}

/// What is said of the scanned thing.
pub(super) fn of_subject(report: &ScanReport) -> Vec<Property<'_>> {
    let mut properties = Properties::default();
    properties.trivy("SchemaVersion", "2");
    if let Some(image) = &report.image {
        if let Some(id) = image.image_id {
            properties.trivy("ImageID", id.to_string());
        }
        for diff_id in image.layers.iter().filter_map(|layer| layer.diff_id) {
            properties.trivy("DiffID", diff_id.to_string());
        }
        for tag in &image.repo_tags {
            properties.trivy("RepoTag", tag.as_str());
        }
        for digest in &image.repo_digests {
            properties.trivy("RepoDigest", digest.as_str());
        }
        if let Some(tag) = image.repo_tags.first() {
            properties.trivy("Reference", tag.as_str());
        }
        let size: u64 = report.inventory.layer_sizes.iter().sum();
        if size > 0 {
            properties.trivy("Size", size.to_string());
        }
    }
    // A list that is not whole says so: its readers cannot look at the image again.
    for problem in &report.inventory.problems {
        match problem.effect {
            Effect::Incomplete => properties.own("Incomplete", problem.what.as_str()),
            Effect::Uncertain => properties.own("Uncertain", problem.what.as_str()),
            Effect::Note => {}
        }
    }
    if let Some(text) = problems::end_of_life(report) {
        properties.own("EndOfLife", text);
    }
    properties.own("DatabaseBuiltAt", report.database.built_at.as_str());
    properties.0
}

/// What is said of the distribution: beside its name and version, all that decides which advisories hold.
pub(super) fn of_system(distribution: &Distribution) -> Vec<Property<'_>> {
    let mut properties = Properties::default();
    properties.trivy("Class", "os-pkgs");
    properties.trivy("Type", identity::family_name(distribution));
    properties.own("ID", distribution.id.as_str());
    if let Some(repository) = &distribution.repository {
        properties.own("Repository", repository.as_str());
    }
    for (name, values) in [
        ("Channel", &distribution.channels),
        ("IDLike", &distribution.id_like),
        ("ContentSet", &distribution.content_sets),
    ] {
        for value in values {
            properties.own(name, value.as_str());
        }
    }
    if let Some(cpe) = &distribution.cpe_name {
        properties.own("CPEName", cpe.as_str());
    }
    properties.0
}

/// What is said of a file that declares packages.
pub(super) fn of_application(kind: &str) -> Vec<Property<'static>> {
    let mut properties = Properties::default();
    properties.trivy("Class", "lang-pkgs");
    properties.trivy("Type", kind.to_owned());
    properties.0
}

/// What is said of a package; `kind` is the type of its group.
pub(super) fn of_package<'a>(package: &'a Package, kind: &str) -> Vec<Property<'a>> {
    let mut properties = Properties::default();
    properties.trivy("PkgID", identity::package_id(package));
    properties.trivy("PkgType", kind.to_owned());
    if package.ecosystem.class() == PackageClass::Os {
        let source = identity::version_parts(package.ecosystem, &package.source_version);
        properties.trivy("SrcName", package.source_name.as_str());
        properties.trivy("SrcVersion", source.version);
        properties.trivy("SrcRelease", source.release);
        if source.epoch != 0 {
            properties.trivy("SrcEpoch", source.epoch.to_string());
        }
    } else {
        properties.trivy("FilePath", package.path.as_str());
    }
    properties.trivy("Modularitylabel", package.modularity_label.as_str());
    if let Some(layer) = package.layer {
        if let Some(digest) = layer.digest {
            properties.trivy("LayerDigest", digest.to_string());
        }
        if let Some(diff_id) = layer.diff_id {
            properties.trivy("LayerDiffID", diff_id.to_string());
        }
    }
    if let Some(owner) = &package.owned_by {
        properties.own("OwnedBy", owner.as_str());
    }
    if let Some(kind) = &package.declared_by {
        properties.own("DeclaredBy", kind.as_str());
    }
    let relationship = match package.relationship {
        Relationship::Unknown => "",
        Relationship::Root => "root",
        Relationship::Workspace => "workspace",
        Relationship::Direct => "direct",
        Relationship::Indirect => "indirect",
    };
    properties.own("Relationship", relationship);
    if package.dev {
        properties.own("Dev", "true");
    }
    properties.0
}
