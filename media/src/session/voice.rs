//! What a session sends of its own: silence, prompts, tones, in frames of 20 ms.
//! Must never drift: frames are due at absolute times, 20 ms apart.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Event, Session, SessionId, Source};
use crate::asset::Asset;
use crate::moment::Moment;
use crate::player::Playback;
use crate::tone::Tone;

/// Samples of a frame.
pub(super) const FRAME: usize = 160;
/// The time of a frame.
const PERIOD: Duration = Duration::from_millis(20);
/// Ticks of all sessions fall onto the same places, 5 ms apart: one wake-up of the driver serves a quarter of them.
const GRID: u64 = 5000;
/// A driver that is later than this does not catch up: the prompt waits instead.
const LATENESS: Duration = Duration::from_millis(100);

/// What is sent, as a value: the source with its progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Voice {
    Silence,
    Session(SessionId),
    Echo,
    /// The session's playback.
    Player,
    Tone {
        tone: Tone,
        /// The next sample.
        place: u64,
    },
}

impl Voice {
    /// Whether its frames are made here.
    pub(super) const fn is_made(self) -> bool {
        matches!(self, Voice::Silence | Voice::Player | Voice::Tone { .. })
    }
}

impl Session {
    /// Takes up a source; one that is up already goes on.
    pub(super) fn speak(&mut self, source: &Source) {
        let voice = match (source, self.voice) {
            (Source::Tone(wanted), same @ Voice::Tone { tone, .. }) if *wanted == tone => same,
            (Source::Tone(tone), _) => Voice::Tone { tone: *tone, place: 0 },
            (Source::Silence, _) => Voice::Silence,
            (Source::Session(source), _) => Voice::Session(*source),
            (Source::Echo, _) => Voice::Echo,
            (Source::Player { .. }, _) => Voice::Player,
        };
        if let Source::Player { activity, asset, loops } = source {
            match &self.playback {
                Some(playback) if playback.is_of(*activity, asset) => self.tell_end(),
                _ => {
                    self.playback = Some(Playback::new(*activity, &asset.key, *loops));
                    self.clock.cut();
                }
            }
        }
        if voice != self.voice {
            self.voice = voice;
            self.clock.cut();
            self.dialling.forget_passing();
        }
    }

    /// Starts or stops the ticks as the voice and the keys need them; running ticks keep their phase.
    ///
    /// Nobody waits for the first frame of silence: it leaves one frame late, so that a prompt which comes right after
    /// the answer finds the line free instead of waiting for that frame to be heard.
    pub(super) fn set_ticking(&mut self, now: Moment) {
        let is_busy = self.dialling.is_busy();
        let is_wanted = self.remote.is_some() && (self.voice.is_made() || is_busy);
        let is_first = self.clock.last_sent().is_none();
        let has_sound = is_busy || (self.voice.is_made() && self.voice != Voice::Silence);
        // Not before the last packet of the source before has been heard to its end.
        let soonest = on_grid(self.clock.free_at().map_or(now, |free| free.max(now)));
        self.tick = match self.tick {
            _ if !is_wanted => None,
            None if is_first && !has_sound => Some(soonest + PERIOD),
            None => Some(soonest),
            Some(due) if is_first && has_sound => Some(due.min(soonest)),
            running => running,
        };
    }

    /// Whether a frame is due; the next one is due 20 ms later.
    pub(super) fn take_tick(&mut self, now: Moment) -> bool {
        let Some(due) = self.tick.filter(|due| *due <= now) else { return false };
        let is_late = now.since(due) > LATENESS;
        if is_late {
            self.clock.cut();
        }
        self.tick = Some(if is_late { on_grid(now) } else { due } + PERIOD);
        true
    }

    /// Fills the frame that is due, which is silent so far.
    pub(super) fn fill_frame(&mut self, asset: Option<&Asset>, frame: &mut [i16; FRAME]) {
        let mut has_ended = false;
        match (&mut self.voice, &mut self.playback, asset) {
            (Voice::Tone { tone, place }, ..) => {
                tone.fill(*place, frame);
                *place += FRAME as u64;
            }
            (Voice::Player, Some(playback), Some(asset)) if playback.key() == asset.key => {
                has_ended = playback.fill(asset, frame);
            }
            // A prompt that is not at hand waits in silence.
            _ => {}
        }
        if has_ended {
            self.tell_end();
        }
    }

    /// Tells the end of the playback if it has ended.
    fn tell_end(&mut self) {
        if let Some(playback) = self.playback.as_ref().filter(|playback| playback.has_ended()) {
            let (activity, played_ms) = (playback.activity(), playback.played_ms());
            self.tell(Event::PlayerEnded { session: self.id, activity, played_ms });
        }
    }
}

/// The first place of the grid that is not before `moment`.
fn on_grid(moment: Moment) -> Moment {
    Moment::from_micros(moment.as_micros().checked_next_multiple_of(GRID).unwrap_or(u64::MAX))
}
