//! When which transaction wants to be woken: one entry each, in order of time.
//! Must never be saved: it follows from the transactions.

use std::collections::BTreeSet;

use trunkline_media::moment::Moment;

use super::part::PartKey;

/// Deadlines in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda(BTreeSet<(Moment, PartKey)>);

impl Agenda {
    /// Moves the entry of `key` from where it was to where it is to be.
    pub(super) fn reschedule(&mut self, key: PartKey, was: &mut Option<Moment>, due: Option<Moment>) {
        if *was == due {
            return;
        }
        let mut entry = (Moment::default(), key);
        if let Some(at) = was.take() {
            entry.0 = at;
            self.0.remove(&entry);
        }
        if let Some(at) = due {
            entry.0 = at;
            self.0.insert(entry);
            *was = due;
        }
    }

    /// Takes out the first entry that is due.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<PartKey> {
        let (at, _) = self.0.first()?;
        if *at > now {
            return None;
        }
        self.0.pop_first().map(|(_, key)| key)
    }

    /// When the first entry is due.
    pub(super) fn next(&self) -> Option<Moment> {
        self.0.first().map(|(at, _)| *at)
    }
}
