//! An image reference becomes verified layer streams.
//!
//! A source (registry, docker archive, OCI archive, OCI layout, root directory) knows where manifest, config and layer blobs lie;
//! [`Image`] joins them to metadata plus [`LayerStream`]s. Nothing is unpacked to disk and no layer is held in memory:
//! a stream hashes, inflates and hands on chunks of a quarter megabyte, and its digest is checked when it ends.
#![deny(clippy::indexing_slicing)]

mod blobs;
mod compression;
mod daemon;
mod docker_archive;
mod error;
mod handover;
mod image;
mod layer;
mod manifest;
mod network;
mod oci_layout;
mod progress;
mod registry;
mod remote;
mod root_directory;
mod source;
mod tar_index;

pub use daemon::{Daemons, Endpoint, TlsFiles};
#[doc(hidden)]
pub use daemon::{read_foreign_export, read_foreign_inspection, read_foreign_messages};
pub use error::{Error, Tried};
pub use image::Image;
pub use layer::{LayerReader, LayerStream};
pub use network::{DocumentCache, Network};
pub use progress::{Progress, Spent};
#[doc(hidden)]
pub use remote::read_foreign_manifest;
pub use root_directory::{DirectoryEntry, EntryKind, RootDirectory};
pub use seaworthy_registry::{
    ClientOptions, CredentialFiles, Credentials, Error as RegistryError, Mirror, Reference, Retry, Secret, Timeouts,
    TokenServer,
};
pub use source::{ImageSource, SourceOptions, open_input, open_reference, platforms};
