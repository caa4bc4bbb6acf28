//! WordPress, its plugins and its themes: `wp-includes/version.php`, the header comment of `wp-content/plugins/*/*.php`
//! and of `wp-content/themes/*/style.css` (`get_file_data()` reads 8 KiB of it).
//!
//! A plugin is named by its directory, which is its name in the plugin directory; the title in the header is free text.

use std::sync::LazyLock;

use regex::Regex;
use seaworthy_model::{Ecosystem, limits};

use super::listing;
use crate::analyzer::{Analyzer, File, FileReport};

/// The table's row.
pub static ANALYZER: Analyzer = Analyzer {
    name: "wordpress",
    version: 1,
    wants,
    companion: None,
    max_bytes: limits::METADATA_BYTES,
    analyze,
};

/// Bytes of a file among which WordPress looks for the header.
const HEADER_BYTES: usize = 8 << 10;

enum Kind<'a> {
    Core,
    Plugin(&'a str),
    Theme(&'a str),
}

fn kind(path: &str) -> Option<Kind<'_>> {
    if path == "wp-includes/version.php" || path.ends_with("/wp-includes/version.php") {
        return Some(Kind::Core);
    }
    let (directory, above) = listing::directories(path)?;
    let parent = |wanted: &str| {
        above
            .strip_suffix(wanted)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    if path.ends_with(".php") && parent("wp-content/plugins") {
        Some(Kind::Plugin(directory))
    } else if path.ends_with("/style.css") && parent("wp-content/themes") {
        Some(Kind::Theme(directory))
    } else {
        None
    }
}

fn wants(path: &str) -> bool {
    kind(path).is_some()
}

static CORE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?m)^\s*\$wp_version\s*=\s*(?:'([^'\n]*)'|"([^"\n]*)")"#).ok());

fn analyze(file: File<'_>, report: &mut FileReport) {
    let text = String::from_utf8_lossy(file.bytes);
    let head = String::from_utf8_lossy(file.bytes.get(..HEADER_BYTES).unwrap_or(file.bytes));
    match kind(file.path) {
        Some(Kind::Core) => {
            let code = without_block_comments(&text);
            let found = CORE.as_ref().and_then(|pattern| pattern.captures(&code));
            let version = found.as_ref().and_then(|found| found.get(1).or_else(|| found.get(2)));
            listing::add(
                report,
                Ecosystem::WordPress,
                "wordpress",
                version.map_or("", |one| one.as_str()),
                file.path,
            );
        }
        Some(Kind::Plugin(name)) if header(&head, "Plugin Name").is_some() => {
            listing::add(
                report,
                Ecosystem::WordPress,
                name,
                header(&head, "Version").unwrap_or(""),
                file.path,
            );
        }
        Some(Kind::Theme(name)) if header(&head, "Theme Name").is_some() => {
            listing::add(
                report,
                Ecosystem::WordPress,
                name,
                header(&head, "Version").unwrap_or(""),
                file.path,
            );
        }
        _ => {}
    }
}

/// The value of a header line ` * Version: 1.2`.
fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let line = line.trim_start_matches([' ', '\t', '/', '*', '#', '@']);
        let (name, value) = line.split_once(':')?;
        let value = value.trim().trim_end_matches("*/").trim();
        (name.trim().eq_ignore_ascii_case(wanted) && !value.is_empty()).then_some(value)
    })
}

fn without_block_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/*") {
        code.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    code.push_str(rest);
    code
}

#[cfg(test)]
mod tests {
    use super::{ANALYZER, File, FileReport};

    #[test]
    fn core_plugins_and_themes() {
        for (path, text, expected) in [
            (
                "w/wp-includes/version.php",
                "/* $wp_version = '1'; */\n$wp_version = \"6.4\";",
                Some("wordpress 6.4"),
            ),
            (
                "w/wp-content/plugins/akismet/akismet.php",
                "<?php\n/*\nPlugin Name: Akismet\nVersion: 5.3\n*/",
                Some("akismet 5.3"),
            ),
            ("w/wp-content/plugins/akismet/other.php", "<?php // Version: 5.3", None),
            (
                "wp-content/themes/a/style.css",
                "/*\n * Theme Name: A\n * Version: 2 */",
                Some("a 2"),
            ),
        ] {
            assert!((ANALYZER.wants)(path));
            let mut report = FileReport::default();
            (ANALYZER.analyze)(File::new(path, text.as_bytes()), &mut report);
            let found = report
                .packages
                .first()
                .map(|one| format!("{} {}", one.name, one.version));
            assert_eq!(found.as_deref(), expected, "{path}");
        }
        assert!(!(ANALYZER.wants)("w/wp-content/plugins/a/inc/x.php"));
    }
}
