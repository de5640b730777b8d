//! What a batch says: a key has a value now, or is gone.
//! It must never look into a value: what the bytes mean is known by their owner alone.

use serde::{Deserialize, Serialize};

/// One step of the committed state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// From now on `key` has this value, and no older one.
    Put {
        /// Unique within the stream.
        key: Box<str>,
        /// Version of the value's format, for its owner.
        version: u16,
        /// The value, opaque to the journal.
        #[serde(with = "octets")]
        value: Vec<u8>,
    },
    /// From now on there is no `key`.
    Gone {
        /// The key that ended.
        key: Box<str>,
    },
}

/// Bytes as one CBOR byte string; serde alone would write a list of numbers.
pub mod octets {
    use std::fmt;

    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Octets;
        impl Visitor<'_> for Octets {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a byte string")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }

            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Octets)
    }
}
