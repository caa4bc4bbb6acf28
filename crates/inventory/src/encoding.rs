//! The bytes in which a layer's contents are kept between scans.
//!
//! Paths are most of it: each is written as what differs from the one before, which makes 10,000 of them a few hundred
//! kilobytes that are decoded in about a millisecond. Reports are JSON. There is no version in it and no checksum:
//! whoever keeps the bytes knows which program wrote them, and that they are whole.

use crate::analyzer::FileReport;
use crate::entry::Kind;
use crate::layer::{LayerContents, ReadFile};
use seaworthy_model::{Problem, limits};

const DIRECTORY: u8 = 0;
const FILE: u8 = 1;
const FILE_READ: u8 = 2;
const SYMBOLIC_LINK: u8 = 3;
const HARD_LINK: u8 = 4;
const OTHER: u8 = 5;

impl LayerContents {
    /// The contents as bytes; `None` where they cannot be written.
    pub fn encode(&self) -> Option<Vec<u8>> {
        // Every field by name, so that a new one is not forgotten here.
        let Self {
            entries,
            names: _,
            directories: _,
            targets: _,
            files,
            whiteouts,
            opaque,
            problems,
            entry_count,
            bytes,
            tar_bytes,
            name_bytes,
            kept_bytes,
            // Of use only while the layer is read.
            report_bytes: _,
            met: _,
            full,
        } = self;
        let mut out = Vec::with_capacity(64 + entries.len() * 24);
        for number in [
            *entry_count,
            *bytes,
            *tar_bytes,
            *name_bytes as u64,
            *kept_bytes,
            u64::from(*full),
        ] {
            put_number(&mut out, number);
        }
        put_number(&mut out, entries.len() as u64);
        let (mut previous, mut path) = (Vec::new(), Vec::new());
        for entry in entries {
            self.path_into(entry, &mut path);
            let (kind, read, link) = match entry.kind {
                Kind::Directory => (DIRECTORY, None, None),
                Kind::File(None) => (FILE, None, None),
                Kind::File(read) => (FILE_READ, read, None),
                Kind::SymbolicLink(target) => (SYMBOLIC_LINK, None, Some(target)),
                Kind::HardLink(target) => (HARD_LINK, None, Some(target)),
                Kind::Other => (OTHER, None, None),
            };
            out.push(kind);
            let shared = previous.iter().zip(&path).take_while(|(a, b)| a == b).count();
            put_number(&mut out, shared as u64);
            put_bytes(&mut out, path.get(shared..).unwrap_or_default());
            if let Some(read) = read {
                put_number(&mut out, u64::from(read));
            }
            if let Some(target) = link {
                put_bytes(&mut out, self.name(self.target(target)));
            }
            std::mem::swap(&mut previous, &mut path);
        }
        for list in [whiteouts, opaque] {
            put_number(&mut out, list.len() as u64);
            for path in list {
                put_bytes(&mut out, path);
            }
        }
        put_number(&mut out, files.len() as u64);
        for file in files {
            put_bytes(&mut out, file.seen_as.as_bytes());
            out.push(u8::from(file.kept.is_some()));
            if let Some(kept) = &file.kept {
                put_bytes(&mut out, kept);
            }
        }
        let reports: Vec<&FileReport> = files.iter().map(|file| &file.report).collect();
        serde_json::to_writer(&mut out, &(reports, problems)).ok()?;
        Some(out)
    }

    /// What [`LayerContents::encode`] wrote; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Input(bytes);
        let mut contents = Self {
            entry_count: input.number()?,
            bytes: input.number()?,
            tar_bytes: input.number()?,
            name_bytes: usize::try_from(input.number()?).ok()?,
            kept_bytes: input.number()?,
            full: input.number()? != 0,
            ..Self::default()
        };
        let count = input.count()?;
        contents.entries.reserve_exact(count);
        let mut path: Vec<u8> = Vec::new();
        for _ in 0..count {
            let kind = input.byte()?;
            let shared = usize::try_from(input.number()?).ok()?;
            let rest = input.bytes()?;
            if shared > path.len() {
                return None;
            }
            path.truncate(shared);
            path.extend_from_slice(rest);
            // Shared beginnings let few bytes stand for many. The last entry of a full layer may go beyond its limit.
            if path.len() > limits::PATH_BYTES
                || contents.names.len() > limits::LAYER_NAME_BYTES + 2 * limits::PATH_BYTES
            {
                return None;
            }
            let kind = match kind {
                DIRECTORY => Kind::Directory,
                FILE => Kind::File(None),
                FILE_READ => Kind::File(Some(u32::try_from(input.number()?).ok()?)),
                // Targets come before paths, as when a layer is read.
                SYMBOLIC_LINK => Kind::SymbolicLink(contents.keep_target(input.bytes()?)?),
                HARD_LINK => Kind::HardLink(contents.keep_target(input.bytes()?)?),
                OTHER => Kind::Other,
                _ => return None,
            };
            contents.keep_entry(&path, kind)?;
        }
        contents.whiteouts = input.list()?;
        contents.opaque = input.list()?;
        let count = input.count()?;
        let mut files = Vec::with_capacity(count);
        for _ in 0..count {
            let seen_as = String::from_utf8(input.bytes()?.to_vec()).ok()?;
            let kept = match input.byte()? {
                0 => None,
                _ => Some(input.bytes()?.to_vec()),
            };
            files.push((seen_as, kept));
        }
        let (reports, problems): (Vec<FileReport>, Vec<Problem>) = serde_json::from_slice(input.0).ok()?;
        if reports.len() != files.len() {
            return None;
        }
        contents.files = files
            .into_iter()
            .zip(reports)
            .map(|((seen_as, kept), report)| ReadFile { seen_as, report, kept })
            .collect();
        contents.problems = problems;
        Some(contents)
    }
}

/// Seven bits a byte, the lowest first, the highest bit set on all but the last.
fn put_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What is left to decode.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has one bit of 64.
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A number of things, each of which takes at least a byte.
    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?)
            .ok()
            .filter(|count| *count <= self.0.len())
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn list(&mut self) -> Option<Vec<Vec<u8>>> {
        (0..self.count()?).map(|_| self.bytes().map(<[u8]>::to_vec)).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::{LayerContents, Selection, read_layer};
    use seaworthy_testkit::LayerBuilder;

    fn layer() -> LayerContents {
        let status = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n";
        let tar = LayerBuilder::new()
            .directory("usr/lib")
            .file("usr/lib/os-release", "ID=debian\nVERSION_ID=12\n")
            .symbolic_link("etc/os-release", "../usr/lib/os-release")
            .file("usr/lib/libx.so.1", "x")
            .hard_link("usr/lib/libx.so", "usr/lib/libx.so.1")
            .file("var/lib/dpkg/status", status)
            .file("var/lib/rpm/rpmdb.sqlite-wal", "kept")
            .file("a/node_modules/b/package.json", "not json")
            .entry(b"odd\xff", tar::EntryType::Regular, b"", b"1", 0o644)
            .entry(b"dev/null", tar::EntryType::Char, b"", b"", 0o644)
            .whiteout("gone")
            .opaque("srv")
            .file("../up", "")
            .into_tar();
        read_layer(tar.as_slice(), &Selection::default()).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let layer = layer();
        assert!(layer.files.len() >= 4 && !layer.problems.is_empty());
        assert!(layer.files.iter().any(|file| file.kept.is_some()));
        assert_eq!(LayerContents::decode(&layer.encode().unwrap()), Some(layer));
    }

    #[test]
    fn torn_and_altered_bytes_do_not_panic() {
        let bytes = layer().encode().unwrap();
        for length in 0..bytes.len() {
            assert_eq!(LayerContents::decode(&bytes[..length]), None, "{length}");
        }
        for at in 0..bytes.len() {
            for value in [0, 0x7f, 0xff] {
                let mut altered = bytes.clone();
                altered[at] = value;
                let _ = LayerContents::decode(&altered);
            }
        }
    }
}
