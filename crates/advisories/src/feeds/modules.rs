//! Fixes of Red Hat's modules, which the Security Data API gives as builds of whole modules
//! (`httpd:2.4-8070020230131172653.bd1311ed`), without the versions of packages.
//!
//! The label of an installed package names the build that it is from, so that builds can be compared. Which package of
//! the module was fixed follows from the other names in the CVE's record; where it does not, the record is kept under
//! the module's own name, and what it says of a package is uncertain.

use super::output::Output;
use crate::record::Record;
use std::collections::{BTreeMap, BTreeSet};

/// Package names of one CVE that are kept. The longest list of real ones has some dozens.
const NAMES: usize = 1000;

/// A build of a module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Build<'a> {
    pub(super) module: &'a str,
    pub(super) stream: &'a str,
    pub(super) number: &'a str,
}

impl<'a> Build<'a> {
    /// `None` for what is a package or an image.
    pub(super) fn read(package: &'a str) -> Option<Self> {
        let (module, rest) = package.split_once(':')?;
        let (stream, rest) = rest.rsplit_once('-')?;
        let (number, _context) = rest.split_once('.')?;
        // A package with an epoch has its name and a `-` before the colon, and a release behind the last `-`.
        let plain = |text: &str| !text.is_empty() && !text.contains(['/', ':']);
        let is_build = number.len() >= 15 && number.bytes().all(|digit| digit.is_ascii_digit());
        (is_build && plain(module) && plain(stream)).then_some(Self { module, stream, number })
    }
}

/// The name in `openssl-1:1.1.1c-2.el8`; `None` for builds of modules and for images.
pub(super) fn package_name(package: &str) -> Option<&str> {
    if package.contains('/') || Build::read(package).is_some() {
        return None;
    }
    package.rsplitn(3, '-').nth(2)
}

/// Fixes by modules, until all records are read: only then is it known which packages modules have.
#[derive(Debug, Default)]
pub(super) struct Modules {
    packages: BTreeMap<String, BTreeSet<String>>,
    /// With the packages that the CVE's record names.
    fixes: Vec<(Record, Vec<String>)>,
}

impl Modules {
    /// Notes the package of a state, `mysql:8.0/mysql` or `mysql`.
    pub(super) fn learn(&mut self, state: &str, named: &mut Vec<String>) {
        match state.split_once('/') {
            None => named.push(state.to_owned()),
            Some((module, package)) => {
                if let Some((module, _)) = module.split_once(':') {
                    let packages = self.packages.entry(module.to_owned()).or_default();
                    packages.insert(package.to_owned());
                    named.push(package.to_owned());
                }
            }
        }
    }

    /// Keeps a fix, whose record names the module where a package should stand.
    pub(super) fn keep(&mut self, record: Record, named: &[String]) {
        let names: BTreeSet<&String> = named.iter().take(NAMES).collect();
        self.fixes.push((record, names.into_iter().cloned().collect()));
    }

    /// Gives the fixes their packages.
    pub(super) fn settle(self, output: &mut Output) {
        for (record, named) in self.fixes {
            let module = record.package.as_str();
            let known = self.packages.get(module);
            let is_of_module = |name: &str| match known {
                Some(packages) => packages.contains(name),
                None => name == module,
            };
            let mut packages: BTreeSet<&str> = named.iter().filter_map(|name| within(name, &is_of_module)).collect();
            // A record that names nothing but the module means the package that the module is called after.
            if packages.is_empty() && named.is_empty() && is_of_module(module) {
                packages.insert(module);
            }
            let certain = !packages.is_empty();
            if !certain {
                packages.extend(named.iter().map(String::as_str));
            }
            for package in &packages {
                output.push(Record {
                    package: (*package).to_owned(),
                    ..record.clone()
                });
            }
            if !certain {
                output.push(Record {
                    package: record.module.clone(),
                    ..record.clone()
                });
            }
        }
    }
}

/// The package of a module that a name stands for: itself, or without the prefix of a software collection
/// (`rh-mysql80-mysql`, `httpd24-httpd`).
fn within<'a>(name: &'a str, is_of_module: &dyn Fn(&str) -> bool) -> Option<&'a str> {
    std::iter::once(name)
        .chain(name.match_indices('-').filter_map(|(at, _)| name.get(at + 1..)))
        .find(|name| is_of_module(name))
}

#[cfg(test)]
mod tests {
    use super::{Build, package_name, within};

    #[test]
    fn builds_are_told_from_packages_and_images() {
        let build = Build::read("httpd:2.4-8070020230131172653.bd1311ed");
        let expected = Build {
            module: "httpd",
            stream: "2.4",
            number: "8070020230131172653",
        };
        assert_eq!(build, Some(expected));
        let rhel = Build::read("container-tools:rhel8-8090020240301090009.d7b6f4b7");
        assert_eq!(rhel.map(|build| build.stream), Some("rhel8"));
        for other in [
            "openssl-1:1.1.1c-2.el8",
            "openshift-0:4.5.0-202102050524.p0.git.0.9229406.el8",
            "openshift4/ose-cli:v4.1.14-201908291507",
            "httpd:2.4",
            "",
        ] {
            assert_eq!(Build::read(other), None, "{other}");
        }
        assert_eq!(package_name("openssl-libs-1:1.1.1c-2.el8"), Some("openssl-libs"));
        assert_eq!(package_name("httpd:2.4-8070020230131172653.bd1311ed"), None);
        assert_eq!(package_name("rhel8/mysql-80:1-2"), None);
    }

    #[test]
    fn software_collections_name_packages_of_modules() {
        let mysql = |name: &str| name == "mysql";
        assert_eq!(within("rh-mysql80-mysql", &mysql), Some("mysql"));
        assert_eq!(within("mysql", &mysql), Some("mysql"));
        assert_eq!(within("mysql-connector", &mysql), None);
    }
}
