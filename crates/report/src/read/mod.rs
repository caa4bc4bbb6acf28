//! A JSON report becomes a scan report again, so that it can be written in another format.
//!
//! Reads our own reports and Trivy's. What a report does not say stays empty: packages without findings are in it only
//! where it was written with `--list-all-pkgs`.

mod shapes;

use crate::Error;
use seaworthy_model::{
    ArtifactKind, Confidence, Coverage, Cvss, DataSource, DatabaseInfo, DatabaseSource, Decision, Digest, Distribution,
    Ecosystem, Effect, Epss, Family, Finding, FixStatus, ImageMetadata, Inventory, KnownExploited, LayerDigests,
    LayerRef, Match, MatchKind, Package, Problem, Relationship, ScanReport, Severity, Subject, Suppression, Verdict,
    limits,
};
use shapes::{PackageShape, ProblemShape, ReportShape, ResultShape, VulnerabilityShape};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Reads a JSON report.
///
/// # Errors
/// When it is no JSON, or no report.
pub fn read_json(bytes: &[u8]) -> Result<ScanReport, Error> {
    let shape: ReportShape = serde_json::from_slice(bytes).map_err(Error::NotAReport)?;
    let mut reading = Reading::default();
    for result in &shape.results {
        reading.result(result);
    }
    let (packages, mut findings) = reading.in_order();
    findings.truncate(limits::FINDINGS);
    let metadata = &shape.metadata;
    let distribution = metadata
        .os
        .as_ref()
        .filter(|os| !matches!(os.family.as_str(), "" | "none"))
        .map(|os| distribution(&os.family, &os.name));
    let image = (shape.artifact_type == "container_image").then(|| ImageMetadata {
        image_id: digest(&metadata.image_id),
        manifest_digest: None,
        repo_tags: metadata.repo_tags.clone(),
        repo_digests: metadata.repo_digests.clone(),
        platform: None,
        layers: layers(metadata),
        config: metadata.image_config.clone(),
    });
    Ok(ScanReport {
        report_id: shape.report_id,
        created_at: shape.created_at,
        artifact_name: shape.artifact_name,
        artifact_kind: match shape.artifact_type.as_str() {
            "container_image" => ArtifactKind::ContainerImage,
            "cyclonedx" => ArtifactKind::CycloneDx,
            "spdx" => ArtifactKind::Spdx,
            "package_list" => ArtifactKind::PackageList,
            _ => ArtifactKind::Filesystem,
        },
        inventory: Inventory {
            distribution,
            packages,
            problems: shape.problems.iter().map(problem).collect(),
            coverage: Coverage {
                layers: metadata.layers.len(),
                ..Coverage::default()
            },
            layer_sizes: metadata.layers.iter().filter_map(|layer| layer.size).collect(),
            ..Inventory::default()
        },
        image,
        end_of_life: metadata.os.as_ref().map(|os| os.end_of_life),
        distribution_supported: shape.seaworthy.distribution_supported,
        decision: Decision {
            findings,
            verdict: Verdict::Pass,
            reasons: Vec::new(),
        },
        database: DatabaseInfo {
            origin: shape.database.origin,
            built_at: shape.database.built_at,
            age_days: 0,
            sources: shape
                .database
                .sources
                .into_iter()
                .map(|source| DatabaseSource {
                    id: source.id,
                    name: source.name,
                    newest: source.newest,
                    records: source.records,
                })
                .collect(),
            distribution_newest: shape.database.distribution_newest,
        },
    })
}

/// Packages and findings under construction.
#[derive(Default)]
struct Reading {
    packages: Vec<Package>,
    /// Index of a package by result and unique id, and by result, id and path.
    known: HashMap<(String, String, String), usize>,
    findings: Vec<Finding>,
}

impl Reading {
    fn result(&mut self, result: &ResultShape) {
        for shape in &result.packages {
            let package = package(result, shape);
            let path = package.path.clone();
            self.add(result, &shape.identifier.uid, &shape.id, &path, package);
        }
        let suppressed = result.suppressed.iter().map(|suppressed| {
            let reason = Suppression {
                status: suppressed.status.clone(),
                statement: suppressed.statement.clone(),
                source: suppressed.source.clone(),
            };
            (&suppressed.finding, Some(reason))
        });
        let shown = result.vulnerabilities.iter().map(|found| (found, None));
        for (shape, suppression) in shown.chain(suppressed) {
            let index = self.of(result, shape);
            let matched = matched(index, shape);
            self.findings.push(Finding { matched, suppression });
        }
    }

    fn add(&mut self, result: &ResultShape, uid: &str, id: &str, path: &str, package: Package) -> usize {
        let index = self.packages.len();
        self.packages.push(package);
        if !uid.is_empty() {
            let key = (result.target.clone(), uid.to_owned(), String::new());
            self.known.entry(key).or_insert(index);
        }
        let key = (result.target.clone(), id.to_owned(), path.to_owned());
        self.known.entry(key).or_insert(index);
        index
    }

    /// The package of a finding; it is added where the report lists none.
    fn of(&mut self, result: &ResultShape, shape: &VulnerabilityShape) -> usize {
        let uid = (result.target.clone(), shape.identifier.uid.clone(), String::new());
        let path = path_of(result, &shape.package_path);
        let id = (result.target.clone(), shape.package_id.clone(), path.clone());
        let known = self.known.get(&uid).filter(|_| !uid.1.is_empty());
        if let Some(index) = known.or_else(|| self.known.get(&id)) {
            return *index;
        }
        let ecosystem = ecosystem(result, &shape.identifier.purl);
        let mut package = Package::new(ecosystem, &shape.package_name, &shape.installed_version, &path);
        package.declared_by = declared_by(result);
        package.layer = layer(&shape.layer);
        self.add(result, &shape.identifier.uid, &shape.package_id, &path, package)
    }

    /// Distribution packages first, as everywhere; findings keep their order and follow their packages.
    fn in_order(self) -> (Vec<Package>, Vec<Finding>) {
        let mut order: Vec<usize> = (0..self.packages.len()).collect();
        order.sort_by_key(|index| {
            self.packages
                .get(*index)
                .map(|package| (package.ecosystem.class(), package.ecosystem))
        });
        let mut place = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            if let Some(slot) = place.get_mut(*old) {
                *slot = new;
            }
        }
        let mut packages: Vec<Option<Package>> = self.packages.into_iter().map(Some).collect();
        let sorted = order.iter().filter_map(|old| packages.get_mut(*old)?.take()).collect();
        let mut findings = self.findings;
        for finding in &mut findings {
            finding.matched.package = place.get(finding.matched.package).copied().unwrap_or(0);
        }
        (sorted, findings)
    }
}

/// The type of the purl, else what the result's own type says.
fn ecosystem(result: &ResultShape, purl: &str) -> Ecosystem {
    let kind = purl
        .strip_prefix("pkg:")
        .and_then(|rest| rest.split('/').next())
        .unwrap_or_default();
    Ecosystem::from_purl_type(kind).unwrap_or(match result.kind.as_str() {
        "alpine" | "wolfi" | "chainguard" => Ecosystem::Apk,
        "debian" | "ubuntu" => Ecosystem::Deb,
        _ if result.class == "os-pkgs" => Ecosystem::Rpm,
        "node-pkg" | "npm" | "yarn" | "pnpm" => Ecosystem::Npm,
        "python-pkg" | "pip" | "poetry" | "pipenv" | "uv" => Ecosystem::PyPi,
        "jar" | "pom" | "gradle" => Ecosystem::Maven,
        _ => Ecosystem::Generic,
    })
}

/// Types of what is installed; every other type of a language is a lock file's.
const INSTALLED: [&str; 9] = [
    "node-pkg",
    "python-pkg",
    "jar",
    "gemspec",
    "conda-pkg",
    "gobinary",
    "rustbinary",
    "composer-vendor",
    "dotnet-core",
];

fn declared_by(result: &ResultShape) -> Option<String> {
    let kind = result.kind.as_str();
    let installed = INSTALLED.contains(&kind) || Ecosystem::from_purl_type(kind).is_some_and(|_| kind != "npm");
    (result.class == "lang-pkgs" && !installed).then(|| kind.to_owned())
}

/// The path as stated, else the target where that is a file.
fn path_of(result: &ResultShape, stated: &str) -> String {
    if stated.is_empty() && result.class == "lang-pkgs" {
        result.target.clone()
    } else {
        stated.to_owned()
    }
}

fn joined(epoch: u64, version: &str, release: &str) -> String {
    let mut whole = if epoch == 0 { String::new() } else { format!("{epoch}:") };
    whole.push_str(version);
    if !release.is_empty() {
        whole.push('-');
        whole.push_str(release);
    }
    whole
}

fn package(result: &ResultShape, shape: &PackageShape) -> Package {
    let ecosystem = ecosystem(result, &shape.identifier.purl);
    let version = joined(shape.epoch, &shape.version, &shape.release);
    let mut package = Package::new(ecosystem, &shape.name, version, path_of(result, &shape.file_path));
    package.arch.clone_from(&shape.arch);
    if !shape.src_name.is_empty() {
        package.source_name.clone_from(&shape.src_name);
    }
    if !shape.src_version.is_empty() {
        package.source_version = joined(shape.src_epoch, &shape.src_version, &shape.src_release);
    }
    package.layer = layer(&shape.layer);
    package.licenses.clone_from(&shape.licenses);
    package.maintainer.clone_from(&shape.maintainer);
    package.modularity_label.clone_from(&shape.modularity_label);
    package.digest.clone_from(&shape.digest);
    package.dev = shape.dev;
    package.declared_by = declared_by(result);
    package.owned_by.clone_from(&shape.seaworthy.owned_by);
    package.relationship = match shape.relationship.as_str() {
        "root" => Relationship::Root,
        "workspace" => Relationship::Workspace,
        "direct" => Relationship::Direct,
        "indirect" => Relationship::Indirect,
        _ => Relationship::Unknown,
    };
    // Ids name a version too; dependencies are kept by name.
    let ids = shape.depends_on.iter();
    package.depends_on = ids
        .map(|id| match id.get(1..).and_then(|rest| rest.rfind('@')) {
            Some(at) => id.get(..=at).unwrap_or(id).to_owned(),
            None => id.clone(),
        })
        .collect();
    package
}

fn layer(shape: &shapes::LayerShape) -> Option<LayerRef> {
    let layer = LayerRef {
        digest: digest(&shape.digest),
        diff_id: digest(&shape.diff_id),
    };
    (layer.digest.is_some() || layer.diff_id.is_some()).then_some(layer)
}

fn digest(text: &str) -> Option<Digest> {
    Digest::parse(text)
}

fn layers(metadata: &shapes::MetadataShape) -> Vec<LayerDigests> {
    let stated = metadata.layers.iter().map(|layer| LayerDigests {
        digest: digest(&layer.digest),
        diff_id: digest(&layer.diff_id),
        size: layer.size.unwrap_or(0),
        created_by: None,
    });
    let stated: Vec<LayerDigests> = stated.take(limits::LAYERS).collect();
    if !stated.is_empty() {
        return stated;
    }
    let of_diff_ids = metadata.diff_ids.iter().map(|diff_id| LayerDigests {
        digest: None,
        diff_id: digest(diff_id),
        size: 0,
        created_by: None,
    });
    of_diff_ids.take(limits::LAYERS).collect()
}

fn distribution(family: &str, version: &str) -> Distribution {
    let known = Family::ALL
        .into_iter()
        .find(|known| known.name() == family && *known != Family::Other);
    let mut distribution = Distribution::new(known.unwrap_or(Family::Other), version);
    if known.is_none() {
        family.clone_into(&mut distribution.id);
    }
    distribution
}

fn matched(package: usize, shape: &VulnerabilityShape) -> Match {
    let own = &shape.seaworthy;
    Match {
        package,
        id: shape.id.clone(),
        vendor_ids: shape.vendor_ids.clone(),
        status: FixStatus::ALL
            .into_iter()
            .find(|status| status.name() == shape.status)
            .unwrap_or_default(),
        fixed_version: shape.fixed_version.clone(),
        range: own.range.clone(),
        kind: match own.match_kind.as_str() {
            "source" => MatchKind::Source,
            "product" => MatchKind::Product,
            _ => MatchKind::Direct,
        },
        confidence: match own.confidence.as_str() {
            "uncertain" => Confidence::Uncertain(own.confidence_reason.clone()),
            _ => Confidence::Exact,
        },
        severity: shape.severity.parse().unwrap_or(Severity::Unknown),
        severity_source: shape.severity_source.clone(),
        vendor_severity: Arc::new(
            shape
                .vendor_severity
                .iter()
                .map(|(source, number)| (source.clone(), Severity::from_number(*number)))
                .collect(),
        ),
        cwes: Arc::new(weaknesses(&shape.weaknesses)),
        cvss: Arc::new(scores(shape)),
        epss: own.epss.as_ref().map(|epss| Epss {
            score: epss.score,
            percentile: epss.percentile,
        }),
        known_exploited: own.known_exploited.as_ref().map(|known| KnownExploited {
            date_added: known.date_added.clone(),
            ransomware: known.ransomware,
        }),
        published: shape.published_date.clone(),
        modified: shape.last_modified_date.clone(),
        source: Arc::new(DataSource {
            id: shape.data_source.id.clone(),
            name: shape.data_source.name.clone(),
            url: shape.data_source.url.clone(),
        }),
    }
}

/// `CWE-79` as a number.
fn weaknesses(texts: &[String]) -> Vec<u32> {
    let numbers = texts.iter().filter_map(|text| text.strip_prefix("CWE-")?.parse().ok());
    let mut numbers: Vec<u32> = numbers.take(limits::ADVISORY_WEAKNESSES).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn scores(shape: &VulnerabilityShape) -> BTreeMap<String, Cvss> {
    let one = |cvss: &shapes::CvssShape| Cvss {
        v2_vector: cvss.v2_vector.clone(),
        v3_vector: cvss.v3_vector.clone(),
        v40_vector: cvss.v40_vector.clone(),
        v2_score: cvss.v2_score,
        v3_score: cvss.v3_score,
        v40_score: cvss.v40_score,
    };
    shape
        .cvss
        .iter()
        .map(|(source, cvss)| (source.clone(), one(cvss)))
        .collect()
}

fn problem(shape: &ProblemShape) -> Problem {
    let subject = match (shape.path.as_deref(), digest(&shape.digest)) {
        (Some(path), Some(layer)) => Subject::PathInLayer {
            path: path.to_owned(),
            layer,
        },
        (None, Some(digest)) => Subject::Digest(digest),
        (Some("/") | None, None) => Subject::Artifact,
        (Some(path), None) => Subject::Path(path.to_owned()),
    };
    Problem {
        subject,
        what: shape.what.clone(),
        effect: match shape.effect.as_str() {
            "incomplete" => Effect::Incomplete,
            "note" => Effect::Note,
            _ => Effect::Uncertain,
        },
    }
}
