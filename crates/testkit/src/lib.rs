//! Development only: where the test data lie, builders of layers and images, a real control plane, the story on it.

pub mod cluster;
pub mod data;
mod example_images;
mod fault_proxy;
mod image;
mod layer;
mod registry;
pub mod story;

pub use example_images::example_image;
pub use fault_proxy::{Fault, FaultProxy, Recorded, Rule};
pub use image::{ImageBuilder, Stored};
pub use layer::LayerBuilder;
pub use registry::{OCI_INDEX, OCI_MANIFEST, RegistryServer};
