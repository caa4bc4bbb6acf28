//! The merged file system of an image: names, kinds and links, no contents.
//!
//! Layers are applied in order as a container runtime unpacks them (OCI image spec, layer.md; containerd's archive
//! package): the parent of an entry is resolved through links inside the root, whiteouts concern lower layers only
//! whatever their place in the archive, and a name that becomes another kind of thing loses what lay below it.

use crate::entry::{Entry, Kind, Name};
use crate::layer::LayerContents;
use crate::name_table::NameTable;
use crate::path::split;
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

/// A name, and the layer whose names it is among. Images have at most [`limits::LAYERS`] layers.
#[derive(Clone, Copy, Debug)]
struct Located {
    layer: u16,
    name: Name,
}

/// What a slot holds: 8 bytes, because there are millions of slots.
#[derive(Clone, Copy, Debug)]
enum Held {
    /// The first of its children.
    Directory(u32),
    File {
        layer: u16,
        entry: u32,
    },
    /// The index of its target among those of the layer.
    SymbolicLink {
        layer: u16,
        target: u32,
    },
    Other,
    /// It was taken out of the tree, and all below it with it.
    Removed,
}

#[derive(Debug)]
struct Slot {
    start: u32,
    length: u16,
    layer: u16,
    held: Held,
    parent: u32,
    next: u32,
}

/// The merged file system.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    layers: Vec<&'a LayerContents>,
    slots: Vec<Slot>,
    names: NameTable,
    /// Where the entry before lay: archives list a directory's entries one after another.
    last: Option<((u16, u32), NodeId)>,
    /// Steps that may still be taken: chains of links make paths of a few bytes take as many as they like.
    steps: Cell<u64>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Tree<'a> {
    /// Applies the layers, lowest first.
    pub(crate) fn of_layers(layers: &[&'a LayerContents]) -> Self {
        let entries = layers.iter().map(|layer| layer.entries.len()).sum();
        let root = Slot {
            start: 0,
            length: 0,
            layer: 0,
            held: Held::Directory(NONE),
            parent: NONE,
            next: NONE,
        };
        let mut tree = Self {
            layers: layers.to_vec(),
            slots: Vec::with_capacity(entries + 1),
            names: NameTable::with_capacity(entries),
            last: None,
            steps: Cell::new(limits::TREE_STEPS),
            problems: Vec::new(),
        };
        tree.slots.push(root);
        // Readers of images have refused those with more layers.
        for (index, layer) in layers.iter().enumerate().take(usize::from(u16::MAX)) {
            tree.apply(u16::try_from(index).unwrap_or(u16::MAX), layer);
        }
        tree
    }

    fn apply(&mut self, index: u16, layer: &'a LayerContents) {
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
                self.empty(directory);
            }
        }
        for (at, entry) in layer.entries.iter().enumerate() {
            let stored = Stored {
                layer: index.into(),
                entry: u32::try_from(at).unwrap_or(NONE),
            };
            self.add(index, layer, entry, stored);
        }
    }

    fn add(&mut self, index: u16, layer: &'a LayerContents, entry: &Entry, stored: Stored) {
        let directory = layer.directory(entry).unwrap_or(Name::EMPTY);
        let key = (index, entry.directory);
        let known = self.last.filter(|(last, _)| *last == key).map(|(_, id)| id);
        let located = |name| Located { layer: index, name };
        let Some(id) = known.or_else(|| self.make_directories(located(directory))) else {
            self.problem(
                &layer.path(entry),
                Effect::Incomplete,
                "the path leads through a loop of links; the entry was not read",
            );
            return;
        };
        self.last = Some((key, id));
        let directory = id;
        let name = layer.name(entry.name);
        let held = match entry.kind {
            Kind::Directory => Held::Directory(NONE),
            Kind::File(_) => Held::File {
                layer: index,
                entry: stored.entry,
            },
            Kind::SymbolicLink(target) => Held::SymbolicLink { layer: index, target },
            Kind::Other => Held::Other,
            Kind::HardLink(target) => {
                let (directory, last) = split(layer.name(layer.target(target)));
                let linked = self
                    .resolve(directory)
                    .and_then(|directory| self.child(directory, last));
                match linked.and_then(|linked| self.slot(linked)).map(|slot| slot.held) {
                    Some(held @ (Held::File { .. } | Held::SymbolicLink { .. })) => held,
                    _ => {
                        self.problem(
                            &layer.path(entry),
                            Effect::Note,
                            "a hard link to a file that does not exist; it was not read",
                        );
                        return;
                    }
                }
            }
        };
        if let Some(existing) = self.child(directory, name) {
            if matches!(held, Held::Directory(_)) && self.node(existing) == Some(Node::Directory) {
                return;
            }
            self.remove(existing);
        }
        self.insert(directory, located(entry.name), held);
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

    fn slot(&self, id: NodeId) -> Option<&Slot> {
        self.slots.get(id.0 as usize)
    }

    /// The bytes of a name.
    fn bytes(&self, located: Located) -> &'a [u8] {
        let layer = self.layers.get(usize::from(located.layer));
        layer.map_or(b"", |layer| layer.name(located.name))
    }

    fn name(&self, slot: &Slot) -> &'a [u8] {
        let (start, length) = (slot.start, slot.length);
        self.bytes(Located {
            layer: slot.layer,
            name: Name { start, length },
        })
    }

    /// The target of a symbolic link.
    fn target_of(&self, layer: u16, target: u32) -> Located {
        let name = self.layers.get(usize::from(layer)).map(|layer| layer.target(target));
        Located {
            layer,
            name: name.unwrap_or(Name::EMPTY),
        }
    }

    /// What the node is.
    pub(crate) fn node(&self, id: NodeId) -> Option<Node<'a>> {
        match self.slot(id)?.held {
            Held::Directory(_) => Some(Node::Directory),
            Held::File { layer, entry } => Some(Node::File(Stored {
                layer: layer.into(),
                entry,
            })),
            Held::SymbolicLink { layer, target } => Some(Node::SymbolicLink(self.bytes(self.target_of(layer, target)))),
            Held::Other => Some(Node::Other),
            Held::Removed => None,
        }
    }

    fn first_child(&self, id: NodeId) -> u32 {
        match self.slot(id).map(|slot| slot.held) {
            Some(Held::Directory(first)) => first,
            _ => NONE,
        }
    }

    fn child(&self, directory: NodeId, name: &[u8]) -> Option<NodeId> {
        let is = |id: u32| {
            let slot = self.slots.get(id as usize);
            slot.is_some_and(|slot| slot.parent == directory.0 && self.name(slot) == name)
        };
        self.names.find(directory.0, name, is).map(NodeId)
    }

    fn insert(&mut self, directory: NodeId, located: Located, held: Held) -> Option<NodeId> {
        let id = u32::try_from(self.slots.len()).ok().filter(|id| *id != NONE)?;
        let Held::Directory(next) = self.slot(directory)?.held else {
            return None;
        };
        self.slots.push(Slot {
            start: located.name.start,
            length: located.name.length,
            layer: located.layer,
            held,
            parent: directory.0,
            next,
        });
        if let Some(slot) = self.slots.get_mut(directory.0 as usize) {
            slot.held = Held::Directory(id);
        }
        self.names.insert(directory.0, self.bytes(located), id);
        Some(NodeId(id))
    }

    /// Takes a node out of the tree, and with it all below it, to which no name leads any more.
    fn remove(&mut self, id: NodeId) {
        let Some(slot) = self.slot(id) else { return };
        let (parent, name) = (slot.parent, self.name(slot));
        if !matches!(slot.held, Held::File { .. } | Held::Other) {
            self.last = None;
        }
        self.names.remove(parent, name, id.0);
        if let Some(slot) = self.slots.get_mut(id.0 as usize) {
            slot.held = Held::Removed;
        }
    }

    /// Takes everything out of a directory.
    fn empty(&mut self, directory: NodeId) {
        let mut child = self.first_child(directory);
        while let Some(slot) = self.slots.get(child as usize) {
            let next = slot.next;
            if !matches!(slot.held, Held::Removed) {
                self.remove(NodeId(child));
            }
            child = next;
        }
        if let Some(slot) = self.slots.get_mut(directory.0 as usize)
            && matches!(slot.held, Held::Directory(_))
        {
            slot.held = Held::Directory(NONE);
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
        let Some(Node::SymbolicLink(target)) = self.node(link) else {
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
                    if let Some(Node::SymbolicLink(target)) = self.node(at) {
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
    fn make_directories(&mut self, path: Located) -> Option<NodeId> {
        let mut links = 0;
        self.make(ROOT, path, &mut links)
    }

    fn make(&mut self, from: NodeId, path: Located, links: &mut usize) -> Option<NodeId> {
        let mut at = from;
        let mut start = path.name.start;
        for part in self.bytes(path).split(|byte| *byte == b'/') {
            if !self.step() {
                return None;
            }
            let length = u16::try_from(part.len()).ok()?;
            let located = Located {
                layer: path.layer,
                name: Name { start, length },
            };
            start = start.saturating_add(u32::from(length)).saturating_add(1);
            match part {
                b"" | b"." => {}
                b".." => at = self.above(at),
                part => {
                    at = match self.child(at, part) {
                        None => self.insert(at, located, Held::Directory(NONE))?,
                        Some(child) => match self.slot(child)?.held {
                            Held::Directory(_) => child,
                            Held::SymbolicLink { layer, target } => {
                                *links += 1;
                                if *links > limits::LINK_DEPTH {
                                    return None;
                                }
                                let target = self.target_of(layer, target);
                                let absolute = self.bytes(target).first() == Some(&b'/');
                                self.make(if absolute { ROOT } else { at }, target, links)?
                            }
                            Held::File { .. } | Held::Other | Held::Removed => {
                                self.remove(child);
                                self.insert(at, located, Held::Directory(NONE))?
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
        stack.push((self.first_child(directory), path.len()));
        while let Some((id, length)) = stack.pop() {
            let Some(slot) = self.slots.get(id as usize) else {
                continue;
            };
            stack.push((slot.next, length));
            path.truncate(length);
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(self.name(slot));
            match slot.held {
                Held::Directory(first) if first != NONE && stack.len() < depth => {
                    stack.push((first, path.len()));
                }
                Held::Directory(_) | Held::Removed => {}
                Held::File { .. } | Held::SymbolicLink { .. } | Held::Other => {
                    if let Some(node) = self.node(NodeId(id)) {
                        visit(&path, NodeId(id), node);
                    }
                }
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
            parts.push(self.name(slot));
            at = NodeId(slot.parent);
        }
        parts.reverse();
        parts.join(&b'/')
    }
}

#[cfg(test)]
mod tests;
