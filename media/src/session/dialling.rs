//! Keys on their way to the other end, in steps of 20 ms: those of a plan, and those of the other leg where this end
//! can only hear them. Must never forget which sending is over: the same plan may come again.

use serde::{Deserialize, Serialize};

use super::plan::Keys;
use crate::dtmf::Key;

/// Steps of a key: 100 ms of tone, 60 ms of pause. The end of its event is told with the last step of the tone and
/// twice more, as often as RFC 4733 §2.5.1.4 asks.
const TONE: u8 = 5;
const STROKE: u8 = 8;
/// Steps of `w`, half a second, and of `W`, one second.
const SHORT_WAIT: u8 = 25;
const LONG_WAIT: u8 = 50;
/// Keys of the other leg that may wait.
const PASSING: usize = 32;

/// What is dialled, and how far it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dialling {
    sending: Option<Sending>,
    /// Keys of the other leg, oldest first.
    passing: String,
    doing: Option<Doing>,
}

/// The last keys of a plan: they outlive it, so that their activity can go on or be known as ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sending {
    activity: u64,
    keys: String,
    /// Characters taken up so far.
    taken: usize,
    has_ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Doing {
    Stroke {
        key: Key,
        /// Steps done.
        step: u8,
        /// The timestamp that its reports bear.
        start: Option<u32>,
    },
    Wait {
        /// Steps left.
        left: u8,
    },
}

/// One step of 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The key sounds; `start` is the timestamp of its first report, once there was one.
    Tone { key: Key, step: u8, start: Option<u32>, is_last: bool },
    /// The pause after a key, in which its end is told again.
    Pause { key: Key, start: Option<u32>, is_told: bool },
    /// Nothing for half a second or one.
    Wait,
}

impl Step {
    /// How long the tone has lasted at the end of this step, in samples.
    pub(super) fn duration(self) -> u16 {
        let steps = if let Step::Tone { step, .. } = self { step.saturating_add(1) } else { TONE };
        u16::from(steps) * 160
    }
}

impl Dialling {
    /// Takes up the keys of a plan. The same ones go on; others let the key that sounds end before.
    pub(super) fn take(&mut self, keys: Option<&Keys>) {
        let same = |sending: &&mut Sending| keys.is_some_and(|keys| keys.activity == sending.activity);
        if self.sending.as_mut().is_some_and(|sending| same(&sending)) {
            return;
        }
        if let Some(sending) = &mut self.sending {
            sending.stop();
        }
        if !self.is_stroking() {
            self.doing = None;
        }
        if let Some(Keys { activity, keys }) = keys {
            let (activity, keys) = (*activity, keys.clone());
            self.sending = Some(Sending { activity, keys, taken: 0, has_ended: false });
        }
    }

    /// Adds a key that the other leg pressed.
    pub(super) fn pass(&mut self, key: Key) {
        if self.passing.len() < PASSING {
            self.passing.push(key.digit());
        }
    }

    /// The other leg is another one, or none: what it pressed was meant for nobody here.
    pub(super) fn forget_passing(&mut self) {
        self.passing.clear();
    }

    /// Whether there is something to do.
    pub(super) fn is_busy(&self) -> bool {
        let is_sending = self.sending.as_ref().is_some_and(|sending| !sending.has_ended);
        is_sending || self.doing.is_some() || !self.passing.is_empty()
    }

    /// Whether a key sounds, or has just sounded: nothing else is heard meanwhile.
    pub(super) fn is_stroking(&self) -> bool {
        matches!(self.doing, Some(Doing::Stroke { .. }))
    }

    /// The activity that has ended, if that is how the last one stands.
    pub(super) fn ended(&self) -> Option<u64> {
        self.sending.as_ref().filter(|sending| sending.has_ended).map(|sending| sending.activity)
    }

    /// The next step; `None` once everything is sent.
    pub(super) fn step(&mut self) -> Option<Step> {
        self.doing = self.doing.or_else(|| self.begin());
        match self.doing.as_mut()? {
            Doing::Stroke { key, step, start } => {
                let (key, start, done) = (*key, *start, *step);
                *step += 1;
                if *step >= STROKE {
                    self.doing = None;
                }
                Some(if done < TONE {
                    Step::Tone { key, step: done, start, is_last: done + 1 == TONE }
                } else {
                    Step::Pause { key, start, is_told: done < TONE + 2 }
                })
            }
            Doing::Wait { left } => {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.doing = None;
                }
                Some(Step::Wait)
            }
        }
    }

    /// Notes the timestamp that the key's first report got.
    pub(super) fn note_start(&mut self, timestamp: u32) {
        if let Some(Doing::Stroke { start, .. }) = &mut self.doing {
            *start = Some(timestamp);
        }
    }

    /// Ends the sending if all of its keys have been sent; gives its activity, once.
    pub(super) fn end(&mut self) -> Option<u64> {
        if self.doing.is_some() {
            return None;
        }
        let sending = self.sending.as_mut().filter(|sending| !sending.has_ended && sending.is_taken())?;
        sending.stop();
        Some(sending.activity)
    }

    fn begin(&mut self) -> Option<Doing> {
        if let Some(doing) = self.sending.as_mut().and_then(Sending::next) {
            return Some(doing);
        }
        let key = (!self.passing.is_empty()).then(|| self.passing.remove(0))?;
        Key::try_from(key).ok().map(|key| Doing::Stroke { key, step: 0, start: None })
    }
}

impl Sending {
    fn next(&mut self) -> Option<Doing> {
        while !self.has_ended {
            let sign = self.keys.get(self.taken..)?.chars().next()?;
            self.taken += sign.len_utf8();
            match (sign, Key::try_from(sign)) {
                ('w', _) => return Some(Doing::Wait { left: SHORT_WAIT }),
                ('W', _) => return Some(Doing::Wait { left: LONG_WAIT }),
                (_, Ok(key)) => return Some(Doing::Stroke { key, step: 0, start: None }),
                // What is no key makes no sound.
                (_, Err(_)) => {}
            }
        }
        None
    }

    fn is_taken(&self) -> bool {
        !self
            .keys
            .get(self.taken..)
            .unwrap_or_default()
            .chars()
            .any(|sign| matches!(sign, 'w' | 'W') || Key::try_from(sign).is_ok())
    }

    fn stop(&mut self) {
        self.has_ended = true;
        self.keys.clear();
        self.taken = 0;
    }
}
