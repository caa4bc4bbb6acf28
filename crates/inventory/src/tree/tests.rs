//! What the tree makes of layers: what is gone is gone, and nothing is walked without end.

use super::{Node, Slot, Tree};
use crate::entry::Entry;
use crate::{Selection, read_layer};
use seaworthy_testkit::LayerBuilder;

#[test]
fn paths_end_when_there_is_too_much_to_do() {
    let tar = LayerBuilder::new()
        .file("d/a", "")
        .symbolic_link("l", "d/../d/../d/../d")
        .into_tar();
    let layer = read_layer(tar.as_slice(), &Selection::default()).unwrap();
    let tree = Tree::of_layers(&[&layer]);
    assert!(tree.resolve(b"l/a").is_some() && tree.exhaustion().is_none());
    tree.steps.set(5);
    assert!(tree.resolve(b"l/a").is_none() && tree.exhaustion().is_some());
}

#[test]
fn a_million_names_take_little() {
    assert!(size_of::<Slot>() <= 24 && size_of::<Entry>() <= 20);
}

#[test]
fn what_is_taken_out_is_gone_with_all_below_it() {
    let of = |builder: LayerBuilder| read_layer(builder.into_tar().as_slice(), &Selection::default()).unwrap();
    let below = of(LayerBuilder::new()
        .file("a/b/c", "")
        .file("a/x", "")
        .file("o/1/2", "")
        .file("o/3", ""));
    let above = of(LayerBuilder::new()
        .whiteout("a/b")
        .opaque("o")
        .file("a/b/d", "")
        .file("o/1/4", "")
        .file("a/x/y", ""));
    let tree = Tree::of_layers(&[&below, &above]);
    for (path, there) in [
        ("a/b/c", false),
        ("a/b/d", true),
        ("a/x/y", true),
        ("o/1/2", false),
        ("o/1/4", true),
        ("o/3", false),
    ] {
        assert_eq!(tree.resolve(path.as_bytes()).is_some(), there, "{path}");
    }
    let mut seen = Vec::new();
    tree.visit(Tree::root(), b"", usize::MAX, &mut |path, _, node| {
        assert!(matches!(node, Node::File(_)));
        seen.push(String::from_utf8_lossy(path).into_owned());
    });
    seen.sort();
    assert_eq!(seen, ["a/b/d", "a/x/y", "o/1/4"]);
}
