//! One table a rule: affected, fixed, not affected and uncertain, each with a record that its publisher states.
//!
//! Here and beside it (`alpine.rs`, `debian.rs`, `rpm.rs`, `python.rs`) are the rules that begin with a package; those
//! that begin with what lies in an image are in the scanner's tests. The feeds say nothing of Oracle (its flavours and
//! architectures) and of Wolfi, nothing of images' repositories by CPE, and leave out what Red Hat calls not affected.

use super::{TODAY, binary, database, find};
use seaworthy_model::{Confidence, Distribution, Ecosystem, Effect, Family, FixStatus, Inventory, Package, limits};

/// What is expected of one vulnerability in one package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Affected for certain, and fixed in this version.
    Fix(&'static str),
    /// Affected for certain, without a fix that can be had.
    Open(FixStatus),
    /// Affected perhaps; the empty text is for no fix.
    Perhaps(&'static str),
    /// Not reported.
    No,
}

use Expected::{Fix, No, Open, Perhaps};

/// A package as its database has it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Installed {
    name: &'static str,
    source: &'static str,
    version: &'static str,
    source_version: &'static str,
    arch: &'static str,
    label: &'static str,
    maintainer: &'static str,
}

pub(super) fn installed(name: &'static str, version: &'static str) -> Installed {
    Installed {
        name,
        version,
        ..Installed::default()
    }
}

impl Installed {
    pub(super) fn of(self, source: &'static str) -> Self {
        Self { source, ..self }
    }

    pub(super) fn built_from(self, source: &'static str, source_version: &'static str) -> Self {
        Self {
            source,
            source_version,
            ..self
        }
    }

    pub(super) fn on(self, arch: &'static str) -> Self {
        Self { arch, ..self }
    }

    pub(super) fn labelled(self, label: &'static str) -> Self {
        Self { label, ..self }
    }

    pub(super) fn by(self, maintainer: &'static str) -> Self {
        Self { maintainer, ..self }
    }

    fn package(self, ecosystem: Ecosystem) -> Package {
        let source = if self.source.is_empty() { self.name } else { self.source };
        let mut package = binary(ecosystem, self.name, source, self.version);
        if !self.source_version.is_empty() {
            package.source_version = self.source_version.to_owned();
        }
        package.arch = if self.arch.is_empty() { "x86_64" } else { self.arch }.to_owned();
        package.modularity_label = self.label.to_owned();
        package.maintainer = self.maintainer.to_owned();
        package
    }
}

#[track_caller]
pub(super) fn check(distribution: Option<&Distribution>, ecosystem: Ecosystem, rows: &[(Installed, &str, Expected)]) {
    let mut wrong = Vec::new();
    for &(installed, id, expected) in rows {
        let Some(findings) = find(distribution.cloned(), installed.package(ecosystem)) else {
            return;
        };
        let unsure = findings
            .problems
            .iter()
            .any(|problem| problem.effect == Effect::Uncertain);
        let found = findings.matches.iter().find(|found| found.id == id);
        let holds = match (found, expected) {
            (None, No) => true,
            (Some(found), Fix(fix)) => found.confidence == Confidence::Exact && found.fixed_version == fix,
            (Some(found), Open(status)) => {
                found.confidence == Confidence::Exact && found.fixed_version.is_empty() && found.status == status
            }
            (Some(found), Perhaps(fix)) => {
                let said = installed.version.is_empty() || !installed.label.is_empty() || unsure;
                matches!(found.confidence, Confidence::Uncertain(_)) && found.fixed_version == fix && said
            }
            _ => false,
        };
        if !holds {
            let found = found.map(|found| (&found.fixed_version, found.status, &found.confidence, &found.range));
            wrong.push(format!("{installed:?} {id}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

pub(super) fn on(family: Family, release: &str) -> Distribution {
    Distribution::new(family, release)
}

/// Rules 1 and 2: the source package and its version decide, also where a binary was rebuilt or has another version.
#[test]
fn sources_decide_on_debian_and_ubuntu() {
    let ssl = |version, source_version| installed("libssl3", version).built_from("openssl", source_version);
    check(
        Some(&on(Family::Debian, "12")),
        Ecosystem::Deb,
        &[
            (
                ssl("3.0.14-1~deb12u2", "3.0.14-1~deb12u2"),
                "CVE-2024-5535",
                Fix("3.0.15-1~deb12u1"),
            ),
            (ssl("3.0.15-1~deb12u1", "3.0.15-1~deb12u1"), "CVE-2024-5535", No),
            (
                ssl("3.0.14-1~deb12u2+b1", "3.0.14-1~deb12u2"),
                "CVE-2024-5535",
                Fix("3.0.15-1~deb12u1"),
            ),
            (ssl("3.0.15-1~deb12u1+b1", "3.0.15-1~deb12u1"), "CVE-2024-5535", No),
            (
                installed("openssl", "3.0.14-1").built_from("mine", "3.0.14-1"),
                "CVE-2024-5535",
                No,
            ),
            (ssl("3.0 14", "3.0 14"), "CVE-2024-5535", Perhaps("3.0.15-1~deb12u1")),
        ],
    );
    check(
        Some(&on(Family::Ubuntu, "22.04")),
        Ecosystem::Deb,
        &[
            (
                ssl("3.0.2-0ubuntu1.16", "3.0.2-0ubuntu1.16"),
                "CVE-2024-5535",
                Fix("3.0.2-0ubuntu1.17"),
            ),
            (ssl("3.0.2-0ubuntu1.17", "3.0.2-0ubuntu1.17"), "CVE-2024-5535", No),
            (ssl("3.0.2-0ubuntu1.16", "3.0.2-0ubuntu1.16"), "CVE-2022-0778", No),
            (ssl("3.0.2 0", "3.0.2 0"), "CVE-2024-5535", Perhaps("3.0.2-0ubuntu1.17")),
        ],
    );
}

/// Rule 3: source rpms carry no epoch; what names the package itself is compared with the package's own.
#[test]
fn epochs_are_compared_where_they_are_known() {
    check(
        Some(&on(Family::RedHat, "8.5")),
        Ecosystem::Rpm,
        &[
            (
                installed("openssl-libs", "1:1.1.1k-5.el8_5").built_from("openssl", "1.1.1k-5.el8_5"),
                "CVE-2022-0778",
                Fix("1:1.1.1k-6.el8_5"),
            ),
            (
                installed("openssl-libs", "1:1.1.1k-6.el8_5").built_from("openssl", "1.1.1k-6.el8_5"),
                "CVE-2022-0778",
                No,
            ),
            (
                installed("openssl", "1.1.1z-9.el8"),
                "CVE-2022-0778",
                Fix("1:1.1.1k-6.el8_5"),
            ),
            (installed("openssl", ""), "CVE-2022-0778", Perhaps("1:1.1.1k-6.el8_5")),
            // An epoch of the package's own, higher than the advisory's.
            (installed("openssl", "2:1.0.1-1.el8"), "CVE-2022-0778", No),
        ],
    );
}

/// Rule 8 on Red Hat: the build of the module decides, for the package that the CVE's record names.
#[test]
fn modules_of_red_hat_by_their_builds() {
    let old = "httpd:2.4:8050020211115111820:b4937e53";
    let new = "httpd:2.4:8070020230131172653:bd1311ed";
    let httpd = |label| installed("httpd", "2.4.37-43.module+el8.5.0+13806+b30d9eec.1").labelled(label);
    let part = installed("mod_http2", "1.15.7-3.module+el8.4.0+8625+d397f3da").labelled(old);
    let python = installed("python2-libs", "2.7.18-7.module+el8.5.0+12203+77770ab7").of("python2");
    let python = |label| python.labelled(label);
    let podman = installed("podman", "3:3.4.2-9.module+el8.5.0+13852+150547f7");
    check(
        Some(&on(Family::RedHat, "8.5")),
        Ecosystem::Rpm,
        &[
            (httpd(old), "CVE-2006-20001", Fix("httpd:2.4:8070020230131172653")),
            (httpd(new), "CVE-2006-20001", No),
            // Other parts of a module keep their builds when one is fixed.
            (part, "CVE-2006-20001", No),
            // The label without a build says that it is of the module.
            (
                httpd("httpd:2.4"),
                "CVE-2006-20001",
                Perhaps("httpd:2.4:8070020230131172653"),
            ),
            // Another stream, and no module at all.
            (httpd("httpd:2.2:8050020211115111820:b4937e53"), "CVE-2006-20001", No),
            (installed("httpd", "2.4.37-43.el8"), "CVE-2006-20001", No),
            // A record that names the module only.
            (
                python("python27:2.7:8050020211026174846:477717e4"),
                "CVE-2015-20107",
                Perhaps("python27:2.7:8070020220617114255"),
            ),
            (
                python("python27:2.7:8070020220617114255:63b34585"),
                "CVE-2015-20107",
                No,
            ),
            // What is not fixed, by stream.
            (httpd(new), "CVE-2019-17567", Open(FixStatus::WillNotFix)),
            // No label, but a build of some module.
            (
                podman,
                "CVE-2019-10214",
                Perhaps("container-tools:rhel8:8010020190927090915"),
            ),
        ],
    );
}

/// Rules 9 and 10: fixes of the image's own minor release and product; a second fix in it is asked for.
#[test]
fn minor_releases_of_red_hat() {
    let glibc = |version| installed("glibc", version);
    let bzip2 = |version| installed("bzip2-libs", version).of("bzip2");
    check(
        Some(&on(Family::RedHat, "8.10")),
        Ecosystem::Rpm,
        &[
            (bzip2("1.0.6-26.el8"), "CVE-2019-12900", Fix("1.0.6-28.el8_10")),
            (bzip2("1.0.6-27.el8_10"), "CVE-2019-12900", Fix("1.0.6-28.el8_10")),
            (bzip2("1.0.6-28.el8_10"), "CVE-2019-12900", No),
            (bzip2(""), "CVE-2019-12900", Perhaps("1.0.6-28.el8_10")),
        ],
    );
    // The second fix of .NET came with another upstream version.
    let dotnet = |version| installed("dotnet-runtime-6.0", version).of("dotnet6.0");
    check(
        Some(&on(Family::RedHat, "9.2")),
        Ecosystem::Rpm,
        &[
            (dotnet("6.0.122-1.el9_2"), "CVE-2023-36799", Fix("6.0.124-1.el9_2")),
            (dotnet("6.0.124-1.el9_2"), "CVE-2023-36799", No),
        ],
    );
    for kind in ["aus", "tus", "e4s"] {
        let mut subscribed = on(Family::RedHat, "8.4");
        subscribed
            .content_sets
            .push(format!("rhel-8-for-x86_64-baseos-{kind}-rpms"));
        check(
            Some(&subscribed),
            Ecosystem::Rpm,
            &[
                (glibc("2.28-151.el8_4.1"), "CVE-2024-2961", Fix("2.28-151.el8_4.2")),
                (glibc("2.28-151.el8_4.2"), "CVE-2024-2961", No),
                // Extended updates (EUS) come first for all kinds.
                (
                    installed("expat", "2.2.5-4.el8_4.1"),
                    "CVE-2022-25315",
                    Fix("2.2.5-4.el8_4.2"),
                ),
                (installed("expat", "2.2.5-4.el8_4.3"), "CVE-2022-25315", No),
                (glibc(""), "CVE-2024-2961", Perhaps("2.28-151.el8_4.2")),
            ],
        );
    }
    // Without the subscription there is the next minor release only.
    check(
        Some(&on(Family::RedHat, "8.4")),
        Ecosystem::Rpm,
        &[(glibc("2.28-151.el8_4.1"), "CVE-2024-2961", Fix("2.28-236.el8_9.13"))],
    );
}

/// Rule 13: a fix for one architecture says nothing about another.
#[test]
fn architectures_are_kept_apart() {
    let abrt = |version| installed("abrt", version);
    check(
        Some(&on(Family::RedHat, "7.1")),
        Ecosystem::Rpm,
        &[
            (
                abrt("2.1.11-19.ael7b").on("ppc64le"),
                "CVE-2015-1869",
                Fix("2.1.11-22.ael7b_1"),
            ),
            (abrt("2.1.11-22.ael7b_1").on("ppc64le"), "CVE-2015-1869", No),
            (abrt("2.1.11-19.el7"), "CVE-2015-1869", Fix("2.1.11-22.el7_1")),
            (abrt("2.1.11-22.el7_1"), "CVE-2015-1869", No),
        ],
    );
    let docker = |arch| installed("docker", "18.06.0ce-1.amzn2").on(arch);
    check(
        Some(&on(Family::Amazon, "2")),
        Ecosystem::Rpm,
        &[
            (docker("x86_64"), "CVE-2018-10892", Fix("18.06.1ce-2.amzn2")),
            (docker("aarch64"), "CVE-2018-10892", No),
            (docker("noarch"), "CVE-2018-10892", Fix("18.06.1ce-2.amzn2")),
            (installed("docker", ""), "CVE-2018-10892", Perhaps("18.06.1ce-2.amzn2")),
            (installed("docker", "").on("aarch64"), "CVE-2018-10892", No),
        ],
    );
}

/// Rule 14: topics and kernel lines hold for their own packages.
#[test]
fn lines_of_amazon() {
    check(
        Some(&on(Family::Amazon, "2 (Karoo)")),
        Ecosystem::Rpm,
        &[
            // The topic has no number; the core's builds have fixes of their own.
            (installed("dnsmasq", "2.76-16.amzn2.1.4"), "CVE-2023-28450", No),
            (
                installed("dnsmasq", "2.76-16.amzn2.1.4"),
                "CVE-2023-49441",
                Fix("2.76-16.amzn2.1.5"),
            ),
            (installed("dnsmasq", "2.76-16.amzn2.1.5"), "CVE-2023-49441", No),
            (
                installed("dnsmasq", "2.85-1.amzn2"),
                "CVE-2023-28450",
                Fix("2.88-1.amzn2.0.2"),
            ),
            (installed("unbound", "1.7.3-15.amzn2.0.7"), "CVE-2024-1488", No),
            (
                installed("unbound", "1.13.1-3.amzn2.0.3"),
                "CVE-2024-1488",
                Fix("1.13.1-3.amzn2.0.4"),
            ),
            (
                installed("unbound", "1.17.0-2.amzn2.0.2"),
                "CVE-2024-1488",
                Fix("1.17.0-2.amzn2.0.4"),
            ),
            // The topic's number is Ruby's, not the gem's.
            (
                installed("rubygem-json", "1.7.7-36.amzn2.0.1"),
                "CVE-2021-28965",
                Fix("1.7.7-36.amzn2.0.12"),
            ),
            (
                installed("rubygem-json", "2.1.0-125.amzn2.0.2"),
                "CVE-2021-28965",
                Fix("2.1.0-126.amzn2"),
            ),
            // The same build in several topics.
            (
                installed("docker", "20.10.22-1.amzn2.0.1"),
                "CVE-2022-36109",
                Fix("20.10.23-1.amzn2.0.1"),
            ),
            // The core's Go went on where the topic ended.
            (
                installed("golang", "1.19.10-1.amzn2.0.2"),
                "CVE-2023-29406",
                Fix("1.20.6-1.amzn2.0.1"),
            ),
            (installed("golang", "1.19.10-1.amzn2.0.2"), "CVE-2023-29402", No),
            (installed("dnsmasq", ""), "CVE-2023-49441", Perhaps("2.76-16.amzn2.1.5")),
        ],
    );
}

/// Rule 15: lines that subscribers pay for are no fix for others; live patches are packages of their own.
#[test]
fn lines_of_suse() {
    let kernel = |version| installed("kernel-default-base", version).of("kernel-default");
    check(
        Some(&on(Family::Sles, "15.3")),
        Ecosystem::Rpm,
        &[
            (
                kernel("5.3.18-150300.59.93.1"),
                "CVE-2020-16119",
                Fix("5.3.18-150300.59.98.1"),
            ),
            (kernel("5.3.18-150300.59.98.1"), "CVE-2020-16119", No),
            (
                kernel("5.3.18-150300.59.93.1"),
                "CVE-2019-19083",
                Open(FixStatus::Affected),
            ),
            (kernel("5.3.18-150300.59.109.1"), "CVE-2019-19083", No),
            (kernel(""), "CVE-2020-16119", Perhaps("5.3.18-150300.59.98.1")),
            // A module of the high availability extension goes with its kernel.
            (
                installed("cluster-md-kmp-default", "5.3.18-150300.59.93.1").of("kernel-default"),
                "CVE-2019-19083",
                Open(FixStatus::Affected),
            ),
            (
                installed("glibc", "2.31-150300.41.1"),
                "CVE-2024-2961",
                Open(FixStatus::Affected),
            ),
            (installed("glibc", "2.31-150300.74.1"), "CVE-2024-2961", No),
            (
                installed("kernel-livepatch-5_3_18-150300_59_63-default", "1-150300.7.3.1")
                    .of("kernel-livepatch-SLE15-SP3_Update_17"),
                "CVE-2020-36516",
                Fix("7-150300.2.2"),
            ),
            (
                installed("kernel-livepatch-5_3_18-150300_59_63-default", "7-150300.2.2")
                    .of("kernel-livepatch-SLE15-SP3_Update_17"),
                "CVE-2020-36516",
                No,
            ),
        ],
    );
    check(
        Some(&on(Family::OpenSuseLeap, "15.5")),
        Ecosystem::Rpm,
        &[
            (
                installed("glibc", "2.31-150300.68.1"),
                "CVE-2024-2961",
                Fix("2.31-150300.74.1"),
            ),
            (installed("glibc", "2.31-150300.74.1"), "CVE-2024-2961", No),
            (installed("glibc", ""), "CVE-2024-2961", Perhaps("2.31-150300.74.1")),
        ],
    );
}

/// Rules 8 and 22 on rebuilds, and every other distribution: an unreadable version is said, never dropped.
#[test]
fn rebuilds_and_azure() {
    for (family, release, affected, fixed, id, fix) in [
        (
            Family::Alma,
            "8.5",
            "1:1.1.1k-5.el8_5",
            "1:1.1.1k-6.el8_5",
            "CVE-2022-0778",
            "1:1.1.1k-6.el8_5",
        ),
        (
            Family::Rocky,
            "8.4",
            "1:1.1.1g-15.el8_3",
            "1:1.1.1k-4.el8",
            "CVE-2021-23840",
            "1:1.1.1k-4.el8",
        ),
        (
            Family::CentOs,
            "8.5",
            "1:1.1.1k-5.el8_5",
            "1:1.1.1k-6.el8_5",
            "CVE-2022-0778",
            "1:1.1.1k-6.el8_5",
        ),
        (
            Family::Amazon,
            "2023",
            "1:3.0.5-1.amzn2023.0.3",
            "1:3.0.5-1.amzn2023.0.4",
            "CVE-2022-0778",
            "1:3.0.5-1.amzn2023.0.4",
        ),
        (
            Family::CblMariner,
            "2.0",
            "1.1.1k-19.cm2",
            "1.1.1k-20.cm2",
            "CVE-2022-2097",
            "1.1.1k-20.cm2",
        ),
    ] {
        check(
            Some(&on(family, release)),
            Ecosystem::Rpm,
            &[
                (installed("openssl", affected), id, Fix(fix)),
                (installed("openssl", fixed), id, No),
                (installed("openssl-other", affected).of("openssl-other"), id, No),
                (installed("openssl", ""), id, Perhaps(fix)),
            ],
        );
    }
}

/// Rule 27 and what npm's tools make of versions that its registry would not take.
#[test]
fn versions_of_npm_as_its_tools_read_them() {
    let lodash = |version| installed("lodash", version);
    check(
        None,
        Ecosystem::Npm,
        &[
            (lodash("4.17.20"), "CVE-2021-23337", Fix("4.17.21")),
            (lodash("4.17.21"), "CVE-2021-23337", No),
            (lodash("v4.17.20"), "CVE-2021-23337", Fix("4.17.21")),
            (lodash("=4.17.20"), "CVE-2021-23337", Fix("4.17.21")),
            (lodash("= v4.17.21"), "CVE-2021-23337", No),
            (lodash("4.17"), "CVE-2021-23337", Fix("4.17.21")),
            (lodash("4"), "CVE-2021-23337", Fix("4.17.21")),
            (lodash("5"), "CVE-2021-23337", No),
            (lodash("04.17.020"), "CVE-2021-23337", Fix("4.17.21")),
            (lodash("4.17.21rc1"), "CVE-2021-23337", Fix("4.17.21")),
            (lodash("latest"), "CVE-2021-23337", Perhaps("4.17.21")),
            (lodash("4.17.20.1"), "CVE-2021-23337", Perhaps("4.17.21")),
            (lodash(""), "CVE-2021-23337", Perhaps("4.17.21")),
            (installed("lodash-es", "0.0.1"), "CVE-2021-23337", No),
        ],
    );
}

/// GitHub withdraws duplicates; the vulnerability stays where another collection knows it.
#[test]
fn a_withdrawn_record_takes_no_vulnerability_with_it() {
    check(
        None,
        Ecosystem::PyPi,
        &[
            (installed("fastapi", "0.109.0"), "CVE-2024-24762", Fix("0.109.1")),
            (installed("fastapi", "0.109.1"), "CVE-2024-24762", No),
            (installed("python-multipart", "0.0.6"), "CVE-2024-24762", Fix("0.0.7")),
            (installed("gerapy", "0.9.7"), "CVE-2021-44597", Fix("0.9.8")),
            (installed("scipy", "1.8.0"), "CVE-2023-25399", Fix("1.10.0")),
            // PyPA withdrew this one, GitHub did not.
            (installed("arrayfire", "3.5.0"), "CVE-2018-20998", Fix("3.6.0")),
            // Both withdrew it.
            (installed("loguru", "0.5.3"), "CVE-2022-0329", No),
        ],
    );
}

/// An image with more findings than are listed is not read whole.
#[test]
fn more_findings_than_are_listed_are_a_problem() {
    let Some(database) = database() else { return };
    let kernel = binary(Ecosystem::Deb, "linux-image", "linux", "6.1.1-1");
    let of = |count: usize| {
        let inventory = Inventory {
            distribution: Some(on(Family::Debian, "12")),
            packages: vec![kernel.clone(); count],
            ..Inventory::default()
        };
        database.find(&inventory, TODAY).unwrap()
    };
    let one = of(1).matches.len();
    let enough = limits::FINDINGS / one;
    let all = of(enough);
    assert_eq!(all.matches.len(), enough * one);
    // That they are the kernel's is told.
    let effects: Vec<Effect> = all.problems.iter().map(|problem| problem.effect).collect();
    assert_eq!(effects, [Effect::Note], "{:?}", all.problems);
    let many = of(enough + 2);
    assert_eq!(many.matches.len(), limits::FINDINGS);
    let cut = many
        .problems
        .iter()
        .filter(|problem| problem.effect == Effect::Incomplete);
    assert_eq!(cut.count(), 1, "{:?}", many.problems);
}
