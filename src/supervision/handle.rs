//! A handle: the one long-lived way to an actor, whichever of its generations lives.
//! Must never queue: what cannot be delivered now goes back to the sender.

use std::fmt;
use std::sync::Arc;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message, prelude::SendError};
use arc_swap::ArcSwapOption;

use super::exit::ChildId;
use crate::ids::Generation;

/// Why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// No generation lives: not yet started, between two, or ended for good.
    #[error("the actor is gone")]
    Gone,
    /// The mailbox is at its bound.
    #[error("the mailbox is full")]
    Full,
}

/// Reaches the present generation of a supervised actor from any thread. All clones share one address,
/// because each address of actix has a slot of its own beyond the mailbox's bound.
pub struct Handle<A: Actor> {
    seat: Arc<Seat<A>>,
}

struct Seat<A: Actor> {
    id: ChildId,
    present: ArcSwapOption<(Generation, Addr<A>)>,
}

impl<A: Actor> Handle<A> {
    pub(super) fn vacant(id: ChildId) -> Self {
        Self { seat: Arc::new(Seat { id, present: ArcSwapOption::const_empty() }) }
    }

    /// The child that this handle reaches.
    pub fn id(&self) -> &ChildId {
        &self.seat.id
    }

    /// The generation that lives now, if one does.
    pub fn generation(&self) -> Option<Generation> {
        self.seat.present.load().as_ref().map(|present| present.0)
    }

    /// Delivers `message` to the present generation. Fails, without waiting, when none lives or its
    /// mailbox is full; the message is lost then: [`offer`](Self::offer) gives it back.
    pub fn try_send<M>(&self, message: M) -> Result<(), Undelivered>
    where
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        self.offer(message).map_err(|(why, _)| why)
    }

    /// Delivers `message` to the present generation, or gives it back with the reason.
    pub fn offer<M>(&self, message: M) -> Result<(), (Undelivered, M)>
    where
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        match &*self.seat.present.load() {
            None => Err((Undelivered::Gone, message)),
            Some(present) => present.1.try_send(message).map_err(|error| match error {
                SendError::Full(message) => (Undelivered::Full, message),
                SendError::Closed(message) => (Undelivered::Gone, message),
            }),
        }
    }

    pub(super) fn seat(&self, generation: Generation, address: Addr<A>) {
        self.seat.present.store(Some(Arc::new((generation, address))));
    }

    pub(super) fn vacate(&self) {
        self.seat.present.store(None);
    }

    /// An address of the present generation, for asking within the module: it has a slot of its own.
    pub(super) fn address(&self) -> Option<Addr<A>> {
        self.seat.present.load().as_ref().map(|present| present.1.clone())
    }
}

impl<A: Actor> Clone for Handle<A> {
    fn clone(&self) -> Self {
        Self { seat: Arc::clone(&self.seat) }
    }
}

impl<A: Actor> fmt::Debug for Handle<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("id", &self.seat.id).field("generation", &self.generation()).finish()
    }
}
