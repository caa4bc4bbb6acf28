//! Writes the seeds of every target: `seeds CORPUS_DIR [TEST_DATA_DIR]`. Made ones need nothing; real ones come from the
//! test data, where there are some.

use seaworthy_advisories::file::write;
use seaworthy_advisories::record::{Compilation, CvssVectors, Facts, Range, RangeEnd, Record, SourceId};
use seaworthy_advisories::versions::Scheme;
use seaworthy_fuzz::root::JAVA_ENTRIES;
use seaworthy_fuzz::{advisory_parts, feed_directory, put_part, root, source_tree, zip_archive};
use seaworthy_image::{Progress, open_input};
use seaworthy_model::FixStatus;
use seaworthy_testkit::{ImageBuilder, LayerBuilder, Stored, example_image};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Larger inputs make every run slow and teach nothing more.
const MOST: usize = 256 << 10;

struct Corpus(PathBuf);

impl Corpus {
    fn add(&self, target: &str, name: &str, bytes: &[u8]) {
        if bytes.len() <= MOST {
            let directory = self.0.join(target);
            fs::create_dir_all(&directory).expect("create the corpus");
            fs::write(directory.join(name.replace('/', "_")), bytes).expect("write a seed");
        }
    }

    /// A seed behind the byte that chooses its variant.
    fn choose(&self, target: &str, name: &str, variant: usize, bytes: &[u8]) {
        let mut seed = vec![variant as u8];
        seed.extend(bytes);
        self.add(target, &format!("{variant}-{name}"), &seed);
    }
}

fn parts(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    parts.iter().for_each(|part| put_part(&mut out, part));
    out
}

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let corpus = Corpus(
        arguments
            .next()
            .expect("usage: seeds CORPUS_DIR [TEST_DATA_DIR]")
            .into(),
    );
    versions(&corpus);
    analyzers(&corpus);
    images(&corpus);
    advisories(&corpus);
    feeds(&corpus);
    registries(&corpus);
    bills(&corpus);
    if let Some(data) = arguments.next().map(PathBuf::from).filter(|data| data.is_dir()) {
        real(&corpus, &data);
    }
}

fn versions(corpus: &Corpus) {
    for (scheme, _) in Scheme::ALL.iter().enumerate() {
        for (name, text) in [
            ("maven", "1.0-alpha-1\n1.0-SNAPSHOT\n1-sp.1-final"),
            ("plain", "1.2.3\n1.2.4\n2.0.0"),
            ("apk", "1.2.3_rc1-r0\n1.2.3-r1\n1.2.3a_p2-r10"),
            ("deb", "1:2.3~beta-1ubuntu1\n2.3-1+deb12u1\n0:2.3-0"),
            ("rpm", "1:3.0.7-27.el9\n3.0.7~rc^git-1\n(none):3-1"),
            ("semver", "1.0.0-alpha.1+build\nv1.0.0-rc\n1.0.0-0.3.7"),
            ("pep440", "1!2.0.post1.dev3\n2.0rc1+local.1\n2.0a0"),
        ] {
            corpus.choose("versions", name, scheme, text.as_bytes());
        }
    }
}

fn analyzers(corpus: &Corpus) {
    let os_release =
        "NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID='12'\nID_LIKE=\"a b\"\n# x\nPRETTY_NAME=\"a\\\"b\\$\"\n";
    for variant in 0..2 {
        corpus.choose("os_release", "debian", variant, os_release.as_bytes());
    }
    for (variant, text) in [
        (2, "3.20.1\n"),
        (
            3,
            "https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n@edge http://x/edge/community\n",
        ),
        (4, "12.5\n"),
        (5, "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\n"),
        (6, "Red Hat Enterprise Linux release 9.4 (Plow)\n"),
        (7, "CentOS Linux release 7.9.2009 (Core)\n"),
        (8, "Oracle Linux Server release 8.9\n"),
        (9, "Amazon Linux release 2 (Karoo)\n"),
        (10, "Microsoft Azure Linux 3.0\nAZURELINUX_BUILD_NUMBER=3.0\n"),
        (11, "openSUSE 13.2 (x86_64)\nVERSION = 13.2\n"),
        (12, "VMware Photon OS 4.0\nPHOTON_BUILD_NUMBER=1\n"),
        (
            13,
            r#"{"attached":true,"services":[{"name":"esm-infra","status":"enabled"}]}"#,
        ),
        (
            14,
            r#"{"metadata":{"icm_version":1},"content_sets":["rhel-9-for-x86_64-baseos-rpms"]}"#,
        ),
        (
            15,
            "Types: deb\nURIs: https://esm.ubuntu.com/infra/ubuntu\nSuites: jammy-infra-updates\nComponents: main\n",
        ),
    ] {
        corpus.choose("os_release", "made", variant, text.as_bytes());
    }
    assert_eq!(root::RELEASE_FILES.len(), 16, "a seed for each release file");
    let status = "Package: libc6\nStatus: install ok installed\nSource: glibc (2.36-9)\nVersion: 2.36-9+deb12u4\nArchitecture: amd64\nDepends: libgcc-s1 | a (>= 1),\n b\nProvides: c\nMaintainer: x <x@y>\n\nPackage: x\nStatus: deinstall ok config-files\nVersion: 1\n";
    for variant in 0..2 {
        corpus.choose("dpkg", "status", variant, status.as_bytes());
    }
    corpus.choose("dpkg", "opkg", 6, status.as_bytes());
    for variant in 2..4 {
        corpus.choose(
            "dpkg",
            "list",
            variant,
            b"/.\n/usr/lib/python3/dist-packages/six-1.16.0.egg-info\n",
        );
    }
    for variant in 4..6 {
        let sums = b"d41d8cd98f00b204e9800998ecf8427e  usr/lib/python3/dist-packages/six-1.16.0.egg-info\n";
        corpus.choose("dpkg", "sums", variant, sums);
    }
    let apk = "C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\no:musl\nL:MIT\nm:x <x@y>\nD:so:libc.musl-x86_64.so.1 !a b>1\np:so:libc.musl-x86_64.so.1=1\nF:lib\nR:libc.so\na:0:0:755\n\nP:b\nV:1\n\n";
    corpus.add("apk", "made", apk.as_bytes());
    corpus.add("rpm_ndb", "made", &ndb(&[header("bash", 1), header("zlib", 2)]));
    corpus.add(
        "package_json",
        "made",
        br#"{"name":"left-pad","version":"1.3.0","license":{"type":"MIT"},"licenses":["a",{"type":"b"}],"dependencies":{"a":"^1"},"_id":"left-pad@1.3.0"}"#,
    );
    let properties = b"version=2.17.0\ngroupId=org.apache.logging.log4j\nartifactId=log4j-core\n";
    let manifest = b"Manifest-Version: 1.0\r\nImplementation-Title: Apache Log4j Core\r\nImplementation-Version: 2.17.0\r\nImplementation-Vendor-Id: org.apache.logging\r\n .log4j\r\nBundle-SymbolicName: org.apache.log4j\r\n\r\n";
    corpus.choose("java_archive", "properties", 1, properties);
    corpus.choose("java_archive", "manifest", 2, manifest);
    for (name, content) in [(JAVA_ENTRIES[0], &properties[..]), (JAVA_ENTRIES[1], &manifest[..])] {
        let jar = zip_archive::stored(name, content);
        corpus.choose("java_archive", "inner", 3, &jar);
        corpus.choose("java_archive", name, 0, &jar);
    }
    let metadata = b"Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\nLicense: MIT\nLicense-Expression: MIT OR Apache-2.0\nClassifier: License :: OSI Approved :: MIT License\nRequires-Dist: a>=1; extra == 'x'\n\nbody\n";
    for variant in 0..=root::PYTHON_FILES.len() {
        corpus.choose("python_metadata", "made", variant, metadata);
    }
}

/// The header of an rpm package with name, version, release, epoch and a file.
fn header(name: &str, epoch: u32) -> Vec<u8> {
    let mut index = Vec::new();
    let mut store = Vec::new();
    let mut put = |tag: u32, kind: u32, count: u32, value: &[u8]| {
        if kind == 4 {
            store.resize(store.len().next_multiple_of(4), 0);
        }
        for word in [tag, kind, store.len() as u32, count] {
            index.extend(word.to_be_bytes());
        }
        store.extend(value);
    };
    put(1000, 6, 1, &[name.as_bytes(), b"\0"].concat());
    put(1001, 6, 1, b"1.0\0");
    put(1002, 6, 1, b"2.el9\0");
    put(1003, 4, 1, &epoch.to_be_bytes());
    put(1011, 6, 1, b"Vendor\0");
    put(1014, 6, 1, b"MIT\0");
    put(1022, 6, 1, b"x86_64\0");
    put(1044, 6, 1, b"source-1.0-2.el9.src.rpm\0");
    put(1116, 4, 1, &0u32.to_be_bytes());
    put(1117, 8, 1, b"METADATA\0");
    put(1118, 8, 1, b"/usr/lib/python3.9/site-packages/a-1.0.dist-info/\0");
    put(5096, 6, 1, b"mod:stream:1:2\0");
    let mut header = Vec::new();
    header.extend((index.len() as u32 / 16).to_be_bytes());
    header.extend((store.len() as u32).to_be_bytes());
    header.extend(index);
    header.extend(store);
    header
}

/// An ndb database: one page of slots, then blobs at multiples of 16 bytes.
fn ndb(headers: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"RpmP".to_vec();
    for field in [0, 1, 1, headers.len() as u32 + 1, 0, 0, 0] {
        file.extend(u32::to_le_bytes(field));
    }
    let mut blobs = Vec::new();
    for (number, header) in (1u32..).zip(headers) {
        let start = blobs.len();
        blobs.extend(b"BlbS");
        for field in [number, 0, header.len() as u32] {
            blobs.extend(field.to_le_bytes());
        }
        blobs.extend(header);
        blobs.resize((blobs.len() + 12).next_multiple_of(16), 0);
        file.extend(b"Slot");
        for field in [number, (4096 + start as u32) / 16, (blobs.len() - start) as u32 / 16] {
            file.extend(field.to_le_bytes());
        }
    }
    while file.len() < 4096 {
        file.extend(b"Slot\0\0\0\0\0\0\0\0\0\0\0\0");
    }
    file.extend(blobs);
    file
}

fn images(corpus: &Corpus) {
    for fixed in [false, true] {
        corpus.choose("image_archive", "docker", 0, &example_image(fixed).docker_archive());
        corpus.choose("image_archive", "oci", 0, &example_image(fixed).oci_archive());
    }
    let lower = LayerBuilder::new()
        .directory("etc")
        .file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n")
        .file("lib/apk/db/installed", "P:musl\nV:1.2.5-r0\n\n")
        .symbolic_link("usr/lib/apk", "../../lib/apk")
        .hard_link("lib/apk/db/copy", "lib/apk/db/installed");
    let upper = LayerBuilder::new()
        .whiteout("etc/os-release")
        .opaque("lib/apk/db")
        .symbolic_link("etc/os-release", "../usr/lib/os-release")
        .file("usr/lib/os-release", "ID=debian\nVERSION_ID=12\n");
    let (lower_tar, upper_tar) = (lower.into_tar(), upper.into_tar());
    for form in 0..2 {
        corpus.choose("layer_walk", "two", form, &parts(&[&lower_tar, &upper_tar]));
    }
    for (name, stored) in [("plain", Stored::Plain), ("gzip", Stored::Gzip), ("zstd", Stored::Zstd)] {
        let image = ImageBuilder::new()
            .tar_layer(lower_tar.clone(), stored)
            .tar_layer(upper_tar.clone(), stored);
        for form in 0..2 {
            corpus.choose("image_archive", name, form, &image.oci_archive());
        }
    }
    let index = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"@manifest","size":@manifest-size,"platform":{"os":"linux","architecture":"amd64","variant":"v1"},"annotations":{"org.opencontainers.image.ref.name":"v1"}}]}"#;
    let manifest = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"@config","size":@config-size},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"@layer","size":@layer-size}]}"#;
    let config = br#"{"architecture":"amd64","os":"linux","created":"2026-01-01T00:00:00Z","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]},"history":[{"created_by":"a","empty_layer":true}]}"#;
    let mut documents = parts(&[index, manifest, config]);
    documents.extend(&lower_tar);
    corpus.choose("image_archive", "documents", 2, &documents);
}

fn advisories(corpus: &Corpus) {
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

fn feeds(corpus: &Corpus) {
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
    ] {
        corpus.choose("feed_file", "made", which, text.as_bytes());
    }
    corpus.choose("feed_file", "made", 4, OVAL.as_bytes());
}

/// An OVAL file with one definition.
const OVAL: &str = r#"<oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5" xmlns:linux-def="http://oval.mitre.org/XMLSchema/oval-definitions-5#linux"><definitions><definition class="vulnerability" id="oval:d:def:1"><metadata><title>t</title><reference ref_id="CVE-2024-5535" source="CVE"/><patchable>true</patchable><advisory_date>2024-07-23T22:05:39Z</advisory_date><advisory_id>1-1</advisory_id><severity>High</severity></metadata><criteria operator="AND"><criterion test_ref="oval:d:tst:1"/></criteria></definition></definitions><tests><linux-def:rpminfo_test check="at least one" id="oval:d:tst:1"><linux-def:object object_ref="oval:d:obj:1"/><linux-def:state state_ref="oval:d:ste:1"/></linux-def:rpminfo_test></tests><objects><linux-def:rpminfo_object id="oval:d:obj:1"><linux-def:name>openssl</linux-def:name></linux-def:rpminfo_object></objects><states><linux-def:rpminfo_state id="oval:d:ste:1"><linux-def:evr datatype="evr_string" operation="less than">0:3.3.0-2.azl3</linux-def:evr></linux-def:rpminfo_state></states></oval_definitions>"#;

/// Seeds from real feeds, package databases and images.
fn bills(corpus: &Corpus) {
    let bom = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"name":"app"}},"components":[{"type":"operating-system","name":"debian","version":"12"},{"type":"library","bom-ref":"a","name":"libssl3","version":"3.0.11-1","purl":"pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl","licenses":[{"license":{"id":"MIT"}}],"hashes":[{"alg":"SHA-1","content":"00"}],"properties":[{"name":"aquasecurity:trivy:SrcName","value":"openssl"}],"components":[{"type":"library","name":"b","version":"1","purl":"pkg:npm/%40a/b@1"}]}],"dependencies":[{"ref":"a","dependsOn":["a"]}]}"#;
    corpus.add("cyclonedx", "made", bom.as_bytes());
    let statement = format!(r#"{{"predicateType":"https://cyclonedx.org/bom","predicate":{{"Data":{bom}}}}}"#);
    corpus.add("cyclonedx", "statement", statement.as_bytes());
    corpus.add("cyclonedx", "envelope", br#"{"payloadType":"application/vnd.in-toto+json","payload":"eyJwcmVkaWNhdGUiOnsiYm9tRm9ybWF0IjoiQ3ljbG9uZURYIn19"}"#);
    corpus.add("cyclonedx", "snapshot", br#"{"manifests":{"m":{"file":{"source_location":"a"},"resolved":{"x":{"package_url":"pkg:npm/x@1","relationship":"direct","scope":"development"}}}}}"#);
    corpus.add("spdx", "json", br#"{"spdxVersion":"SPDX-2.3","name":"d","packages":[{"SPDXID":"SPDXRef-a","name":"a","versionInfo":"1","sourceInfo":"built package from: b 1","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:rpm/redhat/a@1-1?epoch=1&upstream=b-1-1.src.rpm"}],"annotations":[{"comment":"SrcName: b"}]}],"relationships":[{"spdxElementId":"SPDXRef-a","relationshipType":"DEPENDS_ON","relatedSpdxElement":"SPDXRef-a"}]}"#);
    corpus.add("spdx", "json-ld", br#"{"@context":"x","@graph":[{"type":"software_Package","spdxId":"a","name":"a","software_packageUrl":"pkg:apk/alpine/a@1"},{"type":"Relationship","from":"a","to":["a"],"relationshipType":"dependsOn"}]}"#);
    corpus.add("spdx", "tags", b"SPDXVersion: SPDX-2.3\nDocumentName: d\nPackageName: a\nSPDXID: SPDXRef-a\nPackageVersion: 1\nPackageComment: <text>a\nb</text>\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\nSPDXREF: SPDXRef-a\nAnnotationComment: <text>FilePath: x</text>\nRelationship: SPDXRef-a DEPENDS_ON SPDXRef-a\n");
    corpus.add("spdx", "list", b"# list\npkg:npm/a@1\npkg:deb/ubuntu/b@1?distro=jammy\n");
}

fn registries(corpus: &Corpus) {
    let hex = "0123456789abcdef".repeat(4);
    let references = [
        "alpine".to_owned(),
        "library/alpine:3.20".to_owned(),
        format!("host:5000/a/b@sha256:{hex}"),
        format!("[2001:db8::1]:5000/a_b/c--d:v1@sha256:{hex}"),
        "localhost/App:latest".to_owned(),
        hex.clone(),
    ];
    for (index, reference) in references.iter().enumerate() {
        corpus.add("reference", &index.to_string(), reference.as_bytes());
    }
    let challenges = [
        r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull""#,
        r#"Basic realm="a\"b" , charset=UTF-8"#,
        "Negotiate YIIabc==, Basic realm=x",
    ];
    for (index, challenge) in challenges.iter().enumerate() {
        corpus.add("www_authenticate", &index.to_string(), challenge.as_bytes());
    }
    let configs = [
        r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"},"*.gcr.io:443":{"username":"a","password":"b"},"ghcr.io/a":{"auth":"PHRva2VuPjo=","identitytoken":"t"}},"credHelpers":{"a":"b"},"credsStore":"c"}"#,
        r#"{"ghcr.io":{"auth":"YTpi"}}"#,
    ];
    for (index, config) in configs.iter().enumerate() {
        corpus.add("docker_config", &index.to_string(), config.as_bytes());
    }
    let descriptor = format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:{hex}","size":2,"platform":{{"os":"linux","architecture":"arm","variant":"v6"}},"urls":["http://a"]}}"#
    );
    let documents = [
        format!(r#"{{"schemaVersion":2,"manifests":[{descriptor},{descriptor}]}}"#),
        format!(r#"{{"schemaVersion":2,"config":{descriptor},"layers":[{descriptor}],"annotations":{{"a":"b"}}}}"#),
        r#"{"schemaVersion":1,"fsLayers":[]}"#.to_owned(),
    ];
    for (index, document) in documents.iter().enumerate() {
        corpus.choose("registry_manifest", "document", index, document.as_bytes());
    }
}

fn real(corpus: &Corpus, data: &Path) {
    let mut files = Vec::new();
    list(&data.join("vectors/inventory"), 0, &mut files);
    for path in &files {
        let Ok(bytes) = fs::read(path) else { continue };
        let name = path.strip_prefix(data).unwrap_or(path).to_string_lossy().into_owned();
        let ends = |end: &str| name.ends_with(end);
        if ends("/lib/apk/db/installed") {
            corpus.add("apk", &name, &bytes);
        } else if ends("/var/lib/dpkg/status") {
            corpus.choose("dpkg", &name, 0, &bytes);
        } else if ends("/lib/opkg/status") {
            corpus.choose("dpkg", &name, 6, &bytes);
        } else if name.contains("/dpkg/status.d/") {
            corpus.choose("dpkg", &name, 1, &bytes);
        } else if ends("/rpmdb.sqlite") {
            let log = fs::read(format!("{}-wal", path.display())).unwrap_or_default();
            let mut seed = parts(&[&bytes]);
            seed.extend(log);
            corpus.add("rpm_sqlite", &name, &seed);
        } else if ends("/rpm/Packages.db") {
            corpus.add("rpm_ndb", &name, &bytes);
        } else if ends("/rpm/Packages") {
            corpus.add("rpm_berkeley", &name, &bytes);
        } else if let Some((target, which)) = lock_file(&name) {
            let mut input = Vec::new();
            put_part(&mut input, &bytes);
            corpus.choose(target, &name, which, &input);
        } else if ends("/package.json") {
            corpus.add("package_json", &name, &bytes);
        } else if ends("/METADATA") {
            corpus.choose("python_metadata", &name, 0, &bytes);
        } else if ends("/PKG-INFO") {
            corpus.choose("python_metadata", &name, 1, &bytes);
        } else if ends(".jar") || ends(".war") {
            corpus.choose("java_archive", &name, 0, &bytes);
        } else if ends(".egg") {
            corpus.choose("python_metadata", &name, 4, &bytes);
        }
    }
    files.clear();
    list(&data.join("vectors/images"), 0, &mut files);
    for path in files
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "tar"))
    {
        let Ok(bytes) = fs::read(path) else { continue };
        let name = path.strip_prefix(data).unwrap_or(path).to_string_lossy().into_owned();
        corpus.choose("image_archive", &name, 0, &bytes);
        let layers = layers(path);
        if !layers.is_empty() {
            let layers: Vec<&[u8]> = layers.iter().take(3).map(Vec::as_slice).collect();
            corpus.choose("layer_walk", &name, 0, &parts(&layers));
        }
    }
    files.clear();
    list(&data.join("vectors/os-detect/files"), 0, &mut files);
    for path in &files {
        let Ok(bytes) = fs::read(path) else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        corpus.choose("os_release", &name, 0, &bytes);
    }
    for (target, scheme) in Scheme::ALL.iter().enumerate() {
        let file = scheme.name();
        let Ok(text) = fs::read_to_string(data.join(format!("vectors/versions/{file}.tsv"))) else {
            continue;
        };
        let rows = text.lines().filter(|line| !line.starts_with('#')).step_by(97).take(60);
        for (number, row) in rows.enumerate() {
            let mut fields = row.split('\t');
            if let (Some(a), Some(b)) = (fields.next(), fields.nth(1)) {
                let lines = format!("{a}\n{b}\n{a}0");
                corpus.choose("versions", &format!("{file}-{number}"), target, lines.as_bytes());
            }
        }
    }
    for (which, ecosystem) in feed_directory::OSV.iter().enumerate() {
        real_records(corpus, which, &data.join(format!("feeds/osv/{ecosystem}/all.zip")));
    }
    for (which, name, end) in [
        (3, "feeds/redhat/cve.jsonl.gz", "\n"),
        (5, "feeds/amazon/2/core/updateinfo.xml.gz", "</update>"),
        (7, "feeds/cvss/cve-cvss.csv.gz", "\n"),
    ] {
        if let Some(text) = head(&data.join(name), 24 << 10) {
            let cut = text.rfind(end).map_or(0, |at| at + end.len());
            let closing = if end == "</update>" { "</updates>" } else { "" };
            let whole = format!("{}{closing}", text.get(..cut).unwrap_or(""));
            corpus.choose("feed_file", "real", which, whole.as_bytes());
        }
    }
}

/// The first bytes of an inflated file.
fn head(path: &Path, most: u64) -> Option<String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).ok()?;
    flate2::read::MultiGzDecoder::new(file)
        .take(most)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A few records of a zip, found by the signature of its local headers: sizes stand in them, as in all zips at hand.
fn real_records(corpus: &Corpus, which: usize, path: &Path) {
    let Ok(zip) = fs::read(path) else { return };
    let short = |at: usize| Some(u16::from_le_bytes(*zip.get(at..)?.first_chunk::<2>()?) as usize);
    let mut at = 0usize;
    for number in 0..12 {
        let Some(rest) = zip.get(at..).filter(|rest| rest.starts_with(b"PK\x03\x04")) else {
            return;
        };
        let size = rest.get(18..22).and_then(|size| size.first_chunk::<4>());
        let (Some(size), Some(name), Some(extra)) = (size, short(at + 26), short(at + 28)) else {
            return;
        };
        let start = at + 30 + name + extra;
        let end = start + u32::from_le_bytes(*size) as usize;
        let Some(stored) = zip.get(start..end) else { return };
        let mut record = Vec::new();
        let inflated = match short(at + 8) {
            Some(8) => flate2::read::DeflateDecoder::new(stored)
                .take(MOST as u64)
                .read_to_end(&mut record),
            _ => stored.take(MOST as u64).read_to_end(&mut record),
        };
        if inflated.is_ok() && record.len() < 16 << 10 {
            corpus.choose("osv_json", &format!("real-{number}"), which, &record);
        }
        at = end;
    }
}

/// The uncompressed layers of an image.
fn layers(path: &Path) -> Vec<Vec<u8>> {
    let Some(image) = path.to_str().and_then(|path| open_input(path, None).ok()) else {
        return Vec::new();
    };
    let all: Vec<usize> = (0..image.metadata().layers.len()).collect();
    let mut layers = BTreeMap::new();
    for stream in image.streams(&all) {
        let read = stream.read(&Progress::default(), |_, reader| {
            let mut tar = Vec::new();
            reader.take(MOST as u64).read_to_end(&mut tar).map(|_| tar)
        });
        for (indexes, tar) in read {
            if let (Some(index), Ok(tar)) = (indexes.first(), tar) {
                layers.insert(*index, tar);
            }
        }
    }
    layers.into_values().collect()
}

fn list(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() && depth < 16 {
            list(&path, depth + 1, files);
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
}

/// The target that reads a lock file of this name, and the byte that chooses its format.
fn lock_file(path: &str) -> Option<(&'static str, usize)> {
    let file = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let families = [
        ("lock_json", source_tree::JSON),
        ("lock_yaml", source_tree::YAML),
        ("lock_toml", source_tree::TOML),
        ("lock_lines", source_tree::LINES),
        ("lock_xml", source_tree::XML),
    ];
    families.into_iter().find_map(|(target, pairs)| {
        let which = pairs.iter().position(|(name, _)| file(name) == file(path))?;
        Some((target, which))
    })
}
