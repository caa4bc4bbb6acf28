//! Seeds of lock files and manifests: a small one of each format, with what it leads to.

use crate::Corpus;
use seaworthy_fuzz::{put_part, source_tree};

const NONE: &str = "";
const NODE: &str = r#"{"dependencies":{"a":"^1.0.0"},"devDependencies":{"@s/c":"^3.0.0"},"workspaces":["packages/*"]}"#;
const PYTHON: &str = "[project.optional-dependencies]\nsocks = ['a']\n[dependency-groups]\ndev = ['b']\n[tool.poetry.dependencies]\nA_b = '*'\n[tool.poetry.group.test.dependencies]\npytest = '*'\n";

/// The last part of a path, the file, and what it leads to.
const FILES: &[(&str, &str, &str)] = &[
    (
        "package-lock.json",
        r#"{"lockfileVersion":3,"packages":{"":{"name":"p","dependencies":{"alias":"npm:real@1"}},"node_modules/alias":{"name":"real","version":"1.0.0"},"node_modules/@s/a":{"version":"2.0.0","dev":true},"node_modules/w":{"resolved":"packages/w","link":true},"packages/w":{"version":"9.0.0"}}}"#,
        NODE,
    ),
    (
        "package-lock.json",
        r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","requires":{"b":"1"},"dependencies":{"b":{"version":"1.0.0","dev":true}}}}}"#,
        NODE,
    ),
    (
        "bun.lock",
        "{\"lockfileVersion\":1,\"workspaces\":{\"\":{\"name\":\"p\",\"dependencies\":{\"a\":\"1\"},},},\"packages\":{\"a\":[\"a@1.0.0\",\"\",{\"dependencies\":{\"b\":\"1\"}},\"sha512-\"],\"a/b\":[\"b@1.0.0\",\"\",{},\"\"],},}",
        NODE,
    ),
    (
        "deno.lock",
        r#"{"version":"5","specifiers":{"npm:chalk@5":"5.3.0"},"jsr":{"@std/path@1.0.0":{}},"npm":{"chalk@5.3.0":{},"@s/a@1.0.0_react@18.0.0":{}}}"#,
        NONE,
    ),
    (
        "Pipfile.lock",
        r#"{"_meta":{},"default":{"a":{"version":"==1.0","hashes":[]}},"develop":{"b":{"version":"==2.0"}}}"#,
        NONE,
    ),
    (
        "composer.lock",
        r#"{"packages":[{"name":"a/b","version":"v1.0.0","require":{"c/d":"*"},"license":["MIT"]}],"packages-dev":[{"name":"c/d","version":"dev-main"}]}"#,
        r#"{"require":{"a/b":"*"}}"#,
    ),
    (
        "build.sbt.lock",
        r#"{"dependencies":[{"org":"o","name":"a","version":"1","configurations":["compile","test"]}]}"#,
        NONE,
    ),
    (
        "packages.lock.json",
        r#"{"version":1,"dependencies":{"net8":{"A":{"type":"Direct","resolved":"1.0.0","dependencies":{"B":"1"}},"B":{"type":"Transitive","resolved":"1.0.0"}}}}"#,
        NONE,
    ),
    (
        "project.assets.json",
        r#"{"targets":{"net8":{"A/1.0.0":{"dependencies":{"B":"1"}}}},"libraries":{"A/1.0.0":{"type":"package"},"Own/1.0.0":{"type":"project"}}}"#,
        NONE,
    ),
    (
        "Package.resolved",
        r#"{"pins":[{"identity":"m","kind":"remoteSourceControl","location":"https://github.com/a/b.git","state":{"revision":"0","version":"1.1.0"}}],"version":3}"#,
        NONE,
    ),
    (
        "conan.lock",
        r#"{"version":"0.5","requires":["zlib/1.2.11@user/stable#abc%1"],"build_requires":["cmake/3.22"]}"#,
        NONE,
    ),
    (
        "conan.lock",
        r#"{"version":"0.4","graph_lock":{"nodes":{"0":{"ref":"x/1","requires":["1"]},"1":{"ref":"zlib/1.2.11#0"}}}}"#,
        NONE,
    ),
    (
        "renv.lock",
        r#"{"R":{"Version":"4.2"},"Packages":{"a":{"Package":"a","Version":"1.0","Source":"Repository"}}}"#,
        NONE,
    ),
    (
        "Shop.deps.json",
        r#"{"runtimeTarget":{"name":"net8"},"targets":{"net8":{"A/1.0":{"runtime":{"A.dll":{}}}}},"libraries":{"A/1.0":{"type":"package"}}}"#,
        NONE,
    ),
    (
        "pnpm-lock.yaml",
        "lockfileVersion: 5.4\ndependencies:\n  a: 1.0.0_b@2.0.0\npackages:\n  /a/1.0.0_b@2.0.0:\n    dev: false\n  /@s/b/2.0.0:\n    dev: true\n  github.com/o/c/0123456789:\n    name: c\n    version: 3.0.0\n",
        NODE,
    ),
    (
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\ncatalogs:\n  default:\n    a: {specifier: ^1.0.0, version: 1.0.0}\nimporters:\n  .:\n    dependencies:\n      x:\n        specifier: 'catalog:'\n        version: a@1.0.0\npackages:\n  a@1.0.0: {}\n  '@s/b@2.0.0': {}\nsnapshots:\n  a@1.0.0: {}\n  '@s/b@2.0.0(a@1.0.0)':\n    dependencies:\n      a: 1.0.0\n",
        NODE,
    ),
    (
        "environment.yml",
        "name: x\ndependencies:\n- &p python=3.11\n- conda-forge::a==1=py_0\n- pip:\n  - a==1.0\n  - *p\n",
        NONE,
    ),
    (
        "pubspec.lock",
        "packages:\n  a:\n    dependency: \"direct main\"\n    source: hosted\n    version: \"1.0.0\"\n  b:\n    dependency: \"direct dev\"\n    version: \"2.0.0\"\nsdks:\n  dart: \">=3\"\n",
        NONE,
    ),
    (
        "Podfile.lock",
        "PODS:\n  - Firebase/Core (10.0.0):\n    - FirebaseCore (~> 10.0)\n  - FirebaseCore (10.1.0)\nDEPENDENCIES:\n  - Firebase/Core\n  - Own (from `../own`)\nEXTERNAL SOURCES:\n  Own:\n    :path: ../own\n",
        NONE,
    ),
    (
        "stack.yaml.lock",
        "packages:\n- completed:\n    hackage: a-b-1.0@sha256:00,1\n  original:\n    hackage: a-b-1.0\nsnapshots: []\n",
        NONE,
    ),
    (
        "stack.yaml",
        "extra-deps:\n- a-b-1.0@sha256:00,1\n- git: https://x\n  commit: 0\n",
        NONE,
    ),
    (
        "poetry.lock",
        "[[package]]\nname = 'a-b'\nversion = '1'\n[[package]]\nname = 'pytest'\nversion = '2'\ngroups = ['dev']\n[package.dependencies]\npy = '*'\n",
        PYTHON,
    ),
    (
        "pdm.lock",
        "[[package]]\nname = 'a'\nversion = '1'\ngroups = ['socks']\ndependencies = ['b>=1']\n[[package]]\nname = 'b'\nversion = '1'\ngroups = ['dev']\n",
        PYTHON,
    ),
    (
        "uv.lock",
        "[[package]]\nname = 'p'\nversion = '0.1'\nsource = { virtual = '.' }\ndependencies = [{ name = 'a' }]\n[package.dev-dependencies]\ndev = [{ name = 'b' }]\n[[package]]\nname = 'a'\nversion = '1'\nsource = { registry = 'x' }\n[[package]]\nname = 'b'\nversion = '2'\n",
        PYTHON,
    ),
    (
        "pylock.toml",
        "lock-version = '1.0'\n[[packages]]\nname = 'a'\nversion = '1'\ndependencies = [{ name = 'b' }]\n[[packages]]\nname = 'b'\nversion = '2'\nmarker = \"'dev' in dependency_groups\"\n",
        PYTHON,
    ),
    (
        "Cargo.lock",
        "version = 4\n[[package]]\nname = 'app'\nversion = '0.1.0'\ndependencies = ['a', 't 2.0.0']\n[[package]]\nname = 'a'\nversion = '1.0.0'\nsource = 'registry+x'\n[[package]]\nname = 't'\nversion = '2.0.0'\nsource = 'registry+x'\n",
        "[package]\nname = 'app'\n[dependencies]\nrenamed = { package = 'a', version = '1' }\n[target.'cfg(unix)'.dev-dependencies]\nt = '2'\n",
    ),
    (
        "Manifest.toml",
        "julia_version = '1.9'\nmanifest_format = '2.0'\n[[deps.A]]\nuuid = 'x'\nversion = '1.0'\ndeps = ['B']\n[[deps.B]]\nuuid = 'y'\n",
        NONE,
    ),
    (
        "manifest.toml",
        "packages = [ { name = 'gleam_stdlib', version = '0.34.0', source = 'hex' } ]\n[requirements]\ngleam_stdlib = { version = '1' }\n",
        NONE,
    ),
    (
        "yarn.lock",
        "# yarn lockfile v1\n\nb@^2.0.0, b@^2.1.0:\n  version \"2.1.0\"\n\n\"@s/c@^3.0.0\":\n  version \"3.0.0\"\n  dependencies:\n    b \"^2.1.0\"\n",
        NODE,
    ),
    (
        "yarn.lock",
        "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0\":\n  version: 1.2.0\n  resolution: \"a@npm:1.2.0\"\n  dependencies:\n    t: \"npm:^4.0.0\"\n\n\"t@patch:t@npm%3A^4.0.0#~builtin<x>\":\n  version: 4.9.5\n  resolution: \"t@patch:t@npm%3A4.9.5#~builtin<x>::version=4.9.5\"\n",
        NODE,
    ),
    (
        "requirements.txt",
        "-r base.txt\n-c base.txt\na\nb==1.0 ; python_version < '3' \\\n  --hash=sha256:00\nc>=2,<3\n-e .\nd @ https://x/d-1.0.whl\n",
        "e==4.0\n-r requirements.txt\n",
    ),
    (
        "Gemfile.lock",
        "PATH\n  remote: .\n  specs:\n    own (0.1.0)\n      nokogiri\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    nokogiri (1.13.3-x86_64-linux)\n      racc (~> 1.4)\n    racc (1.6.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  own!\n",
        NONE,
    ),
    (
        "go.mod",
        "module m\ngo 1.16\nrequire (\n\tx.org/a v1.0.0\n\tx.org/b v1.0.0 // indirect; why\n\t\"x.org/c\" v1.0.0\n)\nreplace x.org/a => ../a\nreplace (\n\tx.org/b v1.0.0 => y.org/b v1.1.0\n)\n",
        "x.org/d v1.1.0 h1:x=\nx.org/d v1.2.0/go.mod h1:x=\n",
    ),
    (
        "gradle.lockfile",
        "# x\njunit:junit:4.12=testCompileClasspath,testRuntimeClasspath\no:a:1=compileClasspath\nempty=annotationProcessor\n",
        NONE,
    ),
    (
        "paket.lock",
        "RESTRICTION: == net6.0\nNUGET\n  remote: x\n    A (1.0) - restriction: >= net5\n      B (>= 1)\n    B (1.1)\nGROUP Test\nNUGET\n  remote: x\n    C (2.0)\n",
        NONE,
    ),
    (
        "mix.lock",
        "%{\n  \"a\": {:hex, :a, \"1.0.0\", \"00\", [:mix], [{:b, \"~> 1.0\", [hex: :b, optional: false]}], \"hexpm\", \"00\"},\n  \"g\": {:git, \"https://x/g.git\", \"0123\", [tag: \"v1\"]},\n}\n",
        NONE,
    ),
    (
        "rebar.lock",
        "{\"1.2.0\",\n[{<<\"a\">>,{pkg,<<\"a\">>,<<\"1.0.0\">>},0},\n {<<\"g\">>,{git,\"https://x\",{ref,\"0\"}},1}]}.\n[].\n",
        NONE,
    ),
    (
        "cabal.project.freeze",
        "active-repositories: hackage.haskell.org:merge\nconstraints: any.a ==1.0,\n             any.b ==2.0,\n             b +flag\nindex-state: x\n",
        NONE,
    ),
    (
        "child/pom.xml",
        "<project xmlns='http://maven.apache.org/POM/4.0.0'><parent><groupId>g</groupId><artifactId>parent</artifactId><version>1</version></parent><artifactId>child</artifactId><properties><v>3.0</v></properties><dependencies><dependency><groupId>x</groupId><artifactId>a</artifactId><version>${v}</version></dependency><dependency><groupId>${project.groupId}</groupId><artifactId>c</artifactId><version>[1.5]</version><scope>test</scope></dependency></dependencies></project>",
        "<project><groupId>g</groupId><artifactId>parent</artifactId><version>1</version><packaging>pom</packaging><dependencyManagement><dependencies><dependency><groupId>x</groupId><artifactId>a</artifactId><version>2</version></dependency></dependencies></dependencyManagement></project>",
    ),
    (
        "verification-metadata.xml",
        "<verification-metadata><components><component group='g' name='a' version='1'><artifact name='a.jar'><sha256 value='00'/></artifact></component></components></verification-metadata>",
        NONE,
    ),
    (
        "Directory.Packages.props",
        "<Project><PropertyGroup><V>1.2</V></PropertyGroup><ItemGroup><PackageVersion Include='A' Version='$(V)' /><GlobalPackageReference Include='B'><Version>2.0</Version></GlobalPackageReference></ItemGroup></Project>",
        NONE,
    ),
    (
        "packages.config",
        "<packages><package id='A' version='1.0' /><package id='B' version='2.0' developmentDependency='true' /></packages>",
        NONE,
    ),
];

pub fn lock_files(corpus: &Corpus) {
    for (target, pairs) in source_tree::FAMILIES {
        for (which, (path, _)) in pairs.iter().enumerate() {
            let seeds = FILES
                .iter()
                .filter(|(name, ..)| path == name || path.ends_with(&format!("/{name}")));
            let mut found = 0;
            for (number, (_, main, beside)) in seeds.enumerate() {
                let mut input = Vec::new();
                put_part(&mut input, main.as_bytes());
                input.extend(beside.as_bytes());
                corpus.choose(target, &format!("made-{number}"), which, &input);
                found += 1;
            }
            assert!(found > 0, "no seed for {path}");
        }
    }
}
