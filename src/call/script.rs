//! A script being run for a leg: the TwiML cursor, and what it waits for.
//! It must never fetch or synthesise: it says which sound it needs and goes on when it is there.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

pub use super::sound::{Sound, SoundError};
use crate::ids::{CallId, LegId};
use crate::ops::events::Event;
use crate::supervision::machine::{Machine, Mail, Party, Turn};
use crate::twiml::script::{Action, Outcome, Script};
use crate::twiml::verb::{Dial, Noun};
use crate::webhook::WebhookError;
use crate::webhook::document::{Fetch, Fetched};

/// What a script wants of its call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Wanted {
    /// The caller shall hear this prompt.
    Prompt {
        /// Names the step.
        activity: u64,
        /// The key of the audio.
        asset: String,
        /// How often.
        loops: u32,
    },
    /// The caller shall hear itself, until the end.
    Echo,
    /// These callees shall be called and joined.
    Dial {
        /// Names the step.
        activity: u64,
        /// Whom, and how.
        dial: Box<Dial>,
    },
    /// The call shall end.
    Hangup,
}

/// What a call tells its script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Told {
    /// How a step went.
    Outcome(Outcome),
    /// The caller is gone: nothing more will be done.
    CallerGone,
}

/// What may happen to a running script.
#[derive(Debug)]
pub enum ScriptInput {
    /// Begin.
    Start,
    /// From the call.
    Told(Told),
    /// A sound that it asked for is there, by its key; or cannot be had, and why.
    Prepared(u64, Result<String, SoundError>),
    /// A document that it asked for is there, or cannot be had.
    Fetched {
        /// Names the step.
        number: u64,
        /// The document.
        result: Result<Box<Fetched>, WebhookError>,
    },
}

/// What a running script wants of the world outside.
#[derive(Debug)]
pub enum ScriptEffect {
    /// Make this sound available and tell its key.
    Prepare {
        /// Names the step.
        activity: u64,
        /// Which sound.
        sound: Sound,
    },
    /// Fetch this document.
    Fetch(Box<Fetch>),
}

/// A running script.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScriptRun {
    leg: LegId,
    call: CallId,
    script: Script,
    waiting: Waiting,
    /// Findings that stand in the log already.
    told: usize,
    mail: Mail<Wanted>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Waiting {
    /// For the sound of this step.
    Sound(u64),
    /// For the call to tell how this step went.
    Outcome(u64),
    /// For the end of a Pause.
    Pause { activity: u64, until: Moment },
    /// For nothing: the last word is said.
    Nothing,
}

impl ScriptRun {
    /// The script of a call's first leg.
    pub fn new(leg: LegId, call: CallId, script: Script) -> Self {
        Self { leg, call, script, waiting: Waiting::Nothing, told: 0, mail: Mail::new(Party::Script(leg)) }
    }

    /// The leg that it runs for.
    pub fn leg(&self) -> LegId {
        self.leg
    }

    /// The call that carries out what it wants.
    pub fn call(&self) -> CallId {
        self.call
    }

    /// Its actor cannot be kept alive: the call ends.
    pub fn give_up(&mut self, turn: &mut Turn<Self>) {
        self.waiting = Waiting::Nothing;
        self.want(Wanted::Hangup, turn);
    }

    fn want(&mut self, wanted: Wanted, turn: &mut Turn<Self>) {
        turn.letters.push(self.mail.post(Party::Call(self.call), wanted));
    }

    /// Takes up the step that the cursor stands on.
    fn perform(&mut self, action: Action, turn: &mut Turn<Self>) {
        for finding in self.script.findings().iter().skip(self.told) {
            let (line, column) = (finding.line, finding.column);
            let event =
                Event::ScriptFinding { line, column, code: finding.code, message: finding.message.clone() };
            turn.tell(self.leg, event);
        }
        self.told = self.script.findings().len();
        let (verb, detail) = described(&action);
        turn.tell(self.leg, Event::VerbStarted { verb: verb.to_owned(), detail });
        match action {
            Action::Say { activity, .. } | Action::Play { activity, .. } => {
                self.waiting = Waiting::Sound(activity);
                self.prepare(turn);
            }
            Action::Pause { activity, seconds } => {
                let until = turn.now + Duration::from_secs(u64::from(seconds));
                self.waiting = Waiting::Pause { activity, until };
            }
            Action::Dial { activity, dial } => {
                self.waiting = Waiting::Outcome(activity);
                self.want(Wanted::Dial { activity, dial }, turn);
            }
            Action::Echo { activity } => {
                self.waiting = Waiting::Outcome(activity);
                self.want(Wanted::Echo, turn);
            }
            Action::Hangup => {
                self.waiting = Waiting::Nothing;
                self.want(Wanted::Hangup, turn);
            }
        }
    }

    fn prepare(&self, turn: &mut Turn<Self>) {
        let (activity, sound) = match self.script.action() {
            Action::Say { activity, text, language, voice, .. } => {
                (activity, Sound::Speech { text, language, voice })
            }
            Action::Play { activity, source, .. } => (activity, Sound::File(source)),
            _ => return,
        };
        turn.effect(ScriptEffect::Prepare { activity, sound });
    }

    fn advance(&mut self, outcome: Outcome, turn: &mut Turn<Self>) {
        let (verb, _) = described(&self.script.action());
        let told = match &outcome {
            Outcome::Done { .. } => "done".to_owned(),
            Outcome::Failed { reason, .. } => format!("failed: {reason}"),
            Outcome::DialEnded { status, .. } => format!("{status:?}").to_lowercase(),
        };
        turn.tell(self.leg, Event::VerbEnded { verb: verb.to_owned(), outcome: told });
        let action = self.script.advance(outcome);
        self.perform(action, turn);
    }

    fn on_prepared(&mut self, activity: u64, sound: Result<String, SoundError>, turn: &mut Turn<Self>) {
        if self.waiting != Waiting::Sound(activity) {
            return;
        }
        match (sound, self.script.action()) {
            (Ok(asset), Action::Say { loops, .. } | Action::Play { loops, .. }) => {
                self.waiting = Waiting::Outcome(activity);
                self.want(Wanted::Prompt { activity, asset, loops }, turn);
            }
            (Ok(_), _) => {}
            (Err(error), _) => {
                self.advance(Outcome::Failed { activity, reason: error.message }, turn);
            }
        }
    }
}

/// A step for the event log: the verb, and what it is about.
fn described(action: &Action) -> (&'static str, String) {
    match action {
        Action::Say { text, .. } => ("Say", text.chars().take(60).collect()),
        Action::Play { source, .. } => ("Play", source.clone()),
        Action::Pause { seconds, .. } => ("Pause", format!("{seconds} s")),
        Action::Dial { dial, .. } => ("Dial", dial.nouns.iter().map(callee).collect::<Vec<_>>().join(", ")),
        Action::Echo { .. } => ("Echo", String::new()),
        Action::Hangup => ("Hangup", String::new()),
    }
}

fn callee(noun: &Noun) -> &str {
    match noun {
        Noun::Number(number) => &number.number,
        Noun::Client(client) => &client.identity,
        Noun::Sip(sip) => &sip.uri,
    }
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
            ScriptInput::Start => {
                let action = self.script.action();
                self.perform(action, turn);
            }
            ScriptInput::Prepared(activity, sound) => self.on_prepared(activity, sound, turn),
            // No step waits for a document yet.
            ScriptInput::Fetched { .. } => {}
            ScriptInput::Told(Told::CallerGone) => self.waiting = Waiting::Nothing,
            ScriptInput::Told(Told::Outcome(outcome)) => {
                // A step that is over may be told of once more: a leg that is brought back asks for its prompt
                // again, and hears again that it has ended.
                if self.waiting == Waiting::Outcome(outcome.activity()) {
                    self.advance(outcome, turn);
                }
            }
        }
    }

    fn on_deadline(&mut self, turn: &mut Turn<Self>) {
        if let Waiting::Pause { activity, until } = self.waiting
            && turn.now >= until
        {
            self.advance(Outcome::Done { activity }, turn);
        }
    }

    fn next_deadline(&self) -> Option<Moment> {
        match self.waiting {
            Waiting::Pause { until, .. } => Some(until),
            _ => None,
        }
    }

    fn resume(&mut self, turn: &mut Turn<Self>) {
        if matches!(self.waiting, Waiting::Sound(_)) {
            self.prepare(turn);
        }
    }

    fn mail(&mut self) -> &mut Mail<Wanted> {
        &mut self.mail
    }

    fn is_ending(&self) -> bool {
        self.waiting == Waiting::Nothing
    }

    fn is_finished(&self) -> bool {
        self.is_ending() && self.mail.is_settled()
    }

    fn undeliverable(&mut self, post: Wanted, turn: &mut Turn<Self>) {
        tracing::error!(leg = %self.leg, ?post, "a letter could not be delivered");
        self.waiting = Waiting::Nothing;
        // Nobody shall be left in silence: a call that dies of this wish, too, is given up by its supervisor.
        self.want(Wanted::Hangup, turn);
    }
}
