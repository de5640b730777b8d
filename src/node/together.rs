//! What calls say to each other across arbiters, and legs of two calls that shall hear each other.
//! It must never join what belongs to different people: whose leg is replaced is looked at here.

use trunkline_media::port::Command;
use trunkline_media::session::SessionId;

use super::cell::Cell;
use crate::call::{CallInput, Found, Verdict, Word};
use crate::ids::{CallId, LegId};
use crate::leg::Leg;
use crate::sip::message::{Replaces, StatusCode};

/// Where a media session is that is not with the worker of its call.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The worker that has it.
    at: usize,
    /// The worker that it is on its way to.
    goes_to: Option<usize>,
}

impl Place {
    /// With this worker.
    pub(super) fn settled(at: usize) -> Self {
        Self { at, goes_to: None }
    }
}

impl Cell {
    /// Finds the leg with a dialog, wherever it is, and asks its call to let `leg` take its place.
    pub(super) fn replace(&self, call: CallId, by: LegId, leg: LegId, replaces: Replaces) {
        let posts = self.house.posts.get().cloned().unwrap_or_default();
        super::cell::spawn(async move {
            // Whoever asks may be with another call, and so with another arbiter.
            let (mut asking, mut all_answered) = (None, true);
            for post in &posts {
                let seen = post.ask(move |cell| cell.records.borrow().legs.get(&by).cloned()).await;
                all_answered &= seen.is_some();
                asking = asking.or(seen.flatten());
            }
            let Some(cell) = Cell::present() else { return };
            let Some(asking) = asking else {
                if all_answered {
                    // It cannot be known any more.
                    cell.refuse_replacement(call, leg, StatusCode::FORBIDDEN);
                }
                return;
            };
            let (mut found, mut all_answered) = (None, true);
            for post in posts {
                let (replaces, asking) = (replaces.clone(), asking.clone());
                let seen = post.ask(move |cell| cell.leg_of_dialog(&replaces, &asking)).await;
                all_answered &= seen.is_some();
                found = found.or(seen.flatten());
            }
            let Some(cell) = Cell::present() else { return };
            if found.is_none() && !all_answered {
                // It may be with whoever did not answer in time: the call asks again.
                return;
            }
            match Found::verdict(found, &replaces, call, leg) {
                Ok(Verdict::Tell(other, word)) => cell.tell_call(call, other, word),
                Ok(Verdict::Hear(input)) => cell.signal_call(call, input),
                Err(status) => cell.refuse_replacement(call, leg, status),
            }
        });
    }

    fn refuse_replacement(&self, call: CallId, leg: LegId, status: StatusCode) {
        self.signal_call(call, CallInput::Unreplaceable { leg, status: status.code() });
    }

    /// The leg of a dialog that is here.
    fn leg_of_dialog(&self, replaces: &Replaces, asking: &Leg) -> Option<Found> {
        let records = self.records.borrow();
        let leg = records.legs.values().find(|leg| leg.has_dialog(replaces))?;
        Some(Found::of(leg, asking))
    }

    /// Takes a word from call to call. One that does not exist any more has no leg that anybody could talk with.
    pub(super) fn tell_call(&self, from: CallId, to: CallId, word: Word) {
        let posts = self.house.posts.get().cloned().unwrap_or_default();
        let written = self.written();
        super::cell::spawn(async move {
            written.await;
            let mut is_heard = false;
            for post in posts {
                let word = word.clone();
                let told = post.ask(move |cell| {
                    let is_here = cell.records.borrow().calls.contains_key(&to);
                    if is_here {
                        cell.signal_call(to, CallInput::Word(from, word));
                    }
                    is_here
                });
                // One that does not answer in time may be the one.
                is_heard |= told.await.unwrap_or(true);
            }
            let Some(answer) = word.unheard().filter(|_| !is_heard) else { return };
            if let Some(cell) = Cell::present() {
                cell.signal_call(from, CallInput::Word(to, answer));
            }
        });
    }

    /// The worker of a leg's media session: that of its call, unless it was moved.
    pub(super) fn worker_of_session(&self, call: CallId, leg: LegId) -> usize {
        let place = self.house.places().get(&leg.session_bits()).map(|place| place.at);
        place.unwrap_or_else(|| self.house.engine.worker(call.0.session_bits()))
    }

    /// Sessions hear each other within one worker. Of two calls the one with the smaller name has its leg moved, so
    /// that it is one of them, whoever asks first.
    pub(super) fn bring_together(&self, leg: LegId, call: CallId, other: LegId) {
        let Some(own) = self.records.borrow().call_of(leg) else { return };
        let (at, to) = (self.worker_of_session(own, leg), self.worker_of_session(call, other));
        if own > call || at == to {
            return;
        }
        let Some(destination) = self.house.engine.destination(to) else { return };
        let session = SessionId(leg.session_bits());
        let place = Place { at, goes_to: Some(to) };
        let before = self.house.places().insert(session.0, place);
        if before.is_none_or(|before| before.goes_to.is_none()) {
            self.command(at, Command::Move { session, to: destination });
        }
    }

    /// A session is with another worker from now on. What was asked of it on the way was lost, and is asked again.
    pub(super) fn on_moved(&self, leg: LegId) {
        if let Some(place) = self.house.places().get_mut(&leg.session_bits()) {
            place.at = place.goes_to.take().unwrap_or(place.at);
        }
        self.wish_anew(leg);
    }
}
