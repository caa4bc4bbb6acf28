//! The settings file: every flag can stand in it, below the command line and the environment, above the defaults.
//!
//! A key is the flag's name without the dashes in front, or the name that Trivy's own file has for it
//! (`vulnerability.ignore-unfixed`, `registry.token`), so that such a file can be copied. What is only in the file:
//! `registry.mirrors` and `registry.token-servers`.

use crate::small_file;
use anyhow::{Context, Result, bail};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file that is read when none is named.
const USUAL: &str = "seaworthy.yaml";
/// Names that differ from the flag's, all of them Trivy's.
const NAMES: [(&str, &str); 7] = [
    ("cache.dir", "cache-dir"),
    ("db.skip-update", "skip-db-update"),
    ("image.source", "image-src"),
    ("pkg.types", "pkg-types"),
    ("registry.token", "registry-token"),
    ("scan.offline", "offline-scan"),
    ("db.path", "db"),
];
/// Flags that say what to do, not how.
const NOT_BY_FILE: [&str; 4] = ["help", "version", "config", "input"];
/// Commands without settings: what follows them is data.
pub(crate) const WITHOUT: [&str; 4] = ["versions", "completions", "man", "version"];
/// Where mirrors stand.
const MIRRORS: [&str; 2] = ["registry.mirrors", "mirrors"];
/// Where token servers stand that are trusted although they belong to another site than their registry.
const TOKEN_SERVERS: &str = "registry.token-servers";

/// What a settings file says.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    path: PathBuf,
    /// Dotted keys and their values in the order of the file.
    values: Vec<(String, Vec<String>)>,
    /// Hosts and the mirrors that are asked before them.
    pub(crate) mirrors: Vec<(String, String)>,
    /// Registries and the token servers that may see their credentials.
    pub(crate) token_servers: Vec<(String, String)>,
}

impl Settings {
    /// Reads the file named, which must exist, or the usual one, which need not.
    pub(crate) fn read(named: Option<&Path>) -> Result<Option<Self>> {
        let path = named.unwrap_or_else(|| Path::new(USUAL));
        let cannot = || format!("cannot read the settings file {}", path.display());
        let bytes = match small_file::read(path) {
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.with_context(cannot)?,
        };
        let text = String::from_utf8(bytes).with_context(cannot)?;
        Self::parse(&text, path).map(Some)
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let mut settings = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        if text
            .lines()
            .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            return Ok(settings);
        }
        let value: Value = serde_saphyr::from_str(text)
            .with_context(|| format!("the settings file {} is not valid YAML", path.display()))?;
        settings.add("", &value)?;
        Ok(settings)
    }

    fn add(&mut self, key: &str, value: &Value) -> Result<()> {
        if MIRRORS.contains(&key) {
            let mirrors = self.by_host(value, "registry.mirrors is written as HOST: [MIRROR, …]")?;
            self.mirrors.extend(mirrors);
            return Ok(());
        }
        if key == TOKEN_SERVERS {
            let servers = self.by_host(value, "registry.token-servers is written as REGISTRY: [HOST, …]")?;
            self.token_servers.extend(servers);
            return Ok(());
        }
        let texts = match value {
            Value::Null => return Ok(()),
            Value::Object(fields) => {
                for (name, value) in fields {
                    let name = name.replace('_', "-");
                    let below = if key.is_empty() { name } else { format!("{key}.{name}") };
                    self.add(&below, value)?;
                }
                return Ok(());
            }
            Value::Array(values) => values.iter().map(scalar).collect(),
            value => scalar(value).map(|text| vec![text]),
        };
        match texts {
            Some(texts) if !key.is_empty() => self.values.push((key.to_owned(), texts)),
            _ => bail!(
                "the settings file {}: {} must be a value or a list of values",
                self.path.display(),
                if key.is_empty() { "the file" } else { key }
            ),
        }
        Ok(())
    }

    /// Pairs of a host and one of the texts that are listed for it.
    fn by_host(&self, value: &Value, wrong: &str) -> Result<Vec<(String, String)>> {
        let Value::Object(hosts) = value else {
            bail!("the settings file {}: {wrong}", self.path.display());
        };
        let mut pairs = Vec::new();
        for (host, texts) in hosts {
            let listed = match texts {
                Value::Array(texts) => texts.iter().map(scalar).collect::<Option<Vec<_>>>(),
                one => scalar(one).map(|text| vec![text]),
            };
            let Some(listed) = listed else {
                bail!("the settings file {}: {wrong}", self.path.display());
            };
            pairs.extend(listed.into_iter().map(|text| (host.clone(), text)));
        }
        Ok(pairs)
    }

    /// The words that stand for the file on a command line: for flags that are given neither there nor by a variable.
    pub(crate) fn words(&self, command: impl FnOnce() -> Command, matches: &ArgMatches) -> Vec<String> {
        if self.values.is_empty() {
            return Vec::new();
        }
        let built = command();
        let (mut command, mut matches) = (&built, matches);
        let globals = command;
        while let Some((name, below)) = matches.subcommand() {
            if WITHOUT.contains(&name) {
                return Vec::new();
            }
            let Some(found) = command.find_subcommand(name) else {
                return Vec::new();
            };
            (command, matches) = (found, below);
        }
        // A flag may stand in the file under its own name and under Trivy's: the later wins, as a flag would.
        let mut words: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (key, values) in &self.values {
            let flag = flag_of(key);
            let arg = command
                .get_arguments()
                .chain(globals.get_arguments().filter(|arg| arg.is_global_set()))
                .find(|arg| arg.get_long() == Some(flag));
            let Some(arg) = arg.filter(|_| !NOT_BY_FILE.contains(&flag)) else {
                continue;
            };
            let given = matches.value_source(arg.get_id().as_str());
            if matches!(given, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
                continue;
            }
            let spelt = if matches!(arg.get_action(), ArgAction::Append) {
                values.iter().map(|value| format!("--{flag}={value}")).collect()
            } else {
                vec![format!("--{flag}={}", values.join(","))]
            };
            words.insert(flag, spelt);
        }
        words.into_values().flatten().collect()
    }

    /// Keys that no command has a flag for.
    pub(crate) fn unknown(&self, command: impl FnOnce() -> Command) -> Vec<&str> {
        fn has(command: &Command, flag: &str) -> bool {
            command.get_arguments().any(|arg| arg.get_long() == Some(flag))
                || command.get_subcommands().any(|command| has(command, flag))
        }
        if self.values.is_empty() {
            return Vec::new();
        }
        let command = command();
        let keys = self.values.iter().map(|(key, _)| key.as_str());
        keys.filter(|key| NOT_BY_FILE.contains(&flag_of(key)) || !has(&command, flag_of(key)))
            .collect()
    }

    /// The file, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The flag that a key stands for: by the table, else the last part of the key.
fn flag_of(key: &str) -> &str {
    NAMES
        .iter()
        .find(|(name, _)| *name == key)
        .map_or_else(|| key.rsplit('.').next().unwrap_or(key), |(_, flag)| flag)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        Value::String(value) => Some(value.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use std::path::Path;

    fn words(file: &str, line: &str) -> String {
        let settings = Settings::parse(file, Path::new("s.yaml")).unwrap();
        let command = crate::arguments::command();
        let matches = command.clone().try_get_matches_from(line.split_whitespace()).unwrap();
        settings.words(|| command.clone(), &matches).join(" ")
    }

    #[test]
    fn the_file_stands_below_the_command_line() {
        for (file, line, expected) in [
            ("", "seaworthy image x", ""),
            ("# nothing\n", "seaworthy image x", ""),
            (
                "severity: [HIGH, CRITICAL]",
                "seaworthy image x",
                "--severity=HIGH --severity=CRITICAL",
            ),
            (
                "severity: HIGH,CRITICAL",
                "seaworthy image x",
                "--severity=HIGH,CRITICAL",
            ),
            ("severity: [HIGH]", "seaworthy image x -s low", ""),
            (
                "quiet: true\nexit-code: 7\n",
                "seaworthy image x",
                "--exit-code=7 --quiet=true",
            ),
            ("exit_code: 7", "seaworthy image x", "--exit-code=7"),
            (
                "vulnerability: {ignore-unfixed: true}",
                "seaworthy image x",
                "--ignore-unfixed=true",
            ),
            (
                "scan: {skip-dirs: [a, b]}",
                "seaworthy rootfs x",
                "--skip-dirs=a --skip-dirs=b",
            ),
            (
                "registry: {token: t}\ncache: {dir: /c}",
                "seaworthy image x",
                "--cache-dir=/c --registry-token=t",
            ),
            ("format: json", "seaworthy db info", ""),
            ("db: f", "seaworthy db info", "--db=f"),
            ("quiet: true", "seaworthy versions compare deb 1 2", ""),
            ("input: x.tar\nversion: true", "seaworthy image x", ""),
        ] {
            assert_eq!(words(file, line), expected, "{file} | {line}");
        }
    }

    #[test]
    fn mirrors_are_listed_by_host() {
        let file =
            "registry:\n  mirrors:\n    index.docker.io: [mirror.example, https://other.example/hub]\n    ghcr.io: m\n";
        let settings = Settings::parse(file, Path::new("s.yaml")).unwrap();
        let expected = [
            ("index.docker.io", "mirror.example"),
            ("index.docker.io", "https://other.example/hub"),
            ("ghcr.io", "m"),
        ];
        assert_eq!(
            settings.mirrors,
            expected.map(|(host, mirror)| (host.into(), mirror.into()))
        );
        assert!(settings.values.is_empty());
    }

    #[test]
    fn token_servers_are_listed_by_registry() {
        let file = "registry:\n  token-servers:\n    registry.example:5000: auth.example.org\n";
        let settings = Settings::parse(file, Path::new("s.yaml")).unwrap();
        let expected = ("registry.example:5000".to_owned(), "auth.example.org".to_owned());
        assert_eq!(settings.token_servers, [expected]);
        let wrong = Settings::parse("registry:\n  token-servers: [a]\n", Path::new("s.yaml")).unwrap_err();
        assert!(wrong.to_string().contains("REGISTRY: [HOST, …]"), "{wrong}");
    }

    #[test]
    fn what_nobody_knows_is_said() {
        let settings = Settings::parse("severty: HIGH\nformat: json\n", Path::new("s.yaml")).unwrap();
        assert_eq!(settings.unknown(crate::arguments::command), ["severty"]);
    }

    #[test]
    fn files_that_are_no_settings_are_errors() {
        for file in [
            "[1, 2",
            "- a\n- b\n",
            "just text",
            "severity: [[1]]",
            "registry: {mirrors: x}",
        ] {
            assert!(Settings::parse(file, Path::new("s.yaml")).is_err(), "{file}");
        }
    }
}
