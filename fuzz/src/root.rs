//! Files of a root file system through the analyzers and the merge, as a scan does it.

use seaworthy_inventory::analyzer::{ANALYZERS, STREAM_ANALYZERS};
use seaworthy_inventory::{Again, LayerContents, Selection, merge};
use seaworthy_model::{Inventory, LayerRef, limits};
use std::io::Cursor;

/// The paths that choose between the release files.
pub const RELEASE_FILES: &[&str] = &[
    "etc/os-release",
    "usr/lib/os-release",
    "etc/alpine-release",
    "etc/apk/repositories",
    "etc/debian_version",
    "etc/lsb-release",
    "etc/redhat-release",
    "etc/centos-release",
    "etc/oracle-release",
    "etc/system-release",
    "etc/azurelinux-release",
    "etc/SuSE-release",
    "etc/photon-release",
    "var/lib/ubuntu-advantage/status.json",
    "root/buildinfo/content_manifests/ubi8-container-8.6-990.json",
    "etc/apt/sources.list.d/ubuntu-esm-infra.sources",
];

/// The paths that choose between dpkg's files.
pub const DPKG_FILES: &[&str] = &[
    "var/lib/dpkg/status",
    "var/lib/dpkg/status.d/libc6",
    "var/lib/dpkg/info/python3-six.list",
    "var/lib/dpkg/info/python3-six:amd64.list",
    "var/lib/dpkg/info/python3-six.md5sums",
    "var/lib/dpkg/status.d/python3-six.md5sums",
    "usr/lib/opkg/status",
];

/// The paths that choose between the metadata files of Python packages.
pub const PYTHON_FILES: &[&str] = &[
    "usr/lib/python3/site-packages/Foo_Bar-1.0.dist-info/METADATA",
    "usr/lib/python3/site-packages/Foo_Bar-1.0.egg-info/PKG-INFO",
    "usr/lib/python3/site-packages/Foo_Bar-1.0.egg-info",
    "usr/lib/python3/site-packages/Foo_Bar-1.0-py3.egg/EGG-INFO/PKG-INFO",
    "usr/lib/python3/site-packages/Foo_Bar-1.0-py3.egg",
];

/// Entries of Java archives that say what is inside, then an archive in an archive.
pub const JAVA_ENTRIES: [&str; 3] = [
    "META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties",
    "META-INF/MANIFEST.MF",
    "BOOT-INF/lib/inner-1.0.jar",
];

/// The paths that choose what is looked for in a program.
pub const PROGRAMS: [&str; 5] = [
    "usr/local/bin/app",
    "usr/local/bin/python3.11",
    "app/Library.dll",
    "usr/sbin/nginx",
    "usr/lib/libcrypto.so.3",
];

/// The paths of the small files that package managers leave.
pub const INSTALLED_FILES: &[&str] = &[
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
    "srv/wp-content/plugins/x/x.php",
    "opt/bitnami/.bitnami_components.json",
    "opt/bitnami/x/.spdx-x.spdx",
    "opt/java/release",
    "usr/local/go/VERSION",
    "var/lib/pacman/local/x-1-1/desc",
    "var/lib/pacman/local/x-1-1/files",
    "var/db/pkg/app-misc/x-1/CONTENTS",
    "snap/x/1/meta/snap.yaml",
    "var/lib/chisel/manifest.wall",
    "usr/share/bottlerocket/application-inventory.json",
    "var/lib/rpmmanifest/container-manifest-2",
    "usr/share/x.cdx.json",
    "srv/wp-content/themes/x/style.css",
    "usr/local/lib/erlang/releases/25/OTP_VERSION",
    "usr/local/lib/python3.11/site-packages/x/x.spdx",
    "app/.pnp.cjs",
    "app/.pnp.data.json",
];

/// Paths of the databases that have a target each.
const DATABASES: &[&str] = &[
    "lib/apk/db/installed",
    "var/lib/rpm/rpmdb.sqlite",
    "app/node_modules/left-pad/package.json",
    "app/lib/log4j-core-2.17.0.jar",
];

/// Every path that some target has.
pub fn paths() -> impl Iterator<Item = &'static str> {
    [
        DATABASES,
        RELEASE_FILES,
        DPKG_FILES,
        PYTHON_FILES,
        &PROGRAMS,
        INSTALLED_FILES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The inventory of a root file system with these files, after checking what must hold of it.
pub fn inventory(files: &[(&str, &[u8])]) -> Inventory {
    let (first, _) = files.first().expect("a file");
    assert!(
        ANALYZERS.iter().any(|analyzer| (analyzer.wants)(first))
            || STREAM_ANALYZERS.iter().any(|analyzer| (analyzer.wants)(first)),
        "no analyzer wants {first}"
    );
    let read = |selection: &Selection| {
        let mut contents = LayerContents::new();
        for (path, bytes) in files {
            let owned = bytes.to_vec();
            contents
                .add_file(
                    path.as_bytes(),
                    owned.len() as u64,
                    move || Ok(Box::new(Cursor::new(owned))),
                    selection,
                )
                .expect("reading memory does not fail");
        }
        contents
    };
    let layer = LayerRef {
        digest: None,
        diff_id: None,
    };
    let contents = read(&Selection::default());
    let inventory = merge(&[&contents], &[layer], &mut |_, wanted| {
        Ok(read(&Selection {
            only: Some(Again::new(wanted)),
            ..Selection::default()
        }))
    });
    check(&inventory);
    inventory
}

/// What holds of every inventory.
pub fn check(inventory: &Inventory) {
    assert!(inventory.packages.len() <= limits::PACKAGES);
    for package in &inventory.packages {
        assert!(!package.name.is_empty(), "a package without a name: {package:?}");
        assert!(!package.version.is_empty(), "a package without a version: {package:?}");
    }
    for problem in &inventory.problems {
        assert!(!problem.what.is_empty());
    }
}

/// The same for a file that is a package database: nothing listed must have a reason that is said.
pub fn database(files: &[(&str, &[u8])]) {
    let inventory = inventory(files);
    assert!(
        !inventory.databases.is_empty() || !inventory.problems.is_empty(),
        "a package database was passed over in silence"
    );
}
