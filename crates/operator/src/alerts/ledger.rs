//! What was told to whom: open incidents, and the messages about them. Pure; every change is also one for the store.
//!
//! An incident is one subject (a digest, or a reference that could not be read) of one workload. A channel gets one
//! message for each kind of news of an incident, and a last one when it is over and it was told before.

use super::incident::{Due, Entry, Incident, State, severity};
use super::news::{Event, Message, News, Observation, Workload};
use crate::store::{AlertChange, StoreError, StoredAlerts};
use seaworthy_model::limits;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Everything that is open or still to be told.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    incidents: BTreeMap<String, Incident>,
    open: HashMap<Workload, BTreeMap<String, String>>,
    entries: BTreeMap<i64, Entry>,
    of_incident: HashMap<String, BTreeSet<i64>>,
    pending: BTreeMap<String, BTreeSet<i64>>,
    changes: Vec<AlertChange>,
    dropped: u64,
}

impl Ledger {
    /// What a store kept.
    pub(crate) fn recall(stored: StoredAlerts) -> Result<Self, StoreError> {
        let mut ledger = Self::default();
        let unreadable = |error: serde_json::Error| StoreError::Unreadable {
            what: format!("an alert: {error}"),
        };
        for (id, incident) in stored.incidents {
            let incident: Incident = serde_json::from_str(&incident).map_err(unreadable)?;
            if !incident.closed {
                let subjects = ledger.open.entry(incident.workload.clone()).or_default();
                subjects.insert(incident.subject.clone(), id.clone());
            }
            ledger.incidents.insert(id, incident);
        }
        for (sequence, entry) in stored.messages {
            let entry: Entry = serde_json::from_str(&entry).map_err(unreadable)?;
            ledger.index(sequence, &entry);
            ledger.entries.insert(sequence, entry);
        }
        Ok(ledger)
    }

    /// The changes since this was asked last; nothing is sent before they are kept.
    pub(crate) fn take_changes(&mut self) -> Vec<AlertChange> {
        std::mem::take(&mut self.changes)
    }

    /// How many messages were given up since this was asked last.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// How many messages wait.
    pub(crate) fn waiting(&self) -> usize {
        self.pending.values().map(BTreeSet::len).sum()
    }

    /// Whether there is nothing that time could change.
    pub(crate) fn is_quiet(&self) -> bool {
        self.incidents.is_empty()
    }

    /// Workloads that something is open of.
    pub(crate) fn workloads(&self) -> Vec<Workload> {
        self.open.keys().cloned().collect()
    }

    /// Takes in what is to be told of a workload now.
    pub(crate) fn observe(&mut self, observation: Observation, now: i64) {
        let Observation {
            workload,
            news,
            settled,
            exists,
        } = observation;
        let mut present = BTreeSet::new();
        for news in news {
            let subject = news.subject().to_owned();
            // Two containers with one image are one piece of news.
            if present.insert(subject.clone()) {
                self.note(&workload, subject, news, now);
            }
        }
        if settled {
            let open = self.open.get(&workload).cloned().unwrap_or_default();
            for (subject, id) in open {
                if !present.contains(&subject) {
                    self.close(&id, exists, now);
                }
            }
        }
        let open = self.open.get(&workload).into_iter().flat_map(BTreeMap::values);
        let open: Vec<String> = open.cloned().collect();
        self.announce_those(open, now);
    }

    fn note(&mut self, workload: &Workload, subject: String, news: News, now: i64) {
        if let Some(subjects) = self.open.get_mut(workload)
            && subject != news.image
            && !subjects.contains_key(&subject)
            && let Some(id) = subjects.remove(&news.image)
        {
            // It has a verdict at last: the same matter, not one that is over and another one.
            if let Some(incident) = self.incidents.get_mut(&id) {
                incident.subject.clone_from(&subject);
            }
            subjects.insert(subject.clone(), id);
        }
        let known = self
            .open
            .get(workload)
            .and_then(|subjects| subjects.get(&subject))
            .cloned();
        if let Some(id) = known {
            let Some(incident) = self.incidents.get_mut(&id) else {
                return;
            };
            if incident.news == news {
                return;
            }
            if incident.news.event != news.event {
                incident.since = now;
            }
            incident.news = news;
            self.keep_incident(&id);
            return;
        }
        // What nobody is to be told of needs no memory.
        if news.channels.is_empty() || self.incidents.len() >= limits::ALERT_INCIDENTS {
            return;
        }
        let id = Incident::identity(workload, &subject, now);
        let incident = Incident {
            id: id.clone(),
            workload: workload.clone(),
            subject: subject.clone(),
            news,
            since: now,
            closed: false,
        };
        self.incidents.insert(id.clone(), incident);
        self.open
            .entry(workload.clone())
            .or_default()
            .insert(subject, id.clone());
        self.keep_incident(&id);
    }

    /// Makes the messages of every incident that has lasted long enough.
    pub(crate) fn announce(&mut self, now: i64) {
        let open = self.open.values().flat_map(BTreeMap::values).cloned().collect();
        self.announce_those(open, now);
    }

    fn announce_those(&mut self, incidents: Vec<String>, now: i64) {
        let mut made = Vec::new();
        let mut wanted_now = Vec::new();
        for incident in incidents.iter().filter_map(|id| self.incidents.get(id)) {
            let news = &incident.news;
            if now < incident.since.saturating_add(news.patience) {
                continue;
            }
            for channel in &news.channels {
                match self.find(&incident.id, channel, news.event) {
                    None => made.push((incident.id.clone(), channel.clone(), incident.message())),
                    // It was too mild for the channel, and is not any more.
                    Some((sequence, entry))
                        if entry.state == State::Skipped && severity(&entry.message) < news.severity() =>
                    {
                        wanted_now.push((sequence, incident.message()));
                    }
                    Some(_) => {}
                }
            }
        }
        for (sequence, message) in wanted_now {
            self.update(sequence, |entry| {
                entry.message = message;
                entry.state = State::Pending;
                entry.next = now;
                entry.made = now;
            });
        }
        for (incident, channel, message) in made {
            self.push(incident, channel, message, now);
        }
    }

    fn close(&mut self, id: &str, exists: bool, now: i64) {
        let Some(incident) = self.incidents.get_mut(id) else {
            return;
        };
        incident.closed = true;
        if let Some(subjects) = self.open.get_mut(&incident.workload) {
            subjects.remove(&incident.subject);
            if subjects.is_empty() {
                self.open.remove(&incident.workload);
            }
        }
        let resolved = incident.end(exists, now);
        let told: BTreeSet<String> = self
            .entries_of(id)
            .filter(|(_, entry)| matches!(entry.state, State::Pending | State::Sent))
            .map(|(_, entry)| entry.channel.clone())
            .collect();
        self.keep_incident(id);
        for channel in told {
            self.push(id.to_owned(), channel, resolved.clone(), now);
        }
        self.forget_if_done(id);
    }

    /// Channels that have something to be sent now.
    pub(crate) fn channels(&self, now: i64) -> Vec<String> {
        self.pending
            .keys()
            .filter(|channel| self.next(channel, now).is_some())
            .cloned()
            .collect()
    }

    /// The next message for a channel: what waits, in order for each incident.
    pub(crate) fn next(&self, channel: &str, now: i64) -> Option<Due> {
        let mut held_up = HashSet::new();
        for sequence in self.pending.get(channel)? {
            let entry = self.entries.get(sequence)?;
            if held_up.contains(&entry.incident) {
                continue;
            }
            if entry.next > now {
                held_up.insert(entry.incident.clone());
                continue;
            }
            return Some(self.due(*sequence, entry, false));
        }
        None
    }

    /// Messages of open incidents that a channel was sent `every` seconds ago or longer.
    pub(crate) fn stale(&self, channel: &str, every: i64, now: i64) -> Option<Due> {
        let (sequence, entry) = self.entries.iter().find(|(_, entry)| {
            entry.channel == channel
                && entry.state == State::Sent
                && entry.next.saturating_add(every) <= now
                && self
                    .incidents
                    .get(&entry.incident)
                    .is_some_and(|incident| !incident.closed)
        })?;
        Some(self.due(*sequence, entry, true))
    }

    fn due(&self, sequence: i64, entry: &Entry, again: bool) -> Due {
        let earlier = self.entries_of(&entry.incident).filter(|(other, earlier)| {
            *other < sequence && earlier.channel == entry.channel && earlier.state == State::Sent
        });
        Due {
            sequence,
            message: entry.message.clone(),
            earlier: earlier.map(|(_, entry)| entry.message.clone()).collect(),
            attempts: entry.attempts,
            again,
        }
    }

    /// A message arrived.
    pub(crate) fn sent(&mut self, sequence: i64, now: i64) {
        self.finish(sequence, State::Sent, now);
    }

    /// A channel does not want a message.
    pub(crate) fn skipped(&mut self, sequence: i64, now: i64) {
        self.finish(sequence, State::Skipped, now);
    }

    /// A message did not arrive; it is given up when it is too old.
    pub(crate) fn failed(&mut self, sequence: i64, next: i64, now: i64) {
        let Some(entry) = self.entries.get(&sequence) else {
            return;
        };
        if entry.state != State::Pending {
            return;
        }
        if now.saturating_sub(entry.made) > limits::ALERT_SECONDS {
            self.give_up(sequence, now);
            return;
        }
        self.update(sequence, |entry| {
            entry.attempts = entry.attempts.saturating_add(1);
            entry.next = next;
        });
    }

    /// Gives up what waits too long, for a channel that is not there for example.
    pub(crate) fn expire(&mut self, now: i64) {
        let old: Vec<i64> = self
            .pending
            .values()
            .flatten()
            .copied()
            .filter(|sequence| {
                let made = self.entries.get(sequence).map_or(now, |entry| entry.made);
                now.saturating_sub(made) > limits::ALERT_SECONDS
            })
            .collect();
        for sequence in old {
            self.give_up(sequence, now);
        }
    }

    fn give_up(&mut self, sequence: i64, now: i64) {
        self.dropped = self.dropped.saturating_add(1);
        self.finish(sequence, State::Dropped, now);
    }

    fn finish(&mut self, sequence: i64, state: State, now: i64) {
        self.update(sequence, |entry| {
            entry.state = state;
            entry.next = now;
        });
        let incident = self.entries.get(&sequence).map(|entry| entry.incident.clone());
        if let Some(incident) = incident {
            self.forget_if_done(&incident);
        }
    }

    fn forget_if_done(&mut self, id: &str) {
        let is_closed = self.incidents.get(id).is_none_or(|incident| incident.closed);
        if !is_closed || self.entries_of(id).any(|(_, entry)| entry.state == State::Pending) {
            return;
        }
        for sequence in self.of_incident.remove(id).unwrap_or_default() {
            self.entries.remove(&sequence);
            self.changes.push(AlertChange::DropMessage { sequence });
        }
        self.incidents.remove(id);
        self.changes.push(AlertChange::DropIncident { id: id.to_owned() });
    }

    fn push(&mut self, incident: String, channel: String, message: Message, now: i64) {
        if self.waiting() >= limits::ALERT_QUEUE
            && let Some(oldest) = self
                .pending
                .values()
                .filter_map(|sequences| sequences.first())
                .min()
                .copied()
        {
            self.give_up(oldest, now);
        }
        let sequence = self
            .entries
            .last_key_value()
            .map_or(1, |(last, _)| last.saturating_add(1));
        let entry = Entry {
            incident,
            channel,
            message,
            state: State::Pending,
            made: now,
            attempts: 0,
            next: now,
        };
        self.index(sequence, &entry);
        self.entries.insert(sequence, entry);
        self.keep_entry(sequence);
    }

    fn update(&mut self, sequence: i64, change: impl FnOnce(&mut Entry)) {
        let Some(entry) = self.entries.get_mut(&sequence) else {
            return;
        };
        change(entry);
        let entry = entry.clone();
        self.index(sequence, &entry);
        self.keep_entry(sequence);
    }

    fn index(&mut self, sequence: i64, entry: &Entry) {
        self.of_incident
            .entry(entry.incident.clone())
            .or_default()
            .insert(sequence);
        match entry.state {
            State::Pending => {
                self.pending.entry(entry.channel.clone()).or_default().insert(sequence);
            }
            _ => {
                if let Some(sequences) = self.pending.get_mut(&entry.channel) {
                    sequences.remove(&sequence);
                    if sequences.is_empty() {
                        self.pending.remove(&entry.channel);
                    }
                }
            }
        }
    }

    fn entries_of(&self, incident: &str) -> impl Iterator<Item = (i64, &Entry)> {
        let sequences = self.of_incident.get(incident).into_iter().flatten();
        sequences.filter_map(|sequence| Some((*sequence, self.entries.get(sequence)?)))
    }

    fn find(&self, incident: &str, channel: &str, event: Event) -> Option<(i64, &Entry)> {
        self.entries_of(incident)
            .find(|(_, entry)| entry.channel == channel && entry.message.event == event)
    }

    fn keep_incident(&mut self, id: &str) {
        let Some(incident) = self.incidents.get(id) else { return };
        // Strings and numbers; this does not fail.
        let json = serde_json::to_string(incident).unwrap_or_default();
        self.changes.push(AlertChange::KeepIncident {
            id: id.to_owned(),
            json,
        });
    }

    fn keep_entry(&mut self, sequence: i64) {
        let Some(entry) = self.entries.get(&sequence) else {
            return;
        };
        let json = serde_json::to_string(entry).unwrap_or_default();
        self.changes.push(AlertChange::KeepMessage { sequence, json });
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
