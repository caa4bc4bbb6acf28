//! Programs that distributions build from the same sources: under which names Alpine and Debian state their fixes, and
//! which versions of a program are one line of releases.
//!
//! It is for programs of which no publisher states affected versions by the program's own name.

/// What distributions call a program.
#[derive(Debug)]
pub struct Program {
    /// Its name, as it is listed.
    pub name: &'static str,
    /// Alpine's packages of it.
    pub alpine: &'static [&'static str],
    /// Debian's source packages of it.
    pub debian: &'static [&'static str],
    /// How many numbers of a version name the line of releases that gets fixes of its own, given the first of them;
    /// none where the next release is the only fix.
    pub line: fn(&str) -> usize,
}

const fn row(
    name: &'static str,
    alpine: &'static [&'static str],
    debian: &'static [&'static str],
    line: fn(&str) -> usize,
) -> Program {
    Program {
        name,
        alpine,
        debian,
        line,
    }
}

/// One line of releases: whoever wants a fix takes the newest.
fn one(_: &str) -> usize {
    0
}

fn two(_: &str) -> usize {
    2
}

fn three(_: &str) -> usize {
    3
}

/// `1.1.1` until 3.0, two numbers since.
fn openssl(major: &str) -> usize {
    if matches!(major, "0" | "1") { 3 } else { 2 }
}

/// Every program that is known so.
pub static PROGRAMS: [Program; 30] = [
    row("bash", &["bash"], &["bash"], two),
    row("bind", &["bind"], &["bind9"], two),
    row("busybox", &["busybox"], &["busybox"], one),
    row("curl", &["curl"], &["curl"], one),
    row("dnsmasq", &["dnsmasq"], &["dnsmasq"], one),
    row("dovecot", &["dovecot"], &["dovecot"], two),
    row("dropbear", &["dropbear"], &["dropbear"], one),
    row("exim", &["exim"], &["exim4"], one),
    row("expat", &["expat"], &["expat"], one),
    row("ffmpeg", &["ffmpeg"], &["ffmpeg"], two),
    row("ghostscript", &["ghostscript"], &["ghostscript"], one),
    row("lighttpd", &["lighttpd"], &["lighttpd"], one),
    row("mosquitto", &["mosquitto"], &["mosquitto"], two),
    row("openssh", &["openssh"], &["openssh"], one),
    row("openssl", &["openssl", "openssl3"], &["openssl"], openssl),
    row("openvpn", &["openvpn"], &["openvpn"], two),
    row("perl", &["perl"], &["perl"], two),
    row("postfix", &["postfix"], &["postfix"], two),
    row("proftpd", &["proftpd"], &["proftpd-dfsg"], three),
    row("rsync", &["rsync"], &["rsync"], one),
    row("samba", &["samba"], &["samba"], two),
    row("sqlite", &["sqlite"], &["sqlite3"], one),
    row("squid", &["squid"], &["squid"], one),
    row("stunnel", &["stunnel"], &["stunnel4"], one),
    row("sudo", &["sudo"], &["sudo"], one),
    row("tor", &["tor"], &["tor"], three),
    row("unbound", &["unbound"], &["unbound"], one),
    row("vsftpd", &["vsftpd"], &["vsftpd"], one),
    row("wget", &["wget"], &["wget"], one),
    row("zlib", &["zlib"], &["zlib"], one),
];

/// The row of a program under any of its names.
pub fn program(name: &str) -> Option<&'static Program> {
    PROGRAMS.iter().find(|row| {
        let mut names = std::iter::once(&row.name).chain(row.alpine).chain(row.debian);
        names.any(|other| name.eq_ignore_ascii_case(other))
    })
}

impl Program {
    /// The line that a version belongs to, where the program has lines.
    pub(crate) fn line_of<'a>(&self, version: &'a str) -> Option<&'a str> {
        let numbers = version
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .map_or(version, |at| version.get(..at).unwrap_or(version));
        let major = numbers.split('.').next().unwrap_or_default();
        let count = (self.line)(major);
        let end = numbers.match_indices('.').nth(count.checked_sub(1)?).map(|(at, _)| at);
        numbers.get(..end.unwrap_or(numbers.len()))
    }
}

/// The version of the sources that Alpine packaged, and whether the package is the first of them, so that the sources
/// themselves have the fix: `1.1.1w-r1` is a patch on 1.1.1w.
pub(crate) fn of_alpine(version: &str) -> Option<(String, bool)> {
    let (sources, revision) = match version.rsplit_once("-r") {
        Some((sources, revision)) if revision.bytes().all(|byte| byte.is_ascii_digit()) => (sources, revision),
        _ => (version, "0"),
    };
    let plain = plain(&sources.replace("_p", "p").replace('_', "~"))?;
    Some((plain, revision == "0"))
}

/// The same of Debian's: `1:9.2p1-2+deb12u3` is a patch on 9.2p1, `1.1.1w-0+deb11u1` brings 1.1.1w.
pub(crate) fn of_debian(version: &str) -> Option<(String, bool)> {
    let version = match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => version,
    };
    let (sources, revision) = version.rsplit_once('-').unwrap_or((version, ""));
    if sources.contains("really") {
        return None;
    }
    // What was left out of the sources, or added to them, has no number of its own.
    let packed = ["+", "~dfsg", "~ds", ".dfsg", "~repack"];
    let end = packed.iter().filter_map(|word| sources.find(word)).min();
    let plain = plain(&sources.get(..end.unwrap_or(sources.len()))?.replace("~~", "~"))?;
    Some((plain, brings_sources(revision)))
}

/// Whether a Debian revision is the first of its sources in its release.
fn brings_sources(revision: &str) -> bool {
    let digits = revision.find(|letter: char| !letter.is_ascii_digit());
    let (number, rest) = revision.split_at(digits.unwrap_or(revision.len()));
    let first_of_release = |rest: &str, sign: &str| {
        rest.strip_prefix(sign)
            .and_then(|rest| rest.strip_prefix("deb"))
            .and_then(|rest| rest.split_once('u'))
            .is_some_and(|(_, update)| update == "1")
    };
    match number {
        "" => revision.is_empty(),
        "0" => rest.is_empty() || rest == ".1" || first_of_release(rest, "+"),
        "1" => rest.is_empty() || rest.starts_with("~bpo") || rest.starts_with("~exp") || first_of_release(rest, "~"),
        _ => false,
    }
}

/// A released version as Debian's order compares it: numbers, and behind them a letter, a patch level (`p1`) or a
/// pre-release, which gets the tilde that sorts it before its release. `None` for anything else: snapshots have no place.
pub(crate) fn plain(version: &str) -> Option<String> {
    let version = version.trim();
    let version = version.strip_prefix('v').unwrap_or(version);
    let end = version
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(version.len());
    let (numbers, rest) = version.split_at_checked(end)?;
    if numbers.is_empty() || numbers.starts_with('.') || numbers.ends_with('.') || numbers.contains("..") {
        return None;
    }
    let rest = rest.trim_start_matches(['~', '-', '_']);
    let word = rest.trim_end_matches(|letter: char| letter.is_ascii_digit());
    match word {
        "" if rest.is_empty() => Some(numbers.to_owned()),
        "rc" | "alpha" | "beta" | "pre" | "test" | "dev" => Some(format!("{numbers}~{rest}")),
        "p" if rest != word => Some(format!("{numbers}{rest}")),
        _ if word == rest && rest.len() <= 2 && rest.bytes().all(|byte| byte.is_ascii_lowercase()) => {
            Some(format!("{numbers}{rest}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_sources_are_told_from_those_of_packages() {
        for (version, expected) in [
            ("1.1.1w-r1", Some(("1.1.1w", false))),
            ("3.0.12-r0", Some(("3.0.12", true))),
            ("7.36.0", Some(("7.36.0", true))),
            ("9.3_p2-r0", Some(("9.3p2", true))),
            ("2.90_rc1-r0", Some(("2.90~rc1", true))),
            ("1.0_git20230101-r0", None),
        ] {
            let expected = expected.map(|(version, first): (&str, bool)| (version.to_owned(), first));
            assert_eq!(of_alpine(version), expected, "{version}");
        }
        for (version, expected) in [
            ("1.1.1n-0+deb11u5", Some(("1.1.1n", false))),
            ("1.1.1w-0+deb11u1", Some(("1.1.1w", true))),
            ("1.1.0j-1~deb9u1", Some(("1.1.0j", true))),
            ("1.1.0l-1~deb9u2", Some(("1.1.0l", false))),
            ("1:9.2p1-2+deb12u3", Some(("9.2p1", false))),
            ("2:4.17.12+dfsg-0+deb12u1", Some(("4.17.12", true))),
            ("9.53.3~dfsg-7+deb11u6", Some(("9.53.3", false))),
            ("1:1.2.13.dfsg-1", Some(("1.2.13", true))),
            ("1.1.1~~pre9-1", Some(("1.1.1~pre9", true))),
            ("5.1~rc1-2", Some(("5.1~rc1", false))),
            ("0.9.7c", Some(("0.9.7c", true))),
            ("8.12.0+git20250209.89ed161+ds-1", Some(("8.12.0", true))),
            ("5.0.0+really4.2-1", None),
        ] {
            let expected = expected.map(|(version, first): (&str, bool)| (version.to_owned(), first));
            assert_eq!(of_debian(version), expected, "{version}");
        }
    }

    #[test]
    fn lines_of_releases() {
        for (name, version, line) in [
            ("openssl", "1.1.1w", Some("1.1.1")),
            ("openssl", "1.1.1", Some("1.1.1")),
            ("openssl", "3.0.15", Some("3.0")),
            ("bind9", "9.18.28", Some("9.18")),
            ("proftpd", "1.3.8b", Some("1.3.8")),
            ("perl", "5.38.0~rc1", Some("5.38")),
            ("curl", "8.11.0", None),
        ] {
            assert_eq!(program(name).unwrap().line_of(version), line, "{name} {version}");
        }
        assert!(program("nginx").is_none());
    }
}
