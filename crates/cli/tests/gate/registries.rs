//! Registries that are gone, that refuse, that say nothing: held, with the reason, and never "No vulnerabilities".

use crate::Place;
use seaworthy_testkit::RegistryServer;
use std::net::TcpListener;

#[test]
fn a_registry_that_fails_is_a_reason_to_hold_and_says_so() {
    let Some(place) = Place::start() else { return };
    let Some(private) = RegistryServer::start_with_login() else {
        return;
    };
    let authority = place.cluster.directory().join("private.pem");
    std::fs::write(&authority, private.authority()).unwrap();
    // Takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let operator = place.operator_with(&[
        "--registry-mirror=gone.example=http://127.0.0.1:1".to_owned(),
        format!("--registry-mirror=silent.example=http://{silent}"),
        format!("--registry-mirror=private.example=http://{}", private.host()),
    ]);
    let cases = [
        ("gone", "gone.example/app:v1"),
        ("missing", "nobody/has-this:v1"),
        ("private", "private.example/app:v1"),
        ("silent", "silent.example/app:v1"),
        ("strange", "UPPER/case:v1"),
    ];
    for (name, image) in cases {
        place.ok(&format!("create deployment {name} --image={image}"));
    }
    for (name, image) in cases {
        place.state(&format!("deployment/{name}"), "Blocked");
        let reason = place.reason(&format!("deployment/{name}"));
        assert!(reason.contains(image) || name == "strange", "{name}: {reason}");
        assert_eq!(place.pods(name), "");
    }
    let scans = "get imagescans -o jsonpath={range@.items[*]}{.spec.image}={.status.state}/{.status.conditions[?(@.type==\"Scanned\")].reason};{end}";
    place.wait(scans, |out| {
        [
            "gone.example/app:v1=Failed/RegistryUnreachable",
            "nobody/has-this:v1=Failed/ImageNotFound",
        ]
        .iter()
        .all(|line| out.contains(line))
    });
    let all = place.ok("get imagescans -o yaml");
    assert!(
        !all.contains("No vulnerabilities found") && !all.contains("NoVulnerabilities"),
        "{all}"
    );
    // What could not be scanned is scanned when it can be: nobody has to ask again.
    place
        .registry
        .push("nobody/has-this", "v1", &seaworthy_testkit::example_image(true));
    place.rolled_out("deployment/missing");
    drop(operator);
}
