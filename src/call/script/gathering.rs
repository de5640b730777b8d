//! A Gather under way: prompts, keys, and the time that is left.
//! It must never lose a key that was pressed after it began.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::steps::speech;
use super::words::{ScriptEffect, Wanted};
use super::{ScriptRun, Sound, SoundError, Waiting};
use crate::call::profile::CallStatus;
use crate::supervision::machine::Turn;
use crate::twiml::finding::code::is_error;
use crate::twiml::verb::{Gather, Prompt};
use crate::webhook::WebhookError;

/// A sound of a Gather cannot be had (twiml.md §2).
const NO_SOUND: u32 = 13_325;
/// Keys that are kept; nobody dials more.
const MOST: usize = 1_000;

/// A Gather under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Gathering {
    gather: Gather,
    /// What is heard, in order, before it is known to be there and after.
    prompts: Vec<Heard>,
    digits: String,
    stage: Stage,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Heard {
    activity: u64,
    what: What,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum What {
    /// A sound that is being made available.
    Wanted { sound: Sound, loops: u32 },
    /// One that is there.
    Ready { asset: String, loops: u32 },
    /// Nothing, for so long.
    Pause { seconds: u32 },
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Stage {
    /// For all sounds to be there: the first is heard when the last has come.
    Preparing,
    /// The prompt at this place is heard.
    Prompting { at: usize, until: Option<Moment> },
    /// Nothing is heard any more: whoever presses nothing for so long has said what there was.
    Listening { until: Moment },
}

impl Gathering {
    /// Asks for the sounds that are not there yet.
    pub fn prepare(&self, turn: &mut Turn<ScriptRun>) {
        for (activity, sound) in self.wanted() {
            turn.effect(ScriptEffect::Prepare { activity, sound: sound.clone() });
        }
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        match self.stage {
            Stage::Preparing => None,
            Stage::Prompting { until, .. } => until,
            Stage::Listening { until } => Some(until),
        }
    }

    /// Whether the sounds are waited for.
    pub fn is_preparing(&self) -> bool {
        matches!(self.stage, Stage::Preparing)
    }

    /// The sounds that are not there yet.
    pub fn wanted(&self) -> impl Iterator<Item = (u64, &Sound)> {
        self.prompts.iter().filter_map(|heard| match &heard.what {
            What::Wanted { sound, .. } => Some((heard.activity, sound)),
            What::Ready { .. } | What::Pause { .. } => None,
        })
    }

    fn is_ready(&self) -> bool {
        self.wanted().next().is_none()
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.gather.timeout.into())
    }
}

impl ScriptRun {
    pub(super) fn gather(&mut self, gather: Gather, turn: &mut Turn<Self>) {
        let mut prompts = Vec::with_capacity(gather.prompts.len());
        for prompt in &gather.prompts {
            let what = match prompt {
                Prompt::Say(say) => What::Wanted { sound: speech(say), loops: say.loops },
                Prompt::Pause(pause) => What::Pause { seconds: pause.seconds },
                Prompt::Play(play) => match self.place.sound(&play.source) {
                    Ok(sound) => What::Wanted { sound, loops: play.loops },
                    Err(error) => return self.fail(&error, turn),
                },
            };
            prompts.push(Heard { activity: self.next_activity(), what });
        }
        let gathering = Gathering { gather, prompts, digits: String::new(), stage: Stage::Preparing };
        gathering.prepare(turn);
        let is_ready = gathering.is_ready();
        self.waiting = Waiting::Keys(Box::new(gathering));
        self.expect_answer(turn);
        if is_ready {
            self.prompt(0, turn);
        }
    }

    fn gathering(&mut self) -> Option<&mut Gathering> {
        match &mut self.waiting {
            Waiting::Keys(gathering) => Some(gathering),
            _ => None,
        }
    }

    pub(super) fn on_prompt_prepared(
        &mut self,
        activity: u64,
        sound: Result<String, SoundError>,
        turn: &mut Turn<Self>,
    ) {
        let Some(gathering) = self.gathering() else { return };
        let Some(at) = gathering.prompts.iter().position(|heard| heard.activity == activity) else { return };
        match sound {
            Ok(asset) => {
                if let Some(Heard { what, .. }) = gathering.prompts.get_mut(at)
                    && let What::Wanted { loops, .. } = what
                {
                    *what = What::Ready { asset, loops: *loops };
                }
            }
            // A key that was pressed by now is worth more than a prompt.
            Err(SoundError { code, message })
                if is_error(code) && matches!(gathering.stage, Stage::Preparing) =>
            {
                let address = match gathering.prompts.get(at).map(|heard| &heard.what) {
                    Some(What::Wanted { sound, .. }) => sound.address().to_owned(),
                    _ => String::new(),
                };
                let message = format!("a sound of <Gather> cannot be had: {message} ({code})");
                return self.fail(&WebhookError::new(NO_SOUND, &address, message), turn);
            }
            Err(SoundError { code, message }) => {
                gathering.prompts.remove(at);
                self.complain(code, format!("a prompt of <Gather> was skipped: {message}"), turn);
            }
        }
        let begins = self
            .gathering()
            .is_some_and(|gathering| matches!(gathering.stage, Stage::Preparing) && gathering.is_ready());
        if begins {
            self.prompt(0, turn);
        }
    }

    /// Lets the prompt at this place be heard; after the last the time begins to run.
    fn prompt(&mut self, at: usize, turn: &mut Turn<Self>) {
        if self.status == CallStatus::Ringing && !self.is_sound(at) {
            // Nobody presses keys into a telephone that rings: silence, too, answers it.
            self.want(Wanted::Hush, turn);
        }
        self.note_answer();
        let Some(gathering) = self.gathering() else { return };
        let Some(Heard { activity, what }) = gathering.prompts.get(at) else {
            let until = turn.now + gathering.patience();
            gathering.stage = Stage::Listening { until };
            return;
        };
        let (activity, what) = (*activity, what.clone());
        let until = match &what {
            What::Pause { seconds } => Some(turn.now + Duration::from_secs((*seconds).into())),
            _ => None,
        };
        gathering.stage = Stage::Prompting { at, until };
        if let What::Ready { asset, loops } = what {
            self.want(Wanted::Prompt { activity, asset, loops }, turn);
        }
    }

    fn is_sound(&mut self, at: usize) -> bool {
        let prompt = self.gathering().and_then(|gathering| gathering.prompts.get(at));
        prompt.is_some_and(|heard| matches!(heard.what, What::Ready { .. }))
    }

    pub(super) fn on_prompt_ended(&mut self, activity: u64, turn: &mut Turn<Self>) {
        let Some(gathering) = self.gathering() else { return };
        if let Stage::Prompting { at, until: None } = gathering.stage
            && gathering.prompts.get(at).is_some_and(|heard| heard.activity == activity)
        {
            self.prompt(at + 1, turn);
        }
    }

    pub(super) fn on_digit(&mut self, digit: char, turn: &mut Turn<Self>) {
        match &self.waiting {
            Waiting::Keys(gathering) if gathering.gather.listens => self.on_key(digit, turn),
            Waiting::Recording(_) => self.on_key_while_recording(digit, turn),
            _ => {}
        }
    }

    /// A key stops the prompts at once; the time begins to run anew.
    fn on_key(&mut self, digit: char, turn: &mut Turn<Self>) {
        self.note_answer();
        let Some(gathering) = self.gathering() else { return };
        let is_heard = matches!(gathering.stage, Stage::Prompting { until: None, .. });
        let is_last = gathering.gather.finish_on_key == Some(digit);
        if !is_last && gathering.digits.len() < MOST {
            gathering.digits.push(digit);
        }
        let pressed = gathering.digits.chars().count();
        let is_full = gathering.gather.num_digits.is_some_and(|most| pressed >= most as usize);
        let is_over = is_full || (is_last && pressed > 0);
        gathering.stage = Stage::Listening { until: turn.now + gathering.patience() };
        if is_heard {
            self.want(Wanted::Hush, turn);
        }
        if is_over {
            self.gathered(turn);
        }
    }

    /// A pause of the prompts is over, or the time for a key.
    pub(super) fn on_silence(&mut self, turn: &mut Turn<Self>) {
        let Some(gathering) = self.gathering() else { return };
        match gathering.stage {
            Stage::Prompting { at, until: Some(until) } if turn.now >= until => self.prompt(at + 1, turn),
            Stage::Listening { until } if turn.now >= until => self.gathered(turn),
            _ => {}
        }
    }

    /// What was pressed is taken to the action; nothing leads on to the next verb.
    fn gathered(&mut self, turn: &mut Turn<Self>) {
        let Some(Gathering { gather, digits, .. }) = self.gathering().cloned() else { return };
        if digits.is_empty() && !gather.action_on_empty_result {
            return self.advance("no input", turn);
        }
        self.end_step(&format!("{} keys", digits.len()), turn);
        let further = [("Digits", digits.as_str()), ("msg", "Gather End")];
        let further = further.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        self.follow(&gather.action.unwrap_or_default(), gather.method, further, turn);
    }
}
