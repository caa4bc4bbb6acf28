//! The release files that distributions had before os-release, and still keep for the full version.
//!
//! Most are one line, `NAME release VERSION (CODENAME)`; lsb-release is a list of assignments, SuSE-release a line and
//! `VERSION = N`, alpine-release and debian_version a bare version.

use seaworthy_model::{Effect, Family, Problem, limits};

use super::os_release::assignments;
use super::{ReleaseFact, family};
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "release-files",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

/// Names of one-line files, in `etc/` and `usr/lib/`. `redhat-release` and `system-release` are often links to the others.
const TITLED: &[&str] = &[
    "almalinux-release",
    "azurelinux-release",
    "centos-release",
    "enterprise-release",
    "fedora-release",
    "gentoo-release",
    "mariner-release",
    "oracle-release",
    "photon-release",
    "redhat-release",
    "rocky-release",
    "system-release",
];

fn wants(path: &str) -> bool {
    let name = path.strip_prefix("etc/").or_else(|| path.strip_prefix("usr/lib/"));
    name.is_some_and(|name| {
        TITLED.contains(&name)
            || matches!(
                name,
                "alpine-release" | "debian_version" | "lsb-release" | "SuSE-release"
            )
    })
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    if line.len() > limits::VALUE_BYTES {
        let what = format!(
            "its first line is longer than {} bytes and was ignored",
            limits::VALUE_BYTES
        );
        report
            .problems
            .push(Problem::at_path(file.path, Effect::Uncertain, what));
        return;
    }
    let fact = match file.name() {
        _ if line.is_empty() => return,
        "alpine-release" => line
            .starts_with(|first: char| first.is_ascii_digit())
            .then(|| ReleaseFact::Release {
                family: Family::Alpine,
                id: Family::Alpine.name().to_owned(),
                version: line.to_owned(),
                line: format!("Alpine Linux {line}"),
            }),
        "debian_version" => Some(ReleaseFact::DebianVersion(line.to_owned())),
        "lsb-release" => lsb_release(text),
        "SuSE-release" => suse_release(line, text),
        _ => titled(line),
    };
    match fact {
        Some(fact) => report.release.push(fact),
        // Every Red Hat derivative may write what it likes here; os-release says more.
        None => report
            .problems
            .push(Problem::at_path(file.path, Effect::Note, "names no distribution")),
    }
}

/// `CentOS Linux release 7.9.2009 (Core)`, `VMware Photon OS 4.0`, `Amazon Linux AMI release 2018.03`.
fn titled(line: &str) -> Option<ReleaseFact> {
    let (title, version) = match line.split_once(" release ") {
        Some((title, rest)) => (title, leading_version(rest.trim_start())),
        None => {
            let (at, _) = line.match_indices(' ').find(|(at, _)| {
                line.get(at + 1..)
                    .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
            })?;
            let (title, rest) = line.split_at_checked(at)?;
            (title, leading_version(rest.trim_start()))
        }
    };
    let title = title.trim();
    let family = family::from_title(title);
    let version = match family {
        // The names of Amazon's releases, with what distinguishes the first from its successors.
        Family::Amazon => {
            let rest = line.get("Amazon Linux".len()..)?.trim_start();
            rest.strip_prefix("release ").unwrap_or(rest).to_owned()
        }
        // The third part is the day of the build.
        Family::Azure | Family::CblMariner => version.splitn(3, '.').take(2).collect::<Vec<_>>().join("."),
        _ => version.to_owned(),
    };
    (!version.is_empty() && !title.is_empty()).then(|| ReleaseFact::Release {
        family,
        id: id(family, title),
        version,
        line: line.to_owned(),
    })
}

/// `DISTRIB_ID=Ubuntu` and `DISTRIB_RELEASE=18.04`.
fn lsb_release(text: &str) -> Option<ReleaseFact> {
    let (mut name, mut version, mut description) = (String::new(), String::new(), String::new());
    for (key, value) in assignments(text).filter(|(_, value)| value.len() <= limits::VALUE_BYTES) {
        match key {
            "DISTRIB_ID" => name = value,
            "DISTRIB_RELEASE" => version = value,
            "DISTRIB_DESCRIPTION" => description = value,
            _ => {}
        }
    }
    // Some distributions put no more than LSB_VERSION here.
    if name.is_empty() || version.is_empty() {
        return None;
    }
    let family = match family::from_id(&name, &description) {
        Family::Other => family::from_title(&name),
        known => known,
    };
    Some(ReleaseFact::Release {
        family,
        id: id(family, &name),
        version,
        line: description,
    })
}

/// `SUSE Linux Enterprise Server 12 (x86_64)`, `VERSION = 12`, `PATCHLEVEL = 5`.
fn suse_release(line: &str, text: &str) -> Option<ReleaseFact> {
    let (mut version, mut patch_level) = (String::new(), String::new());
    for (key, value) in assignments(text).filter(|(_, value)| value.len() <= limits::VALUE_BYTES) {
        match key {
            "VERSION" => version = value,
            "PATCHLEVEL" => patch_level = value,
            _ => {}
        }
    }
    if version.is_empty() {
        return titled(line);
    }
    if !patch_level.is_empty() && patch_level != "0" {
        version = format!("{version}.{patch_level}");
    }
    let family = family::from_title(line);
    Some(ReleaseFact::Release {
        family,
        id: id(family, line),
        version,
        line: line.to_owned(),
    })
}

fn id(family: Family, name: &str) -> String {
    if family == Family::Other {
        name.to_ascii_lowercase()
    } else {
        family.name().to_owned()
    }
}

/// The digits and dots at the beginning.
fn leading_version(text: &str) -> &str {
    let end = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    text.get(..end).unwrap_or("").trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, Family, File, FileReport, ReleaseFact, limits};

    fn read(path: &str, bytes: &[u8]) -> FileReport {
        let mut report = FileReport::default();
        assert!((ANALYZER.wants)(path), "{path}");
        (ANALYZER.analyze)(File::new(path, bytes), &mut report);
        report
    }

    #[test]
    fn families_and_versions() {
        for (path, text, family, version) in [
            (
                "etc/centos-release",
                "CentOS Linux release 7.6.1810 (Core) \n",
                Family::CentOs,
                "7.6.1810",
            ),
            (
                "etc/redhat-release",
                "CentOS release 5.7 (Final)",
                Family::CentOs,
                "5.7",
            ),
            (
                "etc/redhat-release",
                "CentOS Stream release 9",
                Family::CentOsStream,
                "9",
            ),
            (
                "etc/redhat-release",
                "Red Hat Enterprise Linux Server release 7.9 (Maipo)",
                Family::RedHat,
                "7.9",
            ),
            (
                "etc/oracle-release",
                "Oracle Linux Server release 7.6",
                Family::Oracle,
                "7.6",
            ),
            (
                "usr/lib/fedora-release",
                "Fedora release 29 (Twenty Nine)",
                Family::Fedora,
                "29",
            ),
            (
                "etc/system-release",
                "Amazon Linux release 2 (Karoo)",
                Family::Amazon,
                "2 (Karoo)",
            ),
            (
                "etc/system-release",
                "Amazon Linux AMI release 2018.03",
                Family::Amazon,
                "AMI release 2018.03",
            ),
            (
                "usr/lib/system-release",
                "Amazon Linux release 2023.6.20241010 (Amazon Linux)",
                Family::Amazon,
                "2023.6.20241010 (Amazon Linux)",
            ),
            (
                "etc/photon-release",
                "VMware Photon OS 4.0\nPHOTON_BUILD_NUMBER=2f5aad892\n",
                Family::Photon,
                "4.0",
            ),
            (
                "etc/mariner-release",
                "CBL-Mariner 2.0.20220226\nMARINER_BUILD_NUMBER=1\n",
                Family::CblMariner,
                "2.0",
            ),
            (
                "etc/azurelinux-release",
                "Microsoft Azure Linux 3.0.20240624\n",
                Family::Azure,
                "3.0",
            ),
            ("etc/alpine-release", "3.10.2\n", Family::Alpine, "3.10.2"),
            (
                "etc/lsb-release",
                "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=18.04\n",
                Family::Ubuntu,
                "18.04",
            ),
            (
                "etc/SuSE-release",
                "SUSE Linux Enterprise Server 12 (x86_64)\nVERSION = 12\nPATCHLEVEL = 5\n# old\n",
                Family::Sles,
                "12.5",
            ),
            (
                "etc/SuSE-release",
                "openSUSE 13.2 (x86_64)\nVERSION = 13.2\n",
                Family::OpenSuseLeap,
                "13.2",
            ),
            (
                "etc/redhat-release",
                "Scientific Linux release 7.9 (Nitrogen)",
                Family::Other,
                "7.9",
            ),
        ] {
            let report = read(path, text.as_bytes());
            match report.release.as_slice() {
                [
                    ReleaseFact::Release {
                        family: found,
                        version: number,
                        ..
                    },
                ] => {
                    assert_eq!((*found, number.as_str()), (family, version), "{text}");
                }
                other => panic!("{text}: {other:?} {:?}", report.problems),
            }
        }
        assert_eq!(
            read("etc/debian_version", b"buster/sid\n").release,
            [ReleaseFact::DebianVersion("buster/sid".to_owned())]
        );
    }

    #[test]
    fn empty_endless_and_foreign() {
        assert_eq!(read("etc/centos-release", b""), FileReport::default());
        let endless = vec![b'9'; 16 << 20];
        for path in [
            "etc/debian_version",
            "etc/alpine-release",
            "etc/lsb-release",
            "etc/SuSE-release",
        ] {
            let report = read(path, &endless);
            assert_eq!((report.release.len(), report.problems.len()), (0, 1), "{path}");
        }
        for path in ["etc/alpine-release", "etc/lsb-release", "etc/redhat-release"] {
            let report = read(path, b"\xff\xfe\0 release");
            assert_eq!((report.release.len(), report.problems.len()), (0, 1), "{path}");
        }
        let long = format!(
            "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE={}\n",
            "1".repeat(limits::VALUE_BYTES + 1)
        );
        assert_eq!(read("etc/lsb-release", long.as_bytes()).release, []);
    }
}
