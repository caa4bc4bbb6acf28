//! The whole story, as `just story` plays it, with the binary of this build.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::Path;

#[test]
fn the_story_is_true_from_nothing_to_deployed() {
    if seaworthy_testkit::RegistryServer::start().is_none() {
        return;
    }
    let mut told = Vec::new();
    let played = seaworthy_testkit::story::play(Path::new(env!("CARGO_BIN_EXE_seaworthy")), &mut told);
    let told = String::from_utf8(told).unwrap();
    played.unwrap_or_else(|error| panic!("{error:?}\n{told}"));
    assert!(told.contains("\n# Nobody gets around it\n"), "{told}");
}
