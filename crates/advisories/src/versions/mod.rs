//! Version schemes: one file per package manager, one `Scheme` for all of them.
