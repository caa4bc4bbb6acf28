//! Files made to hurt whoever reads them: each ends, and what was not read is said.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use seaworthy_inventory::analyzer::{ANALYZERS, STREAM_ANALYZERS};
use seaworthy_inventory::declared::{DECLARED, SourceTree, inventory};
use seaworthy_inventory::{LayerContents, Selection, merge, read_layer};
use seaworthy_model::{Effect, Inventory, LayerRef, Problem, limits};
use seaworthy_testkit::LayerBuilder;
use std::io::Cursor;

const NO_LAYER: LayerRef = LayerRef {
    digest: None,
    diff_id: None,
};

/// What an image with this one file has.
fn scan(path: &str, bytes: &[u8]) -> Inventory {
    let mut contents = LayerContents::new();
    let owned = bytes.to_vec();
    contents
        .add_file(
            path.as_bytes(),
            owned.len() as u64,
            move || Ok(Box::new(Cursor::new(owned))),
            &Selection::default(),
        )
        .unwrap();
    merge(&[&contents], &[NO_LAYER], &mut |_, _| {
        Err(Problem::of_artifact(Effect::Incomplete, "not read again"))
    })
}

/// What a source tree with this one file declares.
fn declared(path: &str, bytes: &[u8]) -> Inventory {
    let mut tree = SourceTree::new();
    tree.add_file(path.as_bytes(), bytes.len() as u64, &Selection::default());
    inventory(&tree, &|_| Ok(Box::new(Cursor::new(bytes.to_vec()))))
}

fn is_incomplete(inventory: &Inventory) -> bool {
    inventory
        .problems
        .iter()
        .any(|problem| problem.effect == Effect::Incomplete)
}

/// A zip archive of `entries` empty files, with the content of one more before them. APPNOTE.TXT 6.3.10, 4.3.
fn crowded_zip(first: (&str, &[u8]), entries: usize) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(first.1);
    let mut archive = Vec::with_capacity(entries * 100);
    let mut directory = Vec::with_capacity(entries * 60);
    let mut put = |name: &str, crc: u32, content: &[u8]| {
        let mut shared = [0u8; 26];
        shared[0] = 20;
        shared[10..14].copy_from_slice(&crc.to_le_bytes());
        shared[14..18].copy_from_slice(&(content.len() as u32).to_le_bytes());
        shared[18..22].copy_from_slice(&(content.len() as u32).to_le_bytes());
        shared[22..24].copy_from_slice(&(name.len() as u16).to_le_bytes());
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(shared);
        directory.extend([0; 10]);
        directory.extend((archive.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(shared);
        archive.extend(name.as_bytes());
        archive.extend(content);
    };
    put(first.0, crc.sum(), first.1);
    for number in 0..entries {
        put(&format!("a/{number:07}.class"), 0, b"");
    }
    let (offset, size) = (archive.len() as u64, directory.len() as u64);
    archive.extend(directory);
    let count = entries as u64 + 1;
    archive.extend(b"PK\x06\x06");
    archive.extend(44u64.to_le_bytes());
    archive.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [count, count, size, offset] {
        archive.extend(number.to_le_bytes());
    }
    archive.extend(b"PK\x06\x07\0\0\0\0");
    archive.extend((offset + size).to_le_bytes());
    archive.extend(1u32.to_le_bytes());
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([0xff; 12]);
    archive.extend([0; 2]);
    archive
}

const POM: (&str, &[u8]) = (
    "META-INF/maven/org.example/lib/pom.properties",
    b"groupId=org.example\nartifactId=lib\nversion=1.1\n",
);

#[test]
fn a_zip_archive_of_a_million_entries_is_read_and_one_of_more_is_said() {
    let most = scan("app/a.jar", &crowded_zip(POM, limits::ZIP_ENTRIES - 1));
    assert_eq!(most.packages.len(), 1, "{:?}", most.problems);
    assert!(!is_incomplete(&most), "{:?}", most.problems);
    let archive = crowded_zip(POM, limits::ZIP_ENTRIES);
    let more = scan("app/a.jar", &archive);
    assert!(is_incomplete(&more), "{:?}", more.problems);
    assert!(more.packages.iter().all(|package| package.name != "org.example:lib"));
    // Eggs are zip archives too; without metadata all entries are looked at.
    let found = scan("usr/lib/python3/site-packages/x-1-py3.egg", &archive);
    assert!(is_incomplete(&found), "{:?}", found.problems);
}

#[test]
fn a_file_of_nothing_but_ends_of_archives_ends() {
    for signature in [b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04", b"PK\x06\x06"] {
        let found = scan("app/a.jar", &signature.repeat(4 << 20));
        assert!(found.packages.is_empty() && !found.problems.is_empty(), "{signature:?}");
        let behind = [&crowded_zip(POM, 1), signature.repeat(1 << 20).as_slice()].concat();
        let found = scan("app/a.jar", &behind);
        assert!(is_incomplete(&found), "{signature:?}: {:?}", found.problems);
    }
}

#[test]
fn archives_that_hold_each_other_without_end_stop_at_the_budget() {
    // Each level has the one below sixteen times: at the cap of nesting these would be 16^8 archives.
    let mut inner = crowded_zip(POM, 0);
    for _ in 0..4 {
        let mut builder = Vec::new();
        let mut directory = Vec::new();
        let mut crc = flate2::Crc::new();
        crc.update(&inner);
        for number in 0..16u8 {
            let name = [b'a' + number, b'.', b'j', b'a', b'r'];
            let mut shared = vec![20u8, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            shared.extend(crc.sum().to_le_bytes());
            shared.extend((inner.len() as u32).to_le_bytes());
            shared.extend((inner.len() as u32).to_le_bytes());
            shared.extend([5, 0, 0, 0]);
            directory.extend(b"PK\x01\x02\x14\0");
            directory.extend(&shared);
            directory.extend([0; 10]);
            directory.extend((builder.len() as u32).to_le_bytes());
            directory.extend(name);
            builder.extend(b"PK\x03\x04");
            builder.extend(&shared);
            builder.extend(name);
            builder.extend(&inner);
        }
        let (offset, size) = (builder.len() as u32, directory.len() as u32);
        builder.extend(directory);
        builder.extend(b"PK\x05\x06\0\0\0\0\x10\0\x10\0");
        builder.extend(size.to_le_bytes());
        builder.extend(offset.to_le_bytes());
        builder.extend([0; 2]);
        inner = builder;
    }
    let found = scan("app/a.jar", &inner);
    assert!(
        found.packages.len() == 65_536 || is_incomplete(&found),
        "{}",
        found.packages.len()
    );
}

/// A program with one part that is looked through.
fn program(content: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(64, 0);
    bytes[32] = 64;
    bytes[54] = 56;
    bytes[56] = 1;
    let mut segment = [0u8; 56];
    segment[0] = 1;
    segment[4] = 6;
    segment[8..16].copy_from_slice(&128u64.to_le_bytes());
    segment[16..24].copy_from_slice(&128u64.to_le_bytes());
    segment[32..40].copy_from_slice(&(content.len() as u64).to_le_bytes());
    bytes.extend(segment);
    bytes.resize(128, 0);
    bytes.extend(content);
    bytes
}

#[test]
fn an_image_of_ten_thousand_programs_is_read_whole() {
    let mut information = b"\xff Go buildinf:\x08\x02".to_vec();
    information.resize(32, 0);
    information.extend(b"\x08go1.21.5\x0fmod\tx\tv1.2.3\t\n ");
    let program = program(&information);
    let mut layer = LayerBuilder::new();
    for number in 0..10_000 {
        layer = layer.executable(&format!("usr/bin/p{number}"), &program);
    }
    let contents = read_layer(layer.into_tar().as_slice(), &Selection::default()).unwrap();
    let found = merge(&[&contents], &[NO_LAYER], &mut |_, _| {
        Err(Problem::of_artifact(Effect::Incomplete, "not read again"))
    });
    assert_eq!(found.packages.len(), 20_000, "{:?}", found.problems.first());
    assert!(!is_incomplete(&found), "{:?}", found.problems.first());
}

/// A path of each kind of file that some analyzer reads whole.
const INSTALLED: &[&str] = &[
    "etc/os-release",
    "etc/lsb-release",
    "etc/apk/repositories",
    "var/lib/ubuntu-advantage/status.json",
    "root/buildinfo/content_manifests/a.json",
    "lib/apk/db/installed",
    "var/lib/dpkg/status",
    "var/lib/dpkg/info/a.list",
    "var/lib/rpm/Packages",
    "var/lib/rpmmanifest/container-manifest-2",
    "var/lib/pacman/local/x-1-1/desc",
    "var/db/pkg/app-misc/x-1/CONTENTS",
    "snap/x/1/meta/snap.yaml",
    "var/lib/chisel/manifest.wall",
    "usr/share/bottlerocket/application-inventory.json",
    "a/node_modules/b/package.json",
    "app/.pnp.cjs",
    "usr/lib/python3/site-packages/x-1.dist-info/METADATA",
    "usr/lib/python3/site-packages/x-1-py3.egg",
    "opt/java/release",
    "usr/local/go/VERSION",
    "usr/lib/ruby/gems/3.1.0/specifications/x-1.gemspec",
    "app/vendor/composer/installed.json",
    "usr/share/php/.registry/.channel.pecl.php.net/x.reg",
    "app/Shop.deps.json",
    "usr/lib/R/library/x/DESCRIPTION",
    "usr/local/lib/luarocks/rocks-5.1/x/1.0-0/x-1.0-0.rockspec",
    "usr/lib/erlang/lib/x-1/ebin/x.app",
    "root/.opam/default/.opam-switch/packages/x.1/opam",
    "opt/ghc/lib/package.conf.d/x-1.conf",
    "opt/conda/conda-meta/x-1-0.json",
    "root/.conan/data/x/1/_/_/package/0/conaninfo.txt",
    "root/.julia/packages/JSON/93Ea8/Project.toml",
    "srv/wp-includes/version.php",
    "opt/bitnami/.bitnami_components.json",
    "usr/share/x.cdx.json",
    "app/a.jar",
    "usr/bin/app",
];

/// A path of each kind of lock file and manifest.
const DECLARED_PATHS: &[&str] = &[
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "deno.lock",
    "requirements.txt",
    "Pipfile.lock",
    "poetry.lock",
    "pdm.lock",
    "uv.lock",
    "pylock.toml",
    "environment.yml",
    "Gemfile.lock",
    "composer.lock",
    "Cargo.lock",
    "go.mod",
    "pom.xml",
    "gradle.lockfile",
    "gradle/verification-metadata.xml",
    "build.sbt.lock",
    "packages.lock.json",
    "project.assets.json",
    "bin/Shop.deps.json",
    "packages.config",
    "Directory.Packages.props",
    "paket.lock",
    "mix.lock",
    "rebar.lock",
    "manifest.toml",
    "pubspec.lock",
    "Package.resolved",
    "Podfile.lock",
    "conan.lock",
    "Manifest.toml",
    "renv.lock",
    "cabal.project.freeze",
    "stack.yaml.lock",
    "stack.yaml",
];

/// Texts without an end to their nesting, and crowds of what begins something.
fn deep() -> Vec<(&'static str, Vec<u8>)> {
    const COUNT: usize = 20_000;
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let aliases = format!("*a{},", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    vec![
        ("deep lists", "[".repeat(COUNT).into_bytes()),
        ("deep objects", "{\"a\":".repeat(COUNT).into_bytes()),
        ("deep objects of packages", "{\"packages\":[".repeat(COUNT).into_bytes()),
        (
            "deep dependencies",
            "{\"dependencies\":{\"a\":".repeat(COUNT).into_bytes(),
        ),
        ("deep elements", "<a>".repeat(COUNT).into_bytes()),
        ("deep projects", "<project><parent>".repeat(COUNT).into_bytes()),
        ("deep terms", "{[<<\"a\">>,".repeat(COUNT).into_bytes()),
        ("deep arrays of PHP", "a:1:{i:0;".repeat(COUNT).into_bytes()),
        ("deep tables", ["a = ", &"{a = ".repeat(COUNT)].concat().into_bytes()),
        ("long keys", format!("[{}a]\n", "a.".repeat(COUNT)).into_bytes()),
        ("flow in YAML", format!("a: {}", "[{a: ".repeat(COUNT)).into_bytes()),
        ("sequences in YAML", "- ".repeat(COUNT).into_bytes()),
        (
            "blocks in YAML",
            (0..2000)
                .map(|depth| format!("{}a:\n", " ".repeat(depth)))
                .collect::<String>()
                .into_bytes(),
        ),
        ("anchors", bomb.into_bytes()),
        ("an anchor of itself", b"a: &a\n  b: *a\npackages: *a\n".to_vec()),
        ("quotes", "\"".repeat(COUNT).into_bytes()),
        ("escapes", ["\"", &"\\".repeat(COUNT)].concat().into_bytes()),
        ("brackets", "(".repeat(COUNT).into_bytes()),
        ("markers", "a ; (((".repeat(COUNT / 8).into_bytes()),
        ("one long line", vec![b'a'; 256 << 10]),
        ("empty lines", vec![b'\n'; 256 << 10]),
        ("continued lines", "a \\\n".repeat(1 << 16).into_bytes()),
        (
            "properties",
            "<project><properties><a>${b}${b}</a><b>${a}${a}</b></properties><version>${a}</version></project>".into(),
        ),
    ]
}

#[test]
fn nesting_without_end_is_survived_by_every_analyzer() {
    for path in INSTALLED {
        for (name, text) in deep() {
            let found = scan(path, &text);
            assert!(found.packages.len() <= 1, "{path}: {name}: {:?}", found.packages.len());
        }
    }
    for analyzer in ANALYZERS {
        assert!(
            INSTALLED.iter().any(|path| (analyzer.wants)(path)),
            "no path for {}",
            analyzer.name
        );
    }
    for analyzer in STREAM_ANALYZERS {
        assert!(
            INSTALLED.iter().any(|path| (analyzer.wants)(path)),
            "no path for {}",
            analyzer.name
        );
    }
}

#[test]
fn nesting_without_end_is_survived_by_every_lock_file() {
    for path in DECLARED_PATHS {
        for (name, text) in deep() {
            let found = declared(path, &text);
            assert!(found.packages.len() <= 1, "{path}: {name}: {:?}", found.packages.len());
        }
    }
    for kind in DECLARED {
        assert!(
            DECLARED_PATHS.iter().any(|path| (kind.wants)(path)),
            "no path for {}",
            kind.name
        );
    }
}

#[test]
fn every_format_takes_rubbish() {
    let lines = "a (1.0)\n  b:\n    \"c\": {:hex, :c,\n{<<\"d\">>,{pkg,<<\"d\">>\n]}>,\u{0}@/npm:\n=::\n".repeat(50);
    for path in DECLARED_PATHS {
        for bytes in [lines.as_bytes(), b"", b"\n", b"\xff\xfe", b"null", b"[]", b"{}"] {
            declared(path, bytes);
        }
    }
}
