//! Programs of this machine, whose versions its package manager knows: what they carry as text is that version.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails so")]

use std::collections::BTreeMap;
use std::path::Path;

use seaworthy_inventory::{LayerContents, Selection, merge};
use seaworthy_model::{Ecosystem, Effect, Inventory, LayerRef};

/// What is found in these files of this machine.
fn scan(files: &[&Path]) -> Inventory {
    let mut layer = LayerContents::new();
    for file in files {
        let path = file.to_str().unwrap().trim_start_matches('/');
        let size = file.metadata().unwrap().len();
        let open = || Ok(Box::new(std::fs::File::open(file)?) as Box<dyn std::io::Read>);
        layer
            .add_file(path.as_bytes(), size, open, &Selection::default())
            .unwrap();
    }
    let refs = [LayerRef {
        digest: None,
        diff_id: None,
    }];
    merge(&[&layer], &refs, &mut |_, _| panic!("nothing is behind links"))
}

/// Package and upstream version of every package in dpkg's database.
fn installed() -> BTreeMap<String, String> {
    let status = std::fs::read_to_string("/var/lib/dpkg/status").unwrap_or_default();
    let mut versions = BTreeMap::new();
    let mut name = "";
    for line in status.lines() {
        if let Some(package) = line.strip_prefix("Package: ") {
            name = package;
        } else if let Some(version) = line.strip_prefix("Version: ") {
            let version = version.split_once(':').map_or(version, |(_, version)| version);
            let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
            versions.insert(name.to_owned(), upstream.to_owned());
        }
    }
    versions
}

#[test]
fn programs_say_the_version_of_their_package() {
    let versions = installed();
    let mut checked = 0;
    for (path, package, product) in [
        ("/bin/bash", "bash", "bash"),
        ("/usr/bin/perl", "perl-base", "perl"),
        ("/usr/bin/git", "git", "git"),
        ("/usr/bin/curl", "curl", "curl"),
        ("/usr/bin/openssl", "openssl", "openssl"),
        ("/usr/bin/wget", "wget", "wget"),
        ("/usr/bin/python3.11", "python3.11-minimal", "python"),
        ("/usr/bin/node", "nodejs", "node"),
        ("/usr/sbin/nginx", "nginx", "nginx"),
        ("/usr/bin/redis-check-rdb", "redis-tools", "redis"),
        ("/usr/sbin/apache2", "apache2-bin", "httpd"),
    ] {
        let (path, Some(version)) = (Path::new(path), versions.get(package)) else {
            println!("skipped: {package} is not installed");
            continue;
        };
        if !path.is_file() {
            println!("skipped: {} is not there", path.display());
            continue;
        }
        let inventory = scan(&[path]);
        let found: Vec<_> = inventory.packages.iter().filter(|one| one.name == product).collect();
        let [found] = found.as_slice() else {
            panic!("{path:?}: {:?}", inventory.packages)
        };
        assert_eq!(found.ecosystem, Ecosystem::Generic);
        assert!(
            version.starts_with(&found.version),
            "{path:?}: {} is not {version}",
            found.version
        );
        checked += 1;
    }
    // Every Debian has two of these.
    assert!(checked >= 2 || versions.is_empty(), "{checked}");
    let must = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!must || !versions.is_empty(), "there are no packages of Debian here");
}

#[test]
fn any_program_is_read_without_complaint() {
    let Ok(entries) = std::fs::read_dir("/usr/bin") else {
        println!("skipped: there is no /usr/bin");
        return;
    };
    let paths: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.symlink_metadata()
                .is_ok_and(|metadata| metadata.is_file() && metadata.len() < 16 << 20)
        })
        .take(400)
        .collect();
    let files: Vec<&Path> = paths.iter().map(|path| path.as_path()).collect();
    let inventory = scan(&files);
    let complaints: Vec<_> = inventory
        .problems
        .iter()
        .filter(|problem| problem.effect != Effect::Note)
        .collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    for package in &inventory.packages {
        println!(
            "{:?} {} {} {}",
            package.ecosystem, package.name, package.version, package.path
        );
    }
}

/// What Go's own tool says of a program: modules that are in it, what took the place of what counted, and Go's version.
fn as_go_says(go: &Path, program: &Path) -> Option<BTreeMap<String, String>> {
    let output = std::process::Command::new(go)
        .args(["version", "-m"])
        .arg(program)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut modules: Vec<(String, String)> = Vec::new();
    let go_version = text.lines().next()?.rsplit_once(": go")?.1.split(' ').next()?;
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.trim_start().split('\t').collect();
        match fields.as_slice() {
            ["mod" | "dep", name, version, ..] => modules.push(((*name).to_owned(), (*version).to_owned())),
            ["=>", name, version, ..] => *modules.last_mut()? = ((*name).to_owned(), (*version).to_owned()),
            _ => {}
        }
    }
    modules.push(("stdlib".to_owned(), format!("v{go_version}")));
    Some(modules.into_iter().collect())
}

#[test]
fn modules_of_programs_in_go_are_those_that_go_itself_lists() {
    let Ok(assets) = seaworthy_testkit::cluster::Assets::find() else {
        println!("skipped: the programs of the control plane are not built");
        return;
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let go = std::env::split_paths(&path)
        .chain([Path::new("/usr/local/go/bin").to_owned()])
        .map(|directory| directory.join("go"))
        .find(|go| go.is_file());
    let Some(go) = go else {
        println!("skipped: Go is not here");
        return;
    };
    for name in ["etcd", "kube-apiserver", "kube-scheduler", "kubectl", "kwok"] {
        let program = assets.program(name);
        let inventory = scan(&[&program]);
        let found: BTreeMap<String, String> = inventory
            .packages
            .iter()
            .filter(|one| one.ecosystem == Ecosystem::Go)
            .map(|one| (one.name.clone(), one.version.clone()))
            .collect();
        let expected = as_go_says(&go, &program).unwrap();
        assert!(expected.len() > 50, "{name}: {expected:?}");
        assert_eq!(found, expected, "{name}");
    }
}
