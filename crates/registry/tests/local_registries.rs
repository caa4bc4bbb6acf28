//! Registries on this machine and this link, where they are not wanted: refused in every spelling, before anything connects.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use seaworthy_registry::{Client, ClientOptions, Credentials, Error, Mirror, Reference};
use std::net::{TcpListener, ToSocketAddrs};

async fn ask(reference: &str, mirrors: Vec<Mirror>) -> Error {
    let options = ClientOptions {
        deny_local: true,
        proxies_of_environment: false,
        mirrors,
        ..ClientOptions::default()
    };
    let reference: Reference = reference.parse().unwrap();
    let client = Client::new(options, Credentials::anonymous()).unwrap();
    client.repository(&reference).digest().await.unwrap_err()
}

#[tokio::test]
async fn a_local_registry_is_refused_however_it_is_written() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut hosts: Vec<String> = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "localhost",
        "app.localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "169.254.169.254",
        "[fe80::1]",
    ]
    .map(str::to_owned)
    .to_vec();
    // A name that only the resolver knows to be this machine: its own, where that is so.
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let own = own.trim().to_lowercase();
    let local = (own.as_str(), port).to_socket_addrs();
    if local.is_ok_and(|mut all| all.all(|address| address.ip().is_loopback())) {
        hosts.push(own);
    }
    let mut refused = 0;
    for host in hosts {
        let written = format!("{host}:{port}/app:v1");
        // Some spellings are no reference to begin with.
        if written.parse::<Reference>().is_err() {
            continue;
        }
        let error = ask(&written, Vec::new()).await;
        assert!(matches!(error, Error::Local { .. }), "{written}: {error:?}");
        refused += 1;
    }
    assert!(refused >= 8, "{refused}");
    assert!(listener.accept().is_err(), "nothing was connected to");
}

#[tokio::test]
async fn a_mirror_is_where_whoever_set_it_says() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        // Whoever connects gets nothing.
        for connection in listener.incoming() {
            drop(connection);
        }
    });
    let mirror = Mirror {
        host: "registry.example".to_owned(),
        url: format!("http://{host}"),
    };
    let mirrored = ask("registry.example/app:v1", vec![mirror]).await;
    assert!(!matches!(mirrored, Error::Local { .. }), "{mirrored:?}");
}
