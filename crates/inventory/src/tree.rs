//! The merged file system of an image: names, kinds and links, no contents.
//!
//! Layers are applied in order as a container runtime unpacks them (OCI image spec, layer.md; containerd's archive
//! package): the parent of an entry is resolved through links inside the root, whiteouts concern lower layers only
//! whatever their place in the archive, and a name that becomes another kind of thing loses what lay below it.

use crate::layer::{Entry, Kind, LayerContents};
use crate::name_table::NameTable;
use crate::path::parent;
use seaworthy_model::{Effect, Problem, limits};
use std::cell::Cell;

/// An index into the tree's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(u32);

const ROOT: NodeId = NodeId(0);
const NONE: u32 = u32::MAX;

/// Where a file's content is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stored {
    pub(crate) layer: u32,
    /// Index into the layer's entries.
    pub(crate) entry: u32,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node<'a> {
    Directory,
    File(Stored),
    SymbolicLink(&'a [u8]),
    Other,
}

#[derive(Debug)]
struct Slot<'a> {
    node: Node<'a>,
    name: &'a [u8],
    parent: u32,
    first_child: u32,
    next: u32,
    previous: u32,
}

/// The merged file system.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    slots: Vec<Slot<'a>>,
    names: NameTable,
    /// Where the entry before lay: archives list a directory's entries one after another.
    last: Option<(&'a [u8], NodeId)>,
    /// Steps that may still be taken: chains of links make paths of a few bytes take as many as they like.
    steps: Cell<u64>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Tree<'a> {
    /// Applies the layers, lowest first.
    pub(crate) fn of_layers(layers: &[&'a LayerContents]) -> Self {
        let entries = layers.iter().map(|layer| layer.entries.len()).sum();
        let root = Slot {
            node: Node::Directory,
            name: b"",
            parent: NONE,
            first_child: NONE,
            next: NONE,
            previous: NONE,
        };
        let mut tree = Self {
            slots: Vec::with_capacity(entries + 1),
            names: NameTable::with_capacity(entries),
            last: None,
            steps: Cell::new(limits::TREE_STEPS),
            problems: Vec::new(),
        };
        tree.slots.push(root);
        for (index, layer) in layers.iter().enumerate() {
            tree.apply(u32::try_from(index).unwrap_or(NONE), layer);
        }
        tree
    }

    fn apply(&mut self, index: u32, layer: &'a LayerContents) {
        for hidden in &layer.whiteouts {
            let (directory, name) = split(hidden);
            if let Some(child) = self
                .resolve(directory)
                .and_then(|directory| self.child(directory, name))
            {
                self.remove(child);
            }
        }
        for directory in &layer.opaque {
            if let Some(directory) = self.resolve(directory) {
                while let Some(child) = self
                    .slot(directory)
                    .map(|slot| slot.first_child)
                    .filter(|child| *child != NONE)
                {
                    self.remove(NodeId(child));
                }
            }
        }
        for (at, entry) in layer.entries.iter().enumerate() {
            let stored = Stored {
                layer: index,
                entry: u32::try_from(at).unwrap_or(NONE),
            };
            self.add(layer, entry, stored);
        }
    }

    fn add(&mut self, layer: &'a LayerContents, entry: &Entry, stored: Stored) {
        let path = layer.name(entry.path);
        let (directory, name) = split(path);
        let known = self.last.filter(|(last, _)| *last == directory).map(|(_, id)| id);
        let Some(id) = known.or_else(|| self.make_directories(directory)) else {
            self.problem(
                path,
                Effect::Incomplete,
                "the path leads through a loop of links; the entry was not read",
            );
            return;
        };
        self.last = Some((directory, id));
        let directory = id;
        let node = match entry.kind {
            Kind::Directory => Node::Directory,
            Kind::File(_) => Node::File(stored),
            Kind::SymbolicLink(target) => Node::SymbolicLink(layer.name(target)),
            Kind::Other => Node::Other,
            Kind::HardLink(target) => {
                let (directory, last) = split(layer.name(target));
                let linked = self
                    .resolve(directory)
                    .and_then(|directory| self.child(directory, last));
                match linked.and_then(|linked| self.node(linked)) {
                    Some(node @ (Node::File(_) | Node::SymbolicLink(_))) => node,
                    _ => {
                        self.problem(
                            path,
                            Effect::Note,
                            "a hard link to a file that does not exist; it was not read",
                        );
                        return;
                    }
                }
            }
        };
        match self.child(directory, name) {
            Some(existing) if node == Node::Directory && self.node(existing) == Some(Node::Directory) => {}
            Some(existing) => {
                self.remove(existing);
                self.insert(directory, name, node);
            }
            None => {
                self.insert(directory, name, node);
            }
        }
    }

    fn problem(&mut self, path: &[u8], effect: Effect, what: &str) {
        Problem::at_path(String::from_utf8_lossy(path), effect, what).add_to(&mut self.problems);
    }

    /// Whether another step may be taken.
    fn step(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        left > 0
    }

    /// Said where paths were given up because there was too much to do.
    pub(crate) fn exhaustion(&self) -> Option<Problem> {
        (self.steps.get() == 0).then(|| {
            let what = "its paths lead through too many directories and links; not all files were found";
            Problem::of_artifact(Effect::Incomplete, what)
        })
    }

    fn slot(&self, id: NodeId) -> Option<&Slot<'a>> {
        self.slots.get(id.0 as usize)
    }

    /// What the node is.
    pub(crate) fn node(&self, id: NodeId) -> Option<Node<'a>> {
        self.slot(id).map(|slot| slot.node)
    }

    fn child(&self, directory: NodeId, name: &[u8]) -> Option<NodeId> {
        let is = |id: u32| {
            let slot = self.slots.get(id as usize);
            slot.is_some_and(|slot| slot.parent == directory.0 && slot.name == name)
        };
        self.names.find(directory.0, name, is).map(NodeId)
    }

    fn insert(&mut self, directory: NodeId, name: &'a [u8], node: Node<'a>) -> Option<NodeId> {
        let id = u32::try_from(self.slots.len()).ok().filter(|id| *id != NONE)?;
        let next = self.slot(directory)?.first_child;
        self.slots.push(Slot {
            node,
            name,
            parent: directory.0,
            first_child: NONE,
            next,
            previous: NONE,
        });
        if let Some(slot) = self.slots.get_mut(next as usize) {
            slot.previous = id;
        }
        if let Some(slot) = self.slots.get_mut(directory.0 as usize) {
            slot.first_child = id;
        }
        self.names.insert(directory.0, name, id);
        Some(NodeId(id))
    }

    /// Takes a node and all below it out of the tree.
    fn remove(&mut self, id: NodeId) {
        let Some(slot) = self.slot(id) else { return };
        let (parent, next, previous) = (slot.parent, slot.next, slot.previous);
        if !matches!(slot.node, Node::File(_) | Node::Other) {
            self.last = None;
        }
        if let Some(slot) = self.slots.get_mut(next as usize) {
            slot.previous = previous;
        }
        match self.slots.get_mut(previous as usize) {
            Some(slot) => slot.next = next,
            None => {
                if let Some(slot) = self.slots.get_mut(parent as usize) {
                    slot.first_child = next;
                }
            }
        }
        let mut pending = vec![id.0];
        while let Some(id) = pending.pop() {
            let Some(slot) = self.slots.get_mut(id as usize) else {
                continue;
            };
            self.names.remove(slot.parent, slot.name, id);
            let mut child = slot.first_child;
            slot.first_child = NONE;
            while let Some(slot) = self.slots.get(child as usize) {
                pending.push(child);
                child = slot.next;
            }
        }
    }

    /// The node that a path leads to, all links followed inside the root.
    pub(crate) fn resolve(&self, path: &[u8]) -> Option<NodeId> {
        self.resolve_in(ROOT, path)
    }

    /// The same from a directory that is known.
    pub(crate) fn resolve_in(&self, directory: NodeId, path: &[u8]) -> Option<NodeId> {
        let mut links = 0;
        self.walk(directory, path, &mut links)
    }

    /// Where a symbolic link leads.
    pub(crate) fn target(&self, link: NodeId) -> Option<NodeId> {
        let slot = self.slot(link)?;
        let Node::SymbolicLink(target) = slot.node else {
            return Some(link);
        };
        let mut links = 1;
        let from = if target.first() == Some(&b'/') {
            ROOT
        } else {
            NodeId(slot.parent)
        };
        self.walk(from, target, &mut links)
    }

    /// The directory above; the root is above itself, as in a chroot.
    fn above(&self, id: NodeId) -> NodeId {
        self.slot(id)
            .map(|slot| slot.parent)
            .filter(|parent| *parent != NONE)
            .map_or(ROOT, NodeId)
    }

    fn walk(&self, from: NodeId, path: &[u8], links: &mut usize) -> Option<NodeId> {
        let mut at = from;
        for part in path.split(|byte| *byte == b'/') {
            if !self.step() {
                return None;
            }
            match part {
                b"" | b"." => {}
                b".." => at = self.above(at),
                part => {
                    at = self.child(at, part)?;
                    let slot = self.slot(at)?;
                    if let Node::SymbolicLink(target) = slot.node {
                        *links += 1;
                        if *links > limits::LINK_DEPTH {
                            return None;
                        }
                        let from = if target.first() == Some(&b'/') {
                            ROOT
                        } else {
                            NodeId(slot.parent)
                        };
                        at = self.walk(from, target, links)?;
                    }
                }
            }
        }
        Some(at)
    }

    /// The directory at a path, made (with those above it) where it is missing; `None` for loops of links.
    fn make_directories(&mut self, path: &'a [u8]) -> Option<NodeId> {
        let mut links = 0;
        self.make(ROOT, path, &mut links)
    }

    fn make(&mut self, from: NodeId, path: &'a [u8], links: &mut usize) -> Option<NodeId> {
        let mut at = from;
        for part in path.split(|byte| *byte == b'/') {
            if !self.step() {
                return None;
            }
            match part {
                b"" | b"." => {}
                b".." => at = self.above(at),
                part => {
                    at = match self.child(at, part) {
                        None => self.insert(at, part, Node::Directory)?,
                        Some(child) => match self.node(child)? {
                            Node::Directory => child,
                            Node::SymbolicLink(target) => {
                                *links += 1;
                                if *links > limits::LINK_DEPTH {
                                    return None;
                                }
                                let from = if target.first() == Some(&b'/') { ROOT } else { at };
                                self.make(from, target, links)?
                            }
                            Node::File(_) | Node::Other => {
                                self.remove(child);
                                self.insert(at, part, Node::Directory)?
                            }
                        },
                    };
                }
            }
        }
        Some(at)
    }

    /// Calls `visit` for every file and link below `directory` with its path there, `prefix` in front; at most `depth` levels.
    pub(crate) fn visit(
        &self,
        directory: NodeId,
        prefix: &[u8],
        depth: usize,
        visit: &mut dyn FnMut(&[u8], NodeId, Node<'a>),
    ) {
        let mut path = prefix.to_vec();
        // An own stack: trees may be hundreds of levels deep.
        let mut stack: Vec<(u32, usize)> = Vec::new();
        let Some(first) = self.slot(directory).map(|slot| slot.first_child) else {
            return;
        };
        stack.push((first, path.len()));
        while let Some((id, length)) = stack.pop() {
            let Some(slot) = self.slots.get(id as usize) else {
                continue;
            };
            stack.push((slot.next, length));
            path.truncate(length);
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(slot.name);
            match slot.node {
                Node::Directory if slot.first_child != NONE && stack.len() < depth => {
                    stack.push((slot.first_child, path.len()));
                }
                Node::Directory => {}
                node => visit(&path, NodeId(id), node),
            }
        }
    }

    /// The root directory.
    pub(crate) const fn root() -> NodeId {
        ROOT
    }

    /// The path of a node.
    pub(crate) fn path(&self, id: NodeId) -> Vec<u8> {
        let mut parts = Vec::new();
        let mut at = id;
        while let Some(slot) = self.slot(at).filter(|slot| slot.parent != NONE) {
            parts.push(slot.name);
            at = NodeId(slot.parent);
        }
        parts.reverse();
        parts.join(&b'/')
    }
}

/// The directory of a path and the last name in it.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let directory = parent(path);
    let name = path.get(directory.len()..).unwrap_or_default();
    (directory, name.strip_prefix(b"/").unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::Tree;
    use crate::{Selection, read_layer};
    use seaworthy_testkit::LayerBuilder;

    #[test]
    fn paths_end_when_there_is_too_much_to_do() {
        let tar = LayerBuilder::new()
            .file("d/a", "")
            .symbolic_link("l", "d/../d/../d/../d")
            .into_tar();
        let layer = read_layer(tar.as_slice(), &Selection::default()).unwrap();
        let tree = Tree::of_layers(&[&layer]);
        assert!(tree.resolve(b"l/a").is_some() && tree.exhaustion().is_none());
        tree.steps.set(5);
        assert!(tree.resolve(b"l/a").is_none() && tree.exhaustion().is_some());
    }
}
