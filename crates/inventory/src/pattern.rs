//! Path patterns of `--skip-dirs` and `--skip-files`, as users of Trivy write them.

/// A path pattern as Trivy takes them: `*` within a component, `**` across components, `?` one character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern relative to the root; a leading `/` or `./` means the same.
    pub fn new(text: &str) -> Self {
        Self(text.trim_start_matches("./").trim_matches('/').to_owned())
    }

    /// The pattern as it is applied.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern covers the whole path.
    pub fn matches(&self, path: &[u8]) -> bool {
        glob(self.0.as_bytes(), path)
    }
}

/// Linear matching with one point of return for `*` and one for `**`: no pattern makes it exponential.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0usize, 0usize);
    let mut star: Option<(usize, usize)> = None;
    let mut globstar: Option<(usize, usize)> = None;
    loop {
        let rest = pattern.get(p..).unwrap_or_default();
        if let [b'*', b'*', after @ ..] = rest {
            p += if after.first() == Some(&b'/') { 3 } else { 2 };
            globstar = Some((p, t));
            star = None;
            continue;
        }
        match (rest.first(), text.get(t)) {
            (Some(b'*'), _) => {
                p += 1;
                star = Some((p, t));
                continue;
            }
            (Some(b'?'), Some(other)) if *other != b'/' => {
                (p, t) = (p + 1, t + 1);
                continue;
            }
            (Some(a), Some(b)) if a == b => {
                (p, t) = (p + 1, t + 1);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        if let Some((back, at)) = star
            && text.get(at).is_some_and(|byte| *byte != b'/')
        {
            star = Some((back, at + 1));
            (p, t) = (back, at + 1);
            continue;
        }
        match globstar {
            Some((back, at)) if at < text.len() => {
                globstar = Some((back, at + 1));
                star = None;
                (p, t) = (back, at + 1);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn patterns_match_as_users_of_trivy_know_them() {
        for (pattern, path, holds) in [
            ("usr/lib", "usr/lib", true),
            ("/usr/lib", "usr/lib", true),
            ("usr/*", "usr/lib", true),
            ("usr/*", "usr/lib/python", false),
            ("**/node_modules", "app/x/node_modules", true),
            ("**/node_modules", "node_modules", true),
            ("usr/**", "usr/lib/python", true),
            ("**/*.txt", "a/b/c.txt", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("**/a*b*c", "x/aXbYc", true),
            ("**/a*b*c", "x/aXbY", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(path.as_bytes()),
                holds,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn hostile_patterns_do_not_explode() {
        let text = "a".repeat(4000);
        assert!(Pattern::new(&"*a".repeat(2000)).matches(text.as_bytes()));
        assert!(!Pattern::new(&("*a".repeat(2000) + "b")).matches(text.as_bytes()));
        assert!(!Pattern::new(&"**/a*".repeat(300)).matches("b/".repeat(1000).as_bytes()));
    }
}
