//! How long a connection waits for its peer: for a first message, for the rest of one, for any byte at all.
//! It must never wait without end, nor close one by which a telephone is registered for being quiet. Pure.

use std::time::Duration;

use trunkline_media::moment::Moment;

use crate::config;
use crate::sip::message::Progress;

/// A message with its body, and the first one, may take so many times what its head may.
const WHOLE: u32 = 3;

/// What a peer has failed to do in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooSlow {
    /// It connected and said nothing that is a message.
    #[error("no message came")]
    Silent,
    /// It began a message and did not finish it.
    #[error("a message was not finished")]
    Slow,
    /// Nothing came and nothing went.
    #[error("idle")]
    Idle,
}

/// The patience with one peer.
#[derive(Clone, Debug)]
pub struct Patience {
    idle: Duration,
    head: Duration,
    /// When the last byte came or went.
    moved: Moment,
    /// When a peer that has to introduce itself by a message must have done so.
    introduction: Option<Moment>,
    /// How far the present message is, and since when.
    message: (Progress, Moment),
}

impl Patience {
    /// With a peer that connected, or was connected to, at `now`. Only one that connected by itself has to say
    /// something.
    pub fn new(limits: &config::Connections, is_stranger: bool, now: Moment) -> Self {
        let head = limits.handshake;
        let introduction = is_stranger.then(|| now + head.saturating_mul(WHOLE));
        Self { idle: limits.idle, head, moved: now, introduction, message: (Progress::Between, now) }
    }

    /// Bytes came: whether they completed a message, and how far the next one is.
    pub fn received(&mut self, has_message: bool, progress: Progress, now: Moment) {
        self.moved = now;
        if has_message {
            self.introduction = None;
        }
        let goes_on = self.message.0 != Progress::Between && !has_message;
        let since = if goes_on { self.message.1 } else { now };
        self.message = (progress, since);
    }

    /// Bytes went.
    pub fn sent(&mut self, now: Moment) {
        self.moved = now;
    }

    /// When the connection is to be closed if nothing more happens, and why. Until `held` it may be quiet.
    pub fn deadline(&self, held: Moment) -> (Moment, TooSlow) {
        let (progress, since) = self.message;
        let waiting = match progress {
            Progress::Between => (held.max(self.moved + self.idle), TooSlow::Idle),
            Progress::Head => (since + self.head, TooSlow::Slow),
            Progress::Body => (since + self.head.saturating_mul(WHOLE), TooSlow::Slow),
        };
        match self.introduction {
            Some(introduction) if introduction <= waiting.0 => (introduction, TooSlow::Silent),
            _ => waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    fn patience(is_stranger: bool) -> Patience {
        Patience::new(&config::Connections::default(), is_stranger, at(0))
    }

    fn due(patience: &Patience) -> (Moment, TooSlow) {
        patience.deadline(Moment::default())
    }

    #[test]
    fn who_connects_and_says_nothing_is_sent_away_whatever_else_it_sends() {
        let mut stranger = patience(true);
        assert_eq!(due(&stranger), (at(15), TooSlow::Silent));
        stranger.received(false, Progress::Between, at(10));
        assert_eq!(due(&stranger), (at(15), TooSlow::Silent), "line ends are no message");
        stranger.received(true, Progress::Between, at(12));
        assert_eq!(due(&stranger), (at(132), TooSlow::Idle));
    }

    #[test]
    fn a_message_that_comes_byte_by_byte_has_no_longer_than_one_that_stops() {
        let mut slow = patience(false);
        for second in 1..5 {
            slow.received(false, Progress::Head, at(second));
            assert_eq!(due(&slow), (at(6), TooSlow::Slow));
        }
        slow.received(false, Progress::Body, at(5));
        assert_eq!(due(&slow), (at(16), TooSlow::Slow));
        // The rest of it, and the begin of the next.
        slow.received(true, Progress::Head, at(9));
        assert_eq!(due(&slow), (at(14), TooSlow::Slow));
    }

    #[test]
    fn a_quiet_connection_stays_for_as_long_as_a_telephone_is_registered_by_it() {
        let mut quiet = patience(false);
        assert_eq!(due(&quiet), (at(120), TooSlow::Idle));
        quiet.sent(at(100));
        assert_eq!(due(&quiet), (at(220), TooSlow::Idle));
        assert_eq!(quiet.deadline(at(3_600)), (at(3_600), TooSlow::Idle));
        quiet.received(false, Progress::Head, at(300));
        assert_eq!(quiet.deadline(at(3_600)), (at(305), TooSlow::Slow), "but not with half a message");
    }
}
