//! The payload numbers of a session: what a number once meant, it means to the end (RFC 3264 §8.3.2).
//! Must never give one number to two encodings.

use serde::{Deserialize, Serialize};

use super::format::{Encoding, Format};
use crate::codec::Codec;

/// The numbers that the peer's offers gave to encodings, the latest last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Numbering(Vec<Format>);

impl Numbering {
    /// Takes note of the numbers in an offer that was accepted.
    pub fn learn(&mut self, formats: &[Format]) {
        for format in formats {
            self.0.retain(|known| known.payload_type != format.payload_type);
            self.0.push(*format);
        }
    }

    /// Gives each encoding its number: the one it has, else its usual one, else one that is free.
    pub fn assign(&self, encodings: impl IntoIterator<Item = Encoding>) -> Vec<Format> {
        let mut assigned: Vec<Format> = Vec::new();
        for encoding in encodings {
            if assigned.iter().any(|format| format.encoding == encoding) {
                continue;
            }
            if let Some(payload_type) = self.known(encoding).or_else(|| self.free(encoding, &assigned)) {
                assigned.push(Format { payload_type, encoding });
            }
        }
        assigned
    }

    fn known(&self, encoding: Encoding) -> Option<u8> {
        self.0.iter().rev().find(|known| known.encoding == encoding).map(|known| known.payload_type)
    }

    fn free(&self, encoding: Encoding, assigned: &[Format]) -> Option<u8> {
        let usual = match encoding {
            Encoding::Voice(Codec::Pcmu) => 0,
            Encoding::Voice(Codec::Pcma) => 8,
            Encoding::TelephoneEvent { .. } | Encoding::Other => 101,
        };
        let is_free = |number: &u8| self.0.iter().chain(assigned).all(|taken| taken.payload_type != *number);
        std::iter::once(usual).chain(96..=127).find(is_free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: Encoding = Encoding::TelephoneEvent { clock_rate: 8000 };

    fn numbers(numbering: &Numbering) -> Vec<u8> {
        let encodings = [Encoding::Voice(Codec::Pcmu), Encoding::Voice(Codec::Pcma), EVENTS];
        numbering.assign(encodings).iter().map(|format| format.payload_type).collect()
    }

    #[test]
    fn a_fresh_session_uses_the_usual_numbers() {
        assert_eq!(numbers(&Numbering::default()), [0, 8, 101]);
    }

    #[test]
    fn a_number_that_the_peer_gave_is_kept_and_one_that_it_uses_is_not_taken() {
        let mut numbering = Numbering::default();
        numbering.learn(&[
            Format { payload_type: 96, encoding: Encoding::Voice(Codec::Pcma) },
            Format { payload_type: 101, encoding: Encoding::Other },
        ]);
        assert_eq!(numbers(&numbering), [0, 96, 97]);
        numbering.learn(&[Format { payload_type: 100, encoding: EVENTS }]);
        assert_eq!(numbers(&numbering), [0, 96, 100]);
    }

    #[test]
    fn no_number_is_given_twice_even_when_the_usual_ones_are_all_taken() {
        let mut numbering = Numbering::default();
        let taken = [0, 8, 101].map(|payload_type| Format { payload_type, encoding: Encoding::Other });
        numbering.learn(&taken);
        assert_eq!(numbers(&numbering), [96, 97, 98]);
    }
}
