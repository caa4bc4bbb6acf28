//! Until when vendors fix their releases: the last day of security support, as the vendors announced it.
//!
//! Ubuntu's long-term channel has dates of its own, which count for images that are subscribed to it.

use seaworthy_model::{Distribution, Family};

/// A year, month and day.
type Day = (i64, u8, u8);

/// Releases that the vendor fixes for as long as anyone can say.
const NEVER: Day = (3000, 1, 1);

const ALPINE: &[(&str, Day)] = &[
    ("2.0", (2012, 4, 1)),
    ("2.1", (2012, 11, 1)),
    ("2.2", (2013, 5, 1)),
    ("2.3", (2013, 11, 1)),
    ("2.4", (2014, 5, 1)),
    ("2.5", (2014, 11, 1)),
    ("2.6", (2015, 5, 1)),
    ("2.7", (2015, 11, 1)),
    ("3.0", (2016, 5, 1)),
    ("3.1", (2016, 11, 1)),
    ("3.2", (2017, 5, 1)),
    ("3.3", (2017, 11, 1)),
    ("3.4", (2018, 5, 1)),
    ("3.5", (2018, 11, 1)),
    ("3.6", (2019, 5, 1)),
    ("3.7", (2019, 11, 1)),
    ("3.8", (2020, 5, 1)),
    ("3.9", (2020, 11, 1)),
    ("3.10", (2021, 5, 1)),
    ("3.11", (2021, 11, 1)),
    ("3.12", (2022, 5, 1)),
    ("3.13", (2022, 11, 1)),
    ("3.14", (2023, 5, 1)),
    ("3.15", (2023, 11, 1)),
    ("3.16", (2024, 5, 23)),
    ("3.17", (2024, 11, 22)),
    ("3.18", (2025, 5, 9)),
    ("3.19", (2025, 11, 1)),
    ("3.20", (2026, 4, 1)),
    ("3.21", (2026, 12, 5)),
    ("3.22", (2027, 4, 30)),
    ("3.23", (2027, 11, 1)),
    ("edge", NEVER),
];
const DEBIAN: &[(&str, Day)] = &[
    ("7", (2018, 5, 31)),
    ("8", (2020, 6, 30)),
    ("9", (2022, 6, 30)),
    ("10", (2024, 6, 30)),
    ("11", (2026, 8, 14)),
    ("12", (2028, 6, 10)),
    ("13", NEVER),
];
const UBUNTU: &[(&str, Day)] = &[
    ("12.04", (2019, 4, 26)),
    ("14.04", (2022, 4, 25)),
    ("16.04", (2021, 4, 21)),
    ("18.04", (2023, 5, 31)),
    ("20.04", (2025, 5, 31)),
    ("20.10", (2021, 7, 22)),
    ("21.04", (2022, 1, 20)),
    ("21.10", (2022, 7, 14)),
    ("22.04", (2027, 4, 23)),
    ("22.10", (2023, 7, 20)),
    ("23.04", (2024, 1, 20)),
    ("23.10", (2024, 6, 30)),
    ("24.04", (2034, 3, 31)),
    ("24.10", (2025, 7, 9)),
    ("25.04", (2026, 1, 16)),
    ("25.10", (2026, 7, 1)),
    ("26.04", (2031, 5, 31)),
];
const UBUNTU_ESM: &[(&str, Day)] = &[
    ("14.04", (2024, 4, 25)),
    ("16.04", (2026, 4, 29)),
    ("18.04", (2028, 3, 31)),
    ("20.04", (2030, 4, 30)),
];
const RED_HAT: &[(&str, Day)] = &[
    ("4", (2017, 5, 31)),
    ("5", (2020, 11, 30)),
    ("6", (2024, 6, 30)),
    ("7", NEVER),
    ("8", NEVER),
    ("9", NEVER),
    ("10", NEVER),
];
const CENTOS: &[(&str, Day)] = &[
    ("5", (2017, 3, 31)),
    ("6", (2020, 11, 30)),
    ("7", (2024, 6, 30)),
    ("8", (2021, 12, 31)),
];
const ALMA: &[(&str, Day)] = &[("8", (2029, 3, 1)), ("9", (2032, 5, 31)), ("10", (2035, 5, 31))];
const ROCKY: &[(&str, Day)] = &[("8", (2029, 5, 31)), ("9", (2032, 5, 31))];
const ORACLE: &[(&str, Day)] = &[
    ("5", (2017, 12, 31)),
    ("6", (2021, 3, 21)),
    ("7", (2024, 12, 31)),
    ("8", (2029, 7, 18)),
    ("9", (2032, 7, 18)),
];
const AMAZON: &[(&str, Day)] = &[("1", (2023, 12, 31)), ("2", (2026, 6, 30)), ("2023", (2028, 3, 15))];
const PHOTON: &[(&str, Day)] = &[
    ("1.0", (2022, 2, 28)),
    ("2.0", (2022, 12, 31)),
    ("3.0", (2024, 3, 31)),
    ("4.0", (2026, 3, 31)),
    ("5.0", NEVER),
];
const SLES: &[(&str, Day)] = &[
    ("12.5", (2024, 10, 31)),
    ("15", (2019, 12, 31)),
    ("15.1", (2021, 1, 31)),
    ("15.2", (2021, 12, 31)),
    ("15.3", (2022, 12, 31)),
    ("15.4", (2023, 12, 31)),
    ("15.5", (2024, 12, 31)),
    ("15.6", (2025, 12, 31)),
    ("15.7", (2031, 7, 31)),
    ("16.0", (2027, 11, 30)),
    ("16.1", (2028, 11, 30)),
];
const SLE_MICRO: &[(&str, Day)] = &[
    ("5.0", (2022, 3, 31)),
    ("5.1", (2025, 10, 31)),
    ("5.2", (2026, 4, 30)),
    ("5.3", (2026, 10, 30)),
    ("5.4", (2027, 4, 30)),
    ("5.5", (2027, 10, 31)),
    ("6.0", (2028, 6, 30)),
    ("6.1", (2028, 11, 30)),
];
const LEAP: &[(&str, Day)] = &[
    ("15.1", (2020, 11, 30)),
    ("15.2", (2021, 11, 30)),
    ("15.3", (2022, 11, 30)),
    ("15.4", (2023, 11, 30)),
    ("15.5", (2024, 12, 31)),
    ("15.6", (2025, 12, 31)),
    ("16.0", (2027, 10, 31)),
];

/// Whether the vendor no longer fixes the release on that day (days since 1970-01-01); `None` when that is not known.
pub fn end_of_life(distribution: &Distribution, today: i64) -> Option<bool> {
    let (major, minor) = (distribution.major(), distribution.major_minor());
    let esm = distribution.channels.iter().any(|channel| channel.starts_with("esm"));
    let (table, release) = match distribution.family {
        Family::Alpine => {
            let edge = distribution.repository.as_deref() == Some("edge") || distribution.version.contains("_alpha");
            (ALPINE, if edge { "edge" } else { minor })
        }
        Family::Debian => (DEBIAN, major),
        Family::Ubuntu if esm && UBUNTU_ESM.iter().any(|(known, _)| *known == minor) => (UBUNTU_ESM, minor),
        Family::Ubuntu => (UBUNTU, minor),
        Family::RedHat => (RED_HAT, major),
        Family::CentOs => (CENTOS, major),
        Family::Alma => (ALMA, major),
        Family::Rocky => (ROCKY, major),
        Family::Oracle => (ORACLE, major),
        Family::Amazon => (AMAZON, major.split(' ').next().unwrap_or(major)),
        Family::Photon => (PHOTON, minor),
        Family::Sles => (SLES, minor),
        Family::SleMicro => (SLE_MICRO, minor),
        Family::OpenSuseLeap => (LEAP, minor),
        // These are rolling, or fixed for as long as they are published.
        Family::Azure
        | Family::CblMariner
        | Family::Wolfi
        | Family::Chainguard
        | Family::MinimOs
        | Family::Echo
        | Family::OpenSuseTumbleweed
        | Family::Bottlerocket => return Some(false),
        _ => return None,
    };
    let &(_, (year, month, day)) = table.iter().find(|(known, _)| *known == release)?;
    Some(today > days(year, month, day))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, by counting years from March.
fn days(year: i64, month: u8, day: u8) -> i64 {
    let (year, month) = if month <= 2 {
        (year - 1, i64::from(month) + 9)
    } else {
        (year, i64::from(month) - 3)
    };
    let day_of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (date, expected) in [
            ((1970, 1, 1), 0),
            ((2000, 2, 29), 11_016),
            ((2024, 12, 31), 20_088),
            ((1969, 12, 31), -1),
        ] {
            assert_eq!(days(date.0, date.1, date.2), expected, "{date:?}");
        }
    }

    #[test]
    fn the_last_day_is_still_supported() {
        let distribution = Distribution::new(Family::Debian, "10.13");
        assert_eq!(end_of_life(&distribution, days(2024, 6, 30)), Some(false));
        assert_eq!(end_of_life(&distribution, days(2024, 7, 1)), Some(true));
    }

    #[test]
    fn releases_without_a_date_are_unknown() {
        assert_eq!(end_of_life(&Distribution::new(Family::Alpine, "4.0.1"), 20_000), None);
        assert_eq!(end_of_life(&Distribution::new(Family::Fedora, "40"), 20_000), None);
        assert_eq!(end_of_life(&Distribution::new(Family::Wolfi, ""), 20_000), Some(false));
    }

    #[test]
    fn a_subscribed_ubuntu_has_the_longer_support() {
        let mut distribution = Distribution::new(Family::Ubuntu, "18.04");
        let today = days(2025, 1, 1);
        assert_eq!(end_of_life(&distribution, today), Some(true));
        distribution.channels.push("esm-infra".to_owned());
        assert_eq!(end_of_life(&distribution, today), Some(false));
    }
}
