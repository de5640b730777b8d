//! What readers have acknowledged, as the arbiter keeps it: receipts are no messages, they wait until their writer
//! moves. It must never survive a fall.

use std::collections::{BTreeMap, BTreeSet};

use trunkline::supervision::machine::Party;
use trunkline::supervision::runner::Post;

use crate::world::World;

/// Receipts, and letters that are suspect.
#[derive(Default)]
pub struct PostOffice {
    noted: BTreeMap<Party, Vec<(Party, u64)>>,
    /// Writers that wait for nothing else.
    awaited: BTreeSet<Party>,
    /// What a reader has in its hands: writer and number.
    in_hand: BTreeMap<Party, (Party, u64)>,
    strikes: BTreeMap<(Party, Party, u64), u32>,
}

/// Panics on one letter after which it is taken out of the way.
const STRIKES: u32 = 2;

impl World {
    /// `reader` has committed what it read. A writer that waits for nothing else is woken.
    pub fn note_receipt(&mut self, reader: Party, writer: Party, number: u64) {
        if !self.is_here(writer) {
            return;
        }
        let noted = self.office.noted.entry(writer).or_default();
        match noted.iter_mut().find(|(known, _)| *known == reader) {
            Some((_, upto)) => *upto = number.max(*upto),
            None => noted.push((reader, number)),
        }
        if self.office.awaited.contains(&writer) {
            self.told(writer, Post::Receipts);
        }
    }

    pub fn take_receipts_of(&mut self, writer: Party) -> Vec<(Party, u64)> {
        self.office.noted.remove(&writer).unwrap_or_default()
    }

    pub fn await_receipts(&mut self, writer: Party) {
        self.office.awaited.insert(writer);
    }

    /// A writer is gone for good.
    pub fn forget_receipts(&mut self, writer: Party) {
        self.office.noted.remove(&writer);
        self.office.awaited.remove(&writer);
        self.office.in_hand.remove(&writer);
    }

    /// `reader` has ended for good: nobody waits for it to read anything any more.
    pub fn reads_no_more(&mut self, reader: Party, writers: impl IntoIterator<Item = Party>) {
        for writer in writers {
            self.note_receipt(reader, writer, u64::MAX);
        }
    }

    pub fn take_in_hand(&mut self, reader: Party, writer: Party, number: u64) {
        self.office.in_hand.insert(reader, (writer, number));
    }

    pub fn put_down(&mut self, reader: Party) {
        self.office.in_hand.remove(&reader);
    }

    /// What an actor had in hand when it died, if it must not be tried again.
    pub fn condemned(&mut self, reader: Party) -> Option<(Party, u64)> {
        let (writer, number) = self.office.in_hand.remove(&reader)?;
        let strikes = self.office.strikes.entry((reader, writer, number)).or_default();
        *strikes += 1;
        if *strikes < STRIKES {
            return None;
        }
        self.told(writer, Post::Undeliverable { reader, number });
        Some((writer, number))
    }
}
