//! Weaknesses (CWE) of the ids of one block: each set of numbers once, the most used first, then one number an id.
//!
//! A third of all ids has one of ten sets, so that nearly every reference is one byte. 0 stands for the empty set.

use super::bytes::{Cursor, Malformed, put_column, put_number};
use seaworthy_model::limits;
use std::collections::{BTreeMap, HashMap};

/// Writes the table of sets and the number of each id's.
pub(super) fn encode<'a>(ids: impl Iterator<Item = &'a [u32]> + Clone, out: &mut Vec<u8>) {
    let mut uses: BTreeMap<&[u32], usize> = BTreeMap::new();
    for set in ids.clone().filter(|set| !set.is_empty()) {
        *uses.entry(set).or_default() += 1;
    }
    let mut by_use: Vec<(&[u32], usize)> = uses.into_iter().collect();
    by_use.sort_by_key(|&(set, uses)| (std::cmp::Reverse(uses), set));
    let mut table = Vec::new();
    for (set, _) in &by_use {
        put_number(&mut table, set.len() as u64);
        let mut before = 0;
        for &number in *set {
            put_number(&mut table, u64::from(number.saturating_sub(before)));
            before = number;
        }
    }
    put_column(out, &table);
    let numbers: HashMap<&[u32], u64> = by_use
        .iter()
        .zip(1..)
        .map(|(&(set, _), number)| (set, number))
        .collect();
    let mut column = Vec::new();
    for set in ids {
        put_number(&mut column, numbers.get(set).copied().unwrap_or(0));
    }
    put_column(out, &column);
}

/// Reads the table of sets.
pub(super) fn decode(mut column: Cursor<'_>) -> Result<Vec<Vec<u32>>, Malformed> {
    let mut sets = Vec::new();
    while !column.is_empty() {
        let mut before = 0u32;
        let mut set = Vec::new();
        for _ in 0..column.count(limits::ADVISORY_WEAKNESSES)? {
            before = before
                .checked_add(column.number32()?)
                .ok_or(Malformed("a weakness is out of range"))?;
            set.push(before);
        }
        sets.push(set);
    }
    Ok(sets)
}
