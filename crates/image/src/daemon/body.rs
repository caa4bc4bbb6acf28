//! The body of an answer as a reader on a plain thread.

use super::socket::until;
use crate::network::Network;
use bytes::Bytes;
use reqwest::Response;
use std::io::{self, Read};
use std::time::Instant;

/// What a daemon sends, as it comes; dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct Body {
    network: Network,
    response: Response,
    deadline: Option<Instant>,
    current: Bytes,
}

impl Body {
    pub(crate) const fn new(network: Network, response: Response, deadline: Option<Instant>) -> Self {
        Self {
            network,
            response,
            deadline,
            current: Bytes::new(),
        }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            let chunk = self
                .network
                .wait(until(self.deadline, self.response.chunk()))
                .map_err(io::Error::other)?
                .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the time for the scan is up"))?
                .map_err(io::Error::other)?;
            match chunk {
                Some(chunk) => self.current = chunk,
                None => return Ok(0),
            }
        }
        let count = self.current.len().min(buffer.len());
        let head = self.current.split_to(count);
        if let Some(target) = buffer.get_mut(..count) {
            target.copy_from_slice(&head);
        }
        Ok(count)
    }
}
