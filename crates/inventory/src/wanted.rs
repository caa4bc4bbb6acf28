//! The analyzers that read a path, and the reading of files that are streamed to one.

use std::io::{self, Read};

use seaworthy_model::{Effect, Problem, limits};

use crate::analyzer::{ANALYZERS, Analyzer, File, FileReport, STREAM_ANALYZERS, StreamAnalyzer};
use crate::content::Content;

/// The analyzers that read a path.
pub(crate) struct Wanted {
    analyzers: Vec<&'static Analyzer>,
    streamed: Option<&'static StreamAnalyzer>,
    /// The file is the companion of another one.
    pub(crate) companion: bool,
}

impl Wanted {
    pub(crate) fn of(path: &str) -> Self {
        Self {
            analyzers: ANALYZERS
                .iter()
                .copied()
                .filter(|analyzer| (analyzer.wants)(path))
                .collect(),
            streamed: STREAM_ANALYZERS.iter().copied().find(|analyzer| (analyzer.wants)(path)),
            companion: ANALYZERS.iter().any(|analyzer| {
                analyzer
                    .companion
                    .and_then(|suffix| path.strip_suffix(suffix))
                    .is_some_and(|main| (analyzer.wants)(main))
            }),
        }
    }

    /// Those that count for a name which only leads to the file by a link: programs are known by their own name, and a
    /// second reading of a layer for each link to a script would cost more than it tells.
    pub(crate) fn through_link(path: &str) -> Self {
        let mut wanted = Self::of(path);
        wanted.streamed = wanted.streamed.filter(|analyzer| analyzer.through_links);
        wanted
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.analyzers.is_empty() && self.streamed.is_none() && !self.companion
    }

    /// Whether the file is read forwards and never held.
    pub(crate) fn is_only_streamed(&self) -> bool {
        self.streamed.is_some() && self.analyzers.is_empty() && !self.companion
    }

    pub(crate) fn max_bytes(&self) -> u64 {
        self.analyzers
            .iter()
            .map(|analyzer| analyzer.max_bytes)
            .max()
            .unwrap_or(limits::FILE_BYTES)
    }

    /// Lets every analyzer read the file.
    pub(crate) fn analyze(&self, file: &File<'_>, report: &mut FileReport) {
        for analyzer in &self.analyzers {
            if file.bytes.len() as u64 > analyzer.max_bytes {
                let what = format!(
                    "the file has {} bytes, more than the {} analyzer reads",
                    file.bytes.len(),
                    analyzer.name
                );
                report
                    .problems
                    .push(Problem::at_path(file.path, Effect::Incomplete, what));
            } else {
                (analyzer.analyze)(*file, report);
            }
        }
    }

    /// Reads a file of this size as it comes out of its layer, when its first bytes are worth it.
    ///
    /// # Errors
    /// When the layer cannot be read on.
    pub(crate) fn stream(
        &self,
        path: &str,
        size: u64,
        inner: &mut dyn Read,
        report: &mut FileReport,
    ) -> io::Result<()> {
        let Some(analyzer) = self.streamed else { return Ok(()) };
        let mut content = Content::new(inner, size);
        let head = content.peek(StreamAnalyzer::HEAD_BYTES);
        if (analyzer.begins)(head.get(..StreamAnalyzer::HEAD_BYTES).unwrap_or(head)) {
            (analyzer.analyze)(path, &mut content, report);
        }
        match content.failure() {
            Some(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("it ends inside {path}"),
            )),
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Whether another path is read by the same analyzers.
    pub(crate) fn same_analyzers(&self, other: &Self) -> bool {
        let streamed = |wanted: &Self| wanted.streamed.map(|analyzer| analyzer.name);
        streamed(self) == streamed(other)
            && self
                .analyzers
                .iter()
                .map(|analyzer| analyzer.name)
                .eq(other.analyzers.iter().map(|analyzer| analyzer.name))
    }

    /// The suffix of the companion that some analyzer of the path wants.
    pub(crate) fn companion_suffix(&self) -> Option<&'static str> {
        self.analyzers.iter().find_map(|analyzer| analyzer.companion)
    }
}
