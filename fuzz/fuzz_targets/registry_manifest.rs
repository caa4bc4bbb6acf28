//! Manifests and indexes as a registry may send them: the first byte picks the content type and the platform asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::choice;
use seaworthy_model::Platform;

const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "",
];
const PLATFORMS: [&str; 4] = ["linux/amd64", "linux/arm/v6", "linux/arm", "windows/amd64"];

fuzz_target!(|bytes: &[u8]| {
    let Some((form, rest)) = choice(bytes) else { return };
    let wanted: Platform = PLATFORMS[form / 4 % 4].parse().expect("a platform");
    let _ = seaworthy_image::read_foreign_manifest(rest, MEDIA_TYPES[form % 4], &wanted);
});
