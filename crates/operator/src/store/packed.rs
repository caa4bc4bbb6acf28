//! The bytes in which verdicts and inventories are kept: JSON in one zstd frame each.
//!
//! Inventories are lines: a heading, then for each inventory (an image for several platforms has one for each) a line with
//! all but its packages, and a line for each package. That one has, before a tab, what matching looks at: packages that
//! images share are known by these bytes and need not be read again. JSON has neither tabs nor ends of lines of its own.

use seaworthy_model::{Assessment, Inventory, LayerRef, Package, limits};
use serde::Serialize;

/// The first line. Another form has another one.
const HEADING: &[u8] = b"inventories 1";
/// What begins the line of an inventory.
const INVENTORY: u8 = b'=';
/// Level 3 makes a tenth of it, at 300 MB a second.
const LEVEL: i32 = 3;
/// Verdicts are written by the thousand, and soon again.
const FAST: i32 = 1;

/// What matching does not look at.
#[derive(Serialize)]
struct Rest<'a> {
    layer: &'a Option<LayerRef>,
    licenses: &'a [String],
    depends_on: &'a [String],
}

/// Inventories as bytes; `None` where they are too large to be kept.
pub fn pack(inventories: &[Inventory]) -> Option<Vec<u8>> {
    let mut lines = HEADING.to_vec();
    for inventory in inventories {
        lines.extend_from_slice(&[b'\n', INVENTORY]);
        let Inventory {
            distribution,
            databases,
            packages,
            problems,
            coverage,
            layer_sizes,
        } = inventory;
        let head = Inventory {
            distribution: distribution.clone(),
            databases: databases.clone(),
            packages: Vec::new(),
            problems: problems.clone(),
            coverage: *coverage,
            layer_sizes: layer_sizes.clone(),
        };
        serde_json::to_writer(&mut lines, &head).ok()?;
        for package in packages {
            let mut matched = package.clone();
            let (layer, licenses, depends_on) = (
                matched.layer.take(),
                std::mem::take(&mut matched.licenses),
                std::mem::take(&mut matched.depends_on),
            );
            let rest = Rest {
                layer: &layer,
                licenses: &licenses,
                depends_on: &depends_on,
            };
            lines.push(b'\n');
            serde_json::to_writer(&mut lines, &matched).ok()?;
            lines.push(b'\t');
            serde_json::to_writer(&mut lines, &rest).ok()?;
            if lines.len() as u64 > limits::CACHE_ENTRY_BYTES {
                return None;
            }
        }
    }
    zstd::bulk::compress(&lines, LEVEL).ok()
}

/// How many bytes packed inventories have when they are inflated; nothing for anything else.
pub(crate) fn inflated(packed: &[u8]) -> Option<usize> {
    let size = zstd::zstd_safe::get_frame_content_size(packed).ok()??;
    if size > limits::CACHE_ENTRY_BYTES {
        return None;
    }
    usize::try_from(size).ok()
}

/// One inventory as it is kept.
#[derive(Debug)]
pub(crate) struct KeptInventory<'a> {
    /// All but the packages.
    pub(crate) head: Inventory,
    /// Of each package what matching looks at.
    pub(crate) packages: Vec<&'a [u8]>,
}

/// The lines of packed inventories; nothing for what cannot be read as a whole.
pub(crate) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let lines = zstd::bulk::decompress(packed, inflated(packed)?).ok()?;
    lines.starts_with(HEADING).then_some(lines)
}

/// The inventories in lines; nothing where one of them cannot be read.
pub(crate) fn kept_inventories(lines: &[u8]) -> Option<Vec<KeptInventory<'_>>> {
    let mut kept: Vec<KeptInventory<'_>> = Vec::new();
    for line in lines.split(|byte| *byte == b'\n').skip(1) {
        match line.split_first()? {
            (&INVENTORY, head) => kept.push(KeptInventory {
                head: serde_json::from_slice(head).ok()?,
                packages: Vec::new(),
            }),
            _ => {
                let matched = line.split(|byte| *byte == b'\t').next()?;
                kept.last_mut()?.packages.push(matched);
            }
        }
    }
    (!kept.is_empty()).then_some(kept)
}

/// A package of which only what matching looks at is known.
pub(crate) fn package(matched: &[u8]) -> Option<Package> {
    serde_json::from_slice(matched).ok()
}

/// A verdict as bytes.
pub fn pack_assessment(assessment: &Assessment) -> Option<Vec<u8>> {
    zstd::bulk::compress(&serde_json::to_vec(assessment).ok()?, FAST).ok()
}

/// The verdict in bytes.
pub(crate) fn unpack_assessment(packed: &[u8]) -> Option<Assessment> {
    serde_json::from_slice(&zstd::bulk::decompress(packed, inflated(packed)?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{kept_inventories, pack, pack_assessment, package, unpack, unpack_assessment};
    use seaworthy_model::{Assessment, Distribution, Ecosystem, Effect, Family, Inventory, Package, Problem};

    fn inventory(name: &str) -> Inventory {
        let mut package = Package::new(Ecosystem::Deb, name, "1\n2\t3", "var/lib/dpkg/status");
        package.licenses = vec!["a\tb".to_owned()];
        Inventory {
            distribution: Some(Distribution::new(Family::Debian, "12")),
            packages: vec![package.clone(), package],
            problems: vec![Problem::at_path("=a\nb", Effect::Incomplete, "torn")],
            ..Inventory::default()
        }
    }

    #[test]
    fn what_matching_looks_at_is_read_again_whatever_is_in_it() {
        let both = [inventory("=one\n\t"), inventory("{two"), Inventory::default()];
        let lines = unpack(&pack(&both).unwrap()).unwrap();
        let kept = kept_inventories(&lines).unwrap();
        assert_eq!(kept.len(), 3);
        for (kept, inventory) in kept.iter().zip(&both) {
            assert_eq!(kept.head.problems, inventory.problems);
            assert_eq!(kept.head.distribution, inventory.distribution);
            let packages: Vec<Package> = kept.packages.iter().map(|bytes| package(bytes).unwrap()).collect();
            let mut expected = inventory.packages.clone();
            expected.iter_mut().for_each(|package| package.licenses.clear());
            assert_eq!(packages, expected);
        }
    }

    #[test]
    fn torn_bytes_are_no_inventory_and_no_verdict() {
        let (packed, verdict) = (
            pack(&[inventory("a")]).unwrap(),
            pack_assessment(&Assessment::default()).unwrap(),
        );
        for length in 0..packed.len() {
            assert!(unpack(&packed[..length]).is_none(), "{length}");
        }
        for length in 0..verdict.len() {
            assert!(unpack_assessment(&verdict[..length]).is_none(), "{length}");
        }
        assert!(unpack(&verdict).is_none());
        assert_eq!(unpack_assessment(&verdict), Some(Assessment::default()));
        assert!(kept_inventories(b"inventories 1\n{}").is_none(), "a package of nobody");
        assert!(kept_inventories(b"inventories 1\n").is_none());
    }
}
