//! When a request is sent again: back-off with jitter, and what `Retry-After` (RFC 9110, section 10.2.3) asks for.

use crate::Retry;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl Retry {
    /// The wait after `attempt` (counted from 0) failed: between half and the whole of a time that doubles.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let whole = self.first.saturating_mul(1 << attempt.min(16)).min(self.longest);
        let half = whole / 2;
        // The clock's fine digits are jitter enough: they only have to differ between clients.
        let nanoseconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.subsec_nanos());
        half + half.mul_f64(f64::from(nanoseconds % 1000) / 1000.0)
    }
}

/// The wait that an answer asks for.
pub(crate) fn asked(response: &reqwest::Response) -> Option<Duration> {
    let value = response.headers().get(reqwest::header::RETRY_AFTER)?;
    retry_after(value.to_str().ok()?, SystemTime::now())
}

/// Reads `Retry-After`: seconds, or a date.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let seconds = u64::try_from(date.as_second()).ok()?.saturating_sub(now);
    Some(Duration::from_secs(seconds))
}

/// Whether a status says that the same request may succeed later.
pub(crate) const fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 500 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use super::retry_after;
    use crate::Retry;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_767);
        for (value, expected) in [
            ("5", Some(5)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn pauses_grow_and_have_an_end() {
        let retry = Retry::default();
        assert!(retry.pause(0) >= retry.first / 2 && retry.pause(0) <= retry.first);
        assert!(retry.pause(2) > retry.pause(0));
        assert!(retry.pause(u32::MAX) <= retry.longest);
    }
}
