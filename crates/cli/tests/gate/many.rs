//! Two hundred Deployments at once, half of them bad: each ends where it belongs, and nobody is told twice.

use crate::{Place, workload};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[test]
fn two_hundred_deployments_at_once_end_in_the_right_state_with_one_event_and_one_alert_each() {
    let Some(place) = Place::start() else { return };
    let operator = place.operator();
    let alerts = receiver();
    place.apply(&format!(
        "apiVersion: seaworthy.dev/v1alpha1\nkind: AlertChannel\nmetadata: {{name: team}}\nspec: {{type: webhook, url: \"http://{}/hook\"}}\n",
        alerts.0
    ));
    place.ok("patch scanpolicy default --type=merge -p {\"spec\":{\"alerts\":[\"team\"]}}");
    let manifest: String = (0..200)
        .map(|number| {
            let image = if number % 2 == 0 { "myapp:v1" } else { "myapp:v1-fixed" };
            format!("{}---\n", workload("Deployment", &format!("d{number}"), image, ""))
        })
        .collect();
    let started = Instant::now();
    place.apply(&manifest);
    let created = started.elapsed();
    let states = "get deployments -o jsonpath={.items[*].metadata.annotations.seaworthy\\.dev/state}";
    place.wait(states, |out| {
        let count = |state: &str| out.split(' ').filter(|word| *word == state).count();
        count("Blocked") == 100 && count("Deployed") == 100
    });
    let judged = started.elapsed();
    let available = "get deployments -o jsonpath={.items[*].status.availableReplicas}";
    place.wait(available, |out| out.split(' ').count() == 100);
    let running = started.elapsed();
    let memory = operator.resident_memory().unwrap();
    println!(
        "200 Deployments: created {created:.1?}, judged {judged:.1?}, running {running:.1?}, {} MiB",
        memory >> 20
    );
    assert!(memory < 150 << 20, "{memory}");
    let images = place.ok("get pods -o jsonpath={range@.items[*]}{.spec.containers[0].image};{end}");
    assert_eq!(images, format!("myapp:v1-fixed@{};", place.fixed).repeat(100));

    let events = "get events -o jsonpath={range@.items[?(@.reason==\"ImageBlocked\")]}{.regarding.name}{.involvedObject.name};{end}";
    place.wait(events, |out| out.matches(';').count() >= 100);
    let mut names: Vec<String> = place.ok(events).split_terminator(';').map(str::to_owned).collect();
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!((count, names.len()), (100, 100), "one Event each");
    let blocked = |alerts: &[String]| {
        alerts
            .iter()
            .filter(|alert| alert.contains("dev.seaworthy.image.blocked"))
            .count()
    };
    let waited = Instant::now();
    while blocked(&alerts.1.lock().unwrap()) < 100 && waited.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(200));
    }
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(blocked(&alerts.1.lock().unwrap()), 100, "one alert each");
}

/// A receiver of webhooks: where it listens, and what came.
pub(super) fn receiver() -> (std::net::SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let received = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&received);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let keep = Arc::clone(&keep);
            std::thread::spawn(move || requests(stream, &keep));
        }
    });
    (address, received)
}

fn requests(mut stream: TcpStream, keep: &Mutex<Vec<String>>) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 << 10];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length:")?
                        .trim()
                        .parse::<usize>()
                        .ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                keep.lock().unwrap().push(body.to_owned());
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                bytes.clear();
                continue;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(read) => bytes.extend(chunk.iter().take(read)),
        }
    }
}
