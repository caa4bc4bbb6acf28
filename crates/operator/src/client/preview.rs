//! What policies would hold of what runs now. The operator answers from everything that scans found (`preview.rs`).
//!
//! Who may not write policies, or where no operator is, gets what ImageScans tell by the same rules. They list ten findings:
//! where more might matter to a rule, that is said and nothing is guessed.

use super::connection::list_all;
use super::scans::scan_of;
use super::target::{KINDS, Named};
use super::why::controller;
use super::{Client, ClientError, Scope};
use crate::options::{NAME, SYSTEM_NAMESPACES};
use crate::preview::{Answered, Asked, Given, IMAGES, PREVIEW, Prospect, Question, unknown, verdict};
use crate::resources::{ImageScan, ScanException, ScanPolicy};
use crate::shared::now;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Patch, PatchParams, ValidationDirective};
use kube::core::DynamicObject;
use kube::{Api, ResourceExt};
use seaworthy_gate::template_id;
use seaworthy_model::{AssessedFinding, Assessment, Severity};
use seaworthy_policy::{Action, Exception, FindingRule, ScanPolicy as Rules, effective};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One image of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewedImage {
    /// The container's name.
    pub container: String,
    /// The image as written.
    pub image: String,
    /// What would become of it.
    pub prospect: Prospect,
    /// The line for people, where there is something to say.
    pub line: Option<String>,
}

/// One workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewedWorkload {
    /// Its namespace.
    pub namespace: String,
    /// Its kind and name.
    pub workload: Named,
    /// Its images.
    pub images: Vec<PreviewedImage>,
}

impl PreviewedWorkload {
    /// What would become of it: the worst that becomes of an image.
    pub fn prospect(&self) -> Prospect {
        let images = self.images.iter().map(|image| image.prospect);
        images.max().unwrap_or(Prospect::Runs)
    }
}

/// What policies would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The names of the policies that were given.
    pub policies: Vec<String>,
    /// Every governed workload, by namespace and name.
    pub workloads: Vec<PreviewedWorkload>,
}

/// Applies nothing, and refuses what is no policy.
fn dry_run() -> PatchParams {
    let mut parameters = PatchParams::apply("kubectl-scan").force();
    parameters.dry_run = true;
    parameters.field_validation = Some(ValidationDirective::Strict);
    parameters
}

/// Everything that judging by ImageScans needs.
struct Cluster {
    policies: Vec<Rules>,
    exceptions: BTreeMap<String, Vec<Exception>>,
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
    scans: Vec<ImageScan>,
}

impl Client {
    /// Judges what runs in `scope` as if these policies (manifests) were applied beside the others of the cluster.
    ///
    /// # Errors
    /// When a manifest is no valid ScanPolicy, or what is needed may not be read.
    pub fn preview(&self, manifests: &[Value], scope: &Scope) -> Result<Preview, ClientError> {
        self.wait(async {
            let mut given = Vec::new();
            for manifest in manifests {
                given.push(self.policy(manifest).await?);
            }
            let names: Vec<String> = given.iter().map(ResourceExt::name_any).collect();
            let excluded = self.excluded().await;
            let mut workloads = Vec::new();
            let mut asked = Vec::new();
            for row in &KINDS {
                let api = self.dynamic(scope, &row.resource());
                let what = format!("list {}", row.plural);
                for object in list_all(&api).await.map_err(ClientError::of(&what, row.plural))? {
                    let namespace = object.namespace().unwrap_or_default();
                    let named = Named {
                        kind: row.kind,
                        name: object.name_any(),
                    };
                    if excluded.contains(&namespace) || !runs(&object)? {
                        continue;
                    }
                    let images = images(&namespace, &object, row.pods, &named)?;
                    workloads.push((namespace, named, images.len()));
                    asked.extend(images);
                }
            }
            let questions: Vec<Asked> = asked.iter().map(|(_, asked)| asked.clone()).collect();
            let answers = match self.ask(manifests, &given, &questions).await {
                Some(answers) => answers,
                None => self.cluster(&given, scope).await?.judge(&questions),
            };
            let mut previewed = asked
                .into_iter()
                .zip(answers)
                .map(|((container, asked), answered)| PreviewedImage {
                    container,
                    image: asked.image,
                    prospect: answered.prospect,
                    line: answered.line,
                });
            let mut workloads: Vec<PreviewedWorkload> = workloads
                .into_iter()
                .map(|(namespace, workload, count)| PreviewedWorkload {
                    namespace,
                    workload,
                    images: previewed.by_ref().take(count).collect(),
                })
                .collect();
            workloads.sort_by(|a, b| {
                (&a.namespace, a.workload.kind, &a.workload.name).cmp(&(
                    &b.namespace,
                    b.workload.kind,
                    &b.workload.name,
                ))
            });
            Ok(Preview {
                policies: names,
                workloads,
            })
        })
    }

    /// The operator's answers; nothing where it is not asked, as whoever asks may not, or does not answer.
    async fn ask(&self, manifests: &[Value], given: &[ScanPolicy], asked: &[Asked]) -> Option<Vec<Answered>> {
        let policies: Api<ScanPolicy> = Api::all(self.client.clone());
        let vehicle = given.first()?;
        let given: Vec<Given> = given
            .iter()
            .map(|policy| Given {
                name: policy.name_any(),
                spec: policy.spec.clone(),
            })
            .collect();
        let mut answers = Vec::new();
        for images in asked.chunks(IMAGES) {
            let question = Question {
                policies: given.clone(),
                images: images.to_vec(),
            };
            let question = serde_json::to_string(&question).ok()?;
            let mut manifest = manifests.first()?.clone();
            let metadata = manifest.get_mut("metadata")?.as_object_mut()?;
            metadata.insert("annotations".to_owned(), serde_json::json!({PREVIEW: question}));
            let answered = policies
                .patch(&vehicle.name_any(), &dry_run(), &Patch::Apply(&manifest))
                .await
                .ok()?;
            // What is still the question was not answered.
            let answered: Vec<Answered> = serde_json::from_str(answered.annotations().get(PREVIEW)?).ok()?;
            answers.extend(answered);
        }
        (answers.len() == asked.len()).then_some(answers)
    }

    /// Reads a manifest, and has the API server check it where whoever asks may.
    async fn policy(&self, manifest: &Value) -> Result<ScanPolicy, ClientError> {
        let unreadable = |why: String| ClientError::Unreadable {
            what: "the policy".to_owned(),
            why,
        };
        let kind = manifest.get("kind").and_then(Value::as_str).unwrap_or_default();
        if kind != "ScanPolicy" {
            return Err(unreadable(format!("its kind is {kind:?}, and ScanPolicy is expected")));
        }
        let policy: ScanPolicy =
            serde_json::from_value(manifest.clone()).map_err(|error| unreadable(error.to_string()))?;
        let policies: Api<ScanPolicy> = Api::all(self.client.clone());
        match policies
            .patch(&policy.name_any(), &dry_run(), &Patch::Apply(manifest))
            .await
        {
            // With the defaults that the API server fills in.
            Ok(checked) => Ok(checked),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(policy),
            // A field that the definition does not have is answered with 500.
            Err(kube::Error::Api(status)) if matches!(status.code, 400 | 422 | 500) => {
                Err(unreadable(status.message.clone()))
            }
            Err(error) => Err(ClientError::of("check the policy", "ScanPolicy")(error)),
        }
    }

    async fn cluster(&self, given: &[ScanPolicy], scope: &Scope) -> Result<Cluster, ClientError> {
        let all: Api<ScanPolicy> = Api::all(self.client.clone());
        let present = list_all(&all)
            .await
            .map_err(ClientError::of("list ScanPolicies", "ScanPolicies"))?;
        let replaced: Vec<String> = given.iter().map(ResourceExt::name_any).collect();
        let policies = present
            .iter()
            .filter(|policy| !replaced.contains(&policy.name_any()))
            .chain(given)
            .map(|policy| policy.spec.to_policy(&policy.name_any()))
            .collect();
        let all: Api<ScanException> = match scope {
            Scope::Namespace(namespace) => Api::namespaced(self.client.clone(), namespace),
            Scope::All => Api::all(self.client.clone()),
        };
        let mut exceptions: BTreeMap<String, Vec<Exception>> = BTreeMap::new();
        for exception in list_all(&all)
            .await
            .map_err(ClientError::of("list ScanExceptions", "ScanExceptions"))?
        {
            let namespace = exception.namespace().unwrap_or_default();
            let listed = exceptions.entry(namespace).or_default();
            listed.push(exception.spec.to_exception(&exception.name_any()));
        }
        let all: Api<Namespace> = Api::all(self.client.clone());
        let namespaces = match scope {
            Scope::All => list_all(&all).await,
            Scope::Namespace(name) => all.get(name).await.map(|namespace| vec![namespace]),
        };
        let namespaces = namespaces
            .map_err(ClientError::of("read namespaces", "namespace of that name"))?
            .into_iter()
            .map(|namespace| (namespace.name_any(), namespace.labels().clone()))
            .collect();
        Ok(Cluster {
            policies,
            exceptions,
            namespaces,
            scans: self.scans_of(scope).await?,
        })
    }

    /// The namespaces that are not governed: those that the webhook leaves out, else those that it always does.
    async fn excluded(&self) -> BTreeSet<String> {
        let webhooks: Api<MutatingWebhookConfiguration> = Api::all(self.client.clone());
        let found = webhooks.get_opt(NAME).await.ok().flatten();
        let named = found
            .into_iter()
            .flat_map(|webhook| webhook.webhooks.unwrap_or_default())
            .filter(|webhook| webhook.name.starts_with("preview."))
            .filter_map(|webhook| webhook.namespace_selector?.match_expressions)
            .flatten()
            .filter(|term| term.key == "kubernetes.io/metadata.name" && term.operator == "NotIn")
            .flat_map(|term| term.values.unwrap_or_default());
        named.chain(SYSTEM_NAMESPACES.map(str::to_owned)).collect()
    }
}

/// Whether an object counts: what nothing stands above, and what is not over.
fn runs(object: &DynamicObject) -> Result<bool, ClientError> {
    let value = serde_json::to_value(object).map_err(|error| ClientError::Unreadable {
        what: object.name_any(),
        why: error.to_string(),
    })?;
    let is_over = match value.pointer("/status/phase").and_then(Value::as_str) {
        Some(phase) => matches!(phase, "Succeeded" | "Failed"),
        None => value.pointer("/status/completionTime").is_some(),
    };
    Ok(controller(&value).is_none() && !is_over && object.metadata.deletion_timestamp.is_none())
}

/// The container and the question for each image of a workload.
fn images(
    namespace: &str,
    object: &DynamicObject,
    steps: &[&str],
    named: &Named,
) -> Result<Vec<(String, Asked)>, ClientError> {
    let unreadable = |why: String| ClientError::Unreadable {
        what: format!("{named} in namespace {namespace}"),
        why,
    };
    let value = serde_json::to_value(object).map_err(|error| unreadable(error.to_string()))?;
    let used = seaworthy_gate::images(&value, steps).map_err(unreadable)?;
    let template = template_id(value.pointer("/spec/template").unwrap_or(&Value::Null));
    let asked = used.into_iter().map(|used| {
        let asked = Asked {
            namespace: namespace.to_owned(),
            labels: object.labels().clone(),
            owner: object.uid().unwrap_or_default(),
            template: template.clone(),
            image: used.image,
        };
        (used.container, asked)
    });
    Ok(asked.collect())
}

impl Cluster {
    fn judge(&self, asked: &[Asked]) -> Vec<Answered> {
        let now = now();
        let answered = asked.iter().map(
            |Asked {
                 namespace,
                 labels,
                 image,
                 ..
             }| {
                let mut of_namespace = self.namespaces.get(namespace).cloned().unwrap_or_default();
                of_namespace.insert("kubernetes.io/metadata.name".to_owned(), namespace.clone());
                let policies = effective(&self.policies, &of_namespace, labels);
                let exceptions = self.exceptions.get(namespace).map(Vec::as_slice).unwrap_or_default();
                let scan = scan_of(&self.scans, namespace, image);
                let (prospect, line) = prospect(&policies, exceptions, image, scan, now);
                Answered { prospect, line }
            },
        );
        answered.collect()
    }
}

fn prospect(
    policies: &[&Rules],
    exceptions: &[Exception],
    image: &str,
    scan: Option<&ImageScan>,
    now: i64,
) -> (Prospect, Option<String>) {
    let Some((assessment, unlisted)) = scan.and_then(assessment) else {
        let (prospect, line) = unknown(policies, image);
        let reason = scan.and_then(|scan| scan.status.as_ref()?.reason.clone());
        return (prospect, line.map(|line| reason.unwrap_or(line)));
    };
    let (prospect, line) = verdict(policies, exceptions, image, &assessment, now);
    if matches!(prospect, Prospect::Runs | Prospect::ApprovalRequired) {
        let relevant = policies.iter().filter(|policy| policy.action >= Action::Warn);
        let mut rules = relevant.flat_map(|policy| &policy.rules);
        if let Some(count) = rules.find_map(|rule| unlisted.open(rule)) {
            let line = format!("{image}: {count} further findings are not listed in its ImageScan");
            return (Prospect::Unsure, Some(line));
        }
    }
    (prospect, line)
}

/// How many findings of each severity an ImageScan counts and does not list.
struct Unlisted(BTreeMap<Severity, usize>);

impl Unlisted {
    /// How many of them might violate a rule that no listed finding violates.
    fn open(&self, rule: &FindingRule) -> Option<usize> {
        let least = rule.severity.unwrap_or(Severity::Unknown);
        let count = self.0.range(least..).map(|(_, count)| count).sum();
        (count > 0).then_some(count)
    }
}

/// What an ImageScan says, as the rules take it.
fn assessment(scan: &ImageScan) -> Option<(Assessment, Unlisted)> {
    let status = scan.status.as_ref()?;
    let scanned_at = status.scanned_at.as_ref()?.0.as_second();
    let counts = status.findings.unwrap_or_default();
    let mut unlisted: BTreeMap<Severity, usize> = [
        (Severity::Critical, counts.critical),
        (Severity::High, counts.high),
        (Severity::Medium, counts.medium),
        (Severity::Low, counts.low),
        (Severity::Unknown, counts.unknown),
    ]
    .into_iter()
    .map(|(severity, count)| (severity, usize::try_from(count).unwrap_or(usize::MAX)))
    .collect();
    let findings = status
        .top
        .iter()
        .map(|finding| {
            let severity = finding.severity.parse().unwrap_or(Severity::Unknown);
            if let Some(count) = unlisted.get_mut(&severity) {
                *count = count.saturating_sub(1);
            }
            AssessedFinding {
                id: finding.id.clone(),
                vendor_ids: Vec::new(),
                package: finding.package.clone(),
                installed: finding.installed.clone(),
                fixed: finding.fixed.clone().unwrap_or_default(),
                severity,
                cvss: finding.cvss,
                epss: finding.epss,
                known_exploited: finding.known_exploited == Some(true),
                published: finding.published.clone(),
            }
        })
        .collect();
    let scanned = status.conditions.iter().find(|condition| condition.type_ == "Scanned");
    let incomplete = scanned
        .filter(|condition| condition.status == "False")
        .map(|condition| match condition.message.is_empty() {
            true => status.reason.clone().unwrap_or_else(|| condition.reason.clone()),
            false => condition.message.clone(),
        });
    let assessment = Assessment {
        scanned_at,
        incomplete,
        findings,
        ..Assessment::default()
    };
    Some((assessment, Unlisted(unlisted)))
}

#[cfg(test)]
mod tests {
    use super::{Prospect, prospect};
    use crate::resources::{ImageScan, ScanPolicySpec};
    use serde_json::{Value, json};

    fn scan(status: Value) -> ImageScan {
        serde_json::from_value(json!({
            "apiVersion": "seaworthy.dev/v1alpha1", "kind": "ImageScan",
            "metadata": {"name": "a", "namespace": "n"}, "spec": {"image": "app:v1"}, "status": status
        }))
        .unwrap()
    }

    fn ask(policy: Value, status: Value) -> Prospect {
        let policy: ScanPolicySpec = serde_json::from_value(policy).unwrap();
        let policy = policy.to_policy("p");
        prospect(&[&policy], &[], "app:v1", Some(&scan(status)), 1_800_000_000).0
    }

    #[test]
    fn what_is_not_listed_is_never_taken_for_clean() {
        let finding = json!({"id": "CVE-1", "severity": "HIGH", "package": "p", "installed": "1", "epss": 0.2});
        let status = |critical: u32, high: u32| {
            json!({"state": "VulnerabilitiesFound", "scannedAt": "2026-11-24T00:00:00Z",
                   "findings": {"critical": critical, "high": high}, "top": [finding]})
        };
        for (rule, high, expected) in [
            (json!({"severity": "CRITICAL"}), 40, Prospect::Runs),
            (json!({"severity": "HIGH"}), 40, Prospect::Held),
            (json!({"epss": 0.1}), 40, Prospect::Held),
            (json!({"epss": 0.5}), 1, Prospect::Runs),
            (json!({"epss": 0.5}), 40, Prospect::Unsure),
            (json!({"severity": "CRITICAL", "epss": 0.5}), 40, Prospect::Runs),
        ] {
            let policy = json!({"action": "enforce", "rules": [rule]});
            assert_eq!(ask(policy, status(0, high)), expected, "{rule} {high}");
        }
        let policy = json!({"action": "warn", "rules": [{"severity": "HIGH"}]});
        assert_eq!(ask(policy, status(0, 1)), Prospect::Warned);
    }

    #[test]
    fn an_image_without_a_result_waits() {
        let policy = json!({"rules": [{"severity": "HIGH"}]});
        assert_eq!(ask(policy.clone(), json!({"state": "Scanning"})), Prospect::NotScanned);
        let incomplete = json!({"state": "Failed", "scannedAt": "2026-11-24T00:00:00Z", "reason": "x",
            "conditions": [{"type": "Scanned", "status": "False", "reason": "Incomplete", "message": "",
                            "lastTransitionTime": "2026-11-24T00:00:00Z"}]});
        assert_eq!(ask(policy, incomplete), Prospect::Held);
    }
}
