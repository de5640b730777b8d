//! The steps of a script, one verb after the other: what each wants, and what follows from how it went.
//! It must never skip a step without a word in the log.

use std::time::Duration;

use super::place::Place;
use super::recording::told_at_the_end;
use super::words::{DialResult, Wanted};
use super::{ScriptRun, Sound, SoundError, Waiting};
use crate::call::profile::CallStatus;
use crate::ops::events::Event;
use crate::supervision::machine::Turn;
use crate::twiml::document::Context;
use crate::twiml::finding::code::is_error;
use crate::twiml::verb::{Dial, Hooks, Noun, Play, Say, Verb};
use crate::webhook::{WebhookError, code};

/// Nobody can be told of a recording at this address.
pub(super) const BAD_RECORDING_CALLBACK: u32 = 13_256;

impl ScriptRun {
    /// Takes up the step that the cursor stands on.
    pub(super) fn perform(&mut self, turn: &mut Turn<Self>) {
        let Some(step) = self.script.step().cloned() else { return self.run_out(turn) };
        let (verb, detail) = (step.verb.name().to_owned(), detail(&step.verb));
        turn.tell(self.leg, Event::VerbStarted { verb, detail });
        match step.verb {
            Verb::Say(say) => self.say(&say, turn),
            Verb::Play(play) => self.play(&play, turn),
            Verb::Pause(pause) => {
                self.ring(turn);
                let until = turn.now + Duration::from_secs(pause.seconds.into());
                self.waiting = Waiting::Pause { until };
            }
            Verb::Gather(gather) => self.gather(*gather, turn),
            Verb::Record(record) => self.record(*record, turn),
            Verb::Dial(dial) => self.dial(*dial, turn),
            Verb::Redirect(redirect) => self.follow(&redirect.url, redirect.method, Vec::new(), turn),
            Verb::Reject(reject) => {
                self.waiting = Waiting::Nothing;
                let is_ringing = self.status == CallStatus::Ringing;
                self.want(
                    if is_ringing { Wanted::Reject { busy: reject.busy } } else { Wanted::Hangup },
                    turn,
                );
            }
            Verb::Hangup => {
                self.waiting = Waiting::Nothing;
                self.want(Wanted::Hangup, turn);
            }
            Verb::Echo => {
                self.note_answer();
                self.waiting = Waiting::Outcome(self.activities + 1);
                self.next_activity();
                self.want(Wanted::Echo, turn);
            }
        }
    }

    /// The verbs have run out: a call ends, a callee that was asked is joined (twiml.md §8).
    fn run_out(&mut self, turn: &mut Turn<Self>) {
        self.waiting = Waiting::Nothing;
        self.want(if self.context == Context::Screening { Wanted::Bridge } else { Wanted::Hangup }, turn);
    }

    fn say(&mut self, say: &Say, turn: &mut Turn<Self>) {
        self.hear(speech(say), say.loops, turn);
    }

    fn play(&mut self, play: &Play, turn: &mut Turn<Self>) {
        if let Some(keys) = play.digits.clone() {
            self.note_answer();
            let activity = self.next_activity();
            self.waiting = Waiting::Outcome(activity);
            return self.want(Wanted::Keys { activity, keys }, turn);
        }
        match self.place.sound(&play.source) {
            Ok(sound) => self.hear(sound, play.loops, turn),
            Err(error) => self.fail(&error, turn),
        }
    }

    fn hear(&mut self, sound: Sound, loops: u32, turn: &mut Turn<Self>) {
        let activity = self.next_activity();
        self.prepare(activity, sound.clone(), turn);
        self.waiting = Waiting::Sound { activity, sound, loops };
        self.expect_answer(turn);
    }

    pub(super) fn on_prepared(
        &mut self,
        activity: u64,
        sound: Result<String, SoundError>,
        turn: &mut Turn<Self>,
    ) {
        match &self.waiting {
            Waiting::Sound { activity: waiting, loops, sound: wanted } if *waiting == activity => match sound
            {
                Ok(asset) => {
                    let loops = *loops;
                    self.note_answer();
                    self.waiting = Waiting::Outcome(activity);
                    self.want(Wanted::Prompt { activity, asset, loops }, turn);
                }
                Err(error) => {
                    let address = wanted.address().to_owned();
                    self.without_sound(&address, &error, turn);
                }
            },
            Waiting::Keys(_) => self.on_prompt_prepared(activity, sound, turn),
            Waiting::Recording(_) => self.on_beep_prepared(activity, sound, turn),
            _ => {}
        }
    }

    /// A sound that a URL should have given is an error of the script; one that the switch cannot make is passed over.
    fn without_sound(&mut self, address: &str, error: &SoundError, turn: &mut Turn<Self>) {
        if is_error(error.code) {
            return self.fail(&WebhookError::new(error.code, address, error.message.clone()), turn);
        }
        let verb = self.script.step().map_or("Say", |step| step.verb.name());
        self.complain(error.code, format!("<{verb}> was skipped: {}", error.message), turn);
        self.advance(&format!("failed: {}", error.message), turn);
    }

    fn dial(&mut self, mut dial: Dial, turn: &mut Turn<Self>) {
        if !dial.answer_on_bridge {
            self.note_answer();
        }
        for noun in &mut dial.nouns {
            let Hooks { url, status_callback, .. } = noun.hooks_mut();
            // Nobody is joined unasked who should have been asked.
            if let Some(text) = url {
                match self.document_at(text) {
                    Ok(meant) => *text = meant,
                    Err(error) => return self.fail(&error, turn),
                }
            }
            self.make_absolute(status_callback, code::BAD_URL, turn);
        }
        self.make_absolute(&mut dial.recording.status_callback, BAD_RECORDING_CALLBACK, turn);
        let activity = self.next_activity();
        self.waiting = Waiting::Outcome(activity);
        self.want(Wanted::Dial { activity, dial: Box::new(dial) }, turn);
    }

    /// What a reference to a document means here, wherever it is read.
    fn document_at(&self, reference: &str) -> Result<String, WebhookError> {
        match self.place.refer(reference, None)?.place {
            Place::Url(url) => Ok(url),
            Place::File(file) => Ok(format!("/{file}")),
            Place::Made => Err(WebhookError::new(code::BAD_URL, reference, "it is no document")),
        }
    }

    /// The address of a callback becomes what it means here; one that means nothing is taken out, and told as `code`.
    pub(super) fn make_absolute(&self, reference: &mut Option<String>, code: u32, turn: &mut Turn<Self>) {
        let Some(text) = reference.as_deref() else { return };
        let meant = self.place.refer(text, None).and_then(|referred| match referred.place {
            Place::Url(url) => Ok(url),
            _ => Err(WebhookError::new(code, text, "nobody can be told at a file")),
        });
        match meant {
            Ok(meant) => *reference = Some(meant),
            Err(error) => {
                self.complain(code, format!("{}: {}", error.url, error.message), turn);
                *reference = None;
            }
        }
    }

    pub(super) fn on_dial_ended(&mut self, activity: u64, result: &DialResult, turn: &mut Turn<Self>) {
        if !matches!(self.waiting, Waiting::Outcome(waiting) if waiting == activity) {
            return;
        }
        if result.bridged {
            self.note_answer();
        }
        let Some(Verb::Dial(dial)) = self.script.step().map(|step| step.verb.clone()) else { return };
        match dial.action {
            Some(action) => {
                self.end_step(result.status.as_str(), turn);
                self.follow(&action, dial.method, self.told_of(result), turn);
            }
            None if self.is_gone => {
                self.end_step(result.status.as_str(), turn);
                self.waiting = Waiting::Nothing;
            }
            None => self.advance(result.status.as_str(), turn),
        }
    }

    /// The parameters of a Dial's action (twiml.md §4).
    fn told_of(&self, result: &DialResult) -> Vec<(String, String)> {
        let DialResult { status, leg, duration, bridged, facts, recording } = result;
        let mut told = vec![
            ("DialCallStatus".to_owned(), status.to_string()),
            ("DialBridged".to_owned(), bridged.to_string()),
        ];
        told.extend(leg.map(|leg| ("DialCallSid".to_owned(), leg.to_string())));
        if *bridged {
            told.push(("DialCallDuration".to_owned(), duration.to_string()));
        }
        if let Some(facts) = facts {
            told.push(("DialSipCallId".to_owned(), facts.call_id.clone()));
            told.extend(facts.status.map(|status| ("DialSipResponseCode".to_owned(), status.to_string())));
            let headers = facts.headers.iter();
            told.extend(headers.map(|(name, value)| (format!("DialSipHeader_{name}"), value.clone())));
        }
        if let Some((sid, seconds)) = recording {
            told.extend(told_at_the_end(*sid, *seconds, &self.recordings));
        }
        told
    }
}

pub(super) fn speech(say: &Say) -> Sound {
    Sound::Speech { text: say.text.clone(), language: say.language.clone(), voice: say.voice.clone() }
}

/// What a step is about, for the event log.
fn detail(verb: &Verb) -> String {
    let callee = |noun: &Noun| match noun {
        Noun::Number(number) => number.number.clone(),
        Noun::Client(client) => client.identity.clone(),
        Noun::Sip(sip) => sip.uri.clone(),
    };
    match verb {
        Verb::Say(say) => say.text.chars().take(60).collect(),
        Verb::Play(play) => play.digits.clone().unwrap_or_else(|| crate::webhook::shown(&play.source)),
        Verb::Pause(pause) => format!("{} s", pause.seconds),
        Verb::Dial(dial) => dial.nouns.iter().map(callee).collect::<Vec<_>>().join(", "),
        Verb::Redirect(redirect) => crate::webhook::shown(&redirect.url),
        Verb::Reject(reject) => if reject.busy { "busy" } else { "rejected" }.to_owned(),
        Verb::Gather(_) | Verb::Record(_) | Verb::Hangup | Verb::Echo => String::new(),
    }
}
