//! Go programs: the build information that the linker puts at the beginning of the initialised data (`debug/buildinfo`).
//!
//! Since Go 1.18 the strings follow the header; before, the header has pointers to them. The module list is text, one
//! tab-separated line a module, between two markers of 16 bytes (`runtime/debug.ParseBuildInfo`).

use seaworthy_model::{Ecosystem, Effect, limits};

use super::integers::Integers;
use crate::analyzer::FileReport;
use crate::content::Content;
use crate::language::listing;

/// What the build information begins with, at a multiple of 16 bytes.
pub(super) const MAGIC: &str = r"(?-u)\xff Go buildinf:";
const HEADER: usize = 32;
/// What the module list stands between.
pub(super) const BEGIN: &[u8] = b"0w\xaf\x0c\x92t\x08\x02A\xe1\xc1\x07\xe6\xd6\x18\xe6";
pub(super) const END: &[u8] = b"\xf92C1\x86\x18 r\x00\x82B\x10A\x16\xd8\xf2";
/// Bytes of a module list; 1,500 modules have 150 KB.
pub(super) const MODULES_BYTES: usize = 4 << 20;

/// Bytes of the version of Go; with experiments and who built it under 200.
const VERSION_BYTES: usize = 4096;

/// Version and modules of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BuildInfo {
    pub(super) version: String,
    pub(super) modules: String,
}

/// The header of the build information, at which `content` stands.
pub(super) enum Header {
    /// The strings follow; they were read.
    Inline(BuildInfo),
    /// Addresses of the strings' headers, and the size of an address.
    Pointers {
        version: u64,
        modules: u64,
        wide: bool,
        big_endian: bool,
    },
}

/// Reads the header that `content` stands at.
pub(super) fn header(content: &mut Content<'_>) -> Option<Header> {
    let head = content.peek(HEADER).get(..HEADER)?;
    let (size, flags) = (*head.get(14)?, *head.get(15)?);
    if flags & 2 != 0 {
        let mut at = HEADER;
        let version = string(content, &mut at, VERSION_BYTES)?;
        let modules = string(content, &mut at, MODULES_BYTES)?;
        return Some(Header::Inline(BuildInfo {
            version: String::from_utf8_lossy(&version).into_owned(),
            modules: text(&modules),
        }));
    }
    let integers = Integers {
        bytes: head,
        big_endian: flags & 1 != 0,
    };
    let wide = match size {
        8 => true,
        4 => false,
        _ => return None,
    };
    let address = |at: usize| {
        if wide {
            integers.u64(at)
        } else {
            integers.u32(at).map(u64::from)
        }
    };
    Some(Header::Pointers {
        version: address(16)?,
        modules: address(if wide { 24 } else { 20 })?,
        wide,
        big_endian: integers.big_endian,
    })
}

/// A string behind its length as a variable-length integer.
fn string(content: &mut Content<'_>, at: &mut usize, most: usize) -> Option<Vec<u8>> {
    let window = content.peek(at.checked_add(10)?);
    let mut length = 0usize;
    let mut shift = 0u32;
    loop {
        let byte = *window.get(*at)?;
        *at = at.checked_add(1)?;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            break;
        }
        shift = shift.checked_add(7).filter(|shift| *shift < 35)?;
    }
    if length > most {
        return None;
    }
    let end = at.checked_add(length)?;
    let string = content.peek(end).get(*at..end)?.to_vec();
    *at = end;
    Some(string)
}

/// The module list without its markers.
pub(super) fn text(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(BEGIN).unwrap_or(bytes);
    let bytes = bytes.strip_suffix(END).unwrap_or(bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

/// One module of the list.
#[derive(Clone, Copy, Default)]
struct Module<'a> {
    path: &'a str,
    version: &'a str,
}

/// Lists the modules of a program, its own first, and the standard library.
pub(super) fn list(path: &str, info: &BuildInfo, report: &mut FileReport) {
    let mut modules: Vec<Module<'_>> = Vec::new();
    let mut main = false;
    let mut flags = "";
    for line in info.modules.lines() {
        let mut fields = line.split('\t');
        let (kind, first) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
        let module = Module {
            path: first,
            version: fields.next().unwrap_or(""),
        };
        match kind {
            "mod" => {
                main = true;
                modules.insert(0, module);
            }
            "dep" => modules.push(module),
            // What stands in its place is what was built.
            "=>" => {
                if let Some(last) = modules.last_mut() {
                    *last = module;
                }
            }
            "build" => flags = first.strip_prefix("-ldflags=").unwrap_or(flags),
            _ => {}
        }
        if modules.len() > limits::LIST_ENTRIES {
            let what = format!("more than {} modules, the rest is not listed", limits::LIST_ENTRIES);
            listing::problem(report, path, Effect::Incomplete, what);
            break;
        }
    }
    for (index, module) in modules.iter().enumerate() {
        let mut version = module.version;
        if index == 0 && main && matches!(version, "" | DEVELOPMENT) {
            version = stated(flags).unwrap_or(DEVELOPMENT);
        } else if version.is_empty() {
            // A directory took its place (`replace … => ../fork`).
            version = DEVELOPMENT;
        }
        // A version that ldflags set has no `v`; Go's own always have one.
        let with_v;
        if version.starts_with(|first: char| first.is_ascii_digit()) {
            with_v = format!("v{version}");
            version = &with_v;
        }
        listing::add(report, Ecosystem::Go, module.path, version, path);
    }
    if let Some(version) = toolchain(&info.version) {
        listing::add(report, Ecosystem::Go, STANDARD_LIBRARY, &format!("v{version}"), path);
    } else {
        let what = format!(
            "the version of Go is not known ({:?}), so nothing is known about its standard library",
            info.version.chars().take(64).collect::<String>()
        );
        listing::problem(report, path, Effect::Uncertain, what);
    }
}

/// What Go writes where a module has no version.
const DEVELOPMENT: &str = "(devel)";
/// The name of the standard library in advisories.
const STANDARD_LIBRARY: &str = "stdlib";

/// The version that the linker was told to set: `-X main.version=1.2.3`, also of `…/version.Version`, `…buildVersion`.
fn stated(flags: &str) -> Option<&str> {
    let candidates = flags
        .split([' ', '"', '\''])
        .filter_map(|word| word.split_once('='))
        .filter(|(name, _)| {
            let last = name.rsplit(['.', '/']).next().unwrap_or(name).to_ascii_lowercase();
            matches!(
                last.as_str(),
                "version" | "ver" | "buildversion" | "appversion" | "gitversion" | "gittag"
            )
        })
        .map(|(_, value)| value.trim_start_matches('v'));
    let is_version = |value: &&str| {
        value.starts_with(|first: char| first.is_ascii_digit())
            && value.contains('.')
            && value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-+_~".contains(&byte))
    };
    candidates.into_iter().find(is_version)
}

/// `go1.22.3 X:nocoverageredesign`, `go1.21.0-fips`, `devel go1.23-abc Mon …`: the release that it is or comes from.
fn toolchain(version: &str) -> Option<String> {
    let start = version.match_indices("go").map(|(at, _)| at + 2).find(|at| {
        version
            .get(*at..)
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    })?;
    let rest = version.get(start..)?;
    let end = rest
        .find(|one: char| one.is_whitespace() || one == '-' || one == '+')
        .unwrap_or(rest.len());
    let release = rest.get(..end)?;
    release
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        .then(|| release.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::ANALYZER;
    use crate::content::Content;
    use seaworthy_model::Effect;

    /// A program of 64 bits with one segment of variables at 4096.
    fn program(variables: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(64, 0);
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        let mut segment = [0u8; 56];
        segment[0] = 1;
        segment[4] = 6;
        segment[8..16].copy_from_slice(&4096u64.to_le_bytes());
        segment[16..24].copy_from_slice(&4096u64.to_le_bytes());
        segment[32..40].copy_from_slice(&(variables.len() as u64).to_le_bytes());
        bytes.extend(segment);
        bytes.resize(4096, 0);
        bytes.extend(variables);
        bytes
    }

    fn read(bytes: &[u8]) -> FileReport {
        let mut report = FileReport::default();
        let mut inner = bytes;
        (ANALYZER.analyze)(
            "usr/bin/x",
            &mut Content::new(&mut inner, bytes.len() as u64),
            &mut report,
        );
        report
    }

    #[test]
    fn build_information_behind_its_header() {
        let mut variables = b"\xff Go buildinf:\x08\x02".to_vec();
        variables.resize(32, 0);
        variables.extend(b"\x08go1.21.5\x0fmod\tx\tv1.2.3\t\n ");
        let report = read(&program(&variables));
        let found: Vec<_> = report
            .packages
            .iter()
            .map(|one| format!("{} {}", one.name, one.version))
            .collect();
        assert_eq!(found, ["x v1.2.3", "stdlib v1.21.5"]);
        // At an odd place it is a text of another program.
        let mut odd = vec![0; 8];
        odd.extend(&variables);
        assert!(read(&program(&odd)).packages.is_empty());
    }

    #[test]
    fn programs_whose_headers_stand_at_their_end() {
        let mut variables = b"\xff Go buildinf:\x08\x02".to_vec();
        variables.resize(32, 0);
        variables.extend(b"\x08go1.21.5\x0fmod\tx\tv1.2.3\t\n ");
        let mut moved = program(&variables);
        moved.resize(1 << 20, 0);
        moved[32..40].copy_from_slice(&(1u64 << 20).to_le_bytes());
        let headers = moved[64..120].to_vec();
        moved.extend(headers);
        let names: Vec<_> = read(&moved).packages.into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["x", "stdlib"]);
    }

    #[test]
    fn a_windows_program_whose_headers_lie_far_away_is_not_called_read() {
        let mut bytes = b"MZ".to_vec();
        bytes.resize(0x3c, 0);
        bytes.extend((1u32 << 20).to_le_bytes());
        bytes.resize(1 << 20, 0);
        // Where no signature is, it is a program of DOS.
        let mut other = bytes.clone();
        other.extend([0; 64]);
        assert!(read(&other).problems.is_empty());
        bytes.extend(b"PE\0\0");
        bytes.resize((1 << 20) + 64, 0);
        let problems = read(&bytes).problems;
        assert!(
            problems.len() == 1 && problems[0].effect == Effect::Incomplete,
            "{problems:?}"
        );
    }

    #[test]
    fn a_crowd_of_headers_does_not_take_long() {
        let header =
            b"\xff Go buildinf:\x08\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\x01aaaaaaaaaaaa".as_slice();
        assert_eq!(header.len() % 16, 0);
        let report = read(&program(&header.repeat(50_000)));
        assert!(report.packages.is_empty());
        assert_eq!(report.problems.len(), 1);
    }

    use super::{BuildInfo, list, stated, toolchain};
    use crate::analyzer::FileReport;

    #[test]
    fn modules_replacements_and_the_main_module() {
        let modules = "path\tx/cmd\nmod\tx\t(devel)\t\ndep\ta\tv1.0.0\th1:\n=>\tfork/a\tv1.2.0\th1:\ndep\tb\tv2.0.0+incompatible\n\
            dep\tc\tv0.1.0\n=>\t../c\t\nbuild\t-ldflags=\"-s -w -X main.version=3.4.5\"\n";
        let info = BuildInfo {
            version: "go1.22.3 X:boringcrypto".to_owned(),
            modules: modules.to_owned(),
        };
        let mut report = FileReport::default();
        list("usr/bin/x", &info, &mut report);
        let found: Vec<_> = report
            .packages
            .iter()
            .map(|one| format!("{} {}", one.name, one.version))
            .collect();
        assert_eq!(
            found,
            [
                "x v3.4.5",
                "fork/a v1.2.0",
                "b v2.0.0+incompatible",
                "../c (devel)",
                "stdlib v1.22.3"
            ]
        );
    }

    #[test]
    fn versions_set_by_the_linker() {
        for (flags, expected) in [
            ("\"-X github.com/x/y/version.Version=v1.2.3 -s\"", Some("1.2.3")),
            ("-X 'main.version=1.2.3-rc1'", Some("1.2.3-rc1")),
            ("-X main.goVersion=go1.20 -X main.commit=1.2", None),
            ("-X main.version=dev", None),
            ("", None),
        ] {
            assert_eq!(stated(flags), expected, "{flags}");
        }
    }

    #[test]
    fn toolchains() {
        for (version, expected) in [
            ("go1.22.3", Some("1.22.3")),
            ("go1.22.3 X:nocoverageredesign", Some("1.22.3")),
            ("go1.26.5 (Red Hat 1.26.5-1.el10)", Some("1.26.5")),
            ("go1.21.0-fips", Some("1.21.0")),
            ("devel go1.23-6aafd1dd Mon Jan 1", Some("1.23")),
            ("devel +abc", None),
            ("", None),
        ] {
            assert_eq!(toolchain(version).as_deref(), expected, "{version}");
        }
    }
}
