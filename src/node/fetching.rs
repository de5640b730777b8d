//! What is fetched and posted over HTTP for the machines of an arbiter.
//! It must never hold a machine up: each hears later how it went.

use std::sync::Arc;

use super::cell::Cell;
use super::metrics::Errand;
use crate::call::CallInput;
use crate::call::script::ScriptInput;
use crate::callbacks::OutboxInput;
use crate::ids::{CallId, LegId, RecordingSid};
use crate::recorded::RecordingError;
use crate::supervision::machine::Party;
use crate::supervision::{Caught, fenced};
use crate::twiml::document::Context;
use crate::webhook::document::{Fetch, Fetched};
use crate::webhook::{Cookies, Request, WebhookError, code, shown};

/// The switch itself has failed (twiml.md §9).
const INTERNAL: u32 = 12_400;

impl Cell {
    /// Fetches a document and tells the script of `leg`.
    pub(super) fn fetch(&self, leg: LegId, fetch: Fetch) {
        let (house, written) = (Arc::clone(&self.house), self.written());
        super::cell::spawn(async move {
            // Should the process die, its heir asks with the same token.
            written.await;
            let Fetch { number, context, request } = fetch;
            let began = house.clock.now();
            let url = request.url.clone();
            let fetched = fenced(house.webhooks.document(request, context)).await;
            let fetched = fetched.unwrap_or_else(|caught| Err(broken(&url, &caught)));
            let result = fetched.map(Box::new);
            let took = house.clock.now().since(began);
            house.metrics.webhook(Errand::Document, took, result.as_ref().err());
            let Some(cell) = Cell::present() else { return };
            cell.signal_script(leg, ScriptInput::Fetched { number, result });
        });
    }

    /// Reads a document of the dialplan and tells the script of `leg`. What is there already is told at once, but not
    /// before the script's own step is over.
    pub(super) fn open(
        &self,
        leg: LegId,
        number: u64,
        file: &str,
        otherwise: Option<&str>,
        context: Context,
    ) {
        let settings = self.house.settings();
        let found = std::iter::once(file).chain(otherwise).find_map(|name| {
            let read = settings.plan.read(name, context)?;
            Some(read.map(|document| (name.to_owned(), document)))
        });
        let missing = || WebhookError::new(code::RETRIEVAL, file, "there is no such file in the dialplan");
        let result = match found {
            Some(Ok((url, document))) => {
                Ok(Box::new(Fetched { url, status: None, document, cookies: Cookies::default() }))
            }
            Some(Err(error)) => Err(WebhookError::new(error.code, file, error.to_string())),
            None => Err(missing()),
        };
        self.signal_script(leg, ScriptInput::Fetched { number, result });
    }

    /// Brings a recording to its end and tells whoever waits for it: a script, or a Dial.
    pub(super) fn finish_recording(&self, party: Party, recording: RecordingSid, trim: bool) {
        let (house, written) = (Arc::clone(&self.house), self.written());
        super::cell::spawn(async move {
            written.await;
            let finished = fenced(house.recordings.finish(recording, trim)).await;
            let result = finished.unwrap_or_else(|caught| {
                tracing::error!(%recording, %caught, "whoever finishes a recording panicked");
                Err(RecordingError::Failed("the switch cannot read it".to_owned()))
            });
            let Some(cell) = Cell::present() else { return };
            match party {
                Party::Script(leg) => cell.signal_script(leg, ScriptInput::Finished { recording, result }),
                Party::Call(call) => cell.signal_call(call, CallInput::Finished { recording, result }),
                Party::Leg(_) | Party::Shard | Party::Outbox(_) => {}
            }
        });
    }

    /// Posts a callback and tells its outbox how it went. One that is under way already is not posted again.
    pub(super) fn post_callback(&self, call: CallId, number: u64, request: Request) {
        if !self.posting.borrow_mut().insert((call, number)) {
            return;
        }
        let (house, written) = (Arc::clone(&self.house), self.written());
        super::cell::spawn(async move {
            written.await;
            let (began, url) = (house.clock.now(), request.url.clone());
            let posted = fenced(house.webhooks.post(request)).await;
            let result = posted.unwrap_or_else(|caught| Err(broken(&url, &caught)));
            let took = house.clock.now().since(began);
            house.metrics.webhook(Errand::Callback, took, result.as_ref().err());
            let Some(cell) = Cell::present() else { return };
            cell.posting.borrow_mut().remove(&(call, number));
            cell.signal_outbox(call, OutboxInput::Delivered { number, result });
        });
    }

    /// Tells an outbox that its call is over, if it is.
    pub(super) fn watch_call(&self, call: CallId) {
        if !self.records.borrow().calls.contains_key(&call) {
            self.signal_outbox(call, OutboxInput::CallGone);
        }
    }
}

/// Whoever read the answer panicked on it: whoever asked is told that there is none.
fn broken(url: &str, caught: &Caught) -> WebhookError {
    tracing::error!(url = shown(url), %caught, "the answer of a webhook made its reader panic");
    WebhookError::new(INTERNAL, url, "the switch cannot read the answer")
}
