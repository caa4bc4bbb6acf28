//! Numbers, columns and string tables as the advisory file stores them.
//!
//! Numbers are LEB128 varints, columns are length-prefixed. String tables are front-coded: how many bytes a string shares
//! with the one before it, and the rest. Everything read is checked; whatever does not fit is [`Malformed`].

/// What is wrong with an inflated section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Appends a varint.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number as u8 & 0x7f) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number, small ones of either sign in few bytes.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Appends a string with its length.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a column with its length.
pub(super) fn put_column(out: &mut Vec<u8>, column: &[u8]) {
    put_number(out, column.len() as u64);
    out.extend_from_slice(column);
}

/// Reads numbers and columns off the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes that are left: no column has more numbers.
    pub(crate) const fn len(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        match self.rest {
            // Most numbers are small, and reading them is most of what decoding costs.
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok((*byte).into())
            }
            [low, high, rest @ ..] if *high < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*low & 0x7f) | u64::from(*high) << 7)
            }
            [low, middle, high, rest @ ..] if *high < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*low & 0x7f) | u64::from(*middle & 0x7f) << 7 | u64::from(*high) << 14)
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0u64;
        let mut shift = 0u32;
        loop {
            let (&byte, rest) = self.rest.split_first().ok_or(Malformed("a number is cut off"))?;
            self.rest = rest;
            if shift == 63 && byte > 1 || shift > 63 {
                return Err(Malformed("a number is too large"));
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    #[inline]
    pub(crate) fn number32(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.number()?).map_err(|_| Malformed("a number is too large"))
    }

    /// A count of things of which each takes at least one byte somewhere in `bytes` bytes.
    pub(crate) fn count(&mut self, most: usize) -> Result<usize, Malformed> {
        let count = self.number()?;
        usize::try_from(count)
            .ok()
            .filter(|&count| count <= most)
            .ok_or(Malformed("a count is larger than its section"))
    }

    #[inline]
    pub(crate) fn signed(&mut self) -> Result<i64, Malformed> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (&byte, rest) = self.rest.split_first().ok_or(Malformed("a column is cut off"))?;
        self.rest = rest;
        Ok(byte)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Malformed("a column is cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn column(&mut self) -> Result<Self, Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed("a column is cut off"))?;
        self.take(length).map(Self::new)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed("a text is cut off"))?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    /// Fails when something is left: a column that is longer than its count is damage too.
    pub(crate) const fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed("a column is longer than its count"))
        }
    }
}

/// Strings one after another, addressed by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strings {
    heap: String,
    ends: Vec<u32>,
}

impl Strings {
    pub(crate) fn push(&mut self, text: &str) {
        self.heap.push_str(text);
        self.ends.push(u32::try_from(self.heap.len()).unwrap_or(u32::MAX));
    }

    pub(crate) const fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.heap.get(start..end)
    }

    /// Index of a string in a sorted table.
    pub(crate) fn find(&self, text: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle)?.cmp(text) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let (mut shared, mut lengths, mut rests) = (Vec::new(), Vec::new(), Vec::new());
        let mut before = "";
        for index in 0..self.len() {
            let text = self.get(index).unwrap_or("");
            let mut common = before
                .bytes()
                .zip(text.bytes())
                .take_while(|(a, b)| a == b)
                .count()
                .min(255);
            while !text.is_char_boundary(common) {
                common -= 1;
            }
            let rest = text.get(common..).unwrap_or("");
            shared.push(common as u8);
            put_number(&mut lengths, rest.len() as u64);
            rests.extend_from_slice(rest.as_bytes());
            before = text;
        }
        put_number(out, self.len() as u64);
        out.extend_from_slice(&shared);
        put_column(out, &lengths);
        put_column(out, &rests);
    }

    /// Reads a table; its strings together may have `most` bytes.
    pub(crate) fn decode(cursor: &mut Cursor<'_>, most: usize) -> Result<Self, Malformed> {
        let count = cursor.count(cursor.rest.len())?;
        let shared = cursor.take(count)?;
        let mut lengths = cursor.column()?;
        let mut rests = cursor.column()?;
        let mut heap: Vec<u8> = Vec::with_capacity(rests.rest.len() * 2);
        let mut ends = Vec::with_capacity(count);
        let mut before = 0;
        for &common in shared {
            let start = heap.len();
            let common = usize::from(common);
            if common > start - before {
                return Err(Malformed("a string shares more than there is"));
            }
            let length = usize::try_from(lengths.number()?).map_err(|_| Malformed("a string is too long"))?;
            let rest = rests.take(length)?;
            if start + common + length > most {
                return Err(Malformed("its strings are longer than the limit"));
            }
            heap.extend_from_within(before..before + common);
            heap.extend_from_slice(rest);
            ends.push(u32::try_from(heap.len()).map_err(|_| Malformed("its strings are longer than the limit"))?);
            before = start;
        }
        lengths.end()?;
        rests.end()?;
        let heap = String::from_utf8(heap).map_err(|_| Malformed("a string is not UTF-8"))?;
        if ends.iter().any(|&end| !heap.is_char_boundary(end as usize)) {
            return Err(Malformed("a string is not UTF-8"));
        }
        Ok(Self { heap, ends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [
            0,
            1,
            127,
            128,
            300,
            16_383,
            16_384,
            2_097_151,
            2_097_152,
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            let mut out = Vec::new();
            put_number(&mut out, number);
            assert_eq!(Cursor::new(&out).number(), Ok(number));
        }
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            let mut out = Vec::new();
            put_signed(&mut out, number);
            assert_eq!(Cursor::new(&out).signed(), Ok(number));
        }
        assert!(Cursor::new(&[0xff; 11]).number().is_err());
        assert!(Cursor::new(&[0x80]).number().is_err());
    }

    #[test]
    fn strings_come_back_and_are_found() {
        let mut strings = Strings::default();
        for text in ["", "acl", "apache2", "apache2-bin", "grün", "grüß"] {
            strings.push(text);
        }
        let mut out = Vec::new();
        strings.encode(&mut out);
        let mut cursor = Cursor::new(&out);
        let read = Strings::decode(&mut cursor, 1000);
        assert_eq!(read.as_ref(), Ok(&strings));
        assert_eq!(strings.find("apache2-bin"), Some(3));
        assert_eq!(strings.find("apache"), None);
        for length in 0..out.len() {
            assert!(
                Strings::decode(&mut Cursor::new(&out[..length]), 1000).is_err(),
                "{length}"
            );
        }
        assert!(Strings::decode(&mut Cursor::new(&out), 10).is_err(), "the limit holds");
    }
}
