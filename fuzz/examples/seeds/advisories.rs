//! Seeds of the advisory file, of the feeds that it is made from, and of constraints.

use crate::Corpus;
use seaworthy_advisories::file::write;
use seaworthy_advisories::record::{Compilation, CvssVectors, Facts, Range, RangeEnd, Record, SourceId};
use seaworthy_advisories::versions::Scheme;
use seaworthy_fuzz::{advisory_parts, feed_directory};
use seaworthy_model::FixStatus;
use std::collections::BTreeMap;
use std::fs;

pub fn file(corpus: &Corpus) {
    let mut compilation = Compilation::default();
    for (section, package, id, source, fixed) in [
        ("alpine 3.20", "openssl", "CVE-2024-5535", SourceId::Alpine, "3.3.1-r1"),
        ("alpine 3.20", "openssl", "CVE-2024-4741", SourceId::Alpine, "3.3.0-r3"),
        (
            "debian 12",
            "openssl",
            "CVE-2024-5535",
            SourceId::Debian,
            "3.0.15-1~deb12u1",
        ),
        (
            "redhat 9",
            "openssl",
            "CVE-2024-5535",
            SourceId::RedHat,
            "1:3.2.2-6.el9_5",
        ),
        ("npm", "left-pad", "GHSA-aaaa-bbbb-cccc", SourceId::Ghsa, "1.0.0"),
        ("pypi", "django", "CVE-2023-36053", SourceId::PyPa, "4.2.3"),
    ] {
        compilation.records.push(Record {
            section: section.to_owned(),
            package: package.to_owned(),
            id: id.to_owned(),
            vendor_ids: vec!["VENDOR-1".to_owned()],
            source,
            ranges: vec![
                Range {
                    introduced: String::new(),
                    end: RangeEnd::Fixed(fixed.to_owned()),
                },
                Range {
                    introduced: "9".to_owned(),
                    end: RangeEnd::LastAffected("9.1".to_owned()),
                },
            ],
            versions: vec!["8.8".to_owned()],
            status: FixStatus::Fixed,
            severity: None,
            unimportant: false,
            module: String::new(),
            arches: Vec::new(),
            product: String::new(),
        });
        let vectors = CvssVectors {
            v3: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned()),
            ..CvssVectors::default()
        };
        let facts = Facts {
            published: Some(1_700_000_000),
            cvss: BTreeMap::from([(SourceId::Nvd, vectors)]),
            epss: Some((43, 12_345)),
            known_exploited: Some((19_000, true)),
            ..Facts::default()
        };
        compilation.facts.insert(id.to_owned(), facts);
    }
    let file = write(&compilation).expect("a file of a few records");
    corpus.choose("advisory_file", "file", 0, &file);
    corpus.choose("advisory_file", "file", 1, &file);
    let parts =
        advisory_parts::dismantle(&file).expect("the layout of advisory files has changed: mend advisory_parts.rs");
    let seed = advisory_parts::put(&parts);
    let again = advisory_parts::assemble(&advisory_parts::read(&seed));
    let path = std::env::temp_dir().join(format!("seaworthy-seed-{}.db", std::process::id()));
    fs::write(&path, again).expect("write a temporary file");
    let opened = seaworthy_advisories::database::Database::open(&path).and_then(|database| database.verify());
    let _ = fs::remove_file(path);
    opened.expect("the layout of advisory files has changed: mend advisory_parts.rs");
    corpus.choose("advisory_file", "parts", 2, &seed);
}

pub fn feeds(corpus: &Corpus) {
    for (which, ecosystem) in feed_directory::OSV.iter().enumerate() {
        let record = format!(
            r#"{{"schema_version":"1.6.0","id":"X-2024-1","modified":"2024-01-02T00:00:00Z","published":"2024-01-01T00:00:00Z","aliases":["CVE-2024-5535"],"upstream":["CVE-2024-5535"],"affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"openssl"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"1.0"}},{{"introduced":"2"}},{{"last_affected":"2.1"}}]}}],"versions":["0.9"],"ecosystem_specific":{{"severity":"High"}},"database_specific":{{"cwes":[]}}}}],"severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}]}}"#
        );
        corpus.choose("osv_json", "made", which, record.as_bytes());
    }
    for (which, text) in [
        (
            0,
            r#"{"distroversion":"v3.19","reponame":"main","packages":[{"pkg":{"name":"a","secfixes":{"1.0-r0":["CVE-2024-1 CVE-2024-2"],"0":["CVE-2024-3"]}}}]}"#,
        ),
        (
            1,
            "[01 Jan 2023] DSA-5310-1 openssl - security update\n\t{CVE-2024-5535 CVE-2022-1}\n\t[bullseye] - openssl 1.1.1n-0+deb11u4\n\tNOTE: x\n",
        ),
        (
            2,
            "[01 Jan 2023] DLA-1-1 openssl - security update\n\t{CVE-2024-5535}\n\t[buster] - openssl 1.1.1n-0+deb10u4\n",
        ),
        (
            6,
            r#"{"vulnerabilities":[{"cve":{"id":"CVE-2024-5535","published":"2024-06-27T11:15:00.000","metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:H","baseScore":9.1}}]}}}]}"#,
        ),
        (
            8,
            "#model_version:v2025.03.14,score_date:2026-08-16T00:00:00+0000\ncve,epss,percentile\nCVE-2024-5535,0.00123,0.45678\n",
        ),
        (
            9,
            r#"{"catalogVersion":"2026.07.23","dateReleased":"2026-07-23","count":1,"vulnerabilities":[{"cveID":"CVE-2024-5535","dateAdded":"2026-01-01","knownRansomwareCampaignUse":"Known"}]}"#,
        ),
        (
            10,
            r#"[{"id":"SECURITY-208","type":"plugin","name":"google-login","url":"https://jenkins.io/","versions":[{"firstVersion":"1.0","lastVersion":"1.1","pattern":"1[.][01](|[.-].*)"}]},{"id":"SECURITY-1","type":"core","name":"core","versions":[{"lastVersion":"2.1","pattern":"2[.]1"}]}]"#,
        ),
        (
            11,
            r#"{"jquery":{"npmname":"jquery","vulnerabilities":[{"atOrAbove":"1.2","below":"3.5.0","excludes":["2.0"],"severity":"medium","cwe":["CWE-79"],"identifiers":{"CVE":["CVE-2020-11022"],"githubID":"GHSA-gxr4-xjj5-5px2"},"info":["http://a"]}],"extractors":{}}}"#,
        ),
        (
            12,
            r#"{"1":{"cve":["CVE-2017-1000381"],"vulnerable":"8.x || 7.x || <= 4.8","patched":"^8.1.4 || ~7.10.1","severity":"high","affectedEnvironments":["all"]}}"#,
        ),
    ] {
        corpus.choose("feed_file", "made", which, text.as_bytes());
    }
    corpus.choose("feed_file", "made", 4, OVAL.as_bytes());
}

/// An OVAL file with one definition.
const OVAL: &str = r#"<oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5" xmlns:linux-def="http://oval.mitre.org/XMLSchema/oval-definitions-5#linux"><definitions><definition class="vulnerability" id="oval:d:def:1"><metadata><title>t</title><reference ref_id="CVE-2024-5535" source="CVE"/><patchable>true</patchable><advisory_date>2024-07-23T22:05:39Z</advisory_date><advisory_id>1-1</advisory_id><severity>High</severity></metadata><criteria operator="AND"><criterion test_ref="oval:d:tst:1"/></criteria></definition></definitions><tests><linux-def:rpminfo_test check="at least one" id="oval:d:tst:1"><linux-def:object object_ref="oval:d:obj:1"/><linux-def:state state_ref="oval:d:ste:1"/></linux-def:rpminfo_test></tests><objects><linux-def:rpminfo_object id="oval:d:obj:1"><linux-def:name>openssl</linux-def:name></linux-def:rpminfo_object></objects><states><linux-def:rpminfo_state id="oval:d:ste:1"><linux-def:evr datatype="evr_string" operation="less than">0:3.3.0-2.azl3</linux-def:evr></linux-def:rpminfo_state></states></oval_definitions>"#;

/// Constraints in the languages of the ecosystems, behind a version.
pub fn constraints(corpus: &Corpus) {
    for (scheme, _) in Scheme::ALL.iter().enumerate() {
        for (name, text) in [
            ("npm", "1.2.3\n^1.2.0 || ~2.3 || 1.x - 2.0 || >=3 <4.0.0-rc.1"),
            ("pep440", "2.0rc1\n>=1.0,!=1.5.*,~=1.4.2,===1.0,<2"),
            ("gem", "1.0.1\n~> 1.0, != 1.0.3"),
            ("composer", "1.5.0\n^1.0|>=2.0@dev,<3.0 - 4"),
            ("maven", "1.5\n[1.0,2.0),[3.0],(,0.5]"),
            ("conan", "1.2\n[>1 <2.0 || ^3.2, include_prerelease=True]"),
            ("plain", "1:2-3\n>= 1:2-3, < 2"),
        ] {
            corpus.choose("constraints", name, scheme, text.as_bytes());
        }
    }
}
