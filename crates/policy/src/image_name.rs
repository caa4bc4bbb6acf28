//! Names of images as people write them, as registries know them, and with the digest that was scanned.
//!
//! `myapp:v1` is `docker.io/library/myapp:v1` (the rules of the distribution project's reference package).

/// The reference with registry, `library/` and tag spelled out; text that is no reference comes back as it is.
pub fn normalise(image: &str) -> String {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let (registry, path) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest.to_owned()),
        Some(_) => ("docker.io", name.to_owned()),
        None => ("docker.io", format!("library/{name}")),
    };
    let registry = match registry {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        other => other,
    };
    let path = match registry {
        "docker.io" if !path.contains('/') => format!("library/{path}"),
        _ => path,
    };
    let tagged = path.rsplit('/').next().is_some_and(|last| last.contains(':'));
    match (digest, tagged) {
        (Some(digest), _) => format!("{registry}/{path}@{digest}"),
        (None, true) => format!("{registry}/{path}"),
        (None, false) => format!("{registry}/{path}:latest"),
    }
}

/// The digest that a reference names itself, as text with its algorithm.
pub fn digest(image: &str) -> Option<&str> {
    image.split_once('@').map(|(_, digest)| digest)
}

/// The reference with this digest: `repo:tag@sha256:…`. A reference that has one already stays.
pub fn pin(image: &str, to: &str) -> String {
    match digest(image) {
        Some(_) => image.to_owned(),
        None => format!("{image}@{to}"),
    }
}

/// The reference as it was before it was pinned: `repo:tag` of `repo:tag@sha256:…`, anything else as it is.
pub fn unpinned(image: &str) -> &str {
    match image.split_once('@') {
        Some((name, _)) if name.rsplit('/').next().is_some_and(|last| last.contains(':')) => name,
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use super::{normalise, pin, unpinned};

    #[test]
    fn spells_names_out() {
        for (image, expected) in [
            ("myapp:v1", "docker.io/library/myapp:v1"),
            ("myapp", "docker.io/library/myapp:latest"),
            ("team/myapp", "docker.io/team/myapp:latest"),
            ("docker.io/myapp:v1", "docker.io/library/myapp:v1"),
            ("index.docker.io/library/myapp:v1", "docker.io/library/myapp:v1"),
            ("localhost/myapp", "localhost/myapp:latest"),
            ("localhost:5000/a/b:v1", "localhost:5000/a/b:v1"),
            ("ghcr.io/a/b", "ghcr.io/a/b:latest"),
            ("a/b:v1@sha256:00", "docker.io/a/b:v1@sha256:00"),
            ("a/b@sha256:00", "docker.io/a/b@sha256:00"),
        ] {
            assert_eq!(normalise(image), expected, "{image}");
        }
    }

    #[test]
    fn pins_once() {
        let pinned = pin("myapp:v1", "sha256:aa");
        assert_eq!(pinned, "myapp:v1@sha256:aa");
        assert_eq!(pin(&pinned, "sha256:bb"), pinned);
        assert_eq!(unpinned(&pinned), "myapp:v1");
        assert_eq!(unpinned("myapp@sha256:aa"), "myapp@sha256:aa");
    }
}
