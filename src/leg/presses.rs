//! Keys that a far end pressed: each press once, however it was told.
//! It must never take two presses for one that were told by the same way.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::DigitWay;
use crate::sip::message::Request;

/// How far the two tellings of one press may lie apart: an INFO is sent when the key is let go, and may be repeated.
const WINDOW: Duration = Duration::from_secs(2);

/// Presses remembered at once; nobody's fingers are faster.
const MOST: usize = 32;

/// Body types of INFO that tell a key, as told in `Accept`.
pub(super) const KINDS: &str = "application/dtmf-relay, application/dtmf";

/// Presses that one way has told and the other has not, the oldest first. Telephones that tell a press both in RTP
/// (RFC 4733) and by INFO are many; whichever comes first counts, and its twin is swallowed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Presses {
    recent: VecDeque<Press>,
    /// One press was told by both ways.
    tells_twice: bool,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Press {
    digit: char,
    by: DigitWay,
    at: Moment,
}

impl Presses {
    /// How a press came, if this is news and not the same one told by the other way. What a telephone that tells twice
    /// says by INFO is in its sound as well, and crosses a bridge there.
    pub fn news(&mut self, digit: char, by: DigitWay, now: Moment) -> Option<DigitWay> {
        self.recent.retain(|press| now < press.at + WINDOW);
        if let Some(twin) = self.recent.iter().position(|press| press.digit == digit && press.by != by) {
            self.recent.remove(twin);
            self.tells_twice = true;
            return None;
        }
        if self.recent.len() >= MOST {
            self.recent.pop_front();
        }
        self.recent.push_back(Press { digit, by, at: now });
        Some(if self.tells_twice { DigitWay::Rtp } else { by })
    }
}

/// What an INFO says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Info {
    /// A key was pressed.
    Digit(char),
    /// Nothing that matters here: no body, a flash of the hook, a letter that no telephone has.
    Nothing,
    /// A body of a kind that we do not read.
    Unknown,
}

impl Info {
    /// Reads either of the two forms that phones send. Both name `*` and `#` by letter or by event number (RFC 4733).
    pub fn of(info: &Request) -> Self {
        if info.body().is_empty() {
            return Self::Nothing;
        }
        let signal = |text: &str| {
            let (name, value) = text.split_once('=')?;
            name.trim().eq_ignore_ascii_case("signal").then(|| value.trim().to_owned())
        };
        let text = String::from_utf8_lossy(info.body());
        let value = match info.headers().content_type().as_deref() {
            Some("application/dtmf-relay") => text.lines().find_map(signal),
            Some("application/dtmf") => {
                text.lines().find_map(signal).or_else(|| Some(text.trim().to_owned()))
            }
            _ => return Self::Unknown,
        };
        value.and_then(|value| key(&value)).map_or(Self::Nothing, Self::Digit)
    }
}

fn key(value: &str) -> Option<char> {
    let mut letters = value.chars();
    match (letters.next()?.to_ascii_uppercase(), letters.next()) {
        (letter @ ('0'..='9' | '*' | '#' | 'A'..='D'), None) => Some(letter),
        _ => value.parse().ok().and_then(|event: usize| "0123456789*#ABCD".chars().nth(event)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_that_is_told_by_both_ways_is_one_and_two_presses_are_two() {
        use DigitWay::{Info, Rtp};
        let at = Moment::from_micros;
        let mut presses = Presses::default();
        for (digit, by, when, news, what) in [
            ('4', Info, 0, Some(Info), "all that is known of it"),
            ('5', Rtp, 100_000, Some(Rtp), ""),
            ('5', Info, 900_000, None, "the same press"),
            (
                '5',
                Info,
                1_000_000,
                Some(Rtp),
                "the next press: INFO is first, and it is in the sound as well",
            ),
            ('5', Info, 1_200_000, Some(Rtp), "one more"),
            ('5', Rtp, 1_300_000, None, ""),
            ('5', Rtp, 1_400_000, None, ""),
            ('6', Rtp, 2_000_000, Some(Rtp), ""),
            ('7', Info, 2_100_000, Some(Rtp), ""),
            ('6', Info, 4_000_000, Some(Rtp), "too late for a twin"),
        ] {
            assert_eq!(presses.news(digit, by, at(when)), news, "{digit} at {when}: {what}");
        }
    }

    #[test]
    fn a_storm_of_presses_is_remembered_within_bounds() {
        let mut presses = Presses::default();
        let news = |at| presses.news('1', DigitWay::Rtp, Moment::from_micros(at));
        assert_eq!((0..1000).filter_map(news).count(), 1000);
        assert_eq!(presses.recent.len(), MOST);
    }

    #[test]
    fn keys_have_letters_and_event_numbers() {
        for (value, digit) in [
            ("5", Some('5')),
            ("*", Some('*')),
            ("10", Some('*')),
            ("11", Some('#')),
            ("d", Some('D')),
            ("15", Some('D')),
            ("16", None),
            ("", None),
            ("55", None),
            ("!", None),
            ("-1", None),
        ] {
            assert_eq!(key(value), digit, "{value:?}");
        }
    }
}
