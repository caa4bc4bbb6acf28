//! environment.yml of conda: match specifications with one version, and what pip adds.
//!
//! `name=1.0` is a prefix to conda, but environments are exported in this form: it counts as a version, as for Trivy.
//! <https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html#package-match-specifications>

use super::document;
use super::listing::{Listing, Usage};
use super::requirements::requirement;
use super::{Declared, Source, name_of};
use seaworthy_model::Ecosystem;

/// The table's row.
pub(super) static DECLARED: Declared = Declared {
    name: "conda-environment",
    ecosystem: Ecosystem::Conda,
    wants: |path| matches!(name_of(path), "environment.yml" | "environment.yaml"),
    read,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let documents = match document::yaml(source.bytes) {
        Ok(documents) => documents,
        Err(why) => return listing.unreadable(&why),
    };
    for dependency in documents
        .iter()
        .flat_map(|document| document.get("dependencies").list())
    {
        for pip in dependency.get("pip").texts() {
            // Part of the environment: listed as Trivy does, not as a requirement of its own.
            if let Some((name, version)) = requirement(pip) {
                listing.add(name, version.unwrap_or_default(), Usage::PLAIN);
            }
        }
        if let Some((name, version)) = specification(dependency.text()) {
            listing.add(name, version, Usage::PLAIN);
        }
    }
}

/// The name and the version, empty where it is a range.
fn specification(text: &str) -> Option<(&str, &str)> {
    let text = text.split_once('#').map_or(text, |(text, _)| text).trim();
    let text = text.rsplit_once("::").map_or(text, |(_, text)| text);
    let text = text.split_once('[').map_or(text, |(text, _)| text);
    let end = text.find([' ', '=', '<', '>', '!', '~']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    let rest = rest.trim();
    let version = rest
        .strip_prefix("==")
        .or_else(|| rest.strip_prefix('='))
        .unwrap_or(rest);
    let version = version.trim_start().split(['=', ' ']).next().unwrap_or_default();
    let range = rest.starts_with("=>") || version.contains(['<', '>', '!', '~', '*', '|', ',', '^', '$']);
    Some((name, if range { "" } else { version }))
}

#[cfg(test)]
mod tests {
    use super::specification;

    #[test]
    fn specifications() {
        for (text, expected) in [
            ("a", Some(("a", ""))),
            ("a=1.0", Some(("a", "1.0"))),
            ("a==1.0", Some(("a", "1.0"))),
            ("a = 1.0", Some(("a", "1.0"))),
            ("a=1.0=h123_0", Some(("a", "1.0"))),
            ("a 1.0 h123_0", Some(("a", "1.0"))),
            ("conda-forge::a=1.0", Some(("a", "1.0"))),
            ("conda-forge/linux-64::a=1.0", Some(("a", "1.0"))),
            ("a[version='>=1']", Some(("a", ""))),
            ("a=1.*", Some(("a", ""))),
            ("a>=1", Some(("a", ""))),
            ("a >=1,<2", Some(("a", ""))),
            ("a =>1", Some(("a", ""))),
            ("a 1.0|1.1", Some(("a", ""))),
            ("", None),
            (">=1", None),
        ] {
            assert_eq!(specification(text), expected, "{text}");
        }
    }
}
