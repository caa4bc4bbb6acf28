//! A root directory read as one layer.

use crate::Error;
use crate::observer::{Observer, Phases, Step};
use crate::streams::{Bounds, Timed};
use seaworthy_image::{EntryKind, RootDirectory};
use seaworthy_inventory::{Again, LayerContents, Reread, Selection, merge};
use seaworthy_model::{Effect, Inventory, LayerRef, Problem};
use std::io::{self, Read};
use std::path::Path;

/// Reads a root directory as one layer.
pub(crate) fn root_directory(
    path: &Path,
    selection: &Selection,
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
    let contents = walk(&root, selection, bounds)?;
    let refs = [LayerRef {
        digest: None,
        diff_id: None,
    }];
    phases.end("walk");
    observer.step(&Step::Merging);
    let inventory = merge(&[&contents], &refs, &mut |_, wanted: Vec<Reread>| {
        let only = Selection {
            only: Some(Again::new(wanted)),
            ..Selection::default()
        };
        walk(&root, &only, bounds).map_err(|error| {
            Problem::of_artifact(
                Effect::Incomplete,
                format!("files behind links could not be read: {error}"),
            )
        })
    });
    Ok(inventory)
}

fn walk(root: &RootDirectory, selection: &Selection, bounds: Bounds) -> Result<LayerContents, Error> {
    let mut contents = LayerContents::new();
    let mut problems = Vec::new();
    let skip = |path: &[u8]| selection.skip_directories.iter().any(|pattern| pattern.matches(path));
    let walked = root.walk(&skip, &mut |entry| {
        match &entry.kind {
            EntryKind::Directory => contents.add_directory(entry.path, selection),
            EntryKind::SymbolicLink { target } => contents.add_symbolic_link(entry.path, target.clone(), selection),
            EntryKind::Other => {}
            EntryKind::File { size, .. } => {
                let open = || -> io::Result<Box<dyn Read>> { Ok(Box::new(Timed::new(entry.open()?, bounds.deadline))) };
                match contents.add_file(entry.path, *size, open, selection) {
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(error),
                    Err(error) => problems.push(Problem::at_path(
                        String::from_utf8_lossy(entry.path),
                        Effect::Incomplete,
                        format!("cannot read this file: {error}"),
                    )),
                    Ok(()) => {}
                }
            }
        }
        Ok(())
    });
    contents.problems.extend(problems);
    match walked {
        Ok(problems) => contents.problems.extend(problems),
        Err(source) => return Err(Error::Directory { source }),
    }
    Ok(contents)
}
