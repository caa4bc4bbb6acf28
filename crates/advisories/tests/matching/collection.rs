//! Cases that another scanner's authors collected from reports of its users: records, an installed package, and what
//! is to be found. Those about distributions and languages whose advisories are understood are asked here.

use super::TODAY;
use seaworthy_advisories::database::Database;
use seaworthy_advisories::file::write;
use seaworthy_advisories::language::LANGUAGES;
use seaworthy_advisories::record::{Compilation, Range, RangeEnd, Record, SourceId};
use seaworthy_model::{Distribution, Ecosystem, Family, FixStatus, Inventory, Package};
use seaworthy_testkit::data;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Cases whose answer here is another one, with the reason.
const OTHERWISE: [(&str, &str); 2] = [
    (
        "g043",
        "the erratum is asked for all that it fixes, not for what Red Hat's records have",
    ),
    (
        "g106",
        "an option takes a missing epoch to be the advisory's; dpkg takes it to be 0",
    ),
];

/// Family, source of the facts and section of `rhel:9`; the version is that of the release.
fn release(namespace: &str) -> Option<(Family, SourceId, String)> {
    let (name, version) = namespace.split_once(':')?;
    Some(match name {
        "rhel" => {
            let major = version.split(['.', '+']).next().unwrap_or("");
            (Family::RedHat, SourceId::RedHat, format!("redhat {major}"))
        }
        "debian" => (Family::Debian, SourceId::Debian, format!("debian {version}")),
        "alpine" => (Family::Alpine, SourceId::Alpine, format!("alpine {version}")),
        "almalinux" => (Family::Alma, SourceId::Alma, format!("alma {version}")),
        "ubuntu" => match version.strip_suffix("+esm") {
            Some(version) => (Family::Ubuntu, SourceId::Ubuntu, format!("ubuntu-pro {version}")),
            None => (Family::Ubuntu, SourceId::Ubuntu, format!("ubuntu {version}")),
        },
        _ => return None,
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("")
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn record(section: &str, source: SourceId, package: &str, id: &str, ranges: Vec<Range>) -> Record {
    let fixed = ranges.iter().any(|range| matches!(range.end, RangeEnd::Fixed(_)));
    Record {
        section: section.to_owned(),
        package: package.to_owned(),
        id: id.to_owned(),
        vendor_ids: Vec::new(),
        source,
        ranges,
        versions: Vec::new(),
        status: if fixed { FixStatus::Fixed } else { FixStatus::Affected },
        severity: None,
        unimportant: false,
        module: String::new(),
        arches: Vec::new(),
        product: String::new(),
    }
}

fn below(fix: &str) -> Vec<Range> {
    vec![Range {
        introduced: String::new(),
        end: RangeEnd::Fixed(fix.to_owned()),
    }]
}

/// A record about a distribution: one statement for each fix of each minor release.
fn of_distribution(item: &Value, records: &mut Vec<Record>) {
    let vulnerability = &item["Vulnerability"];
    for fixed in list(vulnerability, "FixedIn") {
        let Some((_, source, section)) = release(text(fixed, "NamespaceName")) else {
            continue;
        };
        let mut fixes: BTreeSet<&str> = list(fixed, "Advisories")
            .map(|advisory| text(advisory, "Version"))
            .collect();
        if fixes.is_empty() {
            fixes.insert(text(fixed, "Version"));
        }
        for fix in fixes {
            let extended = text(fixed, "NamespaceName").strip_prefix("rhel:");
            let extended = extended.and_then(|version| version.strip_suffix("+eus"));
            let product = extended.map_or(String::new(), |minor| format!("eus {minor}"));
            // Version 0 is a package that was never affected.
            let ranges = match fix.trim_start_matches("0:") {
                "0" => continue,
                "None" | "" => vec![Range {
                    introduced: String::new(),
                    end: RangeEnd::Open,
                }],
                fix => below(fix),
            };
            records.push(Record {
                module: text(fixed, "Module").to_owned(),
                product,
                ..record(
                    &section,
                    source,
                    text(fixed, "Name"),
                    text(vulnerability, "Name"),
                    ranges,
                )
            });
        }
    }
}

fn normal(section: &str, name: &str) -> String {
    let rules = LANGUAGES.iter().find(|rules| rules.section == section).unwrap();
    (rules.name)(name)
}

/// A reviewed advisory about a package of a language.
fn of_language(item: &Value, records: &mut Vec<Record>) {
    let advisory = &item["Advisory"];
    let id = text(advisory, "ghsaId");
    for fixed in list(advisory, "FixedIn") {
        let name = text(fixed, "name");
        let (section, name) = match text(fixed, "ecosystem") {
            "npm" => ("npm", name.to_owned()),
            "python" => ("pypi", normal("pypi", name)),
            "java" => ("maven", name.to_owned()),
            _ => continue,
        };
        let mut range = Range {
            introduced: String::new(),
            end: RangeEnd::Open,
        };
        let words: Vec<&str> = text(fixed, "range")
            .split([' ', ','])
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.chunks(2) {
            let [sign, version] = pair else { continue };
            match *sign {
                ">=" => range.introduced = (*version).to_owned(),
                "<" => range.end = RangeEnd::Fixed((*version).to_owned()),
                "<=" => range.end = RangeEnd::LastAffected((*version).to_owned()),
                "=" => {
                    range.introduced = (*version).to_owned();
                    range.end = RangeEnd::LastAffected((*version).to_owned());
                }
                _ => {}
            }
        }
        records.push(record(section, SourceId::Ghsa, &name, id, vec![range]));
    }
}

/// An erratum in the OSV schema.
fn of_osv(item: &Value, records: &mut Vec<Record>) {
    for affected in list(item, "affected") {
        let namespace = text(&affected["package"], "ecosystem").to_ascii_lowercase();
        let Some((_, source, section)) = release(&namespace) else {
            continue;
        };
        for event in list(affected, "ranges").flat_map(|range| list(range, "events")) {
            let fix = text(event, "fixed");
            for id in list(item, "related")
                .filter_map(Value::as_str)
                .filter(|_| !fix.is_empty())
            {
                let mut record = record(&section, source, text(&affected["package"], "name"), id, below(fix));
                record.vendor_ids = vec![text(item, "id").to_owned()];
                text(&affected["ecosystem_specific"], "rpm_modularity").clone_into(&mut record.module);
                records.push(record);
            }
        }
    }
}

fn records(fixture: &Path, wanted: &str) -> Vec<Record> {
    let wanted: Vec<String> = wanted
        .split(',')
        .map(str::to_ascii_lowercase)
        .filter(|id| !id.is_empty())
        .collect();
    let mut records = Vec::new();
    for file in data::files(fixture) {
        let Ok(value) = serde_json::from_slice::<Value>(&std::fs::read(&file).unwrap()) else {
            continue;
        };
        let identifier = text(&value, "identifier").to_ascii_lowercase();
        if !wanted.is_empty() && !wanted.iter().any(|id| identifier.ends_with(id.as_str())) {
            continue;
        }
        let item = &value["item"];
        of_distribution(item, &mut records);
        of_language(item, &mut records);
        of_osv(item, &mut records);
    }
    records.sort_unstable();
    records.dedup();
    records
}

/// The image that a case speaks of, `rhel 9.4+eus`.
fn distribution(text: &str) -> Option<Distribution> {
    let (name, version) = text.split_once(' ')?;
    let (version, channel) = version.split_once('+').unwrap_or((version, ""));
    let (family, ..) = release(&format!("{name}:{version}"))?;
    let mut distribution = Distribution::new(family, version);
    match channel {
        "esm" => distribution.channels.push("esm-infra".to_owned()),
        "" => {}
        channel => distribution
            .content_sets
            .push(format!("rhel-9-for-x86_64-baseos-{channel}-rpms")),
    }
    Some(distribution)
}

#[test]
fn the_cases_of_the_collection_are_answered() {
    let Some(cases) = data::rows("vectors/matching/grype/CASES.tsv") else {
        return;
    };
    let root = data::path("vectors/matching/grype/records").unwrap();
    let mut asked = 0;
    let mut wrong = Vec::new();
    for case in &cases {
        let field = |at: usize| case.get(at).map_or("", String::as_str);
        let (ecosystem, image) = match field(4) {
            "rpm" => (Ecosystem::Rpm, distribution(field(7))),
            "deb" => (Ecosystem::Deb, distribution(field(7))),
            "apk" => (Ecosystem::Apk, distribution(field(7))),
            "npm" => (Ecosystem::Npm, None),
            "python" => (Ecosystem::PyPi, None),
            "maven" => (Ecosystem::Maven, None),
            _ => continue,
        };
        let of_image = matches!(ecosystem, Ecosystem::Rpm | Ecosystem::Deb | Ecosystem::Apk);
        // Names that only guesses at CPEs find are not looked for.
        let expected: BTreeSet<&str> = field(15)
            .split("; ")
            .filter(|found| !found.contains(" cpe"))
            .filter_map(|found| found.split(' ').next())
            .filter(|id| !id.is_empty())
            .collect();
        let all = records(&root.join(field(2)), field(3));
        if of_image && image.is_none() || all.is_empty() {
            continue;
        }
        let mut package = Package::new(ecosystem, field(5), field(6), "db");
        package.arch = field(8).to_owned();
        package.modularity_label = field(10).to_owned();
        if !field(11).is_empty() {
            package.source_name = field(11).to_owned();
        }
        if !field(12).is_empty() {
            package.source_version = field(12).to_owned();
        }
        let compilation = Compilation {
            records: all,
            ..Compilation::default()
        };
        let database = Database::from_static(Vec::leak(write(&compilation).unwrap())).unwrap();
        let inventory = Inventory {
            distribution: image,
            packages: vec![package],
            ..Inventory::default()
        };
        let found = database.find(&inventory, TODAY).unwrap().matches;
        asked += 1;
        let has = |id: &str| {
            found
                .iter()
                .any(|found| found.id == id || found.vendor_ids.iter().any(|other| other == id))
        };
        let others = field(17).contains("other ids may match");
        let missing: Vec<&str> = expected.iter().copied().filter(|id| !has(id)).collect();
        let other_fix: Vec<&str> = field(15)
            .split("; ")
            .filter(|wanted| {
                let mut words = wanted.split(' ');
                let (id, fix) = (
                    words.next().unwrap_or(""),
                    wanted.split_once("fixed ").map_or("", |(_, fix)| fix),
                );
                let found = found.iter().find(|found| found.id == id);
                !fix.is_empty()
                    && !wanted.contains("not-fixed")
                    && found.is_some_and(|found| found.fixed_version != fix.trim_start_matches("0:"))
            })
            .collect();
        let unwanted: Vec<&str> = found
            .iter()
            .map(|found| found.id.as_str())
            .filter(|id| !others && !expected.contains(id) || field(16).split(',').any(|clear| clear == *id))
            .collect();
        let right = missing.is_empty() && unwanted.is_empty() && other_fix.is_empty();
        if right == OTHERWISE.iter().any(|(name, _)| *name == field(0)) {
            wrong.push(format!(
                "{}: missing {missing:?}, not wanted {unwanted:?}; {}",
                field(0),
                field(17)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {asked} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(asked > 40, "only {asked} cases were asked");
}
