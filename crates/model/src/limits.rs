//! Every cap on what foreign input may cost, in one place.
//!
//! Reaching one is never silent: it becomes a [`crate::Problem`] that names the place and what was not read, or, where
//! nothing could be read at all, an error. The figures are far above what real images need (see the comment beside
//! each) and far below what would hurt a machine with 1 GiB of memory.

use std::time::Duration;

/// Manifests, indexes, configs and `manifest.json`. Registries refuse more than 4 MiB themselves.
pub const MANIFEST_BYTES: u64 = 8 << 20;
/// Values (members, elements) of one such document: each costs far more memory than its few bytes. An index of
/// `INDEX_MANIFESTS` with platforms and annotations has 80,000.
pub const MANIFEST_VALUES: usize = 200_000;
/// Layers of one image. Docker stops at 127.
pub const LAYERS: usize = 1024;
/// Manifests listed by one index.
pub const INDEX_MANIFESTS: usize = 4096;
/// How deep an index may list further indexes.
pub const INDEX_DEPTH: usize = 4;
/// Entries of one layer. A full Fedora workstation has 700,000 files.
pub const LAYER_ENTRIES: u64 = 5_000_000;
/// Bytes of a path. Linux has PATH_MAX 4096.
pub const PATH_BYTES: usize = 4096;
/// Bytes that the headers of one tar member take: long names, pax records. Extended attributes of 64 KiB lie there.
pub const TAR_HEADER_BYTES: u64 = 1 << 20;
/// Components of a path.
pub const PATH_DEPTH: usize = 512;
/// Bytes of all path names of one layer that are remembered for links and whiteouts.
pub const LAYER_NAME_BYTES: usize = 256 << 20;
/// Bytes that the packages, owned files and problems found in one layer take, roughly. Those of 100,000 packages have 60 MB.
pub const LAYER_REPORT_BYTES: usize = 256 << 20;
/// Steps through directories and links while layers are merged. Images of a million files take some millions.
pub const TREE_STEPS: u64 = 100_000_000;
/// Uncompressed bytes of one layer: larger ones exist (CUDA, 6 GB), this is ten times that.
pub const LAYER_BYTES: u64 = 64 << 30;
/// Uncompressed bytes per compressed byte over a whole layer, once `RATIO_FLOOR` bytes came out. DEFLATE cannot exceed 1032.
pub const LAYER_RATIO: u64 = 1100;
/// The same for zstd, whose repeats compress without a bound: layers of zeros are real, but not by this much.
pub const ZSTD_RATIO: u64 = 20_000;
/// Uncompressed bytes before a ratio counts.
pub const RATIO_FLOOR: u64 = 64 << 20;
/// zstd windows: the format's recommended limit for decoders is 8 MiB, `--long` goes to 128 MiB.
pub const ZSTD_WINDOW_LOG: u32 = 27;
/// One file that an analyzer reads whole. The largest rpm databases seen are 200 MB.
pub const FILE_BYTES: u64 = 256 << 20;
/// A metadata file of one package (package.json, METADATA, os-release, …).
pub const METADATA_BYTES: u64 = 16 << 20;
/// Bytes of files of one layer that are held until it is read, and of files that are read once more under other names.
pub const KEPT_BYTES: u64 = 1 << 30;
/// Symbolic links followed for one path. Linux stops at 40.
pub const LINK_DEPTH: usize = 40;
/// Packages of one database or image.
pub const PACKAGES: usize = 1_000_000;
/// Findings of one scan: an image with ten kernels has 30,000.
pub const FINDINGS: usize = 100_000;
/// Findings that are kept in memory of one image of a cluster, the worst of them. An image with more counts as not read whole.
pub const ASSESSED_FINDINGS: usize = 40_000;
/// Problems kept of one layer or file; one more says that there were others.
pub const PROBLEMS: usize = 1000;
/// Bytes of one line of a line-oriented database.
pub const LINE_BYTES: usize = 1 << 20;
/// Nesting of archives inside archives.
pub const ARCHIVE_DEPTH: usize = 8;
/// Archives read inside one archive, at all depths together; application servers have a thousand.
pub const ARCHIVES: usize = 20_000;
/// Bytes read of the entries of one archive and of all archives inside it. Application archives of 200 MB exist, of which
/// most is read once for each level of nesting.
pub const ARCHIVE_BYTES: u64 = 512 << 20;
/// Entries of one zip archive.
pub const ZIP_ENTRIES: usize = 1_000_000;
/// Bytes of a file name shown in a message.
pub const SHOWN_NAME_BYTES: usize = 256;
/// Default of `--timeout`.
pub const TIMEOUT: Duration = Duration::from_secs(300);
/// Sections of an advisory file.
pub const ADVISORY_SECTIONS: usize = 4096;
/// Inflated bytes of one section of an advisory file.
pub const ADVISORY_SECTION_BYTES: u64 = 256 << 20;
/// One record of a feed.
pub const FEED_RECORD_BYTES: u64 = 64 << 20;
/// One feed file, inflated.
pub const FEED_BYTES: u64 = 4 << 30;
/// Bytes of a version that is compared. The longest of 55,000 pairs of real and made-up ones has 99.
pub const VERSION_BYTES: usize = 1024;
/// Bytes at the head of an invalid version among which a valid one is looked for; every prefix is tried.
pub const VERSION_PREFIX_BYTES: usize = 128;
/// One value of a release file or of a package's metadata (a name, a version, a licence). The longest seen are licence
/// texts in Python's `License:` field, of which the first line is kept.
pub const VALUE_BYTES: usize = 4096;
/// Entries kept of a list inside one metadata file: content sets, licences, repositories.
pub const LIST_ENTRIES: usize = 10_000;
/// Records that one feed may give. The largest real one gives under a million.
pub const FEED_RECORDS: usize = 8_000_000;
/// Files and directories below a feed directory.
pub const FEED_FILES: usize = 100_000;
/// Weaknesses (CWE) kept of one vulnerability. The most seen is 13.
pub const ADVISORY_WEAKNESSES: usize = 64;
/// Characters of an id, package name or version of an advisory.
pub const ADVISORY_TEXT_BYTES: usize = 1024;
/// Dependencies and provided names of one package database that are joined. A desktop of 3,000 packages has 100,000.
pub const DEPENDENCIES: usize = 2_000_000;
/// Files of language packages that the packages of one database own. A Fedora workstation has 5,000.
pub const OWNED_FILES: usize = 1_000_000;
/// Bytes of all file paths of one rpm database, which are joined from directories and names. A workstation has 60 MB.
pub const RPM_PATH_BYTES: usize = 1 << 30;
/// Directories named by the header of one rpm package. Those of the kernel's sources have 5,000.
pub const RPM_DIRECTORIES: usize = 1_000_000;
/// Bytes of the names, versions, licences and dependencies of all packages of one database. 3,000 packages have 1 MB.
pub const PACKAGE_TEXT_BYTES: usize = 256 << 20;
/// Bytes of an image reference. A repository has at most 255, a tag 128, a digest 71.
pub const REFERENCE_BYTES: usize = 4096;
/// Redirects followed for one request to a registry. Object storage needs one, a front door before it another.
pub const REDIRECTS: usize = 5;
/// Bytes of a token server's answer. Tokens of cloud registries reach 10 KB.
pub const TOKEN_BYTES: u64 = 1 << 20;
/// Bytes read of a registry's error message.
pub const ERROR_BODY_BYTES: u64 = 16 << 10;
/// Bytes of a credential file.
pub const CREDENTIAL_FILE_BYTES: u64 = 4 << 20;
/// Bytes that a credential helper may print.
pub const CREDENTIAL_HELPER_BYTES: u64 = 1 << 20;
/// Challenges and parameters read of one `WWW-Authenticate`.
pub const CHALLENGES: usize = 64;
/// How often a blob is asked for again after it broke off. Each time must bring at least a byte.
pub const BLOB_RESUMES: u32 = 32;
/// Bytes of one blob that wait between its connection and its reader.
pub const BLOB_BUFFER_BYTES: usize = 4 << 20;
/// Bytes of results of layers that are kept between scans: those of 2,000 images of 100 MB.
pub const CACHE_BYTES: u64 = 1 << 30;
/// One kept result, inflated. A layer with 100,000 files has 5 MB.
pub const CACHE_ENTRY_BYTES: u64 = 256 << 20;
/// One lock file or manifest. The largest seen, a pnpm-lock.yaml of a monorepo, has 8 MB.
pub const LOCK_FILE_BYTES: u64 = 64 << 20;
/// Bytes of all lock files, manifests and the parents and includes they name, however often each is read.
pub const LOCK_FILES_BYTES: u64 = 4 << 30;
/// Values and keys in one lock file. 30,000 packages in a pnpm-lock.yaml have 1 million; as a tree of texts these take 300 MB.
pub const LOCK_FILE_VALUES: usize = 4_000_000;
/// Nesting of values in one lock file. npm's first format nests one level for each level of node_modules.
pub const LOCK_FILE_DEPTH: usize = 120;
/// The same in YAML, whose reader takes 25 KB of the stack for each level where nothing is optimised. pnpm nests six levels.
pub const LOCK_FILE_YAML_DEPTH: usize = 40;
/// Files that one manifest leads to: parents of a pom.xml, includes of a requirements.txt.
pub const MANIFEST_CHAIN: usize = 64;
/// Values that the anchors of one YAML file may repeat.
pub const LOCK_FILE_ALIASES: usize = 100_000;
/// Images of workloads that somebody is or will be told of. A cluster of 10,000 nodes runs 150,000 pods of far fewer kinds.
pub const ALERT_INCIDENTS: usize = 50_000;
/// Messages that wait to be sent, of all channels together; beyond it the oldest is given up.
pub const ALERT_QUEUE: usize = 20_000;
/// Seconds after which a message that cannot be sent is given up: a weekend.
pub const ALERT_SECONDS: i64 = 3 * 86_400;
/// Bytes of one text in a message. Slack takes 3,000 characters in a block, a line for people has 250 bytes.
pub const ALERT_TEXT_BYTES: usize = 1024;
/// Bytes of a receiver's answer that are read.
pub const ALERT_ANSWER_BYTES: usize = 16 << 10;
/// Bytes of an alert channel's address.
pub const ALERT_ADDRESS_BYTES: usize = 4096;
/// MiB of the admission reviews that are read at the same time, each of which counts for 8 at least. One takes a millisecond.
pub const REVIEWS_MIB: usize = 256;
/// Scans that a cluster's gate has under way or waits to try again; what is held beyond that is taken up when there is room. Each
/// takes some 10 KB while it waits.
pub const SCANS_WAITING: usize = 2_000;
/// The same of requests that were refused: they exist nowhere, and anybody may send as many as they like.
pub const SCANS_OF_REFUSED: usize = 200;
/// Scans that one request starts. A pod with more images than that is none.
pub const SCANS_OF_REQUEST: usize = 32;
/// References that are resolved at the same time, and of those the ones of one registry: it may be slow.
pub const RESOLUTIONS: usize = 32;
/// See [`RESOLUTIONS`].
pub const RESOLUTIONS_OF_REGISTRY: usize = 8;
/// Inflated bytes of the inventories that are matched again at one time. One of 300 packages has 150 KB.
pub const REMATCH_BATCH_BYTES: usize = 32 << 20;
/// Bytes of packages and their findings that are remembered while inventories are matched again. Those of 10,000 images of
/// 20 distributions have 20 MB.
pub const REMATCH_MEMORY_BYTES: usize = 96 << 20;
