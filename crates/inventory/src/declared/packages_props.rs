//! Versions in MSBuild files: Directory.Packages.props (central package management), and NuGet's older packages.config.
//!
//! <https://learn.microsoft.com/nuget/consume-packages/central-package-management>

use super::listing::{Listing, Usage};
use super::xml::{self, Element};
use super::{Declared, Source, name_of};
use seaworthy_model::Ecosystem;
use std::collections::HashMap;

/// The table's row of Directory.Packages.props and its like.
pub(super) static DECLARED: Declared = Declared {
    name: "packages-props",
    ecosystem: Ecosystem::NuGet,
    wants: |path| name_of(path).to_ascii_lowercase().ends_with("packages.props"),
    read,
};

/// The table's row of packages.config.
pub(super) static PACKAGES_CONFIG: Declared = Declared {
    name: "nuget",
    ecosystem: Ecosystem::NuGet,
    wants: |path| {
        let name = name_of(path).to_ascii_lowercase();
        name == "packages.config" || (name.starts_with("packages.") && name.ends_with(".config"))
    },
    read: read_config,
};

fn read(source: &Source<'_>, listing: &mut Listing<'_>) {
    let document = match xml::parse(source.bytes) {
        Ok(document) => document,
        Err(why) => return listing.unreadable(&why),
    };
    let mut properties: HashMap<String, &str> = HashMap::new();
    for group in document.all("PropertyGroup") {
        properties.extend(
            group
                .children
                .iter()
                .map(|child| (child.name.to_ascii_lowercase(), child.text.as_str())),
        );
    }
    for kind in ["PackageVersion", "PackageReference", "GlobalPackageReference"] {
        for reference in document.all(kind) {
            let name = match reference.attribute("Include") {
                "" => reference.attribute("Update"),
                name => name,
            };
            let stated = part(reference, "VersionOverride")
                .or_else(|| part(reference, "Version"))
                .unwrap_or_default();
            let version = expand(stated, &properties);
            let name = expand(name, &properties);
            listing.add(&name, exact(&version).unwrap_or_default(), Usage::PLAIN);
        }
    }
}

/// An attribute, or the element of that name inside.
fn part<'a>(reference: &'a Element, name: &str) -> Option<&'a str> {
    let attribute = reference.attribute(name);
    let value = if attribute.is_empty() {
        reference.child_text(name)
    } else {
        attribute
    };
    (!value.is_empty()).then_some(value)
}

/// Puts properties of the same file in; a text with another one is none.
fn expand(text: &str, properties: &HashMap<String, &str>) -> String {
    let mut whole = text.trim().to_owned();
    // Properties may hold properties.
    for _ in 0..8 {
        let Some((before, rest)) = whole.split_once("$(") else {
            return whole;
        };
        let Some((name, after)) = rest.split_once(')') else {
            return String::new();
        };
        let Some(value) = properties.get(&name.trim().to_ascii_lowercase()) else {
            return String::new();
        };
        whole = format!("{before}{}{after}", value.trim());
        if whole.len() > seaworthy_model::limits::VALUE_BYTES {
            return String::new();
        }
    }
    String::new()
}

/// `1.0`, or `[1.0]`; no range and no floating version.
fn exact(version: &str) -> Option<&str> {
    let version = version.trim();
    let inner = version
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(version)
        .trim();
    (!inner.contains(['[', ']', '(', ')', ',', '*', '$'])).then_some(inner)
}

fn read_config(source: &Source<'_>, listing: &mut Listing<'_>) {
    let document = match xml::parse(source.bytes) {
        Ok(document) => document,
        Err(why) => return listing.unreadable(&why),
    };
    for package in document.all("package") {
        let dev = package.attribute("developmentDependency").eq_ignore_ascii_case("true");
        let version = exact(package.attribute("version")).unwrap_or_default();
        listing.add(package.attribute("id"), version, Usage::dev(dev));
    }
}

#[cfg(test)]
mod tests {
    use super::{HashMap, exact, expand};

    #[test]
    fn properties_and_ranges() {
        let properties = HashMap::from([
            ("a".to_owned(), "1.0"),
            ("b".to_owned(), "$(A).1"),
            ("c".to_owned(), "$(c)$(c)"),
        ]);
        for (text, expected) in [
            ("$(a)", "1.0"),
            ("$(B)", "1.0.1"),
            ("2", "2"),
            ("$(x)", ""),
            ("$(c)", ""),
            ("$(a", ""),
        ] {
            assert_eq!(expand(text, &properties), expected, "{text}");
        }
        for (text, expected) in [
            ("1.0", Some("1.0")),
            ("[1.0]", Some("1.0")),
            ("[1.0,2.0)", None),
            ("1.*", None),
        ] {
            assert_eq!(exact(text), expected, "{text}");
        }
    }
}
