//! Which INVITE began which leg: one that is offered twice begins one call. Pure.
//! It must never outlive the leg.

use std::collections::HashMap;

use crate::ids::LegId;
use crate::sip::endpoint::ServerKey;

/// Legs by the transaction that began them, and back.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    legs: HashMap<ServerKey, LegId>,
    keys: HashMap<LegId, ServerKey>,
}

impl Admitted {
    pub fn leg(&self, key: &ServerKey) -> Option<LegId> {
        self.legs.get(key).copied()
    }

    pub fn insert(&mut self, key: ServerKey, leg: LegId) {
        self.keys.insert(leg, key.clone());
        self.legs.insert(key, leg);
    }

    /// The INVITE that began a leg.
    pub fn key(&self, leg: LegId) -> Option<&ServerKey> {
        self.keys.get(&leg)
    }

    pub fn remove(&mut self, leg: LegId) {
        if let Some(key) = self.keys.remove(&leg) {
            self.legs.remove(&key);
        }
    }

    pub fn len(&self) -> usize {
        self.legs.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::{Limits, Message};

    fn key(branch: &str) -> ServerKey {
        let text = format!(
            "INVITE sip:100@switch SIP/2.0\r\nVia: SIP/2.0/UDP phone;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n\
             From: <sip:a@phone>;tag=1\r\nTo: <sip:100@switch>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:a@phone>\r\nContent-Length: 0\r\n\r\n"
        );
        match Message::parse(text.into(), &Limits::default()) {
            Ok(Message::Request(invite)) => ServerKey::of(&invite).expect("it has a Via"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_leg_that_is_gone_takes_its_invite_along_and_no_other() {
        let mut admitted = Admitted::default();
        let [one, two] = [1, 2].map(|number| LegId::from_bytes([number; 16]));
        admitted.insert(key("one"), one);
        admitted.insert(key("two"), two);
        admitted.remove(one);
        admitted.remove(one);
        assert_eq!((admitted.leg(&key("one")), admitted.leg(&key("two"))), (None, Some(two)));
        admitted.remove(two);
        assert_eq!((admitted.len(), admitted.keys.len()), (0, 0));
    }
}
