//! Tests of the store: torn files, other processes, limits, permissions.

use super::{Removed, Store, is_trusted};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

const KEY: [u8; 32] = [7; 32];

fn store(directory: &Path) -> Store {
    Store::new(directory, 1 << 30)
}

fn numbered(number: u8) -> [u8; 32] {
    [number; 32]
}

#[test]
fn what_is_kept_is_found_again_by_another_process() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(store(directory.path()).get(&KEY), None);
    store(directory.path()).put(&KEY, b"learned");
    assert_eq!(store(directory.path()).get(&KEY).as_deref(), Some(&b"learned"[..]));
    assert_eq!(store(directory.path()).get(&numbered(8)), None);
}

#[test]
fn torn_altered_and_foreign_files_are_ignored_and_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    let content: Vec<u8> = (0..20_000u32).flat_map(u32::to_le_bytes).collect();
    store.put(&KEY, &content);
    let path = store.path(&KEY);
    let whole = fs::read(&path).unwrap();
    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 1;
    let mut another_key = whole.clone();
    another_key[10] ^= 1;
    let damaged = [
        whole[..whole.len() - 1].to_vec(),
        whole[..30].to_vec(),
        Vec::new(),
        b"not ours".to_vec(),
        altered,
        another_key,
    ];
    for bytes in damaged {
        fs::write(&path, &bytes).unwrap();
        assert_eq!(store.get(&KEY), None, "{} bytes", bytes.len());
        store.put(&KEY, &content);
        assert_eq!(store.get(&KEY).as_ref(), Some(&content));
    }
    // A file that was moved to another name is not what that name stands for.
    let other = store.path(&numbered(9));
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    fs::copy(&path, other).unwrap();
    assert_eq!(store.get(&numbered(9)), None);
}

#[test]
fn nobody_else_may_read_what_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    store.put(&KEY, b"learned");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let path = store.path(&KEY);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&directory.path().join("scans")), 0o700);
}

#[test]
fn a_directory_that_others_can_write_is_not_trusted() {
    let directory = tempfile::tempdir().unwrap();
    store(directory.path()).put(&KEY, b"learned");
    fs::set_permissions(directory.path().join("scans"), fs::Permissions::from_mode(0o777)).unwrap();
    let store = store(directory.path());
    assert_eq!(store.get(&KEY), None);
    store.put(&numbered(8), b"learned");
    assert!(!store.path(&numbered(8)).exists());
}

#[test]
fn whose_directory_is_trusted() {
    for (mode, owner, us, trusted) in [
        (0o40700, 1000, Some(1000), true),
        (0o40775, 1000, Some(1000), true),
        (0o40777, 1000, Some(1000), false),
        (0o41777, 0, Some(1000), false),
        (0o40755, 1001, Some(1000), false),
        (0o40755, 0, Some(1000), true),
        (0o40755, 1000, Some(0), true),
        (0o40755, 1001, None, true),
    ] {
        assert_eq!(is_trusted(mode, owner, us), trusted, "{mode:o} {owner} {us:?}");
    }
}

#[test]
fn what_cannot_be_written_is_no_failure() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    let store = store(&directory.path().join("file/below"));
    store.put(&KEY, b"learned");
    assert_eq!(store.get(&KEY), None);
    store.trim();
    assert!(store.clean().is_err() || store.clean().unwrap() == Removed::default());
}

#[test]
fn the_least_recently_used_goes_first() {
    let directory = tempfile::tempdir().unwrap();
    // Does not compress: about 4,000 bytes each.
    let mut state = 1u64;
    let mut noise = move || -> Vec<u8> {
        (0..500)
            .flat_map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 3).to_be_bytes()
            })
            .collect()
    };
    let store = Store::new(directory.path(), 40_000);
    let hour = Duration::from_secs(3600);
    for number in 0..12 {
        store.put(&numbered(number), &noise());
        let file = fs::File::options()
            .write(true)
            .open(store.path(&numbered(number)))
            .unwrap();
        file.set_modified(SystemTime::now() - hour * (24 - u32::from(number)))
            .unwrap();
    }
    // Used again: the oldest becomes the youngest.
    assert!(store.get(&numbered(0)).is_some());
    let abandoned = directory.path().join("scans/new-1-1-1");
    fs::write(&abandoned, "").unwrap();
    fs::File::options()
        .write(true)
        .open(&abandoned)
        .unwrap()
        .set_modified(SystemTime::now() - hour * 2)
        .unwrap();
    let unfinished = directory.path().join("scans/new-1-1-2");
    fs::write(&unfinished, "").unwrap();
    store.trim();
    let left: Vec<u8> = (0..12)
        .filter(|number| store.path(&numbered(*number)).exists())
        .collect();
    assert!(left.contains(&0) && left.contains(&11), "{left:?}");
    assert!(!left.contains(&1) && !left.contains(&2), "{left:?}");
    assert!(left.len() >= 7 && left.len() <= 9, "{left:?}");
    assert!(!abandoned.exists() && unfinished.exists());
}

#[test]
fn many_at_once_do_not_disturb_each_other() {
    let directory = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let store = Store::new(directory.path(), 20_000);
                for round in 0..40u8 {
                    let key = numbered(round % 10);
                    let content = vec![round % 10; 3000];
                    store.put(&key, &content);
                    if let Some(found) = store.get(&key) {
                        assert_eq!(found, content);
                    }
                    if round % 16 == 0 {
                        store.trim();
                    }
                }
            });
        }
    });
    let unfinished = fs::read_dir(directory.path().join("scans")).unwrap().filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_str()
            .unwrap()
            .starts_with("new-")
    });
    assert_eq!(unfinished.count(), 0);
}

#[test]
fn cleaning_leaves_what_is_not_ours() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    store.put(&KEY, b"learned");
    fs::write(directory.path().join("scans/notes.txt"), "mine").unwrap();
    let removed = store.clean().unwrap();
    assert_eq!(removed.files, 1);
    assert_eq!(store.get(&KEY), None);
    assert_eq!(fs::read(directory.path().join("scans/notes.txt")).unwrap(), b"mine");
    assert_eq!(store.clean().unwrap(), Removed::default());
}
