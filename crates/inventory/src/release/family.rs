//! Which family a distribution belongs to, by the `ID` of os-release or by the first words of a release file.

use seaworthy_model::Family;

/// The family of an os-release `ID`; `name` tells CentOS Stream, which has the ID of CentOS Linux.
pub fn from_id(id: &str, name: &str) -> Family {
    match id.to_ascii_lowercase().as_str() {
        "activestate" => Family::ActiveState,
        "almalinux" | "alma" => Family::Alma,
        "alpine" => Family::Alpine,
        "amzn" | "amazon" => Family::Amazon,
        "arch" | "archlinux" => Family::Arch,
        "azurelinux" => Family::Azure,
        "bottlerocket" => Family::Bottlerocket,
        "mariner" | "cbl-mariner" => Family::CblMariner,
        "centos" if contains_word(name, "stream") => Family::CentOsStream,
        "centos" => Family::CentOs,
        "chainguard" => Family::Chainguard,
        "coreos" => Family::CoreOs,
        "debian" => Family::Debian,
        "echo" => Family::Echo,
        "fedora" => Family::Fedora,
        "gentoo" => Family::Gentoo,
        "minimos" => Family::MinimOs,
        "opensuse-leap" | "opensuse" => Family::OpenSuseLeap,
        "opensuse-tumbleweed" => Family::OpenSuseTumbleweed,
        "openwrt" => Family::OpenWrt,
        "ol" | "oraclelinux" => Family::Oracle,
        "photon" => Family::Photon,
        "rhel" | "redhat" => Family::RedHat,
        "rocky" => Family::Rocky,
        // SLES for SAP installs from the same repositories and is named apart only by its ID.
        "sles" | "sles_sap" => Family::Sles,
        // Three names of one product line: 5.0 and 5.1, 5.2 to 5.5, and 6.
        "suse-microos" | "sle-micro" | "sle-micro-rancher" | "sl-micro" => Family::SleMicro,
        "ubuntu" => Family::Ubuntu,
        "wolfi" => Family::Wolfi,
        _ => Family::Other,
    }
}

/// The family whose release file opens with these words (`CentOS Linux release 7.9.2009 (Core)`).
pub fn from_title(title: &str) -> Family {
    let title = title.to_ascii_lowercase();
    TITLES
        .iter()
        .find(|(words, _)| title.starts_with(words))
        .map_or(Family::Other, |(_, family)| *family)
}

/// The first match counts: the longer beginnings stand before the shorter.
const TITLES: &[(&str, Family)] = &[
    ("almalinux", Family::Alma),
    ("amazon linux", Family::Amazon),
    ("centos stream", Family::CentOsStream),
    ("centos", Family::CentOs),
    ("cbl-mariner", Family::CblMariner),
    ("common base linux mariner", Family::CblMariner),
    ("fedora", Family::Fedora),
    ("gentoo", Family::Gentoo),
    ("microsoft azure linux", Family::Azure),
    ("azure linux", Family::Azure),
    ("opensuse tumbleweed", Family::OpenSuseTumbleweed),
    ("opensuse", Family::OpenSuseLeap),
    ("oracle", Family::Oracle),
    // Oracle Linux 5 kept Red Hat's line and changed the name only.
    ("enterprise linux enterprise linux", Family::Oracle),
    ("photon", Family::Photon),
    ("vmware photon", Family::Photon),
    ("red hat", Family::RedHat),
    ("rocky", Family::Rocky),
    ("suse linux enterprise micro", Family::SleMicro),
    ("suse linux micro", Family::SleMicro),
    ("suse linux enterprise", Family::Sles),
];

/// Whether the family is built from Red Hat's sources and may keep `etc/redhat-release` in Red Hat's words.
pub fn is_red_hat_like(family: Family) -> bool {
    matches!(
        family,
        Family::Alma
            | Family::Amazon
            | Family::CentOs
            | Family::CentOsStream
            | Family::Fedora
            | Family::Oracle
            | Family::RedHat
            | Family::Rocky
    )
}

fn contains_word(text: &str, word: &str) -> bool {
    text.split_whitespace().any(|part| part.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::{Family, from_id, from_title};

    #[test]
    fn ids() {
        for (id, name, expected) in [
            ("centos", "CentOS Linux", Family::CentOs),
            ("centos", "CentOS Stream", Family::CentOsStream),
            ("ol", "Oracle Linux Server", Family::Oracle),
            ("Debian", "", Family::Debian),
            ("sl-micro", "", Family::SleMicro),
            ("linuxmint", "Linux Mint", Family::Other),
            ("", "", Family::Other),
        ] {
            assert_eq!(from_id(id, name), expected, "{id}");
        }
    }

    #[test]
    fn titles() {
        for (title, expected) in [
            ("CentOS Stream", Family::CentOsStream),
            ("CentOS", Family::CentOs),
            ("Red Hat Enterprise Linux Server", Family::RedHat),
            ("Enterprise Linux Enterprise Linux Server", Family::Oracle),
            ("Scientific Linux", Family::Other),
        ] {
            assert_eq!(from_title(title), expected, "{title}");
        }
    }
}
