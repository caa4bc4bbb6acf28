//! The pieces that sort keys are made of, and the order of decimal numbers of any length.
//!
//! A piece never is the beginning of another piece of its kind, so that what follows one is only compared where the
//! pieces are equal, and concatenated pieces compare like the list of their values.

use std::cmp::Ordering;

/// Without leading zeros: nothing is left of zero.
fn significant(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

/// The order of two decimal numbers; no digits at all are zero.
pub(super) fn decimal_order(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (significant(a), significant(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Appends a decimal number: how many significant digits, then the digits.
pub(super) fn push_decimal(key: &mut Vec<u8>, digits: &[u8]) {
    let digits = significant(digits);
    // The count itself must sort by value: 255 says that it is too large for one byte and that four follow.
    match u8::try_from(digits.len()) {
        Ok(count) if count < u8::MAX => key.push(count),
        _ => {
            key.push(u8::MAX);
            key.extend_from_slice(&u32::try_from(digits.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    key.extend_from_slice(digits);
}

/// Appends a number: how many significant bytes, then the bytes. Not to be mixed with [`push_decimal`] in one place.
pub(super) fn push_number(key: &mut Vec<u8>, number: u64) {
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let significant = bytes.get(zeros..).unwrap_or_default();
    key.push(u8::try_from(significant.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(significant);
}

/// Appends text that holds no NUL, and the NUL that makes a beginning sort before what it begins.
pub(super) fn push_text(key: &mut Vec<u8>, text: &[u8]) {
    key.extend_from_slice(text);
    key.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_numbers_sort_like_the_numbers() {
        let long = "7".repeat(254);
        let longer = "1".repeat(255);
        let longest = "1".repeat(600);
        let ascending = ["", "1", "9", "10", "0099", "100", &long, &longer, &longest];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                let (mut key_a, mut key_b) = (Vec::new(), Vec::new());
                push_decimal(&mut key_a, a.as_bytes());
                push_decimal(&mut key_b, b.as_bytes());
                assert_eq!(decimal_order(a.as_bytes(), b.as_bytes()), i.cmp(&j), "{a} {b}");
                assert_eq!(key_a.cmp(&key_b), i.cmp(&j), "{a} {b}");
            }
        }
        let numbers = [0, 1, 255, 256, 65_535, 65_536, u64::MAX - 1, u64::MAX];
        let keys = numbers.map(|number| {
            let mut key = Vec::new();
            push_number(&mut key, number);
            key
        });
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    }
}
