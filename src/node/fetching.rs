//! What is fetched and posted over HTTP for the machines of an arbiter.
//! It must never hold a machine up: each hears later how it went.

use std::sync::Arc;

use super::cell::Cell;
use crate::call::script::ScriptInput;
use crate::callbacks::OutboxInput;
use crate::ids::{CallId, LegId};
use crate::webhook::Request;
use crate::webhook::document::Fetch;

impl Cell {
    /// Fetches a document and tells the script of `leg`.
    pub(super) fn fetch(&self, leg: LegId, fetch: Fetch) {
        let house = Arc::clone(&self.house);
        super::cell::spawn(async move {
            let Fetch { number, request } = fetch;
            let result = house.webhooks.document(request).await.map(Box::new);
            let Some(cell) = Cell::present() else { return };
            cell.signal_script(leg, ScriptInput::Fetched { number, result });
        });
    }

    /// Posts a callback and tells its outbox how it went. One that is under way already is not posted again.
    pub(super) fn post_callback(&self, call: CallId, number: u64, request: Request) {
        if !self.posting.borrow_mut().insert((call, number)) {
            return;
        }
        let house = Arc::clone(&self.house);
        super::cell::spawn(async move {
            let result = house.webhooks.post(request).await;
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
