//! Well-known programs that were built from source or unpacked from an archive: known by their file's name and by the
//! version that they carry as text.
//!
//! A row has a pattern for the path and one for the bytes, whose group `version` is what is listed. What is found so is
//! evidence, not a record: it is listed as `generic`, and files of distribution packages are marked by their owner.

use std::sync::LazyLock;

use regex::Regex;
use regex::bytes;
use seaworthy_model::Ecosystem;

use crate::analyzer::FileReport;
use crate::language::listing;

/// One row of the table.
#[derive(Debug)]
pub struct Classifier {
    /// The name of what is found.
    pub product: &'static str,
    /// Pattern of the file's name; a group `minor` must begin the version.
    pub file: &'static str,
    /// Pattern in the bytes, with a group `version`.
    pub text: &'static str,
}

const fn row(product: &'static str, file: &'static str, text: &'static str) -> Classifier {
    Classifier { product, file, text }
}

/// Every program that is known by its text.
pub static CLASSIFIERS: &[Classifier] = &[
    row("bash", r"^bash$", r"@\(#\)Bash version (?<version>\d+\.\d+\.\d+)"),
    row("busybox", r"^busybox", r"BusyBox v(?<version>\d+\.\d+\.\d+)"),
    row(
        "curl",
        r"^(?:curl|libcurl(?:-gnutls)?\.so.*)$",
        r"(?:lib)?curl/(?<version>\d+\.\d+\.\d+)",
    ),
    row(
        "bind",
        r"^(?:named|libisc-.*\.so.*|libisc\.so.*)$",
        r"\x00(?<version>9\.\d+\.\d+)(?:-[^\x00]*)?\x00|(?:BIND |libisc-)(?<version2>9\.\d+\.\d+)",
    ),
    row("bun", r"^bun(?:x)?$", r"Bun[/ ]v?(?<version>[01]\.\d+\.\d+)[ \x00]"),
    // `OTel-OTLP-Exporter-Deno/0.80.0` is not Deno's own version.
    row("deno", r"^deno$", r"[^-]Deno/(?<version>\d+\.\d+\.\d+)"),
    row(
        "dnsmasq",
        r"^dnsmasq$",
        r"dnsmasq-(?<version>\d+\.\d+(?:test\d+|rc\d+)?)",
    ),
    row(
        "envoy",
        r"^envoy$",
        r"[0-9a-f]{40}/(?<version>\d+\.\d+\.\d+)[^/\x00]{0,32}/|\x00(?<version2>1\.[1-9]\d\.\d+)\x00",
    ),
    row("exim", r"^exim4?$", r"\x00(?<version>4\.\d\d(?:\.\d+)?)\x00"),
    // The programs say `%s version 5.1.9`, the libraries and what links them `FFmpeg version n9.0.2-17-g2a571b6068`.
    row(
        "ffmpeg",
        r"^(?:(?:ffmpeg|ffprobe)(?:[-_].*)?(?:\.exe)?|libav(?:codec|format|util)\.so.*)$",
        r"(?:FFmpeg|%s) version n?(?<version>\d+\.\d+(?:\.\d+)?)",
    ),
    row(
        "ghostscript",
        r"^(?:gs|libgs\.so.*)$",
        r"GPL Ghostscript (?<version>\d+\.\d+(?:\.\d+)?)|/ghostscript/(?<version2>\d+\.\d+(?:\.\d+)?)/Resource",
    ),
    row(
        "git",
        r"^git$",
        r"git/(?<version>\d+\.\d+\.\d+)|\x00(?<version2>2\.\d+\.\d+)\x00",
    ),
    row(
        "haproxy",
        r"^haproxy$",
        r"\x00(?<version>[123]\.\d+\.\d+)(?:-[0-9a-f]{7}|-\d+[^\x00]{0,32})?\x00",
    ),
    row("httpd", r"^(?:httpd|apache2)$", r"Apache/(?<version>\d+\.\d+\.\d+)"),
    row("lighttpd", r"^lighttpd$", r"lighttpd/(?<version>\d+\.\d+\.\d+)"),
    row(
        "lua",
        r"^(?:lua|lua5\.\d|liblua.*\.so.*)$",
        r"Lua (?<version>5\.\d+\.\d+)",
    ),
    row(
        "mariadb",
        r"^(?:mariadbd|mysqld|mariadb)$",
        r"(?<version>\d+\.\d+\.\d+)-MariaDB",
    ),
    row(
        "memcached",
        r"^memcached$",
        r"memcached (?<version>\d+\.\d+\.\d+)|\x00(?<version2>1\.[4-9]\.\d+)\x00",
    ),
    row(
        "mongodb",
        r"^mongod$",
        r"mongodb-linux-[a-z0-9_-]+-(?<version>\d+\.\d+\.\d+)|/src/mongo-(?<version2>\d+\.\d+\.\d+)/",
    ),
    row(
        "mosquitto",
        r"^mosquitto$",
        r"mosquitto version (?<version>\d+\.\d+\.\d+)|\x00(?<version2>[12]\.\d+\.\d+)\x00",
    ),
    row(
        "mysql",
        r"^mysqld$",
        r"/mysql-(?<version>\d+\.\d+\.\d+)/|mysql  Ver (?<version2>\d+\.\d+\.\d+)",
    ),
    row("nginx", r"^(?:nginx|nginx-debug)$", r"nginx/(?<version>\d+\.\d+\.\d+)"),
    row("openresty", r"^nginx$", r"openresty/(?<version>\d+\.\d+\.\d+\.\d+)"),
    row(
        "node",
        r"^(?:node|nodejs|libnode\.so.*)$",
        r"node\.js/v(?<version>\d+\.\d+\.\d+)|\x00v(?<version2>(?:[6-9]|[1-9]\d)\.\d+\.\d+)\x00",
    ),
    row("openssh", r"^(?:sshd|ssh)$", r"OpenSSH_(?<version>\d+\.\d+p\d+)"),
    row(
        "openssl",
        r"^(?:openssl|libcrypto\.so.*|libssl\.so.*)$",
        r"OpenSSL (?<version>[13]\.\d+\.\d+[a-z]{0,2}) +\d{1,2} [A-Z]",
    ),
    row(
        "openvpn",
        r"^openvpn$",
        r"OpenVPN (?<version>\d+\.\d+(?:\.\d+|_\w+)) [a-z0-9_]+-",
    ),
    row(
        "perl",
        r"^(?:perl(?:5.*)?|libperl\.so.*)$",
        r"/perl5?/(?:\w+/)?(?<version>5\.\d+\.\d+)",
    ),
    row(
        "php",
        r"^(?:php(?:\d(?:\.\d+)?)?(?:-fpm|-cgi)?(?:\d(?:\.\d+)?)?|libphp(?:\d(?:\.\d)?)?\.so)$",
        r"X-Powered-By: PHP/(?<version>\d+\.\d+\.\d+(?:(?:alpha|beta|RC)\d+)?)",
    ),
    row(
        "postgresql",
        r"^postgres$",
        r"PostgreSQL (?<version>\d+(?:\.\d+)+)(?: \(| on |\x00)",
    ),
    row(
        "proftpd",
        r"^proftpd$",
        r"ProFTPD Version (?<version>\d+\.\d+\.\d+[a-z]?)|\x00(?<version2>1\.3\.\d+[a-z]?)\x00",
    ),
    row(
        "python",
        r"^(?:python|libpython)(?<minor>\d\.\d+)(?:[dm]|t)?(?:\.so.*|\.dll|\.exe)?$",
        r"\x00(?<version>[23]\.\d+\.\d+(?:(?:a|b|rc)\d+)?)\+?\x00",
    ),
    row(
        "redis",
        r"^redis-(?:server|sentinel|check-rdb|check-aof)(?:\.exe)?$",
        r"\x00(?<version>(?:2\.[4-8]|[3-9]\.\d+|\d\d\.\d+)\.\d+(?:\.\d+)?)\x00",
    ),
    row(
        "valkey",
        r"^valkey-(?:server|sentinel|check-rdb|check-aof)$",
        r"\x00(?<version>[789]\.\d+\.\d+)\x00",
    ),
    row("rsync", r"^rsync$", r"\x00(?<version>3\.\d+\.\d+)\x00"),
    row(
        "ruby",
        r"^(?:ruby(?:\d\.\d)?|libruby(?:-?\d\.\d)?\.so.*)$",
        r"ruby (?<version>\d+\.\d+\.\d+)(?:p\d+|(?:preview|rc|dev)\d*)? ?\(",
    ),
    row(
        "sqlite",
        r"^(?:sqlite3|libsqlite3\.so.*)$",
        r"\x00(?<version>3\.\d+\.\d+)\x00",
    ),
    row(
        "squid",
        r"^squid$",
        r"squid/(?<version>\d+\.\d+(?:\.\d+)*)|\x00(?<version2>[4-9]\.\d+)\x00",
    ),
    row(
        "sudo",
        r"^sudo$",
        r"Sudo version (?<version>1\.\d+\.\d+(?:p\d+)?)|\x00(?<version2>1\.[89]\.\d+(?:p\d+)?)\x00",
    ),
    row("samba", r"^(?:smbd|nmbd|winbindd)$", r"SAMBA_(?<version>\d+\.\d+\.\d+)"),
    row("dovecot", r"^dovecot$", r"Dovecot v(?<version>\d+\.\d+\.\d+(?:\.\d+)?)"),
    row(
        "postfix",
        r"^(?:master|postfix|postconf)$",
        r"mail_version=(?<version>\d+\.\d+\.\d+)",
    ),
    row("stunnel", r"^stunnel\d?$", r"stunnel (?<version>\d+\.\d+) on "),
    row(
        "dropbear",
        r"^(?:dropbear|dropbearmulti)$",
        r"SSH-2\.0-dropbear_(?<version>\d+\.\d+)",
    ),
    row("expat", r"^libexpatw?\.so.*$", r"expat_(?<version>\d+\.\d+\.\d+)"),
    row("pgbouncer", r"^pgbouncer$", r"PgBouncer (?<version>\d+\.\d+\.\d+)"),
    row("tor", r"^tor$", r"\x00(?<version>0\.4\.\d+\.\d+)\x00"),
    row("unbound", r"^unbound$", r"unbound (?<version>1\.\d+\.\d+)"),
    row("varnish", r"^varnishd$", r"varnish-(?<version>\d+\.\d+\.\d+)"),
    row(
        "vsftpd",
        r"^vsftpd$",
        r"vsftpd: version (?<version>\d+\.\d+\.\d+)|\(vsFTPd (?<version2>\d+\.\d+\.\d+)\)",
    ),
    row(
        "wget",
        r"^wget$",
        r"Wget/(?<version>\d+\.\d+(?:\.\d+)?)|\x00(?<version2>1\.2\d(?:\.\d+)?)\x00",
    ),
    row(
        "zlib",
        r"^libz\.so.*$",
        r"deflate (?<version>1\.\d+(?:\.\d+)*) Copyright",
    ),
];

struct Compiled {
    row: &'static Classifier,
    file: Regex,
    text: LazyLock<Option<bytes::Regex>, Box<dyn FnOnce() -> Option<bytes::Regex> + Send>>,
}

/// Patterns of bytes are compiled for the first file that they are looked for in.
static COMPILED: LazyLock<Vec<Compiled>> = LazyLock::new(|| {
    CLASSIFIERS
        .iter()
        .filter_map(|row| {
            Some(Compiled {
                row,
                file: Regex::new(row.file).ok()?,
                text: LazyLock::new(Box::new(|| {
                    bytes::RegexBuilder::new(row.text).unicode(false).build().ok()
                })),
            })
        })
        .collect()
});

/// The rows that fit one file, and what was found by them.
pub(super) struct Classifiers {
    open: Vec<(&'static Compiled, Option<String>)>,
    found: Vec<(&'static str, String)>,
}

impl Classifiers {
    /// The rows for a file at this path.
    pub(super) fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        let fits = |compiled: &'static Compiled| {
            let found = compiled.file.captures(name)?;
            Some((
                compiled,
                found.name("minor").map(|minor| format!("{}.", minor.as_str())),
            ))
        };
        Self {
            open: COMPILED.iter().filter_map(fits).collect(),
            found: Vec::new(),
        }
    }

    /// Whether nothing is looked for.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Looks through the next bytes; a row is done with its first find.
    pub(super) fn see(&mut self, window: &[u8]) {
        let found = &mut self.found;
        self.open.retain(|(compiled, prefix)| {
            let Some(pattern) = compiled.text.as_ref() else {
                return false;
            };
            let hit = find(pattern, prefix.as_deref().unwrap_or(""), window);
            match hit {
                Some(version) => {
                    found.push((compiled.row.product, version));
                    false
                }
                None => true,
            }
        });
    }

    /// Lists what was found.
    pub(super) fn list(mut self, path: &str, report: &mut FileReport) {
        // A row that says more of the same file comes before a general one: OpenResty has nginx in it, MariaDB is named
        // like MySQL.
        let has = |found: &[(&str, String)], product: &str| found.iter().any(|(other, _)| *other == product);
        if has(&self.found, "mariadb") {
            self.found.retain(|(product, _)| *product != "mysql");
        }
        self.found.dedup_by(|second, first| second.0 == first.0);
        for (product, version) in self.found {
            listing::add(report, Ecosystem::Generic, product, &version, path);
        }
    }
}

/// The first version that begins so. Texts share the NUL between them, so that finds may overlap.
fn find(pattern: &bytes::Regex, prefix: &str, window: &[u8]) -> Option<String> {
    let mut at = 0;
    for _ in 0..FINDS {
        let captures = pattern.captures_at(window, at)?;
        let version = ["version", "version2"].iter().find_map(|name| captures.name(name))?;
        if let Ok(version) = std::str::from_utf8(version.as_bytes())
            && version.starts_with(prefix)
        {
            return Some(version.to_owned());
        }
        at = version.end();
    }
    None
}

/// Finds in one window that are not the wanted version.
const FINDS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::{CLASSIFIERS, COMPILED, Classifiers};
    use crate::analyzer::FileReport;

    #[test]
    fn every_pattern_compiles_and_names_its_version() {
        assert_eq!(COMPILED.len(), CLASSIFIERS.len());
        for compiled in COMPILED.iter() {
            let text = compiled.text.as_ref().unwrap();
            assert!(
                text.capture_names().flatten().any(|name| name == "version"),
                "{}",
                compiled.row.product
            );
        }
    }

    #[test]
    fn products_and_versions() {
        for (path, bytes, expected) in [
            (
                "usr/local/bin/python3.11",
                b"\x003.2.1\x003.11.4\x00".as_slice(),
                vec!["python 3.11.4"],
            ),
            ("usr/local/bin/node", b"x node.js/v20.1.0 y", vec!["node 20.1.0"]),
            (
                "usr/sbin/mysqld",
                b"10.11.6-MariaDB /mysql-8.0.1/",
                vec!["mariadb 10.11.6"],
            ),
            (
                "opt/deno",
                b"OTel-OTLP-Exporter-Deno/0.80.0 x2.9.6Deno/2.9.6+e518fbd",
                vec!["deno 2.9.6"],
            ),
            (
                "usr/bin/redis-server.exe",
                b"\x002.1.0\x00 \x005.0.14.1\x00",
                vec!["redis 5.0.14.1"],
            ),
            ("usr/sbin/named", b"named version: BIND 9.18.49-1", vec!["bind 9.18.49"]),
            (
                "lib/libgs.so.10",
                b"/usr/share/ghostscript/10.00.0/Resource/Init",
                vec!["ghostscript 10.00.0"],
            ),
            (
                "usr/lib/postfix/sbin/master",
                b"mail_version=3.7.11\0",
                vec!["postfix 3.7.11"],
            ),
            (
                "bin/ffmpeg-linux-x86_64-v9.0.2",
                b"\x005.3\x00 FFmpeg version n9.0.2-17-g2a571b6068\x00",
                vec!["ffmpeg 9.0.2"],
            ),
            ("bin/bun", b"Bun v1.4.5 (Linux x64)", vec!["bun 1.4.5"]),
            ("usr/sbin/other", b"node.js/v20.1.0", vec![]),
        ] {
            let mut classifiers = Classifiers::of(path);
            classifiers.see(bytes);
            let mut report = FileReport::default();
            classifiers.list(path, &mut report);
            let found: Vec<_> = report
                .packages
                .iter()
                .map(|one| format!("{} {}", one.name, one.version))
                .collect();
            assert_eq!(found, expected, "{path}");
        }
    }
}
