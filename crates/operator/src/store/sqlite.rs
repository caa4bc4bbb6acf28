//! The store in one SQLite file, written ahead so that reading and writing do not wait for each other.

use super::packed::{pack_assessment, unpack_assessment};
use super::{Answer, Contents, Rematched, Resolution, Store, StoreError};
use seaworthy_gate::{Admission, Earlier, TagKey};
use seaworthy_model::Assessment;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, sqlite::SqliteRow};
use std::str::FromStr;
use std::time::Duration;

/// What brings a file to each version from the one before; a version is `user_version` in the file.
const MIGRATIONS: [&str; 5] = [
    include_str!("../../migrations/sqlite/0001_verdicts.sql"),
    include_str!("../../migrations/sqlite/0002_alerts.sql"),
    include_str!("../../migrations/sqlite/0003_earlier.sql"),
    include_str!("../../migrations/sqlite/0004_inventories.sql"),
    include_str!("../../migrations/sqlite/0005_approvals.sql"),
];

const KEEP_ASSESSMENT: &str =
    "INSERT INTO assessments VALUES (?, ?) ON CONFLICT DO UPDATE SET assessment = excluded.assessment";
const KEEP_INVENTORIES: &str =
    "INSERT INTO inventories VALUES (?, ?) ON CONFLICT DO UPDATE SET inventories = excluded.inventories";

/// The store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    pub(super) pool: SqlitePool,
}

impl SqliteStore {
    /// Opens `sqlite://FILE`, which is made when it is missing.
    ///
    /// # Errors
    /// When the address is none, or the file cannot be opened or prepared.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|_| StoreError::Address { url: url.to_owned() })?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was decided must survive a loss of power: an admission that is forgotten stops a restart.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .map_err(|source| StoreError::Database { what: "open", source })?;
        let failed = |source| StoreError::Database {
            what: "prepare",
            source,
        };
        let version: i64 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&pool)
            .await
            .map_err(failed)?;
        for migration in MIGRATIONS
            .into_iter()
            .skip(usize::try_from(version).unwrap_or(usize::MAX))
        {
            let mut transaction = pool.begin().await.map_err(failed)?;
            sqlx::raw_sql(migration)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            transaction.commit().await.map_err(failed)?;
        }
        Ok(Self { pool })
    }

    async fn rows(&self, query: &'static str) -> Result<Vec<SqliteRow>, StoreError> {
        sqlx::query(query).fetch_all(&self.pool).await.map_err(read)
    }

    async fn write(&self, query: &'static str, values: &[&str]) -> Result<(), StoreError> {
        let mut query = sqlx::query(query);
        for value in values {
            query = query.bind(*value);
        }
        query.execute(&self.pool).await.map(drop).map_err(written)
    }
}

fn read(source: sqlx::Error) -> StoreError {
    StoreError::Database { what: "read", source }
}

fn written(source: sqlx::Error) -> StoreError {
    StoreError::Database {
        what: "write to",
        source,
    }
}

fn text(row: &SqliteRow, column: &str) -> Result<String, StoreError> {
    row.try_get(column).map_err(read)
}

impl Store for SqliteStore {
    fn load(&self) -> Answer<'_, Contents> {
        Box::pin(async move {
            let mut contents = Contents::default();
            for row in self.rows("SELECT digest, assessment FROM assessments").await? {
                let digest = text(&row, "digest")?;
                let packed: Vec<u8> = row.try_get("assessment").map_err(read)?;
                let assessment = unpack_assessment(&packed).ok_or_else(|| StoreError::Unreadable {
                    what: format!("the verdict of {digest}"),
                })?;
                contents.assessments.push((digest, assessment));
            }
            for row in self
                .rows("SELECT namespace, owner, template, image, digest FROM tags")
                .await?
            {
                let key = TagKey {
                    namespace: text(&row, "namespace")?,
                    owner: text(&row, "owner")?,
                    template: text(&row, "template")?,
                    image: text(&row, "image")?,
                };
                contents.tags.push((key, text(&row, "digest")?));
            }
            // The latest meaning comes last, and wins.
            for row in self
                .rows("SELECT namespace, image, digest, at FROM resolutions ORDER BY at")
                .await?
            {
                contents.resolutions.push(Resolution {
                    namespace: text(&row, "namespace")?,
                    image: text(&row, "image")?,
                    digest: text(&row, "digest")?,
                    at: row.try_get("at").map_err(read)?,
                });
            }
            for row in self
                .rows("SELECT namespace, owner, container, digest FROM admissions")
                .await?
            {
                contents.admissions.push(Admission {
                    namespace: text(&row, "namespace")?,
                    owner: text(&row, "owner")?,
                    container: text(&row, "container")?,
                    digest: text(&row, "digest")?,
                });
            }
            for row in self.rows("SELECT namespace, digest, by FROM approvals").await? {
                let one = (text(&row, "namespace")?, text(&row, "digest")?, text(&row, "by")?);
                contents.approvals.push(one);
            }
            for row in self
                .rows("SELECT namespace, owner, template, container, image FROM earlier")
                .await?
            {
                contents.earlier.push(Earlier {
                    namespace: text(&row, "namespace")?,
                    owner: text(&row, "owner")?,
                    template: text(&row, "template")?,
                    container: text(&row, "container")?,
                    image: text(&row, "image")?,
                });
            }
            let row = self.rows("SELECT identity FROM advisory_data").await?;
            contents.advisory_data = row.first().map(|row| text(row, "identity")).transpose()?;
            Ok(contents)
        })
    }

    fn keep_assessment(&self, digest: String, assessment: Assessment, inventories: Vec<u8>) -> Answer<'_, ()> {
        Box::pin(async move {
            let packed = pack_assessment(&assessment).ok_or_else(|| StoreError::Unreadable {
                what: format!("the new verdict of {digest}"),
            })?;
            let mut transaction = self.pool.begin().await.map_err(written)?;
            for (query, bytes) in [(KEEP_ASSESSMENT, packed), (KEEP_INVENTORIES, inventories)] {
                let query = sqlx::query(query).bind(&digest).bind(bytes);
                query.execute(&mut *transaction).await.map_err(written)?;
            }
            transaction.commit().await.map_err(written)
        })
    }

    fn inventories(&self, after: String, count: u32) -> Answer<'_, Vec<(String, Vec<u8>)>> {
        Box::pin(async move {
            let query = "SELECT digest, inventories FROM inventories WHERE digest > ? ORDER BY digest LIMIT ?";
            let rows = sqlx::query(query).bind(after).bind(count).fetch_all(&self.pool).await;
            rows.map_err(read)?
                .iter()
                .map(|row| Ok((text(row, "digest")?, row.try_get("inventories").map_err(read)?)))
                .collect()
        })
    }

    fn keep_rematched(&self, rematched: Rematched) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await.map_err(written)?;
            for (digest, packed) in rematched.changed {
                let query = sqlx::query(KEEP_ASSESSMENT).bind(digest).bind(packed);
                query.execute(&mut *transaction).await.map_err(written)?;
            }
            for digest in rematched.forgotten {
                for query in [
                    "DELETE FROM assessments WHERE digest = ?",
                    "DELETE FROM inventories WHERE digest = ?",
                ] {
                    let query = sqlx::query(query).bind(&digest);
                    query.execute(&mut *transaction).await.map_err(written)?;
                }
            }
            let query =
                "INSERT INTO advisory_data VALUES (1, ?) ON CONFLICT DO UPDATE SET identity = excluded.identity";
            let query = sqlx::query(query).bind(rematched.advisory_data);
            query.execute(&mut *transaction).await.map_err(written)?;
            transaction.commit().await.map_err(written)
        })
    }

    fn keep_tag(&self, key: TagKey, digest: String) -> Answer<'_, ()> {
        Box::pin(async move {
            let query = "INSERT INTO tags VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
            let values = [&key.namespace, &key.owner, &key.template, &key.image, &digest];
            self.write(query, &values.map(String::as_str)).await
        })
    }

    fn keep_resolution(&self, resolution: Resolution) -> Answer<'_, ()> {
        Box::pin(async move {
            sqlx::query("INSERT INTO resolutions VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at")
                .bind(resolution.namespace)
                .bind(resolution.image)
                .bind(resolution.digest)
                .bind(resolution.at)
                .execute(&self.pool)
                .await
                .map(drop)
                .map_err(written)
        })
    }

    fn keep_admissions(&self, admissions: Vec<Admission>) -> Answer<'_, ()> {
        Box::pin(async move {
            // One wait for the disk, however many there are.
            let mut transaction = self.pool.begin().await.map_err(written)?;
            for admission in &admissions {
                let query = sqlx::query("INSERT INTO admissions VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
                    .bind(&admission.namespace)
                    .bind(&admission.owner)
                    .bind(&admission.container)
                    .bind(&admission.digest);
                query.execute(&mut *transaction).await.map_err(written)?;
            }
            transaction.commit().await.map_err(written)
        })
    }

    fn has_begun(&self) -> Answer<'_, bool> {
        Box::pin(async move { Ok(!self.rows("SELECT at FROM begun").await?.is_empty()) })
    }

    fn begin(&self, earlier: Vec<Earlier>, at: i64) -> Answer<'_, ()> {
        Box::pin(async move {
            // All or nothing: half of it would be taken for the whole after a restart.
            let mut transaction = self.pool.begin().await.map_err(written)?;
            for one in &earlier {
                let query = sqlx::query("INSERT INTO earlier VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
                    .bind(&one.namespace)
                    .bind(&one.owner)
                    .bind(&one.template)
                    .bind(&one.container)
                    .bind(&one.image);
                query.execute(&mut *transaction).await.map_err(written)?;
            }
            let query = sqlx::query("INSERT INTO begun VALUES (?)").bind(at);
            query.execute(&mut *transaction).await.map_err(written)?;
            transaction.commit().await.map_err(written)
        })
    }

    fn keep_approval(&self, namespace: String, digest: String, by: String, reason: String) -> Answer<'_, ()> {
        Box::pin(async move {
            let query = "INSERT INTO approvals VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
            self.write(query, &[&namespace, &digest, &by, &reason]).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Rematched, Resolution, SqliteStore, Store, pack_assessment};
    use seaworthy_gate::{Admission, Earlier, TagKey};
    use seaworthy_model::Assessment;
    use std::str::FromStr;

    #[tokio::test]
    async fn what_is_kept_is_there_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("store.db").display());
        let assessment = Assessment {
            scanned_at: 7,
            incomplete: Some("x".to_owned()),
            ..Assessment::default()
        };
        let key = TagKey {
            namespace: "n".to_owned(),
            owner: "o".to_owned(),
            template: "t".to_owned(),
            image: "i:v1".to_owned(),
        };
        let admission = Admission {
            namespace: "n".to_owned(),
            owner: "o".to_owned(),
            container: "c".to_owned(),
            digest: "d".to_owned(),
        };
        let earlier = Earlier {
            namespace: "n".to_owned(),
            owner: "o".to_owned(),
            template: "t".to_owned(),
            container: "c".to_owned(),
            image: "i:v1".to_owned(),
        };
        let resolution = |digest: &str, at| Resolution {
            namespace: "n".to_owned(),
            image: "i:v1".to_owned(),
            digest: digest.to_owned(),
            at,
        };
        {
            let store = SqliteStore::open(&url).await.unwrap();
            for digest in ["c", "d", "e"] {
                let kept = store.keep_assessment(digest.to_owned(), assessment.clone(), digest.as_bytes().to_vec());
                kept.await.unwrap();
            }
            let again = Rematched {
                advisory_data: "new".to_owned(),
                changed: vec![("e".to_owned(), pack_assessment(&Assessment::default()).unwrap())],
                forgotten: vec!["c".to_owned()],
            };
            store.keep_rematched(again).await.unwrap();
            store.keep_tag(key.clone(), "d".to_owned()).await.unwrap();
            store.keep_tag(key.clone(), "moved".to_owned()).await.unwrap();
            store.keep_resolution(resolution("new", 9)).await.unwrap();
            store.keep_resolution(resolution("old", 8)).await.unwrap();
            store
                .keep_admissions(vec![admission.clone(), admission.clone()])
                .await
                .unwrap();
            for by in ["ann", "bob", "ann"] {
                let [namespace, digest, by, reason] = ["n", "d", by, "fine"].map(str::to_owned);
                store.keep_approval(namespace, digest, by, reason).await.unwrap();
            }
            assert!(!store.has_begun().await.unwrap());
            store.begin(vec![earlier.clone(), earlier.clone()], 7).await.unwrap();
            assert!(store.has_begun().await.unwrap());
        }
        let store = SqliteStore::open(&url).await.unwrap();
        let contents = store.load().await.unwrap();
        let changed = ("e".to_owned(), Assessment::default());
        assert_eq!(contents.assessments, [("d".to_owned(), assessment), changed]);
        assert_eq!(contents.advisory_data.as_deref(), Some("new"));
        let page = async |after: &str| store.inventories(after.to_owned(), 1).await.unwrap();
        assert_eq!(page("").await, [("d".to_owned(), b"d".to_vec())]);
        assert_eq!(page("d").await, [("e".to_owned(), b"e".to_vec())]);
        assert_eq!(page("e").await, []);
        assert_eq!(contents.tags, [(key, "d".to_owned())], "a tag is resolved once");
        assert_eq!(contents.resolutions, [resolution("old", 8), resolution("new", 9)]);
        assert_eq!(contents.admissions, [admission]);
        assert_eq!(contents.earlier, [earlier]);
        let approved = |by: &str| ("n".to_owned(), "d".to_owned(), by.to_owned());
        assert_eq!(contents.approvals, [approved("ann"), approved("bob")]);
    }
    #[tokio::test]
    async fn approvals_of_an_older_store_are_kept_with_who_gave_them() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("store.db").display());
        let options = super::SqliteConnectOptions::from_str(&url)
            .unwrap()
            .create_if_missing(true);
        let pool = super::SqlitePool::connect_with(options).await.unwrap();
        for migration in super::MIGRATIONS.into_iter().take(4) {
            sqlx::raw_sql(migration).execute(&pool).await.unwrap();
        }
        let old = "INSERT INTO approvals VALUES ('n', 'd', 'ann', 'fine')";
        sqlx::query(old).execute(&pool).await.unwrap();
        pool.close().await;

        let store = SqliteStore::open(&url).await.unwrap();
        let [namespace, digest, by, reason] = ["n", "d", "bob", "fine too"].map(str::to_owned);
        store.keep_approval(namespace, digest, by, reason).await.unwrap();
        let by: Vec<String> = store
            .load()
            .await
            .unwrap()
            .approvals
            .into_iter()
            .map(|(_, _, by)| by)
            .collect();
        assert_eq!(by, ["ann", "bob"]);
    }
}
