//! For fuzzing alone: what the answers of a hostile daemon go through, without a socket.

use super::containerd::{GetImageResponse, ReadContentResponse};
use super::export::sort;
use super::grpc::Frames;
use super::inspect::{Inspected, Step};
use crate::Error;
use crate::blobs::Place;
use crate::image::LayerPlace;
use crate::manifest::{Config, read};
use crate::progress::Progress;
use seaworthy_model::Digest;
use std::io::{self, Read};

/// Reads what Docker tells of an image; how many layers it has, which the config made of it must repeat.
#[doc(hidden)]
pub fn read_foreign_inspection(answer: &[u8], history: &[u8]) -> Result<(usize, usize), Error> {
    let inspected: Inspected = read(answer, "an answer")?;
    let steps: Vec<Step> = match &inspected.history {
        Some(_) => Vec::new(),
        None => read(history, "a history")?,
    };
    inspected.id();
    inspected.platform();
    let config = inspected.config(&steps).to_string();
    // A config that does not fit is refused when the image is opened.
    let config: Config = read(config.as_bytes(), "a config")?;
    Ok((inspected.diff_ids().len(), config.rootfs.diff_ids.len()))
}

/// Takes containerd's messages out of what came in pieces of `piece` bytes; how many bytes of content they carried.
#[doc(hidden)]
pub fn read_foreign_messages(stream: &[u8], piece: usize, content: bool) -> Result<usize, Error> {
    let mut frames = Frames::default();
    let mut carried = 0usize;
    for chunk in stream.chunks(piece.max(1)) {
        frames.put(chunk);
        loop {
            let data = if content {
                frames.next::<ReadContentResponse>()?.map(|message| message.data.len())
            } else {
                frames.next::<GetImageResponse>()?.map(|_| 0)
            };
            let Some(data) = data else { break };
            carried = carried.saturating_add(data);
        }
    }
    frames.end()?;
    Ok(carried)
}

/// Looks for layers in an export; each that is found, by its diff id, with the content that had it.
#[doc(hidden)]
pub fn read_foreign_export(archive: &[u8], wanted: &[Digest]) -> Result<Vec<(Digest, Vec<u8>)>, Error> {
    let mut waiting = wanted
        .iter()
        .enumerate()
        .map(|(index, diff_id)| {
            let place = Place {
                name: diff_id.to_string(),
                offset: 0,
                size: 0,
            };
            let layer = LayerPlace {
                place,
                digest: None,
                diff_id: Some(*diff_id),
            };
            (vec![index], layer)
        })
        .collect();
    let mut results = Vec::new();
    let mut visit = |_: usize, reader: &mut crate::LayerReader| -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        reader.take(1 << 20).read_to_end(&mut content)?;
        Ok(content)
    };
    let progress = Progress::default();
    sort(
        archive,
        "a name",
        wanted,
        &mut waiting,
        &mut results,
        &progress,
        &mut visit,
    )?;
    let found = |(indexes, content): (Vec<usize>, Result<Vec<u8>, Error>)| {
        let diff_id = indexes.first().and_then(|index| wanted.get(*index))?;
        Some(content.map(|content| (*diff_id, content)))
    };
    results.into_iter().filter_map(found).collect()
}
