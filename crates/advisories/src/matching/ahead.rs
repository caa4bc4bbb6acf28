//! A second thread that makes ready what a search is going to ask for, while the search goes on.
//!
//! It changes nothing but time: whatever it made, or failed to make, is asked for again by whoever needs it.

use crate::database::Database;
use crate::language::{LANGUAGES, LanguageRules};
use seaworthy_model::{Inventory, PackageClass};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;

/// From so many packages on findings are expected, and facts are inflated before there are any. A small image would
/// wait longer for what it does not need than it gains.
const MANY_PACKAGES: usize = 100;

/// What is made ready ahead of one search.
#[derive(Debug)]
pub(super) struct Ahead<'a> {
    database: &'a Database,
    /// Sections of languages, in the order in which they are made ready: the first that is searched comes last.
    sections: Vec<&'static str>,
    /// Whether facts are worth inflating before it is known which.
    guess: bool,
    /// Blocks of facts that are needed, once that is known.
    needed: OnceLock<Vec<usize>>,
    over: AtomicBool,
}

impl<'a> Ahead<'a> {
    pub(super) fn of(database: &'a Database, inventory: &Inventory) -> Self {
        let present = |rules: &LanguageRules| {
            let mut packages = inventory.packages.iter();
            packages.any(|package| package.owned_by.is_none() && rules.is_about(package))
        };
        let languages = LANGUAGES.iter().rev();
        let mut sections: Vec<&'static str> = languages
            .filter(|rules| rules.packages.class() == PackageClass::Language && present(rules))
            .map(|rules| rules.section)
            .collect();
        if inventory.distribution.is_none() {
            // The search begins with it at once.
            sections.pop();
        }
        let file = &database.file;
        let guess = inventory.packages.len() >= MANY_PACKAGES && (0..file.blocks()).any(|block| !file.is_ready(block));
        Self {
            database,
            sections,
            guess,
            needed: OnceLock::new(),
            over: AtomicBool::new(false),
        }
    }

    /// Begins, where there is enough to do. A thread that cannot be had is not missed.
    pub(super) fn start<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) -> bool {
        self.guess && std::thread::Builder::new().spawn_scoped(scope, || self.work()).is_ok()
    }

    /// Makes these blocks ready, together with the other thread.
    pub(super) fn facts<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, started: bool, blocks: Vec<usize>) {
        let file = &self.database.file;
        let missing = blocks.iter().filter(|&&block| !file.is_ready(block)).count();
        let blocks = self.needed.get_or_init(|| blocks);
        if missing < 2 {
            return;
        }
        if !started {
            // Failing to start leaves the work to this thread.
            let _ = std::thread::Builder::new().spawn_scoped(scope, || self.work());
        }
        for &block in blocks {
            // A damaged block is an error where its facts are asked for.
            let _ = file.prepare_block(block);
        }
    }

    /// Lets the other thread end after what it is at.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// The newest facts first: the search, which goes the other way, meets it in the middle.
    fn work(&self) {
        let over = || self.over.load(Ordering::Relaxed);
        let file = &self.database.file;
        let known = || self.needed.get();
        for section in &self.sections {
            if over() || known().is_some() {
                break;
            }
            let _ = self.database.prepare(section);
        }
        for block in (0..file.blocks()).rev() {
            if over() {
                break;
            }
            if known().is_none_or(|needed| needed.contains(&block)) {
                let _ = file.prepare_block(block);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::database::Database;
    use seaworthy_model::{Distribution, Ecosystem, Family, Inventory, Package};
    use std::path::Path;

    fn inventory() -> Inventory {
        let packages = [
            (Ecosystem::Deb, "openssl", "3.0.9-1"),
            (Ecosystem::Deb, "linux", "6.1.20-1"),
            (Ecosystem::Deb, "curl", "7.88.1-10"),
            (Ecosystem::Npm, "lodash", "4.17.4"),
            (Ecosystem::PyPi, "django", "3.2"),
            (Ecosystem::Maven, "org.apache.logging.log4j:log4j-core", "2.14.1"),
        ];
        // Often enough that facts are inflated before they are asked for.
        let many = (0..40).flat_map(|copy| {
            packages.map(|(ecosystem, name, version)| Package::new(ecosystem, name, version, format!("place/{copy}")))
        });
        Inventory {
            distribution: Some(Distribution::new(Family::Debian, "12.5")),
            packages: many.collect(),
            ..Inventory::default()
        }
    }

    #[test]
    fn one_thread_finds_what_two_find() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/advisories.db");
        let inventory = inventory();
        let few = Inventory {
            packages: inventory.packages.iter().take(6).cloned().collect(),
            ..inventory.clone()
        };
        for inventory in [inventory, few] {
            let find = |threads| {
                let database = Database::open(&path).unwrap();
                database.find_with(&inventory, 20_400, threads).unwrap()
            };
            let alone = find(1);
            assert!(alone.matches.len() > 100, "{}", alone.matches.len());
            for _ in 0..2 {
                assert_eq!(find(2), alone);
            }
        }
    }
}
