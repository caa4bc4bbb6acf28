//! Seeds of images: archives, layers, what registries and daemons answer.

use crate::{Corpus, parts};
use seaworthy_fuzz::{oci_parts, put_part};
use seaworthy_testkit::{ImageBuilder, LayerBuilder, Stored, example_image};

pub fn archives(corpus: &Corpus) {
    for fixed in [false, true] {
        corpus.choose("image_archive", "docker", 0, &example_image(fixed).docker_archive());
        corpus.choose("image_archive", "oci", 0, &example_image(fixed).oci_archive());
    }
    let lower = LayerBuilder::new()
        .directory("etc")
        .file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n")
        .file("lib/apk/db/installed", "P:musl\nV:1.2.5-r0\n\n")
        .symbolic_link("usr/lib/apk", "../../lib/apk")
        .hard_link("lib/apk/db/copy", "lib/apk/db/installed");
    let upper = LayerBuilder::new()
        .whiteout("etc/os-release")
        .opaque("lib/apk/db")
        .symbolic_link("etc/os-release", "../usr/lib/os-release")
        .file("usr/lib/os-release", "ID=debian\nVERSION_ID=12\n");
    let (lower_tar, upper_tar) = (lower.into_tar(), upper.into_tar());
    for form in 0..2 {
        corpus.choose("layer_walk", "two", form, &parts(&[&lower_tar, &upper_tar]));
    }
    for (name, stored) in [("plain", Stored::Plain), ("gzip", Stored::Gzip), ("zstd", Stored::Zstd)] {
        let image = ImageBuilder::new()
            .tar_layer(lower_tar.clone(), stored)
            .tar_layer(upper_tar.clone(), stored);
        for form in 0..2 {
            corpus.choose("image_archive", name, form, &image.oci_archive());
        }
    }
    let index = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"@manifest","size":@manifest-size,"platform":{"os":"linux","architecture":"amd64","variant":"v1"},"annotations":{"org.opencontainers.image.ref.name":"v1"}}]}"#;
    let manifest = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"@config","size":@config-size},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"@layer","size":@layer-size}]}"#;
    let config = br#"{"architecture":"amd64","os":"linux","created":"2026-01-01T00:00:00Z","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]},"history":[{"created_by":"a","empty_layer":true}]}"#;
    let mut documents = parts(&[index, manifest, config]);
    documents.extend(&lower_tar);
    corpus.choose("image_archive", "documents", 2, &documents);
}

pub fn registries(corpus: &Corpus) {
    let hex = "0123456789abcdef".repeat(4);
    let references = [
        "alpine".to_owned(),
        "library/alpine:3.20".to_owned(),
        format!("host:5000/a/b@sha256:{hex}"),
        format!("[2001:db8::1]:5000/a_b/c--d:v1@sha256:{hex}"),
        "localhost/App:latest".to_owned(),
        hex.clone(),
    ];
    for (index, reference) in references.iter().enumerate() {
        corpus.add("reference", &index.to_string(), reference.as_bytes());
    }
    let challenges = [
        r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull""#,
        r#"Basic realm="a\"b" , charset=UTF-8"#,
        "Negotiate YIIabc==, Basic realm=x",
    ];
    for (index, challenge) in challenges.iter().enumerate() {
        corpus.add("www_authenticate", &index.to_string(), challenge.as_bytes());
    }
    let configs = [
        r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"},"*.gcr.io:443":{"username":"a","password":"b"},"ghcr.io/a":{"auth":"PHRva2VuPjo=","identitytoken":"t"}},"credHelpers":{"a":"b"},"credsStore":"c"}"#,
        r#"{"ghcr.io":{"auth":"YTpi"}}"#,
    ];
    for (index, config) in configs.iter().enumerate() {
        corpus.add("docker_config", &index.to_string(), config.as_bytes());
    }
    let descriptor = format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:{hex}","size":2,"platform":{{"os":"linux","architecture":"arm","variant":"v6"}},"urls":["http://a"]}}"#
    );
    let documents = [
        format!(r#"{{"schemaVersion":2,"manifests":[{descriptor},{descriptor}]}}"#),
        format!(r#"{{"schemaVersion":2,"config":{descriptor},"layers":[{descriptor}],"annotations":{{"a":"b"}}}}"#),
        r#"{"schemaVersion":1,"fsLayers":[]}"#.to_owned(),
    ];
    for (index, document) in documents.iter().enumerate() {
        corpus.choose("registry_manifest", "document", index, document.as_bytes());
    }
}

/// One message of containerd behind its head of five bytes.
fn message(fields: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend((fields.len() as u32).to_be_bytes());
    bytes.extend(fields);
    bytes
}

/// A field of bytes in the encoding of protocol buffers.
fn field(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag << 3 | 2, content.len() as u8], content].concat()
}

/// What daemons answer.
pub fn daemons(corpus: &Corpus) {
    let hex = "0123456789abcdef".repeat(4);
    let podman = format!(
        r#"{{"Id":"{hex}","RepoTags":["localhost/x:1"],"RepoDigests":null,"Created":"2026-01-01T00:00:00Z","Architecture":"arm","Variant":"v7","Os":"linux","Config":{{"Labels":{{"a":"b"}}}},"RootFS":{{"Type":"layers","Layers":["sha256:{hex}"]}},"History":[{{"created_by":"ADD"}}]}}"#
    );
    let docker = format!(
        r#"{{"Id":"sha256:{hex}","Created":1,"Author":"x","Architecture":"amd64","Os":"linux","RootFS":{{"Layers":["sha256:{hex}"]}}}}"#
    );
    let history =
        br#"[{"Created":1700000000,"CreatedBy":"CMD","Comment":"c","Size":0},{"Created":-1,"CreatedBy":"ADD","Size":7}]"#;
    for (name, answer) in [("podman", podman), ("docker", docker)] {
        let mut input = parts(&[answer.as_bytes()]);
        input.extend(history);
        corpus.choose("daemon_answers", name, 0, &input);
    }
    let target = [
        field(1, b"application/vnd.oci.image.index.v1+json"),
        field(2, hex.as_bytes()),
    ]
    .concat();
    let image = message(&field(1, &[field(1, b"docker.io/x:1"), field(3, &target)].concat()));
    let content = [
        message(&[&[8, 0][..], &field(2, b"{}")].concat()),
        message(&field(2, b"x")),
    ]
    .concat();
    for piece in [1u8, 7, 255] {
        corpus.choose(
            "daemon_answers",
            &format!("content-{piece}"),
            1,
            &[&[piece][..], &content].concat(),
        );
        corpus.choose(
            "daemon_answers",
            &format!("image-{piece}"),
            2,
            &[&[piece][..], &image].concat(),
        );
    }
    let layer = LayerBuilder::new().file("etc/os-release", "ID=alpine\n").into_tar();
    let mut tar = Vec::new();
    oci_parts::entry(&mut tar, "manifest.json", b"[{}]");
    oci_parts::entry(&mut tar, &format!("{}.tar", oci_parts::hex(&layer)), &layer);
    oci_parts::entry(&mut tar, "other/layer.tar", b"");
    tar.extend([0; 1024]);
    let mut input = parts(&[&layer]);
    input.extend(&tar);
    corpus.choose("daemon_answers", "export", 3, &input);
    for image in [example_image(true).docker_archive(), example_image(true).oci_archive()] {
        let mut input = Vec::new();
        put_part(&mut input, &layer);
        input.extend(&image);
        corpus.choose("daemon_answers", &format!("archive-{}", image.len()), 3, &input);
    }
}
