//! Names of entries, cleaned once: nothing further on meets `..`, doubled slashes or a leading one.

use seaworthy_model::limits;

/// The directory of a normalised path; empty for the root.
pub(crate) fn parent(path: &[u8]) -> &[u8] {
    path.iter()
        .rposition(|byte| *byte == b'/')
        .and_then(|at| path.get(..at))
        .unwrap_or_default()
}

/// The directory of a path and the last name in it.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let directory = parent(path);
    let name = path.get(directory.len()..).unwrap_or_default();
    (directory, name.strip_prefix(b"/").unwrap_or(name))
}

/// `path` without leading `/`, `./`, doubled slashes, `.` and `..`, as the runtimes clean names; `None` for the root itself,
/// for names that leave it or contain NUL, and for names that no system would create.
pub(crate) fn normalize(path: &[u8]) -> Option<Vec<u8>> {
    if path.len() > limits::PATH_BYTES || path.contains(&0) {
        return None;
    }
    let mut normal = Vec::with_capacity(path.len());
    let mut depth = 0usize;
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                depth = depth.checked_sub(1)?;
                let end = normal.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                normal.truncate(end);
            }
            part => {
                depth += 1;
                if !normal.is_empty() {
                    normal.push(b'/');
                }
                normal.extend_from_slice(part);
            }
        }
    }
    (!normal.is_empty() && depth <= limits::PATH_DEPTH).then_some(normal)
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn names_are_normalised() {
        for (raw, normal) in [
            ("./a/b", Some("a/b")),
            ("/a//b/", Some("a/b")),
            ("a/./b", Some("a/b")),
            ("a/../b", Some("b")),
            ("a/b/../../c/./d/..", Some("c")),
            ("a/..", None),
            ("../b", None),
            ("a/../../b", None),
            (".", None),
            ("", None),
            ("...", Some("...")),
        ] {
            assert_eq!(normalize(raw.as_bytes()).as_deref(), normal.map(str::as_bytes), "{raw}");
        }
    }
}
