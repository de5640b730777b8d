//! The destination policy: which addresses a URL may lead to, whoever wrote it (threats.md T19).
//! It must never trust a name: addresses are judged, and those that were judged are connected to.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arc_swap::ArcSwap;
use url::{Host, Url};

use crate::config::network::Network;

/// What may be reached.
#[derive(Debug)]
pub(super) struct Policy {
    /// Networks that may be reached besides the public ones.
    allow: Vec<Network>,
    /// Hosts with ports that the operator has named: they may be anywhere.
    trusted: ArcSwap<HashSet<String>>,
}

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// To the public Internet.
    Public,
    /// To this host or its neighbourhood: only if allowed.
    Private,
    /// To nothing that a webhook could be for.
    Never,
}

impl Policy {
    pub fn new(allow: Vec<Network>, trusted: Vec<String>) -> Self {
        Self { allow, trusted: ArcSwap::from_pointee(trusted.into_iter().collect()) }
    }

    /// From now on these hosts are the ones that the operator names.
    pub fn trust(&self, trusted: Vec<String>) {
        self.trusted.store(trusted.into_iter().collect::<HashSet<_>>().into());
    }

    /// Whether the operator has named the host and port of this URL.
    pub fn trusts(&self, url: &Url) -> bool {
        authority_of(url).is_some_and(|authority| self.trusted.load().contains(&authority))
    }

    /// Whether an address that a stranger's URL leads to may be connected to.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = embedded(address);
        match reach(address) {
            Reach::Public => true,
            Reach::Private => self.allow.iter().any(|network| network.contains(address)),
            Reach::Never => false,
        }
    }

    /// The address in this URL that may not be connected to. A name is judged when it is resolved.
    pub fn refuses_literal(&self, url: &Url) -> Option<IpAddr> {
        let address = match url.host()? {
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
            Host::Domain(_) => return None,
        };
        Some(address).filter(|address| !self.permits(*address))
    }
}

/// Host and port of a URL, as trusted hosts are named: `example.com:443`.
pub fn authority(url: &str) -> Option<String> {
    authority_of(&Url::parse(url.trim()).ok()?)
}

pub(super) fn authority_of(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// The IPv4 address that packets to an IPv6 address end up at: mapped, compatible (RFC 4291 §2.5.5), NAT64 (RFC 6052)
/// and 6to4 (RFC 3056).
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let tail = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0, 0, 0, 0, 0xffff, 0] | [0x64, 0xff9b, 0, 0, 0, 0] => tail(g, h),
        [0, 0, 0, 0, 0, 0] if v6 != Ipv6Addr::UNSPECIFIED && v6 != Ipv6Addr::LOCALHOST => tail(g, h),
        [0x2002, high, low, ..] => tail(high, low),
        _ => address,
    }
}

fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

/// By the registry of special-purpose addresses (RFC 6890), and the metadata services of clouds outside of it.
fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [0, ..] | [169, 254, ..] | [224..=255, ..] => Reach::Never,
        // Metadata services: Alibaba, Oracle, Azure.
        [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16] => Reach::Never,
        [127, ..] | [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Reach::Private,
        [100, 64..=127, ..] | [192, 0, 0, _] | [198, 18 | 19, ..] => Reach::Private,
        // Documentation.
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Private,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    // The metadata service of AWS stands among private addresses.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address.segments() {
        _ if address == Ipv6Addr::LOCALHOST => Reach::Private,
        _ if address == METADATA => Reach::Never,
        [0xfe80..=0xfebf, ..] => Reach::Never,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Reach::Private,
        // Teredo, ORCHID, benchmarks and other protocol assignments; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Reach::Private,
        // All that is assigned for global unicast (RFC 4291 §2.4).
        [0x2000..=0x3fff, ..] => Reach::Public,
        // A NAT64 of one's own (RFC 8215) leads to the own network.
        [0x64, 0xff9b, 1, ..] => Reach::Private,
        _ => Reach::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow: &[&str]) -> Policy {
        let allow = allow.iter().map(|network| network.parse().expect("a network")).collect();
        Policy::new(allow, vec!["127.0.0.1:8000".to_owned(), "intern.example:443".to_owned()])
    }

    fn url(text: &str) -> Url {
        Url::parse(text).expect(text)
    }

    #[test]
    fn a_literal_address_is_recognised_in_every_notation() {
        let strict = policy(&[]);
        for (host, address) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
            ("0177.0.0.1", "127.0.0.1"),
            ("0x7f.0.0.0x1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("１２７.０.０.１", "127.0.0.1"),
            ("127%2e0%2e0%2e1", "127.0.0.1"),
            ("user:word@127.0.0.1", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("10.0.0.1", "10.0.0.1"),
            ("172.31.255.255", "172.31.255.255"),
            ("192.168.1.1", "192.168.1.1"),
            ("169.254.169.254", "169.254.169.254"),
            ("2852039166", "169.254.169.254"),
            ("[::1]", "::1"),
            ("[::]", "::"),
            ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
            ("[::ffff:a9fe:a9fe]", "::ffff:169.254.169.254"),
            ("[::127.0.0.1]", "::127.0.0.1"),
            ("[64:ff9b::10.0.0.1]", "64:ff9b::a00:1"),
            ("[2002:7f00:1::]", "2002:7f00:1::"),
            ("[fe80::1]", "fe80::1"),
            ("[fd00:ec2::254]", "fd00:ec2::254"),
            ("[fc00::1]", "fc00::1"),
            ("[ff02::1]", "ff02::1"),
        ] {
            let refused = strict.refuses_literal(&url(&format!("http://{host}:8080/x")));
            assert_eq!(refused, Some(address.parse().expect(address)), "{host}");
        }
        for host in ["example.com", "8.8.8.8", "[2606:4700::1111]", "[::ffff:8.8.8.8]", "172.32.0.1"] {
            assert_eq!(strict.refuses_literal(&url(&format!("http://{host}/"))), None, "{host}");
        }
    }

    #[test]
    fn what_is_private_may_be_allowed_and_what_leads_nowhere_may_not() {
        let open =
            policy(&["127.0.0.0/8", "10.0.0.0/8", "::1/128", "fd00::/8", "169.254.0.0/16", "fe80::/10"]);
        for good in ["127.0.0.1", "10.200.0.1", "::1", "fd00::7", "::ffff:127.0.0.1"] {
            assert!(open.permits(good.parse().expect(good)), "{good}");
        }
        for bad in
            ["192.168.0.1", "169.254.169.254", "fe80::1", "fd00:ec2::254", "0.0.0.0", "224.0.0.1", "::"]
        {
            assert!(!open.permits(bad.parse().expect(bad)), "{bad}");
        }
    }

    #[test]
    fn the_operator_is_trusted_by_host_and_port_until_the_routes_change() {
        let policy = policy(&[]);
        assert!(policy.trusts(&url("http://127.0.0.1:8000/voice?x=1")));
        assert!(policy.trusts(&url("https://INTERN.example/")));
        assert!(!policy.trusts(&url("http://127.0.0.1:8001/")));
        assert!(!policy.trusts(&url("http://intern.example/")), "another port");
        policy.trust(authority("http://[::1]:81/x").into_iter().collect());
        assert!(policy.trusts(&url("http://[::1]:81/")) && !policy.trusts(&url("http://127.0.0.1:8000/")));
    }
}
