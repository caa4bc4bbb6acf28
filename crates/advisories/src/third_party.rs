//! Packages that somebody else than the distribution built: told by the vendor of an rpm, by the maintainer of a deb.

use seaworthy_model::{Distribution, Ecosystem, Family, Package};

/// The families that take each other's packages, being built from the same sources.
const ENTERPRISE_LINUX: &[Family] = &[
    Family::Alma,
    Family::CentOs,
    Family::CentOsStream,
    Family::Oracle,
    Family::RedHat,
    Family::Rocky,
];
const SUSE: &[Family] = &[
    Family::OpenSuseLeap,
    Family::OpenSuseTumbleweed,
    Family::Sles,
    Family::SleMicro,
];
const MICROSOFT: &[Family] = &[Family::Azure, Family::CblMariner];

/// Vendors of the packages that distributions build themselves, as `Vendor` of an rpm begins, and whose those are. Fedora's
/// name is on EPEL's packages too, which no other distribution speaks for.
const RPM_VENDORS: [(&str, &[Family]); 14] = [
    ("AlmaLinux", ENTERPRISE_LINUX),
    ("Amazon", &[Family::Amazon]),
    ("Azure", MICROSOFT),
    ("CentOS", ENTERPRISE_LINUX),
    ("CloudLinux", ENTERPRISE_LINUX),
    ("Fedora Project", &[Family::Fedora]),
    ("Microsoft Corporation", MICROSOFT),
    ("Oracle America", ENTERPRISE_LINUX),
    ("Red Hat", ENTERPRISE_LINUX),
    ("Rocky", ENTERPRISE_LINUX),
    ("SUSE", SUSE),
    ("VMware", &[Family::Photon]),
    ("openSUSE", SUSE),
    ("obs://build.opensuse.org/openSUSE", SUSE),
];

/// Mail domains of companies that publish Debian packages of their own.
const DEB_COMPANIES: [&str; 20] = [
    "confluent.io",
    "datadoghq.com",
    "docker.com",
    "elastic.co",
    "f5.com",
    "gitlab.com",
    "google.com",
    "grafana.com",
    "hashicorp.com",
    "influxdata.com",
    "microsoft.com",
    "mariadb.org",
    "mongodb.com",
    "newrelic.com",
    "nginx.com",
    "nodesource.com",
    "nvidia.com",
    "redis.com",
    "redis.io",
    "splunk.com",
];

/// Whether somebody else than the distribution built the package, so that its advisories say nothing about it; where it is
/// not known which distribution that is, any will do.
pub fn is_third_party(package: &Package, distribution: Option<&Distribution>) -> bool {
    let maintainer = package.maintainer.trim();
    match package.ecosystem {
        Ecosystem::Rpm => {
            let family = distribution
                .map(|distribution| distribution.family)
                .filter(|family| RPM_VENDORS.iter().any(|(_, families)| families.contains(family)));
            let is_own = |(vendor, families): &(&str, &[Family])| {
                maintainer.starts_with(vendor) && family.is_none_or(|family| families.contains(&family))
            };
            !maintainer.is_empty() && !RPM_VENDORS.iter().any(is_own)
        }
        Ecosystem::Deb => {
            let domain = maintainer
                .rsplit_once('@')
                .map_or("", |(_, domain)| domain.trim_end_matches('>'));
            let lower = domain.to_ascii_lowercase();
            let belongs = |rest: &str| rest.is_empty() || rest.ends_with('.');
            DEB_COMPANIES
                .iter()
                .any(|company| lower.strip_suffix(company).is_some_and(belongs))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_third_party;
    use seaworthy_model::{Distribution, Ecosystem, Family, Package};

    #[test]
    fn third_parties_are_told_by_vendor_and_maintainer() {
        let mut package = Package::new(Ecosystem::Deb, "docker-ce", "5:27.0-1", "var/lib/dpkg/status");
        package.maintainer = "Docker <support@docker.com>".to_owned();
        assert!(is_third_party(&package, None));
        package.maintainer = "Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>".to_owned();
        assert!(!is_third_party(&package, None));
        package.ecosystem = Ecosystem::Rpm;
        package.maintainer = "NodeSource".to_owned();
        assert!(is_third_party(&package, None));
        for vendor in ["Red Hat, Inc.", "", "SUSE LLC <https://www.suse.com/>", "Amazon Linux"] {
            package.maintainer = vendor.to_owned();
            assert!(!is_third_party(&package, None), "{vendor}");
        }
        // EPEL.
        package.maintainer = "Fedora Project".to_owned();
        for (family, expected) in [
            (Family::Fedora, false),
            (Family::RedHat, true),
            (Family::Rocky, true),
            (Family::Amazon, true),
            (Family::Other, false),
        ] {
            let distribution = Distribution::new(family, "9");
            assert_eq!(is_third_party(&package, Some(&distribution)), expected, "{family:?}");
        }
    }
}
