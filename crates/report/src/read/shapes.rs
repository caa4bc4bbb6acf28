//! The parts of a JSON report that are read; every one of them may be missing or null.

use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// Null is what is missing.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A report; without its version and name it is none.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReportShape {
    #[serde(rename = "SchemaVersion")]
    _schema_version: u64,
    #[serde(default)]
    pub(super) seaworthy: ProgramShape,
    #[serde(rename = "ReportID", default)]
    pub(super) report_id: String,
    #[serde(default)]
    pub(super) created_at: String,
    pub(super) artifact_name: String,
    #[serde(default)]
    pub(super) artifact_type: String,
    #[serde(default)]
    pub(super) metadata: MetadataShape,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) results: Vec<ResultShape>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) problems: Vec<ProblemShape>,
    #[serde(default)]
    pub(super) database: DatabaseShape,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ProgramShape {
    pub(super) distribution_supported: bool,
}

impl Default for ProgramShape {
    fn default() -> Self {
        Self {
            distribution_supported: true,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct MetadataShape {
    #[serde(rename = "OS")]
    pub(super) os: Option<SystemShape>,
    #[serde(rename = "ImageID", deserialize_with = "or_default")]
    pub(super) image_id: String,
    #[serde(rename = "DiffIDs", deserialize_with = "or_default")]
    pub(super) diff_ids: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) repo_tags: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) repo_digests: Vec<String>,
    pub(super) image_config: serde_json::Value,
    #[serde(deserialize_with = "or_default")]
    pub(super) layers: Vec<LayerShape>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SystemShape {
    #[serde(deserialize_with = "or_default")]
    pub(super) family: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(rename = "EOSL")]
    pub(super) end_of_life: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LayerShape {
    pub(super) size: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) digest: String,
    #[serde(rename = "DiffID", deserialize_with = "or_default")]
    pub(super) diff_id: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ResultShape {
    #[serde(deserialize_with = "or_default")]
    pub(super) target: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) class: String,
    #[serde(rename = "Type", deserialize_with = "or_default")]
    pub(super) kind: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) packages: Vec<PackageShape>,
    #[serde(deserialize_with = "or_default")]
    pub(super) vulnerabilities: Vec<VulnerabilityShape>,
    #[serde(rename = "ExperimentalModifiedFindings", deserialize_with = "or_default")]
    pub(super) suppressed: Vec<SuppressedShape>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct IdentifierShape {
    #[serde(rename = "PURL", deserialize_with = "or_default")]
    pub(super) purl: String,
    #[serde(rename = "UID", deserialize_with = "or_default")]
    pub(super) uid: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PackageShape {
    #[serde(rename = "ID", deserialize_with = "or_default")]
    pub(super) id: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    pub(super) identifier: IdentifierShape,
    #[serde(deserialize_with = "or_default")]
    pub(super) version: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) release: String,
    pub(super) epoch: u64,
    #[serde(deserialize_with = "or_default")]
    pub(super) arch: String,
    pub(super) dev: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) src_name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) src_version: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) src_release: String,
    pub(super) src_epoch: u64,
    #[serde(deserialize_with = "or_default")]
    pub(super) licenses: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) maintainer: String,
    #[serde(rename = "Modularitylabel", deserialize_with = "or_default")]
    pub(super) modularity_label: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) relationship: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) depends_on: Vec<String>,
    pub(super) layer: LayerShape,
    #[serde(deserialize_with = "or_default")]
    pub(super) file_path: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) digest: String,
    pub(super) seaworthy: OwnPackageShape,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OwnPackageShape {
    pub(super) owned_by: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct VulnerabilityShape {
    #[serde(rename = "VulnerabilityID", deserialize_with = "or_default")]
    pub(super) id: String,
    #[serde(rename = "VendorIDs", deserialize_with = "or_default")]
    pub(super) vendor_ids: Vec<String>,
    #[serde(rename = "PkgID", deserialize_with = "or_default")]
    pub(super) package_id: String,
    #[serde(rename = "PkgName", deserialize_with = "or_default")]
    pub(super) package_name: String,
    #[serde(rename = "PkgPath", deserialize_with = "or_default")]
    pub(super) package_path: String,
    #[serde(rename = "PkgIdentifier")]
    pub(super) identifier: IdentifierShape,
    #[serde(deserialize_with = "or_default")]
    pub(super) installed_version: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) fixed_version: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) status: String,
    pub(super) layer: LayerShape,
    #[serde(deserialize_with = "or_default")]
    pub(super) severity_source: String,
    pub(super) data_source: SourceShape,
    #[serde(deserialize_with = "or_default")]
    pub(super) severity: String,
    #[serde(rename = "CweIDs", deserialize_with = "or_default")]
    pub(super) weaknesses: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) vendor_severity: BTreeMap<String, u8>,
    #[serde(rename = "CVSS", deserialize_with = "or_default")]
    pub(super) cvss: BTreeMap<String, CvssShape>,
    pub(super) published_date: Option<String>,
    pub(super) last_modified_date: Option<String>,
    pub(super) seaworthy: OwnShape,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CvssShape {
    #[serde(rename = "V2Vector")]
    pub(super) v2_vector: Option<String>,
    #[serde(rename = "V3Vector")]
    pub(super) v3_vector: Option<String>,
    #[serde(rename = "V40Vector")]
    pub(super) v40_vector: Option<String>,
    #[serde(rename = "V2Score")]
    pub(super) v2_score: Option<f64>,
    #[serde(rename = "V3Score")]
    pub(super) v3_score: Option<f64>,
    #[serde(rename = "V40Score")]
    pub(super) v40_score: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SourceShape {
    #[serde(rename = "ID", deserialize_with = "or_default")]
    pub(super) id: String,
    #[serde(rename = "Name", deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(rename = "URL", deserialize_with = "or_default")]
    pub(super) url: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OwnShape {
    #[serde(deserialize_with = "or_default")]
    pub(super) match_kind: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) range: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) confidence: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) confidence_reason: String,
    #[serde(rename = "EPSS")]
    pub(super) epss: Option<EpssShape>,
    #[serde(rename = "KEV")]
    pub(super) known_exploited: Option<ExploitedShape>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct EpssShape {
    pub(super) score: f64,
    pub(super) percentile: f64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ExploitedShape {
    #[serde(deserialize_with = "or_default")]
    pub(super) date_added: String,
    pub(super) ransomware: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SuppressedShape {
    #[serde(deserialize_with = "or_default")]
    pub(super) status: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) statement: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) source: String,
    pub(super) finding: VulnerabilityShape,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ProblemShape {
    pub(super) path: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) digest: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) what: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) effect: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct DatabaseShape {
    #[serde(deserialize_with = "or_default")]
    pub(super) origin: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) built_at: String,
    pub(super) distribution_newest: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) sources: Vec<DatabaseSourceShape>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct DatabaseSourceShape {
    #[serde(rename = "ID", deserialize_with = "or_default")]
    pub(super) id: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) newest: String,
    pub(super) records: u64,
}
