//! The team's end of a webhook: takes every POST on a free port of this machine and keeps the JSON in it.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A receiver; it listens until the process ends.
#[derive(Debug)]
pub(super) struct Receiver {
    address: SocketAddr,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    pub(super) fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let events = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&events);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Ok(event) = take(stream) {
                    kept.lock().unwrap_or_else(PoisonError::into_inner).push(event);
                }
            }
        });
        Ok(Self { address, events })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// What came so far.
    pub(super) fn events(&self) -> Vec<Value> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One request of a sender that is our own, so its shape is trusted.
fn take(stream: TcpStream) -> std::io::Result<Value> {
    let mut answers = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    answers.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
    Ok(serde_json::from_slice(&body)?)
}
