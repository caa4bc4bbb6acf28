//! One entry of `Results[].Packages`, and what findings say of their package.

use crate::identity;
use crate::result::ResultGroup;
use seaworthy_model::{Digest, Ecosystem, Package, PackageClass, Relationship, ScanReport};
use serde::Serialize;
use std::collections::HashMap;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PackageEntry<'a> {
    #[serde(rename = "ID")]
    id: String,
    name: &'a str,
    identifier: Identifier,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    release: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    epoch: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    arch: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dev: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    src_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    src_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    src_release: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    src_epoch: u64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    licenses: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    maintainer: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    modularitylabel: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    indirect: bool,
    #[serde(skip_serializing_if = "Relationship::is_unknown")]
    relationship: Relationship,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<&'a str>,
    #[serde(skip_serializing_if = "Layer::is_empty")]
    layer: Layer,
    #[serde(skip_serializing_if = "str::is_empty")]
    file_path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    digest: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    analyzed_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seaworthy: Option<Own<'a>>,
}

/// What Seaworthy knows beyond Trivy's fields.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Own<'a> {
    owned_by: &'a str,
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The ids of a group's packages by name, as dependencies name them.
pub(super) fn ids<'a>(group: &ResultGroup<'a>) -> HashMap<&'a str, String> {
    let mut ids = HashMap::new();
    for package in &group.packages {
        ids.entry(package.name.as_str())
            .or_insert_with(|| identity::package_id(package));
    }
    ids
}

impl<'a> PackageEntry<'a> {
    pub(super) fn of(
        report: &ScanReport,
        group: &'a ResultGroup<'a>,
        ids: &'a HashMap<&'a str, String>,
        package: &'a Package,
    ) -> Self {
        let version = identity::version_parts(package.ecosystem, &package.version);
        let os = group.class == PackageClass::Os;
        let source = if os {
            identity::version_parts(package.ecosystem, &package.source_version)
        } else {
            identity::VersionParts::default()
        };
        let depends = package.depends_on.iter();
        Self {
            id: identity::package_id(package),
            name: &package.name,
            identifier: Identifier::of(report, package),
            version: version.version,
            release: version.release,
            epoch: version.epoch,
            arch: &package.arch,
            dev: package.dev,
            src_name: if os { &package.source_name } else { "" },
            src_version: source.version,
            src_release: source.release,
            src_epoch: source.epoch,
            licenses: &package.licenses,
            maintainer: &package.maintainer,
            modularitylabel: &package.modularity_label,
            indirect: package.relationship == Relationship::Indirect,
            relationship: package.relationship,
            depends_on: depends
                .filter_map(|name| ids.get(name.as_str()).map(String::as_str))
                .collect(),
            layer: Layer::of(package),
            // The path of a distribution package is its database, which Trivy does not state.
            file_path: if os { "" } else { &package.path },
            digest: &package.digest,
            analyzed_by: analyzer(package, &group.kind),
            seaworthy: package.owned_by.as_deref().map(|owned_by| Own { owned_by }),
        }
    }
}

/// The analyzer's name in Trivy's reports: the database's for distributions, the package type for languages.
fn analyzer<'a>(package: &Package, kind: &'a str) -> &'a str {
    match package.ecosystem {
        Ecosystem::Apk => "apk",
        Ecosystem::Deb => "dpkg",
        Ecosystem::Rpm => "rpm",
        _ => kind,
    }
}

/// What every finding of one package says of it.
pub(super) struct PackageFacts {
    pub(super) id: String,
    pub(super) identifier: Identifier,
    pub(super) layer: Layer,
}

impl PackageFacts {
    pub(super) fn of(report: &ScanReport, package: &Package) -> Self {
        Self {
            id: identity::package_id(package),
            identifier: Identifier::of(report, package),
            layer: Layer::of(package),
        }
    }
}

/// `Identifier` of a package, `PkgIdentifier` of a finding.
#[derive(Serialize)]
pub(super) struct Identifier {
    #[serde(rename = "PURL", skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(rename = "UID")]
    uid: String,
}

impl Identifier {
    pub(super) fn of(report: &ScanReport, package: &Package) -> Self {
        Self {
            purl: identity::package_url(package, report.inventory.distribution.as_ref()),
            uid: identity::package_uid(package),
        }
    }
}

/// The layer that brought a package in.
#[derive(Serialize)]
pub(super) struct Layer {
    #[serde(rename = "Digest", skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(rename = "DiffID", skip_serializing_if = "Option::is_none")]
    diff_id: Option<String>,
}

impl Layer {
    pub(super) fn of(package: &Package) -> Self {
        let text = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
        Self {
            digest: text(package.layer.and_then(|layer| layer.digest)),
            diff_id: text(package.layer.and_then(|layer| layer.diff_id)),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.digest.is_none() && self.diff_id.is_none()
    }
}
