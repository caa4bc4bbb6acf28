//! Computed identifiers, by the rules that readers of Trivy's reports rely on: package ids, package URLs, artifact ids,
//! fingerprints and links.

use packageurl::PackageUrl;
use seaworthy_model::{Distribution, Ecosystem, Family, ImageMetadata, Package, PackageClass};
use sha2::{Digest as _, Sha256};

/// A version taken apart as its package manager does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct VersionParts<'a> {
    pub(crate) epoch: u64,
    pub(crate) version: &'a str,
    pub(crate) release: &'a str,
}

/// `[epoch:]version[-release]` of dpkg and rpm in parts; other versions are left whole.
pub(crate) fn version_parts(ecosystem: Ecosystem, whole: &str) -> VersionParts<'_> {
    if !matches!(ecosystem, Ecosystem::Deb | Ecosystem::Rpm) {
        return VersionParts {
            epoch: 0,
            version: whole,
            release: "",
        };
    }
    let (epoch, rest) = match whole.split_once(':') {
        Some((epoch, rest)) => match epoch.parse() {
            Ok(epoch) => (epoch, rest),
            Err(_) => (0, whole),
        },
        None => (0, whole),
    };
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    VersionParts {
        epoch,
        version,
        release,
    }
}

/// The version as reports show it: without an epoch of 0.
pub(crate) fn installed_version(package: &Package) -> &str {
    match package.ecosystem {
        Ecosystem::Deb | Ecosystem::Rpm => package.version.strip_prefix("0:").unwrap_or(&package.version),
        _ => &package.version,
    }
}

/// `name@version`, for rpms `name@version-release.arch`.
pub(crate) fn package_id(package: &Package) -> String {
    if package.ecosystem != Ecosystem::Rpm {
        return format!("{}@{}", package.name, package.version);
    }
    let parts = version_parts(package.ecosystem, &package.version);
    let mut id = format!("{}@{}", package.name, parts.version);
    for (separator, part) in [('-', parts.release), ('.', package.arch.as_str())] {
        if !part.is_empty() {
            id.push(separator);
            id.push_str(part);
        }
    }
    id
}

/// The package URL; `None` where the package has no name that one can hold.
pub(crate) fn package_url(package: &Package, distribution: Option<&Distribution>) -> Option<String> {
    let parts = version_parts(package.ecosystem, &package.version);
    let (namespace, name) = match package.ecosystem {
        Ecosystem::Npm => match package.name.split_once('/') {
            Some((scope, name)) => (Some(scope.to_owned()), name.to_owned()),
            None => (None, package.name.clone()),
        },
        Ecosystem::Maven => match package.name.split_once(':') {
            Some((group, artifact)) => (Some(group.to_owned()), artifact.to_owned()),
            None => (None, package.name.clone()),
        },
        Ecosystem::PyPi => (None, package.name.to_lowercase().replace('_', "-")),
        Ecosystem::Apk | Ecosystem::Deb | Ecosystem::Rpm => (distribution.map(namespace), package.name.clone()),
        Ecosystem::Go | Ecosystem::Composer | Ecosystem::Swift => match package.name.rsplit_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
            None => (None, package.name.clone()),
        },
        _ => (None, package.name.clone()),
    };
    let version = match parts.release {
        "" => parts.version.to_owned(),
        release => format!("{}-{release}", parts.version),
    };
    let mut url = PackageUrl::new(package.ecosystem.purl_type(), name).ok()?;
    if let Some(namespace) = namespace {
        url.with_namespace(namespace).ok()?;
    }
    if !version.is_empty() {
        url.with_version(version).ok()?;
    }
    if !package.arch.is_empty() {
        url.add_qualifier("arch", package.arch.clone()).ok()?;
    }
    if let Some(distribution) = distribution.filter(|_| package.ecosystem.class() == PackageClass::Os) {
        let distro = match package.ecosystem {
            Ecosystem::Apk => distribution.version.clone(),
            _ => format!("{}-{}", family_name(distribution), distribution.version),
        };
        url.add_qualifier("distro", distro).ok()?;
    }
    if parts.epoch != 0 {
        url.add_qualifier("epoch", parts.epoch.to_string()).ok()?;
    }
    if !package.modularity_label.is_empty() {
        url.add_qualifier("modularitylabel", package.modularity_label.clone())
            .ok()?;
    }
    Some(url.to_string())
}

/// The family's name, or the distribution's own id where Seaworthy has no name for it.
pub(crate) fn family_name(distribution: &Distribution) -> &str {
    match distribution.family {
        Family::Other if !distribution.id.is_empty() => &distribution.id,
        family => family.name(),
    }
}

fn namespace(distribution: &Distribution) -> String {
    match distribution.family {
        Family::Sles | Family::SleMicro => "suse".to_owned(),
        Family::OpenSuseLeap | Family::OpenSuseTumbleweed => "opensuse".to_owned(),
        _ => family_name(distribution).to_owned(),
    }
}

/// Sixteen hexadecimal digits that tell this package from every other one of the report.
///
/// Where a distribution keeps its database does not matter: a bill of materials of the image gives the same digits.
pub(crate) fn package_uid(package: &Package) -> String {
    let path = match package.ecosystem.class() {
        PackageClass::Os => "",
        PackageClass::Language => &package.path,
    };
    let facts = [
        package.ecosystem.purl_type(),
        &package.name,
        &package.version,
        &package.arch,
        &package.modularity_label,
        path,
    ];
    let mut hash = Sha256::new();
    for fact in facts {
        hash.update(fact.as_bytes());
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The id of what was scanned: the image id together with the repository, so that a new tag keeps the id.
pub(crate) fn artifact_id(image: &ImageMetadata) -> Option<String> {
    let image_id = image.image_id?;
    Some(match image.repo_tags.first() {
        Some(tag) => sha256(&format!("{image_id}:{}", repository(tag))),
        None => image_id.to_string(),
    })
}

/// Registry and repository of a reference, in full.
fn repository(reference: &str) -> String {
    let name = reference.split_once('@').map_or(reference, |(name, _)| name);
    let name = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    };
    match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => match host {
            "docker.io" | "index.docker.io" if !path.contains('/') => format!("index.docker.io/library/{path}"),
            "docker.io" => format!("index.docker.io/{path}"),
            _ => name.to_owned(),
        },
        Some(_) => format!("index.docker.io/{name}"),
        None => format!("index.docker.io/library/{name}"),
    }
}

/// The id of a finding that stays the same from scan to scan.
pub(crate) fn fingerprint(artifact_id: &str, target: &str, package_id: &str, vulnerability_id: &str) -> String {
    sha256(&format!("{artifact_id}:{target}:{package_id}:{vulnerability_id}"))
}

/// The page that says most about a vulnerability.
pub(crate) fn primary_url(id: &str) -> String {
    if id.starts_with("CVE-") {
        format!("https://avd.aquasec.com/nvd/{}", id.to_lowercase())
    } else if id.starts_with("GHSA-") {
        format!("https://github.com/advisories/{id}")
    } else if id.starts_with("TEMP-") {
        format!("https://security-tracker.debian.org/tracker/{id}")
    } else {
        format!("https://osv.dev/vulnerability/{id}")
    }
}

fn sha256(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    seaworthy_model::Digest::from_bytes(digest).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(ecosystem: Ecosystem, name: &str, version: &str, arch: &str) -> Package {
        Package {
            arch: arch.to_owned(),
            ..Package::new(ecosystem, name, version, "db")
        }
    }

    #[test]
    fn writes_package_urls() {
        let alpine = Distribution::new(Family::Alpine, "3.10.2");
        let debian = Distribution::new(Family::Debian, "10.2");
        let centos = Distribution::new(Family::CentOs, "7.6.1810");
        let sles = Distribution::new(Family::Sles, "15.3");
        for (package, distribution, expected) in [
            (
                package(Ecosystem::Apk, "libcrypto1.1", "1.1.1c-r0", "x86_64"),
                Some(&alpine),
                "pkg:apk/alpine/libcrypto1.1@1.1.1c-r0?arch=x86_64&distro=3.10.2",
            ),
            (
                package(Ecosystem::Deb, "libstdc++6", "1:8.3.0-6", "amd64"),
                Some(&debian),
                "pkg:deb/debian/libstdc%2B%2B6@8.3.0-6?arch=amd64&distro=debian-10.2&epoch=1",
            ),
            (
                package(Ecosystem::Rpm, "openssl-libs", "1:1.0.2k-16.el7", "x86_64"),
                Some(&centos),
                "pkg:rpm/centos/openssl-libs@1.0.2k-16.el7?arch=x86_64&distro=centos-7.6.1810&epoch=1",
            ),
            (
                package(Ecosystem::Rpm, "a", "1-1", "noarch"),
                Some(&sles),
                "pkg:rpm/suse/a@1-1?arch=noarch&distro=sles-15.3",
            ),
            (
                package(Ecosystem::Npm, "@babel/core", "7.0.0", ""),
                Some(&debian),
                "pkg:npm/%40babel/core@7.0.0",
            ),
            (
                package(Ecosystem::PyPi, "Typing_Extensions", "4.1", ""),
                None,
                "pkg:pypi/typing-extensions@4.1",
            ),
            (package(Ecosystem::Deb, "a", "1", ""), None, "pkg:deb/a@1"),
        ] {
            assert_eq!(package_url(&package, distribution).as_deref(), Some(expected));
        }
    }

    #[test]
    fn takes_versions_apart() {
        for (ecosystem, whole, expected) in [
            (Ecosystem::Deb, "1:2.3-4-5", (1, "2.3-4", "5")),
            (Ecosystem::Deb, "2.3", (0, "2.3", "")),
            (Ecosystem::Rpm, "0:2.3-4.el9", (0, "2.3", "4.el9")),
            (Ecosystem::Rpm, "x:2.3-4", (0, "x:2.3", "4")),
            (Ecosystem::Apk, "1.2-r3", (0, "1.2-r3", "")),
        ] {
            let parts = version_parts(ecosystem, whole);
            assert_eq!((parts.epoch, parts.version, parts.release), expected, "{whole}");
        }
    }

    #[test]
    fn ids_agree_with_published_reports() {
        let image = |id: &str, tag: &str| ImageMetadata {
            image_id: seaworthy_model::Digest::parse(id),
            repo_tags: vec![tag.to_owned()],
            ..ImageMetadata::default()
        };
        assert_eq!(
            artifact_id(&image(
                "sha256:961769676411f082461f9ef46626dd7a2d1e2b2a38e6a44364bcbecf51e66dd4",
                "ghcr.io/aquasecurity/trivy-test-images:alpine-310"
            ))
            .as_deref(),
            Some("sha256:39549bf49d696f172a6513103cdc8f53717024ad1fbce62d680a8e7ddde1a612")
        );
        assert_eq!(
            fingerprint("", "package-lock.json", "jquery@3.3.9", "CVE-2019-11358"),
            "sha256:3952ef90d8606b4067901c413142af693504f820972f5b017a6fdb627ba56af0"
        );
    }

    #[test]
    fn repositories_in_full() {
        for (reference, expected) in [
            ("alpine:3.10", "index.docker.io/library/alpine"),
            ("docker.io/alpine", "index.docker.io/library/alpine"),
            ("grafana/grafana@sha256:00", "index.docker.io/grafana/grafana"),
            ("localhost:5000/a/b:1", "localhost:5000/a/b"),
            ("quay.io/a", "quay.io/a"),
        ] {
            assert_eq!(repository(reference), expected);
        }
    }
}
