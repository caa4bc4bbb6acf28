//! The export of an image by a daemon (`docker save` over the socket): one pass over a tar archive that cannot be entered.
//!
//! Which members are layers is only said at its end, and their order is the daemon's. Which layers the image has is known
//! before, by their diff ids: so every member that may be a layer is read as one, and its digest tells which it was.

use super::socket::{Reply, Socket};
use crate::Error;
use crate::image::LayerPlace;
use crate::layer::{LayerReader, unverified};
use crate::progress::Progress;
use crate::tar_index::stored_size;
use seaworthy_model::{Budgeted, Digest, limits};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes handed over at a time.
const CHUNK: usize = 256 << 10;
/// Chunks under way between the two threads.
const CHUNKS: usize = 4;
/// Members of an export: a few per layer.
const MEMBERS: usize = 100_000;

/// Where an export is asked for, and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    socket: Socket,
    path: String,
    /// Diff ids of all layers of the image.
    layers: Vec<Digest>,
}

/// A member of the archive that may be a layer.
struct Member {
    name: String,
    size: u64,
    chunks: Receiver<io::Result<Vec<u8>>>,
}

/// The content of a member as a reader.
struct MemberReader {
    chunks: Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    at: usize,
}

impl Read for MemberReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.current.len() {
            match self.chunks.recv() {
                Ok(Ok(chunk)) => {
                    self.current = chunk;
                    self.at = 0;
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => return Ok(0),
            }
        }
        let available = self.current.get(self.at..).unwrap_or_default();
        let count = available.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), available.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

impl Export {
    pub(crate) const fn new(socket: Socket, path: String, layers: Vec<Digest>) -> Self {
        Self { socket, path, layers }
    }

    /// Reads the wanted layers as they come.
    pub(crate) fn read<R>(
        &self,
        targets: Vec<(Vec<usize>, LayerPlace)>,
        progress: &Progress,
        mut visit: impl FnMut(usize, &mut LayerReader) -> io::Result<R>,
    ) -> Vec<(Vec<usize>, Result<R, Error>)> {
        let mut waiting = targets;
        let mut results = Vec::with_capacity(waiting.len());
        if let Err(error) = self.pass(&mut waiting, &mut results, progress, &mut visit) {
            // One error stands for all that was not read: the caller stops at the first.
            let indexes = waiting
                .iter()
                .flat_map(|(indexes, _)| indexes.iter().copied())
                .collect();
            results.push((indexes, Err(error)));
            return results;
        }
        for (indexes, layer) in waiting {
            let missing = Error::MissingBlob {
                what: "the image".into(),
                name: format!("layer {}, which the daemon did not export", layer.place.name),
            };
            results.push((indexes, Err(missing)));
        }
        results
    }

    fn pass<R>(
        &self,
        waiting: &mut Vec<(Vec<usize>, LayerPlace)>,
        results: &mut Vec<(Vec<usize>, Result<R, Error>)>,
        progress: &Progress,
        visit: &mut impl FnMut(usize, &mut LayerReader) -> io::Result<R>,
    ) -> Result<(), Error> {
        let body = match self.socket.stream(&self.path)? {
            Reply::Found(body) => body,
            Reply::NotFound => return Err(self.socket.error("the image is gone".into())),
        };
        sort(body, &self.path, &self.layers, waiting, results, progress, visit)
    }
}

/// Finds the layers that are waited for among the members of an archive.
pub(super) fn sort<R>(
    body: impl Read + Send,
    name: &str,
    layers: &[Digest],
    waiting: &mut Vec<(Vec<usize>, LayerPlace)>,
    results: &mut Vec<(Vec<usize>, Result<R, Error>)>,
    progress: &Progress,
    visit: &mut impl FnMut(usize, &mut LayerReader) -> io::Result<R>,
) -> Result<(), Error> {
    let wanted: Vec<Digest> = waiting.iter().filter_map(|(_, layer)| layer.diff_id).collect();
    let known: Vec<Digest> = layers.iter().copied().filter(|layer| !wanted.contains(layer)).collect();
    let (sender, members) = sync_channel::<Member>(0);
    let mut failure = None;
    std::thread::scope(|scope| {
        let pump = scope.spawn(move || pump(body, &known, &sender));
        // Moved in, so that the pump sees the end of the listener.
        let members = members;
        for member in &members {
            let guess = digest_in_name(&member.name);
            let index = waiting
                .iter()
                .find(|(_, layer)| layer.diff_id.is_some() && layer.diff_id == guess)
                .or_else(|| waiting.first())
                .and_then(|(indexes, _)| indexes.first().copied());
            let Some(index) = index else { break };
            let reader = MemberReader {
                chunks: member.chunks,
                current: Vec::new(),
                at: 0,
            };
            let read = unverified(reader, (member.name, member.size), progress, |reader| {
                visit(index, reader)
            });
            let (visited, diff_id) = match read {
                Ok(read) => read,
                Err(Error::Read { what, source }) if source.kind() == io::ErrorKind::TimedOut => {
                    return Err(Error::Read { what, source });
                }
                // It may be no layer at all; if it was one, it will be missed, and this is why.
                Err(error) => {
                    failure.get_or_insert(error);
                    continue;
                }
            };
            let Some(found) = waiting.iter().position(|(_, layer)| layer.diff_id == Some(diff_id)) else {
                continue;
            };
            let (indexes, _) = waiting.swap_remove(found);
            results.push((indexes, Ok(visited)));
        }
        drop(members);
        let pumped = pump
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("reading it was interrupted")));
        match pumped {
            Err(source) if !waiting.is_empty() => Err(Error::Read {
                what: format!("what the daemon exports of {name}"),
                source,
            }),
            _ => match failure {
                Some(failure) if !waiting.is_empty() => Err(failure),
                _ => Ok(()),
            },
        }
    })
}

/// Walks the archive and hands on what may be a layer, until nobody listens.
fn pump(body: impl Read, known: &[Digest], members: &SyncSender<Member>) -> io::Result<()> {
    let (body, budget) = Budgeted::new(body);
    let mut archive = tar::Archive::new(body);
    for (count, entry) in archive.entries()?.enumerate() {
        let mut entry = entry?;
        budget.allow_member(stored_size(&entry)?);
        if count >= MEMBERS {
            return Err(io::Error::other(format!("it has more than {MEMBERS} members")));
        }
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind.is_contiguous()) || entry.size() == 0 {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if digest_in_name(&name).is_some_and(|digest| known.contains(&digest)) {
            continue;
        }
        let mut head = Vec::with_capacity(CHUNK);
        (&mut entry).take(CHUNK as u64).read_to_end(&mut head)?;
        if !may_be_layer(&name, &head, entry.size()) {
            continue;
        }
        let (sender, chunks) = sync_channel(CHUNKS);
        let member = Member {
            name,
            size: entry.size(),
            chunks,
        };
        if members.send(member).is_err() {
            return Ok(());
        }
        let mut next = Ok(head);
        loop {
            let end = match &next {
                Ok(chunk) => chunk.is_empty(),
                Err(_) => true,
            };
            let failed = next
                .as_ref()
                .err()
                .map(|error: &io::Error| io::Error::new(error.kind(), error.to_string()));
            if end && failed.is_none() {
                break;
            }
            // A reader that stopped early has its reasons; the rest of the member is skipped.
            if sender.send(next).is_err() {
                break;
            }
            if let Some(error) = failed {
                return Err(error);
            }
            let mut chunk = Vec::with_capacity(CHUNK);
            next = (&mut entry).take(CHUNK as u64).read_to_end(&mut chunk).map(|_| chunk);
        }
    }
    Ok(())
}

/// Layers are `ID/layer.tar`, `DIFFID.tar` or `blobs/sha256/DIGEST`; configs and manifests, which are JSON, are too.
fn may_be_layer(name: &str, head: &[u8], size: u64) -> bool {
    let named = name.ends_with(".tar") || name.contains("blobs/sha256/");
    let json = head.first().is_some_and(|first| b"{[ \t\r\n".contains(first));
    named && !(json && size <= limits::MANIFEST_BYTES)
}

/// The digest that a member's name states.
fn digest_in_name(name: &str) -> Option<Digest> {
    let last = name.rsplit('/').next().unwrap_or(name);
    Digest::parse_hex(last.strip_suffix(".tar").unwrap_or(last))
}
