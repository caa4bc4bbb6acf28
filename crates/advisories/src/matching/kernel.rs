//! Findings in packages that are built from the kernel's sources.
//!
//! They are kept like all others, a file system may be a machine's; but a container runs the kernel of its host, so that
//! a reader must be told which part of the list says nothing about the image while it runs.

use super::first;
use seaworthy_model::{Ecosystem, Effect, Inventory, Match, Package, Problem};
use std::collections::BTreeSet;

/// Says how many findings are in packages of the kernel, where there are any.
pub(super) fn note(inventory: &Inventory, matches: &[Match]) -> Option<Problem> {
    let package_of = |found: &Match| inventory.packages.get(found.package);
    let names: Vec<&str> = matches
        .iter()
        .filter_map(package_of)
        .filter(|package| is_of_the_kernel(package))
        .map(|package| package.name.as_str())
        .collect();
    let count = match names.len() {
        0 => return None,
        1 => "1 finding is".to_owned(),
        more => format!("{more} findings are"),
    };
    let names: Vec<&str> = BTreeSet::from_iter(names).into_iter().collect();
    let what = format!(
        "{count} in packages built from the kernel's sources ({}): a container runs the kernel of its host instead",
        first(&names)
    );
    Some(Problem::of_artifact(Effect::Note, what))
}

fn is_of_the_kernel(package: &Package) -> bool {
    let source = if package.source_name.is_empty() {
        package.name.as_str()
    } else {
        package.source_name.as_str()
    };
    let is_flavour = |stem: &str, flavours: &[&str]| {
        let rest = source.strip_prefix(stem).and_then(|rest| rest.strip_prefix('-'));
        rest.is_some_and(|rest| flavours.iter().any(|flavour| rest.starts_with(flavour)))
    };
    match package.ecosystem {
        // `linux-firmware`, `linux-base` and `linux-atm` are something else.
        Ecosystem::Deb => {
            source == "linux"
                || is_flavour("linux", &["signed", "meta", "hwe", "lts", "oem", "lowlatency", "raspi"])
                || is_flavour(
                    "linux",
                    &["aws", "azure", "gcp", "gke", "ibm", "kvm", "oracle", "riscv"],
                )
        }
        Ecosystem::Rpm => source == "kernel" || source.starts_with("kernel-"),
        // `linux-pam` and `linux-firmware` are something else.
        Ecosystem::Apk => is_flavour(
            "linux",
            &["lts", "virt", "edge", "rpi", "hardened", "vanilla", "grsec", "headers"],
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_of_the_kernel;
    use seaworthy_model::{Ecosystem, Package};

    #[test]
    fn packages_of_the_kernel_are_told_by_what_they_are_built_from() {
        let check = |ecosystem, name: &str, source: &str, expected| {
            let mut package = Package::new(ecosystem, name, "1", "var/lib/packages");
            source.clone_into(&mut package.source_name);
            assert_eq!(is_of_the_kernel(&package), expected, "{name} of {source}");
        };
        check(Ecosystem::Deb, "linux-libc-dev", "linux", true);
        check(Ecosystem::Deb, "linux-image-6.1.0-18-amd64", "linux-signed-amd64", true);
        check(Ecosystem::Deb, "linux-headers-5.15.0-94", "linux-hwe-5.15", true);
        check(Ecosystem::Deb, "linux-firmware", "linux-firmware", false);
        check(Ecosystem::Deb, "linux-base", "", false);
        check(Ecosystem::Deb, "util-linux", "", false);
        check(Ecosystem::Rpm, "kernel-core", "kernel", true);
        check(Ecosystem::Rpm, "kernel-default", "kernel-default", true);
        check(Ecosystem::Rpm, "perf", "kernel", true);
        check(Ecosystem::Rpm, "kernelshark", "", false);
        check(Ecosystem::Apk, "linux-headers", "linux-headers", true);
        check(Ecosystem::Apk, "linux-virt-dev", "linux-virt", true);
        check(Ecosystem::Apk, "linux-pam", "linux-pam", false);
    }
}
