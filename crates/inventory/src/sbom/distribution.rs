//! Which distribution a bill is of: its operating-system component, else what the package URLs of its packages say.

use super::component::{Component, Role};
use super::purl::PackageUrl;
use crate::release::family::from_id;
use seaworthy_model::{Distribution, Ecosystem, Effect, Family, PackageClass, Problem};
use std::collections::BTreeMap;

/// Releases that package URLs name by their code name alone.
const CODE_NAMES: [(&str, Family, &str); 16] = [
    ("stretch", Family::Debian, "9"),
    ("buster", Family::Debian, "10"),
    ("bullseye", Family::Debian, "11"),
    ("bookworm", Family::Debian, "12"),
    ("trixie", Family::Debian, "13"),
    ("forky", Family::Debian, "14"),
    ("sid", Family::Debian, "sid"),
    ("trusty", Family::Ubuntu, "14.04"),
    ("xenial", Family::Ubuntu, "16.04"),
    ("bionic", Family::Ubuntu, "18.04"),
    ("focal", Family::Ubuntu, "20.04"),
    ("jammy", Family::Ubuntu, "22.04"),
    ("noble", Family::Ubuntu, "24.04"),
    ("oracular", Family::Ubuntu, "24.10"),
    ("plucky", Family::Ubuntu, "25.04"),
    ("questing", Family::Ubuntu, "25.10"),
];

/// Distributions that are named to people where a bill has several.
const NAMED: usize = 5;

/// The distribution, and what is unclear about it.
pub(super) fn find(components: &[Component]) -> (Option<Distribution>, Vec<Problem>) {
    let mut problems = Vec::new();
    let systems = components.iter().filter(|component| component.role == Role::System);
    let mut stated: Vec<Distribution> = Vec::new();
    for distribution in systems.filter_map(of_system) {
        if !stated.contains(&distribution) {
            stated.push(distribution);
        }
        // The first decides, and a few are named.
        if stated.len() > NAMED {
            break;
        }
    }
    if stated.is_empty() {
        stated = of_packages(components, &mut problems);
    }
    if stated.len() > 1 {
        let names: Vec<String> = stated.iter().take(NAMED).map(name).collect();
        problems.push(Problem::of_artifact(
            Effect::Uncertain,
            format!(
                "the bill of materials names several distributions ({}); all its packages were compared with the first one's advisories",
                names.join(", ")
            ),
        ));
    }
    (stated.into_iter().next(), problems)
}

fn name(distribution: &Distribution) -> String {
    format!("{} {}", distribution.id, distribution.version)
}

/// The family that an id, one of Trivy's names or a product's name means.
fn family(id: &str, pretty_name: &str) -> Family {
    let lower = id.to_ascii_lowercase();
    match lower.as_str() {
        "suse linux enterprise server" => return Family::Sles,
        "red hat enterprise linux" => return Family::RedHat,
        "opensuse.leap" => return Family::OpenSuseLeap,
        "opensuse.tumbleweed" => return Family::OpenSuseTumbleweed,
        _ => {}
    }
    match from_id(&lower, pretty_name) {
        Family::Other => Family::ALL
            .into_iter()
            .find(|family| *family != Family::Other && family.name() == lower)
            .unwrap_or(Family::Other),
        family => family,
    }
}

fn distribution(id: &str, version: &str, pretty_name: &str) -> Distribution {
    let family = family(id, pretty_name);
    let mut distribution = Distribution::new(family, version);
    if family == Family::Other {
        id.clone_into(&mut distribution.id);
    }
    distribution
}

fn of_system(component: &Component) -> Option<Distribution> {
    let syft = component.property("syft:distro:id");
    let id = if syft.is_empty() { &component.name } else { syft };
    if id.is_empty() {
        return None;
    }
    let version = if component.version.is_empty() {
        component.property("syft:distro:versionID")
    } else {
        &component.version
    };
    let mut distribution = distribution(id, version, component.property("syft:distro:prettyName"));
    let own = component.property("seaworthy:ID");
    if !own.is_empty() {
        own.clone_into(&mut distribution.id);
    }
    distribution.repository = component.properties("seaworthy:Repository").first().cloned();
    distribution.channels = component.properties("seaworthy:Channel").to_vec();
    distribution.content_sets = component.properties("seaworthy:ContentSet").to_vec();
    distribution.id_like = component.properties("seaworthy:IDLike").to_vec();
    let cpe = [
        component.property("seaworthy:CPEName"),
        component.property("syft:distro:cpeName"),
    ];
    distribution.cpe_name = cpe.into_iter().find(|cpe| !cpe.is_empty()).map(str::to_owned);
    Some(distribution)
}

/// What the package URLs say, the most frequent first.
fn of_packages(components: &[Component], problems: &mut Vec<Problem>) -> Vec<Distribution> {
    let mut counts: BTreeMap<(String, String), (usize, Distribution)> = BTreeMap::new();
    let mut silent = 0usize;
    for component in components.iter().filter(|component| component.role == Role::Package) {
        let Some(purl) = PackageUrl::parse(&component.purl) else {
            continue;
        };
        // Only the package managers whose advisories are kept by release.
        let os = Ecosystem::from_purl_type(&purl.kind).is_some_and(|ecosystem| ecosystem.class() == PackageClass::Os);
        if !os || matches!(purl.kind.as_str(), "nix" | "snap") {
            continue;
        }
        match of_purl(&purl) {
            Some(distribution) => {
                let key = (distribution.id.clone(), distribution.version.clone());
                counts.entry(key).or_insert((0, distribution)).0 += 1;
            }
            None => silent += 1,
        }
    }
    if counts.is_empty() && silent > 0 {
        problems.push(Problem::of_artifact(
            Effect::Uncertain,
            format!(
                "nothing says which release {silent} distribution packages belong to, so they were not compared with advisories; name it with --distro, for example --distro debian/12"
            ),
        ));
    }
    let mut found: Vec<(usize, Distribution)> = counts.into_values().collect();
    found.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    found.into_iter().map(|(_, distribution)| distribution).collect()
}

fn of_purl(purl: &PackageUrl) -> Option<Distribution> {
    let distro = purl.qualifier("distro");
    let named = [purl.qualifier("distro_name"), purl.qualifier("os_distro"), distro];
    let (os, version) = (purl.qualifier("os_name"), purl.qualifier("os_version"));
    if !os.is_empty() && !version.is_empty() {
        return Some(distribution(os, version, ""));
    }
    // `debian-12`, `opensuse-leap-15.5`, `3.20.1` (with the name in the namespace), `bookworm`, `ubuntu-jammy`.
    if let Some((id, version)) = distro
        .rsplit_once('-')
        .filter(|(_, version)| begins_with_digit(version))
    {
        return Some(distribution(id, version, ""));
    }
    if begins_with_digit(distro) && !purl.namespace.is_empty() {
        return Some(distribution(&purl.namespace, distro, ""));
    }
    for text in named {
        let last = text.rsplit('-').next().unwrap_or(text);
        if let Some((_, family, version)) = CODE_NAMES.iter().find(|(name, _, _)| *name == last) {
            return Some(Distribution::new(*family, *version));
        }
    }
    // Distributions without releases.
    let rolling = if distro.is_empty() {
        purl.namespace.as_str()
    } else {
        distro
    };
    match family(rolling, "") {
        family @ (Family::Wolfi | Family::Chainguard | Family::Arch | Family::Gentoo | Family::OpenSuseTumbleweed) => {
            Some(Distribution::new(family, ""))
        }
        _ => None,
    }
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{Component, Role, find, of_purl};
    use crate::sbom::purl::PackageUrl;
    use seaworthy_model::Family;

    #[test]
    fn systems_without_end_are_not_compared_with_each_other() {
        let system = |number: usize| Component {
            role: Role::System,
            name: "debian".to_owned(),
            version: number.to_string(),
            ..Component::default()
        };
        // Each with each this would take minutes.
        let (found, problems) = find(&(0..300_000).map(system).collect::<Vec<_>>());
        assert_eq!(found.map(|one| one.version).as_deref(), Some("0"));
        assert!(
            problems[0]
                .what
                .contains("(debian 0, debian 1, debian 2, debian 3, debian 4)"),
            "{problems:?}"
        );
    }

    #[test]
    fn package_urls_name_releases_in_many_ways() {
        for (purl, family, version) in [
            ("pkg:deb/debian/a@1?distro=debian-12", Family::Debian, "12"),
            ("pkg:deb/debian/a@1?distro=bookworm", Family::Debian, "12"),
            ("pkg:deb/ubuntu/a@1?distro=ubuntu-jammy", Family::Ubuntu, "22.04"),
            ("pkg:apk/alpine/a@1?arch=x86_64&distro=3.20.1", Family::Alpine, "3.20.1"),
            ("pkg:apk/alpine/a@1?distro=alpine-3.20.1", Family::Alpine, "3.20.1"),
            (
                "pkg:rpm/opensuse/a@1?distro=opensuse-leap-15.5",
                Family::OpenSuseLeap,
                "15.5",
            ),
            ("pkg:rpm/redhat/a@1?distro=rhel-9.4", Family::RedHat, "9.4"),
            ("pkg:rpm/amzn/a@1?distro=amzn-2023", Family::Amazon, "2023"),
            (
                "pkg:deb/debian/a@1?os_distro=bookworm&os_name=debian&os_version=12",
                Family::Debian,
                "12",
            ),
            ("pkg:apk/wolfi/a@1?arch=x86_64", Family::Wolfi, ""),
        ] {
            let found = of_purl(&PackageUrl::parse(purl).unwrap()).unwrap_or_else(|| panic!("{purl}"));
            assert_eq!((found.family, found.version.as_str()), (family, version), "{purl}");
        }
        assert_eq!(of_purl(&PackageUrl::parse("pkg:deb/debian/a@1").unwrap()), None);
    }
}
