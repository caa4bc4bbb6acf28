//! Where an address is: on this machine, on this link, in a private network, or anywhere.
//!
//! Redirects and token servers that a registry names must not lead to places that only this machine can reach (a cloud's
//! metadata service above all). Names are judged by what they resolve to, in the resolver that the connection uses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// How near an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Locality {
    /// This machine.
    Loopback,
    /// This link, and what clouds serve there.
    LinkLocal,
    /// A private network.
    Private,
    /// Anywhere else.
    Public,
}

/// Metadata services outside of the link-local range: Alibaba's, and Amazon's over IPv6.
const METADATA_V4: [Ipv4Addr; 1] = [Ipv4Addr::new(100, 100, 100, 200)];
const METADATA_V6: [Ipv6Addr; 1] = [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)];

impl Locality {
    /// Where an address is.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => {
                let segments = address.segments();
                let embedded = match segments {
                    // IPv4-mapped, IPv4-compatible and NAT64 addresses lead where the address inside leads.
                    [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some((high, low)),
                    [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some((high, low)),
                    // 6to4.
                    [0x2002, high, low, ..] => Some((high, low)),
                    _ => None,
                };
                if let Some((high, low)) = embedded {
                    let [a, b] = high.to_be_bytes();
                    let [c, d] = low.to_be_bytes();
                    return Self::of_v4(Ipv4Addr::new(a, b, c, d));
                }
                let first = address.segments().first().copied().unwrap_or(0);
                if address.is_loopback() || address.is_unspecified() {
                    Self::Loopback
                } else if first & 0xffc0 == 0xfe80 || address.is_multicast() || METADATA_V6.contains(&address) {
                    Self::LinkLocal
                } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 {
                    Self::Private
                } else {
                    Self::Public
                }
            }
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [first, second, ..] = address.octets();
        if address.is_loopback() || first == 0 {
            Self::Loopback
        } else if address.is_link_local()
            || address.is_multicast()
            || address.is_broadcast()
            || METADATA_V4.contains(&address)
        {
            Self::LinkLocal
        } else if address.is_private() || (first == 100 && (64..128).contains(&second)) {
            Self::Private
        } else {
            Self::Public
        }
    }

    /// Where a host is that is written as an address, or is a name that always means this machine.
    pub(crate) fn of_literal(url: &Url) -> Option<Self> {
        match url.host()? {
            Host::Ipv4(address) => Some(Self::of(IpAddr::V4(address))),
            Host::Ipv6(address) => Some(Self::of(IpAddr::V6(address))),
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                (name == "localhost" || name.ends_with(".localhost")).then_some(Self::Loopback)
            }
        }
    }

    /// Where a URL's host is, the farthest of its addresses: one that is local only in part may not lead to what is local.
    /// `None` when it does not resolve.
    pub(crate) async fn of_url(url: &Url) -> Option<Self> {
        if let Some(literal) = Self::of_literal(url) {
            return Some(literal);
        }
        let host = url.host_str()?.to_owned();
        let port = url.port_or_known_default()?;
        let addresses = tokio::net::lookup_host((host, port)).await.ok()?;
        addresses.map(|address| Self::of(address.ip())).max()
    }
}

/// Which places a connection may not lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Denied {
    loopback: bool,
    link_local: bool,
    private: bool,
}

impl Denied {
    /// What is on this machine or this link.
    pub(crate) const LOCAL: Self = Self {
        loopback: true,
        link_local: true,
        private: false,
    };

    /// What is denied to an answer of a registry that is at `home`, for a target in plain HTTP or not.
    ///
    /// A name in a private network is let through over TLS, where a certificate vouches for the name: object storage of
    /// clouds resolves so inside of their networks.
    pub(crate) const fn for_home(home: Locality, plain: bool) -> Self {
        Self {
            loopback: !matches!(home, Locality::Loopback),
            link_local: !matches!(home, Locality::LinkLocal),
            private: matches!(home, Locality::Public) && plain,
        }
    }

    /// What is denied to a host that is written as an address: no certificate can make a private one right.
    pub(crate) const fn for_literal(home: Locality) -> Self {
        Self::for_home(home, true)
    }

    /// Whether an address may be connected to.
    pub(crate) const fn permits(self, locality: Locality) -> bool {
        match locality {
            Locality::Loopback => !self.loopback,
            Locality::LinkLocal => !self.link_local,
            Locality::Private => !self.private,
            Locality::Public => true,
        }
    }
}

/// A resolver that leaves out addresses that are denied; names of proxies are exempt, they are the user's own.
#[derive(Debug)]
pub(crate) struct GuardedResolver {
    pub(crate) denied: Denied,
    pub(crate) exempt: Vec<String>,
}

/// Why a name was not resolved.
#[derive(Debug, thiserror::Error)]
#[error("it resolves to an address on this machine, this link or in a private network")]
pub(crate) struct LocalAddress;

impl reqwest::dns::Resolve for GuardedResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let host = name.as_str().to_owned();
        let denied = if self.exempt.contains(&host) {
            Denied::default()
        } else {
            self.denied
        };
        Box::pin(async move {
            let all: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            if all.iter().any(|address| !denied.permits(Locality::of(address.ip()))) {
                return Err(LocalAddress.into());
            }
            Ok(Box::new(all.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Denied, Locality};

    #[test]
    fn addresses_that_only_this_machine_reaches_are_known_in_every_spelling() {
        for (address, expected) in [
            ("127.0.0.1", Locality::Loopback),
            ("127.9.9.9", Locality::Loopback),
            ("0.0.0.0", Locality::Loopback),
            ("::1", Locality::Loopback),
            ("::", Locality::Loopback),
            ("::ffff:127.0.0.1", Locality::Loopback),
            ("::ffff:169.254.169.254", Locality::LinkLocal),
            ("64:ff9b::a9fe:a9fe", Locality::LinkLocal),
            ("2002:7f00:1::", Locality::Loopback),
            ("169.254.169.254", Locality::LinkLocal),
            ("100.100.100.200", Locality::LinkLocal),
            ("fd00:ec2::254", Locality::LinkLocal),
            ("fe80::1", Locality::LinkLocal),
            ("10.1.2.3", Locality::Private),
            ("172.16.0.1", Locality::Private),
            ("192.168.1.1", Locality::Private),
            ("100.64.0.1", Locality::Private),
            ("fd12::1", Locality::Private),
            ("8.8.8.8", Locality::Public),
            ("172.32.0.1", Locality::Public),
            ("2001:4860:4860::8888", Locality::Public),
        ] {
            assert_eq!(Locality::of(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn what_is_denied_depends_on_where_the_registry_is() {
        let permitted = |home, plain| {
            [
                Locality::Loopback,
                Locality::LinkLocal,
                Locality::Private,
                Locality::Public,
            ]
            .map(|to| Denied::for_home(home, plain).permits(to))
        };
        assert_eq!(permitted(Locality::Public, true), [false, false, false, true]);
        assert_eq!(permitted(Locality::Public, false), [false, false, true, true]);
        assert_eq!(permitted(Locality::Private, true), [false, false, true, true]);
        assert_eq!(permitted(Locality::Loopback, true), [true, false, true, true]);
        assert_eq!(permitted(Locality::LinkLocal, true), [false, true, true, true]);
    }
}
