//! Controllers, admission webhook, store and alerts: what Seaworthy does inside a cluster.
//!
//! Nothing decides here: the gate and the policies do, from what is remembered; this crate keeps that memory filled, writes
//! what was decided, and scans.

pub mod alerts;
mod certificates;
pub mod client;
mod controllers;
mod error;
mod health;
mod install;
mod metrics;
mod options;
mod pull_secrets;
pub mod resources;
mod run;
mod scans;
mod shared;
pub mod store;
mod token;
pub mod uninstall;
mod webhook;

pub use error::Error;
pub use install::manifests;
pub use options::{NAME, Options};
pub use run::{run, start};
pub use seaworthy_registry::{ClientOptions, Credentials, Mirror};
