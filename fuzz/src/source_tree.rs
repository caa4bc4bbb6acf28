//! Lock files and manifests as a scan of a source tree reads them, each with the neighbour that it leads to.

use crate::part;
use seaworthy_inventory::Selection;
use seaworthy_inventory::declared::{DECLARED, SourceTree, inventory};
use std::io::Cursor;

/// A lock file or manifest, and a file that it leads to.
pub type Pair = (&'static str, &'static str);

/// Formats written in JSON.
pub const JSON: &[Pair] = &[
    ("package-lock.json", "package.json"),
    ("bun.lock", "package.json"),
    ("deno.lock", "package.json"),
    ("Pipfile.lock", "package.json"),
    ("composer.lock", "composer.json"),
    ("build.sbt.lock", "package.json"),
    ("packages.lock.json", "package.json"),
    ("obj/project.assets.json", "package.json"),
    ("Package.resolved", "package.json"),
    ("conan.lock", "package.json"),
    ("renv.lock", "package.json"),
    ("bin/Shop.deps.json", "package.json"),
];

/// Formats written in YAML.
pub const YAML: &[Pair] = &[
    ("pnpm-lock.yaml", "package.json"),
    ("environment.yml", "package.json"),
    ("pubspec.lock", "package.json"),
    ("Podfile.lock", "package.json"),
    ("stack.yaml.lock", "package.json"),
    ("stack.yaml", "package.json"),
];

/// Formats written in TOML.
pub const TOML: &[Pair] = &[
    ("poetry.lock", "pyproject.toml"),
    ("pdm.lock", "pyproject.toml"),
    ("uv.lock", "pyproject.toml"),
    ("pylock.toml", "pyproject.toml"),
    ("Cargo.lock", "Cargo.toml"),
    ("Manifest.toml", "pyproject.toml"),
    ("manifest.toml", "pyproject.toml"),
];

/// Formats of their own, read by lines.
pub const LINES: &[Pair] = &[
    ("yarn.lock", "package.json"),
    ("requirements.txt", "base.txt"),
    ("Gemfile.lock", "package.json"),
    ("go.mod", "go.sum"),
    ("gradle.lockfile", "package.json"),
    ("paket.lock", "package.json"),
    ("mix.lock", "package.json"),
    ("rebar.lock", "package.json"),
    ("cabal.project.freeze", "package.json"),
];

/// Formats written in XML.
pub const XML: &[Pair] = &[
    ("child/pom.xml", "pom.xml"),
    ("gradle/verification-metadata.xml", "pom.xml"),
    ("Directory.Packages.props", "pom.xml"),
    ("packages.config", "pom.xml"),
];

/// The targets, and what each reads.
pub const FAMILIES: [(&str, &[Pair]); 5] = [
    ("lock_json", JSON),
    ("lock_yaml", YAML),
    ("lock_toml", TOML),
    ("lock_lines", LINES),
    ("lock_xml", XML),
];

/// Reads one of `pairs`, which the first byte chooses; the rest is the lock file, as a part, and its neighbour.
pub fn read(pairs: &[Pair], bytes: &[u8]) {
    let Some((which, rest)) = crate::choice(bytes) else {
        return;
    };
    let Some((main, beside)) = part(rest) else { return };
    let (path, neighbour) = pairs[which % pairs.len()];
    assert!(DECLARED.iter().any(|kind| (kind.wants)(path)), "nothing reads {path}");
    let files = [(path, main), (neighbour, beside)];
    let mut tree = SourceTree::new();
    for (path, bytes) in files {
        tree.add_file(path.as_bytes(), bytes.len() as u64, &Selection::default());
    }
    let found = inventory(&tree, &|path| {
        let (_, bytes) = files
            .iter()
            .find(|(name, _)| *name == path)
            .expect("only files of the tree are opened");
        Ok(Box::new(Cursor::new(bytes.to_vec())))
    });
    crate::root::check(&found);
    for package in &found.packages {
        assert!(package.declared_by.is_some() && !package.path.is_empty(), "{package:?}");
    }
}
