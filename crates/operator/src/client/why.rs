//! Why something is held: its own line, or that of what stands above it, and what is known of each of its images.

use super::connection::list_all;
use super::scans::scan_of;
use super::target::{Named, Row, Target};
use super::{Client, ClientError, Scope};
use crate::resources::ImageScan;
use kube::ResourceExt;
use seaworthy_gate::{REASON, STATE};
use serde_json::Value;

/// Owners above owners: a pod, its ReplicaSet, its Deployment.
const OWNERS: usize = 4;

/// Where something stands, and why.
#[derive(Clone, Debug)]
pub struct Why {
    /// What was asked about, `kind/name`.
    pub what: String,
    /// Where the line comes from, where that is something else.
    pub from: Option<String>,
    /// Its namespace.
    pub namespace: String,
    /// The state in the words of the annotation or of the ImageScan; absent where nothing was said.
    pub state: Option<String>,
    /// The one line.
    pub reason: Option<String>,
    /// Every image.
    pub images: Vec<ImageAnswer>,
}

/// What is known of one image.
#[derive(Clone, Debug)]
pub struct ImageAnswer {
    /// The container's name, empty for an ImageScan asked about itself.
    pub container: String,
    /// The image as written.
    pub image: String,
    /// Its ImageScan.
    pub scan: Option<ImageScan>,
}

impl Client {
    /// Tells where a target stands, and why.
    ///
    /// # Errors
    /// When there is no such target, or it may not be read.
    pub fn why(&self, target: &Target) -> Result<Why, ClientError> {
        self.wait(async {
            let scans = self.scans_of(&Scope::Namespace(self.namespace().to_owned())).await?;
            match target {
                Target::Workload(named) => self.why_workload(named, &scans).await,
                Target::Scan(text) | Target::ScanOrImage(text) => {
                    let scan = self.pick(&scans, target).ok_or_else(|| ClientError::NotFound {
                        what: format!("ImageScan for {text} in namespace {}", self.namespace()),
                    })?;
                    let status = scan.status.clone().unwrap_or_default();
                    Ok(Why {
                        what: format!("imagescan/{}", scan.name_any()),
                        from: None,
                        namespace: self.namespace().to_owned(),
                        state: serde_json::to_value(status.state)
                            .ok()
                            .and_then(|state| state.as_str().map(str::to_owned)),
                        reason: status.reason,
                        images: vec![ImageAnswer {
                            container: String::new(),
                            image: scan.spec.image.clone(),
                            scan: Some(scan.clone()),
                        }],
                    })
                }
            }
        })
    }

    async fn why_workload(&self, named: &Named, scans: &[ImageScan]) -> Result<Why, ClientError> {
        let object = self.object(named).await?;
        let steps = Row::named(named.kind).map_or(&[][..], |row| row.pods);
        let used = seaworthy_gate::images(&object, steps).map_err(|why| ClientError::Unreadable {
            what: named.to_string(),
            why,
        })?;
        let images = used
            .into_iter()
            .map(|used| ImageAnswer {
                scan: scan_of(scans, self.namespace(), &used.image).cloned(),
                container: used.container,
                image: used.image,
            })
            .collect();
        let mut why = Why {
            what: named.to_string(),
            from: None,
            namespace: self.namespace().to_owned(),
            state: annotation(&object, STATE),
            reason: annotation(&object, REASON),
            images,
        };
        if why.state.is_none() {
            let said = match named.kind {
                "CronJob" => self.said_by_jobs(&object).await?,
                _ => self.said_above(&object).await?,
            };
            if let Some((from, object)) = said {
                why.state = annotation(&object, STATE);
                why.reason = annotation(&object, REASON);
                why.from = Some(from.to_string());
            }
        }
        Ok(why)
    }

    /// The first owner above an object of which something was said.
    async fn said_above(&self, object: &Value) -> Result<Option<(Named, Value)>, ClientError> {
        let mut object = object.clone();
        for _ in 0..OWNERS {
            let Some(owner) = controller(&object) else {
                return Ok(None);
            };
            object = match self.object(&owner).await {
                Ok(object) => object,
                // It is being deleted; its owner goes first.
                Err(ClientError::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            if annotation(&object, STATE).is_some() {
                return Ok(Some((owner, object)));
            }
        }
        Ok(None)
    }

    /// The latest Job of a CronJob of which something was said.
    async fn said_by_jobs(&self, cron_job: &Value) -> Result<Option<(Named, Value)>, ClientError> {
        let Some(row) = Row::named("Job") else { return Ok(None) };
        let api = self.dynamic(&Scope::Namespace(self.namespace().to_owned()), &row.resource());
        let jobs = list_all(&api).await.map_err(ClientError::of("list Jobs", "Jobs"))?;
        let uid = cron_job.pointer("/metadata/uid").and_then(Value::as_str);
        let latest = jobs
            .into_iter()
            .filter(|job| job.annotations().contains_key(STATE))
            .filter(|job| {
                job.owner_references()
                    .iter()
                    .any(|owner| Some(owner.uid.as_str()) == uid)
            })
            .max_by_key(ResourceExt::creation_timestamp);
        let Some(job) = latest else { return Ok(None) };
        let named = Named {
            kind: row.kind,
            name: job.name_any(),
        };
        Ok(Some((named, value(&job)?)))
    }

    /// Reads a workload or pod of the namespace.
    pub(super) async fn object(&self, named: &Named) -> Result<Value, ClientError> {
        let thing = format!("{named} in namespace {}", self.namespace());
        let Some(row) = Row::named(named.kind) else {
            return Err(ClientError::NotFound { what: thing });
        };
        let api = self.dynamic(&Scope::Namespace(self.namespace().to_owned()), &row.resource());
        let object = api
            .get(&named.name)
            .await
            .map_err(ClientError::of(&format!("read {thing}"), &thing))?;
        value(&object)
    }
}

fn value(object: &kube::core::DynamicObject) -> Result<Value, ClientError> {
    serde_json::to_value(object).map_err(|error| ClientError::Unreadable {
        what: object.name_any(),
        why: error.to_string(),
    })
}

pub(super) fn annotation(object: &Value, key: &str) -> Option<String> {
    let text = object.get("metadata")?.get("annotations")?.get(key)?.as_str()?;
    Some(text.to_owned())
}

/// The owner that controls an object, where it is of a kind that we know.
pub(super) fn controller(object: &Value) -> Option<Named> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners
        .iter()
        .find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
    Some(Named {
        kind: Row::named(owner.get("kind")?.as_str()?)?.kind,
        name: owner.get("name")?.as_str()?.to_owned(),
    })
}
