//! DTMF: the sixteen keys of a telephone, as events (RFC 4733) and as pairs of tones (ITU-T Q.23).
//! Must never touch a packet's header or a clock: what it is given is payloads, samples and steps of 20 ms.

use serde::{Deserialize, Serialize};

use crate::tone::sine;

mod presses;
mod report;

pub use presses::Presses;
pub use report::Report;

/// Frequencies of the rows, in hertz (ITU-T Q.23).
pub(crate) const ROWS: [usize; 4] = [697, 770, 852, 941];
/// Frequencies of the columns, in hertz.
pub(crate) const COLUMNS: [usize; 4] = [1209, 1336, 1477, 1633];

/// Keys in the order of their event codes (RFC 4733 §3.2), with their row and column.
const KEYS: [(char, usize, usize); 16] = [
    ('0', 3, 1),
    ('1', 0, 0),
    ('2', 0, 1),
    ('3', 0, 2),
    ('4', 1, 0),
    ('5', 1, 1),
    ('6', 1, 2),
    ('7', 2, 0),
    ('8', 2, 1),
    ('9', 2, 2),
    ('*', 3, 0),
    ('#', 3, 2),
    ('A', 0, 3),
    ('B', 1, 3),
    ('C', 2, 3),
    ('D', 3, 3),
];

/// One of `0-9*#A-D`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "char", into = "char")]
pub struct Key(u8);

/// A character that is on no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no key")]
pub struct NoKey(pub char);

impl Key {
    /// The key of this event code; other events, such as a hook flash, are none.
    pub const fn from_event(code: u8) -> Option<Key> {
        if (code as usize) < KEYS.len() { Some(Key(code)) } else { None }
    }

    /// Its event code (RFC 4733 §3.2).
    pub const fn event(self) -> u8 {
        self.0
    }

    /// What is written on it.
    pub const fn digit(self) -> char {
        self.entry().0
    }

    /// Fills a frame with its two tones, from the sample at `place` on; 10 dB below full load each.
    pub fn fill(self, place: u64, frame: &mut [i16]) {
        let (_, row, column) = self.entry();
        let (row, column) = (ROWS[row % 4], COLUMNS[column % 4]);
        for (place, sample) in (place..).zip(frame) {
            *sample = ((sine(row, place) + sine(column, place)) * 7 / 5) as i16;
        }
    }

    pub(crate) fn from_tones(row: usize, column: usize) -> Option<Key> {
        let code = KEYS.iter().position(|(_, r, c)| (*r, *c) == (row, column))?;
        u8::try_from(code).ok().map(Key)
    }

    const fn entry(self) -> (char, usize, usize) {
        KEYS[self.0 as usize % KEYS.len()]
    }
}

impl TryFrom<char> for Key {
    type Error = NoKey;

    fn try_from(digit: char) -> Result<Self, NoKey> {
        let wanted = digit.to_ascii_uppercase();
        let code = KEYS.iter().position(|(digit, ..)| *digit == wanted).ok_or(NoKey(digit))?;
        u8::try_from(code).map(Key).map_err(|_| NoKey(digit))
    }
}

impl From<Key> for char {
    fn from(key: Key) -> char {
        key.digit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_keys_are_the_same_sixteen() {
        let digits: String = (0..16).filter_map(Key::from_event).map(Key::digit).collect();
        assert_eq!(digits, "0123456789*#ABCD");
        assert_eq!(Key::from_event(16), None, "a hook flash is no key");
        for code in 0..16 {
            let key = Key::from_event(code).expect("a key");
            assert_eq!((key.event(), Key::try_from(key.digit())), (code, Ok(key)));
        }
        assert_eq!(Key::try_from('w'), Err(NoKey('w')));
        assert_eq!(Key::try_from('b').map(Key::digit), Ok('B'));
    }

    #[test]
    fn a_stored_key_that_is_none_is_refused() {
        assert_eq!(serde_json::to_string(&Key(11)).ok().as_deref(), Some("\"#\""));
        assert_eq!(serde_json::from_str::<Key>("\"#\"").ok(), Some(Key(11)));
        assert!(serde_json::from_str::<Key>("\"x\"").is_err());
    }
}
