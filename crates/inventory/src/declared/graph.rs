//! Which entries of a lock file production needs: a walk from what the project asks for.

use std::collections::HashMap;

/// Entries and the entries that each depends on, by name.
#[derive(Debug, Default)]
pub(super) struct Graph {
    edges: Vec<Vec<usize>>,
    places: HashMap<String, usize>,
}

impl Graph {
    /// The number of the entry with this key; a new one where it is not known.
    pub(super) fn entry(&mut self, key: &str) -> usize {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        self.edges.push(Vec::new());
        self.places.insert(key.to_owned(), self.edges.len() - 1);
        self.edges.len() - 1
    }

    /// The number of the entry with this key.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        self.places.get(key).copied()
    }

    /// A further key of an entry; the first one to take a key keeps it.
    pub(super) fn alias(&mut self, key: &str, entry: usize) {
        self.places.entry(key.to_owned()).or_insert(entry);
    }

    /// Notes that one entry depends on another.
    pub(super) fn depends(&mut self, from: usize, to: usize) {
        if let Some(edges) = self.edges.get_mut(from) {
            edges.push(to);
        }
    }

    /// What an entry depends on.
    pub(super) fn targets(&self, entry: usize) -> impl Iterator<Item = usize> {
        self.edges.get(entry).into_iter().flatten().copied()
    }

    /// Which entries are reached from these, themselves included.
    pub(super) fn reached(&self, from: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut reached = vec![false; self.edges.len()];
        let mut open: Vec<usize> = from.into_iter().collect();
        while let Some(next) = open.pop() {
            match reached.get_mut(next) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            open.extend(self.edges.get(next).into_iter().flatten());
        }
        reached
    }
}

/// What production and what development reach.
#[derive(Debug)]
pub(super) struct Reach {
    production: Vec<bool>,
    development: Vec<bool>,
}

impl Reach {
    /// Walks from both.
    pub(super) fn of(
        graph: &Graph,
        production: impl IntoIterator<Item = usize>,
        development: impl IntoIterator<Item = usize>,
    ) -> Self {
        Self {
            production: graph.reached(production),
            development: graph.reached(development),
        }
    }

    /// Whether only development reaches it; what nothing reaches is not left out.
    pub(super) fn is_development(&self, entry: usize) -> bool {
        let at = |reached: &[bool]| reached.get(entry).copied().unwrap_or(false);
        at(&self.development) && !at(&self.production)
    }
}

#[cfg(test)]
mod tests {
    use super::{Graph, Reach};

    #[test]
    fn what_production_reaches_is_not_for_development() {
        let mut graph = Graph::default();
        let [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(|key| graph.entry(key));
        graph.depends(a, b);
        graph.depends(b, a); // a cycle
        graph.depends(c, b);
        graph.depends(c, d);
        let reach = Reach::of(&graph, [a], [c, 99]);
        assert_eq!(
            [a, b, c, d, e].map(|entry| reach.is_development(entry)),
            [false, false, true, true, false]
        );
        graph.alias("x", b);
        assert_eq!((graph.find("x"), graph.find("y")), (Some(b), None));
    }
}
