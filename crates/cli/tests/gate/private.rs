//! Images that want a login: pulled with what their own namespace lets us read, for that namespace and that registry only, and
//! seen nowhere.

use crate::Place;
use seaworthy_testkit::{RegistryServer, example_image};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// `captain:salt-and-timber`, as it is sent and stored.
const PAIR: &str = "Y2FwdGFpbjpzYWx0LWFuZC10aW1iZXI=";

#[test]
fn private_images_are_pulled_with_what_their_own_namespace_has_and_nobody_else_sees_them() {
    let Some(place) = Place::start() else { return };
    let Some(private) = RegistryServer::start_with_login() else {
        return;
    };
    let digest = private.push("shop/app", "v1", &example_image(true));
    let image = format!("{}/shop/app:v1", private.host());
    let authority = place.cluster.directory().join("authority.pem");
    std::fs::write(&authority, private.authority()).unwrap();
    let trusted = [("SSL_CERT_FILE", authority.display().to_string())];
    let _operator = place.operator_in(&["--debug".to_owned()], &trusted);
    let pod = format!("{image}@{digest}|Running|;");

    // The workload's own secret, which nobody lets us read yet.
    namespace(&place, "shop", &private, RegistryServer::PASSWORD);
    deploy(&place, "shop", "app", &image, "imagePullSecrets: [{name: pull}], ");
    place.state("deployment/app -n shop", "Blocked");
    let command = "kubectl scan access shop | kubectl apply -f -";
    let line = place.reason("deployment/app -n shop");
    assert!(
        line.starts_with(&format!("{image}: ")) && line.contains(command),
        "{line}"
    );
    let told = "get imagescans -n shop -o jsonpath={.items[0].status.state}/{.items[0].status.conditions[?(@.type==\"Scanned\")].reason}:{.items[0].status.conditions[?(@.type==\"Scanned\")].message}";
    place.wait(told, |out| out == format!("Failed/RegistryUnauthorized:{line}"));
    let events = "get events -n shop -o jsonpath={.items[?(@.reason==\"ImageBlocked\")].message}";
    place.wait(events, |out| out == line);
    let said = place.scan(&format!("image {image} -n shop"));
    assert!(!said.ok && said.err.contains("kubectl scan access shop"), "{said:?}");
    grant(&place, "shop");
    place.wait_for(&state("shop", "app"), "Deployed");
    place.wait(&pods("shop", "app"), |out| out == pod);
    assert_eq!(scans_of(&place, &digest), 1);

    // Another namespace is shown and lent nothing of that, by tag or by digest.
    let pinned = format!("{}/shop/app@{digest}", private.host());
    place.ok("create namespace spy");
    for (name, image) in [("app", &image), ("pinned", &pinned)] {
        deploy(&place, "spy", name, image, "");
        place.wait_for(&state("spy", name), "Blocked");
    }
    grant(&place, "spy");
    assert!(!place.scan(&format!("image {image} -n spy")).ok);
    let all = place.ok("get imagescans -n spy -o yaml");
    for word in [
        "digest:",
        "findings:",
        "NoVulnerabilities",
        "No vulnerabilities",
        "scannedAt:",
    ] {
        assert!(!all.contains(word), "{word}: {all}");
    }
    // Nor with a login that the registry does not take.
    secret(&place, "spy", private.host(), "guessed");
    place.ok("patch serviceaccount default -n spy -p {\"imagePullSecrets\":[{\"name\":\"pull\"}]}");
    place.wait(&reason("spy", "app"), |out| {
        out.contains("tried with the pull secrets: pull")
    });
    assert_eq!(place.kubectl(&state("spy", "pinned")).out, "Blocked");
    // With one that it takes, by the service account, the result that is there is enough.
    place.ok("delete secret pull -n spy");
    secret(&place, "spy", private.host(), RegistryServer::PASSWORD);
    for name in ["app", "pinned"] {
        place.wait_for(&state("spy", name), "Deployed");
    }
    place.wait(&pods("spy", "app"), |out| out == pod);
    assert_eq!(scans_of(&place, &digest), 1, "one scan is enough for all");

    strangers(&place, private.host());
    unseen(&place);
}

/// A registry that is not the secret's asks for logins in every way, and gets none.
fn strangers(place: &Place, private: &str) {
    let heard = Arc::new(Mutex::new(String::new()));
    let basic = listening("Basic realm=\"private\"".to_owned(), &heard);
    let bearer = listening(
        format!("Bearer realm=\"https://{private}/token\",service=\"private\""),
        &heard,
    );
    for (name, stranger) in [("basic", basic), ("bearer", bearer)] {
        let image = format!("{stranger}/shop/app:v1");
        deploy(place, "shop", name, &image, "imagePullSecrets: [{name: pull}], ");
        place.wait_for(&state("shop", name), "Blocked");
    }
    place.wait(&reason("shop", "basic"), |out| {
        out.contains("tried with the pull secrets: pull")
    });
    let heard = heard.lock().unwrap().to_ascii_lowercase();
    assert!(heard.contains("/v2/shop/app/manifests/v1"), "{heard}");
    assert!(!heard.contains("authorization:"), "{heard}");
}

/// Neither logs nor objects nor the store have the password.
fn unseen(place: &Place) {
    let read = |name: &str| std::fs::read(place.cluster.directory().join(name)).unwrap_or_default();
    let (log, store) = (read("operator.log"), [read("store.db"), read("store.db-wal")].concat());
    assert!(
        log.windows(5).any(|bytes| bytes == b"DEBUG"),
        "the log is one for debugging"
    );
    let kinds = "events,imagescans,scanpolicies,alertchannels,deployments,replicasets,pods";
    let objects = place.ok(&format!("get {kinds} -A -o yaml")).into_bytes();
    for (what, bytes) in [("log", &log), ("store", &store), ("objects", &objects)] {
        assert!(bytes.len() > 1000, "{what}");
        for secret in [RegistryServer::PASSWORD, PAIR, "guessed"] {
            let found = bytes.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
            assert!(!found, "{secret} is in the {what}");
        }
    }
}

fn namespace(place: &Place, name: &str, registry: &RegistryServer, password: &str) {
    place.ok(&format!("create namespace {name}"));
    secret(place, name, registry.host(), password);
}

fn secret(place: &Place, namespace: &str, host: &str, password: &str) {
    place.ok(&format!(
        "create secret docker-registry pull -n {namespace} --docker-server={host} --docker-username={} --docker-password={password}",
        RegistryServer::USER
    ));
}

/// Applies what `kubectl scan access` prints.
fn grant(place: &Place, namespace: &str) {
    let said = place.scan(&format!("access {namespace}"));
    assert!(said.ok, "{said:?}");
    place.apply(&said.out);
}

fn deploy(place: &Place, namespace: &str, name: &str, image: &str, more: &str) {
    place.apply(&format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  \
         selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
         spec: {{{more}containers: [{{name: c, image: \"{image}\"}}]}}\n"
    ));
}

fn state(namespace: &str, name: &str) -> String {
    format!("get deployment/{name} -n {namespace} -o jsonpath={{.metadata.annotations.seaworthy\\.dev/state}}")
}

fn reason(namespace: &str, name: &str) -> String {
    format!("get deployment/{name} -n {namespace} -o jsonpath={{.metadata.annotations.seaworthy\\.dev/reason}}")
}

fn pods(namespace: &str, label: &str) -> String {
    format!("-n {namespace} {}", crate::pods_line(label))
}

/// How often the operator read an image.
fn scans_of(place: &Place, digest: &str) -> usize {
    let log = std::fs::read_to_string(place.cluster.directory().join("operator.log")).unwrap_or_default();
    log.lines()
        .filter(|line| line.contains("scan started") && line.contains(digest))
        .count()
}

/// A registry that lets nobody in, and keeps what it hears.
fn listening(challenge: String, heard: &Arc<Mutex<String>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::clone(heard);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0; 8192];
            let length = stream.read(&mut bytes).unwrap_or(0);
            heard
                .lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&bytes[..length]));
            let answer = format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}
