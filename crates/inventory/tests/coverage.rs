//! `docs/coverage.md` is written from the tables of this package. `UPDATE_DOCUMENTS=1 cargo test -p seaworthy-inventory
//! --test coverage` writes it anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::fmt::Write;
use std::path::Path;

use seaworthy_inventory::analyzer::{ANALYZERS, STREAM_ANALYZERS};
use seaworthy_inventory::binary::classifiers::CLASSIFIERS;
use seaworthy_inventory::declared::DECLARED;

/// What the documentation says of one analyzer: its name in the table, what it lists, a path that it reads, whether
/// Trivy's and Syft's documentation say that they list the same in images.
struct Row {
    name: &'static str,
    lists: &'static str,
    path: &'static str,
    trivy: &'static str,
    syft: &'static str,
}

const fn row(
    name: &'static str,
    lists: &'static str,
    path: &'static str,
    trivy: &'static str,
    syft: &'static str,
) -> Row {
    Row {
        name,
        lists,
        path,
        trivy,
        syft,
    }
}

const ROWS: [Row; 39] = [
    row("os-release", "the distribution", "etc/os-release", "yes", "yes"),
    row("release-files", "the distribution", "etc/debian_version", "yes", "yes"),
    row(
        "apk-repositories",
        "Alpine's branch",
        "etc/apk/repositories",
        "yes",
        "no",
    ),
    row(
        "ubuntu-pro",
        "Ubuntu Pro",
        "var/lib/ubuntu-advantage/status.json",
        "yes",
        "yes",
    ),
    row(
        "red-hat-build",
        "Red Hat content sets",
        "root/buildinfo/content_manifests/x.json",
        "yes",
        "only EUS",
    ),
    row("apk", "Alpine, Wolfi, Chainguard", "lib/apk/db/installed", "yes", "yes"),
    row(
        "dpkg",
        "Debian, Ubuntu, distroless; OpenWrt's opkg",
        "var/lib/dpkg/status",
        "without opkg",
        "yes",
    ),
    row(
        "dpkg-files",
        "owners of files",
        "var/lib/dpkg/info/x.list",
        "yes",
        "yes",
    ),
    row(
        "rpm",
        "Red Hat's family, SUSE, Amazon, …",
        "var/lib/rpm/rpmdb.sqlite",
        "yes",
        "yes, without -wal",
    ),
    row(
        "rpm-manifest",
        "Azure Linux distroless",
        "var/lib/rpmmanifest/container-manifest-2",
        "yes",
        "yes",
    ),
    row("pacman", "Arch Linux", "var/lib/pacman/local/x-1-1/desc", "no", "yes"),
    row("portage", "Gentoo", "var/db/pkg/app-misc/x-1/CONTENTS", "no", "yes"),
    row("snap", "snaps", "snap/x/1/meta/snap.yaml", "no", "yes"),
    row("chisel", "chiselled Ubuntu", "var/lib/chisel/manifest.wall", "no", "no"),
    row(
        "bottlerocket",
        "Bottlerocket",
        "usr/share/bottlerocket/application-inventory.json",
        "yes",
        "no",
    ),
    row(
        "npm",
        "npm, yarn and pnpm trees, global installs",
        "usr/lib/node_modules/npm/package.json",
        "yes",
        "yes",
    ),
    row("yarn-pnp", "Yarn's Plug'n'Play", "app/.pnp.cjs", "no", "no"),
    row(
        "python",
        "wheels and eggs",
        "usr/lib/python3/x-1.dist-info/METADATA",
        "yes",
        "yes",
    ),
    row("python-egg", "zipped eggs", "usr/lib/python3/x-1.egg", "yes", "yes"),
    row("java-runtime", "JDK, JRE, GraalVM", "opt/java/release", "no", "yes"),
    row(
        "toolchain",
        "Go, Erlang, Python built from source",
        "usr/local/go/VERSION",
        "no",
        "as binaries",
    ),
    row(
        "ruby-gem",
        "gems, also default ones",
        "usr/lib/ruby/specifications/x-1.gemspec",
        "yes",
        "yes",
    ),
    row(
        "composer-installed",
        "Composer",
        "app/vendor/composer/installed.json",
        "yes",
        "yes",
    ),
    row("pear", "PEAR and PECL", "usr/share/php/.registry/x.reg", "no", "yes"),
    row(
        "dotnet-deps",
        "NuGet packages of .NET applications",
        "app/x.deps.json",
        "yes",
        "yes",
    ),
    row("r", "R packages", "usr/lib/R/library/x/DESCRIPTION", "no", "yes"),
    row(
        "luarocks",
        "Lua rocks",
        "usr/lib/luarocks/rocks-5.1/x/1-0/x-1-0.rockspec",
        "no",
        "yes",
    ),
    row(
        "erlang-application",
        "Erlang and Elixir applications",
        "usr/lib/erlang/lib/x-1/ebin/x.app",
        "no",
        "directories only",
    ),
    row(
        "opam",
        "OCaml",
        "root/.opam/default/.opam-switch/packages/x.1/opam",
        "no",
        "directories only",
    ),
    row(
        "haskell",
        "packages registered with GHC",
        "opt/ghc/lib/package.conf.d/x.conf",
        "no",
        "no",
    ),
    row(
        "conda",
        "conda environments",
        "opt/conda/conda-meta/x-1-0.json",
        "only below envs/",
        "directories only",
    ),
    row(
        "conan",
        "Conan's cache",
        "root/.conan/data/x/1/_/_/package/0/conaninfo.txt",
        "no",
        "yes",
    ),
    row(
        "julia-depot",
        "Julia's depot",
        "root/.julia/packages/JSON/93Ea8/Project.toml",
        "no",
        "no",
    ),
    row(
        "wordpress",
        "WordPress, plugins, themes",
        "srv/wp-includes/version.php",
        "no",
        "plugins",
    ),
    row(
        "bitnami",
        "Bitnami's components and documents",
        "opt/bitnami/.bitnami_components.json",
        "yes",
        "yes",
    ),
    row(
        "sbom",
        "CycloneDX and SPDX documents in the image",
        "usr/share/x.cdx.json",
        "yes",
        "off by default",
    ),
    row(
        "java-archive",
        "jar, war, ear, par, sar, nar, hpi, jpi, kar, far, nested",
        "srv/x.jar",
        "jar, war, par, ear; also by hash",
        "yes",
    ),
    row(
        "binary",
        "Go build information (any ELF, PE, Mach-O)",
        "usr/bin/x",
        "with exec bit or .exe",
        "yes",
    ),
    row(
        "binary",
        "Rust (cargo auditable), .NET version resources, package notes, programs by their text",
        "usr/bin/x",
        "Rust only",
        "yes",
    ),
];

fn names() -> Vec<&'static str> {
    let streamed = STREAM_ANALYZERS.iter().map(|analyzer| analyzer.name);
    ANALYZERS.iter().map(|analyzer| analyzer.name).chain(streamed).collect()
}

fn wants(name: &str, path: &str) -> bool {
    let mut whole = ANALYZERS.iter().filter(|analyzer| analyzer.name == name);
    let mut streamed = STREAM_ANALYZERS.iter().filter(|analyzer| analyzer.name == name);
    whole.any(|analyzer| (analyzer.wants)(path)) || streamed.any(|analyzer| (analyzer.wants)(path))
}

fn document() -> String {
    let mut text = String::from(
        "# What is read\n\n\
         <!-- Written by crates/inventory/tests/coverage.rs from the tables of analyzers; do not edit. -->\n\n\
         In images and with `rootfs`: what is installed. The last two columns say whether the documentation of\n\
         Trivy (0.69) and Syft (1.18) names the same for images.\n\n\
         | analyzer | lists | for example | Trivy | Syft |\n| --- | --- | --- | --- | --- |\n",
    );
    for row in &ROWS {
        writeln!(
            text,
            "| {} | {} | `{}` | {} | {} |",
            row.name, row.lists, row.path, row.trivy, row.syft
        )
        .unwrap();
    }
    text.push_str("| nix | Nix store | `nix/store/<hash>-x-1/` | no | yes |\n");
    let mut products: Vec<_> = CLASSIFIERS.iter().map(|classifier| classifier.product).collect();
    products.sort_unstable();
    products.dedup();
    text.push_str(
        "\n## Programs known by their text\n\nBuilt from source or unpacked from an archive; Trivy has none, Syft has 88 rows. \
         They are listed as `generic`:\n",
    );
    writeln!(text, "{}.", products.join(", ")).unwrap();
    text.push_str("\n## Lock files and manifests (`fs`)\n\n| kind | packages |\n| --- | --- |\n");
    for declared in DECLARED {
        writeln!(text, "| {} | {} |", declared.name, declared.ecosystem.purl_type()).unwrap();
    }
    text.push_str(
        "\n## What is not read\n\n\
         - The archives in which Yarn's Plug'n'Play keeps packages (`.yarn/cache/*.zip`), Python programs that are one archive \
         (zipapp, PyInstaller), bundled front ends.\n\
         - Bills that GraalVM embeds in native programs; Rust programs without `cargo auditable`; what C and C++ link statically.\n\
         - Kernel modules and kernel images: a container runs the kernel of its node.\n\
         - What a snap was built from (`usr/share/snappy/dpkg.yaml`): those files are not installed as packages.\n\
         - Java archives are not looked up by their SHA-1, which the report states: there is no index of Maven's repositories in \
         the data.\n\
         - Lock files of opam, Terraform and Bazel, version catalogues of Gradle, workflows of GitHub, extensions of editors and \
         browsers: there are no advisories about them in the data, or they are not what runs.\n",
    );
    text
}

#[test]
fn every_analyzer_has_a_row_that_is_true() {
    for name in names() {
        assert!(ROWS.iter().any(|row| row.name == name), "{name} has no row");
    }
    for row in &ROWS {
        assert!(wants(row.name, row.path), "{} does not read {}", row.name, row.path);
    }
}

#[test]
fn the_document_is_not_stale() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/coverage.md");
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == document(),
        "docs/coverage.md is stale: UPDATE_DOCUMENTS=1 cargo test -p seaworthy-inventory --test coverage"
    );
}
