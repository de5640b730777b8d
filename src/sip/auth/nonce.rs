//! Nonces that vouch for themselves: time, salt and source under a secret (RFC 7616 §3.3).
//! They must never need a table before their first valid use, and never be accepted from another address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How far a nonce may seem to come from the future before the clock is thought to have been set back.
const CLOCK_SKEW: u64 = 2;

/// A protection domain: its name as phones see it, and what its nonces are signed with.
#[derive(Clone, Serialize, Deserialize)]
pub struct Realm {
    /// The `realm` of challenges.
    pub name: String,
    /// Signs nonces. One secret belongs to one [`super::NonceTable`]: two tables under the same
    /// secret would each take the same nonce count once.
    pub secret: [u8; 32],
    /// How long a nonce may be used after it was given out.
    pub lifetime: Duration,
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Realm")
            .field("name", &self.name)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

impl Realm {
    /// A nonce for `source`, given out at `now` (wall seconds). `salt` tells apart what is given out
    /// to one source within one second.
    pub fn mint(&self, source: IpAddr, salt: u64, now: u64) -> Nonce {
        Nonce { issued: now, salt, seal: self.seal(source, salt, now) }
    }

    /// Whether this realm gave `nonce` to `source`, and not longer ago than its lifetime.
    pub fn vouches_for(&self, nonce: &Nonce, source: IpAddr, now: u64) -> bool {
        let genuine: bool = self.seal(source, nonce.salt, nonce.issued).ct_eq(&nonce.seal).into();
        let age = now.saturating_sub(nonce.issued);
        genuine && age <= self.lifetime.as_secs() && nonce.issued <= now.saturating_add(CLOCK_SKEW)
    }

    fn seal(&self, source: IpAddr, salt: u64, issued: u64) -> [u8; 12] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes keys of any length");
        mac.update(&issued.to_be_bytes());
        mac.update(&salt.to_be_bytes());
        match source.to_canonical() {
            IpAddr::V4(address) => mac.update(&address.octets()),
            IpAddr::V6(address) => mac.update(&address.octets()),
        }
        let mut seal = [0; 12];
        seal.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
        seal
    }
}

/// A nonce as it stands in challenges: 56 hex digits that begin with the time, so that older ones sort first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce {
    issued: u64,
    salt: u64,
    seal: [u8; 12],
}

impl Nonce {
    /// When it was given out, in wall seconds.
    pub const fn issued(&self) -> u64 {
        self.issued
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.issued, self.salt)?;
        self.seal.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is none of our nonces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a nonce of this switch")]
pub struct ForeignNonce;

impl FromStr for Nonce {
    type Err = ForeignNonce;

    fn from_str(text: &str) -> Result<Self, ForeignNonce> {
        // `from_str_radix` would take a sign, too.
        if text.len() != 56 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ForeignNonce);
        }
        let number = |from: usize, to: usize| {
            text.get(from..to).and_then(|hex| u64::from_str_radix(hex, 16).ok()).ok_or(ForeignNonce)
        };
        let mut seal = [0; 12];
        let halves = number(32, 48)?
            .to_be_bytes()
            .into_iter()
            .chain(number(48, 56)?.to_be_bytes().into_iter().skip(4));
        seal.iter_mut().zip(halves).for_each(|(to, from)| *to = from);
        Ok(Self { issued: number(0, 16)?, salt: number(16, 32)?, seal })
    }
}

impl Serialize for Nonce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn realm(secret: u8) -> Realm {
        Realm { name: "trunkline.example".into(), secret: [secret; 32], lifetime: Duration::from_secs(300) }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_nonce_reads_back_what_it_prints_and_refuses_the_rest() {
        let nonce = realm(1).mint(address("192.0.2.1"), 7, NOW);
        let text = nonce.to_string();
        assert_eq!(text.parse(), Ok(nonce));
        for bad in
            ["", "+", &text[1..], &text.replace('a', "A").replace('c', "g"), &format!("+{}", &text[1..])]
        {
            assert_eq!(bad.parse::<Nonce>(), Err(ForeignNonce), "{bad}");
        }
    }

    #[test]
    fn a_nonce_is_good_for_its_source_its_secret_and_its_lifetime_only() {
        let (phone, stranger) = (address("192.0.2.1"), address("192.0.2.2"));
        let nonce = realm(1).mint(phone, 7, NOW);
        assert!(realm(1).vouches_for(&nonce, phone, NOW));
        assert!(realm(1).vouches_for(&nonce, phone, NOW + 300));
        assert!(!realm(1).vouches_for(&nonce, phone, NOW + 301), "too old");
        assert!(!realm(1).vouches_for(&nonce, phone, NOW - 60), "from the future");
        assert!(!realm(1).vouches_for(&nonce, stranger, NOW), "another address");
        assert!(!realm(2).vouches_for(&nonce, phone, NOW), "another secret");
        let younger = Nonce { issued: NOW + 1, ..nonce };
        assert!(!realm(1).vouches_for(&younger, phone, NOW + 1), "made younger");
    }

    #[test]
    fn an_ipv4_phone_keeps_its_nonce_when_a_dual_stack_socket_maps_its_address() {
        let nonce = realm(1).mint(address("192.0.2.1"), 7, NOW);
        assert!(realm(1).vouches_for(&nonce, address("::ffff:192.0.2.1"), NOW));
    }

    #[test]
    fn the_secret_is_not_shown_when_a_realm_is_printed() {
        assert!(!format!("{:?}", realm(211)).contains("211"));
    }
}
