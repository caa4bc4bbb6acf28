//! RFC 3339 times as seconds since 1970, for rules that ask how long something is known.

/// The seconds of `2027-03-01T00:00:00Z`, also with fractions and offsets, or of the day `2027-03-01`.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, time),
        None => (text, "00:00:00Z"),
    };
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4)?;
    let month = number(parts.next()?, 2)?;
    let day = number(parts.next()?, 2)?;
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let zone = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(zone)?;
    let clock = clock.split('.').next()?;
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = number(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let second = number(parts.next()?, 2).filter(|second| *second <= 60)?;
    if parts.next().is_some() {
        return None;
    }
    let offset = match zone.strip_prefix(['Z', 'z']) {
        Some("") => 0,
        Some(_) => return None,
        None => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let seconds = number(hours, 2)? * 3600 + number(minutes, 2)? * 60;
            if zone.starts_with('-') { -seconds } else { seconds }
        }
    };
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar; years are counted from March, so that the leap day is last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_times() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2027-03-01T00:00:00Z", Some(1_803_859_200)),
            ("2026-11-25T00:30:00+00:30", Some(1_795_564_800)),
            ("2024-02-29", Some(1_709_164_800)),
            ("2026-11-25T00:00:00.123Z", Some(1_795_564_800)),
            ("2023-02-29", None),
            ("2026-11-25T25:00:00Z", None),
            ("soon", None),
            ("2026-11-25T00:00:00", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
