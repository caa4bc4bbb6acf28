//! Alerts in the store: what is open, and what was or is to be sent. They are read whole, at the start.

use super::{Answer, SqliteStore, StoreError};
use sqlx::Row;

/// What a store kept of alerts: JSON with its key.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StoredAlerts {
    /// What is open, by id.
    pub incidents: Vec<(String, String)>,
    /// Messages about it, in the order in which they were made.
    pub messages: Vec<(i64, String)>,
}

/// One change of what is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "key and value of a row")]
pub enum AlertChange {
    /// An incident is new or another.
    KeepIncident { id: String, json: String },
    /// An incident is over, and everybody knows.
    DropIncident { id: String },
    /// A message is new or another.
    KeepMessage { sequence: i64, json: String },
    /// A message is not needed any more.
    DropMessage { sequence: i64 },
}

/// A store of alerts.
pub trait AlertStore: std::fmt::Debug + Send + Sync {
    /// Everything.
    fn load_alerts(&self) -> Answer<'_, StoredAlerts>;
    /// Makes changes, all or none of them.
    fn change_alerts(&self, changes: Vec<AlertChange>) -> Answer<'_, ()>;
}

fn failed(what: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |source| StoreError::Database { what, source }
}

impl AlertStore for SqliteStore {
    fn load_alerts(&self) -> Answer<'_, StoredAlerts> {
        Box::pin(async move {
            let failed = failed("read");
            let mut stored = StoredAlerts::default();
            let query = sqlx::query("SELECT id, incident FROM alert_incidents ORDER BY id");
            for row in query.fetch_all(&self.pool).await.map_err(&failed)? {
                let row = (row.try_get(0).map_err(&failed)?, row.try_get(1).map_err(&failed)?);
                stored.incidents.push(row);
            }
            let query = sqlx::query("SELECT sequence, message FROM alert_messages ORDER BY sequence");
            for row in query.fetch_all(&self.pool).await.map_err(&failed)? {
                let row = (row.try_get(0).map_err(&failed)?, row.try_get(1).map_err(&failed)?);
                stored.messages.push(row);
            }
            Ok(stored)
        })
    }

    fn change_alerts(&self, changes: Vec<AlertChange>) -> Answer<'_, ()> {
        Box::pin(async move {
            if changes.is_empty() {
                return Ok(());
            }
            let failed = failed("write to");
            let mut transaction = self.pool.begin().await.map_err(&failed)?;
            for change in changes {
                let query = match change {
                    AlertChange::KeepIncident { id, json } => sqlx::query(
                        "INSERT INTO alert_incidents VALUES (?, ?) ON CONFLICT DO UPDATE SET incident = excluded.incident",
                    )
                    .bind(id)
                    .bind(json),
                    AlertChange::DropIncident { id } => {
                        sqlx::query("DELETE FROM alert_incidents WHERE id = ?").bind(id)
                    }
                    AlertChange::KeepMessage { sequence, json } => sqlx::query(
                        "INSERT INTO alert_messages VALUES (?, ?) ON CONFLICT DO UPDATE SET message = excluded.message",
                    )
                    .bind(sequence)
                    .bind(json),
                    AlertChange::DropMessage { sequence } => {
                        sqlx::query("DELETE FROM alert_messages WHERE sequence = ?").bind(sequence)
                    }
                };
                query.execute(&mut *transaction).await.map_err(&failed)?;
            }
            transaction.commit().await.map_err(&failed)
        })
    }
}
