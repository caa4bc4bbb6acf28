//! Development only: where the test data lie, builders of layers and images.

pub mod data;
mod image;
mod layer;

pub use image::{ImageBuilder, Stored};
pub use layer::LayerBuilder;
