//! References, credentials, mirrors, retry: the OCI distribution protocol (specification 1.1), the client's half.
//!
//! A registry is foreign: every body has a cap, every wait an end, every digest is computed here, and credentials go to the
//! registry they belong to and nowhere else. Nothing reads the process environment but [`CredentialFiles::of_environment`]
//! and the proxy settings, so that a cluster can pass everything by value.
#![deny(clippy::indexing_slicing)]

mod address;
mod authenticate;
mod blob;
mod challenge;
mod client;
mod connections;
mod credential_helper;
mod credentials;
mod docker_config;
mod error;
mod exchange;
mod manifest;
mod options;
mod reference;
mod repository;
mod retry;
mod secret;
mod site;

pub use blob::BlobStream;
pub use challenge::{Challenge, parse as parse_challenges};
pub use client::Client;
pub use credentials::{CredentialFiles, Credentials, Login};
pub use docker_config::DockerConfig;
pub use error::Error;
pub use manifest::{Document, MEDIA_TYPES};
pub use options::{ClientOptions, Mirror, Retry, Timeouts, TokenServer};
pub use reference::{Reference, ReferenceError};
pub use repository::Repository;
pub use secret::Secret;
