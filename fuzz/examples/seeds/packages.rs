//! Seeds of versions, and of the databases and metadata of package managers.

use crate::Corpus;
use seaworthy_advisories::versions::Scheme;
use seaworthy_fuzz::root::{self, JAVA_ENTRIES};
use seaworthy_fuzz::zip_archive;

pub fn versions(corpus: &Corpus) {
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

pub fn metadata(corpus: &Corpus) {
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
