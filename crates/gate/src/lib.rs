//! An admission review, what we remember and the policy become an answer; and the patches that hold and release.
//!
//! Pure: no cluster, no clock, no threads. [`ask`] answers from [`Memory`] alone, so that it is as fast as reading the
//! review, and can be tried on any bytes. Within a request of somebody else a hold is only ever added: lifting one is
//! the business of the controllers, under our own name, with the patches of [`release`].
#![deny(clippy::indexing_slicing)]

mod annotations;
mod answer;
mod ask;
mod exception;
mod hold;
mod images;
mod json_patch;
mod leave;
mod memory;
mod owner;
mod pod;
mod release;
mod review;
mod standing;
mod template;
mod workload;

pub use annotations::{BREAK_GLASS, BREAK_GLASS_TEMPLATE, HOLD, PREFIX, REASON, REQUESTED_BY, STATE, State};
pub use answer::{Answer, Scan};
pub use ask::{Phase, answer, ask, read};
pub use hold::{GATE, Hold, Kind};
pub use images::{ImageUse, Images, images, pod_images};
pub use leave::{carries_ours, leave};
pub use memory::{Admission, Earlier, GlassKey, Memory, OwnerRecord, Revision, TagKey, repository};
pub use owner::{PodOwner, asked_by, owner_of_pod, owner_of_workload, owner_record, owner_revision};
pub use release::{NotReleased, describe, release, release_pod};
pub use review::Request;
pub use standing::{Glass, ImageStanding, Standing, Subject, stand};
pub use template::template_id;
pub use workload::{break_glass_holds, broken_template, glass_is_broken, hold_by_controller};
