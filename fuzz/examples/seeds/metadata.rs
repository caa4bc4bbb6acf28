//! Seeds of the small files that package managers of languages and distributions leave.

use crate::Corpus;
use seaworthy_fuzz::root::INSTALLED_FILES;

/// One of each, in the order of `INSTALLED_FILES`.
const FILES: &[&str] = &[
    "Gem::Specification.new do |s|\n  s.name = \"x\".freeze\n  s.version = \"1.0\"\n  s.platform = \"java\"\n  s.licenses = [\"MIT\".freeze]\nend\n",
    r#"{"packages":[{"name":"a/b","version":"v1.0","license":["MIT"]}],"dev":false}"#,
    r#"a:3:{s:4:"name";s:5:"redis";s:7:"channel";s:12:"pecl.php.net";s:7:"version";a:2:{s:7:"release";s:5:"6.0.2";s:3:"api";s:1:"9";}}"#,
    r#"{"runtimeTarget":{"name":"net8"},"targets":{"net8":{"A/1.0":{"runtime":{"A.dll":{}}}}},"libraries":{"A/1.0":{"type":"package","sha512":""}}}"#,
    "Package: x\nVersion: 1.2-3\nLicense: GPL-2 |\n  MIT\nBuilt: R 4.2\n",
    "package = \"kong\"\nversion = '3.7.0-0'\ndescription = { license = \"MIT\" }\n",
    "%% {vsn, \"0\"}\n{application, 'Elixir.X', [{description, \"100 %\"}, {vsn, \"1\"}]}.",
    "opam-version: \"2.0\"\nlicense: \"MIT\"\nversion: \"1\"\n",
    "name:            aeson\nversion: 2.0.3.0\nid: x\nlicense: BSD-3-Clause\n",
    r#"{"name":"x","version":"1","build":"0","license":"MIT","arch":"x86_64"}"#,
    "[settings]\n  os=Linux\n[full_requires]\n  zlib/1.2.11:abc\n  a/1@u/c:0\n[options]\n",
    "name = \"JSON\"\nuuid = \"682c06a0\"\nversion = \"0.21.4\"\n[deps]\nDates = \"x\"\n",
    "<?php\n/* $wp_version = '1'; */\n$wp_version = \"6.4\";\n",
    "<?php\n/*\nPlugin Name: X\nVersion: 5.3\n*/\n",
    r#"{"redis":{"arch":"amd64","version":"7.2.4-1"}}"#,
    r#"{"packages":[{"externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:golang/github.com/a/b@v1.0%2Bincompatible?arch=amd64"}]}]}"#,
    "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"17.0.9\"\nJAVA_RUNTIME_VERSION=\"17.0.9+9\"\nSOURCE=\".:git:x\"\n",
    "go1.21.5\ntime 2023-11-29T21:21:46Z\n",
    "%NAME%\nx\n\n%VERSION%\n1:1-1\n\n%BASE%\nxx\n\n%ARCH%\nx86_64\n\n%LICENSE%\nMIT\n\n%DEPENDS%\na>=1\n",
    "%FILES%\nusr/\nusr/lib/python3.11/site-packages/a-1.dist-info/METADATA\n",
    "dir /usr\nobj /usr/lib/a.py d41d8cd98f00b204e9800998ecf8427e 1\nsym /a -> /b 1\n",
    "name: x\nversion: '1.0' # c\narchitectures: [amd64]\n",
    "{\"jsonwall\":\"1.0\",\"count\":2}\n{\"kind\":\"package\",\"name\":\"libc6\",\"version\":\"2.39\",\"arch\":\"amd64\"}\n{\"kind\":\"slice\",\"name\":\"libc6_libs\"}\n{\"kind\":\"content\",\"slice\":\"libc6_libs\",\"path\":\"/lib/a\"}\n",
    r#"{"Content":[{"Name":"x","Publisher":"b","Version":"1","Release":"1","Epoch":"0","Architecture":"x86_64"}]}"#,
    "bash\t5.1-1.cm2\t1\t1\tMicrosoft\t(none)\t1\tx86_64\t0\tbash-5.1-1.cm2.src.rpm\n",
    r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"}]}"#,
    "/*\n * Theme Name: A\n * Version: 2 */\n",
    "25.2.3\n",
    "SPDXVersion: SPDX-2.3\nPackageName: a\nSPDXID: SPDXRef-a\nPackageVersion: 1\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\n",
    "const RAW_RUNTIME_STATE =\n'{\\\n  \"packageRegistryData\": [\\\n    [\"a\", [[\"npm:1.2.3\", {}]]]\\\n  ]\\\n}';\n",
    r#"{"packageRegistryData":[[null,[[null,{}]]],["@s/b",[["virtual:00#npm:2.0.0",{}],["workspace:.",{}]]]]}"#,
];

pub fn metadata(corpus: &Corpus) {
    assert_eq!(FILES.len(), INSTALLED_FILES.len(), "a seed for each file");
    for (which, text) in FILES.iter().enumerate() {
        corpus.choose("installed_metadata", "made", which, text.as_bytes());
    }
}
