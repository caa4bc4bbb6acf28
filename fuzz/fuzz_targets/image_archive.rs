//! Whole archives: bytes with right header checksums (0), as they are (1), or an OCI archive made of its documents.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{choice, oci_parts, part, scratch, tar_headers};
use seaworthy_image::{Progress, open_input};
use seaworthy_inventory::{Selection, read_layer};

fuzz_target!(|bytes: &[u8]| {
    let Some((form, rest)) = choice(bytes) else { return };
    let archive = match form {
        0 => {
            let mut archive = rest.to_vec();
            tar_headers::seal(&mut archive);
            archive
        }
        1 => rest.to_vec(),
        _ => {
            let Some((index, rest)) = part(rest) else { return };
            let Some((manifest, rest)) = part(rest) else { return };
            let Some((config, layer)) = part(rest) else { return };
            oci_parts::archive(index, manifest, config, layer)
        }
    };
    let directory = scratch::directory("image-archive");
    let path = scratch::write(&directory, "image.tar", &archive);
    let image = match open_input(path.to_str().expect("a path of ours"), None) {
        Ok(image) => image,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let layers = image.metadata().layers.len();
    let all: Vec<usize> = (0..layers).collect();
    let mut seen = 0;
    for stream in image.streams(&all) {
        for (indexes, _) in stream.read(&Progress::default(), |_, reader| {
            read_layer(reader, &Selection::default())
        }) {
            seen += indexes.len();
        }
    }
    assert_eq!(seen, layers, "every layer is read or has an error");
});
