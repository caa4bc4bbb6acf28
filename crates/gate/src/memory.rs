//! What is remembered to answer from: namespaces, policies, verdicts by digest, what tags meant, what was let in.
//!
//! Verdicts and admissions come from our store only. Nothing in here was written by the author of a workload.

use seaworthy_model::Assessment;
use seaworthy_policy::{Action, Exception, ScanPolicy, image_name};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// How long the meaning of a tag counts where nothing can be held, in seconds. It is pinned at once, so that this only
/// says how old an image may be that somebody gets by a tag.
pub(crate) const TAG_SECONDS: i64 = 3600;

/// For which workload and template a tag was resolved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagKey {
    /// The namespace.
    pub namespace: String,
    /// The `uid` of the top owner.
    pub owner: String,
    /// The identity of its template.
    pub template: String,
    /// The reference as written.
    pub image: String,
}

/// A container that was let in with a digest, which it may always run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Admission {
    /// The namespace.
    pub namespace: String,
    /// The `uid` of the top owner.
    pub owner: String,
    /// The container's name.
    pub container: String,
    /// The digest, `sha256:…`.
    pub digest: String,
}

/// A container that ran before Seaworthy was there: it goes on as it is, from this template and with this image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Earlier {
    /// The namespace.
    pub namespace: String,
    /// The `uid` of the top owner.
    pub owner: String,
    /// The identity of its template.
    pub template: String,
    /// The container's name.
    pub container: String,
    /// The reference as written.
    pub image: String,
}

/// Namespace, `uid` of the top owner, and the template of which somebody broke the glass.
pub type GlassKey = (String, String, String);

/// What the pods of one template look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// The identity of the template.
    pub template: String,
    /// Its images by container. Others may add to them.
    pub images: BTreeMap<String, String>,
}

/// What is known of a workload that stands above pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnerRecord {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// The `uid` of the top owner that it claims, else its own.
    pub top: String,
    /// Its labels, for workload selectors.
    pub labels: BTreeMap<String, String>,
    /// Who asked for its template, empty where nobody knows.
    pub requested_by: String,
    /// The labels by which it finds what belongs to it.
    pub selector: BTreeMap<String, String>,
    /// The pods that it makes now.
    pub revision: Revision,
}

/// Everything that answers are made from.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Whether it was filled. Until then nothing is let in.
    pub ready: bool,
    /// The name under which we ourselves talk to the API server.
    pub ourselves: String,
    /// Namespaces that are not governed, by name.
    pub excluded: BTreeSet<String>,
    /// Labels of every namespace.
    pub namespaces: HashMap<String, BTreeMap<String, String>>,
    /// All policies.
    pub policies: Vec<ScanPolicy>,
    /// Exceptions by namespace.
    pub exceptions: HashMap<String, Vec<Exception>>,
    /// What scans found, by digest.
    pub assessments: HashMap<String, Arc<Assessment>>,
    /// What tags meant for a workload and template.
    pub tags: HashMap<TagKey, String>,
    /// What a reference meant in a namespace, and when: for what cannot be held.
    pub latest: HashMap<(String, String), (String, i64)>,
    /// Namespace, repository and digest that the namespace's own credentials could read.
    pub readable: HashSet<(String, String, String)>,
    /// What was let in.
    pub admissions: HashSet<Admission>,
    /// Who approved a digest for a namespace. For whom it counts is decided when something is judged.
    pub approvals: HashMap<(String, String), BTreeSet<String>>,
    /// Of what somebody broke the glass, with the `uid`s of the workloads that say so.
    pub broken_glass: HashMap<GlassKey, BTreeSet<String>>,
    /// The same of CronJobs, for all their Jobs.
    pub broken_above: HashSet<GlassKey>,
    /// Workloads by `uid`.
    pub owners: HashMap<String, OwnerRecord>,
    /// Templates of StatefulSets and DaemonSets, also former ones: by `uid` and the name that pods have for it.
    pub revisions: HashMap<(String, String), Revision>,
    /// What ran before Seaworthy was there.
    pub earlier: HashSet<Earlier>,
    /// The platforms of the nodes, `os/architecture`.
    pub platforms: BTreeSet<String>,
}

impl Memory {
    /// Whether workloads of this namespace are governed.
    pub fn governs(&self, namespace: &str) -> bool {
        !namespace.is_empty() && !self.excluded.contains(namespace)
    }

    /// The labels of a namespace; `kubernetes.io/metadata.name` is there even before the namespace was seen.
    pub fn namespace_labels(&self, namespace: &str) -> BTreeMap<String, String> {
        let mut labels = self.namespaces.get(namespace).cloned().unwrap_or_default();
        labels.insert("kubernetes.io/metadata.name".to_owned(), namespace.to_owned());
        labels
    }

    /// Whether who asks for something matters: some policy holds until somebody else has approved it.
    pub(crate) fn requires_approvals(&self) -> bool {
        let requires = |policy: &ScanPolicy| policy.approval_required && policy.action == Action::Enforce;
        self.policies.iter().any(requires)
    }

    /// Whether somebody broke the glass of what pods of this top owner and template come from.
    pub fn glass_is_broken(&self, namespace: &str, owner: &str, template: &str) -> bool {
        let key = (namespace.to_owned(), owner.to_owned(), template.to_owned());
        !owner.is_empty() && (self.broken_glass.contains_key(&key) || self.broken_above.contains(&key))
    }

    /// Of what a workload says that its glass is broken.
    pub fn glass_broken_by(&self, uid: &str) -> Option<&GlassKey> {
        let mut keys = self.broken_glass.iter();
        keys.find(|(_, by)| by.contains(uid)).map(|(key, _)| key)
    }

    /// Remembers of what a workload says that its glass is broken, and of nothing else any more.
    pub fn break_glass(&mut self, uid: &str, key: Option<GlassKey>) {
        self.broken_glass.retain(|_, by| {
            by.remove(uid);
            !by.is_empty()
        });
        if let Some(key) = key {
            self.broken_glass.entry(key).or_default().insert(uid.to_owned());
        }
    }

    /// Remembers what a reference meant for a namespace, its credentials having resolved it.
    pub fn resolved(&mut self, namespace: &str, image: &str, digest: &str, at: i64) {
        self.readable
            .insert((namespace.to_owned(), repository(image), digest.to_owned()));
        self.latest.insert(
            (namespace.to_owned(), image_name::normalise(image)),
            (digest.to_owned(), at),
        );
    }

    /// The digest of a reference for a workload and template: what it names itself, or what was resolved for it.
    pub(crate) fn digest(&self, namespace: &str, owner: &str, template: &str, image: &str) -> Option<String> {
        if let Some(digest) = image_name::digest(image) {
            return self.may_read(namespace, image, digest).then(|| digest.to_owned());
        }
        let key = TagKey {
            namespace: namespace.to_owned(),
            owner: owner.to_owned(),
            template: template.to_owned(),
            image: image.to_owned(),
        };
        self.tags.get(&key).cloned()
    }

    /// The digest of a reference where nothing can be held: the last meaning of the tag in this namespace.
    pub(crate) fn latest_digest(&self, namespace: &str, image: &str, now: i64) -> Option<String> {
        if let Some(digest) = image_name::digest(image) {
            return self.may_read(namespace, image, digest).then(|| digest.to_owned());
        }
        let key = (namespace.to_owned(), image_name::normalise(image));
        let (digest, at) = self.latest.get(&key)?;
        (now.saturating_sub(*at) <= TAG_SECONDS).then(|| digest.clone())
    }

    fn may_read(&self, namespace: &str, image: &str, digest: &str) -> bool {
        let key = (namespace.to_owned(), repository(image), digest.to_owned());
        self.readable.contains(&key)
    }
}

/// The repository of a reference, spelled out: `docker.io/library/myapp` of `myapp:v1@sha256:…`.
pub fn repository(image: &str) -> String {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let name = image_name::normalise(name);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository.to_owned(),
        _ => name,
    }
}
