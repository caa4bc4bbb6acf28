//! What daemons answer: Docker's description and history of an image (0), containerd's messages in pieces (1, 2), or an
//! export with right header checksums (3) of which two layers are wanted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_fuzz::{choice, oci_parts, part, tar_headers};
use seaworthy_image::{read_foreign_export, read_foreign_inspection, read_foreign_messages};
use seaworthy_model::Digest;

fuzz_target!(|bytes: &[u8]| {
    let Some((form, rest)) = choice(bytes) else { return };
    match form % 4 {
        0 => {
            let Some((answer, history)) = part(rest) else { return };
            if let Ok((told, made)) = read_foreign_inspection(answer, history) {
                assert_eq!(told, made, "the config has the layers that the daemon told of");
            }
        }
        3 => {
            let Some((layer, archive)) = part(rest) else { return };
            let mut archive = archive.to_vec();
            tar_headers::seal(&mut archive);
            let wanted = [layer, b""].map(|layer| Digest::parse_hex(&oci_parts::hex(layer)).expect("a digest"));
            for (diff_id, content) in read_foreign_export(&archive, &wanted).into_iter().flatten() {
                assert_eq!(diff_id.to_string(), format!("sha256:{}", oci_parts::hex(&content)));
            }
        }
        content => {
            let Some((piece, stream)) = choice(rest) else { return };
            let whole = read_foreign_messages(stream, usize::MAX, content == 1);
            let pieces = read_foreign_messages(stream, piece, content == 1);
            assert_eq!(whole.ok(), pieces.ok(), "how the bytes come in is no matter");
        }
    }
});
