//! What outlives a restart: verdicts by digest, what tags meant, what was let in, what was approved.
//!
//! A trait, so that a server for several replicas can stand behind it; `sqlite.rs` keeps it in one file.

mod alerts;
pub(crate) mod packed;
mod sqlite;

pub use alerts::{AlertChange, AlertStore, StoredAlerts};
pub use packed::{pack, pack_assessment};
pub use sqlite::SqliteStore;

use seaworthy_gate::{Admission, Earlier, TagKey};
use seaworthy_model::Assessment;
use std::future::Future;
use std::pin::Pin;

/// What a store answers, some time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum StoreError {
    #[error("cannot {what} the store")]
    Database { what: &'static str, source: sqlx::Error },
    #[error("the store holds something that cannot be read: {what}")]
    Unreadable { what: String },
    #[error("{url:?} is no address of a store, write sqlite://FILE")]
    Address { url: String },
}

/// What a reference meant in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The namespace.
    pub namespace: String,
    /// The reference as written.
    pub image: String,
    /// The digest.
    pub digest: String,
    /// When, in seconds since 1970.
    pub at: i64,
}

/// Everything that the memory is filled from.
#[derive(Debug, Default)]
pub struct Contents {
    /// What scans found, by digest.
    pub assessments: Vec<(String, Assessment)>,
    /// What tags meant for workloads.
    pub tags: Vec<(TagKey, String)>,
    /// What references meant in namespaces.
    pub resolutions: Vec<Resolution>,
    /// What was let in.
    pub admissions: Vec<Admission>,
    /// Namespace, digest and who approved it.
    pub approvals: Vec<(String, String, String)>,
    /// What ran before.
    pub earlier: Vec<Earlier>,
    /// The advisory data that the verdicts were made with.
    pub advisory_data: Option<String>,
}

/// What scans found, made again with other advisory data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rematched {
    /// The data, which from now on all verdicts were made with.
    pub advisory_data: String,
    /// Verdicts that are others now, by digest, as [`pack_assessment`] made them.
    pub changed: Vec<(String, Vec<u8>)>,
    /// Digests of which nothing is known any more.
    pub forgotten: Vec<String>,
}

/// A store.
pub trait Store: AlertStore + std::fmt::Debug + Send + Sync {
    /// Everything.
    fn load(&self) -> Answer<'_, Contents>;
    /// Keeps what a scan found, and what it read, as [`pack`] made it.
    fn keep_assessment(&self, digest: String, assessment: Assessment, inventories: Vec<u8>) -> Answer<'_, ()>;
    /// Digests after this one, in order and at most so many, with the inventories that are kept of them.
    fn inventories(&self, after: String, count: u32) -> Answer<'_, Vec<(String, Vec<u8>)>>;
    /// Keeps what scans found, made again: all of it or nothing.
    fn keep_rematched(&self, rematched: Rematched) -> Answer<'_, ()>;
    /// Keeps what a tag meant for a workload.
    fn keep_tag(&self, key: TagKey, digest: String) -> Answer<'_, ()>;
    /// Keeps what a reference meant in a namespace.
    fn keep_resolution(&self, resolution: Resolution) -> Answer<'_, ()>;
    /// Keeps what was let in.
    fn keep_admissions(&self, admissions: Vec<Admission>) -> Answer<'_, ()>;
    /// Whether what ran before was written down.
    fn has_begun(&self) -> Answer<'_, bool>;
    /// Keeps what ran before, once and for all.
    fn begin(&self, earlier: Vec<Earlier>, at: i64) -> Answer<'_, ()>;
    /// Keeps that somebody approved a digest for a namespace, and why.
    fn keep_approval(&self, namespace: String, digest: String, by: String, reason: String) -> Answer<'_, ()>;
}
