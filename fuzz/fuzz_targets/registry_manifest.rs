//! Manifests and indexes as a registry may send them, under any content type.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_model::Platform;

fuzz_target!(|input: (&str, &str, u8)| {
    let (text, media_type, platform) = input;
    let names = [
        "linux/amd64",
        "linux/arm/v6",
        "linux/arm",
        "linux/arm64",
        "windows/amd64",
    ];
    let Some(wanted) = names.get(usize::from(platform) % names.len()) else {
        return;
    };
    let Ok(wanted) = wanted.parse::<Platform>() else { return };
    let _ = seaworthy_image::read_foreign_manifest(text.as_bytes(), media_type, &wanted);
});
