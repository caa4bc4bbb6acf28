//! What each command does, apart from how it is spelt (see `arguments`).

pub(crate) mod database;
pub(crate) mod scan;
pub(crate) mod versions;
