//! Controllers, admission webhook, store and alerts: what Seaworthy does inside a cluster.
//!
//! Nothing decides here: the gate and the policies do, from what is remembered; this crate keeps that memory filled, writes
//! what was decided, and scans.

mod advisory_data;
pub mod alerts;
mod certificates;
pub mod client;
mod controllers;
mod deadline;
mod error;
mod health;
mod install;
mod lately;
mod lease;
mod metrics;
mod options;
mod preview;
mod pull_secrets;
mod reach;
pub mod rematch;
#[cfg(test)]
mod renewal_tests;
pub mod resources;
mod run;
mod scans;
mod shared;
pub mod store;
mod token;
pub mod uninstall;
mod webhook;

pub use advisory_data::AdvisoryData;
pub use error::Error;
pub use install::manifests;
pub use options::{NAME, Options};
pub use run::{run, start};
/// The gate: what [`admission`] answers from, and what is sent to hold and to release.
pub use seaworthy_gate as gate;
pub use seaworthy_registry::{ClientOptions, Credentials, Mirror};
pub use webhook::admission;
