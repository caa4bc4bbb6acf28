//! What is taken of the entries of an archive while they come by, and what of it the directory confirms.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::bufread::DeflateDecoder;
use seaworthy_model::limits;

use super::manifest::{Coordinates, Manifest, pom_properties};
use super::projects::Guess;
use super::stream::{Checked, Directory, Header, Visitor};
use super::{Budget, Evidence, Kind, archive, file_name};
use crate::analyzer::FileReport;
use crate::content::Content;

/// The content of one entry.
enum Found {
    Pom(Option<Coordinates>),
    Manifest(Manifest),
    Archive(FileReport),
}

struct Taken {
    header: Header,
    found: Result<Found, String>,
    crc: u32,
    size: u64,
}

/// The entries of one archive.
pub(super) struct Taking<'p, 'b> {
    path: &'p str,
    depth: usize,
    budget: &'b mut Budget,
    /// By the place where they begin.
    taken: BTreeMap<u64, Taken>,
    manifests: usize,
    crowded: bool,
    guess: Option<Guess>,
    records: Vec<Header>,
}

/// Manifests that are taken; the last that the directory names counts, as it does for Java (`ZipFile.initCEN`).
const MANIFESTS: usize = 4;

impl<'p, 'b> Taking<'p, 'b> {
    pub(super) fn new(path: &'p str, depth: usize, budget: &'b mut Budget) -> Self {
        Self {
            path,
            depth,
            budget,
            taken: BTreeMap::new(),
            manifests: 0,
            crowded: false,
            guess: None,
            records: Vec::new(),
        }
    }

    /// Confirms what was taken; gives what nested archives hold, and what the names of all entries tell.
    pub(super) fn judge(mut self, directory: Directory, evidence: &mut Evidence) -> (Vec<FileReport>, Option<Guess>) {
        let mut nested = Vec::new();
        let mut has_manifest = false;
        for record in &self.records {
            let name = String::from_utf8_lossy(&record.name);
            if record.name.len() > limits::PATH_BYTES {
                evidence.fail("an entry", "its name is too long");
                continue;
            }
            if record.is_encrypted() {
                evidence.fail(&name, "it is encrypted");
                continue;
            }
            let Some(taken) = self.taken.remove(&record.offset.saturating_add(directory.shift)) else {
                let why = if self.crowded {
                    "there are too many files of this kind"
                } else {
                    "it does not lie where the directory says, or has another name there"
                };
                evidence.fail(&name, why);
                continue;
            };
            match taken.check(record) {
                Err(why) => evidence.fail(&name, &why),
                Ok((found, doubt)) => {
                    if let Some(doubt) = doubt {
                        evidence.fail(&name, doubt);
                    }
                    match found {
                        Found::Pom(pom) => evidence.poms.extend(pom),
                        Found::Manifest(manifest) => {
                            evidence.manifests_differ |= has_manifest && !manifest.agrees(&evidence.manifest);
                            has_manifest = true;
                            evidence.manifest = manifest;
                        }
                        Found::Archive(report) => nested.push(report),
                    }
                }
            }
        }
        if self.crowded && self.records.len() >= limits::LIST_ENTRIES {
            evidence.fail("its directory", "there are too many files that name packages");
        }
        (nested, self.guess)
    }

    /// Reads the content that matters, at which `content` stands.
    fn read(&mut self, header: &Header, kind: Kind, content: &mut Content<'_>) -> Taken {
        let taken = |found, crc, size| Taken {
            header: header.clone(),
            found,
            crc,
            size,
        };
        if header.is_encrypted() {
            return taken(Err("it is encrypted".to_owned()), 0, 0);
        }
        let deeper = self.depth.saturating_add(1);
        if kind == Kind::Archive && deeper >= limits::ARCHIVE_DEPTH {
            let why = format!("archives are nested deeper than {}", limits::ARCHIVE_DEPTH);
            return taken(Err(why), 0, 0);
        }
        if kind == Kind::Archive {
            let Some(left) = self.budget.archives.checked_sub(1) else {
                let why = format!("there are more than {} archives inside", limits::ARCHIVES);
                return taken(Err(why), 0, 0);
            };
            self.budget.archives = left;
        }
        if header.is_stored() && header.is_open() && header.compressed == 0 && header.size == 0 {
            return taken(Err("its size is not known before it".to_owned()), 0, 0);
        }
        let most = if kind == Kind::Archive {
            limits::FILE_BYTES
        } else {
            limits::METADATA_BYTES
        };
        let cap = most.min(self.budget.bytes);
        let start = content.position();
        let outcome = if header.is_stored() {
            let stored = Read::take(&mut *content, header.compressed);
            self.found(header, kind, stored, cap)
        } else if header.method == DEFLATE {
            let inflated = DeflateDecoder::new(&mut *content);
            self.found(header, kind, inflated, cap)
        } else {
            return taken(Err(format!("unknown compression method {}", header.method)), 0, 0);
        };
        if !header.is_open() {
            let passed = content.position().saturating_sub(start);
            content.skip(header.compressed.saturating_sub(passed));
        }
        match outcome {
            Ok((found, crc, size)) => taken(Ok(found), crc, size),
            Err(why) => taken(Err(why), 0, 0),
        }
    }

    /// What `reader` gives, with checksum and size.
    fn found(&mut self, header: &Header, kind: Kind, reader: impl Read, cap: u64) -> Result<(Found, u32, u64), String> {
        let mut reader = Checked::new(reader.take(cap.saturating_add(1)));
        let size;
        let outcome = match kind {
            Kind::Archive => {
                let name = String::from_utf8_lossy(&header.name);
                let path = format!("{}/{name}", self.path);
                let mut content = Content::until_end(&mut reader);
                let report = archive(&path, &mut content, self.depth.saturating_add(1), self.budget);
                // The rest of it is read for its checksum.
                content.skip(u64::MAX);
                size = content.position();
                match content.failure() {
                    Some(error) => Err(error.to_string()),
                    None => Ok(Found::Archive(report)),
                }
            }
            Kind::Manifest | Kind::Pom => {
                let mut bytes = Vec::new();
                let outcome = reader.read_to_end(&mut bytes).map_err(|error| error.to_string());
                size = bytes.len() as u64;
                outcome.map(|_| match kind {
                    Kind::Manifest => Found::Manifest(Manifest::parse(&bytes)),
                    _ => Found::Pom(pom_properties(&bytes)),
                })
            }
        };
        self.budget.bytes = self.budget.bytes.saturating_sub(size);
        if size > cap {
            return Err(format!("it is larger than the {cap} bytes that may still be read"));
        }
        Ok((outcome?, reader.crc(), size))
    }
}

/// APPNOTE.TXT 4.4.5.
const DEFLATE: u16 = 8;

impl Taken {
    /// What was found, when it is what the directory's record says; and what makes other programs read something else.
    fn check(self, record: &Header) -> Result<(Found, Option<&'static str>), String> {
        let found = self.found?;
        if self.header.method != record.method {
            return Err("its own header has another compression method than the directory".to_owned());
        }
        if self.crc != record.crc || self.size != record.size {
            return Err("its size or checksum is not what the directory says".to_owned());
        }
        let doubt = "its own header has another name than the directory";
        Ok((found, (self.header.name != record.name).then_some(doubt)))
    }
}

impl Visitor for Taking<'_, '_> {
    fn entry(&mut self, header: &Header, content: &mut Content<'_>) {
        let Some(kind) = Kind::of(&header.name) else { return };
        if kind == Kind::Manifest {
            self.manifests = self.manifests.saturating_add(1);
        }
        let too_long = self.path.len().saturating_add(header.name.len()) > limits::PATH_BYTES * 2;
        if self.taken.len() >= limits::LIST_ENTRIES || self.manifests > MANIFESTS || too_long {
            self.crowded = true;
            return;
        }
        let taken = self.read(header, kind, content);
        self.taken.insert(header.offset, taken);
    }

    fn wants(&self, name: &[u8]) -> bool {
        Kind::of(name).is_some()
    }

    fn directory(&mut self) {
        self.guess = Guess::new(file_name::artifact(self.path).0);
        self.records.clear();
    }

    fn record(&mut self, header: &Header) {
        if let Some(guess) = &mut self.guess {
            guess.see(&header.name);
        }
        if Kind::of(&header.name).is_some() {
            if self.records.len() < limits::LIST_ENTRIES {
                self.records.push(header.clone());
            } else {
                self.crowded = true;
            }
        }
    }
}
