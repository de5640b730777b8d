//! A Record under way: the beep, the taping, and the file that has to be there before anybody is told.
//! It must never lead on before the recording can be fetched.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::patience::Asked;
use super::steps::BAD_RECORDING_CALLBACK;
use super::words::{ScriptEffect, Wanted};
use super::{ScriptRun, Sound, SoundError, Waiting};
use crate::ids::RecordingSid;
use crate::recorded::{Finished, RecordingError};
use crate::supervision::machine::Turn;
use crate::twiml::verb::Record;
use crate::twiml::verb::recording::Stage as Told;

/// There is no recording: it failed, or was too short to be one.
const ABSENT: u32 = 16_101;
/// What the action is told instead of a key when the caller hung up.
const HUNG_UP: &str = "hangup";

/// How much later than it should a taping may be told to be over.
const SLACK: Duration = Duration::from_secs(5);

/// A Record under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Recording {
    record: Record,
    activity: u64,
    sid: RecordingSid,
    /// When the caller began to be recorded.
    #[serde(default)]
    began: Option<Moment>,
    /// What ended it: a key, or the caller.
    ended_by: Option<String>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// The beep is being made available.
    Preparing,
    /// The beep is heard.
    Beeping,
    /// The caller is recorded.
    Taping,
    /// The file is brought to its end.
    Finishing,
}

impl Recording {
    pub fn sid(&self) -> RecordingSid {
        self.sid
    }

    pub fn activity(&self) -> u64 {
        self.activity
    }

    /// What the world outside has to do first.
    pub fn asked(&self) -> Option<Asked> {
        match self.stage {
            Stage::Preparing => Some(Asked::Sound),
            Stage::Finishing => Some(Asked::File),
            Stage::Beeping | Stage::Taping => None,
        }
    }

    /// Something of it may have been written.
    fn exists(&self) -> bool {
        match self.stage {
            Stage::Preparing | Stage::Beeping => false,
            Stage::Taping | Stage::Finishing => true,
        }
    }

    /// When it has lasted as long as it may, and nobody has told: whoever counts is gone.
    pub fn next_deadline(&self) -> Option<Moment> {
        let began = self.began.filter(|_| self.stage == Stage::Taping)?;
        Some(began + Duration::from_secs(self.record.max_length.into()) + SLACK)
    }

    /// Says again what is wanted of the world outside.
    pub fn resume(&self, turn: &mut Turn<ScriptRun>) {
        match self.stage {
            Stage::Preparing => {
                turn.effect(ScriptEffect::Prepare { activity: self.activity, sound: Sound::Beep });
            }
            Stage::Finishing => {
                turn.effect(ScriptEffect::Finish { recording: self.sid, trim: self.record.recording.trim });
            }
            Stage::Beeping | Stage::Taping => {}
        }
    }
}

impl ScriptRun {
    pub(super) fn record(&mut self, mut record: Record, turn: &mut Turn<Self>) {
        self.note_answer();
        self.make_absolute(&mut record.recording.status_callback, BAD_RECORDING_CALLBACK, turn);
        let activity = self.next_activity();
        let sid = RecordingSid::from_bytes(self.minter.bytes());
        let has_beep = record.play_beep;
        let recording =
            Recording { record, activity, sid, began: None, ended_by: None, stage: Stage::Preparing };
        if has_beep {
            recording.resume(turn);
        }
        self.waiting = Waiting::Recording(Box::new(recording));
        self.expect_answer(turn);
        if !has_beep {
            self.tape(turn);
        }
    }

    /// The recording that is under way, or being brought to its end.
    pub fn recording(&self) -> Option<RecordingSid> {
        match &self.waiting {
            Waiting::Recording(recording) => recording.exists().then_some(recording.sid),
            _ => None,
        }
    }

    fn record_under_way(&mut self) -> Option<&mut Recording> {
        match &mut self.waiting {
            Waiting::Recording(recording) => Some(recording),
            _ => None,
        }
    }

    pub(super) fn on_beep_prepared(
        &mut self,
        activity: u64,
        sound: Result<String, SoundError>,
        turn: &mut Turn<Self>,
    ) {
        let Some(recording) = self.record_under_way() else { return };
        if recording.activity != activity || recording.stage != Stage::Preparing {
            return;
        }
        match sound {
            Ok(asset) => {
                recording.stage = Stage::Beeping;
                self.want(Wanted::Prompt { activity, asset, loops: 1 }, turn);
            }
            // What the caller has to say is worth more than a beep.
            Err(_) => self.tape(turn),
        }
    }

    pub(super) fn on_beeped(&mut self, activity: u64, turn: &mut Turn<Self>) {
        let Some(recording) = self.record_under_way() else { return };
        if recording.activity == activity && recording.stage == Stage::Beeping {
            self.tape(turn);
        }
    }

    fn tape(&mut self, turn: &mut Turn<Self>) {
        let Some(recording) = self.record_under_way() else { return };
        recording.stage = Stage::Taping;
        recording.began = Some(turn.now);
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let (activity, sid) = (recording.activity, recording.sid);
        let silence = recording.record.timeout.map(seconds);
        let limit = seconds(recording.record.max_length);
        self.want(Wanted::Tape { activity, recording: sid, silence, limit }, turn);
        self.tell_of_recording(Told::InProgress, None, turn);
    }

    pub(super) fn on_key_while_recording(&mut self, digit: char, turn: &mut Turn<Self>) {
        let Some(recording) = self.record_under_way() else { return };
        let is_last = recording.record.finish_on_key.contains(digit);
        match recording.stage {
            Stage::Taping if is_last && recording.ended_by.is_none() => {
                recording.ended_by = Some(digit.to_string());
                self.want(Wanted::Untape, turn);
                self.finish_recording(turn);
            }
            _ => {}
        }
    }

    pub(super) fn on_taped(&mut self, activity: u64, _voiced: bool, turn: &mut Turn<Self>) {
        let Some(recording) = self.record_under_way() else { return };
        if recording.activity == activity && recording.stage == Stage::Taping {
            self.finish_recording(turn);
        }
    }

    pub(super) fn on_gone_while_recording(&mut self, turn: &mut Turn<Self>) {
        let Some(recording) = self.record_under_way() else { return };
        match recording.stage {
            Stage::Preparing | Stage::Beeping => self.waiting = Waiting::Nothing,
            Stage::Taping => {
                recording.ended_by.get_or_insert_with(|| HUNG_UP.to_owned());
                self.finish_recording(turn);
            }
            Stage::Finishing => {}
        }
    }

    /// Nobody has told of the end.
    pub(super) fn on_overdue(&mut self, turn: &mut Turn<Self>) {
        let is_due = self.record_under_way().and_then(|recording| recording.next_deadline());
        if is_due.is_some_and(|due| turn.now >= due) {
            self.want(Wanted::Untape, turn);
            self.finish_recording(turn);
        }
    }

    fn finish_recording(&mut self, turn: &mut Turn<Self>) {
        let Some(recording) = self.record_under_way() else { return };
        recording.stage = Stage::Finishing;
        recording.resume(turn);
        self.expect_answer(turn);
    }

    pub(super) fn on_finished(
        &mut self,
        sid: RecordingSid,
        result: Result<Finished, RecordingError>,
        turn: &mut Turn<Self>,
    ) {
        let Some(recording) = self.record_under_way().cloned() else { return };
        if recording.sid != sid || recording.stage != Stage::Finishing {
            return;
        }
        match result {
            Ok(finished) if !finished.is_empty => {
                self.tell_of_recording(Told::Completed, Some(&finished), turn);
                self.end_step(&format!("{} s", finished.duration), turn);
                let Recording { record, ended_by, .. } = recording;
                let mut further = told_at_the_end(sid, finished.duration, &self.recordings);
                further.push(("Digits".to_owned(), ended_by.unwrap_or_default()));
                self.follow(&record.action.unwrap_or_default(), record.method, further, turn);
            }
            result => {
                if let Err(error) = result {
                    self.complain(ABSENT, format!("<Record>: {error}"), turn);
                }
                self.tell_of_recording(Told::Absent, None, turn);
                if self.is_gone {
                    self.end_step("nothing", turn);
                    self.waiting = Waiting::Nothing;
                } else {
                    self.advance("nothing", turn);
                }
            }
        }
    }

    /// Tells whoever asked for it how the recording goes (webhooks.md §2.4).
    fn tell_of_recording(&mut self, what: Told, finished: Option<&Finished>, turn: &mut Turn<Self>) {
        let Some(Recording { record, sid, began, .. }) = self.record_under_way().cloned() else { return };
        let hooks = &record.recording;
        let Some(url) = hooks.status_callback.clone().filter(|_| hooks.status_callback_event.contains(&what))
        else {
            return;
        };
        let recordings = &self.recordings;
        let taped = Taped { sid, recordings, source: "RecordVerb", track: "inbound", channels: 1 };
        let mut further = taped.told(what, finished);
        let started = began.map(|began| self.profile.clock.stamp(began));
        further.extend(started.map(|started| ("RecordingStartTime".to_owned(), started)));
        self.tell(url, hooks.status_callback_method, further, turn);
    }
}

/// What an action, or the end of a leg, is told of a recording.
pub(in crate::call) fn told_at_the_end(
    sid: RecordingSid,
    seconds: u32,
    recordings: &str,
) -> Vec<(String, String)> {
    [
        ("RecordingUrl", format!("{recordings}{sid}")),
        ("RecordingSid", sid.to_string()),
        ("RecordingDuration", seconds.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// What a recording's callback is about.
pub(in crate::call) struct Taped<'a> {
    /// The recording.
    pub sid: RecordingSid,
    /// Where recordings are fetched from.
    pub recordings: &'a str,
    /// What records: `RecordingSource`.
    pub source: &'static str,
    /// Whose voice: `RecordingTrack`.
    pub track: &'static str,
    /// How many channels, as long as there is no file to count them in.
    pub channels: u8,
}

impl Taped<'_> {
    /// The parameters of the callback, besides those of its leg.
    pub fn told(&self, what: Told, finished: Option<&Finished>) -> Vec<(String, String)> {
        let status = match what {
            Told::InProgress => "in-progress",
            Told::Completed => "completed",
            Told::Absent => "absent",
        };
        let channels = finished.map_or(self.channels, |finished| finished.channels);
        let mut told = vec![
            ("RecordingSid", self.sid.to_string()),
            ("RecordingUrl", format!("{}{}", self.recordings, self.sid)),
            ("RecordingStatus", status.to_owned()),
            ("RecordingChannels", channels.to_string()),
            ("RecordingSource", self.source.to_owned()),
            ("RecordingTrack", self.track.to_owned()),
        ];
        told.extend(finished.map(|finished| ("RecordingDuration", finished.duration.to_string())));
        if what == Told::Absent {
            told.push(("ErrorCode", ABSENT.to_string()));
        }
        told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
