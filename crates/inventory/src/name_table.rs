//! Which node of a tree has a name in a directory: a hash table that holds numbers of nodes and no names.
//!
//! The names lie in the tree already, so that a million of them cost 16 MB here. Open addressing with linear probing; the
//! hash has a secret, because names are chosen by whoever made the image.

use std::hash::{BuildHasher, RandomState};

const FREE: u32 = u32::MAX;
/// What was removed: searches go on behind it.
const REMOVED: u32 = u32::MAX - 1;
/// Entries are at most this many of eight places.
const FULL: usize = 7;

#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u32,
    node: u32,
}

const EMPTY: Place = Place { hash: 0, node: FREE };

/// Nodes by directory and name.
#[derive(Debug)]
pub(crate) struct NameTable {
    /// A power of two of them.
    places: Vec<Place>,
    secret: RandomState,
    /// Places that are not free: nodes and what was removed.
    used: usize,
    /// Nodes.
    count: usize,
}

impl NameTable {
    /// A table that takes this many nodes without growing.
    pub(crate) fn with_capacity(nodes: usize) -> Self {
        let places = (nodes.saturating_mul(8) / FULL + 1).next_power_of_two().max(16);
        Self {
            places: vec![EMPTY; places],
            secret: RandomState::new(),
            used: 0,
            count: 0,
        }
    }

    fn hash(&self, directory: u32, name: &[u8]) -> u32 {
        let hash = self.secret.hash_one((directory, name));
        u32::try_from(hash >> 32).unwrap_or_default()
    }

    /// The places where something with this hash may be, in the order of the search.
    fn probes(&self, hash: u32) -> impl Iterator<Item = usize> + use<> {
        let mask = self.places.len() - 1;
        (0..=mask).map(move |step| (hash as usize).wrapping_add(step) & mask)
    }

    /// The node of this name for which `is` holds.
    pub(crate) fn find(&self, directory: u32, name: &[u8], is: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = self.hash(directory, name);
        for at in self.probes(hash) {
            let place = self.places.get(at)?;
            match place.node {
                FREE => return None,
                REMOVED => {}
                node if place.hash == hash && is(node) => return Some(node),
                _ => {}
            }
        }
        None
    }

    /// Adds a node under a name that has none.
    pub(crate) fn insert(&mut self, directory: u32, name: &[u8], node: u32) {
        if (self.used + 1) * 8 > self.places.len() * FULL {
            self.grow();
        }
        let hash = self.hash(directory, name);
        if self.put(Place { hash, node }) {
            self.used += 1;
        }
        self.count += 1;
    }

    /// Takes a node out.
    pub(crate) fn remove(&mut self, directory: u32, name: &[u8], node: u32) {
        for at in self.probes(self.hash(directory, name)) {
            match self.places.get_mut(at) {
                Some(place) if place.node == node => {
                    place.node = REMOVED;
                    self.count -= 1;
                    return;
                }
                Some(place) if place.node != FREE => {}
                _ => return,
            }
        }
    }

    /// Puts an entry in the first place that has no node; tells whether that place was free.
    fn put(&mut self, entry: Place) -> bool {
        for at in self.probes(entry.hash) {
            if let Some(place) = self.places.get_mut(at)
                && place.node >= REMOVED
            {
                let free = place.node == FREE;
                *place = entry;
                return free;
            }
        }
        false
    }

    /// Makes room: twice the places, or as many where much was removed.
    fn grow(&mut self) {
        let places = if self.count * 2 > self.used {
            self.places.len() * 2
        } else {
            self.places.len()
        };
        let old = std::mem::replace(&mut self.places, vec![EMPTY; places]);
        self.used = self.count;
        for place in old.into_iter().filter(|place| place.node < REMOVED) {
            self.put(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NameTable;
    use std::collections::HashMap;

    #[test]
    fn agrees_with_a_map_over_additions_and_removals() {
        let mut table = NameTable::with_capacity(0);
        let mut map: HashMap<(u32, String), u32> = HashMap::new();
        let mut names: Vec<(u32, String)> = Vec::new();
        let mut random = 1u64;
        for node in 0..20_000u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = ((random >> 40) as u32 % 50, format!("n{}", (random >> 33) % 400));
            names.push(key.clone());
            let is = |id: u32| names[id as usize] == key;
            let found = table.find(key.0, key.1.as_bytes(), is);
            assert_eq!(found, map.get(&key).copied());
            match found {
                Some(old) => {
                    table.remove(key.0, key.1.as_bytes(), old);
                    map.remove(&key);
                    assert_eq!(table.find(key.0, key.1.as_bytes(), is), None);
                }
                None => {
                    table.insert(key.0, key.1.as_bytes(), node);
                    map.insert(key, node);
                }
            }
        }
        for ((directory, name), node) in &map {
            let is = |id: u32| names[id as usize] == (*directory, name.clone());
            assert_eq!(table.find(*directory, name.as_bytes(), is), Some(*node));
        }
        assert_eq!(table.count, map.len());
    }
}
