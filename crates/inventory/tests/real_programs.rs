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
