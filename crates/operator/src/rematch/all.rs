//! Every inventory of a store is matched again, page by page: the next is read while one is matched. The verdicts that are
//! others are written at once, when all are made.

use super::{Matcher, Outcome, Stored};
use crate::shared::now;
use crate::store::{Rematched, Store, StoreError};
use seaworthy_model::Assessment;
use seaworthy_scanner::Database;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// Images whose inventories are read from the store at one time.
const PAGE: u32 = 512;

/// Why inventories were not matched again.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum RematchError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the advisory data cannot be used: {0}")]
    Data(String),
    #[error("matching broke off: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

/// What matching again changed.
#[derive(Debug, Default)]
pub struct Again {
    /// Digests with another verdict.
    pub changed: Vec<(String, Arc<Assessment>)>,
    /// Digests of which nothing is known any more, because nothing is kept of them that can be read.
    pub forgotten: Vec<String>,
}

/// One image to be matched again.
#[derive(Debug)]
struct Image {
    digest: String,
    inventories: Vec<u8>,
    before: Arc<Assessment>,
}

/// Matches the inventories in a store again and keeps what is different; `before` has every verdict of now, `stamp` names the
/// data.
///
/// # Errors
/// When the store cannot be used or the data are damaged: then everything is as it was.
pub async fn rematch(
    store: &dyn Store,
    mut before: HashMap<String, Arc<Assessment>>,
    data: Arc<Database>,
    stamp: String,
) -> Result<Again, RematchError> {
    let (sender, pages) = sync_channel::<Vec<Image>>(1);
    let matching = tokio::task::spawn_blocking(move || match_all(&data, &pages));
    let mut page = store.inventories(String::new(), PAGE).await?;
    while let Some(last) = page.last().map(|(digest, _)| digest.clone()) {
        let images = page.into_iter().filter_map(|(digest, inventories)| {
            let before = before.remove(&digest)?;
            Some(Image {
                digest,
                inventories,
                before,
            })
        });
        let (images, sender) = (images.collect(), sender.clone());
        let sent = tokio::task::spawn_blocking(move || sender.send(images).is_ok());
        page = store.inventories(last, PAGE).await?;
        if !sent.await? {
            break;
        }
    }
    drop(sender);
    let (mut again, packed) = matching.await?.map_err(RematchError::Data)?;
    // Nothing is kept of these.
    again.forgotten.extend(before.into_keys());
    let digests = again.changed.iter().map(|(digest, _)| digest.clone());
    let rematched = Rematched {
        advisory_data: stamp,
        changed: digests.zip(packed).collect(),
        forgotten: again.forgotten.clone(),
    };
    store.keep_rematched(rematched).await?;
    Ok(again)
}

/// What changes, and the changed verdicts packed.
fn match_all(database: &Database, pages: &Receiver<Vec<Image>>) -> Result<(Again, Vec<Vec<u8>>), String> {
    let mut matcher = Matcher::new(database, now());
    let (mut again, mut all_packed) = (Again::default(), Vec::new());
    for page in pages {
        let stored: Vec<Stored<'_>> = page
            .iter()
            .map(|image| Stored {
                inventories: &image.inventories,
                before: &image.before,
            })
            .collect();
        let outcomes = matcher.assess(&stored).map_err(|error| error.to_string())?;
        for (image, outcome) in page.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Same => {}
                Outcome::Changed(assessment, packed) => {
                    again.changed.push((image.digest, Arc::new(assessment)));
                    all_packed.push(packed);
                }
                Outcome::Unreadable => again.forgotten.push(image.digest),
            }
        }
    }
    Ok((again, all_packed))
}

/// Matches what was just scanned with other data than those of the scan.
///
/// # Errors
/// When the data are damaged or the inventories cannot be read.
pub(crate) fn rematch_one(database: &Database, inventories: &[u8], scanned: Assessment) -> Result<Assessment, String> {
    let stored = Stored {
        inventories,
        before: &scanned,
    };
    let outcomes = Matcher::new(database, now()).assess(&[stored]);
    match outcomes.map_err(|error| error.to_string())?.pop() {
        Some(Outcome::Changed(assessment, _)) => Ok(assessment),
        Some(Outcome::Same) => Ok(scanned),
        Some(Outcome::Unreadable) | None => Err("what was read is too large to be matched again".to_owned()),
    }
}
