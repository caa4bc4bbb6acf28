//! The bytes in which a layer's contents are kept: whatever they are, they decode to something that encodes and merges.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_inventory::{LayerContents, merge};
use seaworthy_model::{Effect, LayerRef, Problem};

fuzz_target!(|data: &[u8]| {
    let Some(layer) = LayerContents::decode(data) else {
        return;
    };
    let again = layer.encode().expect("what was decoded can be encoded");
    assert_eq!(LayerContents::decode(&again).as_ref(), Some(&layer));
    let reference = LayerRef {
        digest: None,
        diff_id: None,
    };
    let _ = merge(&[&layer], &[reference], &mut |_, _| {
        Err(Problem::of_artifact(Effect::Incomplete, "not read again"))
    });
});
