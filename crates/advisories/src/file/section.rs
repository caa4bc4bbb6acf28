//! One section in memory: all statements about the packages of one release or language.
//!
//! A record of the compilation is the product of a *group*: a package, a *statement* (ranges, status, severity, …) and a
//! *set of ids* for which the statement holds. SUSE's kernel advisories state one fix for fifty packages and two hundred
//! CVEs; stored so, each part is there once. Statements keep their repeating part (who, which status, how many ranges) as
//! a *shape*. Everything is addressed by index, and every index is checked once, when the section is decoded.

use super::bytes::{Cursor, Malformed, Strings};
use super::identifier::Identifier;
use crate::record::SourceId;
use seaworthy_model::{FixStatus, Severity, limits};
use std::ops::Range;

/// How a stretch of affected versions is bounded: the stored form of [`crate::record::RangeEnd`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RangeShape {
    pub(super) introduced: bool,
    pub(super) end: u8,
}

pub(super) const END_OPEN: u8 = 0;
pub(super) const END_FIXED: u8 = 1;
pub(super) const END_LAST_AFFECTED: u8 = 2;
pub(super) const END_LIMIT: u8 = 3;

/// What many statements have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Shape {
    pub(super) source: SourceId,
    pub(super) status: u8,
    /// 0: none stated, else the severity's number + 1.
    pub(super) severity: u8,
    pub(super) unimportant: bool,
    pub(super) module: u32,
    pub(super) product: u32,
    pub(super) arches: Vec<u32>,
    pub(super) ranges: Vec<RangeShape>,
    pub(super) versions: u32,
    pub(super) vendor_ids: u32,
}

impl Shape {
    /// How many version strings and how many labels a statement of this shape refers to.
    pub(super) fn values(&self) -> usize {
        let bounds: usize = self
            .ranges
            .iter()
            .map(|range| usize::from(range.introduced) + usize::from(range.end != END_OPEN))
            .sum();
        bounds + self.versions as usize + self.vendor_ids as usize
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Statement {
    pub(super) shape: u32,
    /// Where its values start: bounds of ranges, then versions, then vendor ids.
    pub(super) values: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) statement: u32,
    pub(super) set: u32,
}

/// A decoded section.
#[derive(Debug, Default)]
pub(crate) struct Section {
    packages: Strings,
    versions: Strings,
    labels: Strings,
    /// First group of each package, and one more.
    starts: Vec<u32>,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
    statements: Vec<Statement>,
    values: Vec<u32>,
    /// First id of each set, and one more.
    set_starts: Vec<u32>,
    ids: Vec<Identifier>,
}

/// Where one stretch of affected versions ends, borrowed from the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound<'a> {
    Open,
    Fixed(&'a str),
    LastAffected(&'a str),
    Limit(&'a str),
}

/// One stretch of affected versions, borrowed from the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch<'a> {
    /// Empty: from the beginning.
    pub(crate) introduced: &'a str,
    pub(crate) end: Bound<'a>,
}

/// One statement about one package, and the ids for which it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    section: &'a Section,
    shape: &'a Shape,
    values: &'a [u32],
    ids: &'a [Identifier],
}

impl Section {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let most = usize::try_from(limits::ADVISORY_SECTION_BYTES).unwrap_or(usize::MAX);
        let mut cursor = Cursor::new(bytes);
        let packages = Strings::decode(&mut cursor, most)?;
        let versions = Strings::decode(&mut cursor, most)?;
        let labels = Strings::decode(&mut cursor, most)?;
        let shapes = decode_shapes(&mut cursor, &labels)?;
        let (statements, values) = decode_statements(&mut cursor, &shapes, versions.len(), labels.len())?;
        let (set_starts, ids) = decode_sets(&mut cursor, labels.len())?;
        let mut counts = cursor.column()?;
        let mut statement_references = cursor.column()?;
        let mut set_references = cursor.column()?;
        cursor.end()?;

        let mut starts = Vec::with_capacity(packages.len() + 1);
        let mut groups = Vec::new();
        let (mut newest_statement, mut newest_set) = (0, 0);
        starts.push(0);
        for _ in 0..packages.len() {
            for _ in 0..counts.count(bytes.len())? {
                let statement = reference(&mut statement_references, &mut newest_statement, statements.len())?;
                let set = reference(&mut set_references, &mut newest_set, set_starts.len() - 1)?;
                groups.push(Group { statement, set });
            }
            starts.push(index(groups.len())?);
        }
        counts.end()?;
        statement_references.end()?;
        set_references.end()?;
        Ok(Self {
            packages,
            versions,
            labels,
            starts,
            groups,
            shapes,
            statements,
            values,
            set_starts,
            ids,
        })
    }

    /// How many records it holds: one per package, statement and id.
    pub(crate) fn records(&self) -> u64 {
        self.groups.iter().map(|group| self.set(group.set).len() as u64).sum()
    }

    /// The names of all packages.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &str> {
        (0..self.packages.len()).filter_map(|index| self.packages.get(index))
    }

    /// The statements about a package.
    pub(crate) fn entries(&self, package: &str) -> impl Iterator<Item = Entry<'_>> {
        let groups = self
            .packages
            .find(package)
            .map_or(0..0, |index| between(&self.starts, index));
        slice(&self.groups, groups).iter().filter_map(|group| {
            let statement = self.statements.get(group.statement as usize)?;
            let shape = self.shapes.get(statement.shape as usize)?;
            let start = statement.values as usize;
            let values = self.values.get(start..start.checked_add(shape.values())?)?;
            Some(Entry {
                section: self,
                shape,
                values,
                ids: self.set(group.set),
            })
        })
    }

    /// The text of an id of this section.
    pub(crate) fn id_text(&self, id: Identifier) -> String {
        id.label()
            .map_or_else(|| id.cve_text(), |label| self.label(label).to_owned())
    }

    fn label(&self, index: usize) -> &str {
        self.labels.get(index).unwrap_or("")
    }

    /// Labels that may be absent are stored as index + 1.
    fn optional_label(&self, index: u32) -> &str {
        (index as usize).checked_sub(1).map_or("", |index| self.label(index))
    }

    fn set(&self, set: u32) -> &[Identifier] {
        slice(&self.ids, between(&self.set_starts, set as usize))
    }
}

impl<'a> Entry<'a> {
    pub(crate) const fn source(&self) -> SourceId {
        self.shape.source
    }

    pub(crate) fn status(&self) -> FixStatus {
        FixStatus::ALL
            .get(usize::from(self.shape.status))
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn severity(&self) -> Option<Severity> {
        self.shape.severity.checked_sub(1).map(Severity::from_number)
    }

    pub(crate) const fn unimportant(&self) -> bool {
        self.shape.unimportant
    }

    pub(crate) fn module(&self) -> &'a str {
        self.section.optional_label(self.shape.module)
    }

    pub(crate) fn product(&self) -> &'a str {
        self.section.optional_label(self.shape.product)
    }

    pub(crate) fn arches(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let section = self.section;
        self.shape
            .arches
            .iter()
            .map(move |&label| section.label(label as usize))
    }

    pub(crate) const fn ids(&self) -> &'a [Identifier] {
        self.ids
    }

    pub(crate) fn id_text(&self, id: Identifier) -> String {
        self.section.id_text(id)
    }

    pub(crate) fn stretches(&self) -> impl Iterator<Item = Stretch<'a>> + use<'a> {
        let mut values = self.values.iter();
        let section = self.section;
        let mut next = move || {
            values
                .next()
                .and_then(|&index| section.versions.get(index as usize))
                .unwrap_or("")
        };
        self.shape.ranges.iter().map(move |range| {
            let introduced = if range.introduced { next() } else { "" };
            let end = match range.end {
                END_FIXED => Bound::Fixed(next()),
                END_LAST_AFFECTED => Bound::LastAffected(next()),
                END_LIMIT => Bound::Limit(next()),
                _ => Bound::Open,
            };
            Stretch { introduced, end }
        })
    }

    pub(crate) fn versions(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (section, labels) = (self.section, self.shape.vendor_ids as usize);
        let end = self.values.len() - labels.min(self.values.len());
        let start = end - (self.shape.versions as usize).min(end);
        slice(self.values, start..end)
            .iter()
            .filter_map(move |&index| section.versions.get(index as usize))
    }

    pub(crate) fn vendor_ids(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let section = self.section;
        let start = self.values.len() - (self.shape.vendor_ids as usize).min(self.values.len());
        slice(self.values, start..self.values.len())
            .iter()
            .map(move |&index| section.label(index as usize))
    }
}

fn slice<T>(items: &[T], range: Range<usize>) -> &[T] {
    items.get(range).unwrap_or(&[])
}

fn between(starts: &[u32], index: usize) -> Range<usize> {
    match (starts.get(index), starts.get(index + 1)) {
        (Some(&start), Some(&end)) => start as usize..end as usize,
        _ => 0..0,
    }
}

fn index(number: usize) -> Result<u32, Malformed> {
    u32::try_from(number).map_err(|_| Malformed("it has too many entries"))
}

/// Reads a reference to a thing that is numbered in the order of first use: 0 is the next new one, others count back.
fn reference(column: &mut Cursor<'_>, newest: &mut usize, count: usize) -> Result<u32, Malformed> {
    let back = column.count(*newest)?;
    let index = *newest - back;
    if back == 0 {
        *newest += 1;
    }
    if index >= count {
        return Err(Malformed("a reference leads nowhere"));
    }
    Ok(index as u32)
}

fn decode_shapes(cursor: &mut Cursor<'_>, labels: &Strings) -> Result<Vec<Shape>, Malformed> {
    let mut column = cursor.column()?;
    let optional_label = |column: &mut Cursor<'_>| -> Result<u32, Malformed> {
        column.number32().and_then(|label| {
            if label as usize <= labels.len() {
                Ok(label)
            } else {
                Err(Malformed("a label is missing"))
            }
        })
    };
    let mut shapes = Vec::new();
    while !column.is_empty() {
        let source = crate::ecosystem::source_with_number(column.byte()?).ok_or(Malformed("an unknown source"))?;
        let status = column.byte()?;
        if usize::from(status) >= FixStatus::ALL.len() {
            return Err(Malformed("an unknown status"));
        }
        let severity = column.byte()?;
        if severity > 5 {
            return Err(Malformed("an unknown severity"));
        }
        let unimportant = column.byte()? != 0;
        let module = optional_label(&mut column)?;
        let product = optional_label(&mut column)?;
        let mut arches = Vec::new();
        for _ in 0..column.count(256)? {
            let label = column.number32()?;
            if label as usize >= labels.len() {
                return Err(Malformed("a label is missing"));
            }
            arches.push(label);
        }
        let mut ranges = Vec::new();
        for _ in 0..column.number32()? {
            let bits = column.byte()?;
            if bits >> 1 > END_LIMIT {
                return Err(Malformed("an unknown kind of range"));
            }
            ranges.push(RangeShape {
                introduced: bits & 1 != 0,
                end: bits >> 1,
            });
        }
        let versions = column.number32()?;
        let vendor_ids = column.number32()?;
        shapes.push(Shape {
            source,
            status,
            severity,
            unimportant,
            module,
            product,
            arches,
            ranges,
            versions,
            vendor_ids,
        });
    }
    Ok(shapes)
}

fn decode_statements(
    cursor: &mut Cursor<'_>,
    shapes: &[Shape],
    versions: usize,
    labels: usize,
) -> Result<(Vec<Statement>, Vec<u32>), Malformed> {
    let mut shape_column = cursor.column()?;
    let mut version_column = cursor.column()?;
    let mut label_column = cursor.column()?;
    let (mut statements, mut values) = (Vec::new(), Vec::new());
    let (mut newest_version, mut newest_label) = (0, 0);
    while !shape_column.is_empty() {
        let shape = shape_column.number32()?;
        statements.push(Statement {
            shape,
            values: index(values.len())?,
        });
        let shape = shapes.get(shape as usize).ok_or(Malformed("a shape is missing"))?;
        let labelled = shape.vendor_ids as usize;
        for _ in labelled..shape.values() {
            values.push(reference(&mut version_column, &mut newest_version, versions)?);
        }
        for _ in 0..labelled {
            values.push(reference(&mut label_column, &mut newest_label, labels)?);
        }
    }
    version_column.end()?;
    label_column.end()?;
    Ok((statements, values))
}

fn decode_sets(cursor: &mut Cursor<'_>, labels: usize) -> Result<(Vec<u32>, Vec<Identifier>), Malformed> {
    let mut counts = cursor.column()?;
    let mut differences = cursor.column()?;
    let (mut starts, mut ids) = (vec![0], Vec::new());
    let mut before = 0i64;
    while !counts.is_empty() {
        let count = counts.number()?;
        let mut id = before;
        for position in 0..count {
            let difference = if position == 0 {
                differences.signed()?
            } else {
                differences.number32()?.into()
            };
            id = id.checked_add(difference).ok_or(Malformed("an id is out of range"))?;
            let packed = Identifier(u32::try_from(id).map_err(|_| Malformed("an id is out of range"))?);
            if packed.label().is_some_and(|label| label >= labels) {
                return Err(Malformed("an id is missing"));
            }
            ids.push(packed);
            if position == 0 {
                before = id;
            }
        }
        starts.push(index(ids.len())?);
    }
    differences.end()?;
    Ok((starts, ids))
}
