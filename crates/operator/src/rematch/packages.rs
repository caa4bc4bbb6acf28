//! Packages that many inventories share, each matched once with the data of its distribution.

use super::each;
use crate::store::packed::{KeptInventory, package};
use seaworthy_model::{AssessedFinding, Distribution, Ecosystem, Effect, Inventory, Package, PackageClass, limits};
use seaworthy_policy::{Rules, evaluate};
use seaworthy_scanner::{Database, Error};
use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of a package among those that are known.
pub(super) type Number = u32;

/// Packages that are matched together: what they share is looked up once.
const TOGETHER: usize = 256;
/// Groups that are looked through for one that a package fits in.
const OPEN_GROUPS: usize = 8;

/// What is known of one package in one distribution.
#[derive(Debug)]
struct Known {
    findings: Vec<AssessedFinding>,
    /// The same for packages that a report takes for one: of such, one finding is kept.
    identity: u64,
    /// Whether the findings say all.
    whole: bool,
}

/// Numbers by the bytes that they stand for.
type Numbers = HashMap<Box<[u8]>, Number>;

/// Everything that is known of packages.
#[derive(Debug, Default)]
pub(super) struct Packages {
    /// Distributions as JSON.
    distributions: HashMap<String, usize>,
    /// By distribution: whether there are advisories about it, and its packages by their bytes.
    of: Vec<(bool, Numbers)>,
    known: Vec<Known>,
    bytes: usize,
}

/// A package that is not known yet.
struct New<'a> {
    distribution: usize,
    bytes: &'a [u8],
}

impl Packages {
    /// The numbers of the packages of each inventory, in their order, which are matched where they are not known yet;
    /// nothing for an inventory of which a package cannot be read.
    pub(super) fn learn(
        &mut self,
        database: &Database,
        day: i64,
        inventories: &[&KeptInventory<'_>],
    ) -> Result<Vec<Option<Vec<Number>>>, Box<Error>> {
        if self.bytes > limits::REMATCH_MEMORY_BYTES {
            *self = Self::default();
        }
        let mut places = Vec::with_capacity(inventories.len());
        for inventory in inventories {
            places.push(self.distribution(database, day, &inventory.head.distribution)?);
        }
        let placed: Vec<_> = inventories.iter().zip(&places).collect();
        let of = |place: usize| self.of.get(place).map(|(_, known)| known);
        let unknown = each(&placed, |(inventory, place)| {
            let known = of(**place);
            let is_known = |bytes: &&&[u8]| known.is_some_and(|known| known.contains_key(**bytes));
            let packages = inventory.packages.iter();
            packages
                .filter(|bytes| !is_known(bytes))
                .copied()
                .collect::<Vec<&[u8]>>()
        });
        let mut seen = HashSet::new();
        let mut new = Vec::new();
        for (bytes, &distribution) in unknown.into_iter().zip(&places) {
            for bytes in bytes {
                if seen.insert((distribution, bytes)) {
                    new.push(New { distribution, bytes });
                }
            }
        }
        self.add(database, day, &new, inventories, &places)?;
        let of = |place: usize| self.of.get(place).map(|(_, known)| known);
        Ok(each(&placed, |(inventory, place)| {
            let known = of(**place)?;
            inventory
                .packages
                .iter()
                .map(|bytes| known.get(*bytes).copied())
                .collect()
        }))
    }

    /// The place of a distribution, and of none.
    fn distribution(
        &mut self,
        database: &Database,
        day: i64,
        distribution: &Option<Distribution>,
    ) -> Result<usize, Box<Error>> {
        let next = self.of.len();
        match self.distributions.entry(name(distribution)) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(new) => {
                let (_, whole) = find(database, day, distribution.clone(), Vec::new())?;
                self.of.push((whole, HashMap::new()));
                Ok(*new.insert(next))
            }
        }
    }

    /// Matches what is new.
    fn add(
        &mut self,
        database: &Database,
        day: i64,
        new: &[New<'_>],
        inventories: &[&KeptInventory<'_>],
        places: &[usize],
    ) -> Result<(), Box<Error>> {
        let mut distributions: HashMap<usize, &Option<Distribution>> = HashMap::new();
        for (inventory, &place) in inventories.iter().zip(places) {
            distributions.entry(place).or_insert(&inventory.head.distribution);
        }
        let mut groups: HashMap<(usize, Ecosystem), Vec<Group<'_>>> = HashMap::new();
        let parsed = each(new, |new| package(new.bytes));
        for (new, package) in new.iter().zip(parsed) {
            let Some(package) = package else { continue };
            let identity = identity(&package);
            let open = groups.entry((new.distribution, package.ecosystem)).or_default();
            let fits = |group: &&mut Group<'_>| group.list.len() < TOGETHER && !group.identities.contains(&identity);
            let group = match open.iter_mut().rev().take(OPEN_GROUPS).find(fits) {
                Some(group) => group,
                None => {
                    open.push(Group::default());
                    let Some(group) = open.last_mut() else { continue };
                    group
                }
            };
            group.identities.insert(identity);
            group.list.push((new.bytes, package));
        }
        let groups: Vec<_> = groups
            .into_iter()
            .flat_map(|((place, _), groups)| groups.into_iter().map(move |group| (place, group)))
            .collect();
        let taken = AtomicUsize::new(self.bytes);
        let matched = each(&groups, |(place, group)| {
            if taken.load(Ordering::Relaxed) > limits::REMATCH_MEMORY_BYTES {
                // Each inventory with them is matched as a whole.
                return Ok(vec![(Vec::new(), false); group.list.len()]);
            }
            let distribution = distributions.get(place).copied().cloned().flatten();
            let packages = group.list.iter().map(|(_, package)| package.clone()).collect();
            let all = divide(database, day, &distribution, packages)?;
            taken.fetch_add(all.iter().map(|(findings, _)| size(findings)).sum(), Ordering::Relaxed);
            Ok::<_, Box<Error>>(all)
        });
        for ((place, group), matched) in groups.into_iter().zip(matched) {
            for ((bytes, package), (findings, whole)) in group.list.into_iter().zip(matched?) {
                self.keep(place, bytes, &package, findings, whole);
            }
        }
        Ok(())
    }

    fn keep(&mut self, place: usize, bytes: &[u8], package: &Package, findings: Vec<AssessedFinding>, whole: bool) {
        let (Ok(number), Some((_, known))) = (Number::try_from(self.known.len()), self.of.get_mut(place)) else {
            return;
        };
        known.insert(bytes.into(), number);
        self.bytes += bytes.len() + size(&findings) + size_of::<Known>();
        self.known.push(Known {
            findings,
            identity: identity(package),
            whole,
        });
    }

    /// The findings of an inventory with these packages; nothing where its packages alone do not say all.
    pub(super) fn findings(
        &self,
        distribution: &Option<Distribution>,
        numbers: &[Number],
    ) -> Option<Vec<&AssessedFinding>> {
        let place = *self.distributions.get(&name(distribution))?;
        if !self.of.get(place)?.0 {
            return None;
        }
        let mut findings = Vec::new();
        let mut identities = Vec::with_capacity(numbers.len());
        for &number in numbers {
            let known = self.known.get(number as usize).filter(|known| known.whole)?;
            identities.push(known.identity);
            findings.extend(&known.findings);
        }
        let count = identities.len();
        identities.sort_unstable();
        identities.dedup();
        (identities.len() == count && findings.len() <= limits::FINDINGS).then_some(findings)
    }
}

/// Packages of one distribution and ecosystem that no report takes for the same.
#[derive(Default)]
struct Group<'a> {
    identities: HashSet<u64>,
    list: Vec<(&'a [u8], Package)>,
}

/// Bytes that findings take, about: most have five short texts.
const fn size(findings: &[AssessedFinding]) -> usize {
    findings.len() * (size_of::<AssessedFinding>() + 100)
}

fn name(distribution: &Option<Distribution>) -> String {
    serde_json::to_string(distribution).unwrap_or_default()
}

/// What makes two packages the same one to the reader of a report (`policy/src/order.rs`), or more than that.
fn identity(package: &Package) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&package.name, &package.version).hash(&mut hasher);
    if package.ecosystem == Ecosystem::Rpm {
        package.arch.hash(&mut hasher);
    }
    if package.ecosystem.class() == PackageClass::Language {
        package.path.hash(&mut hasher);
    }
    hasher.finish()
}

/// The findings of each package, and whether they say all. Where something is amiss with a group, it is divided until it is
/// known with which package.
fn divide(
    database: &Database,
    day: i64,
    distribution: &Option<Distribution>,
    mut packages: Vec<Package>,
) -> Result<Vec<(Vec<AssessedFinding>, bool)>, Box<Error>> {
    let (findings, whole) = find(database, day, distribution.clone(), packages.clone())?;
    if whole || packages.len() < 2 {
        return Ok(findings.into_iter().map(|findings| (findings, whole)).collect());
    }
    let second = packages.split_off(packages.len() / 2);
    let mut all = divide(database, day, distribution, packages)?;
    all.extend(divide(database, day, distribution, second)?);
    Ok(all)
}

/// The findings of each of these packages, none of which a report takes for another, and whether they say all.
fn find(
    database: &Database,
    day: i64,
    distribution: Option<Distribution>,
    packages: Vec<Package>,
) -> Result<(Vec<Vec<AssessedFinding>>, bool), Box<Error>> {
    let inventory = Inventory {
        distribution,
        packages,
        ..Inventory::default()
    };
    let found = database.find(&inventory, day).map_err(|error| Box::new(error.into()))?;
    let whole = found
        .problems
        .iter()
        .all(|problem| problem.effect != Effect::Incomplete);
    let mut findings = vec![Vec::new(); inventory.packages.len()];
    for finding in evaluate(&Rules::default(), &inventory, found.matches).findings {
        let matched = &finding.matched;
        if let Some(of) = findings.get_mut(matched.package) {
            of.push(AssessedFinding::of(matched, inventory.packages.get(matched.package)));
        }
    }
    Ok((findings, whole))
}
