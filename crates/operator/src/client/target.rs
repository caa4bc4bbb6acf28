//! What people name on the command line: `KIND/NAME` with kubectl's short names, an ImageScan, or an image.

use super::ClientError;
use kube::core::{ApiResource, GroupVersionKind};
use std::str::FromStr;

/// A kind that can be asked about.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) group: &'static str,
    pub(crate) plural: &'static str,
    short: &'static [&'static str],
    /// Where its pod specification lies.
    pub(crate) pods: &'static [&'static str],
}

const TEMPLATE: &[&str] = &["spec", "template", "spec"];

/// Every kind that can be asked about.
#[rustfmt::skip]
pub(crate) const KINDS: [Row; 7] = [
    Row { kind: "Deployment", group: "apps", plural: "deployments", short: &["deploy"], pods: TEMPLATE },
    Row { kind: "StatefulSet", group: "apps", plural: "statefulsets", short: &["sts"], pods: TEMPLATE },
    Row { kind: "DaemonSet", group: "apps", plural: "daemonsets", short: &["ds"], pods: TEMPLATE },
    Row { kind: "ReplicaSet", group: "apps", plural: "replicasets", short: &["rs"], pods: TEMPLATE },
    Row { kind: "Job", group: "batch", plural: "jobs", short: &[], pods: TEMPLATE },
    Row { kind: "CronJob", group: "batch", plural: "cronjobs", short: &["cj"], pods: &["spec", "jobTemplate", "spec", "template", "spec"] },
    Row { kind: "Pod", group: "", plural: "pods", short: &["po"], pods: &["spec"] },
];

impl Row {
    pub(crate) fn named(kind: &str) -> Option<&'static Self> {
        KINDS.iter().find(|row| row.kind == kind)
    }

    pub(crate) fn resource(&self) -> ApiResource {
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(self.group, "v1", self.kind), self.plural)
    }

    /// Whether people call it so: in the singular, the plural, short, with or without its group, in any case.
    fn is_called(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let (name, group) = word.split_once('.').unwrap_or((&word, ""));
        let group = group.strip_prefix("v1.").unwrap_or(group);
        (group.is_empty() || group == self.group)
            && (name == self.kind.to_lowercase() || name == self.plural || self.short.contains(&name))
    }
}

/// An object of one of the kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The kind, as in manifests.
    pub kind: &'static str,
    /// The name.
    pub name: String,
}

impl std::fmt::Display for Named {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.kind.to_lowercase(), self.name)
    }
}

/// What somebody asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A workload or a pod.
    Workload(Named),
    /// The name of an ImageScan.
    Scan(String),
    /// The name of an ImageScan, or an image as it stands in one.
    ScanOrImage(String),
}

impl FromStr for Target {
    type Err = ClientError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |why| ClientError::Target {
            text: text.to_owned(),
            why,
        };
        if text.is_empty() {
            return Err(bad("it is empty"));
        }
        let Some((kind, name)) = text.split_once('/') else {
            return Ok(Self::ScanOrImage(text.to_owned()));
        };
        // What has a tag, a digest or more steps is an image, also where its first step is called like a kind.
        let is_name = !name.is_empty() && !name.contains(['/', ':', '@']);
        let lower = kind.to_lowercase();
        let is_scan = ["imagescan", "imagescans", "iscan"].contains(&lower.split('.').next().unwrap_or_default());
        match KINDS.iter().find(|row| row.is_called(kind)) {
            Some(row) if is_name => Ok(Self::Workload(Named {
                kind: row.kind,
                name: name.to_owned(),
            })),
            None if is_scan && is_name => Ok(Self::Scan(name.to_owned())),
            _ if name.is_empty() => Err(bad("a name is missing behind the slash")),
            _ => Ok(Self::ScanOrImage(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Named, Target};

    #[test]
    fn targets_are_read_as_kubectl_reads_them() {
        let workload = |kind, name: &str| {
            Some(Target::Workload(Named {
                kind,
                name: name.to_owned(),
            }))
        };
        let other = |text: &str| Some(Target::ScanOrImage(text.to_owned()));
        for (text, expected) in [
            ("deployment/myapp", workload("Deployment", "myapp")),
            ("deploy/myapp", workload("Deployment", "myapp")),
            ("deployments.apps/myapp", workload("Deployment", "myapp")),
            ("Deployment.v1.apps/myapp", workload("Deployment", "myapp")),
            ("deployments.extensions/myapp", other("deployments.extensions/myapp")),
            ("po/a", workload("Pod", "a")),
            ("cj/a", workload("CronJob", "a")),
            ("iscan/a", Some(Target::Scan("a".to_owned()))),
            ("imagescan.seaworthy.dev/a", Some(Target::Scan("a".to_owned()))),
            ("myapp-v1-abcdef", other("myapp-v1-abcdef")),
            ("myapp:v1", other("myapp:v1")),
            ("job/tool:v1", other("job/tool:v1")),
            ("registry.example/shop/app", other("registry.example/shop/app")),
            ("deploy/", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Target>().ok(), expected, "{text}");
        }
    }
}
