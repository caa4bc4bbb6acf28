//! Ports of loopback for programs that are started a moment later.
//!
//! The system's own choice (port 0) comes from the range of outgoing connections, so that until the program listens any
//! connection of anybody may take it. These come from below that range, each once.

use super::Error;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Where the range of outgoing connections begins if the system does not tell.
const EPHEMERAL: u16 = 32_768;
/// Ports below are known services'.
const LOWEST: u16 = 10_000;

/// How many were given away by this process.
static GIVEN: AtomicU16 = AtomicU16::new(0);

/// A port of loopback that nobody uses now, that nobody gets by chance, and that this process was not given before.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16, Error> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let begins = range.split_whitespace().next().and_then(|first| first.parse().ok());
    let count = begins.unwrap_or(EPHEMERAL).max(LOWEST + 1) - LOWEST;
    // Processes that run side by side begin at different places.
    let start = std::process::id().wrapping_mul(7919) % u32::from(count);
    let mut failure = io::Error::from(ErrorKind::AddrInUse);
    for _ in 0..count {
        let step = u32::from(GIVEN.fetch_add(1, Ordering::Relaxed));
        let offset = (start + step) % u32::from(count);
        let port = LOWEST + u16::try_from(offset).unwrap_or(0);
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(error) => failure = error,
        }
    }
    Err(Error::Start {
        program: "a listener on loopback".to_owned(),
        source: failure,
    })
}

#[cfg(test)]
mod tests {
    use super::free_port;
    use std::collections::BTreeSet;

    #[test]
    fn no_port_is_given_twice_nor_one_that_connections_get() {
        let ports: BTreeSet<u16> = (0..500).map(|_| free_port().unwrap()).collect();
        assert_eq!(ports.len(), 500);
        let chosen = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let lowest = chosen.local_addr().unwrap().port();
        assert!(ports.iter().all(|port| *port < 32_768 || *port < lowest), "{ports:?}");
    }
}
