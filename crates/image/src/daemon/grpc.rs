//! gRPC over a Unix socket, as much as two services of containerd need: one request, a stream of messages in answer.
//!
//! HTTP/2 is reqwest's and the messages are prost's; between them each message has a flag byte and a length of four bytes
//! (gRPC over HTTP2, protocol description). A call that fails at once says so in its headers (`grpc-status`); one that
//! breaks off later ends short, which the digest of what was read shows.

use super::socket::{answers, deepest, until};
use crate::Error;
use crate::network::Network;
use bytes::{Buf, BytesMut};
use prost::Message;
use reqwest::{Client, Response};
use seaworthy_model::limits;
use std::path::Path;
use std::time::{Duration, Instant};

const DAEMON: &str = "containerd";
/// Larger than any message of containerd, which sends content in pieces of a megabyte at most.
const MESSAGE_BYTES: usize = 8 << 20;
/// How long containerd may stay silent.
const SILENCE: Duration = Duration::from_secs(60);
/// `NOT_FOUND` among the codes of gRPC.
const NOT_FOUND: &str = "5";

/// A connection to containerd.
#[derive(Clone, Debug)]
pub(crate) struct Grpc {
    network: Network,
    client: Client,
    deadline: Option<Instant>,
}

/// The messages that answer a call.
#[derive(Debug)]
pub(crate) struct Messages {
    network: Network,
    response: Response,
    deadline: Option<Instant>,
    frames: Frames,
}

/// What came of an answer, of which whole messages are taken.
#[derive(Debug, Default)]
pub(super) struct Frames {
    pending: BytesMut,
}

impl Grpc {
    /// Connects; `Err(why)` in few words where nothing answers.
    pub(crate) fn connect(path: &Path, network: &Network, deadline: Option<Instant>) -> Result<Self, String> {
        answers(path)?;
        let client = Client::builder()
            .no_proxy()
            .unix_socket(path)
            .http2_prior_knowledge()
            .read_timeout(SILENCE)
            .user_agent(concat!("seaworthy/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            network: network.clone(),
            client,
            deadline,
        })
    }

    /// Calls a method; `None` when what it is asked for does not exist.
    pub(crate) fn call(
        &self,
        method: &str,
        namespace: &str,
        request: &impl Message,
    ) -> Result<Option<Messages>, Error> {
        let message = request.encode_to_vec();
        let mut body = vec![0];
        body.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend(message);
        let request = self
            .client
            .post(format!("http://containerd/{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("containerd-namespace", namespace)
            .body(body);
        // Sending sets timers, which only the runtime may do.
        let send = async move { request.send().await };
        let response = self
            .network
            .wait(until(self.deadline, send))?
            .map_err(|_| error("it did not answer in time"))?
            .map_err(|cause| error(&deepest(&cause)))?;
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.chars().take(limits::SHOWN_NAME_BYTES).collect::<String>())
        };
        match header("grpc-status").as_deref() {
            Some(NOT_FOUND) => Ok(None),
            Some(status) if status != "0" => {
                let message = header("grpc-message").unwrap_or_default();
                Err(error(&format!("it answered with code {status}: {message}")))
            }
            _ if !response.status().is_success() => Err(error(&format!("it answered {}", response.status()))),
            _ => Ok(Some(Messages {
                network: self.network.clone(),
                response,
                deadline: self.deadline,
                frames: Frames::default(),
            })),
        }
    }
}

impl Messages {
    /// The next message.
    pub(crate) fn next<M: Message + Default>(&mut self) -> Result<Option<M>, Error> {
        loop {
            if let Some(message) = self.frames.next()? {
                return Ok(Some(message));
            }
            let chunk = self
                .network
                .wait(until(self.deadline, self.response.chunk()))?
                .map_err(|_| error("it did not answer in time"))?
                .map_err(|cause| error(&deepest(&cause)))?;
            match chunk {
                Some(chunk) => self.frames.put(&chunk),
                None => return self.frames.end().map(|()| None),
            }
        }
    }
}

impl Frames {
    /// Takes what came.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The first message, where all of it is here.
    pub(super) fn next<M: Message + Default>(&mut self) -> Result<Option<M>, Error> {
        let Some((head, _)) = self.pending.split_at_checked(5) else {
            return Ok(None);
        };
        let (compressed, length) = match head {
            [flag, a, b, c, d] => (*flag != 0, u32::from_be_bytes([*a, *b, *c, *d])),
            _ => return Ok(None),
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if compressed || length > MESSAGE_BYTES {
            return Err(error("it sent a message that is compressed or too large"));
        }
        if self.pending.len() - 5 < length {
            return Ok(None);
        }
        self.pending.advance(5);
        M::decode(self.pending.split_to(length))
            .map(Some)
            .map_err(|_| error("it sent a message that cannot be read"))
    }

    /// Nothing more comes: an error where a message is not whole.
    pub(super) fn end(&self) -> Result<(), Error> {
        match self.pending.is_empty() {
            true => Ok(()),
            false => Err(error("its answer broke off")),
        }
    }
}

pub(crate) fn error(why: &str) -> Error {
    Error::Daemon {
        daemon: DAEMON,
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read_foreign_messages as read;

    #[test]
    fn messages_may_come_in_any_pieces() {
        // Field 2 of two messages: `{}` and `x`.
        let stream = b"\0\0\0\0\x04\x12\x02{}\0\0\0\0\x03\x12\x01x";
        for piece in 1..=stream.len() {
            assert_eq!(read(stream, piece, true).unwrap(), 3, "{piece}");
        }
        for cut in 1..stream.len() {
            assert_eq!(read(&stream[..cut], 4, true).is_ok(), cut == 9, "{cut}");
        }
        assert!(read(b"\x01\0\0\0\0", 4, true).is_err(), "it is compressed");
        assert!(read(b"\0\xff\xff\xff\xff", 4, true).is_err(), "it is too large");
    }
}
