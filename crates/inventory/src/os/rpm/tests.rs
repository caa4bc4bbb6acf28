//! Small made databases: formats of which few real ones are at hand, and structures that no sound file has.

use seaworthy_model::Effect;

use super::{ANALYZER, set_source, version_text};
use crate::analyzer::{File, FileReport};

/// One value of a header.
enum Value<'a> {
    Text(&'a str),
    Texts(&'a [&'a str]),
    Numbers(&'a [u32]),
}

/// A header as databases hold it.
fn header(values: &[(u32, Value<'_>)]) -> Vec<u8> {
    let mut index = Vec::new();
    let mut store = Vec::new();
    for (tag, value) in values {
        if matches!(value, Value::Numbers(_)) {
            store.resize(store.len().next_multiple_of(4), 0);
        }
        let offset = store.len() as u32;
        let (kind, count) = match value {
            Value::Text(text) => {
                store.extend(text.bytes().chain([0]));
                (6, 1)
            }
            Value::Texts(texts) => {
                for text in *texts {
                    store.extend(text.bytes().chain([0]));
                }
                (8, texts.len() as u32)
            }
            Value::Numbers(numbers) => {
                store.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
                (4, numbers.len() as u32)
            }
        };
        index.extend([*tag, kind, offset, count].iter().flat_map(|word| word.to_be_bytes()));
    }
    let mut header = Vec::new();
    header.extend((values.len() as u32).to_be_bytes());
    header.extend((store.len() as u32).to_be_bytes());
    header.extend(index);
    header.extend(store);
    header
}

fn package(name: &str) -> Vec<u8> {
    header(&[
        (1000, Value::Text(name)),
        (1001, Value::Text("1.0")),
        (1002, Value::Text("2")),
    ])
}

/// An ndb database with these blobs.
fn ndb(blobs: &[Vec<u8>]) -> Vec<u8> {
    let word = |word: u32| word.to_le_bytes();
    let mut slots = Vec::new();
    let mut data = Vec::new();
    for (index, blob) in blobs.iter().enumerate() {
        let start = data.len();
        data.extend(b"BlbS");
        data.extend(word(index as u32 + 1));
        data.extend(word(0));
        data.extend(word(blob.len() as u32));
        data.extend(blob);
        data.extend([0; 12]);
        data.resize(data.len().next_multiple_of(16), 0);
        slots.extend(b"Slot");
        slots.extend(word(index as u32 + 1));
        slots.extend(word(((4096 + start) / 16) as u32));
        slots.extend(word(((data.len() - start) / 16) as u32));
    }
    let mut file = Vec::new();
    file.extend(b"RpmP");
    for field in [0, 1, 1, blobs.len() as u32 + 1, 0, 0, 0] {
        file.extend(word(field));
    }
    file.extend(slots);
    while file.len() < 4096 {
        file.extend(b"Slot\0\0\0\0\0\0\0\0\0\0\0\0");
    }
    file.extend(data);
    file
}

/// A Berkeley hash database with pages of 512 bytes after the metadata.
fn berkeley(pages: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0; 512];
    file[12..16].copy_from_slice(&0x0006_1561u32.to_le_bytes());
    file[20..24].copy_from_slice(&512u32.to_le_bytes());
    file[25] = 8;
    file[32..36].copy_from_slice(&(pages.len() as u32).to_le_bytes());
    for page in pages {
        file.extend(page);
        file.resize(file.len().next_multiple_of(512), 0);
    }
    file
}

/// A hash page with one pair, the value of which has `length` bytes from page `first` on.
fn hash_page(first: u32, length: u32) -> Vec<u8> {
    let mut page = vec![0; 512];
    page[20] = 2;
    page[25] = 13;
    page[26..28].copy_from_slice(&507u16.to_le_bytes());
    page[28..30].copy_from_slice(&495u16.to_le_bytes());
    page[507..512].copy_from_slice(&[1, 1, 0, 0, 0]);
    page[495] = 3;
    page[499..503].copy_from_slice(&first.to_le_bytes());
    page[503..507].copy_from_slice(&length.to_le_bytes());
    page
}

fn overflow_page(next: u32, data: &[u8]) -> Vec<u8> {
    let mut page = vec![0; 26];
    page[16..20].copy_from_slice(&next.to_le_bytes());
    page[22..24].copy_from_slice(&(data.len() as u16).to_le_bytes());
    page[25] = 7;
    page.extend(data);
    page
}

fn read(bytes: &[u8]) -> FileReport {
    let mut report = FileReport::default();
    (ANALYZER.analyze)(File::new("var/lib/rpm/Packages", bytes), &mut report);
    assert!(report.database.is_some());
    report
}

#[track_caller]
fn check(bytes: &[u8], names: &[&str], problem: &str) {
    let report = read(bytes);
    let listed: Vec<_> = report.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(listed, names);
    match problem {
        "" => assert_eq!(report.problems, []),
        _ => assert!(
            report
                .problems
                .iter()
                .any(|found| found.effect == Effect::Incomplete && found.what.contains(problem)),
            "{:?}",
            report.problems
        ),
    }
}

#[test]
fn ndb_lists_what_its_slots_point_to() {
    check(
        &ndb(&[package("a"), package("gpg-pubkey"), package("b")]),
        &["a", "b"],
        "",
    );
}

#[test]
fn ndb_damage_is_told() {
    let sound = ndb(&[package("a"), package("b")]);
    let mut slot = sound.clone();
    slot[32] = 0;
    check(&slot, &["b"], "slot 0 is damaged");
    let mut blob = sound.clone();
    blob[4096] = 0;
    check(&blob, &["b"], "package 1 is damaged");
    let mut long = sound.clone();
    long[4096 + 12..4096 + 16].copy_from_slice(&u32::MAX.to_le_bytes());
    check(&long, &["b"], "package 1 is damaged");
    check(&sound[..sound.len() - 40], &["a"], "package 2 is damaged");
    check(&sound[..40], &[], "do not fit");
    check(&sound[..10], &[], "ends inside its header");
    let mut pages = sound;
    pages[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    check(&pages, &["a", "b"], "do not fit");
}

#[test]
fn ndb_slots_that_share_a_blob_end() {
    let mut shared = ndb(&[package("a")]);
    let slot: Vec<u8> = shared[32..48].to_vec();
    for place in shared[32..4096].chunks_exact_mut(16) {
        place.copy_from_slice(&slot);
    }
    let report = read(&shared);
    assert!(report.packages.len() < 100);
    assert!(report.problems.iter().any(|problem| problem.what.contains("overlap")));
}

#[test]
fn berkeley_values_lie_in_chains_of_pages() {
    let value = header(&[
        (1000, Value::Text(&"n".repeat(300))),
        (1001, Value::Text(&"1".repeat(300))),
        (1002, Value::Text("2")),
    ]);
    let (first, rest) = value.split_at(400);
    let length = value.len() as u32;
    let name = "n".repeat(300);
    let sound = [hash_page(2, length), overflow_page(3, first), overflow_page(0, rest)];
    check(&berkeley(&sound), &[&name], "");
    for (pages, problem) in [
        (vec![hash_page(2, length), overflow_page(2, first)], "linked twice"),
        (
            vec![hash_page(2, length), overflow_page(3, first), overflow_page(2, rest)],
            "linked twice",
        ),
        (vec![hash_page(2, length), overflow_page(9, first)], "beyond the file"),
        (vec![hash_page(2, length), overflow_page(1, first)], "no overflow page"),
        (
            vec![
                hash_page(2, length + 1),
                overflow_page(3, first),
                overflow_page(0, rest),
            ],
            "bytes of",
        ),
        (
            vec![hash_page(2, u32::MAX), overflow_page(3, first), overflow_page(0, rest)],
            "larger than the file",
        ),
        (
            vec![overflow_page(3, first), overflow_page(0, rest)],
            "belong to no package",
        ),
    ] {
        check(&berkeley(&pages), &[], problem);
    }
    let whole = berkeley(&sound);
    check(&whole[..1536], &[], "cut off");
    check(&whole[..20], &[], "ends inside its metadata");
}

#[test]
fn headers_are_read_and_damage_is_told() {
    let full = header(&[
        (1000, Value::Text("nodejs")),
        (1001, Value::Text("18.1")),
        (1002, Value::Text("3.el9")),
        (1003, Value::Numbers(&[1])),
        (1011, Value::Text("Red Hat, Inc.")),
        (1014, Value::Text("MIT")),
        (1022, Value::Text("x86_64")),
        (1044, Value::Text("nodejs-src-18.1-3.el9.src.rpm")),
        (1049, Value::Texts(&["libc.so.6()(64bit)", "rpmlib(X)", "nodejs"])),
        (1116, Value::Numbers(&[1, 0, 7])),
        (1117, Value::Texts(&["package.json", "node", "lost"])),
        (1118, Value::Texts(&["/usr/bin/", "/usr/lib/node_modules/npm/"])),
        (5096, Value::Text("nodejs:18:1:c")),
    ]);
    let glibc = header(&[
        (1000, Value::Text("glibc")),
        (1001, Value::Text("2.34")),
        (1002, Value::Text("1")),
        (1003, Value::Numbers(&[0])),
        (1047, Value::Texts(&["glibc", "libc.so.6()(64bit)"])),
    ]);
    let report = read(&ndb(&[full, glibc]));
    assert_eq!(report.problems, []);
    let [nodejs, glibc] = &*report.packages else {
        panic!("{:?}", report.packages)
    };
    assert_eq!(nodejs.version, "1:18.1-3.el9");
    assert_eq!(
        (&*nodejs.source_name, &*nodejs.source_version),
        ("nodejs-src", "1:18.1-3.el9")
    );
    assert_eq!((&*nodejs.arch, &*nodejs.maintainer), ("x86_64", "Red Hat, Inc."));
    assert_eq!(
        (&*nodejs.modularity_label, &*nodejs.licenses),
        ("nodejs:18:1:c", &["MIT".to_owned()][..])
    );
    assert_eq!(nodejs.depends_on, ["glibc"]);
    assert_eq!((&*glibc.version, &*glibc.source_name), ("2.34-1", "glibc"));
    let owned: Vec<_> = report
        .owned
        .iter()
        .map(|owned| (&*owned.path, &*owned.package))
        .collect();
    assert_eq!(
        owned,
        [
            ("usr/lib/node_modules/npm/package.json", "nodejs"),
            ("usr/bin/node", "nodejs")
        ]
    );

    let nameless = header(&[(1001, Value::Text("1")), (1002, Value::Text("1"))]);
    check(&ndb(&[nameless, package("b")]), &["b"], "without a package name");
    let unversioned = header(&[(1000, Value::Text("a"))]);
    check(&ndb(&[unversioned, package("b")]), &["b"], "has no version");
    let mut count = package("a");
    count[0] = 0xff;
    check(&ndb(&[count, package("b")]), &["b"], "index is larger");
    let mut store = package("a");
    store[4] = 0xff;
    check(&ndb(&[store, package("b")]), &["b"], "store is cut off");
    let mut offset = package("a");
    offset[8 + 8] = 0xff;
    check(&ndb(&[offset, package("b")]), &["b"], "without a package name");
}

#[test]
fn what_is_no_database_is_no_empty_one() {
    check(b"", &[], "empty file");
    check(&[0; 8192], &[], "neither");
    check(b"SQLite format 3\0", &[], "page size");
    let mut sqlite = vec![0; 4096];
    sqlite[..16].copy_from_slice(b"SQLite format 3\0");
    sqlite[16] = 0x10;
    check(&sqlite, &[], "no table Packages");
    // A tree whose root is its own child.
    sqlite[100] = 5;
    sqlite[108..112].copy_from_slice(&1u32.to_be_bytes());
    check(&sqlite, &[], "linked twice");
}

#[test]
fn source_rpms_are_parted_from_the_right() {
    for (source_rpm, epoch, name, version) in [
        (
            "java-11-openjdk-11.0.1-2.el8.src.rpm",
            1,
            "java-11-openjdk",
            "1:11.0.1-2.el8",
        ),
        ("x-1-1.nosrc.rpm", 0, "x", "1-1"),
        ("", 0, "own", "own-version"),
        ("strange", 0, "own", "own-version"),
    ] {
        let mut package =
            seaworthy_model::Package::new(seaworthy_model::Ecosystem::Rpm, "own", "own-version", "Packages");
        set_source(&mut package, source_rpm, epoch);
        assert_eq!(
            (&*package.source_name, &*package.source_version),
            (name, version),
            "{source_rpm}"
        );
    }
    assert_eq!(version_text(0, "1", "2"), "1-2");
}

/// Where the parts of a made SQLite database are: `page_bytes` a page, the last `reserved` of which are not used.
struct Sqlite {
    page_bytes: usize,
    reserved: usize,
    pages: Vec<Vec<u8>>,
}

impl Sqlite {
    /// A table Packages with these headers, each on a leaf of its own below one root.
    fn new(page_bytes: usize, reserved: usize, headers: &[Vec<u8>]) -> Self {
        let mut made = Self {
            page_bytes,
            reserved,
            pages: vec![vec![0; page_bytes]; 2],
        };
        let children: Vec<u32> = headers.iter().map(|header| made.leaf(header)).collect();
        let (last, before) = children.split_last().unwrap();
        let cells: Vec<Vec<u8>> = before
            .iter()
            .map(|child| [&child.to_be_bytes()[..], &[1]].concat())
            .collect();
        made.pages[1] = made.page(5, 0, &cells, *last);
        let schema = [&[6, 23, 29, 29, 1, 13][..], b"tablePackagesPackages", &[2]].concat();
        let cell = [&[schema.len() as u8, 1][..], &schema].concat();
        let mut first = made.page(13, 100, &[cell], 0);
        first[..16].copy_from_slice(b"SQLite format 3\0");
        first[16..18].copy_from_slice(&((page_bytes % 65536).max(page_bytes / 65536) as u16).to_be_bytes());
        first[20] = reserved as u8;
        first[28..32].copy_from_slice(&(made.pages.len() as u32).to_be_bytes());
        made.pages[0] = first;
        made
    }

    fn usable(&self) -> usize {
        self.page_bytes - self.reserved
    }

    fn page(&self, kind: u8, start: usize, cells: &[Vec<u8>], last_child: u32) -> Vec<u8> {
        let mut page = vec![0; self.page_bytes];
        let mut content = self.usable();
        let pointers = start + if kind == 5 { 12 } else { 8 };
        for (index, cell) in cells.iter().enumerate() {
            content -= cell.len();
            page[content..content + cell.len()].copy_from_slice(cell);
            page[pointers + 2 * index..][..2].copy_from_slice(&(content as u16).to_be_bytes());
        }
        page[start] = kind;
        page[start + 3..start + 5].copy_from_slice(&(cells.len() as u16).to_be_bytes());
        page[start + 5..start + 7].copy_from_slice(&((content % 65536) as u16).to_be_bytes());
        if kind == 5 {
            page[start + 8..start + 12].copy_from_slice(&last_child.to_be_bytes());
        }
        page
    }

    /// Adds a leaf with one row, and the overflow pages of the row; gives the leaf's number.
    fn leaf(&mut self, header: &[u8]) -> u32 {
        // A record of two columns: null, and a blob whose serial type has up to three bytes.
        let kind = header.len() * 2 + 12;
        let kind = [(kind >> 14) as u8 | 0x80, (kind >> 7) as u8 | 0x80, kind as u8 & 0x7f];
        let payload = [&[5, 0][..], &kind, header].concat();
        let length = payload.len();
        let (most, least) = (self.usable() - 35, (self.usable() - 12) * 32 / 255 - 23);
        let local = match least + (length.max(least) - least) % (self.usable() - 4) {
            _ if length <= most => length,
            local if local <= most => local,
            _ => least,
        };
        let (local, rest) = payload.split_at(local);
        let mut cell = vec![
            (length >> 14) as u8 | 0x80,
            (length >> 7) as u8 | 0x80,
            length as u8 & 0x7f,
            1,
        ];
        cell.extend(local);
        let chunks: Vec<&[u8]> = rest.chunks(self.usable() - 4).collect();
        if !chunks.is_empty() {
            cell.extend((self.pages.len() as u32 + 1).to_be_bytes());
        }
        for (index, chunk) in chunks.iter().enumerate() {
            let next = if index + 1 < chunks.len() {
                self.pages.len() as u32 + 2
            } else {
                0
            };
            let mut page = [&next.to_be_bytes()[..], chunk].concat();
            page.resize(self.page_bytes, 0xee);
            self.pages.push(page);
        }
        self.pages.push(self.page(13, 0, &[cell], 0));
        self.pages.len() as u32
    }

    fn bytes(&self) -> Vec<u8> {
        self.pages.concat()
    }
}

#[test]
fn sqlite_pages_of_any_size_are_read() {
    let large = |name: &str, bytes: usize| {
        let padding = "x".repeat(bytes);
        header(&[
            (1000, Value::Text(name)),
            (1001, Value::Text("1")),
            (1002, Value::Text("1")),
            (1004, Value::Text(&padding)),
        ])
    };
    for (page_bytes, reserved) in [
        (512, 0),
        (512, 32),
        (1024, 0),
        (4096, 0),
        (4096, 255),
        (32768, 0),
        (65536, 0),
    ] {
        let sizes = [10, 300, 440, 600, 2000, 5000, 70_000, 200_000];
        let names: Vec<String> = sizes.iter().map(|size| format!("p{size}")).collect();
        let headers: Vec<_> = sizes
            .iter()
            .zip(&names)
            .map(|(size, name)| large(name, *size))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        check(&Sqlite::new(page_bytes, reserved, &headers).bytes(), &names, "");
    }
}

#[test]
fn sqlite_damage_is_told() {
    let sound = Sqlite::new(512, 0, &[package("a"), package("b"), package("c")]);
    check(&sound.bytes(), &["a", "b", "c"], "");
    let damaged = |page: usize, at: usize, byte: u8| {
        let mut bytes = sound.bytes();
        bytes[page * 512 + at] = byte;
        bytes
    };
    check(&damaged(2, 0, 0), &["b", "c"], "page 3 is no page of a table");
    check(&damaged(1, 4, 1), &["a", "c"], "page 2 is damaged, rows may be missing");
    check(&damaged(2, 4, 0), &["b", "c"], "page 3 is damaged, rows may be missing");
    check(&damaged(1, 11, 3), &["a", "b"], "page 3 is linked twice");
    check(&damaged(1, 11, 9), &["a", "b"], "page 9 is beyond the file");
    check(&damaged(1, 4, 255), &[], "impossibly many cells");
    let mut cut = sound.bytes();
    cut.truncate(4 * 512);
    check(&cut, &["a", "b"], "cut off after 4 pages of 5");
}

#[test]
fn sqlite_cells_that_share_a_row_end() {
    let mut made = Sqlite::new(
        65536,
        0,
        &[header(&[
            (1000, Value::Text("a")),
            (1001, Value::Text("1")),
            (1002, Value::Text("1")),
            (1004, Value::Text(&"x".repeat(30_000))),
        ])],
    );
    let leaf = &mut made.pages[2];
    let pointer: Vec<u8> = leaf[8..10].to_vec();
    leaf[3..5].copy_from_slice(&10_000u16.to_be_bytes());
    for place in leaf[8..8 + 2 * 10_000].chunks_exact_mut(2) {
        place.copy_from_slice(&pointer);
    }
    let report = read(&made.bytes());
    assert!(report.packages.len() < 10);
    assert!(
        report
            .problems
            .iter()
            .any(|problem| problem.what.contains("more bytes than the file"))
    );
}
