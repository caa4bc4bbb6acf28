//! Daemons on this machine that keep images: where their sockets are, and how each is asked.

mod body;
mod containerd;
mod context;
mod docker;
mod endpoint;
mod export;
mod foreign;
mod grpc;
mod inspect;
mod socket;

pub(crate) use containerd::open as open_containerd;
pub(crate) use docker::{open_docker, open_podman};
pub use endpoint::{Daemons, Endpoint, TlsFiles};
pub(crate) use export::Export;
#[doc(hidden)]
pub use foreign::{read_foreign_export, read_foreign_inspection, read_foreign_messages};
