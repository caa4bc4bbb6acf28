//! What is known of ids whatever the package: one block holds the facts of some thousand ids, sorted.
//!
//! CVSS vectors are stored as numbers: each vector's text is once in the `vectors` section, the most used first, so that
//! nearly all references take one byte and every vector comes back letter by letter. EPSS percentiles follow from the
//! scores; that table is there too, and a block stores only how far an id is off it.

use super::bytes::{Cursor, Malformed, Strings, put_column, put_number, put_signed};
use super::identifier::Identifier;
use super::weaknesses;
use crate::error::Error;
use crate::record::{CvssVectors, Facts, SourceId};
use seaworthy_model::{Severity, limits};
use std::collections::{BTreeMap, HashMap};

/// Ids of one block. Smaller blocks inflate less per look-up, larger ones are smaller together.
pub(super) const BLOCK_IDS: usize = 1024;
const DAY: i64 = 86_400;

const PUBLISHED: u8 = 1;
const MODIFIED: u8 = 2;
const EPSS: u8 = 4;
const EXPLOITED: u8 = 8;
const RANSOMWARE: u8 = 16;

/// Texts and tables that all blocks refer to.
#[derive(Debug, Default)]
pub(crate) struct Vectors {
    texts: Strings,
    /// Percentile by score, sorted by score.
    percentiles: Vec<(u32, u32)>,
}

impl Vectors {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let texts = Strings::decode(
            &mut cursor,
            usize::try_from(limits::ADVISORY_SECTION_BYTES).unwrap_or(usize::MAX),
        )?;
        let mut column = cursor.column()?;
        cursor.end()?;
        let mut percentiles: Vec<(u32, u32)> = Vec::new();
        let (mut score, mut percentile) = (0i64, 0i64);
        while !column.is_empty() {
            score += i64::from(column.number32()?);
            percentile = percentile
                .checked_add(column.signed()?)
                .ok_or(Malformed("a percentile is out of range"))?;
            let pair = u32::try_from(score).ok().zip(u32::try_from(percentile).ok());
            percentiles.push(pair.ok_or(Malformed("a percentile is out of range"))?);
        }
        Ok(Self { texts, percentiles })
    }

    fn percentile(&self, score: u32) -> i64 {
        let at = self.percentiles.partition_point(|&(known, _)| known <= score);
        at.checked_sub(1)
            .and_then(|at| self.percentiles.get(at))
            .map_or(0, |&(_, percentile)| percentile.into())
    }
}

/// Numbers of the vectors and the percentile table, for writing.
pub(super) struct VectorTable<'a> {
    numbers: HashMap<&'a str, u64>,
    vectors: Vectors,
    pub(super) bytes: Vec<u8>,
}

impl<'a> VectorTable<'a> {
    pub(super) fn of(facts: &[(&'a str, &'a Facts)]) -> Self {
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        let mut percentiles: BTreeMap<u32, BTreeMap<u32, usize>> = BTreeMap::new();
        for (_, facts) in facts {
            for text in facts
                .cvss
                .values()
                .flat_map(|vectors| [&vectors.v2, &vectors.v3, &vectors.v40])
                .flatten()
            {
                *uses.entry(text).or_default() += 1;
            }
            if let Some((score, percentile)) = facts.epss {
                *percentiles.entry(score).or_default().entry(percentile).or_default() += 1;
            }
        }
        let mut by_use: Vec<(&str, usize)> = uses.into_iter().collect();
        by_use.sort_by_key(|&(text, uses)| (std::cmp::Reverse(uses), text));
        let mut texts = Strings::default();
        by_use.iter().for_each(|(text, _)| texts.push(text));
        let percentiles: Vec<(u32, u32)> = percentiles
            .into_iter()
            .filter_map(|(score, seen)| {
                seen.into_iter()
                    .max_by_key(|&(percentile, uses)| (uses, percentile))
                    .map(|(percentile, _)| (score, percentile))
            })
            .collect();
        let mut bytes = Vec::new();
        texts.encode(&mut bytes);
        let mut column = Vec::new();
        let (mut score_before, mut percentile_before) = (0, 0);
        for &(score, percentile) in &percentiles {
            put_number(&mut column, (score - score_before).into());
            put_signed(&mut column, i64::from(percentile) - i64::from(percentile_before));
            (score_before, percentile_before) = (score, percentile);
        }
        put_column(&mut bytes, &column);
        let numbers = by_use
            .iter()
            .enumerate()
            .map(|(number, &(text, _))| (text, number as u64))
            .collect();
        Self {
            numbers,
            vectors: Vectors { texts, percentiles },
            bytes,
        }
    }
}

/// Which facts an id has: the sources of vectors with the CVSS versions that each gives, the sources of severities.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Shape {
    flags: u8,
    cvss: Vec<(SourceId, u8)>,
    severities: Vec<SourceId>,
}

impl Shape {
    fn of(facts: &Facts) -> Self {
        let mut flags = 0;
        for (present, flag) in [
            (facts.published.is_some(), PUBLISHED),
            (facts.modified.is_some(), MODIFIED),
            (facts.epss.is_some(), EPSS),
            (facts.known_exploited.is_some(), EXPLOITED),
            (
                facts.known_exploited.is_some_and(|(_, ransomware)| ransomware),
                RANSOMWARE,
            ),
        ] {
            flags |= if present { flag } else { 0 };
        }
        let bits = |vectors: &CvssVectors| {
            u8::from(vectors.v2.is_some()) | u8::from(vectors.v3.is_some()) << 1 | u8::from(vectors.v40.is_some()) << 2
        };
        Self {
            flags,
            cvss: facts
                .cvss
                .iter()
                .map(|(&source, vectors)| (source, bits(vectors)))
                .filter(|&(_, bits)| bits != 0)
                .collect(),
            severities: facts.severities.keys().copied().collect(),
        }
    }

    fn values(&self) -> usize {
        self.cvss
            .iter()
            .map(|(_, bits)| bits.count_ones() as usize)
            .sum::<usize>()
            + self.severities.len()
    }
}

/// One id. There are a thousand for each that is asked for, so that what is rare or can be worked out later is not here.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    shape: u32,
    /// Where its values start: numbers of vectors, severities, the day since which it is exploited.
    values: u32,
    /// Seconds since 1970.
    published: u32,
    /// Seconds since 1970.
    modified: u32,
    score: u32,
    /// How far the percentile is off the table's.
    percentile: i32,
    /// Number of the set of weaknesses; 0 is the empty one.
    weaknesses: u32,
}

/// The facts of a run of ids.
#[derive(Debug)]
pub(crate) struct Block {
    /// Either packed CVE ids or, in the blocks of other ids, their texts.
    cves: Vec<Identifier>,
    others: Strings,
    shapes: Vec<Shape>,
    rows: Vec<Row>,
    values: Vec<u32>,
    /// Sets of weaknesses that several ids have in common.
    weaknesses: Vec<Vec<u32>>,
}

impl Block {
    pub(super) fn encode(facts: &[(&str, &Facts)], table: &VectorTable<'_>) -> Result<Vec<u8>, Error> {
        let (mut cves, mut others) = (Vec::new(), Strings::default());
        let mut before = 0;
        for (id, _) in facts {
            match Identifier::of_cve(id) {
                Some(packed) => {
                    put_number(&mut cves, u64::from(packed.0 - before));
                    before = packed.0;
                }
                None => others.push(id),
            }
        }
        let shapes: Vec<Shape> = facts.iter().map(|(_, facts)| Shape::of(facts)).collect();
        let mut uses: BTreeMap<&Shape, usize> = BTreeMap::new();
        shapes.iter().for_each(|shape| *uses.entry(shape).or_default() += 1);
        let mut by_use: Vec<(&Shape, usize)> = uses.into_iter().collect();
        by_use.sort_by_key(|&(shape, uses)| (std::cmp::Reverse(uses), shape));
        let numbers: HashMap<&Shape, u64> = by_use
            .iter()
            .enumerate()
            .map(|(at, &(shape, _))| (shape, at as u64))
            .collect();
        let mut shape_table = Vec::new();
        for (shape, _) in &by_use {
            shape_table.push(shape.flags);
            put_number(&mut shape_table, shape.cvss.len() as u64);
            shape
                .cvss
                .iter()
                .for_each(|&(source, bits)| shape_table.extend_from_slice(&[source as u8, bits]));
            put_number(&mut shape_table, shape.severities.len() as u64);
            shape_table.extend(shape.severities.iter().map(|&source| source as u8));
        }

        let mut columns: [Vec<u8>; 10] = Default::default();
        let [
            shape_column,
            vectors,
            severities,
            days,
            seconds,
            modified_days,
            modified_seconds,
            scores,
            percentiles,
            exploited,
        ] = &mut columns;
        let (mut published_day, mut modified_day) = (0, 0);
        for ((_, facts), shape) in facts.iter().zip(&shapes) {
            put_number(shape_column, numbers.get(shape).copied().unwrap_or(0));
            for text in facts
                .cvss
                .values()
                .flat_map(|vectors| [&vectors.v2, &vectors.v3, &vectors.v40])
                .flatten()
            {
                let number = table.numbers.get(text.as_str());
                put_number(
                    vectors,
                    *number.ok_or_else(|| Error::Unwritable(format!("vector {text} is in no table")))?,
                );
            }
            severities.extend(facts.severities.values().map(|severity| severity.number()));
            for date in [facts.published, facts.modified].into_iter().flatten() {
                u32::try_from(date).map_err(|_| Error::Unwritable(format!("the date {date} is out of range")))?;
            }
            if let Some(published) = facts.published {
                put_signed(days, published.div_euclid(DAY) - published_day);
                published_day = published.div_euclid(DAY);
                put_number(seconds, published.rem_euclid(DAY) as u64);
            }
            if let Some(modified) = facts.modified {
                put_signed(modified_days, modified.div_euclid(DAY) - modified_day);
                modified_day = modified.div_euclid(DAY);
                put_number(modified_seconds, modified.rem_euclid(DAY) as u64);
            }
            if let Some((score, percentile)) = facts.epss {
                put_number(scores, score.into());
                put_signed(percentiles, i64::from(percentile) - table.vectors.percentile(score));
            }
            if let Some((day, _)) = facts.known_exploited {
                put_number(exploited, day.into());
            }
        }
        let mut out = Vec::new();
        put_column(&mut out, &cves);
        others.encode(&mut out);
        put_column(&mut out, &shape_table);
        columns.iter().for_each(|column| put_column(&mut out, column));
        weaknesses::encode(facts.iter().map(|(_, facts)| facts.cwes.as_slice()), &mut out);
        Ok(out)
    }

    pub(crate) fn decode(bytes: &[u8], vectors: &Vectors) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let mut cve_column = cursor.column()?;
        let others = Strings::decode(&mut cursor, bytes.len().saturating_mul(256))?;
        let shapes = decode_shapes(cursor.column()?)?;
        let mut columns = [Cursor::new(&[]); 10];
        for column in &mut columns {
            *column = cursor.column()?;
        }
        // Format 1 ends here.
        let (weaknesses, mut weakness_numbers) = if cursor.is_empty() {
            (Vec::new(), None)
        } else {
            (weaknesses::decode(cursor.column()?)?, Some(cursor.column()?))
        };
        cursor.end()?;
        let [
            mut shape_column,
            mut vector_column,
            mut severities,
            mut days,
            mut seconds,
            mut modified_days,
            mut modified_seconds,
            mut scores,
            mut percentiles,
            mut exploited,
        ] = columns;
        let mut cves = Vec::with_capacity(cve_column.len());
        let mut id = 0u32;
        while !cve_column.is_empty() {
            id = id
                .checked_add(cve_column.number32()?)
                .ok_or(Malformed("an id is out of range"))?;
            cves.push(Identifier(id));
        }
        let ids = cves.len().saturating_add(others.len());
        let mut rows = Vec::with_capacity(ids);
        let mut values = Vec::with_capacity(vector_column.len().saturating_add(severities.len()) + exploited.len());
        let vector_counts: Vec<usize> = shapes
            .iter()
            .map(|shape| shape.values().saturating_sub(shape.severities.len()))
            .collect();
        let (mut published_day, mut modified_day) = (0i64, 0i64);
        let date = |day: &mut i64, days: &mut Cursor<'_>, seconds: &mut Cursor<'_>| -> Result<u32, Malformed> {
            *day = day.saturating_add(days.signed()?);
            let seconds = i64::from(seconds.number32()?);
            let date = day.checked_mul(DAY).and_then(|start| start.checked_add(seconds));
            date.and_then(|date| u32::try_from(date).ok())
                .ok_or(Malformed("a date is out of range"))
        };
        while !shape_column.is_empty() {
            let shape_number = shape_column.number32()?;
            let shape = shapes
                .get(shape_number as usize)
                .zip(vector_counts.get(shape_number as usize));
            let (shape, &vector_count) = shape.ok_or(Malformed("a shape is missing"))?;
            let start = u32::try_from(values.len()).map_err(|_| Malformed("it has too many entries"))?;
            let mut row = Row {
                shape: shape_number,
                values: start,
                ..Row::default()
            };
            for _ in 0..vector_count {
                let number = vector_column.number32()?;
                if number as usize >= vectors.texts.len() {
                    return Err(Malformed("a vector is missing"));
                }
                values.push(number);
            }
            for _ in &shape.severities {
                values.push(severities.byte()?.into());
            }
            if shape.flags & PUBLISHED != 0 {
                row.published = date(&mut published_day, &mut days, &mut seconds)?;
            }
            if shape.flags & MODIFIED != 0 {
                row.modified = date(&mut modified_day, &mut modified_days, &mut modified_seconds)?;
            }
            if shape.flags & EPSS != 0 {
                row.score = scores.number32()?;
                row.percentile =
                    i32::try_from(percentiles.signed()?).map_err(|_| Malformed("a percentile is out of range"))?;
            }
            if shape.flags & EXPLOITED != 0 {
                values.push(exploited.number32()?);
            }
            if let Some(numbers) = &mut weakness_numbers {
                row.weaknesses = numbers.number32()?;
                if row.weaknesses as usize > weaknesses.len() {
                    return Err(Malformed("a set of weaknesses is missing"));
                }
            }
            rows.push(row);
        }
        for column in [
            vector_column,
            severities,
            days,
            seconds,
            modified_days,
            modified_seconds,
            scores,
            percentiles,
            exploited,
            weakness_numbers.unwrap_or(Cursor::new(&[])),
        ] {
            column.end()?;
        }
        if rows.len() != ids || !cves.is_empty() && others.len() > 0 {
            return Err(Malformed("ids and facts are not as many"));
        }
        Ok(Self {
            cves,
            others,
            shapes,
            rows,
            values,
            weaknesses,
        })
    }

    /// How many ids it has facts about.
    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// What is known of an id.
    pub(crate) fn facts(&self, id: &str, vectors: &Vectors) -> Option<Facts> {
        let index = match Identifier::of_cve(id) {
            Some(packed) => self.cves.binary_search(&packed).ok()?,
            None => self.others.find(id)?,
        };
        let row = self.rows.get(index)?;
        let shape = self.shapes.get(row.shape as usize)?;
        let mut values = self.values.get(row.values as usize..)?.iter().copied();
        let mut facts = Facts {
            published: (shape.flags & PUBLISHED != 0).then_some(row.published.into()),
            modified: (shape.flags & MODIFIED != 0).then_some(row.modified.into()),
            epss: (shape.flags & EPSS != 0).then(|| {
                let percentile = vectors.percentile(row.score).saturating_add(row.percentile.into());
                (row.score, u32::try_from(percentile.max(0)).unwrap_or(u32::MAX))
            }),
            cwes: row
                .weaknesses
                .checked_sub(1)
                .and_then(|number| self.weaknesses.get(number as usize))
                .cloned()
                .unwrap_or_default(),
            ..Facts::default()
        };
        for &(source, bits) in &shape.cvss {
            let mut text = |bit: u8| {
                (bits & bit != 0)
                    .then(|| vectors.texts.get(values.next()? as usize).map(str::to_owned))
                    .flatten()
            };
            facts.cvss.insert(
                source,
                CvssVectors {
                    v2: text(1),
                    v3: text(2),
                    v40: text(4),
                },
            );
        }
        for &source in &shape.severities {
            facts
                .severities
                .insert(source, Severity::from_number(values.next()? as u8));
        }
        if shape.flags & EXPLOITED != 0 {
            facts.known_exploited = Some((values.next()?, shape.flags & RANSOMWARE != 0));
        }
        Some(facts)
    }
}

fn decode_shapes(mut column: Cursor<'_>) -> Result<Vec<Shape>, Malformed> {
    let source = |column: &mut Cursor<'_>| -> Result<SourceId, Malformed> {
        crate::ecosystem::source_with_number(column.byte()?).ok_or(Malformed("an unknown source"))
    };
    let mut shapes = Vec::new();
    while !column.is_empty() {
        let mut shape = Shape {
            flags: column.byte()?,
            ..Shape::default()
        };
        for _ in 0..column.count(256)? {
            let cvss = (source(&mut column)?, column.byte()?);
            if cvss.1 == 0 || cvss.1 > 7 {
                return Err(Malformed("an unknown CVSS version"));
            }
            shape.cvss.push(cvss);
        }
        for _ in 0..column.count(256)? {
            let source = source(&mut column)?;
            shape.severities.push(source);
        }
        shapes.push(shape);
    }
    Ok(shapes)
}
