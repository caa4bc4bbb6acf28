//! Up to three layers through the walk and the merge, with right header checksums (even first byte) or as they are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{choice, part, root, tar_headers};
use seaworthy_inventory::{Again, Selection, merge, read_layer};
use seaworthy_model::LayerRef;

fuzz_target!(|bytes: &[u8]| {
    let Some((form, mut rest)) = choice(bytes) else { return };
    let mut tars = Vec::new();
    while let Some((tar, after)) = part(rest)
        && tars.len() < 3
    {
        let mut tar = tar.to_vec();
        if form % 2 == 0 {
            tar_headers::seal(&mut tar);
        }
        tars.push(tar);
        rest = after;
    }
    let mut read = Vec::new();
    for tar in &tars {
        match read_layer(tar.as_slice(), &Selection::default()) {
            Ok(contents) => read.push(contents),
            // A layer that cannot be read ends the scan.
            Err(_) => return,
        }
    }
    let layers: Vec<_> = read.iter().collect();
    let refs: Vec<_> = tars
        .iter()
        .map(|_| LayerRef {
            digest: None,
            diff_id: None,
        })
        .collect();
    let merged = || {
        merge(&layers, &refs, &mut |layer, wanted| {
            let only = Selection {
                only: Some(Again::new(wanted)),
                ..Selection::default()
            };
            Ok(read_layer(tars[layer].as_slice(), &only).expect("it was read before"))
        })
    };
    let inventory = merged();
    root::check(&inventory);
    assert_eq!(inventory, merged(), "the same layers give the same inventory");
});
