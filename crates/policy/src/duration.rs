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

/// A duration as people would write it, in at most two units: `30m`, `1h30m`, `7d`.
pub fn text(seconds: i64) -> String {
    let units = [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')];
    let mut rest = seconds.max(0);
    let mut parts = Vec::new();
    for (size, unit) in units {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            parts.push(format!("{count}{unit}"));
        }
    }
    match parts.is_empty() {
        true => "0s".to_owned(),
        false => parts.into_iter().take(2).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, text};

    #[test]
    fn writes_what_people_read() {
        for (seconds, expected) in [
            (0, "0s"),
            (-5, "0s"),
            (3, "3s"),
            (1800, "30m"),
            (5400, "1h30m"),
            (604_800, "7d"),
            (90_061, "1d1h"),
        ] {
            assert_eq!(text(seconds), expected, "{seconds}");
        }
    }

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
