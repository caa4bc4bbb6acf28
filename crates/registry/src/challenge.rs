//! `WWW-Authenticate` (RFC 9110, section 11.6.1): what a registry wants to see before it answers.

use seaworthy_model::limits;

/// One challenge with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme in lower case: `bearer`, `basic`.
    pub scheme: String,
    /// Parameters in the order in which they stand, names in lower case.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter; the first where it stands twice.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads the challenges of one header line; what cannot be understood ends the list.
pub fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = header;
    for _ in 0..limits::CHALLENGES {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = token(rest);
        if word.is_empty() {
            break;
        }
        let spaced = after.trim_start_matches([' ', '\t']);
        let parameter = spaced
            .strip_prefix('=')
            .filter(|value| !value.starts_with('=') && !value.trim().is_empty());
        match (parameter, challenges.last_mut()) {
            (Some(value), Some(challenge)) => {
                let (value, after) = value_of(value.trim_start_matches([' ', '\t']));
                challenge.parameters.push((word.to_ascii_lowercase(), value));
                rest = after;
            }
            (Some(_), None) => break,
            (None, _) => {
                challenges.push(Challenge {
                    scheme: word.to_ascii_lowercase(),
                    parameters: Vec::new(),
                });
                rest = token68(spaced);
            }
        }
    }
    challenges
}

/// A word of RFC 9110's `token` characters, and what follows.
fn token(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_alphanumeric() && !"!#$%&'*+-.^_`|~".contains(character))
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// What follows a `token68` (`Negotiate YII…=`), where there is one: a word that ends at a comma or at the end.
fn token68(text: &str) -> &str {
    let end = text.find(',').unwrap_or(text.len());
    let (word, after) = text.split_at_checked(end).unwrap_or((text, ""));
    let word = word.trim();
    let bare = word.trim_end_matches('=');
    let whole = !word.is_empty()
        && bare
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
    // `Basic, Bearer realm=…` and `Bearer realm=…` have none: a word followed by another scheme stands after a comma.
    if whole { after } else { text }
}

/// A quoted or bare value, and what follows.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, after) = text.split_at_checked(end).unwrap_or((text, ""));
        return (value.to_owned(), after);
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, character) in quoted.char_indices() {
        match character {
            _ if escaped => {
                value.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, quoted.get(at + 1..).unwrap_or("")),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn shown(header: &str) -> String {
        let challenges = parse(header);
        let shown = challenges.iter().map(|challenge| {
            let parameters: Vec<String> = challenge
                .parameters
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("{}({})", challenge.scheme, parameters.join(";"))
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn challenges_of_real_registries_are_read() {
        for (header, expected) in [
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull""#,
                "bearer(realm=https://auth.docker.io/token;service=registry.docker.io;scope=repository:library/alpine:pull)",
            ),
            (r#"Basic realm="Registry Realm""#, "basic(realm=Registry Realm)"),
            (
                r#"BASIC realm = "a\"b" , charset=UTF-8"#,
                "basic(realm=a\"b;charset=UTF-8)",
            ),
            (
                r#"Bearer realm="https://a/b",scope="repository:x:pull,push", Basic realm="c""#,
                "bearer(realm=https://a/b;scope=repository:x:pull,push) basic(realm=c)",
            ),
            ("Negotiate, Basic realm=x", "negotiate() basic(realm=x)"),
            ("Negotiate YIIabc==, Basic realm=x", "negotiate() basic(realm=x)"),
            ("Bearer", "bearer()"),
            ("", ""),
            (", ,", ""),
            ("=x", ""),
            (r#"Bearer realm="open"#, "bearer(realm=open)"),
        ] {
            assert_eq!(shown(header), expected, "{header}");
        }
    }

    #[test]
    fn an_endless_header_ends() {
        assert!(parse(&"a=b,".repeat(100_000)).is_empty());
        assert!(parse(&"Basic ".repeat(100_000)).len() <= 64);
        assert!(parse(&format!("Basic {}", "a=b,".repeat(100_000))).len() == 1);
    }
}
