//! Debian packages that were not built for the release that they are installed on: backports, and builds for another
//! release. What is known of them stands where they came from.
//!
//! `3.2.1-3~bpo12+1` is `3.2.1-3` of the release after 12, built again for 12: that release's advisories say what it
//! contains. `…+deb11u4` on 12 is a build for 11. (Debian's backports policy and developers' reference, 5.11.2.)

use crate::ecosystem::DistributionRules;
use seaworthy_model::{Distribution, Family, Package};
use std::borrow::Cow;

/// Where a package comes from, and what it is compared as there.
#[derive(Debug, PartialEq)]
pub(super) struct Origin<'p> {
    /// The section of that release.
    pub(super) section: String,
    /// The package with the versions that it has there.
    pub(super) package: Cow<'p, Package>,
}

/// The number after `mark`, and the place of the mark.
fn marked(version: &str, mark: &str) -> Option<(usize, u32)> {
    let at = version.rfind(mark)?;
    let digits = version.get(at + mark.len()..)?;
    let end = digits.bytes().take_while(u8::is_ascii_digit).count();
    Some((at, digits.get(..end)?.parse().ok()?))
}

/// The version that was built again as a backport.
fn without_backport(version: &str) -> Option<&str> {
    version.get(..marked(version, "~bpo")?.0)
}

/// The other release that a package of Debian was built for, where its version names one.
pub(super) fn origin<'p>(
    distribution: &Distribution,
    rules: &DistributionRules,
    package: &'p Package,
) -> Option<Origin<'p>> {
    if rules.family != Family::Debian {
        return None;
    }
    let section = (rules.section)(distribution)?;
    let host: u32 = section.strip_prefix("debian ")?.parse().ok()?;
    let version = if package.source_version.is_empty() {
        &package.version
    } else {
        &package.source_version
    };
    if let Some((_, release)) = marked(version, "~bpo") {
        let built_from = |version: &str| without_backport(version).unwrap_or(version).to_owned();
        let mut package = package.clone();
        package.version = built_from(&package.version);
        package.source_version = built_from(&package.source_version);
        return Some(Origin {
            // `~bpo70+1` and `~bpo8+1`: releases before 8 were written with their point.
            section: format!("debian {}", if release >= 40 { release / 10 + 1 } else { release + 1 }),
            package: Cow::Owned(package),
        });
    }
    let (_, release) = marked(version, "+deb").or_else(|| marked(version, "~deb"))?;
    (release != host).then(|| Origin {
        section: format!("debian {release}"),
        package: Cow::Borrowed(package),
    })
}

#[cfg(test)]
mod tests {
    use super::origin;
    use crate::ecosystem::distribution_rules;
    use seaworthy_model::{Distribution, Ecosystem, Family, Package};

    #[test]
    fn versions_name_the_release_that_they_were_built_for() {
        for (version, expected) in [
            ("3.0.15-1~deb12u1", None),
            ("5.2.15-2+b2", None),
            ("1:2.3-4+deb12u10+b1", None),
            ("3.2.1-3~bpo12+1", Some(("debian 13", "3.2.1-3"))),
            ("3.2.1-3~bpo12+1+b2", Some(("debian 13", "3.2.1-3"))),
            ("5.10-1~bpo9+1", Some(("debian 10", "5.10-1"))),
            ("1.2-1~bpo70+1", Some(("debian 8", "1.2-1"))),
            ("1.1.1w-0+deb11u2", Some(("debian 11", "1.1.1w-0+deb11u2"))),
            ("3.0.11-1~deb13u1", Some(("debian 13", "3.0.11-1~deb13u1"))),
            ("2:4.17.12+dfsg-0+debug", None),
        ] {
            let package = Package::new(Ecosystem::Deb, "x", version, "var/lib/dpkg/status");
            let on = |family, release| {
                let rules = distribution_rules(family).unwrap();
                origin(&Distribution::new(family, release), rules, &package)
            };
            let found = on(Family::Debian, "12.5");
            let found = found
                .as_ref()
                .map(|origin| (origin.section.as_str(), origin.package.version.as_str()));
            assert_eq!(found, expected, "{version}");
            assert_eq!(on(Family::Ubuntu, "24.04"), None);
        }
    }
}
