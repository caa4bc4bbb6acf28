//! Development only: where the test data lie, builders of layers and images, helpers for golden files.

pub mod data;
