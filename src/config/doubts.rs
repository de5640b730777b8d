//! What a configuration says that each value alone does not show: addresses nobody can reach, ports claimed twice.
//! Must never ask the machine: what depends on the host is found elsewhere.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{Config, Doubt, Network};

impl Config {
    /// Errors and warnings that need no look at the host.
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = listeners(&self.sip.listen);
        if let Some(advertised) = self.sip.advertised {
            doubts.extend(self.reach("sip.advertised", advertised.ip));
            if !self.sip.listen.iter().any(|listen| listen.is_ipv4() == advertised.ip.is_ipv4()) {
                doubts.push(Doubt::warning(
                    "sip.advertised",
                    "is never told: sip.listen has no address of its family",
                ));
            }
        }
        if let Some(advertised) = self.media.advertised {
            doubts.extend(self.reach("media.advertised", advertised));
            if self.media.address.is_some_and(|address| address.is_ipv4() != advertised.is_ipv4()) {
                doubts.push(Doubt::warning(
                    "media.advertised",
                    "is never told: media.address is of the other family",
                ));
            }
        }
        doubts.extend(self.ports());
        let codecs: BTreeSet<String> = self.media.codecs.iter().map(|codec| format!("{codec:?}")).collect();
        if codecs.len() < self.media.codecs.len() {
            doubts.push(Doubt::warning("media.codecs", "names a codec twice: the first place counts"));
        }
        doubts
    }

    fn ports(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        let span = self.media.ports;
        for listen in &self.sip.listen {
            if (span.first..=span.last).contains(&listen.port()) {
                let message = format!("holds the port of sip.listen = {listen}: choose others");
                doubts.push(Doubt::error("media.ports", message));
            }
        }
        let pairs = span.pairs();
        if pairs < self.limits.legs {
            let message = format!(
                "is enough for {pairs} legs (two ports each), limits.legs allows {}: widen it, or lower limits.legs",
                self.limits.legs
            );
            doubts.push(Doubt::warning("media.ports", message));
        }
        doubts
    }

    /// Whether hosts outside the local networks can do anything with an address that they are told.
    fn reach(&self, key: &'static str, ip: IpAddr) -> Option<Doubt> {
        if ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
            return Some(Doubt::error(
                key,
                "is no address of a host: write the one that peers can reach, or \"auto\"",
            ));
        }
        if ip.is_loopback() {
            return Some(Doubt::warning(key, "is this host alone: nobody outside reaches it"));
        }
        let everybody = |network: &Network| network.contains_all_of(ip);
        if self.local_networks.ranges.iter().any(everybody) {
            return Some(Doubt::warning(key, "is never told: local_networks.ranges holds every host"));
        }
        let is_private = Network::PRIVATE.iter().any(|network| network.contains(ip));
        is_private.then(|| {
            Doubt::warning(key, "is a private address: hosts outside the local networks cannot reach it")
        })
    }
}

/// Addresses that are listed twice, or that another one covers.
fn listeners(listen: &[SocketAddr]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (at, one) in listen.iter().enumerate() {
        for other in listen.iter().skip(at + 1) {
            let is_same_port =
                one.port() == other.port() && one.port() != 0 && one.is_ipv4() == other.is_ipv4();
            if one == other && is_same_port {
                doubts.push(Doubt::error("sip.listen", format!("has {one} twice")));
            } else if is_same_port && (one.ip().is_unspecified() || other.ip().is_unspecified()) {
                let (all, single) = if one.ip().is_unspecified() { (one, other) } else { (other, one) };
                doubts.push(Doubt::error(
                    "sip.listen",
                    format!("has {all}, which covers {single}: leave one out"),
                ));
            }
        }
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn told(toml: &str) -> Vec<String> {
        let examined = Config::examine(toml);
        let doubts = examined.config.doubts();
        examined.findings("trunkline.toml", doubts).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_defaults_raise_no_doubt() {
        assert_eq!(told(""), Vec::<String>::new());
    }

    #[test]
    fn an_address_that_is_listed_twice_or_covered_is_an_error() {
        let twice = told("[sip]\nlisten = [\"127.0.0.1:5060\", \"[::1]:5060\", \"127.0.0.1:5060\"]");
        assert_eq!(twice.len(), 1);
        assert!(twice[0].starts_with("trunkline.toml: line 2: error: sip.listen = "), "{twice:?}");
        assert!(twice[0].ends_with("has 127.0.0.1:5060 twice"), "{twice:?}");
        let covered = told("sip.listen = [\"127.0.0.1:5060\", \"0.0.0.0:5060\"]");
        assert!(
            covered[0].ends_with("has 0.0.0.0:5060, which covers 127.0.0.1:5060: leave one out"),
            "{covered:?}"
        );
        assert_eq!(
            told("sip.listen = [\"127.0.0.1:5060\", \"192.0.2.1:5060\", \"[::]:5060\"]"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn an_address_that_peers_cannot_reach_is_told_by_how_hopeless_it_is() {
        for (toml, wanted) in [
            ("sip.advertised = \"0.0.0.0\"", "error: sip.advertised = \"0.0.0.0\": is no address of a host"),
            ("media.advertised = \"224.0.0.1\"", "error: media.advertised"),
            ("sip.advertised = \"127.0.0.1\"", "warning: sip.advertised = \"127.0.0.1\": is this host alone"),
            ("sip.advertised = \"10.0.0.1\"", "is a private address"),
            ("sip.advertised = \"2001:db8::1\"", "sip.listen has no address of its family"),
            (
                "media = { address = \"::1\", advertised = \"203.0.113.7\" }",
                "media.address is of the other family",
            ),
            (
                "sip.advertised = \"203.0.113.7\"\nlocal_networks.ranges = [\"0.0.0.0/0\"]",
                "local_networks.ranges holds every host",
            ),
        ] {
            let told = told(toml);
            assert!(told.len() == 1 && told[0].contains(wanted), "{toml}: {told:?}");
        }
        assert_eq!(told("sip.advertised = \"203.0.113.7:5070\""), Vec::<String>::new());
    }

    #[test]
    fn ports_that_are_too_few_or_taken_are_told() {
        let few = told("[media]\nports = \"40000-40009\"\n");
        assert_eq!(
            few,
            [
                "trunkline.toml: line 2: warning: media.ports = \"40000-40009\": is enough for 5 legs (two ports each), \
              limits.legs allows 5000: widen it, or lower limits.legs"
            ]
        );
        let taken = told("[media]\nports = \"5000-29999\"\n");
        assert!(
            taken.len() == 1 && taken[0].contains("holds the port of sip.listen = 0.0.0.0:5060"),
            "{taken:?}"
        );
    }

    #[test]
    fn a_codec_that_is_named_twice_is_told() {
        let twice = told("media.codecs = [\"PCMA\", \"PCMU\", \"PCMA\"]");
        assert!(twice.len() == 1 && twice[0].contains("warning: media.codecs"), "{twice:?}");
    }
}
