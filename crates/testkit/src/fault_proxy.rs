//! A registry's bad days: a proxy that hands requests on and spoils the answers it was told to spoil.
//!
//! It also stands alone, as the host that somebody was sent to, and remembers every request with its headers.

#![expect(
    clippy::expect_used,
    reason = "development only: a test that cannot have its proxy fails"
)]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What becomes of an answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This answer in place of the registry's.
    Answer {
        /// The status.
        status: u16,
        /// Headers, whole lines.
        headers: Vec<String>,
        /// The body.
        body: Vec<u8>,
    },
    /// The registry's answer, cut off after so many bytes of its body.
    Cut(usize),
    /// The registry's answer in pieces of so many bytes, with a pause after each.
    Drip(usize, Duration),
    /// The registry's answer with the byte at this place of the body changed.
    WrongByte(usize),
    /// A body that never ends, under this content type.
    Endless(String),
    /// The registry's answer under another content type.
    ContentType(String),
    /// The registry's answer to a request without its range.
    NoRange,
    /// No answer at all: the connection stays open.
    Silence,
    /// The connection is closed in place of an answer.
    HangUp,
    /// The registry's answer as it is; to let some requests through before others.
    None,
}

/// Which answers are spoiled.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What the request's path must contain.
    pub path: String,
    /// How many requests it spoils.
    pub times: usize,
    /// How it spoils them.
    pub fault: Fault,
}

impl Rule {
    /// Spoils the next request for a path.
    pub fn once(path: &str, fault: Fault) -> Self {
        Self {
            path: path.into(),
            times: 1,
            fault,
        }
    }

    /// Spoils every request for a path.
    pub fn always(path: &str, fault: Fault) -> Self {
        Self {
            path: path.into(),
            times: usize::MAX,
            fault,
        }
    }
}

/// One request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Recorded {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
struct State {
    rules: Mutex<Vec<Rule>>,
    requests: Mutex<Vec<Recorded>>,
    stopped: AtomicBool,
}

/// A running proxy.
#[derive(Debug)]
pub struct FaultProxy {
    host: String,
    state: Arc<State>,
}

impl FaultProxy {
    /// A proxy in front of a registry in plain HTTP (`host:port`); the first rule that fits a request is applied.
    pub fn start(upstream: &str, rules: Vec<Rule>) -> Self {
        Self::listen(LOOPBACK, upstream, rules)
    }

    /// A server of its own: what no rule answers is not found.
    pub fn alone(rules: Vec<Rule>) -> Self {
        Self::listen(LOOPBACK, "", rules)
    }

    /// The same at an address of this machine that is not loopback; `None` where it has none.
    pub fn alone_beyond_loopback(rules: Vec<Rule>) -> Option<Self> {
        // Connecting a datagram socket sends nothing: it asks which address would be used.
        let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
        socket.connect("192.0.2.1:9").ok()?;
        let address = socket.local_addr().ok()?.ip();
        (!address.is_loopback() && !address.is_unspecified()).then(|| Self::listen(address, "", rules))
    }

    fn listen(address: IpAddr, upstream: &str, rules: Vec<Rule>) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a free port");
        let host = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(State {
            rules: Mutex::new(rules),
            ..State::default()
        });
        let (shared, upstream) = (Arc::clone(&state), upstream.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (state, upstream) = (Arc::clone(&shared), upstream.clone());
                // A client that went away ends its thread; the test sees what it waits for.
                std::thread::spawn(move || {
                    let _ = serve(client, &upstream, &state);
                });
            }
        });
        Self { host, state }
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port alone, to name the proxy by another host.
    pub fn port(&self) -> &str {
        self.host.rsplit(':').next().unwrap_or_default()
    }

    /// Adds a rule behind the others.
    pub fn add(&self, rule: Rule) {
        lock(&self.state.rules).push(rule);
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.state.requests).clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        lock(&self.state.requests).clear();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(&self.host);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Head lines up to the empty one.
fn head(reader: &mut impl BufRead) -> std::io::Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
            return Ok(lines);
        }
        lines.push(line.trim_end().to_owned());
    }
}

fn length(lines: &[String]) -> Option<u64> {
    let line = lines
        .iter()
        .find(|line| line.to_ascii_lowercase().starts_with("content-length:"))?;
    line.split_once(':')?.1.trim().parse().ok()
}

fn serve(client: TcpStream, upstream: &str, state: &State) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut client = client;
    loop {
        let lines = match head(&mut reader) {
            // As servers do when they are greeted in TLS.
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                client.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
                return Ok(());
            }
            lines => lines?,
        };
        let Some(first) = lines.first() else { return Ok(()) };
        let mut words = first.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut body = Vec::new();
        reader
            .by_ref()
            .take(length(&lines).unwrap_or(0))
            .read_to_end(&mut body)?;
        let headers = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
        lock(&state.requests).push(Recorded {
            method: method.clone(),
            path: path.clone(),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        let fault = {
            let mut rules = lock(&state.rules);
            let rule = rules
                .iter_mut()
                .find(|rule| rule.times > 0 && path.contains(&rule.path));
            rule.map_or(Fault::None, |rule| {
                rule.times = rule.times.saturating_sub(1);
                rule.fault.clone()
            })
        };
        match fault {
            Fault::Answer { status, headers, body } => {
                let mut text = format!("HTTP/1.1 {status} Spoiled\r\ncontent-length: {}\r\n", body.len());
                for header in headers {
                    text += &format!("{header}\r\n");
                }
                client.write_all(format!("{text}\r\n").as_bytes())?;
                if method != "HEAD" {
                    client.write_all(&body)?;
                }
            }
            Fault::HangUp => return Ok(()),
            Fault::Silence => std::thread::sleep(Duration::from_secs(60)),
            Fault::Endless(content_type) => {
                client.write_all(
                    format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\nconnection: close\r\n\r\n{{")
                        .as_bytes(),
                )?;
                loop {
                    client.write_all(&[b' '; 65536])?;
                }
            }
            fault if upstream.is_empty() => {
                let _ = fault;
                client.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")?;
            }
            fault => {
                relay(&mut client, upstream, &lines, &body, &fault)?;
                return Ok(());
            }
        }
    }
}

/// Hands a request on and its answer back; the connection ends with it.
fn relay(client: &mut TcpStream, upstream: &str, lines: &[String], body: &[u8], fault: &Fault) -> std::io::Result<()> {
    let mut server = TcpStream::connect(upstream)?;
    let mut request = String::new();
    for line in lines {
        let lower = line.to_ascii_lowercase();
        if lower.starts_with("connection:") || (matches!(fault, Fault::NoRange) && lower.starts_with("range:")) {
            continue;
        }
        request += &format!("{line}\r\n");
    }
    server.write_all(format!("{request}connection: close\r\n\r\n").as_bytes())?;
    server.write_all(body)?;
    let mut answer = BufReader::new(server);
    let lines = head(&mut answer)?;
    let mut text = String::new();
    for line in &lines {
        let lower = line.to_ascii_lowercase();
        if lower.starts_with("connection:") {
            continue;
        }
        match fault {
            Fault::ContentType(kind) if lower.starts_with("content-type:") => {
                text += &format!("content-type: {kind}\r\n");
            }
            _ => text += &format!("{line}\r\n"),
        }
    }
    client.write_all(format!("{text}connection: close\r\n\r\n").as_bytes())?;
    match fault {
        Fault::Cut(bytes) => {
            let mut cut = answer.take(*bytes as u64);
            std::io::copy(&mut cut, client)?;
        }
        Fault::Drip(bytes, pause) => {
            let mut piece = vec![0; *bytes];
            loop {
                let count = answer.read(&mut piece)?;
                if count == 0 {
                    break;
                }
                client.write_all(piece.get(..count).unwrap_or_default())?;
                client.flush()?;
                std::thread::sleep(*pause);
            }
        }
        Fault::WrongByte(at) => {
            let mut whole = Vec::new();
            answer.read_to_end(&mut whole)?;
            if let Some(byte) = whole.get_mut(*at) {
                *byte ^= 0xff;
            }
            client.write_all(&whole)?;
        }
        _ => {
            std::io::copy(&mut answer, client)?;
        }
    }
    Ok(())
}
