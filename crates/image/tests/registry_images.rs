//! Images by reference: from a real registry, through its faults, and the words for what went wrong.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use seaworthy_image::{
    ClientOptions, Credentials, DocumentCache, Error, Image, ImageSource, Network, Retry, SourceOptions, Timeouts,
    open_reference, platforms,
};
use seaworthy_model::{Digest, limits};
use seaworthy_testkit::{
    Fault, FaultProxy, ImageBuilder, LayerBuilder, OCI_INDEX, OCI_MANIFEST, RegistryServer, Rule, Stored,
};
use serde_json::json;
use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn options() -> SourceOptions {
    let options = ClientOptions {
        retry: Retry {
            attempts: 3,
            first: Duration::from_millis(5),
            longest: Duration::from_millis(20),
            longest_asked: Duration::from_secs(2),
        },
        timeouts: Timeouts {
            response: Duration::from_secs(2),
            idle: Duration::from_secs(2),
            ..Timeouts::default()
        },
        ..ClientOptions::default()
    };
    SourceOptions {
        sources: vec![ImageSource::Registry],
        network: Network::new(options, Credentials::anonymous()),
        ..SourceOptions::default()
    }
}

fn layer(name: &str, length: usize) -> LayerBuilder {
    let mut state = 0x2545_f491_4f6c_dd1d_u64 ^ length as u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    LayerBuilder::new().file(name, (0..length).map(next).collect::<Vec<_>>())
}

fn image(architecture: &str) -> ImageBuilder {
    let mut image = ImageBuilder::new().architecture(architecture);
    for (index, stored) in [Stored::Gzip, Stored::Zstd, Stored::Plain, Stored::Gzip, Stored::Gzip]
        .iter()
        .enumerate()
    {
        image = image.layer(layer(&format!("file{index}"), 200_000 + index * 50_000), *stored);
    }
    image
}

/// The plain bytes of every layer.
fn read(image: &Image) -> Result<Vec<Vec<u8>>, Error> {
    let all: Vec<usize> = (0..image.metadata().layers.len()).collect();
    let mut layers = vec![Vec::new(); all.len()];
    for stream in image.streams(&all) {
        let results = stream.read(&seaworthy_image::Progress::default(), |_, reader| {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes)?;
            Ok(bytes)
        });
        for (indexes, result) in results {
            let bytes = result?;
            for index in indexes {
                layers[index].clone_from(&bytes);
            }
        }
    }
    Ok(layers)
}

/// The message with its causes, as the command line shows it.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(current) = cause {
        text.push_str(&format!(": {current}"));
        cause = current.source();
    }
    text
}

#[derive(Debug, Default)]
struct Memory(Mutex<HashMap<Digest, Vec<u8>>>);

impl DocumentCache for Memory {
    fn get(&self, digest: Digest) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(&digest).cloned()
    }
    fn put(&self, digest: Digest, bytes: &[u8]) {
        self.0.lock().unwrap().insert(digest, bytes.to_vec());
    }
}

#[test]
fn an_image_in_a_registry_has_the_layers_of_the_same_image_in_a_layout() {
    let Some(server) = RegistryServer::start() else { return };
    let digest = server.push("team/app", "v1", &image("amd64"));
    let directory = tempfile::tempdir().unwrap();
    image("amd64").write_layout(directory.path()).unwrap();
    let local = seaworthy_image::open_input(directory.path().to_str().unwrap(), None).unwrap();
    let name = format!("{}/team/app", server.host());
    let remote = open_reference(&format!("{name}:v1"), &options()).unwrap();
    assert!(read(&remote).unwrap() == read(&local).unwrap());
    let metadata = remote.metadata();
    assert_eq!(metadata.layers, local.metadata().layers);
    assert_eq!(metadata.image_id, local.metadata().image_id);
    assert_eq!(metadata.manifest_digest.unwrap().to_string(), digest);
    assert_eq!(metadata.repo_tags, [format!("{name}:v1")]);
    assert_eq!(metadata.repo_digests, [format!("{name}@{digest}")]);
    let pinned = open_reference(&format!("registry:{name}@{digest}"), &options()).unwrap();
    assert_eq!(pinned.metadata().repo_tags, Vec::<String>::new());
    assert!(read(&pinned).unwrap() == read(&local).unwrap());
}

#[test]
fn a_connection_cut_in_the_middle_and_a_stale_token_cost_nothing() {
    let Some(server) = RegistryServer::start() else { return };
    server.push("app", "v1", &image("amd64"));
    let rules = vec![
        Rule::once("/blobs/", Fault::None),
        Rule::once("/blobs/", Fault::Cut(100_000)),
        Rule::once("/blobs/", Fault::Cut(50_000)),
        Rule::once("/blobs/", Fault::Drip(20_000, Duration::from_millis(5))),
    ];
    let proxy = FaultProxy::start(server.host(), rules);
    let through = open_reference(&format!("{}/app:v1", proxy.host()), &options()).unwrap();
    let straight = open_reference(&format!("{}/app:v1", server.host()), &options()).unwrap();
    assert!(read(&through).unwrap() == read(&straight).unwrap());
}

#[test]
fn a_layer_with_wrong_bytes_is_thrown_away_and_named() {
    let Some(server) = RegistryServer::start() else { return };
    server.push(
        "app",
        "v1",
        &ImageBuilder::new().layer(layer("a", 200_000), Stored::Plain),
    );
    let rules = vec![
        Rule::once("/blobs/", Fault::None),
        Rule::always("/blobs/", Fault::WrongByte(100_000)),
    ];
    let proxy = FaultProxy::start(server.host(), rules);
    let image = open_reference(&format!("{}/app:v1", proxy.host()), &options()).unwrap();
    let error = read(&image).unwrap_err();
    assert!(matches!(error, Error::WrongDigest { .. }), "{error:?}");
    let digest = image.metadata().layers[0].digest.unwrap().to_string();
    assert!(error.to_string().contains(&digest), "{error}");
}

#[test]
fn a_registry_that_fails_for_good_is_named_with_advice() {
    let Some(server) = RegistryServer::start() else { return };
    server.push("app", "v1", &image("amd64"));
    let rules = vec![
        Rule::once("/blobs/", Fault::None),
        Rule::always("/blobs/", Fault::Cut(0)),
    ];
    let proxy = FaultProxy::start(server.host(), rules);
    let image = open_reference(&format!("{}/app:v1", proxy.host()), &options()).unwrap();
    let error = read(&image).unwrap_err();
    assert!(
        chain(&error).contains(&format!("{} broke off blob sha256:", proxy.host())),
        "{}",
        chain(&error)
    );
    assert!(error.hint().is_some());
}

#[test]
fn the_network_ends_at_the_deadline() {
    let Some(server) = RegistryServer::start() else { return };
    server.push("app", "v1", &image("amd64"));
    let rules = vec![
        Rule::once("/blobs/", Fault::None),
        Rule::always("/blobs/", Fault::Drip(10, Duration::from_millis(50))),
    ];
    let proxy = FaultProxy::start(server.host(), rules);
    let started = Instant::now();
    let late = SourceOptions {
        deadline: Some(started + Duration::from_millis(400)),
        ..options()
    };
    let image = open_reference(&format!("{}/app:v1", proxy.host()), &late).unwrap();
    assert!(read(&image).is_err());
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[test]
fn a_known_image_costs_one_request_and_a_lying_cache_is_found_out() {
    let Some(server) = RegistryServer::start() else { return };
    server.push_index(
        "app",
        "v1",
        &[("linux/amd64", &image("amd64")), ("linux/arm64/v8", &image("arm64"))],
    );
    let proxy = FaultProxy::start(server.host(), vec![]);
    let name = format!("{}/app:v1", proxy.host());
    let cache = Arc::new(Memory::default());
    let options = SourceOptions {
        documents: Some(Arc::clone(&cache) as Arc<dyn DocumentCache>),
        ..options()
    };
    let first = open_reference(&name, &options).unwrap();
    assert_eq!(proxy.requests().len(), 3);
    proxy.forget();
    let again = open_reference(&name, &options).unwrap();
    assert_eq!(proxy.requests().len(), 1);
    assert_eq!(first.metadata(), again.metadata());
    for bytes in cache.0.lock().unwrap().values_mut() {
        *bytes = b"{}".to_vec();
    }
    let honest = open_reference(&name, &options).unwrap();
    assert_eq!(first.metadata(), honest.metadata());
}

#[test]
fn the_platform_decides_and_what_is_there_is_listed() {
    let Some(server) = RegistryServer::start() else { return };
    let images = ["amd64", "arm", "arm64"].map(|architecture| {
        let image = ImageBuilder::new().architecture(architecture);
        image.layer(LayerBuilder::new().file("a", architecture), Stored::Gzip)
    });
    let digest = server.push_index(
        "app",
        "v1",
        &[
            ("linux/amd64", &images[0]),
            ("linux/arm/v7", &images[1]),
            ("linux/arm64/v8", &images[2]),
            ("unknown/unknown", &images[0]),
        ],
    );
    let name = format!("{}/app:v1", server.host());
    let open = |platform: &str| {
        let options = SourceOptions {
            platform: Some(platform.parse().unwrap()),
            ..options()
        };
        open_reference(&name, &options)
    };
    for (platform, architecture) in [
        ("linux/arm64", "arm64"),
        ("linux/arm64/v8", "arm64"),
        ("linux/amd64", "amd64"),
    ] {
        let image = open(platform).unwrap();
        assert_eq!(image.metadata().platform.as_ref().unwrap().architecture, architecture);
        assert_eq!(
            image.metadata().repo_digests,
            [format!("{}/app@{digest}", server.host())]
        );
        assert_ne!(image.metadata().manifest_digest.unwrap().to_string(), digest);
    }
    let error = open("linux/arm/v6").unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("no image for linux/arm/v6") && text.contains("linux/amd64, linux/arm/v7, linux/arm64/v8"),
        "{text}"
    );
    assert_eq!(error.hint().unwrap(), "choose one of them with --platform");
    let all: Vec<String> = platforms(&name, &options())
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(all, ["linux/amd64", "linux/arm/v7", "linux/arm64/v8"]);
    server.push_index("other", "v1", &[("plan9/mips", &images[0]), ("plan9/386", &images[1])]);
    let other = platforms(&format!("{}/other:v1", server.host()), &options()).unwrap();
    assert_eq!(other.len(), 2);
}

#[test]
fn an_image_that_nobody_has_gets_the_message_that_tells_what_to_do() {
    let Some(server) = RegistryServer::start() else { return };
    let name = format!("{}/myap:v1", server.host());
    let error = open_reference(&name, &options()).unwrap_err();
    let expected = format!(
        "unable to find image {name:?}\n  tried: registry {} (not found)",
        server.host()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(
        error.hint().unwrap(),
        "check the spelling, `docker pull` it first, or log in if it is private"
    );
}

#[test]
fn every_failure_has_its_own_words_and_advice() {
    let Some(server) = RegistryServer::start() else { return };
    let answer = |status: u16, header: &str, body: &str| {
        let fault = Fault::Answer {
            status,
            headers: vec![header.to_owned()],
            body: body.as_bytes().to_vec(),
        };
        vec![Rule::always("/v2/", fault)]
    };
    let manifest = |config: &str, layer: &str| {
        let empty = server.put_blob("x", b"{}");
        let descriptor = |kind: &str| json!({"mediaType": kind, "digest": empty, "size": 2});
        json!({"schemaVersion": 2, "config": descriptor(config), "layers": [descriptor(layer)]}).to_string()
    };
    let image_config = "application/vnd.oci.image.config.v1+json";
    let tar = "application/vnd.oci.image.layer.v1.tar";
    let chart = manifest(
        "application/vnd.cncf.helm.config.v1+json",
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    );
    let signature = manifest(image_config, "application/vnd.dev.cosign.simplesigning.v1+json");
    let both = json!({"schemaVersion": 2, "manifests": [], "layers": []}).to_string();
    let layers = vec![json!({"mediaType": tar, "digest": format!("sha256:{}", "0".repeat(64)), "size": 1}); 10_000];
    let many = json!({"schemaVersion": 2, "config": {"mediaType": image_config, "digest": format!("sha256:{}", "0".repeat(64)), "size": 2}, "layers": layers}).to_string();
    let strange =
        json!({"schemaVersion": 2, "config": {"mediaType": image_config, "digest": "md5:00", "size": 2}, "layers": []})
            .to_string();
    let one = json!({"schemaVersion": 1, "name": "x", "fsLayers": []}).to_string();
    let oci = format!("content-type: {OCI_MANIFEST}");
    for (rules, message, word) in [
        (
            answer(401, "www-authenticate: Basic realm=x", ""),
            "does not let anybody read app without a login",
            "not found, or private",
        ),
        (
            answer(403, "x: y", ""),
            "does not let anybody read app",
            "not found, or private",
        ),
        (
            answer(429, "retry-after: 100", ""),
            "limits the rate of requests; it asks to wait 100 s",
            "rate limited",
        ),
        (answer(500, "x: y", ""), "answered app:v1 with status 500", "status 500"),
        (
            answer(302, "location: http://169.254.169.254/", ""),
            "which is refused",
            "redirect refused",
        ),
        (
            answer(200, "content-type: text/html", "<html>"),
            "it is no JSON document (content type text/html)",
            "",
        ),
        (answer(200, &oci, "{}"), "it is no manifest", ""),
        (
            answer(200, &oci, &chart),
            "is not an image but an artifact of type application/vnd.cncf.helm.config.v1+json",
            "not an image",
        ),
        (
            answer(200, &oci, &signature),
            "artifact of type application/vnd.dev.cosign.simplesigning.v1+json",
            "not an image",
        ),
        (answer(200, &oci, &one), "manifest of schema 1", "manifest of schema 1"),
        (answer(200, &oci, &both), "can be read in two ways", ""),
        (
            answer(200, &format!("content-type: {OCI_INDEX}"), &chart),
            "can be read in two ways",
            "",
        ),
        (
            answer(200, &oci, &many),
            "the image has 10000 layers, more than 1024",
            "",
        ),
        (answer(200, &oci, &strange), "has no sha256 digest: md5:00", ""),
    ] {
        let proxy = FaultProxy::alone(rules);
        let error = open_reference(&format!("{}/app:v1", proxy.host()), &options()).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("unable to read image"), "{text}");
        assert!(text.contains(message), "{message:?} is not in {text}");
        assert!(text.contains(&format!("({word}")), "{word:?} is not in {text}");
    }
}

#[test]
fn huge_annotations_are_read_up_to_the_limit_of_a_manifest() {
    let Some(server) = RegistryServer::start() else { return };
    let mut manifest: serde_json::Value = serde_json::from_slice(&server.push_blobs("app", &image("amd64"))).unwrap();
    let mut ask = |bytes: usize| {
        manifest["annotations"] = json!({"a": "x".repeat(bytes)});
        let fault = Fault::Answer {
            status: 200,
            headers: vec![format!("content-type: {OCI_MANIFEST}")],
            body: manifest.to_string().into_bytes(),
        };
        let proxy = FaultProxy::start(server.host(), vec![Rule::always("/manifests/", fault)]);
        open_reference(&format!("{}/app:v1", proxy.host()), &options())
    };
    ask(3 << 20).unwrap();
    let error = ask(usize::try_from(limits::MANIFEST_BYTES).unwrap()).unwrap_err();
    assert!(error.to_string().contains("is larger than 8388608 bytes"), "{error}");
}

#[test]
fn addresses_of_layers_elsewhere_are_not_followed() {
    let Some(server) = RegistryServer::start() else { return };
    let elsewhere = FaultProxy::alone(vec![]);
    let mut manifest: serde_json::Value = serde_json::from_slice(&server.push_blobs("app", &image("amd64"))).unwrap();
    let missing = format!("sha256:{}", "1".repeat(64));
    manifest["layers"][0]["digest"] = missing.clone().into();
    manifest["layers"][0]["urls"] = json!([format!("http://{}/layer", elsewhere.host())]);
    let fault = Fault::Answer {
        status: 200,
        headers: vec![format!("content-type: {OCI_MANIFEST}")],
        body: manifest.to_string().into_bytes(),
    };
    let proxy = FaultProxy::start(server.host(), vec![Rule::always("/manifests/", fault)]);
    let image = open_reference(&format!("{}/app:v1", proxy.host()), &options()).unwrap();
    let error = read(&image).unwrap_err();
    assert!(
        chain(&error).contains(&format!("has no blob {missing}")),
        "{}",
        chain(&error)
    );
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_prefix_names_one_source_and_a_single_word_behind_it_may_be_a_tag() {
    let nothing = SourceOptions {
        sources: vec![],
        ..options()
    };
    let mirror = FaultProxy::alone(vec![]);
    let network = Network::new(
        ClientOptions {
            mirrors: vec![seaworthy_image::Mirror {
                host: "docker.io".into(),
                url: format!("http://{}", mirror.host()),
            }],
            retry: Retry {
                attempts: 1,
                ..Retry::default()
            },
            ..ClientOptions::default()
        },
        Credentials::anonymous(),
    );
    let only_registry = SourceOptions { network, ..options() };
    let _ = open_reference("docker:cli", &only_registry);
    let asked: Vec<String> = mirror.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(
        asked,
        ["/v2/library/docker/manifests/cli"],
        "the image docker:cli is looked for too"
    );
    let error = open_reference("Alpine", &nothing).unwrap_err();
    assert!(error.to_string().contains("lower case"), "{error}");
    let directory = tempfile::tempdir().unwrap();
    image("amd64").write_layout(directory.path()).unwrap();
    let path = directory.path().display();
    open_reference(&format!("oci-dir:{path}"), &nothing).unwrap();
    let error = open_reference(&format!("docker-archive:{path}"), &nothing).unwrap_err();
    assert!(
        matches!(error, Error::MissingBlob { .. } | Error::NotAnImage { .. }),
        "{error:?}"
    );
    let id = "0123456789abcdef".repeat(4);
    let error = open_reference(&id, &options()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("registry (an image id, which no registry knows)"),
        "{error}"
    );
}

#[test]
fn an_abandoned_image_leaves_nothing_running() {
    let Some(server) = RegistryServer::start() else { return };
    server.push("app", "v1", &image("amd64"));
    let rules = vec![
        Rule::once("/blobs/", Fault::None),
        Rule::always("/blobs/", Fault::Silence),
    ];
    let proxy = FaultProxy::start(server.host(), rules);
    let started = Instant::now();
    {
        let options = options();
        let image = open_reference(&format!("{}/app:v1", proxy.host()), &options).unwrap();
        let streams = image.streams(&[0, 1, 2, 3]);
        std::thread::spawn(move || {
            for stream in streams {
                let _ = stream.read(&seaworthy_image::Progress::default(), |_, _| Ok(()));
            }
        });
        std::thread::sleep(Duration::from_millis(100));
    }
    // What is silent is waited for three times, two seconds each.
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}
