//! The books of an arbiter's letters: receipts not yet taken note of, and what was in hand when somebody panicked. Pure.
//! It must never keep a line about anybody who is gone.

use std::collections::{HashMap, HashSet};

use crate::supervision::machine::Party;

/// Panics on one letter after which it is taken out of the way (design §4).
const STRIKES: u32 = 2;

/// Datagrams in quarantine; past it the memory begins anew.
const QUARANTINE: usize = 1_000;

/// What readers have acknowledged and writers have not taken note of yet.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    noted: HashMap<Party, HashMap<Party, u64>>,
    /// Writers that wait for nothing else.
    awaited: HashSet<Party>,
}

impl Receipts {
    /// `reader` has committed what `writer` wrote up to `number`. True if the writer waits for that.
    pub fn note(&mut self, reader: Party, writer: Party, number: u64) -> bool {
        let upto = self.noted.entry(writer).or_default().entry(reader).or_default();
        *upto = number.max(*upto);
        self.awaited.contains(&writer)
    }

    /// What was noted for `writer` since this was last asked.
    pub fn take(&mut self, writer: Party) -> Vec<(Party, u64)> {
        self.noted.remove(&writer).unwrap_or_default().into_iter().collect()
    }

    /// `writer` waits for nothing but receipts.
    pub fn wait(&mut self, writer: Party) {
        self.awaited.insert(writer);
    }

    /// `writer` is gone for good.
    pub fn forget(&mut self, writer: Party) {
        self.noted.remove(&writer);
        self.awaited.remove(&writer);
    }

    /// Lines kept, those for the shard excepted: it takes note when it moves next, and it never goes.
    pub fn open(&self) -> usize {
        self.noted.keys().filter(|writer| **writer != Party::Shard).count() + self.awaited.len()
    }
}

/// What was being handled when an actor panicked.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    in_hand: HashMap<Party, (Party, u64)>,
    strikes: HashMap<Party, HashMap<(Party, u64), u32>>,
    datagram: Option<u64>,
    quarantine: HashSet<u64>,
}

impl Suspects {
    /// `reader` is about to handle this letter.
    pub fn take_in_hand(&mut self, reader: Party, writer: Party, number: u64) {
        self.in_hand.insert(reader, (writer, number));
    }

    /// `reader` has survived it: whatever it panicked on before is not what is in this letter.
    pub fn put_down(&mut self, reader: Party) {
        if let Some(letter) = self.in_hand.remove(&reader)
            && let Some(strikes) = self.strikes.get_mut(&reader)
        {
            strikes.remove(&letter);
            if strikes.is_empty() {
                self.strikes.remove(&reader);
            }
        }
    }

    /// `reader` has died. Names the letter that it had in hand if that was once too often.
    pub fn strike(&mut self, reader: Party) -> Option<(Party, u64)> {
        let letter = self.in_hand.remove(&reader)?;
        let of_reader = self.strikes.entry(reader).or_default();
        let strikes = of_reader.entry(letter).or_default();
        *strikes += 1;
        if *strikes < STRIKES {
            return None;
        }
        of_reader.remove(&letter);
        Some(letter)
    }

    /// `reader` is gone for good.
    pub fn forget(&mut self, reader: Party) {
        self.in_hand.remove(&reader);
        self.strikes.remove(&reader);
    }

    /// A datagram is about to be handled. False if it made the shard panic before: it is not handled again.
    pub fn take_datagram_in_hand(&mut self, fingerprint: u64) -> bool {
        let is_clean = !self.quarantine.contains(&fingerprint);
        if is_clean {
            self.datagram = Some(fingerprint);
        }
        is_clean
    }

    /// The shard has survived it.
    pub fn put_datagram_down(&mut self) {
        self.datagram = None;
    }

    /// The shard has died: the datagram that it had in hand goes into quarantine.
    pub fn quarantine(&mut self) {
        if let Some(fingerprint) = self.datagram.take() {
            if self.quarantine.len() >= QUARANTINE {
                self.quarantine.clear();
            }
            self.quarantine.insert(fingerprint);
        }
    }

    /// Lines kept about anybody but the shard.
    pub fn open(&self) -> usize {
        self.in_hand.len() + self.strikes.keys().filter(|reader| **reader != Party::Shard).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CallId, LegId};

    fn leg() -> Party {
        Party::Leg(LegId::from_bytes([1; 16]))
    }

    fn call() -> Party {
        Party::Call(CallId(LegId::from_bytes([1; 16])))
    }

    #[test]
    fn a_writer_finds_the_latest_receipt_of_each_reader_once() {
        let mut receipts = Receipts::default();
        assert!(!receipts.note(call(), leg(), 2));
        assert!(!receipts.note(call(), leg(), 1), "an older one takes nothing back");
        receipts.wait(leg());
        assert!(receipts.note(Party::Shard, leg(), 7), "it is to be woken");
        let mut taken = receipts.take(leg());
        taken.sort();
        assert_eq!(taken, [(Party::Shard, 7), (call(), 2)]);
        assert_eq!(receipts.take(leg()), []);
        receipts.forget(leg());
        assert_eq!(receipts.open(), 0);
    }

    #[test]
    fn a_letter_is_condemned_at_the_second_panic_and_one_that_was_survived_begins_anew() {
        let mut suspects = Suspects::default();
        suspects.take_in_hand(leg(), call(), 4);
        assert_eq!(suspects.strike(leg()), None);
        assert_eq!(suspects.strike(leg()), None, "nothing was in hand this time");
        suspects.take_in_hand(leg(), call(), 4);
        suspects.put_down(leg());
        assert_eq!(suspects.open(), 0);
        for condemned in [None, Some((call(), 4))] {
            suspects.take_in_hand(leg(), call(), 4);
            assert_eq!(suspects.strike(leg()), condemned);
        }
        suspects.forget(leg());
        assert_eq!(suspects.open(), 0);
    }

    #[test]
    fn a_datagram_that_killed_the_shard_is_not_handled_again() {
        let mut suspects = Suspects::default();
        assert!(suspects.take_datagram_in_hand(1));
        suspects.put_datagram_down();
        suspects.quarantine();
        assert!(suspects.take_datagram_in_hand(1), "it was survived");
        suspects.quarantine();
        assert!(!suspects.take_datagram_in_hand(1));
        assert!(suspects.take_datagram_in_hand(2));
    }
}
