//! Forms of lock files that the collected cases do not have, and hostile ones.

use super::{SourceTree, inventory};
use crate::selection::Selection;
use seaworthy_model::{Effect, Inventory, Relationship};
use std::io::Cursor;

/// The inventory of a tree with these files.
fn read(files: &[(&str, &[u8])]) -> Inventory {
    let mut tree = SourceTree::new();
    for (path, bytes) in files {
        tree.add_file(path.as_bytes(), bytes.len() as u64, &Selection::default());
    }
    inventory(&tree, &|path| {
        let (_, bytes) = files.iter().find(|(name, _)| *name == path).unwrap();
        Ok(Box::new(Cursor::new(bytes.to_vec())))
    })
}

/// `name@version`, with `dev` or `own` behind where that is so.
fn rows(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    let inventory = read(&files);
    let row = |package: &seaworthy_model::Package| {
        let suffix = match (package.dev, package.relationship.is_own()) {
            (true, _) => " dev",
            (_, true) => " own",
            _ => "",
        };
        format!("{}@{}{suffix}", package.name, package.version)
    };
    inventory.packages.iter().map(row).collect()
}

#[test]
fn yarn_tells_development_apart_by_package_json() {
    let lock = "# yarn lockfile v1\n\na@^1.0.0:\n  version \"1.0.0\"\n  dependencies:\n    b \"^2.0.0\"\n\nb@^2.0.0, b@^2.1.0:\n  version \"2.1.0\"\n\n\
        \"@s/c@^3.0.0\":\n  version \"3.0.0\"\n  dependencies:\n    b \"^2.1.0\"\n    d \"4\"\n\nd@4:\n  version \"4.0.0\"\n";
    let project = r#"{"dependencies": {"a": "^1.0.0"}, "devDependencies": {"@s/c": "^3.0.0"}}"#;
    assert_eq!(
        rows(&[("yarn.lock", lock), ("package.json", project)]),
        ["@s/c@3.0.0 dev", "a@1.0.0", "b@2.1.0", "d@4.0.0 dev"]
    );
    assert_eq!(
        rows(&[("yarn.lock", lock)]),
        ["@s/c@3.0.0", "a@1.0.0", "b@2.1.0", "d@4.0.0"]
    );
}

#[test]
fn yarn_berry_takes_workspaces_patches_and_resolutions() {
    let lock = "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0\":\n  version: 1.2.0\n  resolution: \"a@npm:1.2.0\"\n  dependencies:\n    t: \"npm:^4.0.0\"\n  languageName: node\n\n\
        \"t@npm:^4.0.0\":\n  version: 4.9.5\n  resolution: \"t@npm:4.9.5\"\n\n\"t@patch:t@npm%3A^4.0.0#~builtin<x>\":\n  version: 4.9.5\n  resolution: \"t@patch:t@npm%3A4.9.5#~builtin<x>::version=4.9.5\"\n\n\
        \"e@npm:1.0.0\":\n  version: 1.0.0\n  resolution: \"e@npm:1.0.0\"\n\n\"w@workspace:packages/w\":\n  version: 0.0.0-use.local\n  resolution: \"w@workspace:packages/w\"\n  dependencies:\n    e: \"npm:1.0.0\"\n  linkType: soft\n";
    let root = r#"{"dependencies": {"a": "^1.0.0"}, "workspaces": ["packages/*"]}"#;
    let member = r#"{"name": "w", "devDependencies": {"e": "1.0.0"}}"#;
    assert_eq!(
        rows(&[
            ("x/yarn.lock", lock),
            ("x/package.json", root),
            ("x/packages/w/package.json", member)
        ]),
        ["a@1.2.0", "e@1.0.0 dev", "t@4.9.5"]
    );
}

#[test]
fn pnpm_of_every_format() {
    let five = "lockfileVersion: 5.4\ndependencies:\n  a: 1.0.0_b@2.0.0\npackages:\n  /a/1.0.0_b@2.0.0:\n    dev: false\n  /@s/b/2.0.0:\n    dev: true\n  github.com/o/c/0123456789:\n    name: c\n    version: 3.0.0\n    dev: false\n";
    assert_eq!(
        rows(&[("pnpm-lock.yaml", five)]),
        ["@s/b@2.0.0 dev", "a@1.0.0", "c@3.0.0"]
    );
    let six = "lockfileVersion: '6.1'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: npm:real@1\n        version: /real@1.0.0\n      w:\n        specifier: workspace:*\n        version: link:../w\npackages:\n  /real@1.0.0:\n    dev: false\n  /@s/b@2.0.0(react@18.0.0):\n    dev: true\n";
    assert_eq!(rows(&[("pnpm-lock.yaml", six)]), ["@s/b@2.0.0 dev", "real@1.0.0"]);
    let nine = "lockfileVersion: '9.0'\ncatalogs:\n  default:\n    a: {specifier: ^1.0.0, version: 1.0.0}\nimporters:\n  .:\n    dependencies:\n      x:\n        specifier: 'catalog:'\n        version: a@1.0.0\n    devDependencies:\n      '@s/b':\n        specifier: '2'\n        version: 2.0.0(a@1.0.0)\npackages:\n  a@1.0.0: {}\n  '@s/b@2.0.0': {}\n  c@3.0.0: {}\n  g@https://codeload.github.com/o/g/tar.gz/0123:\n    version: 4.0.0\nsnapshots:\n  a@1.0.0: {}\n  '@s/b@2.0.0(a@1.0.0)':\n    dependencies:\n      a: 1.0.0\n      c: 3.0.0\n      g: https://codeload.github.com/o/g/tar.gz/0123\n  c@3.0.0: {}\n  g@https://codeload.github.com/o/g/tar.gz/0123: {}\n";
    assert_eq!(
        rows(&[("pnpm-lock.yaml", nine)]),
        ["@s/b@2.0.0 dev", "a@1.0.0", "c@3.0.0 dev", "g@4.0.0 dev"]
    );
}

#[test]
fn lock_files_of_npm_name_what_is_installed() {
    let lock = r#"{"lockfileVersion": 3, "packages": {"": {"name": "p", "dependencies": {"alias": "npm:real@1"}},
        "node_modules/alias": {"name": "real", "version": "1.0.0"},
        "node_modules/@s/a": {"version": "2.0.0", "dev": true},
        "packages/w/node_modules/b": {"version": "3.0.0"},
        "node_modules/w": {"resolved": "packages/w", "link": true}, "packages/w": {"version": "9.0.0"}}}"#;
    assert_eq!(
        rows(&[("package-lock.json", lock)]),
        ["@s/a@2.0.0 dev", "b@3.0.0", "real@1.0.0", "w@9.0.0"]
    );
    assert_eq!(
        rows(&[("node_modules/x/package-lock.json", lock)]).len(),
        4,
        "the walk passes over node_modules"
    );
    let both = [
        ("package-lock.json", lock),
        (
            "npm-shrinkwrap.json",
            r#"{"dependencies": {"z": {"version": "1.0.0"}}}"#,
        ),
    ];
    assert_eq!(rows(&both), ["z@1.0.0"]);
}

#[test]
fn deno_of_every_format() {
    let five = r#"{"version": "5", "specifiers": {"npm:chalk@5": "5.3.0"}, "jsr": {"@std/path@1.0.0": {}}, "npm": {"chalk@5.3.0": {}, "@s/a@1.0.0_react@18.0.0": {}}}"#;
    assert_eq!(rows(&[("deno.lock", five)]), ["@s/a@1.0.0", "chalk@5.3.0"]);
    let three = r#"{"version": "3", "packages": {"specifiers": {"npm:chalk@5": "npm:chalk@5.3.0"}, "npm": {"chalk@5.3.0": {}}}}"#;
    assert_eq!(rows(&[("deno.lock", three)]), ["chalk@5.3.0"]);
    let two = r#"{"version": "2", "npm": {"specifiers": {}, "packages": {"chalk@5.3.0": {}}}}"#;
    assert_eq!(rows(&[("deno.lock", two)]), ["chalk@5.3.0"]);
}

#[test]
fn requirements_follow_includes_and_constraints() {
    let files = [
        (
            "requirements.txt",
            "-r base.in\n-c constraints.txt\na\nb==1.0\nc>=2\n-e .\n--index-url https://example.org\n",
        ),
        ("base.in", "d==4.0\n-r requirements.txt\n"),
        ("constraints.txt", "A==0.5\nunused==1\n"),
        ("requirements-dev.txt", "-r requirements.txt\ne==5.0\n"),
    ];
    assert_eq!(rows(&files), ["a@0.5", "b@1.0", "d@4.0", "e@5.0 dev"]);
    let inventory = read(&[("requirements.txt", b"-r ../../etc/passwd\n-r gone.txt\n")]);
    let effects: Vec<_> = inventory.problems.iter().map(|problem| problem.effect).collect();
    assert_eq!(effects, [Effect::Uncertain, Effect::Uncertain]);
}

#[test]
fn poetry_uv_and_pdm_tell_development_apart() {
    let project =
        "[tool.poetry.dependencies]\npython = '^3'\nA_b = '*'\n[tool.poetry.group.test.dependencies]\npytest = '*'\n";
    let lock = "[[package]]\nname = 'a-b'\nversion = '1'\n[[package]]\nname = 'pytest'\nversion = '2'\n[package.dependencies]\npy = '*'\n[[package]]\nname = 'py'\nversion = '3'\n";
    assert_eq!(
        rows(&[("poetry.lock", lock), ("pyproject.toml", project)]),
        ["a-b@1", "py@3 dev", "pytest@2 dev"]
    );
    assert_eq!(
        rows(&[(
            "poetry.lock",
            "[[package]]\nname = 'a'\nversion = '1'\ngroups = ['main', 'dev']\n[[package]]\nname = 'b'\nversion = '1'\ngroups = ['dev']\n"
        )]),
        ["a@1", "b@1 dev"]
    );
    let uv = "[[package]]\nname = 'p'\nversion = '0.1'\nsource = { virtual = '.' }\ndependencies = [{ name = 'a' }]\n[package.dev-dependencies]\ndev = [{ name = 'b' }]\n\
        [[package]]\nname = 'a'\nversion = '1'\nsource = { registry = 'x' }\n[[package]]\nname = 'b'\nversion = '2'\nsource = { registry = 'x' }\ndependencies = [{ name = 'c' }, { name = 'a' }]\n[[package]]\nname = 'c'\nversion = '3'\nsource = { registry = 'x' }\n";
    assert_eq!(rows(&[("uv.lock", uv)]), ["a@1", "b@2 dev", "c@3 dev", "p@0.1 own"]);
    let pdm = "[[package]]\nname = 'a'\nversion = '1'\ngroups = ['socks']\n[[package]]\nname = 'b'\nversion = '1'\ngroups = ['check']\n";
    let project = "[dependency-groups]\ncheck = ['b']\n[project.optional-dependencies]\nsocks = ['a']\n";
    assert_eq!(
        rows(&[("pdm.lock", pdm), ("pyproject.toml", project)]),
        ["a@1", "b@1 dev"]
    );
}

#[test]
fn cargo_tells_development_apart_by_the_manifests() {
    let lock = "version = 4\n[[package]]\nname = 'app'\nversion = '0.1.0'\ndependencies = ['a', 'member', 't 2.0.0']\n[[package]]\nname = 'member'\nversion = '0.1.0'\ndependencies = ['b']\n\
        [[package]]\nname = 'a'\nversion = '1.0.0'\nsource = 'registry+x'\n[[package]]\nname = 'b'\nversion = '1.0.0'\nsource = 'registry+x'\ndependencies = ['t 1.0.0']\n\
        [[package]]\nname = 't'\nversion = '1.0.0'\nsource = 'registry+x'\n[[package]]\nname = 't'\nversion = '2.0.0'\nsource = 'registry+x'\n";
    let root = "[package]\nname = 'app'\n[dependencies]\nrenamed = { package = 'a', version = '1' }\nmember = { path = 'm' }\n[dev-dependencies]\nt = '2'\n";
    let member = "[package]\nname = 'member'\n[target.'cfg(unix)'.dev-dependencies]\nb = '1'\n";
    assert_eq!(
        rows(&[("Cargo.lock", lock), ("Cargo.toml", root), ("m/Cargo.toml", member)]),
        [
            "a@1.0.0",
            "app@0.1.0 own",
            "b@1.0.0 dev",
            "member@0.1.0 own",
            "t@1.0.0 dev",
            "t@2.0.0 dev"
        ]
    );
    assert_eq!(
        rows(&[("Cargo.lock", lock)])
            .iter()
            .filter(|row| row.contains(' '))
            .count(),
        0
    );
    assert_eq!(rows(&[("vendor/a/Cargo.lock", lock)]), [""; 0]);
}

#[test]
fn go_modules_replacements_and_sums() {
    let module = "module m\ngo 1.16\nrequire (\n\tx.org/a v1.0.0\n\tx.org/b v1.0.0 // indirect; why\n\t\"x.org/c\" v1.0.0\n)\nreplace x.org/a => ../a\nreplace (\n\tx.org/b v1.0.0 => y.org/b v1.1.0\n\tx.org/c v9.9.9 => y.org/c v2.0.0\n)\nexclude x.org/d v1.0.0\n";
    let sums = "x.org/d v1.0.0 h1:x=\nx.org/d v1.1.0 h1:x=\nx.org/d v1.2.0/go.mod h1:x=\nx.org/a v1.0.0 h1:x=\n";
    assert_eq!(
        rows(&[("go.mod", module), ("go.sum", sums)]),
        ["x.org/c@v1.0.0", "x.org/d@v1.1.0", "y.org/b@v1.1.0"]
    );
    assert_eq!(
        rows(&[("go.mod", &module.replace("1.16", "1.21.3")), ("go.sum", sums)]),
        ["x.org/c@v1.0.0", "y.org/b@v1.1.0"]
    );
}

#[test]
fn maven_takes_parents_and_bills_of_materials_of_the_tree() {
    let parent = "<project><groupId>g</groupId><artifactId>parent</artifactId><version>${revision}</version><packaging>pom</packaging>\
        <properties><revision>1.0</revision><v>2.0</v></properties>\
        <dependencyManagement><dependencies>\
        <dependency><groupId>x</groupId><artifactId>a</artifactId><version>${v}</version></dependency>\
        <dependency><groupId>g</groupId><artifactId>bom</artifactId><version>7</version><type>pom</type><scope>import</scope></dependency>\
        </dependencies></dependencyManagement>\
        <dependencies><dependency><groupId>x</groupId><artifactId>inherited</artifactId><version>5</version></dependency></dependencies></project>";
    let bom = "<project><groupId>g</groupId><artifactId>bom</artifactId><version>7</version><properties><v>9</v></properties><dependencyManagement><dependencies>\
        <dependency><groupId>x</groupId><artifactId>a</artifactId><version>0</version></dependency>\
        <dependency><groupId>x</groupId><artifactId>b</artifactId><version>${v}</version></dependency>\
        <dependency><groupId>x</groupId><artifactId>t</artifactId><version>4</version><scope>test</scope></dependency></dependencies></dependencyManagement></project>";
    let child = "<project xmlns='http://maven.apache.org/POM/4.0.0'><parent><groupId>g</groupId><artifactId>parent</artifactId><version>${revision}</version></parent><artifactId>child</artifactId>\
        <properties><v>3.0</v></properties><dependencies>\
        <dependency><groupId>x</groupId><artifactId>a</artifactId></dependency>\
        <dependency><groupId>x</groupId><artifactId>b</artifactId></dependency>\
        <dependency><groupId>x</groupId><artifactId>t</artifactId></dependency>\
        <dependency><groupId>${project.groupId}</groupId><artifactId>c</artifactId><version>${project.version}</version></dependency>\
        <dependency><groupId>x</groupId><artifactId>r</artifactId><version>[1.0,2.0)</version></dependency>\
        <dependency><groupId>x</groupId><artifactId>e</artifactId><version>[1.5]</version></dependency>\
        <dependency><groupId>x</groupId><artifactId>u</artifactId><version>${unknown}</version></dependency></dependencies></project>";
    let files = [("pom.xml", parent), ("child/pom.xml", child), ("far/away/pom.xml", bom)];
    assert_eq!(
        rows(&files),
        [
            "g:bom@7 own",
            "g:c@1.0",
            "g:child@1.0 own",
            "g:parent@1.0 own",
            "x:a@3.0",
            "x:b@9",
            "x:e@1.5",
            "x:inherited@5",
            "x:inherited@5",
            "x:t@4 dev"
        ]
    );
}

#[test]
fn parents_in_a_circle_end() {
    let pom = |name: &str, parent: &str| {
        format!(
            "<project><groupId>g</groupId><artifactId>{name}</artifactId><version>1</version><parent><groupId>g</groupId><artifactId>{parent}</artifactId><version>1</version><relativePath>../{parent}</relativePath></parent>\
            <properties><x>${{y}}</x><y>${{x}}${{x}}</y></properties><dependencyManagement><dependencies><dependency><groupId>g</groupId><artifactId>{parent}</artifactId><version>1</version><scope>import</scope><type>pom</type></dependency></dependencies></dependencyManagement>\
            <dependencies><dependency><groupId>z</groupId><artifactId>z</artifactId><version>${{x}}</version></dependency></dependencies></project>"
        )
    };
    let (a, b) = (pom("a", "b"), pom("b", "a"));
    assert_eq!(
        rows(&[("a/pom.xml", &a), ("b/pom.xml", &b)]),
        ["g:a@1 own", "g:b@1 own"]
    );
}

#[test]
fn gems_of_the_project_and_of_platforms() {
    let lock = "PATH\n  remote: .\n  specs:\n    own (0.1.0)\n      nokogiri\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    nokogiri (1.13.3)\n      racc (~> 1.4)\n    nokogiri (1.13.3-x86_64-linux)\n      racc (~> 1.4)\n    racc (1.6.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  own!\n  nokogiri\n\nCHECKSUMS\n  racc (1.6.0) sha256=x\n";
    assert_eq!(
        rows(&[("gems.locked", lock)]),
        ["nokogiri@1.13.3", "own@0.1.0 own", "racc@1.6.0"]
    );
    assert_eq!(rows(&[("vendor/bundle/x/Gemfile.lock", lock)]), [""; 0]);
}

#[test]
fn the_other_formats() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "Podfile.lock",
            "PODS:\n  - Firebase/Core (10.0.0):\n    - FirebaseCore (~> 10.0)\n  - FirebaseCore (10.1.0)\n  - Own (0.1)\nDEPENDENCIES:\n  - Firebase/Core\n  - Own (from `../own`)\nEXTERNAL SOURCES:\n  Own:\n    :path: ../own\n",
            &["Firebase/Core@10.0.0", "FirebaseCore@10.1.0", "Own@0.1 own"],
        ),
        (
            "build.sbt.lock",
            r#"{"dependencies": [{"org": "o", "name": "a", "version": "1", "configurations": ["compile", "test"]}, {"org": "o", "name": "b", "version": "1", "configurations": ["test"]}]}"#,
            &["o:a@1", "o:b@1 dev"],
        ),
        (
            "obj/project.assets.json",
            r#"{"libraries": {"A/1.0.0": {"type": "package"}, "Own/1.0.0": {"type": "project"}}}"#,
            &["A@1.0.0"],
        ),
        (
            "packages.config",
            "<packages><package id='A' version='1.0' /><package id='B' version='2.0' developmentDependency='true' /></packages>",
            &["A@1.0", "B@2.0 dev"],
        ),
        (
            "Directory.Packages.props",
            "<Project><PropertyGroup><V>1.2</V></PropertyGroup><ItemGroup><PackageVersion Include='A' Version='$(V)' /><GlobalPackageReference Include='B'><Version>2.0</Version></GlobalPackageReference><PackageVersion Include='C' Version='[1,2)' /></ItemGroup></Project>",
            &["A@1.2", "B@2.0"],
        ),
        (
            "manifest.toml",
            "packages = [ { name = 'gleam_stdlib', version = '0.34.0', source = 'hex' }, { name = 'x', version = '1.0.0', source = 'local' } ]",
            &["gleam_stdlib@0.34.0"],
        ),
        ("a/manifest.toml", "this is = not [gleam", &[]),
        (
            "Package.resolved",
            r#"{"pins": [{"identity": "mona.LinkedList", "kind": "registry", "location": "", "state": {"version": "1.1.0"}}], "version": 3}"#,
            &["mona.LinkedList@1.1.0"],
        ),
        (
            "conan.lock",
            r#"{"version": "0.5", "requires": ["zlib/1.2.11@user/stable#abc%1"], "build_requires": ["cmake/3.22"]}"#,
            &["cmake@3.22 dev", "zlib@1.2.11"],
        ),
        (
            "gradle/dependency-locks/testCompileClasspath.lockfile",
            "junit:junit:4.12\n",
            &["junit:junit@4.12 dev"],
        ),
        (
            "Manifest-v1.11.toml",
            "[[deps.A]]\nuuid = 'x'\nversion = '1.0'\n[[deps.B]]\nuuid = 'y'\n",
            &["A@1.0"],
        ),
        (
            "environment.yaml",
            "dependencies:\n- python=3.11\n- pip:\n  - a==1.0\n  - b>=2\n",
            &["a@1.0", "python@3.11"],
        ),
        (
            "stack.yaml",
            "extra-deps:\n- a-b-1.0@sha256:00,1\n- git: https://x\n  commit: 0\n- ./local-1\n",
            &["a-b@1.0"],
        ),
        (
            "composer.lock",
            r#"{"packages": [{"name": "a/b", "version": "v1.0.0"}], "packages-dev": [{"name": "c/d", "version": "dev-main"}]}"#,
            &["a/b@v1.0.0", "c/d@dev-main dev"],
        ),
        (
            "paket.lock",
            "RESTRICTION: == net6.0\nNUGET\n  remote: x\n    A (1.0) - restriction: >= net5\n      B (>= 1)\n    B (1.1)\nGROUP Test\nNUGET\n  remote: x\n    C (2.0)\n",
            &["A@1.0", "B@1.1", "C@2.0 dev"],
        ),
        ("bun.lock", "", &[]),
    ];
    for (path, text, expected) in cases {
        assert_eq!(rows(&[(path, text)]), *expected, "{path}");
    }
}

#[test]
fn what_is_no_lock_file_at_all_is_said() {
    let deep = format!("{}{}", "[".repeat(200_000), "{\"a\":".repeat(100_000));
    for path in [
        "package-lock.json",
        "pnpm-lock.yaml",
        "bun.lock",
        "deno.lock",
        "Pipfile.lock",
        "poetry.lock",
        "pdm.lock",
        "uv.lock",
        "pylock.toml",
        "environment.yml",
        "composer.lock",
        "Cargo.lock",
        "pom.xml",
        "gradle/verification-metadata.xml",
        "build.sbt.lock",
        "packages.lock.json",
        "project.assets.json",
        "bin/Shop.deps.json",
        "packages.config",
        "Directory.Packages.props",
        "pubspec.lock",
        "Package.resolved",
        "Podfile.lock",
        "conan.lock",
        "Manifest.toml",
        "renv.lock",
        "stack.yaml.lock",
    ] {
        for bytes in [b"\x00\xff{[<".as_slice(), deep.as_bytes()] {
            let inventory = read(&[(path, bytes)]);
            assert_eq!(inventory.packages, [], "{path}");
            assert!(
                inventory
                    .problems
                    .iter()
                    .any(|problem| problem.effect == Effect::Incomplete),
                "{path}: {:?}",
                inventory.problems
            );
        }
    }
}

#[test]
fn entries_of_yarn_without_a_version_are_not_passed_over() {
    let lock = "__metadata:\n  version: 6\n\n\"a@npm:1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n\nb: &b [*a, *a]\nc: [*b, *b]\n";
    let inventory = read(&[("yarn.lock", lock.as_bytes())]);
    assert_eq!(inventory.packages.len(), 1);
    let [problem] = inventory.problems.as_slice() else {
        unreachable!("{:?}", inventory.problems)
    };
    assert_eq!(problem.effect, Effect::Incomplete);
    assert!(
        problem.what.starts_with("2 of its entries have no version"),
        "{}",
        problem.what
    );
}

#[test]
fn many_entries_are_listed_or_refused_in_words() {
    let mut lock = String::with_capacity(4 << 20);
    lock.push_str("{\"packages\": {");
    for number in 0..100_000 {
        lock.push_str(&format!("\"node_modules/p{number}\":{{\"version\":\"1\"}},"));
    }
    lock.push_str("\"\": {}}}");
    let inventory = read(&[("package-lock.json", lock.as_bytes())]);
    assert!(inventory.packages.len() == 100_000 || !inventory.problems.is_empty());
}

#[test]
fn files_that_cannot_be_read_are_said() {
    let mut tree = SourceTree::new();
    tree.add_file(b"go.mod", 10, &Selection::default());
    tree.add_file(b"yarn.lock", u64::MAX, &Selection::default());
    tree.add_link(b"x/Gemfile.lock", &Selection::default());
    tree.add_link(b"x/README", &Selection::default());
    let inventory = inventory(&tree, &|_| Err(std::io::ErrorKind::PermissionDenied.into()));
    let effects: Vec<_> = inventory.problems.iter().map(|problem| problem.effect).collect();
    assert_eq!(
        effects,
        [Effect::Incomplete, Effect::Uncertain, Effect::Incomplete],
        "{:?}",
        inventory.problems
    );
}

#[test]
fn relationships_are_kept() {
    let lock = "GEM\n  specs:\n    a (1)\n    b (1)\nDEPENDENCIES\n  a\n";
    let inventory = read(&[("Gemfile.lock", lock.as_bytes())]);
    let found: Vec<_> = inventory.packages.iter().map(|package| package.relationship).collect();
    assert_eq!(found, [Relationship::Direct, Relationship::Indirect]);
}
