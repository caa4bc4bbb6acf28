//! Which of Ubuntu's Pro channels an image is subscribed to: fixes from them exist for it, and not for others.
//!
//! Three signs count: an enabled service in the client's status, a source of `esm.ubuntu.com`, and credentials for it.
//! Only the channel's name is kept; the credentials file holds a secret.

use seaworthy_model::{Effect, Problem, limits};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::ReleaseFact;
use crate::analyzer::{Analyzer, File, FileReport};
use crate::language::json;

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "ubuntu-pro",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

const STATUS: &str = "var/lib/ubuntu-advantage/status.json";
const CREDENTIALS: &str = "etc/apt/auth.conf.d/90ubuntu-advantage";
const CHANNELS: [(&str, &str); 2] = [
    ("esm-apps", "esm.ubuntu.com/apps"),
    ("esm-infra", "esm.ubuntu.com/infra"),
];

fn wants(path: &str) -> bool {
    path == STATUS
        || path == CREDENTIALS
        || path == "etc/apt/sources.list"
        || path
            .strip_prefix("etc/apt/sources.list.d/")
            .is_some_and(|name| !name.contains('/') && (name.ends_with(".list") || name.ends_with(".sources")))
}

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let mut enabled = [false; CHANNELS.len()];
    if file.path == STATUS {
        match json::object::<Status>(file.bytes) {
            Ok(status) => enabled = status.services,
            Err(error) => {
                let what = format!("the status of Ubuntu Pro could not be read, its channels are unknown: {error}");
                report
                    .problems
                    .push(Problem::at_path(file.path, Effect::Uncertain, what));
            }
        }
    } else if file.path.ends_with(".sources") {
        sources(&text, &mut enabled);
    } else {
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            note(line, &mut enabled);
        }
    }
    for ((channel, _), _) in CHANNELS.iter().zip(enabled).filter(|(_, enabled)| *enabled) {
        report.release.push(ReleaseFact::Channel((*channel).to_owned()));
    }
}

fn note(line: &str, enabled: &mut [bool; CHANNELS.len()]) {
    for ((_, host), enabled) in CHANNELS.iter().zip(enabled) {
        *enabled |= line.contains(host);
    }
}

/// deb822-style sources (sources.list(5)): stanzas between empty lines, of which `Enabled: no` switches one off.
fn sources(text: &str, enabled: &mut [bool; CHANNELS.len()]) {
    let mut stanza = [false; CHANNELS.len()];
    let mut on = true;
    let mut uris = false;
    for line in text.lines().chain([""]) {
        if line.trim().is_empty() {
            if on {
                enabled
                    .iter_mut()
                    .zip(stanza)
                    .for_each(|(enabled, found)| *enabled |= found);
            }
            (stanza, on, uris) = ([false; CHANNELS.len()], true, false);
        } else if line.starts_with('#') {
        } else if line.starts_with([' ', '\t']) {
            if uris {
                note(line, &mut stanza);
            }
        } else if let Some((field, value)) = line.split_once(':') {
            uris = field.eq_ignore_ascii_case("URIs");
            if uris {
                note(value, &mut stanza);
            } else if field.eq_ignore_ascii_case("Enabled") {
                on = !["no", "false", "0", "off", "without", "disable"]
                    .iter()
                    .any(|word| value.trim().eq_ignore_ascii_case(word));
            }
        }
    }
}

/// The client's status file, reduced to what is enabled while it is read.
#[derive(Deserialize)]
struct Status {
    #[serde(default, deserialize_with = "enabled_services")]
    services: [bool; CHANNELS.len()],
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Service {
    name: String,
    status: String,
}

fn enabled_services<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[bool; CHANNELS.len()], D::Error> {
    struct Services;
    impl<'de> Visitor<'de> for Services {
        type Value = [bool; CHANNELS.len()];

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a list of services")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut enabled = [false; CHANNELS.len()];
            let mut count = 0usize;
            while count < limits::LIST_ENTRIES {
                let Some(service) = list.next_element::<Service>()? else {
                    return Ok(enabled);
                };
                count += 1;
                for ((channel, _), enabled) in CHANNELS.iter().zip(&mut enabled) {
                    *enabled |= service.name == *channel && service.status == "enabled";
                }
            }
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(enabled)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok([false; CHANNELS.len()])
        }
    }
    deserializer.deserialize_any(Services)
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport, ReleaseFact};

    fn read(path: &str, text: &str) -> FileReport {
        assert!((ANALYZER.wants)(path), "{path}");
        let mut report = FileReport::default();
        (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
        report
    }

    #[test]
    fn channels() {
        const STATUS: &str = super::STATUS;
        let cases: &[(&str, &str, &[&str])] = &[
            (
                STATUS,
                r#"{"services": [{"name": "esm-infra", "status": "enabled"}]}"#,
                &["esm-infra"],
            ),
            (
                STATUS,
                r#"{"services": [{"name": "esm-infra", "status": "disabled"}, {"name": "x"}]}"#,
                &[],
            ),
            (STATUS, r#"{"services": null, "deep": [[[[]]]]}"#, &[]),
            (STATUS, "\u{feff}{}", &[]),
            (
                "etc/apt/sources.list.d/ubuntu-esm-apps.list",
                "deb https://esm.ubuntu.com/apps/ubuntu jammy-apps-security main\n",
                &["esm-apps"],
            ),
            (
                "etc/apt/sources.list.d/x.list",
                "# deb https://esm.ubuntu.com/apps/ubuntu jammy main\n",
                &[],
            ),
            (
                "etc/apt/sources.list.d/ubuntu-esm-infra.sources",
                "Types: deb\nURIs: https://esm.ubuntu.com/infra/ubuntu\nSuites: noble-infra-security\n",
                &["esm-infra"],
            ),
            (
                "etc/apt/sources.list.d/ubuntu-esm-infra.sources",
                "Enabled: no\nURIs: https://esm.ubuntu.com/infra/ubuntu\n\nURIs:\n https://esm.ubuntu.com/apps/ubuntu",
                &["esm-apps"],
            ),
            (
                super::CREDENTIALS,
                "machine esm.ubuntu.com/apps/ubuntu/ login bearer password x # ubuntu-pro-client\n",
                &["esm-apps"],
            ),
            (
                "etc/apt/sources.list",
                "deb http://archive.ubuntu.com/ubuntu jammy main\n",
                &[],
            ),
        ];
        for (path, text, expected) in cases {
            let report = read(path, text);
            let expected: Vec<_> = expected
                .iter()
                .map(|channel| ReleaseFact::Channel((*channel).to_owned()))
                .collect();
            assert_eq!(report.release, expected, "{path} {text}");
            assert_eq!(report.problems, [], "{path} {text}");
        }
    }

    #[test]
    fn damaged_status_is_said() {
        let deep = format!("{{\"services\": {}", "[".repeat(1 << 20));
        for text in ["", "{", "[]", r#"{"services": 5}"#, deep.as_str()] {
            let report = read(super::STATUS, text);
            assert_eq!((report.release.len(), report.problems.len()), (0, 1), "{:.40}", text);
        }
    }
}
