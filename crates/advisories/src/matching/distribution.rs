//! Packages of distributions: which names and versions are looked up, and which statements apply.

use super::amazon::Lines;
use super::candidates::{Candidate, Candidates, Found, finding};
use super::judge::{Installed, Judgement};
use super::red_hat;
use crate::ecosystem::{DistributionRules, Lookup};
use crate::file::{Bound, Entry, Identifier, Section};
use crate::versions::Scheme;
use seaworthy_model::{Distribution, Ecosystem, Family, MatchKind, Package};
use std::borrow::Cow;

/// The number of Ubuntu's long-term section among those of an image.
const PRO: u8 = 1;

/// The sections that hold for an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sections<'a> {
    pub(super) base: &'a Section,
    /// Ubuntu's long-term channel.
    pub(super) pro: Option<&'a Section>,
}

/// A name to look up with the version that belongs to it.
#[derive(Debug)]
struct Key<'p> {
    name: Cow<'p, str>,
    installed: Installed<'p>,
    kind: MatchKind,
    /// The build of the module that the package is from, for advisories that say from which build on a module is fixed.
    build: Option<Installed<'p>>,
    /// Whether the name is a module's, because its advisories do not say which of its packages they are about.
    whole_module: bool,
}

impl<'p> Key<'p> {
    /// What is compared with advisories that have these fixes.
    fn compared<'a>(&self, mut fixes: impl Iterator<Item = &'a str>) -> &Installed<'p> {
        let build = self.build.as_ref().filter(|_| fixes.any(red_hat::is_module_build));
        build.unwrap_or(&self.installed)
    }
}

/// The findings of one package, and why its version could not be compared, if it could not.
pub(super) fn find(
    sections: Sections<'_>,
    rules: &DistributionRules,
    distribution: &Distribution,
    index: usize,
    package: &Package,
    found: &mut Vec<Found>,
) -> Option<String> {
    let mut invalid = None;
    let mut named = false;
    let mut decided: Vec<Identifier> = Vec::new();
    for key in keys(rules, distribution, package) {
        if named && !key.whole_module {
            // Where the advisories name the package itself, its source says nothing more.
            continue;
        }
        let mut candidates = Candidates::default();
        let lines = (distribution.family == Family::Amazon)
            .then(|| Lines::of(|| sections.base.entries(&key.name), &key.installed.version));
        let any = collect(sections, distribution, package, &key, lines.as_ref(), &mut candidates);
        if any {
            let of_build = key.build.as_ref().and_then(|build| build.invalid.clone());
            invalid = invalid.or(key.installed.invalid.clone()).or(of_build);
            if is_temporary_fix(&package.version) {
                invalid.get_or_insert_with(|| TEMPORARY_FIX.to_owned());
            }
        }
        for (id, statements) in candidates.by_id() {
            if key.whole_module && decided.contains(&id) {
                continue;
            }
            let compared = key.compared(statements.iter().flat_map(|candidate| candidate.fixes()));
            let statements = match &lines {
                Some(lines) => lines.deciding(statements),
                None => deciding(rules, distribution, package, compared, statements),
            };
            let finding = finding(index, compared, key.kind, id, &statements);
            if key.build.is_some() {
                decided.push(id);
                found.extend(finding.map(|found| of_module(found, &statements)));
            } else {
                found.extend(finding);
            }
        }
        named |= any;
    }
    if invalid.is_none() {
        // Nothing is known of the package, but whoever reads the report should still hear of it.
        invalid = rules
            .scheme
            .check(&package.version)
            .err()
            .map(|error| error.to_string());
    }
    invalid
}

/// Says of a build number that it is one: `httpd:2.4:8070020230131172653` is what `dnf` calls the build.
fn of_module(mut found: Found, statements: &[&Candidate<'_>]) -> Found {
    let finding = &mut found.found;
    let fix = finding.fixed_version.as_str();
    let fixing = statements
        .iter()
        .filter(|_| red_hat::is_module_build(fix))
        .find(|candidate| candidate.fixes().any(|named| named == fix));
    if let Some(module) = fixing.map(|candidate| candidate.entry.module()) {
        finding.fixed_version = format!("{module}:{fix}");
        finding.range = format!("build {} of module {module}", finding.range);
    }
    found
}

/// The build of the module that a package of Red Hat comes from, where it comes from one.
fn module_build(family: Family, package: &Package) -> Option<Installed<'_>> {
    let build = red_hat::module_build(package);
    if !matches!(family, Family::RedHat | Family::CentOs) || build.is_none() && !package.version.contains(".module") {
        return None;
    }
    let mut installed = Installed::new(Scheme::Rpm, build.unwrap_or(""), false);
    if installed.version.is_empty() {
        installed.invalid = Some("the database does not say which build of its module it is from".to_owned());
    }
    Some(installed)
}

fn keys<'p>(rules: &DistributionRules, distribution: &Distribution, package: &'p Package) -> Vec<Key<'p>> {
    let is_rpm = rules.packages == Ecosystem::Rpm;
    let build = module_build(distribution.family, package);
    let itself = package.source_name.is_empty() || package.source_name == package.name;
    let direct = || Key {
        name: Cow::Borrowed(package.name.as_str()),
        installed: Installed::new(rules.scheme, package.version.as_str(), false),
        kind: MatchKind::Direct,
        build: build.clone(),
        whole_module: false,
    };
    // Alpine builds every package of an origin in one version.
    let source_version = if package.source_version.is_empty() {
        &package.version
    } else {
        &package.source_version
    };
    let (name, version) = kernel_source(distribution.family, &package.source_name, source_version);
    let source = || Key {
        name,
        // Source rpms carry no epoch; the advisory's is taken to be that of the installed one.
        installed: Installed::new(rules.scheme, version, is_rpm),
        kind: MatchKind::Source,
        build: build.clone(),
        whole_module: false,
    };
    let mut keys = match rules.lookup {
        Lookup::Binary => vec![direct()],
        Lookup::Source | Lookup::Either if itself && is_rpm || package.source_name.is_empty() => vec![direct()],
        Lookup::Source => vec![Key {
            kind: if itself { MatchKind::Direct } else { MatchKind::Source },
            ..source()
        }],
        Lookup::BinaryOrKernel if !package.source_name.starts_with("kernel-") => vec![direct()],
        Lookup::Either | Lookup::BinaryOrKernel => vec![direct(), source()],
    };
    if build.is_some()
        && let Some(stream) = package.module_stream()
    {
        keys.push(Key {
            name: Cow::Borrowed(stream),
            kind: MatchKind::Source,
            whole_module: true,
            ..direct()
        });
    }
    keys
}

/// Kernels are signed in a source package of their own: Debian's `linux-signed-amd64 6.1.99+1` is built from
/// `linux 6.1.99-1`, Ubuntu's `linux-signed-azure` and `linux-meta-azure` belong to `linux-azure`.
fn kernel_source<'p>(family: Family, name: &'p str, version: &'p str) -> (Cow<'p, str>, Cow<'p, str>) {
    let unchanged = (Cow::Borrowed(name), Cow::Borrowed(version));
    match family {
        Family::Debian if name.starts_with("linux-signed-") => {
            (Cow::Borrowed("linux"), Cow::Owned(version.replacen('+', "-", 1)))
        }
        Family::Ubuntu => {
            let flavour = |rest: &str| Cow::Owned(format!("linux{rest}"));
            if let Some(rest) = name.strip_prefix("linux-signed") {
                (flavour(rest), Cow::Borrowed(version))
            } else if let Some(rest) = name.strip_prefix("linux-meta") {
                // 5.15.0.101.98 depends on the kernel with ABI 101, whose upload number it does not know.
                let mut parts = version.splitn(5, '.');
                match (parts.next(), parts.next(), parts.next(), parts.next()) {
                    (Some(a), Some(b), Some(c), Some(abi)) => {
                        (flavour(rest), Cow::Owned(format!("{a}.{b}.{c}-{abi}.99999")))
                    }
                    _ => unchanged,
                }
            } else {
                unchanged
            }
        }
        _ => unchanged,
    }
}

/// Gathers the statements that apply; whether the sections know the name at all.
fn collect<'a>(
    sections: Sections<'a>,
    distribution: &Distribution,
    package: &Package,
    key: &Key<'_>,
    lines: Option<&Lines<'a>>,
    candidates: &mut Candidates<'a>,
) -> bool {
    let mut any = false;
    let subscribed = is_subscribed(distribution, package);
    let extended = red_hat::extended_updates(distribution).map(|(_, minor)| minor);
    let pro_only = (!subscribed).then_some("with Ubuntu Pro only");
    for (number, section, out_of_reach) in [(0, Some(sections.base), None), (PRO, sections.pro, pro_only)] {
        for entry in section.into_iter().flat_map(|section| section.entries(&key.name)) {
            any = true;
            if !applies(&entry, distribution, package, key)
                || lines.is_some_and(|lines| !lines.apply(&entry, &key.installed.version))
            {
                continue;
            }
            let judgement = match key.compared(fixes(&entry)).judge(&entry) {
                Judgement::Affected(stretch) if key.whole_module => Judgement::Uncertain(
                    stretch,
                    "the advisory names the module, not which of its packages".to_owned(),
                ),
                Judgement::Affected(stretch) if is_temporary_fix(&package.version) => {
                    Judgement::Uncertain(stretch, TEMPORARY_FIX.to_owned())
                }
                judgement => judgement,
            };
            let mut candidate = Candidate {
                entry,
                judgement,
                section: number,
                out_of_reach,
            };
            if is_paid_line(entry.product()) {
                candidate.out_of_reach = Some("with a SUSE subscription for longer support only");
            }
            if extended.is_some_and(|minor| !red_hat::is_reachable(&candidate, minor)) {
                candidate.out_of_reach = Some("in a later minor release only");
            }
            candidates.push(candidate);
        }
    }
    any
}

/// An image that is subscribed to Ubuntu's long-term channel, or a package that came from it.
fn is_subscribed(distribution: &Distribution, package: &Package) -> bool {
    distribution.channels.iter().any(|channel| channel.starts_with("esm"))
        || package.version.match_indices("esm").any(|(at, _)| {
            let before = package
                .version
                .get(..at)
                .is_some_and(|before| before.ends_with(['+', '~']));
            before
                && package
                    .version
                    .get(at + 3..)
                    .is_some_and(|after| after.starts_with(|letter: char| letter.is_ascii_digit()))
        })
}

/// Lines of SUSE's releases that need a further subscription.
fn is_paid_line(product: &str) -> bool {
    matches!(product, "LTSS" | "ESPOS" | "SAP" | "BCL" | "TERADATA" | "Real Time")
}

const TEMPORARY_FIX: &str = "it is a temporary fix for one customer, which may contain the update's";

/// SUSE's program temporary fixes sort below the update that brings the same to everybody.
fn is_temporary_fix(version: &str) -> bool {
    version.contains(".PTF.")
}

fn fixes<'a>(entry: &Entry<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    entry.stretches().filter_map(|stretch| match stretch.end {
        Bound::Fixed(end) => Some(end),
        _ => None,
    })
}

fn applies(entry: &Entry<'_>, distribution: &Distribution, package: &Package, key: &Key<'_>) -> bool {
    let mut arches = entry.arches().peekable();
    if arches.peek().is_some()
        && !package.arch.is_empty()
        && !matches!(package.arch.as_str(), "noarch" | "all")
        && !arches.any(|arch| arch == package.arch)
    {
        return false;
    }
    match distribution.family {
        Family::RedHat | Family::CentOs | Family::Alma | Family::Rocky => {
            let fixes: Vec<&str> = fixes(entry).collect();
            let version = &key.installed.version;
            red_hat::product_applies(entry.product(), distribution)
                && red_hat::module_applies(&fixes, entry.module(), version, package.module_stream())
        }
        // Modules of SUSE's products are parts of one release, not lines beside it.
        _ => true,
    }
}

/// The statements about one vulnerability that decide.
fn deciding<'c, 'a>(
    rules: &DistributionRules,
    distribution: &Distribution,
    package: &Package,
    installed: &Installed<'_>,
    statements: Vec<&'c Candidate<'a>>,
) -> Vec<&'c Candidate<'a>> {
    match rules.family {
        Family::RedHat | Family::CentOs => red_hat::deciding(installed, distribution, statements),
        Family::Ubuntu => {
            let (pro, base): (Vec<_>, Vec<_>) = statements
                .iter()
                .copied()
                .partition(|candidate| candidate.section == PRO);
            if pro.is_empty() {
                base
            } else if is_subscribed(distribution, package) {
                pro
            } else if base.is_empty() || base.iter().any(|candidate| !candidate.is_clear()) {
                statements
            } else {
                // What the base has fixed needs no other fix.
                base
            }
        }
        Family::Alma | Family::Rocky => red_hat::without_rebuilds(statements),
        Family::Sles | Family::SleMicro => {
            // What the release itself has fixed needs no further subscription.
            let in_reach: Vec<_> = statements
                .iter()
                .copied()
                .filter(|candidate| candidate.out_of_reach.is_none())
                .collect();
            if in_reach.is_empty() { statements } else { in_reach }
        }
        _ => statements,
    }
}
