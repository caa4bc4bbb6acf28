//! Packages in a Nix store: the directories `nix/store/<hash>-<name>-<version>` themselves, which are the database.
//!
//! Names are split as Nix does (`parseDrvName`): the version begins after the first hyphen that no letter follows.

/// Letters of a hash: 160 bits in base 32.
const HASH: usize = 32;

/// Outputs of a package beside its main one.
const OUTPUTS: [&str; 16] = [
    "bin", "data", "debug", "dev", "devdoc", "dist", "doc", "info", "lib", "lib32", "man", "out", "py", "static",
    "terminfo", "tools",
];

/// Name and version of a store path, given its last component; `None` for sources, patches and derivations.
pub(crate) fn package(component: &str) -> Option<(&str, &str)> {
    let (hash, name) = component.split_at_checked(HASH)?;
    if !hash
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
    {
        return None;
    }
    let full = name.strip_prefix('-')?;
    let start = full.match_indices('-').map(|(at, _)| at).find(|at| {
        full.get(at + 1..)
            .is_some_and(|rest| rest.starts_with(|first: char| !first.is_alphabetic()))
    })?;
    let (name, version) = full.split_at_checked(start)?;
    let mut version = version.strip_prefix('-')?;
    if let Some((before, output)) = version.rsplit_once('-')
        && OUTPUTS.contains(&output)
    {
        version = before;
    }
    let is_file = [
        ".drv", ".patch", ".diff", ".sh", ".tar.gz", ".tar.xz", ".tar.bz2", ".zip", ".lock", ".nar",
    ]
    .iter()
    .any(|ending| version.ends_with(ending));
    (!is_file && !name.is_empty() && version.starts_with(|first: char| first.is_ascii_digit()))
        .then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::package;

    #[test]
    fn store_paths() {
        let hash = "0c8wr5zdfjvg8yzkvj5p9qx7fgq7bnpk";
        for (name, expected) in [
            ("openssl-3.0.13-bin", Some(("openssl", "3.0.13"))),
            ("glibc-2.38-44", Some(("glibc", "2.38-44"))),
            ("python3.11-requests-2.31.0", Some(("python3.11-requests", "2.31.0"))),
            ("source", None),
            ("hello-2.12.1.drv", None),
            ("fix-3.patch", None),
            ("nss-cacert-3.98", Some(("nss-cacert", "3.98"))),
        ] {
            assert_eq!(package(&format!("{hash}-{name}")), expected, "{name}");
        }
        assert_eq!(package("short-1.0"), None);
        assert_eq!(package(""), None);
    }
}
