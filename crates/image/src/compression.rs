//! Gzip and zstd, told apart by their magic numbers and never by a media type: sources mislabel both.

use flate2::bufread::MultiGzDecoder;
use seaworthy_model::limits;
use std::io::{self, BufRead, BufReader, Read};

/// How a blob or a whole archive is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// Not compressed.
    None,
    /// gzip (RFC 1952), possibly of several members.
    Gzip,
    /// zstd (RFC 8878), possibly of several frames.
    Zstd,
}

impl Compression {
    /// Recognises the first bytes of a stream; a zstd stream may begin with a skippable frame (zstd:chunked does).
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The same, for a stream that is to be read.
    ///
    /// # Errors
    /// When it is compressed in a way that is not read.
    pub(crate) fn readable(head: &[u8]) -> io::Result<Self> {
        match unread(head) {
            None => Ok(Self::of(head)),
            Some(name) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!(
                    "it is compressed with {name}, which is not read; images are stored with gzip, zstd or uncompressed"
                ),
            )),
        }
    }

    /// The uncompressed bytes of what is stored so.
    pub(crate) fn decoder<'a>(self, stored: impl BufRead + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::None => Box::new(stored),
            Self::Gzip => Box::new(MultiGzDecoder::new(stored)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(stored)?;
                decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
        })
    }

    /// Uncompressed bytes that so many stored ones may become.
    pub(crate) fn most(self, stored: u64) -> u64 {
        let most = stored.saturating_mul(self.max_ratio());
        most.clamp(limits::RATIO_FLOOR, limits::LAYER_BYTES)
    }

    /// Uncompressed bytes per stored byte above which a stream is a bomb.
    pub(crate) const fn max_ratio(self) -> u64 {
        match self {
            Self::None => 1,
            Self::Gzip => limits::LAYER_RATIO,
            Self::Zstd => limits::ZSTD_RATIO,
        }
    }
}

/// The name of a compression that is recognised and not read: no registry serves it, tools write it all the same.
pub(crate) fn unread(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Some("bzip2"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some("lz4"),
        _ => None,
    }
}

/// Size of the read buffer in front of a decoder: large enough to keep system calls rare, small enough for the L2 cache.
const READ_BUFFER: usize = 128 << 10;

/// The uncompressed bytes of `stored`.
pub(crate) fn decoder<'a>(stored: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut stored = BufReader::with_capacity(READ_BUFFER, stored);
    let compression = Compression::readable(stored.fill_buf()?)?;
    compression.decoder(stored)
}
