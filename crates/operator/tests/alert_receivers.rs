//! Alerts to receivers that other people wrote: Debian's Alertmanager, and aiosmtpd from PyPI as the mail server.
//!
//! Each is skipped where it cannot be had, and says so on standard error.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking and say what they skip"
)]

mod alert_support;

use alert_support::{Known, blocked, observed, spec};
use lettre::message::Mailbox;
use seaworthy_operator::alerts::{Alerts, Event};
use seaworthy_operator::resources::{AlertChannelSpec, ChannelType, EmailSpec};
use seaworthy_operator::store::SqliteStore;
use seaworthy_testkit::cluster::{Process, free_port};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ALERTMANAGER: &str = "/usr/bin/prometheus-alertmanager";

async fn start(directory: &Path, channel: AlertChannelSpec) -> Arc<Alerts> {
    let url = format!("sqlite://{}", directory.join("store.db").display());
    let store = Arc::new(SqliteStore::open(&url).await.unwrap());
    let alerts = Alerts::open(store, Arc::new(Known::default()), Box::new(|_, _| ()))
        .await
        .unwrap();
    let alerts = Arc::new(alerts);
    alerts.set_channel("team", channel);
    let running = Arc::clone(&alerts);
    tokio::spawn(async move { running.run().await });
    alerts
}

async fn patiently<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "not in a minute: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn an_alertmanager_shows_what_lasts_and_ends_what_is_over() {
    if !Path::new(ALERTMANAGER).exists() {
        eprintln!("SKIPPED: {ALERTMANAGER} is missing; install Debian's package prometheus-alertmanager");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let port = free_port().unwrap();
    let configuration = directory.path().join("alertmanager.yml");
    std::fs::write(&configuration, "route: {receiver: none}\nreceivers: [{name: none}]\n").unwrap();
    let arguments = [
        format!("--config.file={}", configuration.display()),
        format!("--storage.path={}", directory.path().join("data").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--cluster.listen-address=".to_owned(),
    ];
    let log = directory.path().join("alertmanager.log");
    let _server = Process::start(Path::new(ALERTMANAGER), &arguments, &[], &log).unwrap();
    let base = format!("http://127.0.0.1:{port}");
    let client = reqwest::Client::new();
    let get = async |path: &str| -> Option<Value> {
        let answer = client.get(format!("{base}{path}")).send().await.ok()?;
        serde_json::from_str(&answer.text().await.ok()?).ok()
    };
    patiently("the Alertmanager is ready", async || get("/api/v2/status").await).await;

    let alerts = start(directory.path(), spec(ChannelType::Alertmanager, &format!("{base}/"))).await;
    let mut warned = blocked("sha256:aa");
    warned.event = Event::Warned;
    alerts.observe(observed("myapp", vec![warned]));
    let firing = async |count: usize| {
        let found = get("/api/v2/alerts?active=true").await?;
        (found.as_array()?.len() == count).then_some(found)
    };
    patiently("the warning fires", async || firing(1).await).await;
    // The policy is made stricter: another alert, and the end of both when it is fixed.
    alerts.observe(observed("myapp", vec![blocked("sha256:aa")]));
    let found = patiently("the block fires", async || firing(2).await).await;
    let block = found
        .as_array()
        .unwrap()
        .iter()
        .find(|alert| alert["labels"]["alertname"] == "SeaworthyImageBlocked");
    let block = block.unwrap();
    for (label, expected) in [
        ("severity", "critical"),
        ("namespace", "shop"),
        ("kind", "Deployment"),
        ("name", "myapp"),
        ("image", "myapp:v1"),
        ("digest", "sha256:aa"),
        ("vulnerability", "CVE-2022-23852"),
    ] {
        assert_eq!(block["labels"][label], expected, "{label}");
    }
    assert!(
        block["annotations"]["description"]
            .as_str()
            .unwrap()
            .contains("expat 2.4.1 → 2.4.4")
    );
    assert!(
        block["annotations"]["command"]
            .as_str()
            .unwrap()
            .starts_with("kubectl set image")
    );
    let end: jiff::Timestamp = block["endsAt"].as_str().unwrap().parse().unwrap();
    let hours = (end.as_second() - jiff::Timestamp::now().as_second()) / 3600;
    assert!(
        (4..=6).contains(&hours),
        "it outlives the refresh, and not the operator: {hours} h"
    );
    alerts.observe(observed("myapp", vec![]));
    patiently("nothing fires any more", async || firing(0).await).await;
    assert_eq!(alerts.waiting().await, 0);
    assert_eq!(alerts.outcome("team").unwrap().failure, None);
}

/// A Python with aiosmtpd, made once.
fn aiosmtpd() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let environment = cache.join("seaworthy/aiosmtpd");
    let python = environment.join("bin/python");
    let has_it = || {
        Command::new(&python)
            .args(["-c", "import aiosmtpd"])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if has_it() {
        return Some(python);
    }
    std::fs::create_dir_all(&environment).ok()?;
    let made = Command::new("python3").args(["-m", "venv"]).arg(&environment).output();
    let installed = made.and_then(|_| {
        Command::new(&python)
            .args(["-m", "pip", "install", "-q", "aiosmtpd==1.4.6"])
            .output()
    });
    if has_it() {
        return Some(python);
    }
    eprintln!("SKIPPED: no mail server: `pip install aiosmtpd` in a virtual environment failed: {installed:?}");
    None
}

/// Keeps each mail as a file; `tls` is none, starttls or smtps; demands login where it has one.
const SERVER: &str = r#"
import os, ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

port, folder, tls, certificate, key, login = sys.argv[1:7]

class Keep:
    count = 0
    async def handle_DATA(self, server, session, envelope):
        Keep.count += 1
        secure = b"yes" if server.transport.get_extra_info("ssl_object") else b"no"
        head = b"X-Secure: " + secure + b"\r\nX-Recipients: " + ",".join(envelope.rcpt_tos).encode() + b"\r\n"
        with open(os.path.join(folder, "mail.tmp"), "wb") as file:
            file.write(head + envelope.content)
        os.rename(os.path.join(folder, "mail.tmp"), os.path.join(folder, f"mail-{Keep.count}"))
        return "250 kept"

def check(server, session, envelope, mechanism, data):
    ok = isinstance(data, LoginPassword) and data.login + b":" + data.password == login.encode()
    return AuthResult(success=ok, handled=False)

options = {}
if tls != "none":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    options = {"tls_context": context, "require_starttls": True} if tls == "starttls" else {"ssl_context": context}
if login:
    options |= {"authenticator": check, "auth_required": True, "auth_require_tls": tls == "starttls"}
controller = Controller(Keep(), hostname="127.0.0.1", port=int(port), **options)
controller.start()
open(os.path.join(folder, "ready"), "w").close()
while True:
    time.sleep(3600)
"#;

struct MailServer {
    _process: Process,
    directory: tempfile::TempDir,
    port: u16,
    authority: String,
}

async fn mail_server(tls: &str, login: &str) -> Option<MailServer> {
    let python = aiosmtpd()?;
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let authority = signed.cert.pem();
    std::fs::write(file("server.py"), SERVER).unwrap();
    std::fs::write(file("certificate.pem"), &authority).unwrap();
    std::fs::write(file("key.pem"), signed.signing_key.serialize_pem()).unwrap();
    let port = free_port().unwrap();
    let folder = directory.path().display().to_string();
    let path = |name: &str| file(name).display().to_string();
    let arguments = [
        path("server.py"),
        port.to_string(),
        folder,
        tls.to_owned(),
        path("certificate.pem"),
        path("key.pem"),
        login.to_owned(),
    ];
    let log = file("server.log");
    let process = Process::start(&python, &arguments, &[], &log).unwrap();
    patiently("the mail server is ready", async || {
        file("ready").exists().then_some(())
    })
    .await;
    Some(MailServer {
        _process: process,
        directory,
        port,
        authority,
    })
}

impl MailServer {
    fn channel(&self, url: &str) -> AlertChannelSpec {
        let mut channel = spec(ChannelType::Email, &url.replace("PORT", &self.port.to_string()));
        channel.ca_bundle = Some(self.authority.clone());
        channel.email = Some(EmailSpec {
            from: "Seaworthy <seaworthy@shop.example>".to_owned(),
            to: vec!["ann@shop.example".to_owned(), "Bob <bob@shop.example>".to_owned()],
        });
        channel
    }

    async fn mail(&self, number: usize) -> String {
        let path = self.directory.path().join(format!("mail-{number}"));
        let bytes = patiently("a mail arrives", async || std::fs::read(&path).ok()).await;
        String::from_utf8(bytes).unwrap()
    }
}

#[tokio::test]
async fn mail_goes_in_the_clear_only_on_loopback() {
    let Some(server) = mail_server("none", "").await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let alerts = start(directory.path(), server.channel("smtp://127.0.0.1:PORT")).await;
    let mut news = blocked("sha256:aa");
    news.image = "myapp:v1\r\nBcc: eve@evil.example".to_owned();
    alerts.observe(observed("myapp", vec![news]));
    let mail = server.mail(1).await;
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("X-Recipients: ann@shop.example,bob@shop.example"),
        "{head}"
    );
    assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
    assert!(
        !head.lines().any(|line| line.starts_with("Bcc")),
        "no text of others becomes a header: {head}"
    );
    assert!(body.contains("CVE-2022-23852"), "{body}");
    alerts.observe(observed("myapp", vec![]));
    let end = server.mail(2).await;
    let value = |mail: &str, name: &str| {
        let line = mail
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default();
        line.trim().to_owned()
    };
    assert_eq!(value(&end, "In-Reply-To:"), value(&mail, "Message-ID:"), "one thread");
    assert_eq!(alerts.outcome("team").unwrap().failure, None);
    // Elsewhere a server that offers no TLS gets nothing.
    let demanded = server.channel("smtp://127.0.0.1:PORT?tls=required");
    assert!(alerts.test("team", &demanded, "n").await.is_err());
}

#[tokio::test]
async fn mail_goes_over_to_tls_and_logs_in() {
    let Some(server) = mail_server("starttls", "ann:s3cr3t@").await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let channel = server.channel("smtp://ann:s3cr3t%40@localhost:PORT?tls=required");
    let alerts = start(directory.path(), channel.clone()).await;
    alerts.observe(observed("myapp", vec![blocked("sha256:aa")]));
    let mail = server.mail(1).await;
    assert!(mail.starts_with("X-Secure: yes"), "{mail}");
    let wrong = server.channel("smtp://ann:wr0ng@localhost:PORT?tls=required");
    let failure = alerts.test("team", &wrong, "n").await.unwrap_err();
    assert_eq!(failure.message, "the mail server answered 535");
    let mut unknown = channel;
    unknown.ca_bundle = None;
    let failure = alerts.test("team", &unknown, "n").await.unwrap_err();
    assert!(!format!("{failure:?}").contains("s3cr3t"));
    assert_eq!(failure.reason, "InsecureConnection", "{failure:?}");
}

#[tokio::test]
async fn mail_goes_by_tls_from_the_start() {
    let Some(server) = mail_server("smtps", "").await else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let alerts = start(directory.path(), server.channel("smtps://localhost:PORT")).await;
    alerts.observe(observed("myapp", vec![blocked("sha256:aa")]));
    assert!(server.mail(1).await.starts_with("X-Secure: yes"));
}

#[tokio::test]
async fn addresses_that_are_none_are_refused_before_anything_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let mut channel = spec(ChannelType::Email, "smtps://mail.example");
    let alerts = start(directory.path(), channel.clone()).await;
    for (from, to, fits) in [
        ("a@b.example", "c@d.example", true),
        ("A B <a@b.example>", "c@d.example", true),
        ("nobody", "c@d.example", false),
        ("a@b.example", "c@d.example\r\nBcc: x@y.example", false),
    ] {
        channel.email = Some(EmailSpec {
            from: from.to_owned(),
            to: vec![to.to_owned()],
        });
        let found = alerts.check(&channel).await.err().map(|failure| failure.reason);
        assert_eq!(found, (!fits).then_some("InvalidAddress"), "{from} {to}");
        // What the check says is what the mail's own parser says.
        assert_eq!(to.parse::<Mailbox>().is_ok() && from.parse::<Mailbox>().is_ok(), fits);
    }
}
