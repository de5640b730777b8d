//! The web application of the stories, and the disk of their recordings: what a script asks for, it gets a little later.
//! It must never answer two requests of one token differently.

use std::collections::BTreeMap;
use std::time::Duration;

use trunkline::call::profile::CallStatus;
use trunkline::call::script::{Beginning, RunSpec, ScriptInput, ScriptRun};
use trunkline::call::{CallInput, Screening};
use trunkline::ids::{CallId, LegId, RecordingSid};
use trunkline::recorded::Finished;
use trunkline::supervision::machine::Party;
use trunkline::twiml::document::{Context, Document};
use trunkline::webhook::document::{Fetch, Fetched};
use trunkline::webhook::{Cookies, Request, WebhookError, code};
use trunkline_media::moment::Moment;

use crate::house::document as named;
use crate::parcel::Parcel;
use crate::runner::{Mailed, born};
use crate::world::World;

/// How long the application takes to answer.
const ANSWERING: Duration = Duration::from_millis(40);
const SLOW: Duration = Duration::from_secs(5);

/// Answers on their way.
#[derive(Default)]
pub struct Web {
    under_way: BTreeMap<(Moment, usize), (LegId, ScriptInput)>,
    answers: usize,
}

impl Web {
    pub fn next(&self) -> Option<Moment> {
        self.under_way.keys().next().map(|(at, _)| *at)
    }

    fn take_due(&mut self, now: Moment) -> Option<(LegId, ScriptInput)> {
        let first = self.under_way.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(first.remove())
    }
}

/// What the application answers; `None`: it is down.
fn answer(request: &Request) -> Option<String> {
    let digits = request.parameters.iter().find(|(name, _)| name == "Digits");
    let digits = digits.map_or("", |(_, digits)| digits.as_str());
    let verbs = match (request.url.as_str(), digits) {
        ("http://app/menu", _) => {
            "<Gather numDigits=\"1\" action=\"choice\"><Say>Press 1 or 2.</Say></Gather><Say>Nothing.</Say>"
        }
        ("http://app/choice", "1") => "<Dial action=\"after\"><Client>bob</Client></Dial>",
        ("http://app/choice", _) => "<Redirect>menu</Redirect>",
        ("http://app/after", _) => "<Say>Goodbye.</Say>",
        ("http://app/voicemail", _) => "<Record action=\"thanks\" recordingStatusCallback=\"kept\"/>",
        ("http://app/thanks", _) => "<Say>Thank you.</Say>",
        ("http://app/screened", _) => {
            "<Dial><Client url=\"ask\" statusCallback=\"told\" statusCallbackEvent=\"initiated ringing answered completed\">bob</Client></Dial>"
        }
        ("http://app/ask", _) => {
            "<Gather numDigits=\"1\" action=\"agreed\"><Say>Press a key.</Say></Gather><Hangup/>"
        }
        ("http://app/agreed", _) => "<Pause length=\"1\"/>",
        ("http://app/spare", _) => "<Say>Sorry.</Say>",
        ("http://app/down", _) => return None,
        ("http://app/slow", _) => "<Say>Here at last.</Say>",
        ("http://app/busy", _) => "<Reject reason=\"busy\"/>",
        ("http://app/rejected", _) => "<Reject/>",
        ("http://app/empty", _) => "",
        ("http://app/hangup", _) => "<Hangup/>",
        ("http://app/later", _) => "<Pause length=\"2\"/><Redirect>rejected</Redirect>",
        ("http://app/circle", _) => "<Redirect/>",
        ("http://app/patient", _) => {
            "<Dial action=\"after\" method=\"GET\" ringTone=\"de\" callerId=\"desk\">\
                <Client url=\"forever\" method=\"GET\">bob</Client></Dial>"
        }
        ("http://app/forever", _) => "<Gather timeout=\"600\"/>",
        ("http://app/in-turn", _) => {
            "<Dial answerOnBridge=\"true\" sequential=\"true\" timeout=\"8\" timeLimit=\"20\" action=\"after\">\
                <Client>bob</Client><Client statusCallback=\"told\">carol</Client></Dial>"
        }
        ("http://app/recorded", _) => {
            "<Dial action=\"after\" record=\"record-from-answer\" recordingStatusCallback=\"kept\">\
                <Client statusCallback=\"told\">bob</Client></Dial>"
        }
        other => panic!("nobody asks for {other:?}"),
    };
    Some(format!("<Response>{verbs}</Response>"))
}

impl World {
    /// A script asks for a document. Asked again under one token it is one request.
    pub fn fetch(&mut self, leg: LegId, fetch: Fetch) {
        let Fetch { number, context, request } = fetch;
        let result = match answer(&request) {
            Some(body) => {
                let document =
                    Document::parse_in(body.as_bytes(), context).expect("the application is sound");
                let (url, cookies) = (request.url.clone(), Cookies::default());
                Ok(Box::new(Fetched { url, status: Some(200), document, cookies }))
            }
            None => Err(WebhookError::new(code::REFUSED, &request.url, "nobody listens")),
        };
        let time = if request.url.ends_with("/slow") { SLOW } else { ANSWERING };
        self.web.answers += 1;
        let place = (self.now + time, self.web.answers);
        self.web.under_way.insert(place, (leg, ScriptInput::Fetched { number, result }));
        if !self.asked.iter().any(|known| known.token == request.token) {
            self.asked.push(request);
        }
    }

    /// A script reads a document of the dialplan.
    pub fn open(&mut self, leg: LegId, number: u64, file: String, context: Context) {
        let document = Document::parse_in(named(&file).as_bytes(), context).expect("it is sound");
        let fetched = Fetched { url: file, status: None, document, cookies: Cookies::default() };
        self.signal_script(leg, ScriptInput::Fetched { number, result: Ok(Box::new(fetched)) });
    }

    /// The answers that are due arrive.
    pub fn answer_due(&mut self) {
        while let Some((leg, input)) = self.web.take_due(self.now) {
            self.signal_script(leg, input);
        }
    }

    pub fn finish_for_script(&mut self, leg: LegId, recording: RecordingSid) {
        let result = Ok(Finished { duration: 3, channels: 1, is_empty: false });
        self.signal_script(leg, ScriptInput::Finished { recording, result });
    }

    pub fn finish_for_call(&mut self, call: CallId, recording: RecordingSid) {
        let result = Ok(Finished { duration: 3, channels: 1, is_empty: false });
        if self.live.calls.get(&call).is_some_and(Option::is_some) {
            let input = CallInput::Finished { recording, result };
            self.queue.push_back(Parcel::Call(call, Mailed::Signal(input)));
        }
    }

    fn signal_script(&mut self, leg: LegId, input: ScriptInput) {
        if self.live.scripts.get(&leg).is_some_and(Option::is_some) {
            self.queue.push_back(Parcel::Script(leg, Mailed::Signal(input)));
        }
    }

    /// A call wants a callee to be asked.
    pub fn screen(&mut self, screening: Screening) {
        let Screening { leg, call, hook, profile, seed } = screening;
        let is_wanted = self.records.calls.get(&call).is_some_and(|call| call.wants_asked(leg));
        if self.records.scripts.contains_key(&leg) || !is_wanted {
            return;
        }
        let run = ScriptRun::new(RunSpec {
            leg,
            call,
            context: Context::Screening,
            profile,
            status: CallStatus::InProgress,
            recordings: "http://switch/Recordings/".into(),
            beginning: Beginning::Hook(hook),
            fallback: None,
            seed,
        });
        let (run, events) = born(run, ScriptInput::Start, self);
        self.records.scripts.insert(leg, run);
        self.log(events);
        if !self.committed() {
            self.live.scripts.insert(leg, None);
            self.queue.push_back(Parcel::start(Party::Script(leg)));
        }
    }
}
