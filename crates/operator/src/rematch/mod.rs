//! Inventories that are kept are matched again, when the advisory data are others: no image is pulled for it.
//!
//! Images share most of their packages, so each package of a distribution is matched once, whoever has it. An inventory
//! for which that could say less than matching it as a whole would (something in it cannot be matched, or it names a
//! package twice) is matched as a whole. What could not be read when it was scanned stays so.

mod all;
mod packages;

pub(crate) use all::rematch_one;
pub use all::{Again, RematchError, rematch};

use crate::store::packed::{KeptInventory, inflated, kept_inventories, pack_assessment, package, unpack};
use packages::{Number, Packages};
use seaworthy_model::{AssessedFinding, Assessment, Inventory, limits};
use seaworthy_policy::{Rules, evaluate};
use seaworthy_scanner::{Database, Error};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What matching again says of one image.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// What it said before.
    Same,
    /// Something else; also packed.
    Changed(Assessment, Vec<u8>),
    /// What is kept cannot be read: nothing is known of the image.
    Unreadable,
}

/// One image whose inventories are matched again.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Its inventories, packed.
    pub inventories: &'a [u8],
    /// What is known of it.
    pub before: &'a Assessment,
}

/// Matches many images with the same data.
#[derive(Debug)]
pub struct Matcher<'a> {
    database: &'a Database,
    /// Seconds since 1970.
    now: i64,
    packages: Packages,
}

impl<'a> Matcher<'a> {
    /// Nothing is matched yet; `now` in seconds since 1970.
    pub fn new(database: &'a Database, now: i64) -> Self {
        Self {
            database,
            now,
            packages: Packages::default(),
        }
    }

    /// Matches images again, in their order.
    ///
    /// # Errors
    /// When the data are damaged: there is no partial answer.
    pub fn assess(&mut self, images: &[Stored<'_>]) -> Result<Vec<Outcome>, Box<Error>> {
        let mut outcomes = Vec::with_capacity(images.len());
        let mut rest = images;
        while !rest.is_empty() {
            let mut bytes = 0usize;
            // At least one.
            let fit = rest.iter().skip(1).take_while(|image| {
                bytes = bytes.saturating_add(inflated(image.inventories).unwrap_or(0));
                bytes <= limits::REMATCH_BATCH_BYTES
            });
            let (batch, others) = rest.split_at(1 + fit.count());
            outcomes.extend(self.batch(batch)?);
            rest = others;
        }
        Ok(outcomes)
    }

    fn batch(&mut self, images: &[Stored<'_>]) -> Result<Vec<Outcome>, Box<Error>> {
        let lines = each(images, |image| unpack(image.inventories));
        let kept = each(&lines, |lines| kept_inventories(lines.as_ref()?));
        let all: Vec<&KeptInventory<'_>> = kept.iter().flatten().flatten().collect();
        let numbers = self.packages.learn(self.database, self.day(), &all)?;
        let mut numbers = numbers.into_iter();
        let images: Vec<_> = images
            .iter()
            .zip(&kept)
            .map(|(image, kept)| {
                let inventories: Vec<_> = kept.iter().flatten().zip(numbers.by_ref()).collect();
                (image.before, inventories)
            })
            .collect();
        each(&images, |(before, inventories)| self.image(before, inventories))
            .into_iter()
            .collect()
    }

    const fn day(&self) -> i64 {
        self.now.div_euclid(86_400)
    }

    fn image(
        &self,
        before: &Assessment,
        inventories: &[(&KeptInventory<'_>, Option<Vec<Number>>)],
    ) -> Result<Outcome, Box<Error>> {
        if let [(kept, Some(numbers))] = inventories
            && let Some((incomplete, findings)) = self.of_packages(kept, numbers)
            && incomplete == before.incomplete
            && before.findings.iter().eq(findings.iter().copied())
        {
            return Ok(Outcome::Same);
        }
        let mut joined: Option<Assessment> = None;
        for (kept, numbers) in inventories {
            let Some(numbers) = numbers else {
                return Ok(Outcome::Unreadable);
            };
            let Some(assessment) = self.inventory(kept, numbers, before.scanned_at)? else {
                return Ok(Outcome::Unreadable);
            };
            match &mut joined {
                Some(joined) => joined.join(assessment),
                None => joined = Some(assessment),
            }
        }
        let Some(mut assessment) = joined else {
            return Ok(Outcome::Unreadable);
        };
        assessment.platforms.clone_from(&before.platforms);
        assessment.follow(before, self.now);
        if assessment.incomplete == before.incomplete && assessment.findings == before.findings {
            return Ok(Outcome::Same);
        }
        // Here, where all processors work.
        Ok(pack_assessment(&assessment).map_or(Outcome::Unreadable, |packed| Outcome::Changed(assessment, packed)))
    }

    fn inventory(
        &self,
        kept: &KeptInventory<'_>,
        numbers: &[Number],
        scanned_at: i64,
    ) -> Result<Option<Assessment>, Box<Error>> {
        if let Some((incomplete, findings)) = self.of_packages(kept, numbers) {
            return Ok(Some(Assessment {
                scanned_at,
                incomplete,
                findings: findings.into_iter().cloned().collect(),
                ..Assessment::default()
            }));
        }
        let Some(packages) = kept.packages.iter().map(|bytes| package(bytes)).collect() else {
            return Ok(None);
        };
        let inventory = Inventory {
            packages,
            ..kept.head.clone()
        };
        assess(self.database, inventory, self.day(), scanned_at).map(Some)
    }

    /// What the packages of an inventory amount to, each for itself; nothing where that does not say all.
    fn of_packages(
        &self,
        kept: &KeptInventory<'_>,
        numbers: &[Number],
    ) -> Option<(Option<String>, Vec<&AssessedFinding>)> {
        let mut findings = self.packages.findings(&kept.head.distribution, numbers)?;
        findings.sort_by(|a, b| a.worst_first(b));
        let read = Assessment::new(&kept.head.problems, Vec::new(), 0);
        Some((read.incomplete, findings))
    }
}

/// Matches one inventory as a whole, as a scan does.
fn assess(database: &Database, mut inventory: Inventory, day: i64, scanned_at: i64) -> Result<Assessment, Box<Error>> {
    let found = database.find(&inventory, day).map_err(|error| Box::new(error.into()))?;
    inventory.problems.extend(found.problems);
    let decision = evaluate(&Rules::default(), &inventory, found.matches);
    let findings = decision.findings.iter();
    let findings = findings.map(|finding| {
        let matched = &finding.matched;
        AssessedFinding::of(matched, inventory.packages.get(matched.package))
    });
    Ok(Assessment::new(&inventory.problems, findings.collect(), scanned_at))
}

/// What is made of each item, in their order, on all processors.
fn each<'t, T: Sync, R: Send>(items: &'t [T], work: impl Fn(&'t T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicUsize::new(0);
    let turn = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(item)));
        }
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(items.len())).map(|_| scope.spawn(turn)).collect();
        let mut done = turn();
        for other in others {
            match other.join() {
                Ok(part) => done.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, made)| made).collect()
}

/// What was read of an image, for as many platforms as it was read for.
#[derive(Debug, Default)]
pub(crate) struct Read(std::sync::Mutex<Vec<Inventory>>);

impl Read {
    pub(crate) fn into_inventories(self) -> Vec<Inventory> {
        self.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl seaworthy_scanner::Observer for Read {
    fn inventory(&self, inventory: &Inventory) {
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.push(inventory.clone());
    }
}

#[cfg(test)]
mod tests;
