//! Vulnerability ids in four bytes: a CVE is its year and number, any other id the index of its text.
//!
//! Packed CVE ids sort as year and number do, so that sorted lists of them are stored as small differences.

/// Marks ids that are not CVEs; the rest is the index into the section's labels.
const OTHER: u32 = 1 << 31;
const FIRST_YEAR: u32 = 1990;
const NUMBER_BITS: u32 = 24;

/// A packed id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Identifier(pub(crate) u32);

impl Identifier {
    /// Packs a CVE id in its canonical form; `None` for any other text.
    pub(crate) fn of_cve(id: &str) -> Option<Self> {
        let (year, digits) = id.strip_prefix("CVE-")?.split_once('-')?;
        let canonical = (digits.len() == 4 || digits.len() > 4 && !digits.starts_with('0')) && digits.len() <= 8;
        if year.len() != 4 || !canonical || !id.bytes().skip(4).all(|byte| byte.is_ascii_digit() || byte == b'-') {
            return None;
        }
        let year = year
            .parse::<u32>()
            .ok()?
            .checked_sub(FIRST_YEAR)
            .filter(|&year| year < 1 << 7)?;
        let number = digits.parse::<u32>().ok().filter(|&number| number < 1 << NUMBER_BITS)?;
        Some(Self(year << NUMBER_BITS | number))
    }

    /// The id whose text has this index among the labels; `None` beyond 2^31.
    pub(super) fn of_label(index: usize) -> Option<Self> {
        u32::try_from(index)
            .ok()
            .filter(|&index| index < OTHER)
            .map(|index| Self(index | OTHER))
    }

    /// The index of its text, unless it is a CVE.
    pub(crate) const fn label(self) -> Option<usize> {
        if self.0 & OTHER == 0 {
            None
        } else {
            Some((self.0 & !OTHER) as usize)
        }
    }

    /// The text of a CVE id.
    pub(crate) fn cve_text(self) -> String {
        let number = self.0 & ((1 << NUMBER_BITS) - 1);
        format!("CVE-{}-{number:04}", FIRST_YEAR + (self.0 >> NUMBER_BITS & 0x7f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_cves_pack_and_come_back() {
        for id in [
            "CVE-1999-0001",
            "CVE-2024-3094",
            "CVE-2021-44228",
            "CVE-2023-1000000",
            "CVE-2020-0000",
        ] {
            assert_eq!(Identifier::of_cve(id).map(Identifier::cve_text).as_deref(), Some(id));
        }
        for id in [
            "CVE-2024-309",
            "CVE-2024-00309",
            "CVE-2024-99999999",
            "GHSA-xx",
            "cve-2024-3094",
            "CVE-1980-1234",
            "CVE-2024-1-23",
            "CVE-+024-3094",
            "",
        ] {
            assert_eq!(Identifier::of_cve(id), None, "{id}");
        }
    }

    #[test]
    fn order_is_that_of_year_and_number() {
        let packed = [
            "CVE-1999-9999",
            "CVE-2024-0002",
            "CVE-2024-9999",
            "CVE-2024-10000",
            "CVE-2025-0001",
        ]
        .map(Identifier::of_cve);
        assert!(packed.is_sorted() && packed.iter().all(Option::is_some));
    }
}
