//! Names of things, as types: legs, calls, scripts; and the deterministic minter of new names.
//! Must never draw randomness itself: seeds are handed in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// How a name of 16 bytes is written and read: its prefix and 32 hex digits.
macro_rules! sid {
    ($name:ident, $prefix:literal) => {
        impl $name {
            /// The one named by these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadSid;

            fn from_str(text: &str) -> Result<Self, BadSid> {
                bytes_of($prefix, text).map(Self).ok_or(BadSid($prefix))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// The text is not the prefix followed by 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this SID is {0} followed by 32 hex digits")]
pub struct BadSid(&'static str);

fn bytes_of(prefix: &str, text: &str) -> Option<[u8; 16]> {
    let hex = text.strip_prefix(prefix).filter(|hex| hex.len() == 32)?;
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| pair.get(at).and_then(|hex| char::from(*hex).to_digit(16));
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(bytes)
}

/// One party of a call and its media session. Printed as Twilio's `CallSid`: `CA` and 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId([u8; 16]);

sid!(LegId, "CA");

impl LegId {
    /// The 64 bits that name the leg's media session.
    pub fn session_bits(self) -> u64 {
        self.0.iter().skip(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }
}

/// A recording. Printed as Twilio's `RecordingSid`: `RE` and 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingSid([u8; 16]);

sid!(RecordingSid, "RE");

/// Legs that belong together, named by the leg that began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub LegId);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// How often an actor has been brought back: 0 for the first. Outputs of an older one are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// The one that follows.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Mints tags, branches and identifiers from a secret seed. It is part of the snapshot, so that a
/// machine which is brought back mints the same names again: a repeated output is a retransmission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minter {
    seed: [u8; 16],
    drawn: u64,
}

impl Minter {
    /// A minter over a seed that nobody can guess.
    pub const fn new(seed: [u8; 16]) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next 16 bytes.
    pub fn bytes(&mut self) -> [u8; 16] {
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(self.drawn.to_be_bytes());
        self.drawn += 1;
        let digest = hash.finalize();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        bytes
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.bytes().iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }

    /// The next token: 16 lower-case hex digits.
    pub fn token(&mut self) -> String {
        format!("{:016x}", self.number())
    }

    /// A Via branch with the cookie of RFC 3261 §8.1.1.7.
    pub fn branch(&mut self) -> String {
        format!("z9hG4bK{}", self.token())
    }

    /// Skips what a former self may have drawn that nobody remembers.
    pub fn leap(&mut self, room: u16) {
        self.drawn = self.drawn.saturating_add(u64::from(room));
    }

    /// A minter of its own for a child, so that siblings do not share draws.
    pub fn child(&mut self) -> Minter {
        Minter::new(self.bytes())
    }
}

/// Which of `shards` owns a Call-ID (FNV-1a): the same on every run, for every process.
pub fn shard_of(call_id: &str, shards: usize) -> usize {
    let hash = call_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    usize::try_from(hash % shards.max(1) as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leg_id_reads_back_what_it_prints_and_refuses_the_rest() {
        let id = LegId::from_bytes(*b"0123456789abcdef");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in
            ["", "CA", "CA0", "PA30313233343536373839616263646566", "CA3031323334353637383961626364656g"]
        {
            assert_eq!(bad.parse::<LegId>(), Err(BadSid("CA")), "{bad}");
        }
    }

    #[test]
    fn a_minter_brought_back_goes_on_with_the_same_names() {
        let mut minter = Minter::new([7; 16]);
        minter.token();
        let mut heir = minter.clone();
        assert_eq!(minter.branch(), heir.branch());
        assert_ne!(minter.token(), minter.token());
    }
}
