//! A source tree: what its lock files and manifests declare.

use crate::observer::{Observer, Phases, Step};
use crate::streams::{Bounds, Timed};
use crate::{Error, Options};
use seaworthy_image::{EntryKind, RootDirectory};
use seaworthy_inventory::declared::{self, SourceTree};
use seaworthy_model::{Effect, Inventory, Problem};
use std::io::{self, Read};
use std::path::Path;

/// Walks the tree and reads its lock files; what is for development is left out unless it is asked for.
pub(crate) fn source_tree(
    path: &Path,
    options: &Options,
    bounds: Bounds,
    observer: &dyn Observer,
    phases: &mut Phases,
) -> Result<Inventory, Error> {
    let root = RootDirectory::open(path)?;
    observer.step(&Step::Reading {
        layers: 0,
        known: 0,
        bytes: 0,
    });
    let selection = &options.selection;
    let mut tree = SourceTree::new();
    tree.lowest_versions = options.comprehensive;
    let skip = |path: &[u8]| {
        SourceTree::passes_over(path) || selection.skip_directories.iter().any(|pattern| pattern.matches(path))
    };
    let walked = root.walk(&skip, &mut |entry| {
        match &entry.kind {
            EntryKind::File { size, .. } => tree.add_file(entry.path, *size, selection),
            EntryKind::SymbolicLink { .. } => tree.add_link(entry.path, selection),
            EntryKind::Directory | EntryKind::Other => {}
        }
        if bounds.is_over() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    });
    match walked {
        Ok(problems) => tree.problems.extend(problems),
        Err(source) => return Err(Error::Directory { source }),
    }
    phases.end("walk");
    let mut inventory = declared::inventory(&tree, &|path| -> io::Result<Box<dyn Read>> {
        Ok(Box::new(Timed::new(root.open_file(Path::new(path))?, bounds.deadline)))
    });
    if !options.development {
        inventory.packages.retain(|package| !package.dev);
    }
    if inventory.packages.is_empty() && inventory.problems.is_empty() {
        let (effect, what) = match tree.is_empty() {
            true => (
                Effect::Uncertain,
                "no lock file or manifest was found: nothing here was looked at",
            ),
            false => (Effect::Note, "the lock files and manifests name no package"),
        };
        inventory.problems.push(Problem::of_artifact(effect, what));
    }
    Ok(inventory)
}
