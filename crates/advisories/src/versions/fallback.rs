//! Where an invalid version belongs among the valid ones of its scheme.
//!
//! Real databases hold versions that their own tool refuses (`1.8.31p1-r1` at Alpine, `0.9-doduo` at PyPI, `1.2` where
//! three numbers are asked for). They still need a place that is defined, the same from both sides and near the truth.

use std::cmp::Ordering;

use seaworthy_model::limits;

use super::{Scheme, deb};

/// A place in the total order of all texts.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// The key of the valid version that stands for the text or that the text begins with.
    key: Option<Vec<u8>>,
    /// What follows that beginning, as far as a version may be long.
    rest: &'a str,
}

impl<'a> Place<'a> {
    pub(super) fn find(scheme: Scheme, text: &'a str) -> Self {
        if let Ok(Some(key)) = scheme.sort_key(text) {
            return Self {
                key: Some(key),
                rest: "",
            };
        }
        if text.len() <= limits::VERSION_BYTES
            && let Some(repaired) = scheme.repair(text)
            && let Ok(Some(key)) = scheme.sort_key(&repaired)
        {
            return Self {
                key: Some(key),
                rest: "",
            };
        }
        for end in (1..=text.len().min(limits::VERSION_PREFIX_BYTES)).rev() {
            if let Some((beginning, rest)) = text.split_at_checked(end)
                && let Ok(Some(key)) = scheme.sort_key(beginning)
            {
                return Self {
                    key: Some(key),
                    rest: bounded(rest),
                };
            }
        }
        Self {
            key: None,
            rest: bounded(text),
        }
    }

    pub(super) fn cmp(&self, other: &Self) -> Ordering {
        self.key
            .is_none()
            .cmp(&other.key.is_none())
            .then_with(|| self.key.cmp(&other.key))
            // Any order that knows numbers serves for the rest.
            .then_with(|| deb::part_order(self.rest, other.rest))
    }
}

fn bounded(text: &str) -> &str {
    text.get(..text.floor_char_boundary(limits::VERSION_BYTES))
        .unwrap_or(text)
}
