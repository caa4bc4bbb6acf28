//! Layers become one inventory: what the merged file system really holds, each package once, with layer and owner.
//!
//! Files whose final name differs from the one in the archive (links, directories behind links) may have been passed
//! over when their layer was read. They are asked for again, by `reread`: rare, but without it a link hides packages.

use crate::analyzer::{FileReport, OwnedFile};
use crate::entry::{Entry, Kind, Name};
use crate::layer::{LayerContents, ReadFile};
use crate::missing::Missing;
use crate::release;
use crate::selection::Reread;
use crate::tree::{Node, NodeId, Stored, Tree};
use crate::wanted::Wanted;
use crate::{os, settle};
use seaworthy_model::{
    Coverage, Ecosystem, Effect, Inventory, LayerRef, Package, PackageClass, PackageDatabase, Problem, limits,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Directories in which package managers look by name: when one of them is a link, what lies behind it counts.
const WELL_KNOWN: [&str; 10] = [
    "etc",
    "lib/apk/db",
    "usr/lib/apk/db",
    "usr/lib/sysimage/rpm",
    "usr/share/rpm",
    "var/lib/dpkg",
    "var/lib/dpkg/info",
    "var/lib/dpkg/status.d",
    "var/lib/rpm",
    "var/lib/rpmmanifest",
];
/// Levels below a well-known directory that are looked at.
const WELL_KNOWN_DEPTH: usize = 3;

/// Reads the given files of one layer again; the answer is that layer read with [`crate::Selection::only`].
pub type RereadLayer<'a> = dyn FnMut(usize, Vec<Reread>) -> Result<LayerContents, Problem> + 'a;

/// A file of the merged view that an analyzer has read.
struct Seen<'a> {
    path: String,
    node: NodeId,
    layer: usize,
    report: &'a FileReport,
}

/// Merges layers, lowest first; `refs` has the digests of each.
pub fn merge(layers: &[&LayerContents], refs: &[LayerRef], reread: &mut RereadLayer<'_>) -> Inventory {
    let tree = Tree::of_layers(layers);
    let mut problems = tree.problems.clone();
    let mut missing = Missing::default();
    let mut seen = Vec::new();
    find_files(&tree, layers, &mut seen, &mut missing);
    let mut again = Vec::new();
    for (layer, wanted) in missing.rereads(layers) {
        match reread(layer, wanted) {
            Ok(contents) => again.push((layer, contents)),
            Err(problem) => problems.push(problem),
        }
    }
    // A database read again with its companion replaces what was read without.
    let replaced: HashSet<&str> = again
        .iter()
        .flat_map(|(_, contents)| &contents.files)
        .map(|file| file.seen_as.as_str())
        .collect();
    seen.retain(|other| !replaced.contains(other.path.as_str()));
    for (layer, contents) in &again {
        for file in &contents.files {
            let Some(node) = missing.nodes.get(&(*layer, file.seen_as.clone())) else {
                continue;
            };
            seen.push(Seen {
                path: file.seen_as.clone(),
                node: *node,
                layer: *layer,
                report: &file.report,
            });
        }
    }
    for (layer, contents) in layers.iter().enumerate() {
        problems.extend(
            contents
                .problems
                .iter()
                .cloned()
                .map(|problem| in_layer(problem, refs, layer)),
        );
    }
    keep_one_rpm_database(&mut seen, &mut problems, refs);
    seen.sort_by(|a, b| a.path.cmp(&b.path));
    for file in &seen {
        problems.extend(
            file.report
                .problems
                .iter()
                .cloned()
                .map(|problem| in_layer(problem, refs, file.layer)),
        );
    }
    let facts = seen
        .iter()
        .flat_map(|file| file.report.release.iter().map(|fact| (file.path.as_str(), fact)));
    let (distribution, release_problems) = release::merge(facts);
    problems.extend(release_problems);

    let owners = owners(&tree, &seen);
    problems.extend(tree.exhaustion());
    let mut packages = Vec::new();
    let mut known = HashSet::new();
    for file in &seen {
        for package in &file.report.packages {
            let os = package.ecosystem.class() == PackageClass::Os;
            let place = if os { String::new() } else { package.path.clone() };
            if packages.len() >= limits::PACKAGES
                || !known.insert((
                    package.ecosystem,
                    package.name.clone(),
                    package.version.clone(),
                    package.arch.clone(),
                    place,
                ))
            {
                continue;
            }
            let mut package = package.clone();
            package.layer = refs.get(file.layer).copied();
            if !os && let Some(owner) = owners.get(&file.node) {
                package.owned_by = Some(owner.package.clone());
            }
            packages.push(package);
        }
    }
    if packages.len() >= limits::PACKAGES {
        let what = format!("more than {} packages; the rest was not looked at", limits::PACKAGES);
        problems.push(Problem::of_artifact(Effect::Incomplete, what));
    }
    packages.extend(settle::nix_packages(&tree, refs));
    settle::duplicates(&mut packages);
    attribute(&mut packages, layers, refs);
    packages.sort_by(|a, b| order(a).cmp(&order(b)));
    let databases = databases(&seen, refs);
    problems.extend(missing_databases(
        layers,
        &seen,
        &databases,
        distribution.is_some(),
        &packages,
    ));
    problems.sort();
    problems.dedup();
    let coverage = Coverage {
        layers: layers.len(),
        entries: layers.iter().map(|layer| layer.entry_count).sum(),
        files_read: (layers.iter().map(|layer| layer.files.len()).sum::<usize>()
            + again.iter().map(|(_, layer)| layer.files.len()).sum::<usize>()) as u64,
        bytes: layers.iter().map(|layer| layer.bytes).sum(),
    };
    Inventory {
        distribution,
        databases,
        packages,
        problems,
        coverage,
        layer_sizes: layers.iter().map(|layer| layer.tar_bytes).collect(),
    }
}

/// The order of packages in an inventory.
pub(crate) fn order(package: &Package) -> (PackageClass, Ecosystem, &str, &str, &str, &str) {
    (
        package.ecosystem.class(),
        package.ecosystem,
        package.name.as_str(),
        package.version.as_str(),
        package.arch.as_str(),
        package.path.as_str(),
    )
}

fn in_layer(problem: Problem, refs: &[LayerRef], layer: usize) -> Problem {
    match refs.get(layer).and_then(|layer| layer.digest.or(layer.diff_id)) {
        Some(digest) => problem.in_layer(digest),
        None => problem,
    }
}

/// A stored file, and what an analyzer read of it.
fn read_of<'a>(layers: &[&'a LayerContents], stored: Stored) -> Option<StoredFile<'a>> {
    let contents: &'a LayerContents = layers.get(stored.layer as usize)?;
    let entry = contents.entries.get(stored.entry as usize)?;
    let Kind::File(read) = entry.kind else { return None };
    Some(StoredFile {
        contents,
        entry,
        read: read.and_then(|index| contents.files.get(index as usize)),
    })
}

/// A file where its layer has it.
struct StoredFile<'a> {
    contents: &'a LayerContents,
    entry: &'a Entry,
    read: Option<&'a ReadFile>,
}

impl StoredFile<'_> {
    /// Whether it is stored under this path; the last part is the cheapest to compare.
    fn is_at(&self, path: &[u8]) -> bool {
        let Some(directory) = path.strip_suffix(self.contents.name(self.entry.name)) else {
            return false;
        };
        let stored = self
            .contents
            .name(self.contents.directory(self.entry).unwrap_or(Name::EMPTY));
        match directory.strip_suffix(b"/") {
            Some(directory) => directory == stored,
            None => directory.is_empty() && stored.is_empty(),
        }
    }
}

/// Sorts the files of the merged view into those that were read under their final name and those to be read again.
fn find_files<'a>(tree: &Tree<'a>, layers: &[&'a LayerContents], seen: &mut Vec<Seen<'a>>, missing: &mut Missing) {
    let mut links = Vec::new();
    let mut with_companion = Vec::new();
    tree.visit(Tree::root(), b"", usize::MAX, &mut |path, id, node| match node {
        Node::File(stored) => {
            let Some(file) = read_of(layers, stored) else {
                return;
            };
            let read = file.read;
            if file.is_at(path) {
                if let Some(file) = read {
                    if Wanted::of(&file.seen_as).companion_suffix().is_some() {
                        with_companion.push((id, stored, file.seen_as.clone()));
                    }
                    seen.push(Seen {
                        path: file.seen_as.clone(),
                        node: id,
                        layer: stored.layer as usize,
                        report: &file.report,
                    });
                }
            } else {
                let stored_path = file.contents.path(file.entry);
                let (path, stored_path) = (String::from_utf8_lossy(path), String::from_utf8_lossy(&stored_path));
                let (wanted, before) = (Wanted::of(&path), Wanted::of(&stored_path));
                if wanted.is_only_streamed() && wanted.same_analyzers(&before) {
                    // Large files are not read again for a second name.
                    seen.extend(read.map(|file| Seen {
                        path: path.clone().into_owned(),
                        node: id,
                        layer: stored.layer as usize,
                        report: &file.report,
                    }));
                } else if !wanted.is_nothing() {
                    missing.add(id, stored, &path, None);
                }
            }
        }
        Node::SymbolicLink(_) => {
            if let Ok(path) = std::str::from_utf8(path)
                && !Wanted::through_link(path).is_nothing()
            {
                links.push((path.to_owned(), id));
            }
        }
        Node::Directory | Node::Other => {}
    });
    for (path, link) in links {
        if let Some(target) = tree.target(link) {
            see_through(tree, &path, target, missing);
        }
    }
    for directory in WELL_KNOWN {
        let Some(id) = tree.resolve(directory.as_bytes()) else {
            continue;
        };
        if tree.path(id) == directory.as_bytes() {
            continue;
        }
        tree.visit(id, directory.as_bytes(), WELL_KNOWN_DEPTH, &mut |path, file, node| {
            let target = match node {
                Node::File(_) => Some(file),
                Node::SymbolicLink(_) => tree.target(file),
                Node::Directory | Node::Other => None,
            };
            if let (Some(target), Ok(path)) = (target, std::str::from_utf8(path)) {
                see_through(tree, path, target, missing);
            }
        });
    }
    for (id, stored, path) in with_companion {
        let Some(suffix) = Wanted::of(&path).companion_suffix() else {
            continue;
        };
        let companion = tree
            .resolve(format!("{path}{suffix}").as_bytes())
            .and_then(|companion| tree.node(companion))
            .and_then(|node| {
                if let Node::File(stored) = node {
                    read_of(layers, stored)
                } else {
                    None
                }
            })
            .and_then(|file| file.read?.kept.clone())
            .filter(|bytes| !bytes.is_empty());
        if companion.is_some() {
            missing.add(id, stored, &path, companion);
        }
    }
}

/// Asks for the file that `alias` leads to, unless it is read under its own name already.
fn see_through(tree: &Tree<'_>, alias: &str, target: NodeId, missing: &mut Missing) {
    let Some(Node::File(stored)) = tree.node(target) else {
        return;
    };
    let own = tree.path(target);
    if std::str::from_utf8(&own).is_ok_and(|own| Wanted::through_link(own).same_analyzers(&Wanted::through_link(alias)))
        || Wanted::through_link(alias).is_nothing()
    {
        return;
    }
    missing.add(target, stored, alias, None);
}

/// Several rpm databases may lie side by side after a migration: rpm itself uses one. The newest layer's wins, then the
/// newest format.
fn keep_one_rpm_database(seen: &mut Vec<Seen<'_>>, problems: &mut Vec<Problem>, refs: &[LayerRef]) {
    let rank = |file: &Seen<'_>| {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let format = match name {
            "rpmdb.sqlite" => 3,
            "Packages.db" => 2,
            "Packages" => 1,
            _ => 0,
        };
        (file.layer, format)
    };
    let is_rpm = |file: &Seen<'_>| file.report.database == Some(Ecosystem::Rpm);
    let Some(best) = seen
        .iter()
        .filter(|file| is_rpm(file) && !file.report.packages.is_empty())
        .map(rank)
        .max()
    else {
        return;
    };
    seen.retain(|file| {
        let keep = !is_rpm(file) || rank(file) >= best;
        if !keep && !file.report.packages.is_empty() {
            let what = "an older rpm database beside a newer one; it was not counted";
            problems.push(in_layer(
                Problem::at_path(file.path.clone(), Effect::Note, what),
                refs,
                file.layer,
            ));
        }
        keep
    });
}

/// The owner of each file that a distribution package lists, by node: links and the merged /usr do not matter then.
fn owners<'a>(tree: &Tree<'_>, seen: &[Seen<'a>]) -> HashMap<NodeId, &'a OwnedFile> {
    let mut owners = HashMap::new();
    // Lists of files have those of a directory one after another.
    let (mut last, mut directory) = ("", Some(Tree::root()));
    for owned in seen.iter().flat_map(|file| &file.report.owned) {
        let (parent, name) = owned.path.rsplit_once('/').unwrap_or(("", &owned.path));
        if parent != last {
            (last, directory) = (parent, tree.resolve(parent.as_bytes()));
        }
        if let Some(node) = directory.and_then(|directory| tree.resolve_in(directory, name.as_bytes())) {
            owners.entry(node).or_insert(owned);
        }
    }
    owners
}

/// Says of each distribution package in which layer this version of it first appeared: a database is written anew by
/// every layer that installs something.
fn attribute(packages: &mut [Package], layers: &[&LayerContents], refs: &[LayerRef]) {
    let mut first: HashMap<(&str, &str, &str, &str), usize> = HashMap::new();
    let mut writers: HashMap<&str, usize> = HashMap::new();
    for layer in layers {
        for file in layer.files.iter().filter(|file| file.report.database.is_some()) {
            *writers.entry(file.seen_as.as_str()).or_default() += 1;
        }
    }
    for (index, layer) in layers.iter().enumerate() {
        for file in layer
            .files
            .iter()
            .filter(|file| writers.get(file.seen_as.as_str()).is_some_and(|count| *count > 1))
        {
            for package in &file.report.packages {
                let key = (
                    file.seen_as.as_str(),
                    package.name.as_str(),
                    package.version.as_str(),
                    package.arch.as_str(),
                );
                first.entry(key).or_insert(index);
            }
        }
    }
    for package in packages {
        let key = (
            package.path.as_str(),
            package.name.as_str(),
            package.version.as_str(),
            package.arch.as_str(),
        );
        if let Some(layer) = first.get(&key).and_then(|index| refs.get(*index)) {
            package.layer = Some(*layer);
        }
    }
}

fn databases(seen: &[Seen<'_>], refs: &[LayerRef]) -> Vec<PackageDatabase> {
    let mut databases: BTreeMap<(Ecosystem, String), PackageDatabase> = BTreeMap::new();
    for file in seen {
        let Some(ecosystem) = file.report.database else {
            continue;
        };
        let path = os::database_of(&file.path).to_owned();
        databases
            .entry((ecosystem, path.clone()))
            .or_insert_with(|| PackageDatabase {
                ecosystem,
                path,
                packages: 0,
                layer: refs.get(file.layer).copied(),
            })
            .packages += file.report.packages.len();
    }
    databases.into_values().collect()
}

/// A distribution without its packages is not a clean one.
fn missing_databases(
    layers: &[&LayerContents],
    seen: &[Seen<'_>],
    databases: &[PackageDatabase],
    distribution: bool,
    packages: &[Package],
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut deleted = BTreeMap::new();
    for file in layers.iter().flat_map(|layer| &layer.files) {
        if let Some(ecosystem) = file.report.database
            && !databases.iter().any(|database| database.ecosystem == ecosystem)
        {
            deleted.insert(ecosystem, file.seen_as.clone());
        }
    }
    for (ecosystem, path) in &deleted {
        let what = format!(
            "the {} package database of a lower layer was deleted; its packages cannot be listed",
            ecosystem.purl_type()
        );
        problems.push(Problem::at_path(path.clone(), Effect::Incomplete, what));
    }
    let os_packages = packages
        .iter()
        .any(|package| package.ecosystem.class() == PackageClass::Os)
        // Bottlerocket's packages are of no package manager.
        || databases.iter().any(|database| database.packages > 0);
    if distribution && databases.is_empty() && deleted.is_empty() && !os_packages {
        let what = "a distribution was recognised but no package database was found; its packages cannot be listed";
        problems.push(Problem::of_artifact(Effect::Incomplete, what));
    }
    if distribution && deleted.is_empty() && !os_packages && !databases.is_empty() {
        for database in databases {
            // Where each package has a file of its own, a broken one is a package that is missing, not the database.
            let is_unread = |file: &Seen<'_>| {
                let mut problems = file.report.problems.iter();
                file.path == database.path && problems.any(|problem| problem.effect == Effect::Incomplete)
            };
            let (effect, what) = if seen.iter().any(is_unread) {
                (
                    Effect::Incomplete,
                    "the package database could not be read; its packages cannot be listed",
                )
            } else {
                (
                    Effect::Uncertain,
                    "the package database was read and lists no package; what is installed here is not known to it",
                )
            };
            problems.push(Problem::at_path(database.path.clone(), effect, what));
        }
    }
    problems
}
