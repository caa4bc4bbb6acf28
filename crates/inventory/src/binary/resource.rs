//! The version resource of .NET assemblies (VS_VERSIONINFO, Microsoft's PE documentation): which package one is of, when no
//! list of assemblies tells.
//!
//! Only managed programs are looked at: native ones carry titles for people, which are no package names.

use seaworthy_model::Ecosystem;

use super::integers::Integers;
use crate::analyzer::FileReport;
use crate::language::listing;

/// Bytes of the resource section that are read.
pub(super) const BYTES: usize = 1 << 20;

/// Lists the assembly whose resources these are.
pub(super) fn list(path: &str, resources: &[u8], report: &mut FileReport) {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return;
    };
    // Satellite assemblies have translations only.
    if !(ending.eq_ignore_ascii_case("dll") || ending.eq_ignore_ascii_case("exe")) || stem.ends_with(".resources") {
        return;
    }
    let product = value(resources, "ProductVersion").unwrap_or_default();
    let file = value(resources, "FileVersion").unwrap_or_default();
    // `8.0.4+abc123` and `8.0.4-servicing.1 @Commit: …` name their source too; the package's version stands before.
    let product = product.split(['+', ' ', '@']).next().unwrap_or("");
    let is_version = |text: &str| text.starts_with(|first: char| first.is_ascii_digit()) && text.contains('.');
    let version = if is_version(product) {
        product
    } else {
        file.split([' ', '+']).next().unwrap_or("")
    };
    if !is_version(version) {
        return;
    }
    // The original name is kept where a file is renamed.
    let original = value(resources, "OriginalFilename")
        .or_else(|| value(resources, "InternalName"))
        .unwrap_or_default();
    let original = original
        .strip_suffix(".dll")
        .or_else(|| original.strip_suffix(".exe"))
        .unwrap_or(&original)
        .to_owned();
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let name = if plain(&original) { original.as_str() } else { stem };
    listing::add(report, Ecosystem::NuGet, name, version, path);
}

/// The text value of this key: the key in UTF-16, padded to four bytes, then the value up to a NUL.
fn value(resources: &[u8], key: &str) -> Option<String> {
    let mut wanted: Vec<u8> = key.encode_utf16().flat_map(u16::to_le_bytes).collect();
    wanted.extend([0, 0]);
    let at = resources.windows(wanted.len()).position(|window| window == wanted)?;
    let end = at.checked_add(wanted.len())?;
    let integers = Integers {
        bytes: resources,
        big_endian: false,
    };
    // Padding depends on where the structure began, which is at a multiple of four; NULs are passed over.
    let mut text = Vec::new();
    for index in 0..VALUE {
        let unit = integers.u16(end.checked_add(index * 2)?)?;
        match unit {
            0 if text.is_empty() && index < 2 => {}
            0 => break,
            unit => text.push(unit),
        }
    }
    let text = String::from_utf16_lossy(&text).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// UTF-16 units of a value that are read.
const VALUE: usize = 256;

#[cfg(test)]
mod tests {
    use super::list;
    use crate::analyzer::FileReport;

    fn entry(key: &str, value: &str) -> Vec<u8> {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let mut bytes = vec![0; 6];
        bytes.extend(wide(key));
        bytes.extend([0, 0]);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(wide(value));
        bytes.extend([0, 0]);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn names_and_versions_of_assemblies() {
        let mut bytes = entry("FileVersion", "13.0.3.27908");
        bytes.extend(entry("InternalName", "Newtonsoft.Json.dll"));
        bytes.extend(entry(
            "ProductVersion",
            "13.0.3+0a2e291c0d9c0c7675d445703e51750363a549ef",
        ));
        let read = |path: &str, bytes: &[u8]| {
            let mut report = FileReport::default();
            list(path, bytes, &mut report);
            report
                .packages
                .iter()
                .map(|one| format!("{} {}", one.name, one.version))
                .collect::<Vec<_>>()
        };
        assert_eq!(read("app/Newtonsoft.Json.dll", &bytes), ["Newtonsoft.Json 13.0.3"]);
        assert!(read("app/de/X.resources.dll", &bytes).is_empty());
        assert!(read("app/X.dll", b"").is_empty());
        for cut in 0..bytes.len() {
            read("app/X.dll", &bytes[..cut]);
        }
    }
}
