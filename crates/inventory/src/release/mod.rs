//! What release files say about the distribution, and how their facts become one [`Distribution`].
//!
//! Each file is read on its own, so that layers can be read in parallel and cached; [`merge`] joins the facts of the
//! files that are left when all layers are applied, and its result does not depend on their order.
//!
//! [`Distribution`]: seaworthy_model::Distribution

pub mod apk_repositories;
pub mod family;
mod merge;
pub mod os_release;
pub mod red_hat_build;
pub mod release_files;
pub mod ubuntu_pro;

pub use merge::merge;
pub use os_release::OsRelease;

use seaworthy_model::Family;
use serde::{Deserialize, Serialize};

/// One fact about the distribution, from one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReleaseFact {
    /// The fields of an os-release file.
    OsRelease(Box<OsRelease>),
    /// A release file that belongs to one family names the version (`alpine-release`, `centos-release`, `lsb-release`).
    Release {
        /// The family that the file's text names.
        family: Family,
        /// The family's name, or the name in the file where it is none that we know.
        id: String,
        /// The version; empty where the file names the family only.
        version: String,
        /// The file's line, for people.
        line: String,
    },
    /// The first line of `etc/debian_version`: `12.5`, `trixie/sid`. Derivatives carry it too.
    DebianVersion(String),
    /// A branch that apk installs from: `3.20`, `edge`.
    ApkRepository(String),
    /// A support channel that the image is subscribed to: `esm-infra`, `esm-apps`.
    Channel(String),
    /// The content sets that Red Hat's build system recorded.
    ContentSets(Vec<String>),
}
