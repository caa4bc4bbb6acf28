//! Where the images of one workload or pod stand under the policies: each image for itself, then all together.

use crate::annotations::State;
use crate::images::ImageUse;
use crate::memory::{Admission, Earlier, Memory};
use seaworthy_policy::{Action, Judgement, ScanPolicy, cut, effective, image_name, judge};
use std::collections::BTreeMap;

/// Whose images are judged.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The labels that workload selectors see.
    pub labels: &'a BTreeMap<String, String>,
    /// The `uid` of the top owner, empty where it has none yet.
    pub owner: &'a str,
    /// The identity of the template.
    pub template: &'a str,
    /// Whether the glass was broken for exactly this template.
    pub glass: Glass<'a>,
    /// Who asked for it, whose own approval does not count. Where nobody knows, two have to approve it: one of them is not
    /// who asked.
    pub asked_by: &'a [String],
    /// Whether a tag may mean what it last meant in the namespace, as there is no way to hold.
    pub latest: bool,
}

/// Whether somebody broke the glass, and for which images.
#[derive(Clone, Copy, Debug)]
pub enum Glass<'a> {
    /// Nobody did.
    Whole,
    /// For all of them.
    Broken,
    /// For those of a template, by container.
    BrokenFor(&'a BTreeMap<String, String>),
}

/// Where one image stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageStanding {
    /// It runs, with this digest.
    Approved {
        /// The digest that was judged.
        digest: String,
        /// Whether it stood on its own feet, so that it may always run here from now on.
        lasting: bool,
    },
    /// It runs though something speaks against it, or though nothing is known.
    Tolerated {
        /// The digest, where it is known.
        digest: Option<String>,
        /// What whoever asks is told; nothing under audit.
        warning: Option<String>,
    },
    /// It does not run.
    Held {
        /// The word for the state.
        state: State,
        /// The line for people.
        line: String,
    },
}

/// Where all images of a workload or pod stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Every image with its standing.
    pub images: Vec<(ImageUse, ImageStanding)>,
}

impl Standing {
    /// The worst hold, if any: its state and its line.
    pub fn hold(&self) -> Option<(State, &str)> {
        self.images
            .iter()
            .filter_map(|(_, standing)| match standing {
                ImageStanding::Held { state, line } => Some((*state, line.as_str())),
                _ => None,
            })
            // The first of the worst: `max_by_key` would take the last.
            .rev()
            .max_by_key(|(state, _)| *state)
    }

    /// What whoever asks is told although it runs.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.images.iter().filter_map(|(_, standing)| match standing {
            ImageStanding::Tolerated { warning, .. } => warning.as_deref(),
            _ => None,
        })
    }

    /// Each image with the digest that it must run with, where one is known and it runs.
    pub fn digests(&self) -> impl Iterator<Item = (&ImageUse, &str)> {
        self.images.iter().filter_map(|(image, standing)| match standing {
            ImageStanding::Approved { digest, .. } => Some((image, digest.as_str())),
            ImageStanding::Tolerated { digest, .. } => Some((image, digest.as_deref()?)),
            ImageStanding::Held { .. } => None,
        })
    }

    /// What may always run from now on.
    pub fn admissions(&self, namespace: &str, owner: &str) -> Vec<Admission> {
        if owner.is_empty() {
            return Vec::new();
        }
        self.images
            .iter()
            .filter_map(|(image, standing)| match standing {
                ImageStanding::Approved { digest, lasting: true } => Some(Admission {
                    namespace: namespace.to_owned(),
                    owner: owner.to_owned(),
                    container: image.container.clone(),
                    digest: digest.clone(),
                }),
                _ => None,
            })
            .collect()
    }
}

/// Where the images of a workload or pod stand.
pub fn stand(memory: &Memory, subject: &Subject<'_>, images: Vec<ImageUse>, now: i64) -> Standing {
    let namespace_labels = memory.namespace_labels(subject.namespace);
    let policies = effective(&memory.policies, &namespace_labels, subject.labels);
    let images = images
        .into_iter()
        .map(|image| {
            let mut standing = judge_one(memory, subject, &policies, &image, now);
            if matches!(standing, ImageStanding::Held { .. }) && ran_before(memory, subject, &image) {
                standing = ImageStanding::Tolerated {
                    digest: None,
                    warning: None,
                };
            }
            (image, standing)
        })
        .collect();
    Standing { images }
}

/// Whether exactly this ran before we were there.
fn ran_before(memory: &Memory, subject: &Subject<'_>, image: &ImageUse) -> bool {
    !subject.owner.is_empty()
        && memory.earlier.contains(&Earlier {
            namespace: subject.namespace.to_owned(),
            owner: subject.owner.to_owned(),
            template: subject.template.to_owned(),
            container: image.container.clone(),
            image: image.image.clone(),
        })
}

fn judge_one(
    memory: &Memory,
    subject: &Subject<'_>,
    policies: &[&ScanPolicy],
    image: &ImageUse,
    now: i64,
) -> ImageStanding {
    let digest = meaning(memory, subject, &image.image, now);
    let action = policies
        .iter()
        .map(|policy| policy.action)
        .max()
        .unwrap_or(Action::Enforce);
    if is_behind_broken_glass(memory, subject, image, now) {
        return ImageStanding::Tolerated { digest, warning: None };
    }
    let written = image_name::unpinned(&image.image);
    let Some(digest) = digest else {
        let line = match written {
            "" => format!("container {} names no image", image.container),
            _ => format!("{written}: not scanned yet; it is let go by itself when the scan passes"),
        };
        return refuse(action, State::Created, cut(line), None);
    };
    let admission = Admission {
        namespace: subject.namespace.to_owned(),
        owner: subject.owner.to_owned(),
        container: image.container.clone(),
        digest: digest.clone(),
    };
    if !subject.owner.is_empty() && memory.admissions.contains(&admission) {
        return ImageStanding::Approved { digest, lasting: true };
    }
    let Some(assessment) = memory.assessments.get(&digest) else {
        let line = format!("{written}: not scanned yet; it is let go by itself when the scan passes");
        return refuse(action, State::Created, cut(line), Some(digest));
    };
    if let Some(platform) = assessment.missing_platform(&memory.platforms) {
        let line = format!("{written}: not scanned yet for {platform}, which nodes of this cluster have");
        return refuse(action, State::Created, cut(line), Some(digest));
    }
    let exceptions = memory
        .exceptions
        .get(subject.namespace)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let judgement = match judge(policies, exceptions, &image.image, assessment, now) {
        Judgement::ApprovalRequired { line, then } => {
            if let Some(line) = is_unapproved(memory, subject, written, &digest, line) {
                return refuse(Action::Enforce, State::PendingApproval, line, Some(digest));
            }
            *then
        }
        judgement => judgement,
    };
    match judgement {
        Judgement::Passes { by_exception } => ImageStanding::Approved {
            digest,
            lasting: !by_exception && action == Action::Enforce,
        },
        // Said above; one approval is enough.
        Judgement::ApprovalRequired { line, .. } => refuse(action, State::PendingApproval, line, Some(digest)),
        Judgement::Outdated { action } => {
            let line = format!("{written}: its scan is too old for the policy; it is scanned again");
            refuse(action, State::Created, cut(line), Some(digest))
        }
        Judgement::Violates { action, line } => refuse(action, State::Blocked, line, Some(digest)),
    }
}

/// Why the approvals of a digest, if there are any, do not count here.
fn is_unapproved(memory: &Memory, subject: &Subject<'_>, written: &str, digest: &str, line: String) -> Option<String> {
    let key = (subject.namespace.to_owned(), digest.to_owned());
    let Some(by) = memory.approvals.get(&key) else {
        return Some(line);
    };
    let command = format!("kubectl scan approve {written}");
    match subject.asked_by {
        [] if by.len() > 1 => None,
        [] => Some(cut(format!(
            "{written}: nobody knows who asked for it, so one more person has to approve it: {command}"
        ))),
        asked if by.iter().any(|by| !asked.contains(by)) => None,
        asked => Some(cut(format!(
            "{written}: {} asked for it, so somebody else has to approve it: {command}",
            asked
                .iter()
                .find(|asked| by.contains(*asked))
                .map_or("", String::as_str)
        ))),
    }
}

/// The digest that a reference means for whoever is judged.
fn meaning(memory: &Memory, subject: &Subject<'_>, image: &str, now: i64) -> Option<String> {
    match subject.latest {
        true => memory.latest_digest(subject.namespace, image, now),
        false => memory.digest(subject.namespace, subject.owner, subject.template, image),
    }
}

/// Whether the glass was broken for this image: as the template writes it, or with the digest that we give it for that.
fn is_behind_broken_glass(memory: &Memory, subject: &Subject<'_>, image: &ImageUse, now: i64) -> bool {
    match subject.glass {
        Glass::Whole => false,
        Glass::Broken => true,
        Glass::BrokenFor(images) => images.get(&image.container).is_some_and(|written| {
            let pinned = || Some(image_name::pin(written, &meaning(memory, subject, written, now)?));
            *written == image.image || pinned().is_some_and(|pinned| pinned == image.image)
        }),
    }
}

fn refuse(action: Action, state: State, line: String, digest: Option<String>) -> ImageStanding {
    match action {
        Action::Enforce => ImageStanding::Held { state, line },
        Action::Warn => ImageStanding::Tolerated {
            digest,
            warning: Some(line),
        },
        Action::Audit => ImageStanding::Tolerated { digest, warning: None },
    }
}
