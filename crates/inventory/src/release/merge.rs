//! The facts of all release files become one distribution; the order in which they come does not matter.
//!
//! os-release decides the family (`etc/` before `usr/lib/`, os-release(5)). The older files decide where there is none,
//! and else only refine the version: CentOS says `7` in os-release and `7.9.2009` in centos-release.

use std::collections::BTreeSet;

use seaworthy_model::{Distribution, Effect, Family, Problem, limits};

use super::apk_repositories::Branch;
use super::{OsRelease, ReleaseFact, family, os_release};

/// Joins the facts, each with the path of its file; `None` where no file names a distribution.
pub fn merge<'a>(facts: impl Iterator<Item = (&'a str, &'a ReleaseFact)>) -> (Option<Distribution>, Vec<Problem>) {
    let facts = Facts::gather(facts);
    let mut problems = Vec::new();
    let distribution = match facts.os_release {
        // A name for people alone is less than any of the other files says.
        Some((_, fields)) if !fields.id.is_empty() || facts.releases.is_empty() => {
            let mut distribution = of_os_release(fields);
            refine(&mut distribution, &facts, &mut problems);
            Some(distribution)
        }
        _ => of_release_files(&facts, &mut problems),
    };
    let distribution = distribution.map(|mut distribution| {
        add_sources(&mut distribution, &facts);
        distribution
    });
    (distribution, problems)
}

/// A release file's fact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Release<'a> {
    path: &'a str,
    family: Family,
    id: &'a str,
    version: &'a str,
    line: &'a str,
}

/// All facts, sorted so that the result does not depend on the order of the layers' threads.
#[derive(Default)]
struct Facts<'a> {
    /// The os-release file that counts: the first place, there the first that names an `ID`.
    os_release: Option<(usize, &'a OsRelease)>,
    releases: BTreeSet<Release<'a>>,
    debian_versions: BTreeSet<(&'a str, &'a str)>,
    /// By directory: `etc/apk/repositories` stands before the `repositories.d` folders.
    repository: Option<(bool, Branch)>,
    channels: BTreeSet<&'a str>,
    content_sets: BTreeSet<&'a str>,
}

impl<'a> Facts<'a> {
    fn gather(facts: impl Iterator<Item = (&'a str, &'a ReleaseFact)>) -> Self {
        let mut all = Self::default();
        for (path, fact) in facts {
            match fact {
                ReleaseFact::OsRelease(fields) => {
                    let place = os_release::PATHS.iter().position(|known| *known == path);
                    let place = place.unwrap_or(os_release::PATHS.len());
                    let rank = |place: usize, fields: &OsRelease| (fields.id.is_empty(), place);
                    let better = all.os_release.is_none_or(|(other_place, other)| {
                        (rank(place, fields), &**fields) < (rank(other_place, other), other)
                    });
                    if better {
                        all.os_release = Some((place, fields));
                    }
                }
                ReleaseFact::Release {
                    family,
                    id,
                    version,
                    line,
                } => {
                    all.releases.insert(Release {
                        path,
                        family: *family,
                        id,
                        version,
                        line,
                    });
                }
                ReleaseFact::DebianVersion(version) => {
                    all.debian_versions.insert((path, version));
                }
                ReleaseFact::ApkRepository(branch) => {
                    let ranked = Branch::parse(branch).map(|branch| (path == "etc/apk/repositories", branch));
                    all.repository = all.repository.max(ranked);
                }
                ReleaseFact::Channel(channel) => {
                    all.channels.insert(channel);
                }
                ReleaseFact::ContentSets(names) => {
                    let room = limits::LIST_ENTRIES.saturating_sub(all.content_sets.len());
                    all.content_sets.extend(names.iter().take(room).map(String::as_str));
                }
            }
        }
        all
    }

    fn debian_version(&self) -> Option<&'a str> {
        self.debian_versions.first().map(|(_, version)| *version)
    }
}

fn of_os_release(fields: &OsRelease) -> Distribution {
    let non_empty = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let family = family::from_id(&fields.id, &fields.name);
    let mut distribution = Distribution::new(family, fields.version_id.clone());
    // os-release(5): without ID the system is called linux.
    distribution.id = non_empty(&fields.id).unwrap_or_else(|| "linux".to_owned());
    distribution.id_like = fields.id_like.clone();
    distribution.pretty_name = non_empty(&fields.pretty_name).or_else(|| non_empty(&fields.name));
    distribution.cpe_name = non_empty(&fields.cpe_name);
    distribution
}

/// Takes the fuller version of the family's own file, and says where a file names something else.
fn refine(distribution: &mut Distribution, facts: &Facts<'_>, problems: &mut Vec<Problem>) {
    let base = distribution.version.clone();
    let own = facts
        .releases
        .iter()
        .filter(|release| release.family == distribution.family && release.family != Family::Other);
    let mut best = base.as_str();
    for release in own {
        if extends(release.version, &base) {
            if release.version.len() > best.len() {
                best = release.version;
            }
        } else if !extends(&base, release.version) {
            problems.push(disagreement(release.path, release.version, &distribution.id, &base));
        }
    }
    let best = best.to_owned();
    distribution.version = best;

    if distribution.family == Family::Debian
        && let Some((path, version)) = facts.debian_versions.first().copied()
    {
        if extends(version, &base) {
            version.clone_into(&mut distribution.version);
        } else if version.starts_with(|first: char| first.is_ascii_digit()) && !extends(&base, version) {
            problems.push(disagreement(path, version, &distribution.id, &base));
        }
    }

    // Another family's file is a contradiction unless this one descends from it.
    for release in &facts.releases {
        let descends = distribution
            .id_like
            .iter()
            .any(|id| family::from_id(id, "") == release.family)
            || (release.family == Family::RedHat && family::is_red_hat_like(distribution.family));
        let unknown = distribution.family == Family::Other || release.family == Family::Other;
        if release.family != distribution.family && !descends && !unknown {
            problems.push(disagreement(
                release.path,
                &format!("{} {}", release.family.name(), release.version),
                &distribution.id,
                &base,
            ));
        }
    }
}

fn disagreement(path: &str, said: &str, id: &str, version: &str) -> Problem {
    let what = format!("says {said}, but os-release says {id} {version}, which is used");
    Problem::at_path(path, Effect::Uncertain, what)
}

/// Whether `fuller` is `base` or `base` with further parts (`7.9.2009` and `7`, `2 (Karoo)` and `2`); everything extends nothing.
fn extends(fuller: &str, base: &str) -> bool {
    if base.is_empty() {
        return true;
    }
    let number = fuller
        .split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    number
        .unwrap_or(fuller)
        .strip_prefix(base)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Without os-release: the most particular file. Red Hat's is kept by its derivatives, Debian's by Debian's.
fn of_release_files(facts: &Facts<'_>, problems: &mut Vec<Problem>) -> Option<Distribution> {
    let particular = |release: &&Release<'_>| {
        let rank = match release.family {
            Family::Other => 2,
            Family::RedHat => 1,
            _ => 0,
        };
        (rank, release.family, std::cmp::Reverse(release.version.len()))
    };
    if let Some(best) = facts.releases.iter().min_by_key(particular) {
        for other in &facts.releases {
            let generic = matches!(other.family, Family::RedHat | Family::Other);
            let same = other.family == best.family
                && (extends(best.version, other.version) || extends(other.version, best.version));
            if !same && !generic {
                let what = format!(
                    "says {} {}, but {} says {} {}, which is used",
                    other.id, other.version, best.path, best.id, best.version
                );
                problems.push(Problem::at_path(other.path, Effect::Uncertain, what));
            }
        }
        let mut distribution = Distribution::new(best.family, best.version);
        best.id.clone_into(&mut distribution.id);
        distribution.pretty_name = Some(best.line.to_owned()).filter(|line| !line.is_empty());
        return Some(distribution);
    }
    // Only Ubuntu has these channels.
    if !facts.channels.is_empty() {
        return Some(Distribution::new(Family::Ubuntu, ""));
    }
    facts
        .debian_version()
        .map(|version| Distribution::new(Family::Debian, version))
}

/// Adds where the packages come from: apk's branch, Ubuntu's channels, Red Hat's content sets.
fn add_sources(distribution: &mut Distribution, facts: &Facts<'_>) {
    let owned = |names: &BTreeSet<&str>| names.iter().map(|name| (*name).to_owned()).collect();
    distribution.repository = facts.repository.map(|(_, branch)| branch.to_string());
    if distribution.repository.is_none()
        && distribution.family == Family::Alpine
        && distribution.version.contains("_alpha")
    {
        // Snapshots of edge carry the number of the release to come.
        distribution.repository = Some(Branch::Edge.to_string());
    }
    distribution.channels = owned(&facts.channels);
    distribution.content_sets = owned(&facts.content_sets);
}

#[cfg(test)]
mod tests {
    use super::merge;
    use crate::analyzer::{ANALYZERS, File, FileReport};
    use seaworthy_model::{Distribution, Family, Problem};

    fn detect(files: &[(&str, &str)]) -> (Option<Distribution>, Vec<Problem>) {
        let mut facts = Vec::new();
        for (path, text) in files {
            for analyzer in ANALYZERS.iter().filter(|analyzer| (analyzer.wants)(path)) {
                let mut report = FileReport::default();
                (analyzer.analyze)(File::new(path, text.as_bytes()), &mut report);
                facts.extend(report.release.into_iter().map(|fact| (*path, fact)));
            }
        }
        let forward = merge(facts.iter().map(|(path, fact)| (*path, fact)));
        let backward = merge(facts.iter().rev().map(|(path, fact)| (*path, fact)));
        assert_eq!(forward, backward, "order matters for {files:?}");
        forward
    }

    fn check(files: &[(&str, &str)], family: Family, version: &str) -> Distribution {
        let (distribution, problems) = detect(files);
        let distribution = distribution.unwrap_or_else(|| panic!("nothing for {files:?}"));
        assert_eq!(
            (distribution.family, distribution.version.as_str()),
            (family, version),
            "{files:?}"
        );
        assert_eq!(problems, [], "{files:?}");
        distribution
    }

    #[test]
    fn particular_files_refine_the_version() {
        check(
            &[
                (
                    "etc/os-release",
                    "ID=\"centos\"\nVERSION_ID=\"7\"\nID_LIKE=\"rhel fedora\"\n",
                ),
                ("etc/centos-release", "CentOS Linux release 7.9.2009 (Core)\n"),
                ("etc/redhat-release", "CentOS Linux release 7.9.2009 (Core)\n"),
            ],
            Family::CentOs,
            "7.9.2009",
        );
        check(
            &[
                ("usr/lib/os-release", "ID=debian\nVERSION_ID=12"),
                ("etc/debian_version", "12.5\n"),
            ],
            Family::Debian,
            "12.5",
        );
        check(
            &[
                ("etc/os-release", "ID=debian\n"),
                ("etc/debian_version", "trixie/sid\n"),
            ],
            Family::Debian,
            "trixie/sid",
        );
        check(
            &[
                ("etc/os-release", "ID=debian\nVERSION_ID=13\n"),
                ("etc/debian_version", "trixie/sid\n"),
            ],
            Family::Debian,
            "13",
        );
        check(
            &[
                ("etc/os-release", "ID=ubuntu\nVERSION_ID=22.04\nID_LIKE=debian\n"),
                ("etc/debian_version", "bookworm/sid\n"),
                ("etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\n"),
            ],
            Family::Ubuntu,
            "22.04",
        );
        let amazon = check(
            &[
                (
                    "etc/os-release",
                    "ID=amzn\nVERSION_ID=2\nID_LIKE=\"centos rhel fedora\"\n",
                ),
                ("etc/system-release", "Amazon Linux release 2 (Karoo)\n"),
            ],
            Family::Amazon,
            "2 (Karoo)",
        );
        assert_eq!(amazon.major(), "2");
        check(
            &[
                ("etc/os-release", "ID=\"ol\"\nVERSION_ID=\"8.10\"\nID_LIKE=\"fedora\"\n"),
                ("etc/oracle-release", "Oracle Linux Server release 8.10\n"),
                ("etc/redhat-release", "Red Hat Enterprise Linux release 8.10 (Ootpa)\n"),
            ],
            Family::Oracle,
            "8.10",
        );
    }

    #[test]
    fn without_os_release() {
        check(
            &[
                (
                    "etc/redhat-release",
                    "Red Hat Enterprise Linux Server release 7.6 (Maipo)",
                ),
                ("etc/oracle-release", "Oracle Linux Server release 7.6"),
            ],
            Family::Oracle,
            "7.6",
        );
        check(
            &[
                ("etc/debian_version", "stretch/sid"),
                ("etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=16.04"),
            ],
            Family::Ubuntu,
            "16.04",
        );
        check(&[("etc/debian_version", "9.8\n")], Family::Debian, "9.8");
        let mint = check(
            &[("etc/lsb-release", "DISTRIB_ID=LinuxMint\nDISTRIB_RELEASE=21")],
            Family::Other,
            "21",
        );
        assert_eq!(mint.id, "linuxmint");
        check(
            &[
                ("etc/os-release", "NAME=x\n"),
                ("etc/redhat-release", "CentOS release 5.7 (Final)"),
            ],
            Family::CentOs,
            "5.7",
        );
        assert_eq!(check(&[("etc/os-release", "NAME=x\n")], Family::Other, "").id, "linux");
        assert_eq!(detect(&[]), (None, Vec::new()));
        assert_eq!(detect(&[("etc/os-release", "")]), (None, Vec::new()));
    }

    #[test]
    fn etc_wins_over_usr_lib() {
        let files = [
            ("usr/lib/os-release", "ID=debian\nVERSION_ID=12\n"),
            ("etc/os-release", "ID=kali\nVERSION_ID=2024.1\nID_LIKE=debian\n"),
        ];
        let kali = check(&files, Family::Other, "2024.1");
        assert_eq!((kali.id.as_str(), kali.id_like), ("kali", vec!["debian".to_owned()]));
        check(
            &[
                ("etc/os-release", "NAME=x\n"),
                ("usr/lib/os-release", "ID=wolfi\nVERSION_ID=1"),
            ],
            Family::Wolfi,
            "1",
        );
    }

    #[test]
    fn branches_channels_and_content_sets() {
        let alpine = check(
            &[
                ("etc/os-release", "ID=alpine\nVERSION_ID=3.19.1\n"),
                ("etc/alpine-release", "3.19.1\n"),
                ("etc/apk/repositories", "http://x/alpine/v3.18/main\n"),
                ("etc/apk/repositories.d/more.list", "http://x/alpine/edge/main\n"),
            ],
            Family::Alpine,
            "3.19.1",
        );
        assert_eq!(alpine.repository.as_deref(), Some("3.18"));
        let edge = check(
            &[("etc/os-release", "ID=alpine\nVERSION_ID=3.21.0_alpha20240923")],
            Family::Alpine,
            "3.21.0_alpha20240923",
        );
        assert_eq!(edge.repository.as_deref(), Some("edge"));
        let status = r#"{"services": [{"name": "esm-infra", "status": "enabled"}]}"#;
        let ubuntu = check(
            &[
                ("etc/os-release", "ID=ubuntu\nVERSION_ID=16.04"),
                ("var/lib/ubuntu-advantage/status.json", status),
            ],
            Family::Ubuntu,
            "16.04",
        );
        assert_eq!(ubuntu.channels, ["esm-infra"]);
        let red_hat = check(
            &[
                ("etc/os-release", "ID=rhel\nVERSION_ID=8.4"),
                (
                    "root/buildinfo/content_manifests/b.json",
                    r#"{"content_sets": ["y", "x"]}"#,
                ),
                ("usr/share/buildinfo/a.json", r#"{"content_sets": ["x", "z"]}"#),
            ],
            Family::RedHat,
            "8.4",
        );
        assert_eq!(red_hat.content_sets, ["x", "y", "z"]);
    }

    #[test]
    fn contradictions_are_said() {
        let (distribution, problems) = detect(&[
            ("etc/os-release", "ID=debian\nVERSION_ID=12"),
            ("etc/alpine-release", "3.19.1"),
        ]);
        assert_eq!(distribution.map(|found| found.family), Some(Family::Debian));
        assert_eq!(problems.len(), 1);
        let (distribution, problems) = detect(&[
            ("etc/os-release", "ID=debian\nVERSION_ID=12"),
            ("etc/debian_version", "11.2"),
        ]);
        assert_eq!(distribution.map(|found| found.version), Some("12".to_owned()));
        assert_eq!(problems.len(), 1);
    }
}
