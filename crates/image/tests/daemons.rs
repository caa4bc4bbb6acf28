//! Docker and Podman behind their sockets: answers recorded from real daemons, served on a real Unix socket; and, where
//! asked for with `--ignored`, the daemons themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use seaworthy_image::{Daemons, Endpoint, Error, Image, ImageSource, Progress, SourceOptions, open_reference};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ID: &str = "sha256:aa8f35805aebca50a47638eb050a3560681fd5ee7280d7650372579138140783";
const LAYERS: [&str; 2] = [
    "sha256:0f852dfb45f57245b13037332c80e57351afaa5b33e73e5f2dbd2b4bad91997d",
    "sha256:845e0407065428a2a75077e6fb12b4910a86efd61fa9756637e4c9c6ab617993",
];

/// A daemon that answers what was recorded, and notes what it was asked.
struct Recorded {
    socket: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
    _directory: tempfile::TempDir,
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

fn serve(answers: Vec<(String, Vec<u8>)>) -> Recorded {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("daemon.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&asked);
    let answers: Arc<HashMap<String, Vec<u8>>> = Arc::new(answers.into_iter().collect());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answers, notes) = (Arc::clone(&answers), Arc::clone(&notes));
            std::thread::spawn(move || answer(stream, &answers, &notes));
        }
    });
    Recorded {
        socket,
        asked,
        _directory: directory,
    }
}

/// Answers one connection; one request each is enough for HTTP with `Connection: close`.
fn answer(mut stream: UnixStream, answers: &HashMap<String, Vec<u8>>, notes: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    while lines.next()?.ok()?.trim() != "" {}
    let path = request.split(' ').nth(1)?.to_owned();
    let (status, body) = match answers.get(&path) {
        Some(body) => ("200 OK", body.clone()),
        None => ("404 Not Found", br#"{"message":"no such image"}"#.to_vec()),
    };
    notes.lock().unwrap().push(path);
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}

fn options(source: ImageSource, socket: &Path) -> SourceOptions {
    let endpoints = vec![
        Endpoint::Socket("/nowhere/at/all.sock".into()),
        Endpoint::Socket(socket.into()),
    ];
    let mut daemons = Daemons::default();
    match source {
        ImageSource::Docker => daemons.docker = endpoints,
        _ => daemons.podman = endpoints,
    }
    SourceOptions {
        sources: vec![source],
        daemons,
        ..SourceOptions::default()
    }
}

fn docker() -> Recorded {
    serve(vec![
        ("/images/myapp:v1/json".into(), fixture("docker-20.10/inspect.json")),
        (format!("/images/{ID}/history"), fixture("docker-20.10/history.json")),
        (format!("/images/{ID}/get"), fixture("docker-20.10/export.tar")),
    ])
}

fn podman() -> Recorded {
    serve(vec![
        (
            "/v4.0.0/libpod/images/myapp:v1/json".into(),
            fixture("podman-4.3/inspect.json"),
        ),
        (format!("/images/{ID}/get"), fixture("podman-4.3/export.tar")),
    ])
}

/// The indexes of a layer, and its bytes or why they could not be read.
type Content = (Vec<usize>, Result<Vec<u8>, Error>);

/// The content of the layers with these indexes, as far as they could be read.
fn contents(image: &Image, wanted: &[usize]) -> Vec<Content> {
    let mut all = Vec::new();
    for stream in image.streams(wanted) {
        all.extend(stream.read(&Progress::default(), |_, reader| {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map(|_| bytes)
        }));
    }
    all.sort_by(|(left, _), (right, _)| left.cmp(right));
    all
}

/// The names of the members of a tar archive.
fn names(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap())
        .collect()
}

fn check_image(image: &Image) {
    let metadata = image.metadata();
    assert_eq!(metadata.image_id.unwrap().to_string(), ID);
    assert_eq!(metadata.repo_tags, ["localhost/myapp:v1"]);
    assert_eq!(metadata.platform.as_ref().unwrap().to_string(), "linux/amd64");
    let layers: Vec<String> = metadata
        .layers
        .iter()
        .map(|layer| layer.diff_id.unwrap().to_string())
        .collect();
    assert_eq!(layers, LAYERS);
    assert!(
        metadata.layers[1]
            .created_by
            .as_ref()
            .unwrap()
            .contains("/lib/apk/db/installed")
    );
    let read = contents(image, &[0, 1]);
    assert_eq!(read.len(), 2);
    assert!(names(read[0].1.as_ref().unwrap()).contains(&"etc/alpine-release".to_owned()));
    assert!(names(read[1].1.as_ref().unwrap()).contains(&"lib/apk/db/installed".to_owned()));
}

#[test]
fn an_image_of_docker_is_read_from_its_export() {
    let daemon = docker();
    check_image(&open_reference("myapp:v1", &options(ImageSource::Docker, &daemon.socket)).unwrap());
}

#[test]
fn an_image_of_podman_is_read_from_its_export() {
    let daemon = podman();
    check_image(&open_reference("podman:myapp:v1", &options(ImageSource::Podman, &daemon.socket)).unwrap());
}

#[test]
fn nothing_is_exported_until_a_layer_must_be_read() {
    let daemon = docker();
    let image = open_reference("myapp:v1", &options(ImageSource::Docker, &daemon.socket)).unwrap();
    assert!(!daemon.asked.lock().unwrap().iter().any(|path| path.ends_with("/get")));
    let read = contents(&image, &[1]);
    assert_eq!(read.len(), 1, "only the layer that was asked for is handed over");
    assert_eq!(read[0].0, [1]);
}

#[test]
fn an_image_that_is_not_there_says_where_it_was_looked_for() {
    let daemon = docker();
    let error = open_reference("myap:v1", &options(ImageSource::Docker, &daemon.socket)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unable to find image \"myap:v1\"\n  tried: docker (no such image)"
    );
    let options = options(ImageSource::Docker, Path::new("/nowhere.sock"));
    let error = open_reference("myap:v1", &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unable to find image \"myap:v1\"\n  tried: docker (not running)"
    );
}

#[test]
fn an_image_for_another_platform_is_not_the_image() {
    let daemon = docker();
    let mut options = options(ImageSource::Docker, &daemon.socket);
    options.platform = Some("linux/arm64".parse().unwrap());
    let error = open_reference("myapp:v1", &options).unwrap_err();
    assert!(error.to_string().contains("docker (has it for linux/amd64)"), "{error}");
}

#[test]
fn an_export_without_a_layer_is_an_error_that_names_it() {
    let mut export = fixture("docker-20.10/export.tar");
    // One byte of the second layer's package database: it is then another layer.
    let at = export.windows(6).position(|window| window == b"P:musl").unwrap();
    export[at + 2] = b'M';
    let daemon = serve(vec![
        ("/images/myapp:v1/json".into(), fixture("docker-20.10/inspect.json")),
        (format!("/images/{ID}/get"), export),
    ]);
    let image = open_reference("myapp:v1", &options(ImageSource::Docker, &daemon.socket)).unwrap();
    let failed: Vec<String> = contents(&image, &[0, 1])
        .into_iter()
        .filter_map(|(_, read)| Some(read.err()?.to_string()))
        .collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].contains(LAYERS[1]), "{failed:?}");
}

#[test]
fn an_export_that_breaks_off_is_an_error() {
    let mut export = fixture("podman-4.3/export.tar");
    export.truncate(4096);
    let daemon = serve(vec![
        (
            "/v4.0.0/libpod/images/myapp:v1/json".into(),
            fixture("podman-4.3/inspect.json"),
        ),
        (format!("/images/{ID}/get"), export),
    ]);
    let image = open_reference("myapp:v1", &options(ImageSource::Podman, &daemon.socket)).unwrap();
    let read = contents(&image, &[0, 1]);
    assert!(read.iter().any(|(_, read)| read.is_err()));
}

/// A daemon started for a test, with all it keeps in a directory of its own.
struct Running {
    child: Child,
    directory: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(socket: &Path) {
    let started = Instant::now();
    while UnixStream::connect(socket).is_err() {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "nothing answers on {}",
            socket.display()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
#[ignore = "needs podman (Debian package podman) and the right to run it"]
fn the_real_podman_gives_the_image_that_it_built() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let podman = || {
        let mut command = Command::new("podman");
        command
            .arg("--root")
            .arg(at("root"))
            .arg("--runroot")
            .arg(at("run"))
            .args(["--storage-driver", "vfs"]);
        command
    };
    std::fs::write(at("release"), "3.20.1\n").unwrap();
    std::fs::write(at("installed"), "P:musl\nV:1.2.5-r0\nA:x86_64\n\n").unwrap();
    let steps = "FROM scratch\nCOPY release /etc/alpine-release\nCOPY installed /lib/apk/db/installed\n";
    std::fs::write(at("Containerfile"), steps).unwrap();
    run(podman()
        .args(["build", "--quiet", "--tag", "myapp:v1", "--file"])
        .arg(at("Containerfile"))
        .arg(directory.path()));
    let socket = at("podman.sock");
    let child = podman()
        .args(["system", "service", "--time", "60"])
        .arg(format!("unix://{}", socket.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running { child, directory };
    wait_for(&socket);
    let image = open_reference("myapp:v1", &options(ImageSource::Podman, &socket)).unwrap();
    let read = contents(&image, &[0, 1]);
    let last = read.last().unwrap().1.as_ref().unwrap();
    assert!(names(last).contains(&"lib/apk/db/installed".to_owned()));
    drop(running);
}

#[test]
#[ignore = "needs dockerd (Debian package docker.io) and root"]
fn the_real_docker_gives_the_image_that_it_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let socket = at("docker.sock");
    let host = format!("unix://{}", socket.display());
    let child = Command::new("dockerd")
        .arg("--data-root")
        .arg(at("data"))
        .arg("--exec-root")
        .arg(at("exec"))
        .arg("--pidfile")
        .arg(at("pid"))
        .args([
            "--host",
            &host,
            "--iptables=false",
            "--ip6tables=false",
            "--bridge=none",
            "--storage-driver=vfs",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running { child, directory };
    wait_for(&socket);
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/podman-4.3/export.tar");
    run(Command::new("docker")
        .args(["--host", &host, "load", "--input"])
        .arg(archive));
    let image = open_reference(ID, &options(ImageSource::Docker, &socket)).unwrap();
    let read = contents(&image, &[0, 1]);
    assert!(names(read[1].1.as_ref().unwrap()).contains(&"lib/apk/db/installed".to_owned()));
    run(Command::new("kill").arg(
        std::fs::read_to_string(running.directory.path().join("pid"))
            .unwrap()
            .trim(),
    ));
    drop(running);
}

#[test]
#[ignore = "needs containerd (Debian package containerd) and root"]
fn the_real_containerd_gives_the_image_that_was_imported() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let socket = at("containerd.sock");
    let plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs"];
    std::fs::write(
        at("config.toml"),
        format!(
            "version = 2\nroot = {:?}\nstate = {:?}\ndisabled_plugins = {plugins:?}\n[grpc]\naddress = {socket:?}\n[ttrpc]\naddress = {:?}\n",
            at("root"),
            at("state"),
            at("containerd.ttrpc")
        ),
    )
    .unwrap();
    let child = Command::new("containerd")
        .arg("--config")
        .arg(at("config.toml"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running { child, directory };
    wait_for(&socket);
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/podman-4.3/export.tar");
    let import = |namespace: &str, name: &str| {
        let mut command = Command::new("ctr");
        command
            .arg("--address")
            .arg(&socket)
            .args(["--namespace", namespace, "images", "import", "--no-unpack"]);
        run(command.args(["--index-name", name]).arg(&archive));
    };
    import("moby", "docker.io/library/shop:v1");
    import("default", "localhost/myapp:v1");
    let options = |namespaces: &[&str]| SourceOptions {
        sources: vec![ImageSource::Containerd],
        daemons: Daemons {
            containerd: vec![socket.clone()],
            containerd_namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
            ..Daemons::default()
        },
        ..SourceOptions::default()
    };
    let image = open_reference("localhost/myapp:v1", &options(&["k8s.io", "default", "moby"])).unwrap();
    assert_eq!(image.metadata().image_id.unwrap().to_string(), ID);
    let read = contents(&image, &[0, 1]);
    assert!(names(read[1].1.as_ref().unwrap()).contains(&"lib/apk/db/installed".to_owned()));
    let image = open_reference("containerd:shop:v1", &options(&["moby"])).unwrap();
    assert_eq!(image.metadata().image_id.unwrap().to_string(), ID);
    let elsewhere = open_reference("shop:v1", &options(&["k8s.io"])).unwrap_err();
    assert!(
        elsewhere.to_string().contains("containerd (no such image)"),
        "{elsewhere}"
    );
    let other = open_reference("shop:v2", &options(&["moby"])).unwrap_err();
    assert!(other.to_string().contains("containerd (no such image)"), "{other}");
    drop(running);
}
