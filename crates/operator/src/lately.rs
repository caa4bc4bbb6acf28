//! A map that forgets what nobody looked at for a while: of what is gone from the cluster nothing says so to everyone.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// What is held is looked at every minute, and a scan that fails is tried again within the hour: whatever was not looked at
/// for two is gone.
const KEPT: Duration = Duration::from_secs(2 * 60 * 60);
/// How often what is gone is looked for.
const PAUSE: Duration = Duration::from_secs(60);

/// Values by key, each until nobody looked at it for two hours.
#[derive(Debug)]
pub(crate) struct Lately<K, V> {
    entries: HashMap<K, (V, Instant)>,
    swept: Option<Instant>,
}

impl<K, V> Default for Lately<K, V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            swept: None,
        }
    }
}

impl<K: Eq + Hash, V> Lately<K, V> {
    /// The value of a key, made when there is none, and whether it was made now.
    pub(crate) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> (&mut V, bool) {
        self.entry_at(key, make, Instant::now())
    }

    fn entry_at(&mut self, key: K, make: impl FnOnce() -> V, now: Instant) -> (&mut V, bool) {
        let is_due = |swept: Instant| now.saturating_duration_since(swept) >= PAUSE;
        if self.swept.is_none_or(is_due) {
            self.swept = Some(now);
            self.entries
                .retain(|_, (_, seen)| now.saturating_duration_since(*seen) < KEPT);
        }
        let mut is_new = false;
        let (value, seen) = self.entries.entry(key).or_insert_with(|| {
            is_new = true;
            (make(), now)
        });
        *seen = now;
        (value, is_new)
    }

    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get_mut(key).map(|(value, seen)| {
            *seen = Instant::now();
            &*value
        })
    }

    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.entries.remove(key).map(|(value, _)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Lately, PAUSE};
    use std::time::Instant;

    #[test]
    fn what_nobody_looked_at_for_a_while_is_forgotten() {
        let mut map: Lately<u32, u32> = Lately::default();
        let start = Instant::now();
        for key in 0..1000 {
            assert!(map.entry_at(key, || key, start).1);
        }
        // One is looked at again and again.
        let mut now = start;
        while now < start + KEPT {
            now += PAUSE;
            assert!(!map.entry_at(7, || 0, now).1);
        }
        assert_eq!(map.entries.len(), 1);
        assert_eq!(map.entry_at(7, || 0, now), (&mut 7, false));
        assert_eq!(map.entry_at(8, || 1, now), (&mut 1, true), "it is new again");
        assert_eq!(map.remove(&7), Some(7));
        assert_eq!(map.get(&8), Some(&1));
    }
}
