//! Durations as policies write them: `168h`, `30m`, `1h30m`, and days (`7d`), which Go's syntax lacks.

/// The seconds of a duration; `None` for anything else, also where they do not fit.
pub fn parse(text: &str) -> Option<i64> {
    let mut seconds: i64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|byte: char| !byte.is_ascii_digit())?;
        let (number, unit) = rest.split_at_checked(digits)?;
        let number: i64 = number.parse().ok()?;
        let mut unit = unit.chars();
        let factor = match unit.next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(factor)?)?;
        rest = unit.as_str();
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_what_people_write() {
        for (text, expected) in [
            ("168h", Some(604_800)),
            ("30m", Some(1800)),
            ("1h30m", Some(5400)),
            ("7d", Some(604_800)),
            ("0s", Some(0)),
            ("", None),
            ("5", None),
            ("h", None),
            ("-1h", None),
            ("1ms", None),
            ("99999999999999999999h", None),
            ("9223372036854775807d", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
