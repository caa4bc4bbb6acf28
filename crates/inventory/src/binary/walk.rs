//! One program, read forwards: what is looked for in which part of it.

use std::sync::LazyLock;

use regex::bytes::Regex;
use seaworthy_model::{Effect, limits};

use super::classifiers::Classifiers;
use super::go::{self, BuildInfo, Header};
use super::layout::{Layout, Part, Purpose};
use super::{note, resource, rust};
use crate::analyzer::FileReport;
use crate::content::Content;
use crate::language::listing;

/// Bytes of headers and notes at the beginning.
const HEAD: usize = 64 << 10;
/// Bytes looked through at once, and what is looked at again with the next ones: no text that is looked for is longer.
const WINDOW: usize = 256 << 10;
const OVERLAP: usize = 4 << 10;
/// Texts kept until the pointers to them are read.
const TEXTS: usize = 4096;
const TEXT: usize = 128;
const MODULE_LISTS: usize = 4;
/// Beginnings that are followed in one program; a sound one has one of each kind, and a hostile one could have millions.
const ATTEMPTS: usize = 16;
/// Beginnings of compressed streams that are tried; constants of 100 MB have 50,000.
const STREAMS: usize = 500_000;

static MAGIC: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(go::MAGIC).ok());
static OLD_GO: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)go1\.[0-9]|0w\xaf\x0c\x92t\x08\x02A\xe1\xc1\x07\xe6\xd6\x18\xe6").ok());
static ZLIB: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(rust::BEGIN).ok());

/// The reading of one program.
pub(super) struct Walk<'a> {
    path: &'a str,
    report: &'a mut FileReport,
    classifiers: Classifiers,
    /// Offset and bytes of texts that the pointers of old build information may lead to.
    texts: Vec<(u64, Vec<u8>)>,
    module_lists: Vec<(u64, String)>,
    finder: rust::Finder,
    /// How often something was read that looked like what is wanted.
    attempts: usize,
    streams: usize,
    /// Where the signature of a PE program would stand whose headers are not read.
    signature: Option<u64>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(path: &'a str, report: &'a mut FileReport) -> Self {
        Self {
            path,
            report,
            classifiers: Classifiers::of(path),
            texts: Vec::new(),
            module_lists: Vec::new(),
            finder: rust::Finder::new(),
            attempts: 0,
            streams: 0,
            signature: None,
        }
    }

    pub(super) fn read(mut self, content: &mut Content<'_>) {
        if let Some(offset) = first_architecture(content.peek(HEAD)) {
            content.skip(offset);
        }
        let (base, size) = (content.position(), content.size());
        let head = content.peek(HEAD);
        let left = size.saturating_sub(base);
        let Some(mut layout) = Layout::of(head, left) else {
            return;
        };
        self.signature = layout.signature.map(|offset| offset.saturating_add(base));
        let is_go = head.windows(GO_NOTE.len()).any(|window| window == GO_NOTE);
        for (offset, size) in &layout.notes {
            let note = usize::try_from(*offset)
                .ok()
                .zip(usize::try_from(*size).ok())
                .and_then(|(offset, size)| head.get(offset..offset.checked_add(size)?));
            if let Some(note) = note {
                note::list(self.path, note, layout.big_endian, self.report);
            }
        }
        for part in &mut layout.parts {
            part.offset = part.offset.saturating_add(base);
        }
        let parts = layout.parts.clone();
        let mut done = false;
        for part in &parts {
            let end = part.offset.saturating_add(part.size).min(content.size());
            if self.classifiers.is_empty() {
                content.skip(part.offset.saturating_sub(content.position()));
            } else {
                self.look(content, part.offset, None, false, &layout);
            }
            if content.position() >= end || done {
                continue;
            }
            done = self.part(content, part, end, is_go, &layout);
            if done && self.classifiers.is_empty() {
                return;
            }
        }
        if !self.classifiers.is_empty() {
            let end = content.size();
            self.look(content, end, None, false, &layout);
        }
        self.classifiers.list(self.path, self.report);
    }

    /// Reads one part; `true` when all is known.
    fn part(&mut self, content: &mut Content<'_>, part: &Part, end: u64, is_go: bool, layout: &Layout) -> bool {
        match part.purpose {
            Purpose::Auditable => rust::list(self.path, content, self.report),
            Purpose::Resources => {
                if layout.managed {
                    let size = usize::try_from(part.size).unwrap_or(usize::MAX).min(resource::BYTES);
                    let resources = content.peek(size);
                    let resources = resources.get(..size).unwrap_or(resources).to_vec();
                    resource::list(self.path, &resources, self.report);
                }
                layout.managed
            }
            Purpose::Constants | Purpose::Variables | Purpose::Unknown => {
                self.look(content, end, Some(part.purpose), is_go, layout)
            }
        }
    }

    /// Looks through the file up to `end`.
    fn look(
        &mut self,
        content: &mut Content<'_>,
        end: u64,
        purpose: Option<Purpose>,
        is_go: bool,
        layout: &Layout,
    ) -> bool {
        while content.position() < end {
            let left = usize::try_from(end.saturating_sub(content.position())).unwrap_or(usize::MAX);
            let base = content.position();
            let window = content.peek(left.min(WINDOW));
            let window = window.get(..left.min(WINDOW)).unwrap_or(window);
            if window.is_empty() {
                return false;
            }
            let length = window.len();
            self.classifiers.see(window);
            if self.has_signature(window, base) {
                let what = "a program whose headers lie where they are not read, what it holds is not known";
                listing::problem(self.report, self.path, Effect::Incomplete, what);
            }
            if matches!(purpose, Some(Purpose::Variables | Purpose::Unknown)) {
                let found = MAGIC.iter().flat_map(|magic| magic.find_iter(window));
                let aligned = found
                    .map(|found| found.start())
                    .find(|at| (base + *at as u64).is_multiple_of(16));
                if let Some(at) = aligned.filter(|_| self.may_try()) {
                    content.skip(at as u64);
                    if self.build_info(content, layout) {
                        return true;
                    }
                    content.skip(16u64.saturating_sub(content.position().saturating_sub(base + at as u64)));
                    continue;
                }
            }
            match purpose {
                Some(Purpose::Constants | Purpose::Unknown) if is_go || layout.notes.is_empty() => {
                    // Only pointers of old versions lead here, and only from variables, which come later.
                    keep_texts(window, base, &mut self.texts);
                    if let Some(at) = module_list(window).filter(|_| self.may_try()) {
                        content.skip(at as u64);
                        self.keep_module_list(content);
                        continue;
                    }
                    if !is_go && self.crates(content, length) {
                        return true;
                    }
                }
                Some(Purpose::Constants) if self.crates(content, length) => return true,
                _ => {}
            }
            let keep = if length == left {
                0
            } else {
                OVERLAP.min(length.saturating_sub(1))
            };
            let passed = content.position().saturating_sub(base);
            content.skip((length.saturating_sub(keep) as u64).saturating_sub(passed));
        }
        false
    }

    /// Whether the signature of a PE program is in these bytes, where one would stand; told once.
    fn has_signature(&mut self, window: &[u8], base: u64) -> bool {
        let at = self
            .signature
            .and_then(|offset| usize::try_from(offset.checked_sub(base)?).ok());
        let found = at.is_some_and(|at| window.get(at..).is_some_and(|rest| rest.starts_with(b"PE\0\0")));
        if found {
            self.signature = None;
        }
        found
    }

    /// Whether another beginning is followed.
    fn may_try(&mut self) -> bool {
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts == ATTEMPTS {
            let what = "the program has many beginnings of build information that are none; the rest was not followed";
            listing::problem(self.report, self.path, Effect::Uncertain, what);
        }
        self.attempts < ATTEMPTS
    }

    /// Looks for the list of crates in the next `length` bytes; afterwards `content` stands where it did, or behind the list.
    fn crates(&mut self, content: &mut Content<'_>, length: usize) -> bool {
        let window = content.peek(length);
        let window = window.get(..length).unwrap_or(window);
        let mut place = None;
        for found in ZLIB.iter().flat_map(|pattern| pattern.find_iter(window)) {
            self.streams = self.streams.saturating_add(1);
            if self.streams > STREAMS {
                break;
            }
            if self.finder.fits(window.get(found.start()..).unwrap_or_default()) {
                place = Some(found.start());
                break;
            }
        }
        match place {
            Some(at) if self.may_try() => {
                content.skip(at as u64);
                rust::list(self.path, content, self.report)
            }
            _ => false,
        }
    }

    fn keep_module_list(&mut self, content: &mut Content<'_>) {
        let start = content.position();
        let mut size = WINDOW;
        loop {
            let window = content.peek(size);
            let end = window.windows(go::END.len()).position(|bytes| bytes == go::END);
            match end {
                Some(end) => {
                    let whole = end.saturating_add(go::END.len());
                    let text = go::text(window.get(..whole).unwrap_or_default());
                    if self.module_lists.len() < MODULE_LISTS {
                        self.module_lists.push((start, text));
                    }
                    content.skip(whole as u64);
                    return;
                }
                None if window.len() < size || size >= go::MODULES_BYTES => {
                    content.skip(go::BEGIN.len() as u64);
                    return;
                }
                None => size *= 4,
            }
        }
    }

    /// Reads the build information at which `content` stands; `true` when it is one.
    fn build_info(&mut self, content: &mut Content<'_>, layout: &Layout) -> bool {
        let info = match go::header(content) {
            None => return false,
            Some(Header::Inline(info)) => info,
            Some(Header::Pointers {
                version,
                modules,
                wide,
                big_endian,
            }) => {
                let mut strings = [None, None];
                let mut headers = [(layout.offset_of(version), 0usize), (layout.offset_of(modules), 1)];
                headers.sort_unstable();
                for (offset, which) in headers {
                    let Some(offset) = offset else { continue };
                    let Some(ahead) = offset.checked_sub(content.position()) else {
                        continue;
                    };
                    content.skip(ahead);
                    let window = content.peek(16);
                    let integers = super::integers::Integers {
                        bytes: window,
                        big_endian,
                    };
                    let pair = if wide {
                        (integers.u64(0), integers.u64(8))
                    } else {
                        (integers.u32(0).map(u64::from), integers.u32(4).map(u64::from))
                    };
                    if let ((Some(address), Some(length)), Some(slot)) = (pair, strings.get_mut(which)) {
                        *slot = layout.offset_of(address).zip(Some(length));
                    }
                }
                let [version, modules] = strings;
                BuildInfo {
                    version: version.and_then(|place| self.text_at(place)).unwrap_or_default(),
                    modules: self.modules_at(modules),
                }
            }
        };
        if info.version.is_empty() && info.modules.is_empty() {
            let what = "a Go program whose build information could not be read, its modules are not known";
            listing::problem(self.report, self.path, Effect::Incomplete, what);
            return true;
        }
        go::list(self.path, &info, self.report);
        true
    }

    fn text_at(&self, (offset, length): (u64, u64)) -> Option<String> {
        let (_, text) = self.texts.iter().find(|(at, _)| *at == offset)?;
        let text = text.get(..usize::try_from(length).ok()?)?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// The list that the pointer leads to; where it leads nowhere (relocations), the only one there is.
    fn modules_at(&self, place: Option<(u64, u64)>) -> String {
        let found = place.and_then(|(offset, _)| self.module_lists.iter().find(|(at, _)| *at == offset));
        let only = match self.module_lists.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        found.or(only).map(|(_, text)| text.clone()).unwrap_or_default()
    }
}

/// The note with the build id that Go's linker writes.
const GO_NOTE: &[u8] = b"\x04\0\0\0Go\0\0";

fn keep_texts(window: &[u8], base: u64, texts: &mut Vec<(u64, Vec<u8>)>) {
    for found in OLD_GO.iter().flat_map(|pattern| pattern.find_iter(window)) {
        if texts.len() >= TEXTS {
            return;
        }
        if found.as_bytes().starts_with(b"go1.") {
            let rest = window.get(found.start()..).unwrap_or_default();
            texts.push((base + found.start() as u64, rest.get(..TEXT).unwrap_or(rest).to_vec()));
        }
    }
}

fn module_list(window: &[u8]) -> Option<usize> {
    OLD_GO
        .iter()
        .flat_map(|pattern| pattern.find_iter(window))
        .find(|found| found.as_bytes() == go::BEGIN)
        .map(|found| found.start())
}

/// Where the first architecture of a universal binary lies; they may stand in any order.
fn first_architecture(head: &[u8]) -> Option<u64> {
    if head.get(..4)? != [0xca, 0xfe, 0xba, 0xbe] {
        return None;
    }
    let integers = super::integers::Integers {
        bytes: head,
        big_endian: true,
    };
    let count = integers.u32(4)?.min(30) as usize;
    (0..count)
        .filter_map(|index| integers.u32(8 + index * 20 + 8))
        .min()
        .map(u64::from)
        .filter(|offset| *offset < limits::FILE_BYTES)
}
