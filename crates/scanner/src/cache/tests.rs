//! A scan that uses what is kept says exactly what one without says, and lies about digests leave nothing behind.

use super::{Cache, LayerKey, Selected};
use crate::{Database, LayerProgress, Observer, Options, Step, Target, Unobserved, scan};
use seaworthy_inventory::{Pattern, Selection};
use seaworthy_model::{Digest, ImageMetadata, Inventory, ScanReport};
use seaworthy_testkit::{ImageBuilder, LayerBuilder, Stored, data};
use sha2::Digest as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

fn empty_database() -> Database {
    let bytes = seaworthy_advisories::file::write(&seaworthy_advisories::record::Compilation::default()).unwrap();
    Database::from_static(Box::leak(bytes.into_boxed_slice())).unwrap()
}

/// Remembers which layers were read.
#[derive(Default)]
struct Watched(Mutex<Vec<usize>>);

impl Observer for Watched {
    fn step(&self, step: &Step) {
        assert!(!matches!(step, Step::Reading { layers, known, .. } if known > layers));
    }
    fn layer(&self, layer: LayerProgress) {
        self.0.lock().unwrap().push(layer.index);
    }
}

fn options(cache: Option<&Arc<Cache>>) -> Options {
    Options {
        cache: cache.cloned(),
        now: jiff::Timestamp::UNIX_EPOCH,
        ..Options::default()
    }
}

/// The report and the layers that were read for it.
fn scanned(path: &Path, options: &Options) -> Result<(ScanReport, Vec<usize>), crate::Error> {
    let watched = Watched::default();
    let mut report = scan(&Target::ImageInput(path.into()), options, &empty_database(), &watched)?;
    report.report_id = String::new();
    let mut read = watched.0.into_inner().unwrap();
    read.sort_unstable();
    Ok((report, read))
}

fn read(path: &Path, cache: &Arc<Cache>) -> Vec<usize> {
    scanned(path, &options(Some(cache))).unwrap().1
}

fn written(builder: &ImageBuilder, folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, builder.oci_archive()).unwrap();
    path
}

/// Takes the merged inventory out of the cache, so that the next scan merges what is kept of the layers.
fn forget_inventory(cache: &Cache, image: &ImageMetadata) {
    let key = Selected::of(&Selection::default()).image(image).unwrap();
    std::fs::remove_file(cache.store.path(&key)).unwrap();
}

/// Whether the image can be scanned; then that is the same from every state of the cache.
fn check_same(path: &Path) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let cache = Arc::new(Cache::new(folder.path()));
    let Ok((without, _)) = scanned(path, &options(None)) else {
        return false;
    };
    let (first, first_read) = scanned(path, &options(Some(&cache))).unwrap();
    let (second, second_read) = scanned(path, &options(Some(&cache))).unwrap();
    let image = first.image.clone().unwrap();
    assert!(image.layers.is_empty() || !first_read.is_empty(), "{}", path.display());
    assert_eq!(second_read, [0usize; 0], "{}", path.display());
    forget_inventory(&cache, &image);
    let (merged, merged_read) = scanned(path, &options(Some(&cache))).unwrap();
    assert_eq!(merged_read, [0usize; 0], "{}", path.display());
    let texts = [&without, &first, &second, &merged].map(|report| serde_json::to_string(report).unwrap());
    for text in &texts {
        assert_eq!(*text, texts[0], "{}", path.display());
    }
    true
}

#[test]
fn what_is_kept_says_what_reading_says() {
    let mut images: Vec<PathBuf> = ["myapp-v1.tar", "myapp-v1-fixed.tar"]
        .map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name))
        .to_vec();
    if let Some(folder) = data::path("vectors/images") {
        let archives = data::files(&folder).into_iter();
        images.extend(archives.filter(|path| path.extension().is_some_and(|extension| extension == "tar")));
    }
    let checked = images.iter().filter(|image| check_same(image)).count();
    assert!(
        checked * 2 > images.len(),
        "{checked} of {} images could be scanned",
        images.len()
    );
}

#[test]
fn only_new_layers_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Arc::new(Cache::new(&folder.path().join("cache")));
    let layer = |name: &str| {
        LayerBuilder::new().file(
            &format!("app/node_modules/{name}/package.json"),
            format!("{{\"name\":\"{name}\",\"version\":\"1.0.0\"}}"),
        )
    };
    let base = || {
        ImageBuilder::new()
            .layer(layer("a"), Stored::Gzip)
            .layer(layer("b"), Stored::Zstd)
    };
    let one = written(&base().layer(layer("c"), Stored::Gzip), folder.path(), "one.tar");
    let two = written(&base().layer(layer("d"), Stored::Gzip), folder.path(), "two.tar");
    assert_eq!(read(&one, &cache), [0, 1, 2]);
    assert_eq!(read(&one, &cache), [0usize; 0]);
    assert_eq!(read(&two, &cache), [2]);
    // What is left out changes what is read.
    let skipping = Options {
        selection: Selection {
            skip_directories: vec![Pattern::new("app/node_modules/a")],
            ..Selection::default()
        },
        ..options(Some(&cache))
    };
    let (report, again) = scanned(&two, &skipping).unwrap();
    assert_eq!(again, [0, 1, 2]);
    assert_eq!(report.inventory.packages.len(), 2);
    // A layer that is not whole in the cache is read, the others are not.
    forget_inventory(&cache, &scanned(&one, &options(None)).unwrap().0.image.unwrap());
    let image = scanned(&one, &options(None)).unwrap().0.image.unwrap();
    let key = LayerKey::of(&image.layers[1]).unwrap();
    let path = cache.store.path(&Selected::of(&Selection::default()).layer(&key));
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(read(&one, &cache), [1]);
    assert_eq!(std::fs::read(&path).unwrap(), whole);
}

fn names(inventory: &Inventory) -> Vec<&str> {
    inventory.packages.iter().map(|package| package.name.as_str()).collect()
}

fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(sha2::Sha256::digest(bytes).into())
}

#[test]
fn an_image_that_lies_about_a_digest_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Arc::new(Cache::new(&folder.path().join("cache")));
    let honest = LayerBuilder::new()
        .file(
            "app/node_modules/vulnerable/package.json",
            r#"{"name":"vulnerable","version":"1.0.0"}"#,
        )
        .into_tar();
    let harmless = LayerBuilder::new().file("nothing", "").into_tar();
    let image = ImageBuilder::new().tar_layer(honest.clone(), Stored::Plain);

    // A layout in which other bytes lie under the honest layer's name.
    let layout = folder.path().join("layout");
    image.write_layout(&layout).unwrap();
    let blob = layout.join("blobs/sha256").join(digest(&honest).hex());
    let mut other = harmless.clone();
    other.resize(honest.len(), 0);
    std::fs::write(&blob, &other).unwrap();
    let error = scanned(&layout, &options(Some(&cache))).unwrap_err();
    assert!(format!("{error:?}").contains("WrongDigest"), "{error:?}");

    // An image with an honest blob digest whose config claims the diff id of the other layer.
    let harmless_image = ImageBuilder::new().tar_layer(harmless.clone(), Stored::Gzip);
    let lying = folder.path().join("lying");
    harmless_image.write_layout(&lying).unwrap();
    let claimed = |bytes: Vec<u8>, from: Digest, to: Digest| {
        String::from_utf8(bytes)
            .unwrap()
            .replace(&from.hex(), &to.hex())
            .into_bytes()
    };
    let config = harmless_image.config();
    let lie = claimed(config.clone(), digest(&harmless), digest(&honest));
    let blobs = lying.join("blobs/sha256");
    std::fs::write(blobs.join(digest(&lie).hex()), &lie).unwrap();
    let index = std::fs::read(lying.join("index.json")).unwrap();
    let manifest_digest = serde_json::from_slice::<serde_json::Value>(&index).unwrap()["manifests"][0]["digest"]
        .as_str()
        .and_then(Digest::parse)
        .unwrap();
    let manifest = claimed(
        std::fs::read(blobs.join(manifest_digest.hex())).unwrap(),
        digest(&config),
        digest(&lie),
    );
    std::fs::write(blobs.join(digest(&manifest).hex()), &manifest).unwrap();
    std::fs::write(
        lying.join("index.json"),
        claimed(index, manifest_digest, digest(&manifest)),
    )
    .unwrap();
    let (report, _) = scanned(&lying, &options(Some(&cache))).unwrap();
    assert_eq!(report.image.unwrap().layers[0].diff_id, Some(digest(&honest)));
    assert_eq!(names(&report.inventory), [""; 0]);

    // The honest layer is read for what it is, by its blob's digest and by its diff id.
    let archive = written(&image, folder.path(), "honest.tar");
    let (report, layers) = scanned(&archive, &options(Some(&cache))).unwrap();
    assert_eq!((names(&report.inventory), layers), (vec!["vulnerable"], vec![0]));
    let docker = folder.path().join("docker.tar");
    std::fs::write(&docker, image.docker_archive()).unwrap();
    let (report, layers) = scanned(&docker, &options(Some(&cache))).unwrap();
    assert_eq!((names(&report.inventory), layers), (vec!["vulnerable"], vec![0]));
    assert_eq!(read(&docker, &cache), [0usize; 0]);
}

#[test]
fn documents_are_verified_when_they_are_kept_and_when_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path());
    let config = br#"{"os":"linux"}"#;
    cache.keep_document(&digest(b"another"), config);
    assert_eq!(cache.document(&digest(b"another")), None);
    cache.keep_document(&digest(config), config);
    assert_eq!(cache.document(&digest(config)).as_deref(), Some(&config[..]));
    cache.store.put(&super::key::document(&digest(b"another")), config);
    assert_eq!(cache.document(&digest(b"another")), None);
}

#[test]
fn a_scan_without_a_place_to_keep_anything_works() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let cache = Arc::new(Cache::new(&folder.path().join("file")));
    let image = ImageBuilder::new().layer(LayerBuilder::new().file("a", ""), Stored::Gzip);
    let path = written(&image, folder.path(), "image.tar");
    for _ in 0..2 {
        assert_eq!(read(&path, &cache), [0]);
    }
    let report = scan(
        &Target::ImageInput(path.into()),
        &options(Some(&cache)),
        &empty_database(),
        &Unobserved,
    );
    assert!(report.is_ok());
}
