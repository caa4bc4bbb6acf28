//! The vocabulary of Seaworthy: one plain type for each step of the flow, and every limit it keeps.
//!
//! This crate does no I/O, has no async code and no error type. Everything here is a value that can be compared,
//! cloned and serialised; the field names are the terms of the specifications they come from.

mod advice;
mod assessment;
mod budget;
mod digest;
mod distribution;
mod finding;
mod image;
mod inventory;
pub mod limits;
mod package;
mod problem;
mod report;
mod severity;

pub use advice::{Cvss, DataSource, Epss, FixStatus, KnownExploited};
pub use assessment::{AssessedFinding, Assessment};
pub use budget::{Budget, Budgeted};
pub use digest::Digest;
pub use distribution::{Distribution, Family};
pub use finding::{Confidence, Decision, Finding, Match, MatchKind, Suppression, Verdict};
pub use image::{ImageMetadata, LayerDigests, Platform};
pub use inventory::{Coverage, Inventory, PackageDatabase};
pub use package::{Ecosystem, LayerRef, Package, PackageClass, Relationship};
pub use problem::{Effect, Problem, Subject};
pub use report::{ArtifactKind, DatabaseInfo, DatabaseSource, ScanReport};
pub use severity::Severity;
