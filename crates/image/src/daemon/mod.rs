//! Daemons on this machine that keep images: where their sockets are, and how each is asked.

mod body;
mod context;
mod docker;
mod endpoint;
mod export;
mod inspect;
mod socket;

pub(crate) use docker::{open_docker, open_podman};
pub use endpoint::{Daemons, Endpoint, TlsFiles};
pub(crate) use export::Export;
