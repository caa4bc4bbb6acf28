//! What each command does, apart from how it is spelt (see `arguments`).

pub(crate) mod clean;
pub(crate) mod convert;
pub(crate) mod database;
pub(crate) mod fs;
pub(crate) mod network;
pub(crate) mod operator;
mod options;
mod output;
pub(crate) mod plugin;
pub(crate) mod scan;
pub(crate) mod uninstall;
pub(crate) mod versions;
