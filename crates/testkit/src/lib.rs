//! Development only: where the test data lie, builders of layers and images.

pub mod data;
mod example_images;
mod image;
mod layer;

pub use example_images::example_image;
pub use image::{ImageBuilder, Stored};
pub use layer::LayerBuilder;
