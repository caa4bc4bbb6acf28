//! What `kubectl scan` asks a cluster for: a blocking client of the API server, with the rights of whoever runs it.
//!
//! It talks to the API server alone and never to the operator itself: what somebody may see or do is decided there.

mod access;
mod approvals;
mod connection;
mod error;
mod preview;
mod scans;
mod target;
mod trials;
mod why;
mod workloads;

pub use crate::preview::Prospect;
pub use access::access;
pub use approvals::{Approval, Approving};
pub(crate) use connection::list_all;
pub use connection::{Client, Connection, Scope};
pub use error::ClientError;
pub use preview::{Preview, PreviewedImage, PreviewedWorkload};
pub use scans::Followed;
pub use target::{Named, Target};
pub use trials::Trial;
pub use why::{ImageAnswer, Why};
pub use workloads::WorkloadState;
