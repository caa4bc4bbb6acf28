//! Which advisories hold for packages of languages and for programs without a package manager: one row for each section
//! that packages of an ecosystem are looked up in.
//!
//! A row says what its ecosystem is called in OSV, how names are brought into one form, how versions compare, and
//! whether it is a guess that the advisory's product is the package.

use crate::record::SourceId;
use crate::versions::Scheme;
use seaworthy_model::{Ecosystem, Package};
use std::borrow::Cow;

/// What a language's advisories are called and how its versions compare.
#[derive(Debug)]
pub struct LanguageRules {
    /// The packages.
    pub packages: Ecosystem,
    /// The section.
    pub section: &'static str,
    /// The ecosystem's name in OSV; empty for sections that only native feeds fill.
    pub osv: &'static str,
    /// How versions compare.
    pub scheme: Scheme,
    /// How names are brought into the form of the section.
    pub name: fn(&str) -> String,
    /// By which names of the section, and as which version, a package is looked up.
    pub lookup: fn(&Self, &Package) -> Lookup,
    /// The publisher whose word counts where several know the same vulnerability.
    pub authority: SourceId,
    /// Whether nothing but the name links a program and the product of an advisory.
    pub guess: bool,
    /// Whether data without the section have a hole, and are not just without a feed for it.
    pub expected: bool,
}

impl LanguageRules {
    /// Whether its section may know the package.
    pub(crate) fn is_about(&self, package: &Package) -> bool {
        package.ecosystem == self.packages && !(self.lookup)(self, package).names.is_empty()
    }
}

/// What a package is called in a section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// The names.
    pub names: Vec<String>,
    /// The version.
    pub version: String,
}

impl Lookup {
    fn new(names: impl IntoIterator<Item = impl Into<String>>, version: impl Into<String>) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
            version: version.into(),
        }
    }
}

const fn row(
    packages: Ecosystem,
    section: &'static str,
    osv: &'static str,
    scheme: Scheme,
    name: fn(&str) -> String,
    authority: SourceId,
) -> LanguageRules {
    LanguageRules {
        packages,
        section,
        osv,
        scheme,
        name,
        lookup: by_name,
        authority,
        guess: false,
        expected: true,
    }
}

const fn optional(row: LanguageRules) -> LanguageRules {
    LanguageRules { expected: false, ..row }
}

/// A row for some of an ecosystem's packages.
const fn special(
    packages: Ecosystem,
    section: &'static str,
    scheme: Scheme,
    lookup: fn(&LanguageRules, &Package) -> Lookup,
    authority: SourceId,
    guess: bool,
) -> LanguageRules {
    LanguageRules {
        packages,
        section,
        osv: "",
        scheme,
        name: str::to_owned,
        lookup,
        authority,
        guess,
        expected: false,
    }
}

/// Every language whose advisories are understood. NuGet, Packagist and Bitnami do not tell capitals from small letters;
/// Go, Maven, npm, RubyGems and crates.io do.
pub const LANGUAGES: [LanguageRules; 28] = [
    row(Ecosystem::Npm, "npm", "npm", Scheme::Npm, str::to_owned, SourceId::Ghsa),
    row(Ecosystem::PyPi, "pypi", "PyPI", Scheme::Pep440, pep503, SourceId::Ghsa),
    row(
        Ecosystem::Maven,
        "maven",
        "Maven",
        Scheme::Maven,
        str::to_owned,
        SourceId::Ghsa,
    ),
    special(
        Ecosystem::Maven,
        "jenkins",
        Scheme::Maven,
        jenkins,
        SourceId::JenkinsUpdateCenter,
        false,
    ),
    LanguageRules {
        lookup: go,
        ..row(Ecosystem::Go, "go", "Go", Scheme::Go, str::to_owned, SourceId::GoVulnDb)
    },
    row(
        Ecosystem::Cargo,
        "crates.io",
        "crates.io",
        Scheme::Cargo,
        str::to_owned,
        SourceId::RustSec,
    ),
    row(
        Ecosystem::Gem,
        "rubygems",
        "RubyGems",
        Scheme::Gem,
        str::to_owned,
        SourceId::Ghsa,
    ),
    row(
        Ecosystem::Composer,
        "packagist",
        "Packagist",
        Scheme::Php,
        str::to_lowercase,
        SourceId::Ghsa,
    ),
    LanguageRules {
        lookup: nuget,
        ..row(
            Ecosystem::NuGet,
            "nuget",
            "NuGet",
            Scheme::NuGet,
            str::to_lowercase,
            SourceId::Ghsa,
        )
    },
    row(
        Ecosystem::Bitnami,
        "bitnami",
        "Bitnami",
        Scheme::Bitnami,
        str::to_lowercase,
        SourceId::Bitnami,
    ),
    optional(row(
        Ecosystem::Hex,
        "hex",
        "Hex",
        Scheme::Hex,
        str::to_owned,
        SourceId::Ghsa,
    )),
    optional(row(
        Ecosystem::Pub,
        "pub",
        "Pub",
        Scheme::Dart,
        str::to_owned,
        SourceId::Ghsa,
    )),
    optional(row(
        Ecosystem::Swift,
        "swift",
        "SwiftURL",
        Scheme::Semver,
        swift,
        SourceId::Ghsa,
    )),
    optional(row(
        Ecosystem::Conan,
        "conan",
        "ConanCenter",
        Scheme::Conan,
        str::to_owned,
        SourceId::Osv,
    )),
    optional(row(
        Ecosystem::Cran,
        "cran",
        "CRAN",
        Scheme::Cran,
        str::to_owned,
        SourceId::Osv,
    )),
    optional(row(
        Ecosystem::Hackage,
        "hackage",
        "Hackage",
        Scheme::Hackage,
        str::to_owned,
        SourceId::Osv,
    )),
    optional(row(
        Ecosystem::Julia,
        "julia",
        "Julia",
        Scheme::Semver,
        str::to_owned,
        SourceId::Osv,
    )),
    // Conda's own packages of Python's names are not looked up: its builds carry other patches.
    special(Ecosystem::Generic, "node", Scheme::Npm, node, SourceId::NodeJs, false),
    special(
        Ecosystem::Generic,
        "go",
        Scheme::Go,
        go_distribution,
        SourceId::GoVulnDb,
        false,
    ),
    // Deno and Bun are published with advisories as packages of the same name.
    special(
        Ecosystem::Generic,
        "crates.io",
        Scheme::Cargo,
        deno,
        SourceId::Ghsa,
        false,
    ),
    special(Ecosystem::Generic, "npm", Scheme::Npm, bun, SourceId::Ghsa, false),
    special(
        Ecosystem::Generic,
        "kubernetes",
        Scheme::Semver,
        kubernetes,
        SourceId::Kubernetes,
        false,
    ),
    special(
        Ecosystem::Generic,
        "jenkins",
        Scheme::Maven,
        jenkins,
        SourceId::JenkinsUpdateCenter,
        false,
    ),
    special(
        Ecosystem::Generic,
        "bitnami",
        Scheme::Bitnami,
        product,
        SourceId::Bitnami,
        true,
    ),
    special(
        Ecosystem::Generic,
        "bitnami",
        Scheme::Jvm,
        java_runtime,
        SourceId::Bitnami,
        true,
    ),
    special(
        Ecosystem::Otp,
        "bitnami",
        Scheme::Bitnami,
        rabbitmq,
        SourceId::Bitnami,
        true,
    ),
    special(
        Ecosystem::WordPress,
        "bitnami",
        Scheme::Bitnami,
        wordpress,
        SourceId::Bitnami,
        true,
    ),
    // The components that the official feed of Kubernetes names; programs are looked up by the row above.
    LanguageRules {
        osv: "kubernetes",
        ..special(
            Ecosystem::Generic,
            "kubernetes",
            Scheme::Semver,
            nothing,
            SourceId::Kubernetes,
            false,
        )
    },
];

fn by_name(rules: &LanguageRules, package: &Package) -> Lookup {
    Lookup::new([(rules.name)(&package.name)], package.version.as_str())
}

fn nothing(_: &LanguageRules, _: &Package) -> Lookup {
    Lookup::default()
}

/// Modules by their path, with major suffix and capitals; the standard library by the release of Go, whatever a vendor
/// wrote behind it.
fn go(rules: &LanguageRules, package: &Package) -> Lookup {
    if matches!(package.name.as_str(), "stdlib" | "toolchain") {
        return Lookup::new([package.name.as_str()], go_release(&package.version));
    }
    by_name(rules, package)
}

/// `go1.22.3 X:nocoverageredesign` is 1.22.3, `go1.21rc2` is 1.21.0-rc.2, as the Go database writes it.
fn go_release(version: &str) -> String {
    let word = version.split_whitespace().next().unwrap_or_default();
    let word = word
        .strip_prefix("go")
        .or_else(|| word.strip_prefix('v'))
        .unwrap_or(word);
    let release = word.split(['-', '+']).next().unwrap_or_default();
    let letters = release.find(|letter: char| letter.is_ascii_alphabetic());
    let Some((numbers, pre)) = letters.and_then(|at| release.split_at_checked(at)) else {
        // A pre-release that is written as Go's database does stays one; vendors' words do not.
        let keeps = |pre: &str| pre.starts_with("rc") || pre.starts_with("beta");
        return match word.split_once('-') {
            Some((_, pre)) if keeps(pre) => word.to_owned(),
            _ => release.to_owned(),
        };
    };
    let digits = pre.find(|letter: char| letter.is_ascii_digit()).unwrap_or(pre.len());
    let (word, number) = pre.split_at_checked(digits).unwrap_or((pre, ""));
    let zeros = if numbers.matches('.').count() == 1 { ".0" } else { "" };
    format!("{numbers}{zeros}-{word}.{number}")
}

/// Go itself, as it is installed: its standard library and its tools.
fn go_distribution(_: &LanguageRules, package: &Package) -> Lookup {
    if matches!(package.name.as_str(), "go" | "golang") {
        Lookup::new(["stdlib", "toolchain"], go_release(&package.version))
    } else {
        Lookup::default()
    }
}

/// `1.4.0rc3` is meant as `1.4.0-rc3`, though NuGet would not say so.
fn nuget(rules: &LanguageRules, package: &Package) -> Lookup {
    let version = package.version.trim();
    let letters = version.find(|letter: char| letter != '.' && !letter.is_ascii_digit());
    let version = match letters.and_then(|at| version.split_at_checked(at)) {
        Some((numbers, rest)) if !numbers.is_empty() && rest.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            Cow::Owned(format!("{numbers}-{rest}"))
        }
        _ => Cow::Borrowed(version),
    };
    Lookup::new([(rules.name)(&package.name)], version)
}

/// Swift packages are known by their repository: `github.com/apple/swift-nio`.
fn swift(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let path = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    let path = path.strip_prefix("git@").unwrap_or(path);
    let path = path.trim_end_matches('/');
    path.strip_suffix(".git").unwrap_or(path).replacen(':', "/", 1)
}

/// Programs under the names that Bitnami gives their components.
fn product(_: &LanguageRules, package: &Package) -> Lookup {
    let name = package.name.to_ascii_lowercase();
    let known = match name.as_str() {
        name if is_java_runtime(name) => return Lookup::default(),
        "httpd" | "apache2" | "apache-httpd" | "http_server" => "apache",
        "postgres" | "postgresql-server" => "postgresql",
        "nodejs" | "node.js" => "node",
        "go" => "golang",
        "mysql" | "mysqld" | "mysql-server" => "mysql-client",
        "mongod" | "mongo" => "mongodb",
        "sqlite3" => "sqlite",
        "redis-server" => "redis",
        "valkey-server" => "valkey",
        "python3" | "cpython" => "python",
        "php-cli" | "php-fpm" => "php",
        "rabbitmq-server" => "rabbitmq",
        "argocd" => "argo-cd",
        "hashicorp-vault" => "vault",
        "slapd" => "openldap",
        name => name,
    };
    Lookup::new([known], package.version.as_str())
}

fn is_java_runtime(name: &str) -> bool {
    matches!(
        name,
        "openjdk" | "jdk" | "jre" | "java" | "graalvm" | "ibm-semeru" | "openjre" | "temurin" | "corretto" | "zulu"
    )
}

/// Java runtimes, whose versions have an order of their own.
fn java_runtime(_: &LanguageRules, package: &Package) -> Lookup {
    if is_java_runtime(&package.name) {
        Lookup::new(["java"], package.version.as_str())
    } else {
        Lookup::default()
    }
}

/// RabbitMQ is an Erlang application of another name, which has RabbitMQ's version.
fn rabbitmq(_: &LanguageRules, package: &Package) -> Lookup {
    if package.name == "rabbit" {
        Lookup::new(["rabbitmq"], package.version.as_str())
    } else {
        Lookup::default()
    }
}

/// WordPress itself; there are no advisories about plugins.
fn wordpress(_: &LanguageRules, package: &Package) -> Lookup {
    if package.name.eq_ignore_ascii_case("wordpress") {
        Lookup::new(["wordpress"], package.version.as_str())
    } else {
        Lookup::default()
    }
}

fn node(_: &LanguageRules, package: &Package) -> Lookup {
    if matches!(package.name.as_str(), "node" | "nodejs" | "node.js") {
        Lookup::new(["node"], package.version.as_str())
    } else {
        Lookup::default()
    }
}

fn deno(_: &LanguageRules, package: &Package) -> Lookup {
    only("deno", package)
}

fn bun(_: &LanguageRules, package: &Package) -> Lookup {
    only("bun", package)
}

fn only(name: &str, package: &Package) -> Lookup {
    if package.name == name {
        Lookup::new([name], package.version.as_str())
    } else {
        Lookup::default()
    }
}

/// Components of Kubernetes under the names of its feed.
fn kubernetes(_: &LanguageRules, package: &Package) -> Lookup {
    let name = match package.name.as_str() {
        "kube-apiserver" => "k8s.io/apiserver",
        "kube-controller-manager" => "k8s.io/controller-manager",
        "kube-proxy" => "k8s.io/kube-proxy",
        "kubectl" => "k8s.io/kubectl",
        "kubelet" => "k8s.io/kubelet",
        "kubernetes" => "k8s.io/kubernetes",
        _ => return Lookup::default(),
    };
    Lookup::new([name], package.version.as_str())
}

/// Jenkins and its plugins: a plugin is the archive of its own name, and the core has two lines of releases, of which
/// the long-term one has three numbers.
fn jenkins(_: &LanguageRules, package: &Package) -> Lookup {
    let core = |version: &str| {
        let line = if version.split('.').count() > 2 {
            "core lts"
        } else {
            "core"
        };
        Lookup::new([line], version)
    };
    match package.name.split_once(':') {
        Some(("org.jenkins-ci.main", "jenkins-core" | "jenkins-war")) => core(&package.version),
        Some((_, artifact)) => {
            let is_plugin = package.path.rsplit('/').next().is_some_and(|file| {
                let stem = file.strip_suffix(".hpi").or_else(|| file.strip_suffix(".jpi"));
                stem.is_some_and(|stem| {
                    stem == artifact || stem.starts_with(artifact) && stem.ends_with(&package.version)
                })
            });
            if is_plugin {
                Lookup::new([artifact], package.version.as_str())
            } else {
                Lookup::default()
            }
        }
        None if package.ecosystem == Ecosystem::Generic && package.name == "jenkins" => core(&package.version),
        None => Lookup::default(),
    }
}

/// PEP 503: lower case, and each run of `-`, `_` and `.` is one `-`.
pub fn pep503(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            _ => normal.push(letter.to_ascii_lowercase()),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_python_packages_are_normalised() {
        for (name, normal) in [
            ("Products.PluggableAuthService", "products-pluggableauthservice"),
            ("url_regex", "url-regex"),
            ("oslo.middleware", "oslo-middleware"),
            ("a._-b", "a-b"),
        ] {
            assert_eq!(pep503(name), normal);
        }
    }

    #[test]
    fn swift_packages_are_known_by_their_repository() {
        for name in [
            "https://github.com/apple/swift-nio.git",
            "github.com/apple/swift-nio",
            "git@github.com:apple/Swift-NIO.git",
            "ssh://git@github.com/apple/swift-nio/",
        ] {
            assert_eq!(swift(name), "github.com/apple/swift-nio", "{name}");
        }
    }

    #[test]
    fn releases_of_go_are_told_from_what_vendors_add() {
        for (version, release) in [
            ("go1.22.3 X:nocoverageredesign", "1.22.3"),
            ("v1.26.5 (Red Hat 1.26.5-1.el10)", "1.26.5"),
            ("go1.21.0-fips", "1.21.0"),
            ("go1.21rc2", "1.21.0-rc.2"),
            ("1.21.0-rc.2", "1.21.0-rc.2"),
            ("go1.4.3beta1", "1.4.3-beta.1"),
            ("1.20", "1.20"),
        ] {
            assert_eq!(go_release(version), release, "{version}");
        }
    }

    #[test]
    fn plugins_of_jenkins_are_known_by_their_archive() {
        let lookup = |name: &str, path: &str| {
            let mut package = Package::new(Ecosystem::Maven, name, "1.0", path);
            package.version = "1.0".to_owned();
            jenkins(&LANGUAGES[3], &package).names
        };
        let plugin = "org.jenkins-ci.plugins:git";
        assert_eq!(lookup(plugin, "var/jenkins_home/plugins/git.jpi"), ["git"]);
        assert_eq!(lookup(plugin, "plugins/git-1.0.hpi"), ["git"]);
        assert!(lookup(plugin, "srv/lib/git.jar").is_empty());
        assert!(lookup("org.eclipse.jgit:git", "plugins/other.hpi").is_empty());
        assert_eq!(lookup("org.jenkins-ci.main:jenkins-core", "jenkins.war"), ["core"]);
    }
}
