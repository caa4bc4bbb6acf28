//! Which advisories hold for which packages: one row per distribution family, one per publisher; languages have their
//! own file (`language.rs`).
//!
//! A new distribution with a known package format is one row in [`DISTRIBUTIONS`]. The names of the sections are those
//! that the feeds write (`debian 12`, `alpine 3.20`, `npm`).

use crate::record::SourceId;
use crate::versions::Scheme;
use seaworthy_model::{DataSource, Distribution, Ecosystem, Family};

/// One publisher of facts.
#[derive(Debug)]
pub struct Publisher {
    /// Its number in records.
    pub source: SourceId,
    /// The short name in reports (`SeveritySource`, `DataSource.ID`).
    pub id: &'static str,
    /// The name for people.
    pub name: &'static str,
    /// Where it publishes.
    pub url: &'static str,
}

const fn publisher(source: SourceId, id: &'static str, name: &'static str, url: &'static str) -> Publisher {
    Publisher { source, id, name, url }
}

/// Every publisher.
pub const PUBLISHERS: [Publisher; 28] = [
    publisher(
        SourceId::Alpine,
        "alpine",
        "Alpine Secdb",
        "https://secdb.alpinelinux.org/",
    ),
    publisher(
        SourceId::Debian,
        "debian",
        "Debian Security Tracker",
        "https://salsa.debian.org/security-tracker-team/security-tracker",
    ),
    publisher(
        SourceId::Ubuntu,
        "ubuntu",
        "Ubuntu CVE Tracker",
        "https://git.launchpad.net/ubuntu-cve-tracker",
    ),
    publisher(
        SourceId::RedHat,
        "redhat",
        "Red Hat Security Data",
        "https://access.redhat.com/security/data",
    ),
    publisher(
        SourceId::Alma,
        "alma",
        "AlmaLinux Product Errata",
        "https://errata.almalinux.org/",
    ),
    publisher(
        SourceId::Rocky,
        "rocky",
        "Rocky Linux Errata",
        "https://errata.rockylinux.org/",
    ),
    publisher(
        SourceId::Suse,
        "suse-cvrf",
        "SUSE Security Advisories",
        "https://www.suse.com/support/update/",
    ),
    publisher(
        SourceId::OpenSuse,
        "suse-cvrf",
        "openSUSE Security Advisories",
        "https://lists.opensuse.org/archives/list/security-announce@lists.opensuse.org/",
    ),
    publisher(
        SourceId::Amazon,
        "amazon",
        "Amazon Linux Security Center",
        "https://alas.aws.amazon.com/",
    ),
    publisher(
        SourceId::Azure,
        "azure",
        "Azure Linux Vulnerability Data",
        "https://github.com/microsoft/AzureLinuxVulnerabilityData",
    ),
    publisher(
        SourceId::CblMariner,
        "cbl-mariner",
        "CBL-Mariner Vulnerability Data",
        "https://github.com/microsoft/AzureLinuxVulnerabilityData",
    ),
    publisher(
        SourceId::Ghsa,
        "ghsa",
        "GitHub Security Advisory",
        "https://github.com/advisories?query=type%3Areviewed",
    ),
    publisher(
        SourceId::PyPa,
        "pypa",
        "Python Packaging Advisory Database",
        "https://github.com/pypa/advisory-database",
    ),
    publisher(
        SourceId::GoVulnDb,
        "govulndb",
        "The Go Vulnerability Database",
        "https://pkg.go.dev/vuln/",
    ),
    publisher(
        SourceId::RustSec,
        "rustsec",
        "RustSec Advisory Database",
        "https://rustsec.org/advisories/",
    ),
    publisher(
        SourceId::RubySec,
        "ruby-advisory-db",
        "Ruby Advisory Database",
        "https://github.com/rubysec/ruby-advisory-db",
    ),
    publisher(
        SourceId::FriendsOfPhp,
        "php-security-advisories",
        "PHP Security Advisories Database",
        "https://github.com/FriendsOfPHP/security-advisories",
    ),
    publisher(
        SourceId::Bitnami,
        "bitnami",
        "Bitnami Vulnerability Database",
        "https://github.com/bitnami/vulndb",
    ),
    publisher(
        SourceId::Kubernetes,
        "k8s",
        "Official Kubernetes CVE Feed",
        "https://kubernetes.io/docs/reference/issues-security/official-cve-feed/",
    ),
    publisher(
        SourceId::Nvd,
        "nvd",
        "National Vulnerability Database",
        "https://nvd.nist.gov/",
    ),
    publisher(
        SourceId::CisaAdp,
        "cisa-adp",
        "CISA Vulnrichment",
        "https://github.com/cisagov/vulnrichment",
    ),
    publisher(
        SourceId::Cna,
        "cna",
        "CVE Numbering Authorities",
        "https://www.cve.org/",
    ),
    publisher(
        SourceId::Epss,
        "epss",
        "Exploit Prediction Scoring System",
        "https://www.first.org/epss/",
    ),
    publisher(
        SourceId::Kev,
        "kev",
        "CISA Known Exploited Vulnerabilities",
        "https://www.cisa.gov/known-exploited-vulnerabilities-catalog",
    ),
    publisher(SourceId::Osv, "osv", "OSV", "https://osv.dev/"),
    publisher(
        SourceId::JenkinsUpdateCenter,
        "jenkins",
        "Jenkins Update Center",
        "https://www.jenkins.io/security/advisories/",
    ),
    publisher(
        SourceId::RetireJs,
        "retirejs",
        "Retire.js",
        "https://github.com/RetireJS/retire.js",
    ),
    publisher(
        SourceId::NodeJs,
        "nodejs-security-wg",
        "Node.js Security Working Group",
        "https://github.com/nodejs/security-wg",
    ),
];

/// What is known of a publisher.
pub fn publisher_of(source: SourceId) -> &'static Publisher {
    const OSV: &Publisher = &publisher(SourceId::Osv, "osv", "OSV", "https://osv.dev/");
    PUBLISHERS
        .iter()
        .find(|publisher| publisher.source == source)
        .unwrap_or(OSV)
}

/// The publisher with this number in the advisory file.
pub(crate) fn source_with_number(number: u8) -> Option<SourceId> {
    PUBLISHERS
        .iter()
        .map(|publisher| publisher.source)
        .find(|&source| source as u8 == number)
}

impl Publisher {
    /// As a report names it, for a package of this ecosystem.
    pub fn data_source(&self, ecosystem: Ecosystem) -> DataSource {
        let name = match (self.source, ecosystem) {
            (SourceId::Ghsa, Ecosystem::Npm) => "GitHub Security Advisory npm".to_owned(),
            (SourceId::Ghsa, Ecosystem::PyPi) => "GitHub Security Advisory pip".to_owned(),
            (SourceId::Ghsa, Ecosystem::Maven) => "GitHub Security Advisory Maven".to_owned(),
            _ => self.name.to_owned(),
        };
        let url = match (self.source, ecosystem) {
            (SourceId::Ghsa, Ecosystem::Npm) => format!("{}+ecosystem%3Anpm", self.url),
            (SourceId::Ghsa, Ecosystem::PyPi) => format!("{}+ecosystem%3Apip", self.url),
            (SourceId::Ghsa, Ecosystem::Maven) => format!("{}+ecosystem%3Amaven", self.url),
            _ => self.url.to_owned(),
        };
        DataSource {
            id: self.id.to_owned(),
            name,
            url,
        }
    }
}

/// By which names a distribution's advisories know packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// By source package (or origin), with the source version.
    Source,
    /// By installed package.
    Binary,
    /// By installed package and, where that is not named, by source package.
    Either,
    /// By installed package; the many packages of a kernel by their source package.
    BinaryOrKernel,
}

/// What a distribution's advisories apply to and how they are read.
#[derive(Debug)]
pub struct DistributionRules {
    /// The family.
    pub family: Family,
    /// The name of the section of an image's release, `None` when its version names no release.
    pub section: fn(&Distribution) -> Option<String>,
    /// The packages that they apply to: rpm advisories say nothing about dpkg packages in the same image.
    pub packages: Ecosystem,
    /// How versions compare.
    pub scheme: Scheme,
    /// By which name.
    pub lookup: Lookup,
    /// Who publishes them.
    pub source: SourceId,
}

const fn rules(
    family: Family,
    source: SourceId,
    packages: Ecosystem,
    scheme: Scheme,
    lookup: Lookup,
    section: fn(&Distribution) -> Option<String>,
) -> DistributionRules {
    DistributionRules {
        family,
        section,
        packages,
        scheme,
        lookup,
        source,
    }
}

/// Every distribution whose advisories are understood.
pub const DISTRIBUTIONS: [DistributionRules; 14] = [
    rules(
        Family::Alpine,
        SourceId::Alpine,
        Ecosystem::Apk,
        Scheme::Apk,
        Lookup::Source,
        alpine,
    ),
    rules(
        Family::Debian,
        SourceId::Debian,
        Ecosystem::Deb,
        Scheme::Deb,
        Lookup::Source,
        debian,
    ),
    rules(
        Family::Ubuntu,
        SourceId::Ubuntu,
        Ecosystem::Deb,
        Scheme::Deb,
        Lookup::Source,
        |it| named("ubuntu", it.major_minor()),
    ),
    rules(
        Family::RedHat,
        SourceId::RedHat,
        Ecosystem::Rpm,
        Scheme::Rpm,
        Lookup::Either,
        |it| named("redhat", it.major()),
    ),
    rules(
        Family::CentOs,
        SourceId::RedHat,
        Ecosystem::Rpm,
        Scheme::Rpm,
        Lookup::Either,
        |it| named("redhat", it.major()),
    ),
    rules(
        Family::Alma,
        SourceId::Alma,
        Ecosystem::Rpm,
        Scheme::Rpm,
        Lookup::Binary,
        |it| named("alma", it.major()),
    ),
    rules(
        Family::Rocky,
        SourceId::Rocky,
        Ecosystem::Rpm,
        Scheme::Rpm,
        Lookup::Either,
        |it| named("rocky", it.major()),
    ),
    rules(
        Family::Sles,
        SourceId::Suse,
        Ecosystem::Rpm,
        Scheme::Rpm,
        Lookup::BinaryOrKernel,
        |it| named("sles", it.major_minor()),
    ),
    rules(
        Family::SleMicro,
        SourceId::Suse,
        Ecosystem::Rpm,
        Scheme::Rpm,
        Lookup::BinaryOrKernel,
        |it| named("slem", it.major_minor()),
    ),
    rules(
        Family::OpenSuseLeap,
        SourceId::OpenSuse,
        Ecosystem::Rpm,
        Scheme::Rpm,
        Lookup::BinaryOrKernel,
        |it| named("opensuse-leap", it.major_minor()),
    ),
    rules(
        Family::OpenSuseTumbleweed,
        SourceId::OpenSuse,
        Ecosystem::Rpm,
        Scheme::Rpm,
        Lookup::BinaryOrKernel,
        |_| Some("opensuse-tumbleweed".to_owned()),
    ),
    rules(
        Family::Amazon,
        SourceId::Amazon,
        Ecosystem::Rpm,
        Scheme::Rpm,
        Lookup::Binary,
        amazon,
    ),
    rules(
        Family::Azure,
        SourceId::Azure,
        Ecosystem::Rpm,
        Scheme::Rpm,
        Lookup::Source,
        |it| named("azurelinux", it.major_minor()),
    ),
    rules(
        Family::CblMariner,
        SourceId::CblMariner,
        Ecosystem::Rpm,
        Scheme::Rpm,
        Lookup::Source,
        |it| named("cbl-mariner", it.major_minor()),
    ),
];

/// The rules of a family, `None` for one whose advisories are not understood.
pub fn distribution_rules(family: Family) -> Option<&'static DistributionRules> {
    DISTRIBUTIONS.iter().find(|rules| rules.family == family)
}

fn named(family: &str, version: &str) -> Option<String> {
    let valid = version.starts_with(|first: char| first.is_ascii_digit());
    valid.then(|| format!("{family} {version}"))
}

/// The branch that apk installs from decides, before the release file does; pre-releases are built from edge.
fn alpine(distribution: &Distribution) -> Option<String> {
    match distribution.repository.as_deref() {
        Some("edge") => Some("alpine edge".to_owned()),
        Some(branch) => named("alpine", branch.trim_start_matches('v')),
        None if distribution.version.contains("_alpha") || distribution.version == "edge" => {
            Some("alpine edge".to_owned())
        }
        None => named("alpine", distribution.major_minor()),
    }
}

/// By major version; images of testing and unstable name only the release to come (`trixie/sid`).
fn debian(distribution: &Distribution) -> Option<String> {
    let codenames = [
        ("buster", "10"),
        ("bullseye", "11"),
        ("bookworm", "12"),
        ("trixie", "13"),
        ("forky", "14"),
    ];
    let word = distribution.version.split(['/', ' ']).next().unwrap_or("");
    match codenames.iter().find(|(codename, _)| *codename == word) {
        Some((_, major)) => named("debian", major),
        None => named("debian", distribution.major()),
    }
}

/// `2 (Karoo)` and `2023.6.20250107` are 2 and 2023; what came before them (`2018.03`, `AMI release 2017.09`) is called 1.
fn amazon(distribution: &Distribution) -> Option<String> {
    let field = distribution.version.split_whitespace().next().unwrap_or("");
    match field.split('.').next().unwrap_or("") {
        release @ ("2" | "2022" | "2023") => named("amazon", release),
        "1" => named("amazon", "1"),
        _ if distribution.version.contains("201") => named("amazon", "1"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(distribution: &Distribution) -> Option<String> {
        distribution_rules(distribution.family).and_then(|rules| (rules.section)(distribution))
    }

    #[test]
    fn publishers_are_complete_and_numbered() {
        for (position, publisher) in PUBLISHERS.iter().enumerate() {
            assert_eq!(usize::from(publisher.source as u8), position + 1, "{}", publisher.id);
            assert_eq!(source_with_number(publisher.source as u8), Some(publisher.source));
        }
        assert_eq!(source_with_number(0), None);
        assert_eq!(source_with_number(29), None);
    }

    #[test]
    fn sections_follow_the_version_forms() {
        let cases = [
            (Family::Alpine, "3.20.1", "alpine 3.20"),
            (Family::Alpine, "3.21.0_alpha20240923", "alpine edge"),
            (Family::Debian, "12.5", "debian 12"),
            (Family::Debian, "trixie/sid", "debian 13"),
            (Family::Ubuntu, "22.04", "ubuntu 22.04"),
            (Family::Ubuntu, "20.04.6", "ubuntu 20.04"),
            (Family::RedHat, "9.4", "redhat 9"),
            (Family::CentOs, "7.9.2009", "redhat 7"),
            (Family::Alma, "9.3", "alma 9"),
            (Family::Rocky, "8", "rocky 8"),
            (Family::Sles, "15.5", "sles 15.5"),
            (Family::OpenSuseTumbleweed, "20240101", "opensuse-tumbleweed"),
            (Family::Amazon, "2 (Karoo)", "amazon 2"),
            (Family::Amazon, "2023.6.20250107", "amazon 2023"),
            (Family::Amazon, "AMI release 2018.03", "amazon 1"),
            (Family::Azure, "3.0", "azurelinux 3.0"),
            (Family::CblMariner, "2.0.20240123", "cbl-mariner 2.0"),
        ];
        for (family, version, expected) in cases {
            assert_eq!(
                section(&Distribution::new(family, version)).as_deref(),
                Some(expected),
                "{version}"
            );
        }
        assert_eq!(section(&Distribution::new(Family::Debian, "")), None);
        assert_eq!(section(&Distribution::new(Family::Fedora, "40")), None);
        // A release that is not known is not the oldest one.
        assert_eq!(section(&Distribution::new(Family::Amazon, "2027.1.20270101")), None);
    }

    #[test]
    fn the_branch_of_apk_decides_before_the_version() {
        let mut distribution = Distribution::new(Family::Alpine, "3.19.1");
        distribution.repository = Some("3.20".to_owned());
        assert_eq!(section(&distribution).as_deref(), Some("alpine 3.20"));
        distribution.repository = Some("edge".to_owned());
        assert_eq!(section(&distribution).as_deref(), Some("alpine edge"));
    }
}
