//! The documents of a script: asked for, begun, and replaced by the fallback or an apology when they cannot be run.
//! It must never ask for the same document under two tokens, nor go round in circles without end.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::place::{Place, Referred};
use super::words::{Redirection, ScriptEffect};
use super::{Hook, ScriptRun, Waiting};
use crate::ops::events::Event;
use crate::supervision::machine::Turn;
use crate::twiml::document::Document;
use crate::twiml::script::Script;
use crate::twiml::verb::Method;
use crate::webhook::document::{Fetch, Fetched};
use crate::webhook::{self, Request, WebhookError};

/// Documents that may follow each other without a pause.
const MOST: u32 = 100;
/// Time between two documents that is a pause, whatever passed it: nothing else keeps a script from keeping us busy.
const PAUSE: Duration = Duration::from_secs(1);
/// More than that: the document is asked for in circles.
const CIRCLES: u32 = 12_400;

/// What a caller hears whose script cannot be had or run.
const APOLOGY: &str = "We are sorry, an application error has occurred. Goodbye.";

/// A document that was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    number: u64,
    place: Place,
    /// For files named after keys.
    #[serde(default)]
    otherwise: Option<Place>,
    method: Method,
    parameters: Vec<(String, String)>,
    token: String,
    is_fallback: bool,
    /// When it was asked for.
    #[serde(default)]
    since: Moment,
}

impl Pending {
    /// Names the request.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What was asked for.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What came of it, and when.
    fn came(&self, result: &Result<Box<Fetched>, WebhookError>, now: Moment) -> Event {
        let took_us = u64::try_from(now.since(self.since).as_micros()).unwrap_or(u64::MAX);
        match result {
            Ok(fetched) => {
                let document = match self.place {
                    Place::File(_) => fetched.url.clone(),
                    _ => webhook::shown(&fetched.url),
                };
                Event::Obtained { document, status: fetched.status, took_us }
            }
            Err(error) => {
                let (document, status, code) = (error.url.clone(), error.status, error.code);
                Event::Unobtained { document, status, code, took_us }
            }
        }
    }

    /// Asks; asked again it is the same request.
    pub fn request(&self, run: &ScriptRun, turn: &mut Turn<ScriptRun>) {
        let (number, context) = (self.number, run.context);
        match &self.place {
            Place::Url(url) => {
                let request = Request {
                    url: url.clone(),
                    method: self.method,
                    parameters: self.parameters.clone(),
                    token: self.token.clone(),
                    cookies: run.cookies.clone(),
                };
                turn.effect(ScriptEffect::Fetch(Box::new(Fetch { number, context, request })));
            }
            Place::File(file) => {
                let otherwise = match &self.otherwise {
                    Some(Place::File(otherwise)) => Some(otherwise.clone()),
                    _ => None,
                };
                turn.effect(ScriptEffect::Open { number, file: file.clone(), otherwise, context });
            }
            Place::Made => {}
        }
    }
}

impl ScriptRun {
    /// Asks for a document, with what this step adds to the parameters.
    pub(super) fn ask(&mut self, hook: Hook, further: Vec<(String, String)>, turn: &mut Turn<Self>) {
        let referred = Referred { place: hook.place, otherwise: None };
        self.ask_for(referred, hook.method, further, false, turn);
    }

    /// The leg's Dial is over, for the other party has transferred it: what it dials next is this document. The Dial's
    /// action is not asked.
    pub(super) fn on_redirected(&mut self, redirection: Redirection, turn: &mut Turn<Self>) {
        if self.is_gone {
            return;
        }
        let Redirection { hook, fallback, target } = redirection;
        self.end_step("transferred", turn);
        self.note_answer();
        (self.fallback, self.is_fallback) = (fallback, false);
        self.ask(hook, vec![("ReferTransferTarget".to_owned(), target)], turn);
    }

    /// The step leads on to the document that it names, or to its own once more.
    pub(super) fn follow(
        &mut self,
        reference: &str,
        method: Method,
        further: Vec<(String, String)>,
        turn: &mut Turn<Self>,
    ) {
        let digits = further.iter().find(|(name, _)| name == "Digits").map(|(_, digits)| digits.as_str());
        match self.place.refer(reference, digits) {
            Ok(referred) => self.ask_for(referred, method, further, false, turn),
            Err(error) => self.fail(&error, turn),
        }
    }

    fn ask_for(
        &mut self,
        referred: Referred,
        method: Method,
        further: Vec<(String, String)>,
        is_fallback: bool,
        turn: &mut Turn<Self>,
    ) {
        let Referred { place, otherwise } = referred;
        let mut parameters = self.profile.parameters(self.status);
        parameters.extend(further);
        let (number, token) = (self.next_activity(), self.token());
        if matches!(place, Place::Url(_)) {
            self.ring(turn);
        }
        turn.tell(self.leg, Event::Asked { document: place.to_string() });
        let pending =
            Pending { number, place, otherwise, method, parameters, token, is_fallback, since: turn.now };
        pending.request(self, turn);
        self.waiting = Waiting::Document(Box::new(pending));
        self.expect_answer(turn);
    }

    pub(super) fn on_fetched(
        &mut self,
        number: u64,
        result: Result<Box<Fetched>, WebhookError>,
        turn: &mut Turn<Self>,
    ) {
        let Waiting::Document(pending) = &self.waiting else { return };
        if pending.number != number {
            return;
        }
        turn.tell(self.leg, pending.came(&result, turn.now));
        let (is_file, is_fallback) = (matches!(pending.place, Place::File(_)), pending.is_fallback);
        if self.is_gone {
            // Whoever asked to be told has been: there is nobody left to run a document for.
            if let Err(error) = &result {
                self.complain(error.code, error.to_string(), turn);
            }
            self.waiting = Waiting::Nothing;
            return;
        }
        match result {
            Ok(fetched) => {
                let Fetched { url, document, cookies, .. } = *fetched;
                if !is_file {
                    self.cookies = cookies;
                }
                let place = if is_file { Place::File(url) } else { Place::Url(url) };
                self.find(document.warnings, turn);
                self.is_fallback = is_fallback;
                self.begin(document.document, place, turn);
            }
            Err(error) => {
                self.is_fallback |= is_fallback;
                self.fail(&error, turn);
            }
        }
    }

    /// Runs a document from its top.
    fn begin(&mut self, document: Document, place: Place, turn: &mut Turn<Self>) {
        let has_paused = self.document_began.is_none_or(|began| turn.now.since(began) >= PAUSE);
        self.document_began = Some(turn.now);
        self.documents = if has_paused { 1 } else { self.documents + 1 };
        if self.documents > MOST {
            let message = format!("{MOST} documents followed each other without a pause of a second");
            // Neither the fallback nor anything else that leads on can help here.
            self.is_fallback = true;
            return self.fail(&WebhookError::new(CIRCLES, &place.to_string(), message), turn);
        }
        (self.script, self.place) = (Script::new(document), place);
        self.perform(turn);
    }

    /// The script cannot go on: its fallback is asked, and if that fails as well, the caller hears an apology.
    pub(super) fn fail(&mut self, error: &WebhookError, turn: &mut Turn<Self>) {
        // Whoever shows a finding adds its code.
        self.complain(error.code, format!("{}: {}", error.url, error.message), turn);
        if self.is_gone {
            // There is nobody left whom a fallback or an apology could help.
            self.waiting = Waiting::Nothing;
            return;
        }
        let fallback = self.fallback.clone().filter(|_| !self.is_fallback);
        let Some(Hook { place, method }) = fallback else { return self.apologise(turn) };
        let further = [("ErrorCode", error.code.to_string()), ("ErrorUrl", error.url.clone())]
            .map(|(name, value)| (name.to_owned(), value));
        let referred = Referred { place, otherwise: None };
        self.ask_for(referred, method, further.into(), true, turn);
    }

    fn apologise(&mut self, turn: &mut Turn<Self>) {
        (self.script, self.place) = (Script::new(Document::apology(APOLOGY)), Place::Made);
        self.is_fallback = true;
        self.perform(turn);
    }
}
