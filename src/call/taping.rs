//! The recording of a Dial: both parties into one file, which is there before anybody is told of it.
//! It must never hold the parties up: who is recorded talks on.

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::dialing::Ending;
use super::script::{DialResult, FILE, Taped, Told, told_at_the_end};
use super::{Call, CallEffect, Notify};
use crate::ids::{LegId, RecordingSid};
use crate::leg::{Layout, Order, Taping};
use crate::recorded::{Finished, RecordingError};
use crate::supervision::machine::Turn;
use crate::twiml::verb::recording::{Mode, Recording, Stage, Track};

/// A recording under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Tape {
    pub sid: RecordingSid,
    began: Moment,
}

fn layout(recording: &Recording) -> Layout {
    match (recording.mode, recording.track) {
        (Mode::RecordFromAnswerDual | Mode::RecordFromRingingDual, Track::Both) => Layout::Dual,
        _ => Layout::Mono,
    }
}

impl Call {
    /// A Dial begins: one that is recorded from ringing on is recorded from now on.
    pub(super) fn tape_ringing(&mut self, turn: &mut Turn<Self>) {
        let mode = self.dialing.as_ref().map(|dialing| dialing.recording().mode);
        if matches!(mode, Some(Mode::RecordFromRinging | Mode::RecordFromRingingDual)) {
            self.tape_parent(turn);
        }
    }

    /// The parties are joined.
    pub(super) fn tape_joined(&mut self, callee: LegId, turn: &mut Turn<Self>) {
        let Some(recording) = self.dialing.as_ref().map(|dialing| dialing.recording().clone()) else {
            return;
        };
        if recording.mode == Mode::DoNotRecord {
            return;
        }
        self.tape_parent(turn);
        if recording.track != Track::Inbound {
            self.tape(callee, 1, &recording, turn);
        }
    }

    fn tape_parent(&mut self, turn: &mut Turn<Self>) {
        let Some(dialing) = &mut self.dialing else { return };
        if dialing.tape.is_some() {
            return;
        }
        let recording = dialing.recording().clone();
        let sid = RecordingSid::from_bytes(self.minter.bytes());
        dialing.tape = Some(Tape { sid, began: turn.now });
        if recording.track != Track::Outbound {
            self.tape(self.parent, 0, &recording, turn);
        }
        self.tell_of_tape(&recording, Stage::InProgress, sid, turn.now, None, turn);
    }

    fn tape(&mut self, leg: LegId, channel: u8, recording: &Recording, turn: &mut Turn<Self>) {
        let activity = self.next_act();
        let Some(tape) = self.dialing.as_ref().and_then(|dialing| dialing.tape.as_ref()) else { return };
        let layout = layout(recording);
        let taping = Taping {
            recording: tape.sid,
            activity,
            layout,
            channel: if layout == Layout::Dual { channel } else { 0 },
            origin: tape.began,
            silence: None,
            limit: None,
        };
        self.order(leg, Order::Tape(Some(taping)), turn);
    }

    /// The Dial ends, and the callee stays on the line.
    pub(super) fn untape_callee(&mut self, turn: &mut Turn<Self>) {
        let Some(dialing) = self.dialing.as_ref().filter(|dialing| dialing.tape.is_some()) else { return };
        if let Some(callee) = dialing.talks_with() {
            self.order(callee, Order::Tape(None), turn);
        }
    }

    /// The Dial is over. One that was recorded is told of once the recording can be fetched.
    pub(super) fn end_dial(
        &mut self,
        activity: u64,
        result: DialResult,
        recorded: Option<(Tape, Recording)>,
        turn: &mut Turn<Self>,
    ) {
        let Some((tape, recording)) = recorded else { return self.tell_of_dial(activity, result, turn) };
        if self.phase != super::Phase::Over {
            self.order(self.parent, Order::Tape(None), turn);
        }
        let mut ending = Ending { activity, result, tape, recording, answer_by: None };
        ending.finish(turn);
        self.ending = Some(Box::new(ending));
    }

    /// Nobody has told what became of the recording: the caller shall not wait for ever.
    pub(super) fn on_unfinished(&mut self, turn: &mut Turn<Self>) {
        let overdue = self.ending.as_ref().filter(|ending| ending.answer_by.is_some_and(|by| turn.now >= by));
        if let Some(sid) = overdue.map(|ending| ending.tape.sid) {
            self.on_finished(sid, Err(RecordingError::Unresponsive), turn);
        }
    }

    /// The recordings of Dials that are under way, or being brought to their end.
    pub fn recordings(&self) -> Vec<RecordingSid> {
        let dialing = self.dialing.as_ref().and_then(|dialing| dialing.tape.as_ref());
        let ending = self.ending.as_ref().map(|ending| &ending.tape);
        dialing.into_iter().chain(ending).map(|tape| tape.sid).collect()
    }

    pub(super) fn on_finished(
        &mut self,
        sid: RecordingSid,
        finished: Result<Finished, RecordingError>,
        turn: &mut Turn<Self>,
    ) {
        let Some(ending) = self.ending.take_if(|ending| ending.tape.sid == sid) else { return };
        let Ending { activity, mut result, tape, recording, .. } = *ending;
        let told = match &finished {
            Ok(finished) if !finished.is_empty => told_at_the_end(sid, finished.duration, &self.recordings),
            _ => Vec::new(),
        };
        self.tell_end_of_recorded(result.leg.filter(|_| result.bridged), told, turn);
        match finished {
            Ok(finished) if !finished.is_empty => {
                result.recording = Some((sid, finished.duration));
                self.tell_of_tape(&recording, Stage::Completed, sid, tape.began, Some(&finished), turn);
            }
            finished => {
                if let Err(error) = finished {
                    tracing::error!(call = %self.id, recording = %sid, %error, "a Dial was not recorded");
                }
                self.tell_of_tape(&recording, Stage::Absent, sid, tape.began, None, turn);
            }
        }
        self.tell_of_dial(activity, result, turn);
    }

    fn tell_of_dial(&mut self, activity: u64, result: DialResult, turn: &mut Turn<Self>) {
        self.tell_script(Told::DialEnded { activity, result: Box::new(result) }, turn);
    }

    fn tell_of_tape(
        &mut self,
        recording: &Recording,
        stage: Stage,
        sid: RecordingSid,
        began: Moment,
        finished: Option<&Finished>,
        turn: &mut Turn<Self>,
    ) {
        let Some(url) = recording.status_callback.clone() else { return };
        if !recording.status_callback_event.contains(&stage) {
            return;
        }
        let track = match recording.track {
            Track::Both => "both",
            Track::Inbound => "inbound",
            Track::Outbound => "outbound",
        };
        let channels = if layout(recording) == Layout::Dual { 2 } else { 1 };
        let taped = Taped { sid, recordings: &self.recordings, source: "DialVerb", track, channels };
        let mut further = taped.told(stage, finished);
        further.push(("RecordingStartTime".to_owned(), self.profile.clock.stamp(began)));
        self.tell_of_parent(Notify { url, method: recording.status_callback_method }, further, turn);
    }
}

impl Ending {
    /// Wants the recording to be there, within its time.
    pub fn finish(&mut self, turn: &mut Turn<Call>) {
        self.answer_by = Some(turn.now + FILE);
        let (recording, trim) = (self.tape.sid, self.recording.trim);
        turn.effect(CallEffect::Finish { recording, trim });
    }
}
