//! Archives and layouts of every kind open and stream; damaged ones fail with a message that says what and where.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use seaworthy_image::{Error, Image, Progress, open_input};
use seaworthy_model::Platform;
use seaworthy_testkit::{ImageBuilder, LayerBuilder, Stored, data};
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use tar::EntryType;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn open(path: &Path) -> Result<Image, Error> {
    open_input(path.to_str().unwrap(), None)
}

/// Reads every layer; the uncompressed bytes by layer index.
fn read_all(image: &Image) -> Result<BTreeMap<usize, Vec<u8>>, Error> {
    let wanted: Vec<usize> = (0..image.metadata().layers.len()).collect();
    let mut layers = BTreeMap::new();
    for stream in image.streams(&wanted) {
        let results = stream.read(&Progress::default(), |_, reader| {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes)?;
            Ok(bytes)
        });
        for (indexes, bytes) in results {
            let bytes = bytes?;
            for index in indexes {
                layers.insert(index, bytes.clone());
            }
        }
    }
    Ok(layers)
}

fn three_layers() -> ImageBuilder {
    ImageBuilder::new()
        .tag("docker.io/library/test:1")
        .layer(LayerBuilder::new().file("a", vec![b'a'; 700_000]), Stored::Gzip)
        .layer(LayerBuilder::new().file("b", "b"), Stored::Plain)
        .layer(LayerBuilder::new().file("c", "c"), Stored::Zstd)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_container_gives_the_same_layers() {
    let folder = Folder::new();
    let builder = three_layers();
    let layout = folder.0.path().join("layout");
    builder.write_layout(&layout).unwrap();
    let oci = builder.oci_archive();
    let docker = builder.docker_archive();
    let paths = [
        folder.write("oci.tar", &oci),
        folder.write("oci.tar.gz", &gzip(&oci)),
        folder.write("oci.tar.zst", &zstd::encode_all(&oci[..], 1).unwrap()),
        folder.write("docker.tar", &docker),
        folder.write("docker.tar.gz", &gzip(&docker)),
        layout,
    ];
    for path in paths {
        let image = open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let layers = read_all(&image).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(layers.len(), 3, "{}", path.display());
        assert_eq!(layers[&0].len(), 700_416 + 1536, "{}", path.display());
        assert_eq!(
            image.metadata().repo_tags,
            ["docker.io/library/test:1"],
            "{}",
            path.display()
        );
        assert_eq!(image.metadata().platform.as_ref().unwrap().to_string(), "linux/amd64");
    }
}

#[test]
fn a_gzip_layer_of_several_members_is_read_whole() {
    let tar = LayerBuilder::new().file("x", vec![7u8; 5000]).into_tar();
    let (left, right) = tar.split_at(2000);
    let stored = [gzip(left), gzip(right)].concat();
    let folder = Folder::new();
    let image = open(&folder.write("i.tar", &docker_with_layer(&tar, &stored))).unwrap();
    assert_eq!(read_all(&image).unwrap()[&0], tar);
}

/// A docker archive whose one layer is stored in these very bytes.
fn docker_with_layer(tar: &[u8], stored: &[u8]) -> Vec<u8> {
    let config = ImageBuilder::new().tar_layer(tar.to_vec(), Stored::Plain).config();
    LayerBuilder::new()
        .file("config.json", config)
        .file("0/layer.tar", stored)
        .file(
            "manifest.json",
            r#"[{"Config":"config.json","RepoTags":null,"Layers":["0/layer.tar"]}]"#,
        )
        .into_tar()
}

#[test]
fn the_same_layer_twice_is_streamed_once() {
    let tar = LayerBuilder::new().file("x", "x").into_tar();
    let builder = ImageBuilder::new()
        .tar_layer(tar.clone(), Stored::Gzip)
        .tar_layer(tar, Stored::Gzip);
    let folder = Folder::new();
    let image = open(&folder.write("i.tar", &builder.oci_archive())).unwrap();
    assert_eq!(image.streams(&[0, 1]).len(), 1);
    assert_eq!(read_all(&image).unwrap().len(), 2);
}

#[test]
fn a_platform_is_picked_from_an_index_and_a_missing_one_is_named() {
    let amd = ImageBuilder::new().layer(LayerBuilder::new().file("amd", ""), Stored::Plain);
    let arm = ImageBuilder::new()
        .architecture("arm64")
        .layer(LayerBuilder::new().file("arm", ""), Stored::Plain);
    let mut files: BTreeMap<String, Vec<u8>> = amd.oci_files().into_iter().collect();
    let index_of = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    let mut index = index_of(&files["index.json"]);
    for (name, bytes) in arm.oci_files() {
        if name == "index.json" {
            let other = index_of(&bytes)["manifests"][0].clone();
            index["manifests"].as_array_mut().unwrap().push(other);
        } else {
            files.insert(name, bytes);
        }
    }
    files.insert("index.json".into(), index.to_string().into_bytes());
    let archive = files
        .iter()
        .fold(LayerBuilder::new(), |layer, (name, bytes)| layer.file(name, bytes))
        .into_tar();
    let folder = Folder::new();
    let path = folder.write("multi.tar", &archive);
    let input = path.to_str().unwrap();
    for (wanted, architecture) in [
        ("linux/amd64", "amd64"),
        ("linux/arm64", "arm64"),
        ("linux/arm64/v8", "arm64"),
    ] {
        let image = open_input(input, Some(&wanted.parse().unwrap())).unwrap();
        assert_eq!(image.metadata().platform.as_ref().unwrap().architecture, architecture);
    }
    let wanted: Platform = "linux/s390x".parse().unwrap();
    let error = open_input(input, Some(&wanted)).unwrap_err();
    assert!(
        error.to_string().contains("linux/s390x") && error.to_string().contains("linux/amd64, linux/arm64"),
        "{error}"
    );
}

#[test]
fn damaged_archives_say_what_is_wrong() {
    let folder = Folder::new();
    let good = three_layers();
    let oci = good.oci_archive();
    let mut flipped = oci.clone();
    // Inside the last blob that is a layer: the compressed bytes still parse or not, the digest is wrong either way.
    let at = find(&flipped, b"\x28\xb5\x2f\xfd") + 12;
    flipped[at] ^= 0x40;
    let tar = LayerBuilder::new().file("x", vec![1u8; 9000]).into_tar();
    let other = LayerBuilder::new().file("y", vec![2u8; 9000]).into_tar();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "is empty"),
        ("text", b"not an archive at all\n".repeat(100), "not a tar archive"),
        ("short text", b"hello".to_vec(), "not"),
        (
            "tar of something else",
            LayerBuilder::new().file("x", "y").into_tar(),
            "neither manifest.json nor index.json",
        ),
        ("truncated", oci[..oci.len() / 2].to_vec(), "ends inside"),
        ("flipped bit", flipped, "digest"),
        ("wrong diff id", docker_with_layer(&tar, &other), "not sha256:"),
        (
            "truncated gzip layer",
            docker_with_layer(&tar, &gzip(&tar)[..60]),
            "layer 0/layer.tar",
        ),
        (
            "empty manifest",
            LayerBuilder::new().file("manifest.json", "[]").into_tar(),
            "lists no image",
        ),
        (
            "broken manifest",
            LayerBuilder::new().file("manifest.json", "[{").into_tar(),
            "not valid JSON",
        ),
        (
            "missing layer",
            LayerBuilder::new()
                .file("c", ImageBuilder::new().config())
                .file("manifest.json", r#"[{"Config":"c","Layers":["gone/layer.tar"]}]"#)
                .into_tar(),
            "names gone/layer.tar, which is not in the image",
        ),
        (
            "layer outside",
            LayerBuilder::new()
                .file("c", ImageBuilder::new().config())
                .file("manifest.json", r#"[{"Config":"c","Layers":["../../etc/passwd"]}]"#)
                .into_tar(),
            "not in the image",
        ),
        (
            "chart",
            LayerBuilder::new()
                .file("index.json", r#"{"manifests":[{"digest":"sha256:zz","size":1}]}"#)
                .into_tar(),
            "no sha256 digest",
        ),
    ];
    for (name, bytes, expected) in cases {
        let path = folder.write("case.tar", &bytes);
        let error = match open(&path) {
            Err(error) => error,
            Ok(image) => read_all(&image).expect_err(name),
        };
        let clear = ["broken manifest", "chart"];
        assert!(error.hint().is_some() || clear.contains(&name), "{name}: {error}");
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        assert!(message.contains(expected), "{name}: {message}");
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> usize {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap()
}

/// A large layer that is not compressed is hashed on a thread of its own, whichever digest is promised.
#[test]
fn a_large_plain_layer_is_verified_in_every_container() {
    let folder = Folder::new();
    let content: Vec<u8> = (0..3_000_000u32).map(|at| (at % 253) as u8).collect();
    let tar = LayerBuilder::new().file("x", &content).into_tar();
    let builder = ImageBuilder::new().tar_layer(tar.clone(), Stored::Plain);
    for archive in [builder.oci_archive(), builder.docker_archive()] {
        for compressed in [false, true] {
            let pack = |bytes: &[u8]| if compressed { gzip(bytes) } else { bytes.to_vec() };
            let image = open(&folder.write("good.tar", &pack(&archive))).unwrap();
            assert_eq!(read_all(&image).unwrap()[&0], tar);
            let mut flipped = archive.clone();
            let at = find(&flipped, &content[..600]) + 2_000_000;
            flipped[at] ^= 1;
            let image = open(&folder.write("flipped.tar", &pack(&flipped))).unwrap();
            let error = read_all(&image).unwrap_err();
            assert!(matches!(error, Error::WrongDigest { .. }), "{error}");
        }
    }
    // What the visitor leaves unread is hashed too.
    let image = open(&folder.write("good.tar", &builder.oci_archive())).unwrap();
    let streams = image.streams(&[0]);
    for stream in streams {
        for (_, seen) in stream.read(&Progress::default(), |_, reader| reader.read(&mut [0; 10])) {
            assert_eq!(seen.unwrap(), 10);
        }
    }
}

#[test]
fn a_decompression_bomb_ends_soon() {
    let bomb = zstd::encode_all(std::io::repeat(0).take(1 << 29), 1).unwrap();
    let folder = Folder::new();
    let path = folder.write("bomb.tar", &docker_with_layer(b"x", &bomb));
    let started = std::time::Instant::now();
    let error = read_all(&open(&path).unwrap()).unwrap_err();
    assert!(matches!(error, Error::Bomb { .. }), "{error}");
    assert!(error.hint().is_some());
    assert!(started.elapsed().as_secs() < 20, "took {:?}", started.elapsed());
}

#[test]
fn a_missing_file_and_a_directory_without_an_image_are_told_apart() {
    let error = open(Path::new("/nonexistent/image.tar")).unwrap_err();
    assert!(matches!(error, Error::Open { .. }) && error.hint().is_some(), "{error}");
    let folder = Folder::new();
    let error = open(folder.0.path()).unwrap_err();
    assert!(matches!(error, Error::NotAnImage { .. }), "{error}");
}

#[test]
fn real_archives_load_or_fail_with_a_clear_error() {
    for folder in ["scalibr", "ggcr", "trivy"] {
        let Some(path) = data::path(&format!("vectors/images/{folder}")) else {
            return;
        };
        for file in std::fs::read_dir(path).unwrap() {
            let path = file.unwrap().path();
            match open(&path).and_then(|image| read_all(&image)) {
                Ok(layers) => assert!(!layers.is_empty(), "{}", path.display()),
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    assert!(
                        path.ends_with("no_manifest.tar") || path.ends_with("empty.tar"),
                        "{}: {error}",
                        path.display()
                    );
                }
            }
        }
    }
}

#[test]
fn compressions_that_are_not_read_are_named() {
    let tar = LayerBuilder::new().file("x", "x").into_tar();
    let folder = Folder::new();
    for (head, name) in [
        (&b"\xfd7zXZ\0\0\x04"[..], "xz"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\x04\x22\x4d\x18\x64\x40\xa7\x00", "lz4"),
    ] {
        let stored = [head, &[7; 600][..]].concat();
        let image = open(&folder.write("layer.tar", &docker_with_layer(&tar, &stored))).unwrap();
        let error = read_all(&image).unwrap_err();
        let causes = format!("{error}: {}", std::error::Error::source(&error).unwrap());
        assert!(causes.contains("0/layer.tar") && causes.contains(name), "{causes}");
        let error = open(&folder.write("whole.tar", &stored)).unwrap_err().to_string();
        assert!(error.contains("whole.tar") && error.contains(name), "{error}");
    }
}

#[test]
fn the_checksum_of_a_whole_archive_is_verified() {
    let folder = Folder::new();
    let archive = three_layers().oci_archive();
    let mut wrong = gzip(&archive);
    let at = wrong.len() - 8;
    wrong[at] ^= 1;
    let cut = gzip(&archive);
    let zstd = zstd::encode_all(&archive[..], 1).unwrap();
    for (what, bytes) in [
        ("wrong", &wrong[..]),
        ("cut gzip", &cut[..cut.len() - 4]),
        ("cut zstd", &zstd[..zstd.len() - 3]),
    ] {
        let error = open(&folder.write("i.tar.gz", bytes)).unwrap_err().to_string();
        assert!(error.contains("i.tar.gz"), "{what}: {error}");
    }
}

#[test]
fn headers_that_claim_all_memory_are_refused() {
    let folder = Folder::new();
    let huge = vec![b'1'; 2 << 20];
    for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
        let tar = LayerBuilder::new()
            .entry(b"header", kind, b"", &huge, 0o644)
            .file("manifest.json", "[]")
            .into_tar();
        for bytes in [gzip(&tar), tar] {
            let error = open(&folder.write("image.tar", &bytes)).unwrap_err();
            let said = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                said.contains("the headers of a member take more than"),
                "{kind:?}: {error}: {said}"
            );
        }
    }
}

#[test]
fn a_whole_archive_that_inflates_beyond_all_measure_is_refused() {
    let folder = Folder::new();
    let mut header = tar::Header::new_gnu();
    header.set_path("zeros").unwrap();
    header.set_size(1 << 30);
    header.set_cksum();
    let tar = header.as_bytes().chain(std::io::repeat(0).take(1 << 30));
    let path = folder.write("image.tar.zst", &zstd::encode_all(tar, 1).unwrap());
    let started = std::time::Instant::now();
    let error = open(&path).unwrap_err();
    let said = std::error::Error::source(&error)
        .map(ToString::to_string)
        .unwrap_or_default();
    assert!(said.contains("beyond all measure"), "{error}: {said}");
    assert!(started.elapsed().as_secs() < 20, "took {:?}", started.elapsed());
}

/// The files of an image as a layout and, with the same blobs, as docker's archive of another one.
fn both_halves(layout: &ImageBuilder, docker: &ImageBuilder) -> Vec<u8> {
    let json = |files: &[(String, Vec<u8>)], name: &str| -> serde_json::Value {
        let found = files.iter().find(|(path, _)| path == name);
        serde_json::from_slice(&found.unwrap().1).unwrap()
    };
    let blob = |digest: &serde_json::Value| format!("blobs/{}", digest.as_str().unwrap().replace(':', "/"));
    let files = docker.oci_files();
    let manifest = json(&files, &blob(&json(&files, "index.json")["manifests"][0]["digest"]));
    let layers: Vec<String> = manifest["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| blob(&layer["digest"]))
        .collect();
    let list = serde_json::json!([{"Config": blob(&manifest["config"]["digest"]), "Layers": layers}]);
    let blobs = files.into_iter().filter(|(path, _)| path.starts_with("blobs/"));
    let mut archive = LayerBuilder::new().file("manifest.json", list.to_string());
    for (path, bytes) in layout.oci_files().into_iter().chain(blobs) {
        archive = archive.file(&path, bytes);
    }
    archive.into_tar()
}

#[test]
fn an_archive_of_two_images_in_one_says_that_only_one_was_read() {
    let folder = Folder::new();
    let image = |content: &str| {
        let layer = LayerBuilder::new().file("a", content);
        ImageBuilder::new().architecture("amd64").layer(layer, Stored::Gzip)
    };
    let (bad, good) = (image("bad"), image("good"));
    let own = Platform::of_this_machine();
    for (layout, differs) in [(&good, false), (&bad, own.architecture == "amd64")] {
        let opened = open(&folder.write("image.tar", &both_halves(layout, &good))).unwrap();
        let said = opened
            .problems()
            .iter()
            .any(|problem| problem.what.contains("different images"));
        assert_eq!(said, differs, "{:?}", opened.problems());
    }
}

#[test]
fn a_document_that_is_index_and_manifest_at_once_is_refused() {
    let folder = Folder::new();
    let image = ImageBuilder::new().layer(LayerBuilder::new().file("a", "a"), Stored::Gzip);
    let layout = folder.0.path().join("layout");
    image.write_layout(&layout).unwrap();
    let read = |path: &Path| -> serde_json::Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let mut index = read(&layout.join("index.json"));
    let blob = |digest: &str| layout.join("blobs").join(digest.replace(':', "/"));
    let mut manifest = read(&blob(index["manifests"][0]["digest"].as_str().unwrap()));
    manifest["manifests"] = index["manifests"].clone();
    manifest.as_object_mut().unwrap().remove("mediaType");
    let bytes = serde_json::to_vec(&manifest).unwrap();
    let digest = format!("sha256:{:x}", sha2::Sha256::digest(&bytes));
    std::fs::write(blob(&digest), &bytes).unwrap();
    index["manifests"][0]["digest"] = digest.into();
    index["manifests"][0]["mediaType"] = "application/vnd.oci.image.index.v1+json".into();
    std::fs::write(layout.join("index.json"), index.to_string()).unwrap();
    let error = open(&layout).unwrap_err();
    assert!(matches!(error, Error::AmbiguousManifest { .. }), "{error}");
}

#[test]
fn directories_nested_deeper_than_is_read_are_said() {
    let folder = Folder::new();
    let mut path = folder.0.path().to_owned();
    for _ in 0..seaworthy_model::limits::PATH_DEPTH + 2 {
        path.push("d");
    }
    std::fs::create_dir_all(&path).unwrap();
    let root = seaworthy_image::RootDirectory::open(folder.0.path()).unwrap();
    let problems = root.walk(&|_| false, &mut |_| Ok(())).unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].what.contains("nested deeper"), "{problems:?}");
}
