//! Those who follow what happens: each new line of an event log goes to whoever wants it.
//! It must never wait for a reader: one that is slow misses lines, and is told how many.

use tokio::sync::mpsc;

use crate::ids::CallId;
use crate::ops::control::{Answer, Told};

/// Lines that may wait for one reader.
pub(super) const WAITING: usize = 1_024;

/// The followers of one arbiter.
#[derive(Debug, Default)]
pub(super) struct Tails(Vec<Tail>);

#[derive(Debug)]
struct Tail {
    /// The call that is wanted; none: every one.
    call: Option<CallId>,
    way: mpsc::Sender<Answer>,
    missed: u64,
}

impl Tails {
    /// One more follower.
    pub fn add(&mut self, call: Option<CallId>, way: mpsc::Sender<Answer>) {
        self.0.push(Tail { call, way, missed: 0 });
    }

    /// Whether nobody follows anything: the usual case, which must cost nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Something happened.
    pub fn tell(&mut self, told: &Told) {
        self.0.retain_mut(|tail| tail.call.is_some_and(|call| call != told.call) || tail.tell(told));
    }

    /// A call is over, with all that there is to say about it.
    pub fn over(&mut self, call: CallId) {
        self.0.retain_mut(|tail| {
            let is_over = tail.call == Some(call);
            if is_over && tail.catch_up() {
                // Where there is no room it will see the end of the stream.
                drop(tail.way.try_send(Answer::Done));
            }
            !is_over
        });
    }
}

impl Tail {
    /// False once the reader is gone.
    fn tell(&mut self, told: &Told) -> bool {
        if !self.catch_up() || self.way.try_send(Answer::Told(told.clone())).is_err() {
            self.missed = self.missed.saturating_add(1);
        }
        !self.way.is_closed()
    }

    /// Says how much was left out, as soon as there is room for that and for what comes next.
    fn catch_up(&mut self) -> bool {
        if self.missed == 0 {
            return true;
        }
        let has_room = self.way.capacity() > 1;
        if has_room && self.way.try_send(Answer::Missed { events: self.missed }).is_ok() {
            self.missed = 0;
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use trunkline_media::moment::Moment;

    use super::*;
    use crate::ids::LegId;
    use crate::ops::events::{Entry, Event};

    fn call(number: u8) -> CallId {
        CallId(LegId::from_bytes([number; 16]))
    }

    fn told(number: u8) -> Told {
        let entry = Entry { leg: call(number).0, at: Moment::from_micros(1), event: Event::Answered };
        Told { call: call(number), far_end: "alice".to_owned(), entry }
    }

    #[test]
    fn each_follower_hears_of_its_call_and_of_its_end() {
        let mut tails = Tails::default();
        let ((one, mut of_one), (all, mut of_all)) = (mpsc::channel(8), mpsc::channel(8));
        tails.add(Some(call(1)), one);
        tails.add(None, all);
        tails.tell(&told(1));
        tails.tell(&told(2));
        tails.over(call(1));
        assert!(matches!(of_one.try_recv(), Ok(Answer::Told(told)) if told.call == call(1)));
        assert!(matches!(of_one.try_recv(), Ok(Answer::Done)));
        assert_eq!(of_one.try_recv().err(), Some(mpsc::error::TryRecvError::Disconnected));
        assert!(matches!(of_all.try_recv(), Ok(Answer::Told(told)) if told.call == call(1)));
        assert!(matches!(of_all.try_recv(), Ok(Answer::Told(told)) if told.call == call(2)));
        drop(of_all);
        tails.tell(&told(2));
        assert!(tails.is_empty(), "nobody is left");
    }

    #[test]
    fn a_slow_follower_is_told_how_much_it_missed() {
        let mut tails = Tails::default();
        let (way, mut reader) = mpsc::channel(4);
        tails.add(None, way);
        (0..10).for_each(|_| tails.tell(&told(1)));
        let read: Vec<Answer> = std::iter::from_fn(|| reader.try_recv().ok()).collect();
        assert_eq!(read.len(), 4);
        tails.tell(&told(2));
        assert!(matches!(reader.try_recv(), Ok(Answer::Missed { events: 6 })));
        assert!(matches!(reader.try_recv(), Ok(Answer::Told(told)) if told.call == call(2)));
    }
}
