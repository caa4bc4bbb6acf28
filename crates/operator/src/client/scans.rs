//! ImageScans: asked for, followed until there is a result, listed.

use super::connection::list_all;
use super::{Client, ClientError, Scope};
use crate::controllers::object_name;
use crate::resources::{ImageScan, ImageScanSpec, ImageState};
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, ResourceExt};
use seaworthy_policy::image_name;
use std::time::{Duration, Instant};

/// How often a scan is looked at.
const PAUSE: Duration = Duration::from_millis(200);
/// After this time without a status nobody seems to be there.
const SILENCE: Duration = Duration::from_secs(20);
/// How often a failed ImageScan is replaced before its old result is taken.
const ATTEMPTS: u32 = 3;

/// What is seen while a scan is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The wish is there.
    Started,
    /// The image is being read.
    Scanning,
    /// It was scanned before.
    Known {
        /// When, in seconds since 1970.
        at: i64,
    },
}

impl Client {
    /// Asks for a scan of an image in the namespace and waits until it has a result.
    ///
    /// An image that has an ImageScan already keeps it; one that failed is asked for anew where that is allowed.
    ///
    /// # Errors
    /// When Seaworthy is not installed, the request is refused, or there is no result in time.
    pub fn scan(
        &self,
        image: &str,
        patience: Duration,
        seen: &mut dyn FnMut(Followed),
    ) -> Result<ImageScan, ClientError> {
        self.wait(async {
            let started = Instant::now();
            let scans: Api<ImageScan> = Api::namespaced(self.client.clone(), self.namespace());
            let scan = self.request(&scans, image).await?;
            seen(Followed::Started);
            if let Some(at) = finished(&scan).then(|| scanned_at(&scan)).flatten() {
                seen(Followed::Known { at });
            }
            let name = scan.name_any();
            let thing = format!("ImageScan {name}");
            let mut scan = scan;
            let mut scanning = false;
            while !finished(&scan) {
                let state = scan.status.as_ref().map(|status| status.state);
                if state == Some(ImageState::Scanning) && !scanning {
                    scanning = true;
                    seen(Followed::Scanning);
                }
                let waited = started.elapsed();
                if waited > patience || (scan.status.is_none() && waited > SILENCE) {
                    return Err(ClientError::NoAnswer { waited });
                }
                tokio::time::sleep(PAUSE).await;
                scan = scans
                    .get(&name)
                    .await
                    .map_err(ClientError::of(&format!("read {thing}"), &thing))?;
            }
            Ok(scan)
        })
    }

    /// Makes the ImageScan of an image, or finds the one that there is.
    async fn request(&self, scans: &Api<ImageScan>, image: &str) -> Result<ImageScan, ClientError> {
        let name = object_name(image);
        let what = format!("ask for a scan of {image} in namespace {}", self.namespace());
        let spec = ImageScanSpec {
            image: image.to_owned(),
        };
        let wish = ImageScan::new(&name, spec);
        let mut attempt = 0;
        loop {
            attempt += 1;
            match scans.create(&PostParams::default(), &wish).await {
                Ok(scan) => return Ok(scan),
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => {
                    return Err(ClientError::of(&what, &format!("namespace {}", self.namespace()))(
                        error,
                    ));
                }
            }
            let found = match scans.get_opt(&name).await {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(error) => return Err(ClientError::of(&what, &name)(error)),
            };
            let failed = found.status.as_ref().map(|status| status.state) == Some(ImageState::Failed);
            if !failed || attempt >= ATTEMPTS || found.spec.image != image {
                return Ok(found);
            }
            let parameters = DeleteParams {
                preconditions: Some(Preconditions {
                    uid: found.uid(),
                    resource_version: None,
                }),
                ..DeleteParams::default()
            };
            // Who may not delete it gets the result that there is.
            if scans.delete(&name, &parameters).await.is_err() {
                return Ok(found);
            }
        }
    }

    /// The ImageScans of a namespace or of all, by namespace and name.
    ///
    /// # Errors
    /// When Seaworthy is not installed or they may not be listed.
    pub fn scans(&self, scope: &Scope) -> Result<Vec<ImageScan>, ClientError> {
        self.wait(self.scans_of(scope))
    }

    pub(super) async fn scans_of(&self, scope: &Scope) -> Result<Vec<ImageScan>, ClientError> {
        let api: Api<ImageScan> = match scope {
            Scope::Namespace(namespace) => Api::namespaced(self.client.clone(), namespace),
            Scope::All => Api::all(self.client.clone()),
        };
        let mut scans = list_all(&api)
            .await
            .map_err(ClientError::of("list ImageScans", "ImageScans"))?;
        scans.sort_by_key(|scan| (scan.namespace(), scan.name_any()));
        Ok(scans)
    }
}

/// Whether a scan has a result for the wish that the object is now.
fn finished(scan: &ImageScan) -> bool {
    let Some(status) = &scan.status else { return false };
    let current = status.observed_generation.is_none() || status.observed_generation == scan.metadata.generation;
    current && !matches!(status.state, ImageState::NotScanned | ImageState::Scanning)
}

fn scanned_at(scan: &ImageScan) -> Option<i64> {
    Some(scan.status.as_ref()?.scanned_at.as_ref()?.0.as_second())
}

/// The ImageScan of an image: the one that has it as written, else one that means the same.
pub(super) fn scan_of<'a>(scans: &'a [ImageScan], namespace: &str, image: &str) -> Option<&'a ImageScan> {
    let written = image_name::unpinned(image);
    let mine = |scan: &&ImageScan| scan.namespace().as_deref() == Some(namespace);
    scans
        .iter()
        .filter(mine)
        .find(|scan| scan.spec.image == written || scan.spec.image == image)
        .or_else(|| {
            let spelled_out = image_name::normalise(written);
            scans
                .iter()
                .filter(mine)
                .find(|scan| image_name::normalise(&scan.spec.image) == spelled_out)
        })
}
