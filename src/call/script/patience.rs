//! How long a script waits for what it asked of the world outside: an answer can be lost, a caller shall not be.
//! It must never be shorter than what whoever is asked may take: then their own word counts.

use std::time::Duration;

use super::{ScriptRun, SoundError, Waiting};
use crate::call::sound::Sound;
use crate::recorded::RecordingError;
use crate::supervision::machine::Turn;
use crate::webhook::{LONGEST, WebhookError, code};

/// For a document: no override allows a request more than half of it, with all its tries and redirects.
const DOCUMENT: Duration = Duration::from_secs(2 * LONGEST.as_secs());

/// For a sound: one that is spoken waits for its turn, and each of several engines may take half a minute.
const SOUND: Duration = Duration::from_secs(120);

/// For a file to be brought to its end: the disk has half a minute, and hours of silence are looked through.
pub(in crate::call) const FILE: Duration = Duration::from_secs(120);

/// What is said of an answer that never came.
const LOST: &str = "nobody has told what became of it";

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Document,
    Sound,
    File,
}

impl ScriptRun {
    /// What the world outside was asked for and has not given yet.
    pub(super) fn asked(&self) -> Option<Asked> {
        match &self.waiting {
            Waiting::Document(_) => Some(Asked::Document),
            Waiting::Sound { .. } => Some(Asked::Sound),
            Waiting::Keys(gathering) => gathering.is_preparing().then_some(Asked::Sound),
            Waiting::Recording(recording) => recording.asked(),
            Waiting::Outcome(_) | Waiting::Pause { .. } | Waiting::Nothing => None,
        }
    }

    /// Something was asked for just now.
    pub(super) fn expect_answer(&mut self, turn: &Turn<Self>) {
        self.answer_by = self.asked().map(|asked| turn.now + patience(asked));
    }

    /// Nobody has answered: the script goes on as if it had been told that there is none.
    pub(super) fn on_unanswered(&mut self, turn: &mut Turn<Self>) {
        if self.asked().is_none() || self.answer_by.is_none_or(|by| turn.now < by) {
            return;
        }
        match &self.waiting {
            Waiting::Document(pending) => {
                let error = WebhookError::new(code::TOTAL_TIMEOUT, &pending.place().to_string(), LOST);
                self.on_fetched(pending.number(), Err(error), turn);
            }
            Waiting::Sound { activity, sound, .. } => {
                self.on_prepared(*activity, Err(lost(sound)), turn);
            }
            Waiting::Keys(gathering) => {
                let wanted: Vec<_> =
                    gathering.wanted().map(|(activity, sound)| (activity, lost(sound))).collect();
                wanted.into_iter().for_each(|(activity, lost)| self.on_prepared(activity, Err(lost), turn));
            }
            Waiting::Recording(recording) => match self.asked() {
                Some(Asked::File) => {
                    self.on_finished(recording.sid(), Err(RecordingError::Unresponsive), turn);
                }
                _ => self.on_prepared(recording.activity(), Err(lost(&Sound::Beep)), turn),
            },
            Waiting::Outcome(_) | Waiting::Pause { .. } | Waiting::Nothing => {}
        }
    }
}

const fn patience(asked: Asked) -> Duration {
    match asked {
        Asked::Document => DOCUMENT,
        Asked::Sound => SOUND,
        Asked::File => FILE,
    }
}

/// A sound that a URL should have given ends the document, another one is passed over.
fn lost(sound: &Sound) -> SoundError {
    match sound {
        Sound::Url(_) => SoundError { code: code::TOTAL_TIMEOUT, message: LOST.to_owned() },
        Sound::Speech { .. } | Sound::Beep | Sound::File(_) => SoundError::skipped(LOST),
    }
}
