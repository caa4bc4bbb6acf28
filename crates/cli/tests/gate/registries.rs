//! Registries that are gone, that refuse, that say nothing: held, with the reason, and never "No vulnerabilities".

use crate::Place;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

#[test]
fn a_registry_that_fails_is_a_reason_to_hold_and_says_so() {
    let Some(place) = Place::start() else { return };
    let _operator = place.operator();
    let private = answering(Some(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"private\"\r\nContent-Length: 0\r\n\r\n",
    ));
    let (silent, registry) = (answering(None), place.registry.host());
    let cases = [
        ("gone", "127.0.0.1:1/app:v1".to_owned(), "RegistryUnreachable"),
        ("missing", format!("{registry}/nobody/has-this:v1"), "ImageNotFound"),
        ("private", format!("{private}/app:v1"), "RegistryUnauthorized"),
        ("silent", format!("{silent}/app:v1"), "RegistryUnreachable"),
    ];
    for (name, image, _) in &cases {
        place.ok(&format!("create deployment {name} --image={image}"));
    }
    for (name, image, reason) in &cases {
        place.state(&format!("deployment/{name}"), "Blocked");
        let line = place.reason(&format!("deployment/{name}"));
        assert!(line.starts_with(image.as_str()), "{name}: {line}");
        assert_eq!(place.pods(name), "");
        let scans = "get imagescans -o jsonpath={range@.items[*]}{.spec.image}={.status.state}/{.status.conditions[?(@.type==\"Scanned\")].reason};{end}";
        place.wait(scans, |out| out.contains(&format!("{image}=Failed/{reason};")));
    }
    let all = place.ok("get imagescans -o yaml");
    assert!(
        !all.contains("No vulnerabilities found") && !all.contains("NoVulnerabilities"),
        "{all}"
    );
    let events =
        place.ok("get events -o jsonpath={range@.items[?(@.reason==\"ImageBlocked\")]}{.involvedObject.name};{end}");
    assert_eq!(events.matches(';').count(), cases.len(), "one Event each: {events}");
    // What could not be scanned is scanned when it can be: nobody has to ask again.
    place
        .registry
        .push("nobody/has-this", "v1", &seaworthy_testkit::example_image(true));
    place.rolled_out("deployment/missing");
}

/// A registry that gives every request one answer, or none at all.
fn answering(answer: Option<&'static str>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            if let Some(answer) = answer {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
            } else {
                open.push(stream);
            }
        }
    });
    address
}
