//! Approvals: the images of a workload or of an ImageScan are approved by whoever asks, under the name that the API
//! server knows them by.

use super::scans::scan_of;
use super::target::{Row, Target};
use super::{Client, ClientError, Scope};
use crate::controllers::{ACCEPTED, approval_name};
use crate::resources::{ImageApproval, ImageApprovalSpec, ImageScan};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Api;
use kube::ResourceExt;
use kube::api::PostParams;
use seaworthy_gate::{STATE, State};
use std::time::{Duration, Instant};

/// How often an approval is looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// One image that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approving {
    /// The image as written.
    pub image: String,
    /// Its digest.
    pub digest: String,
    /// What became of it.
    pub approval: Approval,
}

/// What became of the approval of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The image was approved before, or needs nobody's approval.
    NotNeeded,
    /// It counts from now on.
    Accepted {
        /// Who approved it.
        by: String,
    },
    /// It does not count.
    Rejected {
        /// Why not.
        why: String,
    },
    /// It is there, and nobody has looked at it yet.
    Recorded {
        /// Who approved it.
        by: String,
    },
}

impl Client {
    /// Approves every image of a target that waits for approval.
    ///
    /// # Errors
    /// When there is no such target, an image has no verdict or a bad one, or the API server refuses the approval.
    pub fn approve(&self, target: &Target, reason: &str, patience: Duration) -> Result<Vec<Approving>, ClientError> {
        self.wait(async {
            let scans = self.approvable(target).await?;
            let mut approving = Vec::new();
            for (image, digest, waits) in scans {
                let approval = match waits {
                    true => self.approve_image(&image, &digest, reason, patience).await?,
                    false => Approval::NotNeeded,
                };
                approving.push(Approving {
                    image,
                    digest,
                    approval,
                });
            }
            Ok(approving)
        })
    }

    /// Image, digest and whether it waits, of every image of the target.
    async fn approvable(&self, target: &Target) -> Result<Vec<(String, String, bool)>, ClientError> {
        let scans = self.scans_of(&Scope::Namespace(self.namespace().to_owned())).await?;
        // An image that somebody has approved may wait all the same, for somebody else who did not ask for it.
        let mut is_open = true;
        let wanted: Vec<(String, Option<&ImageScan>)> = match target {
            Target::Workload(named) => {
                let object = self.object(named).await?;
                let state = object.pointer("/metadata/annotations").and_then(|all| all.get(STATE));
                is_open = state.is_none_or(|state| state != State::Deployed.name());
                let steps = Row::named(named.kind).map_or(&[][..], |row| row.pods);
                let used = seaworthy_gate::images(&object, steps).map_err(|why| ClientError::Unreadable {
                    what: named.to_string(),
                    why,
                })?;
                let mut images: Vec<String> = used.into_iter().map(|used| used.image).collect();
                images.sort();
                images.dedup();
                images
                    .into_iter()
                    .map(|image| {
                        let scan = scan_of(&scans, self.namespace(), &image);
                        (image, scan)
                    })
                    .collect()
            }
            Target::Scan(text) | Target::ScanOrImage(text) => {
                let scan = self.pick(&scans, target).ok_or_else(|| ClientError::NotFound {
                    what: format!("ImageScan for {text} in namespace {}", self.namespace()),
                })?;
                vec![(scan.spec.image.clone(), Some(scan))]
            }
        };
        wanted
            .into_iter()
            .map(|(image, scan)| waits(image, scan, is_open))
            .collect()
    }

    async fn approve_image(
        &self,
        image: &str,
        digest: &str,
        reason: &str,
        patience: Duration,
    ) -> Result<Approval, ClientError> {
        let by = self.own_name().await?;
        let api: Api<ImageApproval> = Api::namespaced(self.client.clone(), self.namespace());
        let name = approval_name(image, digest, &by);
        let approval = ImageApproval::new(
            &name,
            ImageApprovalSpec {
                image: image.to_owned(),
                digest: digest.to_owned(),
                reason: reason.to_owned(),
                approved_by: by.clone(),
            },
        );
        let what = format!("approve {image}");
        match api.create(&PostParams::default(), &approval).await {
            Ok(_) => {}
            // Said before; what became of it is looked at below.
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(ClientError::of(&what, "namespace of that name")(error)),
        }
        let started = Instant::now();
        loop {
            let found = api
                .get(&name)
                .await
                .map_err(ClientError::of(&what, &format!("ImageApproval {name}")))?;
            if let Some(condition) = accepted(&found) {
                return Ok(match condition.status == "True" {
                    true => Approval::Accepted { by },
                    false => Approval::Rejected {
                        why: condition.message.clone(),
                    },
                });
            }
            if started.elapsed() > patience {
                return Ok(Approval::Recorded { by });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The name under which the API server knows whoever asks.
    async fn own_name(&self) -> Result<String, ClientError> {
        let reviews: Api<SelfSubjectReview> = Api::all(self.client.clone());
        let review = reviews
            .create(&PostParams::default(), &SelfSubjectReview::default())
            .await
            .map_err(ClientError::of("ask who you are", "SelfSubjectReview"))?;
        let user = review.status.and_then(|status| status.user_info);
        user.and_then(|user| user.username)
            .ok_or_else(|| ClientError::Unreadable {
                what: "the answer to who you are".to_owned(),
                why: "it holds no name".to_owned(),
            })
    }

    /// The ImageScan that a target names.
    pub(super) fn pick<'a>(&self, scans: &'a [ImageScan], target: &Target) -> Option<&'a ImageScan> {
        match target {
            Target::Workload(_) => None,
            Target::Scan(name) => scans.iter().find(|scan| scan.name_any() == *name),
            Target::ScanOrImage(text) => scans
                .iter()
                .find(|scan| scan.name_any() == *text)
                .or_else(|| scan_of(scans, self.namespace(), text)),
        }
    }
}

fn accepted(approval: &ImageApproval) -> Option<&Condition> {
    let status = approval.status.as_ref()?;
    status.conditions.iter().find(|condition| condition.type_ == ACCEPTED)
}

/// Whether an image waits for approval, or why it cannot be approved.
fn waits(image: String, scan: Option<&ImageScan>, is_open: bool) -> Result<(String, String, bool), ClientError> {
    let status = scan.and_then(|scan| scan.status.as_ref());
    let Some((status, digest)) = status.and_then(|status| Some((status, status.digest.clone()?))) else {
        return Err(ClientError::NotApprovable {
            what: image,
            why: "it is not scanned yet".to_owned(),
        });
    };
    let approved = status.conditions.iter().find(|condition| condition.type_ == "Approved");
    match approved.map(|condition| (condition.status.as_str(), condition.reason.as_str())) {
        Some(("True", "ApprovedByPerson")) => Ok((image, digest, is_open)),
        Some(("True", _)) => Ok((image, digest, false)),
        Some((_, "ApprovalRequired")) => Ok((image, digest, true)),
        _ => Err(ClientError::NotApprovable {
            what: image,
            why: match &status.reason {
                Some(line) => format!("approval lifts no finding ({line})"),
                None => "it has no verdict yet".to_owned(),
            },
        }),
    }
}
