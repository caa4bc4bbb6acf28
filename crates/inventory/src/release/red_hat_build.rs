//! What Red Hat's build system leaves in an image: the content sets (repositories) that its packages came from.
//!
//! `root/buildinfo/content_manifests/*.json` in layered images, `usr/share/buildinfo/*.json` in newer ones.

use seaworthy_model::{Effect, Problem, limits};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::ReleaseFact;
use crate::analyzer::{Analyzer, File, FileReport};
use crate::language::json;

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "red-hat-build",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

fn wants(path: &str) -> bool {
    ["root/buildinfo/content_manifests/", "usr/share/buildinfo/"]
        .iter()
        .filter_map(|directory| path.strip_prefix(directory))
        .any(|name| name.ends_with(".json") && !name.contains('/'))
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    match json::object::<Manifest>(file.bytes) {
        Ok(Manifest { content_sets }) => {
            if content_sets.cut {
                let what = format!(
                    "lists more than {} content sets, the rest was not read",
                    limits::LIST_ENTRIES
                );
                report
                    .problems
                    .push(Problem::at_path(file.path, Effect::Uncertain, what));
            }
            if !content_sets.names.is_empty() {
                report.release.push(ReleaseFact::ContentSets(content_sets.names));
            }
        }
        Err(error) => {
            let what = format!("the content manifest could not be read, the content sets are unknown: {error}");
            report
                .problems
                .push(Problem::at_path(file.path, Effect::Uncertain, what));
        }
    }
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    content_sets: ContentSets,
}

#[derive(Default)]
struct ContentSets {
    names: Vec<String>,
    cut: bool,
}

impl<'de> Deserialize<'de> for ContentSets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = ContentSets;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a list of content sets")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ContentSets, A::Error> {
                let mut sets = ContentSets::default();
                while sets.names.len() < limits::LIST_ENTRIES {
                    let Some(name) = list.next_element::<String>()? else {
                        return Ok(sets);
                    };
                    sets.names.push(name);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    sets.cut = true;
                }
                Ok(sets)
            }

            fn visit_unit<E>(self) -> Result<ContentSets, E> {
                Ok(ContentSets::default())
            }
        }
        deserializer.deserialize_any(Names)
    }
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport, ReleaseFact, limits};

    fn read(text: &str) -> FileReport {
        let path = "root/buildinfo/content_manifests/ubi8-container-8.4-206.json";
        assert!((ANALYZER.wants)(path));
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
        report
    }

    #[test]
    fn content_sets() {
        let report = read(
            r#"{"metadata": {"icm_version": 1}, "content_sets": ["rhel-8-for-x86_64-baseos-rpms"], "image_contents": []}"#,
        );
        assert_eq!(
            report.release,
            [ReleaseFact::ContentSets(vec![
                "rhel-8-for-x86_64-baseos-rpms".to_owned()
            ])]
        );
        for text in ["{}", r#"{"content_sets": []}"#, r#"{"content_sets": null}"#] {
            assert_eq!(read(text), FileReport::default(), "{text}");
        }
    }

    #[test]
    fn damaged_and_endless() {
        for text in ["", "{", r#"{"content_sets": 5}"#, r#"{"content_sets": [5]}"#] {
            let report = read(text);
            assert_eq!((report.release.len(), report.problems.len()), (0, 1), "{text}");
        }
        // Depth outside the field is skipped without recursion.
        let deep = format!("{{\"x\": {}{}}}", "[".repeat(1 << 20), "]".repeat(1 << 20));
        assert_eq!(read(&deep), FileReport::default());
        let endless = format!("{{\"content_sets\": [{}\"\"]}}", "\"\",".repeat(1 << 20));
        let report = read(&endless);
        assert_eq!(report.problems.len(), 1);
        match report.release.as_slice() {
            [ReleaseFact::ContentSets(names)] => assert_eq!(names.len(), limits::LIST_ENTRIES),
            other => panic!("{} facts", other.len()),
        }
    }
}
