//! A script being run for a leg: the cursor over its document, and what it waits for.
//! It must never fetch, synthesise or record: it says what it needs and goes on when it is there.

mod documents;
mod gathering;
mod patience;
pub mod place;
mod recording;
mod steps;
mod words;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use self::documents::Pending;
use self::gathering::Gathering;
pub(in crate::call) use self::patience::FILE;
pub use self::place::Place;
use self::recording::Recording;
pub(in crate::call) use self::recording::{Taped, told_at_the_end};
pub use self::words::{DialResult, Redirection, ScriptEffect, ScriptInput, Told, Wanted};
use super::profile::{CallStatus, Profile};
pub use super::sound::{Sound, SoundError};
use crate::callbacks::Callback;
use crate::ids::{CallId, LegId, Minter};
use crate::ops::events::Event;
use crate::supervision::machine::{Machine, Mail, Party, Turn};
use crate::twiml::document::{Context, Document};
use crate::twiml::finding::Finding;
use crate::twiml::script::Script;
use crate::twiml::verb::Method;
use crate::webhook::Cookies;

/// A running script.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScriptRun {
    leg: LegId,
    call: CallId,
    context: Context,
    profile: Arc<Profile>,
    status: CallStatus,
    /// Where recordings are fetched from: a SID follows.
    recordings: Arc<str>,
    /// What is asked when a document cannot be had or run.
    fallback: Option<Hook>,
    /// The document that runs is the fallback.
    is_fallback: bool,
    /// What was asked for first, until it is there.
    first: Option<Hook>,
    place: Place,
    script: Script,
    cookies: Cookies,
    minter: Minter,
    /// The number of the latest step.
    activities: u64,
    /// Documents that followed each other without a pause: a script that only leads on is going round in circles.
    documents: u32,
    /// When the latest of them began.
    #[serde(default)]
    document_began: Option<Moment>,
    waiting: Waiting,
    /// When what was asked of the world outside is waited for no longer.
    #[serde(default)]
    answer_by: Option<Moment>,
    /// An unanswered caller was told that it rings.
    #[serde(default)]
    has_rung: bool,
    is_gone: bool,
    /// The call waits for what is still to be told.
    #[serde(default)]
    is_awaited: bool,
    mail: Mail<Wanted>,
}

/// A document that is asked for, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Where.
    pub place: Place,
    /// How.
    #[serde(default)]
    pub method: Method,
}

/// How a script begins.
#[derive(Clone, Debug)]
pub enum Beginning {
    /// With a document that is there.
    Document {
        /// What to run.
        document: Document,
        /// Where it stands.
        place: Place,
    },
    /// With one that has to be asked for.
    Hook(Hook),
}

/// What a script is made from.
#[derive(Clone, Debug)]
pub struct RunSpec {
    /// The leg that it runs for.
    pub leg: LegId,
    /// The call that carries out what it wants.
    pub call: CallId,
    /// What it may do.
    pub context: Context,
    /// Who calls whom.
    pub profile: Arc<Profile>,
    /// How far the leg is.
    pub status: CallStatus,
    /// Where recordings are fetched from: a SID follows.
    pub recordings: Arc<str>,
    /// How it begins.
    pub beginning: Beginning,
    /// What is asked when a document cannot be had or run.
    pub fallback: Option<Hook>,
    /// Secret randomness for its names.
    pub seed: [u8; 16],
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Waiting {
    /// For a document.
    Document(Box<Pending>),
    /// For the sound of this step.
    Sound { activity: u64, sound: Sound, loops: u32 },
    /// For the call to tell how this step went.
    Outcome(u64),
    /// For the end of a Pause.
    Pause { until: Moment },
    /// For keys.
    Keys(Box<Gathering>),
    /// For the end of a recording.
    Recording(Box<Recording>),
    /// For nothing: the last word is said.
    Nothing,
}

impl ScriptRun {
    /// A script before its first step.
    pub fn new(spec: RunSpec) -> Self {
        let RunSpec { leg, call, context, profile, status, recordings, beginning, fallback, seed } = spec;
        let (first, place, document) = match beginning {
            Beginning::Document { document, place } => (None, place, document),
            Beginning::Hook(hook) => (Some(hook), Place::Made, Document::default()),
        };
        Self {
            leg,
            call,
            context,
            profile,
            status,
            recordings,
            fallback,
            is_fallback: false,
            first,
            place,
            script: Script::new(document),
            cookies: Cookies::default(),
            minter: Minter::new(seed),
            activities: 0,
            documents: 0,
            document_began: None,
            waiting: Waiting::Nothing,
            answer_by: None,
            has_rung: false,
            is_gone: false,
            is_awaited: false,
            mail: Mail::new(Party::Script(leg)),
        }
    }

    /// The leg that it runs for.
    pub fn leg(&self) -> LegId {
        self.leg
    }

    /// The call that carries out what it wants.
    pub fn call(&self) -> CallId {
        self.call
    }

    /// What it does at present, in short; for those who look from outside.
    pub fn doing(&self) -> String {
        match (&self.waiting, self.script.step()) {
            (Waiting::Document(pending), _) => format!("waits for {}", pending.place()),
            (Waiting::Nothing, _) => "is over".to_owned(),
            (_, Some(step)) => format!("{} in {}, line {}", step.verb.name(), self.place, step.line),
            (_, None) => format!("is at the end of {}", self.place),
        }
    }

    /// Its actor cannot be kept alive: the leg ends.
    pub fn give_up(&mut self, turn: &mut Turn<Self>) {
        self.waiting = Waiting::Nothing;
        self.want(Wanted::Hangup, turn);
    }

    fn start(&mut self, turn: &mut Turn<Self>) {
        let Some(hook) = self.first.take() else { return self.perform(turn) };
        self.ask(hook, Vec::new(), turn);
    }

    /// A caller that is not answered yet and has to wait hears that it rings.
    fn ring(&mut self, turn: &mut Turn<Self>) {
        let is_due = self.context == Context::Main && self.status == CallStatus::Ringing;
        if is_due && !std::mem::replace(&mut self.has_rung, true) {
            self.want(Wanted::Ring, turn);
        }
    }

    fn want(&mut self, wanted: Wanted, turn: &mut Turn<Self>) {
        turn.letters.push(self.mail.post(Party::Call(self.call), wanted));
    }

    /// The number of a new step: none is given twice in the life of a script, over all its documents.
    fn next_activity(&mut self) -> u64 {
        self.activities += 1;
        self.activities
    }

    /// Something is heard or asked: that answers the leg.
    fn note_answer(&mut self) {
        if self.status == CallStatus::Ringing {
            self.status = CallStatus::InProgress;
        }
    }

    fn end_step(&mut self, outcome: &str, turn: &mut Turn<Self>) {
        let verb = self.script.step().map_or("Hangup", |step| step.verb.name()).to_owned();
        turn.tell(self.leg, Event::VerbEnded { verb, outcome: outcome.to_owned() });
    }

    /// The step is over: the next one begins.
    fn advance(&mut self, outcome: &str, turn: &mut Turn<Self>) {
        self.end_step(outcome, turn);
        self.script.advance();
        self.perform(turn);
    }

    fn find(&self, findings: impl IntoIterator<Item = Finding>, turn: &mut Turn<Self>) {
        for Finding { line, column, code, message } in findings {
            turn.tell(self.leg, Event::ScriptFinding { line, column, code, message });
        }
    }

    /// Tells that something is wrong with the present step.
    fn complain(&self, code: u32, message: String, turn: &mut Turn<Self>) {
        let (line, column) = self.script.step().map_or((1, 1), |step| (step.line, step.column));
        self.find([Finding { line, column, code, message }], turn);
    }

    fn prepare(&self, activity: u64, sound: Sound, turn: &mut Turn<Self>) {
        turn.effect(ScriptEffect::Prepare { activity, sound });
    }

    /// A token that names a request through all its tries: a UUID (RFC 9562 §5.8: 122 bits of our own).
    fn token(&mut self) -> String {
        token(&mut self.minter)
    }

    /// Somebody who asked for it is told about the leg.
    fn tell(&mut self, url: String, method: Method, further: Vec<(String, String)>, turn: &mut Turn<Self>) {
        let mut parameters = self.profile.parameters(self.status);
        parameters.extend(further);
        let callback = Callback { lane: self.leg, url, method, parameters, token: self.token() };
        self.want(Wanted::Callback(Box::new(callback)), turn);
    }

    fn on_told(&mut self, told: Told, turn: &mut Turn<Self>) {
        match told {
            Told::Gone { dial_ends, waits } => {
                self.is_awaited |= waits;
                self.on_gone(dial_ends, turn);
            }
            Told::Redirected(redirection) => self.on_redirected(*redirection, turn),
            Told::Digit(digit) => self.on_digit(digit, turn),
            Told::Taped { activity, voiced } => self.on_taped(activity, voiced, turn),
            Told::DialEnded { activity, result } => self.on_dial_ended(activity, &result, turn),
            // A step that is over may be told of once more: a leg that is brought back asks for its prompt again, and
            // hears again that it has ended.
            Told::Done { activity } => match &self.waiting {
                Waiting::Outcome(waiting) if *waiting == activity => self.advance("done", turn),
                Waiting::Keys(_) => self.on_prompt_ended(activity, turn),
                Waiting::Recording(_) => self.on_beeped(activity, turn),
                _ => {}
            },
        }
    }

    /// The leg is gone. What was asked to be told of its recording or its Dial is told all the same.
    fn on_gone(&mut self, dial_ends: bool, turn: &mut Turn<Self>) {
        let was_gone = std::mem::replace(&mut self.is_gone, true);
        self.status = CallStatus::Completed;
        match &self.waiting {
            Waiting::Recording(_) => self.on_gone_while_recording(turn),
            Waiting::Outcome(_) if dial_ends => {}
            // Somebody is still to be told.
            Waiting::Document(_) if was_gone => {}
            _ => self.waiting = Waiting::Nothing,
        }
    }
}

/// A UUID of the minter's own bits.
pub(in crate::call) fn token(minter: &mut Minter) -> String {
    let mut bytes = minter.bytes();
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    (*version, *variant) = (*version & 0x0F | 0x80, *variant & 0x3F | 0x80);
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
    }
    text
}

impl Machine for ScriptRun {
    type Input = ScriptInput;
    type Post = Wanted;
    type Effect = ScriptEffect;

    fn party(&self) -> Party {
        Party::Script(self.leg)
    }

    fn handle(&mut self, input: ScriptInput, turn: &mut Turn<Self>) {
        match input {
            ScriptInput::Start => self.start(turn),
            ScriptInput::Prepared(activity, sound) => self.on_prepared(activity, sound, turn),
            ScriptInput::Fetched { number, result } => self.on_fetched(number, result, turn),
            ScriptInput::Finished { recording, result } => self.on_finished(recording, result, turn),
            ScriptInput::Told(told) => self.on_told(told, turn),
        }
        if self.is_awaited && self.is_ending() {
            self.is_awaited = false;
            self.want(Wanted::Over, turn);
        }
    }

    fn on_deadline(&mut self, turn: &mut Turn<Self>) {
        match &self.waiting {
            _ if self.asked().is_some() => self.on_unanswered(turn),
            Waiting::Pause { until } if turn.now >= *until => self.advance("done", turn),
            Waiting::Keys(_) => self.on_silence(turn),
            Waiting::Recording(_) => self.on_overdue(turn),
            _ => {}
        }
    }

    fn next_deadline(&self) -> Option<Moment> {
        match &self.waiting {
            _ if self.asked().is_some() => self.answer_by,
            Waiting::Pause { until } => Some(*until),
            Waiting::Keys(gathering) => gathering.next_deadline(),
            Waiting::Recording(recording) => recording.next_deadline(),
            _ => None,
        }
    }

    fn resume(&mut self, turn: &mut Turn<Self>) {
        // It is all asked for again, and gets its time again.
        self.expect_answer(turn);
        match &self.waiting {
            Waiting::Document(pending) => pending.request(self, turn),
            Waiting::Sound { activity, sound, .. } => self.prepare(*activity, sound.clone(), turn),
            Waiting::Keys(gathering) => gathering.prepare(turn),
            Waiting::Recording(recording) => recording.resume(turn),
            Waiting::Outcome(_) | Waiting::Pause { .. } | Waiting::Nothing => {}
        }
    }

    fn mail(&mut self) -> &mut Mail<Wanted> {
        &mut self.mail
    }

    fn is_ending(&self) -> bool {
        matches!(self.waiting, Waiting::Nothing)
    }

    fn is_finished(&self) -> bool {
        self.is_ending() && self.mail.is_settled()
    }

    fn undeliverable(&mut self, post: Wanted, turn: &mut Turn<Self>) {
        tracing::error!(leg = %self.leg, wish = post.kind(), "a letter could not be delivered");
        self.waiting = Waiting::Nothing;
        // Nobody shall be left in silence: a call that dies of this wish, too, is given up by its supervisor.
        self.want(Wanted::Hangup, turn);
    }
}
