//! Everything that is installed in an image.

use crate::{Distribution, Ecosystem, LayerRef, Package, PackageClass, Problem};
use serde::{Deserialize, Serialize};

/// A package database that was found and read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageDatabase {
    /// Whose database it is.
    pub ecosystem: Ecosystem,
    /// Its path without a leading slash.
    pub path: String,
    /// How many packages it lists.
    pub packages: usize,
    /// The layer whose version of it counts.
    pub layer: Option<LayerRef>,
}

/// How much was looked at: shown under every report, so that "nothing found" can be told from "nothing read".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Layers read.
    pub layers: usize,
    /// Entries seen in them.
    pub entries: u64,
    /// Files that analyzers read.
    pub files_read: u64,
    /// Uncompressed bytes walked.
    pub bytes: u64,
}

/// The merged view of all layers: distribution, packages, and what could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The distribution, where release files name one.
    pub distribution: Option<Distribution>,
    /// The package databases of distributions that were found, also empty ones.
    pub databases: Vec<PackageDatabase>,
    /// Every package, distribution packages first, then by ecosystem, name, version and path.
    pub packages: Vec<Package>,
    /// What could not be read or understood.
    pub problems: Vec<Problem>,
    /// How much was looked at.
    pub coverage: Coverage,
    /// Bytes of each layer's uncompressed archive, lowest first.
    pub layer_sizes: Vec<u64>,
}

impl Inventory {
    /// The packages of one class, in order.
    pub fn packages_of(&self, class: PackageClass) -> impl Iterator<Item = (usize, &Package)> {
        self.packages
            .iter()
            .enumerate()
            .filter(move |(_, package)| package.ecosystem.class() == class)
    }
}
