//! Rules of matching that begin with what lies in an image, each with records that their publishers state: affected,
//! fixed, not affected, uncertain. The advisory data are those that the program carries.
//!
//! The data have no advisories of Wolfi and Chainguard, whose licence forbids it: that an apk's own advisories speak for
//! the language packages inside it is asked of Alpine. Berkeley databases are asked in `seaworthy-inventory`: no rpm of
//! today writes one; SQLite's and its log likewise.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use seaworthy_model::{Confidence, Effect, ScanReport};
use seaworthy_scanner::{Database, Options, Target, Unobserved, scan};
use seaworthy_testkit::{ImageBuilder, LayerBuilder, Stored};
use std::path::Path;
use std::sync::OnceLock;

/// What is expected of one vulnerability in the packages below one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Reported for certain, fixed in this version; empty for none.
    Fix(&'static str),
    /// Reported as uncertain, and a problem says so.
    Perhaps,
    /// Not reported.
    No,
}

use Expected::{Fix, No, Perhaps};

fn database() -> &'static Database {
    static DATABASE: OnceLock<Database> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/advisories.db");
        Database::from_static(Vec::leak(std::fs::read(path).unwrap())).unwrap()
    })
}

fn scanned(target: &Target) -> ScanReport {
    let options = Options {
        // 2025-03-01, the time of most of the data.
        now: jiff::Timestamp::from_second(20_148 * 86_400).unwrap(),
        ..Options::default()
    };
    scan(target, &options, database(), &Unobserved).unwrap()
}

fn image(layers: Vec<LayerBuilder>) -> ScanReport {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let image = layers
        .into_iter()
        .fold(ImageBuilder::new(), |image, layer| image.layer(layer, Stored::Plain));
    std::fs::write(&path, image.oci_archive()).unwrap();
    scanned(&Target::ImageInput(path.into()))
}

/// Each row: the name of a package, the beginning of its path, an id, what is expected.
#[track_caller]
fn check(what: &str, report: &ScanReport, rows: &[(&str, &str, &str, Expected)]) {
    for &(name, place, id, expected) in rows {
        let found: Vec<_> = report
            .decision
            .findings
            .iter()
            .map(|finding| &finding.matched)
            .filter(|found| found.id == id)
            .filter(|found| {
                let package = &report.inventory.packages[found.package];
                package.name == name && package.path.starts_with(place)
            })
            .collect();
        let unsure = report
            .inventory
            .problems
            .iter()
            .any(|problem| problem.effect == Effect::Uncertain);
        let holds = match (found.as_slice(), expected) {
            ([], No) => true,
            ([found], Fix(fix)) => found.confidence == Confidence::Exact && found.fixed_version == fix,
            ([found], Perhaps) => matches!(found.confidence, Confidence::Uncertain(_)) && unsure,
            _ => false,
        };
        assert!(
            holds,
            "{what}: {name} {place} {id}: expected {expected:?}, found {found:?}, problems {:?}",
            report.inventory.problems
        );
    }
}

const BOOKWORM: &str = "ID=debian\nVERSION_ID=\"12\"\n";
const ALPINE: &str = "ID=alpine\nVERSION_ID=3.20.1\n";
const ALMA: &str = "ID=almalinux\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=8.5\n";

fn python(name: &str, version: &str) -> String {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
}

fn apk(name: &str, version: &str, owned: &str) -> String {
    let (directory, file) = owned.rsplit_once('/').unwrap();
    format!("P:{name}\nV:{version}\nA:x86_64\no:{name}\nF:{directory}\nR:{file}\n\n")
}

/// Rule 17: an apk's advisories speak for the Python packages that it brought.
#[test]
fn an_apk_speaks_for_the_language_packages_inside_it() {
    let inside = "usr/lib/python3.12/site-packages/jinja2-3.1.4.dist-info/METADATA";
    let own = "srv/venv/lib/python3.12/site-packages/jinja2-3.1.4.dist-info/METADATA";
    let layer = |version: &str, release: &str| {
        vec![
            LayerBuilder::new()
                .file("etc/os-release", release)
                .file("lib/apk/db/installed", apk("py3-jinja2", version, inside))
                .file(inside, python("Jinja2", "3.1.4"))
                .file(own, python("Jinja2", "3.1.4")),
        ]
    };
    let id = "CVE-2024-56326";
    check(
        "affected",
        &image(layer("3.1.4-r0", ALPINE)),
        &[
            ("py3-jinja2", "lib/apk", id, Fix("3.1.5-r0")),
            ("Jinja2", "usr", id, No),
            ("Jinja2", "srv", id, Fix("3.1.5")),
        ],
    );
    check(
        "fixed by the distribution, whatever the version inside says",
        &image(layer("3.1.5-r0", ALPINE)),
        &[
            ("py3-jinja2", "lib/apk", id, No),
            ("Jinja2", "usr", id, No),
            ("Jinja2", "srv", id, Fix("3.1.5")),
        ],
    );
    check(
        "never affected",
        &image(layer("3.1.4-r0", ALPINE)),
        &[
            ("py3-jinja2", "lib/apk", "CVE-2019-8341", No),
            ("Jinja2", "usr", "CVE-2019-8341", No),
        ],
    );
    check(
        "a version that cannot be compared",
        &image(layer("not.a-version", ALPINE)),
        &[("py3-jinja2", "lib/apk", id, Perhaps), ("Jinja2", "usr", id, No)],
    );
    check(
        "a distribution of which the data know nothing speaks for nothing",
        &image(layer("3.1.5-r0", "ID=wolfi\nVERSION_ID=20230201\n")),
        &[("Jinja2", "usr", id, Fix("3.1.5")), ("Jinja2", "srv", id, Fix("3.1.5"))],
    );
}

/// Rules 6 and 23: what others than the distribution built is not covered by its advisories, and neither is what it brought.
#[test]
fn packages_of_others_keep_their_content() {
    let inside = "opt/agent/embedded/lib/python3.11/site-packages/PyYAML-5.1.dist-info/METADATA";
    let layer = |maintainer: &str, version: &str| {
        let status = format!(
            "Package: agent\nStatus: install ok installed\nArchitecture: amd64\nMaintainer: {maintainer}\nVersion: 1:7.1-1\n"
        );
        vec![
            LayerBuilder::new()
                .file("etc/os-release", BOOKWORM)
                .file("var/lib/dpkg/status", status)
                .file("var/lib/dpkg/info/agent.list", format!("/.\n/{inside}\n"))
                .file(inside, python("PyYAML", version)),
        ]
    };
    let id = "CVE-2019-20477";
    for (maintainer, version, expected) in [
        ("Datadog Packages <package@datadoghq.com>", "5.1", Fix("5.2")),
        ("Datadog Packages <package@datadoghq.com>", "5.2", No),
        ("Debian Python Team <team+python@tracker.debian.org>", "5.1", No),
        ("Datadog Packages <package@datadoghq.com>", "nightly build", Perhaps),
    ] {
        check(
            maintainer,
            &image(layer(maintainer, version)),
            &[("PyYAML", "opt", id, expected)],
        );
    }
}

/// Rule 18: distroless images have one file a package, and lists of checksums in place of lists of files.
#[test]
fn distroless_images_are_read_package_by_package() {
    let inside = "usr/lib/python3/dist-packages/PyYAML-5.1.dist-info/METADATA";
    let layer = |version: &str| {
        let stanza = |name: &str, source: &str, version: &str| {
            format!("Package: {name}\nSource: {source}\nArchitecture: amd64\nVersion: {version}\n")
        };
        LayerBuilder::new()
            .file("etc/os-release", BOOKWORM)
            .file("var/lib/dpkg/status.d/libssl3", stanza("libssl3", "openssl", version))
            .file(
                "var/lib/dpkg/status.d/libssl3.md5sums",
                "07d31e7e63800ab1b7966980709c51eb  usr/lib/libssl.so.3\n",
            )
            .file(
                "var/lib/dpkg/status.d/python3-yaml",
                stanza("python3-yaml", "pyyaml", "6.0-3"),
            )
            .file(
                "var/lib/dpkg/status.d/python3-yaml.md5sums",
                format!("07d31e7e63800ab1b7966980709c51eb  {inside}\n"),
            )
            .file(inside, python("PyYAML", "5.1"))
    };
    for (version, expected) in [
        ("3.0.14-1~deb12u2", Fix("3.0.15-1~deb12u1")),
        ("3.0.15-1~deb12u1", No),
        ("3.0 14", Perhaps),
    ] {
        let report = image(vec![layer(version)]);
        check(
            version,
            &report,
            &[
                ("libssl3", "var/lib/dpkg/status.d/libssl3", "CVE-2024-5535", expected),
                ("PyYAML", "usr", "CVE-2019-20477", No),
            ],
        );
        assert_eq!(report.inventory.databases.len(), 1, "{:?}", report.inventory.databases);
    }
}

/// Rule 19: what counts is whether the files are there.
#[test]
fn states_of_dpkg_decide_what_is_installed() {
    for (status, version, expected) in [
        ("install ok installed", "3.0.14-1~deb12u2", Fix("3.0.15-1~deb12u1")),
        ("deinstall ok installed", "3.0.14-1~deb12u2", Fix("3.0.15-1~deb12u1")),
        (
            "install ok half-configured",
            "3.0.14-1~deb12u2",
            Fix("3.0.15-1~deb12u1"),
        ),
        (
            "install ok triggers-awaited",
            "3.0.14-1~deb12u2",
            Fix("3.0.15-1~deb12u1"),
        ),
        ("install ok installed", "3.0.15-1~deb12u1", No),
        ("deinstall ok config-files", "3.0.14-1~deb12u2", No),
        ("purge ok not-installed", "3.0.14-1~deb12u2", No),
        ("install reinstreq half-installed", "3.0.14-1~deb12u2", No),
        ("install ok installed", "3.0 14", Perhaps),
    ] {
        let stanza = format!("Package: libssl3\nSource: openssl\nStatus: {status}\nVersion: {version}\n");
        let layer = LayerBuilder::new()
            .file("etc/os-release", BOOKWORM)
            .file("var/lib/dpkg/status", stanza);
        let report = image(vec![layer]);
        check(status, &report, &[("libssl3", "var", "CVE-2024-5535", expected)]);
    }
    // A state that dpkg does not know: the package is taken as installed, and that is said.
    let layer = LayerBuilder::new().file("etc/os-release", BOOKWORM).file(
        "var/lib/dpkg/status",
        "Package: libssl3\nSource: openssl\nStatus: install ok splendid\nVersion: 3.0.14-1~deb12u2\n",
    );
    let report = image(vec![layer]);
    check(
        "splendid",
        &report,
        &[("libssl3", "var", "CVE-2024-5535", Fix("3.0.15-1~deb12u1"))],
    );
    assert!(
        report
            .inventory
            .problems
            .iter()
            .any(|problem| problem.what.contains("unknown status"))
    );
}

/// Rule 20: rpm's database in every directory, and beside what an older rpm left.
#[test]
fn databases_of_rpm_are_found_in_every_place() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inventory/tests/fixtures/rpm");
    let read = |name: &str| std::fs::read(fixtures.join(name)).unwrap();
    let inside = "usr/lib/python3.6/site-packages/PyYAML-5.1.dist-info/METADATA";
    let rows = |place| {
        [
            ("openssl-libs", place, "CVE-2022-0778", Fix("1:1.1.1k-6.el8_5")),
            (
                "nodejs",
                place,
                "CVE-2021-22883",
                Fix("1:10.24.0-1.module_el8.3.0+2047+b07ac28e"),
            ),
            ("harbour", place, "CVE-2022-0778", No),
            ("PyYAML", "usr", "CVE-2019-20477", No),
        ]
    };
    let base = || {
        LayerBuilder::new()
            .file("etc/os-release", ALMA)
            .file(inside, python("PyYAML", "5.1"))
    };
    for directory in ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"] {
        let layer = base().file(&format!("{directory}/Packages.db"), read("Packages.db"));
        let report = image(vec![layer]);
        check(directory, &report, &rows(directory));
        // Of two kernels one is fixed (rule 11), and keys are no packages.
        let kernel = |found: &&seaworthy_model::Finding| found.matched.id == "CVE-2021-4083";
        let found: Vec<_> = report.decision.findings.iter().filter(kernel).collect();
        assert_eq!(found.len(), 1);
        assert_eq!(
            report.inventory.packages[found[0].matched.package].version,
            "4.18.0-348.el8"
        );
        assert!(
            report
                .inventory
                .packages
                .iter()
                .all(|package| package.name != "gpg-pubkey")
        );
        // What a migration left behind is not counted, and that is said.
        let older = base().file("var/lib/rpm/Packages.db", read("Packages.db")).file(
            "var/lib/rpmmanifest/container-manifest-2",
            "openssl-libs\t1.1.1g-1.el8\t1\t1\tAlmaLinux\t1\t1\tx86_64\t1\topenssl-1.1.1g-1.el8.src.rpm\n",
        );
        let report = image(vec![older]);
        assert!(
            report
                .inventory
                .packages
                .iter()
                .all(|package| !package.version.contains("1.1.1g"))
        );
        assert!(
            report
                .inventory
                .problems
                .iter()
                .any(|problem| problem.what.contains("older rpm database"))
        );
    }
    // The manifest has the epoch, and no labels of modules.
    let layer = base().file("var/lib/rpmmanifest/container-manifest-2", read("container-manifest-2"));
    check("manifest", &image(vec![layer]), &rows("var/lib/rpmmanifest")[..1]);
    // Half of it is less, and never in silence.
    let half = read("Packages.db");
    let report = image(vec![base().file("var/lib/rpm/Packages.db", &half[..half.len() / 2])]);
    assert!(
        report
            .inventory
            .problems
            .iter()
            .any(|problem| problem.effect == Effect::Incomplete)
    );
}

/// Rule 21: a database that a layer deletes is no clean image; one that it writes anew is what counts.
#[test]
fn a_deleted_database_is_said() {
    let status = |version: &str| {
        format!("Package: libssl3\nSource: openssl\nStatus: install ok installed\nVersion: {version}\n")
    };
    let base = || {
        LayerBuilder::new()
            .file("etc/os-release", BOOKWORM)
            .file("var/lib/dpkg/status", status("3.0.14-1~deb12u2"))
    };
    let row = |expected| [("libssl3", "var", "CVE-2024-5535", expected)];
    check(
        "kept",
        &image(vec![base(), LayerBuilder::new()]),
        &row(Fix("3.0.15-1~deb12u1")),
    );
    let fixed = LayerBuilder::new().file("var/lib/dpkg/status", status("3.0.15-1~deb12u1"));
    check("fixed", &image(vec![base(), fixed]), &row(No));
    let unclear = LayerBuilder::new().file("var/lib/dpkg/status", status("3.0 14"));
    check("unclear", &image(vec![base(), unclear]), &row(Perhaps));
    for deleted in [
        LayerBuilder::new().whiteout("var/lib/dpkg/status"),
        LayerBuilder::new().whiteout("var/lib/dpkg"),
        LayerBuilder::new().opaque("var/lib/dpkg"),
        LayerBuilder::new().file("var/lib/dpkg", ""),
    ] {
        let report = image(vec![base(), deleted]);
        check("deleted", &report, &row(No));
        let said = |problem: &&seaworthy_model::Problem| problem.effect == Effect::Incomplete;
        let problems: Vec<_> = report.inventory.problems.iter().filter(said).collect();
        assert!(
            problems.iter().any(|problem| problem.what.contains("deleted")),
            "{problems:?}"
        );
    }
}

/// Rule 26: every form in which Python packages are installed, and what only looks like one.
#[test]
fn forms_of_python_packages() {
    let id = "CVE-2019-20477";
    let site = "usr/local/lib/python3.8/site-packages";
    for (path, version, expected) in [
        ("PyYAML-5.1.dist-info/METADATA", "5.1", Fix("5.2")),
        ("PyYAML-5.2.dist-info/METADATA", "5.2", No),
        ("PyYAML-5.1-py3.8.egg-info/PKG-INFO", "5.1", Fix("5.2")),
        ("PyYAML-5.1-py3.8.egg-info", "5.1", Fix("5.2")),
        ("PyYAML-5.2-py3.8.egg-info", "5.2", No),
        ("PyYAML-5.1-py3.8.egg/EGG-INFO/PKG-INFO", "5.1", Fix("5.2")),
        // A copy inside another package has no metadata of its own kind.
        ("pip/_vendor/yaml/METADATA", "5.1", No),
        ("yaml/PKG-INFO.txt", "5.1", No),
        ("PyYAML-5.1.dist-info/METADATA", "nightly build", Perhaps),
    ] {
        let layer = LayerBuilder::new().file(&format!("{site}/{path}"), python("PyYAML", version));
        check(path, &image(vec![layer]), &[("PyYAML", "usr", id, expected)]);
    }
    // An editable install is the package that its metadata name.
    let editable = LayerBuilder::new()
        .file(
            &format!("{site}/PyYAML-5.1.dist-info/METADATA"),
            python("PyYAML", "5.1"),
        )
        .file(
            &format!("{site}/PyYAML-5.1.dist-info/direct_url.json"),
            r#"{"dir_info":{"editable":true},"url":"file:///srv/yaml"}"#,
        );
    check("editable", &image(vec![editable]), &[("PyYAML", "usr", id, Fix("5.2"))]);
}

fn npm(name: &str, version: &str) -> String {
    format!(r#"{{"name":"{name}","version":"{version}"}}"#)
}

/// Rule 27: a package.json is a package where Node.js would find it, under the name that it has itself.
#[test]
fn places_of_npm_packages() {
    let id = "CVE-2021-23337";
    for (path, version, expected) in [
        ("srv/node_modules/lodash", "4.17.20", Fix("4.17.21")),
        ("srv/node_modules/lodash", "4.17.21", No),
        // An alias is installed under another name than its own.
        ("srv/node_modules/lodash-alias", "4.17.11", Fix("4.17.21")),
        ("srv/node_modules/@mine/lodash", "4.17.11", Fix("4.17.21")),
        (
            "srv/node_modules/a/node_modules/b/node_modules/lodash",
            "4.17.20",
            Fix("4.17.21"),
        ),
        // npm's own packages are real.
        (
            "usr/lib/node_modules/npm/node_modules/lodash",
            "4.17.20",
            Fix("4.17.21"),
        ),
        // The project itself, a fixture of tests and what Debian's own packages bring are none.
        ("srv/app", "4.17.20", No),
        (
            "srv/node_modules/resolve/test/resolver/multirepo/packages/package-a",
            "4.17.20",
            No,
        ),
        ("srv/node_modules/lodash/fp", "4.17.20", No),
        ("usr/share/nodejs/lodash", "4.17.20", No),
        ("srv/node_modules/lodash", "latest", Perhaps),
    ] {
        let layer = LayerBuilder::new().file(&format!("{path}/package.json"), npm("lodash", version));
        check(path, &image(vec![layer]), &[("lodash", "", id, expected)]);
    }
    // Without a name or a version, and with malware's placeholder of both, there is no package.
    for manifest in [
        "{}",
        r#"{"name":"lodash"}"#,
        r#"{"version":"4.17.20"}"#,
        r#"{"name":"","version":"1.0.0"}"#,
    ] {
        let layer = LayerBuilder::new().file("srv/node_modules/lodash/package.json", manifest);
        assert_eq!(image(vec![layer]).inventory.packages, [], "{manifest}");
    }
    // In a lock file the name is the entry's own, not its place.
    let tree = tempfile::tempdir().unwrap();
    let lock = r#"{"name":"app","version":"1.0.0","lockfileVersion":3,"packages":{
        "":{"name":"app","version":"1.0.0","dependencies":{"alias":"npm:lodash@4.17.11","lodash":"4.17.21"}},
        "node_modules/alias":{"name":"lodash","version":"4.17.11"},
        "node_modules/lodash":{"version":"4.17.21"}}}"#;
    std::fs::write(tree.path().join("package-lock.json"), lock).unwrap();
    let report = scanned(&Target::SourceTree(tree.path().to_owned()));
    check(
        "lock file",
        &report,
        &[("lodash", "", id, Fix("4.17.21")), ("alias", "", id, No)],
    );
}
