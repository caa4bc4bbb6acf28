//! Globs of image references and package names: `*` matches any text, also `/` and `:`; `?` one character.

/// Whether the whole of `text` matches. Linear in practice and never worse than the product of the lengths.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut from) = (0, 0);
    // The last star, and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = text.get(from) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                at += 1;
                from += 1;
            }
            _ => match star.as_mut() {
                Some((place, taken)) => {
                    *taken += 1;
                    at = *place + 1;
                    from = *taken;
                }
                None => return false,
            },
        }
    }
    pattern
        .get(at..)
        .is_none_or(|rest| rest.iter().all(|left| *left == '*'))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_match_slashes_and_colons() {
        for (pattern, text, expected) in [
            ("registry.example/shop/*", "registry.example/shop/a/b:v1", true),
            ("registry.example/shop/*", "registry.example/shopping/a", false),
            ("openssl*", "openssl", true),
            ("openssl*", "libopenssl", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXbd", false),
            ("v?", "v1", true),
            ("v?", "v12", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_forever() {
        assert!(!matches(&"*a".repeat(200), &"b".repeat(20_000)));
    }
}
