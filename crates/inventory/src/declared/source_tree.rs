//! The files of a source tree that matter: which there are, and their content when it is asked for.
//!
//! Lock files are read one at a time, with the files that they lead to. Nothing outside the list of regular files that
//! the walk saw is ever opened, so that neither `..` nor a link leads out of the tree.

use super::DECLARED;
use crate::selection::Selection;
use seaworthy_model::{Coverage, Effect, Problem, limits};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Opens a file of the tree by its path.
pub type Open<'a> = dyn Fn(&str) -> io::Result<Box<dyn Read>> + 'a;

/// Files that lock files and manifests lead to.
const COMPANIONS: &[&str] = &[
    "package.json",
    "pyproject.toml",
    "Cargo.toml",
    "composer.json",
    "go.sum",
];

/// The regular files of a source tree that lock files, manifests and what they lead to may be.
#[derive(Debug, Default)]
pub struct SourceTree {
    files: BTreeMap<String, u64>,
    name_bytes: usize,
    full: bool,
    /// Whether a range stands for its lowest version. What would be installed is another one, as a rule.
    pub lowest_versions: bool,
    /// What the walk could not read.
    pub problems: Vec<Problem>,
    /// How much was looked at.
    pub coverage: Coverage,
}

impl SourceTree {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a directory holds no lock files of the project itself: version control, and what was installed.
    pub fn passes_over(path: &[u8]) -> bool {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        matches!(
            name,
            b".git" | b"node_modules" | b"bower_components" | b"site-packages" | b".venv" | b".tox"
        )
    }

    /// Notes a regular file.
    pub fn add_file(&mut self, path: &[u8], size: u64, selection: &Selection) {
        self.coverage.entries += 1;
        self.coverage.bytes = self.coverage.bytes.saturating_add(size);
        let Ok(path) = std::str::from_utf8(path) else { return };
        if self.full || !Self::matters(path) || passes(selection, path) {
            return;
        }
        self.name_bytes += path.len() + 64;
        if self.name_bytes > limits::LAYER_NAME_BYTES {
            self.full = true;
            let what = "too many lock files and manifests to remember; the rest was not read";
            self.problems.push(Problem::of_artifact(Effect::Incomplete, what));
            return;
        }
        self.files.insert(path.to_owned(), size);
    }

    /// Notes a symbolic link: it is not followed, and said where a lock file is expected.
    pub fn add_link(&mut self, path: &[u8], selection: &Selection) {
        self.coverage.entries += 1;
        if let Ok(path) = std::str::from_utf8(path)
            && DECLARED.iter().any(|kind| (kind.wants)(path))
            && !passes(selection, path)
            && self.problems.len() < limits::PROBLEMS
        {
            let what = "a link where a lock file is expected; it was not followed";
            self.problems.push(Problem::at_path(path, Effect::Uncertain, what));
        }
    }

    fn matters(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        COMPANIONS.contains(&name)
            // A requirements.txt includes others by any name.
            || name.ends_with(".txt")
            || name.ends_with(".in")
            || DECLARED.iter().any(|kind| (kind.wants)(path))
    }

    /// Whether no lock file or manifest was noted.
    pub fn is_empty(&self) -> bool {
        !self
            .files
            .keys()
            .any(|path| DECLARED.iter().any(|kind| (kind.wants)(path)))
    }

    /// The paths, in order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }
}

/// Whether `--skip-files` names this file; directories are left out by the walk.
fn passes(selection: &Selection, path: &str) -> bool {
    selection
        .skip_files
        .iter()
        .any(|pattern| pattern.matches(path.as_bytes()))
}

/// A tree and the means to read it.
pub(super) struct Files<'a> {
    tree: &'a SourceTree,
    open: &'a Open<'a>,
    read: Cell<u64>,
    count: Cell<u64>,
    /// What pom.xml files are to each other.
    pub(super) projects: RefCell<super::pom::Projects>,
}

impl<'a> Files<'a> {
    pub(super) fn new(tree: &'a SourceTree, open: &'a Open<'a>) -> Self {
        Self {
            tree,
            open,
            read: Cell::new(0),
            count: Cell::new(0),
            projects: RefCell::default(),
        }
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, path: &str) -> bool {
        self.tree.files.contains_key(path)
    }

    /// The files in the tree below a directory (`""` or ending in `/`), with this name.
    pub(super) fn named<'s>(&'s self, directory: &'s str, name: &'s str) -> impl Iterator<Item = &'s str> {
        let below = self.tree.files.range(directory.to_owned()..);
        below
            .map(|(path, _)| path.as_str())
            .take_while(move |path| path.starts_with(directory))
            .filter(move |path| path.rsplit('/').next() == Some(name))
    }

    /// The content of a file.
    pub(super) fn content(&self, path: &str) -> Result<Vec<u8>, String> {
        let Some(size) = self.tree.files.get(path) else {
            return Err("there is no such file".to_owned());
        };
        if *size > limits::LOCK_FILE_BYTES {
            return Err(format!(
                "it has {size} bytes, more than the {} that are read",
                limits::LOCK_FILE_BYTES
            ));
        }
        let mut bytes = Vec::new();
        let opened = (self.open)(path).map_err(|error| error.to_string())?;
        // It may have grown since.
        let read = opened.take(limits::LOCK_FILE_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| error.to_string())?;
        self.count.set(self.count.get() + 1);
        self.read.set(self.read.get().saturating_add(bytes.len() as u64));
        if bytes.len() as u64 > limits::LOCK_FILE_BYTES || self.read.get() > limits::LOCK_FILES_BYTES {
            return Err("too many bytes of lock files were read already".to_owned());
        }
        Ok(bytes)
    }

    /// Whether a range stands for its lowest version.
    pub(super) const fn lowest_versions(&self) -> bool {
        self.tree.lowest_versions
    }

    /// How many files were read.
    pub(super) const fn count(&self) -> u64 {
        self.count.get()
    }
}

/// One lock file or manifest, and the way to its neighbours.
pub(super) struct Source<'a> {
    /// Its path relative to the root.
    pub(super) path: &'a str,
    /// Its content.
    pub(super) bytes: &'a [u8],
    /// The tree that it lies in.
    pub(super) files: &'a Files<'a>,
}

impl Source<'_> {
    /// The directory of the file: `""`, or ending in `/`.
    pub(super) fn directory(&self) -> &str {
        directory_of(self.path)
    }

    /// The content of a file in the same directory, where it can be read.
    pub(super) fn beside(&self, name: &str) -> Option<Vec<u8>> {
        let path = format!("{}{name}", self.directory());
        self.files.has(&path).then(|| self.files.content(&path).ok()).flatten()
    }

    /// Whether such a file lies in the same directory.
    pub(super) fn has_beside(&self, name: &str) -> bool {
        self.files.has(&format!("{}{name}", self.directory()))
    }
}

/// The directory of a path: `""`, or ending in `/`.
pub(super) fn directory_of(path: &str) -> &str {
    path.rfind('/').and_then(|end| path.get(..=end)).unwrap_or_default()
}

/// Joins a relative path to a directory; `None` where it leaves the tree.
pub(super) fn join(directory: &str, relative: &str) -> Option<String> {
    let relative = relative.replace('\\', "/");
    if relative.starts_with('/') || relative.len() > limits::PATH_BYTES {
        return None;
    }
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{SourceTree, join};

    #[test]
    fn paths_stay_inside() {
        for (directory, relative, expected) in [
            ("", "a.txt", Some("a.txt")),
            ("a/b/", "../c.txt", Some("a/c.txt")),
            ("a/", "./b//c", Some("a/b/c")),
            ("a/", "..\\c", Some("c")),
            ("", "../etc/passwd", None),
            ("a/", "../../etc/passwd", None),
            ("a/", "/etc/passwd", None),
        ] {
            assert_eq!(join(directory, relative).as_deref(), expected, "{directory} {relative}");
        }
    }

    #[test]
    fn installed_things_are_passed_over() {
        assert!(SourceTree::passes_over(b".git") && SourceTree::passes_over(b"a/node_modules"));
        assert!(!SourceTree::passes_over(b"vendor") && !SourceTree::passes_over(b"a/.github"));
    }
}
