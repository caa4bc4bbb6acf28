//! Controllers, admission webhook, store and alerts: what Seaworthy does inside a cluster.
//!
//! Nothing decides here: the gate and the policies do, from what is remembered; this crate keeps that memory filled, writes
//! what was decided, and scans.

pub mod resources;
