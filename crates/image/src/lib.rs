//! An image reference becomes verified layer streams.
//!
//! A source (docker archive, OCI archive, OCI layout, root directory) knows where manifest, config and layer blobs lie;
//! [`Image`] joins them to metadata plus [`LayerStream`]s. Nothing is unpacked to disk and no layer is held in memory:
//! a stream hashes, inflates and hands on chunks of a quarter megabyte, and its digest is checked when it ends.
#![deny(clippy::indexing_slicing)]

mod blobs;
mod compression;
mod docker_archive;
mod error;
mod image;
mod layer;
mod manifest;
mod oci_layout;
mod root_directory;
mod source;
mod tar_index;

pub use error::Error;
pub use image::Image;
pub use layer::{LayerReader, LayerStream, Progress};
pub use root_directory::{DirectoryEntry, EntryKind, RootDirectory};
pub use source::open_input;
