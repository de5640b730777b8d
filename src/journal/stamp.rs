//! When and in which boot of the host a batch was written: the key to every deadline inside it.
//! It must never read a clock; whoever holds one passes a [`Stamp`] in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use trunkline_media::moment::Moment;

use super::change::octets;

/// The kernel's name for the time since the host was started: moments of two boots cannot be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BootId(u128);

/// What stands in `boot_id` is not the 32 hexadecimal digits of a UUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a boot: 32 hexadecimal digits are wanted")]
pub struct NotABoot(String);

impl FromStr for BootId {
    type Err = NotABoot;

    fn from_str(text: &str) -> Result<Self, NotABoot> {
        let refused = || NotABoot(text.chars().take(64).collect());
        let digits: String = text.trim().chars().filter(|&digit| digit != '-').take(33).collect();
        if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(refused());
        }
        u128::from_str_radix(&digits, 16).map(Self).map_err(|_| refused())
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for BootId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0.to_be_bytes())
    }
}

impl<'de> Deserialize<'de> for BootId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = octets::deserialize(deserializer)?;
        let bytes =
            <[u8; 16]>::try_from(bytes).map_err(|_| serde::de::Error::custom("a boot id has 16 bytes"))?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }
}

/// The time of a batch: in this boot, and on the calendar for readers of another boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The boot that `at` counts from.
    pub boot: BootId,
    /// Microseconds since that boot.
    pub at: Moment,
    /// Microseconds since 1970 in UTC.
    pub wall: u64,
}
