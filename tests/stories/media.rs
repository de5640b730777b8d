//! The media side: what it was asked to be like, prompts that end after a while, sessions that close.
//! It must never play anything; it remembers wishes and answers them.

use std::collections::BTreeMap;
use std::time::Duration;

use trunkline::ids::{Generation, LegId};
use trunkline::leg::{Hear, Notice, Wish};
use trunkline::ops::events::Event;
use trunkline_media::moment::Moment;
use trunkline_media::sdp::Agreed;
use trunkline_media::session::Keys;

/// How long every prompt lasts.
const PROMPT: Duration = Duration::from_secs(2);

/// How long keys last, however many they are.
const KEYS: Duration = Duration::from_millis(150);

/// How long a session needs to close.
const CLOSING: Duration = Duration::from_millis(5);

/// A wish as a story tells it.
#[derive(Clone, Debug, PartialEq)]
pub enum Wished {
    Open { hear: Hear, agreed: Option<Agreed> },
    Closed,
}

/// Something that the media side does later.
#[derive(Clone, Debug)]
pub enum Due {
    Played(LegId, u64),
    KeysSent(LegId, u64),
    Closed(LegId),
}

#[derive(Clone, Debug, Default)]
struct Session {
    /// The condition that it is in.
    wished: Option<Wish>,
    generation: Generation,
    activity: Option<u64>,
    finished: Vec<u64>,
    /// The sending whose end was told, or will be, to which self of the leg.
    keys: Option<(Generation, u64)>,
    /// Its silence was told.
    is_silent: bool,
}

/// All sessions.
#[derive(Clone, Default)]
pub struct Media {
    sessions: BTreeMap<LegId, Session>,
    due: BTreeMap<(Moment, u64), Due>,
    set: u64,
    /// Every wish of every leg, repeats left out.
    pub wishes: BTreeMap<LegId, Vec<Wished>>,
    /// Keys that were sent to the far end of a leg, by the sending.
    pub pressed: BTreeMap<LegId, BTreeMap<u64, String>>,
}

impl Media {
    /// The engine of a new process: no session is left of the former.
    pub fn restarted(&self) -> Self {
        Self { wishes: self.wishes.clone(), pressed: self.pressed.clone(), ..Self::default() }
    }

    /// A leg wishes; what can be answered at once is.
    pub fn wish(&mut self, wish: Wish, now: Moment) -> Option<(LegId, Notice)> {
        let (leg, wished) = match &wish {
            Wish::Open { leg, hear, agreed, .. } => {
                (*leg, Wished::Open { hear: hear.clone(), agreed: agreed.as_deref().cloned() })
            }
            Wish::Closed { leg } => (*leg, Wished::Closed),
        };
        let wishes = self.wishes.entry(leg).or_default();
        assert!(wishes.last() != Some(&Wished::Closed) || wished == Wished::Closed, "{leg} opens again");
        if wishes.last() != Some(&wished) {
            wishes.push(wished);
        }
        if self.is_granted(&wish) {
            return None;
        }
        match &wish {
            Wish::Open { generation, hear, keys, .. } => {
                self.sessions.entry(leg).or_default().wished = Some(wish.clone());
                keys.iter().for_each(|keys| self.press(leg, *generation, keys, now));
                self.open(leg, *generation, hear, now)
            }
            Wish::Closed { .. } if self.sessions.contains_key(&leg) => {
                self.later(CLOSING, Due::Closed(leg), now);
                None
            }
            Wish::Closed { .. } => Some((leg, closed())),
        }
    }

    /// Nothing agreed means nothing to send or to take: the session opens when there is.
    fn is_granted(&self, wish: &Wish) -> bool {
        let Wish::Open { leg, agreed, .. } = wish else { return false };
        match self.sessions.get(leg) {
            Some(session) => session.wished.as_ref() == Some(wish),
            None => agreed.is_none(),
        }
    }

    fn open(
        &mut self,
        leg: LegId,
        generation: Generation,
        hear: &Hear,
        now: Moment,
    ) -> Option<(LegId, Notice)> {
        let session = self.sessions.entry(leg).or_default();
        assert!(generation >= session.generation, "{leg}: a wish of a former self");
        session.generation = generation;
        let Hear::Prompt { activity, loops, .. } = hear else {
            session.activity = None;
            return None;
        };
        if session.finished.contains(activity) {
            return Some((leg, Notice::Played { activity: *activity }));
        }
        if session.activity.replace(*activity) != Some(*activity) && *loops > 0 {
            self.later(PROMPT * *loops, Due::Played(leg, *activity), now);
        }
        None
    }

    fn press(&mut self, leg: LegId, generation: Generation, keys: &Keys, now: Moment) {
        self.pressed.entry(leg).or_default().insert(keys.activity, keys.keys.clone());
        let sending = Some((generation, keys.activity));
        let session = self.sessions.entry(leg).or_default();
        if std::mem::replace(&mut session.keys, sending) != sending {
            self.later(KEYS, Due::KeysSent(leg, keys.activity), now);
        }
    }

    fn later(&mut self, after: Duration, due: Due, now: Moment) {
        self.set += 1;
        self.due.insert((now + after, self.set), due);
    }

    pub fn next(&self) -> Option<Moment> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// What happens now.
    pub fn take_due(&mut self, now: Moment) -> Option<(LegId, Notice)> {
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                Due::Played(leg, activity) => {
                    let Some(session) = self.sessions.get_mut(&leg) else { continue };
                    if session.activity == Some(activity) {
                        session.finished.push(activity);
                        return Some((leg, Notice::Played { activity }));
                    }
                }
                Due::KeysSent(leg, activity) => {
                    if self.sessions.contains_key(&leg) {
                        return Some((leg, Notice::KeysSent { activity }));
                    }
                }
                Due::Closed(leg) => {
                    if self.sessions.remove(&leg).is_some() {
                        return Some((leg, closed()));
                    }
                }
            }
        }
        None
    }

    pub fn forget(&mut self, leg: LegId) {
        self.sessions.remove(&leg);
    }

    /// Sessions whose silence was not told yet.
    pub fn take_open(&mut self) -> Vec<LegId> {
        let untold = |(leg, session): (&LegId, &mut Session)| {
            (!std::mem::replace(&mut session.is_silent, true)).then_some(*leg)
        };
        self.sessions.iter_mut().filter_map(untold).collect()
    }

    pub fn open_sessions(&self) -> usize {
        self.sessions.len()
    }
}

fn closed() -> Notice {
    Notice::Closed(Box::new(Event::Quality { received: 0, sent: 0, lost: 0, jitter_us: 0, foreign: 0 }))
}
