//! Records of one section become its columns; see `section.rs` for the form.
//!
//! The order of everything is fixed by the records themselves, so that the same records give the same bytes. Versions
//! and vendor ids are numbered in the order of their first use: a reference to a new one is 0, and texts that follow each
//! other belong to the same package, which is what makes them compress.

use super::bytes::{Strings, put_column, put_number, put_signed};
use super::identifier::Identifier;
use super::section::{END_FIXED, END_LAST_AFFECTED, END_LIMIT, END_OPEN, RangeShape, Shape};
use crate::error::Error;
use crate::record::{RangeEnd, Record};
use seaworthy_model::FixStatus;
use std::collections::{BTreeMap, HashMap};

/// Everything of a record but its package and id.
type Statement<'a> = (
    (
        &'a str,
        &'a str,
        &'a [String],
        crate::record::SourceId,
        FixStatus,
        Option<seaworthy_model::Severity>,
        bool,
    ),
    &'a [crate::record::Range],
    &'a [String],
    &'a [String],
);

fn statement(record: &Record) -> Statement<'_> {
    (
        (
            &record.product,
            &record.module,
            &record.arches,
            record.source,
            record.status,
            record.severity,
            record.unimportant,
        ),
        &record.ranges,
        &record.versions,
        &record.vendor_ids,
    )
}

/// Strings numbered in the order of first use, and the column of references to them.
#[derive(Default)]
struct Numbered<'a> {
    strings: Strings,
    numbers: HashMap<&'a str, usize>,
    references: Vec<u8>,
}

impl<'a> Numbered<'a> {
    fn number(&mut self, text: &'a str) -> usize {
        let next = self.strings.len();
        let number = *self.numbers.entry(text).or_insert(next);
        if number == next {
            self.strings.push(text);
        }
        number
    }

    fn refer(&mut self, text: &'a str) {
        let before = self.strings.len();
        let number = self.number(text);
        put_number(&mut self.references, (before - number) as u64);
    }

    fn optional(&mut self, text: &'a str) -> Result<u32, Error> {
        if text.is_empty() {
            Ok(0)
        } else {
            small(self.number(text) + 1)
        }
    }
}

fn small(number: usize) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::Unwritable("a section has more than 4 billion entries".to_owned()))
}

/// A reference to a thing numbered in the order of first use.
fn refer<K: std::hash::Hash + Eq>(numbers: &mut HashMap<K, usize>, key: K, column: &mut Vec<u8>) -> bool {
    let next = numbers.len();
    let number = *numbers.entry(key).or_insert(next);
    put_number(column, (next - number) as u64);
    number == next
}

/// The columns of a section, and how many different records are in it.
pub(super) fn encode(records: &[&Record]) -> Result<(Vec<u8>, u64), Error> {
    let mut packages: BTreeMap<&str, BTreeMap<Statement<'_>, Vec<&str>>> = BTreeMap::new();
    for record in records {
        packages
            .entry(&record.package)
            .or_default()
            .entry(statement(record))
            .or_default()
            .push(&record.id);
    }

    // First the numbers of versions and vendor ids, in the order in which the statements are written.
    let (mut names, mut versions, mut labels) = (Strings::default(), Numbered::default(), Numbered::default());
    let mut statement_numbers: HashMap<Statement<'_>, usize> = HashMap::new();
    let mut statements: Vec<Statement<'_>> = Vec::new();
    let mut set_numbers: HashMap<Vec<&str>, usize> = HashMap::new();
    let mut sets: Vec<Vec<&str>> = Vec::new();
    let (mut counts, mut statement_references, mut set_references) = (Vec::new(), Vec::new(), Vec::new());
    let mut written = 0;
    for (package, by_statement) in packages {
        names.push(package);
        put_number(&mut counts, by_statement.len() as u64);
        let mut groups: Vec<(Vec<&str>, Statement<'_>)> = by_statement
            .into_iter()
            .map(|(statement, mut ids)| {
                ids.sort_by_key(|id| (Identifier::of_cve(id).map_or(u32::MAX, |id| id.0), *id));
                ids.dedup();
                (ids, statement)
            })
            .collect();
        groups.sort_by_cached_key(|(ids, statement)| {
            let first = ids.first().copied().unwrap_or("");
            (Identifier::of_cve(first).map_or(u32::MAX, |id| id.0), first, *statement)
        });
        for (ids, statement) in groups {
            written += ids.len() as u64;
            if refer(&mut statement_numbers, statement, &mut statement_references) {
                for range in statement.1 {
                    if !range.introduced.is_empty() {
                        versions.refer(&range.introduced);
                    }
                    match &range.end {
                        RangeEnd::Open => {}
                        RangeEnd::Fixed(end) | RangeEnd::LastAffected(end) | RangeEnd::Limit(end) => {
                            versions.refer(end);
                        }
                    }
                }
                statement.2.iter().for_each(|version| versions.refer(version));
                statement.3.iter().for_each(|id| labels.refer(id));
                statements.push(statement);
            }
            if refer(&mut set_numbers, ids.clone(), &mut set_references) {
                sets.push(ids);
            }
        }
    }

    let (shapes, shape_column) = shapes(&statements, &mut labels)?;
    let (set_counts, set_differences) = id_sets(&sets, &mut labels)?;
    let mut out = Vec::new();
    names.encode(&mut out);
    versions.strings.encode(&mut out);
    labels.strings.encode(&mut out);
    put_column(&mut out, &shapes);
    put_column(&mut out, &shape_column);
    put_column(&mut out, &versions.references);
    put_column(&mut out, &labels.references);
    put_column(&mut out, &set_counts);
    put_column(&mut out, &set_differences);
    put_column(&mut out, &counts);
    put_column(&mut out, &statement_references);
    put_column(&mut out, &set_references);
    Ok((out, written))
}

/// The shapes, most frequent first, and for each statement the number of its shape.
fn shapes<'a>(statements: &[Statement<'a>], labels: &mut Numbered<'a>) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let mut of_statements = Vec::with_capacity(statements.len());
    for ((product, module, arches, source, status, severity, unimportant), ranges, versions, vendor_ids) in statements {
        let mut labels_of_arches = Vec::new();
        for arch in *arches {
            labels_of_arches.push(small(labels.number(arch))?);
        }
        if labels_of_arches.len() > 256 {
            return Err(Error::Unwritable(
                "a record names more than 256 architectures".to_owned(),
            ));
        }
        let ranges = ranges.iter().map(|range| RangeShape {
            introduced: !range.introduced.is_empty(),
            end: match range.end {
                RangeEnd::Open => END_OPEN,
                RangeEnd::Fixed(_) => END_FIXED,
                RangeEnd::LastAffected(_) => END_LAST_AFFECTED,
                RangeEnd::Limit(_) => END_LIMIT,
            },
        });
        of_statements.push(Shape {
            source: *source,
            status: FixStatus::ALL.iter().position(|known| known == status).unwrap_or(0) as u8,
            severity: severity.map_or(0, |severity| severity.number() + 1),
            unimportant: *unimportant,
            module: labels.optional(module)?,
            product: labels.optional(product)?,
            arches: labels_of_arches,
            ranges: ranges.collect(),
            versions: small(versions.len())?,
            vendor_ids: small(vendor_ids.len())?,
        });
    }
    let mut uses: BTreeMap<&Shape, usize> = BTreeMap::new();
    for shape in &of_statements {
        *uses.entry(shape).or_default() += 1;
    }
    let mut by_use: Vec<(&Shape, usize)> = uses.into_iter().collect();
    by_use.sort_by_key(|&(shape, uses)| (std::cmp::Reverse(uses), shape));
    let (mut table, mut numbers) = (Vec::new(), HashMap::new());
    for (number, (shape, _)) in by_use.into_iter().enumerate() {
        numbers.insert(shape, number as u64);
        table.extend_from_slice(&[
            shape.source as u8,
            shape.status,
            shape.severity,
            shape.unimportant.into(),
        ]);
        put_number(&mut table, shape.module.into());
        put_number(&mut table, shape.product.into());
        put_number(&mut table, shape.arches.len() as u64);
        shape
            .arches
            .iter()
            .for_each(|&arch| put_number(&mut table, arch.into()));
        put_number(&mut table, shape.ranges.len() as u64);
        table.extend(
            shape
                .ranges
                .iter()
                .map(|range| range.end << 1 | u8::from(range.introduced)),
        );
        put_number(&mut table, shape.versions.into());
        put_number(&mut table, shape.vendor_ids.into());
    }
    let mut column = Vec::new();
    for shape in &of_statements {
        put_number(&mut column, numbers.get(shape).copied().unwrap_or(0));
    }
    Ok((table, column))
}

/// Sizes of the id sets, and their ids: the first as difference to the first of the set before, the others to their neighbours.
fn id_sets<'a>(sets: &[Vec<&'a str>], labels: &mut Numbered<'a>) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let (mut counts, mut differences) = (Vec::new(), Vec::new());
    let mut first = 0i64;
    for set in sets {
        let mut ids = Vec::with_capacity(set.len());
        for &id in set {
            let packed = match Identifier::of_cve(id) {
                Some(packed) => packed,
                None => Identifier::of_label(labels.number(id))
                    .ok_or_else(|| Error::Unwritable("a section has more than 2 billion ids".to_owned()))?,
            };
            ids.push(i64::from(packed.0));
        }
        ids.sort_unstable();
        put_number(&mut counts, ids.len() as u64);
        let mut before = first;
        for (position, &id) in ids.iter().enumerate() {
            if position == 0 {
                put_signed(&mut differences, id - before);
                first = id;
            } else {
                put_number(&mut differences, (id - before) as u64);
            }
            before = id;
        }
    }
    Ok((counts, differences))
}
