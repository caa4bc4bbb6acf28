//! Red Hat's minor streams: which of several fixes of one vulnerability counts for an installed build.
//!
//! A build's release names the minor release for which it was made: `2.34-60.el9_2.7` belongs to 9.2, `2.34-100.el9` to
//! whatever is current. The same CVE has a fix in several of them, whose versions interleave, so that neither the lowest
//! nor the highest fix decides: the fix of the installed build's own stream does, else the next later one.

use super::candidates::Candidate;
use super::judge::{Installed, without_epoch};
use seaworthy_model::{Distribution, Package};

/// `8` and `4` of `…el8_4…`; builds without a minor have none; `None` for builds that name no release.
fn stream(version: &str) -> Option<(u32, Option<u32>)> {
    if let Some(platform) = platform(version) {
        return Some(platform);
    }
    let at = version.rfind(".el").or_else(|| version.rfind("+el"))?;
    let rest = version.get(at + 3..)?;
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (major, rest) = rest.split_at_checked(digits(rest))?;
    // Modules write el8.4.0 for what others call el8_4.
    let minor = rest.strip_prefix('_').or_else(|| {
        if version.contains(".module") {
            rest.strip_prefix('.')
        } else {
            None
        }
    });
    let minor = minor.and_then(|rest| rest.get(..digits(rest))?.parse().ok());
    Some((major.parse().ok()?, minor))
}

/// The release for which a build of a module was made: `8070020230131172653` is release 8.7.0 and the time of the build.
fn platform(build: &str) -> Option<(u32, Option<u32>)> {
    if build.len() < BUILD_DIGITS || !build.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let major = build.get(..1)?.parse().ok()?;
    // The first ones were numbered by the major release alone.
    let minor = (build.len() > BUILD_DIGITS).then(|| build.get(1..3)?.parse().ok());
    Some((major, minor.flatten()))
}

/// Whether a fix is a module's build, not a package's version.
pub(super) fn is_module_build(fix: &str) -> bool {
    platform(fix).is_some()
}

/// Digits of a module's first builds: the major release, and the time to the second.
const BUILD_DIGITS: usize = 15;

/// The build number of the module that a package comes from, `name:stream:build:context` being its label; `None` for
/// packages outside modules.
pub(super) fn module_build(package: &Package) -> Option<&str> {
    let stream = package.module_stream()?;
    let rest = package
        .modularity_label
        .get(stream.len()..)?
        .strip_prefix(':')
        .unwrap_or("");
    Some(rest.split(':').next().unwrap_or(""))
}

/// The version before its release: builds of one stream with another upstream version are another branch.
fn upstream(version: &str) -> &str {
    if platform(version).is_some() {
        return "";
    }
    without_epoch(version).split('-').next().unwrap_or("")
}

/// Whether a fix was made for the stream of a build, where that can be told: by the minor release, or, in kernels of
/// RHEL 6 and 7, by the number of the build with which it began (`696` in `696.30.1.el6`).
fn is_same_stream(fix: &str, build: &str) -> bool {
    match (stream(fix), stream(build)) {
        (Some(of_fix), Some(of_build)) if of_fix == of_build => {
            of_build.1.is_some()
                || upstream(fix) == upstream(build)
                    && match (numbers(fix), numbers(build)) {
                        (Some(fix), Some(build)) => fix.len().max(build.len()) >= 3 && fix.first() == build.first(),
                        _ => false,
                    }
        }
        _ => false,
    }
}

/// The numbers of a release before `.el`, where it has nothing else.
fn numbers(version: &str) -> Option<Vec<u32>> {
    let (_, release) = version.rsplit_once('-')?;
    let (numbers, _) = release.split_once(".el")?;
    numbers.split('.').map(|number| number.parse().ok()).collect()
}

/// The minor release of an image that is subscribed to extended updates, and to which kind of them.
pub(super) fn extended_updates(distribution: &Distribution) -> Option<(&'static str, u32)> {
    let kinds = ["eus", "aus", "tus", "e4s"];
    let kind = kinds.into_iter().find(|kind| {
        distribution
            .content_sets
            .iter()
            .any(|set| set.split('-').any(|word| word == *kind))
    })?;
    let minor = distribution.version.split('.').nth(1)?.parse().ok()?;
    Some((kind, minor))
}

/// Whether statements about a product line hold for the image: the base always, extended updates only where subscribed.
///
/// Whichever kind an image is subscribed to, its minor release is first kept by extended updates (EUS) for all kinds.
pub(super) fn product_applies(product: &str, distribution: &Distribution) -> bool {
    if product.is_empty() {
        return true;
    }
    extended_updates(distribution).is_some_and(|(kind, _)| {
        product
            .split_once(' ')
            .is_some_and(|(line, minor)| (line == kind || line == "eus") && minor == distribution.major_minor())
    })
}

/// Statements about one vulnerability that decide for this build.
///
/// Where Red Hat has fixed it, what it says about packages without a fix is older or about something else.
pub(super) fn deciding<'c, 'a>(
    installed: &Installed<'_>,
    distribution: &Distribution,
    mut statements: Vec<&'c Candidate<'a>>,
) -> Vec<&'c Candidate<'a>> {
    // RHEL 7.1 for POWER, little endian, has builds of its own, which sort below those with the same fix for the rest.
    let is_own_build = |version: &str| version.contains(".ael7b");
    let has_own = |candidate: &&Candidate<'a>| candidate.fixes().any(is_own_build);
    if is_own_build(&installed.version) && statements.iter().any(has_own) {
        statements.retain(|candidate| has_own(candidate));
    }
    let fixed: Vec<&'c Candidate<'a>> = statements
        .iter()
        .copied()
        .filter(|candidate| candidate.fixes().next().is_some())
        .collect();
    if fixed.is_empty() {
        return statements;
    }
    let own = stream(&installed.version);
    let same_branch = |candidate: &Candidate<'_>| {
        candidate
            .fixes()
            .any(|fix| upstream(fix) == upstream(&installed.version))
    };
    // A build of a stream that has fixes of its own contains them from the last one on: no other stream's fix matters.
    let of_own_stream: Vec<&'c Candidate<'a>> = fixed
        .iter()
        .copied()
        .filter(|candidate| candidate.fixes().any(|fix| is_same_stream(fix, &installed.version)))
        .collect();
    let is_done = of_own_stream.iter().all(|candidate| candidate.is_clear())
        && of_own_stream.iter().any(|candidate| same_branch(candidate));
    // Where its number tells the stream, no minor release could tell which fix comes next.
    if is_done || !of_own_stream.is_empty() && own.is_some_and(|(_, minor)| minor.is_none()) {
        return of_own_stream;
    }
    let minor_of = |candidate: &Candidate<'_>| {
        candidate
            .fixes()
            .find_map(stream)
            .and_then(|(_, minor)| minor)
            .unwrap_or(u32::MAX)
    };
    // The first stream at or after the image's; builds without a minor come after the last pinned one.
    let host = distribution
        .version
        .split('.')
        .nth(1)
        .and_then(|minor| minor.parse().ok());
    let host = host.or(own.and_then(|(_, minor)| minor)).unwrap_or(u32::MAX);
    let eligible: Vec<&'c Candidate<'a>> = fixed
        .iter()
        .copied()
        .filter(|candidate| minor_of(candidate) >= host)
        .collect();
    if eligible.is_empty() {
        // Nothing was fixed since: the last fix before is in the image's packages, or should be.
        let last = fixed.iter().map(|candidate| minor_of(candidate)).max();
        return fixed
            .into_iter()
            .filter(|candidate| Some(minor_of(candidate)) == last)
            .collect();
    }
    // Several upstream versions can have fixes of their own; the installed one's decide where there are any.
    let same: Vec<&'c Candidate<'a>> = eligible
        .iter()
        .copied()
        .filter(|candidate| same_branch(candidate))
        .collect();
    let next = if same.is_empty() { &eligible } else { &same }
        .iter()
        .map(|candidate| minor_of(candidate))
        .min();
    // A stream can need a second fix, which may come with another upstream version. Builds without a minor are of
    // several streams: there another upstream version is another branch.
    let of = |minor: Option<u32>, list: &[&'c Candidate<'a>]| -> Vec<&'c Candidate<'a>> {
        let of_minor = list.iter().filter(|candidate| Some(minor_of(candidate)) == minor);
        of_minor.copied().collect()
    };
    let without_minor = of(Some(u32::MAX), &same);
    if next == Some(u32::MAX) && !same.is_empty() {
        return without_minor;
    }
    let pinned = of(next, &eligible);
    // A build without a minor that lies above a stream's fix is not of that stream, but of what came after its beginning.
    if own.is_some_and(|(_, minor)| minor.is_none())
        && pinned.iter().all(|candidate| candidate.is_clear())
        && !without_minor.is_empty()
    {
        return without_minor;
    }
    pinned
}

/// Statements without those of an erratum that lists rebuilds of one upstream version, once one of the rebuilds is
/// installed: `10.24.0-1.module_el8.3.0` and `10.24.0-1.module_el8.5.0` contain the same fix.
pub(super) fn without_rebuilds<'c, 'a>(mut statements: Vec<&'c Candidate<'a>>) -> Vec<&'c Candidate<'a>> {
    let of = |candidate: &Candidate<'a>| -> Vec<(Vec<&'a str>, &'a str)> {
        candidate
            .fixes()
            .map(|fix| (candidate.entry.vendor_ids().collect(), upstream(fix)))
            .collect()
    };
    let done: Vec<_> = statements
        .iter()
        .filter(|candidate| candidate.is_clear())
        .flat_map(|clear| of(clear))
        .collect();
    statements.retain(|candidate| {
        candidate.is_clear()
            || !of(candidate)
                .iter()
                .any(|(ids, fix)| !ids.is_empty() && done.contains(&(ids.clone(), fix)))
    });
    statements
}

/// Whether a fix can be had by an image that stays on a minor release: `.el9_4` on 9.4 or later, builds without a minor always.
pub(super) fn is_reachable(candidate: &Candidate<'_>, minor: u32) -> bool {
    candidate.fixes().all(|fix| {
        stream(fix)
            .and_then(|(_, needed)| needed)
            .is_none_or(|needed| needed <= minor)
    })
}

/// Whether a statement about packages inside or outside modules holds for a build.
///
/// `stated` is the statement's `name:stream`. Alma's and Rocky's errata do not always say; there the fix itself shows
/// whether it was built in a module, and the stream's number which one.
pub(super) fn module_applies(candidate_fixes: &[&str], stated: &str, installed: &str, label: Option<&str>) -> bool {
    let modular = |version: &str| version.contains(".module");
    match (stated, label) {
        ("", label) => {
            let fixes_are_modular = candidate_fixes.iter().any(|fix| modular(fix));
            let installed_is_modular = label.is_some() || modular(installed);
            if !fixes_are_modular && !installed_is_modular {
                return true;
            }
            fixes_are_modular
                && installed_is_modular
                && match label {
                    Some(label) => super::candidates::same_line(label, installed, candidate_fixes.iter().copied()),
                    None => candidate_fixes.iter().all(|fix| major(fix) == major(installed)),
                }
        }
        (stated, Some(label)) => stated == label,
        // The label is lost (a database without it); the build shows that it comes from some module.
        (stated, None) if candidate_fixes.iter().any(|fix| platform(fix).is_some()) => {
            let number = stated.rsplit(':').next().unwrap_or("");
            let numbered = number.starts_with(|letter: char| letter.is_ascii_digit());
            modular(installed) && (!numbered || upstream(installed).starts_with(number))
        }
        (stated, None) => {
            modular(installed) && super::candidates::same_line(stated, installed, candidate_fixes.iter().copied())
        }
    }
}

fn major(version: &str) -> &str {
    upstream(version).split('.').next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_read_from_releases() {
        for (version, expected) in [
            ("2.34-60.el9_2.7", Some((9, Some(2)))),
            ("2.34-100.el9", Some((9, None))),
            ("4.18.0-305.el8_4.x", Some((8, Some(4)))),
            ("1:18.19.0-1.module+el8.9.0+21059+a8e9a1c1", Some((8, Some(9)))),
            ("5.10.109-104.amzn2", None),
            ("1.0-1.el8.1", Some((8, None))),
            ("8070020230131172653", Some((8, Some(7)))),
            ("8100020240314121426", Some((8, Some(10)))),
            ("820181219174508", Some((8, None))),
        ] {
            assert_eq!(stream(version), expected, "{version}");
        }
    }

    #[test]
    fn builds_are_of_the_stream_that_their_number_began() {
        for (fix, build, expected) in [
            ("2.34-60.el9_2.7", "2.34-60.el9_2.1", true),
            ("2.34-60.el9_2.7", "2.34-60.el9", false),
            ("2.34-100.el9", "2.34-60.el9", false),
            ("2.6.32-696.30.1.el6", "2.6.32-696.18.7.el6", true),
            ("2.6.32-754.el6", "2.6.32-754.2.1.el6", true),
            ("2.6.32-696.30.1.el6", "2.6.32-696.el6", true),
            ("2.6.32-754.el6", "2.6.32-696.30.1.el6", false),
            ("1.0.6-27.el8", "1.0.6-27.el8", false),
        ] {
            assert_eq!(is_same_stream(fix, build), expected, "{fix} {build}");
        }
    }

    #[test]
    fn modules_are_kept_apart() {
        let cases = [
            ("", "1.0-1.el8", None, "1.1-1.el8", true),
            ("", "1.0-1.el8", None, "1.1-1.module_el8.5.0+1", false),
            (
                "",
                "9.6.22-1.module_el8.5.0+826",
                Some("postgresql:9.6"),
                "12.9-1.module_el8.5.0+2546",
                false,
            ),
            (
                "",
                "12.1-1.module_el8.5.0+826",
                Some("postgresql:12"),
                "12.9-1.module_el8.5.0+2546",
                true,
            ),
            (
                "postgresql:12",
                "12.1-1.module_el8.5.0+826",
                Some("postgresql:12"),
                "12.9-1.module_el8.5.0+2546",
                true,
            ),
            (
                "postgresql:12",
                "9.6.22-1.module_el8.5.0+826",
                Some("postgresql:9.6"),
                "12.9-1.module_el8",
                false,
            ),
            ("postgresql:12", "9.2-1.el8", None, "12.9-1.module_el8", false),
        ];
        for (stated, installed, label, fix, expected) in cases {
            assert_eq!(
                module_applies(&[fix], stated, installed, label),
                expected,
                "{stated} {installed} {fix}"
            );
        }
    }
}
